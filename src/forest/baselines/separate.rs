//! Separate forests: a random forest (Breiman 2001) for every arm, grown on its units alone (forest.txt, section 4.3).
//!
//! ```text
//! fhat_k = forest of Y on X over the units with T = k,     arm of x: the first of the largest fhat_k(x)
//! ```

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::super::Trial;
use crate::nuisance::{Shape, shaped};

/// How the forests are grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeparateSettings {
    pub trees: usize,
    /// Fewest units of a leaf.
    pub min_leaf: usize,
    /// Covariates that a split chooses among; all where there are no more.
    pub covariates: usize,
}

impl SeparateSettings {
    /// 500 trees, leaves of 5 units and more, and a third of the covariates at a split: what random forests for regression are usually run
    /// with.
    pub fn usual(covariates: usize) -> SeparateSettings {
        SeparateSettings { trees: 500, min_leaf: 5, covariates: covariates.div_ceil(3) }
    }
}

/// Estimated outcomes (m x K) of every arm for units with covariates x (m x p), by forests that learn from a trial of raw outcomes; minus
/// infinity for an arm without units.
pub fn separate_forests(
    trial: &Trial,
    settings: &SeparateSettings,
    x: ArrayView2<f64>,
    seed: u64,
) -> Array2<f64> {
    let rows = Array2::from_shape_fn((trial.units() + x.nrows(), x.ncols()), |(i, j)| {
        match i.checked_sub(trial.units()) {
            None => trial.x[[i, j]],
            Some(new) => x[[new, j]],
        }
    });
    let shape = Shape {
        trees: settings.trees,
        min_leaf: settings.min_leaf,
        covariates: settings.covariates.clamp(1, x.ncols().max(1)),
    };
    let new: Vec<usize> = (trial.units()..rows.nrows()).collect();
    let one = |k: usize| {
        let units: Vec<usize> = (0..trial.units()).filter(|&i| trial.arm[i] as usize == k).collect();
        if units.is_empty() {
            return vec![f64::NEG_INFINITY; new.len()];
        }
        let target = |i: usize| trial.utility[i];
        shaped(shape, rows.view(), &units, target, &new, (seed, &format!("forest of arm {k}")))
    };
    let columns: Vec<Vec<f64>> = (0..trial.arms).into_par_iter().map(one).collect();
    Array2::from_shape_fn((new.len(), trial.arms), |(i, k)| columns[k][i])
}
