//! addDR where clusters are few: each cluster a fold, and an error that shows how far models move.
//!
//! ```text
//! V      mean of psi_i with g_(-i), the outcome model of all other clusters
//! error  sd(psi*_i) / sqrt(n),   psi*_i = psi_i + (g - g_(-i))_i'(1, pi_i),   V +- t_{n-1} error
//! ```
//!
//! g is the model of all clusters. psi* is what g says of the rule, with the residual that cluster i leaves to a model which has not seen it,
//! as in HC3 (MacKinnon and White 1985, "Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample
//! properties"). benches/interference.md has the coverage of both errors at 50 clusters.

use super::{Clusters, Effects, Interference, influence};
use crate::evaluate::{Estimate, Sampling};

/// The value of a rule net of costs (N), with effects of models that leave the cluster out and of the model of all clusters.
pub fn few_clusters(
    clusters: &Clusters,
    outside: &Effects,
    together: &Effects,
    assignment: &[bool],
    costs: &[f64],
) -> Estimate {
    let psi = influence(clusters, Interference::Additive, Some(outside), assignment).psi;
    let spent = clusters.means(|u| if assignment[u] { costs[u] } else { 0.0 });
    let sampling = Sampling::new((0..psi.len()).collect(), vec![1.0; psi.len()]);
    let moved = |i: usize| {
        let [now, before] = [together, outside].map(|effects| effects.under(clusters, i, assignment));
        now - before
    };
    let value = Estimate::of_mean(|i| psi[i] - spent[i], &sampling);
    Estimate::of_mean(|i| psi[i] - spent[i] + moved(i), &sampling).about(value.estimate)
}
