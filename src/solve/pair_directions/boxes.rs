//! Boxes of directions, one for each pair of arms: their bound, and how they are divided.

use std::cmp::Ordering;
use std::sync::Arc;

use prescribe_models::multi_linear_rule::MergedUnits;

/// Boxes with at most so many open units are leaves.
const LEAF_UNITS: usize = 10;
/// So are boxes in which no height varies by more than this times what is at stake: where many units tie, halving leaves them open.
const NARROW: f64 = 1e-3;
/// Rounding may leave three boxes apart by this much that belong together.
const TOGETHER: f64 = 1e-9;

/// The units as the boxes see them.
pub struct Geometry<'u> {
    pub rewards: &'u [Vec<f64>],
    /// (reach, z) over the covariates that vary: |z'b| <= reach for |b_j| <= 1.
    points: Vec<Vec<f64>>,
    /// (k, l) with k < l.
    pairs: Vec<(usize, usize)>,
    arms: usize,
    /// How far rounding may move a height.
    rounding: f64,
}

/// A box of directions for each pair of arms.
#[derive(Clone, Debug)]
pub struct PairBox {
    /// No rule with directions in the box earns more.
    pub bound: f64,
    sides: Vec<Side>,
    /// The units whose reward is still open, and the total reward of the others.
    pub open: Arc<[usize]>,
    settled: f64,
    /// The arms (bits) that a settled unit could get when it was settled.
    used: u64,
}

/// The directions of one pair.
#[derive(Clone, Debug)]
struct Side {
    face: Face,
    /// (least, most) of each coordinate.
    ranges: Arc<[(f64, f64)]>,
}

/// The coordinate that is 1 (or -1) in all directions of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    /// No face chosen yet: all directions.
    All,
    /// The intercept: one arm is above the other at every unit. True where that is the first.
    Constant(bool),
    Slope,
}

/// What a box turned out to be.
pub enum Bounded {
    /// Nothing in it beats the incumbent.
    Done,
    /// Few units are open, or it is too narrow to be divided.
    Leaf(PairBox),
    Split(Vec<PairBox>),
}

impl<'u> Geometry<'u> {
    pub fn of(units: &'u MergedUnits) -> Self {
        let varying: Vec<usize> = (0..units.z[0].len()).filter(|&j| units.varies(j)).collect();
        let reach = varying.len().max(1) as f64;
        let point = |z: &Vec<f64>| std::iter::once(reach).chain(varying.iter().map(|&j| z[j])).collect();
        let arms = units.arms();
        Self {
            rewards: &units.rewards,
            points: units.z.iter().map(point).collect(),
            pairs: (0..arms).flat_map(|k| (k + 1..arms).map(move |l| (k, l))).collect(),
            arms,
            rounding: units.rounding() + 16.0 * reach * reach * f64::EPSILON,
        }
    }

    /// The box of all rules.
    pub fn everything(&self, bound: f64) -> PairBox {
        let side = Side { face: Face::All, ranges: vec![(-1.0, 1.0); self.points[0].len()].into() };
        let open = (0..self.points.len()).collect();
        PairBox { bound, sides: vec![side; self.pairs.len()], open, settled: 0.0, used: 0 }
    }

    /// The arms (bits) that unit `i` may get in the box.
    pub fn possible(&self, of: &PairBox, i: usize) -> u64 {
        let mut possible = (1u64 << self.arms) - 1;
        for (side, (k, l)) in of.sides.iter().zip(&self.pairs) {
            match side.order(&self.points[i], self.rounding) {
                Some(Ordering::Greater) => possible &= !(1 << l),
                Some(_) => possible &= !(1 << k),
                None => {}
            }
        }
        possible
    }

