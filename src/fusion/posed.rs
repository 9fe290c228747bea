//! A study as fusion reads it.

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::Moments;
use prescribe_models::outcome_loss::{Loss, Units};

use super::loss::loss_main_effect;
use super::{Data, FusionError, Settings, Weighting, independent, main_effect};
use crate::balance;
use crate::data::{DataError, Place, Problem as Refusal, Study, Term, terms};

/// What the main effect leaves of an outcome, relative to the largest, below which it is rounding error.
const ROUNDING: f64 = 1e-12;

/// Weights, main effect and the columns of (1, X) that say something new.
pub(super) struct Posed {
    /// Y - M0 is the outcome under squares, Y under other losses.
    pub data: Data,
    pub loss: Loss,
    /// M0 on the link scale (n) under other losses, 0 under squares.
    pub offset: Vec<f64>,
    pub moments: Vec<Moments>,
    /// Names of (1, X).
    pub columns: Vec<String>,
    /// Which of these the data are over.
    kept: Vec<usize>,
    pub warnings: Vec<String>,
}

impl Posed {
    /// # Errors
    /// Kind `Data` where an arm cannot be balanced, has no weight, or the main effect cannot be fitted.
    pub fn new(study: &Study, settings: &Settings) -> Result<Posed, FusionError> {
        let names: Vec<String> = terms(&study.covariates, &study.x).iter().map(Term::name).collect();
        let features = study.design();
        let weights = weights(study, &features, &names, &settings.weighting)?;
        let (n, q) = features.dim();
        let design =
            Array2::from_shape_fn((n, q + 1), |(i, j)| if j == 0 { 1.0 } else { features[[i, j - 1]] });
        let kept = independent(&design, &weights);
        let lost = |j: &usize| {
            let name = &names[j - 1];
            format!(
                "{}, column {name:?}: constant, or a combination of the columns before it; its coefficients are 0",
                study.source
            )
        };
        let warnings = (1..=q).filter(|j| !kept.contains(j)).map(|j| lost(&j)).collect();
        let (outcome, offset) = match settings.loss {
            Loss::Squared => (rest(study, &features, &weights, settings)?, vec![0.0; n]),
            _ => (study.outcome.to_vec(), loss_main_effect(study, &features, &weights, settings)?),
        };
        let all = Data { design, outcome, weights, arm: study.arm.clone(), arms: study.arms.len() };
        let data = all.over(&kept);
        let columns = std::iter::once("(intercept)".to_string()).chain(names).collect();
        Ok(Posed { moments: data.moments(), data, loss: settings.loss, offset, columns, kept, warnings })
    }

    /// n.
    pub fn units(&self) -> usize {
        self.data.arm.len()
    }

    /// The units of each arm, for losses that need them.
    pub fn arms(&self) -> Vec<Units> {
        let Data { design, outcome, weights, arm, arms } = &self.data;
        Units::by_arm(design, (outcome, &self.offset), weights, arm, *arms)
    }

    /// Coefficients over all columns.
    pub fn full(&self, row: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; self.columns.len()];
        self.kept.iter().zip(row).for_each(|(&j, &value)| all[j] = value);
        all
    }

    /// The weighted means of the columns.
    pub fn means(&self) -> Array1<f64> {
        let total: f64 = self.data.weights.iter().sum();
        self.data.design.t().dot(&Array1::from(self.data.weights.clone())) / total
    }
}

/// Weights that sum to 1 in every arm, or to K over all units.
fn weights(
    study: &Study,
    features: &Array2<f64>,
    names: &[String],
    weighting: &Weighting,
) -> Result<Vec<f64>, FusionError> {
    let (n, arms) = (study.units(), study.arms.len());
    match weighting {
        Weighting::None => Ok(vec![arms as f64 / n as f64; n]),
        Weighting::AsGiven(given) => Ok(given.clone()),
        Weighting::Entropy => {
            let settings = balance::Settings {
                features: names.to_vec(),
                arms: study.arms.clone(),
                ..balance::Settings::default()
            };
            Ok(balance::calibrate(features, &study.arm, arms, &settings)?.weights.to_vec())
        }
        Weighting::Given(given) => {
            let mut sums = vec![0.0; arms];
            study.arm.iter().zip(given).for_each(|(&a, w)| sums[a] += w);
            if let Some(a) = sums.iter().position(|sum| *sum <= 0.0) {
                let arm = study.arms[a].clone();
                return Err(Place::file(&study.source).refuse(Refusal::ArmWithoutWeight { arm }).into());
            }
            Ok(study.arm.iter().zip(given).map(|(&a, w)| w / sums[a]).collect())
        }
    }
}

/// Y - M0.
fn rest(
    study: &Study,
    features: &Array2<f64>,
    weights: &[f64],
    settings: &Settings,
) -> Result<Vec<f64>, DataError> {
    let main = main_effect(settings.main_effect, study, features, weights, settings.options.random_seed)?;
    let largest = study.outcome.iter().fold(0.0, |most: f64, y| most.max(y.abs()));
    let rest = |(y, m): (&f64, &f64)| {
        let left = y - m;
        if left.abs() > ROUNDING * largest { left } else { 0.0 }
    };
    Ok(study.outcome.iter().zip(&main).map(rest).collect())
}
