//! Many arms whose effects turn round with one covariate: the design of forest.txt, section 4.1.
//!
//! ```text
//! X        ~ N(0, I_3)            T uniform on {0, .., K}: arm 0 is the control, K = 9 means ten arms
//! b(X)     = 10 + 20 1{X1 > 0} - 20 1{X2 > 0} - 40 1{X1 > 0, X2 > 0}                                (baseline; mean 0)
//! t_0(X)   = -10 X1^2
//! t_k(X)   = gamma (2 1{X3 > 0} - 1) (2 k - K - 1) / (K - 1)                                        k = 1, .., K
//! Y        = b(X) + t_T(X) + sigma N(0, 1)
//! ```
//!
//! Arm K is the best where X3 > 0, arm 1 elsewhere. The **value** of an assignment a is net of the baseline, the mean of t_a(X)(X):
//!
//! ```text
//! oracle gamma;   any one arm but the control 0, so that the global best is 0;   control -10;   uniform on all K + 1 arms -10 / (K + 1)
//! ```
//!
//! Values taken gross of the baseline, as means of b(X) + t_a(X)(X), have the same expectations, but on n test units they move together by
//! the mean of b, whose standard deviation is sqrt(500 / n). The test file of tests/oracles/forest has mean -.876: its best gross
//! value is 9.124, where the best net value of every draw is 10. Gains of one assignment over another are the same either way.

use ndarray::Array2;
use prescribe_models::InvalidModel;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::Serialize;

use super::check;
use crate::random::stream;

/// One of the designs; the paper takes gamma and sigma of 10 and 20, and K = 9, 29, 49, 99.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ManyArmsDesign {
    /// K: the arms are 0, the control, to K.
    pub arms: usize,
    /// Strength of the effects.
    pub gamma: f64,
    /// Standard deviation of the noise.
    pub sigma: f64,
}

impl ManyArmsDesign {
    /// b(x), the part of the mean that all arms share.
    pub fn baseline(&self, x: &[f64]) -> f64 {
        let (first, second) = (f64::from(u8::from(x[0] > 0.0)), f64::from(u8::from(x[1] > 0.0)));
        10.0 + 20.0 * first - 20.0 * second - 40.0 * first * second
    }

    /// t_k(x), what arm k adds to the baseline.
    pub fn effect(&self, arm: usize, x: &[f64]) -> f64 {
        if arm == 0 {
            return -10.0 * x[0] * x[0];
        }
        let (k, last) = (arm as f64, self.arms as f64);
        let side = if x[2] > 0.0 { 1.0 } else { -1.0 };
        self.gamma * side * (2.0 * k - last - 1.0) / (last - 1.0)
    }

    /// The best arm at x.
    pub fn oracle(&self, x: &[f64]) -> usize {
        if x[2] > 0.0 { self.arms } else { 1 }
    }

    /// The value of the oracle.
    pub fn oracle_value(&self) -> f64 {
        self.gamma
    }

    /// The value of the best arm for all, which is that of every arm but the control.
    pub fn global_best_value(&self) -> f64 {
        0.0
    }

    /// The value of the control for all.
    pub fn control_value(&self) -> f64 {
        -10.0
    }

    /// The value of an arm at random out of all K + 1. (Out of the K besides the control, as the paper has it, it is 0.)
    pub fn random_value(&self) -> f64 {
        self.control_value() / (self.arms as f64 + 1.0)
    }
}

/// A trial of many arms.
#[derive(Clone, Debug, PartialEq)]
pub struct ManyArms {
    /// X1, X2, X3 (n x 3).
    pub x: Array2<f64>,
    /// The arm of each unit, 0 to K.
    pub arm: Vec<usize>,
    pub outcome: Vec<f64>,
    /// b(X) of each unit.
    pub baseline: Vec<f64>,
}

/// Units with the truth about them, on which assignments are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct ManyArmsPopulation {
    /// X1, X2, X3 (n x 3).
    pub x: Array2<f64>,
    /// b(X) of each unit: arm k's mean is this plus its effect.
    pub baseline: Vec<f64>,
    /// The effect of each arm, 0 to K, on each unit (n x (K + 1)).
    pub effects: Array2<f64>,
    /// The best arm of each unit.
    pub oracle: Vec<usize>,
}

impl ManyArmsPopulation {
    /// The mean effect of the arms assigned, one for each unit: net of the baseline.
    pub fn value(&self, assignment: &[usize]) -> f64 {
        let sum: f64 = assignment.iter().enumerate().map(|(i, &arm)| self.effects[[i, arm]]).sum();
        sum / assignment.len() as f64
    }

    /// The share of the units that are assigned their best arm.
    pub fn best_arm_rate(&self, assignment: &[usize]) -> f64 {
        let right = assignment.iter().zip(&self.oracle).filter(|(arm, best)| arm == best).count();
        right as f64 / assignment.len() as f64
    }
}

/// Draws a trial of n units.
pub fn many_arms(design: &ManyArmsDesign, n: usize, seed: u64) -> Result<ManyArms, InvalidModel> {
    refuse(design, n)?;
    let mut random = stream(seed, &format!("many_arms {design:?}"));
    let mut drawn = ManyArms {
        x: Array2::zeros((n, 3)),
        arm: Vec::with_capacity(n),
        outcome: Vec::with_capacity(n),
        baseline: Vec::with_capacity(n),
    };
    for i in 0..n {
        let x = covariates(&mut random);
        let arm = random.random_range(0..=design.arms);
        let noise = design.sigma * random.sample::<f64, _>(StandardNormal);
        drawn.x.row_mut(i).assign(&ndarray::arr1(&x));
        drawn.arm.push(arm);
        drawn.outcome.push(design.baseline(&x) + design.effect(arm, &x) + noise);
        drawn.baseline.push(design.baseline(&x));
    }
    Ok(drawn)
}

/// Draws n units with the effects of all arms on them.
pub fn many_arms_population(
    design: &ManyArmsDesign,
    n: usize,
    seed: u64,
) -> Result<ManyArmsPopulation, InvalidModel> {
    refuse(design, n)?;
    let mut random = stream(seed, &format!("many_arms_population {design:?}"));
    let rows: Vec<[f64; 3]> = (0..n).map(|_| covariates(&mut random)).collect();
    Ok(ManyArmsPopulation {
        x: Array2::from_shape_fn((n, 3), |(i, j)| rows[i][j]),
        baseline: rows.iter().map(|x| design.baseline(x)).collect(),
        effects: Array2::from_shape_fn((n, design.arms + 1), |(i, k)| design.effect(k, &rows[i])),
        oracle: rows.iter().map(|x| design.oracle(x)).collect(),
    })
}

fn covariates(random: &mut ChaCha8Rng) -> [f64; 3] {
    std::array::from_fn(|_| random.sample(StandardNormal))
}

fn refuse(design: &ManyArmsDesign, n: usize) -> Result<(), InvalidModel> {
    check(n, 3, design.arms)?;
    let sound = |value: f64| value >= 0.0 && value.is_finite();
    if sound(design.gamma) && sound(design.sigma) {
        return Ok(());
    }
    Err(InvalidModel(format!(
        "gamma and sigma have to be finite and not negative; they are {} and {}",
        design.gamma, design.sigma
    )))
}
