//! What a prediction on the link scale costs, and the units of an arm that it is summed over.
//!
//! ```text
//! squared    l(y, e) = (y - e)^2 / 2
//! logistic   l(y, e) = log(1 + exp(e)) - y e,  y in {0, 1}
//! huber      l(y, e) = r^2 / 2 for |r| <= d,  d |r| - d^2 / 2 beyond,  r = y - e
//!
//! L_a(b) = sum_{A_i = a} w_i l(Y_i, M0_i + D_i'b)
//! ```
//!
//! All are convex in e. Sources: fusion.txt, objective (3) for the squares; Huber (1964).

use ndarray::{Array1, Array2, Axis, concatenate};
use serde::{Deserialize, Serialize};

use crate::arm_moments::Moments;
use crate::exact::sum;

/// The loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    #[default]
    Squared,
    Logistic,
    /// With its d > 0, in units of the outcome.
    Huber(f64),
}

impl Loss {
    /// l(y, e).
    pub fn value(self, y: f64, e: f64) -> f64 {
        match self {
            Self::Squared => (y - e).powi(2) / 2.0,
            Self::Logistic => {
                let s = if y > 0.5 { -e } else { e };
                s.max(0.0) + (-s.abs()).exp().ln_1p()
            }
            Self::Huber(d) => {
                let r = (y - e).abs();
                if r <= d { r * r / 2.0 } else { d * (r - d / 2.0) }
            }
        }
    }

    /// Its derivative by e, and the second.
    pub fn slopes(self, y: f64, e: f64) -> (f64, f64) {
        match self {
            Self::Squared => (e - y, 1.0),
            Self::Logistic => {
                // Of the side on which nothing cancels.
                let small = (-e.abs()).exp() / (1.0 + (-e.abs()).exp());
                let slope = match (y > 0.5, e > 0.0) {
                    (true, true) => -small,
                    (true, false) => small - 1.0,
                    (false, true) => 1.0 - small,
                    (false, false) => small,
                };
                (slope, small * (1.0 - small))
            }
            Self::Huber(d) => ((e - y).clamp(-d, d), f64::from(u8::from((e - y).abs() <= d))),
        }
    }

    /// The conjugate l*(y, m) = max_e m e - l(y, e); infinite where m is no slope.
    pub fn conjugate(self, y: f64, m: f64) -> f64 {
        let entropy = |p: f64| if p > 0.0 { p * p.ln() } else { 0.0 };
        match self {
            Self::Logistic if !(-y..=1.0 - y).contains(&m) => f64::INFINITY,
            // p = m + y, without cancellation.
            Self::Logistic => entropy(m.abs()) + entropy(1.0 - m.abs()),
            Self::Huber(d) if m.abs() > d * (1.0 + f64::EPSILON) => f64::INFINITY,
            Self::Squared | Self::Huber(_) => m * y + m * m / 2.0,
        }
    }

    /// The largest second derivative.
    pub fn sharpest(self) -> f64 {
        if self == Self::Logistic { 0.25 } else { 1.0 }
    }

    /// Whether y is an outcome that it takes.
    pub fn takes(self, y: f64) -> bool {
        y.is_finite() && (self != Self::Logistic || y == 0.0 || y == 1.0)
    }
}

/// The units of one arm, or of several together.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    /// D (m x p).
    pub design: Array2<f64>,
    /// Y (m).
    pub outcome: Vec<f64>,
    /// M0 (m), on the link scale.
    pub offset: Vec<f64>,
    /// w (m), at least 0.
    pub weights: Vec<f64>,
}

/// L at some b.
#[derive(Clone, Debug)]
pub struct Local {
    pub value: f64,
    /// (p)
    pub gradient: Array1<f64>,
    /// Sum of the sizes of the gradient's terms (p): what its rounding error is relative to.
    pub terms: Array1<f64>,
    /// Second derivatives (p x p), those of each unit's loss raised to the floor asked for.
    pub hessian: Array2<f64>,
}

impl Units {
    /// The units of every arm: D (n x p), Y, M0, w and arm of each.
    pub fn by_arm(
        design: &Array2<f64>,
        (outcome, offset): (&[f64], &[f64]),
        weights: &[f64],
        arm: &[usize],
        arms: usize,
    ) -> Vec<Self> {
        let of = |a: usize| {
            let units: Vec<usize> = (0..arm.len()).filter(|&i| arm[i] == a).collect();
            let part = |numbers: &[f64]| units.iter().map(|&i| numbers[i]).collect();
            Self {
                design: design.select(Axis(0), &units),
                outcome: part(outcome),
                offset: part(offset),
                weights: part(weights),
            }
        };
        (0..arms).map(of).collect()
    }

    /// The units of all of them, which are over the same columns; none where there are none.
    pub fn pooled(all: &[&Self]) -> Option<Self> {
        let designs: Vec<_> = all.iter().map(|units| units.design.view()).collect();
        let together =
            |part: fn(&Self) -> &Vec<f64>| all.iter().flat_map(|units| part(units)).copied().collect();
        Some(Self {
            design: concatenate(Axis(0), &designs).ok()?,
            outcome: together(|units| &units.outcome),
            offset: together(|units| &units.offset),
            weights: together(|units| &units.weights),
        })
    }

