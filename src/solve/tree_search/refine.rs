//! Depth-2 trees over many units, covariates and arms: intervals of root cuts by bounds from bins.
//!
//! Every covariate begins as one interval of root cuts with the trivial bound (each unit its best arm). In rounds the intervals with
//! the highest bounds are looked into: cut into smaller ones, which [`super::sweep`] bounds, or, where few cuts are left, each cut is
//! looked into exactly ([`super::scan`]). What cannot reach the best tree found so far is dropped, intervals as well as, for each
//! interval, child covariates: soon one or two of hundreds are left, and that is what makes the exact looks cheap.
//!
//! Minimum leaf sizes do not break the bounds, which hold for more trees than those allowed.

use std::sync::atomic::Ordering;

use super::Limits;
use super::bins::{Bins, Levels};
use super::frontier::Key;
use super::plan::{Found, Outcome};
use super::scan::{LANES, scan};
use super::search::Shared;
use super::strategy::Strategy;
use super::stump::{leaf, stump};
use super::subset::Subset;
use super::sweep::{Root, Stumps, Sweep};

/// How finely things are cut.
#[derive(Clone, Copy, Debug)]
pub struct Resolution {
    /// Bins of a covariate, for intervals of all root cuts, of parts of those, and of parts of those.
    pub bins: Levels,
    /// Intervals that all root cuts of a covariate are first cut into.
    pub first: usize,
    /// Intervals that one of those is cut into, and so on.
    pub then: usize,
    /// Intervals that are looked into before the next are chosen, by all threads.
    pub round: usize,
}

impl Resolution {
    pub const USUAL: Self = Self { bins: [64, 256, 1024], first: 32, then: 24, round: 64 };
}

/// A child covariate with bounds on its stumps left and right.
#[derive(Clone, Copy, Debug)]
struct Child {
    covariate: u32,
    most: [i32; 2],
}

/// Root cuts of one covariate.
#[derive(Debug)]
struct Interval {
    covariate: usize,
    /// Positions among the covariate's cuts; none: all cuts, not yet counted.
    cuts: Option<(usize, usize)>,
    /// The rank of the first cut, or a lower one.
    rank: u32,
    bound: f64,
    /// How many times the covariate's cuts have been cut into intervals.
    level: usize,
    /// Children that may have the best stumps; none: all.
    children: Option<Vec<Child>>,
}

/// What a look into an interval found.
#[derive(Default)]
struct Looked {
    parts: Vec<Interval>,
    trees: Vec<(Key, Found)>,
    promising: Option<Promising>,
    /// Root cuts looked at.
    cuts: u64,
}

/// A root cut with bin-ended stumps that earn more than the best tree so far.
struct Promising {
    value: f64,
    key: Key,
    /// Covariates that may have the best stumps left and right.
    children: [Vec<usize>; 2],
}

/// The best tree so far.
struct Best {
    /// None: a shallower tree, which ties prefer.
    key: Option<Key>,
    found: Option<Found>,
}

impl Best {
    fn value(&self) -> f64 {
        self.found.as_ref().map_or(f64::NEG_INFINITY, |found| found.value)
    }

    /// What a root cut must earn to be preferred.
    fn need(&self, key: Key) -> f64 {
        if self.wins_ties(key) { self.value() } else { self.value() + 1.0 }
    }

    fn wins_ties(&self, key: Key) -> bool {
        self.key.is_some_and(|own| key < own)
    }

    fn offer(&mut self, key: Key, found: Found) {
        if found.value >= self.need(key) {
            *self = Self { key: Some(key), found: Some(found) };
        }
    }
}

/// The best tree of depth 2 within the limits.
pub fn refine(shared: &Shared, limits: Limits, resolution: Resolution) -> Outcome {
    match shared.units.arms {
        ..=8 => Refinement::<8>::of(shared, limits, resolution).run(),
        9..=16 => Refinement::<16>::of(shared, limits, resolution).run(),
        17..=24 => Refinement::<24>::of(shared, limits, resolution).run(),
        _ => Refinement::<32>::of(shared, limits, resolution).run(),
    }
}

struct Refinement<'a, const N: usize> {
    shared: &'a Shared<'a>,
    limits: Limits,
    resolution: Resolution,
    bins: Bins<N>,
}

impl<'a, const N: usize> Refinement<'a, N> {
    fn of(shared: &'a Shared<'a>, limits: Limits, resolution: Resolution) -> Self {
        Self { shared, limits, resolution, bins: Bins::of(shared.units, resolution.bins, shared.threads) }
    }

