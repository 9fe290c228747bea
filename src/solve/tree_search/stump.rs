//! The best tree of at most one split over some units: one sweep along each covariate.
//!
//! ```text
//! max over j, c     max_k sum_{rank_j <= c} q_k   +   max_k sum_{rank_j > c} q_k
//! ```
//!
//! O(p |S| K). Ties go to the leaf, then to the lowest covariate, cut and arm.

use std::sync::Arc;

use super::demands::Marks;
use super::plan::{Outcome, Plan};
use super::subset::Subset;
use super::units::Units;
use super::{Allowed, Limits};

/// The leaf over some units.
pub fn leaf(units: &Units, subset: &Subset, limits: Limits) -> Outcome {
    let whole = Side::of(units, subset, limits);
    match whole.best(units) {
        Some((value, arm)) if whole.holds(units, limits) => Outcome::best(value, Plan::Leaf { arm }),
        _ => Outcome::NONE,
    }
}

/// The best leaf or single split.
pub fn stump(units: &Units, subset: &Subset, limits: Limits) -> Outcome {
    let whole = Side::of(units, subset, limits);
    if !whole.holds(units, limits) {
        return Outcome::NONE;
    }
    let mut value = whole.best(units).map_or(f64::NEG_INFINITY, |(value, _)| value);
    let mut split = None;
    for (place, &covariate) in subset.covariates.iter().enumerate() {
        let mut sweep = Sweep::new(units, subset, limits, &whole);
        for (&u, &last) in subset.order(place).iter().zip(subset.lasts(place)) {
            sweep.add(u);
            if !last || !sweep.tries() {
                continue;
            }
            if let Some((better, arms)) = sweep.best().filter(|(sum, _)| *sum > value) {
                value = better;
                split = Some((covariate, units.ranks[covariate][u as usize], arms));
            }
        }
    }
    let plan = match (split, whole.best(units)) {
        (Some((covariate, cut, (left, right))), _) => {
            let leaf = |arm: usize| Arc::new(Plan::Leaf { arm });
            Plan::Split { covariate, cut, left: leaf(left), right: leaf(right) }
        }
        (None, Some((_, arm))) => Plan::Leaf { arm },
        (None, None) => return Outcome::NONE,
    };
    Outcome::best(value, plan)
}

/// Sums over the units of a leaf.
#[derive(Clone, Debug)]
struct Side {
    rewards: Vec<f64>,
    marks: Marks,
    count: usize,
}

impl Side {
    fn of(units: &Units, subset: &Subset, limits: Limits) -> Self {
        let marks = Marks::of(units, subset, limits);
        Self { rewards: subset.totals(units), marks, count: subset.count }
    }

    fn holds(&self, units: &Units, limits: Limits) -> bool {
        self.count >= limits.least && self.marks.hold(&units.demands)
    }

    /// The largest sum of an arm that the units may get, and the arm; the first of equals.
    fn best(&self, units: &Units) -> Option<(f64, usize)> {
        let arms = self.rewards.iter().copied().zip(0..);
        let allowed = arms.filter(|(_, k)| self.marks.allow(&units.demands, *k));
        allowed.reduce(|best, next| if next.0 > best.0 { next } else { best })
    }
}

/// Units before and after a place that moves along one order.
struct Sweep<'a> {
    units: &'a Units,
    allowed: Allowed,
    before: Side,
    after: Side,
}

impl<'a> Sweep<'a> {
    fn new(units: &'a Units, subset: &Subset, limits: Limits, whole: &Side) -> Self {
        let before = Side { rewards: vec![0.0; units.arms], marks: Marks::none(units, limits), count: 0 };
        Self { units, allowed: limits.cuts(subset.count), before, after: whole.clone() }
    }

    fn add(&mut self, u: u32) {
        self.before.count += self.units.counts[u as usize] as usize;
        let rewards = self.units.rewards_of(u).iter();
        for ((before, after), q) in self.before.rewards.iter_mut().zip(&mut self.after.rewards).zip(rewards) {
            *before += q;
            *after -= q;
        }
        self.before.marks.add(&self.units.demands, u);
        self.after.marks.take(&self.units.demands, u);
    }

    /// Whether the split here is tried.
    fn tries(&mut self) -> bool {
        let demands = &self.units.demands;
        self.before.marks.hold(demands)
            && self.after.marks.hold(demands)
            && self.allowed.tries(self.before.count)
    }

    fn best(&self) -> Option<(f64, (usize, usize))> {
        let (left, right) = (self.before.best(self.units)?, self.after.best(self.units)?);
        Some((left.0 + right.0, (left.1, right.1)))
    }
}
