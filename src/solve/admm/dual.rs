//! What the multipliers prove.
//!
//! `v = theta u` lies in the box. Where every G_a is regular that is all the dual asks for. Where some is not, q_a must have no part N_a q_a
//! in its null space; with potentials phi, the point `v_ab - (phi_a - phi_b) / K` has `q_a - phi_a + mean(phi)`, and
//!
//! ```text
//! phi_a <- phi_a + N_a (q_a - phi_a + mean(phi))
//! ```
//!
//! ends where none is left. What then leaves the box is scaled back into it: null spaces do not mind.

use ndarray::{Array1, Array2};

use super::sweeps::{Arm, Sweeps};

/// Rounds of the potentials at most, and the part in null spaces that is rounding error, relative to c.
const ROUNDS: usize = 500;
const NOTHING: f64 = 1e-13;

/// q (K x p), over scaled columns; none where the potentials do not settle.
pub(super) fn multipliers(sweeps: &Sweeps) -> Option<Array2<f64>> {
    let (k, p) = (sweeps.arms.len(), sweeps.scales.len());
    let q = Array2::from_shape_fn((k, p), |(a, j)| sweeps.theta * sweeps.dual[j * k + a]);
    if !sweeps.arms.iter().any(Arm::is_singular) {
        return Some(q);
    }
    let phi = potentials(sweeps, &q)?;
    let mean = phi.sum_axis(ndarray::Axis(0)) / k as f64;
    Some((q - &phi + &mean) * into_box(sweeps, &phi))
}

/// The bound; none where there are no multipliers.
pub(super) fn bound(sweeps: &Sweeps) -> Option<f64> {
    let q = multipliers(sweeps)?;
    let value = |(arm, q): (&Arm, ndarray::ArrayView1<f64>)| {
        let along = arm.vectors.t().dot(&(&arm.cross - &q));
        let squares = along.iter().zip(&arm.values).filter(|(_, d)| **d > 0.0).map(|(r, d)| r * r / d);
        prescribe_models::exact::sum([arm.square / 2.0].into_iter().chain(squares.map(|term| -term / 2.0)))
    };
    Some(prescribe_models::exact::sum(sweeps.arms.iter().zip(q.rows()).map(value)))
}

fn potentials(sweeps: &Sweeps, q: &Array2<f64>) -> Option<Array2<f64>> {
    let k = sweeps.arms.len();
    let size = sweeps.arms.iter().map(|arm| arm.cross.dot(&arm.cross)).sum::<f64>().sqrt();
    let mut phi = Array2::<f64>::zeros(q.dim());
    for _ in 0..ROUNDS {
        let mean = phi.sum_axis(ndarray::Axis(0)) / k as f64;
        let mut left = 0.0_f64;
        for (a, arm) in sweeps.arms.iter().enumerate().filter(|(_, arm)| arm.is_singular()) {
            let open = null_part(arm, &(&q.row(a) - &phi.row(a) + &mean));
            left = open.iter().fold(left, |most, value| most.max(value.abs()));
            phi.row_mut(a).scaled_add(1.0, &open);
        }
        if left <= NOTHING * size {
            return Some(phi);
        }
    }
    None
}

/// The part of `x` in the null space of G.
fn null_part(arm: &Arm, x: &Array1<f64>) -> Array1<f64> {
    let mut part = Array1::zeros(x.len());
    for (vector, _) in arm.vectors.columns().into_iter().zip(&arm.values).filter(|(_, d)| **d == 0.0) {
        part.scaled_add(vector.dot(x), &vector);
    }
    part
}

/// The factor that brings `v_ab - (phi_a - phi_b) / K` back into the box.
fn into_box(sweeps: &Sweeps, phi: &Array2<f64>) -> f64 {
    let (k, pairs) = (sweeps.arms.len(), sweeps.limits.len());
    let mut factor = 1.0_f64;
    for (j, scale) in sweeps.scales.iter().enumerate() {
        let column = sweeps.u[j * pairs..(j + 1) * pairs].iter().zip(&sweeps.limits);
        for ((a, b), (u, limit)) in prescribe_models::fused_lasso::pairs(k).zip(column) {
            let v = (sweeps.theta * u - (phi[[a, j]] - phi[[b, j]]) / k as f64).abs();
            if v > limit / scale {
                factor = factor.min(limit / scale / v);
            }
        }
    }
    factor
}
