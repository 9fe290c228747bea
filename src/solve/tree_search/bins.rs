//! Bounds on depth-2 trees from sums over bins: along every covariate the units are cut into at most 256 bins of like size.
//!
//! Rewards are taken less a reference of their unit (the median over the arms: what all rules earn alike says nothing) and as whole
//! numbers of 32 bits, w[u][k] with gains w+ = max(w, 0). Let the root cut lie somewhere in an interval, U the units that the
//! interval leaves open, S those that are left of it for sure, and H_h those of S in bin h of a child covariate. Then a left stump
//! with arms a and b whose cut lies in bin h, or at its ends, earns at most
//!
//! ```text
//! [sum_{S before h} w_a + sum_{H_h} w+_a + sum_U w+_a]  +  [sum_{S after h} w_b + sum_{H_h} w+_b + sum_U w+_b]
//! ```
//!
//! where each bracket has a largest arm of its own, and alike on the right. A bin of one value has no cut inside. What rounding
//! to 32 bits moved is known and enters the bound.
//!
//! For one root covariate the units pass from the right to the left one by one, so that the sums over (bin, arm) of a child
//! cost O(n K) for all its intervals, and the bounds O(256 K) for each.

// Arm k of one array goes with arm k of the others.
#![allow(clippy::needless_range_loop)]

use multiversion::multiversion;

use super::units::{Units, sorted_by};
use super::{Limits, Threads};

/// More arms than this have no sums.
pub const MOST_ARMS: usize = 32;
/// Bins of one covariate at each level, from the coarsest to the finest: powers of two below two to the sixteenth.
pub type Levels = [usize; 3];
/// Child covariates whose sums are kept at the same time.
const TOGETHER: usize = 4;
/// Sums of absolute rewards stay below two to this, so that no sum of six of them leaves 32 bits.
const BITS: i32 = 28;
/// Units whose bins are looked up together.
const BATCH: usize = 256;
/// In the places of arms that there are not.
const NEVER: i32 = -(1 << 29);

/// Sums over some units, in whole lines of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Sums<const N: usize> {
    rewards: [i32; N],
    gains: [i32; N],
}

impl<const N: usize> Sums<N> {
    const ZERO: Self = Self { rewards: [0; N], gains: [0; N] };

    /// Sums in 32 bits stay within them, see [`BITS`]; wrapping additions are those that fill vector instructions.
    #[inline(always)]
    fn add(&mut self, rewards: &[i32; N]) {
        for k in 0..N {
            self.rewards[k] = self.rewards[k].wrapping_add(rewards[k]);
            self.gains[k] = self.gains[k].wrapping_add(rewards[k].max(0));
        }
    }
}

/// One covariate in bins.
#[derive(Debug)]
pub struct Column<const N: usize> {
    /// The finest bin of each unit.
    of: Vec<u16>,
    levels: [Level<N>; 3],
}

/// Bins that are 2^shift finest bins each.
#[derive(Debug)]
struct Level<const N: usize> {
    shift: u32,
    /// Sums over all units of each bin.
    sums: Vec<Sums<N>>,
    /// -1 where a cut may lie inside a bin, else 0.
    inside: Vec<i32>,
}

/// The units in bins.
#[derive(Debug)]
pub struct Bins<const N: usize> {
    /// Rewards less their unit's reference, zeros in the places of arms that there are not.
    rewards: Vec<[i32; N]>,
    pub columns: Vec<Column<N>>,
    arms: usize,
    /// What one of these whole numbers is worth in those of [`Units`].
    unit: f64,
    /// What every rule earns beyond its whole numbers: at least, and at most.
    beyond: [f64; 2],
}

