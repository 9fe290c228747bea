//! Depth first through one region: halve the box, bound both halves, drop what cannot beat the incumbent.
//!
//! For a box of directions let lo_i <= y_i'b <= hi_i for all b in it. A rule with threshold t earns at most
//!
//! ```text
//! U(t) = sum_{g_i > 0, hi_i >= t} g_i  +  sum_{g_i < 0, lo_i >= t} g_i
//! ```
//!
//! (`sweep`). Only thresholds where U(t) exceeds the incumbent live on in the halves: points with lo_i above or hi_i below all of
//! these are settled.
//!
//! Halving the side of covariate j by h moves one end of each interval: lo_i by y_ij h or hi_i by -y_ij h, as the sign says. So
//! a half costs one pass over the open points, whatever p. The roundings of these sums are within [`Points::slack`], by which
//! lo and hi lie outward from the beginning.

use prescribe_models::Model;
use prescribe_models::linear_rule::LinearRule;

use super::super::hyperplanes::Points;
use super::labels::Known;
use super::leaf;
use super::region::Region;
use super::sweep::{Open, Sweep};

/// A side shorter than this is not halved: the slack would be all there is to see.
const SHORTEST: f64 = 1e-9;
/// Boxes that cannot be halved and have many points open lie closer than this to a direction in which all of them tie.
const RIM: f64 = 16.0 * SHORTEST;
/// The side to halve is chosen by a sample of about so many points.
const SAMPLE: usize = 128;
/// With at most so many open points the best rule at a box's centre is looked at.
const FEW: usize = 64;
/// What settling a leaf costs, and each exact linear program over its labels, in points looked at.
const LEAF: usize = 200;
const PROGRAM: usize = 5_000;
/// Linear programs over the labels of a leaf: on suspicion, and where it cannot be halved. Fewer leave discrete data under budgets
/// to be halved without end.
const PROGRAMS: (usize, usize) = (400, 4_000);
/// Thresholds are halved where their range is more than so many times the box's sides.
const WIDE: f64 = 12.0;

/// A region on the stack; its open points are `first..last` of the arrays.
struct Frame {
    first: usize,
    last: usize,
    sides: Vec<(f64, f64)>,
    thresholds: (f64, f64),
    settled: i64,
    /// The settled points' weight in each assignment bound.
    weights: Vec<f64>,
    bound: i64,
    /// Halvings since a point was last decided.
    idle: usize,
    /// Idle halvings after which the open points are taken for ties; more after each try in vain.
    patience: usize,
}

/// What a dive brought.
pub struct Dive {
    /// Directions and thresholds of rules that may beat the incumbent, best last.
    pub found: Option<(i64, LinearRule)>,
    /// What it did not get to.
    pub left: Vec<Region>,
    /// Boxes settled as leaves, and the bound on those of them that stay open.
    pub leaves: u64,
    pub stuck: i64,
    pub unresolved: u64,
    pub boxes: u64,
}

impl Dive {
    const NOTHING: Self =
        Self { found: None, left: Vec::new(), leaves: 0, stuck: i64::MIN, unresolved: 0, boxes: 0 };
}

/// The arrays of a dive, kept from one to the next.
pub struct Diver<'p> {
    points: &'p Points<'p>,
    low: Vec<f64>,
    high: Vec<f64>,
    id: Vec<u32>,
    sweep: Sweep<'p>,
    frames: Vec<Frame>,
    /// Of this dive alone: another's would depend on who came first.
    known: Known,
    /// Total gain to beat.
    incumbent: i64,
    /// Points looked at, or what took as long.
    spent: usize,
    outcome: Dive,
}

impl<'p> Diver<'p> {
    pub fn new(points: &'p Points<'p>) -> Self {
        Self {
            points,
            low: Vec::new(),
            high: Vec::new(),
            id: Vec::new(),
            sweep: Sweep::new(points),
            frames: Vec::new(),
            known: Known::default(),
            incumbent: 0,
            spent: 0,
            outcome: Dive::NOTHING,
        }
    }

    /// Searches `region` for rules that earn more than `incumbent`, until done, out of `work` (points looked at), or told to `stop`.
    pub fn dive(&mut self, region: &Region, incumbent: i64, work: usize, stop: &dyn Fn() -> bool) -> Dive {
        (self.incumbent, self.known) = (incumbent, Known::default());
        self.enter(region);
        self.spent = 0;
        let root = self.frames.pop();
        root.iter().for_each(|frame| self.look_at_centre(frame));
        self.frames.extend(root);
        while let Some(mut frame) = self.frames.pop() {
            if frame.bound <= self.incumbent {
                continue;
            }
            if self.spent > work || (self.outcome.boxes % 64 == 63 && stop()) {
                self.frames.push(frame);
                break;
            }
            self.spent += 16 + 2 * (frame.last - frame.first);
            self.outcome.boxes += 1;
            if frame.last - frame.first <= FEW {
                self.look_at_centre(&frame);
                if frame.bound <= self.incumbent {
                    continue;
                }
            }
            let side = self.longest_side(&frame);
            // One direction alone is settled in one piece, unless assignment bounds ask for few open points.
            let divisible = side.is_some() || !self.points.demands.is_empty();
            if divisible && self.is_wide(&frame) {
                self.halve_thresholds(&frame);
                continue;
            }
            let tied =
                frame.idle >= frame.patience && leaf::is_cheap(frame.last - frame.first, frame.sides.len());
            if tied || side.is_none() {
                if self.settled(&frame, side.is_none()) {
                    continue;
                }
                (frame.idle, frame.patience) = (0, 4 * frame.patience);
            }
            if let Some(j) = side {
                self.halve(&frame, j);
            }
        }
        while let Some(frame) = self.frames.pop() {
            if frame.bound > self.incumbent {
                let region = self.region(&frame);
                self.outcome.left.push(region);
            }
        }
        std::mem::replace(&mut self.outcome, Dive::NOTHING)
    }