    /// Bounds a box and, where that does not close it, divides it.
    pub fn bound(&self, mut of: PairBox, beyond: f64) -> Bounded {
        if !self.belongs_together(&of) {
            return Bounded::Done;
        }
        let mut seen = of.used;
        let mut open = Vec::with_capacity(of.open.len());
        let (mut at_most, mut settled) = (0.0, of.settled);
        for &i in of.open.iter() {
            let possible = self.possible(&of, i);
            if possible == 0 {
                return Bounded::Done;
            }
            seen |= possible;
            let (least, most) = self.range(i, possible);
            if least == most {
                settled += most;
                of.used |= possible;
            } else {
                at_most += most;
                open.push((i, possible));
            }
        }
        of.bound = of.bound.min(settled + at_most);
        if of.bound <= beyond || !self.is_plain(&of, seen) {
            return Bounded::Done;
        }
        let at_stake = |i: usize, k: usize, l: usize| (self.rewards[i][k] - self.rewards[i][l]).abs();
        let widest = self.widest(&of, &open, at_stake);
        of.settled = settled;
        of.open = open.into_iter().map(|(i, _)| i).collect();
        match widest {
            Some((pair, coordinate)) if of.open.len() > LEAF_UNITS => {
                Bounded::Split(of.divided(pair, coordinate))
            }
            _ => Bounded::Leaf(of),
        }
    }

    /// The smallest and the largest reward of unit `i` over `arms`.
    fn range(&self, i: usize, arms: u64) -> (f64, f64) {
        let rewards = self.rewards[i].iter().enumerate().filter(|(k, _)| arms >> k & 1 == 1);
        rewards.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, r)| (low.min(*r), high.max(*r)))
    }

    /// Whether an arm that no unit can get is said to be lower than others, and nothing more.
    fn is_plain(&self, of: &PairBox, seen: u64) -> bool {
        let unseen = |k: usize| seen >> k & 1 == 0;
        of.sides
            .iter()
            .zip(&self.pairs)
            .all(|(side, &(k, l))| side.face != Face::Slope || !(unseen(k) || unseen(l)))
    }

    /// Whether every three pairs k l, l m, k m have directions that add up.
    fn belongs_together(&self, of: &PairBox) -> bool {
        let side = |k: usize, l: usize| {
            // The pairs before those of k are K - 1, K - 2, .. many.
            &of.sides[k * (2 * self.arms - k - 1) / 2 + l - k - 1]
        };
        (0..self.arms).all(|k| {
            (k + 1..self.arms).all(|l| (l + 1..self.arms).all(|m| add_up(side(k, l), side(l, m), side(k, m))))
        })
    }

    /// Divides a leaf so that more units get one arm, be it among equals; nothing where it is too narrow.
    pub fn divided_among_equals(&self, of: &PairBox) -> Vec<PairBox> {
        let possible = (0..self.points.len()).map(|i| (i, self.possible(of, i)));
        let undecided: Vec<(usize, u64)> = possible.filter(|(_, arms)| arms.count_ones() > 1).collect();
        match self.widest(of, &undecided, |_, _, _| 1.0) {
            Some((pair, coordinate)) => of.clone().divided(pair, coordinate),
            None => Vec::new(),
        }
    }

    /// The pair and coordinate along which the units' heights vary most, weighted by what is at stake between two arms.
    fn widest(
        &self,
        of: &PairBox,
        units: &[(usize, u64)],
        at_stake: impl Fn(usize, usize, usize) -> f64,
    ) -> Option<(usize, usize)> {
        let width = self.points[0].len();
        let mut weights = vec![0.0; self.pairs.len() * width];
        let mut total = 0.0;
        for &(i, possible) in units {
            for (q, (side, &(k, l))) in of.sides.iter().zip(&self.pairs).enumerate() {
                let both = possible >> k & possible >> l & 1 == 1;
                if !both || side.order(&self.points[i], self.rounding).is_some() {
                    continue;
                }
                let stake = at_stake(i, k, l);
                total += stake;
                for (j, ((low, high), v)) in side.ranges.iter().zip(&self.points[i]).enumerate() {
                    weights[q * width + j] += stake * v.abs() * (high - low);
                }
            }
        }
        let best = (0..weights.len()).reduce(|a, b| if weights[b] > weights[a] { b } else { a })?;
        (weights[best] > NARROW * total).then_some((best / width, best % width))
    }
}

