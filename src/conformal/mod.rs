//! Intervals that hold the outcome of an individual unit under a rule d, whatever the outcome model is worth: split conformal
//! prediction, weighted for the fact that outcomes under the rule are seen only of units that happened to receive its arm.
//!
//! The units fall by chance into three parts. On the first, an outcome model mu_k of each arm (and a propensity model, where
//! propensities are not known) is fitted. The units i of the second whose arm A_i is that of the rule have residuals
//!
//! ```text
//! S_i = |Y_i - mu_d(X_i)(X_i)|        w(x) = 1 / e_d(x)(x)
//! ```
//!
//! A unit with propensity e of the rule's arm is among them with chance e, so that weights w make them a sample of all units; and a
//! new unit x gets
//!
//! ```text
//! mu_d(x)(x) +- q(x),   q(x) = least s:  sum { w(X_i) : S_i <= s } >= level ( sum_i w(X_i) + w(x) )
//! ```
//!
//! (Tibshirani, Foygel Barber, Candes and Ramdas 2019, "Conformal prediction under covariate shift", corollary 1; Lei and Candes 2021,
//! "Conformal inference of counterfactuals and individual treatment effects", J. R. Stat. Soc. B 83, sections 2 and 3). With known
//! propensities the interval holds Y(d(X)) of a new unit with a probability of at least `level`, for units and new unit drawn
//! independently from one population and a rule that owes nothing to the second part; with estimated ones up to the error of w. It is a
//! probability over units, not for each covariate value. Where the new unit's own weight is so large that no s does, the interval is
//! infinite: too few units like it received the rule's arm.
//!
//! With scaled residuals, S_i is divided, and q(x) multiplied, by the size of residuals s_d(x)(x) that a model of |Y - mu_k| on the
//! first part expects, so that intervals are longer where outcomes are less certain.
//!
//! The third part checks: the weighted share of its units that received the rule's arm and whose interval held their outcome.

mod scores;
mod table;

use ndarray::{Array1, Array2, Axis, concatenate};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::data::{DataError, Place, Problem, Roles, Study};
use crate::evaluate::{Estimate, Sampling};
use crate::nuisance::{Elsewhere, Estimation};
use crate::random::stream;
use scores::WeightedScores;

/// Units that are not of the study, and what the rule gives them.
#[derive(Debug, Clone)]
pub struct NewUnits {
    pub ids: Vec<String>,
    /// Covariates (m x p), in the columns of the study's.
    pub x: Array2<f64>,
    /// The arm that the rule gives (m), an index into the study's arms.
    pub assigned: Vec<usize>,
    /// Propensity scores (m x K), where no model is to estimate them.
    pub propensity: Option<Array2<f64>>,
}

/// How intervals are made.
#[derive(Debug, Clone)]
pub struct Settings<'r> {
    /// Where propensities and outcome predictions come from.
    pub roles: &'r Roles,
    /// Propensities below this count as this; without it, estimated ones below 0.01.
    pub clip: Option<f64>,
    /// The probability with which an interval holds the outcome.
    pub level: f64,
    /// The share of units to fit models to, and that to check intervals on; the others calibrate them.
    pub fit_share: f64,
    pub check_share: f64,
    /// Whether residuals are relative to their expected size.
    pub scaled: bool,
    pub seed: u64,
}

/// The intervals of the new units or, where there are none, of the units that check; and what they rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    pub level: f64,
    pub scaled: bool,
    /// Units that models were fitted to.
    pub fitted: usize,
    /// Units kept to calibrate; of them those that received the rule's arm, and how many of equal weight would say as much.
    pub calibration: usize,
    pub followed: usize,
    pub effective_units: f64,
    /// The share of intervals that are infinite, and the median length of the others.
    pub share_infinite: f64,
    pub median_length: Option<f64>,
    /// None where fewer than two units that check received the rule's arm.
    pub coverage: Option<Coverage>,
    pub intervals: Vec<UnitInterval>,
}

/// The weighted share of intervals that held the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Units kept to check, and those of them that received the rule's arm.
    pub units: usize,
    pub followed: usize,
    #[serde(flatten)]
    pub share: Estimate,
}

/// The outcome of a unit under the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitInterval {
    pub id: String,
    /// The arm that the rule gives.
    pub arm: String,
    /// The outcome that the model expects.
    pub prediction: f64,
    /// None where the interval is infinite; `upper` too.
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

