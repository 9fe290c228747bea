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

/// The 0.975 quantile of Student's t with 119 degrees of freedom, for 120 units; computed with mpmath to 30 digits.
const T119: f64 = 1.98009987645694;

/// `found` has the mean of `terms` as `key`, with its standard error and interval.
#[track_caller]
fn assert_mean(found: &Value, key: &str, terms: &[f64], t: f64) {
    let [estimate, error] = mean(terms);
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("no number in {found:#}"));
    assert!(close(number(&found[key]), estimate), "{found:#} instead of {estimate}");
    assert!(close(number(&found["standard_error"]), error), "{found:#} instead of {error}");
    for (end, sign) in [-1.0, 1.0].into_iter().enumerate() {
        assert!(close(number(&found["interval"][end]), estimate + sign * t * error), "{found:#}");
    }
}

/// The comparison called `name`.
fn against<'v>(found: &'v Value, name: &str) -> &'v Value {
    let all = found["differences"].as_array().unwrap();
    all.iter().find(|difference| difference["against"] == name).unwrap_or_else(|| panic!("{name}: {found:#}"))
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
        assert_mean(&found, "value", &of_rule, T119);
        let paired = |other: &[f64]| of_rule.iter().zip(other).map(|(a, b)| a - b).collect::<Vec<f64>>();
        for (k, arm) in ["none", "drug"].into_iter().enumerate() {
            let everyone: Vec<f64> = new.rows.iter().map(|unit| net(unit, arm)).collect();
            let comparison = &found["differences"][k];
            assert_eq!(comparison["against"], arm);
            let assigned = new.rows.iter().filter(|unit| unit.assigned(&rule) == arm).count();
            assert_eq!(comparison["assigned"], assigned);
            assert_mean(&comparison["value"], "estimate", &everyone, T119);
            assert_mean(comparison, "estimate", &paired(&everyone), T119);
        }
        let observed: Vec<f64> = new.rows.iter().map(|unit| unit.y - sign * cost(unit.arm)).collect();
        assert_mean(&against(&found, "observed")["value"], "estimate", &observed, T119);
        assert_mean(against(&found, "observed"), "estimate", &paired(&observed), T119);
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
        assert_mean(&found, "value", &new.rows.iter().map(term).collect::<Vec<_>>(), T119);
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
    assert_mean(&found, "value", &new.rows.iter().map(term).collect::<Vec<_>>(), T119);
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

/// The fold of each unit and the best arm of the other folds can be told apart only by what comes out: the comparison is a mean
/// of one arm's score in each fold.
#[test]
fn the_best_arm_is_chosen_inside_folds() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    // Arms that are nearly as good, so that folds may choose differently; whatever they choose, the value is paired with it.
    let new = trial(8, 120);
    shell.write("new.csv", new.csv());
    let found = shell.run(EVALUATE).exits(0).json();
    let chosen = &found["best_arm"];
    assert_eq!(chosen["chosen_on"], "other_folds");
    assert_eq!(chosen["arm_of_fold"].as_array().unwrap().len(), 5);
    let (best, rule) = (against(&found, "best_arm"), found["value"].as_f64().unwrap());
    let of_best = best["value"]["estimate"].as_f64().unwrap();
    assert!(close(best["estimate"].as_f64().unwrap(), rule - of_best));
}

#[test]
fn too_few_units_for_folds_leave_out_the_best_arm() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    let mut few = trial(6, 60);
    // Three units with the drug are too few for five folds, and enough for a value.
    let mut drugs = 0;
    few.rows.retain(|unit| {
        unit.arm != "drug" || {
            drugs += 1;
            drugs <= 3
        }
    });
    shell.write("new.csv", few.csv());
    let ran = shell.run(EVALUATE).exits(0);
    assert!(ran.stderr.contains("no comparison with the best single arm"), "{ran:#?}");
    let found = ran.json();
    assert_eq!(found.get("best_arm"), None);
    let names: Vec<&str> =
        found["differences"].as_array().unwrap().iter().map(|d| d["against"].as_str().unwrap()).collect();
    assert_eq!(names, ["none", "drug", "observed"]);
}

