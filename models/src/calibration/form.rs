//! Calibration as a conic program in v and t, which is beyond v log v, -log v or v^p - 1 of each unit: 0 at the base weights, so that
//! a solver's tolerances are relative to the discrepancy itself.
//!
//! | gamma | cone | says |
//! |---|---|---|
//! | 0 | (-t, v, 1) exponential | t >= v log v |
//! | -1 | (-t, 1, v) exponential | t >= -log v |
//! | 1 | none, quadratic objective | |
//! | p = gamma + 1 > 1 | (1 + t, 1, v) power 1/p | 1 + t >= v^p |
//! | 0 < p < 1 | (v, 1, 1 + t) power p | 1 + t <= v^p |
//! | p < 0 | (v, 1 + t, 1) power \|p\|/(1 + \|p\|) | 1 + t >= v^p |

use super::{Calibration, Discrepancy};
use crate::model::ConicForm;
use crate::programs::{Cone, ConicProgram, Triplet};

/// One entry of a cone's triple.
enum Entry {
    V,
    OnePlusT,
    MinusT,
    One,
}

impl Calibration {
    /// The cone that ties t to v; none for the quadratic objective.
    fn cone(&self) -> Option<(Cone, [Entry; 3])> {
        use Entry::{MinusT, One, OnePlusT, V};
        let power = self.discrepancy().0 + 1.0;
        match self.discrepancy() {
            Discrepancy::QUADRATIC => None,
            Discrepancy::ENTROPY => Some((Cone::Exponential, [MinusT, V, One])),
            Discrepancy::EMPIRICAL_LIKELIHOOD => Some((Cone::Exponential, [MinusT, One, V])),
            _ if power > 1.0 => Some((Cone::Power(1.0 / power), [OnePlusT, One, V])),
            _ if power > 0.0 => Some((Cone::Power(power), [V, One, OnePlusT])),
            _ => Some((Cone::Power(-power / (1.0 - power)), [V, OnePlusT, One])),
        }
    }

    /// What multiplies m b_i t_i in the objective.
    fn factor(&self) -> f64 {
        match self.discrepancy().0 {
            0.0 | -1.0 => 1.0,
            gamma => 1.0 / (gamma * (gamma + 1.0)),
        }
    }
}

/// Rows of A v + s = b, filled cone by cone.
#[derive(Default)]
struct Rows {
    a: Vec<Triplet>,
    b: Vec<f64>,
    cones: Vec<Cone>,
}

impl Rows {
    /// s = constant - terms.
    fn push(&mut self, constant: f64, terms: impl IntoIterator<Item = (usize, f64)>) {
        let row = self.b.len();
        self.a.extend(
            terms.into_iter().filter(|(_, value)| *value != 0.0).map(|(column, value)| (row, column, value)),
        );
        self.b.push(constant);
    }

    /// Closes the rows pushed since `from` as one cone.
    fn close(&mut self, from: usize, cone: fn(usize) -> Cone) {
        if self.b.len() > from {
            self.cones.push(cone(self.b.len() - from));
        }
    }
}

impl ConicForm for Calibration {
    fn conic(&self) -> ConicProgram {
        let (m, q) = self.features().dim();
        // Times m, so that the entries are about 1 and the multipliers too.
        let weight = |i: usize| m as f64 * self.base()[i];
        let weight = &weight;
        let means = |j: usize, sign: f64| {
            (0..m).map(move |i| (i, sign * weight(i) * self.centred(i, j))).collect::<Vec<_>>()
        };
        let width = |j: usize| m as f64 * self.tolerance()[j] / self.scale()[j];
        let mut rows = Rows::default();
        rows.push(m as f64, (0..m).map(|i| (i, weight(i))));
        (0..q).filter(|&j| width(j) == 0.0).for_each(|j| rows.push(0.0, means(j, 1.0)));
        rows.close(0, Cone::Zero);

        let from = rows.b.len();
        for j in (0..q).filter(|&j| width(j) > 0.0) {
            rows.push(width(j), means(j, 1.0));
            rows.push(width(j), means(j, -1.0));
        }
        let (lower, upper) = self.bounds();
        // The cones of gamma <= 0 leave no negative v.
        if lower.is_finite() && (lower > 0.0 || self.discrepancy().0 > 0.0) {
            (0..m).for_each(|i| rows.push(-lower, [(i, -1.0)]));
        }
        if upper.is_finite() {
            (0..m).for_each(|i| rows.push(upper, [(i, 1.0)]));
        }
        rows.close(from, Cone::Nonnegative);

        let (mut p, mut q, mut offset) = (Vec::new(), vec![0.0; m], 0.0);
        match self.cone() {
            None => {
                p.extend((0..m).map(|i| (i, i, weight(i))));
                offset = -0.5 * m as f64;
            }
            Some((cone, entries)) => {
                q.extend((0..m).map(|i| self.factor() * weight(i)));
                for i in 0..m {
                    for entry in &entries {
                        match entry {
                            Entry::V => rows.push(0.0, [(i, -1.0)]),
                            Entry::OnePlusT => rows.push(1.0, [(m + i, -1.0)]),
                            Entry::MinusT => rows.push(0.0, [(m + i, 1.0)]),
                            Entry::One => rows.push(1.0, []),
                        }
                    }
                    rows.cones.push(cone);
                }
            }
        }
        let Rows { a, b, cones } = rows;
        ConicProgram { name: "calibration".into(), p, q, a, b, cones, offset }
    }

    /// w = b v, within its bounds to the last bit.
    fn point(&self, columns: &[f64]) -> Vec<f64> {
        let (lower, upper) = self.bounds();
        columns.iter().zip(self.base()).map(|(v, b)| b * v.clamp(lower, upper)).collect()
    }
}