impl Side {
    /// Which arm of the pair is above at a point, in all directions.
    fn order(&self, point: &[f64], rounding: f64) -> Option<Ordering> {
        match self.face {
            Face::All => None,
            Face::Constant(true) => Some(Ordering::Greater),
            Face::Constant(false) => Some(Ordering::Less),
            Face::Slope => {
                let (mut least, mut most) = (0.0, 0.0);
                for ((low, high), v) in self.ranges.iter().zip(point) {
                    let (a, b) = if *v >= 0.0 { (low, high) } else { (high, low) };
                    least += v * a;
                    most += v * b;
                }
                match () {
                    _ if least > rounding => Some(Ordering::Greater),
                    _ if most < -rounding => Some(Ordering::Less),
                    _ => None,
                }
            }
        }
    }

    fn with(&self, coordinate: usize, range: (f64, f64)) -> Self {
        let mut ranges = self.ranges.to_vec();
        ranges[coordinate] = range;
        Self { face: self.face, ranges: ranges.into() }
    }

    /// The faces of the cube, or the halves of the box.
    fn divided(&self, coordinate: usize) -> Vec<Side> {
        if self.face == Face::All {
            let face = |j: usize, positive: bool| Side {
                face: if j == 0 { Face::Constant(positive) } else { Face::Slope },
                ..self.with(j, if positive { (1.0, 1.0) } else { (-1.0, -1.0) })
            };
            return (0..self.ranges.len()).flat_map(|j| [face(j, true), face(j, false)]).collect();
        }
        let (low, high) = self.ranges[coordinate];
        let middle = (low + high) / 2.0;
        vec![self.with(coordinate, (low, middle)), self.with(coordinate, (middle, high))]
    }
}

impl PairBox {
    fn divided(self, pair: usize, coordinate: usize) -> Vec<PairBox> {
        let parts = self.sides[pair].divided(coordinate);
        let part = |side: Side| {
            let mut of = self.clone();
            of.sides[pair] = side;
            of
        };
        parts.into_iter().map(part).collect()
    }
}

impl PartialEq for PairBox {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PairBox {}

impl PartialOrd for PairBox {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PairBox {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound)
    }
}

/// Whether `alpha a + beta b = gamma c` for some directions in the boxes and some weights, not all 0. Coordinates may be chosen
/// one by one, so it is a question about the weights alone: does their triangle keep a point after it is cut by
/// `alpha a_j + beta b_j - gamma c_j <= 0` at the least left side, and `>= 0` at the largest, for every coordinate j?
fn add_up(a: &Side, b: &Side, c: &Side) -> bool {
    if [a, b, c].iter().any(|side| side.face == Face::All) {
        return true;
    }
    let mut polygon = vec![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let mut kept = Vec::with_capacity(8);
    for ((a, b), c) in a.ranges.iter().zip(b.ranges.iter()).zip(c.ranges.iter()) {
        for cut in [[a.0, b.0, -c.1], [-a.1, -b.1, c.0]] {
            clip(&polygon, cut, &mut kept);
            std::mem::swap(&mut polygon, &mut kept);
            if polygon.is_empty() {
                return false;
            }
        }
    }
    true
}

/// The part of a convex polygon with `cut'v <= 0`.
fn clip(polygon: &[[f64; 3]], cut: [f64; 3], kept: &mut Vec<[f64; 3]>) {
    let height = |v: &[f64; 3]| cut[0] * v[0] + cut[1] * v[1] + cut[2] * v[2] - TOGETHER;
    kept.clear();
    for (position, v) in polygon.iter().enumerate() {
        let next = &polygon[(position + 1) % polygon.len()];
        let (here, there) = (height(v), height(next));
        if here <= 0.0 {
            kept.push(*v);
        }
        if (here < 0.0 && there > 0.0) || (here > 0.0 && there < 0.0) {
            let t = here / (here - there);
            kept.push([0, 1, 2].map(|j| v[j] + t * (next[j] - v[j])));
        }
    }
}
