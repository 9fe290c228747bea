//! Scores: what each arm would have brought each unit, estimated without bias, as a reward matrix Gamma (n x K).
//!
//! ```text
//! direct s_ik = mu_ik
//! IPW    s_ik =         1{A_i = k}  Y_i          / e_ik
//! Hajek  s_ik =     n   1{A_i = k}  Y_i          / e_ik / sum_j w_j 1{A_j = k} / e_jk
//! AIPW   s_ik = mu_ik + 1{A_i = k} (Y_i - mu_ik) / e_ik
//! net    Gamma_ik = w_i (s_ik - c_ik)  (maximize),   -w_i (s_ik + c_ik)  (minimize)
//! ```
//!
//! with the sample weights w of the study, whose mean is 1 (w_i = 1 where it has none), so that a mean of rewards is the
//! weighted mean of scores.
//!
//! With known e, IPW and AIPW have the conditional mean E[Y_i(k) | X_i], AIPW for every mu that does not depend on unit i
//! (Robins, Rotnitzky and Zhao 1994; Athey and Wager 2021, "Policy learning with observational data", eq. 7). Hajek's
//! self-normalised scores have it only as n grows, but adding a constant to all outcomes adds just that to the mean score
//! of each arm; direct scores are as good as mu is. A standard error computed from scores takes them as known: of direct
//! scores, it leaves out the error of mu; of Hajek's, it counts the normalisation as fixed, and is too large where
//! outcomes lie far from 0.
//!
//! Where follow-up may end before the outcome is known, [`complete`] makes outcomes whose conditional mean is the
//! same; [`transport`] sets the weights that carry a study to a target population.
//!
//! A solver always maximises Gamma; the direction of the outcome and the costs are in it already. For an arm k that unit i may
//! not get, Gamma_ik is that of the first arm which it may get: so "arm k for all" means arm k for those who may get it.

mod censoring;
mod transport;

pub use censoring::complete;
pub use transport::{tilted, transport};

use ndarray::{Array1, Array2, Zip};
use serde::{Deserialize, Serialize};

use crate::data::{DataError, Place, Problem, Study};

/// Whether large outcomes are good or bad; it has no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Maximize,
    Minimize,
}

impl Direction {
    /// +1 or -1: what turns outcomes into rewards, and rewards back into outcomes.
    pub fn sign(self) -> f64 {
        match self {
            Direction::Maximize => 1.0,
            Direction::Minimize => -1.0,
        }
    }
}

/// Which score estimates the outcome under each arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreKind {
    Direct,
    Ipw,
    Hajek,
    Aipw,
    /// Scores made elsewhere, read from columns of the data.
    Given,
    /// Gains of treating units under interference within clusters; see [`crate::interference::rewards`].
    Gains,
}

/// Direct scores (n x K), in outcome units: the outcome predictions mu (n x K) of [`crate::nuisance::cross_fit`].
///
/// # Errors
/// Kind `Data` where mu has another shape than the study, or is not finite.
pub fn direct(study: &Study, mu: &Array2<f64>) -> Result<Array2<f64>, DataError> {
    study.check_matrix("the outcome predictions", mu)?;
    Ok(mu.clone())
}

/// Scores that were made elsewhere (n x K), in outcome units, as the study has read them.
///
/// # Errors
/// Kind `Usage` where the study has none.
pub fn given(study: &Study) -> Result<Array2<f64>, DataError> {
    let refusal = || Place::file(&study.source).refuse(Problem::NoGivenScores);
    study.given_scores.clone().ok_or_else(refusal)
}

/// IPW scores (n x K), in outcome units.
///
/// # Errors
/// Kind `Data` where a score is not finite.
pub fn ipw(study: &Study) -> Result<Array2<f64>, DataError> {
    aipw(study, &Array2::zeros(study.propensity.dim()))
}

/// Hajek's self-normalised IPW scores (n x K), in outcome units; the sum runs over all units of the study.
///
/// # Errors
/// Kind `Data` where a score is not finite.
pub fn hajek(study: &Study) -> Result<Array2<f64>, DataError> {
    let (n, arms) = study.propensity.dim();
    let mut scores = Array2::zeros((n, arms));
    for k in 0..arms {
        let received: Vec<usize> = (0..n).filter(|&i| study.arm[i] == k).collect();
        let e = |i: usize| study.propensity[[i, k]];
        // Relative to the smallest propensity, no inverse overflows.
        let least = received.iter().fold(1.0, |least: f64, &i| least.min(e(i)));
        let total: f64 = received.iter().map(|&i| study.weight(i) * (least / e(i))).sum();
        for i in received {
            scores[[i, k]] = n as f64 * (least / e(i) / total) * study.outcome[i];
        }
    }
    study.check_matrix("the score matrix", &scores)?;
    Ok(scores)
}

/// AIPW scores (n x K), in outcome units, with the outcome predictions mu (n x K) of [`crate::nuisance::cross_fit`].
///
/// # Errors
/// Kind `Data` where mu has another shape than the study, or a score is not finite.
pub fn aipw(study: &Study, mu: &Array2<f64>) -> Result<Array2<f64>, DataError> {
    study.check_matrix("the outcome predictions", mu)?;
    let mut scores = mu.clone();
    for (i, &k) in study.arm.iter().enumerate() {
        scores[[i, k]] += (study.outcome[i] - mu[[i, k]]) / study.propensity[[i, k]];
    }
    study.check_matrix("the score matrix", &scores)?;
    Ok(scores)
}

/// The net reward matrix Gamma (n x K) that a solver maximises: scores less the costs of the study, in the direction
/// that the user wants, times the sample weights.
///
/// # Errors
/// Kind `Data` where the scores have another shape than the study, or a reward is not finite.
pub fn net(scores: &Array2<f64>, study: &Study, direction: Direction) -> Result<Array2<f64>, DataError> {
    study.check_matrix("the score matrix", scores)?;
    let mut rewards =
        Zip::from(scores).and(&study.costs).map_collect(|score, cost| direction.sign() * score - cost);
    if let Some(eligible) = &study.eligible {
        for (mut row, may) in rewards.rows_mut().into_iter().zip(eligible.rows()) {
            let fallback = may.iter().position(|may| *may).map_or(0.0, |k| row[k]);
            row.zip_mut_with(&may, |reward, &may| *reward = if may { *reward } else { fallback });
        }
    }
    if let Some(weights) = &study.weights {
        rewards.rows_mut().into_iter().zip(weights).for_each(|(mut row, weight)| row *= *weight);
    }
    study.check_matrix("the reward matrix", &rewards)?;
    Ok(rewards)
}

/// Gains g (n) of two arms: g_i = Gamma_i2 - Gamma_i1, what treating unit i brings.
///
/// # Errors
/// Kind `Data` where there are not two arms, or a gain is not finite.
pub fn gains(rewards: &Array2<f64>, study: &Study) -> Result<Array1<f64>, DataError> {
    study.check_matrix("the reward matrix", rewards)?;
    let file = Place::file(&study.source);
    if rewards.ncols() != 2 {
        return Err(file.refuse(Problem::GainsNeedTwoArms { arms: rewards.ncols() }));
    }
    let gains = &rewards.column(1) - &rewards.column(0);
    if gains.iter().any(|gain| !gain.is_finite()) {
        return Err(file.refuse(Problem::Overflow { what: "a gain" }));
    }
    Ok(gains)
}
