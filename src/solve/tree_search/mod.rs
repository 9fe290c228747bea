//! Exact policy trees by search: every tree is looked into or shown to earn less.
//!
//! A tree of depth d is a root cut and two trees of depth d - 1. Looking into one root cut bounds what its neighbours can earn
//! (`frontier`), so that of thousands of cuts some hundred are looked into. The value is the sum of whole numbers (`units`), and the
//! tree that comes back is the first of the best: shallowest, then by covariate, threshold and arm, in every node.
//!
//! | file | what it holds |
//! |---|---|
//! | `units` | the problem in ranks and whole numbers, equal units merged |
//! | `demands` | what leaves must hold and may not give, counted beside the sums |
//! | `subset` | the units of a node, sorted by every covariate |
//! | `stump` | depth 1: one sweep along each covariate |
//! | `scan` | depth 2: several root cuts at once, streaming over the orders of the children |
//! | `pairs` | depth 2 over covariates of few values, by joint histograms |
//! | `refine` | depth 2 at the top over many units, covariates and arms: intervals of root cuts |
//! | `bins`, `sweep` | the units in bins, and bounds on these intervals |
//! | `binary` | depth 2 and 3 over covariates of two values, by sums over pairs and triples |
//! | `cells` | the sums that these two add up |
//! | `strategy` | which way a node is searched, by forecast of its cost |
//! | `frontier` | which root cuts are still open, and their bounds |
//! | `search` | the recursion |
//! | `few` | trees that look at few covariates, by sets of covariates |
//! | `plan` | what a node brings back |
//! | `lookahead` | deep trees by exact shallow ones, a heuristic |
//!
//! Split step s (policytree's `split.step`): along each covariate of a node a cut is tried where at least s of the node's units lie
//! between it and the last cut tried (or the smallest value), and both sides hold the minimum leaf size. Which trees that leaves out
//! depends on the data, so a step above 1 proves nothing about all trees: the answer is the best among those it allows, `LOCALLY_SOLVED`,
//! with `restriction` and `restricted_bound` in the statistics. It does not save time either; it is there to repeat policytree's answers.

mod binary;
mod bins;
mod cells;
mod demands;
mod few;
mod frontier;
mod lookahead;
mod pairs;
mod plan;
mod refine;
mod scan;
mod search;
mod strategy;
mod stump;
mod subset;
mod sweep;
mod units;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use prescribe_models::tree_rule::{Node, TreeProblem};
use prescribe_models::{Model, SideConstraint};
use rayon::prelude::*;
use serde_json::{Map, json};

use super::constraints::refuse_others;
use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, Stop, TerminationStatus, Unsupported, Watch,
    threads,
};
use few::{Few, Views};
pub use lookahead::Lookahead;
use plan::Outcome;
use refine::{Resolution, refine};
use search::Shared;
use strategy::{Strategy, binned, forecast, reading};
use subset::Subset;
use units::Units;
pub(super) use units::whole_numbers;

/// Batches of root cuts in a round where rounds are worth it.
const ROUND: usize = 16;
/// Seconds of work that are worth rounds of several batches.
const WORTH_ROUNDS: f64 = 0.1;
/// Why there is no choice of strategy under demands on leaves.
const COUNTED: &str = "tables of sums do not count who received an arm or may not get it";
/// Cells of the covariates, times ten for every level beyond the second, that are worth more than one thread.
const WORTH_THREADS: usize = 20_000;

/// The exact search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeSearch {
    /// Fewest units between two cuts of a node that are tried; 1 tries all.
    pub split_step: usize,
}

impl Default for TreeSearch {
    fn default() -> Self {
        Self { split_step: 1 }
    }
}

/// What every split must respect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    /// Fewest units in a leaf.
    least: usize,
    /// Fewest units between two cuts that are tried.
    step: usize,
    /// Whether the units' other demands on leaves are asked for.
    demands: bool,
}

impl Limits {
    const NONE: Self = Self { least: 1, step: 1, demands: false };

    fn of(problem: &TreeProblem, units: &Units, step: usize) -> Self {
        Self { least: problem.minimum_leaf_size(), step, demands: units.demands.any() }
    }

    fn none(self) -> bool {
        self == Self::NONE
    }

    /// The way to search a node; tables of sums do not know the demands.
    fn strategy(self, arms: usize, len: usize, values: &[usize], depth: usize) -> Strategy {
        if self.demands { Strategy::Bisection } else { Strategy::of(arms, len, values, depth) }
    }

    /// The cuts along one covariate of a node with so many units.
    fn cuts(self, everyone: usize) -> Allowed {
        Allowed { limits: self, everyone, tried: 0 }
    }
}

