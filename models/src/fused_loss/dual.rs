//! What multipliers prove about the optimum.
//!
//! At coefficients b_a with slopes r_a = grad L_a(b_a) + q_a that nearly vanish, m_i = l'(Y_i, M0_i + D_i'b_a) nearly satisfies the dual's
//! constraint. It is repaired by
//!
//! ```text
//! m_i <- m_i - k_i D_i' H_a^- r_a,      H_a = sum_i w_i k_i D_i D_i',      k_i the loss's curvature at unit i
//! ```
//!
//! and where that leads beyond the bend of a Huber loss, all of m and q are scaled back: its range is symmetric, like the box of v.

use ndarray::{Array1, Array2, ArrayView1};

use super::FusedLoss;
use crate::arm_moments::solve_semidefinite;
use crate::exact::sum;
use crate::outcome_loss::{Loss, Units};

/// Repairs: the second takes the rounding errors of the first.
const REPAIRS: usize = 2;
/// What may be left of r, relative to the largest q or sum of slopes; the bound gives away as much as it is worth at b.
const NOTHING: f64 = 1e-9;

impl FusedLoss {
    /// A lower bound on the optimum, from multipliers q (K x p) of the dual and coefficients b (K x p), best at the minima of L_a + q_a'b. None
    /// where m cannot be repaired. No unit of a Huber loss counts for a smaller curvature than `floor`.
    pub fn dual_value(&self, q: &Array2<f64>, b: &Array2<f64>, floor: f64) -> Option<f64> {
        // The same for all: arms that nobody pulls have multipliers of the size of rounding errors.
        let sizes =
            self.arms.iter().zip(b.rows()).map(|(arm, b)| arm.local(self.loss, &b.to_owned(), floor).terms);
        let nothing = NOTHING * sizes.flatten().chain(q.iter().map(|q| q.abs())).fold(0.0, f64::max);
        let rows = q.rows().into_iter().zip(b.rows());
        let all: Option<Vec<(Vec<f64>, f64)>> = self
            .arms
            .iter()
            .zip(rows)
            .map(|(arm, (q, b))| repaired(arm, self.loss, q, b, (floor, nothing)))
            .collect();
        let (all, open): (Vec<Vec<f64>>, Vec<f64>) = all?.into_iter().unzip();
        let scale = match self.loss {
            Loss::Huber(d) => all.iter().flatten().fold(1.0, |scale: f64, m| scale.min(d / m.abs())),
            _ => 1.0,
        };
        let unit = |arm: &Units, i: usize, m: f64| {
            arm.weights[i] * (arm.offset[i] * m - self.loss.conjugate(arm.outcome[i], m))
        };
        let arms = self.arms.iter().zip(&all);
        let terms = arms.flat_map(|(arm, m)| (0..m.len()).map(move |i| unit(arm, i, scale * m[i])));
        let value = sum(terms.chain(open.iter().map(|open| -open)));
        value.is_finite().then_some(value)
    }
}

/// m (of each unit of the arm), and what is left of r'b.
fn repaired(
    arm: &Units,
    loss: Loss,
    q: ArrayView1<f64>,
    b: ArrayView1<f64>,
    (floor, nothing): (f64, f64),
) -> Option<(Vec<f64>, f64)> {
    let fitted = arm.design.dot(&b);
    let slopes = |i: usize| loss.slopes(arm.outcome[i], arm.offset[i] + fitted[i]);
    let mut m: Vec<f64> = (0..arm.weights.len()).map(|i| slopes(i).0).collect();
    // A unit without weight has nothing to repair.
    let counts = |i: usize| f64::from(u8::from(arm.weights[i] > 0.0));
    let curvature: Vec<f64> = (0..m.len()).map(|i| counts(i) * slopes(i).1.max(floor)).collect();
    let mut hessian = Array2::<f64>::zeros((q.len(), q.len()));
    for (i, row) in arm.design.rows().into_iter().enumerate() {
        for (j, &value) in row.iter().enumerate() {
            hessian.row_mut(j).scaled_add(arm.weights[i] * curvature[i] * value, &row);
        }
    }
    for _ in 0..REPAIRS {
        let step = solve_semidefinite(&hessian, &left(arm, &m, q));
        let change = arm.design.dot(&step);
        m.iter_mut().enumerate().for_each(|(i, m)| *m -= curvature[i] * change[i]);
    }
    let open = left(arm, &m, q);
    let closed = open.iter().all(|open| open.abs() <= nothing);
    closed.then(|| (m, sum(open.iter().zip(&b).map(|(open, b)| (open * b).abs()))))
}

/// r.
fn left(arm: &Units, m: &[f64], q: ArrayView1<f64>) -> Array1<f64> {
    let part = |j: usize| sum((0..m.len()).map(|i| arm.weights[i] * m[i] * arm.design[[i, j]]).chain([q[j]]));
    (0..q.len()).map(part).collect()
}
