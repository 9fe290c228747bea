//! Depth-2 trees: several root cuts of one covariate at a time, by streaming once over the order of every child covariate.
//!
//! For the units S in the order of a child covariate, the prefix sums on both sides of root cut c grow together:
//!
//! ```text
//! left_k(t) = sum of q_k over the first t units with rank <= c,     right_k(t) = all_k(t) - left_k(t)
//! best left stump = max over t of  max_k left_k(t) + max_k (left_k(|S|) - left_k(t))            and alike on the right
//! ```
//!
//! With two arms the gains q_0 - q_1 alone decide: with prefix sums s(t), the best stump is sum q_1 + max(0, s(|S|), max_t s(t),
//! s(|S|) - min_t s(t)). The cuts fill the lanes of vector instructions; O(p |S| K) for all of them. Along a child covariate of few values
//! the units of one value are first added up by the band between two root cuts that they fall into.

// Lane l of one array goes with lane l of the others.
#![allow(clippy::needless_range_loop)]

use multiversion::multiversion;

use super::frontier::{Key, Sides};
use super::subset::{Subset, Swept};
use super::units::Units;

/// Root cuts that are looked into together.
pub const LANES: usize = 8;

/// One number for each root cut, from the lowest cut to the highest.
type Lanes = [f64; LANES];

/// What the sweeps read: the bands of the units (see [`bands`]) and the numbers of the lanes. These come as data, because
/// comparisons with constants are compiled lane by lane.
struct Bands {
    of: Vec<u32>,
    lanes: [u32; LANES],
}

/// Value of the best stumps on both sides of each root cut (at most [`LANES`] of one covariate).
pub fn scan(units: &Units, subset: &Subset, keys: &[Key]) -> Vec<Sides> {
    let Some(first) = keys.first() else { return Vec::new() };
    // Lanes to spare repeat the first cut.
    let mut cuts: [u32; LANES] = std::array::from_fn(|l| keys.get(l).unwrap_or(first).1);
    cuts.sort_unstable();
    let bands = bands(subset, &units.ranks[first.0], &cuts);
    let best = match units.arms {
        2 => two_arms(units, subset, &bands),
        _ => many_arms(units, subset, &bands),
    };
    let lane = |key: &Key| cuts.partition_point(|cut| *cut < key.1);
    keys.iter().map(|key| Sides { left: best[0][lane(key)], right: best[1][lane(key)] }).collect()
}

/// How many of the cuts each unit lies to the right of: it is left of lane l where its band is at most l.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn bands(subset: &Subset, root: &[u32], cuts: &[u32; LANES]) -> Bands {
    let mut of = vec![0; root.len()];
    for &u in &subset.members {
        of[u as usize] = cuts.iter().map(|cut| u32::from(root[u as usize] > *cut)).sum();
    }
    Bands { of, lanes: std::array::from_fn(|l| l as u32) }
}

/// Sums over the units left of each cut, and over all, from sums by band.
fn up_to(by_band: [f64; LANES + 1]) -> (Lanes, f64) {
    let mut sum = 0.0;
    let lanes = std::array::from_fn(|l| {
        sum += by_band[l];
        sum
    });
    (lanes, sum + by_band[LANES])
}

fn two_arms(units: &Units, subset: &Subset, bands: &Bands) -> [Lanes; 2] {
    let (mut gains, mut bases) = ([0.0; LANES + 1], [0.0; LANES + 1]);
    for &u in &subset.members {
        let band = bands.of[u as usize] as usize;
        gains[band] += units.gains[u as usize];
        bases[band] += units.rewards_of(u)[1];
    }
    let both = |(left, all): (Lanes, f64)| [left, left.map(|left| all - left)];
    let (totals, bases) = (both(up_to(gains)), both(up_to(bases)));
    let mut best = totals.map(|side| side.map(|total| total.max(0.0)));
    for place in 0..subset.covariates.len() {
        // It makes no difference which side of a cut is met first.
        let Swept { order, lasts, .. } = subset.swept(place);
        let swings = swings(order, lasts, &units.gains, bands);
        for side in 0..2 {
            for l in 0..LANES {
                let (low, high) = (swings.low[side][l], swings.high[side][l]);
                best[side][l] = best[side][l].max(high).max(totals[side][l] - low);
            }
        }
    }
    std::array::from_fn(|side| std::array::from_fn(|l| bases[side][l] + best[side][l]))
}

