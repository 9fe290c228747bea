//! Balance: weights that make every arm look like one population, arm by arm ([`Calibration`]).
//!
//! ```text
//! sum_{A_i = a} w_i = 1,   |sum_{A_i = a} w_i z_ij - t_j| <= d_j s_j      for every arm a and feature j
//! ```
//!
//! with features z (n x q), the target's means t, the features' standard deviations s over all units, and tolerances d. Source: fusion.txt,
//! Algorithm 1, step 1.

mod features;
mod love_plot;

pub use features::{Features, Kind};
pub use love_plot::love_plot;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use rayon::prelude::*;
use serde::Serialize;

use crate::models::InvalidModel;
use crate::models::calibration::{Calibration, Discrepancy};
use crate::models::{Model, OracleError};
use crate::solve::clarabel::Clarabel;
use crate::solve::highs::HighsOracle;
use crate::solve::newton::Newton;
use crate::solve::{self, Options, Report, Silent, SolveError, Solver, TerminationStatus};

/// Shares of a combination below this are rounding error of the linear program.
const NEGLIGIBLE: f64 = 1e-6;

/// How to weight; the default balances exactly by entropy.
#[derive(Clone, Debug)]
pub struct Settings {
    pub discrepancy: Discrepancy,
    /// t (q); none: the means of all units.
    pub target: Option<Array1<f64>>,
    /// d (q), in standard deviations; none: 0.
    pub tolerance: Option<Array1<f64>>,
    /// Base weights (n), at least 0, which those of an arm stay near to; a unit of base weight 0 gets none. None: equal ones.
    pub base: Option<Array1<f64>>,
    /// Bounds on the ratio of weights to base weights, both scaled to sum to 1 in the arm.
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// `newton`, `clarabel`, or by the problem.
    pub solver: Choice,
    /// Names of the features (q) and arms, as messages give them; numbers where they are missing.
    pub features: Vec<String>,
    pub arms: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            discrepancy: Discrepancy::ENTROPY,
            target: None,
            tolerance: None,
            base: None,
            lower: None,
            upper: None,
            solver: Choice::Auto,
            features: Vec::new(),
            arms: Vec::new(),
        }
    }
}

/// Which solver; `Auto` is Newton wherever it takes the problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    #[default]
    Auto,
    Newton,
    Clarabel,
}

/// The weights and what they cost.
#[derive(Clone, Debug, Serialize)]
pub struct Balanced {
    pub arms: Vec<ArmWeights>,
    pub balance: Vec<FeatureBalance>,
    /// w (n), in row order; they sum to 1 in every arm.
    #[serde(skip)]
    pub weights: Array1<f64>,
    pub warnings: Vec<String>,
}

/// The weights of one arm in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct ArmWeights {
    pub arm: String,
    pub units: usize,
    pub solver: String,
    /// sum_i m b_i phi(w_i / b_i).
    pub objective: f64,
    /// The dual's bound on it, where the solver proves one.
    pub bound: Option<f64>,
    /// As in [`Stationarity`](crate::models::calibration::Stationarity), one a feature; null where there is no such form.
    pub multipliers: Vec<f64>,
    /// Largest deviation of the stationarity conditions.
    pub stationarity_residual: f64,
    /// Largest |mean - target| in standard deviations.
    pub max_balance_residual: f64,
    /// (sum w)^2 / sum w^2.
    pub effective_sample_size: f64,
    pub effective_sample_size_before: f64,
    pub min_weight: f64,
    pub max_weight: f64,
    pub negative_weights: usize,
}

/// One feature in one arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureBalance {
    pub arm: String,
    pub feature: String,
    pub target: f64,
    /// (mean - target) / s under the base weights, and under the weights found.
    pub before: f64,
    pub after: f64,
}

