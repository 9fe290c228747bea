//! The value of a rule under interference, with its standard error between clusters.
//!
//! ```text
//! V = (1/n) sum_i psi_i,   error = sd(psi_i) / sqrt(n) over the n clusters,   V +- t_{n-1} error
//! ```
//!
//! net of costs, (1/M_i) sum_j c_ij pi_ij in cluster i (28).

use serde::{Deserialize, Serialize};

use super::{Clusters, Effects, Interference, influence};
use crate::evaluate::{Estimate, Sampling, as_value};

/// What a rule is worth; its influence values are kept aside for files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterValue {
    pub interference: Interference,
    pub doubly_robust: bool,
    pub clusters: usize,
    pub units: usize,
    #[serde(flatten, with = "as_value")]
    pub value: Estimate,
    /// The mean over clusters of the share that the rule treats.
    pub treated_share: f64,
    /// (sum w)^2 / sum w^2 of the weights: of clusters, or of units where interference is none or anonymous.
    pub effective_sample_size: f64,
    /// Clusters in which every unit received what the rule says.
    pub agreeing_clusters: usize,
    /// The rule less treating nobody, paired.
    pub against_nobody: Estimate,
    pub warnings: Vec<String>,
    #[serde(skip)]
    pub influence: Vec<f64>,
}

/// Fewer agreeing clusters than this leave an interval under unknown interference without meaning.
const FEW: usize = 20;

impl ClusterValue {
    /// Of the rule that treats unit u where `assignment[u]`, with costs (N) of treating, in the direction of the outcome: positive where
    /// it takes from the value.
    pub fn new(
        clusters: &Clusters,
        interference: Interference,
        effects: Option<&Effects>,
        assignment: &[bool],
        costs: &[f64],
    ) -> ClusterValue {
        let found = influence(clusters, interference, effects, assignment);
        let nobody = vec![false; assignment.len()];
        let without = influence(clusters, interference, effects, &nobody).psi;
        let treated = |u: usize| f64::from(u8::from(assignment[u]));
        let spent = clusters.means(|u| costs[u] * treated(u));
        let psi: Vec<f64> = found.psi.iter().zip(&spent).map(|(psi, spent)| psi - spent).collect();
        let n = clusters.count();
        let sampling = Sampling::new((0..n).collect(), vec![1.0; n]);
        let agrees = |units: &&Vec<usize>| units.iter().all(|&u| clusters.treated[u] == assignment[u]);
        let agreeing_clusters = clusters.members.iter().filter(agrees).count();
        ClusterValue {
            interference,
            doubly_robust: effects.is_some(),
            clusters: n,
            units: clusters.units(),
            value: Estimate::of_mean(|i| psi[i], &sampling),
            treated_share: clusters.means(treated).iter().sum::<f64>() / n as f64,
            effective_sample_size: found.effective_size(),
            agreeing_clusters,
            against_nobody: Estimate::of_mean(|i| psi[i] - without[i], &sampling),
            warnings: warnings(interference, agreeing_clusters, n, &psi),
            influence: psi,
        }
    }
}

fn warnings(interference: Interference, agreeing: usize, clusters: usize, psi: &[f64]) -> Vec<String> {
    let mut warnings = Vec::new();
    if interference == Interference::Unknown && agreeing < FEW {
        warnings.push(format!(
            "{agreeing} of {clusters} clusters were treated as the rule says: its interval cannot be relied on; \
             --interference additive uses all clusters"
        ));
    }
    if psi.iter().any(|psi| !psi.is_finite()) {
        warnings.push(
            "the weight of a cluster is too large for a number: under this interference the study tells nothing of the rule; \
             assume less interference, for example --interference additive"
                .into(),
        );
    }
    warnings
}
