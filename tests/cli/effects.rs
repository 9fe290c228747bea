//! `effects`: averages, projections and subgroups against statsmodels and computations by hand.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::shell::Shell;

const EFFECTS: &str = "effects study.csv --outcome y --treatment a --json -";

/// 24 units with scores of two arms, whose contrast is g, in six clusters; numbers without a pattern, from whole-number formulas.
fn study(shell: &Shell) {
    let mut text = String::from("y,a,x1,x2,p,q,w,c,level\n");
    for i in 0..24_u32 {
        let (x1, x2) = (f64::from(i % 5), f64::from((i * i) % 7) / 2.0);
        let p = f64::from((i * 5) % 11) / 4.0;
        let q = f64::from((i * i * 3 + i) % 13) / 2.0 + 1.25 * x1;
        let level = ["n", "s", "w"][(i % 3) as usize];
        let arm = ["p", "q"][(i % 2) as usize];
        let _ = writeln!(text, "0,{arm},{x1},{x2},{p},{q},{},{},{level}", 1 + i % 3, i / 4);
    }
    shell.write("study.csv", text);
}

/// g, w and the level of each unit.
fn contrasts() -> Vec<(f64, f64, usize)> {
    let g = |i: u32| {
        let q = f64::from((i * i * 3 + i) % 13) / 2.0 + 1.25 * f64::from(i % 5);
        q - f64::from((i * 5) % 11) / 4.0
    };
    (0..24).map(|i| (g(i), f64::from(1 + i % 3), (i % 3) as usize)).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn assert_close(found: &Value, expected: f64) {
    let found = number(found);
    assert!((found - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{found} instead of {expected}");
}

/// Coefficients, standard errors, F, p and the upper end of the interval of the first slope.
struct Reference {
    flags: &'static str,
    coefficients: [f64; 3],
    errors: [f64; 3],
    f: f64,
    p: f64,
    freedom: f64,
    upper: f64,
}

/// `sm.WLS(g, (1, x1, x2), weights).fit(cov_type, use_t=True)` and `f_test` of the slopes, by statsmodels 0.15.0.
const STATSMODELS: [Reference; 6] = [
    Reference {
        flags: "--covariance hc1",
        coefficients: [1.7485473237233222, 1.0006797780012664, -0.010485342868849612],
        errors: [1.0909336001594767, 0.3582611141063768, 0.6443628914886794],
        f: 3.9012389575033377,
        p: 0.03624842537539218,
        freedom: 21.0,
        upper: 1.7457245509244506,
    },
    Reference {
        flags: "",
        coefficients: [1.7485473237233222, 1.0006797780012664, -0.010485342868849612],
        errors: [1.172742457306089, 0.3900882602786374, 0.7015384042324043],
        f: 3.2913122542180453,
        p: 0.05709905601810824,
        freedom: 21.0,
        upper: 1.8119127247424553,
    },
    Reference {
        flags: "--cluster c",
        coefficients: [1.7485473237233222, 1.0006797780012664, -0.010485342868849612],
        errors: [1.1830169583155778, 0.23808490553133715, 0.6367425362231215],
        f: 8.855687673166484,
        p: 0.022741359503162258,
        freedom: 5.0,
        upper: 1.6126965114993097,
    },
    Reference {
        flags: "--weights w --covariance hc1",
        coefficients: [2.4857332030141586, 0.8314232115269409, -0.26811331462622645],
        errors: [1.321954845187049, 0.3862634732017045, 0.7845404800779169],
        f: 2.945971147012417,
        p: 0.07451947779066997,
        freedom: 21.0,
        upper: 1.6347020781098047,
    },
    Reference {
        flags: "--weights w",
        coefficients: [2.4857332030141586, 0.8314232115269409, -0.26811331462622645],
        errors: [1.4875915636084764, 0.4443289000793171, 0.9065358846383093],
        f: 2.204096885241954,
        p: 0.1352314703594387,
        freedom: 21.0,
        upper: 1.7554557437445104,
    },
    Reference {
        flags: "--weights w --cluster c",
        coefficients: [2.4857332030141586, 0.8314232115269409, -0.26811331462622645],
        errors: [1.1943608094969727, 0.2435351893921557, 0.7341795849563532],
        f: 5.866234412236414,
        p: 0.04881181420971446,
        freedom: 5.0,
        upper: 1.457450345716666,
    },
];

#[test]
fn projections_are_those_of_statsmodels() {
    let shell = Shell::new();
    study(&shell);
    for Reference { flags, coefficients, errors, f, p, freedom, upper } in STATSMODELS {
        let line = format!("{EFFECTS} --covariates x1,x2 --by x1,x2 --rewards p=p,q=q {flags}");
        let found = shell.run(&line).exits(0).json();
        let projection = &found["projections"][0];
        assert_eq!(projection["arm"], "q");
        for (j, term) in ["(intercept)", "x1", "x2"].into_iter().enumerate() {
            let coefficient = &projection["coefficients"][j];
            assert_eq!(coefficient["term"], term);
            assert_close(&coefficient["estimate"], coefficients[j]);
            assert_close(&coefficient["standard_error"], errors[j]);
        }
        assert_close(&projection["coefficients"][1]["interval"][1], upper);
        let test = &projection["heterogeneity"];
        assert_close(&test["f"], f);
        assert_close(&test["p_value"], p);
        assert_close(&test["degrees_of_freedom"], freedom);
        assert_eq!(test["slopes"], 2);
        assert_eq!(&found["heterogeneity"], test, "one arm is all arms");
    }
}

/// Weighted mean, and its standard error by linearisation.
fn mean(units: &[(f64, f64)]) -> (f64, f64) {
    let total: f64 = units.iter().map(|(_, w)| w).sum();
    let mean = units.iter().map(|(g, w)| w * g).sum::<f64>() / total;
    let squares: f64 = units.iter().map(|(g, w)| (w * (g - mean)).powi(2)).sum();
    let n = units.len() as f64;
    (mean, (n / (n - 1.0) * squares).sqrt() / total)
}

#[test]
fn averages_and_levels_by_hand() {
    let shell = Shell::new();
    study(&shell);
    let line =
        format!("{EFFECTS} --covariates level --categorical level --by level --rewards p=p,q=q --weights w");
    let found = shell.run(&line).exits(0).json();
    let all: Vec<(f64, f64)> = contrasts().iter().map(|&(g, w, _)| (g, w)).collect();
    let (average, error) = mean(&all);
    assert_eq!(found["averages"][0]["arm"], "q");
    assert_eq!(found["against"], "p");
    assert_close(&found["averages"][0]["estimate"], average);
    assert_close(&found["averages"][0]["standard_error"], error);
    for (l, name) in ["level = n", "level = s", "level = w"].into_iter().enumerate() {
        let of_level: Vec<(f64, f64)> =
            contrasts().iter().filter(|unit| unit.2 == l).map(|&(g, w, _)| (g, w)).collect();
        let (effect, error) = mean(&of_level);
        let group = &found["subgroups"][l];
        assert_eq!((&group["group"], &group["units"]), (&json!(name), &json!(8)));
        assert_close(&group["estimate"], effect);
        assert_close(&group["standard_error"], error);
        // Least squares on levels passes through the means of the levels.
        let coefficients = &found["projections"][0]["coefficients"];
        let fitted = number(&coefficients[0]["estimate"])
            + if l > 0 { number(&coefficients[l]["estimate"]) } else { 0.0 };
        assert!((fitted - effect).abs() < 1e-9, "{fitted} instead of {effect}");
    }
    let reversed = shell.run(&format!("{line} --against q")).exits(0).json();
    assert_eq!(reversed["averages"][0]["arm"], "p");
    assert_close(&reversed["averages"][0]["estimate"], -average);
}

/// Disjoint parts are uncorrelated, so that c solves (2 Phi(c) - 1)^J = 0.95: 2.2365 for J = 2, 2.4909 for J = 4 (scipy 1.17.1).
#[test]
fn simultaneous_intervals_of_disjoint_parts() {
    let shell = Shell::new();
    let row = |i: u32| {
        format!("0,{},{},{},0,{}\n", ["p", "q"][(i % 2) as usize], i % 2, i % 4, (i * i * 3 + i) % 13)
    };
    let rows: String = (0..80).map(row).collect();
    shell.write("study.csv", format!("y,a,two,four,p,q\n{rows}"));
    for (by, c) in [("two", 2.2365), ("four", 2.4909)] {
        let line = format!("{EFFECTS} --covariates {by} --by {by} --categorical {by} --rewards p=p,q=q");
        let found = shell.run(&line).exits(0).json();
        let critical = number(&found["simultaneous"]["subgroups"]);
        assert!((critical - c).abs() < 0.04, "{critical} instead of {c}");
        let group = &found["subgroups"][0];
        let half = |interval: &Value| number(&interval[1]) - number(&group["estimate"]);
        let ratio = half(&group["simultaneous"]) / half(&group["interval"]);
        assert!((ratio - critical / 1.959963984540054).abs() < 1e-9, "{ratio}");
        assert_eq!(found["simultaneous"]["averages"], 1.959963984540054);
        let again = shell.run(&line).exits(0).json();
        assert_eq!(again, found);
    }
}

#[test]
fn numbers_fall_into_quarters_and_missing() {
    let shell = Shell::new();
    let x = |i: u32| if i.is_multiple_of(9) { "NA".to_owned() } else { (i % 9).to_string() };
    let row = |i: u32| format!("0,{},{},0,{}\n", ["p", "q"][(i % 2) as usize], x(i), i % 9);
    let rows: String = (0..90).map(row).collect();
    shell.write("study.csv", format!("y,a,x,p,q\n{rows}"));
    let line = format!("{EFFECTS} --covariates x --by x --missing keep --rewards p=p,q=q");
    let found = shell.run(&line).exits(0).json();
    let groups: Vec<(&str, u64, f64)> = found["subgroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (g["group"].as_str().unwrap(), g["units"].as_u64().unwrap(), number(&g["estimate"])))
        .collect();
    let expected = [
        ("x <= 2", 20, 1.5),
        ("2 < x <= 4", 20, 3.5),
        ("4 < x <= 6", 20, 5.5),
        ("x > 6", 20, 7.5),
        ("x missing", 10, 0.0),
    ];
    assert_eq!(groups, expected);
}

/// Four arms in two groups against the same data with the groups recorded; and what is said of it.
#[test]
fn groups_are_arms_and_taken_as_given() {
    let rows = |arms: [&str; 4]| -> String {
        let row = |i: usize| format!("{},{},{}\n", (i * i * 7 + i) % 11, arms[i % 4], (i * 5) % 9);
        format!("y,a,x\n{}", (0..120).map(row).collect::<String>())
    };
    let (fused, recorded) = (Shell::new(), Shell::new());
    fused.write("study.csv", rows(["p", "q", "r", "s"]));
    recorded.write("study.csv", rows(["up", "down", "up", "down"]));
    let line = format!("{EFFECTS} --covariates x --by x --against up");
    let found = fused.run(&format!("{line} --groups up=p|r,down=q|s")).exits(0).json();
    let mut same = recorded.run(&line).exits(0).json();
    assert_eq!(found["groups"], json!({"down": ["q", "s"], "up": ["p", "r"]}));
    same["groups"] = found["groups"].clone();
    assert_eq!(found, same);
    let text =
        fused.run(&format!("{line} --groups up=p|r,down=q|s").replace(" --json -", "")).exits(0).stdout;
    assert!(text.contains("groups of arms are taken as given"), "{text}");
}

/// Whoever may not get an arm takes no part in its effect.
#[test]
fn effects_are_among_those_who_may_get_both_arms() {
    let shell = Shell::new();
    let row = |i: usize| {
        let (x, old) = ((i * 5) % 9, i.is_multiple_of(3));
        let arm = if old { ["p", "r"][i % 2] } else { ["p", "q", "r", "q"][i % 4] };
        format!("0,{arm},{x},{},1,{},2\n", if old { 70 } else { 30 }, if old { 50 } else { 1 + x })
    };
    let rows: String = (0..120).map(row).collect();
    shell.write("study.csv", format!("y,a,x,age,p,q,r\n{rows}"));
    let line = format!("{EFFECTS} --covariates x --rewards p=p,q=q,r=r --eligible q=age<=65");
    let found = shell.run(&line).exits(0).json();
    let young: Vec<usize> = (0..120).filter(|i| i % 3 != 0).collect();
    let average = young.iter().map(|i| ((i * 5) % 9) as f64).sum::<f64>() / young.len() as f64;
    assert_eq!(found["averages"][0]["units"], 80);
    assert_close(&found["averages"][0]["estimate"], average);
    assert_eq!(found["averages"][1]["units"], 120);
    assert_close(&found["averages"][1]["estimate"], 1.0);
}

#[test]
fn refusals_say_what_to_do() {
    let shell = Shell::new();
    study(&shell);
    let with =
        |flags: &str| shell.run(&format!("{EFFECTS} --covariates x1,x2,level --categorical level {flags}"));
    with("--against z").exits(3).says(&["--against names arm \"z\"", "\"p\", \"q\""]);
    with("--by x3").exits(3).says(&["\"x3\"", "--by", "\"x1\", \"x2\""]);
    with("--cost q=1").exits(2).says(&["--cost"]);
    with("--cluster c --covariance hc1").exits(2).says(&["--covariance"]);
    // x2 once more, in other units.
    let twice: String = shell
        .read("study.csv")
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let x2 = line.split(',').nth(3).unwrap().parse::<f64>().map(|x2| (3.0 * x2 - 1.0).to_string());
            format!("{line},{}\n", if i == 0 { "again".into() } else { x2.unwrap() })
        })
        .collect();
    shell.write("study.csv", twice);
    let again = shell.run(&format!("{EFFECTS} --covariates x1,x2,again --by x1,x2,again"));
    again.exits(3).says(&["column \"again\"", "slope of its own", "--by"]);
    // A level of one unit.
    let alone = shell.read("study.csv").replacen("0,p,0,0,", "0,p,0,9,", 1);
    shell.write("study.csv", alone.replacen(",n,", ",only,", 1));
    let line = format!("{EFFECTS} --covariates level --categorical level --by level --rewards p=p,q=q");
    shell.run(&line).exits(3).says(&["data row 1", "--covariance hc1"]);
    let found = shell.run(&format!("{line} --covariance hc1")).exits(0).json();
    let only = found["subgroups"].as_array().unwrap().iter().find(|g| g["group"] == "level = only").unwrap();
    assert_eq!((&only["units"], only.get("estimate")), (&json!(1), None));
}