/// Says of one cut after the other whether it is tried.
struct Allowed {
    limits: Limits,
    everyone: usize,
    /// Units before the last cut tried.
    tried: usize,
}

impl Allowed {
    /// Whether the cut with so many units before it is tried.
    fn tries(&mut self, before: usize) -> bool {
        let Limits { least, step, .. } = self.limits;
        let tries = before >= least && self.everyone >= before + least && before >= self.tried + step;
        if tries {
            self.tried = before;
        }
        tries
    }
}

impl Solver<TreeProblem> for TreeSearch {
    fn name(&self) -> &'static str {
        "search"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &TreeProblem) -> Result<Promise, Unsupported> {
        let promise = if self.split_step == 1 { Promise::Exact } else { Promise::Heuristic };
        refuse_bounds(problem, "search").map(|()| promise)
    }

    fn forecast(&self, problem: &TreeProblem) -> Option<f64> {
        let seconds = forecast_of(problem, problem.class.depth);
        let size = |c: &SideConstraint| matches!(c, SideConstraint::MinimumLeafSize(_));
        let alone = self.split_step == 1 && problem.side().iter().all(|c| size(c) || !c.binds());
        let binned = (problem.class.depth == 2 && alone)
            .then(|| binned(problem.arms.len(), problem.units(), &values(problem), seconds));
        Some(binned.flatten().unwrap_or(seconds))
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
            let depth = problem.class.depth;
            let limits = Limits::of(problem, &units, self.split_step);
            let few = Few::of(problem);
            let work = Work::top(&units, depth, limits, few);
            let shared = shared(&units, work, threads, options, watch);
            let outcome = match work.strategy {
                Strategy::Intervals => refine(&shared, limits, Resolution::USUAL),
                _ => few.best(&shared, &Subset::all(&units, threads), depth, limits, &Views::new()),
            };
            if self.split_step == 1 {
                return answer(problem, start, &shared, outcome, TerminationStatus::Optimal);
            }
            restricted(
                answer(problem, start, &shared, outcome, TerminationStatus::LocallySolved),
                limits.step,
            )
        })
    }

    /// The first rounds find good trees anyhow.
    fn wants_start(&self) -> bool {
        false
    }
}

/// A node's search keeps what can be said of a leaf by itself, and a search over sets of covariates what can be said of these.
fn refuse_bounds(problem: &TreeProblem, solver: &str) -> Result<(), Unsupported> {
    let few = |constraint: &SideConstraint| matches!(constraint, SideConstraint::MaximumCovariates(_));
    let barred = |constraint: &SideConstraint| matches!(constraint, SideConstraint::Eligibility(_));
    refuse_others(problem, solver, |side| side.is_on_leaves() || few(side) || barred(side))
}

/// Seconds on one core that the best tree of a depth may take.
fn forecast_of(problem: &TreeProblem, depth: usize) -> f64 {
    let (arms, units) = (problem.arms.len(), problem.units());
    forecast(arms, units, &values(problem), depth) + reading(arms, units, problem.class.thresholds.len())
}

/// How many values of each covariate can be told apart.
fn values(problem: &TreeProblem) -> Vec<usize> {
    problem.class.thresholds.iter().map(|list| list.len() + 1).collect()
}

/// What a search is about to do.
#[derive(Clone, Copy, Debug)]
struct Work {
    depth: usize,
    strategy: Strategy,
    reason: &'static str,
    /// Whether sets of covariates are searched one by one: what is found in them need not be allowed.
    in_parts: bool,
    /// Forecast on one core, without demands.
    seconds: f64,
}

impl Work {
    fn of(units: &Units, depth: usize, limits: Limits, few: Few) -> Self {
        let (arms, len, values) = (units.arms, units.len(), units.values());
        let strategy = limits.strategy(arms, len, &values, depth);
        let reason = if limits.demands { COUNTED } else { strategy.reason() };
        let count = units.counts.iter().map(|count| *count as usize).sum();
        let seconds = forecast(arms, len, &values, depth) + reading(arms, count, units.ranks.len());
        Self { depth, strategy, reason, in_parts: few.most.is_some(), seconds }
    }

    /// Of an exact search of the whole tree.
    fn top(units: &Units, depth: usize, limits: Limits, few: Few) -> Self {
        let work = Self::of(units, depth, limits, few);
        let alone = limits == Limits { least: limits.least, ..Limits::NONE } && !work.in_parts;
        if depth != 2 || !alone || work.strategy != Strategy::Bisection {
            return work;
        }
        match binned(units.arms, units.len(), &units.values(), work.seconds) {
            Some(seconds) => {
                Self { strategy: Strategy::Intervals, reason: Strategy::Intervals.reason(), seconds, ..work }
            }
            None => work,
        }
    }
}

