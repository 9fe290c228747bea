//! The search of a node: the best tree of a given depth over some units, or a proof that it earns less than is needed.
//!
//! Depth 1 is a sweep; covariates of few values have ways of their own at depth 2 and 3 ([`super::pairs`], [`super::binary`];
//! [`super::strategy`] says when). Otherwise a tree is a root cut and two shallower trees; the root cuts are looked into best first, in the
//! order of the bounds of [`super::frontier`], which every look tightens for its neighbours. At depth 2 a look is one scan
//! for several cuts at once ([`super::scan`]); from depth 3 on it is a search of both sides, which is told what it must
//! reach: so much that a failure closes the whole interval around the cut.
//!
//! Limits on leaves (minimum size, split step) break the bounds, so bounds always come from trees without them, and
//! only where those reach the need are trees within the limits searched for.
//!
//! Ties go to the shallower tree, then to the lowest covariate and the lowest cut, in every node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Limits;
use super::binary::binary;
use super::cells::Root;
use super::frontier::{Batch, Frontier, Key, Probe, Sides};
use super::pairs::pairs;
use super::plan::{Found, Outcome, Plan};
use super::scan::{LANES, scan};
use super::strategy::Strategy;
use super::stump::{leaf, stump};
use super::subset::Subset;
use super::units::Units;
use crate::solve::Watch;

/// Elementary steps between two looks at the clock.
const STEPS_BETWEEN_CHECKS: u64 = 200_000;

/// What all nodes of a search share.
pub struct Search<'a> {
    pub units: &'a Units,
    pub watch: &'a Watch<'a>,
    /// Elementary steps (a unit met in the order of a covariate).
    pub steps: AtomicU64,
}

/// The best root cut of a node so far.
#[derive(Clone, Debug)]
struct Best {
    value: f64,
    /// None: a shallower tree, which ties prefer.
    key: Option<Key>,
    /// None: not yet written out.
    plan: Option<Arc<Plan>>,
}

/// What a look at a root cut found.
struct Seen {
    sides: Sides,
    /// The best tree found with this root cut.
    value: f64,
    plan: Option<Arc<Plan>>,
}

