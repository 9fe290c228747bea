//! The cost curve of a study, its order by outcome models that have not seen the unit.

use super::{LearnError, Scoring, nuisances, rewards_of};
use crate::data::Study;
use crate::evaluate::CostCurve;
use crate::nuisance::{Folds, Nuisances};

/// The curve of `steps` + 1 points. Units are ordered by the differences between the outcomes that cross-fitted outcome models
/// expect under the arms, and valued by their scores; both rest on the same folds.
///
/// # Errors
/// As folds, scores and [`CostCurve::new`].
pub fn cost_curve(study: Study, scoring: &Scoring, steps: usize, seed: u64) -> Result<CostCurve, LearnError> {
    let nuisances = nuisances(study, scoring, true, seed, |study| Folds::new(study, scoring.folds, seed))?;
    let rewards = rewards_of(&nuisances, scoring)?;
    let Nuisances { study, predictions, .. } = &nuisances;
    let predicted = predictions.as_ref().expect("outcome predictions were asked for");
    Ok(CostCurve::new(study, &rewards, predicted, scoring.direction, steps)?)
}
