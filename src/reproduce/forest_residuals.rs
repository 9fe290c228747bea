//! The variance that a baseline f leaves where arms have unequal chances p_k (forest.txt, section 3.3 and appendix A).
//!
//! ```text
//! J(f)        = E[ Var((Y - f(X)) / p_T | T) ]  =  sum_k Var(Y - f(X) | T = k) / p_k
//! minimum     f* = sum_k mu_k / p_k / W,    W = sum_k 1 / p_k,    but for a constant;    J(f) = J(f*) + W Var(f - f*)
//! ```
//!
//! so that the weighted mean is best, and E[Y | X] = sum_k p_k mu_k as good only where chances are equal. In the design of section
//! 4.1, Y = b + t_T + sigma e with t_0 = -10 X1^2 and t_k = g_k s, s the sign of X3, the parts b, X1^2 and s are uncorrelated, of variances 500, 2 and 1:
//!
//! ```text
//! f = level b + control t_0 + side s
//! J(f)        = sum_k ( 500 (1 - level)^2 + 200 (1{k = 0} - control)^2 + (g_k - side)^2 + sigma^2 ) / p_k,    g_0 = 0
//! ```
//!
//! These baselines are the true functions. Beside them stands what is had without truth: least squares of Y with weights 1 / p_T^2 on
//! a basis that holds f*, fitted on the other half of the units. In a draw every arm has its expected number of units.

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::solve_semidefinite;
use rand::Rng;
use rand_distr::StandardNormal;
use serde::Serialize;

use super::ReproduceError;
use super::journal::{Run, seed_of};
use super::spread::Spread;
use crate::random::stream;
use crate::simulate::{ManyArmsDesign, ManyArmsPopulation, many_arms_population};

/// Chances of the arms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chances {
    Equal,
    /// Half of the units are controls.
    MostlyControl,
    /// A fiftieth of the units are controls.
    RareControl,
    /// From the control to arm K, falling by equal factors to a tenth.
    Falling,
}

impl Chances {
    pub const ALL: [Chances; 4] = [Self::Equal, Self::MostlyControl, Self::RareControl, Self::Falling];

    /// p_0, .., p_K.
    pub fn of(self, arms: usize) -> Vec<f64> {
        let last = arms as f64;
        let with_control =
            |share: f64| (0..=arms).map(move |k| if k == 0 { share } else { (1.0 - share) / last });
        let parts: Vec<f64> = match self {
            Self::Equal => vec![1.0; arms + 1],
            Self::MostlyControl => with_control(0.5).collect(),
            Self::RareControl => with_control(0.02).collect(),
            Self::Falling => (0..=arms).map(|k| 0.1f64.powf(k as f64 / last)).collect(),
        };
        let sum: f64 = parts.iter().sum();
        parts.iter().map(|part| part / sum).collect()
    }
}

/// What is subtracted from outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    Nothing,
    /// E\[Y | X\].
    Raw,
    /// E\[Y | T = 0, X\].
    Control,
    /// f*.
    Weighted,
    /// Weighted least squares.
    Fitted,
}

impl Baseline {
    pub const ALL: [Baseline; 5] = [Self::Nothing, Self::Raw, Self::Control, Self::Weighted, Self::Fitted];

    /// The function; of `Fitted`, what it tends to.
    fn parts(self, design: &ManyArmsDesign, chances: &[f64]) -> Parts {
        let weights: Vec<f64> = match self {
            Self::Nothing => return Parts { level: 0.0, control: 0.0, side: 0.0 },
            Self::Raw => chances.to_vec(),
            Self::Control => (0..chances.len()).map(|k| f64::from(u8::from(k == 0))).collect(),
            Self::Weighted | Self::Fitted => chances.iter().map(|chance| 1.0 / chance).collect(),
        };
        let total: f64 = weights.iter().sum();
        let side: f64 = weights.iter().enumerate().map(|(k, weight)| weight * slope(design, k)).sum();
        Parts { level: 1.0, control: weights[0] / total, side: side / total }
    }
}

/// f = level b + control t_0 + side s.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Parts {
    level: f64,
    control: f64,
    side: f64,
}

