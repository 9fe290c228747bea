//! Sums of rewards over cells of units, in a form whose additions fill vector instructions.
//!
//! A cell holds N numbers: the sum of each arm's rewards (with two arms the sum of the gains q_0 - q_1 alone), zeros up to a multiple
//! of four, and where leaves are limited the number of units in the last place. As no reward is negative, zeros never win, and
//! the best leaf over a cell is
//!
//! ```text
//! worth = max(0, largest sum)         plus, with two arms, the sum of q_1 over all units, whatever the tree
//! ```

use super::Limits;
use super::frontier::Key;
use super::subset::Subset;
use super::units::Units;

/// Sums over some units; the last number counts them where `LIMITED`.
pub type Cell<const N: usize> = [f64; N];

/// The numbers of one unit.
pub fn of_unit<const N: usize, const LIMITED: bool>(units: &Units, u: u32) -> Cell<N> {
    let mut cell = [0.0; N];
    if units.arms == 2 {
        cell[0] = units.gains[u as usize];
    } else {
        let rewards = units.rewards_of(u);
        cell[..rewards.len()].copy_from_slice(rewards);
    }
    if LIMITED {
        cell[N - 1] = f64::from(units.counts[u as usize]);
    }
    cell
}

/// What every tree over `subset` earns beyond the worth of its cells.
pub fn base(units: &Units, subset: &Subset) -> f64 {
    match units.arms {
        2 => subset.members.iter().map(|&u| units.rewards_of(u)[1]).sum(),
        _ => 0.0,
    }
}

/// The best leaf over a cell; minus infinity where it holds too few units.
#[inline(always)]
pub fn worth<const N: usize, const LIMITED: bool>(cell: &Cell<N>, limits: Limits) -> f64 {
    if LIMITED && cell[N - 1] < limits.least as f64 {
        return f64::NEG_INFINITY;
    }
    let mut most = 0.0;
    for &sum in &cell[..N - usize::from(LIMITED)] {
        most = if sum > most { sum } else { most };
    }
    most
}

#[inline(always)]
pub fn add<const N: usize>(cell: &mut Cell<N>, other: &Cell<N>) {
    for k in 0..N {
        cell[k] += other[k];
    }
}

#[inline(always)]
pub fn less<const N: usize>(cell: &Cell<N>, other: &Cell<N>) -> Cell<N> {
    std::array::from_fn(|k| cell[k] - other[k])
}

/// The number of units in a cell, where it is counted.
#[inline(always)]
pub fn count<const N: usize, const LIMITED: bool>(cell: &Cell<N>) -> usize {
    if LIMITED { cell[N - 1] as usize } else { 0 }
}

/// Calls a function that is generic in the size of a cell, `$function::<N, LIMITED>(..)`, with the size that the arms ask for.
macro_rules! sized {
    ($arms:expr, $limited:expr, $function:ident($($argument:expr),*)) => {
        match ($arms, $limited) {
            (2, false) => $function::<1, false>($($argument),*),
            (3..=4, false) => $function::<4, false>($($argument),*),
            (5..=8, false) => $function::<8, false>($($argument),*),
            (9..=12, false) => $function::<12, false>($($argument),*),
            (13..=16, false) => $function::<16, false>($($argument),*),
            (17..=20, false) => $function::<20, false>($($argument),*),
            (_, false) => $function::<32, false>($($argument),*),
            (2, true) => $function::<2, true>($($argument),*),
            (3, true) => $function::<4, true>($($argument),*),
            (4..=7, true) => $function::<8, true>($($argument),*),
            (8..=15, true) => $function::<16, true>($($argument),*),
            (16..=19, true) => $function::<20, true>($($argument),*),
            (_, true) => $function::<32, true>($($argument),*),
        }
    };
}
pub(super) use sized;

/// More arms than this have no cell.
pub const MOST_ARMS: usize = 31;

/// The root of a best tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Root {
    pub value: f64,
    /// The least depth of a tree with this value, and the first root cut of such a tree; none where a leaf does.
    pub split: Option<(usize, Key)>,
}

impl Root {
    /// Takes a tree of the next depth where it earns more.
    pub fn offer(&mut self, value: f64, depth: usize, key: Key) {
        if value > self.value {
            *self = Self { value, split: Some((depth, key)) };
        }
    }
}
