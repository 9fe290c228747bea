//! Conjunctions of two linear rules, one rule at a time.
//!
//! ```text
//! a <- argmax  sum over i treated by b of g_i 1{a0 + x_i'a >= 0},     then b given a, and so on until neither gains
//! ```
//!
//! Each step is a linear-rule problem over the units that the other rule treats, approximated from the rule that there is; so the value
//! never falls. The first run begins with the rule that treats everybody (its first step is the best single linear rule), the others
//! with random half-spaces; their steps are quick ones ([`FewStarts`]), and the best run goes on with thorough ones ([`Smooth`]). The
//! answer is a local optimum, and called so.

use prescribe_models::conjunction_rule::{ConjunctionProblem, ConjunctionRule};
use prescribe_models::linear_rule::{LinearProblem, LinearRule, MergedUnits};
use prescribe_models::{Model, RuleClass};
use rand::Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde_json::{Map, json};

use super::threads::on_threads;
use super::{
    Answer, FewStarts, Options, Promise, Smooth, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};
use crate::random::stream;

/// Runs, the one from the rule that treats everybody included.
const RUNS: u64 = 24;
/// Starts of a quick step.
const STARTS: u64 = 3;

/// The alternating solver.
#[derive(Clone, Copy, Debug)]
pub struct Alternating;

impl Solver<ConjunctionProblem> for Alternating {
    fn name(&self) -> &'static str {
        "alternating"
    }

    fn version(&self) -> String {
        format!("prescribe {}, L-BFGS of argmin", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &ConjunctionProblem) -> Result<Promise, Unsupported> {
        refuse_constraints(problem, "alternating").map(|()| Promise::Local)
    }

    fn search(
        &self,
        problem: &ConjunctionProblem,
        start: Option<&ConjunctionRule>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<ConjunctionRule>, SolveError> {
        let start = start.filter(|start| problem.violations(start).is_empty());
        let constant = problem.best_constant();
        let mut found: Vec<ConjunctionRule> = start.cloned().into_iter().chain(constant).collect();
        let climb = Climb { problem, options, watch };
        let quick = FewStarts { starts: STARTS };
        let starts = starts(problem, options.random_seed);
        let runs = on_threads("alternating", options.threads, || {
            starts.into_par_iter().map(|start| climb.from(start, &quick)).collect::<Result<Vec<_>, _>>()
        })??;
        let reached: Vec<f64> = runs.iter().map(|rule| problem.objective(rule)).collect();
        found.extend(runs);
        let better = |best: ConjunctionRule, next: ConjunctionRule| {
            if problem.objective(&next) > problem.objective(&best) { next } else { best }
        };
        let best = found.into_iter().reduce(better);
        let point = best.map(|best| climb.from(best, &Smooth::default())).transpose()?;
        Ok(Answer {
            point,
            claimed: None,
            bound: None,
            termination: if watch.stopped() { watch.termination() } else { TerminationStatus::LocallySolved },
            raw_status: format!("{} runs", reached.len()),
            nodes: None,
            iterations: None,
            statistics: Map::from_iter([("runs".to_string(), json!(reached))]),
        })
    }
}

/// No solver takes side constraints on conjunctions.
pub(super) fn refuse_constraints(problem: &ConjunctionProblem, solver: &str) -> Result<(), Unsupported> {
    match problem.side().iter().find(|constraint| constraint.binds()) {
        None => Ok(()),
        Some(constraint) => Err(Unsupported {
            solver: solver.into(),
            part: format!("the constraint {} on a conjunction of linear rules", constraint.name()),
            remedy: "leave it out, or use a linear rule or a tree".into(),
        }),
    }
}

/// The rule that treats everybody, and half-spaces of random direction with a random unit on their boundary, each with the rule that
/// treats everybody.
fn starts(problem: &ConjunctionProblem, seed: u64) -> Vec<ConjunctionRule> {
    let linear = problem.linear();
    let units = MergedUnits::of(&linear);
    let half_space = |k: u64| -> LinearRule {
        let mut random = stream(seed, &format!("half-space {k}"));
        let z = &units.z[random.random_range(0..units.z.len())];
        let b: Vec<f64> = z.iter().map(|_| random.sample(StandardNormal)).collect();
        let height: f64 = z.iter().zip(&b).map(|(v, b)| v * b).sum();
        units.rule(-height, &b)
    };
    let everybody = problem.class.constant(problem.covariates.len(), 1);
    let random = (1..RUNS).map(|k| ConjunctionRule::single(half_space(k)));
    std::iter::once(everybody).chain(random).collect()
}

/// What all runs share.
struct Climb<'a> {
    problem: &'a ConjunctionProblem,
    options: &'a Options,
    watch: &'a Watch<'a>,
}

impl Climb<'_> {
    /// Improves one rule after the other by `solver`, the second first, until neither gains.
    fn from(
        &self,
        mut rule: ConjunctionRule,
        solver: &dyn Solver<LinearProblem>,
    ) -> Result<ConjunctionRule, SolveError> {
        let mut value = self.problem.objective(&rule);
        let (mut turn, mut settled) = (1, 0);
        while settled < 2 && self.watch.stop().is_none() {
            let given = self.problem.given(&rule.both[1 - turn])?;
            let answer = solver.search(&given, Some(&rule.both[turn]), self.options, self.watch)?;
            let mut next = rule.clone();
            answer.point.into_iter().for_each(|point| next.both[turn] = point);
            let reached = self.problem.objective(&next);
            settled += 1;
            if reached > value {
                (rule, value, settled) = (next, reached, 1);
            }
            turn = 1 - turn;
        }
        Ok(rule)
    }
}
