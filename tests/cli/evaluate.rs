//! `evaluate`: the value of a rule on units that it has not seen, against a computation by hand.

use serde_json::Value;

use crate::instances::{Unit, close, trial};
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

const EVALUATE: &str =
    "evaluate out/rule.json new.csv --outcome y --treatment a --score ipw --propensity p --json -";

/// Mean, and standard error with divisor n - 1.
fn mean(terms: &[f64]) -> [f64; 2] {
    let n = terms.len() as f64;
    let mean = terms.iter().sum::<f64>() / n;
    let variance = terms.iter().map(|term| (term - mean).powi(2)).sum::<f64>() / (n - 1.0);
    [mean, (variance / n).sqrt()]
}

#[track_caller]
fn assert_estimate(found: &Value, terms: &[f64]) {
    let [estimate, error] = mean(terms);
    let number = |key: &str| found[key].as_f64().unwrap_or_else(|| panic!("no {key} in {found:#}"));
    assert!(close(number("estimate"), estimate), "{found:#} instead of {estimate}");
    assert!(close(number("standard_error"), error), "{found:#} instead of {error}");
    let half = 1.959_963_984_540_054 * error;
    assert!(close(number("lower"), estimate - half) && close(number("upper"), estimate + half), "{found:#}");
}

#[test]
fn ipw_with_known_propensities_by_hand() {
    for (direction, sign) in [("--maximize", 1.0), ("--minimize", -1.0)] {
        let shell = Shell::new();
        trial_in(&shell);
        shell.run(&format!("{LEARN} {direction} --out out")).exits(0);
        let new = trial(6, 120);
        shell.write("new.csv", new.csv());
        let rule = shell.json("out/rule.json");
        let cost = |arm: &str| if arm == "drug" { 0.25 } else { 0.0 };
        // In outcome units, a cost makes a gain smaller and a loss larger.
        let net = |unit: &Unit, arm: &str| unit.ipw(arm) - sign * cost(arm);
        let of_rule: Vec<f64> = new.rows.iter().map(|unit| net(unit, &unit.assigned(&rule))).collect();

        let found = shell.run(&format!("{EVALUATE} --cost drug=0.25")).exits(0).json();
        assert_eq!(found["units"], 120);
        assert_eq!(found["direction"], direction.trim_start_matches('-'));
        assert_estimate(&found["value"], &of_rule);
        let paired = |other: &[f64]| of_rule.iter().zip(other).map(|(a, b)| a - b).collect::<Vec<f64>>();
        for (k, arm) in ["none", "drug"].into_iter().enumerate() {
            let everyone: Vec<f64> = new.rows.iter().map(|unit| net(unit, arm)).collect();
            let comparison = &found["arms"][k];
            assert_eq!(comparison["arm"], arm);
            let assigned = new.rows.iter().filter(|unit| unit.assigned(&rule) == arm).count();
            assert_eq!(comparison["assigned"], assigned);
            assert_estimate(&comparison["value"], &everyone);
            assert_estimate(&comparison["difference"], &paired(&everyone));
        }
        let observed: Vec<f64> = new.rows.iter().map(|unit| unit.y - sign * cost(unit.arm)).collect();
        assert_estimate(&found["observed"]["value"], &observed);
        assert_estimate(&found["observed"]["difference"], &paired(&observed));
    }
}

#[test]
fn constants_and_shares_for_propensities() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    let new = trial(6, 120);
    shell.write("new.csv", new.csv());
    let rule = shell.json("out/rule.json");
    let treated = new.rows.iter().filter(|unit| unit.arm == "drug").count() as f64 / 120.0;
    for (flag, drug) in [("--propensity none=0.6,drug=0.4", 0.4), ("", treated)] {
        let term = |unit: &Unit| {
            let p = if unit.arm == "drug" { drug } else { 1.0 - drug };
            if unit.assigned(&rule) == unit.arm { unit.y / p } else { 0.0 }
        };
        let line = EVALUATE.replace("--propensity p", flag);
        let found = shell.run(&line).exits(0).json();
        assert_estimate(&found["value"], &new.rows.iter().map(term).collect::<Vec<_>>());
    }
}

#[test]
fn shares_within_strata_for_propensities() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    let new = trial(6, 120);
    shell.write("new.csv", new.csv());
    let rule = shell.json("out/rule.json");
    let share = |unit: &Unit| {
        let alike = |other: &&Unit| other.sex == unit.sex;
        let same = new.rows.iter().filter(alike).filter(|other| other.arm == unit.arm).count();
        same as f64 / new.rows.iter().filter(alike).count() as f64
    };
    let term = |unit: &Unit| if unit.assigned(&rule) == unit.arm { unit.y / share(unit) } else { 0.0 };
    let line = EVALUATE.replace("--propensity p", "--propensity strata:sex");
    let found = shell.run(&line).exits(0).json();
    assert_estimate(&found["value"], &new.rows.iter().map(term).collect::<Vec<_>>());
    shell
        .run(&line.replace("strata:sex", "strata:age,fee"))
        .exits(3)
        .says(&["stratum age", "--propensity strata:"]);
    shell.run(&format!("{line} --propensity p")).exits(2).says(&["--propensity"]);
}

#[test]
fn text_for_people() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    shell.write("new.csv", trial.csv());
    let ran = shell.run(&EVALUATE.replace(" --json -", "")).exits(0);
    for word in ["none", "drug"] {
        assert!(ran.stdout.contains(word), "{ran:#?}");
    }
}