/// Smallest and largest prefix sums of the gains on each side, over the places where a rank ends.
struct Swings {
    low: [Lanes; 2],
    high: [Lanes; 2],
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn swings(order: &[u32], lasts: &[bool], gains: &[f64], bands: &Bands) -> Swings {
    let lanes = bands.lanes;
    let (mut all, mut left) = (0.0, [0.0; LANES]);
    let (mut low_left, mut high_left) = ([0.0_f64; LANES], [0.0_f64; LANES]);
    let (mut low_right, mut high_right) = ([0.0_f64; LANES], [0.0_f64; LANES]);
    let lower = |a: f64, b: f64| if b < a { b } else { a };
    let higher = |a: f64, b: f64| if b > a { b } else { a };
    for (&u, &last) in order.iter().zip(lasts) {
        let (band, gain) = (bands.of[u as usize], gains[u as usize]);
        all += gain;
        for l in 0..LANES {
            left[l] += if band <= lanes[l] { gain } else { 0.0 };
        }
        if last {
            for l in 0..LANES {
                low_left[l] = lower(low_left[l], left[l]);
                high_left[l] = higher(high_left[l], left[l]);
                let right = all - left[l];
                low_right[l] = lower(low_right[l], right);
                high_right[l] = higher(high_right[l], right);
            }
        }
    }
    Swings { low: [low_left, low_right], high: [high_left, high_right] }
}

/// Sums of one arm's rewards along an order.
#[derive(Clone, Copy, Debug)]
struct Arm {
    /// Over all units on the left and on the right of each cut.
    totals: [Lanes; 2],
    /// So far on the left.
    left: Lanes,
    /// So far on both sides.
    all: f64,
}

fn many_arms(units: &Units, subset: &Subset, bands: &Bands) -> [Lanes; 2] {
    let mut pending = Pending::new(units.arms);
    subset.members.iter().for_each(|&u| pending.add(bands.of[u as usize], units.rewards_of(u)));
    let arm = |k: usize| {
        let (left, all) = up_to(pending.take(k));
        Arm { totals: [left, left.map(|left| all - left)], left: [0.0; LANES], all: 0.0 }
    };
    let mut arms: Vec<Arm> = (0..units.arms).map(arm).collect();
    let mut best = [[0.0; LANES]; 2];
    for arm in &arms {
        for side in 0..2 {
            for l in 0..LANES {
                best[side][l] = arm.totals[side][l].max(best[side][l]);
            }
        }
    }
    for place in 0..subset.covariates.len() {
        arms.iter_mut().for_each(|arm| (arm.left, arm.all) = ([0.0; LANES], 0.0));
        let Swept { order, lasts, .. } = subset.swept(place);
        match (units.arms, 2 * subset.values[place] > subset.len) {
            (3, _) => few_arms::<3>(order, lasts, units, bands, &arms, &mut best),
            (4, _) => few_arms::<4>(order, lasts, units, bands, &arms, &mut best),
            (5, _) => few_arms::<5>(order, lasts, units, bands, &arms, &mut best),
            (6, _) => few_arms::<6>(order, lasts, units, bands, &arms, &mut best),
            (_, true) => many_values(order, lasts, units, bands, &mut arms, &mut best),
            (_, false) => few_values(order, lasts, units, bands, &mut arms, &mut best),
        }
    }
    best
}

/// Raises `best` to the best split along an order, with so few arms that their sums stay in registers.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn few_arms<const K: usize>(
    order: &[u32],
    lasts: &[bool],
    units: &Units,
    bands: &Bands,
    arms: &[Arm],
    best: &mut [Lanes; 2],
) {
    let lanes = bands.lanes;
    let mut sums: [Arm; K] = std::array::from_fn(|k| arms[k]);
    for (&u, &last) in order.iter().zip(lasts) {
        let band = bands.of[u as usize];
        let rewards = units.rewards_of(u);
        for k in 0..K {
            let q = rewards[k];
            sums[k].all += q;
            for l in 0..LANES {
                sums[k].left[l] += if band <= lanes[l] { q } else { 0.0 };
            }
        }
        if last {
            let mut most = [[0.0; LANES]; 4];
            for arm in &sums {
                raise(&mut most, arm);
            }
            settle(best, &most);
        }
    }
}

