//! What a user assumes of interference, and the outcome models that follow from it.

use serde::{Deserialize, Serialize};

use super::{
    Baseline, ClusterModel, Clusters, Effects, Interference, JointCost, Sizes, TooManyCoefficients, folds,
    sums_gains,
};
use crate::data::{DataError, OutcomeRole, Place, Problem, Roles, Study};

/// How clusters are read, as a configuration keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clustered {
    pub interference: Interference,
    /// Whether outcome models join the weights (22): the study's own, or cross-fitted regressions of cluster means.
    #[serde(default)]
    pub doubly_robust: bool,
    /// What it costs a cluster that so many of its units are treated, besides the costs of units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint_cost: Option<JointCost>,
    /// The regressions, where the study has no outcome models of its own.
    #[serde(default, skip_serializing_if = "ClusterModel::is_default")]
    pub model: ClusterModel,
}

impl Clustered {
    /// Whether the value net of costs is a sum over units; else it is one over clusters.
    pub fn sums_over_units(&self) -> bool {
        sums_gains(self.interference) && self.joint_cost.is_none()
    }

    /// Why what is not a sum over units cannot be had: what makes it so.
    pub fn beyond_units(&self) -> String {
        match &self.joint_cost {
            Some(cost) if sums_gains(self.interference) => format!("--joint-cost {cost}"),
            _ => format!("--interference {}", self.interference),
        }
    }

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
            Roles { effects, .. }
                if self.model.regresses_otherwise() && (effects.is_some() || !self.doubly_robust) =>
            {
                Err("--cluster-model, --cluster-summaries and --cluster-baseline say how --doubly-robust regresses, without --g0 and --g".into())
            }
            _ if self.model.baseline == Baseline::Forest && self.model.sizes == Sizes::Separate => {
                Err("--cluster-baseline forest sees sizes itself; pass --cluster-sizes covariate or ignored".into())
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
    /// As `folds`; kind `Data` where a fold leaves fewer clusters than the regression has coefficients.
    pub fn effects(
        &self,
        study: &Study,
        clusters: &Clusters,
        folds: impl FnOnce() -> Result<Vec<usize>, DataError>,
        seed: u64,
    ) -> Result<Option<Effects>, DataError> {
        if !self.doubly_robust {
            return Ok(None);
        }
        if let Some(own) = &study.effects {
            return Ok(Some(Effects::of_units(clusters, own)));
        }
        let fitted = self.model.fit(clusters, study.design().view(), &folds()?, seed);
        fitted.map(Some).map_err(|TooManyCoefficients { clusters, coefficients }| {
            let problem = Problem::FewerClustersThanCoefficients { clusters, coefficients };
            Place::file(&study.source).refuse(problem)
        })
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
