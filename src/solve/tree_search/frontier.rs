//! Root cuts that may still hold the best tree, as intervals between cuts that have been looked into.
//!
//! Let V(S) be the best value of a tree of depth d - 1 over units S, rewards at least 0, and m(c) the stakes (max_k q) of the units
//! left of cut c. Moving units to a side adds at most their stakes and takes nothing away, so for a < c < b
//!
//! ```text
//! V(left of c)  <= min(V(left of a) + m(c) - m(a),  V(left of b))
//! V(right of c) <= min(V(right of b) + m(b) - m(c), V(right of a))
//! V(left of c) + V(right of c) <= min(V(left of b) + V(right of a),  V(left of a) + V(right of b) + m(b) - m(a))
//! ```
//!
//! One look at a cut thus bounds its neighbours, and an interval closes when its bound falls below what is needed. Any upper bounds
//! will do in place of V. All this holds for trees without demands on leaves; under these, V stays the value without them.

use std::sync::Arc;

use super::Limits;
use super::demands::Marks;
use super::plan::{Outcome, Plan};
use super::subset::Subset;
use super::units::Units;

/// A covariate and the rank up to which units go left: the order of ties.
pub type Key = (usize, u32);

/// The cuts of one covariate among some units.
#[derive(Debug)]
struct Cuts {
    covariate: usize,
    /// The last rank on the left of each cut.
    ranks: Vec<u32>,
    /// Stakes on the left of each cut.
    masses: Vec<f64>,
}

/// What is known of the two sides of a cut: upper bounds on their best values without limits.
#[derive(Clone, Copy, Debug)]
pub struct Sides {
    pub left: f64,
    pub right: f64,
}

/// A cut with its bounds.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    mass: f64,
    sides: Sides,
}

/// Cuts `low..high` of a covariate, between two anchors.
#[derive(Clone, Copy, Debug)]
struct Interval {
    place: usize,
    low: usize,
    high: usize,
    before: Anchor,
    after: Anchor,
    bound: f64,
}

/// A cut to look into.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    pub key: Key,
    /// Position among the covariate's cuts.
    cut: usize,
    /// Bounds known beforehand.
    pub known: Sides,
    /// Where the sides together do not exceed what is needed less this, the whole interval closes.
    pub reach: f64,
}

/// Cuts of one covariate to be looked into together, and the intervals that they come from.
#[derive(Debug)]
pub struct Batch {
    pub probes: Vec<Probe>,
    intervals: Vec<(Interval, usize)>,
}

/// What a look at a root cut found.
#[derive(Debug)]
pub struct Seen {
    pub sides: Sides,
    /// What the best tree found with this root cut earns.
    pub value: f64,
    /// That tree; none where there is none, or where it can be written out later.
    pub plan: Option<Arc<Plan>>,
}

impl Seen {
    /// Bounds, and no tree.
    pub fn nothing(sides: Sides) -> Self {
        Self { sides, value: f64::NEG_INFINITY, plan: None }
    }

    pub fn tree(sides: Sides, outcome: Outcome) -> Self {
        Self { sides, value: outcome.value(), plan: outcome.found.map(|found| found.plan) }
    }
}

/// All open intervals of a node.
#[derive(Debug)]
pub struct Frontier {
    cuts: Vec<Cuts>,
    open: Vec<Interval>,
    /// Bound on cuts whose look was cut short.
    unfinished: f64,
}

impl Frontier {
    /// All cuts that `limits` allow; `shallower` bounds the value of trees of depth d - 1 over all the units.
    pub fn new(units: &Units, subset: &Subset, limits: Limits, shallower: f64) -> Self {
        let mut frontier = Self { cuts: Vec::new(), open: Vec::new(), unfinished: f64::NEG_INFINITY };
        for place in 0..subset.covariates.len() {
            let (cuts, everything) = Cuts::of(units, subset, limits, place);
            let high = cuts.ranks.len();
            let none = Anchor { mass: 0.0, sides: Sides { left: 0.0, right: shallower } };
            let all = Anchor { mass: everything, sides: Sides { left: shallower, right: 0.0 } };
            frontier.add(Interval { place, low: 0, high, before: none, after: all, bound: 0.0 });
            frontier.cuts.push(cuts);
        }
        frontier
    }

    /// No cut that is still open has a better tree.
    pub fn bound(&self) -> f64 {
        self.open.iter().map(|interval| interval.bound).fold(self.unfinished, f64::max)
    }

