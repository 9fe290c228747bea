//! Folds, the forests grown without them, and what these say of the units they have not seen.

use ndarray::{Array2, ArrayView2, Axis};
use rand::Rng;
use rand::seq::SliceRandom;

use super::super::{Forest, Settings, Trial};
use crate::random::stream;

/// F forests, each grown without the units of one fold.
pub(super) struct FoldForests {
    /// The fold of each unit (n).
    pub fold_of: Vec<usize>,
    pub forests: Vec<Forest>,
}

impl FoldForests {
    /// Deals the units into folds, stratified by arm, and grows the forests on `groups` of arms, if any.
    pub fn grow(
        trial: &Trial,
        settings: &Settings,
        folds: usize,
        groups: Option<&[u16]>,
        (seed, task): (u64, &str),
    ) -> FoldForests {
        let fold_of = dealt(trial, folds, (seed, task));
        let grow = |fold: usize| {
            let seed = stream(seed, &format!("{task} without fold {fold}")).random();
            Forest::grow(&trial.select(&off(&fold_of, fold)), settings, groups, seed)
        };
        let forests = (0..folds).map(grow).collect();
        FoldForests { fold_of, forests }
    }

    /// What each unit (rows of x, n x p) is fitted to do under every arm (n x K) by the forest that has not seen it.
    pub fn fitted(&self, x: ArrayView2<f64>) -> Array2<f64> {
        let arms = self.forests.first().map_or(0, |forest| forest.arms);
        let mut fitted = Array2::zeros((x.nrows(), arms));
        for (fold, forest) in self.forests.iter().enumerate() {
            let units = on(&self.fold_of, fold);
            let estimates = forest.predict(x.select(Axis(0), &units).view());
            units.iter().zip(estimates.rows()).for_each(|(&i, row)| fitted.row_mut(i).assign(&row));
        }
        fitted
    }
}

/// The units of a fold.
pub(super) fn on(fold_of: &[usize], fold: usize) -> Vec<usize> {
    (0..fold_of.len()).filter(|&i| fold_of[i] == fold).collect()
}

/// The other units.
pub(super) fn off(fold_of: &[usize], fold: usize) -> Vec<usize> {
    (0..fold_of.len()).filter(|&i| fold_of[i] != fold).collect()
}

/// The fold of each unit (n): the units of each arm go round the folds in an order by chance.
fn dealt(trial: &Trial, folds: usize, (seed, task): (u64, &str)) -> Vec<usize> {
    let mut random = stream(seed, &format!("{task} folds"));
    let mut of_arm = vec![Vec::new(); trial.arms];
    (0..trial.units()).for_each(|i| of_arm[trial.arm[i] as usize].push(i));
    let mut fold_of = vec![0; trial.units()];
    let mut next = 0;
    for mut units in of_arm {
        units.shuffle(&mut random);
        for i in units {
            fold_of[i] = next % folds;
            next += 1;
        }
    }
    fold_of
}
