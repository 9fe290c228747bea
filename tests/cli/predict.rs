//! `predict`: the arm of each row, as an evaluation of the rule without the library gives it.

use crate::instances::trial;
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

const PREDICT: &str = "predict out/rule.json new.csv --id id";

/// A learned rule, and new.csv with other units.
fn learned(policy: &str) -> (Shell, Vec<[String; 2]>) {
    let shell = Shell::new();
    trial_in(&shell);
    let line = LEARN.replace("--policy tree --depth 2", policy);
    shell.run(&format!("{line} --maximize --out out")).exits(0);
    let mut new = trial(6, 50);
    new.rows.reverse();
    shell.write("new.csv", new.csv());
    let rule = shell.json("out/rule.json");
    let expected = new.rows.iter().map(|unit| [unit.id.clone(), unit.assigned(&rule)]).collect();
    (shell, expected)
}

fn rows(csv: &str) -> Vec<[String; 2]> {
    assert_eq!(csv.lines().next(), Some("id,arm"));
    let row = |line: &str| {
        let (id, arm) = line.split_once(',').unwrap();
        [id.to_string(), arm.to_string()]
    };
    csv.lines().skip(1).map(row).collect()
}

#[test]
fn arms_ids_and_order() {
    for policy in ["--policy tree --depth 2", "--policy linear --solver smooth"] {
        let (shell, expected) = learned(policy);
        assert!(expected.iter().any(|row| row[1] != expected[0][1]), "the rule treats all alike");
        let ran = shell.run(PREDICT).exits(0);
        assert_eq!(rows(&ran.stdout), expected, "{policy}");
        let piped = shell.feed(&shell.read("new.csv"), &PREDICT.replace("new.csv", "-")).exits(0);
        assert_eq!(piped.stdout, ran.stdout, "{policy}");
    }
}

#[test]
fn rows_are_numbered_without_ids() {
    let (shell, expected) = learned("--policy tree --depth 2");
    let found = rows(&shell.run("predict out/rule.json new.csv").exits(0).stdout);
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!((found[0].as_str(), &found[1]), ((number + 1).to_string().as_str(), &expected[1]));
    }
}

#[test]
fn into_a_file_and_as_json() {
    let (shell, expected) = learned("--policy tree --depth 2");
    let ran = shell.run(&format!("{PREDICT} --out arms.csv --json -")).exits(0);
    assert_eq!(rows(&shell.read("arms.csv")), expected);
    let json = ran.json();
    for (i, [id, arm]) in expected.iter().enumerate() {
        assert_eq!(
            (json["id"][i].as_str(), json["arm"][i].as_str()),
            (Some(id.as_str()), Some(arm.as_str()))
        );
    }
}

#[test]
fn columns_go_by_name_and_others_do_not_matter() {
    let (shell, expected) = learned("--policy tree --depth 2");
    let turned = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},{},{},\"x, y\"\n", cells[4], cells[0], cells[3])
    };
    let text: String = shell.read("new.csv").lines().map(turned).collect();
    shell.write("new.csv", text);
    assert_eq!(rows(&shell.run(PREDICT).exits(0).stdout), expected);
}

#[test]
fn a_single_row() {
    let (shell, expected) = learned("--policy tree --depth 2");
    let one: String = shell.read("new.csv").lines().take(2).map(|line| format!("{line}\n")).collect();
    shell.write("new.csv", one);
    assert_eq!(rows(&shell.run(PREDICT).exits(0).stdout), expected[..1]);
}

#[test]
fn every_arm_is_explained_by_its_leaf() {
    let (shell, expected) = learned("--policy tree --depth 2");
    let found = shell.run(&format!("{PREDICT} --explain --json -")).exits(0).json();
    let line =
        "evaluate out/rule.json trial.csv --outcome y --treatment a --propensity p --svg tree.svg --json -";
    let leaves = shell.run(line).exits(0).json()["leaves"].clone();
    for (i, row) in expected.iter().enumerate() {
        let path = &found["because"][i];
        let leaf = leaves.as_array().unwrap().iter().find(|leaf| leaf["path"] == *path).unwrap();
        assert_eq!(
            (leaf["arm"].as_str(), found["arm"][i].as_str()),
            (Some(row[1].as_str()), leaf["arm"].as_str())
        );
    }
    let csv = shell.run(&format!("{PREDICT} --explain")).exits(0).stdout;
    assert!(csv.starts_with("id,arm,because\n") && csv.contains(found["because"][0].as_str().unwrap()));
    let picture = shell.read("tree.svg");
    for leaf in leaves.as_array().unwrap() {
        let units = format!("{} units", leaf["units"]);
        let against = format!("against {}", leaf["against"].as_str().unwrap());
        assert!(picture.contains(&units) && picture.contains(&against), "{picture}");
    }
}
