//! Which studies forests are for. What a study says beside covariates, arms and outcomes enters
//!
//! | of the study | where |
//! |---|---|
//! | propensities, known or estimated, strata | masses of units ([`Trial::of`](super::Trial::of)), and the weights of the baseline |
//! | sample weights | masses; a unit that stands for nobody is left out |
//! | costs | utilities are net of what the arm received costs, as rewards are |
//! | eligibility | propensities, and the arms that a unit is assigned among ([`assign_among`](super::assign_among)) |
//! | clusters | samples and folds hold whole ones |
//! | follow-up | outcomes are completed before ([`crate::score::complete`]) |
//! | missing covariates | terms: the mean in their place and an indicator ([`Study::design`]) |
//!
//! Scores made elsewhere and interference within clusters do not go with forests.

use crate::data::{DataError, Place, Problem, Study};

/// The units of a study to learn a forest from, those with a weight above 0; none where that is all of them.
///
/// # Errors
/// Kind `Usage` where the study brings along scores or outcome models under interference, or has no covariates.
pub fn served(study: &Study) -> Result<Option<Vec<usize>>, DataError> {
    let refuse = |problem| Err(Place::file(&study.source).refuse(problem));
    if study.covariates.is_empty() {
        return refuse(Problem::ForestWithoutCovariates);
    }
    if study.given_scores.is_some() {
        return refuse(Problem::NotForForests { what: "scores made elsewhere", flag: "--rewards" });
    }
    if study.effects.is_some() || study.reached.is_some() {
        return refuse(Problem::NotForForests { what: "interference", flag: "--interference" });
    }
    let kept: Vec<usize> = (0..study.units()).filter(|&i| study.weight(i) > 0.0).collect();
    Ok(Some(kept).filter(|kept| kept.len() < study.units()))
}