/// The same answer without a claim about the trees that a split step leaves out.
fn restricted(mut answer: Answer<Node>, step: usize) -> Answer<Node> {
    let bound = answer.bound.take().map(|(value, _)| value);
    let restriction = format!("at least {step} units between two cuts that are tried in a node");
    answer.statistics.insert("restriction".into(), json!(restriction));
    answer.statistics.insert("restricted_bound".into(), json!(bound));
    answer
}

/// Runs a search on as many threads as the options say; what is done in a blink on the caller's.
fn on_threads<T: Send>(
    problem: &TreeProblem,
    options: &Options,
    search: impl FnOnce(Threads) -> T + Send,
) -> Result<T, SolveError> {
    let levels = problem.class.depth.saturating_sub(2).min(6) as u32;
    if options.threads == 1 || problem.x().len() * 10_usize.pow(levels) < WORTH_THREADS {
        return Ok(search(Threads::One));
    }
    threads::on_threads("search", options.threads, || search(Threads::Many))
}

/// Whether work is spread over the threads of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Threads {
    One,
    Many,
}

impl Threads {
    /// `of` each item, in their order.
    fn map<T: Sync, R: Send>(self, items: &[T], of: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
        match self {
            Threads::One => items.iter().map(of).collect(),
            // One item at a time to each thread: the slow ones come together.
            Threads::Many => items.par_iter().with_max_len(1).map(of).collect(),
        }
    }
}

/// What the parts of the search share.
fn shared<'a>(
    units: &'a Units,
    work: Work,
    threads: Threads,
    options: &Options,
    watch: &'a Watch,
) -> Shared<'a> {
    // Asked once before anything is done, so that a limit of no time at all is seen.
    watch.stop();
    Shared {
        units,
        watch,
        depth: work.depth,
        threads,
        round: if work.seconds > WORTH_ROUNDS { ROUND } else { 1 },
        absolute_gap: options.mip_abs_gap / units.scale,
        relative_gap: options.mip_rel_gap,
        most_cuts: options.mip_max_nodes.unwrap_or(u64::MAX),
        work,
        cuts: AtomicU64::new(0),
        limited: AtomicBool::new(false),
        steps: AtomicU64::new(0),
        nodes: Default::default(),
    }
}

/// The better of the tree found and the start, and the bound in the problem's objective.
fn answer(
    problem: &TreeProblem,
    start: Option<&Node>,
    shared: &Shared,
    outcome: Outcome,
    done: TerminationStatus,
) -> Answer<Node> {
    let (units, watch) = (shared.units, shared.watch);
    let whole = outcome.value();
    let found = outcome.found.map(|found| found.plan.tree(problem));
    let value = found.as_ref().map(|tree| problem.objective(tree));
    let missing = (outcome.upper - whole) * units.scale + units.rounding;
    let bound = value.map(|value| (value + missing, BoundProof::Search));
    let better = |start: &&Node| value.is_none_or(|value| problem.objective(start) > value);
    let start = start.filter(|tree| problem.violations(tree).is_empty());
    let point = start.filter(better).cloned().or(found);
    let stopped = if watch.stopped() { watch.stop() } else { None };
    let termination = match (stopped, &point) {
        (Some(Stop::TimeLimit), _) => TerminationStatus::TimeLimit,
        (Some(Stop::Interrupted), _) => TerminationStatus::Interrupted,
        (None, Some(_)) if shared.limited.load(Relaxed) => TerminationStatus::NodeLimit,
        (None, Some(_)) => done,
        (None, None) => TerminationStatus::Infeasible,
    };
    let nodes = Strategy::ALL.iter().zip(&shared.nodes).map(|(way, nodes)| (way.name(), nodes.load(Relaxed)));
    let mut statistics = Map::new();
    statistics.insert("strategy".into(), json!(shared.work.strategy.name()));
    statistics.insert("strategy_reason".into(), json!(shared.work.reason));
    statistics.insert("forecast_seconds".into(), json!(shared.work.seconds));
    statistics.insert("merged_units".into(), json!(units.len()));
    statistics.insert("nodes_by_strategy".into(), json!(nodes.collect::<BTreeMap<_, _>>()));
    statistics.insert("steps".into(), json!(shared.steps.load(Relaxed)));
    Answer {
        point,
        claimed: None,
        bound,
        termination,
        raw_status: if stopped.is_some() { "stopped" } else { "searched" }.into(),
        nodes: Some(shared.cuts.load(Relaxed)),
        iterations: None,
        statistics,
    }
}
