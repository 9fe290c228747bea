//! Depth-2 trees over covariates of few values: joint histograms of every two covariates.
//!
//! ```text
//! H[g, h] = sum of rewards over units with the g-th value of covariate i and the h-th of covariate j
//! ```
//!
//! Adding up H along j gives the units left of a root cut of j by their values of i, and a sweep along i the best split of each
//! side; the other way round for root cuts of i. O(p^2 (|S| K + m_i m_j K)), whatever the number of units behind a value.

use multiversion::multiversion;

use super::Limits;
use super::cells::{Cell, Root, add, base, count, less, of_unit, sized, worth};
use super::subset::Subset;
use super::units::Units;

/// The root of the best tree of depth at most 2.
pub fn pairs(units: &Units, subset: &Subset, limits: Limits) -> Root {
    sized!(units.arms, !limits.none(), search(units, subset, limits))
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

fn search<const N: usize, const LIMITED: bool>(units: &Units, subset: &Subset, limits: Limits) -> Root {
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
    root
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
