//! The search of a node: the best tree of a given depth over some units, or a proof that it earns less than is needed.
//!
//! Depth 1 is a sweep; covariates of few values have ways of their own at depth 2 and 3 ([`super::pairs`], [`super::binary`];
//! [`super::strategy`] says when). Otherwise a tree is a root cut and two shallower trees; the root cuts are looked into best first, in the
//! order of the bounds of [`super::frontier`], which every look tightens for its neighbours. At depth 2 a look is one scan
//! for several cuts at once ([`super::scan`]); from depth 3 on it is a search of both sides, which is told what it must
//! reach: so much that a failure closes the whole interval around the cut.
//!
//! Limits on leaves (minimum size, split step, arms received and arms barred) break the bounds, so bounds always come from trees
//! without them, and only where those reach the need are trees within the limits searched for.
//!
//! Ties go to the shallower tree, then to the lowest covariate and the lowest cut, in every node.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::binary::binary;
use super::cells::Root;
use super::frontier::{Batch, Frontier, Key, Probe, Seen, Sides};
use super::pairs::pairs;
use super::plan::{Found, Outcome, Plan};
use super::scan::{LANES, scan};
use super::strategy::Strategy;
use super::stump::{leaf, stump};
use super::subset::Subset;
use super::units::Units;
use super::{Limits, Threads, Work};
use crate::solve::Watch;

/// Elementary steps between two looks at the clock.
const STEPS_BETWEEN_CHECKS: u64 = 200_000;
/// Numbers that remembered nodes may fill.
const MEMORY: usize = 1 << 23;

/// What all parts of a search share.
pub struct Shared<'a> {
    pub units: &'a Units,
    pub watch: &'a Watch<'a>,
    /// Depth of the tree asked for.
    pub depth: usize,
    pub threads: Threads,
    /// Batches of root cuts of the whole tree that are looked into before the next are chosen. It does not depend on the number of threads,
    /// and so neither does what is looked into.
    pub round: usize,
    /// The search ends where bound and incumbent are no further apart than this, in whole numbers, or relative to the incumbent.
    pub absolute_gap: f64,
    pub relative_gap: f64,
    /// Root cuts of the whole tree that may be looked into.
    pub most_cuts: u64,
    pub work: Work,
    /// Root cuts of the whole tree looked into so far.
    pub cuts: AtomicU64,
    /// Whether more cuts were left than may be looked into.
    pub limited: AtomicBool,
    /// Elementary steps (a unit met in the order of a covariate).
    pub steps: AtomicU64,
    /// Nodes searched in each of the ways.
    pub nodes: [AtomicU64; Strategy::ALL.len()],
}

/// A search, or the part of it that one task does.
pub struct Search<'a> {
    shared: &'a Shared<'a>,
    /// Nodes that other parts have searched.
    known: &'a Memory,
    /// Nodes that this part has searched.
    fresh: RefCell<Memory>,
}

/// What was found at nodes, by depth, limits and box of ranks: splits in another order lead to the same units.
pub type Memory = HashMap<(usize, bool, Box<[u32]>), Outcome>;

/// The best root cut of a node so far.
#[derive(Clone, Debug)]
struct Best {
    value: f64,
    /// None: a shallower tree, which ties prefer.
    key: Option<Key>,
    /// None: not yet written out.
    plan: Option<Arc<Plan>>,
}

impl<'a> Search<'a> {
    pub fn new(shared: &'a Shared<'a>, known: &'a Memory) -> Self {
        Self { shared, known, fresh: RefCell::default() }
    }

    /// As [`Search::solve`], by all threads.
    pub fn whole(&self, subset: &Subset, depth: usize, need: f64, limits: Limits) -> Outcome {
        self.node(subset, depth, need, limits, true)
    }

    /// The best tree of at most `depth` over `subset`, known exactly where it earns at least `need`.
    fn solve(&self, subset: &Subset, depth: usize, need: f64, limits: Limits) -> Outcome {
        if depth < 2 || depth + 2 > self.shared.depth {
            return self.node(subset, depth, need, limits, false);
        }
        let key = (depth, limits.none(), subset.bounds(self.shared.units));
        let enough = |outcome: &&Outcome| outcome.upper < need || outcome.value() == outcome.upper;
        let before = self.known.get(&key).filter(enough).cloned();
        if let Some(outcome) = before.or_else(|| self.fresh.borrow().get(&key).filter(enough).cloned()) {
            return outcome;
        }
        let outcome = self.node(subset, depth, need, limits, false);
        let room = MEMORY / (key.2.len() + 16);
        if self.known.len() + self.fresh.borrow().len() < room {
            self.fresh.borrow_mut().insert(key, outcome.clone());
        }
        outcome
    }

