//! All nuisances of a study: its propensity scores, clipped and trimmed, its outcome predictions, and what there is to
//! say about both.

use ndarray::Array2;

use super::cross_fit::own_predictions;
use super::diagnostics::{Diagnostics, Handling, overlap};
use super::propensity::{clip, overlapping, propensities, refuse_unreached, rows};
use super::{Folds, cross_fit};
use crate::data::{DataError, OutcomeModel, Roles, Study};

/// How nuisances are estimated, beyond the roles.
#[derive(Clone, Copy, Debug)]
pub struct Estimation {
    /// Scores are brought into [c, 1 - c]; without it, estimated ones are with c = 0.01, or half of an equal share where arms are more than 50.
    pub clip: Option<f64>,
    /// Units with a score outside [t, 1 - t] are left out.
    pub trim: Option<f64>,
    /// Whether outcome predictions are needed.
    pub outcome: bool,
    pub seed: u64,
}

impl Estimation {
    /// The clip of estimated scores where the user names none.
    pub const CLIP: f64 = 0.01;
}

/// A study with its nuisances.
#[derive(Clone, Debug)]
pub struct Nuisances {
    /// The units that are not trimmed, with their propensity scores; warnings tell what was clipped and trimmed.
    pub study: Study,
    /// Which units of the study before these are, if not all.
    pub kept: Option<Vec<usize>>,
    /// Outcome predictions mu (n x K) of these units, where they were asked for.
    pub predictions: Option<Array2<f64>>,
    pub diagnostics: Diagnostics,
}

/// Estimates propensity scores and outcome predictions, both on all units of the study, then leaves out the units that
/// are trimmed and clips the scores of the others. `folds` are asked for only where something has to be fitted.
///
/// # Errors
/// As `folds`, [`propensities`] and [`cross_fit`]; kind `Usage` where the clip is 1/K or more; kind `Data` where
/// trimming leaves no unit of an arm, or an estimated score is 0 or 1.
pub fn estimate(
    study: Study,
    roles: &Roles,
    how: Estimation,
    folds: impl FnOnce(&Study) -> Result<Folds, DataError>,
) -> Result<Nuisances, DataError> {
    let modelled = roles.propensity.is_estimated();
    let fitted = how.outcome && !matches!(roles.outcome_model, OutcomeModel::Columns(_));
    let folds = if modelled || fitted { Some(folds(&study)?) } else { None };
    let mut e = match &folds {
        Some(folds) => propensities(&study, folds, &roles.propensity, how.seed)?,
        None => study.propensity.clone(),
    };
    let mut predictions = match &folds {
        Some(folds) if how.outcome => Some(cross_fit(&study, folds, &roles.outcome_model, how.seed)?),
        None if how.outcome => Some(own_predictions(&study)?),
        _ => None,
    };
    let overlap = overlap(&study, &e);

    let (mut study, mut handling, mut kept) = (study, Handling::default(), None);
    if let Some(t) = how.trim {
        let inside = overlapping(&study, &e, t)?;
        handling.trim(&study, &inside, t);
        e = rows(&e, &inside);
        predictions = predictions.map(|mu| rows(&mu, &inside));
        study = study.select(&inside);
        kept = Some(inside);
    }
    let most = 0.5 / study.arms.len() as f64;
    let c = how.clip.unwrap_or(if modelled { Estimation::CLIP.min(most) } else { 0.0 });
    if c > 0.0 {
        handling.clip(c, clip(&study, &mut e, c)?);
    }
    refuse_unreached(&study, &e)?;
    study.propensity = e;
    study.warnings.extend(handling.warnings(&study));
    let diagnostics = Diagnostics::new(&study, predictions.as_ref(), roles, overlap, handling);
    Ok(Nuisances { study, kept, predictions, diagnostics })
}
