//! The shipped oracle instances, whose optimal values were proved by other means (tests/oracles/README.md).

mod common;

use common::{columns, numbers};
use prescribe::models::SideConstraint;
use prescribe::models::linear_rule::LinearProblem;
use prescribe::models::tree_rule::{Candidates, Tree, TreeProblem};
use prescribe::solve::registry::Settings;
use prescribe::solve::{self, Chosen, Formulation, Milp, Options, Report, Silent, TerminationStatus};

fn linear(name: &str) -> LinearProblem {
    let table = numbers(&format!("tests/oracles/rules/{name}.csv"));
    let (names, x) = columns(&table, "x");
    let gains = columns(&table, "g").1.column(0).to_vec();
    LinearProblem::from_gains(names, x, &gains).unwrap()
}

fn tree(name: &str, depth: usize) -> TreeProblem {
    let table = numbers(&format!("tests/oracles/rules/{name}.csv"));
    let (names, x) = columns(&table, "x");
    let (arms, rewards) = columns(&table, "gamma");
    TreeProblem::new(Tree::over(&x, depth, Candidates::All), names, arms, x, rewards).unwrap()
}

/// Proves `name` by HiGHS from the polished smooth start, as the program does.
fn proved(name: &str, formulation: Option<Formulation>, value: f64) {
    let problem = linear(name);
    let solver = Milp { formulation };
    let report = solve::solve_started(&problem, &solver, None, &Options::default(), &Silent).unwrap();
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{name}: {:?}", report.certificate);
    assert!(report.certificate.verified);
    assert!((report.objective_value.unwrap() - value).abs() < 1e-6, "{name}: {:?}", report.objective_value);
}

#[test]
fn linear_instances_are_proved() {
    proved("p1_c50_p2", None, 58.4764);
    proved("p1_d150_p2", None, 219.2664);
    proved("p1_c50_p10", Some(Formulation::Radon), 41.7522);
    proved("p1_c50_p5", None, 102.8225);
    proved("p1_c100_p3", None, 88.2403);
}

#[test]
fn tree_instances_are_proved() {
    for (name, depth, value) in [("p2_c50_p3_k2_d2", 2, 61.9862), ("p2_c100_p3_k3_d1", 1, 61.5313)] {
        let report =
            solve::solve(&tree(name, depth), &Milp::default(), None, &Options::default(), &Silent).unwrap();
        assert_eq!(report.termination_status, TerminationStatus::Optimal, "{name}: {:?}", report.certificate);
        assert!(report.certificate.verified);
        assert!(
            (report.objective_value.unwrap() - value).abs() < 1e-6,
            "{name}: {:?}",
            report.objective_value
        );
    }
}

/// policytree's answers at depth 2; minimum leaf size 20 on h08, counted on the leaves by the certificate.
#[test]
fn larger_trees_of_depth_two_are_proved() {
    for (name, least, value) in
        [("h15_edge_ties_n300_p5_K3", 1, 49.262770790), ("h08_mixed_n2000_p10_K2", 20, 686.261993117)]
    {
        let (names, x) = numbers(&format!("tests/oracles/trees/{name}_X.csv"));
        let (arms, rewards) = numbers(&format!("tests/oracles/trees/{name}_G.csv"));
        let class = Tree::over(&x, 2, Candidates::All);
        let problem = TreeProblem::new(class, names, arms, x, rewards).unwrap();
        let problem = problem.with(SideConstraint::MinimumLeafSize(least)).unwrap();
        let report =
            solve::solve_started(&problem, &Milp::default(), None, &Options::default(), &Silent).unwrap();
        assert_eq!(report.termination_status, TerminationStatus::Optimal, "{name}: {:?}", report.certificate);
        assert!(report.certificate.verified);
        assert!(
            (report.objective_value.unwrap() - value).abs() < 1e-6,
            "{name}: {:?}",
            report.objective_value
        );
    }
}

/// Every shipped instance by the solver that the problem chooses: nobody has to know which.
#[test]
fn every_instance_is_proved_by_the_solver_it_chooses() {
    let settings = Settings::default();
    for (name, value) in [
        ("p1_c50_p2", 58.4764),
        ("p1_d150_p2", 219.2664),
        ("p1_c50_p10", 41.7522),
        ("p1_c50_p5", 102.8225),
        ("p1_c100_p3", 88.2403),
    ] {
        let chosen = Chosen::of("auto", settings).unwrap();
        assert_proved(&chosen.solve(&linear(name), None, &Options::default(), &Silent).unwrap(), value, name);
    }
    for (name, depth, value) in [("p2_c50_p3_k2_d2", 2, 61.9862), ("p2_c100_p3_k3_d1", 1, 61.5313)] {
        let chosen = Chosen::of("auto", settings).unwrap();
        let report = chosen.solve(&tree(name, depth), None, &Options::default(), &Silent).unwrap();
        assert_proved(&report, value, name);
    }
}

#[track_caller]
fn assert_proved<P>(report: &Report<P>, value: f64, name: &str) {
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{name}: {:?}", report.certificate);
    assert!(report.certificate.verified, "{name}: {:?}", report.certificate);
    assert!((report.objective_value.unwrap() - value).abs() < 1e-6, "{name}: {:?}", report.objective_value);
}
