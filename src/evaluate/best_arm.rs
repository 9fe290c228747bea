//! The best single arm, chosen so that the comparison with it is fair: never by the rewards that it is then valued on.
//!
//! Chosen inside folds, the arm that units of fold f are compared with is the best among the units of the other folds,
//!
//! ```text
//! b_f = argmax_k  sum_{i not in f} Gamma_ik,        value of choosing the best arm = (1/n) sum_i Gamma_{i, b_f(i)}
//! ```
//!
//! ties going to the lowest arm.

use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};

use crate::nuisance::Folds;

/// The single arm that an assignment has to beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BestArm {
    /// Chosen by the caller on other units, such as those that the assignment was learned from.
    Elsewhere(usize),
    /// Chosen for each fold on the other folds.
    InFolds { arm_of_fold: Vec<usize>, folds: Folds },
}

/// The same by labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chosen_on", rename_all = "snake_case")]
pub enum BestArmLabel {
    TrainingUnits { arm: String },
    OtherFolds { arm_of_fold: Vec<String> },
}

impl BestArm {
    /// The best arm inside folds, by the rewards (n x K) of the units (n) that `folds` divide.
    pub fn in_folds(rewards: &Array2<f64>, folds: &Folds) -> BestArm {
        let mut totals = Array2::<f64>::zeros((folds.count, rewards.ncols()));
        for (row, &f) in rewards.rows().into_iter().zip(&folds.fold_of) {
            // What fold f adds counts for all others.
            (0..folds.count).filter(|&other| other != f).for_each(|other| {
                let mut total = totals.row_mut(other);
                total += &row;
            });
        }
        let arm_of_fold = totals.rows().into_iter().map(best).collect();
        BestArm::InFolds { arm_of_fold, folds: folds.clone() }
    }

    /// The arm to compare unit i with.
    pub(super) fn of(&self, i: usize) -> usize {
        match self {
            BestArm::Elsewhere(arm) => *arm,
            BestArm::InFolds { arm_of_fold, folds } => arm_of_fold[folds.fold_of[i]],
        }
    }

    /// The arms that some unit is compared with.
    pub(super) fn arms(&self) -> &[usize] {
        match self {
            BestArm::Elsewhere(arm) => std::slice::from_ref(arm),
            BestArm::InFolds { arm_of_fold, .. } => arm_of_fold,
        }
    }

    pub(super) fn label(&self, arms: &[String]) -> BestArmLabel {
        match self {
            BestArm::Elsewhere(arm) => BestArmLabel::TrainingUnits { arm: arms[*arm].clone() },
            BestArm::InFolds { arm_of_fold, .. } => BestArmLabel::OtherFolds {
                arm_of_fold: arm_of_fold.iter().map(|&k| arms[k].clone()).collect(),
            },
        }
    }
}

/// The arm of the largest total, the lowest of them on ties.
pub(crate) fn best(totals: ArrayView1<f64>) -> usize {
    (1..totals.len()).fold(0, |best, k| if totals[k] > totals[best] { k } else { best })
}
