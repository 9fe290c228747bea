//! `learn --interference .. --learner`, through the program: whose rule it is, what is certified, and what is refused.

use serde_json::{Value, json};

use crate::interference::oracle_in;
use crate::learn_interference::{additive, column, numbers, rows};
use crate::shell::{Ran, Shell};

const STUDY: &str =
    "data.csv --outcome Y --treatment A --propensity propensity --cluster cluster --covariates X1,X2,X3,X4";

fn learn(shell: &Shell, flags: &str) -> Ran {
    shell.run(&format!("learn {STUDY} --policy linear --test-share 0 --out out --json - {flags}"))
}

fn rule(found: &Value) -> Vec<f64> {
    let rule = &found["rule"];
    let coefficients = rule["coefficients"].as_array().unwrap();
    std::iter::once(&rule["intercept"]).chain(coefficients).map(|b| b.as_f64().unwrap()).collect()
}

#[track_caller]
fn near(found: &[f64], truth: &[f64], tolerance: f64) {
    assert_eq!(found.len(), truth.len());
    let close = found.iter().zip(truth).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(close, "{found:?} is not {truth:?}");
}

fn verified(shell: &Shell) -> bool {
    shell.run("verify out --json -").json()["verified"] == true
}

/// sum_u M_i^-1 (M_i gain_u - b'(1, x_u))^2 has no slope at the rule.
#[test]
fn least_squares_solves_its_normal_equations_and_says_so() {
    let shell = Shell::new();
    oracle_in(&shell);
    let found = learn(&shell, "--interference additive --maximize --learner least-squares").exits(0).json();
    let report = &found["report"];
    assert_eq!(
        (&report["model"], &report["termination_status"]),
        (&json!("gain_regression"), &json!("OPTIMAL"))
    );
    assert_eq!((&report["certificate"]["verified"], &report["sense"]), (&json!(true), &json!("minimize")));
    let table = rows(&shell.read("data.csv"));
    let (_, gains) = additive(&table);
    let cluster = column(&table, "cluster");
    let x: Vec<Vec<f64>> = ["X1", "X2", "X3", "X4"].map(|name| numbers(&table, name)).into();
    let b = rule(&found);
    let (mut slope, mut squares, mut total) = ([0.0; 5], 0.0, 0.0);
    for u in 0..gains.len() {
        let size = cluster.iter().filter(|other| **other == cluster[u]).count() as f64;
        let row: Vec<f64> = std::iter::once(1.0).chain(x.iter().map(|column| column[u])).collect();
        // The gains of `additive` are over 20 clusters.
        let residual = 20.0 * size * gains[u] - row.iter().zip(&b).map(|(x, b)| x * b).sum::<f64>();
        slope.iter_mut().zip(&row).for_each(|(slope, x)| *slope += residual * x / size);
        (squares, total) = (squares + residual.powi(2) / size, total + 1.0 / size);
    }
    near(&slope, &[0.0; 5], 1e-9);
    near(&[report["objective_value"].as_f64().unwrap()], &[squares / total / 2.0], 1e-9);
    // The value of the rule stands beside it, and is that of `evaluate`.
    let by = &report["statistics"]["learner"];
    assert_eq!(by["learner"], "least-squares");
    near(&[by["value"].as_f64().unwrap()], &[found["evaluation"]["value"].as_f64().unwrap()], 1e-10);
    assert!(verified(&shell));
    let summary = shell.read("out/summary.txt");
    for words in
        ["gain_regression by normal_equations", "half the mean squared error", "learner least-squares"]
    {
        assert!(summary.contains(words), "{words}: {summary}");
    }
    // Another solver of the same program.
    let conic = "--interference additive --maximize --learner least-squares --solver clarabel";
    near(&rule(&learn(&shell, conic).exits(0).json()), &b, 1e-6);
    // Nothing is believed that can be computed again.
    shell.edit("out/report.json", |report| report["statistics"]["learner"]["value"] = json!(9.0));
    shell.run("verify out --json -").exits(7);
}

#[test]
fn bagged_rules_have_a_value_and_no_bound() {
    let shell = Shell::new();
    oracle_in(&shell);
    for (solver, covariates) in [("auto", "X1,X2,X3,X4"), ("directions", "X1,X4")] {
        let study = STUDY.replace("X1,X2,X3,X4", covariates);
        let flags = format!("--interference additive --maximize --learner bagged --solver {solver}");
        let line = format!("learn {study} --policy linear --test-share 0 --out out --json - {flags}");
        let found = shell.run(&line).exits(0).json();
        let report = &found["report"];
        assert_eq!((&report["model"], &report["solver"]), (&json!("linear_rule"), &json!("bagged")));
        assert_eq!((&report["promise"], &report["objective_bound"]), (&json!("heuristic"), &Value::Null));
        let value = report["objective_value"].as_f64().unwrap();
        near(&[value], &[found["evaluation"]["value"].as_f64().unwrap()], 1e-10);
        assert_eq!(report["statistics"]["learner"]["value"].as_f64().unwrap(), value);
        assert!(verified(&shell));
    }
}

