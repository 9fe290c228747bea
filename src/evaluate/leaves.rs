//! What the arm of each leaf is worth there: over the units i of leaf l, which the rule gives arm d_l,
//!
//! ```text
//! value    mean of Gamma_{i, d_l}
//! effect   mean of Gamma_{i, d_l} - Gamma_{i, e_l}      paired, with the errors of a mean over the leaf
//! e_l      the first arm; where d_l is the first arm, the arm that is best in the leaf of all others
//! ```
//!
//! An effect against the best other arm is a cautious one: which arm is best is chosen on the same units, so that its errors
//! speak for the other arm and the effect is, if anything, too small.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::estimate::Sampling;
use super::{Estimate, Evaluation, best, check_assignment};
use crate::data::{DataError, Place, Problem, Study};
use crate::rule::LeafPath;

/// A leaf, its units and what its arm is worth to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leaf {
    /// The number of the leaf, from 1 on the left.
    pub leaf: usize,
    #[serde(flatten)]
    pub path: LeafPath,
    pub units: usize,
    pub share: f64,
    /// The value of the leaf's arm to its units; none where they are in fewer than two clusters.
    pub value: Option<Estimate>,
    /// The label of the arm that the effect is against.
    pub against: String,
    /// Outcome units, in the direction of the outcome; this and what follows as `value`.
    pub effect: Option<f64>,
    pub standard_error: Option<f64>,
    pub interval: Option<[f64; 2]>,
}

impl Evaluation {
    /// The evaluation with the leaves of the rule: what each leaf is, and which of them each unit is in (n).
    ///
    /// # Errors
    /// Kind `Data` where leaves or rewards do not fit the study, or a number is not finite.
    pub fn with_leaves(
        mut self,
        study: &Study,
        rewards: &Array2<f64>,
        leaves: Vec<LeafPath>,
        leaf_of: &[usize],
    ) -> Result<Evaluation, DataError> {
        study.check_matrix("the reward matrix", rewards)?;
        let arm =
            |leaf: &LeafPath| study.arms.iter().position(|arm| *arm == leaf.arm).unwrap_or(study.arms.len());
        let arm_of: Vec<usize> = leaves.iter().map(arm).collect();
        let given: Vec<usize> =
            leaf_of.iter().map(|&l| arm_of.get(l).copied().unwrap_or(study.arms.len())).collect();
        check_assignment(study, &given)?;
        let mut units = vec![Vec::new(); leaves.len()];
        leaf_of.iter().enumerate().for_each(|(i, &l)| units[l].push(i));
        let (sampling, sign) = (Sampling::of(study), self.direction.sign());
        for (l, (path, units)) in leaves.into_iter().zip(units).enumerate() {
            let other = other_arm(rewards, &units, arm_of[l]);
            let among = sampling.among(&units);
            let mean = |other: Option<usize>| {
                let term = |i: usize| rewards[[i, arm_of[l]]] - other.map_or(0.0, |k| rewards[[i, k]]);
                (among.weighted_clusters() > 1).then(|| Estimate::of_mean(|i| sign * term(units[i]), &among))
            };
            let (value, effect) = (mean(None), mean(Some(other)));
            if !value.iter().chain(&effect).all(Estimate::is_finite) {
                let problem = Problem::Overflow { what: "the effect in a leaf" };
                return Err(Place::file(&study.source).refuse(problem));
            }
            self.leaves.push(Leaf {
                leaf: l + 1,
                path,
                units: units.len(),
                share: units.len() as f64 / study.units() as f64,
                value,
                against: study.arms[other].clone(),
                effect: effect.map(|effect| effect.estimate),
                standard_error: effect.map(|effect| effect.standard_error),
                interval: effect.map(|effect| effect.interval),
            });
        }
        Ok(self)
    }
}

/// The arm to hold `arm` against among `units`.
fn other_arm(rewards: &Array2<f64>, units: &[usize], arm: usize) -> usize {
    if arm > 0 {
        return 0;
    }
    let total = |k: usize| units.iter().map(|&i| rewards[[i, k]]).sum::<f64>();
    let totals: ndarray::Array1<f64> = (1..rewards.ncols()).map(total).collect();
    1 + best(totals.view())
}