    /// As [`Search::solve`], without memory; `wide` where all threads are there for this node.
    fn node(&self, subset: &Subset, depth: usize, need: f64, limits: Limits, wide: bool) -> Outcome {
        let units = self.shared.units;
        // So many leaves as can hold enough units, less one.
        let depth = depth.min((subset.count / limits.least).saturating_sub(1));
        if depth < 2 {
            return if depth == 0 { leaf(units, subset, limits) } else { stump(units, subset, limits) };
        }
        let strategy = limits.strategy(units.arms, subset.len, &subset.values, depth);
        self.shared.nodes[strategy as usize].fetch_add(1, Ordering::Relaxed);
        match strategy {
            // Intervals are for whole problems.
            Strategy::Bisection | Strategy::Intervals => self.bisect(subset, depth, need, limits, wide),
            Strategy::Pairs => pairs(units, subset, limits, need),
            Strategy::Binary => self.grow(subset, binary(units, subset, depth, limits), need, limits),
        }
    }

    /// The tree of a known root, where it earns what is needed.
    fn grow(&self, subset: &Subset, root: Root, need: f64, limits: Limits) -> Outcome {
        let found = match root.split {
            _ if root.value < need => None,
            None => leaf(self.shared.units, subset, limits).found,
            Some((depth, key)) => self.below(subset, depth, key, limits).found,
        };
        Outcome { upper: root.value, found }
    }

    /// The best tree of this depth with a root cut.
    fn below(&self, subset: &Subset, depth: usize, (covariate, cut): Key, limits: Limits) -> Outcome {
        let side = |left: bool| {
            let side = subset.side(self.shared.units, covariate, cut, left);
            self.solve(&side, depth - 1, f64::NEG_INFINITY, limits)
        };
        Outcome::joined(covariate, cut, side(true), side(false))
    }

