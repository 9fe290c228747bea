//! Depth-2 trees over covariates of few values: joint histograms of every two covariates.
//!
//! ```text
//! H[g, h] = sum of rewards over units with the g-th value of covariate i and the h-th of covariate j
//! ```
//!
//! Adding up H along j gives the units left of a root cut of j by their values of i, and a sweep along i the best split of each
//! side; the other way round for root cuts of i. O(p^2 (|S| K + m_i m_j K)), whatever the number of units behind a value.

use std::sync::Arc;

use multiversion::multiversion;

use super::Limits;
use super::cells::{Cell, Root, add, base, count, less, of_unit, sized, worth};
use super::plan::{Outcome, Plan};
use super::subset::Subset;
use super::units::Units;

/// The best tree of depth at most 2, written out where it earns at least `need`.
pub fn pairs(units: &Units, subset: &Subset, limits: Limits, need: f64) -> Outcome {
    sized!(units.arms, !limits.none(), search(units, subset, limits, need))
}

/// One covariate's values among the units.
struct Column<const N: usize> {
    covariate: usize,
    /// The rank of each value.
    ranks: Vec<u32>,
    /// The value of each unit, by its place among the members.
    values: Vec<u32>,
    /// Sums over the units up to each value.
    sums: Vec<Cell<N>>,
    /// Best left and right side of a cut after each value.
    sides: Vec<[f64; 2]>,
}

fn search<const N: usize, const LIMITED: bool>(
    units: &Units,
    subset: &Subset,
    limits: Limits,
    need: f64,
) -> Outcome {
    let cells: Vec<Cell<N>> = subset.members.iter().map(|&u| of_unit::<N, LIMITED>(units, u)).collect();
    let places = 0..subset.covariates.len();
    let mut columns: Vec<Column<N>> =
        places.map(|place| Column::of::<LIMITED>(units, subset, place, &cells, limits)).collect();
    let mut table = Vec::new();
    for j in 1..columns.len() {
        let (before, rest) = columns.split_at_mut(j);
        for column in before {
            let width = rest[0].ranks.len();
            joint(column, &rest[0], &cells, &mut table);
            sweep::<N, LIMITED>(column, &rest[0], &table, (width, 1), limits);
            sweep::<N, LIMITED>(&mut rest[0], column, &table, (1, width), limits);
        }
    }
    let mut total = [0.0; N];
    cells.iter().for_each(|cell| add(&mut total, cell));
    let base = base(units, subset);
    let mut root = Root { value: base + worth::<N, LIMITED>(&total, limits), split: None };
    for depth in 1..=2 {
        for column in &columns {
            column.offer::<LIMITED>(&mut root, base, depth, limits);
        }
    }
    if root.value < need || root.value == f64::NEG_INFINITY {
        return Outcome { upper: root.value, found: None };
    }
    let written = Written { columns: &columns, cells: &cells, arms: units.arms, limits };
    let Some((depth, (covariate, cut))) = root.split else {
        return Outcome::best(root.value, written.leaf(&total));
    };
    let place = columns.partition_point(|column| column.covariate < covariate);
    let g = columns[place].ranks.partition_point(|rank| *rank < cut);
    let [left, right] = written.stumps::<LIMITED>(place, g, depth - 1).map(Arc::new);
    Outcome::best(root.value, Plan::Split { covariate, cut, left, right })
}

/// What trees are written out from.
struct Written<'a, const N: usize> {
    columns: &'a [Column<N>],
    cells: &'a [Cell<N>],
    arms: usize,
    limits: Limits,
}

