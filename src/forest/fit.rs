//! Forests: trees grown on samples of the units, and what the other units say in their leaves (forest.txt, section 3.2).
//!
//! ```text
//! sample     of each arm's n_k units, beta n_k by chance (at least one, and not all where there are two)
//! estimate   fhat_k(x) = sum over all trees of the leaf's estimate of arm k, divided by the number of all trees      (equation 1)
//! ```
//!
//! A tree may be grown on groups of arms and still estimate every arm.

use ndarray::{Array2, ArrayView1, ArrayView2};
use prescribe_models::leaf_utility::{Towards, relative_variances};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{LeafTable, Settings, Trial};
use crate::random::stream;
use crate::solve::growth::{Columns, JointAssignment, Limits, Tree, Units, grow};

/// Rows that are predicted together.
const ROWS: usize = 128;

/// A tree and what the units it was not grown on say about its leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedTree {
    pub tree: Tree,
    pub table: LeafTable,
}

/// A forest grown on a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    pub settings: Settings,
    pub trees: Vec<FittedTree>,
    pub arms: usize,
    /// Variance of each arm's outcomes about the means of leaves, relative to that of all (K), where shrinkage is in proportion to it.
    pub variances: Option<Vec<f64>>,
}

impl Forest {
    /// Grows a forest; `settings` and `trial` have been checked. `groups` gives the group of each arm (K) that trees assign in place of
    /// arms while they are grown; none where arms stand for themselves. Runs on the current pool of threads, on whose number nothing depends.
    pub fn grow(trial: &Trial, settings: &Settings, groups: Option<&[u16]>, seed: u64) -> Forest {
        let ground = Ground::of(trial, settings, groups);
        let one = |m: usize| {
            let mut random = stream(seed, &format!("tree {m}"));
            let (grown_on, held_out) = halves(trial, settings.beta, &mut random);
            let tree = ground.tree(&grown_on, &mut random);
            let held_out = || held_out.iter().map(|&i| i as usize);
            let table = LeafTable::of(&tree, trial, held_out());
            let within = settings.arm_variances.then(|| table.within(&tree, trial, held_out()));
            (FittedTree { tree, table }, within)
        };
        let (trees, within): (Vec<FittedTree>, Vec<Option<Array2<f64>>>) =
            (0..settings.trees).into_par_iter().map(one).unzip();
        let within = within.into_iter().flatten().reduce(|sum, one| sum + one);
        let variances = within.map(|sum| relative_variances(&sum.row(0).to_vec(), &sum.row(1).to_vec()));
        Forest { settings: settings.clone(), trees, arms: trial.arms, variances }
    }

    /// The forest's estimates with leaves shrunken by lambda2, whatever the settings say of it.
    pub fn estimator(&self, lambda2: f64) -> Estimator<'_> {
        let values = self.trees.par_iter().map(|fitted| self.means(&fitted.table, lambda2)).collect();
        Estimator { trees: self.trees.iter().map(|fitted| &fitted.tree).collect(), values, arms: self.arms }
    }

    fn means(&self, table: &LeafTable, lambda2: f64) -> Array2<f64> {
        if self.settings.shrink_towards == Towards::Leaf && self.variances.is_none() {
            return table.means(lambda2);
        }
        let lambda: Vec<f64> = match &self.variances {
            None => vec![lambda2; self.arms],
            Some(relative) => relative.iter().map(|relative| lambda2 * relative).collect(),
        };
        table.means_across(&lambda, self.settings.shrink_towards)
    }

    /// Estimated utilities (n x K) of every arm for units with covariates x (n x p).
    pub fn predict(&self, x: ArrayView2<f64>) -> Array2<f64> {
        self.estimator(self.settings.lambda2).predict(x)
    }
}

/// Trees with a value for every leaf and arm.
pub struct Estimator<'f> {
    trees: Vec<&'f Tree>,
    /// (L x K) for each tree
    values: Vec<Array2<f64>>,
    arms: usize,
}

