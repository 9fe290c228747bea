//! The rows of regressions of cluster means: phi0_i and mean_j A_ij phi_ij of (25).

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};

use super::effects::Effects;
use super::model::ClusterModel;
use super::series::{Basis, Summary};
use crate::interference::Clusters;
use crate::nuisance::LinearModel;

/// phi of units, and the rows of clusters.
pub(super) struct Rows {
    /// phi_ij (N x q).
    pub phi: Array2<f64>,
    /// (phi0_i, mean_j A_ij phi_ij), a row for each cluster (n x (q0 + q)).
    pub regressors: Array2<f64>,
}

impl Rows {
    pub fn new(model: &ClusterModel, clusters: &Clusters, x: ArrayView2<f64>, with_size: bool) -> Rows {
        let units = clusters.units();
        let of_unit = model.basis.of(x);
        let mut size = Array2::zeros((units, usize::from(with_size)));
        for members in &clusters.members {
            members.iter().for_each(|&u| size.row_mut(u).fill(members.len() as f64));
        }
        let summaries = Summary::of(&model.others, clusters, x);
        // Of all of a cluster, the mean is in z already.
        let moments: Vec<Summary> =
            model.others.iter().copied().filter(|summary| *summary != Summary::Mean).collect();
        let of_cluster = Summary::of(&moments, clusters, x);
        let own = match model.basis {
            Basis::Means => Array2::zeros((units, 0)),
            _ => of_unit.clone(),
        };
        let phi = concatenate![Axis(1), Array2::ones((units, 1)), own, summaries, size];
        let phi0 = concatenate![Axis(1), of_unit, of_cluster, size];
        let treated = |u: usize| f64::from(u8::from(clusters.treated[u]));
        let (baseline, treatment) = (means(clusters, &phi0, |_| 1.0), means(clusters, &phi, treated));
        Rows { phi, regressors: concatenate![Axis(1), baseline, treatment] }
    }

    pub fn count(&self) -> usize {
        self.regressors.ncols()
    }

    pub fn predict(&self, clusters: &Clusters, model: &LinearModel, of: &[usize], effects: &mut Effects) {
        let first = self.count() - self.phi.ncols();
        for &i in of {
            let mut nobody = self.regressors.row(i).to_owned();
            nobody.slice_mut(s![first..]).fill(0.0);
            effects.baseline[i] = model.predict(nobody.view());
            let units = &clusters.members[i];
            for &u in units {
                let gamma = model.coefficients.slice(s![first..]);
                effects.effect[u] = self.phi.row(u).dot(&gamma) / units.len() as f64;
            }
        }
    }
}

/// mean_j weight_ij phi_ij, a row for each cluster.
pub(super) fn means(clusters: &Clusters, phi: &Array2<f64>, weight: impl Fn(usize) -> f64) -> Array2<f64> {
    let mut means = Array2::zeros((clusters.count(), phi.ncols()));
    for (j, mut column) in means.columns_mut().into_iter().enumerate() {
        column.assign(&Array1::from(clusters.means(|u| weight(u) * phi[[u, j]])));
    }
    means
}
