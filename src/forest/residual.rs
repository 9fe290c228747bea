//! Residual outcomes: what all arms share of the outcome, as a function fbar of the covariates, is taken away before assignments are learned
//! (forest.txt, section 3.3 and Appendix A). It changes no ranking of arms, and most of the variance.
//!
//! ```text
//! raw        fbar(X) = E[Y | X]                                        least squares of Y on X
//! control    fbar(X) = E[Y | T = 0, X]                                 the same over the units of the control
//! weighted   fbar(X) = sum_k E[Y | T = k, X] / p_k / sum_k 1 / p_k     least squares with weights 1 / p_T^2
//! residual   Y_i - fbar_-i(X_i)
//! ```
//!
//! fbar_-i comes from units outside the fold of unit i, which are all those of its cluster at least. With masses w = v P_T / p_T(X) the weights
//! are (w / P_T)^2 = (v / p_T(X))^2: the variance of v (Y - fbar) / p_T is then the least. They are scaled to a mean of 1, so that equal shares
//! are no weights at all.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, PackedTree};
use super::{RegressionForest, RegressionSettings, Trial};
use crate::nuisance::LinearModel;

/// What is taken away from outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Residualize {
    /// The mean over arms, weighted by 1 / p_k.
    #[default]
    Weighted,
    /// The mean outcome.
    Raw,
    /// The mean outcome of the control.
    Control,
    /// Nothing.
    None,
    /// The numbers of a column, made elsewhere, in units of the outcome.
    Column(String),
}

/// How a baseline is predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learner {
    #[default]
    Forest,
    Linear,
}

/// How baselines are fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitting {
    pub learner: Learner,
    /// At least 2.
    pub folds: usize,
    pub seed: u64,
}

impl Fitting {
    /// By forests over five folds.
    pub fn usual(seed: u64) -> Fitting {
        Fitting { learner: Learner::Forest, folds: 5, seed }
    }
}

/// A trial's utilities without their baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Residuals {
    /// y_i - fbar_-i (n).
    pub utility: Vec<f64>,
    /// fbar_-i (n), from models that never saw the unit.
    pub baseline: Vec<f64>,
    /// fbar at any covariates, from all units.
    pub predictor: Baseline,
}

impl Residuals {
    /// The share of the variance of the utilities that the baseline takes away; below 0 where it adds some.
    pub fn explained(&self) -> f64 {
        let before: Vec<f64> = self.utility.iter().zip(&self.baseline).map(|(y, fbar)| y + fbar).collect();
        let total = variance(&before);
        if total > 0.0 { 1.0 - variance(&self.utility) / total } else { 0.0 }
    }
}

/// Why there is no baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBaseline {
    #[error(
        "only {found} units of the control are outside one of the folds, and a baseline takes {FEWEST_CONTROLS} at least; pass --residualize \
         weighted, or name another arm with --control"
    )]
    TooFewControls { found: usize },
    #[error(
        "all units fall into one fold, so that nothing is left to fit a baseline to; name finer clusters, or pass --residualize none"
    )]
    OneFold,
    #[error(
        "the baseline made elsewhere is of {found} units, the trial has {expected}; give one number a unit"
    )]
    OtherUnits { found: usize, expected: usize },
}

/// Fewest control units that a baseline is fitted to.
const FEWEST_CONTROLS: usize = 10;

/// Takes the baseline away from the utilities of a trial. `column` has the numbers (n) of [`Residualize::Column`], in utility units (outcomes
/// with the direction's sign); what new rows get in their place is a regression of them on the covariates.
///
/// Nothing depends on the number of threads.
///
/// # Errors
/// Where too few units of the control are left outside a fold, or there is not one number of the column for each unit.
pub fn residualize(
    trial: &Trial,
    how: &Residualize,
    column: Option<&[f64]>,
    fitting: Fitting,
) -> Result<Residuals, NoBaseline> {
    let everyone: Vec<usize> = (0..trial.units()).collect();
    let (baseline, predictor) = match how {
        Residualize::None => (vec![0.0; trial.units()], Baseline::Zero),
        Residualize::Column(_) => {
            let column = column.unwrap_or_default();
            if column.len() != trial.units() {
                return Err(NoBaseline::OtherUnits { found: column.len(), expected: trial.units() });
            }
            let task = Regressed { trial, target: column, weight: None, fitting };
            (column.to_vec(), task.fit(&everyone, "all"))
        }
        Residualize::Weighted | Residualize::Raw | Residualize::Control => {
            let weight = if *how == Residualize::Weighted { weights(trial) } else { None };
            let task = Regressed { trial, target: &trial.utility, weight: weight.as_deref(), fitting };
            if *how == Residualize::Control {
                let controls: Vec<usize> = everyone.into_iter().filter(|&i| trial.arm[i] == 0).collect();
                let refusal = |found| NoBaseline::TooFewControls { found };
                (task.cross_fitted(&controls, FEWEST_CONTROLS, refusal)?, task.fit(&controls, "all"))
            } else {
                (task.cross_fitted(&everyone, 1, |_| NoBaseline::OneFold)?, task.fit(&everyone, "all"))
            }
        }
    };
    let utility = trial.utility.iter().zip(&baseline).map(|(y, fbar)| y - fbar).collect();
    Ok(Residuals { utility, baseline, predictor })
}

/// (w / P_T)^2 of each unit (n), of mean 1; none where all are the same.
fn weights(trial: &Trial) -> Option<Vec<f64>> {
    let shares = trial.shares();
    let inverse = |i: usize| (trial.mass(i) / shares[trial.arm[i] as usize]).powi(2);
    let raw: Vec<f64> = (0..trial.units()).map(inverse).collect();
    if raw.iter().all(|weight| *weight == raw[0]) {
        return None;
    }
    let mean = raw.iter().map(|weight| weight / raw.len() as f64).sum::<f64>();
    Some(raw.into_iter().map(|weight| weight / mean).collect())
}