#[test]
fn auto_shows_every_learner_and_keeps_to_its_rule() {
    let shell = Shell::new();
    oracle_in(&shell);
    for flags in ["additive", "none", "additive --doubly-robust", "additive --doubly-robust --g0 g0 --g g"] {
        let found =
            learn(&shell, &format!("--interference {flags} --maximize --learner auto")).exits(0).json();
        let by = &found["report"]["statistics"]["learner"];
        let judged = by["choice"]["judged"].as_array().unwrap();
        let names: Vec<&str> = judged.iter().map(|judged| judged["learner"].as_str().unwrap()).collect();
        assert_eq!(names, ["least-squares", "bagged", "value"]);
        let number = |judged: &Value, key: &str| judged["against_default"][key].as_f64().unwrap();
        let leads = |judged: &&Value| number(judged, "estimate") > number(judged, "standard_error");
        let value = |judged: &Value| judged["value"]["estimate"].as_f64().unwrap();
        let chosen = judged[1..].iter().filter(leads).max_by(|a, b| value(a).total_cmp(&value(b)));
        assert_eq!(by["learner"], chosen.unwrap_or(&judged[0])["learner"], "{flags}");
        assert_eq!(by["learner"], by["choice"]["learner"]);
        // The same as naming the learner outright.
        let named =
            format!("--interference {flags} --maximize --learner {}", by["learner"].as_str().unwrap());
        let summary = shell.read("out/summary.txt");
        assert!(verified(&shell), "{flags}");
        assert_eq!(
            learn(&shell, &named).exits(0).json()["rule"]["coefficients"],
            found["rule"]["coefficients"]
        );
        assert!(summary.contains("Learners by the values of their rules on clusters not seen"), "{summary}");
    }
}

/// Outcomes turned over and minimised are the same problem.
#[test]
fn minimising_is_maximising_the_opposite() {
    let shell = Shell::new();
    oracle_in(&shell);
    let table = rows(&shell.read("data.csv"));
    let turned = |name: &str| numbers(&table, name).into_iter().map(|v| -v).collect::<Vec<f64>>();
    let columns =
        ["Y", "g0", "g"].map(|name| (table[0].iter().position(|other| other == name).unwrap(), turned(name)));
    for learner in ["least-squares", "bagged", "auto"] {
        for flags in
            ["additive --cost 0.1", "additive --doubly-robust", "additive --doubly-robust --g0 g0 --g g"]
        {
            let flags = format!("--interference {flags} --learner {learner}");
            shell.write("data.csv", table.iter().map(|row| row.join(",") + "\n").collect::<String>());
            let maximised = learn(&shell, &format!("{flags} --maximize")).exits(0).json();
            let mut other = table.clone();
            for (j, values) in &columns {
                other[1..].iter_mut().zip(values).for_each(|(row, value)| row[*j] = format!("{value:?}"));
            }
            shell.write("data.csv", other.iter().map(|row| row.join(",") + "\n").collect::<String>());
            let minimised = learn(&shell, &format!("{flags} --minimize")).exits(0).json();
            near(&rule(&maximised), &rule(&minimised), 1e-7);
            let by = |found: &Value| found["report"]["statistics"]["learner"].clone();
            assert_eq!(by(&maximised)["learner"], by(&minimised)["learner"], "{flags}");
            let value = |found: &Value| by(found)["value"].as_f64().unwrap();
            near(&[value(&maximised)], &[value(&minimised)], 1e-9);
            if learner == "auto" {
                let values = |found: &Value| -> Vec<f64> {
                    let judged = by(found)["choice"]["judged"].as_array().unwrap().clone();
                    judged.iter().map(|judged| judged["value"]["estimate"].as_f64().unwrap()).collect()
                };
                near(&values(&maximised), &values(&minimised), 1e-9);
            }
            assert!(verified(&shell), "{flags}");
        }
    }
}

#[test]
fn learners_are_judged_by_nested_cross_fitting_and_kept_in_the_configuration() {
    let shell = Shell::new();
    oracle_in(&shell);
    let flags =
        "--interference additive --maximize --learner least-squares --policy linear --evaluate nested:3";
    let line = format!("learn {STUDY} {flags} --out out --json -");
    let found = shell.run(&line).exits(0).json();
    assert_eq!(found["learner"]["folds"].as_array().unwrap().len(), 3);
    assert!(found["learner"]["evaluation"]["value"].is_number());
    assert!(verified(&shell));
    assert!(shell.read("out/config.toml").contains("learner = \"least-squares\""));
    let again = shell.run("learn --config out/config.toml --out again --json -").exits(0).json();
    assert_eq!(again["rule"], found["rule"]);
    // The default leaves no trace.
    shell
        .run(&format!(
            "learn {STUDY} --interference additive --maximize --policy linear --solver directions --out plain"
        ))
        .exits(0);
    assert!(!shell.read("plain/config.toml").contains("learner"));
}

#[test]
fn what_learners_cannot_do_is_refused() {
    let shell = Shell::new();
    oracle_in(&shell);
    let cases: [(&str, &[&str]); 6] = [
        ("--interference additive --learner best", &["value, least-squares, bagged or auto"]),
        ("--learner auto", &["--learner auto", "--interference additive"]),
        ("--interference additive --learner bagged --policy tree", &["--policy linear"]),
        (
            "--interference additive --learner bagged --budget-share 0.5",
            &["takes no constraints", "--learner value"],
        ),
        ("--interference anonymous --learner auto", &["anonymous", "additive or none"]),
        (
            "--interference additive --learner least-squares --solver directions",
            &["normal_equations, clarabel"],
        ),
    ];
    for (flags, words) in cases {
        let policy = if flags.contains("--policy") { "" } else { "--policy linear" };
        shell.run(&format!("learn {STUDY} --maximize {policy} {flags} --out refused")).exits(2).says(words);
        assert!(!shell.path("refused").exists(), "{flags}");
    }
}
