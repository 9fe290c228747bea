//! The units that reach a node, in the order of every covariate.
//!
//! A node's units are those within a box of ranks. They are kept sorted by each covariate that varies among them, so that a
//! split costs one stable partition, O(p |S|), and no node ever sorts.

use super::Threads;
use super::units::{Units, sorted_by};

/// Some units.
#[derive(Clone, Debug)]
pub struct Subset {
    /// How many (merged) units.
    pub len: usize,
    /// How many units of the problem they stand for.
    pub count: usize,
    /// The units, in no order that matters.
    pub members: Vec<u32>,
    /// Covariates that vary among them, ascending.
    pub covariates: Vec<usize>,
    /// How many values each of these has.
    pub values: Vec<usize>,
    /// For each of these, the units in ascending order.
    orders: Vec<u32>,
    /// Whether a unit is the last of its rank, for each place in `orders`.
    lasts: Vec<bool>,
    /// For each of these covariates, how many units have less than the highest rank.
    lower: Vec<usize>,
}

/// The units that a sweep along a covariate has to meet: those of the highest rank need not be, and where there are two ranks the rarer
/// is enough.
pub struct Swept<'a> {
    pub order: &'a [u32],
    /// Whether each unit is the last of its rank.
    pub lasts: &'a [bool],
    /// Whether these are the units right of the only cut.
    pub right: bool,
}

impl Subset {
    /// All units, in the orders of these covariates alone.
    pub fn along(units: &Units, covariates: &[usize]) -> Self {
        let everyone: Vec<u32> = (0..units.len() as u32).collect();
        let mut all = Self::of(everyone.clone(), units, covariates.len());
        for &covariate in covariates {
            let ranks = &units.ranks[covariate];
            all.push(covariate, &sorted_by(&everyone, ranks), ranks);
        }
        all
    }

    /// All units.
    pub fn all(units: &Units, threads: Threads) -> Self {
        let everyone: Vec<u32> = (0..units.len() as u32).collect();
        let orders = threads.map(&units.ranks, |ranks| sorted_by(&everyone, ranks));
        let mut all = Self::of(everyone, units, orders.len());
        for (covariate, (order, ranks)) in orders.into_iter().zip(&units.ranks).enumerate() {
            all.push(covariate, &order, ranks);
        }
        all
    }

    /// These units, with room for the orders of so many covariates.
    fn of(members: Vec<u32>, units: &Units, covariates: usize) -> Self {
        let len = members.len();
        Self {
            len,
            count: members.iter().map(|&u| units.counts[u as usize] as usize).sum(),
            members,
            covariates: Vec::with_capacity(covariates),
            values: Vec::with_capacity(covariates),
            orders: Vec::with_capacity(len * covariates),
            lasts: Vec::with_capacity(len * covariates),
            lower: Vec::with_capacity(covariates),
        }
    }

    /// Adds a covariate's order, unless the covariate does not vary.
    fn push(&mut self, covariate: usize, order: &[u32], ranks: &[u32]) {
        let (Some(first), Some(last)) = (order.first(), order.last()) else { return };
        if ranks[*first as usize] == ranks[*last as usize] {
            return;
        }
        self.covariates.push(covariate);
        self.orders.extend_from_slice(order);
        let ends = order.windows(2).map(|pair| ranks[pair[0] as usize] != ranks[pair[1] as usize]);
        let start = self.lasts.len();
        self.lasts.extend(ends.chain([true]));
        let lasts = &self.lasts[start..];
        self.values.push(lasts.iter().map(|&last| usize::from(last)).sum());
        self.lower.push(lasts[..lasts.len() - 1].iter().rposition(|last| *last).map_or(0, |at| at + 1));
    }

    /// The units in the order of the `place`-th varying covariate.
    pub fn order(&self, place: usize) -> &[u32] {
        &self.orders[place * self.len..][..self.len]
    }

    /// Whether each unit of that order is the last of its rank.
    pub fn lasts(&self, place: usize) -> &[bool] {
        &self.lasts[place * self.len..][..self.len]
    }

    /// What a sweep along the `place`-th varying covariate meets.
    pub fn swept(&self, place: usize) -> Swept<'_> {
        let (order, lasts, lower) = (self.order(place), self.lasts(place), self.lower[place]);
        let right = self.values[place] == 2 && 2 * lower > self.len;
        let met = if right { lower..self.len } else { 0..lower };
        Swept { order: &order[met.clone()], lasts: &lasts[met], right }
    }

    /// The units on one side of a cut: ranks of `covariate` up to `cut` go left.
    pub fn side(&self, units: &Units, covariate: usize, cut: u32, left: bool) -> Self {
        let ranks = &units.ranks[covariate];
        let stays = |u: u32| (ranks[u as usize] <= cut) == left;
        let members: Vec<u32> = self.members.iter().copied().filter(|&u| stays(u)).collect();
        let mut part = Self::of(members, units, self.covariates.len());
        let mut kept = vec![0; part.len + 1];
        for (place, &j) in self.covariates.iter().enumerate() {
            let mut next = 0;
            for &u in self.order(place) {
                // Written always, kept where it stays: no branch to mispredict.
                kept[next] = u;
                next += usize::from(stays(u));
            }
            part.push(j, &kept[..part.len], &units.ranks[j]);
        }
        part
    }

    /// The same units, as if only the covariates that `kept` keeps varied.
    pub fn over(&self, kept: impl Fn(usize) -> bool) -> Self {
        let places = || (0..self.covariates.len()).filter(|&place| kept(self.covariates[place]));
        Self {
            len: self.len,
            count: self.count,
            members: self.members.clone(),
            covariates: places().map(|place| self.covariates[place]).collect(),
            values: places().map(|place| self.values[place]).collect(),
            orders: places().flat_map(|place| self.order(place)).copied().collect(),
            lasts: places().flat_map(|place| self.lasts(place)).copied().collect(),
            lower: places().map(|place| self.lower[place]).collect(),
        }
    }

    /// The smallest box of ranks around the units, which no other units share.
    pub fn bounds(&self, units: &Units) -> Box<[u32]> {
        let mut places = self.covariates.iter().enumerate().peekable();
        let ends = |(j, ranks): (usize, &Vec<u32>)| {
            let rank = |u: Option<&u32>| u.map_or(0, |&u| ranks[u as usize]);
            match places.next_if(|(_, covariate)| **covariate == j) {
                Some((place, _)) => [rank(self.order(place).first()), rank(self.order(place).last())],
                None => [rank(self.members.first()); 2],
            }
        };
        units.ranks.iter().enumerate().flat_map(ends).collect()
    }

    /// Sum of rewards of each arm.
    pub fn totals(&self, units: &Units) -> Vec<f64> {
        let mut totals = vec![0.0; units.arms];
        for &u in &self.members {
            totals.iter_mut().zip(units.rewards_of(u)).for_each(|(sum, q)| *sum += q);
        }
        totals
    }
}