    fn run(&self) -> Outcome {
        let units = self.shared.units;
        self.shared.nodes[Strategy::Intervals as usize].fetch_add(1, Ordering::Relaxed);
        let mut best = Best { key: None, found: self.shallower().found };
        let trivial: f64 = units.stakes.iter().sum();
        let whole =
            |covariate| Interval { covariate, cuts: None, rank: 0, bound: trivial, level: 0, children: None };
        let mut open: Vec<Interval> = (0..units.ranks.len()).map(whole).collect();
        loop {
            open.retain(|interval| interval.bound >= best.need((interval.covariate, interval.rank)));
            let bound = open.iter().map(|interval| interval.bound).fold(best.value(), f64::max);
            let stopped = self.shared.watch.stop().is_some();
            if open.is_empty() || stopped || self.shared.enough(best.value(), bound) {
                return Outcome { upper: bound, found: best.found };
            }
            open.sort_by(|a, b| {
                b.bound.total_cmp(&a.bound).then((a.covariate, a.rank).cmp(&(b.covariate, b.rank)))
            });
            let rest = open.split_off(self.resolution.round.min(open.len()));
            let looked = self.shared.threads.map(&open, |interval| self.look(interval, &best));
            let round = std::mem::replace(&mut open, rest);
            let mut promising: Option<Promising> = None;
            for (interval, looked) in round.into_iter().zip(looked) {
                let Some(looked) = looked else {
                    open.push(interval);
                    continue;
                };
                self.shared.cuts.fetch_add(looked.cuts, Ordering::Relaxed);
                open.extend(looked.parts);
                looked.trees.into_iter().for_each(|(key, found)| best.offer(key, found));
                let better = |a: Promising, b: Promising| if b.value > a.value { b } else { a };
                promising = promising.into_iter().chain(looked.promising).reduce(better);
            }
            if let Some(Promising { key, children, .. }) = promising.filter(|p| p.value > best.value()) {
                let found = self.tree(key, &children).found;
                found.into_iter().for_each(|found| best.offer(key, found));
            }
        }
    }

    /// The best tree of depth 1; a leaf where there is no time for more.
    fn shallower(&self) -> Outcome {
        let units = self.shared.units;
        let everyone = Subset::along(units, &[]);
        let start = leaf(units, &everyone, self.limits);
        let covariates: Vec<usize> = (0..units.ranks.len()).collect();
        let along = self.shared.threads.map(&covariates, |&j| match self.shared.watch.stop() {
            Some(_) => Outcome::NONE,
            None => stump(units, &Subset::along(units, &[j]), self.limits),
        });
        let better = |best: Outcome, next: Outcome| if next.value() > best.value() { next } else { best };
        along.into_iter().fold(start, better)
    }

    /// Looks into an interval; none where the search is stopped meanwhile.
    fn look(&self, interval: &Interval, best: &Best) -> Option<Looked> {
        let root = Root::of(self.shared.units, interval.covariate, self.limits);
        let (low, high) = interval.cuts.unwrap_or((0, root.ranks.len()));
        let need = best.need((interval.covariate, interval.rank));
        let children = self.children(interval, need);
        if low < high && high - low <= LANES && interval.cuts.is_some() {
            return self.exactly(&root, (low, high), &children, best);
        }
        let count = if interval.cuts.is_none() { self.resolution.first } else { self.resolution.then };
        let sweep = Sweep::of(&self.bins, &root, (low, high), count.min(high - low));
        let level = interval.level.min(self.resolution.bins.len() - 1);
        let stumps = sweep.stumps(&children, level, |children| self.stopped(children))?;
        let mut looked = Looked { cuts: sweep.parts.len() as u64, ..Looked::default() };
        for (number, part) in sweep.parts.iter().enumerate() {
            let along: Vec<Stumps> = stumps.iter().map(|stumps| stumps[number]).collect();
            let key = (interval.covariate, root.ranks[part.low]);
            let least = looked.promising.as_ref().map_or(best.value(), |promising| promising.value);
            if let Some(promising) = self.promising(key, &children, &along, least) {
                looked.promising = Some(promising);
            }
            let part = self.part(interval, key, (part.low, part.high), &children, &along);
            looked.parts.extend(Some(part).filter(|part| part.bound >= need));
        }
        Some(looked)
    }

