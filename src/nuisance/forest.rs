//! Random forests (Breiman 2001), by smartcore: the mean over trees of the mean target in the leaf that a unit falls into.
//!
//! A target of 0 and 1 makes it a probability forest: the shares of a class in leaves, averaged over trees (Malley et al.
//! 2012), grown by variance, which is half of Gini's impurity for two classes.
//!
//! Every tree sees a bootstrap sample; at each split it chooses among a random set of covariates.

use ndarray::{ArrayView2, Axis};
use rand::Rng;
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use crate::random::stream;

/// Trees of a forest: the noise that so few add is a small part of that of the data.
const TREES: usize = 200;
/// Fewest units in a leaf, as probability forests have it elsewhere: smaller ones predict probabilities near 0 and 1 by chance.
const MINIMUM_LEAF: usize = 10;

/// How far a forest goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub trees: usize,
    /// Fewest units in a leaf.
    pub min_leaf: usize,
    /// Covariates that a split chooses among, no more than there are.
    pub covariates: usize,
}

/// Predictions for the units `predicted` by a forest grown on the units `fitted` (at least one) and their targets;
/// the same seed and task give the same forest.
pub(crate) fn forest(
    x: ArrayView2<f64>,
    fitted: &[usize],
    target: impl Fn(usize) -> f64,
    predicted: &[usize],
    task: (u64, &str),
) -> Vec<f64> {
    let shape = Shape { trees: TREES, min_leaf: MINIMUM_LEAF, covariates: covariates_a_split(x.ncols()) };
    shaped(shape, x, fitted, target, predicted, task)
}

/// The same by a forest of any shape.
pub(crate) fn shaped(
    shape: Shape,
    x: ArrayView2<f64>,
    fitted: &[usize],
    target: impl Fn(usize) -> f64,
    predicted: &[usize],
    (seed, task): (u64, &str),
) -> Vec<f64> {
    let targets: Vec<f64> = fitted.iter().map(|&i| target(i)).collect();
    let constant = targets.iter().all(|target| *target == targets[0]);
    if constant || x.ncols() == 0 || predicted.is_empty() {
        let mean =
            targets[0] + targets.iter().map(|target| target - targets[0]).sum::<f64>() / targets.len() as f64;
        return vec![mean; predicted.len()];
    }
    let parameters = RandomForestRegressorParameters::default()
        .with_n_trees(shape.trees as _)
        .with_min_samples_leaf(shape.min_leaf)
        .with_min_samples_split(2 * shape.min_leaf)
        .with_m(shape.covariates)
        .with_seed(stream(seed, task).random());
    let forest = RandomForestRegressor::fit(&matrix(x, fitted), &targets, parameters);
    let forest = forest.expect("there are units and covariates, and as many targets as units");
    forest.predict(&matrix(x, predicted)).expect("the covariates are those of the fit")
}

/// Covariates that a split chooses among: a third (Breiman's rule for regression), but of few covariates four.
fn covariates_a_split(covariates: usize) -> usize {
    covariates.div_ceil(3).max(covariates.min(4))
}

fn matrix(x: ArrayView2<f64>, units: &[usize]) -> DenseMatrix<f64> {
    let rows = x.select(Axis(0), units);
    let (n, p) = rows.dim();
    DenseMatrix::new(n, p, rows.iter().copied().collect(), false).expect("there are n times p numbers")
}
