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

/// Signs, few and whole coefficients of a linear rule, from flags and from a configuration alike.
#[test]
fn linear_rules_keep_signs_and_whole_coefficients() {
    let (shell, instance) = (Shell::new(), instance(4, 40, 3, &["gain"], false));
    instance.write(&shell);
    let bound = "--sign x1=+,x2=- --max-covariates 2 --integer-coefficients 3";
    let report = shell.run(&format!("{LINEAR} {bound}")).exits(0).json();
    let b: Vec<f64> =
        report["point"]["coefficients"].as_array().unwrap().iter().map(|b| b.as_f64().unwrap()).collect();
    assert!(b[0] >= 0.0 && b[1] <= 0.0 && b.iter().filter(|b| **b != 0.0).count() <= 2, "{b:?}");
    assert!(b.iter().all(|b| b.fract() == 0.0 && b.abs() <= 3.0) && b.iter().any(|b| *b != 0.0), "{b:?}");
    assert!((instance.value(&report["point"]) - report["objective_value"].as_f64().unwrap()).abs() < 1e-9);
    let other = shell.run(&format!("{LINEAR} {bound} --formulation scorecard")).exits(0).json();
    assert_eq!(report["model_hash"], other["model_hash"]);
    let (a, b) = (&report["objective_value"], &other["objective_value"]);
    assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-9, "{a} {b}");
}

#[test]
fn trees_keep_eligibility_and_received_arms() {
    let (shell, instance) = (Shell::new(), instance(5, 40, 2, &["none", "drug"], false));
    instance.write(&shell);
    // Only the units with x1 below 5 may get the drug; units receive the two arms in turn.
    let eligible: Vec<Vec<f64>> = instance.x.iter().map(|x| vec![1.0, f64::from(x[0] < 5.0)]).collect();
    shell.write("E.csv", csv(&instance.arms, &eligible));
    shell.write("A.csv", "arm\n".to_string() + &"none\ndrug\n".repeat(20));
    let report =
        shell.run(&format!("{TREE} --eligible E.csv --observed-arm A.csv --min-arm-leaf 4")).exits(0).json();
    assert_eq!(report["termination_status"], "OPTIMAL");
    let gets = |x: &Vec<f64>| arm_of(&report["point"], &instance.covariates, x);
    assert!(instance.x.iter().all(|x| x[0] < 5.0 || gets(x) == "none"));
    let standings = report["statistics"]["constraints"].as_array().unwrap();
    assert!(
        standings
            .iter()
            .any(|s| s["constraint"] == "minimum_arm_in_leaf" && s["value"].as_f64() >= Some(4.0))
    );
    shell.write("E.csv", "none,drug\n".to_string() + &"1,2\n".repeat(40));
    shell.run(&format!("{TREE} --eligible E.csv")).exits(3).says(&[
        "E.csv",
        "line 2",
        "\"drug\"",
        "\"2\" is neither",
    ]);
    shell.write("A.csv", "arm\n".to_string() + &"none\nplacebo\n".repeat(20));
    let ran = shell.run(&format!("{TREE} --observed-arm A.csv --min-arm-leaf 4")).exits(3);
    ran.says(&["A.csv", "line 3", "\"placebo\""]);
}