    /// Closes what cannot reach its need, and takes out the intervals of the most promising covariate, with at most `width` cuts to
    /// look into. None where nothing is open.
    pub fn batch(&mut self, need: impl Fn(Key) -> f64, width: usize) -> Option<Batch> {
        let cuts = &self.cuts;
        self.open.retain_mut(|interval| cuts[interval.place].trim(interval, &need));
        let better = |best: Interval, next: &Interval| if next.bound > best.bound { *next } else { best };
        let best = self.open.first().map(|first| self.open.iter().fold(*first, better))?;
        let mut own: Vec<Interval> = self.open.iter().filter(|i| i.place == best.place).copied().collect();
        own.sort_by(|a, b| b.bound.total_cmp(&a.bound).then(a.low.cmp(&b.low)));
        own.truncate(width);
        self.open.retain(|i| i.place != best.place || !own.iter().any(|taken| taken.low == i.low));
        let share = width / own.len();
        let mut batch = Batch { probes: Vec::with_capacity(width), intervals: Vec::new() };
        for interval in own {
            let before = batch.probes.len();
            self.cuts[interval.place].probe(&interval, share, &mut batch.probes);
            batch.intervals.push((interval, batch.probes.len() - before));
        }
        Some(batch)
    }

    /// Puts the parts of a batch's intervals back; `seen` has what was found at each probe, and all of it unless the look was cut short.
    pub fn put_back(&mut self, batch: Batch, seen: &[Seen], cut_short: bool) {
        if cut_short {
            let bounds = seen.iter().map(|seen| seen.sides.left + seen.sides.right);
            self.unfinished = bounds.fold(self.unfinished, f64::max);
        }
        let mut seen = batch.probes.iter().zip(seen);
        for (interval, probes) in batch.intervals {
            let mut rest = interval;
            for (probe, seen) in seen.by_ref().take(probes) {
                let mass = self.cuts[interval.place].masses[probe.cut];
                let anchor = Anchor { mass, sides: seen.sides };
                self.add(Interval { high: probe.cut, after: anchor, ..rest });
                rest = Interval { low: probe.cut + 1, before: anchor, ..rest };
            }
            self.add(rest);
        }
    }

    fn add(&mut self, interval: Interval) {
        if interval.low < interval.high {
            let Interval { before, after, .. } = interval;
            let apart = before.sides.left + after.sides.right + (after.mass - before.mass);
            let bound = apart.min(after.sides.left + before.sides.right);
            self.open.push(Interval { bound, ..interval });
        }
    }
}

impl Cuts {
    /// The cuts of the `place`-th varying covariate, and the stakes of all the units.
    fn of(units: &Units, subset: &Subset, limits: Limits, place: usize) -> (Self, f64) {
        let covariate = subset.covariates[place];
        let mut cuts = Self { covariate, ranks: Vec::new(), masses: Vec::new() };
        let (mut mass, mut count, mut allowed) = (0.0, 0, limits.cuts(subset.count));
        let (mut before, mut after) = (Marks::none(units, limits), Marks::of(units, subset, limits));
        for (&u, &last) in subset.order(place).iter().zip(subset.lasts(place)) {
            mass += units.stakes[u as usize];
            count += units.counts[u as usize] as usize;
            let mut holds = true;
            if limits.demands {
                before.add(&units.demands, u);
                after.take(&units.demands, u);
                holds = before.hold(&units.demands) && after.hold(&units.demands);
            }
            if last && count < subset.count && holds && allowed.tries(count) {
                cuts.ranks.push(units.ranks[covariate][u as usize]);
                cuts.masses.push(mass);
            }
        }
        (cuts, mass)
    }

    /// Narrows an interval to the cuts that may reach their need; false where none may.
    fn trim(&self, interval: &mut Interval, need: impl Fn(Key) -> f64) -> bool {
        let need = need((self.covariate, self.ranks[interval.low]));
        if interval.bound < need {
            return false;
        }
        // Near an anchor the bound is the anchor's own value and the stakes between.
        let from = |anchor: &Anchor| need - anchor.sides.left - anchor.sides.right;
        let (first, last) =
            (interval.before.mass + from(&interval.before), interval.after.mass - from(&interval.after));
        let masses = &self.masses[interval.low..interval.high];
        let skipped = masses.partition_point(|mass| *mass < first);
        let kept = masses.partition_point(|mass| *mass <= last);
        interval.high = interval.low + kept;
        interval.low += skipped;
        interval.low < interval.high
    }

    /// Adds up to `share` cuts, spread evenly over the stakes of an interval.
    fn probe(&self, interval: &Interval, share: usize, probes: &mut Vec<Probe>) {
        let Interval { low, high, before, after, .. } = *interval;
        let (first, last) = (self.masses[low], self.masses[high - 1]);
        let mut next = low;
        for part in 1..=share {
            let target = first + (last - first) * part as f64 / (share + 1) as f64;
            let nearest = low + self.masses[low..high].partition_point(|mass| *mass < target);
            // What is left after this cut must do for the parts that follow.
            let cut = nearest.min((high + part).saturating_sub(share + 1)).max(next);
            if cut >= high {
                break;
            }
            next = cut + 1;
            let mass = self.masses[cut];
            let known = Sides {
                left: (before.sides.left + mass - before.mass).min(after.sides.left),
                right: (after.sides.right + after.mass - mass).min(before.sides.right),
            };
            let reach = (mass - first).max(last - mass);
            probes.push(Probe { key: (self.covariate, self.ranks[cut]), cut, known, reach });
        }
    }
}
