//! Cells and arms whose means are all drawn from normals: the model of forest.txt, section 5.1 and appendix C.
//!
//! ```text
//! mu_jk    = alpha + beta_j + gamma_k + delta_jk            cells j = 1, .., N; arms k = 0, .., K
//! alpha    ~ N(0, a)    beta_j ~ N(0, b)    gamma_k ~ N(0, c)    delta_jk ~ N(0, d)
//! Y_jk     = mu_jk + N(0, s2 / m)                           the mean outcome of the m units of arm k in cell j
//! ```
//!
//! a, b, c, d and s2 are variances. Means of m normal outcomes are drawn as such, so that m need not be whole.

use ndarray::Array2;
use prescribe_models::InvalidModel;
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::check;
use crate::random::stream;

/// The variances of the model, and how much is seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NormalDesign {
    /// K: the arms are 0 to K.
    pub arms: usize,
    /// Of the level.
    pub a: f64,
    /// Of the cells.
    pub b: f64,
    /// Of the arms.
    pub c: f64,
    /// Of the arms in the cells.
    pub d: f64,
    /// Of an outcome.
    pub s2: f64,
    /// Units of an arm in a cell.
    pub m: f64,
}

impl NormalDesign {
    /// s2 / m, the variance of a cell's mean outcome in an arm.
    pub fn error(&self) -> f64 {
        self.s2 / self.m
    }

    fn check(&self, cells: usize) -> Result<(), InvalidModel> {
        check(cells, 1, self.arms + 1)?;
        let sound = [self.a, self.b, self.c, self.d].iter().all(|v| *v >= 0.0 && v.is_finite());
        let seen = self.s2 > 0.0 && self.s2.is_finite() && self.m > 0.0 && self.m.is_finite();
        if sound && seen && self.c + self.d > 0.0 {
            return Ok(());
        }
        Err(InvalidModel(format!(
            "the normal model needs finite variances that are not negative, c + d above 0, and s2 and m above 0; asked for {self:?}"
        )))
    }
}

/// One draw.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalArms {
    pub alpha: f64,
    /// Of each cell.
    pub beta: Vec<f64>,
    /// Of each arm.
    pub gamma: Vec<f64>,
    /// mu (N x (K + 1)).
    pub means: Array2<f64>,
    /// Y (N x (K + 1)).
    pub outcomes: Array2<f64>,
}

/// Draws the model with N cells.
pub fn normal_arms(design: &NormalDesign, cells: usize, seed: u64) -> Result<NormalArms, InvalidModel> {
    design.check(cells)?;
    let mut random = stream(seed, &format!("normal_arms {design:?} {cells}"));
    let mut normal = |variance: f64| variance.sqrt() * random.sample::<f64, _>(StandardNormal);
    let alpha = normal(design.a);
    let beta: Vec<f64> = (0..cells).map(|_| normal(design.b)).collect();
    let gamma: Vec<f64> = (0..=design.arms).map(|_| normal(design.c)).collect();
    let means =
        Array2::from_shape_fn((cells, gamma.len()), |(j, k)| alpha + beta[j] + gamma[k] + normal(design.d));
    let outcomes = means.mapv(|mean| mean + normal(design.error()));
    Ok(NormalArms { alpha, beta, gamma, means, outcomes })
}
