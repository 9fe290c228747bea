//! How each method groups the arms of one draw.
//!
//! ```text
//! weights   w        entropy, arm by arm, to the overall means; or none (K / n)
//! outcome   Y - M0   M0: pooled weighted least squares on (1, X, squares, products); none for the linear rule
//! groups    arms whose coefficients of (1, X) lie within 0.25, at the lambda (60 from 5e-4 to 1.5) of least EBIC with refit;
//!           or the partition of least pooled residual sum of squares, its number of groups by the same criterion
//! ```
//!
//! Source: fusion.txt, Algorithm 1 and section 4.1. The paper does not give grid, M0 and the residuals of its EBIC; these are fixed here.

use ndarray::{Array1, Array2, Axis, concatenate};
use prescribe_models::arm_moments::Moments;
use serde::{Deserialize, Serialize};

use super::ReproduceError;
use crate::balance::{self, BalanceError, Balanced};
use crate::fusion::partition::{self, partition};
use crate::fusion::{Data, Groups, MainEffect, PathSettings, Penalty, grid, pair_weights, path, pooled_fit};
use crate::simulate::FusedArms;
use crate::solve::{Options, Silent};

/// The grid of lambda, for weights that sum to 1 in each arm: from, to, steps.
const LAMBDAS: (f64, f64, usize) = (5e-4, 1.5, 60);
/// Distance of coefficients below which the paper counts arms as one group.
const WITHIN: f64 = 0.25;

/// A method of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Every arm by itself.
    Unfused,
    Lasso,
    /// The paper's.
    WeightedLasso,
    /// Ma et al. (2022): linear working models for groups and rule.
    LinearRule,
    WeightedAdaptive,
    WeightedWald,
    Partition,
    WeightedPartition,
    /// The true groups.
    Oracle,
}

impl Method {
    pub const ALL: [Self; 9] = [
        Self::Unfused,
        Self::Lasso,
        Self::WeightedLasso,
        Self::LinearRule,
        Self::WeightedAdaptive,
        Self::WeightedWald,
        Self::Partition,
        Self::WeightedPartition,
        Self::Oracle,
    ];

    /// What tables call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Unfused => "policy tree",
            Self::Lasso => "lasso fusion + tree",
            Self::WeightedLasso => "CW + lasso fusion + tree",
            Self::LinearRule => "Ma et al. (2022): linear",
            Self::WeightedAdaptive => "CW + adaptive lasso + tree",
            Self::WeightedWald => "CW + Wald lasso + tree",
            Self::Partition => "exact fusion + tree",
            Self::WeightedPartition => "CW + exact fusion + tree",
            Self::Oracle => "true groups + tree",
        }
    }
}

/// Weights that give each arm the overall means of some columns, and what had to be allowed for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// They sum to 1 in every arm (n).
    pub of_units: Vec<f64>,
    /// Standard deviations by which means may miss, 0 where all arms can be balanced.
    pub tolerance: f64,
}

/// Entropy weights on the first moments of the columns `balanced`.
///
/// # Errors
/// Of the solvers of calibration; an arm out of the reach of exact weights is none, see [`Weights::tolerance`].
pub fn calibrated(drawn: &FusedArms, balanced: &[usize]) -> Result<Weights, ReproduceError> {
    let x = drawn.x.select(Axis(1), balanced);
    let arms = drawn.group.len();
    nearly_balanced(&x, &drawn.arm, arms, balance::Settings::default()).map(|(weights, _)| weights)
}

/// Weights that balance features x (n x q). Where an arm lies outside the reach of exact weights, all arms get the smallest tolerance that
/// works for that arm.
///
/// # Errors
/// Of the solvers of calibration.
pub(super) fn nearly_balanced(
    x: &Array2<f64>,
    arm: &[usize],
    arms: usize,
    settings: balance::Settings,
) -> Result<(Weights, Balanced), ReproduceError> {
    let mut within = 0.0;
    loop {
        let tolerance = (within > 0.0).then(|| Array1::from_elem(x.ncols(), within));
        match balance::calibrate(x, arm, arms, &balance::Settings { tolerance, ..settings.clone() }) {
            Ok(found) => {
                let of_units = found.weights.to_vec();
                return Ok((Weights { of_units, tolerance: within }, found));
            }
            Err(BalanceError::Infeasible { tolerance, .. }) if tolerance > within => within = tolerance,
            Err(error) => return Err(error.into()),
        }
    }
}

