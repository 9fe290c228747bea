//! Every tree of depth 1 or 2 over the candidate thresholds.

use prescribe_models::Model;
use prescribe_models::leaf_utility::{LeafProblem, LeafSums};
use prescribe_models::tree_rule::Node;
use prescribe_models::tree_rule::splits::Split;
use rayon::prelude::*;
use serde_json::Map;

use super::super::threads::on_threads;
use super::super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};
use super::node::{Cut, cuts, joined, whole};

/// The exact solver.
#[derive(Clone, Copy, Debug)]
pub struct LeafSearch;

/// Deeper trees are too many.
const MOST_LEVELS: usize = 2;

impl Solver<LeafProblem> for LeafSearch {
    fn name(&self) -> &'static str {
        "search"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &LeafProblem) -> Result<Promise, Unsupported> {
        if problem.class.depth <= MOST_LEVELS {
            return Ok(Promise::Exact);
        }
        Err(Unsupported {
            solver: "search".into(),
            part: format!("trees of depth {}", problem.class.depth),
            remedy: format!("ask for a depth of at most {MOST_LEVELS}, or use greedy"),
        })
    }

    fn search(
        &self,
        problem: &LeafProblem,
        start: Option<&Node>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Node>, SolveError> {
        let best = on_threads("search", options.threads, || best_tree(problem, watch))?;
        let stopped = watch.stop().is_some();
        let found = problem.assigned(&best.tree);
        let kept = start.filter(|tree| problem.violations(tree).is_empty());
        let better = |tree: &&Node| problem.objective(tree) > problem.objective(&found);
        let point = kept.filter(better).cloned().unwrap_or(found);
        let value = problem.objective(&point);
        watch.tell("search", Some(value), None, best.trees);
        Ok(Answer {
            point: Some(point),
            claimed: None,
            // Sums are taken in another order here than by the model.
            bound: (!stopped).then_some((best.value.max(value), BoundProof::Search)),
            termination: if stopped { watch.termination() } else { TerminationStatus::Optimal },
            raw_status: if stopped { "stopped" } else { "enumerated" }.into(),
            nodes: Some(best.trees),
            iterations: None,
            statistics: Map::new(),
        })
    }
}

/// A tree (its leaves without their arms), its value, and how many trees it is the best of.
struct Best {
    tree: Node,
    value: f64,
    trees: u64,
}

impl Best {
    /// The better of two, the first on a tie.
    fn or(self, other: Best) -> Best {
        let trees = self.trees + other.trees;
        let better = if other.value > self.value { other } else { self };
        Best { trees, ..better }
    }
}

fn best_tree(problem: &LeafProblem, watch: &Watch) -> Best {
    let units: Vec<usize> = (0..problem.units()).collect();
    let leaf = valued(problem, Node::Leaf { arm: 0 }, &whole(problem, &units));
    let roots = cuts(problem, &units);
    let below = |root: &Cut| match problem.class.depth {
        _ if watch.stop().is_some() => None,
        1 => Some(valued(problem, stump(root.split), &root.sums)),
        _ => Some(best_below(problem, root, watch)),
    };
    let found: Vec<Option<Best>> = roots.par_iter().map(below).collect();
    found.into_iter().flatten().fold(leaf, Best::or)
}

fn valued(problem: &LeafProblem, tree: Node, sums: &LeafSums) -> Best {
    Best { tree, value: problem.value(sums), trees: 1 }
}

fn stump(split: Split) -> Node {
    Node::split(split.covariate, split.threshold, Node::Leaf { arm: 0 }, Node::Leaf { arm: 0 })
}

/// The best tree under a root cut: every subtree on the left with every one on the right.
fn best_below(problem: &LeafProblem, root: &Cut, watch: &Watch) -> Best {
    let goes_left = |i: &usize| problem.x()[[*i, root.split.covariate]] <= root.split.threshold;
    let (left, right): (Vec<usize>, Vec<usize>) = (0..problem.units()).partition(goes_left);
    let (left, right) = (subtrees(problem, &left), subtrees(problem, &right));
    let tree = |left: &Node, right: &Node| {
        Node::split(root.split.covariate, root.split.threshold, left.clone(), right.clone())
    };
    let mut best: Option<Best> = None;
    for (on_left, of_left) in &left {
        for (on_right, of_right) in &right {
            let next = valued(problem, tree(on_left, on_right), &joined(of_left, of_right));
            best = Some(match best {
                Some(best) => best.or(next),
                None => next,
            });
        }
        if watch.stop().is_some() {
            break;
        }
    }
    // Both sides offer at least their leaf.
    best.unwrap_or_else(|| valued(problem, stump(root.split), &root.sums))
}

/// The leaf over some units, and their stumps.
fn subtrees(problem: &LeafProblem, units: &[usize]) -> Vec<(Node, LeafSums)> {
    let leaf = (Node::Leaf { arm: 0 }, whole(problem, units));
    let cuts = cuts(problem, units).into_iter();
    std::iter::once(leaf).chain(cuts.map(|cut| (stump(cut.split), cut.sums))).collect()
}
