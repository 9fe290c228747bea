//! `fuse --loss logistic|huber:D` and `fuse --checkpoint`.

use serde_json::Value;

use crate::fuse::{FUSE, number, oracle_in};
use crate::shell::Shell;

/// The oracle's data with a column B, 1 where the outcome is above 3, and Z, the outcome with every 50th far out.
fn with_columns(shell: &Shell) {
    oracle_in(shell);
    let text = std::fs::read_to_string(shell.path("data.csv")).unwrap();
    let line = |(i, line): (usize, &str)| match i {
        0 => format!("{line},B,Z\n"),
        _ => {
            let y: f64 = line.split(',').next().unwrap().parse().unwrap();
            let far = if i % 50 == 0 { 300.0 } else { 0.0 };
            format!("{line},{},{}\n", u8::from(y > 3.0), y + far)
        }
    };
    shell.write("data.csv", text.lines().enumerate().map(line).collect::<String>());
}

fn fuse(outcome: &str) -> String {
    FUSE.replace("--outcome Y", &format!("--outcome {outcome}"))
}

#[test]
fn two_solvers_prove_the_same_objective() {
    let shell = Shell::new();
    with_columns(&shell);
    for (outcome, loss) in [("B", "logistic"), ("Z", "huber:2"), ("Y", "squared")] {
        let line = format!("{} --loss {loss} --penalty lasso --lambda 0.05 --json -", fuse(outcome));
        let [one, other] = ["admm", "clarabel"].map(|solver| {
            let found = shell.run(&format!("{line} --solver {solver}")).exits(0).json();
            assert_eq!(found["report"]["termination_status"], "OPTIMAL", "{loss} by {solver}");
            assert_eq!(found["report"]["certificate"]["verified"], true);
            number(&found["objective"])
        });
        assert!((one - other).abs() <= 1e-8 * other, "{loss}: {one} {other}");
    }
}

#[test]
fn a_loss_that_never_bends_is_squared() {
    let shell = Shell::new();
    oracle_in(&shell);
    let line = format!("{FUSE} --penalty lasso --lambda-grid 1e-2:1:8 --json -");
    let squares = shell.run(&line).exits(0).json();
    let wide = shell.run(&format!("{line} --loss huber:1e6")).exits(0).json();
    assert_eq!(squares["groups"], wide["groups"]);
    assert_eq!(wide["loss"], serde_json::json!({"huber": 1e6}));
    for key in ["objective", "ebic", "rss", "lambda"] {
        let (a, b) = (number(&squares[key]), number(&wide[key]));
        assert!((a - b).abs() <= 1e-6 * a.abs(), "{key}: {a} {b}");
    }
}

/// Outliers blind the squares; groups of a binary outcome are found, told, and read by `learn`.
#[test]
fn groups_through_the_program() {
    let shell = Shell::new();
    with_columns(&shell);
    let count = |line: &str| shell.run(line).exits(0).json()["groups"].as_array().unwrap().len();
    let huber = count(&format!("{} --loss huber:2 --json -", fuse("Z")));
    let squares = count(&format!("{} --penalty wald --json -", fuse("Z")));
    assert!(huber >= 3 && huber > squares, "{huber} {squares}");
    let found =
        shell.run(&format!("{} --loss logistic --bootstrap 2 --json groups.json", fuse("B"))).exits(0);
    assert!(found.stdout.is_empty() || found.stdout.contains("wald"), "{}", found.stdout);
    let told: Value =
        serde_json::from_str(&std::fs::read_to_string(shell.path("groups.json")).unwrap()).unwrap();
    assert_eq!((&told["penalty"], &told["loss"]), (&Value::from("wald"), &Value::from("logistic")));
    assert!(told["groups"].as_array().unwrap().len() >= 2);
    assert_eq!(told["stability"].as_array().unwrap().len(), 16);
    let fitted = told["path"]
        .as_array()
        .unwrap()
        .windows(2)
        .all(|pair| number(&pair[0]["lambda"]) < number(&pair[1]["lambda"]));
    assert!(fitted);
}

#[test]
fn what_a_loss_does_not_take_is_refused() {
    let shell = Shell::new();
    with_columns(&shell);
    for (line, code, words) in [
        (format!("{FUSE} --loss logistic"), 3, ["neither 0 nor 1", "--loss logistic needs"]),
        (format!("{} --loss logistic --penalty l0", fuse("B")), 2, ["--loss squared alone", "wald"]),
        (format!("{} --loss huber:2 --penalty mcp", fuse("Z")), 2, ["--loss squared alone", "lasso"]),
        (format!("{FUSE} --loss huber:0"), 2, ["huber:1.5", "above 0"]),
        (format!("{FUSE} --loss huber"), 2, ["huber:1.5", "squared, logistic"]),
        (format!("{FUSE} --penalty l0 --checkpoint kept"), 2, ["no path of strengths", "--checkpoint"]),
        (format!("{FUSE} --compare --checkpoint kept"), 2, ["--compare", "--checkpoint"]),
    ] {
        let refused = shell.run(&line).exits(code);
        for word in words {
            assert!(refused.stderr.contains(word), "{line}: {}", refused.stderr);
        }
    }
    // Covariates that tell the outcome.
    shell.write("data.csv", "Y,A,X1,X2,X3\n".to_string() + &(0..80).map(separated).collect::<String>());
    let refused = shell.run(&format!("{FUSE} --weights none --main-effect none --loss logistic")).exits(3);
    assert!(
        refused.stderr.contains("separates the outcomes 0 and 1 of all arms together"),
        "{}",
        refused.stderr
    );
}

fn separated(i: usize) -> String {
    let x = (i * 37 % 80) as f64 / 40.0 - 1.0;
    format!("{},{},{x},{},{}\n", u8::from(x > 0.0), i % 4, i * 17 % 23, i * 29 % 31)
}

#[test]
fn a_checkpoint_belongs_to_one_path() {
    let shell = Shell::new();
    oracle_in(&shell);
    let line = format!("{FUSE} --lambda-grid 1e-2:1:8 --json -");
    let (with, without) =
        (shell.run(&format!("{line} --checkpoint kept")).exits(0).json(), shell.run(&line).exits(0).json());
    for key in ["penalty", "lambda", "groups", "coefficients", "path"] {
        assert_eq!(with[key], without[key], "{key}");
    }
    shell.write("kept", "{}");
    let refused = shell.run(&format!("{line} --checkpoint kept")).exits(2);
    assert!(refused.stderr.contains("checkpoint kept: it is no checkpoint"), "{}", refused.stderr);
}
