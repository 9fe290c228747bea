//! The value of a rule under interference, with its standard error between clusters.
//!
//! ```text
//! V = (1/n) sum_i psi_i,   error = sd(psi_i) / sqrt(n) over the n clusters,   V +- t_{n-1} error
//! ```
//!
//! net of costs, of units and of decisions together (28): see [`Costs`].

use serde::{Deserialize, Serialize};

use super::{Clusters, Costs, Effects, Influence, Interference, influence};
use crate::evaluate::{Comparison, Estimate, Sampling, as_value};

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
    /// The rule less treating nobody, paired; none where the design tells nothing of treating nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_nobody: Option<Estimate>,
    pub warnings: Vec<String>,
    #[serde(skip)]
    pub influence: Vec<f64>,
}

/// Fewer agreeing clusters than this leave an interval under unknown interference without meaning.
const FEW: usize = 20;
/// Weights that are worth fewer clusters (or units) than this leave an interval without meaning.
const FEW_EFFECTIVE: f64 = 5.0;

impl ClusterValue {
    /// Of the rule that treats unit u where `assignment[u]`, net of costs.
    pub fn new(
        clusters: &Clusters,
        interference: Interference,
        effects: Option<&Effects>,
        assignment: &[bool],
        costs: Costs,
    ) -> ClusterValue {
        let of = |assignment: &[bool]| influence(clusters, interference, effects, assignment);
        let without = of(&vec![false; assignment.len()]).psi;
        Self::of_influence(
            clusters,
            (interference, effects.is_some()),
            &of(assignment),
            Some(&without),
            assignment,
            costs,
        )
    }

    /// From the influence values of the rule, and of treating nobody where they are known, before costs.
    pub(super) fn of_influence(
        clusters: &Clusters,
        (interference, doubly_robust): (Interference, bool),
        found: &Influence,
        without: Option<&[f64]>,
        assignment: &[bool],
        costs: Costs,
    ) -> ClusterValue {
        let treated = |u: usize| f64::from(u8::from(assignment[u]));
        let psi = net(clusters, &found.psi, assignment, costs);
        let sampling = between(clusters);
        let agrees = |units: &&Vec<usize>| units.iter().all(|&u| clusters.treated[u] == assignment[u]);
        let agreeing_clusters = clusters.members.iter().filter(agrees).count();
        let effective_sample_size = found.effective_size();
        ClusterValue {
            interference,
            doubly_robust,
            clusters: clusters.count(),
            units: clusters.units(),
            value: Estimate::of_mean(|i| psi[i], &sampling),
            treated_share: clusters.means(treated).iter().sum::<f64>() / clusters.count() as f64,
            effective_sample_size,
            agreeing_clusters,
            against_nobody: without.map(|without| Estimate::of_mean(|i| psi[i] - without[i], &sampling)),
            warnings: warnings(interference, agreeing_clusters, effective_sample_size, &psi),
            influence: psi,
        }
    }
}

/// psi net of costs (n).
pub(super) fn net(clusters: &Clusters, psi: &[f64], assignment: &[bool], costs: Costs) -> Vec<f64> {
    psi.iter().zip(costs.spent(clusters, assignment)).map(|(psi, spent)| psi - spent).collect()
}

/// psi where units are treated as they were, net of costs (n).
pub(super) fn observed(clusters: &Clusters, costs: Costs) -> Vec<f64> {
    net(clusters, &clusters.means(|u| clusters.outcome[u]), &clusters.treated, costs)
}

/// Of influence values (n) with those of another rule, paired.
pub(super) fn compared(clusters: &Clusters, psi: &[f64], name: &str, other: &[f64]) -> Comparison {
    let sampling = between(clusters);
    Comparison {
        against: name.into(),
        difference: Estimate::of_mean(|i| psi[i] - other[i], &sampling),
        value: Estimate::of_mean(|i| other[i], &sampling),
        assigned: None,
        share: None,
    }
}

/// Clusters, independent and of equal weight.
pub(super) fn between(clusters: &Clusters) -> Sampling {
    let n = clusters.count();
    Sampling::new((0..n).collect(), vec![1.0; n])
}

fn warnings(interference: Interference, agreeing: usize, effective: f64, psi: &[f64]) -> Vec<String> {
    let (mut warnings, count) = (Vec::new(), psi.len());
    if interference == Interference::Unknown && agreeing < FEW {
        warnings.push(format!(
            "{agreeing} of {count} clusters were treated as the rule says: its interval cannot be relied on; \
             --interference additive uses all clusters"
        ));
    } else if !matches!(interference, Interference::None | Interference::Additive)
        && effective < FEW_EFFECTIVE
    {
        warnings.push(format!(
            "the weights of this interference leave effectively {effective:.1} {}: its interval cannot be relied on; assume less \
             interference, for example --interference additive",
            if interference == Interference::Anonymous { "units" } else { "clusters" }
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
