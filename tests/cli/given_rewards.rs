//! `--rewards`: scores that were made elsewhere.

use crate::instances::{Trial, close};
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

/// The trial of the other tests, with its IPW scores as two more columns.
fn scored_in(shell: &Shell) -> Trial {
    let trial = trial_in(shell);
    let text = trial.csv();
    let (header, rows) = text.split_once('\n').unwrap();
    let score = |i: usize, arm: &str| trial.rows[i].ipw(arm);
    let lines: String = rows
        .lines()
        .enumerate()
        .map(|(i, line)| format!("{line},{},{}\n", score(i, "drug"), score(i, "none")))
        .collect();
    shell.write("trial.csv", format!("{header},s_drug,s_none\n{lines}"));
    trial
}

#[test]
fn scores_from_columns_are_as_good_as_computed_ones() {
    let shell = Shell::new();
    scored_in(&shell);
    for direction in ["--maximize", "--minimize"] {
        let line = format!("{LEARN} {direction} --cost drug=0.25 --test-share 0.4");
        let computed = shell.run(&format!("{line} --score ipw --json -")).exits(0).json();
        let given = "--rewards none=s_none,drug=s_drug --out out --json -";
        let found = shell.run(&format!("{line} {given}")).exits(0).json();
        assert_eq!(found["rule"]["root"], computed["rule"]["root"]);
        for name in ["value", "observed"] {
            let estimate = |json: &serde_json::Value| {
                let part = &json["evaluation"][name];
                part.get("estimate").unwrap_or(&part["value"]["estimate"]).as_f64().unwrap()
            };
            assert!(close(estimate(&found), estimate(&computed)), "{direction} {name}");
        }
        shell.run("verify out").exits(0);
        let config: toml::Table = shell.read("out/config.toml").parse().unwrap();
        assert_eq!(config["scoring"]["score"].as_str(), Some("given"));
        assert_eq!(config["scoring"]["roles"]["rewards"]["drug"].as_str(), Some("s_drug"));
    }
    let text = shell.read("trial.csv");
    let (head, last) = text.trim_end().rsplit_once(',').unwrap();
    shell.write("trial.csv", format!("{head},{}\n", last.parse::<f64>().unwrap() + 1.0));
    shell.run("verify out").exits(7);
}

#[test]
fn rewards_and_scores_exclude_each_other() {
    let shell = Shell::new();
    scored_in(&shell);
    let line = format!("{LEARN} --maximize");
    shell.run(&format!("{line} --score given")).exits(2).says(&["--rewards"]);
    shell.run(&format!("{line} --rewards none=s_none,drug=s_drug --score ipw")).exits(2).says(&["--score"]);
    shell.run(&format!("{line} --rewards none=s_none,drug=s_drug --out out")).exits(0);
    let evaluate = "evaluate out/rule.json trial.csv --outcome y --treatment a";
    shell.run(&format!("{evaluate} --score given")).exits(2).says(&["no rewards are given", "--rewards"]);
    shell.run(&format!("{evaluate} --rewards none=s_none,drug=s_drug")).exits(0);
    shell.run("learn --config out/config.toml --score aipw").exits(2).says(&["rewards made elsewhere"]);
    shell.run(&format!("{line} --rewards none=s_none")).exits(3).says(&[
        "trial.csv",
        "rewards are given for \"none\"",
        "name one column for each arm",
    ]);
    shell
        .run(&format!("{line} --rewards none=s_none,drug=s_durg"))
        .exits(3)
        .says(&["did you mean \"s_drug\"?"]);
    shell.run("learn --config out/config.toml --rewards s_none").exits(2).says(&["--rewards", "arm=value"]);
}
