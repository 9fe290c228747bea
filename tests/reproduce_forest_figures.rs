//! The figures of the forest paper at small sizes: order of methods, what is known of them in closed form, and that interruptions change nothing.

#[path = "common/cli.rs"]
mod shell;

use serde_json::Value;
use shell::Shell;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn methods(figure: &Value) -> Vec<&str> {
    figure["lines"].as_array().unwrap().iter().map(|line| line["method"].as_str().unwrap()).collect()
}

/// The mean value of a method in the only design.
fn value(figure: &Value, method: &str) -> f64 {
    let line = figure["lines"].as_array().unwrap().iter().find(|line| line["method"] == method);
    number(&line.unwrap_or_else(|| panic!("no {method}"))["value"]["mean"])
}

/// A figure without what it took.
fn timeless(mut figure: Value) -> Value {
    for lines in ["lines", "chosen"] {
        let lines = figure[lines].as_array_mut().unwrap();
        lines.iter_mut().for_each(|line| line["cpu_seconds"] = Value::Null);
    }
    figure
}

#[test]
fn figures_compare_methods_on_the_same_draws_and_interruptions_change_nothing() {
    let shell = Shell::new();
    let tiny = "--units 600 --seed 5 --methods bayes-tree,global-best,random,oracle --json -";
    let figure = format!("reproduce forest-figure-2 {tiny}");
    let whole = shell.run(&format!("{figure} --replications 2 --threads 1 --svg boxes.svg")).exits(0).json();
    let lines = whole["lines"].as_array().unwrap();
    let designs: Vec<f64> = lines.iter().map(|line| number(&line["arms"])).collect();
    assert_eq!(designs.chunks(4).map(|design| design[0]).collect::<Vec<_>>(), [9.0, 29.0, 49.0, 99.0]);
    let order = ["bayes-tree", "global-best", "random", "oracle"];
    assert!(methods(&whole).chunks(4).all(|design| design == order), "{:?}", methods(&whole));
    for line in lines {
        let rates = line["best_arm_rates"].as_array().unwrap();
        assert!(rates.iter().all(|rate| (0.0..=1.0).contains(&number(rate))), "{line}");
        let values = line["values"].as_array().unwrap();
        assert!(values.len() == 2 && values.iter().all(|value| number(value) <= 10.0), "{line}");
        let (value, rate) = (number(&line["value"]["mean"]), number(&line["best_arm_rate"]["mean"]));
        match line["method"].as_str().unwrap() {
            "oracle" => assert_eq!((value, rate), (10.0, 1.0)),
            // 10,000 units, effects of at most 10, of sd 5.8 to 7.
            "random" => {
                assert!(value.abs() < 0.3 && (rate - 1.0 / number(&line["arms"])).abs() < 0.02, "{line}")
            }
            _ => {}
        }
    }
    assert_eq!(shell.read("boxes.svg").matches("stroke-width=\"1.5\"").count(), lines.len());

    let journal = "--resume draws.jsonl --threads 2";
    shell.run(&format!("{figure} --replications 1 {journal}")).exits(0);
    let draws = shell.read("draws.jsonl");
    shell.write("draws.jsonl", format!("{draws}{{\"replication\":8,\"re"));
    let resumed = shell.run(&format!("{figure} --replications 2 {journal}")).exits(0).json();
    assert_eq!(timeless(resumed), timeless(whole.clone()));
    // Shares of the same draws.
    let shares = format!("reproduce forest-figure-b2 {tiny} --replications 2 {journal} --svg shares.svg");
    assert_eq!(timeless(shell.run(&shares).exits(0).json()), timeless(whole));
    assert!(shell.read("shares.svg").contains("share of test units"));
    shell
        .run(&format!("reproduce forest-figure-1 {tiny} {journal}"))
        .exits(3)
        .says(&["draws.jsonl", "line 1"]);
    for bad in ["--units 0", "--methods best", "--trees 0"] {
        shell.run(&format!("reproduce forest-figure-1 {bad}")).exits(2);
    }
}

#[test]
fn all_methods_learn_from_one_design_in_the_papers_order() {
    let shell = Shell::new();
    let cell = "reproduce forest-cells --gamma 20 --sigma 5 --arms 3 --units 400 --trees 20 --replications 1 --threads 1";
    let figure = shell.run(&format!("{cell} --json -")).exits(0).json();
    let paper = ["separate-forests", "causal-forest", "joint-forest", "clustered-forest"];
    assert_eq!(methods(&figure)[..4], paper);
    // Four arms of 100 units each, effects of 20: all that learn find the side of X3.
    for method in methods(&figure).into_iter().filter(|method| !["global-best", "random"].contains(method)) {
        assert!(value(&figure, method) > 12.0, "{method}: {}", value(&figure, method));
    }
    assert!(value(&figure, "global-best").abs() < 1.0);
    assert_eq!(figure["chosen"].as_array().unwrap().len(), 1);
    assert_eq!(number(&figure["chosen"][0]["settings"]["trees"]), 20.0);
    assert!(figure["lines"].as_array().unwrap().iter().all(|line| number(&line["cpu_seconds"]) >= 0.0));
}

#[test]
fn tables_of_all_designs_have_a_row_for_each() {
    let shell = Shell::new();
    let cells = "reproduce forest-cells --units 300 --methods global-best,oracle --replications 3";
    let tables = shell.run(cells).exits(0).stdout;
    for row in ["| 10, 10, 9 |", "| 20, 20, 99 |"] {
        assert_eq!(tables.matches(row).count(), 4, "{tables}");
    }
    assert!(tables.contains("20.00 (0.00)") && tables.contains("| global-best | oracle |"), "{tables}");
}