    /// L(b).
    pub fn loss(&self, loss: Loss, b: &Array1<f64>) -> f64 {
        let fitted = self.design.dot(b);
        let terms = fitted.iter().enumerate();
        sum(terms.map(|(i, fit)| self.weights[i] * loss.value(self.outcome[i], self.offset[i] + fit)))
    }

    /// L and its derivatives at b; no unit's second derivative counts for less than `floor`.
    pub fn local(&self, loss: Loss, b: &Array1<f64>, floor: f64) -> Local {
        let p = self.design.ncols();
        let fitted = self.design.dot(b);
        let (mut gradient, mut terms) = (Array1::zeros(p), Array1::zeros(p));
        let mut hessian = Array2::<f64>::zeros((p, p));
        for (i, row) in self.design.rows().into_iter().enumerate() {
            let (slope, curvature) = loss.slopes(self.outcome[i], self.offset[i] + fitted[i]);
            let (slope, curvature) = (self.weights[i] * slope, self.weights[i] * curvature.max(floor));
            for (j, &value) in row.iter().enumerate() {
                gradient[j] += slope * value;
                terms[j] += (slope * value).abs();
                hessian.row_mut(j).scaled_add(curvature * value, &row);
            }
        }
        Local { value: self.loss(loss, b), gradient, terms, hessian }
    }

    /// The sums of least squares whose loss is the second-order model of L at b, with that floor.
    pub fn expansion(&self, loss: Loss, b: &Array1<f64>, floor: f64) -> Moments {
        let Local { value, gradient, hessian, .. } = self.local(loss, b, floor);
        let bent = hessian.dot(b);
        let square = 2.0 * (value - gradient.dot(b)) + b.dot(&bent);
        Moments { gram: hessian, cross: bent - gradient, square }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    const LOSSES: [Loss; 3] = [Loss::Squared, Loss::Logistic, Loss::Huber(0.7)];

    #[test]
    fn slopes_are_derivatives() {
        for loss in LOSSES {
            for y in [0.0, 1.0] {
                for e in [-30.0, -2.3, -0.4, 0.0, 0.1, 1.9, 40.0] {
                    let h = 1e-6;
                    let (slope, curvature) = loss.slopes(y, e);
                    let by_values = (loss.value(y, e + h) - loss.value(y, e - h)) / (2.0 * h);
                    let by_slopes = (loss.slopes(y, e + h).0 - loss.slopes(y, e - h).0) / (2.0 * h);
                    assert!((slope - by_values).abs() < 1e-6, "{loss:?} {y} {e}: {slope} {by_values}");
                    assert!((curvature - by_slopes).abs() < 1e-7, "{loss:?} {y} {e}");
                    assert!((0.0..=loss.sharpest()).contains(&curvature));
                }
            }
        }
    }

    #[test]
    fn conjugates_meet_the_loss_at_its_slope_and_nowhere_cross_it() {
        for loss in LOSSES {
            for (y, e) in [(0.0, -3.0), (1.0, 0.2), (1.0, -0.9), (0.0, 2.5)] {
                let slope = loss.slopes(y, e).0;
                let young = |m: f64| loss.value(y, e) + loss.conjugate(y, m) - m * e;
                assert!(young(slope).abs() < 1e-14, "{loss:?} {y} {e}");
                assert!((-20..=20).all(|i| young(f64::from(i) / 10.0) > -1e-14), "{loss:?} {y} {e}");
            }
        }
    }

    #[test]
    fn values_by_hand() {
        assert_eq!(Loss::Huber(1.0).value(3.0, 0.0), 2.5);
        assert_eq!(Loss::Logistic.value(1.0, 0.0), 2f64.ln());
        assert_eq!(Loss::Logistic.value(0.0, 800.0), 800.0);
        assert_eq!(Loss::Logistic.value(1.0, 800.0), 0.0);
        assert!(!Loss::Logistic.takes(0.5) && Loss::Huber(1.0).takes(0.5) && !Loss::Squared.takes(f64::NAN));
    }

    #[test]
    fn the_expansion_touches_the_loss() {
        let units = Units {
            design: array![[1.0, 0.3], [1.0, -1.2], [1.0, 2.0]],
            outcome: vec![1.0, 0.0, 1.0],
            offset: vec![0.1, -0.4, 0.2],
            weights: vec![0.5, 0.2, 0.3],
        };
        let b = array![0.4, -0.9];
        for loss in LOSSES {
            let model = units.expansion(loss, &b, 0.0);
            assert!((model.rss_at(&b) / 2.0 - units.loss(loss, &b)).abs() < 1e-14);
            let step = array![1e-5, -2e-5];
            let off = model.rss_at(&(&b + &step)) / 2.0 - units.loss(loss, &(&b + &step));
            assert!(off.abs() < 1e-14, "{loss:?} {off}");
        }
    }
}
