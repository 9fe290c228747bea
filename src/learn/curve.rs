//! The cost curve of a study, its order by outcome models that have not seen the unit.

use super::{LearnError, Scoring, rewards_of};
use crate::data::Study;
use crate::evaluate::CostCurve;
use crate::nuisance::{Folds, cross_fit};

/// The curve of `steps` + 1 points. Units are ordered by the differences between the outcomes that cross-fitted outcome models
/// expect under the arms, and valued by their scores; both rest on the same folds.
///
/// # Errors
/// As folds, scores and [`CostCurve::new`].
pub fn cost_curve(
    study: &Study,
    scoring: &Scoring,
    steps: usize,
    seed: u64,
) -> Result<CostCurve, LearnError> {
    let folds = Folds::new(study, scoring.folds, seed)?;
    let rewards = rewards_of(study, scoring, || Ok(folds.clone()))?;
    let predicted = cross_fit(study, &folds)?;
    Ok(CostCurve::new(study, &rewards, &predicted, scoring.direction, steps)?)
}