#[test]
fn leaves_by_hand() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    let split = serde_json::json!({"covariate": "age", "threshold": 40.0, "left": {"arm": "none"},
        "right": {"covariate": "sex", "threshold": 0.5, "left": {"arm": "drug"}, "right": {"arm": "drug"}}});
    shell.edit("out/rule.json", |rule| rule["root"] = split.clone());
    let new = trial(6, 120);
    shell.write("new.csv", new.csv());
    let found = shell.run(EVALUATE).exits(0).json();
    let leaves = found["leaves"].as_array().unwrap();
    let paths = ["age <= 40", "age > 40 and sex <= 0.5", "age > 40 and sex > 0.5"];
    assert_eq!(leaves.len(), 3);
    let members: [fn(&Unit) -> bool; 3] =
        [|u| u.age <= 40.0, |u| u.age > 40.0 && u.sex <= 0.5, |u| u.age > 40.0 && u.sex > 0.5];
    for (l, leaf) in leaves.iter().enumerate() {
        let units: Vec<&Unit> = new.rows.iter().filter(|unit| members[l](unit)).collect();
        let [arm, other] = if l == 0 { ["none", "drug"] } else { ["drug", "none"] };
        assert_eq!((&leaf["leaf"], &leaf["path"]), (&serde_json::json!(l + 1), &serde_json::json!(paths[l])));
        assert_eq!((&leaf["arm"], &leaf["against"]), (&serde_json::json!(arm), &serde_json::json!(other)));
        assert_eq!(leaf["units"], units.len());
        assert!(close(leaf["share"].as_f64().unwrap(), units.len() as f64 / 120.0));
        let effects: Vec<f64> = units.iter().map(|unit| unit.ipw(arm) - unit.ipw(other)).collect();
        // The quantile is checked elsewhere; here the interval only has to have the right centre and one width for all.
        let [mean, error] = mean(&effects);
        let end = leaf["interval"][1].as_f64().unwrap();
        assert_mean(leaf, "effect", &effects, (end - mean) / error);
        assert!((1.97..2.1).contains(&((end - mean) / error)), "{leaf:#}");
    }
    let text = shell.run(&EVALUATE.replace(" --json -", "")).exits(0).stdout;
    assert!(text.contains("\n2: age > 40 and sex <= 0.5\n"), "{text}");
}

#[test]
fn the_sides_of_a_linear_rule_are_its_leaves() {
    let shell = Shell::new();
    trial_in(&shell);
    let line = LEARN.replace("--policy tree --depth 2", "--policy linear --solver smooth");
    shell.run(&format!("{line} --maximize --out out")).exits(0);
    shell.edit("out/rule.json", |rule| {
        rule["intercept"] = serde_json::json!(-40.0);
        rule["coefficients"] = serde_json::json!([1.0, -2.0]);
    });
    let new = trial(6, 120);
    shell.write("new.csv", new.csv());
    let leaves = shell.run(EVALUATE).exits(0).json()["leaves"].clone();
    let treated = new.rows.iter().filter(|unit| unit.age - 2.0 * unit.sex >= 40.0).count();
    let shown = |l: usize| (leaves[l]["path"].as_str().unwrap(), leaves[l]["units"].as_u64().unwrap());
    assert_eq!(shown(0), ("-40 + age - 2 sex < 0", 120 - treated as u64));
    assert_eq!(shown(1), ("-40 + age - 2 sex >= 0", treated as u64));
}

#[test]
fn rules_against_each_other() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    shell.run(&format!("{} --maximize --out age", LEARN.replace("age,sex", "age"))).exits(0);
    let new = trial(6, 120);
    shell.write("new.csv", new.csv());
    let (rule, other) = (shell.json("out/rule.json"), shell.json("age/rule.json"));
    let term = |unit: &Unit| {
        let other = crate::instances::arm_of(&other, &["age".into()], &[unit.age]);
        unit.ipw(&unit.assigned(&rule)) - unit.ipw(&other)
    };
    let terms: Vec<f64> = new.rows.iter().map(term).collect();
    let found =
        shell.run(&format!("{EVALUATE} --against age/rule.json --against out/rule.json")).exits(0).json();
    assert_mean(against(&found, "age/rule.json"), "estimate", &terms, T119);
    assert_mean(against(&found, "out/rule.json"), "estimate", &[0.0; 120], T119);
    // The rule that sees more can be the other one.
    let turned = EVALUATE.replace("out/rule.json", "age/rule.json");
    let found = shell.run(&format!("{turned} --against out/rule.json")).exits(0).json();
    let terms: Vec<f64> = terms.iter().map(|term| -term).collect();
    assert_mean(against(&found, "out/rule.json"), "estimate", &terms, T119);
    shell.edit("age/rule.json", |rule| rule["direction"] = serde_json::json!("minimize"));
    shell.run(&format!("{EVALUATE} --against age/rule.json")).exits(2).says(&["age/rule.json", "direction"]);
}
