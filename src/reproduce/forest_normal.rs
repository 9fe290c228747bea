//! Assignments in the normal model of forest.txt, section 5, and what they are worth (Propositions 1 and 2, appendix C).
//!
//! Cell j, seen with error v = s2 / m, and the mean y of each arm over the N - 1 other cells:
//!
//! ```text
//! rule        arm of cell j    argmax_k  (1 - s) w y_k + s Y_jk          posterior means; differences between arms are all that counts
//! optimal     given all arms   w = c / (c + u),  u = (d + v) / (N - 1);    r = c (1 - w);         s = (r + d) / (r + d + v)
//! separate    given arm k's    w = (a + c) / (a + c + u),  u = (b + d + v) / (N - 1);  r = (a + c) (1 - w);
//!                                                                                          s = (r + b + d) / (r + b + d + v)
//! ```
//!
//! As N grows, w = 1, r = 0, and y_k becomes alpha + gamma_k. Take from scores and means what all arms share: the pairs
//! (score, mean) of the arms are then independent, normal and of one correlation
//!
//! ```text
//! rho         = z / sqrt(x (c + d))
//! z           = (1 - s) w c + s (c + d)                                                        covariance
//! x           = ((1 - s) w + s)^2 c + ((1 - s) w)^2 (d + v) / (N - 1) + s^2 (d + v)             variance of the score
//! ```
//!
//! so that everything follows from rho. With e(n) the expected maximum of n standard normals,
//!
//! ```text
//! utility over random         rho sqrt(c + d) e(K + 1);   the oracle's has rho = 1, so that rho is the share of the oracle's that is had
//! chance of the best arm      (K + 1) E[ F(Z1, Z2)^K ],   (Z1, Z2) normal of correlation rho, F their distribution function
//! ```
//!
//! The second goes to 0 as (K + 1)^(-(1 - rho) / (1 + rho)), but for powers of log K (Proposition 1), while rho does not depend on K.
//!
//! **Where appendix C has slips** (both found by simulation, too). In the limit of many cells the optimal rule has
//!
//! ```text
//! rho^2       = (c + d^2 / (d + v)) / (c + d)  =  1 - d s2 / ((m d + s2) (c + d))
//! ```
//!
//! where the paper's last form has d^2 s2, right only for d = 1. The posterior variance of Q'mu_j is d v / (d + v), not d^2 / (d + v),
//! and that of q'mu_j, as q'1 = sqrt(K + 1), is b' v / (b' + v) with b' = (K + 1) b + d; no ranking depends on it. The variance of the separate
//! score and the ratio of Proposition 2, which is separate rho over optimal rho, are right as printed.

use ndarray::{Array1, ArrayView1, Axis};
use serde::{Deserialize, Serialize};
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

use crate::evaluate::best;
use crate::simulate::{NormalArms, NormalDesign};

/// Beyond this many standard deviations nothing is integrated.
const REACH: f64 = 9.0;
/// Intervals of the trapezoid rule.
const INTERVALS: usize = 600;

/// Densities below this do not count.
const NEGLIGIBLE: f64 = 1e-18;

/// A rule that is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalRule {
    /// From all arms.
    Optimal,
    /// Each arm's mean from that arm alone.
    Separate,
}

impl NormalRule {
    pub const ALL: [NormalRule; 2] = [Self::Optimal, Self::Separate];
}

/// Scores of a rule: `others` y_k + `own` Y_jk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    pub others: f64,
    pub own: f64,
}

impl Weights {
    /// With N cells; none: with alpha and gamma known, as from infinitely many.
    pub fn of(rule: NormalRule, design: &NormalDesign, cells: Option<usize>) -> Weights {
        let NormalDesign { a, b, c, d, .. } = *design;
        let (shared, here) = match rule {
            NormalRule::Optimal => (c, d),
            NormalRule::Separate => (a + c, b + d),
        };
        let v = design.error();
        let sampling = (here + v) * inverse_of_others(cells);
        // Where gamma is known to be 0, what is learned of it does not count.
        let w = if shared + sampling > 0.0 { shared / (shared + sampling) } else { 0.0 };
        let unknown = shared * (1.0 - w) + here;
        let own = unknown / (unknown + v);
        Weights { others: (1.0 - own) * w, own }
    }

    /// The arm of each cell of a draw; `known`: alpha and gamma are.
    pub fn assign(&self, drawn: &NormalArms, known: bool) -> Vec<usize> {
        let cells = drawn.outcomes.nrows() as f64;
        let sums = drawn.outcomes.sum_axis(Axis(0));
        let cell = |outcomes: ArrayView1<f64>| {
            let others = |k: usize| {
                if known { drawn.alpha + drawn.gamma[k] } else { (sums[k] - outcomes[k]) / (cells - 1.0) }
            };
            let score = |k: usize| self.others * others(k) + self.own * outcomes[k];
            best(Array1::from_shape_fn(outcomes.len(), score).view())
        };
        drawn.outcomes.rows().into_iter().map(cell).collect()
    }
}

