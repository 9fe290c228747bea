//! The greedy tree: one best cut after the other, the leaf whose cut raises the tree's value most first.
//!
//! Under a joint prior every step values the whole tree anew, so that leaves elsewhere gain or lose by a cut too.

use prescribe_models::Model;
use prescribe_models::leaf_utility::{LeafProblem, LeafSums};
use prescribe_models::tree_rule::Node;
use prescribe_models::tree_rule::splits::Split;
use rayon::prelude::*;
use serde_json::Map;

use super::super::threads::on_threads;
use super::super::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};
use super::node::{cuts, joined, whole};

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

/// A leaf of the tree as it grows.
struct Open {
    units: Vec<usize>,
    depth: usize,
    sums: LeafSums,
}

/// The tree without the leaves' arms.
fn grow(problem: &LeafProblem, watch: &Watch) -> Node {
    let all: Vec<usize> = (0..problem.units()).collect();
    let sums = whole(problem, &all);
    let mut value = problem.best(&sums).1;
    let mut tree = Node::Leaf { arm: 0 };
    let mut leaves = vec![Open { units: all, depth: 0, sums }];
    while let Some((leaf, split, raised)) = best_cut(problem, &leaves, watch) {
        if raised <= value {
            break;
        }
        value = raised;
        let Open { units, depth, .. } = leaves.remove(leaf);
        let (left, right): (Vec<usize>, Vec<usize>) =
            units.into_iter().partition(|&i| problem.x()[[i, split.covariate]] <= split.threshold);
        let open = |units: Vec<usize>| Open { sums: whole(problem, &units), units, depth: depth + 1 };
        leaves.splice(leaf..leaf, [open(left), open(right)]);
        tree = with_split(tree, &mut leaf.clone(), split);
    }
    tree
}

/// The leaf and its cut that make the tree's value largest, and that value; the first on ties.
fn best_cut(problem: &LeafProblem, leaves: &[Open], watch: &Watch) -> Option<(usize, Split, f64)> {
    let mut best: Option<(usize, Split, f64)> = None;
    for (l, leaf) in leaves.iter().enumerate().filter(|(_, leaf)| leaf.depth < problem.class.depth) {
        if watch.stop().is_some() {
            return None;
        }
        let side =
            |leaves: &[Open]| leaves.iter().map(|leaf| leaf.sums.clone()).reduce(|a, b| joined(&a, &b));
        let (before, after) = (side(&leaves[..l]), side(&leaves[l + 1..]));
        let value = |sums: &LeafSums| {
            let with_left = before.as_ref().map_or_else(|| sums.clone(), |before| joined(before, sums));
            let tree = after.as_ref().map_or_else(|| with_left.clone(), |after| joined(&with_left, after));
            problem.best(&tree).1
        };
        let valued: Vec<(Split, f64)> =
            cuts(problem, &leaf.units).par_iter().map(|cut| (cut.split, value(&cut.sums))).collect();
        for (split, value) in valued {
            if best.is_none_or(|(_, _, most)| value > most) {
                best = Some((l, split, value));
            }
        }
    }
    best
}

/// The tree with its leaf number `leaf` split.
fn with_split(tree: Node, leaf: &mut usize, split: Split) -> Node {
    let nothing = || Node::Leaf { arm: 0 };
    match tree {
        Node::Leaf { .. } if *leaf == 0 => {
            *leaf = usize::MAX;
            Node::split(split.covariate, split.threshold, nothing(), nothing())
        }
        Node::Leaf { .. } => {
            *leaf -= 1;
            nothing()
        }
        Node::Split { covariate, threshold, left, right } => {
            let left = with_split(*left, leaf, split);
            Node::split(covariate, threshold, left, with_split(*right, leaf, split))
        }
    }
}
