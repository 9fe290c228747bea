//! `fuse` by penalties on distances: groups of arms, on the oracle's data and on data that make trouble.

use std::fmt::Write;

use serde_json::Value;

use crate::shell::Shell;

pub const FUSE: &str = "fuse data.csv --outcome Y --treatment A --covariates X1,X2,X3";

pub fn oracle_in(shell: &Shell) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/fusion/ds1_exp_K16");
    shell.write("data.csv", std::fs::read(folder.join("data.csv")).unwrap());
    serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Groups as the oracle numbers them.
pub fn group_of_arms(found: &Value) -> Vec<u64> {
    let mut of = vec![0; 16];
    for (g, arms) in found["groups"].as_array().unwrap().iter().enumerate() {
        for arm in arms.as_array().unwrap() {
            of[arm.as_str().unwrap().parse::<usize>().unwrap() - 1] = g as u64 + 1;
        }
    }
    of
}

#[test]
fn the_oracles_objectives_groups_and_choice() {
    let shell = Shell::new();
    let expected = oracle_in(&shell);
    let weights = |entry: &Value| match entry["weights"].as_str().unwrap().starts_with("calibrated") {
        true => "entropy",
        false => "none",
    };
    for entry in expected["fused_lasso"].as_array().unwrap() {
        let line = format!("{FUSE} --weights {} --lambda {} --json -", weights(entry), entry["lambda"]);
        for solver in ["admm", "clarabel"] {
            let found = shell.run(&format!("{line} --solver {solver}")).exits(0).json();
            let (objective, truth) = (number(&found["objective"]), number(&entry["objective_clarabel"]));
            assert!((objective - truth).abs() <= 1e-8 * truth, "{line}: {objective} for {truth}");
            assert_eq!(Value::from(group_of_arms(&found)), entry["groups"], "{line}");
            assert_eq!(found["report"]["certificate"]["verified"], true);
            for (a, zeta) in entry["zeta_clarabel"].as_array().unwrap().iter().enumerate() {
                for j in 0..4 {
                    let b = number(&found["coefficients"][(a + 1).to_string()][j]);
                    assert!((b - number(&zeta[j])).abs() < 1e-4, "{line}: arm {}", a + 1);
                }
            }
        }
    }
    for entry in expected["ebic_selected"].as_array().unwrap() {
        let line = format!("{FUSE} --weights {} --criterion ebic", weights(entry));
        let found = shell.run(&format!("{line} --lambda-grid 5e-4:1.5:60 --json -")).exits(0).json();
        assert!((number(&found["lambda"]) / number(&entry["lambda"]) - 1.0).abs() < 1e-9, "{line}");
        assert!((number(&found["ebic"]) / number(&entry["ebic"]) - 1.0).abs() < 1e-8, "{line}");
        assert_eq!(Value::from(group_of_arms(&found)), entry["groups"], "{line}");
        assert_eq!(found["path"].as_array().unwrap().len(), 60);
        // On data like the oracle's the grid is the same without being typed.
        let own = shell.run(&format!("{line} --penalty lasso --json -")).exits(0).json();
        assert_eq!((&own["lambda"], &own["path"]), (&found["lambda"], &found["path"]));
    }
}

#[test]
fn every_penalty_and_main_effect_gives_groups() {
    let shell = Shell::new();
    let expected = oracle_in(&shell);
    for penalty in ["adaptive", "wald", "mcp", "scad", "tlp"] {
        let line = format!("{FUSE} --penalty {penalty} --lambda-grid 1e-2:1:12 --json -");
        let found = shell.run(&line).exits(0).json();
        let groups = found["groups"].as_array().unwrap().len();
        assert!((2..=16).contains(&groups), "{penalty}: {groups}");
        let local = ["mcp", "scad", "tlp"].contains(&penalty);
        let status = if local { "LOCALLY_SOLVED" } else { "OPTIMAL" };
        assert_eq!(found["report"]["termination_status"], status, "{penalty}");
    }
    // The weights of pairs by Wald statistics find the truth in these data.
    let found = shell.run(&format!("{FUSE} --penalty wald --json -")).exits(0).json();
    assert_eq!(Value::from(group_of_arms(&found)), expected["spec"]["true_group_of_arm"]);
    // A linear main effect moves all coefficients alike and leaves objective and groups.
    let at = |effect: &str| {
        shell.run(&format!("{FUSE} --lambda 0.05 --main-effect {effect} --json -")).exits(0).json()
    };
    let (none, linear) = (at("none"), at("linear"));
    assert!((number(&none["objective"]) / number(&linear["objective"]) - 1.0).abs() < 1e-8);
    assert_eq!(none["groups"], linear["groups"]);
    assert_ne!(at("forest")["objective"], none["objective"]);
}

