//! Lookahead trees (policytree's hybrid): deep trees by exact shallow ones.
//!
//! At every node the best tree of depth L (`search_depth`) is searched for exactly, its first split is kept, and both sides are treated
//! alike; where no more than L levels are left, the whole tree is. A tree that ends in a leaf ends there. The value is at
//! least that of the best tree of depth L, and that of the best tree of depth D where L = D. Where demands on leaves leave no tree
//! of depth L, the least depth that they leave one takes its place. Where the number of covariates is limited, those of the shallow
//! trees found so far are kept, so that every side has a tree.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prescribe_models::tree_rule::{Node, TreeProblem};

use super::few::{Few, Views};
use super::plan::{Found, Outcome, Plan};
use super::search::Shared;
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
            let limits = Limits::of(problem, &units, 1);
            let few = Few::of(problem);
            let mut depth = self.search_depth.min(problem.class.depth);
            loop {
                let work = Work::of(&units, &everyone, depth, limits, few);
                let shared = shared(&units, work, threads, options, watch);
                let growth = Growth { shared: &shared, limits, few };
                let grown = growth.grow(&everyone, problem.class.depth, &mut Views::new());
                let stopped = watch.stopped() || shared.limited.load(Relaxed);
                if grown.is_none() && depth < problem.class.depth && !stopped {
                    depth += 1;
                    continue;
                }
                // Beyond the depth that is searched only the best arm of every unit bounds the value.
                let upper = match &grown {
                    Some(found) if depth == problem.class.depth && !stopped => found.value,
                    Some(_) => units.stakes.iter().sum(),
                    None => f64::NEG_INFINITY,
                };
                let outcome = Outcome { upper, found: grown };
                break answer(problem, start, &shared, outcome, TerminationStatus::LocallySolved);
            }
        })
    }
}

/// A tree that grows.
struct Growth<'a> {
    shared: &'a Shared<'a>,
    limits: Limits,
    few: Few<'a>,
}

impl Growth<'_> {
    /// The tree of at most `depth` over `subset`; `chosen` has the covariates that trees look at so far.
    fn grow(&self, subset: &Subset, depth: usize, chosen: &mut Views) -> Option<Found> {
        let Self { shared, limits, few } = *self;
        let outcome = few.best(shared, subset, depth.min(shared.depth), limits, chosen);
        chosen.extend(few.looked_at(&outcome));
        let found = outcome.found?;
        let Plan::Split { covariate, cut, .. } = *found.plan else { return Some(found) };
        if depth <= shared.depth {
            return Some(found);
        }
        let mut side =
            |left: bool| self.grow(&subset.side(shared.units, covariate, cut, left), depth - 1, chosen);
        // Only a search that was stopped leaves a side without a tree.
        let Some((left, right)) = side(true).zip(side(false)) else { return Some(found) };
        let plan = Plan::Split { covariate, cut, left: left.plan, right: right.plan };
        Some(Found { value: left.value + right.value, plan: Arc::new(plan) })
    }
}