/// Why there are no weights.
#[derive(Debug, thiserror::Error)]
pub enum BalanceError {
    #[error(
        "arm {arm:?} ({units} rows) cannot be balanced: whatever the weights, {combination} (features in standard deviations) stays \
         {shortfall} above its value in the target{}; pass --tolerance {tolerance} or more, or leave features out",
        within(*.tolerated)
    )]
    Infeasible {
        arm: String,
        units: usize,
        combination: String,
        shortfall: f64,
        tolerance: f64,
        tolerated: bool,
    },
    #[error("arm {arm:?}: no row has a base weight above 0; correct the weights, or drop the arm")]
    Empty { arm: String },
    #[error(
        "arm {arm:?}: the weights could not be computed ({reason}); pass --solver clarabel, or a tolerance"
    )]
    Numerical { arm: String, reason: String },
    #[error(transparent)]
    Model(#[from] InvalidModel),
    #[error(transparent)]
    Solve(#[from] SolveError),
    #[error(transparent)]
    Oracle(#[from] OracleError),
}

fn within(tolerated: bool) -> &'static str {
    if tolerated { " beyond the tolerances" } else { "" }
}

/// Weights (n) for features x (n x q) and the arm of each unit, 0 to `arms` - 1; arms are solved in parallel and do not depend on it.
///
/// # Errors
/// An arm that cannot be balanced, with the combination of features that is out of reach and the smallest tolerance that works; an arm
/// without units; numbers that pose no problem.
pub fn calibrate(
    x: &Array2<f64>,
    arm: &[usize],
    arms: usize,
    settings: &Settings,
) -> Result<Balanced, BalanceError> {
    let overall = Overall::of(x, settings);
    let mut members = vec![Vec::new(); arms];
    arm.iter().enumerate().for_each(|(i, &a)| members[a].push(i));
    let solve = |a: usize| overall.arm(x, a, &members[a], settings);
    let solved: Vec<_> = (0..arms).into_par_iter().map(solve).collect();
    let mut weights = Array1::zeros(x.nrows());
    let (mut rows, mut balance) = (Vec::new(), Vec::new());
    for (a, solved) in solved.into_iter().enumerate() {
        let (row, features, of_arm) = solved?;
        members[a].iter().zip(of_arm).for_each(|(&i, w)| weights[i] = w);
        rows.push(row);
        balance.extend(features);
    }
    Ok(Balanced { warnings: warnings(x, &rows, settings), arms: rows, balance, weights })
}

fn warnings(x: &Array2<f64>, arms: &[ArmWeights], settings: &Settings) -> Vec<String> {
    let constant = x.columns().into_iter().enumerate().filter(|(_, column)| {
        let (least, most) = range(*column);
        least == most
    });
    let constant = constant.map(|(j, _)| format!("feature {} does not vary", name(&settings.features, j)));
    let negative = arms.iter().filter(|arm| arm.negative_weights > 0).map(|arm| {
        format!("arm {}: {} of {} weights are negative", arm.arm, arm.negative_weights, arm.units)
    });
    constant.chain(negative).collect()
}

/// What all arms share.
struct Overall {
    target: Array1<f64>,
    /// Standard deviations over all units; the size of the value where it does not vary.
    scale: Array1<f64>,
}

impl Overall {
    fn of(x: &Array2<f64>, settings: &Settings) -> Self {
        let means: Array1<f64> = x.columns().into_iter().map(mean).collect();
        let scale = x.columns().into_iter().zip(&means).map(|(column, &mean)| {
            let n = column.len() as f64;
            let deviation = column.iter().map(|z| (z - mean).powi(2) / n).sum::<f64>().sqrt();
            if deviation > 0.0 { deviation } else { mean.abs().max(1.0) }
        });
        Self { scale: scale.collect(), target: settings.target.clone().unwrap_or(means) }
    }

    /// The weights of one arm, in the order of `members`.
    fn arm(
        &self,
        x: &Array2<f64>,
        a: usize,
        members: &[usize],
        settings: &Settings,
    ) -> Result<(ArmWeights, Vec<FeatureBalance>, Vec<f64>), BalanceError> {
        let label = name(&settings.arms, a);
        let given = |i: usize| settings.base.as_ref().map_or(1.0, |base| base[i]);
        let kept: Vec<usize> = members.iter().copied().filter(|&i| given(i) > 0.0).collect();
        if kept.is_empty() {
            return Err(BalanceError::Empty { arm: label });
        }
        let tolerance = settings.tolerance.clone().unwrap_or_else(|| Array1::zeros(self.scale.len()));
        let model = Calibration::new(x.select(Axis(0), &kept), self.target.clone(), settings.discrepancy)?
            .with_base(kept.iter().map(|&i| given(i)).collect())?
            .with_scale(self.scale.clone())?
            .with_tolerance(&tolerance * &self.scale)?
            .with_bounds(settings.lower, settings.upper)?;
        let report = self.solved(&model, &label, settings)?;
        let found = report.point.as_deref().unwrap_or_default();
        let base = model.base().to_vec();
        let (before, after) = (model.imbalance(&base), model.imbalance(found));
        let features = (0..before.len()).map(|j| FeatureBalance {
            arm: label.clone(),
            feature: name(&settings.features, j),
            target: self.target[j],
            before: before[j],
            after: after[j],
        });
        let features = features.collect();
        let mut of_kept = found.iter().copied();
        let weights: Vec<f64> = members
            .iter()
            .map(|&i| if given(i) > 0.0 { of_kept.next().unwrap_or(0.0) } else { 0.0 })
            .collect();
        let optimal = model.stationarity(found);
        let row = ArmWeights {
            arm: label,
            units: members.len(),
            solver: report.solver.clone(),
            objective: model.objective(&found.to_vec()),
            bound: report.objective_bound,
            multipliers: optimal.multipliers.to_vec(),
            stationarity_residual: optimal.residual,
            max_balance_residual: after.iter().fold(0.0, |most, off| off.abs().max(most)),
            effective_sample_size: effective(found),
            effective_sample_size_before: effective(&base),
            min_weight: weights.iter().copied().fold(f64::INFINITY, f64::min),
            max_weight: weights.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            negative_weights: weights.iter().filter(|w| **w < 0.0).count(),
        };
        Ok((row, features, weights))
    }

    /// The arm's optimum, or why there is none.
    fn solved(
        &self,
        model: &Calibration,
        label: &str,
        settings: &Settings,
    ) -> Result<Report<Vec<f64>>, BalanceError> {
        let newton: &dyn Solver<Calibration> = &Newton;
        let solvers = match settings.solver {
            Choice::Newton => vec![newton],
            Choice::Clarabel => vec![&Clarabel as &dyn Solver<Calibration>],
            Choice::Auto => vec![newton, &Clarabel],
        };
        let auto = settings.solver == Choice::Auto;
        let mut reason = String::new();
        for solver in solvers.into_iter().filter(|solver| !auto || solver.accepts(model).is_ok()) {
            let report = solve::solve(model, solver, None, &Options::default(), &Silent)?;
            if report.termination_status == TerminationStatus::Optimal {
                return Ok(report);
            }
            if report.termination_status == TerminationStatus::Infeasible {
                break;
            }
            reason = format!("{}: {}", report.solver, report.raw_status);
        }
        let separation = model.separation(&mut HighsOracle::default())?;
        if separation.shortfall < NEGLIGIBLE {
            return Err(BalanceError::Numerical { arm: label.into(), reason });
        }
        let most =
            settings.tolerance.as_ref().map_or(0.0, |d| d.iter().fold(0.0, |most: f64, d| most.max(*d)));
        Err(BalanceError::Infeasible {
            arm: label.into(),
            units: model.units(),
            combination: combination(&separation.direction, settings),
            shortfall: rounded(separation.shortfall, f64::round),
            // A little more, so that what comes of the rounded number has room.
            tolerance: rounded(1.001 * (most + separation.shortfall), f64::ceil),
            tolerated: most > 0.0,
        })
    }
}

/// `0.62 X1 - 0.38 X2`, the largest first.
fn combination(direction: &Array1<f64>, settings: &Settings) -> String {
    const MOST: usize = 6;
    let mut parts: Vec<(usize, f64)> =
        direction.iter().copied().enumerate().filter(|(_, l)| l.abs() > NEGLIGIBLE).collect();
    parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    let mut text = String::new();
    for (k, &(j, l)) in parts.iter().take(MOST).enumerate() {
        let sign = match (k, l < 0.0) {
            (0, false) => "",
            (0, true) => "-",
            (_, false) => " + ",
            (_, true) => " - ",
        };
        text.push_str(&format!("{sign}{} {}", rounded(l.abs(), f64::round), name(&settings.features, j)));
    }
    if parts.len() > MOST {
        text.push_str(&format!(" and {} more", parts.len() - MOST));
    }
    text
}

/// Three significant digits.
fn rounded(value: f64, round: fn(f64) -> f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    let power = 10f64.powi(digits.abs());
    if digits >= 0 { round(value * power) / power } else { round(value / power) * power }
}

fn name(names: &[String], k: usize) -> String {
    names.get(k).cloned().unwrap_or_else(|| k.to_string())
}

/// (sum w)^2 / sum w^2.
fn effective(weights: &[f64]) -> f64 {
    let (sum, squares) = weights.iter().fold((0.0, 0.0), |(sum, squares), w| (sum + w, squares + w * w));
    sum * sum / squares
}

fn range(values: ArrayView1<f64>) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| (least.min(*x), most.max(*x)))
}

/// The mean of a column; that of equal values is the value. Divided first, because a sum of large numbers may overflow.
fn mean(column: ArrayView1<f64>) -> f64 {
    let (least, most) = range(column);
    let n = column.len() as f64;
    column.iter().map(|value| value / n).sum::<f64>().clamp(least, most)
}