impl Parts {
    /// J(f).
    fn variance(&self, design: &ManyArmsDesign, chances: &[f64]) -> f64 {
        let of_arm = |(k, chance): (usize, &f64)| {
            let is_control = f64::from(u8::from(k == 0));
            let explained = 500.0 * (1.0 - self.level).powi(2)
                + 200.0 * (is_control - self.control).powi(2)
                + (slope(design, k) - self.side).powi(2);
            (explained + design.sigma.powi(2)) / chance
        };
        chances.iter().enumerate().map(of_arm).sum()
    }

    /// W Var(f - g).
    fn distance(&self, other: &Parts, chances: &[f64]) -> f64 {
        let variance = 500.0 * (self.level - other.level).powi(2)
            + 200.0 * (self.control - other.control).powi(2)
            + (self.side - other.side).powi(2);
        variance * chances.iter().map(|chance| 1.0 / chance).sum::<f64>()
    }
}

/// g_k.
fn slope(design: &ManyArmsDesign, arm: usize) -> f64 {
    design.effect(arm, &[0.0, 0.0, 1.0])
}

/// One baseline under one set of chances.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub chances: Chances,
    pub baseline: Baseline,
    /// J(f), from the units' outcomes.
    pub variance: Spread,
    /// In closed form; of `Fitted`, its limit.
    pub closed: f64,
    /// variance / closed - 1.
    pub difference: f64,
    /// J(f) - J(f*), from outcomes, draw by draw.
    pub excess: Spread,
    /// W Var(f - f*).
    pub excess_closed: f64,
}

/// The experiment.
#[derive(Clone, Debug, Serialize)]
pub struct Residuals {
    pub replications: usize,
    pub lines: Vec<Line>,
}

/// Runs the experiment on draws of about n units.
///
/// # Errors
/// Of the design and the journal.
pub fn residuals(
    design: &ManyArmsDesign,
    n: usize,
    seed: u64,
    run: &Run,
) -> Result<Residuals, ReproduceError> {
    let draws: Vec<Vec<[f64; 5]>> = run.each(|r| {
        let one = |chances: Chances| replicate(design, &chances.of(design.arms), n, seed_of(seed, r));
        Chances::ALL.into_iter().map(one).collect()
    })?;
    let mut lines = Vec::new();
    for (at, chances) in Chances::ALL.into_iter().enumerate() {
        let shares = chances.of(design.arms);
        let least = Baseline::Weighted.parts(design, &shares);
        for (f, baseline) in Baseline::ALL.into_iter().enumerate() {
            let along = |of: &dyn Fn(&[f64; 5]) -> f64| {
                Spread::of(&draws.iter().map(|draw| of(&draw[at])).collect::<Vec<_>>())
            };
            let parts = baseline.parts(design, &shares);
            let (variance, closed) = (along(&|found| found[f]), parts.variance(design, &shares));
            lines.push(Line {
                chances,
                baseline,
                variance,
                closed,
                difference: variance.mean / closed - 1.0,
                excess: along(&|found| found[f] - found[WEIGHTED]),
                excess_closed: parts.distance(&least, &shares),
            });
        }
    }
    Ok(Residuals { replications: draws.len(), lines })
}

/// The place of f* in [`Baseline::ALL`].
const WEIGHTED: usize = 3;

/// J of each baseline, from one draw.
fn replicate(
    design: &ManyArmsDesign,
    chances: &[f64],
    n: usize,
    seed: u64,
) -> Result<[f64; 5], ReproduceError> {
    // Two halves of two units each, so that every arm has a variance and is in every fit.
    let counts = chances.iter().map(|chance| ((chance * n as f64).round() as usize).max(4));
    let arm: Vec<usize> = counts.enumerate().flat_map(|(k, count)| vec![k; count]).collect();
    let units = many_arms_population(design, arm.len(), seed)?;
    let mut random = stream(seed, "outcomes under unequal chances");
    let noise = |_| design.sigma * random.sample::<f64, _>(StandardNormal);
    let noise: Vec<f64> = (0..arm.len()).map(noise).collect();
    let outcome = |i: usize| units.baseline[i] + units.effects[[i, arm[i]]] + noise[i];
    let outcome: Vec<f64> = (0..arm.len()).map(outcome).collect();
    Ok(Baseline::ALL.map(|baseline| {
        let values = match baseline {
            Baseline::Fitted => fitted(&units, &arm, &outcome, chances),
            known => {
                let parts = known.parts(design, chances);
                let value = |i: usize| {
                    let side = if units.x[[i, 2]] > 0.0 { parts.side } else { -parts.side };
                    parts.level * units.baseline[i] + parts.control * units.effects[[i, 0]] + side
                };
                (0..arm.len()).map(value).collect()
            }
        };
        variance_within(&arm, &outcome, &values, chances)
    }))
}

