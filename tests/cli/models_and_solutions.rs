//! `--write-model` and `--read-solution`: problems go out to other solvers, and their answers come back to be judged.

use prescribe::models::linear_rule::LinearProblem;
use prescribe::models::tree_rule::{Candidates, Tree, TreeProblem};
use prescribe::models::{MixedIntegerProgram, PolicyProblem};
use prescribe::solve::{Formulation, Options, Programmed, Silent, Watch, highs};

use crate::instances::{Instance, close, instance};
use crate::shell::Shell;

const TREE: &str = "solve tree --covariates X.csv --rewards G.csv --depth 1";
const LINEAR: &str = "solve linear --covariates X.csv --gains g.csv";

fn trees() -> (Shell, Instance) {
    let (shell, instance) = (Shell::new(), instance(1, 60, 2, &["none", "drug", "both"], false));
    instance.write(&shell);
    (shell, instance)
}

fn lines() -> (Shell, Instance) {
    let (shell, instance) = (Shell::new(), instance(2, 20, 2, &["gain"], false));
    instance.write(&shell);
    (shell, instance)
}

fn matrix(rows: &[Vec<f64>]) -> ndarray::Array2<f64> {
    ndarray::Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

/// The program's solution as HiGHS writes it.
fn solution(program: &MixedIntegerProgram) -> String {
    let watch = Watch::start(None, &Silent);
    let outcome = highs::solve_program(program, None, &Options::default(), &watch, "").unwrap();
    let columns = outcome.columns.unwrap();
    let line = |(name, value): (String, f64)| format!("{name} {value}\n");
    let heading = format!(
        "Model status\nOptimal\n\n# Primal solution values\nFeasible\nObjective {}\n# Columns {}\n",
        outcome.objective.unwrap(),
        columns.len()
    );
    [heading].into_iter().chain(program.file_names().into_iter().zip(columns).map(line)).collect()
}

#[test]
fn a_model_is_written_in_both_formats() {
    let (shell, _) = trees();
    for (name, mark) in [("model.mps", "ROWS"), ("model.lp", "Subject To")] {
        shell.run(&format!("{TREE} --write-model {name}")).exits(0);
        let text = shell.read(name);
        assert!(text.to_lowercase().contains(&mark.to_lowercase()), "{text}");
    }
}

#[test]
fn each_piece_has_a_file() {
    let (shell, _) = lines();
    let line = format!("{LINEAR} --formulation facets --solver milp --write-model model.mps");
    shell.run(&line).exits(0);
    let written: Vec<bool> =
        (1..=5).map(|piece| shell.path(&format!("model.{piece}.mps")).exists()).collect();
    assert_eq!(written, [true, true, true, true, false], "two covariates have four facets");
    assert!(!shell.path("model.mps").exists());
}

#[test]
fn a_worse_rule_is_improved() {
    let (shell, instance) = trees();
    let given = r#"{"kind": "tree", "root": {"covariate": "x1", "threshold": 3,
                    "left": {"arm": "none"}, "right": {"arm": "drug"}}}"#;
    shell.write("given.json", given);
    let worth = instance.value(&serde_json::from_str(given).unwrap());
    for solver in ["milp", "greedy"] {
        let line = format!("{TREE} --solver {solver} --read-solution given.json --json -");
        let report = shell.run(&line).exits(0).json();
        let judged = &report["statistics"]["read_solution"];
        assert!(close(judged["objective_value"].as_f64().unwrap(), worth), "{report:#}");
        assert_eq!(judged["improved"], true, "{report:#}");
        assert_eq!(judged["violations"], serde_json::json!([]), "{report:#}");
        assert!(report["objective_value"].as_f64().unwrap() > worth);
    }
}

#[test]
fn a_rule_that_breaks_the_problem_is_judged_and_not_used() {
    let (shell, _) = trees();
    let given = r#"{"kind": "tree", "root": {"covariate": "x1", "threshold": 3,
                    "left": {"arm": "none"}, "right": {"covariate": "x2", "threshold": 4,
                    "left": {"arm": "drug"}, "right": {"arm": "both"}}}}"#;
    shell.write("given.json", given);
    let report = shell.run(&format!("{TREE} --read-solution given.json --json -")).exits(0).json();
    assert!(
        !report["statistics"]["read_solution"]["violations"].as_array().unwrap().is_empty(),
        "{report:#}"
    );
    assert!(crate::instances::depth(&report["point"]["root"]) <= 1);
}

#[test]
fn a_report_is_an_answer_too() {
    for ((shell, _), line) in [(trees(), TREE), (lines(), LINEAR)] {
        let best = shell.run(&format!("{line} --json best.json")).exits(0);
        assert!(best.stdout.contains("OPTIMAL"));
        let report = shell.run(&format!("{line} --read-solution best.json --json -")).exits(0).json();
        assert_eq!(report["statistics"]["read_solution"]["improved"], false, "{report:#}");
        assert_eq!(report["objective_value"], shell.json("best.json")["objective_value"]);
    }
}

#[test]
fn a_constant_rule_is_an_answer_too() {
    let (shell, instance) = lines();
    shell.write("given.json", r#"{"kind": "constant", "arm": "treated"}"#);
    let ran = shell.run(&format!("{LINEAR} --read-solution given.json --json -"));
    let everyone: f64 = instance.rewards.iter().map(|rewards| rewards[0]).sum();
    let report = ran.exits(0).json();
    assert!(close(report["statistics"]["read_solution"]["objective_value"].as_f64().unwrap(), everyone));
}

#[test]
fn a_solution_file_of_a_written_tree_model() {
    let (shell, instance) = trees();
    let x = matrix(&instance.x);
    let class = Tree::over(&x, 1, Candidates::All);
    let problem: TreeProblem = PolicyProblem::new(
        class,
        instance.covariates.clone(),
        instance.arms.clone(),
        x,
        matrix(&instance.rewards),
    )
    .unwrap();
    for (name, formulation) in [("extended", Formulation::Extended), ("flow", Formulation::Flow)] {
        let program = problem.form(Some(formulation)).pieces().remove(0).program;
        shell.write("other.sol", solution(&program));
        let line = format!("{TREE} --formulation {name} --read-solution other.sol --json -");
        let report = shell.run(&line).exits(0).json();
        let judged = &report["statistics"]["read_solution"]["objective_value"];
        assert!(close(judged.as_f64().unwrap(), report["objective_value"].as_f64().unwrap()), "{report:#}");
    }
}

#[test]
fn a_solution_file_of_a_written_linear_model() {
    let (shell, instance) = lines();
    let gains: Vec<f64> = instance.rewards.iter().map(|rewards| rewards[0]).collect();
    let problem =
        LinearProblem::from_gains(instance.covariates.clone(), matrix(&instance.x), &gains).unwrap();
    let program = problem.form(Some(Formulation::Facets)).pieces().remove(0).program;
    shell.write("other.sol", solution(&program));
    let line = format!("{LINEAR} --formulation facets --read-solution other.sol --json -");
    let report = shell.run(&line).exits(0).json();
    let judged = report["statistics"]["read_solution"]["objective_value"].as_f64().unwrap();
    assert!(judged <= report["objective_value"].as_f64().unwrap() + 1e-9, "{report:#}");
    assert_eq!(report["termination_status"], "OPTIMAL");
}
