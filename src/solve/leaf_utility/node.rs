//! Units of a node, cut at the thresholds.

use prescribe_models::leaf_utility::{LeafProblem, LeafSums};
use prescribe_models::tree_rule::splits::Split;

/// A cut of a node, and what lies on its two sides (2 leaves).
pub(super) struct Cut {
    pub split: Split,
    pub sums: LeafSums,
}

/// The units of a node in the order of a covariate, and where they may be cut.
pub(super) struct Line {
    covariate: usize,
    order: Vec<usize>,
    /// Rank of the threshold and units that go left, for each cut that leaves enough on either side.
    places: Vec<(usize, usize)>,
}

impl Line {
    pub fn of(problem: &LeafProblem, units: &[usize], covariate: usize) -> Self {
        let value = |i: usize| problem.x()[[i, covariate]];
        let mut order = units.to_vec();
        order.sort_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
        let (mut places, mut crossed) = (Vec::new(), 0);
        for (rank, &threshold) in problem.class.thresholds[covariate].iter().enumerate() {
            let before = crossed;
            crossed += order[crossed..].partition_point(|&i| value(i) <= threshold);
            let enough = crossed >= problem.min_leaf && order.len() - crossed >= problem.min_leaf;
            // A threshold with no unit between it and the one before cuts the node as that one did.
            if enough && crossed > before {
                places.push((rank, crossed));
            }
        }
        Self { covariate, order, places }
    }

    /// The number of cuts.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The cuts with these numbers, ascending.
    pub fn cuts(&self, problem: &LeafProblem, wanted: impl Iterator<Item = usize>) -> Vec<Cut> {
        let mut sums = LeafSums::zero(2, problem.arms());
        self.order.iter().for_each(|&i| sums.read(1, problem.arm()[i], problem.utility()[i]));
        let mut crossed = 0;
        let mut cut = |number: usize| {
            let (rank, left) = self.places[number];
            for &i in &self.order[crossed..left] {
                let (cell, y) = (2 * problem.arm()[i], problem.utility()[i]);
                sums.counts[cell] += 1.0;
                sums.sums[cell] += y;
                sums.counts[cell + 1] -= 1.0;
                sums.sums[cell + 1] -= y;
            }
            crossed = left;
            let threshold = problem.class.thresholds[self.covariate][rank];
            Cut { split: Split { covariate: self.covariate, threshold, rank }, sums: sums.clone() }
        };
        wanted.map(&mut cut).collect()
    }
}

/// All of `units` in one leaf.
pub(super) fn whole(problem: &LeafProblem, units: &[usize]) -> LeafSums {
    let mut sums = LeafSums::zero(1, problem.arms());
    units.iter().for_each(|&i| sums.read(0, problem.arm()[i], problem.utility()[i]));
    sums
}

/// All cuts of `units`, by covariate, then threshold.
pub(super) fn cuts(problem: &LeafProblem, units: &[usize]) -> Vec<Cut> {
    let by = |covariate: usize| {
        let line = Line::of(problem, units, covariate);
        line.cuts(problem, 0..line.len())
    };
    (0..problem.x().ncols()).flat_map(by).collect()
}

/// The leaves of both, those of `left` first.
pub(super) fn joined(left: &LeafSums, right: &LeafSums) -> LeafSums {
    let mut sums = LeafSums::zero(left.leaves() + right.leaves(), left.arms());
    for k in 0..left.arms() {
        let (from, leaves) = (k * sums.leaves(), sums.leaves());
        let counts = left.counts_of(k).iter().chain(right.counts_of(k));
        sums.counts[from..from + leaves].iter_mut().zip(counts).for_each(|(to, count)| *to = *count);
        let totals = left.sums_of(k).iter().chain(right.sums_of(k));
        sums.sums[from..from + leaves].iter_mut().zip(totals).for_each(|(to, total)| *to = *total);
    }
    sums.square = left.square + right.square;
    sums
}
