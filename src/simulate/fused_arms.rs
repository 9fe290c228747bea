//! Many treatments in four latent groups: the designs of fusion.txt, section 4.1 and appendix B.
//!
//! ```text
//! group of arm a   b(a) = floor(4 a / K) + 1              covariate class   c(a) = a mod 4
//! units            n_a = {150, 125, 100, 75}[c] 16 / K, rounded                     (1,800 in all at K = 16, 32, 48)
//! X1               ~ Bernoulli(q_c)     q = .3, .4, .5, .6                               (Table 3)
//! (X2, X3) | X1    ~ N((1, -1), S1) if X1 = 1, N((-1, 1), S2) if X1 = 0;   variances 1, covariances -.25, -.3
//! Y                = mu_b(a)(X) + sd N(0, 1)                                              sd = 1 (Table 10: 3)
//!
//! mu_1 = 3 exp(.7 + .1 X1 - .3 X2 - .2 X3^2 + .4 sign(X2^2 + 3 X3 - 2.5))                 (Table 4)
//! mu_2 = 3 exp(.5 + .1 X1 + .15 X2 - .3 X3^2 + .5 sign(X2^2 + 3 X3 - 2.5))
//! mu_3 = 3 exp(.6 + .1 X1 - .15 X2 - .3 X3 + .6 sign(X2^2 + 3 X3 - 2.5))
//! mu_4 = 3 exp(.6 + .1 X1 + .2 X2 - .1 X3 - .1 X3^2 + .7 sign(X2^2 - X3 - 2))
//!
//! linear means     2.5 + .5 X1 - 1.5 X2 - X3,   X1 - 2 X2 - 2.5 X3,   2 - .5 X1 + 2 X2 - 2 X3,   -1 + X1 - X2 + X3     (B.2)
//! ```
//!
//! The arms of a group differ in their covariates, not in their means, so that fits within arms differ where a linear model is wrong;
//! weights that balance the mean of X balance its whole distribution, because X1 decides it. The strong shift takes q = .1, .35, .65, .9.

use ndarray::Array2;
use prescribe_models::InvalidModel;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::Serialize;

use super::check;
use crate::random::stream;

/// Latent groups of every design.
pub const GROUPS: usize = 4;
/// Units of the covariate classes at 16 arms.
const CLASS_SIZES: [f64; 4] = [150.0, 125.0, 100.0, 75.0];

/// Outcome means of the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Table 4.
    Exponential,
    /// Appendix B.2.
    Linear,
}

/// Shares of X1 = 1 in the four covariate classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// Table 3.
    Mild,
    Strong,
}

impl Shift {
    fn shares(self) -> [f64; 4] {
        match self {
            Self::Mild => [0.3, 0.4, 0.5, 0.6],
            Self::Strong => [0.1, 0.35, 0.65, 0.9],
        }
    }
}

/// One of the designs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Design {
    /// K, a multiple of 4.
    pub arms: usize,
    /// Times the units of the paper's design.
    pub size: f64,
    pub means: Means,
    pub shift: Shift,
    /// Standard deviation of the noise.
    pub noise: f64,
}

impl Design {
    /// Table 5 at 16 arms, Tables 8 and 9 at 32 and 48.
    pub fn exponential(arms: usize) -> Self {
        Self { arms, size: 1.0, means: Means::Exponential, shift: Shift::Mild, noise: 1.0 }
    }

    /// Table 10: linear means; the paper's figures ask for noise of standard deviation 3.
    pub fn linear() -> Self {
        Self { means: Means::Linear, noise: 3.0, ..Self::exponential(16) }
    }

    /// Table 5 under the stronger shift, which misleads fits within arms once there are units enough to see it.
    pub fn shifted() -> Self {
        Self { shift: Shift::Strong, ..Self::exponential(16) }
    }

    /// The latent group of an arm, from 0.
    pub fn group(&self, arm: usize) -> usize {
        GROUPS * arm / self.arms
    }

    /// Units of an arm. At 32 arms 62.5 and 37.5 become 62 and 38, which keeps 1,800.
    pub fn units(&self, arm: usize) -> usize {
        (CLASS_SIZES[arm % 4] * 16.0 / self.arms as f64 * self.size).round_ties_even() as usize
    }

