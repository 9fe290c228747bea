//! The forest paper's theory at small sizes: simulation against closed forms, and that interruptions change nothing.

#[path = "common/cli.rs"]
mod shell;

use serde_json::Value;
use shell::Shell;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn lines(found: &Value) -> &Vec<Value> {
    found["lines"].as_array().unwrap()
}

#[test]
fn utilities_in_the_normal_model_are_those_of_the_closed_forms() {
    let shell = Shell::new();
    let command = "reproduce forest-theory utility --arms 2,9,99 --cells 5 --seed 2 --json -";
    let whole = shell.run(&format!("{command} --replications 600 --threads 4")).exits(0).json();
    assert_eq!(lines(&whole).len(), 8 * 3 * 2 * 2);
    assert!(number(&whole["largest_difference"]) < 0.02, "{}", whole["largest_difference"]);
    for line in lines(&whole) {
        let (share, error) = (number(&line["share"]), number(&line["standard_error"]));
        assert!((share - number(&line["closed"])).abs() < 4.5 * error, "{line}");
        assert!((share / number(&line["closed"]) - 1.0 - number(&line["difference"])).abs() < 1e-12);
        assert!(number(&line["oracle_difference"]).abs() < 0.02, "{line}");
        assert!((number(&line["of_optimal"]) - number(&line["of_optimal_closed"])).abs() < 0.02, "{line}");
        let known = line["cells"].is_null();
        let alike = known && (line["b"] == 0.0 || line["c"] == 0.0);
        match line["rule"].as_str().unwrap() {
            "separate" if alike => assert!((number(&line["of_optimal"]) - 1.0).abs() < 1e-9, "{line}"),
            "separate" => assert!(number(&line["of_optimal_closed"]) < 1.0 - 1e-4, "{line}"),
            _ if known && line["d"] == 1.0 => assert!((number(&line["printed"]) - share).abs() < 0.02),
            // Elsewhere the printed form is off by more than the simulation's error.
            _ if known && !line["printed"].is_null() => {
                assert!((number(&line["printed"]) - share).abs() > 4.5 * error, "{line}");
            }
            _ => {}
        }
    }

    let part =
        |more: &str| shell.run(&format!("{command} --resume draws.jsonl --threads 2 --replications {more}"));
    part("200").exits(0);
    let journal = shell.read("draws.jsonl");
    shell.write("draws.jsonl", format!("{journal}{{\"replication\":200,\"re"));
    assert_eq!(part("600").exits(0).json(), whole);
    let other =
        shell.run("reproduce forest-theory best-arm --arms 2,9,99 --cells 5 --seed 2 --resume draws.jsonl");
    other.exits(3).says(&["draws.jsonl", "line 1", "--resume"]);
    for bad in ["--arms 0", "--cells 1", "--arms many"] {
        shell.run(&format!("reproduce forest-theory utility {bad}")).exits(2);
    }
}

#[test]
fn the_best_arm_is_found_as_often_as_it_should_be_and_less_often_among_more() {
    let shell = Shell::new();
    let found = shell
        .run("reproduce forest-theory best-arm --arms 2,9,99 --cells 20 --replications 400 --seed 3 --json -")
        .exits(0)
        .json();
    for line in lines(&found) {
        let (rate, error) = (number(&line["rate"]), number(&line["standard_error"]));
        assert!((rate - number(&line["closed"])).abs() < 4.5 * error, "{line}");
        assert!((number(&line["random"]) * (number(&line["arms"]) + 1.0) - 1.0).abs() < 1e-12);
        assert!(number(&line["share"]) > 0.0);
    }
    let along = |cells: &Value, rule: &str| -> Vec<f64> {
        let here = |line: &&Value| line["cells"] == *cells && line["rule"] == rule;
        lines(&found).iter().filter(here).map(|line| number(&line["share"])).collect()
    };
    for (cells, rule) in [(Value::Null, "optimal"), (Value::Null, "separate"), (20.into(), "optimal")] {
        let shares = along(&cells, rule);
        assert_eq!(shares.len(), 8 * 3);
        assert!(shares.chunks(3).all(|by_arms| by_arms[0] > by_arms[1] && by_arms[1] > by_arms[2]));
    }
}

#[test]
fn baselines_leave_the_variance_that_appendix_a_gives_them() {
    let shell = Shell::new();
    let found = shell.run("reproduce forest-residuals --replications 300 --seed 4 --json -").exits(0).json();
    assert_eq!(lines(&found).len(), 4 * 5);
    for of_chances in lines(&found).chunks(5) {
        for line in of_chances {
            let fitted = line["baseline"] == "fitted";
            let within = |what: &str, closed: &str| {
                let (mean, error) = (number(&line[what]["mean"]), number(&line[what]["standard_error"]));
                (mean - number(&line[closed])).abs() <= 4.5 * error
            };
            assert!(fitted || within("variance", "closed") && within("excess", "excess_closed"), "{line}");
        }
        let excess = |at: usize| number(&of_chances[at]["excess"]["mean"]);
        let [nothing, raw, control, weighted, fitted] = [0, 1, 2, 3, 4].map(excess);
        assert_eq!(weighted, 0.0);
        assert!(nothing > control && control > raw && fitted > 0.0, "{of_chances:?}");
        if of_chances[0]["chances"] == "equal" {
            assert!(raw.abs() < 1e-6, "{raw}");
        } else {
            assert!(raw > 2.0 * fitted, "{raw} {fitted}");
        }
    }
    for bad in ["--arms 1", "--units 0", "--sigma -1"] {
        shell.run(&format!("reproduce forest-residuals {bad}")).exits(2);
    }
}
