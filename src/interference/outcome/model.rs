//! Which regression of cluster means outcome models are.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::series::{Basis, MOST, Summary};
use crate::nuisance::LinearModel;

/// What a regression makes of the sizes of clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sizes {
    /// One regression that does not see them.
    #[default]
    Ignored,
    /// One regression with M_i in phi0 and phi.
    Covariate,
    /// One for each size with at least [`Sizes::CLUSTERS_A_COEFFICIENT`] clusters to fit for each coefficient, and one with M_i on all
    /// clusters for the sizes that have fewer.
    Separate,
}

impl Sizes {
    pub const CLUSTERS_A_COEFFICIENT: usize = 2;
}

/// A series regression of cluster means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterModel {
    pub basis: Basis,
    pub sizes: Sizes,
    pub others: Vec<Summary>,
    pub baseline: Baseline,
}

/// What the mean without treatment is fitted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// Series, together with effects (25).
    #[default]
    Series,
    /// A forest on means and second moments of covariates and the size of clusters; effects follow from what it leaves over.
    Forest,
}

/// A regression with more coefficients than clusters to fit them to, or than can be fitted in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyCoefficients {
    pub clusters: usize,
    pub coefficients: usize,
}

impl ClusterModel {
    /// More coefficients take too long.
    pub const MOST: usize = MOST;

    pub(in crate::interference) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether more is asked for than sizes, which propensities heed as well.
    pub(in crate::interference) fn regresses_otherwise(&self) -> bool {
        *self != ClusterModel { sizes: self.sizes, ..Self::default() }
    }

    /// Of outcomes on some of the rows.
    pub(super) fn regression(
        &self,
        rows: &Array2<f64>,
        fitted: &[usize],
        outcome: Array1<f64>,
    ) -> LinearModel {
        let some = rows.select(Axis(0), fitted);
        if !self.basis.is_shrunk() {
            return LinearModel::fit(some.view(), outcome.view());
        }
        // Scales of all clusters: what hardly varies among those fitted must not weigh the more elsewhere.
        LinearModel::shrunk(some.view(), outcome.view(), rows.std_axis(Axis(0), 0.0).view())
    }
}
