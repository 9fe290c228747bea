//! Exact linear rules by branch and bound on directions.
//!
//! ```text
//! max over directions b and thresholds t   sum_i g_i 1{y_i'b >= t}
//! ```
//!
//! Every rule that is not constant can be scaled so that its largest coefficient is +-1: b lies on a face of the unit box, the threshold
//! is free. A face is halved again and again (`dive`); for each box of directions one pass over the points bounds what any
//! rule in it can earn, at every threshold at once. What cannot beat the incumbent is dropped, and with it most of the
//! sphere, whatever the number of units.
//!
//! | file | what it holds |
//! |---|---|
//! | `points` | the problem in whole numbers, merged, scaled |
//! | `demands` | assignment bounds (budgets, capacities, parity) |
//! | `axes` | coordinates along and across the incumbent |
//! | `region` | a box of directions, its thresholds and open points |
//! | `dive` | bound and halving, depth first |
//! | `leaf` | boxes in which only ties are open, settled exactly |
//! | `search` | many regions on many threads, the same answer for any number of them |
//! | `incumbent` | where the first rule comes from, and the rule that is returned |

mod axes;
mod demands;
mod dive;
mod incumbent;
mod leaf;
mod points;
mod region;
mod search;

use prescribe_models::linear_rule::{LinearProblem, LinearRule, MergedUnits};
use prescribe_models::{Model, SideConstraint};
use serde_json::{Map, json};

pub(super) use self::points::Points;
use self::search::Search;
use super::constraints::refuse_others;
use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};

/// The exact solver by branch and bound on directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directions;

impl Solver<LinearProblem> for Directions {
    fn name(&self) -> &'static str {
        "directions"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &LinearProblem) -> Result<Promise, Unsupported> {
        refuse_others(problem, "directions", |constraint| {
            matches!(constraint, SideConstraint::Assignment(_))
        })?;
        Ok(Promise::Exact)
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
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
        let pool =
            pool.map_err(|e| SolveError::Backend { solver: "directions".into(), reason: e.to_string() })?;
        pool.install(|| {
            let units = MergedUnits::of(problem);
            let points = Points::of(&units);
            let (first, around) = incumbent::first(&points, start, options, watch)?;
            let points = points.around(&around);
            let search = Search::new(&points, first.as_ref(), watch).run();
            answer(problem, search, watch)
        })
    }
}

fn answer(problem: &LinearProblem, search: Search, watch: &Watch) -> Result<Answer<LinearRule>, SolveError> {
    let points = search.points;
    let point = search.incumbent.representative()?;
    let bound = problem.value_of_nobody() + points.worth(search.bound()) + points.allowance();
    let termination = match (&point, search.closed()) {
        (Some(_), true) => TerminationStatus::Optimal,
        (None, true) => TerminationStatus::Infeasible,
        _ => watch.termination(),
    };
    let mut statistics = Map::new();
    statistics.insert("boxes".into(), json!(search.boxes));
    statistics.insert("leaves".into(), json!(search.leaves));
    statistics.insert("unresolved_leaves".into(), json!(search.unresolved));
    statistics.insert("points".into(), json!(points.len()));
    Ok(Answer {
        claimed: point.as_ref().map(|rule| problem.objective(rule)),
        // Where no rule is feasible there is nothing to bound.
        bound: (point.is_some() || !search.closed()).then_some((bound, BoundProof::Search)),
        point,
        termination,
        raw_status: format!(
            "{} boxes searched, {} left, {} tied leaves unresolved",
            search.boxes,
            search.open(),
            search.unresolved
        ),
        nodes: Some(search.boxes),
        iterations: None,
        statistics,
    })
}
