//! Leaving the choice of the solver to the problem.
//!
//! Of the exact solvers that take the problem, the one of the least forecast is chosen where that lies within the time limit (ten minutes
//! where nobody sets one); next, one whose time nobody can tell; and where all of them are expected to take longer, the one of the
//! least forecast again, as a search that ends at the time limit: it begins with the best rule that a heuristic finds in a quarter of the
//! time, and ends with an incumbent, a bound and a gap. Where no exact solver takes the problem, the first heuristic does.

use std::cmp::Ordering;

use prescribe_models::Model;
use serde::Serialize;
use serde_json::json;

use super::registry::{AUTO, Settings, UnknownChoice, find};
use super::{
    Observer, Options, Promise, Report, Solvable, SolveError, Solver, Unsupported, solve_from, solve_started,
};

/// Seconds that a solve whose end cannot be foreseen gets where nobody sets a time limit.
const WITHOUT_LIMIT: f64 = 600.0;
/// Share of the time that a heuristic gets before a search that will not end.
const FOR_A_START: f64 = 0.25;

/// The solver that a user names, or the choice among all that read the settings asked for.
pub enum Chosen<M: Model> {
    Named(Box<dyn Solver<M>>),
    Auto(Settings),
}

impl<M: Solvable> Chosen<M> {
    /// The solver called `name` under `settings`; `auto` leaves it to the problem.
    pub fn of(name: &str, settings: Settings) -> Result<Self, UnknownChoice> {
        if name != AUTO {
            return find(name, settings).map(Self::Named);
        }
        let known = M::solvers();
        match known.iter().any(|solver| find::<M>(solver.name(), settings).is_ok()) {
            true => Ok(Self::Auto(settings)),
            false => find(known[0].name(), settings).map(Self::Named),
        }
    }

    /// What is promised on this model, or which part of it is refused.
    pub fn accepts(&self, model: &M) -> Result<Promise, Unsupported> {
        match self {
            Self::Named(solver) => solver.accepts(model),
            Self::Auto(settings) => choose(model, *settings, None)?.solver.accepts(model),
        }
    }

    /// Solves `model` as [`solve_started`] does; what was chosen, and why, is told in `statistics.auto`.
    pub fn solve(
        &self,
        model: &M,
        start: Option<&M::Point>,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<Report<M::Point>, SolveError> {
        let settings = match self {
            Self::Named(solver) => return solve_started(model, solver.as_ref(), start, options, observer),
            Self::Auto(settings) => *settings,
        };
        let Choice { solver, starter, outlook, candidates } = choose(model, settings, options.time_limit)?;
        let time_limit = options.time_limit.or((outlook > Outlook::Ends).then_some(WITHOUT_LIMIT));
        let options = Options { time_limit, ..options.clone() };
        let mut report = match starter.filter(|_| start.is_none()) {
            Some(starter) => {
                let share = time_limit.map(|limit| FOR_A_START * limit);
                solve_from(model, (starter.as_ref(), share), solver.as_ref(), &options, observer)?
            }
            None => solve_started(model, solver.as_ref(), start, &options, observer)?,
        };
        let account = json!({
            "solver": solver.name(), "reason": outlook.reason(), "forecast_seconds": solver.forecast(model),
            "time_limit": time_limit, "candidates": candidates,
        });
        report.statistics.insert(AUTO.into(), account);
        Ok(report)
    }
}

/// What was chosen, and why.
struct Choice<M> {
    solver: Box<dyn Solver<M>>,
    /// The heuristic that goes before a search that will not end.
    starter: Option<Box<dyn Solver<M>>>,
    outlook: Outlook,
    candidates: Vec<Candidate>,
}

/// A solver that was thought of.
#[derive(Clone, Debug, Serialize)]
struct Candidate {
    solver: &'static str,
    promise: Option<Promise>,
    /// Until the proof, on one core; null where nobody can tell.
    forecast_seconds: Option<f64>,
    refused: Option<String>,
}

/// What is to be expected of a solver, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outlook {
    NoProof,
    Ends,
    Unknown,
    TooLong,
}

impl Outlook {
    fn of(forecast: Option<f64>, seconds: f64) -> Self {
        match forecast {
            Some(forecast) if forecast <= seconds => Self::Ends,
            Some(_) => Self::TooLong,
            None => Self::Unknown,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::NoProof => "no exact solver takes the problem",
            Self::Ends => "the exact solver of the least forecast",
            Self::Unknown => "the exact solver that is left; its time cannot be forecast",
            Self::TooLong => "no exact solver ends in time by forecast; it bounds what a heuristic finds",
        }
    }
}

/// The solver for `model` among those that read `settings`. Where none takes it, the first says why.
fn choose<M: Solvable>(
    model: &M,
    settings: Settings,
    time_limit: Option<f64>,
) -> Result<Choice<M>, Unsupported> {
    let seconds = time_limit.unwrap_or(WITHOUT_LIMIT);
    let (mut exact, mut heuristic, mut candidates, mut refusals) = (vec![], vec![], vec![], vec![]);
    for solver in M::solvers().iter().filter_map(|solver| find::<M>(solver.name(), settings).ok()) {
        let accepted = solver.accepts(model);
        let forecast = accepted.as_ref().ok().and_then(|_| solver.forecast(model));
        candidates.push(Candidate {
            solver: solver.name(),
            promise: accepted.as_ref().ok().copied(),
            forecast_seconds: forecast,
            refused: accepted.as_ref().err().map(Unsupported::to_string),
        });
        match accepted {
            Ok(Promise::Exact) => exact.push((Outlook::of(forecast, seconds), forecast, solver)),
            Ok(_) if forecast.is_none_or(|forecast| forecast <= FOR_A_START * seconds) => {
                heuristic.push(solver)
            }
            Ok(_) => {}
            Err(error) => refusals.push(error),
        }
    }
    exact.sort_by(|a, b| (a.0, a.1).partial_cmp(&(b.0, b.1)).unwrap_or(Ordering::Equal));
    let quick = heuristic.into_iter().next();
    match (exact.into_iter().next(), quick) {
        (Some((outlook, _, solver)), quick) => {
            let starter = quick.filter(|_| outlook == Outlook::TooLong);
            Ok(Choice { solver, starter, outlook, candidates })
        }
        (None, Some(solver)) => Ok(Choice { solver, starter: None, outlook: Outlook::NoProof, candidates }),
        (None, None) => Err(refusals.swap_remove(0)),
    }
}
