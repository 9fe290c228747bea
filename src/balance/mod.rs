//! Balance: weights that make every arm look like one population, arm by arm ([`Calibration`](crate::models::calibration::Calibration)).
//!
//! ```text
//! sum_{A_i = a} w_i = 1,   |sum_{A_i = a} w_i z_ij - t_j| <= d_j s_j      for every arm a and feature j
//! ```
//!
//! with features z (n x q), the target's means t, the features' standard deviations s over all units, and tolerances d. Source: fusion.txt,
//! Algorithm 1, step 1. Where units come from several sources S_i (trials, hospitals), each arm is balanced in each of them, and its sources are
//! pooled by their share of all units:
//!
//! ```text
//! w_i = n_s / n_(a) u_i,   sum_{A_i = a, S_i = s} u_i = 1,   |sum_{A_i = a, S_i = s} u_i z_ij - t_j| <= d_j s_j,   n_(a) = sum of n_s over the sources of arm a
//! ```
//!
//! so that arms differ neither in what was measured nor, where every source has all of them, in where it was. The paper names several sources
//! as future work; this is the weighting under which a source may shift all its outcomes by an amount of its own.

mod cell;
mod features;
mod love_plot;

pub use features::{Features, Kind};
pub use love_plot::love_plot;

use std::fmt;

use ndarray::{Array1, Array2, ArrayView1};
use rayon::prelude::*;
use serde::Serialize;

use self::cell::{Overall, cells};
use crate::models::InvalidModel;
use crate::models::OracleError;
use crate::models::calibration::Discrepancy;
use crate::solve::SolveError;
use crate::solve::threads::on_threads;

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
    /// 0: all there are.
    pub threads: usize,
    /// The source of each unit (n), counted from 0; none: all come from one.
    pub sources: Option<Vec<usize>>,
    /// Names of the features (q), arms and sources, as messages give them; numbers where they are missing.
    pub features: Vec<String>,
    pub arms: Vec<String>,
    pub source_names: Vec<String>,
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
            threads: 0,
            sources: None,
            features: Vec::new(),
            arms: Vec::new(),
            source_names: Vec::new(),
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

/// The weights of one arm in numbers; with several sources, of one arm in one of them, where they sum to 1.
#[derive(Clone, Debug, Serialize)]
pub struct ArmWeights {
    pub arm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Of the source among those of the arm, by which its weights are multiplied.
    pub share: f64,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
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
        "{cell} ({units} rows) cannot be balanced: whatever the weights, {combination} (features in standard deviations) stays \
         {shortfall} above its value in the target{}; pass --tolerance {tolerance} or more, or leave features out",
        within(*.tolerated)
    )]
    Infeasible {
        cell: Cell,
        units: usize,
        combination: String,
        shortfall: f64,
        tolerance: f64,
        tolerated: bool,
    },
    #[error("{cell}: no row has a base weight above 0; correct the weights, or drop the arm")]
    Empty { cell: Cell },
    #[error("{cell}: the weights could not be computed ({reason}); pass --solver clarabel, or a tolerance")]
    Numerical { cell: Cell, reason: String },
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

/// An arm, or an arm in one source, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub arm: String,
    pub source: Option<String>,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "arm {:?}", self.arm)?;
        self.source.iter().try_for_each(|source| write!(f, " in source {source:?}"))
    }
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
    let cells = cells(arm, arms, settings);
    let work = || cells.par_iter().map(|cell| overall.weigh(x, cell, settings)).collect();
    let solved: Vec<_> =
        if settings.threads == 0 { work() } else { on_threads("weigh", settings.threads, work)? };
    let mut weights = Array1::zeros(x.nrows());
    let (mut rows, mut balance) = (Vec::new(), Vec::new());
    for (cell, solved) in cells.iter().zip(solved) {
        let (row, features, of_cell) = solved?;
        cell.units.iter().zip(of_cell).for_each(|(&i, u)| weights[i] = cell.share * u);
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
        let cell = Cell { arm: arm.arm.clone(), source: arm.source.clone() };
        format!("{cell}: {} of {} weights are negative", arm.negative_weights, arm.units)
    });
    let sources = settings.sources.iter().flatten().max().map_or(0, |most| most + 1);
    let of_arm = arms.chunk_by(|a, b| a.arm == b.arm).filter(|cells| cells.len() < sources);
    let absent = of_arm.map(|cells| {
        let arm = Cell { arm: cells[0].arm.clone(), source: None };
        format!("{arm} is in {} of {sources} sources, so that it is compared across sources", cells.len())
    });
    constant.chain(negative).chain(absent).collect()
}

fn name(names: &[String], k: usize) -> String {
    names.get(k).cloned().unwrap_or_else(|| k.to_string())
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
