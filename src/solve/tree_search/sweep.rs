//! Bounds on depth-2 trees from sums over bins: a root covariate's units pass from the right to the left, past its intervals of cuts.
//!
//! Let U be the units that an interval of root cuts leaves open, S those that are left of it for sure, and H_h those of S in bin h of
//! a child covariate; rewards and gains as in [`super::bins`]. Then a left stump with arms a and b whose cut lies in bin h, or at its
//! ends, earns at most
//!
//! ```text
//! [sum_{S before h} w_a + sum_{H_h} w+_a + sum_U w+_a]  +  [sum_{S after h} w_b + sum_{H_h} w+_b + sum_U w+_b]
//! ```
//!
//! where each bracket has a largest arm of its own, and alike on the right. A bin of one value has no cut inside. The sums over (bin,
//! arm) of a child cost O(n K) for all intervals of a root covariate, and the bounds O(bins K) for each.

// Arm k of one array goes with arm k of the others.
#![allow(clippy::needless_range_loop)]

use multiversion::multiversion;

use super::Limits;
use super::bins::{Bins, Column, Level, Sums};
use super::units::{Units, sorted_by};

/// Child covariates whose sums are kept at the same time.
const TOGETHER: usize = 4;
/// Units whose bins are looked up together.
const BATCH: usize = 256;

/// The units in the order of a root covariate, and its cuts.
#[derive(Debug)]
pub struct Root {
    pub covariate: usize,
    order: Vec<u32>,
    /// How many units lie left of each cut that the limits allow.
    places: Vec<u32>,
    /// The last rank left of each of these cuts.
    pub ranks: Vec<u32>,
}

impl Root {
    pub fn of(units: &Units, covariate: usize, limits: Limits) -> Self {
        let ranks = &units.ranks[covariate];
        let everyone: Vec<u32> = (0..units.len() as u32).collect();
        let order = sorted_by(&everyone, ranks);
        let mut allowed = limits.cuts(units.counts.iter().map(|&count| count as usize).sum());
        let mut root = Self { covariate, order: Vec::new(), places: Vec::new(), ranks: Vec::new() };
        let mut count = 0;
        for (place, pair) in order.windows(2).enumerate() {
            let [before, after] = [pair[0] as usize, pair[1] as usize];
            count += units.counts[before] as usize;
            if ranks[before] != ranks[after] && allowed.tries(count) {
                root.places.push(place as u32 + 1);
                root.ranks.push(ranks[before]);
            }
        }
        root.order = order;
        root
    }
}

/// An interval of root cuts.
#[derive(Clone, Debug)]
pub struct Part<const N: usize> {
    /// Positions of its cuts among those of the covariate.
    pub low: usize,
    pub high: usize,
    /// Units left of its first and of its last cut.
    places: [usize; 2],
    /// Sums over these, and over the units right of them.
    sides: [[[i32; N]; 2]; 2],
    /// Gains of the units between.
    open: [i32; N],
}

/// The stumps of one child covariate, with the root cut in some interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stumps {
    /// Bounds on the left and on the right.
    pub most: [i32; 2],
    /// The best at the ends of bins, left and right of the first cut.
    pub first: [i32; 2],
}

/// A root covariate's units in their order, with the intervals to bound.
pub struct Sweep<'a, const N: usize> {
    bins: &'a Bins<N>,
    order: &'a [u32],
    rewards: Vec<[i32; N]>,
    pub parts: Vec<Part<N>>,
}

impl<'a, const N: usize> Sweep<'a, N> {
    /// Cuts `low..high` of the root covariate in `count` intervals.
    pub fn of(bins: &'a Bins<N>, root: &'a Root, (low, high): (usize, usize), count: usize) -> Self {
        let rewards: Vec<[i32; N]> = root.order.iter().map(|&u| bins.rewards[u as usize]).collect();
        let mut total = Sums::ZERO;
        rewards.iter().for_each(|rewards| total.add(rewards));
        let (mut sums, mut at) = (Sums::ZERO, 0);
        let ends = |part: usize| low + (high - low) * part / count;
        let parts = (0..count).filter(|&part| ends(part) < ends(part + 1)).map(|part| {
            let (low, high) = (ends(part), ends(part + 1));
            let places = [low, high - 1].map(|cut| root.places[cut] as usize);
            let [first, last] = places.map(|place| {
                rewards[at..place].iter().for_each(|rewards| sums.add(rewards));
                at = place;
                sums
            });
            let never = bins.never();
            let sides = [first, last].map(|left| {
                let right = std::array::from_fn(|k| total.rewards[k] - left.rewards[k] + never[k]);
                [std::array::from_fn(|k| left.rewards[k] + never[k]), right]
            });
            let open = std::array::from_fn(|k| last.gains[k] - first.gains[k]);
            Part { low, high, places, sides, open }
        });
        let parts = parts.collect();
        Self { bins, order: &root.order, rewards, parts }
    }