impl<const N: usize> Bins<N> {
    pub fn of(units: &Units, levels: Levels, threads: Threads) -> Self {
        let references: Vec<f64> = (0..units.len()).map(|u| median(units.rewards_of(u as u32))).collect();
        let mut absolute = vec![0.0; units.arms];
        for (rewards, reference) in units.rewards.chunks(units.arms).zip(&references) {
            absolute.iter_mut().zip(rewards).for_each(|(sum, q)| *sum += (q - reference).abs());
        }
        let largest = absolute.into_iter().fold(1.0, f64::max);
        let unit = 2f64.powi((largest.log2().ceil() as i32 - BITS).max(0));
        let mut bins =
            Self { rewards: Vec::new(), columns: Vec::new(), arms: units.arms, unit, beyond: [0.0; 2] };
        bins.rewards.reserve_exact(units.len());
        for (rewards, reference) in units.rewards.chunks(units.arms).zip(&references) {
            bins.push(rewards, *reference);
        }
        let covariates: Vec<usize> = (0..units.ranks.len()).collect();
        bins.columns = threads.map(&covariates, |&j| Column::of(&units.ranks[j], &bins.rewards, levels));
        bins
    }

    fn push(&mut self, rewards: &[f64], reference: f64) {
        let mut own = [0; N];
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (place, q) in own.iter_mut().zip(rewards) {
            let whole = ((q - reference) / self.unit).round_ties_even();
            let remainder = q - reference - whole * self.unit;
            (low, high) = (low.min(remainder), high.max(remainder));
            *place = whole as i32;
        }
        self.beyond[0] += reference + low;
        self.beyond[1] += reference + high;
        self.rewards.push(own);
    }

    /// What trees with sums of these whole numbers earn at most.
    pub fn at_most(&self, whole: i32) -> f64 {
        self.beyond[1] + f64::from(whole) * self.unit
    }

    /// What trees with sums of these whole numbers earn at least.
    pub fn at_least(&self, whole: i32) -> f64 {
        self.beyond[0] + f64::from(whole) * self.unit
    }

    fn never(&self) -> [i32; N] {
        std::array::from_fn(|k| if k < self.arms { 0 } else { NEVER })
    }
}

/// The lower of the middle two, where there are two.
fn median(rewards: &[f64]) -> f64 {
    let mut sorted = [0.0; MOST_ARMS];
    let sorted = &mut sorted[..rewards.len()];
    sorted.copy_from_slice(rewards);
    let middle = (sorted.len() - 1) / 2;
    *sorted.select_nth_unstable_by(middle, f64::total_cmp).1
}

impl<const N: usize> Column<N> {
    fn of(ranks: &[u32], rewards: &[[i32; N]], levels: Levels) -> Self {
        let mut counts = vec![0u32; ranks.iter().max().map_or(0, |most| *most as usize + 1)];
        ranks.iter().for_each(|&rank| counts[rank as usize] += 1);
        let values = counts.iter().filter(|count| **count > 0).count();
        let finest = levels[levels.len() - 1];
        // The number of values in each of the finest bins.
        let (mut before, mut held, mut bin) = (0, Vec::new(), vec![0u16; counts.len()]);
        for (rank, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let own = if values <= finest { held.len() } else { before * finest / ranks.len() };
            // Fewer than 2^16, see `Levels`.
            bin[rank] = own as u16;
            held.resize(held.len().max(own + 1), 0u32);
            held[own] += 1;
            before += count as usize;
        }
        let of: Vec<u16> = ranks.iter().map(|&rank| bin[rank as usize]).collect();
        let levels = levels.map(|most| Level::of(&of, &held, rewards, most));
        Self { of, levels }
    }
}

impl<const N: usize> Level<N> {
    /// At most `most` bins.
    fn of(of: &[u16], held: &[u32], rewards: &[[i32; N]], most: usize) -> Self {
        let shift = held.len().div_ceil(most).next_power_of_two().trailing_zeros();
        let inside = held.chunks(1 << shift).map(|held| -i32::from(held.iter().sum::<u32>() > 1));
        let inside: Vec<i32> = inside.collect();
        let mut sums = vec![Sums::ZERO; inside.len()];
        of.iter().zip(rewards).for_each(|(&h, rewards)| sums[(h >> shift) as usize].add(rewards));
        Self { shift, sums, inside }
    }
}

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
