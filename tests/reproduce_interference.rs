//! The interference paper's experiments at small sizes: their direction, what is known of them in closed form, and that interruptions
//! change nothing.

#[path = "common/cli.rs"]
mod shell;

use serde_json::Value;
use shell::Shell;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The line with these fields.
fn line<'f>(figure: &'f Value, fields: &[(&str, &str)]) -> &'f Value {
    let lines = figure["lines"].as_array().unwrap();
    let has = |line: &&Value| fields.iter().all(|(field, value)| line[*field] == *value);
    lines.iter().find(has).unwrap_or_else(|| panic!("no line of {fields:?}"))
}

/// A figure without what it took.
fn timeless(mut figure: Value) -> Value {
    figure["cpu_seconds"] = Value::Null;
    figure["lines"].as_array_mut().unwrap().iter_mut().for_each(|line| line["cpu_seconds"] = Value::Null);
    figure
}

#[test]
fn estimated_values_have_the_bias_that_theory_gives_them() {
    let shell = Shell::new();
    let figure = shell
        .run("reproduce interference-figure-2 --clusters 50 --replications 400 --seed 3 --svg boxes.svg --json -")
        .exits(0)
        .json();
    let of = |scenario, rule, estimator| {
        line(&figure, &[("scenario", scenario), ("rule", rule), ("estimator", estimator)])
    };
    let bias = |scenario, rule, estimator| {
        let error = &of(scenario, rule, estimator)["error"];
        (number(&error["mean"]), number(&error["standard_error"]))
    };
    // The projection on (1, A) has -p^2 + 2 p q where the truth has q^2, q the share treated (17).
    for (rule, q) in [("linear", 0.5), ("tree", 0.5), ("nobody", 0.0)] {
        for estimator in ["add_ipw", "add_dr", "add_dr_leave_one_out", "quadratic"] {
            for (scenario, expected) in [("A", 0.0), ("B", -0.09 + 0.6 * q - q * q)] {
                let expected = if estimator == "quadratic" { 0.0 } else { expected };
                let (bias, noise) = bias(scenario, rule, estimator);
                assert!(
                    (bias - expected).abs() < 4.5 * noise,
                    "{scenario} {rule} {estimator}: {bias} {noise}"
                );
            }
        }
        let sd = |estimator| number(&of("A", rule, estimator)["error"]["sd"]);
        assert!(sd("add_dr") < sd("add_ipw") && sd("add_ipw") < sd("quadratic"), "{rule}");
        let claimed = |estimator| number(&of("A", rule, estimator)["mean_standard_error"]) / sd(estimator);
        let [honest, few, together] = ["add_dr", "add_dr_leave_one_out", "add_dr_together"].map(claimed);
        assert!((0.9..1.1).contains(&honest) && (0.9..1.15).contains(&few), "{rule}: {honest} {few}");
        assert!(together < honest - 0.05, "residuals of the fit itself are too small: {together} {honest}");
        let coverage = |estimator| number(&of("A", rule, estimator)["coverage"]);
        assert!(coverage("add_dr_leave_one_out") > coverage("add_dr_together"), "{rule}");
    }
    let values = |estimator| of("B", "nobody", estimator)["values"].as_array().unwrap().clone();
    for (anonymous, ipw) in values("anonymous").iter().zip(values("ipw")) {
        assert!((number(anonymous) - number(&ipw)).abs() < 1e-9, "{anonymous} {ipw}");
    }
    let picture = shell.read("boxes.svg");
    assert!(picture.contains("B, tree, n = 50") && picture.contains("addDR, n folds"));
}

