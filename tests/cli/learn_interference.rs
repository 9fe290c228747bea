//! `learn --interference`, through the program: the oracle's optima, held-out clusters, bounds on clusters, verification, and what is refused.

use serde_json::{Value, json};

use crate::interference::oracle_in;
use crate::shell::{Ran, Shell};

const STUDY: &str = "--outcome Y --treatment A --propensity propensity --cluster cluster";
const LINEAR: &str =
    "--maximize --policy linear --solver directions --covariates X1,X2,X3,X4 --out out --json -";

fn learn(shell: &Shell, flags: &str) -> Ran {
    shell.run(&format!("learn data.csv {STUDY} {LINEAR} --interference {flags}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn near(found: &Value, truth: f64, tolerance: f64) {
    assert!((number(found) - truth).abs() <= tolerance, "{found} is not {truth}");
}

/// The rows of the data, by the names of the columns.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(String::from).collect()).collect()
}

pub fn column(table: &[Vec<String>], name: &str) -> Vec<String> {
    let j = table[0].iter().position(|column| column == name).unwrap();
    table[1..].iter().map(|row| row[j].clone()).collect()
}

pub fn numbers(table: &[Vec<String>], name: &str) -> Vec<f64> {
    column(table, name).iter().map(|cell| cell.parse().unwrap()).collect()
}

/// The value of nobody treated and the gain of each unit over the number of clusters, by (8) and (20), without costs.
pub fn additive(table: &[Vec<String>]) -> (f64, Vec<f64>) {
    let (cluster, p) = (column(table, "cluster"), numbers(table, "propensity"));
    let (y, a) = (numbers(table, "Y"), numbers(table, "A"));
    let mut names = cluster.clone();
    names.sort();
    names.dedup();
    let n = names.len() as f64;
    let (mut nobody, mut gains) = (0.0, vec![0.0; y.len()]);
    for name in &names {
        let units: Vec<usize> = (0..y.len()).filter(|&u| cluster[u] == *name).collect();
        let mean = units.iter().map(|&u| y[u]).sum::<f64>() / units.len() as f64;
        let rho = |u: &usize| if a[*u] == 0.0 { 1.0 / (1.0 - p[*u]) - 1.0 } else { -1.0 };
        nobody += mean * (1.0 + units.iter().map(rho).sum::<f64>()) / n;
        for u in units {
            gains[u] = mean * if a[u] == 1.0 { 1.0 / p[u] } else { -1.0 / (1.0 - p[u]) } / n;
        }
    }
    (nobody, gains)
}

#[test]
fn optima_equal_the_oracle() {
    let shell = Shell::new();
    let expected = &oracle_in(&shell)["optimal_linear"];
    let estimators = [
        ("additive", "addIPW"),
        ("additive --cost 0.2", "addIPW_cost0.2"),
        ("additive --doubly-robust --g0 g0 --g g", "addDR_fixed"),
        ("none", "none"),
    ];
    let classes = [
        ("--solver directions", "X1,X2,X3,X4", "objective_intercept_X1_X4"),
        ("--solver directions", "X1,X2", "objective_intercept_X1_X2"),
        ("--solver milp", "X1,X2", "objective_intercept_X1_X2"),
    ];
    for ((solver, covariates, key), (flags, name)) in
        classes.iter().flat_map(|class| estimators.iter().map(move |estimator| (*class, *estimator)))
    {
        let truth = number(&expected[name][key]);
        let line = format!(
            "learn data.csv {STUDY} --maximize --policy linear {solver} --covariates {covariates} --test-share 0 --out out --json -"
        );
        let found = shell.run(&format!("{line} --interference {flags}")).exits(0).json();
        let report = &found["report"];
        assert_eq!(report["termination_status"], "OPTIMAL", "{name} {covariates} {solver}");
        assert_eq!(report["certificate"]["verified"], true);
        near(&report["objective_value"], truth, 1e-9);
        near(&found["evaluation"]["value"], truth, 1e-9);
        assert_eq!(found["evaluation"]["clusters"], 20);
        let value = shell
            .run(&format!("evaluate out/rule.json data.csv {STUDY} --interference {flags} --json -"))
            .exits(0)
            .json();
        near(&value["value"], number(&report["objective_value"]), 1e-10);
        assert_eq!(value["standard_error"], found["evaluation"]["standard_error"]);
        assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
        let summary = shell.read("out/summary.txt");
        for words in ["70 units in 20 clusters", "mean over 20 clusters (70 units)", "Optimistic"] {
            assert!(summary.contains(words), "{summary}");
        }
    }
}

#[test]
fn held_out_clusters_are_whole_and_judge() {
    let shell = Shell::new();
    oracle_in(&shell);
    for flags in ["additive", "none --cost 0.1", "additive --doubly-robust --g0 g0 --g g"] {
        let found = learn(&shell, flags).exits(0).json();
        let data = rows(&shell.read("data.csv"));
        let sample = column(&rows(&shell.read("out/scores.csv")), "sample");
        let clusters = column(&data, "cluster");
        let parts = ["train", "test"].map(|part| -> Vec<&String> {
            let of_part = |(cluster, sample): (_, &String)| (sample == part).then_some(cluster);
            clusters.iter().zip(&sample).filter_map(of_part).collect()
        });
        assert!(parts[0].iter().all(|cluster| !parts[1].contains(cluster)), "{sample:?}");
        // Each half by itself, where propensities and outcome models are known: objective and value are those of `evaluate`.
        for (part, value) in
            [("train", &found["report"]["objective_value"]), ("test", &found["evaluation"]["value"])]
        {
            let kept = data[1..].iter().zip(&sample).filter(|(_, sample)| *sample == part);
            let lines: Vec<String> = kept.map(|(row, _)| row.join(",")).collect();
            shell.write("part.csv", format!("{}\n{}\n", data[0].join(","), lines.join("\n")));
            let line = format!("evaluate out/rule.json part.csv {STUDY} --interference {flags} --json -");
            let alone = shell.run(&line).exits(0).json();
            near(value, number(&alone["value"]), 1e-10);
            if part == "test" {
                near(&found["evaluation"]["standard_error"], number(&alone["standard_error"]), 1e-10);
                assert_eq!(found["evaluation"]["clusters"], alone["clusters"]);
            }
        }
        assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
    }
}

#[test]
fn fitted_nuisances_are_those_of_evaluate() {
    let shell = Shell::new();
    oracle_in(&shell);
    let study = "--outcome Y --treatment A --cluster cluster --nuisance-covariates X1,X2,X3";
    for flags in [
        "--propensity propensity --doubly-robust",
        "--propensity logit",
        "--propensity logit --doubly-robust",
    ] {
        let line = format!("learn data.csv {study} {LINEAR} --test-share 0 --interference additive {flags}");
        let found = shell.run(&line.replace("--nuisance-covariates X1,X2,X3", "")).exits(0).json();
        let line = format!(
            "evaluate out/rule.json data.csv --outcome Y --treatment A --cluster cluster --interference additive {flags} --json -"
        );
        near(&found["report"]["objective_value"], number(&shell.run(&line).exits(0).json()["value"]), 1e-10);
        assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
        // Models that see other covariates give other gains.
        let line = format!("learn data.csv {study} {LINEAR} --test-share 0 --interference additive {flags}");
        let other = shell.run(&line).exits(0).json();
        assert_ne!(other["report"]["objective_value"], found["report"]["objective_value"]);
    }
}

#[test]
fn minimizing_is_maximizing_the_opposite() {
    let shell = Shell::new();
    oracle_in(&shell);
    let up = learn(&shell, "additive --cost 0.2 --test-share 0").exits(0).json();
    let data = rows(&shell.read("data.csv"));
    let turned: Vec<String> = data[1..]
        .iter()
        .map(|row| {
            let mut row = row.clone();
            row[2] = format!("{}", -row[2].parse::<f64>().unwrap());
            row.join(",")
        })
        .collect();
    shell.write("data.csv", format!("{}\n{}\n", data[0].join(","), turned.join("\n")));
    let line = format!("learn data.csv {STUDY} {LINEAR} --interference additive --cost 0.2 --test-share 0");
    let down = shell.run(&line.replace("--maximize", "--minimize")).exits(0).json();
    near(&down["report"]["objective_value"], number(&up["report"]["objective_value"]), 1e-12);
    near(&down["evaluation"]["value"], -number(&up["evaluation"]["value"]), 1e-12);
    assert_eq!(down["rule"]["coefficients"], up["rule"]["coefficients"]);
}

#[test]
fn a_stump_is_the_best_of_all() {
    let shell = Shell::new();
    oracle_in(&shell);
    let line =
        LINEAR.replace("--policy linear --solver directions", "--policy tree --depth 1 --candidates all");
    let line = format!("learn data.csv {STUDY} {line} --interference additive --test-share 0");
    let found = shell.run(&line).exits(0).json();
    let data = rows(&shell.read("data.csv"));
    let (nobody, gains) = additive(&data);
    let mut best = f64::NEG_INFINITY;
    for name in ["X1", "X2", "X3", "X4"] {
        let x = numbers(&data, name);
        for at in &x {
            let left: f64 = x.iter().zip(&gains).filter(|(x, _)| *x <= at).map(|(_, gain)| gain).sum();
            let all: f64 = gains.iter().sum();
            best = [left, all - left, 0.0, all].into_iter().fold(best, f64::max);
        }
    }
    near(&found["report"]["objective_value"], nobody + best, 1e-12);
    assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
}

#[test]
fn bounds_on_each_cluster_and_on_all() {
    let shell = Shell::new();
    oracle_in(&shell);
    let value = |line: &str| number(&learn(&shell, line).exits(0).json()["report"]["objective_value"]);
    let treated = || -> Vec<usize> {
        let (data, scores) = (rows(&shell.read("data.csv")), rows(&shell.read("out/scores.csv")));
        let mut counts = vec![0; 21];
        for (cluster, assigned) in column(&data, "cluster").iter().zip(column(&scores, "assigned")) {
            counts[cluster.parse::<usize>().unwrap()] += usize::from(assigned == "1");
        }
        counts
    };
    let base = "additive --test-share 0 --covariates X1,X2";
    let base = |flags: &str| format!("{base} {flags}").replace("--covariates X1,X2", "--exclude X3,X4");
    let free = value(&base(""));
    assert!(treated().into_iter().max() > Some(2));
    let mut last = free;
    for most in [2, 1] {
        let found = learn(&shell, &base(&format!("--per-cluster-most {most}"))).exits(0).json();
        let bound = number(&found["report"]["objective_value"]);
        assert!(bound < last && treated().into_iter().max() == Some(most), "{bound} {last} {:?}", treated());
        // One constraint for all clusters: its price is what it costs to have it.
        let prices = &found["report"]["statistics"]["prices"];
        assert_eq!(prices.as_array().unwrap().len(), 1);
        near(&prices[0]["price"], free - bound, 1e-9);
        assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
        let line = base(&format!("--per-cluster-most {most} --cost 1=0"));
        let milp =
            format!("learn data.csv {STUDY} {LINEAR} --interference {line}").replace("directions", "milp");
        near(&shell.run(&milp).exits(0).json()["report"]["objective_value"], bound, 1e-9);
        last = bound;
    }
    // What costs .2 a unit fits once into a budget of .3 a cluster.
    let paid = value(&base("--cost 0.2 --per-cluster-budget 0.3"));
    assert_eq!(treated().into_iter().max(), Some(1));
    assert!((paid - value(&base("--cost 0.2 --per-cluster-most 1"))).abs() < 1e-12);
    // Bounds over all units.
    for flags in ["--budget-share 0.2", "--capacity 1=14", "--cost 0.0001 --budget 0.0014001"] {
        value(&base(flags));
        assert_eq!(treated().into_iter().sum::<usize>(), 14, "{flags}");
        assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
    }
}

#[test]
fn who_may_not_be_treated_is_not() {
    let shell = Shell::new();
    oracle_in(&shell);
    let flags = "additive --eligible 1=X1<=0.5";
    // Nobody received what was not for them.
    let data = rows(&shell.read("data.csv"));
    let kept = data[1..].iter().map(|row| {
        let mut row = row.clone();
        if row[5].parse::<f64>().unwrap() > 0.5 {
            (row[3], row[4]) = ("0".into(), "0".into());
        }
        row.join(",")
    });
    let text = format!("{}\n{}\n", data[0].join(","), kept.collect::<Vec<_>>().join("\n"));
    shell.write("data.csv", text);
    let found = learn(&shell, &format!("{flags} --test-share 0")).exits(0).json();
    let data = rows(&shell.read("data.csv"));
    let assigned = column(&rows(&shell.read("out/scores.csv")), "assigned");
    assert!(numbers(&data, "X1").iter().zip(&assigned).all(|(x, arm)| *x <= 0.5 || arm == "0"));
    let line = format!("evaluate out/rule.json data.csv {STUDY} --interference {flags} --json -");
    near(&found["report"]["objective_value"], number(&shell.run(&line).exits(0).json()["value"]), 1e-10);
    // Everyone who may be: the gains of these units, by hand.
    let (nobody, gains) = additive(&data);
    let may = numbers(&data, "X1").into_iter().zip(gains).filter(|(x, _)| *x <= 0.5);
    near(
        &found["evaluation"]["differences"][1]["value"]["estimate"],
        nobody + may.map(|(_, gain)| gain).sum::<f64>(),
        1e-12,
    );
    assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
}

#[test]
fn the_learner_by_nested_cross_fitting() {
    let shell = Shell::new();
    oracle_in(&shell);
    let found = learn(&shell, "additive --doubly-robust --evaluate nested:4").exits(0).json();
    let learner = &found["learner"];
    assert_eq!(learner["folds"].as_array().unwrap().len(), 4);
    assert_eq!(learner["evaluation"]["clusters"], 20);
    assert!(number(&learner["evaluation"]["value"]) < number(&found["evaluation"]["value"]));
    assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
    let kept = shell.read("out/report.json");
    shell.edit("out/report.json", |report| {
        report["learner"]["evaluation"]["value"] = json!(1.0);
    });
    assert_eq!(shell.run("verify out --json -").exits(7).json()["verified"], false);
    shell.write("out/report.json", kept);
    // Where no rule may treat anyone, every fold's value is that of nobody treated.
    let none = learn(&shell, "additive --evaluate nested:4 --budget-share 0 --exclude X3,X4").exits(0).json();
    let (nobody, _) = additive(&rows(&shell.read("data.csv")));
    near(&none["learner"]["evaluation"]["value"], nobody, 1e-10);
}

/// Under weaker assumptions the value is no sum over units: smoothing proposes, and what it is worth is what `evaluate` and `verify` say.
#[test]
fn rules_valued_by_clusters() {
    let shell = Shell::new();
    oracle_in(&shell);
    for flags in ["unknown", "anonymous --cost 0.1", "polynomial:2"] {
        let line =
            format!("learn data.csv {STUDY} {LINEAR} --exclude X3,X4 --interference {flags} --test-share 0")
                .replace("directions", "smooth");
        let found = shell.run(&line).exits(0).json();
        let (report, evaluation) = (&found["report"], &found["evaluation"]);
        assert_eq!(report["model"], "cluster_rule");
        near(&evaluation["value"], number(&report["objective_value"]), 1e-10);
        let line = format!("evaluate out/rule.json data.csv {STUDY} --interference {flags} --json -");
        near(&shell.run(&line).exits(0).json()["value"], number(&report["objective_value"]), 1e-10);
        assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
        shell.edit("out/report.json", |report| report["objective_value"] = json!(9.0));
        shell.run("verify out").exits(7);
        shell.run("stability out --replications 2").exits(2).says(&["--interference"]);
        let compared = shell.run("compare learned out --solver smooth --json -").exits(0).json();
        near(&compared["best_value"], number(&report["objective_value"]), 1e-9);
    }
    // The exact search proves that nothing is better than what it finds.
    let line =
        format!("learn data.csv {STUDY} {LINEAR} --exclude X3,X4 --interference unknown --test-share 0");
    let exact = shell.run(&line).exits(0).json()["report"].clone();
    let smooth = shell.run(&line.replace("directions", "smooth")).exits(0).json()["report"].clone();
    assert!(exact["termination_status"] == "OPTIMAL" && exact["certificate"]["verified"] == true);
    assert!(number(&exact["objective_value"]) >= number(&smooth["objective_value"]) - 1e-12);
    // By nested cross-fitting, clusters that a rule has not seen judge it.
    let line =
        format!("learn data.csv {STUDY} {LINEAR} --exclude X3,X4 --interference unknown --evaluate nested:3");
    let found = shell.run(&line.replace("directions", "smooth")).exits(0).json();
    assert_eq!(found["learner"]["evaluation"]["clusters"], 20);
    assert!(number(&found["learner"]["evaluation"]["value"]) < number(&found["evaluation"]["value"]));
    assert_eq!(shell.run("verify out --json -").exits(0).json()["verified"], true);
}

#[test]
fn a_changed_folder_is_caught() {
    let shell = Shell::new();
    oracle_in(&shell);
    learn(&shell, "additive --doubly-robust").exits(0);
    let kept = shell.read("out/report.json");
    let add_one = |value: &mut Value| *value = json!(number(value) + 1.0);
    type At = fn(&mut Value) -> &mut Value;
    let places: [At; 5] = [
        |report| &mut report["objective_value"],
        |report| &mut report["evaluation"]["value"],
        |report| &mut report["evaluation"]["standard_error"],
        |report| &mut report["evaluation"]["treated_share"],
        |report| &mut report["evaluation"]["differences"][2]["estimate"],
    ];
    for at in places {
        shell.edit("out/report.json", |report| add_one(at(report)));
        shell.run("verify out").exits(7);
        shell.write("out/report.json", &kept);
    }
    let config = shell.read("out/config.toml");
    for (old, new) in [("\"additive\"", "\"none\""), ("doubly_robust = true", "doubly_robust = false")] {
        assert!(config.contains(old), "{config}");
        let changed = config.replace(old, new).replace("\"none\"\ndoubly_robust = true", "\"none\"");
        shell.write("out/config.toml", changed);
        shell.run("verify out").exits(7);
        shell.write("out/config.toml", &config);
    }
    shell.run("verify out").exits(0);
}

#[test]
fn what_else_reads_a_folder_does_so_by_clusters() {
    let shell = Shell::new();
    oracle_in(&shell);
    let found = learn(&shell, "additive --test-share 0 --exclude X3,X4").exits(0).json();
    let objective = number(&found["report"]["objective_value"]);
    let compared = shell.run("compare learned out --json -").exits(0).json();
    near(&compared["best_value"], objective, 1e-9);
    let stable = shell.run("stability out --replications 5 --json -").exits(0).json();
    near(&stable["optimism"]["value"], objective, 1e-9);
    assert!(number(&stable["optimism"]["mean"]) > 0.0 && stable["clusters"] == 20, "{stable}");
    shell.run("predict out/rule.json data.csv --out given.csv").exits(0);
    shell.run("export out/rule.json --to sql").exits(0);
    let line = format!(
        "frontier data.csv {STUDY} {LINEAR} --interference additive --exclude X3,X4 --budget-shares 0,0.5,1"
    )
    .replace("--out out ", "");
    let frontier = shell.run(&line).exits(0).json();
    let points = frontier["points"].as_array().unwrap();
    assert_eq!(points.len(), 3);
    // With nobody treated, the rule is the arm of nobody; later points are compared with it, paired.
    near(&points[0]["differences"][0]["estimate"], 0.0, 1e-12);
    let later = number(&points[2]["value"]) - number(&points[0]["value"]);
    near(&points[2]["differences"][3]["estimate"], later, 1e-12);
}

#[test]
fn what_is_not_read_is_refused() {
    let shell = Shell::new();
    oracle_in(&shell);
    let refused = |flags: &str, code: i32, parts: &[&str]| {
        learn(&shell, flags).exits(code).says(parts);
        assert!(!shell.path("out/rule.json").exists() || shell.read("out/rule.json").is_empty());
    };
    std::fs::remove_dir_all(shell.path("out")).unwrap();
    refused("additive --weights X1", 2, &["--weights", "--interference"]);
    refused("additive --rewards 0=g0,1=g", 2, &["--rewards", "--interference"]);
    refused("additive --score aipw", 2, &["--score", "--interference"]);
    refused("additive --outcome-model linear", 2, &["--outcome-model", "--interference"]);
    refused("additive --target data.csv", 2, &["--target", "--interference"]);
    refused("additive --trim 0.1", 2, &["--trim", "--interference", "--clip"]);
    refused("additive --fuse 2", 2, &["--fuse", "--interference"]);
    let tree = LINEAR.replace("linear --solver directions", "tree");
    shell
        .run(&format!("learn data.csv {STUDY} {tree} --interference unknown"))
        .exits(2)
        .says(&["--interference unknown", "--policy linear"]);
    refused("none --doubly-robust", 2, &["--doubly-robust", "--interference additive"]);
    refused("additive --g0 g0 --g g", 2, &["--doubly-robust"]);
    refused("additive --doubly-robust --g0 g0 --g nowhere", 3, &["data.csv", "nowhere"]);
    refused("additive --cost x", 2, &["--cost x"]);
    let text = shell.read("data.csv");
    let mark = |(i, line): (usize, &str)| {
        format!("{line},{}", if i == 0 { "part".into() } else { (i % 2).to_string() })
    };
    let marked = text.lines().enumerate().map(mark).collect::<Vec<_>>().join("\n");
    shell.write("data.csv", marked);
    refused("additive --split part", 3, &["data.csv", "of one cluster", "whole"]);
    let bare = format!("learn data.csv {STUDY} {LINEAR}");
    shell.run(&format!("{bare} --doubly-robust")).exits(2).says(&["--interference additive"]);
    shell.run(&format!("{bare} --cost 0.2")).exits(2).says(&["--cost"]);
    let alone = bare.replace("--cluster cluster", "");
    shell.run(&format!("{alone} --interference additive")).exits(3).says(&["data.csv", "--cluster"]);
    shell.run(&format!("{alone} --per-cluster-most 1")).exits(2).says(&["--cluster"]);
}
