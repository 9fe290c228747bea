//! Propensity scores by a logit model for each size of clusters, cross-fitted by cluster.
//!
//! ```text
//! logit P(A_ij = 1 | X_ij) = theta_m'(1, X_ij)    over the units of clusters of size m                              (26)
//! ```
//!
//! in clusters of a size that has enough of them; in the others over the units of all sizes. Plugged into additive weights (appendix B.1) they
//! leave a bias of the size of their own error; with outcome models (22) only of its product with theirs. Source: interference.txt, section 5.2.

use ndarray::Array2;

use super::{Clusters, cluster_folds};
use crate::data::{DataError, PropensityRole, Study};
use crate::nuisance::{Folds, propensities};

/// Sizes with fewer clusters than this for each coefficient are fitted together with all others.
const CLUSTERS_A_COEFFICIENT: usize = 4;

/// e (N x 2), over at most `count` folds of the clusters of each size.
///
/// # Errors
/// As [`propensities`]: where covariates separate the arms, or a fold holds all units of one.
pub fn propensities_by_size(study: &Study, count: usize, seed: u64) -> Result<Array2<f64>, DataError> {
    let clusters = Clusters::of(study)?;
    let cross_fitted = |study: &Study| -> Result<Array2<f64>, DataError> {
        let of = Clusters::of(study)?;
        let fold = cluster_folds(study, &of, count, seed)?;
        let mut fold_of = vec![0; study.units()];
        for (units, fold) in of.members.iter().zip(&fold) {
            units.iter().for_each(|&u| fold_of[u] = *fold);
        }
        let folds = Folds { fold_of, count: count.min(of.count()) };
        propensities(study, &folds, &PropensityRole::Logit, seed)
    };
    let mut e = cross_fitted(study)?;
    let coefficients = 1 + study.design().view().ncols();
    let mut sizes: Vec<usize> = clusters.members.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for size in sizes {
        let of_size: Vec<&Vec<usize>> = clusters.members.iter().filter(|units| units.len() == size).collect();
        if of_size.len() < CLUSTERS_A_COEFFICIENT * coefficients {
            continue;
        }
        let units: Vec<usize> = of_size.into_iter().flatten().copied().collect();
        let of_units = cross_fitted(&study.select(&units))?;
        units.iter().zip(of_units.rows()).for_each(|(&u, row)| e.row_mut(u).assign(&row));
    }
    Ok(e)
}