impl<'f> Estimator<'f> {
    /// At least one tree, each with its values (L x K).
    pub(super) fn new(trees: Vec<&'f Tree>, values: Vec<Array2<f64>>) -> Estimator<'f> {
        let arms = values[0].ncols();
        Estimator { trees, values, arms }
    }

    /// Trees, maybe none, with their values (L x K).
    pub(super) fn of(trees: Vec<&'f Tree>, values: Vec<Array2<f64>>, arms: usize) -> Estimator<'f> {
        Estimator { trees, values, arms }
    }

    /// Each tree with its values (L x K).
    pub fn trees(&self) -> impl Iterator<Item = (&'f Tree, &Array2<f64>)> {
        self.trees.iter().copied().zip(&self.values)
    }

    /// Estimated utilities (n x K); a row's estimates depend on no other row.
    pub fn predict(&self, x: ArrayView2<f64>) -> Array2<f64> {
        let mut estimates = Array2::zeros((x.nrows(), self.arms));
        let arms = self.arms.max(1);
        // Tree after tree for a block of rows, so that the tree is at hand for all of them.
        let block = |(block, cells): (usize, &mut [f64])| {
            for (tree, values) in self.trees.iter().zip(&self.values) {
                for (i, row) in (block * ROWS..).zip(cells.chunks_mut(arms)) {
                    let leaf = values.row(tree.leaf_of(|j| x[[i, j]]));
                    row.iter_mut().zip(leaf).for_each(|(sum, value)| *sum += value);
                }
            }
            cells.iter_mut().for_each(|sum| *sum /= self.trees.len() as f64);
        };
        if let Some(cells) = estimates.as_slice_mut() {
            cells.par_chunks_mut(ROWS * arms).enumerate().for_each(block);
        }
        estimates
    }
}

/// The arm of the largest estimate in each row, the first on ties.
pub fn assign(estimates: &Array2<f64>) -> Vec<usize> {
    assign_among(estimates, |_, _| true)
}

/// The same among the arms that unit i may get, as [`crate::data::Study::may_get`] says; the first one where it may get none.
pub fn assign_among(estimates: &Array2<f64>, may_get: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let best = |(i, row): (usize, ArrayView1<f64>)| {
        let better = |best: usize, k: usize| if row[k] > row[best] { k } else { best };
        (0..row.len()).filter(|&k| may_get(i, k)).reduce(better).unwrap_or(0)
    };
    estimates.rows().into_iter().enumerate().map(best).collect()
}

/// What all trees of a forest are grown from.
struct Ground<'t> {
    trial: &'t Trial,
    settings: &'t Settings,
    columns: Columns,
    /// The group of each unit (n), and of how many, with their shares.
    arm: Vec<u16>,
    arms: usize,
    shares: Vec<f64>,
}

impl<'t> Ground<'t> {
    fn of(trial: &'t Trial, settings: &'t Settings, groups: Option<&[u16]>) -> Ground<'t> {
        let group = |k: u16| groups.map_or(k, |groups| groups[k as usize]);
        let arms = groups.map_or(trial.arms, |groups| groups.iter().max().map_or(0, |&g| g as usize + 1));
        let mut shares = vec![0.0; arms];
        trial.shares().iter().enumerate().for_each(|(k, share)| shares[group(k as u16) as usize] += share);
        let arm = trial.arm.iter().map(|&k| group(k)).collect();
        Ground { trial, settings, columns: Columns::new(trial.x.view()), arm, arms, shares }
    }

    fn tree(&self, grown_on: &[u32], random: &mut ChaCha8Rng) -> Tree {
        let settings = self.settings;
        let units = Units {
            arm: &self.arm,
            arms: self.arms,
            utility: &self.trial.utility,
            mass: self.trial.mass.as_deref(),
            weight: self.trial.weight.as_deref(),
            share: &self.shares,
        };
        let share_of =
            |share: f64, count: usize| ((share * count as f64).round() as usize).clamp(1, count.max(1));
        let mut criterion = JointAssignment::new(
            units,
            settings.lambda1,
            settings.utility,
            share_of(settings.kappa, self.arms),
        );
        let scale = self.trial.spread() * grown_on.len() as f64;
        let limits = Limits {
            min_leaf: settings.min_leaf,
            covariates: share_of(settings.delta, self.columns.covariates()),
            // Gains that are but rounding do not count; of a gain of just epsilon rounding takes nothing away.
            least_gain: scale * (settings.epsilon * (1.0 - 1e-12)).max(1e-12),
            depth: None,
        };
        grow(&self.columns, grown_on, &limits, &mut criterion, random)
    }
}

/// The units a tree is grown on and the others, both ascending: of the units of each arm, or of whole clusters of each arm and of several arms.
fn halves(trial: &Trial, beta: f64, random: &mut ChaCha8Rng) -> (Vec<u32>, Vec<u32>) {
    let mut taken = vec![false; trial.blocks()];
    for mut blocks in trial.strata() {
        blocks.shuffle(random);
        let wanted = (beta * blocks.len() as f64).round() as usize;
        let count = wanted.max(1).min(blocks.len().saturating_sub(1));
        blocks[..count].iter().for_each(|&block| taken[block as usize] = true);
    }
    (0..trial.units() as u32).partition(|&i| taken[trial.block(i as usize)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_keep_clusters_whole_and_parts_of_arms() {
        let plain = Trial::new(Array2::zeros((400, 1)), (0..400).map(|i| i % 4).collect(), 4, vec![0.0; 400]);
        // Clusters of four arms, and of one.
        let mixed = Trial { cluster: Some((0..400).map(|i| i / 10).collect()), ..plain.clone() };
        let alike = Trial { cluster: Some((0..400).map(|i| i % 40).collect()), ..plain.clone() };
        for trial in [plain, mixed, alike] {
            let (grown_on, held_out) = halves(&trial, 0.2, &mut stream(1, "halves"));
            assert_eq!((grown_on.len(), held_out.len()), (80, 320));
            let taken: Vec<usize> = grown_on.iter().map(|&i| trial.block(i as usize)).collect();
            assert!(held_out.iter().all(|&i| !taken.contains(&trial.block(i as usize))));
            assert!(grown_on.is_sorted() && held_out.is_sorted());
        }
    }
}
