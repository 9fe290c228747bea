//! Outcome models under additive interference, by regression of cluster means.
//!
//! ```text
//! E[Ybar_i | A_i, X_i] = g_i0 + sum_j g_ij A_ij                                                                     (5)
//! g_i0 = alpha_0 + alpha'phi0_i,   g_ij = (1/M_i) gamma'phi_ij                                                       (25)
//! phi0_i = mean_j (z(X_ij), S_i, M_i),   phi_ij = (1, z(X_ij), S_ij, M_i)
//! ```
//!
//! by least squares of Ybar_i on (1, phi0_i, mean_j A_ij phi_ij), each cluster one row, cross-fitted over folds of clusters. z: functions of a
//! unit's covariates ([`Basis`]); S_ij: summaries of the others of its cluster ([`Summary`]); M_i and S where asked for. Within one cluster
//! size these are the regressions of (25). With z = X this is the linear-in-means model (Example 1) where covariates do not change effects
//! ([`Basis::Means`]), and with summaries of the others the additive model of anonymous interference (Example 2), whose effects depend on the
//! unit treated and on whom it is with. Source: interference.txt, section 5.2.

use ndarray::{Array1, ArrayView2};

mod effects;
mod model;
mod partialled;
mod rows;
mod series;

pub use effects::Effects;
pub use model::{Baseline, ClusterModel, Sizes, TooManyCoefficients};
pub use series::{Basis, Summary};

use super::Clusters;
use crate::nuisance::LinearModel;
use partialled::partialled;
use rows::Rows;

/// The effects that the linear model without sizes or summaries predicts, fitted to the clusters outside each cluster's fold; all clusters
/// are one fold where `folds` names only one.
pub fn cluster_regression(clusters: &Clusters, x: ArrayView2<f64>, folds: &[usize]) -> Effects {
    let model = ClusterModel::default();
    model.predicted(clusters, x, folds, Rows::new(&model, clusters, x, false))
}

impl ClusterModel {
    /// The effects that regressions on the clusters outside each cluster's fold (n) predict from covariates x (N x p).
    ///
    /// # Errors
    /// Where a fold leaves fewer clusters than there are coefficients, and nothing shrinks them; where there are more than [`ClusterModel::MOST`].
    pub fn fit(
        &self,
        clusters: &Clusters,
        x: ArrayView2<f64>,
        folds: &[usize],
        seed: u64,
    ) -> Result<Effects, TooManyCoefficients> {
        let rows = Rows::new(self, clusters, x, self.sizes != Sizes::Ignored);
        let coefficients = 1 + rows.count();
        let mut in_fold = vec![0; 1 + folds.iter().max().copied().unwrap_or(0)];
        folds.iter().for_each(|&fold| in_fold[fold] += 1);
        let largest = in_fold.into_iter().max().unwrap_or(0);
        let fewest = if largest < clusters.count() { clusters.count() - largest } else { largest };
        let most = if self.basis.is_shrunk() { Self::MOST } else { fewest };
        if coefficients > most {
            return Err(TooManyCoefficients { clusters: fewest, coefficients });
        }
        match self.baseline {
            Baseline::Series => Ok(self.predicted(clusters, x, folds, rows)),
            Baseline::Forest => Ok(partialled(self, clusters, x, folds, seed)),
        }
    }

    fn predicted(&self, clusters: &Clusters, x: ArrayView2<f64>, folds: &[usize], rows: Rows) -> Effects {
        let alike = (self.sizes == Sizes::Separate).then(|| Rows::new(self, clusters, x, false));
        let mut distinct = folds.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let one = distinct.len() == 1;
        let mut effects =
            Effects { baseline: vec![0.0; clusters.count()], effect: vec![0.0; clusters.units()] };
        for &fold in &distinct {
            let outside = |i: &usize| one || folds[*i] != fold;
            let fitted: Vec<usize> = (0..clusters.count()).filter(outside).collect();
            let inside: Vec<usize> = (0..clusters.count()).filter(|&i| folds[i] == fold).collect();
            let mut pooled = inside.clone();
            if let Some(alike) = &alike {
                let needed = Sizes::CLUSTERS_A_COEFFICIENT * (1 + alike.count());
                for (size, of_size) in by_size(clusters, &inside) {
                    let like: Vec<usize> =
                        fitted.iter().copied().filter(|&i| clusters.members[i].len() == size).collect();
                    if like.len() >= needed {
                        alike.predict(clusters, &self.model(clusters, alike, &like), &of_size, &mut effects);
                        pooled.retain(|&i| clusters.members[i].len() != size);
                    }
                }
            }
            if !pooled.is_empty() {
                rows.predict(clusters, &self.model(clusters, &rows, &fitted), &pooled, &mut effects);
            }
        }
        effects
    }

    fn model(&self, clusters: &Clusters, rows: &Rows, fitted: &[usize]) -> LinearModel {
        let outcome = clusters.means(|u| clusters.outcome[u]);
        let outcome: Array1<f64> = fitted.iter().map(|&i| outcome[i]).collect();
        self.regression(&rows.regressors, fitted, outcome)
    }
}

/// The clusters of each size among some.
fn by_size(clusters: &Clusters, among: &[usize]) -> Vec<(usize, Vec<usize>)> {
    let mut sizes: Vec<usize> = among.iter().map(|&i| clusters.members[i].len()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let of = |size: usize| {
        among.iter().copied().filter(|&i| clusters.members[i].len() == size).collect::<Vec<_>>()
    };
    sizes.into_iter().map(|size| (size, of(size))).collect()
}
