//! Linear rules over any number of arms through the program: matrices by every solver, and a study of three arms the whole way.

use serde_json::Value;

use crate::instances::{Instance, close, instance};
use crate::shell::Shell;
use crate::solve::assert_report;

const SOLVE: &str = "solve multi-linear --covariates X.csv --rewards G.csv";

fn three_arms(n: usize) -> (Shell, Instance) {
    let (shell, instance) = (Shell::new(), instance(3, n, 2, &["none", "drug", "both"], false));
    instance.write(&shell);
    (shell, instance)
}

fn value(report: &Value) -> f64 {
    report["objective_value"].as_f64().unwrap()
}

#[test]
fn every_solver_and_form() {
    let (shell, instance) = three_arms(12);
    let solve = |how: &str| {
        let report = shell.run(&format!("{SOLVE} {how} --json -")).exits(0).json();
        assert_report(&report, &instance);
        report
    };
    let best = solve("--solver directions");
    assert_eq!(best["termination_status"], "OPTIMAL");
    assert_eq!(best["certificate"]["bound_proof"], "search");
    assert_eq!(best["point"]["kind"], "multi_linear");
    assert_eq!(best["point"]["arms"], serde_json::json!(["none", "drug", "both"]));
    for form in ["radon", "facets", "facets_radon"] {
        let report = solve(&format!("--solver milp --formulation {form}"));
        assert_eq!(report["termination_status"], "OPTIMAL", "{form}");
        assert!(close(value(&report), value(&best)), "{form}");
    }
    let report = solve("--solver smooth");
    assert_eq!(report["termination_status"], "LOCALLY_SOLVED");
    assert!(value(&report) <= value(&best) + 1e-9);
}

#[test]
fn forty_units_are_proved_by_the_search() {
    let (shell, instance) = three_arms(40);
    let report = shell.run(&format!("{SOLVE} --solver directions --json -")).exits(0).json();
    assert_report(&report, &instance);
    assert_eq!(report["termination_status"], "OPTIMAL");
    assert_eq!(report["certificate"]["verified"], true);
}

#[test]
fn an_answer_read_back_a_capacity_and_a_written_model() {
    let (shell, instance) = three_arms(10);
    shell.run(&format!("{SOLVE} --solver directions --json best.json")).exits(0);
    let line =
        format!("{SOLVE} --capacity drug=2 --write-model model.mps --read-solution best.json --json -");
    let report = shell.run(&line).exits(0).json();
    assert_report(&report, &instance);
    assert_eq!(report["termination_status"], "OPTIMAL");
    assert!(value(&report) <= value(&shell.json("best.json")) + 1e-9);
    let given =
        instance.x.iter().map(|x| crate::instances::arm_of(&report["point"], &instance.covariates, x));
    assert!(given.filter(|arm| arm == "drug").count() <= 2);
    assert!(shell.read("model.mps").contains("give(0.2)"));
    shell
        .run(&format!("{SOLVE} --solver directions --capacity drug=2"))
        .exits(2)
        .says(&["capacity drug", "milp"]);
    shell.run(&format!("{SOLVE} --formulation naive")).exits(2).says(&["radon"]);
}

#[test]
fn compared_side_by_side() {
    let (shell, instance) = three_arms(10);
    let line = "compare multi-linear --covariates X.csv --rewards G.csv --json both.json";
    let ran = shell.run(line).exits(0);
    let comparison = shell.json("both.json");
    let reports = comparison["reports"].as_array().unwrap();
    reports.iter().for_each(|report| assert_report(report, &instance));
    let solvers: Vec<&str> = reports.iter().map(|report| report["solver"].as_str().unwrap()).collect();
    assert_eq!(solvers, ["directions", "milp", "smooth"]);
    assert_eq!(comparison["proved"], true);
    assert!(close(value(&reports[0]), value(&reports[1])));
    assert!(comparison["approximation_gap"]["smooth.polished"]["absolute"].as_f64().unwrap() >= 0.0);
    assert!(ran.stdout.contains("the highest of\n    none: 0\n"), "{}", ran.stdout);
}