#[test]
fn groups_picture_table_and_stability() {
    let shell = Shell::new();
    oracle_in(&shell);
    let line = format!("{FUSE} --penalty lasso --groups 4 --bootstrap 5 --plot path.svg");
    let found = shell.run(&format!("{line} --json -")).exits(0).json();
    assert_eq!(found["groups"].as_array().unwrap().len(), 4);
    let shares = found["stability"].as_array().unwrap();
    for (a, row) in shares.iter().enumerate() {
        assert_eq!(number(&row[a]), 1.0);
        for (b, share) in row.as_array().unwrap().iter().enumerate() {
            assert_eq!(share, &shares[b][a]);
            // Five samples.
            assert!((5.0 * number(share)).fract() < 1e-9);
        }
    }
    let units: f64 = found["group_table"].as_array().unwrap().iter().map(|g| number(&g["units"])).sum();
    assert_eq!(units, 1800.0);
    let picture = shell.read("path.svg");
    assert_eq!(picture.matches("<polyline").count(), 16);
    assert!(!picture.contains("NaN") && !picture.contains("inf"));
    let words = shell.run(&line).exits(0).stdout;
    assert!(words.contains("in 4 groups, 1800 units") && words.contains("together"), "{words}");
    shell
        .run(&format!("{FUSE} --penalty lasso --groups 17"))
        .exits(2)
        .says(&["it gives 15, 14", "--lambda-grid"]);
}

/// What the outcome is measured in changes neither grid nor groups: strengths and distances are in its units.
#[test]
fn units_of_the_outcome() {
    let shell = Shell::new();
    oracle_in(&shell);
    let text = shell.read("data.csv");
    let times = |factor: f64| {
        let row = |line: &str| {
            let (y, rest) = line.split_once(',').unwrap();
            format!("{},{rest}\n", y.parse::<f64>().unwrap() * factor)
        };
        format!("{}\n{}", text.lines().next().unwrap(), text.lines().skip(1).map(row).collect::<String>())
    };
    let groups = |penalty: &str| {
        let found = shell.run(&format!("{FUSE} --penalty {penalty} --json -")).exits(0).json();
        (found["groups"].clone(), found["lambda"].as_f64().unwrap())
    };
    for (penalty, power) in [("lasso", 1), ("adaptive", 2), ("wald", 1), ("mcp", 1), ("tlp", 2)] {
        shell.write("data.csv", &text);
        let (plain, lambda) = groups(penalty);
        shell.write("data.csv", times(1024.0));
        let (scaled, other) = groups(penalty);
        assert_eq!(scaled, plain, "{penalty}");
        assert!((other / lambda / 1024_f64.powi(power) - 1.0).abs() < 1e-9, "{penalty}: {other} {lambda}");
        // No power of two: the grid is another, the groups of these data are not.
        shell.write("data.csv", times(0.001));
        assert_eq!(groups(penalty).0, plain, "{penalty}");
    }
}

/// Rows (outcome, arm, X1, X2, X3) of `arms` arms in two kinds; deterministic and without ties.
pub fn data(arms: usize, rows: usize) -> String {
    let mut text = "Y,A,X1,X2,X3\n".to_string();
    for i in 0..arms * rows {
        let (a, t) = (i % arms, i as f64);
        let x = [(1.3 * t).sin(), (2.1 * t + 1.0).cos(), (0.7 * t * t).sin()];
        let y = if a.is_multiple_of(2) { 2.0 + x[0] } else { -1.0 - x[1] } + 0.1 * (5.0 * t * t).cos();
        let _ = writeln!(text, "{y},arm{a},{},{},{}", x[0], x[1], x[2]);
    }
    text
}

#[test]
fn two_arms_and_five_hundred() {
    let shell = Shell::new();
    shell.write("data.csv", data(2, 40));
    let found = shell.run(&format!("{FUSE} --penalty lasso --json -")).exits(0).json();
    assert_eq!(found["groups"].as_array().unwrap().len(), 2);
    shell.write("data.csv", data(500, 12));
    let found = shell.run(&format!("{FUSE} --weights none --lambda 0.002 --json -")).exits(0).json();
    assert_eq!(found["report"]["termination_status"], "OPTIMAL", "{}", found["report"]);
    assert_eq!(found["coefficients"].as_object().unwrap().len(), 500);
}

