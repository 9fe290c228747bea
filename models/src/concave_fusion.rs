//! As [`fused_lasso`](crate::fused_lasso), with a penalty that leaves large differences alone.
//!
//! ```text
//! min over zeta   (1/2) sum_a (s_a - 2 c_a'zeta_a + zeta_a'G_a zeta_a) + sum_{a<b} p(T_ab ||zeta_a - zeta_b||_1)
//!
//! mcp    p(t) = lambda t - t^2 / (2 g)  up to t = g lambda,  g lambda^2 / 2 beyond                                    g = 3
//! scad   p'(t) = lambda up to t = lambda,  (g lambda - t) / (g - 1) up to t = g lambda,  0 beyond                      g = 3.7
//! tlp    p(t) = lambda min(t, r)                                                                                       r = 1
//! ```
//!
//! The penalty wraps the norm of a difference (fusion.txt, objective (3) and its choices of penalty), not its entries. Not convex:
//! what is found is a local optimum. p is concave, so its tangents lie above it ([`ConcaveFusion::tangent`]), and a fused lasso with their slopes
//! as limits lowers the objective (local linear approximation, Zou and Li 2008).

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::arm_moments::Moments;
use crate::exact::sum;
use crate::fused_lasso::{FusedLasso, check, data, least_loss, loss, shape};
use crate::pair_fusion::{PairFusion, bytes, distance, pairs};
use crate::programs::InvalidModel;

/// Where the slope of `mcp` and `scad` has fallen to 0, in units of lambda, and where `tlp` stops to rise.
const MCP_REACH: f64 = 3.0;
const SCAD_REACH: f64 = 3.7;
const TLP_REACH: f64 = 1.0;

/// The penalty's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concave {
    Mcp,
    Scad,
    Tlp,
}

impl Concave {
    /// p(t), t >= 0.
    pub fn value(self, lambda: f64, t: f64) -> f64 {
        match self {
            Self::Mcp => {
                let t = t.min(MCP_REACH * lambda);
                if lambda > 0.0 { lambda * t - t * t / (2.0 * MCP_REACH) } else { 0.0 }
            }
            Self::Scad => {
                let (flat, bent) = (t.min(lambda), t.min(SCAD_REACH * lambda) - t.min(lambda));
                lambda * flat + lambda * bent - bent * bent / (2.0 * (SCAD_REACH - 1.0))
            }
            Self::Tlp => lambda * t.min(TLP_REACH),
        }
    }

    /// p'(t) from the right.
    pub fn slope(self, lambda: f64, t: f64) -> f64 {
        match self {
            Self::Mcp => (lambda - t / MCP_REACH).max(0.0),
            Self::Scad if t <= lambda => lambda,
            Self::Scad => ((SCAD_REACH * lambda - t) / (SCAD_REACH - 1.0)).max(0.0),
            Self::Tlp => {
                if t < TLP_REACH {
                    lambda
                } else {
                    0.0
                }
            }
        }
    }
}

/// The problem; pair weights T_ab > 0 stand in the order of [`pairs`].
#[derive(Clone, Debug, PartialEq)]
pub struct ConcaveFusion {
    moments: Vec<Moments>,
    penalty: Concave,
    lambda: f64,
    pair_weights: Vec<f64>,
}

impl ConcaveFusion {
    /// # Errors
    /// As [`FusedLasso::new`], of the limits lambda T_ab.
    pub fn new(
        moments: Vec<Moments>,
        penalty: Concave,
        lambda: f64,
        pair_weights: Vec<f64>,
    ) -> Result<Self, InvalidModel> {
        let limits: Vec<f64> = pair_weights.iter().map(|weight| lambda * weight).collect();
        check(&moments, &limits)?;
        Ok(Self { moments, penalty, lambda, pair_weights })
    }

    /// The fused lasso whose penalty touches this one at `zeta` (none: where all arms are fused) and is nowhere below it, up to a
    /// constant.
    pub fn tangent(&self, zeta: Option<&Array2<f64>>) -> FusedLasso {
        let limit = |((a, b), weight): ((usize, usize), &f64)| {
            let t = zeta.map_or(0.0, |zeta| weight * distance(zeta, a, b));
            weight * self.penalty.slope(self.lambda, t)
        };
        let limits = pairs(self.moments.len()).zip(&self.pair_weights).map(limit).collect();
        FusedLasso::new(self.moments.clone(), limits)
            .expect("slopes are between 0 and lambda, which was checked")
    }
}

impl PairFusion for ConcaveFusion {
    const NAME: &'static str = "concave_fusion";

    fn dimensions(&self) -> (usize, usize) {
        shape(&self.moments)
    }

    fn value(&self, zeta: &Array2<f64>) -> f64 {
        let penalty = pairs(self.moments.len())
            .zip(&self.pair_weights)
            .map(|((a, b), weight)| self.penalty.value(self.lambda, weight * distance(zeta, a, b)));
        sum(loss(&self.moments, zeta).chain(penalty))
    }

    fn least_loss(&self) -> f64 {
        least_loss(&self.moments)
    }

    fn parameters(&self) -> Vec<u8> {
        let mut parameters = format!("{:?} {:?}", self.penalty, self.lambda).into_bytes();
        parameters.extend(bytes(&self.pair_weights));
        parameters
    }

    fn data(&self) -> Vec<u8> {
        data(&self.moments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_derivatives_and_tangents_lie_above() {
        for penalty in [Concave::Mcp, Concave::Scad, Concave::Tlp] {
            for lambda in [0.2, 0.7] {
                let at = |t: f64| penalty.value(lambda, t);
                for i in 0..60 {
                    let t = 0.0513 * f64::from(i);
                    let step = 1e-6;
                    let slope = penalty.slope(lambda, t);
                    assert!((slope - (at(t + step) - at(t)) / step).abs() < 1e-5, "{penalty:?} {lambda} {t}");
                    for other in [0.0, 0.3, 1.1, 2.9] {
                        assert!(at(t) + slope * (other - t) >= at(other) - 1e-12, "{penalty:?} {t} {other}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_penalties_by_hand() {
        assert_eq!(Concave::Mcp.value(1.0, 1.0), 1.0 - 1.0 / 6.0);
        assert_eq!(Concave::Mcp.value(1.0, 9.0), 1.5);
        assert!((Concave::Scad.value(1.0, 9.0) - (1.0 + 3.7) / 2.0).abs() < 1e-12);
        assert_eq!(Concave::Tlp.value(0.5, 4.0), 0.5);
    }
}
