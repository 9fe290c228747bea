//! `compare linear --interference`: the paper's question, exact against smooth, from a study.

use std::fmt::Write;

use serde_json::Value;

use crate::shell::Shell;

const COMPARE: &str =
    "compare linear data.csv --covariates x,z --outcome y --treatment a --cluster c --propensity p";

/// (cluster, covariates, treated, propensity, outcome) of twelve units.
const UNITS: [(&str, [f64; 2], bool, f64, f64); 12] = [
    ("v1", [1.0, 2.0], true, 0.5, 1.0),
    ("v1", [4.0, -1.0], false, 0.4, 2.0),
    ("v1", [2.0, 5.0], true, 0.6, 0.5),
    ("v2", [-1.0, 1.0], false, 0.5, 1.5),
    ("v2", [3.0, 3.0], true, 0.5, 2.5),
    ("v3", [0.0, -2.0], false, 0.3, -1.0),
    ("v3", [5.0, 0.0], true, 0.4, 0.5),
    ("v3", [-2.0, 2.0], false, 0.5, 1.0),
    ("v3", [2.0, -3.0], true, 0.7, -0.5),
    ("v4", [1.0, -1.0], true, 0.5, 3.0),
    ("v4", [-3.0, 4.0], false, 0.6, 2.0),
    ("v4", [4.0, 4.0], false, 0.2, -2.0),
];

fn shell() -> Shell {
    let shell = Shell::new();
    let mut text = String::from("c,x,z,a,p,y\n");
    for (cluster, [x, z], treated, propensity, outcome) in UNITS {
        let _ = writeln!(text, "{cluster},{x},{z},{},{propensity},{outcome}", u8::from(treated));
    }
    shell.write("data.csv", text);
    shell
}

/// Mean over clusters of the cluster mean over the chance of what the cluster received, where that is what the rule says.
fn unknown(point: &Value) -> f64 {
    let b = |j: usize| point["coefficients"][j].as_f64().unwrap();
    let treats = |x: [f64; 2]| point["intercept"].as_f64().unwrap() + b(0) * x[0] + b(1) * x[1] >= 0.0;
    let value = |name: &str| {
        let units = || UNITS.iter().filter(|(cluster, ..)| *cluster == name);
        let agree = units().all(|(_, x, treated, ..)| treats(*x) == *treated);
        let chance: f64 = units().map(|(_, _, treated, p, _)| if *treated { *p } else { 1.0 - p }).product();
        let mean = units().map(|(.., y)| y).sum::<f64>() / units().count() as f64;
        if agree { mean / chance } else { 0.0 }
    };
    ["v1", "v2", "v3", "v4"].map(value).iter().sum::<f64>() / 4.0
}

#[test]
fn every_solver_answers_on_the_scale_of_the_estimator() {
    let shell = shell();
    let found = shell.run(&format!("{COMPARE} --interference unknown --json -")).exits(0).json();
    let reports = found["reports"].as_array().unwrap();
    let solvers: Vec<&str> = reports.iter().map(|report| report["solver"].as_str().unwrap()).collect();
    assert_eq!(solvers, ["directions", "milp", "smooth"]);
    assert_eq!(found["proved"], true);
    for report in reports {
        let (value, expected) = (report["objective_value"].as_f64().unwrap(), unknown(&report["point"]));
        assert!((value - expected).abs() < 1e-12, "{report:#} {expected}");
        assert_eq!(report["model"], "cluster_rule");
    }
    // Clusters v1, v2 and v4 cannot all agree with a line; the best earn more than any alone.
    for name in ["smooth.surrogate", "smooth.multi_start", "smooth", "milp", "directions"] {
        let gap = &found["approximation_gap"][name];
        assert!(gap["absolute"].as_f64().unwrap() >= 0.0, "{name}: {found:#}");
    }
}

#[test]
fn every_interference_is_compared() {
    let shell = shell();
    for (flags, model) in [
        ("anonymous --cost 0.1", "cluster_rule"),
        ("polynomial:2 --minimize", "cluster_rule"),
        ("unknown --budget-share 0.3", "cluster_rule"),
        ("additive", "linear_rule"),
        ("additive --cost 0.2 --budget-share 0.5", "linear_rule"),
        ("none", "linear_rule"),
    ] {
        let found = shell.run(&format!("{COMPARE} --interference {flags} --json -")).exits(0).json();
        assert_eq!(found["proved"], true, "{flags}: {found:#}");
        assert_eq!(found["reports"][0]["model"], model, "{flags}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let shell = shell();
    shell.write("X.csv", "x\n1\n2\n");
    shell.write("g.csv", "gain\n1\n-1\n");
    for (line, code, words) in [
        (format!("{COMPARE} --interference anonymous --gains g.csv"), 2, "--gains"),
        ("compare linear --covariates X.csv".into(), 2, "DATA"),
        ("compare linear --covariates X.csv --gains g.csv --outcome y".into(), 2, "--interference"),
        (format!("{COMPARE} --interference unknown --doubly-robust"), 2, "--interference additive"),
        (
            "compare linear data.csv --covariates x --outcome y --treatment a --interference none".into(),
            2,
            "--cluster",
        ),
        (COMPARE.replace("--cluster c", "--cluster d") + " --interference none", 3, "\"d\""),
    ] {
        shell.run(&line).exits(code).says(&[words]);
    }
    shell.run("compare linear --covariates X.csv --gains g.csv --json -").exits(0);
}
