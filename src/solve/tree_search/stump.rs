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
    let mut sweep = Sweep::new(units, limits, &whole);
    for (place, &covariate) in subset.covariates.iter().enumerate() {
        let swept = subset.swept(place);
        sweep.start();
        for (&u, &last) in swept.order.iter().zip(swept.lasts) {
            sweep.add(u);
            if !last {
                continue;
            }
            if let Some((better, arms)) = sweep.split(swept.right).filter(|(sum, _)| *sum > value) {
                value = better;
                // Of the units on the right of the only cut none has the cut's rank.
                let below = if swept.right { subset.order(place)[0] } else { u };
                split = Some((covariate, units.ranks[covariate][below as usize], arms));
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
struct Sweep<'a> {
    units: &'a Units,
    whole: &'a Side,
    limits: Limits,
    allowed: Allowed,
    part: Side,
    rest: Side,
}

impl<'a> Sweep<'a> {
    fn new(units: &'a Units, limits: Limits, whole: &'a Side) -> Self {
        let (part, rest) = (whole.clone(), whole.clone());
        Self { units, whole, limits, allowed: limits.cuts(whole.count), part, rest }
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
        self.part.marks.add(&self.units.demands, u);
    }

    /// The best arms of both sides, the part on the left or on the right, and what they earn; none where the split is not tried.
    #[inline(always)]
    fn split(&mut self, part_is_right: bool) -> Option<(f64, (usize, usize))> {
        let Self { units, whole, part, rest, .. } = self;
        let sums = whole.rewards.iter().zip(&part.rewards);
        rest.rewards.iter_mut().zip(sums).for_each(|(rest, (whole, part))| *rest = whole - part);
        rest.marks.set_less(&whole.marks, &part.marks);
        rest.count = whole.count - part.count;
        let (left, right) = if part_is_right { (rest, part) } else { (part, rest) };
        let hold = |side: &Side| side.marks.hold(&units.demands);
        if !hold(left) || !hold(right) || !self.allowed.tries(left.count) {
            return None;
        }
        let (left, right) = (left.best(units)?, right.best(units)?);
        Some((left.0 + right.0, (left.1, right.1)))
    }
}