/// A regression on the covariates of a trial.
struct Regressed<'t> {
    trial: &'t Trial,
    target: &'t [f64],
    weight: Option<&'t [f64]>,
    fitting: Fitting,
}

impl Regressed<'_> {
    /// Predictions for all units, each by a model of the units `served` outside its fold: `fewest` of them at least.
    fn cross_fitted(
        &self,
        served: &[usize],
        fewest: usize,
        refusal: impl Fn(usize) -> NoBaseline,
    ) -> Result<Vec<f64>, NoBaseline> {
        let folds = self.trial.folds(self.fitting.folds, self.fitting.seed);
        let mut predicted = vec![0.0; self.trial.units()];
        for fold in 0..folds.count {
            let outside: Vec<usize> = served.iter().copied().filter(|&i| folds.fold_of[i] != fold).collect();
            let inside: Vec<usize> = (0..self.trial.units()).filter(|&i| folds.fold_of[i] == fold).collect();
            if outside.len() < fewest && !inside.is_empty() {
                return Err(refusal(outside.len()));
            }
            if inside.is_empty() {
                continue;
            }
            let model = self.fit(&outside, &format!("outside fold {fold}"));
            let of_inside = model.predict(self.trial.x.select(Axis(0), &inside).view());
            inside.into_iter().zip(of_inside).for_each(|(i, fbar)| predicted[i] = fbar);
        }
        Ok(predicted)
    }

    /// The model of some units (at least one).
    fn fit(&self, units: &[usize], which: &str) -> Baseline {
        let x = self.trial.x.select(Axis(0), units);
        let of = |values: &[f64]| units.iter().map(|&i| values[i]).collect::<Vec<f64>>();
        let (target, weight) = (of(self.target), self.weight.map(of));
        match self.fitting.learner {
            Learner::Linear => linear(x, target, weight),
            Learner::Forest => {
                let task = format!("baseline {which}");
                forest(x.view(), &target, weight.as_deref(), (self.fitting.seed, &task))
            }
        }
    }
}

/// A forest whose trees see no more units, and have no more leaves, than a baseline takes: 20,000 and about 1,000. Where weights leave but a part
/// of the units in effect, (sum w)^2 / sum w^2 of them, leaves hold as many more.
fn forest(x: ArrayView2<f64>, target: &[f64], weight: Option<&[f64]>, task: (u64, &str)) -> Baseline {
    const MOST_UNITS: f64 = 20_000.0;
    const MOST_LEAVES: f64 = 1_000.0;
    let n = target.len() as f64;
    let in_effect = weight.map_or(n, |weight| {
        weight.iter().sum::<f64>().powi(2) / weight.iter().map(|weight| weight * weight).sum::<f64>()
    });
    let usual = RegressionSettings::usual(x.ncols());
    let share = usual.share.min(MOST_UNITS / n);
    let least = (usual.min_leaf as f64 * n / in_effect).max(share * n / MOST_LEAVES);
    let settings = RegressionSettings { share, min_leaf: least.ceil() as usize, ..usual };
    let forest = RegressionForest::grow(x, target, weight, &settings, task);
    Baseline::Forest { trees: forest.trees().map(|(tree, means)| PackedTree::of(tree, means)).collect() }
}

/// Least squares with weights: without an intercept on deviations from weighted means, times the roots of the weights. Every unit goes in
/// with both signs, which makes the intercept 0 and changes nothing else.
fn linear(x: Array2<f64>, target: Vec<f64>, weight: Option<Vec<f64>>) -> Baseline {
    let y = Array1::from(target);
    let Some(weight) = weight else {
        let model = LinearModel::fit(x.view(), y.view());
        return Baseline::Linear { intercept: model.intercept, coefficients: model.coefficients.to_vec() };
    };
    let weight = Array1::from(weight);
    let total = weight.sum();
    let (mean, means) = (y.dot(&weight) / total, weight.dot(&x) / total);
    let roots = weight.mapv(f64::sqrt);
    let rows = (&x - &means) * &roots.clone().insert_axis(Axis(1));
    let of_both = (&y - mean) * &roots;
    let rows = ndarray::concatenate![Axis(0), rows, -&rows];
    let of_both = ndarray::concatenate![Axis(0), of_both, -&of_both];
    let slopes = LinearModel::fit(rows.view(), of_both.view()).coefficients;
    Baseline::Linear { intercept: mean - slopes.dot(&means), coefficients: slopes.to_vec() }
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().map(|value| value / n).sum::<f64>();
    values.iter().map(|value| (value - mean).powi(2) / n).sum()
}

impl FromStr for Residualize {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Residualize, Infallible> {
        Ok(text.to_owned().into())
    }
}

impl From<String> for Residualize {
    fn from(text: String) -> Residualize {
        match text.as_str() {
            "weighted" => Residualize::Weighted,
            "raw" => Residualize::Raw,
            "control" => Residualize::Control,
            "none" => Residualize::None,
            _ => Residualize::Column(text),
        }
    }
}

impl From<Residualize> for String {
    fn from(how: Residualize) -> String {
        how.to_string()
    }
}

impl fmt::Display for Residualize {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Residualize::Weighted => "weighted",
            Residualize::Raw => "raw",
            Residualize::Control => "control",
            Residualize::None => "none",
            Residualize::Column(name) => name,
        })
    }
}
