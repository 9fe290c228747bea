//! Lookahead trees (policytree's hybrid): deep trees by exact shallow ones.
//!
//! At every node the best tree of depth L (`search_depth`) is searched for exactly, its first split is kept, and both sides are treated
//! alike; where no more than L levels are left, the whole tree is. A tree that ends in a leaf ends there. The value is at
//! least that of the best tree of depth L, and that of the best tree of depth D where L = D. Where nobody sets L it is the
//! largest whose forecast lies within the time limit, and 2 where there is none. Where demands on leaves leave no tree of depth L, the
//! least depth that they leave one takes its place. Where the number of covariates is limited, those of the shallow trees found
//! so far are kept, so that every side has a tree.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prescribe_models::tree_rule::{Node, TreeProblem};

use super::few::{Few, Views};
use super::plan::{Found, Outcome, Plan};
use super::search::Shared;
use super::subset::Subset;
use super::units::Units;
use super::{Limits, Work, answer, forecast_of, on_threads, refuse_bounds, shared};
use crate::solve::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};

/// The lookahead solver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookahead {
    /// Depth L of the exact trees; none leaves it to the time limit.
    pub search_depth: Option<usize>,
}

/// Depth of the exact trees that are always within reach.
const LEAST_DEPTH: usize = 2;

impl Lookahead {
    fn depth(self, problem: &TreeProblem, seconds: Option<f64>) -> usize {
        let fits = |depth: &usize| seconds.is_some_and(|seconds| forecast(problem, *depth) <= seconds);
        let most = problem.class.depth;
        let deepest = || (LEAST_DEPTH + 1..=most).take_while(fits).last().unwrap_or(LEAST_DEPTH);
        self.search_depth.unwrap_or_else(deepest).min(most)
    }
}

/// Seconds on one core: every level below the exact trees searches all units once more.
fn forecast(problem: &TreeProblem, search_depth: usize) -> f64 {
    (problem.class.depth - search_depth + 1) as f64 * forecast_of(problem, search_depth)
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

    fn forecast(&self, problem: &TreeProblem) -> Option<f64> {
        Some(forecast(problem, self.depth(problem, None)))
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
            let mut depth = self.depth(problem, options.time_limit);
            loop {
                let work = Work::of(&units, depth, limits, few);
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
                let mut answer = answer(problem, start, &shared, outcome, TerminationStatus::LocallySolved);
                answer.statistics.insert("search_depth".into(), depth.into());
                break answer;
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
