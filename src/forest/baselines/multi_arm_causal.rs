//! Multi-arm causal forests: local regressions of outcomes on arms, both centred, with the weights of a forest grown on the gradients of the
//! effects (Athey, Tibshirani and Wager 2019, sections 2 and 6; Nie and Wager 2021).
//!
//! ```text
//! centre    r_i = Y_i - m(X_i), m a regression forest, out of bag                    (e(X) is the share of each arm: the data are a trial)
//! tree      half of the units by chance; on one half of them splits by the gradients, the other half in the leaves
//! weights   alpha_i(x) = mean over trees of 1{i in leaf of x} / units in it
//! effects   tau(x) = argmin_tau min_c sum_i alpha_i(x) (r_i - c - (W_i - e)' tau)^2 :   tau_k = rbar_k - rbar_0
//! ```
//!
//! with rbar_k the mean of r over arm k under the weights: where W are indicators and e is the same for all, the regression is saturated.
//! The arm assigned is the first of the largest tau, with tau_0 = 0; an arm without weight is not assigned.
//!
//! Splits need units of every arm on both sides, of which a tree has n / 4 (K + 1): of 5,000 units and 100 arms, a dozen of each. Such trees
//! are hardly split at all, and where they are, the residuals of a dozen controls, which enter every effect, decide where.

use ndarray::{Array2, ArrayView2};
use rand::seq::index::sample;
use rayon::prelude::*;

use super::super::{LeafTable, RegressionForest, RegressionSettings, Trial};
use crate::random::stream;
use crate::solve::growth::{CausalGradients, Columns, Limits, Tree, grow};

/// Rows that are predicted together.
const ROWS: usize = 128;

/// How a causal forest is grown; the defaults are those that the method is usually run with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CausalSettings {
    pub trees: usize,
    /// Fewest units of a leaf among those that splits are chosen on.
    pub min_leaf: usize,
    /// Share of the units that each tree sees.
    pub share: f64,
    /// The fewest units of each arm that a child has, and the least share of those in its node: effects have to be told apart on both sides
    /// of a split.
    pub least_of_arm: u32,
    pub least_share: f64,
    /// Covariates that a split chooses among; where there are fewer, all.
    pub covariates: usize,
    /// Trees of the forest that outcomes are centred by.
    pub centring_trees: usize,
}

impl CausalSettings {
    /// 2,000 trees on half of the units each, leaves of 5 units and more, a twentieth of each arm's units and at least
    /// one of them on both sides of a split, and sqrt(p) + 20 covariates to choose it among.
    pub fn usual(covariates: usize) -> CausalSettings {
        CausalSettings {
            trees: 2000,
            min_leaf: 5,
            share: 0.5,
            least_of_arm: 1,
            least_share: 0.05,
            covariates: (covariates as f64).sqrt().ceil() as usize + 20,
            centring_trees: 500,
        }
    }
}

/// A causal forest: for each tree the sums of outcomes and the counts of each leaf and arm, over the units of the leaf.
#[derive(Clone, Debug)]
pub struct CausalForest {
    trees: Vec<(Tree, LeafTable)>,
    arms: usize,
}

impl CausalForest {
    /// Grows a causal forest on a trial of raw outcomes.
    pub fn grow(trial: &Trial, settings: &CausalSettings, seed: u64) -> CausalForest {
        let x = trial.x.view();
        let centring =
            RegressionSettings { trees: settings.centring_trees, ..RegressionSettings::usual(x.ncols()) };
        let expected =
            RegressionForest::grow(x, &trial.utility, None, &centring, (seed, "centre")).out_of_bag(x);
        let centred = trial.with_utility(trial.utility.iter().zip(&expected).map(|(y, m)| y - m).collect());
        let columns = Columns::new(x);
        let least = (settings.least_of_arm, settings.least_share);
        let one = |m: usize| {
            let mut random = stream(seed, &format!("causal tree {m}"));
            let n = trial.units();
            let drawn = sample(&mut random, n, (settings.share * n as f64) as usize).into_vec();
            let (grown_on, held_out) = drawn.split_at(drawn.len() / 2);
            let mut grown_on: Vec<u32> = grown_on.iter().map(|&i| i as u32).collect();
            grown_on.sort_unstable();
            let mut criterion = CausalGradients::new(&centred.arm, trial.arms, &centred.utility, least);
            let limits = Limits {
                min_leaf: settings.min_leaf,
                covariates: settings.covariates,
                least_gain: 0.0,
                depth: None,
            };
            let tree = grow(&columns, &grown_on, &limits, &mut criterion, &mut random);
            let mut table = LeafTable::of(&tree, &centred, held_out.iter().copied());
            for (mut sums, mut masses) in table.sums.rows_mut().into_iter().zip(table.masses.rows_mut()) {
                let units = masses.sum();
                sums /= units;
                masses /= units;
            }
            (tree, table)
        };
        CausalForest { trees: (0..settings.trees).into_par_iter().map(one).collect(), arms: trial.arms }
    }

    /// Effects tau (n x K) of all arms against the control for units with covariates x (n x p), 0 for the control; minus infinity for an arm
    /// without weight at x.
    pub fn effects(&self, x: ArrayView2<f64>) -> Array2<f64> {
        let mut effects = Array2::zeros((x.nrows(), self.arms));
        let block = |(block, cells): (usize, &mut [f64])| {
            let mut masses = vec![0.0; cells.len()];
            for (tree, table) in &self.trees {
                let rows = cells.chunks_mut(self.arms).zip(masses.chunks_mut(self.arms));
                for (i, (sums, masses)) in (block * ROWS..).zip(rows) {
                    let leaf = tree.leaf_of(|j| x[[i, j]]);
                    sums.iter_mut().zip(table.sums.row(leaf)).for_each(|(sum, value)| *sum += value);
                    masses.iter_mut().zip(table.masses.row(leaf)).for_each(|(sum, value)| *sum += value);
                }
            }
            for (row, masses) in cells.chunks_mut(self.arms).zip(masses.chunks(self.arms)) {
                let control = if masses[0] > 0.0 { row[0] / masses[0] } else { 0.0 };
                for (effect, mass) in row.iter_mut().zip(masses) {
                    *effect = if *mass > 0.0 { *effect / mass - control } else { f64::NEG_INFINITY };
                }
                row[0] = 0.0;
            }
        };
        if let Some(cells) = effects.as_slice_mut() {
            cells.par_chunks_mut(ROWS * self.arms.max(1)).enumerate().for_each(block);
        }
        effects
    }
}