    /// The outcome mean of a group at x.
    pub fn mean(&self, group: usize, x: &[f64]) -> f64 {
        let (x1, x2, x3) = (x[0], x[1], x[2]);
        let sign = |v: f64| if v > 0.0 { 1.0 } else { -1.0 };
        let bend = sign(x2 * x2 + 3.0 * x3 - 2.5);
        match (self.means, group) {
            (Means::Exponential, 0) => 3.0 * (0.7 + 0.1 * x1 - 0.3 * x2 - 0.2 * x3 * x3 + 0.4 * bend).exp(),
            (Means::Exponential, 1) => 3.0 * (0.5 + 0.1 * x1 + 0.15 * x2 - 0.3 * x3 * x3 + 0.5 * bend).exp(),
            (Means::Exponential, 2) => 3.0 * (0.6 + 0.1 * x1 - 0.15 * x2 - 0.3 * x3 + 0.6 * bend).exp(),
            (Means::Exponential, _) => {
                let bend = sign(x2 * x2 - x3 - 2.0);
                3.0 * (0.6 + 0.1 * x1 + 0.2 * x2 - 0.1 * x3 - 0.1 * x3 * x3 + 0.7 * bend).exp()
            }
            (Means::Linear, 0) => 2.5 + 0.5 * x1 - 1.5 * x2 - x3,
            (Means::Linear, 1) => x1 - 2.0 * x2 - 2.5 * x3,
            (Means::Linear, 2) => 2.0 - 0.5 * x1 + 2.0 * x2 - 2.0 * x3,
            (Means::Linear, _) => -1.0 + x1 - x2 + x3,
        }
    }

    fn covariates(&self, class: usize, random: &mut ChaCha8Rng) -> [f64; 3] {
        let first = random.random::<f64>() < self.shift.shares()[class];
        let (centre, covariance): (f64, f64) = if first { (1.0, -0.25) } else { (-1.0, -0.3) };
        let (u, v): (f64, f64) = (random.sample(StandardNormal), random.sample(StandardNormal));
        let rest = (1.0 - covariance * covariance).sqrt();
        [f64::from(u8::from(first)), centre + u, -centre + covariance * u + rest * v]
    }
}

/// A study of many treatments.
#[derive(Clone, Debug, PartialEq)]
pub struct FusedArms {
    /// X1, X2, X3 (n x 3).
    pub x: Array2<f64>,
    /// The arm of each unit, from 0; the units of an arm stand together.
    pub arm: Vec<usize>,
    pub outcome: Vec<f64>,
    /// The latent group of each arm.
    pub group: Vec<usize>,
}

/// Draws a study.
pub fn fused_arms(design: &Design, seed: u64) -> Result<FusedArms, InvalidModel> {
    refuse(design)?;
    let mut random = stream(seed, &format!("fused_arms {design:?}"));
    let (mut rows, mut arm, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
    for a in 0..design.arms {
        for _ in 0..design.units(a) {
            let x = design.covariates(a % 4, &mut random);
            outcome.push(
                design.mean(design.group(a), &x) + design.noise * random.sample::<f64, _>(StandardNormal),
            );
            rows.push(x);
            arm.push(a);
        }
    }
    let x = Array2::from_shape_fn((rows.len(), 3), |(i, j)| rows[i][j]);
    Ok(FusedArms { x, arm, outcome, group: (0..design.arms).map(|a| design.group(a)).collect() })
}

/// Covariates (n x 3) and group means (n x 4) of n new units from the mixture of the arms, on which rules are judged.
pub fn fused_arms_population(
    design: &Design,
    n: usize,
    seed: u64,
) -> Result<(Array2<f64>, Array2<f64>), InvalidModel> {
    refuse(design)?;
    let mut random = stream(seed, &format!("fused_arms_population {design:?}"));
    let total: f64 = CLASS_SIZES.iter().sum();
    let rows: Vec<[f64; 3]> = (0..n)
        .map(|_| {
            let mut left = random.random::<f64>() * total;
            let class = CLASS_SIZES.iter().position(|size| {
                left -= size;
                left < 0.0
            });
            design.covariates(class.unwrap_or(0), &mut random)
        })
        .collect();
    let means = Array2::from_shape_fn((n, GROUPS), |(i, b)| design.mean(b, &rows[i]));
    Ok((Array2::from_shape_fn((n, 3), |(i, j)| rows[i][j]), means))
}

fn refuse(design: &Design) -> Result<(), InvalidModel> {
    let units = (0..design.arms).map(|a| design.units(a)).min().unwrap_or(0);
    check(units, 3, design.arms)?;
    if design.arms.is_multiple_of(GROUPS) && design.noise >= 0.0 && design.noise.is_finite() {
        return Ok(());
    }
    Err(InvalidModel(format!(
        "a design of {GROUPS} groups needs a multiple of {GROUPS} arms and a finite noise; asked for {} and {}",
        design.arms, design.noise
    )))
}