    /// Whether the thresholds range much further than the height of any one point.
    fn is_wide(&self, frame: &Frame) -> bool {
        let interval = frame.sides.iter().map(|(low, high)| high - low).sum::<f64>() + self.points.slack();
        frame.thresholds.1 - frame.thresholds.0 > WIDE * interval
    }

    /// Tries to settle a box as a leaf, see [`leaf`]; `last` where it cannot be halved.
    fn settled(&mut self, frame: &Frame, last: bool) -> bool {
        let mut region = self.region(frame);
        if last && region.open.len() > leaf::SEARCHED {
            region = region.widened(self.points, RIM);
        }
        self.outcome.leaves += 1;
        // Without ties no more points than there are coefficients stay close to one hyperplane. Halving serves them better.
        let tied = frame.last - frame.first > frame.sides.len() + 1;
        let programs = match (last, tied) {
            (true, _) => PROGRAMS.1,
            (false, true) => PROGRAMS.0,
            (false, false) => 0,
        };
        let leaf = leaf::settle(self.points, &mut self.known, &region, self.incumbent, programs);
        self.spent += LEAF + PROGRAM * leaf.programs;
        leaf.found.into_iter().for_each(|rule| self.offer(rule));
        let Some(bound) = leaf.open.filter(|bound| *bound > self.incumbent) else { return true };
        let last = last || leaf.last;
        if last {
            self.outcome.stuck = self.outcome.stuck.max(bound);
            self.outcome.unresolved += 1;
        }
        last
    }

    fn enter(&mut self, region: &Region) {
        self.reserve(region.open.len());
        for (k, &i) in region.open.iter().enumerate() {
            let (low, high) = region.heights(self.points, i as usize);
            (self.low[k], self.high[k], self.id[k]) = (low, high, i);
        }
        self.frames.push(Frame {
            first: 0,
            last: region.open.len(),
            sides: region.sides.clone(),
            thresholds: region.thresholds,
            settled: region.settled,
            weights: region.weights.clone(),
            bound: region.bound,
            idle: 0,
            patience: 2 * region.sides.len(),
        });
    }

    fn reserve(&mut self, length: usize) {
        if self.id.len() < length {
            let length = length.next_power_of_two();
            self.low.resize(length, 0.0);
            self.high.resize(length, 0.0);
            self.id.resize(length, 0);
        }
    }

    fn region(&self, frame: &Frame) -> Region {
        Region {
            sides: frame.sides.clone(),
            thresholds: frame.thresholds,
            open: self.id[frame.first..frame.last].to_vec(),
            settled: frame.settled,
            weights: frame.weights.clone(),
            bound: frame.bound,
        }
    }

    /// The covariate whose side leaves most gain open: the largest sum_i |g_i y_ij| w_j.
    fn longest_side(&self, frame: &Frame) -> Option<usize> {
        let open = &self.id[frame.first..frame.last];
        let step = (open.len() / SAMPLE).max(1);
        let mut best = (None, 0.0);
        for (j, (low, high)) in frame.sides.iter().enumerate() {
            if high - low < SHORTEST {
                continue;
            }
            let column = &self.points.columns[j];
            let pull = |&i: &u32| (self.points.gains[i as usize] as f64 * column[i as usize]).abs();
            let total = open.iter().step_by(step).map(pull).sum::<f64>() * (high - low);
            if best.0.is_none() || total > best.1 {
                best = (Some(j), total);
            }
        }
        best.0
    }

    fn halve_thresholds(&mut self, frame: &Frame) {
        let (floor, ceiling) = frame.thresholds;
        let middle = floor / 2.0 + ceiling / 2.0;
        let mut place = self.frames.last().map_or(frame.last, |sibling| sibling.last.max(frame.last));
        for thresholds in [(floor, middle), (middle, ceiling)] {
            let part = self.half(
                &Frame { thresholds, sides: frame.sides.clone(), weights: frame.weights.clone(), ..*frame },
                place,
                0,
                frame.sides[0],
                0.0,
            );
            place = part.as_ref().map_or(place, |part| part.last);
            self.frames.extend(part);
        }
    }

