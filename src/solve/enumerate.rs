//! Exact linear rules over at most three covariates by flat enumeration (`arrangement`).
//!
//! No bound, no box, no tolerance: every labelling that a hyperplane can give is compared, by exact arithmetic. It costs O(N^p log N)
//! whatever the data, so it is a check on the searches that prune, and the solver of choice where most units tie.

use prescribe_models::linear_rule::{LinearProblem, LinearRule, MergedUnits};
use prescribe_models::{Model, RuleClass};
use serde_json::{Map, json};

use super::constraints::refuse_others;
use super::hyperplanes::{Arrangement, Points, distinct, widest};
use super::threads::on_threads;
use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};

/// The exact solver by flat enumeration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enumerate;

/// With more covariates the number of hyperplanes leaves no hope.
const MOST_COVARIATES: usize = 3;
/// Seconds for each hyperplane, by the medians of benches/README.md.
const SECONDS: f64 = 1.3e-6;

impl Solver<LinearProblem> for Enumerate {
    fn name(&self) -> &'static str {
        "enumerate"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &LinearProblem) -> Result<Promise, Unsupported> {
        refuse_others(problem, "enumerate", |_| false)?;
        let varying = varying(problem);
        if varying <= MOST_COVARIATES {
            return Ok(Promise::Exact);
        }
        Err(Unsupported {
            solver: "enumerate".into(),
            part: format!("{varying} covariates (at most {MOST_COVARIATES})"),
            remedy: "use --solver directions".into(),
        })
    }

    /// `1.3e-6 * m^p` for p covariates and m distinct points.
    fn forecast(&self, problem: &LinearProblem) -> Option<f64> {
        Some(SECONDS * (distinct(problem) as f64).powf(varying(problem) as f64))
    }

    fn wants_start(&self) -> bool {
        false
    }

    fn search(
        &self,
        problem: &LinearProblem,
        start: Option<&LinearRule>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<LinearRule>, SolveError> {
        on_threads("enumerate", options.threads, || {
            let units = MergedUnits::of(problem);
            let points = Points::of(&units);
            let x = points.members.iter().map(|&i| units.x[i]).collect();
            let best = Arrangement::new(x, points.gains.clone(), Vec::new());
            // Nobody treated is worth 0.
            let best = best.best(-1, &|| watch.stop().is_some()).filter(|_| watch.stop().is_none());
            let Some(best) = best else { return Ok(stopped(problem, start, watch)) };
            let mut treated = vec![false; points.len()];
            best.treated.iter().for_each(|&k| treated[k] = true);
            let rule = widest(&points, &treated)?;
            let bound = problem.value_of_nobody() + points.worth(best.value) + points.allowance();
            Ok(match rule {
                Some(rule) => answer(problem, rule, bound, TerminationStatus::Optimal),
                // The labels exist, but no rule with rounded coefficients has them.
                None => answer(problem, fallback(problem, start), bound, TerminationStatus::LocallySolved),
            })
        })?
    }
}

fn stopped(problem: &LinearProblem, start: Option<&LinearRule>, watch: &Watch) -> Answer<LinearRule> {
    answer(problem, fallback(problem, start), problem.trivial_bound(), watch.termination())
}

/// The better of `start` and the best constant rule.
fn fallback(problem: &LinearProblem, start: Option<&LinearRule>) -> LinearRule {
    let p = problem.covariates.len();
    let constant = problem.best_constant().unwrap_or_else(|| problem.class.constant(p, 0));
    let start = start.filter(|rule| problem.violations(rule).is_empty()).cloned();
    let better = start.filter(|start| problem.objective(start) > problem.objective(&constant));
    better.unwrap_or(constant)
}

fn answer(
    problem: &LinearProblem,
    rule: LinearRule,
    bound: f64,
    termination: TerminationStatus,
) -> Answer<LinearRule> {
    Answer {
        claimed: None,
        point: Some(rule),
        bound: Some((bound, BoundProof::Search)),
        termination,
        raw_status: match termination {
            TerminationStatus::TimeLimit | TerminationStatus::Interrupted => "stopped".into(),
            _ => "every labelling compared".into(),
        },
        nodes: None,
        iterations: None,
        statistics: Map::from_iter([("units".to_string(), json!(problem.units()))]),
    }
}

/// How many covariates vary.
fn varying(problem: &LinearProblem) -> usize {
    problem.x().columns().into_iter().filter(|column| column.iter().any(|v| *v != column[0])).count()
}
