//! The criterion of joint assignment trees (forest.txt, sections 3.1, 3.2 and 6.1): what it is worth to give the units of both children the
//! arm of the largest shrunken mean, against the same for their parent.
//!
//! ```text
//! Yhat_k = (S_k + lambda Ybar) / (N_k + lambda),     Ybar = A / B,   A = sum_k S_k / (N_k + lambda),   B = sum_k N_k / (N_k + lambda)
//! U^N    = V Yhat_a,   U^P = N_a / P_a Yhat_a,       a = argmax Yhat_k over the arms sampled and present,    V = sum of v in the leaf
//! ```
//!
//! S_k and N_k are sums of w y and w over the units of arm k, with masses w = v P_T / p_T(X) (1 in a plain trial).
//! A split whose children would get the same arm is not allowed.
//!
//! When a unit crosses, A and B change by one term on either side, and every shrunken mean is a line in t = lambda Ybar,
//!
//! ```text
//! Yhat_k = a_k + b_k t,     a_k = S_k / (N_k + lambda),     b_k = 1 / (N_k + lambda)  in  (0, b]
//! ```
//!
//! of which one changes. So the largest mean need not be looked for at every unit: with t' where it was last looked for, it is at most
//! (the largest of what it was there and of the lines changed since at t') + b max(0, t - t'). Only where this would make the gain large
//! enough are the lines of all arms present evaluated, several at a time. (The form P has no such bound.)

use multiversion::multiversion;
use prescribe_models::leaf_utility::Form;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use super::Criterion;

/// What the criterion reads of the units.
#[derive(Clone, Copy, Debug)]
pub struct Units<'a> {
    /// The arm of each unit (n), below `arms`.
    pub arm: &'a [u16],
    pub arms: usize,
    /// Utilities y (n).
    pub utility: &'a [f64],
    /// Masses w (n), where they are not all 1.
    pub mass: Option<&'a [f64]>,
    /// Weights v (n), where they are not all 1.
    pub weight: Option<&'a [f64]>,
    /// Probability of each arm P (arms).
    pub share: &'a [f64],
}

impl Units<'_> {
    fn mass(&self, unit: u32) -> f64 {
        self.mass.map_or(1.0, |mass| mass[unit as usize])
    }

    fn weight(&self, unit: u32) -> f64 {
        self.weight.map_or(1.0, |weight| weight[unit as usize])
    }
}

/// Lines that are evaluated together.
const LANES: usize = 8;

/// The criterion, at one split of one node.
pub struct JointAssignment<'a> {
    units: Units<'a>,
    lambda: f64,
    form: Form,
    /// Arms that a split chooses among.
    sampled: usize,
    /// Which arms may be assigned at this node.
    allowed: Vec<bool>,
    /// 1 / (N + lambda) for whole N.
    reciprocals: Vec<f64>,
    /// Sums of each arm (arms) in this node.
    of_arm: Vec<Cell>,
    /// The slot of each arm that is present, and the arm of each slot: first those that may be assigned, ascending.
    slot: Vec<u16>,
    arm: Vec<u16>,
    candidates: usize,
    /// b, the steepest that a line of a part of this node can be.
    steepest: f64,
    parent: f64,
    node: Side,
    left: Side,
    right: Side,
}

impl<'a> JointAssignment<'a> {
    /// `sampled` arms at a time may be assigned, at least 1.
    pub fn new(units: Units<'a>, lambda: f64, form: Form, sampled: usize) -> Self {
        Self {
            units,
            lambda,
            form,
            sampled,
            allowed: vec![true; units.arms],
            reciprocals: Vec::new(),
            of_arm: vec![Cell::default(); units.arms],
            slot: vec![0; units.arms],
            arm: Vec::with_capacity(units.arms),
            candidates: 0,
            steepest: 0.0,
            parent: 0.0,
            node: Side::default(),
            left: Side::default(),
            right: Side::default(),
        }
    }

    /// 1 / (N + lambda) of a cell.
    fn reciprocal(&self, cell: &Cell) -> f64 {
        match self.units.mass {
            None => self.reciprocals[cell.count as usize],
            Some(_) => 1.0 / (cell.mass + self.lambda),
        }
    }

    /// Gives slots to the arms present, and counts those that may be assigned.
    fn give_slots(&mut self) {
        self.arm.clear();
        for allowed in [true, false] {
            for k in 0..self.units.arms {
                if self.of_arm[k].count > 0 && self.allowed[k] == allowed {
                    self.slot[k] = self.arm.len() as u16;
                    self.arm.push(k as u16);
                }
            }
            if allowed {
                self.candidates = self.arm.len();
            }
        }
    }

