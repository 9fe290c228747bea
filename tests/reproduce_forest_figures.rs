//! The figures of the forest paper at small sizes: order of methods, what is known of them in closed form, and that interruptions change nothing.

#[path = "common/cli.rs"]
mod shell;

use serde_json::Value;
use shell::Shell;

const TINY: &str = "--units 600 --trees 8 --seed 5 --json -";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn methods(figure: &Value) -> Vec<&str> {
    figure["lines"].as_array().unwrap().iter().map(|line| line["method"].as_str().unwrap()).collect()
}

/// A figure without what it took.
fn timeless(mut figure: Value) -> Value {
    figure["cpu_seconds"] = Value::Null;
    for lines in ["lines", "chosen"] {
        let lines = figure[lines].as_array_mut().unwrap();
        lines.iter_mut().for_each(|line| line["cpu_seconds"] = Value::Null);
    }
    figure
}

#[test]
fn a_figure_compares_all_methods_on_the_same_draws_and_interruptions_change_nothing() {
    let shell = Shell::new();
    let figure = format!("reproduce forest-figure-2 {TINY}");
    let whole = shell.run(&format!("{figure} --replications 2 --threads 1 --svg boxes.svg")).exits(0).json();
    let lines = whole["lines"].as_array().unwrap();
    let designs: Vec<f64> = lines.iter().map(|line| number(&line["arms"])).collect();
    assert!(designs.is_sorted() && designs[0] == 9.0 && designs[lines.len() - 1] == 99.0, "{designs:?}");
    let order = methods(&whole);
    let order = &order[..order.len() / 4];
    assert!(methods(&whole).chunks(order.len()).all(|design| design == order), "{order:?}");
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
    let shares = format!("reproduce forest-figure-b2 {TINY} --replications 2 {journal} --svg shares.svg");
    assert_eq!(timeless(shell.run(&shares).exits(0).json()), timeless(whole));
    assert!(shell.read("shares.svg").contains("share of test units"));
    shell
        .run(&format!("reproduce forest-figure-1 {TINY} {journal}"))
        .exits(3)
        .says(&["draws.jsonl", "line 1"]);
    for bad in ["--units 0", "--methods best", "--trees 0"] {
        shell.run(&format!("reproduce forest-figure-1 {bad}")).exits(2);
    }
}

#[test]
fn tables_of_all_designs_have_a_row_for_each() {
    let shell = Shell::new();
    let cells = "reproduce forest-cells --units 300 --trees 2 --methods global-best,oracle --replications 3";
    let tables = shell.run(cells).exits(0).stdout;
    for row in ["| 10, 10, 9 |", "| 20, 20, 99 |"] {
        assert_eq!(tables.matches(row).count(), 4, "{tables}");
    }
    assert!(tables.contains("20.00 (0.00)") && tables.contains("| global-best | oracle |"), "{tables}");
}