impl<const N: usize> Written<'_, N> {
    /// The best leaves, or where `depth` is 1 the best trees of one split, over the units on both sides of the cut after the `g`-th
    /// value of a covariate.
    fn stumps<const LIMITED: bool>(&self, place: usize, g: usize, depth: usize) -> [Plan; 2] {
        let root = &self.columns[place];
        let total = root.sums[root.sums.len() - 1];
        let everyone = [root.sums[g], less(&total, &root.sums[g])];
        let rows = [0..g + 1, g + 1..root.ranks.len()];
        let mut values = everyone.map(|all| worth::<N, LIMITED>(&all, self.limits));
        let mut plans = everyone.map(|all| self.leaf(&all));
        let mut table = Vec::new();
        for child in self.columns.iter().take(if depth > 0 { self.columns.len() } else { 0 }) {
            let width = child.ranks.len();
            if child.covariate != root.covariate {
                joint(root, child, self.cells, &mut table);
            }
            for side in 0..2 {
                let rows = rows[side].clone();
                let sum_of = |h: usize| match child.covariate == root.covariate {
                    true if rows.contains(&h) => root.sum_of(h),
                    true => [0.0; N],
                    false => rows.clone().fold([0.0; N], |mut sum, row| {
                        add(&mut sum, &table[row * width + h]);
                        sum
                    }),
                };
                self.split::<LIMITED>(child, &everyone[side], sum_of, &mut values[side], &mut plans[side]);
            }
        }
        plans
    }

    /// Raises a tree over units with sums `all` to the best split along `child`; `sum_of` has the sums for each value.
    fn split<const LIMITED: bool>(
        &self,
        child: &Column<N>,
        all: &Cell<N>,
        sum_of: impl Fn(usize) -> Cell<N>,
        value: &mut f64,
        plan: &mut Plan,
    ) {
        let (mut lower, mut allowed) = ([0.0; N], self.limits.cuts(count::<N, LIMITED>(all)));
        for h in 0..child.ranks.len() - 1 {
            add(&mut lower, &sum_of(h));
            if LIMITED && !allowed.tries(count::<N, LIMITED>(&lower)) {
                continue;
            }
            let upper = less(all, &lower);
            let sum = worth::<N, LIMITED>(&lower, self.limits) + worth::<N, LIMITED>(&upper, self.limits);
            if sum > *value {
                let [left, right] = [&lower, &upper].map(|cell| Arc::new(self.leaf(cell)));
                *value = sum;
                *plan = Plan::Split { covariate: child.covariate, cut: child.ranks[h], left, right };
            }
        }
    }

    /// The best leaf over a cell; of equal arms the first.
    fn leaf(&self, cell: &Cell<N>) -> Plan {
        let better = |best: usize, k: usize| if cell[k] > cell[best] { k } else { best };
        let arm = if self.arms == 2 { usize::from(cell[0] < 0.0) } else { (1..self.arms).fold(0, better) };
        Plan::Leaf { arm }
    }
}

impl<const N: usize> Column<N> {
    /// The values of the `place`-th varying covariate; the sides of its cuts so far by splits along itself.
    fn of<const LIMITED: bool>(
        units: &Units,
        subset: &Subset,
        place: usize,
        cells: &[Cell<N>],
        limits: Limits,
    ) -> Self {
        let covariate = subset.covariates[place];
        let own = &units.ranks[covariate];
        let ends = subset.order(place).iter().zip(subset.lasts(place)).filter(|(_, last)| **last);
        let ranks: Vec<u32> = ends.map(|(&u, _)| own[u as usize]).collect();
        let mut numbers = vec![0; ranks.last().map_or(0, |&rank| rank as usize + 1)];
        ranks.iter().enumerate().for_each(|(g, &rank)| numbers[rank as usize] = g as u32);
        let values: Vec<u32> = subset.members.iter().map(|&u| numbers[own[u as usize] as usize]).collect();
        let mut sums = vec![[0.0; N]; ranks.len()];
        values.iter().zip(cells).for_each(|(&g, cell)| add(&mut sums[g as usize], cell));
        for g in 1..sums.len() {
            let before = sums[g - 1];
            add(&mut sums[g], &before);
        }
        let sides = (1..sums.len()).map(|g| {
            let zero = [0.0; N];
            [(&sums[..g], &zero), (&sums[g..], &sums[g - 1])].map(|(cuts, from)| {
                let all = less(&cuts[cuts.len() - 1], from);
                let mut best = worth::<N, LIMITED>(&all, limits);
                let mut allowed = limits.cuts(count::<N, LIMITED>(&all));
                for cut in &cuts[..cuts.len() - 1] {
                    let part = less(cut, from);
                    if !LIMITED || allowed.tries(count::<N, LIMITED>(&part)) {
                        let value = worth::<N, LIMITED>(&part, limits)
                            + worth::<N, LIMITED>(&less(&all, &part), limits);
                        best = best.max(value);
                    }
                }
                best
            })
        });
        let sides = sides.collect();
        Self { covariate, ranks, values, sums, sides }
    }