/// K / n for each unit.
pub fn equal(drawn: &FusedArms) -> Vec<f64> {
    let n = drawn.arm.len();
    vec![drawn.group.len() as f64 / n as f64; n]
}

/// What fusion of a draw reads.
#[derive(Clone, Debug)]
pub struct Posed {
    pub data: Data,
    /// The sums of each arm.
    pub moments: Vec<Moments>,
}

impl From<Data> for Posed {
    fn from(data: Data) -> Posed {
        Posed { moments: data.moments(), data }
    }
}

impl Posed {
    /// A draw with weights (n), the main effect taken off.
    pub fn new(drawn: &FusedArms, weights: Vec<f64>, main: MainEffect) -> Posed {
        Self::of(&drawn.x, &drawn.outcome, &drawn.arm, drawn.group.len(), weights, main)
    }

    /// The same for covariates x (n x p), outcomes and arms.
    pub fn of(
        x: &Array2<f64>,
        outcome: &[f64],
        arm: &[usize],
        arms: usize,
        weights: Vec<f64>,
        main: MainEffect,
    ) -> Posed {
        let effect = pooled_fit(main, x, outcome, &weights);
        let outcome = outcome.iter().zip(effect).map(|(y, m)| y - m).collect();
        Self::from(Data { design: with_intercept(x), outcome, weights, arm: arm.to_vec(), arms })
    }

    /// Groups by a lasso, lambda by EBIC.
    ///
    /// # Errors
    /// Of the solver.
    pub fn lasso(&self, penalty: Penalty) -> Result<Groups, ReproduceError> {
        let weights = pair_weights(penalty, &self.data, &self.moments);
        let (low, high, steps) = LAMBDAS;
        let settings = PathSettings {
            penalty,
            lambdas: grid(low, high, steps),
            threshold: WITHIN,
            units: self.data.arm.len(),
        };
        let steps = path(&self.moments, &weights, &settings, &Silent)?;
        let best = steps.into_iter().min_by(|a, b| a.ebic.total_cmp(&b.ebic));
        Ok(best.map(|step| step.groups).expect("the grid is not empty"))
    }

    /// Groups by exact fusion, their number by EBIC: proved up to 16 arms, beyond by merging and exchanges.
    ///
    /// # Errors
    /// Of the solver.
    pub fn partition(&self) -> Result<Groups, ReproduceError> {
        let (n, options) = (self.data.arm.len(), Options { threads: 1, ..Options::default() });
        let mut path = partition(&self.moments, n, partition::Choice::Ebic, &options, &Silent)?;
        Ok(Groups { of: path.steps.swap_remove(path.chosen).of })
    }
}

/// (1, X).
pub fn with_intercept(x: &Array2<f64>) -> Array2<f64> {
    concatenate![Axis(1), Array2::ones((x.nrows(), 1)), *x]
}

/// The groups that methods find in a draw, and the tolerance of the weights; weights balance the columns `balanced`.
///
/// # Errors
/// Of the solvers.
pub fn groups(
    drawn: &FusedArms,
    balanced: &[usize],
    methods: &[Method],
) -> Result<(Vec<Groups>, f64), ReproduceError> {
    let Weights { of_units, tolerance } = calibrated(drawn, balanced)?;
    let plain = Posed::new(drawn, equal(drawn), MainEffect::Quadratic);
    let weighted = Posed::new(drawn, of_units, MainEffect::Quadratic);
    let find = |method: &Method| match method {
        Method::Unfused => Ok(Groups { of: (0..drawn.group.len()).collect() }),
        Method::Lasso => plain.lasso(Penalty::Lasso),
        Method::WeightedLasso => weighted.lasso(Penalty::Lasso),
        Method::LinearRule => Posed::new(drawn, equal(drawn), MainEffect::None).lasso(Penalty::Lasso),
        Method::WeightedAdaptive => weighted.lasso(Penalty::Adaptive),
        Method::WeightedWald => weighted.lasso(Penalty::Wald),
        Method::Partition => plain.partition(),
        Method::WeightedPartition => weighted.partition(),
        Method::Oracle => Ok(Groups { of: drawn.group.clone() }),
    };
    Ok((methods.iter().map(find).collect::<Result<_, _>>()?, tolerance))
}
