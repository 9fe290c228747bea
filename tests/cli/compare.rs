//! `compare`: all solvers of a problem side by side.

use serde_json::Value;

use crate::instances::{Instance, close, instance};
use crate::shell::Shell;
use crate::solve::assert_report;

fn compared(line: &str, instance: &Instance) -> Value {
    let shell = Shell::new();
    instance.write(&shell);
    let comparison = shell.run(&format!("{line} --json -")).exits(0).json();
    for report in comparison["reports"].as_array().unwrap() {
        assert_report(report, instance);
    }
    comparison
}

/// The gap of each entry is its distance to the best value.
fn assert_gaps(comparison: &Value, entries: &[&str]) {
    let best = comparison["best_value"].as_f64().unwrap();
    for entry in entries {
        let gap = &comparison["approximation_gap"][entry];
        let value = gap["objective_value"].as_f64().unwrap_or_else(|| panic!("{entry}: {comparison:#}"));
        let absolute = gap["absolute"].as_f64().unwrap();
        assert!(absolute >= 0.0 && close(best - value, absolute), "{entry}: {comparison:#}");
        for relative in ["relative", "gain", "per_unit"] {
            assert!(gap[relative].as_f64().is_some_and(|gap| gap >= 0.0), "{entry}: {comparison:#}");
        }
    }
}

#[test]
fn linear_exact_and_smooth() {
    let instance = instance(2, 30, 2, &["gain"], false);
    let comparison = compared("compare linear --covariates X.csv --gains g.csv", &instance);
    let solvers: Vec<&str> =
        comparison["reports"].as_array().unwrap().iter().map(|r| r["solver"].as_str().unwrap()).collect();
    assert_eq!(solvers, ["milp", "directions", "enumerate", "smooth"]);
    assert_eq!(comparison["proved"], true);
    assert_gaps(
        &comparison,
        &["milp", "smooth", "smooth.surrogate", "smooth.multi_start", "smooth.polished"],
    );
    for exact in ["milp", "directions", "enumerate"] {
        assert_eq!(comparison["approximation_gap"][exact]["absolute"], 0.0);
    }
}

#[test]
fn trees_by_every_solver() {
    let instance = instance(1, 60, 2, &["none", "drug", "both"], false);
    let line = "compare tree --covariates X.csv --rewards G.csv --depth 2 --candidates quantiles:4";
    let comparison = compared(line, &instance);
    let solvers: Vec<&str> =
        comparison["reports"].as_array().unwrap().iter().map(|r| r["solver"].as_str().unwrap()).collect();
    assert_eq!(solvers, ["milp", "search", "lookahead", "greedy"]);
    assert_eq!(comparison["proved"], true);
    assert_gaps(&comparison, &solvers);
}

#[test]
fn a_solver_that_refuses_says_why() {
    let instance = instance(1, 60, 2, &["none", "drug", "both"], true);
    let comparison = compared("compare tree --covariates X.csv --rewards G.csv --depth 25", &instance);
    assert!(comparison["refused"]["milp"].as_str().unwrap().contains("coefficients"), "{comparison:#}");
    assert_eq!(comparison["reports"][0]["solver"], "search");
    assert_eq!(comparison["proved"], true);
}

#[test]
fn text_for_people() {
    let shell = Shell::new();
    instance(2, 30, 2, &["gain"], false).write(&shell);
    let ran = shell.run("compare linear --covariates X.csv --gains g.csv --json both.json").exits(0);
    for solver in ["milp", "directions", "enumerate", "smooth"] {
        assert!(ran.stdout.contains(solver), "{ran:#?}");
    }
    assert_eq!(shell.json("both.json")["reports"].as_array().unwrap().len(), 4);
}

#[test]
fn the_problem_of_a_folder_that_learn_wrote() {
    let shell = Shell::new();
    crate::learn::trial_in(&shell);
    shell.run(&format!("{} --maximize --out out", crate::learn::LEARN)).exits(0);
    let comparison = shell.run("compare learned out --json -").exits(0).json();
    assert_gaps(&comparison, &["milp", "search", "lookahead", "greedy"]);
    let learned = shell.json("out/report.json");
    assert_eq!(comparison["reports"][0]["objective_value"], learned["objective_value"]);
    assert_eq!(comparison["reports"][0]["model_hash"], learned["model_hash"]);
    assert_eq!(comparison["reports"][0]["data_hash"], learned["data_hash"]);
}

#[test]
fn the_choice_can_be_left_to_the_problem() {
    let shell = Shell::new();
    instance(5, 30, 2, &["a", "b"], true).write(&shell);
    let line = "compare tree --covariates X.csv --rewards G.csv --depth 2 --solver auto --json -";
    let comparison = shell.run(line).exits(0).json();
    let reports = comparison["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["solver"], "search");
    assert_eq!(reports[0]["statistics"]["auto"]["solver"], "search");
    assert_eq!(comparison["proved"], true);
    let text = shell.run("solve tree --covariates X.csv --rewards G.csv --depth 2").exits(0).stdout;
    assert!(text.contains("auto chose search (forecast"), "{text}");
}