#[test]
fn columns_that_say_nothing_new_get_coefficients_of_zero() {
    let shell = Shell::new();
    let text = data(4, 30);
    shell.write("data.csv", &text);
    let plain = shell.run(&format!("{FUSE} --lambda 0.05 --json -")).exits(0).json();
    let more = |line: &str| {
        let cells: Vec<f64> = line.split(',').skip(2).map(|cell| cell.parse().unwrap()).collect();
        format!("{line},7,{}\n", 2.0 * cells[0] - cells[1] + 3.0)
    };
    let rows: String = text.lines().skip(1).map(more).collect();
    shell.write("data.csv", format!("Y,A,X1,X2,X3,C,S\n{rows}"));
    let ran = shell.run(&format!("{FUSE},C,S --lambda 0.05 --json -")).exits(0).says(&["\"C\"", "\"S\""]);
    let found = ran.json();
    assert!((number(&found["objective"]) - number(&plain["objective"])).abs() < 1e-7);
    assert_eq!(found["groups"], plain["groups"]);
    for coefficients in found["coefficients"].as_object().unwrap().values() {
        assert_eq!((number(&coefficients[4]), number(&coefficients[5])), (0.0, 0.0));
    }
}

#[test]
fn an_arm_with_fewer_rows_than_columns() {
    let shell = Shell::new();
    let text = data(4, 30);
    let mut left = 2;
    let kept = text.lines().filter(|line| {
        let rare = line.contains(",arm3,");
        left -= i32::from(rare && left > 0);
        !rare || left > 0
    });
    shell.write("data.csv", kept.collect::<Vec<_>>().join("\n") + "\n");
    shell.run(&format!("{FUSE} --json -")).exits(4).says(&["arm \"arm3\"", "--tolerance", "--weights FILE"]);
    let found = shell.run(&format!("{FUSE} --weights none --lambda 0.05 --json -")).exits(0).json();
    assert_eq!(found["report"]["termination_status"], "OPTIMAL", "{}", found["report"]);
    shell.run(&format!("{FUSE} --weights none --penalty wald --lambda 0.05")).exits(0);
}

#[test]
fn weights_of_a_file() {
    let shell = Shell::new();
    shell.write("data.csv", data(3, 20));
    let ones = "weight\n".to_string() + &"2.5\n".repeat(60);
    shell.write("w.csv", &ones);
    let line = format!("{FUSE} --lambda 0.05 --json -");
    let (given, none) = (
        shell.run(&format!("{line} --weights w.csv")).exits(0).json(),
        shell.run(&format!("{line} --weights none")).exits(0).json(),
    );
    assert!((number(&given["objective"]) / number(&none["objective"]) - 1.0).abs() < 1e-8);
    shell.write("w.csv", ones.replacen("2.5\n", "", 1));
    shell.run(&format!("{line} --weights w.csv")).exits(3).says(&["w.csv: 59 rows", "data.csv has 60"]);
    shell.write("w.csv", ones.replacen("2.5", "-1", 1));
    shell.run(&format!("{line} --weights w.csv")).exits(3).says(&["w.csv, line 2", "-1 is negative"]);
    shell.write("w.csv", ones.replacen("2.5", "NaN", 1));
    shell.run(&format!("{line} --weights w.csv")).exits(3).says(&["w.csv, line 2"]);
    shell.run(&format!("{line} --weights nowhere.csv")).exits(1).says(&["nowhere.csv"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let shell = Shell::new();
    shell.write("data.csv", data(3, 20));
    for grid in ["1:0.1:10", "0:1:10", "0.1:1", "0.1:1:1", "a:b:c", "0.1:inf:5", "0.1:1:2.5"] {
        shell.run(&format!("{FUSE} --lambda-grid {grid}")).exits(2).says(&["LOW:HIGH:N"]);
    }
    shell.run(&format!("{FUSE} --lambda -1")).exits(2).says(&["at least 0"]);
    shell.run(&format!("{FUSE} --lambda 1 --groups 2")).exits(2);
    shell
        .run(&format!("{FUSE} --weights none --lambda 1 --solver milp"))
        .exits(2)
        .says(&["milp", "admm, clarabel"]);
    shell.run(&format!("{FUSE} --penalty ridge")).exits(2).says(&["lasso"]);
    let text = data(3, 20);
    let third = text.lines().nth(2).unwrap();
    shell.write(
        "data.csv",
        text.replacen(third, &third.replacen(third.split(',').next().unwrap(), "NaN", 1), 1),
    );
    shell.run(FUSE).exits(3).says(&["data.csv, line 3, column \"Y\""]);
    assert!(shell.contents().len() == 1, "nothing half-written");
}
