//! Linear rules for two arms, valued cluster by cluster: units of a cluster may affect each other.
//!
//! ```text
//! max over (b0, b)   sum_u Gamma[u, p_u]  +  sum_i f_i(p_i1, .., p_iM)  -  sum_i c_i(sum_j p_ij),     p_u = 1{b0 + x_u'b >= 0}
//!
//! unknown        f = w prod_j 1{p_j = A_j}                                                               (4)
//! polynomial b   f = w sum_{k <= b} e_k(rho_1, .., rho_M),     rho_j = 1{p_j = A_j} / e_j - 1            (14)-(16)
//! anonymous      f = sum_j w_j 1{p_j = A_j, sum_k p_k = sum_k A_k}
//! ```
//!
//! A_j is the treatment received, e_j its chance, e_k the elementary symmetric polynomials, w the (cluster mean of the) outcome over n and the
//! chance of what was received. The condition on a unit's neighbours, `sum_{k != j} p_k = sum_{k != j} A_k`, is one on the whole cluster
//! where p_j = A_j. Gamma holds what is a sum over units (gains, costs of single units) with any constant; c_i is a convex cost of the
//! number treated in a cluster. Source: interference.txt, sections 3 and 4, whose authors leave these estimators to smoothing.
//!
//! | file | what it holds |
//! |---|---|
//! | `value` | f_i and c_i at labels, and the most they can be with some labels open |
//! | `expected` | their expectations under a stochastic rule, with gradients |
//! | `form` | the mixed-integer programs |

mod expected;
mod form;
mod value;

pub use expected::{Counting, Expected};
pub use form::ClusterForm;

use crate::exact::{Digested, sum};
use crate::linear_rule::{LinearProblem, LinearRule};
use crate::model::{Model, Violation};
use crate::programs::{InvalidModel, Sense};
use crate::side_constraints::Standing;

/// How much the slopes of a convex cost may fall by rounding, relative to the largest cost.
const CONVEX_UP_TO: f64 = 1e-12;

/// What a cluster says of labels of its units.
#[derive(Clone, Debug, PartialEq)]
pub enum Interaction {
    /// `weight` where all units got what the labels say.
    Unknown { weight: f64 },
    /// `weight` times the symmetric polynomials up to `order`; `chances` (M) are those of what the units received.
    Polynomial { weight: f64, order: usize, chances: Vec<f64> },
    /// The weights (M) of the units whose own label and whose neighbours' number of treated are as received.
    Anonymous { weights: Vec<f64> },
}

/// A cluster of M units.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Their rows (M).
    pub units: Vec<usize>,
    /// A_j (M).
    pub received: Vec<bool>,
    pub interaction: Interaction,
    /// c(0), .., c(M), convex, in the objective's units; empty where there is none.
    pub joint_cost: Vec<f64>,
}

/// The cluster-rule problem: what is a sum over units, with the side constraints, and the clusters.
#[derive(Clone, Debug)]
pub struct ClusterProblem {
    linear: LinearProblem,
    clusters: Vec<Cluster>,
}

impl ClusterProblem {
    /// Poses the problem over the covariates, rewards and side constraints of `linear`.
    ///
    /// # Errors
    /// Clusters without units or of units that `linear` lacks, numbers that are not finite, chances outside (0, 1], joint costs that
    /// are not convex.
    pub fn new(linear: LinearProblem, clusters: Vec<Cluster>) -> Result<Self, InvalidModel> {
        let units = linear.units();
        clusters.iter().enumerate().try_for_each(|(i, cluster)| cluster.check(i, units))?;
        Ok(Self { linear, clusters })
    }

    /// Covariates, rewards by unit, and side constraints.
    pub fn linear(&self) -> &LinearProblem {
        &self.linear
    }

    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// The better constant rule that satisfies the side constraints, the first of equals, and its value.
    pub fn best_constant(&self) -> Option<(LinearRule, f64)> {
        use crate::policy_problem::RuleClass;
        let p = self.linear.covariates.len();
        let rules = (0..2).map(|arm| self.linear.class.constant(p, arm));
        let feasible = rules.filter(|rule| self.violations(rule).is_empty());
        let valued = feasible.map(|rule| (self.objective(&rule), rule));
        let better =
            |best: (f64, LinearRule), next: (f64, LinearRule)| if next.0 > best.0 { next } else { best };
        valued.reduce(better).map(|(value, rule)| (rule, value))
    }
}

