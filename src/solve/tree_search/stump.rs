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
    match limits.demands {
        true => sweep_all::<true>(units, subset, limits),
        false => sweep_all::<false>(units, subset, limits),
    }
}

fn sweep_all<const DEMANDS: bool>(units: &Units, subset: &Subset, limits: Limits) -> Outcome {
    let whole = Side::of(units, subset, limits);
    if !whole.holds(units, limits) {
        return Outcome::NONE;
    }
    let mut value = whole.best(units).map_or(f64::NEG_INFINITY, |(value, _)| value);
    let mut split = None;
    let mut sweep = Sweep::<DEMANDS>::new(units, limits, &whole);
    for (place, &covariate) in subset.covariates.iter().enumerate() {
        let swept = subset.swept(place);
        sweep.start();
        for (&u, &last) in swept.order.iter().zip(swept.lasts) {
            sweep.add(u);
            if !last || !sweep.tries(swept.right) {
                continue;
            }
            let sum = sweep.value();
            if sum > value {
                value = sum;
                // Of the units on the right of the only cut none has the cut's rank.
                let below = if swept.right { subset.order(place)[0] } else { u };
                split = Some((covariate, units.ranks[covariate][below as usize], sweep.arms(swept.right)));
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

/// A part of the units, which grows along an order, and the rest.
struct Sweep<'a, const DEMANDS: bool> {
    units: &'a Units,
    whole: &'a Side,
    limits: Limits,
    allowed: Allowed,
    part: Side,
    /// Marks of the rest.
    rest: Marks,
}

impl<'a, const DEMANDS: bool> Sweep<'a, DEMANDS> {
    fn new(units: &'a Units, limits: Limits, whole: &'a Side) -> Self {
        let (allowed, rest) = (limits.cuts(whole.count), whole.marks.clone());
        Self { units, whole, limits, allowed, part: whole.clone(), rest }
    }

    /// Starts anew with an empty part.
    fn start(&mut self) {
        self.allowed = self.limits.cuts(self.whole.count);
        self.part.rewards.fill(0.0);
        self.part.marks = Marks::none(self.units, self.limits);
        self.part.count = 0;
    }

    #[inline(always)]
    fn add(&mut self, u: u32) {
        self.part.count += self.units.counts[u as usize] as usize;
        let rewards = self.units.rewards_of(u).iter();
        self.part.rewards.iter_mut().zip(rewards).for_each(|(sum, q)| *sum += q);
        if DEMANDS {
            self.part.marks.add(&self.units.demands, u);
        }
    }

    /// Whether the split here is tried; the part is on its left, or on its right.
    fn tries(&mut self, part_is_right: bool) -> bool {
        if DEMANDS {
            self.rest.set_less(&self.whole.marks, &self.part.marks);
            let demands = &self.units.demands;
            if !self.part.marks.hold(demands) || !self.rest.hold(demands) {
                return false;
            }
        }
        let count = self.part.count;
        self.allowed.tries(if part_is_right { self.whole.count - count } else { count })
    }

    /// What the split here earns with the best arms; minus infinity where a side may give none.
    fn value(&self) -> f64 {
        let higher = |a: f64, b: f64| if b > a { b } else { a };
        let mut most = [f64::NEG_INFINITY; 2];
        let sums =
            self.whole.rewards.iter().zip(&self.part.rewards).map(|(whole, part)| [*part, whole - part]);
        if !DEMANDS {
            sums.for_each(|sum| most = [higher(most[0], sum[0]), higher(most[1], sum[1])]);
            return most[0] + most[1];
        }
        for (k, sum) in sums.enumerate() {
            for (side, marks) in [&self.part.marks, &self.rest].into_iter().enumerate() {
                if marks.allow(&self.units.demands, k) {
                    most[side] = higher(most[side], sum[side]);
                }
            }
        }
        most[0] + most[1]
    }

    /// The best arms on the left and on the right of a split that earns something.
    fn arms(&self, part_is_right: bool) -> (usize, usize) {
        let rewards = self.whole.rewards.iter().zip(&self.part.rewards).map(|(whole, part)| whole - part);
        let rest = Side { rewards: rewards.collect(), marks: self.rest.clone(), count: 0 };
        let arm = |side: &Side| side.best(self.units).map_or(0, |(_, arm)| arm);
        let (part, rest) = (arm(&self.part), arm(&rest));
        if part_is_right { (rest, part) } else { (part, rest) }
    }
}
