//! Propensity scores by a logit model for each size of clusters, cross-fitted by cluster.
//!
//! ```text
//! logit P(A_ij = 1 | X_ij) = theta_m'(1, X_ij)    over the units of clusters of size m                              (26)
//! ```
//!
//! in clusters of a size that has enough of them. Plugged into additive weights (appendix B.1) estimated scores leave a bias of the size of their
//! own error; with outcome models (22) only of its product with theirs. Source: interference.txt, section 5.2.

use ndarray::Array2;

use super::Clusters;
use crate::data::{DataError, PropensityRole, Study};
use crate::nuisance::{Folds, propensities};

/// Sizes with fewer clusters than this for each coefficient keep the scores of the study.
const CLUSTERS_A_COEFFICIENT: usize = 4;

/// e (N x 2): those of the study, but of each size with enough clusters those of a model of its own, cross-fitted over folds of whole clusters.
///
/// # Errors
/// As [`propensities`]: where covariates separate the arms, or a fold holds all units of one.
pub fn propensities_by_size(study: &Study, folds: &Folds) -> Result<Array2<f64>, DataError> {
    let clusters = Clusters::of(study)?;
    let mut e = study.propensity.clone();
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
        // No forest grows, so that no randomness is asked for.
        let logit = &PropensityRole::Logit;
        let of_units = propensities(&study.select(&units), &folds.of(Some(&units)), logit, 0)?;
        units.iter().zip(of_units.rows()).for_each(|(&u, row)| e.row_mut(u).assign(&row));
    }
    Ok(e)
}
