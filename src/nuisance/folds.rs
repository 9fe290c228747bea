//! Folds for cross-fitting: a random partition of the units into F parts, stratified by arm, so that in each arm
//! (and over all arms) the sizes of the parts differ by at most one.
//!
//! The units of each arm are shuffled, then dealt to the folds in turn; the deal goes on from arm to arm, which
//! keeps the folds equal as a whole.

use rand::seq::SliceRandom;

use crate::data::{DataError, Place, Problem, Study};
use crate::random::stream;

/// A partition of n units into `count` folds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    /// The fold of each unit (n), from 0 to `count` - 1.
    pub fold_of: Vec<usize>,
    pub count: usize,
}

impl Folds {
    /// Splits the units of a study; the same seed gives the same folds, whatever else is drawn from that seed.
    ///
    /// # Errors
    /// Kind `Usage` with fewer than two folds; kind `Data` where an arm has fewer units than there are folds, so
    /// that some fold could not be predicted by a model as good as the others'.
    pub fn stratified(study: &Study, count: usize, seed: u64) -> Result<Folds, DataError> {
        let file = Place::file(&study.source);
        if count < 2 {
            return Err(file.refuse(Problem::TooFewFolds { folds: count }));
        }
        let mut random = stream(seed, "folds");
        let mut fold_of = vec![0; study.units()];
        let mut dealt = 0;
        for (k, label) in study.arms.iter().enumerate() {
            let mut units: Vec<usize> = (0..study.units()).filter(|&i| study.arm[i] == k).collect();
            if units.len() < count {
                let problem =
                    Problem::ArmSmallerThanFolds { arm: label.clone(), rows: units.len(), folds: count };
                return Err(file.refuse(problem));
            }
            units.shuffle(&mut random);
            for unit in units {
                fold_of[unit] = dealt % count;
                dealt += 1;
            }
        }
        Ok(Folds { fold_of, count })
    }
}
