//! `learn --evaluate nested:K`: the value of the learner, apart from the rule learned from all units.

use serde_json::{Value, json};

use crate::instances::{arm_of, close};
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

const NESTED: &str = "--maximize --score ipw --evaluate nested:4 --out out";

#[test]
fn every_unit_is_judged_by_the_rule_of_its_fold() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let ran = shell.run(&format!("{LEARN} {NESTED} --json -")).exits(0).json();
    let report = shell.json("out/report.json");
    assert_eq!(ran["learner"], report["learner"]);
    let folds = report["learner"]["folds"].as_array().unwrap();
    assert_eq!(folds.len(), 4);
    for fold in folds {
        assert_eq!(fold["learned_from"].as_u64().unwrap() + fold["judged_on"].as_u64().unwrap(), 200);
        assert_eq!(fold["termination_status"], "OPTIMAL");
    }
    // The rule is learned from all units: nothing is held out, and the sum of its rewards is the objective.
    let rule = shell.json("out/rule.json");
    let total: f64 = trial.rows.iter().map(|unit| unit.ipw(&unit.assigned(&rule))).sum();
    assert!(close(total, report["objective_value"].as_f64().unwrap()), "{total}");
    // Which fold a unit is in is not told, but its term is that of one of the four rules, and the value lies between.
    let covariates = ["age".to_string(), "sex".to_string()];
    let terms = |unit: &crate::instances::Unit| -> Vec<f64> {
        let x = [unit.age, unit.sex];
        folds.iter().map(|fold| unit.ipw(&arm_of(&fold["rule"], &covariates, &x))).collect()
    };
    let bound = |pick: fn(f64, f64) -> f64| {
        trial.rows.iter().map(|unit| terms(unit).into_iter().reduce(pick).unwrap()).sum::<f64>() / 200.0
    };
    let value = report["learner"]["evaluation"]["value"].as_f64().unwrap();
    assert!((bound(f64::min)..=bound(f64::max)).contains(&value), "{value}");
    let chosen = &report["learner"]["evaluation"]["best_arm"];
    assert_eq!(chosen["arm_of_fold"].as_array().unwrap().len(), 4);
}

#[test]
fn the_rule_of_a_fold_does_not_know_its_units() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let line = format!("{LEARN} {NESTED}");
    let before = shell.run(&format!("{line} --json -")).exits(0).json();
    // Another outcome of one unit changes the rules of three folds at most: its own fold's rule has not seen it.
    let mut same = 0;
    let mut changed_somewhere = false;
    for unit in [3, 40, 111] {
        let mut other = trial.map(|unit| unit);
        other.rows[unit].y += 1000.0;
        shell.write("trial.csv", other.csv());
        let after = shell.run(&format!("{line} --json -")).exits(0).json();
        let rules = |json: &Value| -> Vec<Value> {
            json["learner"]["folds"].as_array().unwrap().iter().map(|fold| fold["rule"].clone()).collect()
        };
        let kept = rules(&before).into_iter().zip(rules(&after)).filter(|(a, b)| a == b).count();
        assert_eq!(kept, 1, "the rule of one fold, with its hash of the data");
        same += kept;
        changed_somewhere |=
            before["learner"]["evaluation"]["value"] != after["learner"]["evaluation"]["value"];
    }
    assert!(same == 3 && changed_somewhere);
}

#[test]
fn the_folder_verifies_until_its_value_is_changed() {
    let shell = Shell::new();
    trial_in(&shell);
    for score in ["ipw", "aipw"] {
        shell.run(&format!("{LEARN} {}", NESTED.replace("ipw", score))).exits(0);
        let findings = shell.run("verify out --json -").exits(0).json();
        let names: Vec<&str> =
            findings["findings"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"learner"), "{names:?}");
    }
    let kept = shell.read("out/report.json");
    type Change = fn(&mut Value);
    let changes: [Change; 3] = [
        |report| report["learner"]["evaluation"]["value"] = json!(1.0),
        |report| report["learner"]["folds"][0]["rule"]["root"] = json!({"arm": "none"}),
        |report| report["learner"] = Value::Null,
    ];
    for change in changes {
        shell.edit("out/report.json", change);
        shell.run("verify out").exits(7);
        shell.write("out/report.json", &kept);
    }
    shell.run("verify out").exits(0);
}

#[test]
fn the_configuration_and_the_threads_change_nothing() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} {NESTED} --threads 1")).exits(0);
    shell.run("learn --config out/config.toml --out again --threads 3").exits(0);
    assert_eq!(shell.json("out/report.json")["learner"], shell.json("again/report.json")["learner"]);
    // A held-out share asks for the other way to evaluate.
    let held_out = shell.run("learn --config out/config.toml --test-share 0.5 --json -").exits(0).json();
    assert_eq!(held_out["learner"], Value::Null);
    shell.run(&format!("{LEARN} {NESTED} --test-share 0.5")).exits(2).says(&["--test-share"]);
    shell.run(&format!("{LEARN} --maximize --evaluate nested:1")).exits(2).says(&["nested:K"]);
}

#[test]
fn clusters_stay_whole_and_budgets_are_scaled() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let budget = "--capacity drug=50";
    let found = shell.run(&format!("{LEARN} {NESTED} --cluster fee --json -")).exits(0).json();
    assert_eq!(found["learner"]["evaluation"]["clusters"], 8);
    let sizes: Vec<usize> =
        (1..9_u8).map(|fee| trial.rows.iter().filter(|u| u.fee == f64::from(fee) / 8.0).count()).collect();
    for fold in found["learner"]["folds"].as_array().unwrap() {
        // Some set of whole clusters has as many units as the fold.
        let sums =
            (0..256_usize).map(|set| (0..8).filter(|c| set >> c & 1 == 1).map(|c| sizes[c]).sum::<usize>());
        assert!(sums.into_iter().any(|sum| fold["judged_on"] == sum), "{fold:#}");
    }
    let found = shell.run(&format!("{LEARN} {NESTED} {budget} --json -")).exits(0).json();
    // 50 of 200 units are 37 of 150.
    for fold in found["learner"]["folds"].as_array().unwrap() {
        let rule = &fold["rule"];
        let treated = trial.rows.iter().filter(|unit| unit.assigned(rule) == "drug").count();
        assert!(treated <= 37 + 50, "{treated} treated of 200, of which 150 bound the rule to 37");
    }
}