    /// The slot of the largest shrunken mean, where that mean is known; the first of several.
    fn slot_of(&self, side: &Side) -> usize {
        let value = |slot: &usize| side.intercepts[*slot] + side.slopes[*slot] * side.at;
        (0..self.candidates).find(|slot| value(slot) == side.most).unwrap_or(0)
    }

    /// The slot that a side would be assigned and its utility, once its largest mean is known.
    fn utility(&self, side: &Side) -> (usize, f64) {
        let slot = self.slot_of(side);
        let size = match self.form {
            Form::N => side.weight,
            Form::P => side.cells[slot].mass / self.units.share[self.arm[slot] as usize],
        };
        (slot, size * side.most)
    }
}

impl Criterion for JointAssignment<'_> {
    fn open(&mut self, units: &[u32], random: &mut ChaCha8Rng) {
        if self.sampled < self.units.arms {
            self.allowed.fill(false);
            sample(random, self.units.arms, self.sampled).iter().for_each(|k| self.allowed[k] = true);
        }
        let lambda = self.lambda;
        self.reciprocals
            .extend((self.reciprocals.len()..=units.len()).map(|count| 1.0 / (count as f64 + lambda)));
        self.of_arm.fill(Cell::default());
        let (mut weight, mut least) = (0.0, f64::INFINITY);
        for &unit in units {
            let mass = self.units.mass(unit);
            weight += self.units.weight(unit);
            least = if mass < least { mass } else { least };
            let cell = &mut self.of_arm[self.units.arm[unit as usize] as usize];
            cell.count += 1;
            cell.mass += mass;
            cell.sum += mass * self.units.utility[unit as usize];
        }
        self.steepest = 1.0 / (least + lambda);
        self.give_slots();
        let mut node = std::mem::take(&mut self.node);
        node.clear(self.arm.len(), self.candidates);
        node.weight = weight;
        for (slot, &k) in self.arm.iter().enumerate() {
            let cell = self.of_arm[k as usize];
            node.set(slot, cell, self.reciprocal(&cell), 0.0, Slack { lambda, steepest: self.steepest });
        }
        node.look(lambda);
        self.parent = if self.candidates > 0 { self.utility(&node).1 } else { 0.0 };
        self.node = node;
        self.left.clear(self.arm.len(), self.candidates);
        self.right.clear(self.arm.len(), self.candidates);
    }

    fn rewind(&mut self) {
        self.right.copy(&self.node);
        self.left.clear(self.arm.len(), self.candidates);
        self.left.at = self.node.at;
    }

    #[inline(always)]
    fn cross(&mut self, unit: u32) {
        let slot = self.slot[self.units.arm[unit as usize] as usize] as usize;
        let (mass, weight) = (self.units.mass(unit), self.units.weight(unit));
        let sum = mass * self.units.utility[unit as usize];
        let slack = Slack { lambda: self.lambda, steepest: self.steepest };
        let cell = self.left.cells[slot].with(mass, sum);
        let reciprocal = self.reciprocal(&cell);
        self.left.set(slot, cell, reciprocal, weight, slack);
        let cell = self.right.cells[slot].without(mass, sum);
        let reciprocal = if cell.count == 0 { 0.0 } else { self.reciprocal(&cell) };
        self.right.set(slot, cell, reciprocal, -weight, slack);
    }

    #[inline(always)]
    fn gain(&mut self, floor: f64) -> Option<f64> {
        if self.form == Form::N && self.left.bound + self.right.bound - self.parent <= floor {
            return None;
        }
        self.evaluate(floor)
    }
}

impl JointAssignment<'_> {
    /// The gain by the largest means themselves.
    #[inline(never)]
    fn evaluate(&mut self, floor: f64) -> Option<f64> {
        self.left.look(self.lambda);
        self.right.look(self.lambda);
        if self.left.most == f64::NEG_INFINITY || self.right.most == f64::NEG_INFINITY {
            return None;
        }
        if self.form == Form::N
            && self.left.weight * self.left.most + self.right.weight * self.right.most - self.parent <= floor
        {
            return None;
        }
        let (left, right) = (self.utility(&self.left), self.utility(&self.right));
        let gain = left.1 + right.1 - self.parent;
        (gain > floor && left.0 != right.0).then_some(gain)
    }
}

/// Sums over the units of one arm on one side.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    count: u32,
    /// N
    mass: f64,
    /// S
    sum: f64,
    /// The arm's terms of A and B.
    above: f64,
    below: f64,
}

