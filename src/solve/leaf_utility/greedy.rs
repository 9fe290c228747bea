//! The greedy tree: one best cut after the other, the leaf whose cut raises the tree's value most first.
//!
//! Under a joint prior every step values the whole tree anew, so that leaves elsewhere gain or lose by a cut too. Of the cuts of a leaf along a
//! covariate nine are tried, evenly spread, and around the best of all leaves and covariates ever finer ones.

use prescribe_models::Model;
use prescribe_models::leaf_utility::{LeafProblem, LeafSums};
use prescribe_models::tree_rule::Node;
use prescribe_models::tree_rule::splits::Split;
use rayon::prelude::*;
use serde_json::Map;

use super::super::threads::on_threads;
use super::super::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};
use super::node::{Cut, Line, joined, whole};

/// The greedy solver.
#[derive(Clone, Copy, Debug)]
pub struct LeafGreedy;

impl Solver<LeafProblem> for LeafGreedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _problem: &LeafProblem) -> Result<Promise, Unsupported> {
        Ok(Promise::Heuristic)
    }

    fn search(
        &self,
        problem: &LeafProblem,
        start: Option<&Node>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Node>, SolveError> {
        let grown = on_threads("greedy", options.threads, || grow(problem, watch))?;
        let grown = problem.assigned(&grown);
        let kept = start.filter(|tree| problem.violations(tree).is_empty());
        let better = |tree: &&Node| problem.objective(tree) > problem.objective(&grown);
        let best = kept.filter(better).cloned().unwrap_or(grown);
        watch.tell("greedy", Some(problem.objective(&best)), None, 0);
        Ok(Answer {
            point: Some(best),
            claimed: None,
            bound: None,
            termination: match watch.stop() {
                None => TerminationStatus::LocallySolved,
                Some(_) => watch.termination(),
            },
            raw_status: "no cut helps".into(),
            nodes: None,
            iterations: None,
            statistics: Map::new(),
        })
    }
}

/// Cuts along a covariate at which the best is first looked for; between two of them, around the best, as many again.
const GRID: usize = 9;

/// A leaf of the tree as it grows.
struct Open {
    units: Vec<usize>,
    depth: usize,
    sums: LeafSums,
}

/// A cut of a leaf: the number of the leaf and of the cut on its line, and the value of the tree with it.
struct Best {
    leaf: usize,
    place: usize,
    split: Split,
    value: f64,
}

/// The tree without the leaves' arms.
fn grow(problem: &LeafProblem, watch: &Watch) -> Node {
    let all: Vec<usize> = (0..problem.units()).collect();
    let sums = whole(problem, &all);
    let mut value = problem.value(&sums);
    let mut tree = Node::Leaf { arm: 0 };
    let mut leaves = vec![Open { units: all, depth: 0, sums }];
    while let Some(best) = best_cut(problem, &leaves, watch).filter(|best| best.value > value) {
        value = best.value;
        let Open { units, depth, .. } = leaves.remove(best.leaf);
        let goes_left = |i: &usize| problem.x()[[*i, best.split.covariate]] <= best.split.threshold;
        let (left, right): (Vec<usize>, Vec<usize>) = units.into_iter().partition(goes_left);
        let open = |units: Vec<usize>| Open { sums: whole(problem, &units), units, depth: depth + 1 };
        leaves.splice(best.leaf..best.leaf, [open(left), open(right)]);
        let mut place = best.leaf as isize;
        tree = with_split(tree, &mut place, best.split);
    }
    tree
}

/// The cut that makes the tree's value largest, the first on ties.
fn best_cut(problem: &LeafProblem, leaves: &[Open], watch: &Watch) -> Option<Best> {
    let mut found: Option<(Best, Line, usize)> = None;
    for leaf in (0..leaves.len()).filter(|&leaf| leaves[leaf].depth < problem.class.depth) {
        for covariate in 0..problem.x().ncols() {
            if watch.stop().is_some() {
                return None;
            }
            let line = Line::of(problem, &leaves[leaf].units, covariate);
            let step = (line.len() / (GRID + 1)).max(1);
            let grid = (step - 1..line.len()).step_by(step);
            let best = best_on(problem, leaves, leaf, (&line, grid));
            if let Some(best) = best
                && found.as_ref().is_none_or(|(most, ..)| best.value > most.value)
            {
                found = Some((best, line, step));
            }
        }
    }
    let (mut best, line, mut step) = found?;
    while step > 1 {
        let around = best.place.saturating_sub(step - 1)..(best.place + step).min(line.len());
        step = (step / (GRID - 1)).max(1);
        let next = best_on(problem, leaves, best.leaf, (&line, around.step_by(step)));
        best = next.filter(|next| next.value > best.value).unwrap_or(best);
    }
    Some(best)
}

/// The best of some cuts of a leaf.
fn best_on(
    problem: &LeafProblem,
    leaves: &[Open],
    leaf: usize,
    (line, places): (&Line, impl Iterator<Item = usize> + Clone),
) -> Option<Best> {
    let side = |leaves: &[Open]| leaves.iter().map(|open| open.sums.clone()).reduce(|a, b| joined(&a, &b));
    let (before, after) = (side(&leaves[..leaf]), side(&leaves[leaf + 1..]));
    let value = |cut: &Cut| {
        let left = before.as_ref().map(|before| joined(before, &cut.sums));
        let left = left.as_ref().unwrap_or(&cut.sums);
        after.as_ref().map_or_else(|| problem.value(left), |after| problem.value(&joined(left, after)))
    };
    let cuts = line.cuts(problem, places.clone());
    let values: Vec<f64> = cuts.par_iter().map(value).collect();
    let each = places.zip(cuts).zip(values);
    let each = each.map(|((place, cut), value)| Best { leaf, place, split: cut.split, value });
    each.reduce(|best, next| if next.value > best.value { next } else { best })
}

/// The tree with its leaf number `leaf` split; leaves beyond it have negative numbers.
fn with_split(tree: Node, leaf: &mut isize, split: Split) -> Node {
    let nothing = || Node::Leaf { arm: 0 };
    match tree {
        Node::Leaf { .. } => {
            *leaf -= 1;
            match *leaf {
                -1 => Node::split(split.covariate, split.threshold, nothing(), nothing()),
                _ => nothing(),
            }
        }
        Node::Split { covariate, threshold, left, right } => {
            let left = with_split(*left, leaf, split);
            Node::split(covariate, threshold, left, with_split(*right, leaf, split))
        }
    }
}
