//! `--joint-cost` through the program: objective, evaluation and verification agree with sums by hand, and what is refused.

use serde_json::{Value, json};

use crate::interference::oracle_in;
use crate::learn_interference::{column, rows};
use crate::shell::Shell;

const STUDY: &str = "--outcome Y --treatment A --propensity propensity --cluster cluster";
const LEARN: &str = "learn data.csv --maximize --policy linear --covariates X1,X2 --out out --json -";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn near(found: &Value, truth: f64) {
    assert!((number(found) - truth).abs() <= 1e-10, "{found} is not {truth}");
}

/// The mean over clusters of c(number treated), c = 0, 0, .1, .3, .5, ..
fn spent(shell: &Shell) -> f64 {
    let clusters = column(&rows(&shell.read("data.csv")), "cluster");
    let assigned = column(&rows(&shell.read("out/scores.csv")), "assigned");
    let mut names = clusters.clone();
    names.sort();
    names.dedup();
    let cost = |name: &String| {
        let treated = clusters.iter().zip(&assigned).filter(|(of, arm)| *of == name && *arm == "1").count();
        [0.0, 0.0, 0.1].get(treated).copied().unwrap_or(0.3 + 0.2 * (treated as f64 - 3.0))
    };
    names.iter().map(cost).sum::<f64>() / names.len() as f64
}

#[test]
fn objective_evaluation_and_verification_take_them() {
    let shell = Shell::new();
    oracle_in(&shell);
    for (flags, solver) in [
        ("additive", "milp"),
        ("additive --cost 0.1", "directions"),
        ("additive --doubly-robust --g0 g0 --g g", "auto"),
        ("additive --eligible 1=X3<=5", "milp"),
        ("none", "smooth"),
        ("unknown", "directions"),
        ("anonymous --cost 0.1", "smooth"),
        ("polynomial:2", "smooth"),
    ] {
        let what = format!("{flags} {solver}");
        let line = format!(
            "{LEARN} {STUDY} --solver {solver} --time-limit 60 --test-share 0 --interference {flags}"
        );
        let free = number(&shell.run(&line).exits(0).json()["report"]["objective_value"]);
        let found = shell.run(&format!("{line} --joint-cost 0,0,.1,.3")).exits(0).json();
        let report = &found["report"];
        assert_eq!(report["model"], "cluster_rule", "{what}");
        let objective = number(&report["objective_value"]);
        if solver != "smooth" {
            assert_eq!(report["termination_status"], "OPTIMAL", "{what}");
            assert!(objective < free, "{what}: {objective} {free}");
        }
        near(&found["evaluation"]["value"], objective);
        let line = format!("evaluate out/rule.json data.csv {STUDY} --interference {flags} --json -");
        let evaluated = shell.run(&format!("{line} --joint-cost 0,0,.1,.3")).exits(0).json();
        near(&evaluated["value"], objective);
        assert_eq!(evaluated["standard_error"], found["evaluation"]["standard_error"], "{what}");
        // Without them, the same rule is worth what they took more.
        near(&shell.run(&line).exits(0).json()["value"], objective + spent(&shell));
        assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true, "{what}");
    }
    let config = shell.read("out/config.toml");
    shell.write("out/config.toml", config.replace("0.1,", "0.2,").replace("0.3,", "0.5,"));
    assert_ne!(config, shell.read("out/config.toml"));
    shell.run("verify out").exits(7);
    shell.run("stability out --replications 2").exits(2).says(&["polynomial:2"]);
}

#[test]
fn smaller_outcomes_cost_as_much() {
    let shell = Shell::new();
    oracle_in(&shell);
    let turned: Vec<String> = shell
        .read("data.csv")
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let mut cells: Vec<String> = line.split(',').map(String::from).collect();
            if at > 0 {
                cells[2] = (-cells[2].parse::<f64>().unwrap()).to_string();
            }
            cells.join(",")
        })
        .collect();
    let line =
        format!("{LEARN} {STUDY} --solver milp --test-share 0 --interference additive --joint-cost 0,.1,.3");
    let up = shell.run(&line).exits(0).json();
    shell.write("data.csv", turned.join("\n") + "\n");
    let down = shell.run(&line.replace("--maximize", "--minimize")).exits(0).json();
    near(&down["report"]["objective_value"], number(&up["report"]["objective_value"]));
    near(&down["evaluation"]["value"], -number(&up["evaluation"]["value"]));
    assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
}

