//! The units in bins of like size along every covariate, for bounds from sums over bins ([`super::sweep`]).
//!
//! ```text
//! w[u][k]   = round((q[u][k] - median over k of q[u][k]) / unit)          32-bit whole numbers
//! w+[u][k]  = max(w[u][k], 0)                                             the gains
//! ```
//!
//! What all rules earn alike says nothing, so each unit's median is taken off: with one observed outcome a unit most arms then have
//! small numbers. What rounding to 32 bits moved is known and enters the bounds. Bins come at three levels, each cut finer by the next.

// Arm k of one array goes with arm k of the others.
#![allow(clippy::needless_range_loop)]

use super::Threads;
use super::units::Units;

/// More arms than this have no sums.
pub const MOST_ARMS: usize = 32;
/// Bins of one covariate at each level, from the coarsest to the finest: powers of two below two to the sixteenth.
pub type Levels = [usize; 3];
/// Sums of absolute rewards stay below two to this, so that no sum of six of them leaves 32 bits.
const BITS: i32 = 28;
/// In the places of arms that there are not.
const NEVER: i32 = -(1 << 29);

/// Sums over some units, in whole lines of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Sums<const N: usize> {
    pub rewards: [i32; N],
    pub gains: [i32; N],
}

impl<const N: usize> Sums<N> {
    pub const ZERO: Self = Self { rewards: [0; N], gains: [0; N] };

    /// Sums in 32 bits stay within them, see [`BITS`]; wrapping additions are those that fill vector instructions.
    #[inline(always)]
    pub fn add(&mut self, rewards: &[i32; N]) {
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
    pub of: Vec<u16>,
    pub levels: [Level<N>; 3],
}

/// Bins that are 2^shift finest bins each.
#[derive(Debug)]
pub struct Level<const N: usize> {
    pub shift: u32,
    /// Sums over all units of each bin.
    pub sums: Vec<Sums<N>>,
    /// -1 where a cut may lie inside a bin, else 0.
    pub inside: Vec<i32>,
}

/// The units in bins.
#[derive(Debug)]
pub struct Bins<const N: usize> {
    /// Rewards less their unit's reference, zeros in the places of arms that there are not.
    pub rewards: Vec<[i32; N]>,
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

    /// Zeros, and what never is the largest in the places of arms that there are not.
    pub fn never(&self) -> [i32; N] {
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
