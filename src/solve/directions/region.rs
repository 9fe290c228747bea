//! Boxes of directions with a range of thresholds, and what they leave open.

use super::super::hyperplanes::Points;

/// All rules `b'y >= t` with b in a box and t in a range, and the points whose side is open there.
#[derive(Clone, Debug)]
pub struct Region {
    /// Of b: lower and upper end by covariate.
    pub sides: Vec<(f64, f64)>,
    /// Of t.
    pub thresholds: (f64, f64),
    /// Points that some of these rules treat and others do not.
    pub open: Vec<u32>,
    /// Total gain of the points that all of these rules treat.
    pub settled: i64,
    /// Their weight in each assignment bound.
    pub weights: Vec<f64>,
    /// No rule of the region treats points of a larger total gain.
    pub bound: i64,
}

impl Region {
    /// The 2p faces of the unit box, as far as coefficients may have their signs: every rule that is not constant has exactly one
    /// multiple, by a positive factor, in one of them or in several.
    pub fn faces(points: &Points) -> Vec<Self> {
        let p = points.dimension();
        let bound = points.gains.iter().filter(|gain| **gain > 0).sum();
        let face = |(j, sign): (usize, f64)| {
            let side = |k: usize| if k == j { (sign, sign) } else { points.directions[k] };
            let reach = points.reach + points.slack();
            Self {
                sides: (0..p).map(side).collect(),
                thresholds: (-reach, reach),
                open: (0..points.len() as u32).collect(),
                settled: 0,
                weights: vec![0.0; points.demands.len()],
                bound,
            }
        };
        let allowed =
            |&(j, sign): &(usize, f64)| points.directions[j].0 <= sign && sign <= points.directions[j].1;
        (0..p).flat_map(|j| [(j, 1.0), (j, -1.0)]).filter(allowed).map(face).collect()
    }

    /// The region with a rim around its directions and thresholds. A box beside a direction in which points tie has some of them open and others
    /// settled: what labels the open ones may have depends on these. In the region with the rim all that tie are open.
    pub fn widened(&self, points: &Points, rim: f64) -> Self {
        let free = |(low, high): (f64, f64)| {
            (if low < 0.0 { f64::NEG_INFINITY } else { 0.0 }, if high > 0.0 { f64::INFINITY } else { 0.0 })
        };
        let side = |(&(low, high), &directions): (&(f64, f64), &(f64, f64))| {
            let (least, most) = free(directions);
            if low == high { (low, high) } else { ((low - rim).max(least), (high + rim).min(most)) }
        };
        let (floor, ceiling) = self.thresholds;
        let mut wide = Self {
            sides: self.sides.iter().zip(&points.directions).map(side).collect(),
            thresholds: (floor - rim * points.reach, ceiling + rim * points.reach),
            open: Vec::new(),
            settled: 0,
            weights: vec![0.0; points.demands.len()],
            bound: self.bound,
        };
        for i in 0..points.len() {
            let (low, high) = wide.heights(points, i);
            if low >= wide.thresholds.1 {
                wide.settled += points.gains[i];
                wide.weights.iter_mut().zip(&points.demands).for_each(|(w, demand)| *w += demand.weights[i]);
            } else if high >= wide.thresholds.0 {
                wide.open.push(i as u32);
            }
        }
        wide
    }

    /// Range of the height `y'b` of a point over the box, outward by `slack`.
    pub fn heights(&self, points: &Points, i: usize) -> (f64, f64) {
        let slack = points.slack();
        let ends = self.sides.iter().zip(&points.columns).map(|((l, u), column)| {
            let (a, b) = (column[i] * l, column[i] * u);
            (a.min(b), a.max(b))
        });
        ends.fold((-slack, slack), |(low, high), (a, b)| (low + a, high + b))
    }
}
