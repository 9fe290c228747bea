//! Lookahead trees (policytree's hybrid): deep trees by exact shallow ones.
//!
//! At every node the best tree of depth L (`search_depth`) is searched for exactly, its first split is kept, and both sides are treated
//! alike; where no more than L levels are left, the whole tree is. A tree that ends in a leaf ends there. The value is at
//! least that of the best tree of depth L, and that of the best tree of depth D where L = D.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prescribe_models::tree_rule::{Node, TreeProblem};

use super::plan::{Found, Outcome, Plan};
use super::search::{Memory, Search, Shared};
use super::subset::Subset;
use super::units::Units;
use super::{Limits, Work, answer, on_threads, refuse_bounds, shared};
use crate::solve::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};

/// The lookahead solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookahead {
    /// Depth L of the exact trees.
    pub search_depth: usize,
}

impl Default for Lookahead {
    fn default() -> Self {
        Self { search_depth: 2 }
    }
}

impl Solver<TreeProblem> for Lookahead {
    fn name(&self) -> &'static str {
        "lookahead"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &TreeProblem) -> Result<Promise, Unsupported> {
        refuse_bounds(problem, "lookahead").map(|()| Promise::Heuristic)
    }

    fn search(
        &self,
        problem: &TreeProblem,
        start: Option<&Node>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Node>, SolveError> {
        on_threads(problem, options, |threads| {
            let units = Units::of(problem, threads);
            let everyone = Subset::all(&units, threads);
            let depth = self.search_depth.min(problem.class.depth);
            let shared = shared(&units, Work::of(&units, depth), depth, threads, options, watch);
            let limits = Limits { least: problem.minimum_leaf_size(), step: 1 };
            let grown = grow(&shared, &everyone, problem.class.depth, limits);
            // Beyond the depth that is searched only the best arm of every unit bounds the value.
            let exact = depth == problem.class.depth && !watch.stopped() && !shared.limited.load(Relaxed);
            let upper = match &grown {
                Some(found) if exact => found.value,
                Some(_) => units.stakes.iter().sum(),
                None => f64::NEG_INFINITY,
            };
            let outcome = Outcome { upper, found: grown };
            answer(problem, start, &shared, outcome, TerminationStatus::LocallySolved)
        })
    }
}

/// The tree of at most `depth` over `subset`.
fn grow(shared: &Shared, subset: &Subset, depth: usize, limits: Limits) -> Option<Found> {
    let nothing = Memory::new();
    let found = Search::new(shared, &nothing).whole(subset, depth.min(shared.depth), limits).found?;
    let Plan::Split { covariate, cut, .. } = *found.plan else { return Some(found) };
    if depth <= shared.depth {
        return Some(found);
    }
    let side = |left: bool| grow(shared, &subset.side(shared.units, covariate, cut, left), depth - 1, limits);
    let (left, right) = (side(true)?, side(false)?);
    let plan = Plan::Split { covariate, cut, left: left.plan, right: right.plan };
    Some(Found { value: left.value + right.value, plan: Arc::new(plan) })
}
