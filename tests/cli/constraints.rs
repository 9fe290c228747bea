//! Bounds on who gets what: `--budget-share`, `--capacity`, `--budget`.

use crate::instances::{arm_of, csv, instance};
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

const TREE: &str =
    "solve tree --covariates X.csv --rewards G.csv --depth 2 --candidates quantiles:4 --json -";
const LINEAR: &str = "solve linear --covariates X.csv --gains g.csv --json -";

/// How many units of a report's instance get each arm named.
fn given(report: &serde_json::Value, instance: &crate::instances::Instance, arms: &[&str]) -> usize {
    let arm = |x: &Vec<f64>| arm_of(&report["point"], &instance.covariates, x);
    instance.x.iter().filter(|x| arms.contains(&arm(x).as_str())).count()
}

#[test]
fn trees_keep_share_and_capacity() {
    let (shell, instance) = (Shell::new(), instance(1, 60, 2, &["none", "drug", "both"], false));
    instance.write(&shell);
    let free = shell.run(TREE).exits(0).json();
    let bound = shell.run(&format!("{TREE} --budget-share 0.5 --capacity both=7")).exits(0).json();
    assert!(given(&free, &instance, &["drug", "both"]) > 30, "the bounds must bind");
    assert!(given(&bound, &instance, &["drug", "both"]) <= 30 && given(&bound, &instance, &["both"]) <= 7);
    assert!(bound["objective_value"].as_f64() < free["objective_value"].as_f64());
    let standings = bound["statistics"]["constraints"].as_array().unwrap();
    let of =
        |name: &str| standings.iter().find(|s| s["constraint"] == name).unwrap()["slack"].as_f64().unwrap();
    assert_eq!(of("budget_share"), 30.0 - given(&bound, &instance, &["drug", "both"]) as f64);
    assert_eq!(of("capacity both"), 7.0 - given(&bound, &instance, &["both"]) as f64);
}

#[test]
fn linear_rules_keep_a_budget_of_costs() {
    let (shell, instance) = (Shell::new(), instance(2, 30, 2, &["gain"], false));
    instance.write(&shell);
    let costs: Vec<Vec<f64>> = (0..30).map(|i| vec![f64::from(i % 4)]).collect();
    shell.write("C.csv", csv(&["cost".into()], &costs));
    let report = shell.run(&format!("{LINEAR} --budget 6 --costs C.csv")).exits(0).json();
    let treated = |x: &Vec<f64>| arm_of(&report["point"], &instance.covariates, x) == "treated";
    let spent: f64 = instance.x.iter().zip(&costs).filter(|(x, _)| treated(x)).map(|(_, c)| c[0]).sum();
    assert!(spent <= 6.0, "{spent}");
    assert_eq!(report["termination_status"], "OPTIMAL");
    assert_eq!(report["statistics"]["constraints"][0]["value"], spent);
}

#[test]
fn learned_rules_keep_their_bounds_and_verify() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --capacity drug=10 --out results")).exits(0);
    let report = shell.json("results/report.json");
    let standings = report["statistics"]["constraints"].as_array().unwrap();
    assert!(
        standings.iter().any(|s| s["constraint"] == "capacity drug" && s["value"].as_f64().unwrap() <= 10.0)
    );
    assert!(shell.read("results/config.toml").contains("[constraints.capacity]"));
    shell.run("verify results").exits(0);
    shell.run("learn --config results/config.toml --out again").exits(0);
    assert_eq!(shell.read("results/rule.json"), shell.read("again/rule.json"));
}

/// The scores are those with both covariates, the rule sees one.
#[test]
fn an_excluded_covariate_serves_the_scores_only() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out seen")).exits(0);
    shell.run(&format!("{LEARN} --maximize --exclude age --out blind")).exits(0);
    assert_eq!(shell.json("blind/rule.json")["covariates"], serde_json::json!([{"name": "sex"}]));
    assert!(!shell.json("blind/rule.json")["root"].to_string().contains("age"));
    let rewards = |folder: &str| -> Vec<String> {
        let text = shell.read(&format!("{folder}/scores.csv"));
        text.lines().map(|line| line.split(',').skip(4).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(rewards("seen"), rewards("blind"));
    shell.run("verify blind").exits(0);
    shell.run("predict blind/rule.json trial.csv --id id").exits(0);
    shell.run(&format!("{LEARN} --maximize --exclude height")).exits(2).says(&["height", "age, sex"]);
    shell.run(&format!("{LEARN} --maximize --exclude age,sex")).exits(2).says(&["--exclude"]);
}

#[test]
fn parity_holds_between_groups_whether_the_rule_sees_them_or_not() {
    let shell = Shell::new();
    trial_in(&shell);
    let line = format!("{LEARN} --maximize --parity sex:0.1 --capacity drug=50% --exclude sex --out results");
    shell.run(&line).exits(0);
    let report = shell.json("results/report.json");
    let names = |key: &str| -> Vec<String> {
        let list = report["statistics"][key].as_array().unwrap();
        list.iter().map(|entry| entry["constraint"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(names("prices"), ["capacity drug", "parity sex"]);
    let slack = |entry: &serde_json::Value| entry["slack"].as_f64().unwrap();
    assert!(report["statistics"]["constraints"].as_array().unwrap().iter().all(|entry| slack(entry) >= 0.0));
    assert!(shell.read("results/config.toml").contains("drug = \"50%\""));
    shell.run("verify results").exits(0);
    shell
        .run(&format!("{LEARN} --maximize --parity age:0.1"))
        .exits(3)
        .says(&["parity by age", "two values"]);
    shell.run(&format!("{LEARN} --maximize --parity height:0.1")).exits(2).says(&["height", "age, sex"]);
    shell.run(&format!("{LEARN} --maximize --parity sex=0.1")).exits(2).says(&["--parity", "sex:0.05"]);
    shell.run(&format!("{LEARN} --maximize --capacity drug=120%")).exits(2).says(&["--capacity", "120%"]);
}

#[test]
fn what_cannot_be_met_or_makes_no_sense() {
    let (shell, instance) = (Shell::new(), instance(1, 60, 2, &["none", "drug"], false));
    instance.write(&shell);
    // Every rule gives one of the two arms to everyone.
    shell.run(&format!("{TREE} --capacity none=10,drug=10")).exits(4);
    shell.run(&format!("{TREE} --capacity other=10")).exits(3).says(&["\"other\"", "none, drug"]);
    shell.run(&format!("{TREE} --capacity drug=-1")).exits(2).says(&["--capacity", "-1"]);
    shell.run(&format!("{TREE} --budget-share 1.5")).exits(2).says(&["budget share"]);
    shell.run(&format!("{TREE} --budget 3")).exits(2).says(&["--costs"]);
    shell
        .run(&format!("{TREE} --budget-share 0.5 --solver greedy"))
        .exits(2)
        .says(&["greedy", "budget_share"]);
    shell.write("C.csv", "cost\n1\n2\n");
    shell.run(&format!("{TREE} --budget 3 --costs C.csv")).exits(3).says(&["C.csv", "60 x 2", "2 x 1"]);
}
