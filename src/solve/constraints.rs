//! What side constraints cost, and which of them conflict.
//!
//! ```text
//! price of c     best reward without c, less best reward with all          (null where the former is not proved)
//! conflict       a smallest set of constraints that no rule satisfies together
//! ```
//!
//! Constraints of one name, such as a bound on each cluster, are one.
//!
//! Both solve the problem again with constraints left out: a price for each constraint one solve, a conflict at most one for
//! each subset, smallest first. All of it keeps to the time limit of the solve; what the time does not reach, or the formulation
//! that was asked for does not take, is null.

use prescribe_models::{Model, PolicyProblem, RuleClass, SideConstraint};
use serde_json::{Value, json};

use super::{Chosen, Observer, Options, Report, Solvable, SolveError, TerminationStatus, Unsupported, Watch};

/// Refuses the first side constraint that can exclude a rule and that a solver does not take.
pub(super) fn refuse_others<C: RuleClass>(
    problem: &PolicyProblem<C>,
    solver: &str,
    takes: impl Fn(&SideConstraint) -> bool,
) -> Result<(), Unsupported> {
    match problem.side().iter().find(|constraint| constraint.binds() && !takes(constraint)) {
        None => Ok(()),
        Some(constraint) => Err(Unsupported {
            solver: solver.into(),
            part: format!("the constraint {}", constraint.name()),
            remedy: "use --solver milp".into(),
        }),
    }
}

/// A conflict is searched for among the first so many constraints: their subsets are all tried.
const MOST_CONSTRAINTS: usize = 8;

/// Solves `problem` and, where it has side constraints that bind or conflict, says what each costs or which conflict:
/// `statistics.prices` or `statistics.conflict`.
pub fn solve_explained<C: RuleClass>(
    problem: &PolicyProblem<C>,
    solver: &Chosen<PolicyProblem<C>>,
    start: Option<&C::Rule>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Report<C::Rule>, SolveError>
where
    PolicyProblem<C>: Solvable + Model<Point = C::Rule>,
{
    let watch = Watch::start(options.time_limit, observer);
    let mut report = solver.solve(problem, start, options, observer)?;
    let mut binding: Vec<&str> = Vec::new();
    for constraint in problem.side().iter().filter(|constraint| constraint.binds()) {
        if !binding.contains(&constraint.name()) {
            binding.push(constraint.name());
        }
    }
    if binding.is_empty() {
        return Ok(report);
    }
    let again = Again { problem, solver, options, observer, watch };
    match report.termination_status {
        TerminationStatus::Optimal => {
            let prices = again.prices(&binding, &report)?;
            report.statistics.insert("prices".into(), prices);
        }
        TerminationStatus::Infeasible => {
            let conflict = again.conflict(&binding)?;
            report.statistics.insert("conflict".into(), json!(conflict));
        }
        _ => {}
    }
    Ok(report)
}

/// The problem to be solved again.
struct Again<'a, C: RuleClass> {
    problem: &'a PolicyProblem<C>,
    solver: &'a Chosen<PolicyProblem<C>>,
    options: &'a Options,
    observer: &'a dyn Observer,
    watch: Watch<'a>,
}

impl<C: RuleClass> Again<'_, C>
where
    PolicyProblem<C>: Solvable + Model<Point = C::Rule>,
{
    fn prices(&self, binding: &[&str], report: &Report<C::Rule>) -> Result<Value, SolveError> {
        let mut prices = Vec::new();
        for &name in binding {
            let without = self.solve(&|other| other != name, report.point.as_ref())?;
            let proved = without.filter(|report| report.termination_status == TerminationStatus::Optimal);
            let value = proved.and_then(|report| report.objective_value);
            let price = value.zip(report.objective_value).map(|(without, with)| without - with);
            prices.push(json!({"constraint": name, "price": price}));
        }
        Ok(Value::Array(prices))
    }

    /// Names of a smallest set of constraints that cannot be met together; none where a limit left that open.
    fn conflict<'n>(&self, binding: &[&'n str]) -> Result<Option<Vec<&'n str>>, SolveError> {
        let mut subsets: Vec<Vec<&str>> = (1..1usize << binding.len().min(MOST_CONSTRAINTS))
            .map(|mask| (0..binding.len()).filter(|b| mask >> b & 1 == 1).map(|b| binding[b]).collect())
            .collect();
        subsets.sort_by_key(Vec::len);
        for subset in subsets {
            let kept = self.solve(&|name| subset.contains(&name), None)?;
            match kept.map(|report| (report.termination_status, report.point.is_some())) {
                Some((TerminationStatus::Infeasible, _)) => {
                    return Ok(Some(subset));
                }
                Some((_, true)) => {}
                // A smaller conflict may have been missed here: what follows would not be a smallest one.
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The problem under the constraints whose names `kept` keeps, in the time that is left; none where there is no time left, or where the
    /// solver does not take it.
    fn solve(
        &self,
        kept: &dyn Fn(&str) -> bool,
        start: Option<&C::Rule>,
    ) -> Result<Option<Report<C::Rule>>, SolveError> {
        if self.watch.stop().is_some() {
            return Ok(None);
        }
        let problem = self.problem.keeping(|c| kept(self.problem.side()[c].name()));
        // A form may take the problem only with the constraint that is left out here.
        if self.solver.accepts(&problem).is_err() {
            return Ok(None);
        }
        let options = Options { time_limit: self.watch.remaining(), ..self.options.clone() };
        self.solver.solve(&problem, start, &options, self.observer).map(Some)
    }
}