    fn halve(&mut self, frame: &Frame, j: usize) {
        let (low, high) = frame.sides[j];
        let middle = (low + high) / 2.0;
        // The frame's sibling, if it waits, may lie behind it.
        let place = self.frames.last().map_or(frame.last, |sibling| sibling.last.max(frame.last));
        let lower = self.half(frame, place, j, (low, middle), middle - high);
        let end = lower.as_ref().map_or(place, |lower| lower.last);
        let upper = self.half(frame, end, j, (middle, high), middle - low);
        let (mut first, mut second) = (lower, upper);
        if first.as_ref().map(|f| f.bound) > second.as_ref().map(|f| f.bound) {
            std::mem::swap(&mut first, &mut second);
        }
        self.frames.extend(first);
        self.frames.extend(second);
    }

    /// The half of `frame` with `side` for covariate `j`, whose nearer end moved by `shift`; none where it cannot beat the incumbent.
    /// Its points are written from `place` on.
    fn half(&mut self, frame: &Frame, place: usize, j: usize, side: (f64, f64), shift: f64) -> Option<Frame> {
        let count = frame.last - frame.first;
        self.reserve(place + count);
        let (floor, ceiling) = frame.thresholds;
        let column = &self.points.columns[j];
        let mut settled = frame.settled;
        let mut kept = 0;
        let (old_low, new_low) = self.low.split_at_mut(place);
        let (old_high, new_high) = self.high.split_at_mut(place);
        let (old_id, new_id) = self.id.split_at_mut(place);
        let old = old_low[frame.first..frame.last].iter().zip(&old_high[frame.first..frame.last]);
        for ((&low, &high), &i) in old.zip(&old_id[frame.first..frame.last]) {
            let move_by = column[i as usize] * shift;
            let low = low + move_by.max(0.0);
            let high = high + move_by.min(0.0);
            let above = low >= ceiling;
            let below = high < floor;
            // Totals of whole gains cannot overflow, see [`Points`].
            settled = settled.wrapping_add(if above { self.points.gains[i as usize] } else { 0 });
            (new_low[kept], new_high[kept], new_id[kept]) = (low, high, i);
            kept += usize::from(!(above | below));
        }
        let mut sides = frame.sides.clone();
        sides[j] = side;
        let last = place + kept;
        let weights = self.settled_weights(frame, j, shift);
        let open = Open {
            low: &self.low[place..last],
            high: &self.high[place..last],
            id: &self.id[place..last],
            settled,
            weights: &weights,
        };
        let (bound, thresholds) = self.sweep.bound(&open, frame.thresholds, self.incumbent)?;
        let idle = if kept == count { frame.idle + 1 } else { 0 };
        Some(Frame {
            first: place,
            last,
            sides,
            thresholds,
            settled,
            weights,
            bound,
            idle,
            patience: frame.patience,
        })
    }

    /// The weights of the points of `frame` that are settled, those included that the move of covariate `j` settles.
    fn settled_weights(&self, frame: &Frame, j: usize, shift: f64) -> Vec<f64> {
        let mut weights = frame.weights.clone();
        for (weight, demand) in weights.iter_mut().zip(&self.points.demands) {
            let open = self.low[frame.first..frame.last].iter().zip(&self.id[frame.first..frame.last]);
            let moved = |(low, i): (&f64, &u32)| {
                let low = low + (self.points.columns[j][*i as usize] * shift).max(0.0);
                if low >= frame.thresholds.1 { demand.weights[*i as usize] } else { 0.0 }
            };
            *weight += open.map(moved).sum::<f64>();
        }
        weights
    }

    /// Where the best feasible rule in the direction of the centre beats the incumbent, it is the new one.
    fn look_at_centre(&mut self, frame: &Frame) {
        let height = |k: usize| (self.low[k] / 2.0 + self.high[k] / 2.0, self.id[k] as usize);
        let mut heights: Vec<(f64, usize)> = (frame.first..frame.last).map(height).collect();
        heights.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut weights = frame.weights.clone();
        let (mut total, mut best) = (frame.settled, None);
        let mut above = frame.thresholds.1;
        for position in 0..=heights.len() {
            let next = heights.get(position).map_or(frame.thresholds.0, |next| next.0);
            let better = total > best.map_or(self.incumbent, |(value, _)| value);
            if better && next < above && self.points.hold(&weights) {
                best = Some((total, above / 2.0 + next / 2.0));
            }
            let Some(&(height, i)) = heights.get(position) else { break };
            total = total.wrapping_add(self.points.gains[i]);
            weights.iter_mut().zip(&self.points.demands).for_each(|(w, demand)| *w += demand.weights[i]);
            above = height;
        }
        if let Some((_, threshold)) = best {
            let centre: Vec<f64> = frame.sides.iter().map(|(l, u)| l / 2.0 + u / 2.0).collect();
            let rule = self.points.rule(&centre, threshold);
            self.offer(rule);
        }
    }

    /// Takes `rule` where it is feasible and beats the incumbent, by exact evaluation.
    fn offer(&mut self, rule: LinearRule) {
        let value = self.points.value(&rule);
        let feasible = || {
            self.points.units.problem().side().is_empty()
                || self.points.units.problem().violations(&rule).is_empty()
        };
        if value > self.incumbent && feasible() {
            self.incumbent = value;
            self.outcome.found = Some((value, rule));
        }
    }
}
