//! Outcome models under additive interference, by regression of cluster means.
//!
//! ```text
//! E[Ybar_i | A_i, X_i] = g_i0 + sum_j g_ij A_ij                                                                     (5)
//! g_i0 = a'phi0_i,  phi0_i = (1, mean_j X_ij);   g_ij = (1/M_i) c'(1, X_ij)                                          (25)
//! ```
//!
//! by least squares of Ybar_i on (1, mean X, mean A, mean A X), each cluster one row, cross-fitted over folds of clusters. Source:
//! interference.txt, section 4.2 and Examples 1 and 2.

use ndarray::{Array1, Array2, ArrayView2};
use prescribe_models::arm_moments::solve_semidefinite;

use super::Clusters;

/// g of each cluster and unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// g_i0 (n).
    pub baseline: Vec<f64>,
    /// g_ij (N).
    pub effect: Vec<f64>,
}

impl Effects {
    /// The mean of cluster i under an assignment.
    pub(super) fn under(&self, clusters: &Clusters, i: usize, assignment: &[bool]) -> f64 {
        let treated = clusters.members[i].iter().filter(|u| assignment[**u]);
        self.baseline[i] + treated.map(|&u| self.effect[u]).sum::<f64>()
    }

    /// The mean of cluster i as it was treated.
    pub(super) fn fitted(&self, clusters: &Clusters, i: usize) -> f64 {
        self.under(clusters, i, &clusters.treated)
    }
}

/// The effects that regressions on the clusters outside each cluster's fold predict; all clusters are one fold where `folds` names only one.
pub fn cluster_regression(clusters: &Clusters, x: ArrayView2<f64>, folds: &[usize]) -> Effects {
    let rows = features(clusters, x);
    let outcome = Array1::from(clusters.means(|u| clusters.outcome[u]));
    let mut distinct = folds.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let p = x.ncols();
    let mut effects = Effects { baseline: vec![0.0; clusters.count()], effect: vec![0.0; clusters.units()] };
    for &fold in &distinct {
        let one = distinct.len() == 1;
        let fitted: Vec<usize> = (0..clusters.count()).filter(|&i| one || folds[i] != fold).collect();
        let b = least_squares(&rows, &outcome, &fitted);
        for i in (0..clusters.count()).filter(|&i| folds[i] == fold) {
            effects.baseline[i] = (0..=p).map(|j| b[j] * rows[[i, j]]).sum();
            let units = &clusters.members[i];
            for &u in units {
                let linear = b[p + 1] + (0..p).map(|j| b[p + 2 + j] * x[[u, j]]).sum::<f64>();
                effects.effect[u] = linear / units.len() as f64;
            }
        }
    }
    effects
}

/// (1, mean X, mean A, mean A X), a row for each cluster.
fn features(clusters: &Clusters, x: ArrayView2<f64>) -> Array2<f64> {
    let p = x.ncols();
    let treated = |u: usize| f64::from(u8::from(clusters.treated[u]));
    let mut rows = Array2::ones((clusters.count(), 2 * p + 2));
    let mut fill = |column: usize, values: Vec<f64>| rows.column_mut(column).assign(&Array1::from(values));
    fill(p + 1, clusters.means(treated));
    for j in 0..p {
        fill(1 + j, clusters.means(|u| x[[u, j]]));
        fill(p + 2 + j, clusters.means(|u| treated(u) * x[[u, j]]));
    }
    rows
}

/// By normal equations, refined on the rows themselves until rounding of the rows is what is left.
fn least_squares(rows: &Array2<f64>, outcome: &Array1<f64>, fitted: &[usize]) -> Array1<f64> {
    const REFINEMENTS: usize = 3;
    let x = rows.select(ndarray::Axis(0), fitted);
    let y = outcome.select(ndarray::Axis(0), fitted);
    let gram = x.t().dot(&x);
    let mut b = Array1::zeros(x.ncols());
    for _ in 0..=REFINEMENTS {
        let residual = &y - &x.dot(&b);
        b += &solve_semidefinite(&gram, &x.t().dot(&residual));
    }
    b
}
