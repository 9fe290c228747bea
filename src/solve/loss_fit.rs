//! One set of coefficients for some units: damped Newton on a convex loss of p numbers.
//!
//! ```text
//! min over b   L(b) + q'b + (1/2) b'R b          step = -(Hess L + R)^- slope, halved until the value falls by its share
//! ```
//!
//! Units of a Huber loss beyond its bend have no curvature; they count with a little, or a step would have no length where all are.

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::solve_semidefinite;
use prescribe_models::outcome_loss::{Local, Loss, Units};

/// Curvature that a unit of a Huber loss has at least.
const FLOOR: f64 = 1e-3;
/// Steps at most: Newton's method needs a dozen.
const STEPS: usize = 100;
/// Slopes, relative to the sizes of their terms, that are rounding errors, and that count as none.
const FINE: f64 = 1e-15;
const SETTLED: f64 = 1e-9;

/// What is added to the loss.
#[derive(Clone, Copy, Debug, Default)]
pub struct Added<'a> {
    /// q (p).
    pub tilt: Option<&'a Array1<f64>>,
    /// R (p x p), positive semidefinite.
    pub ridge: Option<&'a Array2<f64>>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Fit {
    /// b (p).
    pub coefficients: Array1<f64>,
    /// The value at b.
    pub value: f64,
    /// Whether b is a minimiser. If not there is none, or it is out of reach: of a logistic loss, a plane separates the outcomes.
    pub settled: bool,
}

/// Minimises from `start`.
pub fn fit(units: &Units, loss: Loss, added: Added, start: &Array1<f64>) -> Fit {
    let floor = floor(loss);
    let at = |b: &Array1<f64>| {
        let mut local = units.local(loss, b, floor);
        if let Some(q) = added.tilt {
            local.value += q.dot(b);
            local.gradient += q;
            local.terms += &q.mapv(f64::abs);
        }
        if let Some(ridge) = added.ridge {
            let pull = ridge.dot(b);
            local.value += b.dot(&pull) / 2.0;
            local.terms += &pull.mapv(f64::abs);
            local.gradient += &pull;
            local.hessian += ridge;
        }
        local
    };
    let (mut b, mut here) = (start.clone(), at(start));
    for _ in 0..STEPS {
        if slope(&here) <= FINE {
            break;
        }
        let step = solve_semidefinite(&here.hessian, &-&here.gradient);
        let Some((next, there)) = descend(&at, &b, &here, &step) else { break };
        (b, here) = (next, there);
    }
    Fit { value: here.value, settled: slope(&here) <= SETTLED, coefficients: b }
}

/// Curvature that a unit has at least.
pub(super) fn floor(loss: Loss) -> f64 {
    if matches!(loss, Loss::Huber(_)) { FLOOR } else { 0.0 }
}

/// The largest part of the slope, relative to the terms that it is the sum of.
fn slope(at: &Local) -> f64 {
    let parts = at.gradient.iter().zip(&at.terms).filter(|(_, terms)| **terms > 0.0);
    parts.map(|(slope, terms)| slope.abs() / terms).fold(0.0, f64::max)
}

/// The first point along the step, halved and halved again, that is lower; none where rounding hides the rest.
fn descend(
    at: &impl Fn(&Array1<f64>) -> Local,
    b: &Array1<f64>,
    here: &Local,
    step: &Array1<f64>,
) -> Option<(Array1<f64>, Local)> {
    let along = here.gradient.dot(step);
    let rounding = 1e-15 * here.value.abs();
    let mut by = 1.0;
    while by > 1e-10 {
        let next = b + &(step * by);
        let there = at(&next);
        let lower = there.value <= here.value + 1e-4 * by * along;
        // The last steps gain less than the value shows.
        if lower || there.value <= here.value + rounding && slope(&there) < slope(here) {
            return Some((next, there));
        }
        by /= 2.0;
    }
    None
}
