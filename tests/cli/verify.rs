//! `verify`: a folder of results holds, and does not after any of its parts was changed.

use serde_json::{Value, json};

use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

fn learned(policy: &str) -> Shell {
    let shell = Shell::new();
    trial_in(&shell);
    let line = LEARN.replace("--policy tree --depth 2", policy);
    shell.run(&format!("{line} --maximize --out out")).exits(0);
    let json = shell.run("verify out --json -").exits(0).json();
    assert_eq!(json["verified"], true);
    assert!(json["findings"].as_array().unwrap().iter().all(|finding| finding["passed"] == true));
    shell
}

/// Verification fails, and says which finding did.
#[track_caller]
fn assert_caught(shell: &Shell, line: &str) {
    let json = shell.run(&format!("{line} --json -")).exits(7).json();
    assert_eq!(json["verified"], false);
    let failed = json["findings"].as_array().unwrap().iter().filter(|finding| finding["passed"] == false);
    assert!(failed.count() >= 1, "{json:#}");
}

fn add_one(value: &mut Value) {
    *value = json!(value.as_f64().unwrap() + 1.0);
}

#[test]
fn a_changed_tree() {
    let shell = learned("--policy tree --depth 2");
    let kept = shell.read("out/rule.json");
    type Change = fn(&mut Value);
    let changes: [Change; 5] = [
        |rule| add_one(&mut rule["root"]["threshold"]),
        |rule| rule["root"] = json!({"arm": "drug"}),
        |rule| rule["direction"] = json!("minimize"),
        |rule| rule["arms"] = json!(["drug", "none"]),
        |rule| add_one(&mut rule["provenance"]["objective_value"]),
    ];
    for change in changes {
        shell.edit("out/rule.json", change);
        assert_caught(&shell, "verify out");
        shell.write("out/rule.json", &kept);
    }
    shell.run("verify out").exits(0);
}

#[test]
fn a_changed_linear_rule() {
    let shell = learned("--policy linear --solver smooth");
    let kept = shell.read("out/rule.json");
    type Change = fn(&mut Value);
    let changes: [Change; 2] =
        [|rule| add_one(&mut rule["coefficients"][0]), |rule| add_one(&mut rule["intercept"])];
    for change in changes {
        shell.edit("out/rule.json", change);
        assert_caught(&shell, "verify out");
        shell.write("out/rule.json", &kept);
    }
}

#[test]
fn a_rule_changed_in_both_places() {
    let shell = learned("--policy tree --depth 2");
    let opposite = json!({"arm": "none"});
    shell.edit("out/rule.json", |rule| rule["root"] = opposite.clone());
    shell.edit("out/report.json", |report| report["point"]["root"] = opposite.clone());
    assert_caught(&shell, "verify out");
}

#[test]
fn a_changed_report() {
    let shell = learned("--policy tree --depth 2");
    let kept = shell.read("out/report.json");
    type Change = fn(&mut Value);
    let changes: [Change; 6] = [
        |report| add_one(&mut report["objective_value"]),
        |report| report["objective_bound"] = json!(report["objective_value"].as_f64().unwrap() - 1.0),
        |report| add_one(&mut report["evaluation"]["value"]),
        |report| add_one(&mut report["evaluation"]["differences"][1]["interval"][1]),
        |report| report["data_file_sha256"] = json!("0".repeat(64)),
        |report| report["model_hash"] = json!("0".repeat(64)),
    ];
    for change in changes {
        shell.edit("out/report.json", change);
        assert_caught(&shell, "verify out");
        shell.write("out/report.json", &kept);
    }
}

#[test]
fn changed_scores() {
    let shell = learned("--policy tree --depth 2");
    let kept = shell.read("out/scores.csv");
    let change = |column: usize, to: fn(&str) -> String| {
        let mut lines: Vec<String> = kept.lines().map(String::from).collect();
        let mut cells: Vec<String> = lines[3].split(',').map(String::from).collect();
        cells[column] = to(&cells[column]);
        lines[3] = cells.join(",");
        shell.write("out/scores.csv", lines.join("\n"));
        assert_caught(&shell, "verify out");
    };
    let other = |arm: &str| if arm == "drug" { "none".to_string() } else { "drug".to_string() };
    change(0, |_| "stranger".into());
    change(1, |part| if part == "train" { "test".into() } else { "train".into() });
    change(2, other);
    change(3, other);
    change(4, |reward| (reward.parse::<f64>().unwrap() + 1e-3).to_string());
    change(5, |_| "NaN".into());
    let shorter: String = kept.lines().take(100).map(|line| format!("{line}\n")).collect();
    shell.write("out/scores.csv", shorter);
    assert_caught(&shell, "verify out");
    let longer = kept.clone() + kept.lines().last().unwrap() + "\n";
    shell.write("out/scores.csv", longer);
    assert_caught(&shell, "verify out");
    shell.write("out/scores.csv", &kept);
    shell.run("verify out").exits(0);
}

#[test]
fn changed_data() {
    let shell = learned("--policy tree --depth 2");
    let data = shell.read("trial.csv");
    let row = data.lines().nth(5).unwrap();
    let mut cells: Vec<String> = row.split(',').map(String::from).collect();
    cells[1] = "4.25".into();
    shell.write("changed.csv", data.replacen(row, &cells.join(","), 1));
    assert_caught(&shell, "verify out --data changed.csv");
    std::fs::rename(shell.path("trial.csv"), shell.path("moved.csv")).unwrap();
    shell.run("verify out").exits(1).says(&["trial.csv", "cannot be read"]);
    shell.run("verify out --data moved.csv").exits(0);
}

#[test]
fn a_changed_configuration() {
    let shell = learned("--policy tree --depth 2");
    let kept = shell.read("out/config.toml");
    for (old, new) in
        [("\"maximize\"", "\"minimize\""), ("depth = 2", "depth = 1"), ("random_seed = 1", "random_seed = 2")]
    {
        assert!(kept.contains(old), "{kept}");
        shell.write("out/config.toml", kept.replace(old, new));
        assert_caught(&shell, "verify out");
    }
}