#[test]
fn learned_rules_are_ordered_as_in_the_paper_and_interruptions_change_nothing() {
    let shell = Shell::new();
    let figure = "reproduce interference-figure-1 --clusters 60 --scenario A --exact-on 2 --seed 5 --json -";
    let whole = shell.run(&format!("{figure} --replications 12 --svg boxes.svg --threads 1")).exits(0).json();
    let value = |method| number(&line(&whole, &[("method", method)])["value"]["mean"]);
    let order = ["oracle", "addDR", "addIPW", "IPW", "none"].map(value);
    assert!(order.windows(2).all(|pair| pair[0] > pair[1]), "{order:?}");
    assert!(value("IPW") > value("anonymous"));
    assert!((0.6..0.65).contains(&order[0]));
    for method in ["addDR", "addIPW", "none"] {
        let exact = &line(&whole, &[("method", method)])["exact"];
        assert_eq!((number(&exact["sets"]), number(&exact["proved"])), (2.0, 2.0));
        assert!(number(&exact["gap"]["mean"]) >= 0.0 && number(&exact["largest_gap"]) < 0.1, "{exact}");
    }
    assert!(line(&whole, &[("method", "IPW")])["exact"].is_null());
    let ahead = whole["differences"].as_array().unwrap();
    assert_eq!(ahead.len(), 4);
    assert!(ahead[..2].iter().all(|paired| number(&paired["difference"]["mean"]) > 0.0));
    assert_eq!(shell.read("boxes.svg").matches("stroke-width=\"1.5\"").count(), 6);

    shell.run(&format!("{figure} --replications 5 --threads 2 --resume draws.jsonl")).exits(0);
    let journal = shell.read("draws.jsonl");
    shell.write("draws.jsonl", format!("{journal}{{\"replication\":5,\"re"));
    let resumed =
        shell.run(&format!("{figure} --replications 12 --threads 2 --resume draws.jsonl")).exits(0).json();
    assert_eq!(timeless(resumed), timeless(whole));
    let other = shell.run(&format!("{figure} --methods oracle --resume draws.jsonl"));
    other.exits(3).says(&["draws.jsonl", "line 1", "--resume"]);
    for bad in ["--clusters 5", "--scenario C", "--methods best"] {
        shell.run(&format!("reproduce interference-figure-1 {bad}")).exits(2);
    }
}

#[test]
fn other_learners_on_the_same_gains_do_better() {
    let shell = Shell::new();
    let figure = "reproduce interference-figure-1 --clusters 50 --scenario A --methods addDR,least-squares,bagged,auto";
    let figure = shell.run(&format!("{figure} --replications 12 --seed 2 --json -")).exits(0).json();
    for paired in figure["differences"].as_array().unwrap() {
        assert_eq!(paired["methods"][1], "addDR");
        assert!(number(&paired["difference"]["mean"]) > 0.0, "{paired}");
    }
}

#[test]
fn regret_falls_with_clusters_and_grows_without_overlap() {
    let shell = Shell::new();
    let rate = shell
        .run("reproduce interference-theory rate --clusters 50,400 --replications 10 --json -")
        .exits(0)
        .json();
    for curve in rate["curves"].as_array().unwrap() {
        let slope = number(&curve["slope"]["slope"]);
        let points = curve["points"].as_array().unwrap();
        assert!(points.iter().all(|point| number(&point[1]["mean"]) > 0.0));
        match curve["varied"].as_str().unwrap() {
            // About -.75, known from ten draws to a quarter.
            "clusters" => assert!(slope < 0.0, "{curve}"),
            "cluster_size" => assert!(slope < 1.0, "{curve}"),
            _ => assert!(slope > 0.0 && slope < 1.0, "{curve}"),
        }
    }
}

#[test]
fn add_dr_attains_the_bound_where_noise_does_not_depend_on_treatments() {
    let shell = Shell::new();
    let found = shell
        .run("reproduce interference-theory efficiency --clusters 100 --replications 1000 --json -")
        .exits(0)
        .json();
    for line in found["lines"].as_array().unwrap() {
        let alike = line["noise"][0] == line["noise"][1];
        let (ratio, low) = (number(&line["ratio"]), number(&line["interval"][0]));
        match (alike, line["estimator"].as_str().unwrap()) {
            // Sds of 1,000 draws are known to five percent at 95%.
            (true, "oracle") => assert!((0.85..1.17).contains(&ratio), "{line}"),
            (true, "add_dr") => assert!((0.85..1.4).contains(&ratio), "{line}"),
            (true, _) => assert!(low > 1.05, "{line}"),
            // Treated units are noisier, so that weights that know it would gain where units are treated.
            (false, _) if line["rule"] != "nobody" => assert!(low > 0.95, "{line}"),
            _ => assert!(ratio > 0.85, "{line}"),
        }
    }
}