#[test]
fn one_arm_is_no_choice() {
    let shell = Shell::new();
    instance(3, 10, 2, &["none", "drug"], false).write(&shell);
    shell.write("G.csv", "none\n1\n2\n");
    shell.write("X.csv", "x1\n1\n2\n");
    shell.run(SOLVE).exits(3).says(&["G.csv", "none"]);
}

/// A trial of three arms, of which each is best for some ages.
fn trial_of_three(shell: &Shell) {
    let arms = ["none", "drug", "both"];
    let row = |i: usize| {
        let (age, sex, arm) = (20 + i * 7 % 40, i % 2, i * 5 % 3);
        let best = (age - 20) / 14;
        let y = 3.0 * f64::from(u8::from(best == arm)) + ((i * 37) % 11) as f64 / 10.0;
        format!("u{i},{y},{},{age},{sex}\n", arms[arm])
    };
    shell.write("trial.csv", (0..120).map(row).fold("id,y,a,age,sex\n".to_string(), |text, row| text + &row));
}

#[test]
fn a_study_of_three_arms_goes_the_whole_way() {
    let shell = Shell::new();
    trial_of_three(&shell);
    let learn = "learn trial.csv --outcome y --treatment a --arms none,drug,both --covariates age,sex --id id \
                 --propensity none=0.33,drug=0.33,both=0.34 --policy linear --maximize";
    for (solver, status) in [("smooth", "LOCALLY_SOLVED"), ("directions", "OPTIMAL")] {
        shell.run(&format!("{learn} --solver {solver} --out out")).exits(0);
        let (rule, report) = (shell.json("out/rule.json"), shell.json("out/report.json"));
        assert_eq!(report["termination_status"], status);
        assert_eq!(rule["kind"], "multi_linear");
        assert_eq!(
            (&rule["intercepts"], &rule["coefficients"]),
            (&report["point"]["intercepts"], &report["point"]["coefficients"])
        );
        let assigned: Vec<String> = shell
            .read("out/scores.csv")
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(3).unwrap().into())
            .collect();
        let predicted = shell.run("predict out/rule.json trial.csv --id id").exits(0).stdout;
        let arms: Vec<&str> = predicted.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
        assert_eq!(arms, assigned);
        assert!(["none", "drug", "both"].iter().all(|arm| arms.contains(arm)), "{arms:?}");
        shell.run("verify out").exits(0);
        shell.run("export out/rule.json --to sql").exits(0);
        shell.run("export out/rule.json --to svg").exits(2).says(&["linear"]);
        let compared = shell.run(&format!("compare learned out --solver {solver} --json -")).exits(0).json();
        assert_eq!(compared["reports"][0]["point"], report["point"]);
    }
}

#[test]
fn the_problem_chooses_its_solver() {
    let shell = Shell::new();
    let instance = crate::instances::instance(3, 12, 1, &["a", "b", "c"], false);
    instance.write(&shell);
    let chosen = |more: &str| {
        let line = format!("solve multi-linear --covariates X.csv --rewards G.csv --json - {more}");
        shell.run(&line).exits(0).json()["solver"].as_str().unwrap().to_owned()
    };
    // The search refuses bounds on who gets what, and only programs have a formulation.
    assert_eq!(chosen(""), "directions");
    assert_eq!(chosen("--capacity c=12"), "milp");
    assert_eq!(chosen("--formulation radon"), "milp");
    let tree = "solve tree --covariates X.csv --rewards G.csv --json - --depth";
    assert_eq!(shell.run(&format!("{tree} 2")).exits(0).json()["solver"], "search");
    assert_eq!(shell.run(&format!("{tree} 2 --capacity c=12")).exits(0).json()["solver"], "milp");
    shell.run(&format!("{tree} 2 --sign x1=+")).exits(2).says(&["milp", "sign x1"]);
}