    /// Sums over the units with the `g`-th value.
    fn sum_of(&self, g: usize) -> Cell<N> {
        if g == 0 { self.sums[0] } else { less(&self.sums[g], &self.sums[g - 1]) }
    }

    /// Offers the best tree of this depth with each root cut.
    fn offer<const LIMITED: bool>(&self, root: &mut Root, base: f64, depth: usize, limits: Limits) {
        let total = self.sums[self.sums.len() - 1];
        let mut allowed = limits.cuts(count::<N, LIMITED>(&total));
        for (g, sides) in self.sides.iter().enumerate() {
            let left = self.sums[g];
            if LIMITED && !allowed.tries(count::<N, LIMITED>(&left)) {
                continue;
            }
            let value = match depth {
                1 => worth::<N, LIMITED>(&left, limits) + worth::<N, LIMITED>(&less(&total, &left), limits),
                _ => sides[0] + sides[1],
            };
            root.offer(base + value, depth, (self.covariate, self.ranks[g]));
        }
    }
}

/// Fills `table` with the sums over units with the g-th value of `rows` and the h-th of `columns`, at g m + h.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn joint<const N: usize>(rows: &Column<N>, columns: &Column<N>, cells: &[Cell<N>], table: &mut Vec<Cell<N>>) {
    let width = columns.ranks.len();
    table.clear();
    table.resize(rows.ranks.len() * width, [0.0; N]);
    // Cells are fewer than 2^32, see the strategy's largest table.
    let width = width as u32;
    for ((&g, &h), cell) in rows.values.iter().zip(&columns.values).zip(cells) {
        add(&mut table[g.wrapping_mul(width).wrapping_add(h) as usize], cell);
    }
}

/// Raises the sides of the cuts of `root` to the best splits along `child`; `strides` lead from one value of each to the next.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn sweep<const N: usize, const LIMITED: bool>(
    root: &mut Column<N>,
    child: &Column<N>,
    table: &[Cell<N>],
    strides: (usize, usize),
    limits: Limits,
) {
    let mut left = vec![[0.0; N]; child.ranks.len()];
    let total = root.sums[root.sums.len() - 1];
    for g in 0..root.sides.len() {
        let everyone = [root.sums[g], less(&total, &root.sums[g])];
        let mut allowed = everyone.map(|side| limits.cuts(count::<N, LIMITED>(&side)));
        let mut before = [0.0; N];
        for (h, (cell, marginal)) in left.iter_mut().zip(&child.sums).enumerate() {
            add(cell, &table[g * strides.0 + h * strides.1]);
            add(&mut before, cell);
            let parts = [before, less(marginal, &before)];
            for side in 0..2 {
                if !LIMITED || allowed[side].tries(count::<N, LIMITED>(&parts[side])) {
                    let rest = less(&everyone[side], &parts[side]);
                    let value =
                        worth::<N, LIMITED>(&parts[side], limits) + worth::<N, LIMITED>(&rest, limits);
                    let best = &mut root.sides[g][side];
                    *best = if value > *best { value } else { *best };
                }
            }
        }
    }
}
