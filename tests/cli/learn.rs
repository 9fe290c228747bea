//! `learn`: the folder of results, its configuration, and how columns and costs enter.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::instances::{Trial, close, trial};
use crate::shell::Shell;

pub const LEARN: &str = "learn trial.csv --outcome y --treatment a --arms none,drug --covariates age,sex \
                         --policy tree --depth 2 --propensity p --id id";

pub fn trial_in(shell: &Shell) -> Trial {
    let trial = trial(5, 200);
    shell.write("trial.csv", trial.csv());
    trial
}

/// The rewards of scores.csv by unit: id, and the reward of each arm.
pub fn rewards(shell: &Shell, folder: &str) -> Vec<(String, Vec<f64>)> {
    let text = shell.read(&format!("{folder}/scores.csv"));
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    assert_eq!(header[0], "id");
    let columns: Vec<usize> =
        ["none", "drug"].map(|arm| header.iter().position(|name| name.contains(arm)).unwrap()).into();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[0].to_string(), columns.iter().map(|&j| cells[j].parse().unwrap()).collect())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn the_folder_holds_five_files() {
    let shell = Shell::new();
    trial_in(&shell);
    let ran = shell.run(&format!("{LEARN} --maximize --out results/first")).exits(0);
    let names: BTreeSet<String> = std::fs::read_dir(shell.path("results/first"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = ["config.toml", "report.json", "rule.json", "scores.csv", "summary.txt"];
    assert_eq!(names, expected.map(String::from).into());
    assert_eq!(ran.stdout, shell.read("results/first/summary.txt"));
    let (rule, report) = (shell.json("results/first/rule.json"), shell.json("results/first/report.json"));
    assert_eq!((&rule["kind"], &rule["root"]), (&report["point"]["kind"], &report["point"]["root"]));
    assert_eq!(rule["schema_version"], 2);
    assert_eq!(rule["arms"], serde_json::json!(["none", "drug"]));
    assert_eq!(rule["covariates"], serde_json::json!([{"name": "age"}, {"name": "sex"}]));
    assert_eq!(rule["direction"], "maximize");
    assert_eq!(report["termination_status"], "OPTIMAL");
    assert!(report["evaluation"]["value"]["standard_error"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_whole_answer_as_one_value() {
    let shell = Shell::new();
    trial_in(&shell);
    let json = shell.run(&format!("{LEARN} --maximize --json -")).exits(0).json();
    for key in ["rule", "report", "evaluation", "warnings", "dropped"] {
        assert!(json.get(key).is_some(), "{key} in {json:#}");
    }
}

#[test]
fn the_configuration_gives_the_same_rule_and_scores() {
    let shell = Shell::new();
    trial_in(&shell);
    for policy in ["--policy tree --depth 2", "--policy linear --solver smooth"] {
        let line = LEARN.replace("--policy tree --depth 2", policy);
        shell.run(&format!("{line} --minimize --cost drug=0.25 --seed 3 --folds 4 --out a")).exits(0);
        shell.run("learn --config a/config.toml --out b").exits(0);
        for file in ["rule.json", "scores.csv", "config.toml"] {
            assert_eq!(
                shell.read(&format!("a/{file}")),
                shell.read(&format!("b/{file}")),
                "{file} of {policy}"
            );
        }
    }
}

#[test]
fn flags_override_the_configuration() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out a")).exits(0);
    let again =
        "learn --config a/config.toml --depth 1 --minimize --seed 8 --propensity none=0.5,drug=0.5 --out b";
    shell.run(again).exits(0);
    let config: toml::Table = shell.read("b/config.toml").parse().unwrap();
    assert_eq!(config["policy"]["depth"].as_integer(), Some(1));
    assert_eq!(config["scoring"]["direction"].as_str(), Some("minimize"));
    assert_eq!(config["solve"]["random_seed"].as_integer(), Some(8));
    assert!(config["scoring"]["roles"]["propensity"].get("constants").is_some(), "{config:#?}");
    assert!(crate::instances::depth(&shell.json("b/rule.json")["root"]) <= 1);
    shell.run("verify b").exits(0);
    shell.run("learn --config a/config.toml --policy linear --solver smooth --out c").exits(0);
    assert_eq!(shell.json("c/rule.json")["kind"], "linear");
    shell.run("learn --config c/config.toml --policy tree --solver greedy --out d").exits(0);
    assert_eq!(shell.json("d/rule.json")["kind"], "tree");
}

#[test]
fn the_rule_does_not_depend_on_threads() {
    let shell = Shell::new();
    trial_in(&shell);
    for policy in ["--policy tree --depth 2", "--policy linear --solver smooth"] {
        let line = LEARN.replace("--policy tree --depth 2", policy);
        for threads in [1, 4] {
            shell.run(&format!("{line} --maximize --threads {threads} --out t{threads}")).exits(0);
        }
        for file in ["rule.json", "scores.csv"] {
            assert_eq!(
                shell.read(&format!("t1/{file}")),
                shell.read(&format!("t4/{file}")),
                "{file} of {policy}"
            );
        }
    }
}

#[test]
fn minimising_mirrors_maximising_the_negated_outcome() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    shell.write("negated.csv", trial.map(|unit| crate::instances::Unit { y: -unit.y, ..unit }).csv());
    for score in ["ipw", "aipw"] {
        let line = format!("{LEARN} --score {score} --cost drug=0.25");
        let max = shell.run(&format!("{line} --maximize --out max --json -")).exits(0).json();
        let line = line.replace("trial.csv", "negated.csv");
        let min = shell.run(&format!("{line} --minimize --out min --json -")).exits(0).json();
        assert_eq!(max["rule"]["root"], min["rule"]["root"], "{score}");
        assert_eq!(max["report"]["objective_value"], min["report"]["objective_value"], "{score}");
        let value = |json: &Value| json["evaluation"]["value"]["estimate"].as_f64().unwrap();
        assert!(close(value(&max), -value(&min)), "{score}");
        assert_eq!(rewards(&shell, "max"), rewards(&shell, "min"), "{score}");
    }
}

#[test]
fn strata_stand_in_the_configuration() {
    let shell = Shell::new();
    trial_in(&shell);
    let line = LEARN.replace("--propensity p", "--propensity strata:sex");
    shell.run(&format!("{line} --maximize --out a")).exits(0);
    let config: toml::Table = shell.read("a/config.toml").parse().unwrap();
    assert_eq!(config["scoring"]["roles"]["propensity"]["strata"][0].as_str(), Some("sex"));
    shell.run("learn --config a/config.toml --out b").exits(0);
    assert_eq!(shell.read("a/scores.csv"), shell.read("b/scores.csv"));
    shell.run("verify b").exits(0);
}

#[test]
fn ipw_scores_by_the_formula() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    shell.run(&format!("{LEARN} --score ipw --maximize --out out")).exits(0);
    for ((id, rewards), unit) in rewards(&shell, "out").iter().zip(&trial.rows) {
        assert_eq!(*id, unit.id);
        assert!(
            close(rewards[0], unit.ipw("none")) && close(rewards[1], unit.ipw("drug")),
            "{id}: {rewards:?}"
        );
    }
}

#[test]
fn self_normalised_and_direct_scores_by_the_formula() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let scores = |score: &str| {
        shell.run(&format!("{LEARN} --score {score} --maximize --out out")).exits(0);
        let config: toml::Table = shell.read("out/config.toml").parse().unwrap();
        assert_eq!(config["scoring"]["score"].as_str(), Some(score));
        shell.run("verify out").exits(0);
        rewards(&shell, "out")
    };
    let (hajek, direct, aipw) = (scores("hajek"), scores("direct"), scores("aipw"));
    for (k, arm) in ["none", "drug"].into_iter().enumerate() {
        let weights = trial.rows.iter().filter(|unit| unit.arm == arm).map(|unit| 1.0 / unit.propensity(arm));
        let total: f64 = weights.sum();
        for (i, unit) in trial.rows.iter().enumerate() {
            assert!(close(hajek[i].1[k], 200.0 * unit.ipw(arm) / total), "{unit:?}");
            let mu = direct[i].1[k];
            let residual = if unit.arm == arm { (unit.y - mu) / unit.propensity(arm) } else { 0.0 };
            assert!(close(aipw[i].1[k], mu + residual), "{unit:?}");
        }
    }
}

#[test]
fn costs_are_taken_off_the_scores() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let scores = |cost: &str| {
        shell.run(&format!("{LEARN} --score ipw --maximize --out out {cost}")).exits(0);
        rewards(&shell, "out")
    };
    let free = scores("");
    type Costs = fn(&crate::instances::Unit) -> [f64; 2];
    let cases: [(&str, Costs); 4] = [
        ("--cost drug=0.25", |_| [0.0, 0.25]),
        ("--cost none=-1,drug=2", |_| [-1.0, 2.0]),
        ("--cost-column fee", |unit| [0.0, unit.fee]),
        ("--cost-column none=fee", |unit| [unit.fee, 0.0]),
    ];
    for (flag, costs) in cases {
        let paid = scores(flag);
        for ((unit, (_, free)), (_, paid)) in trial.rows.iter().zip(&free).zip(&paid) {
            let off = costs(unit);
            assert!((0..2).all(|k| close(free[k] - paid[k], off[k])), "{flag}: {free:?} {paid:?} {off:?}");
        }
    }
}

