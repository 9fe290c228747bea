//! Trees of depth 2 and 3 over covariates of two values: sums over pairs and triples of the rarer values.
//!
//! Let `1` be the rarer value of each covariate among the units. One pass adds each unit's rewards to the sums of the covariates,
//! the pairs and the triples of covariates in which it is 1: if that is o of p, to o + o(o-1)/2 + o(o-1)(o-2)/6 sums instead of to
//! every leaf of every tree. All other cells follow by inclusion and exclusion,
//!
//! ```text
//! S[a=1, b=0] = S[a] - S[ab],     S[a=0, b=0] = S - S[a] - S[b] + S[ab],     S[a=1, b=1, c=0] = S[ab] - S[abc],  ..
//! ```
//!
//! and trees by their bottom: stump[ab, cell] = max(leaf, max over c of two leaves) serves the root a with second split b and
//! the root b with second split a.

use super::Limits;
use super::cells::{Cell, Root, add, base, count, less, of_unit, sized, worth};
use super::subset::Subset;
use super::units::Units;

/// The root of the best tree of depth at most `depth`, 2 or 3, over units whose covariates have two values each.
pub fn binary(units: &Units, subset: &Subset, depth: usize, limits: Limits) -> Root {
    sized!(units.arms, !limits.none(), search(units, subset, depth, limits))
}

fn search<const N: usize, const LIMITED: bool>(
    units: &Units,
    subset: &Subset,
    depth: usize,
    limits: Limits,
) -> Root {
    let sums = Sums::<N>::of::<LIMITED>(units, subset, depth == 3);
    let trees = Trees::<N, LIMITED> { sums: &sums, limits };
    let base = base(units, subset);
    let p = subset.covariates.len();
    let mut root = Root { value: base + worth::<N, LIMITED>(&sums.all, limits), split: None };
    // The best trees of depth 1 and 2 below each side of each root.
    let mut below = vec![[[f64::NEG_INFINITY; 2]; 3]; p];
    for (best, ones) in below.iter_mut().zip(&sums.single) {
        *best = [[less(&sums.all, ones), *ones].map(|side| worth::<N, LIMITED>(&side, limits)); 3];
    }
    for a in 0..p {
        for b in a + 1..p {
            trees.second(a, b, depth, &mut below);
        }
    }
    for levels in 1..=depth {
        for (a, below) in below.iter().enumerate() {
            if trees.splits(a, &sums.all, &sums.single[a]) {
                let best = below[levels - 1];
                root.offer(base + best[0] + best[1], levels, (subset.covariates[a], sums.cuts[a]));
            }
        }
    }
    root
}

/// Sums over the units that are 1 in one, two and three covariates.
struct Sums<const N: usize> {
    all: Cell<N>,
    single: Vec<Cell<N>>,
    /// Pairs a < b at `row[a] + b - a - 1`.
    pair: Vec<Cell<N>>,
    row: Vec<usize>,
    /// Triples a < b < c at `slab[pair ab] + c - b - 1`; empty where they are not asked for.
    triple: Vec<Cell<N>>,
    slab: Vec<usize>,
    /// The rank up to which units go left, for each covariate.
    cuts: Vec<u32>,
    /// Whether the smaller value is the rarer.
    low: Vec<bool>,
}

impl<const N: usize> Sums<N> {
    fn of<const LIMITED: bool>(units: &Units, subset: &Subset, triples: bool) -> Self {
        let p = subset.covariates.len();
        let mut sums = Self::empty(p, triples);
        for (place, &j) in subset.covariates.iter().enumerate() {
            let (order, cut) = (subset.order(place), units.ranks[j][subset.order(place)[0] as usize]);
            let smaller = order.partition_point(|&u| units.ranks[j][u as usize] <= cut);
            sums.cuts.push(cut);
            sums.low.push(2 * smaller < order.len());
        }
        let mut ones = Vec::with_capacity(p);
        for &u in &subset.members {
            ones.clear();
            let is_one =
                |a: &usize| (units.ranks[subset.covariates[*a]][u as usize] <= sums.cuts[*a]) == sums.low[*a];
            ones.extend((0..p).filter(is_one));
            sums.add_unit(&of_unit::<N, LIMITED>(units, u), &ones);
        }
        sums
    }

    fn empty(p: usize, triples: bool) -> Self {
        let (mut row, mut pairs) = (vec![0; p], 0);
        for (a, start) in row.iter_mut().enumerate() {
            *start = pairs;
            pairs += p - a - 1;
        }
        let (mut slab, mut entries) = (vec![0; pairs], 0);
        for a in 0..if triples { p } else { 0 } {
            for b in a + 1..p {
                slab[row[a] + b - a - 1] = entries;
                entries += p - b - 1;
            }
        }
        let none = [0.0; N];
        let (single, pair, triple) = (vec![none; p], vec![none; pairs], vec![none; entries]);
        Self { all: none, single, pair, row, triple, slab, cuts: Vec::new(), low: Vec::new() }
    }

