//! A rule under interference, against what else could be done with the same clusters.
//!
//! ```text
//! V(pi) - V(pi'):   mean and standard error of psi_i(pi) - psi_i(pi') over the clusters, paired
//! observed          psi_i = Ybar_i, net of the costs of those who were treated
//! ```

use serde::{Deserialize, Serialize};

use super::value::{compared, observed};
use super::{ClusterValue, Clustered, Clusters, Costs, Effects, costs, treated};
use crate::data::{DataError, Place, Problem, Study};
use crate::evaluate::{Comparison, Estimate, OBSERVED, aligned, decimals, lines};
use crate::score::Direction;

/// What a rule is worth and how it compares; all values are means over clusters of cluster means, net of costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterWorth {
    pub direction: Direction,
    #[serde(flatten)]
    pub value: ClusterValue,
    /// The rule against either arm for all, in the order of the arms; against what was observed; and against others that the caller named.
    pub differences: Vec<Comparison>,
}

impl ClusterWorth {
    /// Of the rule that gives unit u `arms[u]`, on a study whose outcome models are already there where `clustered` asks for them; `others` have
    /// the influence value of each cluster (n) under another rule, by its name.
    ///
    /// # Errors
    /// As [`Clusters::of`]; kind `Data` where a number is not finite, or another rule is one for other clusters.
    pub fn new(
        study: &Study,
        clustered: &Clustered,
        arms: &[usize],
        direction: Direction,
        others: &[(String, Vec<f64>)],
    ) -> Result<ClusterWorth, DataError> {
        let clusters = Clusters::of(study)?;
        let n = clusters.count();
        let of = |assignment: &[bool]| clustered.value_of(study, &clusters, assignment, direction);
        let value = of(&treated(study, arms));
        let compare = |name: &str, other: &[f64]| compared(&clusters, &value.influence, name, other);
        let arm = |(k, label): (usize, &String)| {
            let everyone = of(&treated(study, &vec![k; study.units()]));
            let share = if k == 1 { value.treated_share } else { 1.0 - value.treated_share };
            let assigned = Some(arms.iter().filter(|&&given| given == k).count());
            Comparison { assigned, share: Some(share), ..compare(label, &everyone.influence) }
        };
        let mut differences: Vec<Comparison> = study.arms.iter().enumerate().map(arm).collect();
        let of_units = costs_of(study, direction);
        let costs = clustered.costs(&of_units, direction);
        differences.push(compare(OBSERVED, &observed(&clusters, costs)));
        for (name, other) in others {
            if other.len() != n {
                let (expected, found) = (format!("{n} clusters"), other.len().to_string());
                let problem = Problem::Shape { what: "the influence values of a rule", expected, found };
                return Err(Place::file(&study.source).refuse(problem));
            }
            differences.push(compare(name, other));
        }
        let evaluation = ClusterWorth { direction, value, differences };
        evaluation.refuse_overflow(study)?;
        Ok(evaluation)
    }

    /// The comparison called `name`; an arm's, where an arm has that name.
    pub fn against(&self, name: &str) -> Option<&Comparison> {
        self.differences.iter().find(|comparison| comparison.against == name)
    }

    /// The evaluation as an aligned table.
    pub fn table(&self) -> String {
        let ClusterValue { interference, doubly_robust, clusters, units, value, .. } = &self.value;
        let better = match self.direction {
            Direction::Maximize => "higher",
            Direction::Minimize => "lower",
        };
        format!(
            "Value {}{}: mean over {clusters} clusters ({units} units) of cluster means, net of costs, {better} is \
             better\n\n{}",
            interference.assumed(),
            if *doubly_robust { ", doubly robust" } else { "" },
            aligned(&lines(value, &self.differences, None, decimals(value.standard_error)))
        )
    }

    fn refuse_overflow(&self, study: &Study) -> Result<(), DataError> {
        let comparisons = self.differences.iter().flat_map(|c| [&c.value, &c.difference]);
        if comparisons.chain([&self.value.value]).all(Estimate::is_finite) {
            return Ok(());
        }
        Err(Place::file(&study.source).refuse(Problem::Overflow { what: "a value or its standard error" }))
    }
}

impl Clustered {
    /// The value of an assignment on a study whose outcome models are already there where they are asked for.
    pub fn value_of(
        &self,
        study: &Study,
        clusters: &Clusters,
        assignment: &[bool],
        direction: Direction,
    ) -> ClusterValue {
        let own = study.effects.as_ref().filter(|_| self.doubly_robust);
        let effects = own.map(|own| Effects::of_units(clusters, own));
        let of_units = costs_of(study, direction);
        let costs = self.costs(&of_units, direction);
        ClusterValue::new(clusters, self.interference, effects.as_ref(), assignment, costs)
    }

    /// Those of units ([`costs_of`]) with those of decisions together.
    pub fn costs<'a>(&'a self, of_units: &'a [f64], direction: Direction) -> Costs<'a> {
        Costs { of_units, joint: self.joint_cost.as_ref().map(|cost| (cost, direction.sign())) }
    }
}

/// What treating each unit costs, in the direction of the outcome (N).
pub fn costs_of(study: &Study, direction: Direction) -> Vec<f64> {
    costs(study).into_iter().map(|cost| direction.sign() * cost).collect()
}