#[test]
fn rows_with_missing_values_are_dropped_on_request() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let gaps = [(7, trial.rows[7].age.to_string()), (9, trial.rows[9].y.to_string())];
    let mut lines: Vec<String> = trial.csv().lines().map(String::from).collect();
    for (unit, cell) in &gaps {
        lines[unit + 1] = lines[unit + 1].replacen(&format!(",{cell},"), ",NA,", 1);
    }
    shell.write("trial.csv", lines.join("\n"));
    let line = format!("{LEARN} --maximize --out out");
    shell.run(&line).exits(3).says(&["line", "missing", "--missing drop"]);
    let ran = shell.run(&format!("{line} --missing drop --json -")).exits(0).says(&["warning", "2 of 200"]);
    assert_eq!(ran.json()["dropped"], 2);
    let ids: Vec<String> = rewards(&shell, "out").into_iter().map(|(id, _)| id).collect();
    let kept = (0..200).filter(|i| ![7, 9].contains(i)).map(|i| format!("u{i}"));
    assert_eq!(ids, kept.collect::<Vec<_>>());
    shell.run("verify out").exits(0);
}

#[test]
fn a_second_run_replaces_the_first() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    shell.run(&format!("{LEARN} --minimize --out out")).exits(0);
    assert_eq!(shell.json("out/rule.json")["direction"], "minimize");
    assert_eq!(std::fs::read_dir(shell.path("out")).unwrap().count(), 5);
    shell.run("verify out").exits(0);
}

#[test]
fn data_from_standard_input() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let line = format!("{LEARN} --maximize --json -");
    let from_file = shell.run(&line).exits(0).json();
    let piped = shell.feed(&trial.csv(), &line.replace("trial.csv", "-")).exits(0).json();
    assert_eq!(from_file["rule"], piped["rule"]);
    assert_eq!(from_file["evaluation"], piped["evaluation"]);
}
