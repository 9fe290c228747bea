//! Outcome models whose mean without treatment is any learner's: here a forest.
//!
//! ```text
//! m_i = E[Ybar_i | X_i] = g_i0 + sum_j e_ij g_ij                                                 by a forest on what is known of a cluster
//! Ybar_i - m_i = gamma' mean_j (A_ij - e_ij) phi_ij + error                                      by least squares            Robinson (1988)
//! g_ij = (1/M_i) gamma'phi_ij,   g_i0 = m_i - sum_j e_ij g_ij
//! ```
//!
//! Errors of m do not enter gamma, for treatments less their chances have mean 0 whatever X. A forest predicts the clusters of a fold from those
//! outside it, and among these, for the least squares, each part from the others. Effects stay additive and a series in phi, as (5) has them.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate};
use rayon::prelude::*;

use super::effects::Effects;
use super::model::{ClusterModel, Sizes};
use super::rows::{Rows, means};
use crate::interference::Clusters;
use crate::nuisance::forest;

/// Parts of the clusters outside a fold.
const PARTS: usize = 5;

/// The effects of the clusters of each fold, from those outside it; of all from all where `folds` names only one.
pub(super) fn partialled(
    model: &ClusterModel,
    clusters: &Clusters,
    x: ArrayView2<f64>,
    folds: &[usize],
    seed: u64,
) -> Effects {
    let Rows { phi, .. } = Rows::new(model, clusters, x, model.sizes != Sizes::Ignored);
    let known = known(clusters, x);
    let off = |u: usize| f64::from(u8::from(clusters.treated[u])) - clusters.propensity[u];
    let centred = means(clusters, &phi, off);
    let outcome = clusters.means(|u| clusters.outcome[u]);
    let mut distinct = folds.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let all: Vec<usize> = (0..clusters.count()).collect();
    let of_fold = |&fold: &usize| {
        let (inside, outside): (Vec<usize>, Vec<usize>) = all.iter().partition(|&&i| folds[i] == fold);
        let fitted = if outside.is_empty() { &all } else { &outside };
        let predict = |from: &[usize], to: &[usize], part: &str| {
            let task = format!("cluster forest of fold {fold}, {part}");
            forest(known.view(), from, |i| outcome[i], to, (seed, &task))
        };
        let mut residual = Array1::zeros(fitted.len());
        for part in 0..PARTS.min(fitted.len()) {
            let (to, from): (Vec<usize>, Vec<usize>) = (0..fitted.len()).partition(|at| at % PARTS == part);
            let clusters_of = |at: &[usize]| at.iter().map(|&at| fitted[at]).collect::<Vec<_>>();
            let means = predict(&clusters_of(&from), &clusters_of(&to), &format!("part {part}"));
            to.iter().zip(means).for_each(|(&at, mean)| residual[at] = outcome[fitted[at]] - mean);
        }
        let gamma = model.regression(&centred, fitted, residual).coefficients;
        let means = predict(fitted, &inside, "all parts");
        (inside, means, gamma)
    };
    let found: Vec<(Vec<usize>, Vec<f64>, Array1<f64>)> = distinct.par_iter().map(of_fold).collect();
    let mut effects = Effects { baseline: vec![0.0; clusters.count()], effect: vec![0.0; clusters.units()] };
    for (inside, means, gamma) in found {
        for (i, mean) in inside.into_iter().zip(means) {
            let units = &clusters.members[i];
            effects.baseline[i] = mean;
            for &u in units {
                effects.effect[u] = phi.row(u).dot(&gamma) / units.len() as f64;
                effects.baseline[i] -= clusters.propensity[u] * effects.effect[u];
            }
        }
    }
    effects
}

/// The means and second moments of covariates, the mean chance of treatment, and the size of each cluster.
fn known(clusters: &Clusters, x: ArrayView2<f64>) -> Array2<f64> {
    let column = |values: Vec<f64>| Array1::from(values).insert_axis(Axis(1));
    let (first, second) = (x.to_owned(), x.mapv(|x| x * x));
    let chance = column(clusters.means(|u| clusters.propensity[u]));
    let size = column(clusters.members.iter().map(|units| units.len() as f64).collect());
    concatenate![Axis(1), means(clusters, &first, |_| 1.0), means(clusters, &second, |_| 1.0), chance, size]
}
