//! An assignment judged on units that nothing of it has seen.
//!
//! The units fall into F folds (whole clusters, stratified by arm). For each fold f everything is learned from the units outside it alone; the units in
//! f are assigned by what was learned, and valued by doubly robust scores whose outcome predictions are the estimates of that same forest:
//!
//! ```text
//! mu_ik     estimated mean outcome of unit i under arm k, learned without the fold of i and before costs
//! Gamma_ik  = mu_ik + 1{A_i = k} (Y_i - mu_ik) / p_k(X_i) - c_k
//! value     (1/n) sum_i Gamma_{i, d(i)}        d(i) = argmax_k mu_ik - c_k
//! ```
//!
//! Arm d(i) and the predictions depend on other folds alone, so that the mean is unbiased where p is known: no maximum over arms is taken of noise
//! that it is then read off (Chernozhukov et al. 2018). It is the value of the learner from a share (F - 1) / F of the units.

use ndarray::{Array2, Axis};

use super::{ForestError, Learned, Plan, Trial, assign_among, learn};
use crate::data::Study;
use crate::evaluate::{Against, BestArm, Evaluation};
use crate::nuisance::Folds;
use crate::score::{Direction, aipw, net};

/// What was learned without each fold.
#[derive(Clone, Debug)]
pub struct CrossFit {
    pub folds: Folds,
    /// By the units outside each fold.
    pub learned: Vec<Learned>,
    /// Estimated utilities (n x K), net of costs, by what was learned without the unit.
    pub estimates: Array2<f64>,
    /// Doubly robust rewards Gamma (n x K) in the user's direction.
    pub rewards: Array2<f64>,
    pub direction: Direction,
}

impl CrossFit {
    /// Learns without each fold in turn; `told` hears of every fold that is done, and may stop the work.
    ///
    /// # Errors
    /// As learning and scores; [`ForestError::Interrupted`] where `told` says so.
    pub fn new(
        study: &Study,
        trial: &Trial,
        plan: &Plan,
        direction: Direction,
        folds: Folds,
        told: &dyn Fn(String) -> Result<(), ForestError>,
    ) -> Result<CrossFit, ForestError> {
        let mut learned = Vec::with_capacity(folds.count);
        let mut estimates = Array2::zeros((study.units(), study.arms.len()));
        for f in 0..folds.count {
            let (others, own): (Vec<usize>, Vec<usize>) =
                (0..study.units()).partition(|&i| folds.fold_of[i] != f);
            let without = learn(&trial.select(&others), plan)?;
            let predicted = without.predict(trial.x.select(Axis(0), &own).view());
            own.iter().zip(predicted.rows()).for_each(|(&i, row)| estimates.row_mut(i).assign(&row));
            learned.push(without);
            told(format!("{} of {} folds", f + 1, folds.count))?;
        }
        // Utilities are net of costs, predictions of outcomes are not.
        let mu = (&estimates + &study.costs) * direction.sign();
        let rewards = net(&aipw(study, &mu)?, study, direction)?;
        Ok(CrossFit { folds, learned, estimates, rewards, direction })
    }

    /// The arm of each unit.
    pub fn assignment(&self, study: &Study) -> Vec<usize> {
        assign_among(&self.estimates, |i, k| study.may_get(i, k))
    }

    /// The value of an assignment whose arm for a unit depends on other folds alone, against every arm, the arm that is best in the other folds, what
    /// was observed, and other such assignments by name.
    ///
    /// # Errors
    /// As [`Evaluation::new`].
    pub fn value(
        &self,
        study: &Study,
        assignment: &[usize],
        others: &[(&str, &[usize])],
    ) -> Result<Evaluation, ForestError> {
        let worth = |given: &[usize]| given.iter().enumerate().map(|(i, &k)| self.rewards[[i, k]]).collect();
        let against = Against {
            best_arm: Some(BestArm::in_folds(&self.rewards, &self.folds)),
            others: others.iter().map(|(name, given)| (name.to_string(), worth(given))).collect(),
        };
        Ok(Evaluation::new(study, &self.rewards, assignment, self.direction, &against)?)
    }
}