/// Whether slopes between `costs` of 0, 1, .. never fall, up to rounding.
pub fn is_convex(costs: &[f64]) -> bool {
    let largest = costs.iter().fold(0.0_f64, |most, cost| most.max(cost.abs()));
    let bends_down = |costs: &[f64]| costs[2] - costs[1] < costs[1] - costs[0] - CONVEX_UP_TO * largest;
    !costs.windows(3).any(bends_down)
}

impl Cluster {
    fn check(&self, number: usize, units: usize) -> Result<(), InvalidModel> {
        let refuse = |what: String| Err(InvalidModel(format!("cluster {number}: {what}")));
        let size = self.units.len();
        if size == 0 || self.received.len() != size {
            return refuse(format!(
                "{size} units, {} treatments received; give one each",
                self.received.len()
            ));
        }
        if let Some(unit) = self.units.iter().find(|unit| **unit >= units) {
            return refuse(format!("unit {unit} is none of the {units} units"));
        }
        let (weights, chances): (&[f64], &[f64]) = match &self.interaction {
            Interaction::Unknown { weight } => (std::slice::from_ref(weight), &[]),
            Interaction::Polynomial { weight, chances, .. } => (std::slice::from_ref(weight), chances),
            Interaction::Anonymous { weights } => (weights, &[]),
        };
        if let Some(weight) = weights.iter().find(|weight| !weight.is_finite()) {
            return refuse(format!(
                "its weight is {weight}: what it received was too unlikely; assume less interference, or smaller clusters"
            ));
        }
        if let Some(chance) = chances.iter().find(|chance| !(**chance > 0.0 && **chance <= 1.0)) {
            return refuse(format!("the chance of a treatment received is {chance}; give numbers in (0, 1]"));
        }
        if matches!(self.interaction, Interaction::Polynomial { order: 0, .. }) {
            return refuse("give an order of at least 1".into());
        }
        let named = match &self.interaction {
            Interaction::Polynomial { .. } => chances.len() == size,
            Interaction::Anonymous { .. } => weights.len() == size,
            Interaction::Unknown { .. } => true,
        };
        if !named || !(self.joint_cost.is_empty() || self.joint_cost.len() == size + 1) {
            return refuse(format!(
                "give a weight or chance for each of {size} units, and a cost for 0 to {size} treated"
            ));
        }
        if self.joint_cost.iter().any(|cost| !cost.is_finite()) || !is_convex(&self.joint_cost) {
            return refuse("its joint cost is not a convex function of the number treated".into());
        }
        Ok(())
    }
}

impl Model for ClusterProblem {
    type Point = LinearRule;

    fn name(&self) -> &'static str {
        "cluster_rule"
    }

    fn sense(&self) -> Sense {
        Sense::Maximize
    }

    /// The objective is a mean over clusters already.
    fn units(&self) -> usize {
        1
    }

    /// NaN for a rule over other covariates.
    fn objective(&self, rule: &LinearRule) -> f64 {
        let of_units = self.linear.objective(rule);
        if of_units.is_nan() {
            return of_units;
        }
        let treats = |cluster: &Cluster| -> Vec<bool> {
            cluster.units.iter().map(|&u| rule.treats(self.linear.unit(u))).collect()
        };
        sum(std::iter::once(of_units)
            .chain(self.clusters.iter().map(|cluster| cluster.value(&treats(cluster)))))
    }

    fn violations(&self, rule: &LinearRule) -> Vec<Violation> {
        self.linear.violations(rule)
    }

    fn standings(&self, rule: &LinearRule) -> Vec<Standing> {
        self.linear.standings(rule)
    }

    fn reference_value(&self) -> Option<f64> {
        self.best_constant().map(|(_, value)| value)
    }

    fn trivial_bound(&self) -> f64 {
        let open = |cluster: &Cluster| cluster.most(&vec![None; cluster.units.len()]);
        sum(std::iter::once(self.linear.trivial_bound()).chain(self.clusters.iter().map(open)))
    }

    fn model_hash(&self) -> String {
        let mut digest = Digested::default();
        digest.add(self.name().as_bytes());
        digest.add(self.linear.model_hash().as_bytes());
        digest.add(self.data_hash().as_bytes());
        digest.text()
    }

    fn data_hash(&self) -> String {
        let mut digest = Digested::default();
        digest.add(self.linear.data_hash().as_bytes());
        // A number's debug form is its shortest exact one.
        self.clusters.iter().for_each(|cluster| digest.add(format!("{cluster:?}").as_bytes()));
        digest.text()
    }
}