    /// Part of an interval.
    fn part(
        &self,
        whole: &Interval,
        (covariate, rank): Key,
        cuts: (usize, usize),
        children: &[usize],
        stumps: &[Stumps],
    ) -> Interval {
        let most = sides(stumps, |stumps| stumps.most);
        let bound = self.bins.at_most(most[0] + most[1]).min(whole.bound);
        let child = |(&j, stumps): (&usize, &Stumps)| Child { covariate: j as u32, most: stumps.most };
        let children = children.iter().zip(stumps).map(child).collect();
        Interval {
            covariate,
            cuts: Some(cuts),
            rank,
            bound,
            level: whole.level + 1,
            children: Some(children),
        }
    }

    /// The first root cut of an interval, where stumps with cuts at the ends of bins earn more than `least`.
    fn promising(&self, key: Key, children: &[usize], stumps: &[Stumps], least: f64) -> Option<Promising> {
        let first = sides(stumps, |stumps| stumps.first);
        let value = self.bins.at_least(first[0] + first[1]);
        let may = |side: usize| {
            let along = children.iter().zip(stumps);
            along.filter(move |(_, stumps)| stumps.most[side] >= first[side]).map(|(j, _)| *j).collect()
        };
        (value > least).then(|| Promising { value, key, children: [may(0), may(1)] })
    }

    /// Covariates that may have the stumps of a tree that earns what is needed.
    fn children(&self, interval: &Interval, need: f64) -> Vec<usize> {
        let Some(children) = &interval.children else { return (0..self.bins.columns.len()).collect() };
        let most = sides(children, |child| child.most);
        let may = |child: &&Child| {
            let with = (child.most[0] + most[1]).max(most[0] + child.most[1]);
            self.bins.at_most(with) >= need
        };
        children.iter().filter(may).map(|child| child.covariate as usize).collect()
    }

    /// Looks into each of a few cuts.
    fn exactly(
        &self,
        root: &Root,
        (low, high): (usize, usize),
        children: &[usize],
        best: &Best,
    ) -> Option<Looked> {
        let keys: Vec<Key> = root.ranks[low..high].iter().map(|&rank| (root.covariate, rank)).collect();
        let mut values = vec![[0.0f64; 2]; keys.len()];
        // One child at a time: their orders need not be kept.
        for &child in children {
            if self.stopped(1) {
                return None;
            }
            let seen = scan(self.shared.units, &Subset::along(self.shared.units, &[child]), &keys);
            for (value, sides) in values.iter_mut().zip(seen) {
                *value = [value[0].max(sides.left), value[1].max(sides.right)];
            }
        }
        let mut looked = Looked { cuts: keys.len() as u64, ..Looked::default() };
        let mut value = best.value();
        for (key, sides) in keys.into_iter().zip(values) {
            let needed = best.need(key);
            if sides[0] + sides[1] < needed || sides[0] + sides[1] < value {
                continue;
            }
            let tree = self.tree(key, &[children.to_vec(), children.to_vec()]);
            value = value.max(tree.value());
            looked.trees.extend(tree.found.map(|found| (key, found)));
        }
        Some(looked)
    }

    /// The best tree with a root cut, by the covariates that may split its sides.
    fn tree(&self, (covariate, cut): Key, children: &[Vec<usize>; 2]) -> Outcome {
        let units = self.shared.units;
        let [left, right] = [(true, &children[0]), (false, &children[1])].map(|(left, children)| {
            let all = Subset::along(units, &[]);
            let start = leaf(units, &all.side(units, covariate, cut, left), self.limits);
            let along = self.shared.threads.map(children, |&j| {
                stump(units, &Subset::along(units, &[j]).side(units, covariate, cut, left), self.limits)
            });
            along.into_iter().fold(start, |best, next| if next.value() > best.value() { next } else { best })
        });
        Outcome::joined(covariate, cut, left, right)
    }

    /// Counts the steps of passes over all units along so many covariates, and looks at the clock.
    fn stopped(&self, covariates: usize) -> bool {
        let steps = (self.shared.units.len() * covariates) as u64;
        self.shared.steps.fetch_add(steps, Ordering::Relaxed);
        self.shared.watch.stop().is_some()
    }
}

/// The largest on each side.
fn sides<T>(of: &[T], pair: impl Fn(&T) -> [i32; 2]) -> [i32; 2] {
    of.iter().map(pair).fold([i32::MIN / 4; 2], |most, own| [most[0].max(own[0]), most[1].max(own[1])])
}

#[cfg(test)]
mod tests;
