//! Folds, the forests grown without them, and what these say of the units they have not seen.

use ndarray::{Array2, ArrayView2, Axis};
use rand::Rng;

use super::super::{Forest, Settings, Trial};
use crate::random::stream;

/// F forests, each grown without the units of one fold.
pub struct FoldForests {
    /// The fold of each unit (n).
    pub fold_of: Vec<usize>,
    pub forests: Vec<Forest>,
}

impl FoldForests {
    /// Deals the units into folds ([`Trial::folds`]) and grows the forests on `groups` of arms, if any.
    pub fn grow(
        trial: &Trial,
        settings: &Settings,
        folds: usize,
        groups: Option<&[u16]>,
        (seed, task): (u64, &str),
    ) -> FoldForests {
        let fold_of = trial.folds(folds, stream(seed, &format!("{task} folds")).random()).fold_of;
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
