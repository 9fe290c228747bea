//! What a user assumes of interference, and the outcome models that follow from it.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Clusters, Effects, Interference, cluster_regression, folds};
use crate::data::{DataError, OutcomeRole, Place, Problem, Roles, Study};

/// How clusters are read, as a configuration keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clustered {
    pub interference: Interference,
    /// Whether outcome models join the weights (22): the study's own, or cross-fitted regressions of cluster means.
    #[serde(default)]
    pub doubly_robust: bool,
}

impl Clustered {
    /// Refuses what no data can make sensible: the flag, and why.
    pub fn check(&self, roles: &Roles) -> Result<(), String> {
        let not_read = "is not read under --interference";
        match roles {
            _ if self.doubly_robust && self.interference != Interference::Additive => {
                Err("--doubly-robust needs --interference additive".into())
            }
            Roles { effects: Some(_), .. } if !self.doubly_robust => {
                Err("--g0 and --g need --doubly-robust".into())
            }
            Roles { weights: Some(_), .. } => {
                Err(format!("--weights {not_read}: every cluster counts the same; leave it out"))
            }
            Roles { rewards, .. } if !rewards.is_empty() => {
                Err(format!("--rewards {not_read}: gains come from the outcomes of clusters; leave it out"))
            }
            Roles { outcome: OutcomeRole::Survival(_), .. } => {
                Err(format!("a time to an event {not_read}; name a column with --outcome"))
            }
            _ => Ok(()),
        }
    }

    /// The outcome models of a study, where they are asked for: its own, or regressions cross-fitted over `folds` of its clusters.
    ///
    /// # Errors
    /// As `folds`.
    pub fn effects(
        &self,
        study: &Study,
        clusters: &Clusters,
        folds: impl FnOnce() -> Result<Vec<usize>, DataError>,
    ) -> Result<Option<Effects>, DataError> {
        if !self.doubly_robust {
            return Ok(None);
        }
        if let Some(own) = &study.effects {
            return Ok(Some(Effects::of_units(clusters, own)));
        }
        Ok(Some(cluster_regression(clusters, study.design().view(), &folds()?)))
    }
}

/// At most `count` folds of the clusters of a study, stratified by size.
///
/// # Errors
/// Kind `Usage` with fewer than two folds.
pub fn cluster_folds(
    study: &Study,
    clusters: &Clusters,
    count: usize,
    seed: u64,
) -> Result<Vec<usize>, DataError> {
    if count < 2 {
        return Err(Place::file(&study.source).refuse(Problem::TooFewFolds { folds: count }));
    }
    Ok(folds(clusters, count.min(clusters.count()), seed))
}

impl Effects {
    /// From the columns (g0, g) of the units (N x 2); where units of a cluster differ in g0, their mean is taken.
    pub fn of_units(clusters: &Clusters, columns: &Array2<f64>) -> Effects {
        Effects { baseline: clusters.means(|u| columns[[u, 0]]), effect: columns.column(1).to_vec() }
    }

    /// The columns (g0, g) of the units (N x 2).
    pub fn to_units(&self, clusters: &Clusters) -> Array2<f64> {
        let mut columns = Array2::zeros((self.effect.len(), 2));
        for (units, &baseline) in clusters.members.iter().zip(&self.baseline) {
            for &u in units {
                (columns[[u, 0]], columns[[u, 1]]) = (baseline, self.effect[u]);
            }
        }
        columns
    }
}
