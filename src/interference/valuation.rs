//! A rule against others on the same clusters, at several costs, and what the clusters say of additive interference.
//!
//! ```text
//! V(pi) - V(pi')   mean and error of psi_i(pi) - psi_i(pi')                                           paired by cluster
//! value at cost c  mean and error of psi_i(pi) - c (1/M_i) sum_j pi_ij                                (28)
//! additivity       d_i = psi_i at order 2 less psi_i at order 1: mean, error, p-value 2 P(T > |mean / error|)   T of n - 1 degrees of freedom
//!                  (sum d^2)^2 / sum d^4 clusters carry it: where they are few, error and p-value cannot be relied on
//! ```
//!
//! Where outcomes are not additive, additive estimators estimate the value of the nearest additive outcomes all the same (17): with
//! g = E[a a' | X]^-1 E[a Ybar(A) | X] the least-squares fit over the treatments that the design draws, a(pi)'g on average over clusters. It is
//! the value itself for rules that are like the design, and may be far off for rules that treat many more or fewer; the difference between the
//! orders estimates the part of that bias which pairs of units make, for this rule.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::value::{between, compared, net, observed};
use super::{ClusterValue, Clusters, Costs, Design, Effects, Influence, Interference, NotEstimable};
use crate::evaluate::{Comparison, Estimate, OBSERVED, as_value};

/// What rules are valued by.
#[derive(Clone, Copy, Debug)]
pub struct Valuation<'a> {
    pub clusters: &'a Clusters,
    pub design: &'a Design,
    pub interference: Interference,
    /// Read where interference is additive.
    pub effects: Option<&'a Effects>,
    /// In the direction of the outcome: positive where they take from the value.
    pub costs: Costs<'a>,
    /// Who is treated where all are who may be (N).
    pub everybody: &'a [bool],
}

/// A rule's value, with what it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValuedRule {
    #[serde(flatten)]
    pub value: ClusterValue,
    /// The rule less treating nobody and everybody, where the design tells of them, less what was observed, and less other rules.
    pub differences: Vec<Comparison>,
    /// Under additive interference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additivity_check: Option<AdditivityCheck>,
    /// In the order in which costs were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cost_curve: Vec<AtCost>,
}

/// The value by sums over pairs of treated units less that by sums over single ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AdditivityCheck {
    #[serde(flatten)]
    pub difference: Estimate,
    /// Of no difference.
    pub p_value: f64,
    /// (sum d^2)^2 / sum d^4 of the differences d.
    pub effective_clusters: f64,
}

/// The value where treating a unit has this cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AtCost {
    pub cost: f64,
    #[serde(flatten, with = "as_value")]
    pub value: Estimate,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against_nobody: Option<Estimate>,
}

impl Valuation<'_> {
    /// The value of the rule that treats unit u where `assignment[u]`, against other rules by name.
    ///
    /// # Errors
    /// [`NotEstimable`], where the design tells nothing of one of these rules.
    pub fn evaluation(
        &self,
        assignment: &[bool],
        others: &[(String, Vec<bool>)],
    ) -> Result<ValuedRule, NotEstimable> {
        let found = self.influence(assignment)?;
        let nobody = vec![false; assignment.len()];
        let without = self.influence(&nobody).ok().map(|influence| influence.psi);
        let assumed = (self.interference, self.effects.is_some());
        let value = ClusterValue::of_influence(
            self.clusters,
            assumed,
            &found,
            without.as_deref(),
            assignment,
            self.costs,
        );
        let compare = |name: &str, other: &[f64]| compared(self.clusters, &value.influence, name, other);
        let mut differences = Vec::new();
        for (name, other) in [("nobody", nobody.as_slice()), ("everybody", self.everybody)] {
            if let Ok(psi) = self.psi(other) {
                differences.push(compare(name, &psi));
            }
        }
        differences.push(compare(OBSERVED, &observed(self.clusters, self.costs)));
        for (name, other) in others {
            differences.push(compare(name, &self.psi(other)?));
        }
        let additivity_check = self.additivity_check(assignment, &found);
        Ok(ValuedRule { value, differences, additivity_check, cost_curve: Vec::new() })
    }

    /// The values of a rule at costs of treating a unit, in the direction of the outcome, in place of the valuation's own of units.
    ///
    /// # Errors
    /// [`NotEstimable`], where the design tells nothing of the rule.
    pub fn cost_curve(&self, assignment: &[bool], costs: &[f64]) -> Result<Vec<AtCost>, NotEstimable> {
        let psi = self.influence(assignment)?.psi;
        let without = self.influence(&vec![false; assignment.len()]).ok().map(|influence| influence.psi);
        let sampling = between(self.clusters);
        let at = |&cost: &f64| {
            let costs = Costs { of_units: &vec![cost; assignment.len()], ..self.costs };
            let psi = net(self.clusters, &psi, assignment, costs);
            let against = |without: &Vec<f64>| Estimate::of_mean(|i| psi[i] - without[i], &sampling);
            AtCost {
                cost,
                value: Estimate::of_mean(|i| psi[i], &sampling),
                against_nobody: without.as_ref().map(against),
            }
        };
        Ok(costs.iter().map(at).collect())
    }

    fn influence(&self, assignment: &[bool]) -> Result<Influence, NotEstimable> {
        self.design.influence(self.clusters, self.interference, self.effects, assignment)
    }

    fn psi(&self, assignment: &[bool]) -> Result<Vec<f64>, NotEstimable> {
        Ok(net(self.clusters, &self.influence(assignment)?.psi, assignment, self.costs))
    }

    /// None where order 2 is no other order, and where the design does not tell of it.
    fn additivity_check(&self, assignment: &[bool], additive: &Influence) -> Option<AdditivityCheck> {
        let pairs = Interference::Polynomial(2);
        if self.interference != Interference::Additive {
            return None;
        }
        let of_pairs = self.design.influence(self.clusters, pairs, self.effects, assignment).ok()?.psi;
        let differences: Vec<f64> = of_pairs.iter().zip(&additive.psi).map(|(two, one)| two - one).collect();
        let difference = Estimate::of_mean(|i| differences[i], &between(self.clusters));
        let student = StudentsT::new(0.0, 1.0, self.clusters.count() as f64 - 1.0).ok()?;
        let t = (difference.estimate / difference.standard_error).abs();
        let power = |k: i32| differences.iter().map(|d| d.powi(k)).sum::<f64>();
        t.is_finite().then(|| AdditivityCheck {
            difference,
            p_value: 2.0 * student.sf(t),
            effective_clusters: power(2).powi(2) / power(4),
        })
    }
}
