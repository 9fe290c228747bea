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
//! Signs of coefficients take faces and halves of faces away. Covariates that may not be used are left out beforehand, and where at most
//! k may be used, every choice of k is searched in turn, each for rules that beat those before (`parts`).
//!
//! | file | what it holds |
//! |---|---|
//! | `parts` | the problem over some of its covariates |
//! | `region` | a box of directions, its thresholds and open points |
//! | `dive` | halving, depth first |
//! | `sweep` | the bound on a box |
//! | `leaf` | boxes in which only ties are open, settled exactly |
//! | `labels` | labels of few points, one by one, by exact linear programs |
//! | `forecast` | how long it takes, roughly |
//! | `search` | many regions on many threads, the same answer for any number of them |
//! | `incumbent` | where the first rule comes from, and the rule that is returned |

mod dive;
mod forecast;
mod incumbent;
mod labels;
mod leaf;
mod parts;
mod region;
mod search;
mod sweep;

use prescribe_models::linear_rule::{LinearProblem, LinearRule, MergedUnits};
use prescribe_models::{Model, RuleClass, SideConstraint};
use serde_json::{Map, json};

use self::parts::Part;
use self::search::Search;
use super::constraints::refuse_others;
use super::hyperplanes::Points;
use super::threads::on_threads;
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
        refuse_others(problem, "directions", |constraint| match constraint {
            SideConstraint::MaximumCovariates(_) => parts::are_few(problem),
            SideConstraint::Assignment(_) | SideConstraint::Eligibility(_) | SideConstraint::Sign(_) => true,
            _ => false,
        })?;
        Ok(Promise::Exact)
    }

    /// Knows nothing of the gains, nor of assignment bounds; see `forecast`.
    fn forecast(&self, problem: &LinearProblem) -> Option<f64> {
        Some(forecast::seconds(problem))
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
        let forecast = forecast::seconds(problem);
        on_threads("directions", options.threads, || {
            let mut tally = Tally::of(problem);
            for (number, part) in parts::of(problem).enumerate() {
                match watch.stop() {
                    // What was begun says more than the trivial bound.
                    Some(_) if number > 0 => tally.leave(),
                    _ => tally.search(&part?, start, options, watch)?,
                }
            }
            Ok(tally.answer(forecast, watch))
        })?
    }
}

/// What the parts of a problem came to.
struct Tally<'p> {
    problem: &'p LinearProblem,
    best: Option<(f64, LinearRule)>,
    /// On all rules searched so far.
    bound: f64,
    closed: bool,
    boxes: u64,
    leaves: u64,
    unresolved: u64,
    open: usize,
    points: usize,
}

impl<'p> Tally<'p> {
    fn of(problem: &'p LinearProblem) -> Self {
        Self {
            problem,
            best: None,
            bound: f64::NEG_INFINITY,
            closed: true,
            boxes: 0,
            leaves: 0,
            unresolved: 0,
            open: 0,
            points: 0,
        }
    }

    /// Leaves a part as it is.
    fn leave(&mut self) {
        (self.closed, self.bound) = (false, self.bound.max(self.problem.trivial_bound()));
    }

    /// Searches a part for rules that beat the best so far.
    fn search(
        &mut self,
        part: &Part,
        start: Option<&LinearRule>,
        options: &Options,
        watch: &Watch,
    ) -> Result<(), SolveError> {
        let nobody = self.problem.value_of_nobody();
        let units = MergedUnits::of(part.problem());
        let points = Points::of(&units);
        let fits = |rule: &&LinearRule| self.problem.class.fits(rule, self.problem.covariates.len(), 2);
        let start = start.filter(fits).map(|rule| part.over(rule));
        let (first, around) = incumbent::first(&points, start.as_ref(), options, watch)?;
        let points = points.around(&around);
        let beyond = self.best.as_ref().map(|(value, _)| points.total_below(value - nobody));
        let search = Search::new(&points, first.as_ref(), beyond, watch).run();
        if let Some(rule) = search.incumbent.representative()? {
            let value = self.problem.objective(&rule);
            if self.best.as_ref().is_none_or(|(best, _)| value > *best) {
                self.best = Some((value, rule));
            }
        }
        // Where no rule is feasible there is nothing to bound.
        if search.incumbent.is_known() || !search.closed() {
            self.bound = self.bound.max(nobody + points.worth(search.bound()) + points.allowance());
        }
        self.closed &= search.closed();
        self.boxes += search.boxes;
        self.leaves += search.leaves;
        self.unresolved += search.unresolved;
        self.open += search.open();
        self.points = self.points.max(points.len());
        Ok(())
    }

    fn answer(self, forecast: f64, watch: &Watch) -> Answer<LinearRule> {
        let termination = match (&self.best, self.closed) {
            (Some(_), true) => TerminationStatus::Optimal,
            (None, true) => TerminationStatus::Infeasible,
            _ => watch.termination(),
        };
        let mut statistics = Map::new();
        statistics.insert("boxes".into(), json!(self.boxes));
        statistics.insert("leaves".into(), json!(self.leaves));
        statistics.insert("unresolved_leaves".into(), json!(self.unresolved));
        statistics.insert("points".into(), json!(self.points));
        statistics.insert("forecast_seconds".into(), json!(forecast));
        let (claimed, point) = self.best.unzip();
        Answer {
            claimed,
            point,
            bound: self.bound.is_finite().then_some((self.bound, BoundProof::Search)),
            termination,
            raw_status: format!(
                "{} boxes searched, {} left, {} tied leaves unresolved",
                self.boxes, self.open, self.unresolved
            ),
            nodes: Some(self.boxes),
            iterations: None,
            statistics,
        }
    }
}