/// The search keeps what the program keeps, flag by flag, and both prove the same value.
#[test]
fn the_search_keeps_constraints_on_trees() {
    let (shell, instance) = (Shell::new(), instance(5, 40, 3, &["none", "drug"], false));
    instance.write(&shell);
    let eligible: Vec<Vec<f64>> = instance.x.iter().map(|x| vec![1.0, f64::from(x[0] < 5.0)]).collect();
    shell.write("E.csv", csv(&instance.arms, &eligible));
    shell.write("A.csv", "arm\n".to_string() + &"none\ndrug\n".repeat(20));
    let value = |flags: &str, solver: &str| {
        let report = shell.run(&format!("{TREE} {flags} --solver {solver}")).exits(0).json();
        assert_eq!(report["solver"], solver, "{flags}");
        assert_eq!(report["certificate"]["verified"], true, "{flags}");
        let standings = report["statistics"]["constraints"].as_array().unwrap();
        assert!(standings.iter().all(|s| s["slack"].as_f64() >= Some(0.0)), "{flags}: {standings:?}");
        if solver != "lookahead" {
            assert_eq!(report["termination_status"], "OPTIMAL", "{flags}");
        }
        report["objective_value"].as_f64().unwrap()
    };
    let free = value("", "search");
    for flags in
        ["--eligible E.csv", "--observed-arm A.csv --min-arm-leaf 6", "--max-covariates 1", "--min-leaf 12"]
    {
        let found = value(flags, "search");
        assert!((found - value(flags, "milp")).abs() < 1e-9 && found < free, "{flags}: {found} of {free}");
        assert!((found - value(flags, "lookahead")).abs() < 1e-9, "{flags}");
    }
    shell.run(&format!("{TREE} --capacity drug=3 --solver search")).exits(2).says(&[
        "search",
        "capacity drug",
        "milp",
    ]);
    shell.run(&format!("{TREE} --observed-arm A.csv --min-arm-leaf 21 --solver search")).exits(4);
}

#[test]
fn a_solver_that_does_not_take_a_constraint_names_it() {
    let shell = Shell::new();
    instance(6, 20, 2, &["none", "drug"], false).write(&shell);
    instance(6, 20, 2, &["gain"], false).write(&shell);
    shell.write("A.csv", "arm\n".to_string() + &"control\ntreated\n".repeat(10));
    let refused = |line: String, name: &str| {
        shell.run(&line).exits(2).says(&[name]);
    };
    refused(format!("{TREE} --sign x1=+"), "sign x1");
    refused(format!("{TREE} --integer-coefficients 2"), "integer_coefficients");
    refused(format!("{TREE} --max-covariates 1 --solver greedy"), "maximum_covariates");
    refused(format!("{LINEAR} --sign x1=+ --solver smooth"), "sign x1");
    refused(format!("{LINEAR} --integer-coefficients 2 --formulation facets"), "integer_coefficients");
    refused(format!("{LINEAR} --formulation scorecard"), "integer_coefficients");
    refused(format!("{LINEAR} --observed-arm A.csv --min-arm-leaf 2"), "minimum_arm_in_leaf");
    refused(format!("{LINEAR} --sign x1=up"), "--sign x1=up");
    refused(format!("{TREE} --min-arm-leaf 2"), "--observed-arm");
    shell.run(&format!("{LINEAR} --sign y=+")).exits(3).says(&["\"y\"", "x1, x2"]);
}

/// The share of a subgroup, by hand, and the same from the kept configuration.
#[test]
fn a_subgroup_keeps_its_share() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let bound = "--subgroup-share sex=1:0.2..0.3 --min-arm-leaf 5";
    shell.run(&format!("{LEARN} --maximize {bound} --test-share 0 --out results")).exits(0);
    let rule = shell.json("results/rule.json");
    let names = ["age".to_string(), "sex".to_string()];
    let members: Vec<_> = trial.rows.iter().filter(|unit| unit.sex == 1.0).collect();
    let gets = |unit: &crate::instances::Unit| arm_of(&rule, &names, &[unit.age, unit.sex]);
    let treated = members.iter().filter(|unit| gets(unit) == "drug").count() as f64;
    let share = treated / members.len() as f64;
    assert!((0.2..=0.3).contains(&share), "{share}");
    shell.run("learn --config results/config.toml --out again").exits(0);
    assert_eq!(shell.read("results/rule.json"), shell.read("again/rule.json"));
    shell.run("verify results").exits(0);
    let line = |bound: &str| shell.run(&format!("{LEARN} --maximize --subgroup-share {bound}"));
    line("sex=1").exits(2).says(&["--subgroup-share", "sex=1:0.2..0.5"]);
    line("sex=1:0.5..0.2").exits(2).says(&["0.5..0.2"]);
    line("sex=7:0..1").exits(3).says(&["sex=7"]);
    line("size=1:0..1").exits(2).says(&["size", "age, sex"]);
}
