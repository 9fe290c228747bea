//! The greedy tree: at every node the best single split, looking no further.
//!
//! A heuristic (CART's order of decisions with the policy objective), here because it is the cheap start and the
//! yardstick of every exact method.

use prescribe_models::tree_rule::splits::{Bin, Stump, bins, is_enough, stumps};
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
        match problem.side().iter().find(|constraint| constraint.binds() && !constraint.is_on_leaves()) {
            None => Ok(Promise::Heuristic),
            Some(constraint) => Err(Unsupported {
                solver: "greedy".into(),
                part: format!("the constraint {}", constraint.name()),
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
        let least: Vec<usize> = problem.leaf_demands().iter().map(|demand| demand.least).collect();
        let grown = grow(problem, bins.iter().collect(), problem.class.depth, &least).simplified();
        let kept = start.filter(|tree| problem.violations(tree).is_empty());
        let best =
            kept.filter(|tree| problem.objective(tree) > problem.objective(&grown)).cloned().unwrap_or(grown);
        // Where not even one leaf holds enough units, no tree does.
        let feasible = is_enough(&bins, &least);
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

fn grow(problem: &TreeProblem, bins: Vec<&Bin>, depth: usize, least: &[usize]) -> Node {
    let options = stumps(&bins, &problem.class.thresholds, problem.arms.len(), least);
    let better = |best: Stump, next: Stump| if next.value > best.value { next } else { best };
    // `stumps` offers at least the leaf, where one over all units holds enough.
    let Some(best) = options.into_iter().reduce(better) else {
        return problem.class.constant(0, 0);
    };
    match best.split {
        Some(split) if depth > 1 => {
            let (left, right): (Vec<_>, Vec<_>) = bins.into_iter().partition(|bin| bin.goes_left(&split));
            let (left, right) =
                (grow(problem, left, depth - 1, least), grow(problem, right, depth - 1, least));
            Node::split(split.covariate, split.threshold, left, right)
        }
        _ => best.node(),
    }
}
