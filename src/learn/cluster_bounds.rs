//! Bounds on who gets what in every single cluster: how many units are treated there, and what that costs.

use ndarray::Array2;
use prescribe_models::{AssignmentBound, InvalidModel};

use super::{Constraints, Context};
use crate::data::members;

/// A bound on the weights (n x K) of the units of each cluster.
struct OnEach {
    name: &'static str,
    weights: Array2<f64>,
    upper: f64,
}

impl OnEach {
    /// Of one name for all clusters; none for a cluster in which nothing can break it.
    fn bounds(&self, clusters: &[Vec<usize>]) -> Vec<AssignmentBound> {
        let largest = |u: &usize| self.weights.row(*u).fold(f64::NEG_INFINITY, |most, w| most.max(*w));
        let bound = |units: &Vec<usize>| {
            let mut weights = Array2::zeros(self.weights.dim());
            units.iter().for_each(|&u| weights.row_mut(u).assign(&self.weights.row(u)));
            AssignmentBound { name: self.name.into(), weights, lower: f64::NEG_INFINITY, upper: self.upper }
        };
        let can_break = |units: &&Vec<usize>| units.iter().map(largest).sum::<f64>() > self.upper;
        clusters.iter().filter(can_break).map(bound).collect()
    }
}

/// The bounds that `constraints` ask for on each cluster of n units with K arms.
///
/// # Errors
/// Where they ask for any, and there are no clusters or, for a budget, no costs.
pub(super) fn on_clusters(
    constraints: &Constraints,
    units: usize,
    arms: usize,
    context: &Context,
) -> Result<Vec<AssignmentBound>, InvalidModel> {
    if !constraints.are_on_clusters() {
        return Ok(Vec::new());
    }
    let missing = |what: &str| InvalidModel(format!("bounds on clusters need {what}; give them"));
    let clusters = members(context.clusters.as_ref().ok_or_else(|| missing("clusters"))?);
    let mut bounds = Vec::new();
    if let Some(most) = constraints.per_cluster_most {
        let weights = Array2::from_shape_fn((units, arms), |(_, k)| f64::from(u8::from(k > 0)));
        bounds.extend(OnEach { name: "per_cluster_most", weights, upper: most as f64 }.bounds(&clusters));
    }
    if let Some(upper) = constraints.per_cluster_budget {
        let weights = context.costs.clone().ok_or_else(|| missing("costs"))?;
        bounds.extend(OnEach { name: "per_cluster_budget", weights, upper }.bounds(&clusters));
    }
    Ok(bounds)
}