/// A unit without a covariate stays in the mean of its cluster and is nobody's to treat: it adds nothing to the number treated.
#[test]
fn who_is_not_reached_is_not_counted() {
    let shell = Shell::new();
    oracle_in(&shell);
    let missing: Vec<String> = shell
        .read("data.csv")
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let mut cells: Vec<&str> = line.split(',').collect();
            if at % 5 == 1 {
                cells[5] = "";
            }
            cells.join(",")
        })
        .collect();
    shell.write("data.csv", missing.join("\n") + "\n");
    let line = format!("{LEARN} {STUDY} --solver milp --test-share 0 --missing drop");
    let flags = "--interference additive --joint-cost 0,0,.1,.3";
    let found = shell.run(&format!("{line} {flags}")).exits(0).json();
    let evaluate = format!("evaluate out/rule.json data.csv {STUDY} --missing drop {flags} --json -");
    near(&shell.run(&evaluate).exits(0).json()["value"], number(&found["report"]["objective_value"]));
    assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
    shell.run(&format!("{line} --interference polynomial:2")).exits(2).says(&["--missing drop", "additive"]);
}

/// What costs more than anything brings is not done, in every fold and held out.
#[test]
fn the_learner_pays_them_in_every_fold() {
    let shell = Shell::new();
    oracle_in(&shell);
    let line = format!("{LEARN} {STUDY} --solver milp --interference additive --evaluate nested:4");
    let mild = shell.run(&format!("{line} --joint-cost 0,.05,.2")).exits(0).json();
    assert_eq!(mild["learner"]["evaluation"]["clusters"], 20);
    assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
    let dear = shell.run(&format!("{line} --joint-cost 0,1000")).exits(0).json();
    assert_eq!(dear["learner"]["evaluation"]["treated_share"], json!(0.0));
    assert_eq!(dear["evaluation"]["treated_share"], json!(0.0));
    let nobody = number(&dear["evaluation"]["value"]);
    // Treating all costs each cluster 1000 for each of its units.
    let all = number(&dear["evaluation"]["differences"][1]["value"]["estimate"]);
    let free = shell.run(&line).exits(0).json();
    let all_free = number(&free["evaluation"]["differences"][1]["value"]["estimate"]);
    near(&json!((all_free - all) / 1000.0), 3.5);
    near(&free["evaluation"]["differences"][0]["value"]["estimate"], nobody);
}

#[test]
fn what_they_do_not_go_with_is_refused() {
    let shell = Shell::new();
    oracle_in(&shell);
    let with = |flags: &str| shell.run(&format!("{LEARN} {STUDY} {flags}"));
    for (costs, words) in [
        ("0,.3,.4", "convex"),
        ("1,2", "begin with 0"),
        ("0", "at least two"),
        ("0,x", "no number"),
        ("0,inf", "finite"),
    ] {
        let refused = with(&format!("--interference additive --joint-cost {costs}")).exits(2);
        refused.says(&["--joint-cost", words]);
    }
    with("--joint-cost 0,1").exits(2).says(&["--interference"]);
    for learner in ["least-squares", "bagged", "auto"] {
        let flags = format!("--interference additive --joint-cost 0,1 --learner {learner}");
        with(&flags).exits(2).says(&["--joint-cost", "--learner value"]);
    }
    for class in ["tree", "table"] {
        let line = LEARN.replace("linear", class);
        for (flags, words) in
            [("additive --joint-cost 0,1", "--joint-cost 0,1"), ("unknown", "--interference unknown")]
        {
            let ran = shell.run(&format!("{line} {STUDY} --interference {flags}")).exits(2);
            ran.says(&[words, "--policy linear"]);
        }
    }
    with("--solver smooth --test-share 0 --interference additive --joint-cost 0,1").exits(0);
    shell.run("stability out --replications 2").exits(2).says(&["--joint-cost 0,1"]);
}