impl Intervals {
    /// Intervals under the rule that gives arm `assigned[i]` to unit i of the study.
    ///
    /// # Errors
    /// Kind `Data`: a part without units, or without units of an arm; no unit to calibrate on that received the rule's arm; as
    /// [`Elsewhere`]; predictions that are not finite. Kind `Usage` where predictions are to be the user's own.
    pub fn new(
        study: &Study,
        assigned: &[usize],
        new: Option<&NewUnits>,
        settings: &Settings,
    ) -> Result<Intervals, DataError> {
        let parts = Parts::new(study, settings)?;
        let predicted = Predicted::new(study, assigned, new, &parts, settings)?;
        let (calibration, checked) = (parts.calibration.len(), parts.checked.len());
        let followed = |positions: std::ops::Range<usize>| -> Vec<usize> {
            let received = |&u: &usize| study.arm[parts.judged(u)] == predicted.arm[u];
            positions.filter(received).collect()
        };
        let calibrating = followed(0..calibration);
        if calibrating.is_empty() {
            return Err(Place::file(&study.source).refuse(Problem::NobodyFollowed { rows: calibration }));
        }
        let outcome = |u: usize| study.outcome[parts.judged(u)];
        let score =
            |&u: &usize| ((outcome(u) - predicted.mu[u]).abs() / predicted.size[u], predicted.weight[u]);
        let scores = WeightedScores::new(calibrating.iter().map(score).collect());
        let half = |u: usize| predicted.size[u] * scores.quantile(predicted.weight[u], settings.level);

        let checking = followed(calibration..calibration + checked);
        let held = |u: usize| (outcome(u) - predicted.mu[u]).abs() <= half(u);
        let coverage = coverage(&checking, |u| predicted.weight[u], held, checked);
        let (shown, ids): (std::ops::Range<usize>, Vec<String>) = match new {
            Some(new) => (calibration + checked..predicted.mu.len(), new.ids.clone()),
            None => (
                calibration..calibration + checked,
                parts.checked.iter().map(|&i| study.ids[i].clone()).collect(),
            ),
        };
        let interval = |(u, id): (usize, String)| {
            let (prediction, half) = (predicted.mu[u], half(u));
            let end = |sign: f64| half.is_finite().then_some(prediction + sign * half);
            let arm = study.arms[predicted.arm[u]].clone();
            UnitInterval { id, arm, prediction, lower: end(-1.0), upper: end(1.0) }
        };
        let intervals: Vec<UnitInterval> = shown.zip(ids).map(interval).collect();
        let mut lengths: Vec<f64> = intervals.iter().filter_map(|i| Some(i.upper? - i.lower?)).collect();
        lengths.sort_unstable_by(f64::total_cmp);
        Ok(Intervals {
            level: settings.level,
            scaled: settings.scaled,
            fitted: parts.fitted.len(),
            calibration,
            followed: calibrating.len(),
            effective_units: scores.effective_units(),
            share_infinite: (intervals.len() - lengths.len()) as f64 / intervals.len().max(1) as f64,
            median_length: lengths.get(lengths.len() / 2).copied(),
            coverage,
            intervals,
        })
    }
}

/// The units of a study by what they are for.
struct Parts {
    fitted: Vec<usize>,
    calibration: Vec<usize>,
    checked: Vec<usize>,
}

impl Parts {
    fn new(study: &Study, settings: &Settings) -> Result<Parts, DataError> {
        let rows = study.units();
        let share = |share: f64| (share * rows as f64).floor() as usize;
        let (fitted, checked) = (share(settings.fit_share), share(settings.check_share));
        let calibration = rows.saturating_sub(fitted + checked);
        if [fitted, calibration, checked].contains(&0) {
            let problem = Problem::EmptyPart { rows, fitted, calibration, checked };
            return Err(Place::file(&study.source).refuse(problem));
        }
        let mut units: Vec<usize> = (0..rows).collect();
        units.shuffle(&mut stream(settings.seed, "parts of conformal prediction"));
        let [fitted, checked, calibration] = [0..fitted, fitted..fitted + checked, fitted + checked..rows]
            .map(|part| {
                let mut part = units[part].to_vec();
                part.sort_unstable();
                part
            });
        Ok(Parts { fitted, calibration, checked })
    }

    /// The unit of the study at position u among those that calibrate and, after them, check.
    fn judged(&self, u: usize) -> usize {
        self.calibration.get(u).copied().unwrap_or_else(|| self.checked[u - self.calibration.len()])
    }
}