    /// Adds a unit to the sums of everything in which it is 1.
    fn add_unit(&mut self, cell: &Cell<N>, ones: &[usize]) {
        add(&mut self.all, cell);
        for (first, &a) in ones.iter().enumerate() {
            add(&mut self.single[a], cell);
            let pairs = self.row[a];
            for (second, &b) in ones.iter().enumerate().skip(first + 1) {
                let pair = pairs + (b - a - 1);
                add(&mut self.pair[pair], cell);
                if self.triple.is_empty() {
                    continue;
                }
                let triples = &mut self.triple[self.slab[pair]..];
                for &c in &ones[second + 1..] {
                    add(&mut triples[c - b - 1], cell);
                }
            }
        }
    }

    fn pair(&self, a: usize, b: usize) -> &Cell<N> {
        let (a, b) = (a.min(b), a.max(b));
        &self.pair[self.row[a] + (b - a - 1)]
    }

    fn triple(&self, a: usize, b: usize, c: usize) -> &Cell<N> {
        // a < b; c anywhere.
        let (a, b, c) = if c < a {
            (c, a, b)
        } else if c < b {
            (a, c, b)
        } else {
            (a, b, c)
        };
        &self.triple[self.slab[self.row[a] + (b - a - 1)] + (c - b - 1)]
    }
}

/// The trees over the sums.
struct Trees<'a, const N: usize, const LIMITED: bool> {
    sums: &'a Sums<N>,
    limits: Limits,
}

impl<const N: usize, const LIMITED: bool> Trees<'_, N, LIMITED> {
    /// Whether `a` may split units with sums `all`, of which those that are 1 in `a` have sums `ones`.
    fn splits(&self, a: usize, all: &Cell<N>, ones: &Cell<N>) -> bool {
        if !LIMITED {
            return true;
        }
        let (all, ones) = (count::<N, LIMITED>(all), count::<N, LIMITED>(ones));
        self.limits.cuts(all).tries(if self.sums.low[a] { ones } else { all - ones })
    }

    /// The worth of both leaves of a split by `a`.
    fn leaves(&self, a: usize, all: &Cell<N>, ones: &Cell<N>) -> f64 {
        if !self.splits(a, all, ones) {
            return f64::NEG_INFINITY;
        }
        worth::<N, LIMITED>(ones, self.limits) + worth::<N, LIMITED>(&less(all, ones), self.limits)
    }

    /// Raises the best trees of depth 1 and 2 below the roots a and b by those with the other as second split.
    fn second(&self, a: usize, b: usize, depth: usize, below: &mut [[[f64; 2]; 3]]) {
        let sums = self.sums;
        let both = *sums.pair(a, b);
        let (one_a, one_b) = (sums.single[a], sums.single[b]);
        let neither = less(&less(&sums.all, &one_a), &less(&one_b, &both));
        // cells[value of a][value of b]
        let cells = [[neither, less(&one_b, &both)], [less(&one_a, &both), both]];
        let stumps = if depth == 3 { self.stumps(a, b, &cells) } else { [[f64::NEG_INFINITY; 2]; 2] };
        let mut raise = |root: usize, value: usize, second: usize, ones: &Cell<N>, deep: f64| {
            let with_root = &sums.single[root];
            let all = if value == 1 { *with_root } else { less(&sums.all, with_root) };
            if self.splits(second, &all, ones) {
                let leaves = self.leaves(second, &all, ones);
                let best = &mut below[root];
                best[1][value] = best[1][value].max(leaves);
                best[2][value] = best[2][value].max(leaves).max(deep);
            }
        };
        for value in 0..2 {
            raise(a, value, b, &cells[value][1], stumps[value][0] + stumps[value][1]);
            raise(b, value, a, &cells[1][value], stumps[0][value] + stumps[1][value]);
        }
    }

    /// The best tree of depth at most 1 in each of the four cells of a < b.
    fn stumps(&self, a: usize, b: usize, cells: &[[Cell<N>; 2]; 2]) -> [[f64; 2]; 2] {
        let sums = self.sums;
        let mut best = cells.map(|row| row.map(|cell| worth::<N, LIMITED>(&cell, self.limits)));
        for c in (0..sums.single.len()).filter(|&c| c != a && c != b) {
            let all = *sums.triple(a, b, c);
            let (with_a, with_b) = (less(sums.pair(a, c), &all), less(sums.pair(b, c), &all));
            let alone = less(&less(&less(&sums.single[c], &all), &with_a), &with_b);
            let ones = [[alone, with_b], [with_a, all]];
            for x in 0..2 {
                for y in 0..2 {
                    let value = self.leaves(c, &cells[x][y], &ones[x][y]);
                    best[x][y] = if value > best[x][y] { value } else { best[x][y] };
                }
            }
        }
        best
    }
}
