//! Gains of mixed sign over a linear effect with a kink: the design of linear-rule instances.
//!
//! ```text
//! x_ij ~ N(0, 1)   (discrete: 2 x_ij rounded to a whole number, so that many units tie)
//! b_j  ~ N(0, 1) / sqrt(p)
//! tau  = 0.15 + 0.8 x'b + 0.3 (|x_1| - 0.8)                       the signal: true effect of each unit
//! e    = 1 / (1 + exp(-0.4 x_1)),    D ~ Bernoulli(e)
//! Y    = 0.5 x_p + D tau + 2 t_5                                  the noise: sd 2 sqrt(5/3) = 2.58, heavy tails
//! m0   = 0.5 x_p + 0.3 N(0, 1),      m1 = m0 + 0.7 tau            outcome models, wrong by design
//! g    = m1 - m0 + D (Y - m1) / e - (1 - D) (Y - m0) / (1 - e)    AIPW gain, rounded to six decimals
//! ```
//!
//! E[g | x] = tau because e is the true propensity; given b, the effect's variance is about 0.64 |b|^2 + 0.03 (continuous).

use ndarray::{Array1, Array2};
use prescribe_models::InvalidModel;
use prescribe_models::linear_rule::LinearProblem;
use rand::Rng;
use rand_distr::{StandardNormal, StudentT};

use super::{check, names};
use crate::random::stream;

/// A linear-rule instance.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearGains {
    /// Covariates, n x p.
    pub x: Array2<f64>,
    /// AIPW gain of each unit.
    pub gains: Vec<f64>,
    /// True effect tau of each unit.
    pub effect: Vec<f64>,
}

impl LinearGains {
    /// The instance as a model, with covariates x1, .., xp.
    pub fn problem(&self) -> Result<LinearProblem, InvalidModel> {
        LinearProblem::from_gains(names("x", 1, self.x.ncols()), self.x.clone(), &self.gains)
    }
}

/// Draws an instance of `n` units and `p` covariates.
pub fn linear_gains(n: usize, p: usize, seed: u64, discrete: bool) -> Result<LinearGains, InvalidModel> {
    check(n, p, 2)?;
    // The sizes are part of the key: two instances of different size share no draws.
    let mut random = stream(seed, &format!("linear_gains n={n} p={p} discrete={discrete}"));
    let outcome_noise = StudentT::new(5.0).map_err(|error| InvalidModel(error.to_string()))?;
    let mut x = Array2::from_shape_simple_fn((n, p), || random.sample::<f64, _>(StandardNormal));
    if discrete {
        // Adding 0 turns -0 into 0.
        x.mapv_inplace(|v| (2.0 * v).round_ties_even() + 0.0);
    }
    let root = (p as f64).sqrt();
    let b = Array1::from_shape_simple_fn(p, || random.sample::<f64, _>(StandardNormal) / root);
    let mut gains = Vec::with_capacity(n);
    let mut effect = Vec::with_capacity(n);
    for unit in x.rows() {
        let (first, last) = (unit[0], unit[p - 1]);
        let tau = 0.15 + 0.8 * unit.dot(&b) + 0.3 * (first.abs() - 0.8);
        let propensity = 1.0 / (1.0 + (-0.4 * first).exp());
        let treated = random.random::<f64>() < propensity;
        let untreated_mean = 0.5 * last;
        let outcome =
            untreated_mean + if treated { tau } else { 0.0 } + 2.0 * random.sample::<f64, _>(outcome_noise);
        let m0 = untreated_mean + 0.3 * random.sample::<f64, _>(StandardNormal);
        let m1 = m0 + 0.7 * tau;
        let residual =
            if treated { (outcome - m1) / propensity } else { -(outcome - m0) / (1.0 - propensity) };
        gains.push(((m1 - m0 + residual) * 1e6).round_ties_even() / 1e6);
        effect.push(tau);
    }
    Ok(LinearGains { x, gains, effect })
}
