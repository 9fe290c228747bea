//! The greedy tree: at every node the best single split, looking no further.
//!
//! A heuristic (CART's order of decisions with the policy objective), here because it is the cheap start and the
//! yardstick of every exact method.

use prescribe_models::tree_rule::splits::{Bin, Stump, bins, stumps};
use prescribe_models::tree_rule::{Node, TreeProblem};
use prescribe_models::{Model, RuleClass};
use serde_json::Map;

use super::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};

/// The greedy solver.
#[derive(Clone, Copy, Debug)]
pub struct Greedy;

impl Solver<TreeProblem> for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &TreeProblem) -> Result<Promise, Unsupported> {
        match problem.assignment_bounds().next() {
            None => Ok(Promise::Heuristic),
            Some(bound) => Err(Unsupported {
                solver: "greedy".into(),
                part: format!("the constraint {}", bound.name),
                remedy: "use --solver milp".into(),
            }),
        }
    }

    fn search(
        &self,
        problem: &TreeProblem,
        start: Option<&Node>,
        _options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Node>, SolveError> {
        let bins = bins(problem);
        let grown = grow(problem, bins.iter().collect(), problem.class.depth).simplified();
        let kept = start.filter(|tree| problem.violations(tree).is_empty());
        let best =
            kept.filter(|tree| problem.objective(tree) > problem.objective(&grown)).cloned().unwrap_or(grown);
        // Where not even one leaf holds enough units, no tree does.
        let feasible = problem.units() >= problem.minimum_leaf_size();
        if feasible {
            watch.tell("greedy", Some(problem.objective(&best)), None, 0);
        }
        Ok(Answer {
            point: Some(best).filter(|_| feasible),
            claimed: None,
            bound: None,
            termination: match feasible {
                true => TerminationStatus::LocallySolved,
                false => TerminationStatus::Infeasible,
            },
            raw_status: if feasible { "grown" } else { "fewer units than one leaf needs" }.into(),
            nodes: None,
            iterations: None,
            statistics: Map::new(),
        })
    }
}

fn grow(problem: &TreeProblem, bins: Vec<&Bin>, depth: usize) -> Node {
    let options = stumps(&bins, &problem.class.thresholds, problem.arms.len(), problem.minimum_leaf_size());
    let better = |best: Stump, next: Stump| if next.value > best.value { next } else { best };
    // `stumps` always offers at least the leaf.
    let Some(best) = options.into_iter().reduce(better) else {
        return problem.class.constant(0, 0);
    };
    match best.split {
        Some(split) if depth > 1 => {
            let (left, right): (Vec<_>, Vec<_>) = bins.into_iter().partition(|bin| bin.goes_left(&split));
            let (left, right) = (grow(problem, left, depth - 1), grow(problem, right, depth - 1));
            Node::split(split.covariate, split.threshold, left, right)
        }
        _ => best.node(),
    }
}