impl Search<'_> {
    /// The best tree of at most `depth` over `subset`, known exactly where it earns at least `need`.
    pub fn solve(&self, subset: &Subset, depth: usize, need: f64, limits: Limits) -> Outcome {
        match depth {
            0 => leaf(self.units, subset, limits),
            1 => stump(self.units, subset, limits),
            _ if subset.count < limits.least => Outcome::NONE,
            _ => match Strategy::of(self.units, subset, depth) {
                Strategy::Bisection => self.bisect(subset, depth, need, limits),
                Strategy::Pairs => self.grow(subset, pairs(self.units, subset, limits), need, limits),
                Strategy::Binary => {
                    self.grow(subset, binary(self.units, subset, depth, limits), need, limits)
                }
            },
        }
    }

    /// The tree of a known root, where it earns what is needed.
    fn grow(&self, subset: &Subset, root: Root, need: f64, limits: Limits) -> Outcome {
        let found = match root.split {
            _ if root.value < need => None,
            None => leaf(self.units, subset, limits).found,
            Some((depth, key)) => self.below(subset, depth, key, limits).found,
        };
        Outcome { upper: root.value, found }
    }

    /// The best tree of this depth with a root cut.
    fn below(&self, subset: &Subset, depth: usize, (covariate, cut): Key, limits: Limits) -> Outcome {
        let side = |left: bool| {
            let side = subset.side(self.units, covariate, cut, left);
            self.solve(&side, depth - 1, f64::NEG_INFINITY, limits)
        };
        Outcome::joined(covariate, cut, side(true), side(false))
    }

    fn bisect(&self, subset: &Subset, depth: usize, need: f64, limits: Limits) -> Outcome {
        let shallower = self.solve(subset, depth - 1, f64::NEG_INFINITY, limits);
        let bound = match limits.none() {
            true => shallower.upper,
            false => self.solve(subset, depth - 1, f64::NEG_INFINITY, Limits::NONE).upper,
        };
        let mut best = Best::shallower(&shallower);
        let mut frontier = Frontier::new(self.units, subset, limits, bound);
        let width = if depth == 2 { LANES } else { 1 };
        while let Some(batch) = frontier.batch(|key| best.need(key, need), width) {
            if self.stopped(subset) {
                frontier.give_up(batch);
                break;
            }
            let seen = self.look(subset, depth, limits, &batch, |key| best.need(key, need));
            for (probe, seen) in batch.probes.iter().zip(&seen) {
                best.offer(probe.key, seen);
            }
            let sides: Vec<Sides> = seen.iter().map(|seen| seen.sides).collect();
            frontier.put_back(batch, &sides);
        }
        // What was closed reaches neither the need nor more than the best.
        let closed = if best.value >= need { best.value } else { best.value.max(need - 1.0) };
        Outcome {
            upper: closed.max(frontier.bound()),
            found: self.write_out(subset, best, depth, need, limits),
        }
    }

    /// Looks into the cuts of a batch.
    fn look(
        &self,
        subset: &Subset,
        depth: usize,
        limits: Limits,
        batch: &Batch,
        need: impl Fn(Key) -> f64,
    ) -> Vec<Seen> {
        if depth > 2 {
            return batch
                .probes
                .iter()
                .map(|p| self.descend(subset, depth, limits, p, need(p.key)))
                .collect();
        }
        let scanned = scan(self.units, subset, &batch.probes);
        let seen = batch.probes.iter().zip(scanned).map(|(probe, sides)| {
            let value = sides.left + sides.right;
            match limits.none() || value < need(probe.key) {
                true => {
                    Seen { sides, value: if limits.none() { value } else { f64::NEG_INFINITY }, plan: None }
                }
                false => self.within_limits(subset, depth, limits, probe, sides, need(probe.key)),
            }
        });
        seen.collect()
    }

    /// Searches both sides of a cut.
    fn descend(&self, subset: &Subset, depth: usize, limits: Limits, probe: &Probe, need: f64) -> Seen {
        let (covariate, cut) = probe.key;
        let side = |left: bool| subset.side(self.units, covariate, cut, left);
        let aim = need - probe.reach;
        let left = self.solve(&side(true), depth - 1, aim - probe.known.right, Limits::NONE);
        let mut sides = Sides { left: left.upper.min(probe.known.left), right: probe.known.right };
        if sides.left + sides.right < aim {
            return Seen { sides, value: f64::NEG_INFINITY, plan: None };
        }
        let right = self.solve(&side(false), depth - 1, aim - sides.left, Limits::NONE);
        sides.right = right.upper.min(sides.right);
        match limits.none() {
            true => {
                let found = Outcome::joined(covariate, cut, left, right).found;
                let value = found.as_ref().map_or(f64::NEG_INFINITY, |found| found.value);
                Seen { sides, value, plan: found.map(|found| found.plan) }
            }
            false if sides.left + sides.right < need => Seen { sides, value: f64::NEG_INFINITY, plan: None },
            false => self.within_limits(subset, depth, limits, probe, sides, need),
        }
    }

    /// The best tree within the limits that has this root cut, where it may reach the need.
    fn within_limits(
        &self,
        subset: &Subset,
        depth: usize,
        limits: Limits,
        probe: &Probe,
        sides: Sides,
        need: f64,
    ) -> Seen {
        let (covariate, cut) = probe.key;
        let side = |left: bool| subset.side(self.units, covariate, cut, left);
        let left = self.solve(&side(true), depth - 1, need - sides.right, limits);
        let right = match left.upper + sides.right < need {
            true => Outcome::NONE,
            false => self.solve(&side(false), depth - 1, need - left.upper, limits),
        };
        let found = Outcome::joined(covariate, cut, left, right).found;
        let value = found.as_ref().map_or(f64::NEG_INFINITY, |found| found.value);
        Seen { sides, value, plan: found.map(|found| found.plan) }
    }

    /// The tree behind the best root cut, where it earns what is needed or is known anyhow.
    fn write_out(
        &self,
        subset: &Subset,
        best: Best,
        depth: usize,
        need: f64,
        limits: Limits,
    ) -> Option<Found> {
        let Best { value, key, plan } = best;
        match (plan, key) {
            (Some(plan), _) => Some(Found { value, plan }),
            (None, Some(key)) if value >= need => self.below(subset, depth, key, limits).found,
            _ => None,
        }
    }

    /// Counts the steps of one pass over `subset` and looks at the clock from time to time.
    fn stopped(&self, subset: &Subset) -> bool {
        let steps = (subset.len * subset.covariates.len()) as u64;
        let before = self.steps.fetch_add(steps, Ordering::Relaxed);
        let due = before / STEPS_BETWEEN_CHECKS != (before + steps) / STEPS_BETWEEN_CHECKS;
        if due { self.watch.stop().is_some() } else { self.watch.stopped() }
    }
}

impl Best {
    fn shallower(outcome: &Outcome) -> Self {
        Self {
            value: outcome.value(),
            key: None,
            plan: outcome.found.as_ref().map(|found| found.plan.clone()),
        }
    }

    /// What a cut must earn to be preferred.
    fn need(&self, key: Key, need: f64) -> f64 {
        let wins_ties = self.key.is_some_and(|own| key < own);
        need.max(if wins_ties { self.value } else { self.value + 1.0 })
    }

    fn offer(&mut self, key: Key, seen: &Seen) {
        let wins_ties = self.key.is_some_and(|own| key < own);
        if seen.value > self.value || (seen.value == self.value && wins_ties) {
            *self = Self { value: seen.value, key: Some(key), plan: seen.plan.clone() };
        }
    }
}
