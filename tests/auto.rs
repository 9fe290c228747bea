//! The choice of the solver: which one, what is said of it, and what is left where no proof is within reach.

use prescribe::models::tree_rule::{Candidates, TreeProblem};
use prescribe::models::{AssignmentBound, SideConstraint};
use prescribe::simulate::{Covariates, linear_gains, multi_linear_rewards, tree_rewards};
use prescribe::solve::registry::Settings;
use prescribe::solve::{
    Chosen, Formulation, Options, Report, Silent, Solvable, SolveError, Stage, TerminationStatus,
};
use serde_json::Value;

fn tree(n: usize, depth: usize) -> TreeProblem {
    let rewards = tree_rewards(Covariates::Continuous, n, 5, 3, 1).unwrap();
    rewards.problem(depth, Candidates::All).unwrap()
}

fn solved<M: Solvable>(model: &M, time_limit: Option<f64>) -> Report<M::Point> {
    let options = Options { time_limit, ..Options::default() };
    let chosen = Chosen::of("auto", Settings::default()).unwrap();
    chosen.solve(model, None, &options, &Silent).unwrap()
}

/// What the report says of each solver: its promise or refusal.
fn thought_of<P>(report: &Report<P>, solver: &str) -> Value {
    let candidates = report.statistics["auto"]["candidates"].as_array().unwrap();
    candidates.iter().find(|candidate| candidate["solver"] == solver).unwrap().clone()
}

#[test]
fn a_tree_within_reach_is_searched_and_no_limit_is_set() {
    let report = solved(&tree(300, 2), None);
    assert_eq!((report.solver.as_str(), report.termination_status), ("search", TerminationStatus::Optimal));
    let auto = &report.statistics["auto"];
    assert_eq!(auto["solver"], "search");
    assert!(auto["time_limit"].is_null());
    assert!(auto["forecast_seconds"].as_f64().unwrap() < 1.0);
    let refused = thought_of(&report, "milp")["refused"].as_str().unwrap().to_string();
    assert!(refused.contains("coefficients"), "{refused}");
    assert_eq!(thought_of(&report, "greedy")["promise"], "heuristic");
}

#[test]
fn a_budget_asks_for_the_program() {
    let rewards = tree_rewards(Covariates::Mixed, 100, 3, 2, 1).unwrap();
    let budget = SideConstraint::Assignment(AssignmentBound::budget_share(100, 2, 0.3));
    let problem = rewards.problem(2, Candidates::Quantiles(4)).unwrap().with(budget).unwrap();
    let report = solved(&problem, Some(60.0));
    assert_eq!((report.solver.as_str(), report.termination_status), ("milp", TerminationStatus::Optimal));
    let refused = thought_of(&report, "search")["refused"].as_str().unwrap().to_string();
    assert!(refused.contains("budget"), "{refused}");
}

/// Beyond reach there is a rule, a bound and a gap all the same, and the rule is no worse than the heuristic's.
#[test]
fn a_tree_beyond_reach_is_bounded() {
    let report = solved(&tree(2000, 6), Some(2.0));
    assert_eq!(report.termination_status, TerminationStatus::TimeLimit);
    assert_eq!(report.statistics["auto"]["time_limit"], 2.0);
    assert_eq!(report.statistics["start"]["solver"], "lookahead");
    let (value, bound) = (report.objective_value.unwrap(), report.objective_bound.unwrap());
    assert!(value >= report.statistics["start"]["objective_value"].as_f64().unwrap());
    assert!(bound >= value && report.gain_gap.unwrap() > 0.0 && report.certificate.verified);
    assert!(report.solve_seconds < 10.0);
}

#[test]
fn linear_rules_go_by_size() {
    let gains = |n, p| linear_gains(n, p, 1, false).unwrap().problem().unwrap();
    for (n, p, solver) in [(2000, 2, "directions"), (400, 4, "directions"), (25, 14, "milp")] {
        let report = solved(&gains(n, p), Some(60.0));
        assert_eq!((report.solver.as_str(), report.termination_status), (solver, TerminationStatus::Optimal));
    }
}

#[test]
fn too_many_arms_for_any_proof_leave_the_approximation() {
    let problem = multi_linear_rewards(300, 3, 70, 1, false).unwrap().problem().unwrap();
    let report = solved(&problem, Some(5.0));
    assert_eq!(report.solver, "smooth");
    assert_eq!(report.statistics["auto"]["reason"], "no exact solver takes the problem");
}

#[test]
fn settings_narrow_the_choice() {
    let problem = tree(60, 2);
    let chosen = |settings| {
        let chosen = Chosen::<TreeProblem>::of("auto", settings).unwrap();
        chosen.solve(&problem, None, &Options::default(), &Silent).unwrap().solver
    };
    assert_eq!(chosen(Settings { split_step: Some(1), ..Settings::default() }), "search");
    assert_eq!(chosen(Settings { search_depth: Some(1), ..Settings::default() }), "lookahead");
    let narrow = rewards_on_quantiles();
    let milp = Settings { formulation: Some(Formulation::Extended), ..Settings::default() };
    let report =
        Chosen::of("auto", milp).unwrap().solve(&narrow, None, &Options::default(), &Silent).unwrap();
    assert_eq!(report.solver, "milp");
    let both = Settings { stage: Some(Stage::default()), ..milp };
    assert!(Chosen::<TreeProblem>::of("auto", both).is_err());
}

fn rewards_on_quantiles() -> TreeProblem {
    let rewards = tree_rewards(Covariates::Continuous, 60, 3, 2, 1).unwrap();
    rewards.problem(2, Candidates::Quantiles(4)).unwrap()
}

/// The solver that takes most says why even it does not.
#[test]
fn what_no_solver_takes_is_refused() {
    let budget = SideConstraint::Assignment(AssignmentBound::budget_share(3000, 3, 0.3));
    let problem = tree(3000, 5).with(budget).unwrap();
    let chosen = Chosen::of("auto", Settings::default()).unwrap();
    let refused = chosen.solve(&problem, None, &Options::default(), &Silent).unwrap_err();
    assert!(matches!(&refused, SolveError::Unsupported(why) if why.solver == "milp"), "{refused}");
}
