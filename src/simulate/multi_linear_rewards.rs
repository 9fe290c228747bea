//! Reward matrices over K arms with linear effects and a kink: the design of linear-rule instances over any number of arms.
//!
//! ```text
//! x_ij    ~ N(0, 1)   (discrete: 2 x_ij rounded to a whole number, so that many units tie)
//! b_kj    ~ N(0, 1) / sqrt(p)
//! tau_0   = 0,  and for arm k >= 1   tau_k = 0.1 k + 0.8 x'b_k + 0.3 (|x_1| - 0.8)                      the signal
//! W       ~ uniform over the arms,   Y = 0.5 x_p + tau_W + 1.5 N(0, 1)                                  the noise
//! mu_k    = 0.5 x_p + 0.7 tau_k + 0.3 N(0, 1)                                  outcome models, wrong by design
//! Gamma_k = mu_k + 1{W = k} K (Y - mu_k)                                       AIPW reward, rounded to six decimals
//! ```
//!
//! E[Gamma_k | x] = 0.5 x_p + tau_k because 1/K is the true propensity.

use ndarray::Array2;
use prescribe_models::InvalidModel;
use prescribe_models::multi_linear_rule::{MultiLinear, MultiLinearProblem};
use rand::Rng;
use rand_distr::StandardNormal;

use super::{check, names};
use crate::random::stream;

/// An instance of a linear rule over K arms.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiLinearRewards {
    /// Covariates, n x p.
    pub x: Array2<f64>,
    /// AIPW rewards, n x K.
    pub rewards: Array2<f64>,
    /// True effects tau against arm 0, n x K.
    pub effects: Array2<f64>,
}

impl MultiLinearRewards {
    /// The instance as a model, with covariates x1, .. and arms a0, ..
    pub fn problem(&self) -> Result<MultiLinearProblem, InvalidModel> {
        let arms = self.rewards.ncols();
        let (x, rewards) = (self.x.clone(), self.rewards.clone());
        let covariates = names("x", 1, self.x.ncols());
        MultiLinearProblem::new(MultiLinear { arms }, covariates, names("a", 0, arms), x, rewards)
    }
}

/// Draws an instance of `n` units, `p` covariates and `k` arms.
pub fn multi_linear_rewards(
    n: usize,
    p: usize,
    k: usize,
    seed: u64,
    discrete: bool,
) -> Result<MultiLinearRewards, InvalidModel> {
    check(n, p, k)?;
    // The sizes are part of the key: two instances of different size share no draws.
    let mut random = stream(seed, &format!("multi_linear_rewards n={n} p={p} k={k} discrete={discrete}"));
    let mut x = Array2::from_shape_simple_fn((n, p), || random.sample::<f64, _>(StandardNormal));
    if discrete {
        // Adding 0 turns -0 into 0.
        x.mapv_inplace(|v| (2.0 * v).round_ties_even() + 0.0);
    }
    let root = (p as f64).sqrt();
    let b = Array2::from_shape_simple_fn((k, p), || random.sample::<f64, _>(StandardNormal) / root);
    let effects = Array2::from_shape_fn((n, k), |(i, a)| match a {
        0 => 0.0,
        _ => 0.1 * a as f64 + 0.8 * x.row(i).dot(&b.row(a)) + 0.3 * (x[[i, 0]].abs() - 0.8),
    });
    let mut rewards = Array2::zeros((n, k));
    for ((mut reward, unit), tau) in rewards.rows_mut().into_iter().zip(x.rows()).zip(effects.rows()) {
        let base = 0.5 * unit[p - 1];
        let given = random.random_range(0..k);
        let outcome = base + tau[given] + 1.5 * random.sample::<f64, _>(StandardNormal);
        for a in 0..k {
            reward[a] = base + 0.7 * tau[a] + 0.3 * random.sample::<f64, _>(StandardNormal);
        }
        reward[given] += k as f64 * (outcome - reward[given]);
    }
    rewards.mapv_inplace(|r: f64| (r * 1e6).round_ties_even() / 1e6);
    Ok(MultiLinearRewards { x, rewards, effects })
}