/// sum_k of the variance of outcome - baseline in arm k over p_k.
fn variance_within(arm: &[usize], outcome: &[f64], baseline: &[f64], chances: &[f64]) -> f64 {
    let mut left = vec![Vec::new(); chances.len()];
    for ((&k, outcome), baseline) in arm.iter().zip(outcome).zip(baseline) {
        left[k].push(outcome - baseline);
    }
    left.iter().zip(chances).map(|(left, chance)| Spread::of(left).sd.powi(2) / chance).sum()
}

/// Weighted least squares on 1, the steps of the baseline, X1^2 and s, each unit by the fit of the other half.
fn fitted(units: &ManyArmsPopulation, arm: &[usize], outcome: &[f64], chances: &[f64]) -> Vec<f64> {
    let basis = |i: usize| {
        let x = units.x.row(i);
        let step = |j: usize| f64::from(u8::from(x[j] > 0.0));
        Array1::from(vec![1.0, step(0), step(1), step(0) * step(1), x[0] * x[0], step(2)])
    };
    let halves = [0, 1].map(|half| {
        let (mut gram, mut cross) = (Array2::<f64>::zeros((6, 6)), Array1::<f64>::zeros(6));
        for i in (0..arm.len()).filter(|i| i % 2 != half) {
            let (row, weight) = (basis(i), chances[arm[i]].powi(-2));
            cross.scaled_add(weight * outcome[i], &row);
            for j in 0..6 {
                gram.row_mut(j).scaled_add(weight * row[j], &row);
            }
        }
        solve_semidefinite(&gram, &cross)
    });
    (0..arm.len()).map(|i| halves[i % 2].dot(&basis(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weighted_mean_leaves_the_least_variance() {
        for (arms, gamma) in [(2, 10.0), (9, 20.0), (99, 10.0)] {
            let design = ManyArmsDesign { arms, gamma, sigma: 10.0 };
            for chances in Chances::ALL {
                let p = chances.of(arms);
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12 && p.len() == arms + 1);
                let least = Baseline::Weighted.parts(&design, &p);
                let variance = |level, control, side| Parts { level, control, side }.variance(&design, &p);
                // J is a quadratic: its minimum from three values along each part, no cross terms.
                let vertex = |at: &dyn Fn(f64) -> f64| {
                    let (low, middle, high) = (at(-1.0), at(0.0), at(1.0));
                    (low - high) / (2.0 * (low - 2.0 * middle + high))
                };
                let argmin = Parts {
                    level: vertex(&|level| variance(level, 0.3, 0.7)),
                    control: vertex(&|control| variance(0.3, control, 0.7)),
                    side: vertex(&|side| variance(0.3, 0.7, side)),
                };
                let apart =
                    [argmin.level - least.level, argmin.control - least.control, argmin.side - least.side];
                assert!(
                    apart.iter().all(|apart| apart.abs() < 1e-9),
                    "{chances:?} {arms}: {argmin:?} {least:?}"
                );
                for baseline in [Baseline::Nothing, Baseline::Raw, Baseline::Control] {
                    let parts = baseline.parts(&design, &p);
                    let excess = parts.variance(&design, &p) - least.variance(&design, &p);
                    let algebra = parts.distance(&least, &p);
                    assert!((excess / algebra - 1.0).abs() < 1e-9 || excess.abs() + algebra.abs() < 1e-6);
                    let alike = chances == Chances::Equal && baseline == Baseline::Raw;
                    assert_eq!(alike, excess.abs() < 1e-6, "{chances:?} {baseline:?} {excess}");
                }
            }
        }
    }
}
