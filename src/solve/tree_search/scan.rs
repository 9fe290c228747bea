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
//! s(|S|) - min_t s(t)). The cuts fill the lanes of vector instructions; O(p |S| K) for all of them.

use multiversion::multiversion;

use super::frontier::{Probe, Sides};
use super::subset::Subset;
use super::units::Units;

/// Root cuts that are looked into together.
pub const LANES: usize = 8;

/// One number for each root cut.
type Lanes = [f64; LANES];

/// Value of the best stumps on both sides of each probe (at most [`LANES`] cuts of one covariate).
pub fn scan(units: &Units, subset: &Subset, probes: &[Probe]) -> Vec<Sides> {
    let Some(first) = probes.first() else { return Vec::new() };
    let root = &units.ranks[first.key.0];
    // Lanes to spare repeat the first cut.
    let cuts: [u32; LANES] = std::array::from_fn(|l| probes.get(l).unwrap_or(first).key.1);
    let (left, right) = match units.arms {
        2 => two_arms(units, subset, root, cuts),
        _ => many_arms(units, subset, root, cuts),
    };
    (0..probes.len()).map(|l| Sides { left: left[l], right: right[l] }).collect()
}

fn two_arms(units: &Units, subset: &Subset, root: &[u32], cuts: [u32; LANES]) -> (Lanes, Lanes) {
    let (mut totals, mut bases) = ([[0.0; LANES]; 2], [[0.0; LANES]; 2]);
    for &u in &subset.members {
        let (rank, gain, base) = (root[u as usize], units.gains[u as usize], units.rewards_of(u)[1]);
        for l in 0..LANES {
            let side = usize::from(rank > cuts[l]);
            totals[side][l] += gain;
            bases[side][l] += base;
        }
    }
    let mut best = [[0.0; LANES]; 2];
    for side in 0..2 {
        for l in 0..LANES {
            best[side][l] = totals[side][l].max(0.0);
        }
    }
    for place in 0..subset.covariates.len() {
        let (order, lasts) = (subset.order(place), subset.lasts(place));
        let swings = swings(order, lasts, &units.gains, root, &cuts);
        for side in 0..2 {
            for l in 0..LANES {
                let (low, high) = (swings.low[side][l], swings.high[side][l]);
                best[side][l] = best[side][l].max(high).max(totals[side][l] - low);
            }
        }
    }
    let value = |side: usize| std::array::from_fn(|l| bases[side][l] + best[side][l]);
    (value(0), value(1))
}

/// Smallest and largest prefix sums of the gains on each side, over the places where a rank ends.
struct Swings {
    low: [Lanes; 2],
    high: [Lanes; 2],
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn swings(order: &[u32], lasts: &[bool], gains: &[f64], root: &[u32], cuts: &[u32; LANES]) -> Swings {
    let (mut all, mut left) = (0.0, [0.0; LANES]);
    let (mut low_left, mut high_left) = ([0.0_f64; LANES], [0.0_f64; LANES]);
    let (mut low_right, mut high_right) = ([0.0_f64; LANES], [0.0_f64; LANES]);
    let lower = |a: f64, b: f64| if b < a { b } else { a };
    let higher = |a: f64, b: f64| if b > a { b } else { a };
    for (&u, &last) in order.iter().zip(lasts) {
        let (rank, gain) = (root[u as usize], gains[u as usize]);
        all += gain;
        for l in 0..LANES {
            left[l] += if rank <= cuts[l] { gain } else { 0.0 };
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

fn many_arms(units: &Units, subset: &Subset, root: &[u32], cuts: [u32; LANES]) -> (Lanes, Lanes) {
    let mut totals = vec![[[0.0; LANES]; 2]; units.arms];
    for &u in &subset.members {
        let rank = root[u as usize];
        for (total, q) in totals.iter_mut().zip(units.rewards_of(u)) {
            for l in 0..LANES {
                total[0][l] += if rank <= cuts[l] { *q } else { 0.0 };
                total[1][l] += if rank <= cuts[l] { 0.0 } else { *q };
            }
        }
    }
    let mut best = [[f64::NEG_INFINITY; LANES]; 2];
    for total in &totals {
        for side in 0..2 {
            for l in 0..LANES {
                best[side][l] = best[side][l].max(total[side][l]);
            }
        }
    }
    for place in 0..subset.covariates.len() {
        sweep(subset.order(place), subset.lasts(place), units, root, &cuts, &totals, &mut best);
    }
    (best[0], best[1])
}

/// Raises `best` to the best split of one covariate on each side.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn sweep(
    order: &[u32],
    lasts: &[bool],
    units: &Units,
    root: &[u32],
    cuts: &[u32; LANES],
    totals: &[[Lanes; 2]],
    best: &mut [Lanes; 2],
) {
    let higher = |a: f64, b: f64| if b > a { b } else { a };
    // Sums so far: on the left of each root cut, and on both sides.
    let mut sums = vec![([0.0; LANES], 0.0); units.arms];
    for (&u, &last) in order.iter().zip(lasts) {
        let rank = root[u as usize];
        for ((left, all), &q) in sums.iter_mut().zip(units.rewards_of(u)) {
            *all += q;
            for l in 0..LANES {
                left[l] += if rank <= cuts[l] { q } else { 0.0 };
            }
        }
        if !last {
            continue;
        }
        let mut most = [[f64::NEG_INFINITY; LANES]; 4];
        for ((left, all), total) in sums.iter().zip(totals) {
            for l in 0..LANES {
                let right = all - left[l];
                most[0][l] = higher(most[0][l], left[l]);
                most[1][l] = higher(most[1][l], total[0][l] - left[l]);
                most[2][l] = higher(most[2][l], right);
                most[3][l] = higher(most[3][l], total[1][l] - right);
            }
        }
        for l in 0..LANES {
            best[0][l] = higher(best[0][l], most[0][l] + most[1][l]);
            best[1][l] = higher(best[1][l], most[2][l] + most[3][l]);
        }
    }
}