    /// Looks into root cuts until none that is left can reach the need.
    fn bisect(&self, subset: &Subset, depth: usize, need: f64, limits: Limits, wide: bool) -> Outcome {
        let top = wide && depth == self.shared.depth;
        let shallower = self.node(subset, depth - 1, f64::NEG_INFINITY, limits, wide);
        let bound = match limits.none() {
            true => shallower.upper,
            false => self.node(subset, depth - 1, f64::NEG_INFINITY, Limits::NONE, wide).upper,
        };
        let mut best = Best::shallower(&shallower);
        let mut frontier = Frontier::new(self.shared.units, subset, limits, bound);
        let mut known = Memory::new();
        let width = if depth == 2 { LANES } else { 1 };
        let round = if wide { self.shared.round } else { 1 };
        loop {
            let next = || frontier.batch(|key| best.need(key, need), width);
            let batches: Vec<Batch> = std::iter::from_fn(next).take(round).collect();
            if batches.is_empty() {
                break;
            }
            let look = |search: &Search, batch: &Batch| {
                search.look(subset, depth, limits, batch, |key| best.need(key, need))
            };
            let seen = match wide {
                true => self.shared.spread(&batches, &mut known, look),
                false => vec![look(self, &batches[0])],
            };
            let stopped = self.shared.watch.stopped();
            for (batch, seen) in batches.into_iter().zip(seen) {
                batch.probes.iter().zip(&seen).for_each(|(probe, seen)| best.offer(probe.key, seen));
                frontier.put_back(batch, &seen, stopped);
            }
            if stopped || (top && self.shared.enough(best.value, frontier.bound())) {
                break;
            }
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
        let probes = batch.probes.iter();
        if self.stopped(subset) {
            return probes.map(|probe| Seen::nothing(probe.known)).collect();
        }
        if depth > 2 {
            return probes.map(|probe| self.descend(subset, depth, limits, probe, need(probe.key))).collect();
        }
        let keys: Vec<Key> = batch.probes.iter().map(|probe| probe.key).collect();
        let scanned = scan(self.shared.units, subset, &keys);
        let seen = probes.zip(scanned).map(|(probe, sides)| {
            let (value, need) = (sides.left + sides.right, need(probe.key));
            match limits.none() {
                true => Seen { sides, value, plan: None },
                false if value < need => Seen::nothing(sides),
                false => self.within_limits(subset, depth, limits, probe, sides, need),
            }
        });
        seen.collect()
    }

    /// Searches both sides of a cut.
    fn descend(&self, subset: &Subset, depth: usize, limits: Limits, probe: &Probe, need: f64) -> Seen {
        let (covariate, cut) = probe.key;
        let side = |left: bool| subset.side(self.shared.units, covariate, cut, left);
        let aim = need - probe.reach;
        let left = self.solve(&side(true), depth - 1, aim - probe.known.right, Limits::NONE);
        let mut sides = Sides { left: left.upper.min(probe.known.left), right: probe.known.right };
        if sides.left + sides.right < aim {
            return Seen::nothing(sides);
        }
        let right = self.solve(&side(false), depth - 1, aim - sides.left, Limits::NONE);
        sides.right = right.upper.min(sides.right);
        match limits.none() {
            true => Seen::tree(sides, Outcome::joined(covariate, cut, left, right)),
            false if sides.left + sides.right < need => Seen::nothing(sides),
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
        let side = |left: bool| subset.side(self.shared.units, covariate, cut, left);
        let left = self.solve(&side(true), depth - 1, need - sides.right, limits);
        let right = match left.upper + sides.right < need {
            true => Outcome::NONE,
            false => self.solve(&side(false), depth - 1, need - left.upper, limits),
        };
        Seen::tree(sides, Outcome::joined(covariate, cut, left, right))
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

    /// Counts the steps of one pass over `subset`, and looks at the clock from time to time.
    fn stopped(&self, subset: &Subset) -> bool {
        let steps = (subset.len * subset.covariates.len()) as u64;
        let before = self.shared.steps.fetch_add(steps, Ordering::Relaxed);
        let due = before / STEPS_BETWEEN_CHECKS != (before + steps) / STEPS_BETWEEN_CHECKS;
        if due { self.shared.watch.stop().is_some() } else { self.shared.watch.stopped() }
    }
}

impl Shared<'_> {
    /// Has each batch looked into by a task of its own. What a task remembers is known to all in the next round, so that threads
    /// never depend on each other.
    fn spread(
        &self,
        batches: &[Batch],
        known: &mut Memory,
        look: impl Fn(&Search, &Batch) -> Vec<Seen> + Sync,
    ) -> Vec<Vec<Seen>> {
        let before = &*known;
        let task = |batch: &Batch| {
            let search = Search::new(self, before);
            (look(&search, batch), search.fresh.into_inner())
        };
        let done: Vec<(Vec<Seen>, Memory)> = self.threads.map(batches, task);
        let (seen, fresh): (Vec<_>, Vec<Memory>) = done.into_iter().unzip();
        known.extend(fresh.into_iter().flatten());
        self.cuts.fetch_add(batches.iter().map(|batch| batch.probes.len() as u64).sum(), Ordering::Relaxed);
        seen
    }

    /// Tells the observer where the search stands; whether it has come as far as it was asked to.
    pub fn enough(&self, best: f64, bound: f64) -> bool {
        let bound = bound.max(best);
        if !self.work.in_parts {
            self.tell(best, bound);
        }
        self.ends(best, bound)
    }

    /// Tells the observer what was found and what bounds it, in whole numbers.
    pub fn tell(&self, value: f64, bound: f64) {
        let objective = |whole: f64| self.units.constant + whole * self.units.scale;
        let found = Some(objective(value)).filter(|value| value.is_finite());
        self.watch.tell("root cuts", found, Some(objective(bound)), self.cuts.load(Ordering::Relaxed));
    }

    /// Whether a search that has come so far ends: it was stopped, may look no further, or is as close as it was asked to be.
    pub fn ends(&self, value: f64, bound: f64) -> bool {
        let gap = bound - value;
        let objective = self.units.constant + value * self.units.scale;
        let close = self.absolute_gap.max(self.relative_gap * objective.abs() / self.units.scale);
        let limited = self.cuts.load(Ordering::Relaxed) >= self.most_cuts && gap > 0.0;
        self.limited.fetch_or(limited, Ordering::Relaxed);
        self.watch.stopped() || limited || (gap > 0.0 && gap <= close && value.is_finite())
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
