//! Reward matrices over K arms whose effects are steps and interactions: the design of tree-rule instances.
//!
//! ```text
//! x      continuous   N(0, 1)
//!        mixed        first ceil(p/2) covariates N(0, 1) rounded to one decimal, the rest as in binary
//!        binary       Bernoulli(q_j),  q_j ~ U(0.2, 0.8)
//! z_j    = (x_j - mean) / sd over the sample (sd at least 1e-9)
//! tau_0  = 0,  and for arm a >= 1 with f_i = (a - 1 + i) mod p:                                   the signal
//! tau_a  = 0.6 tanh(z_f0) + 0.8 (1{z_f0 > 0, z_f1 > 0} - 0.25) - 0.4 1{z_f2 > 0.5} + 0.1 cos(a)
//! W      ~ uniform over the arms,    Y = 0.3 z_0 + tau_W + N(0, 1)                                the noise
//! mu_a   = 0.3 z_0 + tau_a + 0.2 N(0, 1)                                     outcome models, wrong by chance
//! Gamma_a = mu_a + 1{W = a} K (Y - mu_a)                                     AIPW reward
//! ```
//!
//! E[Gamma_a | x] = 0.3 z_0 + tau_a because 1/K is the true propensity; an arm's noise has variance 1.04 K - 0.04.

use ndarray::{Array2, ArrayView1};
use prescribe_models::InvalidModel;
use prescribe_models::tree_rule::{Candidates, Tree, TreeProblem};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{check, names};
use crate::random::stream;

/// What the covariates look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covariates {
    Continuous,
    /// Half rounded to one decimal, half 0/1.
    Mixed,
    Binary,
}

/// A tree-rule instance.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeRewards {
    /// Covariates, n x p.
    pub x: Array2<f64>,
    /// AIPW rewards, n x K.
    pub rewards: Array2<f64>,
    /// True effects tau against arm 0, n x K.
    pub effects: Array2<f64>,
}

impl TreeRewards {
    /// The instance as a model, with covariates x0, .. and arms a0, ..
    pub fn problem(&self, depth: usize, candidates: Candidates) -> Result<TreeProblem, InvalidModel> {
        TreeProblem::new(
            Tree::over(&self.x, depth, candidates),
            names("x", 0, self.x.ncols()),
            names("a", 0, self.rewards.ncols()),
            self.x.clone(),
            self.rewards.clone(),
        )
    }
}

/// Draws an instance of `n` units, `p` covariates and `k` arms.
pub fn tree_rewards(
    kind: Covariates,
    n: usize,
    p: usize,
    k: usize,
    seed: u64,
) -> Result<TreeRewards, InvalidModel> {
    check(n, p, k)?;
    // The sizes are part of the key: two instances of different size share no draws.
    let mut random = stream(seed, &format!("tree_rewards {kind:?} n={n} p={p} k={k}"));
    let x = covariates(kind, n, p, &mut random);
    let mut z = x.clone();
    z.columns_mut().into_iter().for_each(|mut column| {
        let (mean, sd) = (column.sum() / n as f64, column.std(0.0).max(1e-9));
        column.mapv_inplace(|v| (v - mean) / sd);
    });
    let effects = Array2::from_shape_fn((n, k), |(i, a)| effect(z.row(i), a));
    let mut rewards = Array2::zeros((n, k));
    for ((mut reward, unit), tau) in rewards.rows_mut().into_iter().zip(z.rows()).zip(effects.rows()) {
        let base = 0.3 * unit[0];
        let given = random.random_range(0..k);
        let outcome = base + tau[given] + random.sample::<f64, _>(StandardNormal);
        for a in 0..k {
            reward[a] = base + tau[a] + 0.2 * random.sample::<f64, _>(StandardNormal);
        }
        reward[given] += k as f64 * (outcome - reward[given]);
    }
    Ok(TreeRewards { x, rewards, effects })
}

fn covariates(kind: Covariates, n: usize, p: usize, random: &mut ChaCha8Rng) -> Array2<f64> {
    let rounded = match kind {
        Covariates::Continuous => p,
        Covariates::Mixed => p.div_ceil(2),
        Covariates::Binary => 0,
    };
    let shares: Vec<f64> = (0..p).map(|_| random.random_range(0.2..0.8)).collect();
    Array2::from_shape_fn((n, p), |(_, j)| {
        if j >= rounded {
            return f64::from(random.random::<f64>() < shares[j]);
        }
        let value: f64 = random.sample(StandardNormal);
        match kind {
            Covariates::Continuous => value,
            // Adding 0 turns -0 into 0.
            _ => (10.0 * value).round_ties_even() / 10.0 + 0.0,
        }
    })
}

/// tau_a of a unit with standardised covariates `z`.
fn effect(z: ArrayView1<f64>, a: usize) -> f64 {
    if a == 0 {
        return 0.0;
    }
    let feature = |i: usize| z[(a - 1 + i) % z.len()];
    let both = feature(0) > 0.0 && feature(1) > 0.0;
    0.6 * feature(0).tanh() + 0.8 * (f64::from(both) - 0.25) - 0.4 * f64::from(feature(2) > 0.5)
        + 0.1 * (a as f64).cos()
}
