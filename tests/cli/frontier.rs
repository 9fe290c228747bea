//! `frontier`: each point is what `learn` says of its configuration.

use serde_json::{Value, json};

use crate::instances::{close, trial};
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

fn frontier() -> String {
    format!("{} --maximize", LEARN.replace("learn", "frontier").replace(" --depth 2", ""))
}

/// Value, error and interval of an evaluation.
fn value(evaluation: &Value) -> [&Value; 3] {
    ["value", "standard_error", "interval"].map(|key| &evaluation[key])
}

#[test]
fn points_are_what_learn_says() {
    let shell = Shell::new();
    trial_in(&shell);
    for how in ["--evaluate nested:3", "--test-share 0.4"] {
        let found = shell
            .run(&format!("{} {how} --depths 2,1,3 --solver greedy --json -", frontier()))
            .exits(0)
            .json();
        assert_eq!(found["axis"], "depth");
        let first = found["points"][0]["value"].as_f64().unwrap();
        for (point, depth) in found["points"].as_array().unwrap().iter().zip([2, 1, 3]) {
            assert_eq!(point["at"], f64::from(depth));
            let line = LEARN.replace("--depth 2", &format!("--depth {depth} --solver greedy"));
            let learned = shell.run(&format!("{line} --maximize {how} --json -")).exits(0).json();
            let part = if how.contains("nested") {
                &learned["learner"]["evaluation"]
            } else {
                &learned["evaluation"]
            };
            assert_eq!(value(point), value(part));
            let differences = point["differences"].as_array().unwrap();
            let paired = differences.iter().find(|difference| difference["against"] == "depth 2");
            assert_eq!(paired.is_some(), depth != 2);
            let difference = point["value"].as_f64().unwrap() - first;
            assert!(paired.is_none_or(|paired| close(paired["estimate"].as_f64().unwrap(), difference)));
        }
    }
}

#[test]
fn fewer_covariates_are_what_learn_says() {
    let shell = Shell::new();
    trial_in(&shell);
    let line = format!("{} --depth 2 --candidates quantiles:4 --test-share 0.4", frontier());
    let found = shell.run(&format!("{line} --covariate-counts 0,1,2 --json -")).exits(0).json();
    assert_eq!(found["axis"], "covariates");
    for (point, most) in found["points"].as_array().unwrap().iter().zip(0..) {
        let line = line.replace("frontier", "learn");
        let learned = shell.run(&format!("{line} --max-covariates {most} --json -")).exits(0).json();
        assert_eq!(value(point), value(&learned["evaluation"]));
    }
    assert_eq!(found["points"].as_array().unwrap().len(), 3);
}

#[test]
fn a_budget_share_bounds_who_is_treated() {
    let shell = Shell::new();
    shell.write("trial.csv", trial(5, 120).csv());
    let line = format!("{} --depth 1 --evaluate nested:2 --budget-shares 0,0.2,1 --json -", frontier());
    let found = shell.run(&line).exits(0).json();
    let drug = |point: &Value| point["differences"][1]["share"].as_f64().unwrap();
    let points = found["points"].as_array().unwrap();
    assert_eq!(drug(&points[0]), 0.0);
    // At most 12 of the 60 units that a rule is learned from; the others are like them.
    assert!(drug(&points[1]) > 0.0 && drug(&points[1]) < 0.35 && drug(&points[2]) > drug(&points[1]));
    // Where nobody is treated, the learner is worth what the first arm is.
    assert!(close(points[0]["differences"][0]["estimate"].as_f64().unwrap(), 0.0));
}

#[test]
fn a_folder_a_table_and_a_picture() {
    let shell = Shell::new();
    trial_in(&shell);
    let line = format!("{} --depths 1,2 --evaluate nested:2", frontier());
    let ran = shell.run(&format!("{line} --out out --threads 1")).exits(0);
    assert_eq!(ran.stdout, shell.read("out/summary.txt"));
    let again = shell.run(&format!("{line} --json - --threads 3")).exits(0).json();
    assert_eq!(again, shell.json("out/frontier.json"));
    let picture = shell.read("out/frontier.svg");
    assert_eq!(picture.matches("<circle").count(), 2);
    assert!(picture.contains(">depth</text>") && picture.contains(">best single arm</text>"), "{picture}");
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let shell = Shell::new();
    trial_in(&shell);
    let line = frontier();
    shell.run(&line).exits(2).says(&["--depths"]);
    shell.run(&format!("{line} --depths 1 --budget-shares 0.1")).exits(2).says(&["--budget-shares"]);
    shell.run(&format!("{line} --depths 0")).exits(2);
    shell.run(&format!("{line} --budget-shares 1.5")).exits(2).says(&["budget share"]);
    shell.run(&format!("{line} --depths 1 --test-share 0")).exits(2).says(&["--test-share"]);
    let linear = line.replace("--policy tree", "--policy linear");
    shell.run(&format!("{linear} --depths 1")).exits(2).says(&["only trees and tables have a depth"]);
    let infeasible = format!("{line} --depths 1 --test-share 0.5 --min-leaf 1000 --json -");
    let ran = shell.run(&infeasible).exits(4);
    assert!(ran.stderr.contains("no rule was found"), "{:?}", json!(ran.stderr));
}