/// rho: the share of the oracle's utility over random that a rule has.
pub fn correlation(rule: NormalRule, design: &NormalDesign, cells: Option<usize>) -> f64 {
    let (NormalDesign { c, d, .. }, v) = (*design, design.error());
    let Weights { others, own } = Weights::of(rule, design, cells);
    let covariance = others * c + own * (c + d);
    let variance = (others + own).powi(2) * c
        + others.powi(2) * (d + v) * inverse_of_others(cells)
        + own.powi(2) * (d + v);
    covariance / (variance * (c + d)).sqrt()
}

/// The optimal rho of many cells as appendix C prints it; NaN where that is the root of a negative number.
pub fn printed(design: &NormalDesign) -> f64 {
    let NormalDesign { c, d, s2, m, .. } = *design;
    (1.0 - d * d * s2 / ((m * d + s2) * (c + d))).sqrt()
}

/// e(n) = int x n phi(x) Phi(x)^(n - 1) dx.
pub fn expected_maximum(n: usize) -> f64 {
    let density = |x: &f64| n as f64 * Normal::standard().pdf(*x) * power(Normal::standard().cdf(*x), n - 1);
    grid().map(|x| x * density(&x)).sum::<f64>() * STEP
}

/// The chance that the largest of n scores and the largest of n means, pairs of correlation rho in \[0, 1), are of one pair.
pub fn agreement(n: usize, rho: f64) -> f64 {
    let normal = Normal::standard();
    let rest = (1.0 - rho * rho).sqrt();
    let densities: Vec<f64> = grid().map(|t| normal.pdf(t)).collect();
    let along = |y: f64| {
        // F(x, y) = int_{t < x} phi(t) Phi((y - rho t) / rest) dt, the trapezoid rule and its correction from the derivative.
        let (mut below, mut sum) = (0.0, 0.0);
        for (t, density) in grid().zip(&densities) {
            let at = (y - rho * t) / rest;
            let (given, across) = (normal.cdf(at), normal.pdf(at));
            let slope = density * (-t * given - rho / rest * across);
            let distribution = below + density * given * STEP / 2.0 - STEP * STEP / 12.0 * slope;
            let joint = density * across / rest;
            if joint > NEGLIGIBLE {
                sum += joint * power(distribution, n - 1);
            }
            below += density * given * STEP;
        }
        sum
    };
    n as f64 * grid().map(along).sum::<f64>() * STEP * STEP
}

const STEP: f64 = 2.0 * REACH / INTERVALS as f64;

fn grid() -> impl Iterator<Item = f64> {
    (0..=INTERVALS).map(|i| i as f64 * STEP - REACH)
}

fn power(probability: f64, n: usize) -> f64 {
    probability.clamp(0.0, 1.0).powf(n as f64)
}

