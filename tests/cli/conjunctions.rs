//! Conjunctions of two linear rules through the program: from matrices, and a study the whole way, under interference too.

use crate::learn_interference::{additive, column, rows};
use crate::shell::Shell;

#[test]
fn an_interval_is_proved_from_matrices() {
    let shell = Shell::new();
    shell.write("X.csv", "dose\n1\n2\n3\n4\n5\n");
    shell.write("g.csv", "gain\n-1\n2\n1\n-3\n2\n");
    let solve = "solve conjunction --covariates X.csv --gains g.csv";
    let report = shell.run(&format!("{solve} --json -")).exits(0).json();
    assert_eq!((&report["model"], &report["solver"]), (&"conjunction_rule".into(), &"milp".into()));
    assert_eq!((&report["termination_status"], &report["objective_value"]), (&"OPTIMAL".into(), &3.0.into()));
    let rule = &report["point"];
    assert_eq!(rule["kind"], "conjunction");
    let treats = |x: f64| {
        (0..2).all(|k| {
            let number = |value: &serde_json::Value| value.as_f64().unwrap();
            number(&rule["intercepts"][k]) + number(&rule["coefficients"][k][0]) * x >= 0.0
        })
    };
    assert_eq!([1.0, 2.0, 3.0, 4.0, 5.0].map(treats), [false, true, true, false, false]);
    shell.write(
        "line.json",
        r#"{"kind":"linear","arms":["control","treated"],"intercept":-4.5,"coefficients":[1]}"#,
    );
    let started = shell.run(&format!("{solve} --read-solution line.json --json -")).exits(0).json();
    assert_eq!(started["statistics"]["read_solution"]["objective_value"], 2.0);
    shell.run(&format!("{solve} --budget-share 0.4")).exits(2).says(&["budget_share", "conjunction"]);
}

#[test]
fn a_study_goes_the_whole_way() {
    let shell = Shell::new();
    // The drug helps those from 35 to 50.
    let row = |i: usize| {
        let (age, arm) = (20 + i * 7 % 40, i / 2 % 2);
        let helped = (35..=50).contains(&age);
        let y = f64::from(u8::from(helped == (arm == 1))) + ((i * 37) % 11) as f64 / 20.0;
        format!("u{i},{y},{arm},{age},{}\n", i % 3)
    };
    shell
        .write("trial.csv", (0..240).map(row).fold("id,y,a,age,ward\n".to_string(), |text, row| text + &row));
    let learn = "learn trial.csv --outcome y --treatment a --covariates age,ward --id id --propensity 1=0.5,0=0.5 \
                 --maximize --policy conjunction --out out";
    shell.run(&format!("{learn} --solver alternating --test-share 0")).exits(0);
    let (rule, report) = (shell.json("out/rule.json"), shell.json("out/report.json"));
    assert_eq!((&report["model"], &rule["kind"]), (&"conjunction_rule".into(), &"conjunction".into()));
    assert_eq!(report["termination_status"], "LOCALLY_SOLVED");
    shell.run("verify out").exits(0);
    let given = rows(&shell.run("predict out/rule.json trial.csv").exits(0).stdout);
    let ages = column(&rows(&shell.read("trial.csv")), "age");
    for (age, arm) in ages.iter().zip(column(&given, "arm")) {
        let helped = (35..=50).contains(&age.parse::<i32>().unwrap());
        assert_eq!(arm, if helped { "1" } else { "0" }, "age {age}");
    }
    let words = shell.run("export out/rule.json --to text").exits(0).stdout;
    assert!(words.contains(">= 0\n    and "), "{words}");
    for format in ["json", "sql", "python"] {
        shell.run(&format!("export out/rule.json --to {format}")).exits(0);
    }
    for format in ["dot", "svg", "policytree"] {
        shell.run(&format!("export out/rule.json --to {format}")).exits(2).says(&["a conjunction", "text"]);
    }
    let refusal = shell.run(&format!("{learn} --depth 2")).exits(2);
    refusal.says(&["--policy tree or table"]);
}

#[test]
fn sums_of_gains_alone_are_learned_under_interference() {
    let shell = Shell::new();
    crate::interference::oracle_in(&shell);
    let study = "learn data.csv --outcome Y --treatment A --propensity propensity --cluster cluster --covariates X1,X4 \
                 --maximize --test-share 0 --out out --json -";
    let learned = |flags: &str| shell.run(&format!("{study} {flags}")).exits(0).json();
    let line = learned("--interference additive --policy linear --solver directions");
    let report = learned("--interference additive --policy conjunction --solver alternating");
    let value = |report: &serde_json::Value| report["report"]["objective_value"].as_f64().unwrap();
    assert!(value(&report) >= value(&line), "a line is a conjunction");
    assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
    let (nobody, gains) = additive(&rows(&shell.read("data.csv")));
    let given = column(&rows(&shell.run("predict out/rule.json data.csv").exits(0).stdout), "arm");
    let treated = gains.iter().zip(&given).filter(|(_, arm)| *arm == "1").map(|(gain, _)| gain);
    let by_hand = nobody + treated.sum::<f64>();
    assert!((value(&report) - by_hand).abs() < 1e-9 * by_hand.abs().max(1.0), "{report} {by_hand}");
    for policy in ["conjunction", "table"] {
        let refused = shell.run(&format!("{study} --interference unknown --policy {policy}"));
        refused.exits(2).says(&["--interference unknown", "--policy linear"]);
        let refused =
            shell.run(&format!("{study} --interference additive --policy {policy} --learner bagged"));
        refused.exits(2).says(&["--learner bagged", "--policy linear"]);
    }
}
