//! Units of a node, cut at the thresholds.

use prescribe_models::leaf_utility::{LeafProblem, LeafSums};
use prescribe_models::tree_rule::splits::Split;

/// A cut of a node, and what lies on its two sides (2 leaves).
pub(super) struct Cut {
    pub split: Split,
    pub sums: LeafSums,
}

/// All of `units` in one leaf.
pub(super) fn whole(problem: &LeafProblem, units: &[usize]) -> LeafSums {
    let mut sums = LeafSums::zero(1, problem.arms());
    units.iter().for_each(|&i| sums.read(0, problem.arm()[i], problem.utility()[i]));
    sums
}

/// The cuts of `units` that leave enough on either side, by covariate, then threshold.
pub(super) fn cuts(problem: &LeafProblem, units: &[usize]) -> Vec<Cut> {
    let of = |covariate: usize| cuts_by(problem, units, covariate);
    (0..problem.x().ncols()).flat_map(of).collect()
}

fn cuts_by(problem: &LeafProblem, units: &[usize], covariate: usize) -> Vec<Cut> {
    let thresholds = &problem.class.thresholds[covariate];
    let value = |i: usize| problem.x()[[i, covariate]];
    let mut order = units.to_vec();
    order.sort_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
    let mut sums = LeafSums::zero(2, problem.arms());
    order.iter().for_each(|&i| sums.read(1, problem.arm()[i], problem.utility()[i]));
    let (mut cuts, mut crossed) = (Vec::new(), 0);
    for (rank, &threshold) in thresholds.iter().enumerate() {
        let before = crossed;
        while crossed < order.len() && value(order[crossed]) <= threshold {
            let i = order[crossed];
            let cell = 2 * problem.arm()[i];
            let y = problem.utility()[i];
            sums.counts[cell] += 1.0;
            sums.sums[cell] += y;
            sums.counts[cell + 1] -= 1.0;
            sums.sums[cell + 1] -= y;
            crossed += 1;
        }
        let enough = crossed >= problem.min_leaf && order.len() - crossed >= problem.min_leaf;
        // A threshold that no unit lies under beyond the one before cuts the node as that one did.
        if enough && crossed > before {
            cuts.push(Cut { split: Split { covariate, threshold, rank }, sums: sums.clone() });
        }
    }
    cuts
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
