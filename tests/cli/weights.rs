//! `--weights`: a unit of weight 3 counts as three.

use crate::instances::{Trial, close};
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

const WEIGHTS: [usize; 5] = [1, 3, 0, 2, 1];

/// The trial of the other tests with whole-number weights, and a second file in which each row stands as often as its
/// weight says.
fn weighted_in(shell: &Shell) -> Trial {
    let trial = trial_in(shell);
    let text = trial.csv();
    let (header, rows) = text.split_once('\n').unwrap();
    let weights = || rows.lines().zip(WEIGHTS.iter().cycle());
    let lines: String = weights().map(|(line, w)| format!("{line},{w}\n")).collect();
    shell.write("trial.csv", format!("{header},w\n{lines}"));
    let lines: String = weights().map(|(line, w)| format!("{line}\n").repeat(*w)).collect();
    shell.write("copies.csv", format!("{header}\n{lines}"));
    trial
}

#[test]
fn the_best_rule_earns_what_it_earns_on_the_copies() {
    let shell = Shell::new();
    weighted_in(&shell);
    for score in ["ipw", "hajek"] {
        // Over all thresholds: quantiles of the units are not those of the copies.
        let line = LEARN.replace("--depth 2", "--depth 1 --candidates all");
        let line = format!("{line} --score {score} --cost drug=0.25 --maximize --test-share 0 --json -");
        let found = shell.run(&format!("{line} --weights w --out out")).exits(0).json();
        let copies = shell.run(&line.replace("trial.csv", "copies.csv")).exits(0).json();
        let value = |json: &serde_json::Value| json["evaluation"]["value"]["estimate"].as_f64().unwrap();
        assert!(close(value(&found), value(&copies)), "{score}: {} {}", value(&found), value(&copies));
        // 200 units of weights 1, 3, 0, 2, 1: (7 x 40)^2 / (15 x 40).
        assert!(close(found["evaluation"]["effective_units"].as_f64().unwrap(), 280.0 * 280.0 / 600.0));
        let config: toml::Table = shell.read("out/config.toml").parse().unwrap();
        assert_eq!(config["scoring"]["roles"]["weights"].as_str(), Some("w"));
        shell.run("verify out").exits(0);
    }
}

#[test]
fn evaluate_takes_the_weighted_mean_and_its_error() {
    let shell = Shell::new();
    let trial = weighted_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    let rule = shell.json("out/rule.json");
    let line =
        "evaluate out/rule.json trial.csv --outcome y --treatment a --score ipw --propensity p --weights w";
    let found = shell.run(&format!("{line} --json -")).exits(0).json();
    let terms: Vec<(f64, f64)> = trial
        .rows
        .iter()
        .zip(WEIGHTS.iter().cycle())
        .map(|(unit, &w)| (w as f64, unit.ipw(&unit.assigned(&rule))))
        .collect();
    let total: f64 = terms.iter().map(|(w, _)| w).sum();
    let mean = terms.iter().map(|(w, g)| w * g).sum::<f64>() / total;
    let squares: f64 = terms.iter().map(|(w, g)| (w * (g - mean)).powi(2)).sum();
    assert!(close(found["value"]["estimate"].as_f64().unwrap(), mean));
    assert!(close(
        found["value"]["standard_error"].as_f64().unwrap(),
        (squares * 200.0 / 199.0).sqrt() / total
    ));
    let words = shell.run(line).exits(0);
    assert!(words.stdout.contains("on 200 units (weighted; effectively 130.7)"), "{words:#?}");
}

#[test]
fn bad_weights_are_refused_by_their_cell() {
    let shell = Shell::new();
    weighted_in(&shell);
    let text = shell.read("trial.csv");
    let line = format!("{LEARN} --maximize --weights w");
    shell.write("trial.csv", text.replacen(",3\n", ",-3\n", 1));
    shell.run(&line).exits(3).says(&["trial.csv, line 3, column \"w\"", "weight -3 is negative"]);
    shell.write("trial.csv", text.replacen(",3\n", ",x\n", 1));
    shell.run(&line).exits(3).says(&["line 3, column \"w\"", "\"x\" is not a number"]);
}
