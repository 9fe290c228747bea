//! `--cluster`: held-out units, folds and standard errors go by whole clusters.

use std::collections::{BTreeMap, BTreeSet};

use crate::instances::{Trial, arm_of, close};
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

/// The trial of the other tests with wards of 3, 4 or 5 units as a column.
fn wards_in(shell: &Shell) -> (Trial, Vec<String>) {
    let trial = trial_in(shell);
    let wards: Vec<String> = (0..200)
        .map(|i| format!("w{}", [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2][i % 12] + 3 * (i / 12)))
        .collect();
    let lines = trial.csv();
    let column = ["ward"].into_iter().chain(wards.iter().map(String::as_str));
    let text: Vec<String> = lines.lines().zip(column).map(|(line, ward)| format!("{line},{ward}")).collect();
    shell.write("trial.csv", text.join("\n"));
    (trial, wards)
}

/// Whether each unit was held out, by scores.csv.
fn held_out(shell: &Shell) -> Vec<bool> {
    let text = shell.read("out/scores.csv");
    text.lines().skip(1).map(|line| line.split(',').nth(1) == Some("test")).collect()
}

/// The mean of terms and its standard error between wards.
fn between(terms: &[(String, f64)]) -> [f64; 2] {
    let n = terms.len() as f64;
    let mean = terms.iter().map(|(_, term)| term).sum::<f64>() / n;
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    terms.iter().for_each(|(ward, term)| *sums.entry(ward).or_default() += term - mean);
    let g = sums.len() as f64;
    [mean, (g / (g - 1.0) * sums.values().map(|sum| sum * sum).sum::<f64>()).sqrt() / n]
}

#[test]
fn wards_are_held_out_whole_and_errors_are_between_them() {
    let shell = Shell::new();
    let (trial, wards) = wards_in(&shell);
    for share in [0.5, 0.25] {
        let line =
            format!("{LEARN} --cluster ward --score ipw --maximize --test-share {share} --out out --json -");
        let found = shell.run(&line).exits(0).json();
        let test = held_out(&shell);
        let of =
            |part: bool| (0..200).filter(|&i| test[i] == part).map(|i| &wards[i]).collect::<BTreeSet<_>>();
        assert!(of(true).is_disjoint(&of(false)));
        assert!((test.iter().filter(|held| **held).count() as f64 / 200.0 - share).abs() < 0.05);
        let term = |i: usize| {
            let unit = &trial.rows[i];
            let arm = arm_of(&found["rule"], &["age".into(), "sex".into()], &[unit.age, unit.sex]);
            (wards[i].clone(), unit.ipw(&arm))
        };
        let [value, error] = between(&(0..200).filter(|&i| test[i]).map(term).collect::<Vec<_>>());
        let evaluation = &found["evaluation"];
        assert!(close(evaluation["value"]["estimate"].as_f64().unwrap(), value), "{evaluation:#}");
        assert!(close(evaluation["value"]["standard_error"].as_f64().unwrap(), error), "{evaluation:#}");
        assert_eq!(evaluation["clusters"], of(true).len());
        shell.run("verify out").exits(0);
    }
}

#[test]
fn the_configuration_keeps_the_wards() {
    let shell = Shell::new();
    wards_in(&shell);
    shell.run(&format!("{LEARN} --cluster ward --maximize --out out")).exits(0);
    let config: toml::Table = shell.read("out/config.toml").parse().unwrap();
    assert_eq!(config["scoring"]["roles"]["cluster"].as_str(), Some("ward"));
    let first = shell.read("out/scores.csv");
    shell.run("learn --config out/config.toml --out out").exits(0);
    assert_eq!(shell.read("out/scores.csv"), first);
}

#[test]
fn evaluate_computes_errors_between_wards() {
    let shell = Shell::new();
    let (trial, wards) = wards_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    let line = "evaluate out/rule.json trial.csv --outcome y --treatment a --score ipw --propensity p --cluster ward";
    let found = shell.run(&format!("{line} --json -")).exits(0).json();
    let rule = shell.json("out/rule.json");
    let terms =
        trial.rows.iter().zip(&wards).map(|(unit, ward)| (ward.clone(), unit.ipw(&unit.assigned(&rule))));
    let [value, error] = between(&terms.collect::<Vec<_>>());
    assert!(close(found["value"]["estimate"].as_f64().unwrap(), value));
    assert!(close(found["value"]["standard_error"].as_f64().unwrap(), error));
    assert_eq!(found["clusters"], 51);
    let words = shell.run(line).exits(0);
    assert!(words.stdout.contains("on 200 units in 51 clusters"), "{words:#?}");
}

#[test]
fn too_few_wards_are_refused() {
    let shell = Shell::new();
    wards_in(&shell);
    let text = shell
        .read("trial.csv")
        .lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_string())
        .collect::<Vec<_>>();
    let with = |ward: fn(usize) -> usize| {
        let line = |(i, line): (usize, &String)| {
            if i == 0 { format!("{line},ward\n") } else { format!("{line},{}\n", ward(i)) }
        };
        shell.write("trial.csv", text.iter().enumerate().map(line).collect::<String>());
    };
    let run = |more: &str| shell.run(&format!("{LEARN} --cluster ward --maximize {more}"));
    with(|_| 1);
    run("--score ipw").exits(3).says(&[
        "trial.csv",
        "0 clusters to evaluate on",
        "--test-share",
        "--cluster",
    ]);
    run("--score ipw --test-share 0").exits(3).says(&["1 cluster to evaluate on", "at least 2"]);
    with(|i| i % 3);
    run("").exits(3).says(&["3 clusters, fewer than the 5 folds", "--folds 3"]);
    run("--folds 3 --test-share 0").exits(0);
}
