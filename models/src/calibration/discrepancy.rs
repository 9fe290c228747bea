//! The Cressie-Read discrepancy, one number gamma for the whole family, and its convex conjugate.
//!
//! ```text
//! phi(v) = (v^(gamma+1) - 1) / (gamma (gamma+1))        phi'(v) = v^gamma / gamma        phi''(v) = v^(gamma-1)
//! phi(v) = v log v  (gamma = 0)        phi(v) = -log v  (gamma = -1)        phi'(v) = 1 + log v  (gamma = 0)
//! ```
//!
//! The two special cases are the limits of the family over weights with a fixed sum, up to a constant. At gamma = 1 every v is allowed,
//! otherwise v >= 0.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// gamma, a finite number: -1 empirical likelihood, -1/2 Hellinger, 0 entropy, 1 quadratic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Discrepancy(pub f64);

/// The members of the family with a name.
const NAMES: [(&str, Discrepancy); 4] = [
    ("entropy", Discrepancy::ENTROPY),
    ("empirical-likelihood", Discrepancy::EMPIRICAL_LIKELIHOOD),
    ("quadratic", Discrepancy::QUADRATIC),
    ("hellinger", Discrepancy::HELLINGER),
];

/// By name, or by gamma.
impl FromStr for Discrepancy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, named)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*named);
        }
        match text.parse::<f64>() {
            Ok(gamma) if gamma.is_finite() => Ok(Self(gamma)),
            _ => Err("give entropy, empirical-likelihood, quadratic, hellinger, or a number gamma".into()),
        }
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, named)| named == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Discrepancy {
    pub const EMPIRICAL_LIKELIHOOD: Self = Self(-1.0);
    pub const HELLINGER: Self = Self(-0.5);
    pub const ENTROPY: Self = Self(0.0);
    pub const QUADRATIC: Self = Self(1.0);

    /// The least v that has a discrepancy.
    pub fn least(self) -> f64 {
        if self == Self::QUADRATIC { f64::NEG_INFINITY } else { 0.0 }
    }

    /// phi(v); infinite or NaN outside its domain.
    pub fn value(self, v: f64) -> f64 {
        match self.0 {
            0.0 if v == 0.0 => 0.0,
            0.0 => v * v.ln(),
            -1.0 => -v.ln(),
            1.0 => (v * v - 1.0) / 2.0,
            gamma => (v.powf(gamma + 1.0) - 1.0) / (gamma * (gamma + 1.0)),
        }
    }

    /// phi'(v).
    pub fn slope(self, v: f64) -> f64 {
        match self.0 {
            0.0 => 1.0 + v.ln(),
            1.0 => v,
            gamma => v.powf(gamma) / gamma,
        }
    }

    /// The v with phi'(v) = eta, and its derivative 1 / phi''(v). Where phi' stays above eta v is 0, where it stays below v is
    /// infinite.
    pub fn inverse(self, eta: f64) -> (f64, f64) {
        match self.0 {
            0.0 => {
                let v = (eta - 1.0).exp();
                (v, v)
            }
            1.0 => (eta, 1.0),
            -1.0 if eta < 0.0 => (-1.0 / eta, 1.0 / (eta * eta)),
            gamma if gamma < 0.0 && eta >= 0.0 => (f64::INFINITY, f64::INFINITY),
            gamma if gamma > 0.0 && eta <= 0.0 => (0.0, 0.0),
            gamma => {
                let power = gamma * eta;
                let v = power.powf(1.0 / gamma);
                (v, v / power)
            }
        }
    }

    /// sup of v eta - phi(v) over lower <= v <= upper, where it is attained, and the derivative of that v, 0 at a bound; upper must be
    /// finite unless gamma = 1.
    pub fn conjugate(self, eta: f64, lower: f64, upper: f64) -> (f64, f64, f64) {
        let (free, curvature) = self.inverse(eta);
        let v = free.clamp(lower, upper);
        if v != free {
            return (v * eta - self.value(v), v, 0.0);
        }
        // phi'(v) = eta spares another power or logarithm.
        let value = match self.0 {
            0.0 => v,
            -1.0 => v.ln() - 1.0,
            1.0 => (v * v + 1.0) / 2.0,
            gamma => (v * eta + 1.0 / (gamma * gamma)) * gamma / (gamma + 1.0),
        };
        (value, v, curvature)
    }
}