/// 1 / (N - 1).
fn inverse_of_others(cells: Option<usize>) -> f64 {
    cells.map_or(0.0, |cells| 1.0 / (cells as f64 - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::normal_arms;

    const DESIGN: NormalDesign = NormalDesign { arms: 3, a: 1.5, b: 4.0, c: 0.7, d: 0.4, s2: 3.0, m: 2.0 };

    /// Solves a small symmetric system by elimination.
    fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
        let n = right.len();
        for i in 0..n {
            for j in i + 1..n {
                let factor = matrix[j][i] / matrix[i][i];
                let above = matrix[i].clone();
                matrix[j].iter_mut().zip(&above).for_each(|(entry, above)| *entry -= factor * above);
                right[j] -= factor * right[i];
            }
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| matrix[i][j] * right[j]).sum();
            right[i] = (right[i] - known) / matrix[i][i];
        }
        right
    }

    /// Covariance of mu_jk and mu_lh.
    fn covariance(design: &NormalDesign, (j, k): (usize, usize), (l, h): (usize, usize)) -> f64 {
        let same = |equal: bool, variance: f64| if equal { variance } else { 0.0 };
        design.a + same(j == l, design.b) + same(k == h, design.c) + same((j, k) == (l, h), design.d)
    }

    /// E[mu_jk | outcomes of the places seen], by conditioning of the joint normal.
    fn posterior(
        design: &NormalDesign,
        outcomes: &ndarray::Array2<f64>,
        at: (usize, usize),
        seen: &[(usize, usize)],
    ) -> f64 {
        let row = |&p: &(usize, usize)| {
            let entry =
                |&q: &(usize, usize)| covariance(design, p, q) + if p == q { design.error() } else { 0.0 };
            seen.iter().map(entry).collect()
        };
        let weights = solve(seen.iter().map(row).collect(), seen.iter().map(|&p| outcomes[p]).collect());
        seen.iter().zip(weights).map(|(&p, weight)| covariance(design, at, p) * weight).sum()
    }

    #[test]
    fn scores_rank_arms_as_posterior_means_of_the_joint_normal_do() {
        for cells in [2, 5] {
            let drawn = normal_arms(&DESIGN, cells, 4).unwrap();
            let all: Vec<(usize, usize)> = (0..cells).flat_map(|j| (0..4).map(move |k| (j, k))).collect();
            let sums = drawn.outcomes.sum_axis(Axis(0));
            for rule in NormalRule::ALL {
                let Weights { others, own } = Weights::of(rule, &DESIGN, Some(cells));
                for j in 0..cells {
                    let score = |k: usize| {
                        let y = drawn.outcomes[[j, k]];
                        others * (sums[k] - y) / (cells as f64 - 1.0) + own * y
                    };
                    let mean = |k: usize| {
                        let seen = |&(_, h): &(usize, usize)| rule == NormalRule::Optimal || h == k;
                        let seen: Vec<_> = all.iter().copied().filter(seen).collect();
                        posterior(&DESIGN, &drawn.outcomes, (j, k), &seen)
                    };
                    for k in 1..4 {
                        let (ours, exact) = (score(k) - score(0), mean(k) - mean(0));
                        assert!((ours - exact).abs() < 1e-10, "{rule:?} {cells} {j} {k}: {ours} {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn shares_are_those_of_appendix_c_with_its_slips_put_right() {
        let limit = |rule, design: &NormalDesign| correlation(rule, design, None);
        for (b, c, d, s2, m) in
            [(1.0, 2.0, 0.5, 3.0, 4.0), (9.0, 0.3, 2.0, 1.0, 0.5), (2.0, 1.0, 1.0, 4.0, 1.0)]
        {
            let design = NormalDesign { arms: 9, a: 1.0, b, c, d, s2, m };
            let v = s2 / m;
            let optimal = ((c + d * d / (d + v)) / (c + d)).sqrt();
            assert!((limit(NormalRule::Optimal, &design) - optimal).abs() < 1e-14);
            assert!((optimal - (1.0 - d * s2 / ((m * d + s2) * (c + d))).sqrt()).abs() < 1e-14);
            assert_eq!(d == 1.0, (optimal - printed(&design)).abs() < 1e-14);
            // Proposition 2 as printed.
            let all = b + d + v;
            let over = (c * all + d * (b + d)).powi(2) * (d + v);
            let under = (c * all * all + (b + d).powi(2) * (d + v)) * (c * (d + v) + d * d);
            let separate = limit(NormalRule::Separate, &design) / optimal;
            assert!((separate - (over / under).sqrt()).abs() < 1e-14 && separate < 1.0);
            for alike in [NormalDesign { b: 0.0, ..design }, NormalDesign { c: 0.0, ..design }] {
                let [optimal, separate] = NormalRule::ALL.map(|rule| limit(rule, &alike));
                assert!((optimal - separate).abs() < 1e-14);
            }
            // Fewer cells teach less, and many teach as much as can be.
            for rule in NormalRule::ALL {
                let shares: Vec<f64> =
                    [2, 10, 100, 1_000_000_000].map(|n| correlation(rule, &design, Some(n))).to_vec();
                assert!((shares[3] - limit(rule, &design)).abs() < 1e-8, "{shares:?}");
            }
            let optimal = [2, 10, 100].map(|n| correlation(NormalRule::Optimal, &design, Some(n)));
            assert!(optimal.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn maxima_and_agreements_are_those_known_in_closed_form() {
        use std::f64::consts::PI;
        // n = 2, 3 and 4 by hand (David and Nagaraja, section 3.2), 1,000 from tables of order statistics.
        for (n, known) in [(1, 0.0), (2, 1.0 / PI.sqrt()), (3, 1.5 / PI.sqrt()), (1000, 3.241_435_77)] {
            assert!((expected_maximum(n) - known).abs() < 1e-7, "{n}: {}", expected_maximum(n));
        }
        for rho in [0.0, 0.3, 0.7, 0.95] {
            // Of two pairs, the differences have the same sign with chance 1/2 + asin(rho) / pi.
            let two: f64 = 0.5 + f64::asin(rho) / PI;
            assert!((agreement(2, rho) - two).abs() < 1e-6, "{rho}: {} {two}", agreement(2, rho));
            assert!((agreement(1, rho) - 1.0).abs() < 1e-6);
        }
        for n in [3, 30, 1001] {
            assert!((agreement(n, 0.0) * n as f64 - 1.0).abs() < 1e-5, "{n}: {}", agreement(n, 0.0));
        }
        // The power of n with which it falls, but for logarithms.
        let rho = 0.6;
        let power = (agreement(2000, rho) / agreement(1000, rho)).log2();
        assert!((power + (1.0 - rho) / (1.0 + rho)).abs() < 0.05, "{power}");
    }
}