/// As [`few_arms`], along an order in which most units have values of their own.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn many_values(
    order: &[u32],
    lasts: &[bool],
    units: &Units,
    bands: &Bands,
    arms: &mut [Arm],
    best: &mut [Lanes; 2],
) {
    let lanes = bands.lanes;
    for (&u, &last) in order.iter().zip(lasts) {
        let band = bands.of[u as usize];
        let mut most = [[0.0; LANES]; 4];
        for (arm, &q) in arms.iter_mut().zip(units.rewards_of(u)) {
            arm.all += q;
            for l in 0..LANES {
                arm.left[l] += if band <= lanes[l] { q } else { 0.0 };
            }
            raise(&mut most, arm);
        }
        if last {
            settle(best, &most);
        }
    }
}

/// As [`few_arms`], where many units share a value.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn few_values(
    order: &[u32],
    lasts: &[bool],
    units: &Units,
    bands: &Bands,
    arms: &mut [Arm],
    best: &mut [Lanes; 2],
) {
    let mut pending = Pending::new(arms.len());
    for (&u, &last) in order.iter().zip(lasts) {
        pending.add(bands.of[u as usize], units.rewards_of(u));
        if !last {
            continue;
        }
        let mut most = [[0.0; LANES]; 4];
        for (k, arm) in arms.iter_mut().enumerate() {
            let (left, all) = up_to(pending.take(k));
            arm.all += all;
            for l in 0..LANES {
                arm.left[l] += left[l];
            }
            raise(&mut most, arm);
        }
        settle(best, &most);
    }
}

/// Raises the largest sums (before and after a place on the left, then on the right) to those of one arm.
#[inline(always)]
fn raise(most: &mut [Lanes; 4], arm: &Arm) {
    let higher = |a: f64, b: f64| if b > a { b } else { a };
    for l in 0..LANES {
        let right = arm.all - arm.left[l];
        most[0][l] = higher(most[0][l], arm.left[l]);
        most[1][l] = higher(most[1][l], arm.totals[0][l] - arm.left[l]);
        most[2][l] = higher(most[2][l], right);
        most[3][l] = higher(most[3][l], arm.totals[1][l] - right);
    }
}

/// Raises the best stumps to the two leaves on each side.
#[inline(always)]
fn settle(best: &mut [Lanes; 2], most: &[Lanes; 4]) {
    let higher = |a: f64, b: f64| if b > a { b } else { a };
    for l in 0..LANES {
        best[0][l] = higher(best[0][l], most[0][l] + most[1][l]);
        best[1][l] = higher(best[1][l], most[2][l] + most[3][l]);
    }
}

/// Rewards waiting to be added, by band and arm.
struct Pending {
    arms: usize,
    sums: Vec<f64>,
}

impl Pending {
    fn new(arms: usize) -> Self {
        Self { arms, sums: vec![0.0; arms * (LANES + 1)] }
    }

    #[inline(always)]
    fn add(&mut self, band: u32, rewards: &[f64]) {
        let sums = &mut self.sums[band as usize * self.arms..][..rewards.len()];
        sums.iter_mut().zip(rewards).for_each(|(sum, q)| *sum += q);
    }

    /// The sums of one arm, which start anew.
    #[inline(always)]
    fn take(&mut self, arm: usize) -> [f64; LANES + 1] {
        std::array::from_fn(|band| std::mem::take(&mut self.sums[band * self.arms + arm]))
    }
}
