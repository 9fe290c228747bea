//! Random forests for weighted regression (Breiman 2001), for baselines that are subtracted from outcomes: every tree is grown on a part of
//! the units drawn without replacement, and a unit can be predicted by the trees that it was not drawn for.
//!
//! ```text
//! tree        splits by weighted least squares; a leaf says  sum w_i y_i / sum w_i  over the units drawn
//! predict     fhat(x)   = mean over all trees of the leaf of x
//! out of bag  fhat_-i   = mean over the trees not grown on unit i of the leaf of X_i
//! ```

use ndarray::{ArrayView1, ArrayView2, Axis};
use rand::seq::index::sample;
use rayon::prelude::*;

use crate::random::stream;
use crate::solve::growth::{Columns, Limits, Regression, Tree, grow};

/// How a regression forest is grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegressionSettings {
    /// Trees, at least 1.
    pub trees: usize,
    /// Fewest units of a leaf, at least 1.
    pub min_leaf: usize,
    /// Share of the units that each tree is grown on, between 0 and 1.
    pub share: f64,
    /// Covariates that a split chooses among; all where there are no more.
    pub covariates: usize,
}

impl RegressionSettings {
    /// 200 trees on half of the units each, leaves of 10 units and more, and a third of the covariates (Breiman's rule for regression) at a
    /// split, but of few covariates four.
    pub fn usual(covariates: usize) -> RegressionSettings {
        let covariates = covariates.div_ceil(3).max(4);
        RegressionSettings { trees: 200, min_leaf: 10, share: 0.5, covariates }
    }
}

/// A forest that predicts a number.
#[derive(Clone, Debug)]
pub struct RegressionForest {
    trees: Vec<Member>,
    /// What is said of a unit that every tree was grown on.
    mean: f64,
}

/// A tree, the mean of each leaf, and a bit for each unit that it was grown on.
#[derive(Clone, Debug)]
struct Member {
    tree: Tree,
    means: Vec<f64>,
    drawn: Vec<u64>,
}

impl Member {
    fn mean(&self, row: ArrayView1<f64>) -> f64 {
        self.means[self.tree.leaf_of(|j| row[j])]
    }

    fn grown_on(&self, unit: usize) -> bool {
        self.drawn[unit / 64] >> (unit % 64) & 1 == 1
    }
}

impl RegressionForest {
    /// Grows a forest on units with covariates x (n x p), finite targets (n) and weights (n, positive; 1 where there are none), n at least 1.
    /// The same seed and task give the same forest on any number of threads.
    pub fn grow(
        x: ArrayView2<f64>,
        target: &[f64],
        weight: Option<&[f64]>,
        settings: &RegressionSettings,
        (seed, task): (u64, &str),
    ) -> RegressionForest {
        let everyone: Vec<u32> = (0..target.len() as u32).collect();
        let mean = mean_of(&everyone, target, weight);
        let columns = Columns::new(x);
        let one = |m: usize| {
            let mut random = stream(seed, &format!("{task}: tree {m}"));
            let n = target.len();
            let size = ((settings.share * n as f64).round() as usize).clamp(1, n);
            let mut units: Vec<u32> = sample(&mut random, n, size).iter().map(|i| i as u32).collect();
            units.sort_unstable();
            let mean = mean_of(&units, target, weight);
            let square =
                |&i: &u32| weight.map_or(1.0, |w| w[i as usize]) * (target[i as usize] - mean).powi(2);
            let limits = Limits {
                min_leaf: settings.min_leaf,
                covariates: settings.covariates,
                // Gains that are but rounding do not count.
                least_gain: 1e-12 * units.iter().map(square).sum::<f64>(),
                depth: None,
            };
            let tree = match x.ncols() {
                0 => Tree::leaf(),
                _ => grow(&columns, &units, &limits, &mut Regression::new(target, weight), &mut random),
            };
            let mut drawn = vec![0; n.div_ceil(64)];
            units.iter().for_each(|&i| drawn[i as usize / 64] |= 1 << (i % 64));
            let means = leaf_means(&tree, x, &units, target, weight);
            Member { tree, means, drawn }
        };
        RegressionForest { trees: (0..settings.trees).into_par_iter().map(one).collect(), mean }
    }

    /// Predictions for units with covariates x (m x p).
    pub fn predict(&self, x: ArrayView2<f64>) -> Vec<f64> {
        self.means(x, |_, _| true)
    }

    /// Predictions for the units that the forest was grown on (x as then), each by the trees that were not grown on it: the mean of all
    /// targets where there is none.
    pub fn out_of_bag(&self, x: ArrayView2<f64>) -> Vec<f64> {
        self.means(x, |member, i| !member.grown_on(i))
    }

    /// The trees, with the mean of each of their leaves.
    pub(super) fn trees(&self) -> impl Iterator<Item = (&Tree, &[f64])> {
        self.trees.iter().map(|member| (&member.tree, member.means.as_slice()))
    }

    fn means(&self, x: ArrayView2<f64>, counts: impl Fn(&Member, usize) -> bool + Sync) -> Vec<f64> {
        let one = |i: usize| {
            let (mut sum, mut trees) = (0.0, 0);
            for member in self.trees.iter().filter(|member| counts(member, i)) {
                sum += member.mean(x.row(i));
                trees += 1;
            }
            if trees == 0 { self.mean } else { sum / f64::from(trees) }
        };
        (0..x.nrows()).into_par_iter().map(one).collect()
    }
}

/// Predictions for every unit by a forest grown on the units of the other folds; `fold_of` is the fold of each unit (n), from 0, at least
/// two of them.
pub fn cross_fitted(
    x: ArrayView2<f64>,
    target: &[f64],
    weight: Option<&[f64]>,
    fold_of: &[usize],
    settings: &RegressionSettings,
    (seed, task): (u64, &str),
) -> Vec<f64> {
    let mut predictions = vec![0.0; target.len()];
    for fold in 0..fold_of.iter().max().map_or(0, |last| last + 1) {
        let (own, others): (Vec<usize>, Vec<usize>) = (0..target.len()).partition(|&i| fold_of[i] == fold);
        if own.is_empty() || others.is_empty() {
            continue;
        }
        let of_others = |values: &[f64]| others.iter().map(|&i| values[i]).collect::<Vec<f64>>();
        let (targets, weights) = (of_others(target), weight.map(of_others));
        let task = format!("{task}: fold {fold}");
        let rows = x.select(Axis(0), &others);
        let forest =
            RegressionForest::grow(rows.view(), &targets, weights.as_deref(), settings, (seed, &task));
        let predicted = forest.predict(x.select(Axis(0), &own).view());
        own.iter().zip(predicted).for_each(|(&i, prediction)| predictions[i] = prediction);
    }
    predictions
}

fn leaf_means(
    tree: &Tree,
    x: ArrayView2<f64>,
    units: &[u32],
    target: &[f64],
    weight: Option<&[f64]>,
) -> Vec<f64> {
    let mut members = vec![Vec::new(); tree.leaves()];
    units.iter().for_each(|&i| members[tree.leaf_of(|j| x[[i as usize, j]])].push(i));
    members.iter().map(|units| mean_of(units, target, weight)).collect()
}

/// The weighted mean of the targets of some units (at least one), from the first on: so that equal targets have just that mean.
fn mean_of(units: &[u32], target: &[f64], weight: Option<&[f64]>) -> f64 {
    let first = target[units[0] as usize];
    let (mut above, mut below) = (0.0, 0.0);
    for &i in units {
        let weight = weight.map_or(1.0, |weight| weight[i as usize]);
        above += weight * (target[i as usize] - first);
        below += weight;
    }
    first + above / below
}
