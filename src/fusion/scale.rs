//! Strengths and distances in the units of the outcome.
//!
//! ```text
//! s^2 = (1/K) sum_a RSS_a  n / (n - K p)          u = the power of two nearest to s / 2.5
//!
//! lambda        u (5e-4 .. 1.5)      60 steps, logarithmic           lasso, wald, mcp, scad
//!             u^2 (5e-4 .. 1.5)                                      adaptive, tlp, whose penalties have no unit of their own
//! threshold     u .25
//! ```
//!
//! s is the weighted residual standard deviation around the arms' own fits; where these leave nothing, around 0. Coefficients, and with them differences, are in the units of the
//! outcome; the loss is in their square. 2.5 is s of the exponential design of fusion.txt, section 4.1, where .25 and the grid come from
//! (u = 1); a power of two, so that they stay what they are on data like it.

use prescribe_models::arm_moments::Moments;

use super::{Penalty, grid};

/// s of the design for which the strengths were found.
const DESIGN: f64 = 2.5;
const LOWEST: f64 = 5e-4;
const HIGHEST: f64 = 1.5;
const STEPS: usize = 60;
/// A variance of this share of the mean square is rounding error.
const ROUNDING: f64 = 1e-12;
/// Distance of coefficients below which arms are one group.
const GROUPS_WITHIN: f64 = 0.25;

/// The unit u.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale(f64);

impl Scale {
    /// Of coefficients that have a unit of their own.
    pub(super) const UNIT: Self = Self(1.0);

    /// From the sums of the arms over `units` units; 1 where nothing is left of the outcome.
    pub fn of(moments: &[Moments], units: usize) -> Self {
        let around_zero = moments.iter().map(|arm| arm.square).sum::<f64>() / moments.len() as f64;
        Self::of_variances(residual_variance(moments, units), around_zero)
    }

    /// From s^2, where there is one that is more than rounding error, or else from what it would be without any fit.
    pub(super) fn of_variances(around_fits: Option<f64>, around_zero: f64) -> Self {
        let around_fits = around_fits.filter(|left| *left > ROUNDING * around_zero);
        let deviation = around_fits.unwrap_or(around_zero).sqrt();
        match deviation.is_normal() {
            true => Self((deviation / DESIGN).log2().round().exp2()),
            false => Self(1.0),
        }
    }

    /// The strengths to try, from small to large.
    pub fn lambdas(self, penalty: Penalty) -> Vec<f64> {
        let unit = match penalty {
            Penalty::Adaptive | Penalty::Tlp => self.0 * self.0,
            _ => self.0,
        };
        grid(LOWEST, HIGHEST, STEPS).into_iter().map(|lambda| unit * lambda).collect()
    }

    /// Distance below which arms are one group.
    pub fn threshold(self) -> f64 {
        self.0 * GROUPS_WITHIN
    }

    pub fn unit(self) -> f64 {
        self.0
    }
}

/// s^2; none where there are no more units than coefficients.
pub(super) fn residual_variance(moments: &[Moments], units: usize) -> Option<f64> {
    let (arms, p) = (moments.len(), moments[0].cross.len());
    let spent = moments.iter().map(Moments::rss).sum::<f64>() / arms as f64;
    per_free_unit(units, arms * p).map(|factor| spent * factor)
}

/// n / (n - parameters); none where that leaves nothing.
pub(super) fn per_free_unit(units: usize, parameters: usize) -> Option<f64> {
    let free = units.checked_sub(parameters).filter(|free| *free > 0)?;
    Some(units as f64 / free as f64)
}