/// What models say of the units that calibrate, those that check, and the new ones, in this order.
struct Predicted {
    /// The arm that the rule gives.
    arm: Vec<usize>,
    /// The outcome expected under it.
    mu: Vec<f64>,
    /// The size of residuals expected under it; 1 where residuals are not scaled.
    size: Vec<f64>,
    /// One over its propensity.
    weight: Vec<f64>,
}

impl Predicted {
    fn new(
        study: &Study,
        assigned: &[usize],
        new: Option<&NewUnits>,
        parts: &Parts,
        settings: &Settings,
    ) -> Result<Predicted, DataError> {
        let judged: Vec<usize> =
            (0..parts.calibration.len() + parts.checked.len()).map(|u| parts.judged(u)).collect();
        let mut x = study.x.select(Axis(0), &judged);
        let mut e = study.propensity.select(Axis(0), &judged);
        let mut arm: Vec<usize> = judged.iter().map(|&i| assigned[i]).collect();
        if let Some(new) = new {
            x = concatenate![Axis(0), x, new.x];
            arm.extend(&new.assigned);
            if let Some(propensity) = &new.propensity {
                e = concatenate![Axis(0), e, *propensity];
            }
        }
        let elsewhere = Elsewhere::new(study, &parts.fitted, &x, settings.seed)?;
        let estimated = elsewhere.propensities(&settings.roles.propensity)?;
        let clip = settings.clip.unwrap_or(if estimated.is_some() { Estimation::CLIP } else { 0.0 });
        let e = estimated.unwrap_or(e);
        let of_arm = |matrix: Array2<f64>| -> Vec<f64> {
            arm.iter().enumerate().map(|(u, &k)| matrix[[u, k]]).collect()
        };
        let mu = of_arm(elsewhere.outcomes(&settings.roles.outcome_model)?);
        let size = match settings.scaled {
            false => vec![1.0; arm.len()],
            true => of_arm(sizes(study, &parts.fitted, &x, settings)?),
        };
        if !mu.iter().chain(&size).all(|number| number.is_finite()) {
            return Err(
                Place::file(&study.source).refuse(Problem::Overflow { what: "an outcome prediction" })
            );
        }
        let weight = of_arm(e).into_iter().map(|e| 1.0 / e.max(clip)).collect();
        Ok(Predicted { arm, mu, size, weight })
    }
}

/// The sizes of residuals (m x K) expected at covariates x, by models of the absolute residuals of the units fitted.
fn sizes(
    study: &Study,
    fitted: &[usize],
    x: &Array2<f64>,
    settings: &Settings,
) -> Result<Array2<f64>, DataError> {
    /// Of the mean size: a linear model may expect less than nothing.
    const LEAST: f64 = 0.1;
    let model = &settings.roles.outcome_model;
    let own =
        Elsewhere::new(study, fitted, &study.x.select(Axis(0), fitted), settings.seed)?.outcomes(model)?;
    let mut of_sizes = study.clone();
    let residuals: Array1<f64> =
        fitted.iter().enumerate().map(|(u, &i)| (study.outcome[i] - own[[u, study.arm[i]]]).abs()).collect();
    fitted.iter().zip(&residuals).for_each(|(&i, size)| of_sizes.outcome[i] = *size);
    let mean = residuals.sum() / residuals.len() as f64;
    // Where models fit exactly, sizes tell nothing apart.
    let least = if mean > 0.0 { LEAST * mean } else { 1.0 };
    let of_sizes = Elsewhere::new(&of_sizes, fitted, x, settings.seed)?.outcomes(model)?;
    Ok(of_sizes.mapv(|size| size.max(least)))
}

/// The weighted share of the units at some positions whose interval held the outcome.
fn coverage(
    positions: &[usize],
    weight: impl Fn(usize) -> f64,
    held: impl Fn(usize) -> bool,
    units: usize,
) -> Option<Coverage> {
    let weights: Vec<f64> = positions.iter().map(|&u| weight(u)).collect();
    let sampling = Sampling::new((0..positions.len()).collect(), weights.clone());
    let term = |j: usize| if held(positions[j]) { weights[j] } else { 0.0 };
    (positions.len() > 1).then(|| Coverage {
        units,
        followed: positions.len(),
        share: Estimate::of_mean(term, &sampling),
    })
}
