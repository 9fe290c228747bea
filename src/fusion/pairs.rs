//! How strongly each pair of arms is drawn together.
//!
//! ```text
//! adaptive   T_ab = 1 / ||b_a - b_b||_1                                      b_a: weighted least squares of arm a alone
//! wald       T_ab ~ 1 / (b_a - b_b)'(V_a + V_b)^-1 (b_a - b_b)               V_a = s^2 G_a^+ (sum w_i^2 D_i D_i') G_a^+
//! mcp, scad  T_ab = 1 / 2
//! tlp        T_ab = 1 / (2 u)                                                u of [`Scale`]
//! ```
//!
//! with the pooled variance s^2 of the arms' own residuals. Differences that the data show to be large are left alone. Concave penalties
//! at 1/2 have the slope lambda / 2 at 0 and twice the reach in the norm: the loss of an arm has a curvature of about 1, and with T = 1 they are flat
//! before they have drawn many arms of one group together. Source: fusion.txt, section 3 (adaptive weights); Wald weights and the 1/2 are of
//! this project.

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::{Moments, solve_semidefinite};
use prescribe_models::fused_lasso;

use super::scale::residual_variance;
use super::{Data, Penalty, Scale};

/// Statistics, and distances in units of the scale, below this are taken for it: arms whose own fits agree are not drawn together
/// without limit.
const LEAST: f64 = 1e-3;
/// T_ab of concave penalties.
const CONCAVE: f64 = 0.5;
/// Added to variances, relative to the largest, so that a direction that an arm leaves open has one.
const OPEN: f64 = 1e-8;

/// The arms' own fits b_a and their variances V_a.
pub(super) struct PairFits {
    pub coefficients: Vec<Array1<f64>>,
    pub variances: Vec<Array2<f64>>,
    /// u of [`Scale`].
    pub unit: f64,
}

/// T_ab of each pair, in the order of [`fused_lasso::pairs`].
pub fn pair_weights(penalty: Penalty, data: &Data, moments: &[Moments]) -> Vec<f64> {
    let coefficients = moments.iter().map(Moments::fit).collect();
    let variances = if penalty == Penalty::Wald { variances(data, moments) } else { Vec::new() };
    by_fits(penalty, &PairFits { coefficients, variances, unit: Scale::of(moments, data.arm.len()).unit() })
}

/// The same from fits; variances are read by Wald weights alone.
pub(super) fn by_fits(penalty: Penalty, fits: &PairFits) -> Vec<f64> {
    let pairs = || fused_lasso::pairs(fits.coefficients.len());
    let difference = |a: usize, b: usize| &fits.coefficients[a] - &fits.coefficients[b];
    match penalty {
        Penalty::Adaptive => {
            let least = LEAST * fits.unit;
            pairs().map(|(a, b)| 1.0 / difference(a, b).mapv(f64::abs).sum().max(least)).collect()
        }
        Penalty::Wald => {
            let weight = |(a, b): (usize, usize)| {
                let difference = difference(a, b);
                let variance = opened(&fits.variances[a] + &fits.variances[b]);
                1.0 / difference.dot(&solve_semidefinite(&variance, &difference)).max(LEAST)
            };
            let weights: Vec<f64> = pairs().map(weight).collect();
            let mean = weights.iter().sum::<f64>() / weights.len() as f64;
            weights.iter().map(|weight| weight / mean).collect()
        }
        Penalty::Tlp => vec![CONCAVE / fits.unit; pairs().count()],
        Penalty::Mcp | Penalty::Scad => vec![CONCAVE; pairs().count()],
        Penalty::L0 | Penalty::Lasso => vec![1.0; pairs().count()],
    }
}

/// V_a of each arm.
fn variances(data: &Data, moments: &[Moments]) -> Vec<Array2<f64>> {
    let (n, p) = data.design.dim();
    // A constant factor in all statistics, where the arms' own fits leave nothing: the weights have a mean of 1.
    let variance = residual_variance(moments, n).unwrap_or(1.0);
    let squares: Vec<f64> = data.weights.iter().map(|w| w * w).collect();
    let middle = Moments::by_arm(&data.design, &data.outcome, &squares, &data.arm, data.arms);
    let sandwich = |(bread, middle): (&Moments, &Moments)| {
        let solve = |matrix: &Array2<f64>| {
            let mut solved = Array2::zeros((p, p));
            for (mut column, of) in solved.columns_mut().into_iter().zip(matrix.columns()) {
                column.assign(&solve_semidefinite(&bread.gram, &of.to_owned()));
            }
            solved
        };
        let half = solve(&middle.gram);
        solve(&half.t().to_owned()) * variance
    };
    moments.iter().zip(&middle).map(sandwich).collect()
}

fn opened(mut variance: Array2<f64>) -> Array2<f64> {
    let largest = variance.diag().iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    variance.diag_mut().mapv_inplace(|v| v + OPEN * largest);
    variance
}
