//! addDR where clusters are few: each cluster a fold, and an error that shows how far models move.
//!
//! ```text
//! V      mean of psi_i with g_(-i), the outcome model of all other clusters
//! error  sd(psi*_i) / sqrt(n),   psi*_i = psi_i + (g - g_(-i))_i'(1, pi_i),   V +- t_{n-1} error
//! ```
//!
//! g is the model of all clusters. psi* is what g says of the rule, with the residual that cluster i leaves to a model which has not seen it,
//! as in HC3 (MacKinnon and White 1985, "Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample
//! properties"). benches/interference.md has the coverage of both errors at 30 and 50 clusters.

use super::{ClusterValue, Clusters, Costs, Effects, Interference, ValuedRule};
use crate::evaluate::{Estimate, OBSERVED};

/// The clusters whose psi_i with the effects `together` are psi*_i: with outcomes that leave g the residuals that they left g_(-i).
pub fn left_out(clusters: &Clusters, outside: &Effects, together: &Effects) -> Clusters {
    let mut moved = clusters.clone();
    for (i, units) in clusters.members.iter().enumerate() {
        let shift = together.fitted(clusters, i) - outside.fitted(clusters, i);
        units.iter().for_each(|&u| moved.outcome[u] += shift);
    }
    moved
}

/// The value of a rule net of costs, with effects of models that leave the cluster out and of the model of all clusters.
pub fn few_clusters(
    clusters: &Clusters,
    outside: &Effects,
    together: &Effects,
    assignment: &[bool],
    costs: Costs,
) -> Estimate {
    let value = |clusters: &Clusters, effects: &Effects| {
        ClusterValue::new(clusters, Interference::Additive, Some(effects), assignment, costs).value
    };
    let moved = left_out(clusters, outside, together);
    value(&moved, together).about(value(clusters, outside).estimate)
}

impl ValuedRule {
    /// The same estimates with the errors of psi*, from the valuation of [`left_out`]. What was observed has no model, and keeps its error.
    pub fn with_errors_of(mut self, moved: &ValuedRule) -> ValuedRule {
        let about = |to: &mut Estimate, from: &Estimate| *to = from.about(to.estimate);
        about(&mut self.value.value, &moved.value.value);
        if let Some((to, from)) = self.value.against_nobody.as_mut().zip(moved.value.against_nobody.as_ref())
        {
            about(to, from);
        }
        let differences = self.differences.iter_mut().zip(&moved.differences);
        for (to, from) in differences.filter(|(to, _)| to.against != OBSERVED) {
            about(&mut to.difference, &from.difference);
        }
        self
    }
}