    /// The stumps along some child covariates, for each covariate and interval; none where `stopped` says so.
    pub fn stumps(
        &self,
        children: &[usize],
        level: usize,
        stopped: impl Fn(usize) -> bool,
    ) -> Option<Vec<Vec<Stumps>>> {
        let mut found = Vec::with_capacity(children.len());
        for children in children.chunks(TOGETHER) {
            if stopped(children.len()) {
                return None;
            }
            let columns: Vec<_> = children.iter().map(|&child| &self.bins.columns[child]).collect();
            found.extend(stumps(self, &columns, level));
        }
        Some(found)
    }
}

/// Interval after interval, so that its units' rewards are at hand for all the children.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn stumps<const N: usize>(sweep: &Sweep<N>, children: &[&Column<N>], level: usize) -> Vec<Vec<Stumps>> {
    let never = sweep.bins.never();
    let sums = |child: &&Column<N>| vec![Sums::ZERO; child.levels[level].sums.len()];
    let mut lefts: Vec<Vec<Sums<N>>> = children.iter().map(sums).collect();
    let mut found = vec![Vec::with_capacity(sweep.parts.len()); children.len()];
    let mut at = 0;
    for part in &sweep.parts {
        let [first, last] = part.places;
        for ((child, left), found) in children.iter().zip(&mut lefts).zip(&mut found) {
            let bins = &child.levels[level];
            pass(left, sweep, child, bins.shift, (at, first));
            let on_left = best::<N, false, true>(left, bins, &part.sides[0][0], &part.open, &never);
            let mut on_right = best::<N, true, true>(left, bins, &part.sides[0][1], &part.open, &never);
            let ends = [on_left.1, on_right.1];
            if last > first {
                pass(left, sweep, child, bins.shift, (first, last));
                on_right = best::<N, true, false>(left, bins, &part.sides[1][1], &part.open, &never);
            }
            found.push(Stumps { most: [on_left.0, on_right.0], first: ends });
        }
        at = last;
    }
    found
}

/// Adds units to the left.
#[inline(always)]
fn pass<const N: usize>(
    left: &mut [Sums<N>],
    sweep: &Sweep<N>,
    child: &Column<N>,
    shift: u32,
    (from, to): (usize, usize),
) {
    // All bins of a batch first: loads that wait for none of the sums.
    let mut own = [0u16; BATCH];
    let batches = sweep.order[from..to].chunks(BATCH).zip(sweep.rewards[from..to].chunks(BATCH));
    for (order, rewards) in batches {
        for (&u, own) in order.iter().zip(&mut own) {
            *own = child.of[u as usize] >> shift;
        }
        for (&h, rewards) in own.iter().zip(rewards) {
            left[h as usize].add(rewards);
        }
    }
}

/// Bound on the stumps of one side, and the best with its cut at the end of a bin where `ENDS`.
#[inline(always)]
fn best<const N: usize, const RIGHT: bool, const ENDS: bool>(
    left: &[Sums<N>],
    bins: &Level<N>,
    everyone: &[i32; N],
    open: &[i32; N],
    never: &[i32; N],
) -> (i32, i32) {
    let (mut before, mut after) = (*never, *everyone);
    let (mut most, mut end) = (i32::MIN, i32::MIN);
    for ((left, all), &inside) in left.iter().zip(&bins.sums).zip(&bins.inside) {
        let mut within = [[0; N]; 2];
        for k in 0..N {
            let (rewards, gains) = match RIGHT {
                true => {
                    (all.rewards[k].wrapping_sub(left.rewards[k]), all.gains[k].wrapping_sub(left.gains[k]))
                }
                false => (left.rewards[k], left.gains[k]),
            };
            let inner = gains & inside;
            within[0][k] = before[k].wrapping_add(inner | (rewards & !inside)).wrapping_add(open[k]);
            before[k] = before[k].wrapping_add(rewards);
            after[k] = after[k].wrapping_sub(rewards);
            within[1][k] = after[k].wrapping_add(inner).wrapping_add(open[k]);
        }
        most = most.max(largest(&within[0]).wrapping_add(largest(&within[1])));
        if ENDS {
            end = end.max(largest(&before).wrapping_add(largest(&after)));
        }
    }
    (most, end)
}

#[inline(always)]
fn largest<const N: usize>(numbers: &[i32; N]) -> i32 {
    let mut most = [i32::MIN; 8];
    for part in numbers.chunks_exact(8) {
        for l in 0..8 {
            most[l] = most[l].max(part[l]);
        }
    }
    most.into_iter().fold(i32::MIN, i32::max)
}
