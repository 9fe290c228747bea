//! The best tree of at most one split over some units: one sweep along each covariate.
//!
//! ```text
//! max over j, c     max_k sum_{rank_j <= c} q_k   +   max_k sum_{rank_j > c} q_k
//! ```
//!
//! O(p |S| K). Ties go to the leaf, then to the lowest covariate, cut and arm.

use std::sync::Arc;

use super::plan::{Outcome, Plan};
use super::subset::Subset;
use super::units::Units;
use super::{Allowed, Limits};

/// The leaf over some units.
pub fn leaf(units: &Units, subset: &Subset, limits: Limits) -> Outcome {
    if subset.count < limits.least {
        return Outcome::NONE;
    }
    let (value, arm) = largest(&subset.totals(units));
    Outcome::best(value, Plan::Leaf { arm })
}

/// The best leaf or single split.
pub fn stump(units: &Units, subset: &Subset, limits: Limits) -> Outcome {
    if subset.count < limits.least {
        return Outcome::NONE;
    }
    let totals = subset.totals(units);
    let (mut value, arm) = largest(&totals);
    let mut split = None;
    for (place, &covariate) in subset.covariates.iter().enumerate() {
        let mut sweep = Sweep::new(units, subset, limits, &totals);
        for (&u, &last) in subset.order(place).iter().zip(subset.lasts(place)) {
            sweep.add(u);
            if last && sweep.allowed.tries(sweep.count) && sweep.value() > value {
                value = sweep.value();
                split = Some((covariate, units.ranks[covariate][u as usize], sweep.arms()));
            }
        }
    }
    let plan = match split {
        None => Plan::Leaf { arm },
        Some((covariate, cut, (left, right))) => {
            let leaf = |arm: usize| Arc::new(Plan::Leaf { arm });
            Plan::Split { covariate, cut, left: leaf(left), right: leaf(right) }
        }
    };
    Outcome::best(value, plan)
}

/// Units before and after a place that moves along one order.
struct Sweep<'a> {
    units: &'a Units,
    allowed: Allowed,
    before: Vec<f64>,
    after: Vec<f64>,
    count: usize,
}

impl<'a> Sweep<'a> {
    fn new(units: &'a Units, subset: &Subset, limits: Limits, totals: &[f64]) -> Self {
        let before = vec![0.0; units.arms];
        Self { units, allowed: limits.cuts(subset.count), before, after: totals.to_vec(), count: 0 }
    }

    fn add(&mut self, u: u32) {
        self.count += self.units.counts[u as usize] as usize;
        let rewards = self.units.rewards_of(u).iter();
        for ((before, after), q) in self.before.iter_mut().zip(&mut self.after).zip(rewards) {
            *before += q;
            *after -= q;
        }
    }

    fn value(&self) -> f64 {
        largest(&self.before).0 + largest(&self.after).0
    }

    fn arms(&self) -> (usize, usize) {
        (largest(&self.before).1, largest(&self.after).1)
    }
}

/// The largest number and its place; the first of equals.
fn largest(numbers: &[f64]) -> (f64, usize) {
    let better = |best: (f64, usize), (k, &q): (usize, &f64)| if q > best.0 { (q, k) } else { best };
    numbers.iter().enumerate().fold((f64::NEG_INFINITY, 0), better)
}
