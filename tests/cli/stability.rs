//! `stability`: what bootstrap samples say about a rule, against what two clusters leave to chance.

use serde_json::{Value, json};

use crate::instances::{Trial, Unit, close};
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

const STUMP: &str = "learn trial.csv --outcome y --treatment a --arms none,drug --covariates age,sex --policy tree --depth 1 \
                     --candidates all --propensity p --score ipw --id id --maximize --test-share 0";

/// The mean IPW reward under a rule.
fn mean(trial: &Trial, rule: &Value) -> f64 {
    let total: f64 = trial.rows.iter().map(|unit| unit.ipw(&unit.assigned(rule))).sum();
    total / trial.rows.len() as f64
}

#[test]
fn two_clusters_leave_three_samples() {
    // The young gain in the first cluster and lose in the second, which has as many units.
    let shell = Shell::new();
    let both = trial_in(&shell).map(|unit| {
        let first = unit.id.trim_start_matches('u').parse::<usize>().unwrap() % 4 < 2;
        let effect = if (unit.age < if first { 30.5 } else { 47.5 }) == first { 50.0 } else { -50.0 };
        let y = if unit.arm == "drug" { effect + unit.age / 16.0 } else { 0.0 };
        Unit { y, fee: f64::from(u8::from(first)), ..unit }
    });
    let of_cluster = |fee: f64| Trial { rows: both.rows.iter().filter(|u| u.fee == fee).cloned().collect() };
    let parts = [of_cluster(1.0), of_cluster(0.0)];
    let learned: Vec<Value> = [&parts[0], &both, &parts[1]]
        .iter()
        .map(|trial| {
            shell.write("trial.csv", trial.csv());
            shell.run(&format!("{STUMP} --json -")).exits(0).json()["rule"].clone()
        })
        .collect();
    shell.write("trial.csv", both.csv());
    shell.run(&format!("{STUMP} --cluster fee --out out")).exits(0);
    let found = shell.run("stability out --replications 80 --json -").exits(0).json();
    assert_eq!((&found["clusters"], &found["units"]), (&json!(2), &json!(200)));

    // The first cluster twice, each once, the second twice: rules with thresholds that tell them apart.
    let thresholds: Vec<f64> =
        learned.iter().map(|rule| rule["root"]["threshold"].as_f64().unwrap()).collect();
    assert!(thresholds[0] != thresholds[2] && learned[0] != learned[1] && learned[1] != learned[2]);
    let optimism = |sample: &Trial, rule: &Value| mean(sample, rule) - mean(&both, rule);
    let of_first = optimism(&parts[0], &learned[0]);
    let of_second = optimism(&parts[1], &learned[2]);
    let total = found["optimism"]["mean"].as_f64().unwrap() * 80.0;
    // a draws of the first cluster twice and c of the second: whole numbers that explain the mean, near 20 each.
    let explained = (0..=80).flat_map(|a| (0..=80 - a).map(move |c| (a, c)));
    let (a, c) = explained
        .min_by(|x, y| {
            let off = |(a, c): (u32, u32)| (f64::from(a) * of_first + f64::from(c) * of_second - total).abs();
            off(*x).total_cmp(&off(*y))
        })
        .unwrap();
    assert!(close(f64::from(a) * of_first + f64::from(c) * of_second, total), "{total} by {a} and {c}");
    assert!((8..=34).contains(&a) && (8..=34).contains(&c), "{a} and {c} of 80");
    // The same draws decide in how many samples a unit keeps its arm.
    let agreement = found["agreement"]["by_unit"].as_array().unwrap();
    for (unit, agreed) in both.rows.iter().zip(agreement) {
        let same = |rule: &Value| f64::from(u8::from(unit.assigned(rule) == unit.assigned(&learned[1])));
        let expected =
            (f64::from(a) * same(&learned[0]) + f64::from(80 - a - c) + f64::from(c) * same(&learned[2]))
                / 80.0;
        assert_eq!(agreed["id"], unit.id.as_str());
        assert!(close(agreed["share"].as_f64().unwrap(), expected), "{agreed} instead of {expected}");
    }
    let value = mean(&both, &learned[1]);
    assert!(close(found["optimism"]["value"].as_f64().unwrap(), value));
    assert!(close(found["optimism"]["value_less_optimism"].as_f64().unwrap(), value - total / 80.0));
}

#[test]
fn a_strong_effect_is_found_in_every_sample() {
    let shell = Shell::new();
    let trial = trial_in(&shell).map(|unit| {
        let effect = if unit.age > 40.0 { 100.0 } else { -100.0 };
        Unit { y: if unit.arm == "drug" { effect } else { 0.0 }, ..unit }
    });
    shell.write("trial.csv", trial.csv());
    for policy in ["--policy tree --depth 1 --candidates all", "--policy linear --solver smooth"] {
        let line = LEARN.replace("--policy tree --depth 2", policy);
        shell.run(&format!("{line} --maximize --out out")).exits(0);
        let found = shell.run("stability out --replications 20 --json -").exits(0).json();
        assert_eq!(found["covariates"][0], json!({"covariate": "age", "share": 1.0, "in_rule": true}));
        assert!(found["agreement"]["mean"].as_f64().unwrap() > 0.9);
        let trees = policy.contains("tree");
        assert_eq!(found["roots"].as_array().unwrap().len(), usize::from(trees));
        assert!(!trees || found["roots"][0]["covariate"] == "age");
        assert_eq!(
            found["agreement"]["by_unit"].as_array().unwrap().len(),
            found["units"].as_u64().unwrap() as usize
        );
    }
}

#[test]
fn threads_change_nothing_and_seeds_do() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    let line = "stability out --replications 12 --json -";
    let one = shell.run(&format!("{line} --threads 1")).exits(0).stdout;
    assert_eq!(one, shell.run(&format!("{line} --threads 4")).exits(0).stdout);
    assert_ne!(one, shell.run(&format!("{line} --seed 9")).exits(0).stdout);
    let text = shell.run("stability out --replications 12").exits(0).stdout;
    for words in ["12 bootstrap samples of 101 training units", "covariate", "root", "mean optimism"] {
        assert!(text.contains(words), "{text}");
    }
    shell.run("stability out --replications 1").exits(2).says(&["at least 2"]);
    shell.run("stability nowhere").exits(1).says(&["nowhere"]);
}
