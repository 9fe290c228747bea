//! The criterion of joint assignment trees (forest.txt, sections 3.1, 3.2 and 6.1): what it is worth to give the units of both children the
//! arm of the largest shrunken mean, against the same for their parent.
//!
//! ```text
//! Yhat_k = (S_k + lambda Ybar) / (N_k + lambda),     Ybar = A / B,   A = sum_k S_k / (N_k + lambda),   B = sum_k N_k / (N_k + lambda)
//! U^N    = V Yhat_a,   U^P = N_a / P_a Yhat_a,       a = argmax Yhat_k over the arms sampled and present,    V = sum of v in the leaf
//! ```
//!
//! S_k and N_k are sums of w y and w over the units of arm k, with masses w = v P_T / p_T(X) (1 in a plain trial). When a unit crosses,
//! A and B change by one term, and every shrunken mean is a line in Ybar: S_k / (N_k + lambda) + lambda Ybar / (N_k + lambda).
//! A split whose children would get the same arm is not allowed.

use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use super::Criterion;

/// Which estimate of the utility of a leaf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// The units of the leaf times the mean of its arm.
    #[default]
    N,
    /// The sum of the inverse-probability weighted outcomes of its arm.
    P,
}

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

/// The criterion, at one split of one node.
pub struct JointAssignment<'a> {
    units: Units<'a>,
    lambda: f64,
    form: Form,
    /// Arms that a split chooses among.
    sampled: usize,
    /// Which arms may be assigned at this node.
    allowed: Vec<bool>,
    node: Side,
    parent: f64,
    left: Side,
    right: Side,
}

impl<'a> JointAssignment<'a> {
    /// `sampled` arms at a time may be assigned, at least 1.
    pub fn new(units: Units<'a>, lambda: f64, form: Form, sampled: usize) -> Self {
        let side = Side::empty(units.arms);
        let allowed = vec![true; units.arms];
        Self {
            units,
            lambda,
            form,
            sampled,
            allowed,
            parent: 0.0,
            node: side.clone(),
            left: side.clone(),
            right: side,
        }
    }

    /// The arm of the largest shrunken mean, and the utility of giving it to the side.
    fn best(&self, side: &Side) -> Option<(usize, f64)> {
        let shift = self.lambda * side.above / side.below;
        let candidates = (0..self.units.arms).filter(|&k| self.allowed[k] && side.count[k] > 0);
        let mean = |k: usize| (side.sum[k] + shift) / (side.mass[k] + self.lambda);
        let (arm, mean) = candidates.map(|k| (k, mean(k))).reduce(|a, b| if b.1 > a.1 { b } else { a })?;
        let size = match self.form {
            Form::N => side.weight,
            Form::P => side.mass[arm] / self.units.share[arm],
        };
        Some((arm, size * mean))
    }
}

impl Criterion for JointAssignment<'_> {
    fn open(&mut self, units: &[u32], random: &mut ChaCha8Rng) {
        let arms = self.units.arms;
        if self.sampled < arms {
            self.allowed.fill(false);
            sample(random, arms, self.sampled).iter().for_each(|k| self.allowed[k] = true);
        }
        self.node = Side::empty(arms);
        for &unit in units {
            self.node.weight += self.units.weight(unit);
            let k = self.units.arm[unit as usize] as usize;
            let mass = self.units.mass(unit);
            self.node.count[k] += 1;
            self.node.mass[k] += mass;
            self.node.sum[k] += mass * self.units.utility[unit as usize];
        }
        for k in (0..arms).filter(|&k| self.node.count[k] > 0) {
            self.node.above += self.node.sum[k] / (self.node.mass[k] + self.lambda);
            self.node.below += self.node.mass[k] / (self.node.mass[k] + self.lambda);
        }
        self.parent = self.best(&self.node).map_or(0.0, |(_, utility)| utility);
    }

    fn rewind(&mut self) {
        self.right.clone_from(&self.node);
        self.left = Side::empty(self.units.arms);
    }

    fn cross(&mut self, unit: u32) {
        let k = self.units.arm[unit as usize] as usize;
        let (mass, weight) = (self.units.mass(unit), self.units.weight(unit));
        let sum = mass * self.units.utility[unit as usize];
        self.left.change(k, self.lambda, |side| {
            side.count[k] += 1;
            side.mass[k] += mass;
            side.sum[k] += sum;
        });
        self.right.change(k, self.lambda, |side| {
            side.count[k] -= 1;
            let any = f64::from(u8::from(side.count[k] > 0));
            side.mass[k] = any * (side.mass[k] - mass);
            side.sum[k] = any * (side.sum[k] - sum);
        });
        self.left.weight += weight;
        self.right.weight -= weight;
    }

    fn gain(&mut self, floor: f64) -> Option<f64> {
        let (left, right) = (self.best(&self.left)?, self.best(&self.right)?);
        let gain = left.1 + right.1 - self.parent;
        (gain > floor && left.0 != right.0).then_some(gain)
    }
}

/// Sums over the units of one side.
#[derive(Clone, Debug, Default)]
struct Side {
    count: Vec<u32>,
    /// N (arms)
    mass: Vec<f64>,
    /// S (arms)
    sum: Vec<f64>,
    /// A
    above: f64,
    /// B
    below: f64,
    /// V
    weight: f64,
}

impl Side {
    fn empty(arms: usize) -> Side {
        Side { count: vec![0; arms], mass: vec![0.0; arms], sum: vec![0.0; arms], ..Side::default() }
    }

    /// Changes the sums of arm k, and A and B with them.
    fn change(&mut self, k: usize, lambda: f64, change: impl FnOnce(&mut Side)) {
        let terms = |side: &Side| match side.count[k] {
            0 => (0.0, 0.0),
            _ => (side.sum[k] / (side.mass[k] + lambda), side.mass[k] / (side.mass[k] + lambda)),
        };
        let before = terms(self);
        change(self);
        let after = terms(self);
        self.above += after.0 - before.0;
        self.below += after.1 - before.1;
    }
}
