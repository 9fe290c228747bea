//! Many regions on many threads.
//!
//! The regions wait in a queue, highest bound first. A round takes the first few of them and dives into each, side by side,
//! with the incumbent as it was at the start of the round; what the dives found and left is then merged in order. So the
//! search sees the same boxes and ends with the same rule whatever the number of threads. At any time the largest bound in the
//! queue bounds every rule.

use std::collections::BTreeMap;

use prescribe_models::linear_rule::LinearRule;
use rayon::prelude::*;

use super::super::Watch;
use super::super::hyperplanes::Points;
use super::dive::{Dive, Diver};
use super::incumbent::Incumbent;
use super::region::Region;

/// Regions of a round.
const ROUND: usize = 64;
/// Points that one dive may look at before it returns what is left.
const WORK: usize = 300_000;
/// Open points in the queue beyond which it must not grow: 200 MB.
const MOST_HELD: usize = 50_000_000;

pub struct Search<'p> {
    pub points: &'p Points<'p>,
    pub incumbent: Incumbent<'p>,
    watch: &'p Watch<'p>,
    /// By bound, then by number.
    queue: BTreeMap<(i64, u64), Region>,
    /// Open points of all regions in the queue.
    held: usize,
    /// Numbers the regions in the order in which they came.
    count: u64,
    /// Bound of the regions that could not be resolved.
    stuck: i64,
    pub boxes: u64,
    pub leaves: u64,
    /// Leaves of which no exact answer was found; their bound counts.
    pub unresolved: u64,
}

impl<'p> Search<'p> {
    /// For rules that earn more than `beyond` in total, from the rule `first` where it does.
    pub fn new(
        points: &'p Points<'p>,
        first: Option<&LinearRule>,
        beyond: Option<i64>,
        watch: &'p Watch<'p>,
    ) -> Self {
        let mut search = Self {
            points,
            incumbent: Incumbent::of(points, first, beyond),
            watch,
            queue: BTreeMap::new(),
            held: 0,
            count: 0,
            stuck: i64::MIN,
            boxes: 0,
            leaves: 0,
            unresolved: 0,
        };
        search.put(Region::faces(points));
        search
    }

    fn put(&mut self, regions: Vec<Region>) {
        for region in regions {
            self.count += 1;
            self.held += region.open.len();
            self.queue.insert((region.bound, self.count), region);
        }
    }

    pub fn run(mut self) -> Self {
        while self.watch.stop().is_none() {
            let round: Vec<Region> = std::iter::from_fn(|| self.next()).take(ROUND).collect();
            if round.is_empty() {
                break;
            }
            let (points, watch, to_beat) = (self.points, self.watch, self.incumbent.value);
            let dive = |diver: &mut Diver<'p>, region: &Region| {
                diver.dive(region, to_beat, WORK, &|| watch.stop().is_some())
            };
            let dives: Vec<Dive> = round.par_iter().map_init(|| Diver::new(points), dive).collect();
            dives.into_iter().for_each(|dive| self.merge(dive));
            let worth = |total: i64| points.units.problem().value_of_nobody() + points.worth(total);
            let best = self.incumbent.is_known().then(|| worth(self.incumbent.value));
            watch.tell("directions", best, Some(worth(self.bound())), self.boxes);
        }
        self
    }

    /// The next region that can beat the incumbent: the one of the highest bound, or of the lowest where the queue has grown too
    /// large, since those are nearest to their end.
    fn next(&mut self) -> Option<Region> {
        loop {
            let last = if self.held > MOST_HELD { self.queue.pop_first() } else { self.queue.pop_last() };
            let (_, region) = last?;
            self.held -= region.open.len();
            if region.bound > self.incumbent.value {
                return Some(region);
            }
        }
    }

    fn merge(&mut self, dive: Dive) {
        if let Some((value, rule)) = dive.found {
            self.incumbent.offer(value, rule);
        }
        self.boxes += dive.boxes;
        self.leaves += dive.leaves;
        self.unresolved += dive.unresolved;
        self.stuck = self.stuck.max(dive.stuck);
        self.put(dive.left);
    }

    /// The largest total gain that any rule may have.
    pub fn bound(&self) -> i64 {
        let open = self.queue.last_key_value().map_or(i64::MIN, |((bound, _), _)| *bound);
        open.max(self.stuck).max(self.incumbent.value)
    }

    pub fn closed(&self) -> bool {
        self.bound() == self.incumbent.value
    }

    /// Regions that may hold better rules.
    pub fn open(&self) -> usize {
        self.queue.keys().filter(|(bound, _)| *bound > self.incumbent.value).count()
    }
}