impl Cell {
    /// With a unit more.
    #[inline(always)]
    fn with(&self, mass: f64, sum: f64) -> Cell {
        Cell { count: self.count + 1, mass: self.mass + mass, sum: self.sum + sum, ..Cell::default() }
    }

    /// With a unit less.
    #[inline(always)]
    fn without(&self, mass: f64, sum: f64) -> Cell {
        match self.count - 1 {
            0 => Cell::default(),
            count => Cell { count, mass: self.mass - mass, sum: self.sum - sum, ..Cell::default() },
        }
    }
}

/// What the bound on the largest mean follows from: lambda, and b of the steepest line.
#[derive(Clone, Copy, Debug)]
struct Slack {
    lambda: f64,
    steepest: f64,
}

/// Sums over the units of one side.
#[derive(Clone, Debug, Default)]
struct Side {
    /// Sums of the arm of each slot.
    cells: Vec<Cell>,
    /// The first slots, that may be assigned.
    candidates: usize,
    /// The lines a and b of the slots that may be assigned, and of none up to a multiple of [`LANES`]; minus infinity and 0 for an arm
    /// without units.
    intercepts: Vec<f64>,
    slopes: Vec<f64>,
    /// A
    above: f64,
    /// B
    below: f64,
    /// V
    weight: f64,
    /// t', where the largest mean was last looked for.
    at: f64,
    /// What no mean exceeds at t'.
    most: f64,
    /// What V times the largest mean does not exceed.
    bound: f64,
}

impl Side {
    /// A side without units.
    fn clear(&mut self, slots: usize, candidates: usize) {
        let lines = candidates.next_multiple_of(LANES);
        self.candidates = candidates;
        self.cells.clear();
        self.cells.resize(slots, Cell::default());
        self.intercepts.clear();
        self.intercepts.resize(lines, f64::NEG_INFINITY);
        self.slopes.clear();
        self.slopes.resize(lines, 0.0);
        (self.above, self.below, self.weight) = (0.0, 0.0, 0.0);
        (self.at, self.most, self.bound) = (0.0, f64::NEG_INFINITY, f64::NEG_INFINITY);
    }

    /// The same as a side with as many slots.
    fn copy(&mut self, other: &Side) {
        self.cells.copy_from_slice(&other.cells);
        self.intercepts.copy_from_slice(&other.intercepts);
        self.slopes.copy_from_slice(&other.slopes);
        (self.above, self.below, self.weight) = (other.above, other.below, other.weight);
        (self.at, self.most, self.bound) = (other.at, other.most, other.bound);
    }

    /// Puts other sums in a slot, adds to V, and bounds the utility anew; `reciprocal` is 1 / (N + lambda), 0 for no units.
    #[inline(always)]
    fn set(&mut self, slot: usize, mut cell: Cell, reciprocal: f64, weight: f64, slack: Slack) {
        (cell.above, cell.below) = (cell.sum * reciprocal, cell.mass * reciprocal);
        let before = &mut self.cells[slot];
        let above = self.above + (cell.above - before.above);
        let below = self.below + (cell.below - before.below);
        *before = cell;
        let mut most = self.most;
        if slot < self.candidates {
            let intercept = if cell.count == 0 { f64::NEG_INFINITY } else { cell.above };
            (self.intercepts[slot], self.slopes[slot]) = (intercept, reciprocal);
            let value = intercept + reciprocal * self.at;
            most = if value > most { value } else { most };
        }
        let weight = self.weight + weight;
        let further = slack.lambda * above / below - self.at;
        self.bound = weight * (most + if further > 0.0 { slack.steepest * further } else { 0.0 });
        (self.above, self.below, self.weight, self.most) = (above, below, weight, most);
    }

    /// Looks for the largest shrunken mean.
    fn look(&mut self, lambda: f64) {
        self.at = if lambda > 0.0 { lambda * self.above / self.below } else { 0.0 };
        self.most = largest(&self.intercepts, &self.slopes, self.at);
    }
}

/// The largest a + b t.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn largest(intercepts: &[f64], slopes: &[f64], t: f64) -> f64 {
    let mut most = [f64::NEG_INFINITY; LANES];
    for (a, b) in intercepts.chunks_exact(LANES).zip(slopes.chunks_exact(LANES)) {
        for l in 0..LANES {
            let value = a[l] + b[l] * t;
            most[l] = if value > most[l] { value } else { most[l] };
        }
    }
    most.into_iter().fold(f64::NEG_INFINITY, |most, value| if value > most { value } else { most })
}
