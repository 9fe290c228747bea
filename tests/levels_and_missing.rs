//! Categories and missing values in learned rules, through the program, against enumeration that shares no code with it: every
//! subset of levels, every threshold, a missing value on either side.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::Value;

/// A unit: age and ward, either of which may be missing, arm and outcome.
#[derive(Clone)]
struct Unit {
    age: Option<u32>,
    ward: Option<usize>,
    arm: usize,
    outcome: i32,
}

/// Units of which each arm has at least two.
fn units(random: &mut ChaCha8Rng, n: usize, levels: usize, arms: usize, missing: bool) -> Vec<Unit> {
    let unit = |i: usize| Unit {
        age: (!missing || random.random_range(0..4) > 0).then(|| random.random_range(0..4)),
        ward: (!missing || random.random_range(0..5) > 0).then(|| random.random_range(0..levels)),
        arm: i % arms,
        outcome: random.random_range(-20..=20),
    };
    (0..n).map(unit).collect()
}

fn csv(units: &[Unit]) -> String {
    let mut text = String::from("age,ward,arm,y\n");
    for Unit { age, ward, arm, outcome } in units {
        let age = age.map_or("NA".into(), |age| age.to_string());
        let ward = ward.map_or(String::new(), |ward| format!("w{ward}"));
        writeln!(text, "{age},{ward},a{arm},{outcome}").unwrap();
    }
    text
}

/// Runs `learn` in `folder` on the units and returns its JSON.
fn learn(folder: &Path, units: &[Unit], more: &[&str]) -> Value {
    let data = folder.join("data.csv");
    std::fs::write(&data, csv(units)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_prescribe"))
        .args(["learn", data.to_str().unwrap(), "--outcome", "y", "--treatment", "arm", "--maximize"])
        .args(["--covariates", "age,ward", "--categorical", "ward", "--missing", "keep", "--score", "ipw"])
        .args(["--test-share", "0", "--json", "-", "--out"])
        .arg(folder.join("out"))
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The inverse-probability score of each unit and arm, by the definition.
fn rewards(units: &[Unit], arms: usize) -> Vec<Vec<f64>> {
    let share = |k: usize| units.iter().filter(|unit| unit.arm == k).count() as f64 / units.len() as f64;
    let of = |unit: &Unit, k: usize| if unit.arm == k { f64::from(unit.outcome) / share(k) } else { 0.0 };
    units.iter().map(|unit| (0..arms).map(|k| of(unit, k)).collect()).collect()
}

/// Every way to send units left (true) by one covariate, a missing value on either side.
fn splits(units: &[Unit], levels: usize) -> Vec<Vec<bool>> {
    let mut found: Vec<Vec<bool>> = Vec::new();
    for missing in [true, false] {
        let by = |left: &dyn Fn(&Unit) -> Option<bool>| {
            units.iter().map(|unit| left(unit).unwrap_or(missing)).collect::<Vec<bool>>()
        };
        found.extend((0..5).map(|t| by(&|unit| unit.age.map(|age| age < t))));
        found.extend((0..1 << levels).map(|set: u32| by(&|unit| unit.ward.map(|w| set >> w & 1 == 1))));
    }
    found.sort();
    found.dedup();
    found
}

fn best_leaf(rewards: &[Vec<f64>], members: &[bool]) -> f64 {
    let total = |k: usize| rewards.iter().zip(members).filter(|(_, m)| **m).map(|(r, _)| r[k]).sum::<f64>();
    (0..rewards[0].len()).map(total).fold(f64::NEG_INFINITY, f64::max)
}

/// The best tree over the members, whose leaves hold `least` of them or none.
fn best_tree(
    rewards: &[Vec<f64>],
    splits: &[Vec<bool>],
    members: &[bool],
    depth: usize,
    least: usize,
) -> f64 {
    let size = |members: &[bool]| members.iter().filter(|m| **m).count();
    let own = if size(members) >= least { best_leaf(rewards, members) } else { f64::NEG_INFINITY };
    if depth == 0 {
        return own;
    }
    let parts = splits.iter().map(|split| {
        let side =
            |left: bool| -> Vec<bool> { members.iter().zip(split).map(|(m, s)| *m && *s == left).collect() };
        let (left, right) = (side(true), side(false));
        if size(&left) == 0 || size(&right) == 0 {
            return f64::NEG_INFINITY;
        }
        best_tree(rewards, splits, &left, depth - 1, least)
            + best_tree(rewards, splits, &right, depth - 1, least)
    });
    parts.fold(own, f64::max)
}

/// What the rule of the JSON earns, read off by this test.
fn earned(rule: &Value, units: &[Unit], rewards: &[Vec<f64>]) -> f64 {
    let arm = |unit: &Unit| {
        let mut node = &rule["root"];
        while let Some(covariate) = node["covariate"].as_str() {
            let listed = |ward: usize| {
                let levels = node["levels"].as_array().unwrap();
                levels.iter().any(|level| level.as_str() == Some(&format!("w{ward}")))
            };
            let left = match covariate {
                "age" => unit.age.map(|age| f64::from(age) <= node["threshold"].as_f64().unwrap()),
                _ => unit.ward.map(listed),
            };
            let left = left.unwrap_or_else(|| node["missing"].as_str().unwrap() == "left");
            node = if left { &node["left"] } else { &node["right"] };
        }
        node["arm"].as_str().unwrap()[1..].parse::<usize>().unwrap()
    };
    units.iter().zip(rewards).map(|(unit, rewards)| rewards[arm(unit)]).sum()
}

#[test]
fn trees_equal_enumeration() {
    (0..60u64).into_par_iter().for_each(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (n, levels) = (random.random_range(8..=14), random.random_range(2..=5));
        let (arms, depth) = (random.random_range(2..=3), random.random_range(1..=2));
        let (missing, least) = (random.random(), random.random_range(1..=3));
        let units = units(&mut random, n, levels, arms, missing);
        let folder = tempfile::tempdir().unwrap();
        let more = ["--depth", &depth.to_string(), "--min-leaf", &least.to_string(), "--candidates", "all"];
        let json = learn(folder.path(), &units, &more);
        let rewards = rewards(&units, arms);
        let optimum = best_tree(&rewards, &splits(&units, levels), &vec![true; n], depth, least);
        let value = json["report"]["objective_value"].as_f64().unwrap();
        assert_eq!(json["report"]["termination_status"], "OPTIMAL");
        assert!(
            (value - optimum).abs() <= 1e-9 * optimum.abs().max(1.0),
            "seed {seed}: {value}, not {optimum}"
        );
        let earned = earned(&json["rule"], &units, &rewards);
        assert!((value - earned).abs() <= 1e-9 * value.abs().max(1.0), "seed {seed}: rule earns {earned}");
        let verified = Command::new(env!("CARGO_BIN_EXE_prescribe"))
            .arg("verify")
            .arg(folder.path().join("out"))
            .output();
        let verified = verified.unwrap();
        assert!(verified.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&verified.stdout));
    });
}

#[test]
fn many_levels_are_ordered_and_exact_for_two_arms_at_depth_one() {
    const LEVELS: usize = 12;
    (0..10u64).into_par_iter().for_each(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(100 + seed);
        let units = units(&mut random, 60, LEVELS, 2, seed % 2 == 0);
        let folder = tempfile::tempdir().unwrap();
        let json = learn(folder.path(), &units, &["--depth", "1", "--candidates", "all"]);
        let rewards = rewards(&units, 2);
        let optimum = best_tree(&rewards, &splits(&units, LEVELS), &[true; 60], 1, 1);
        let value = json["report"]["objective_value"].as_f64().unwrap();
        assert!(
            (value - optimum).abs() <= 1e-9 * optimum.abs().max(1.0),
            "seed {seed}: {value}, not {optimum}"
        );
        let warnings = json["warnings"].as_array().unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        // Deeper, the order restricts the partitions, and the user is told.
        let json = learn(folder.path(), &units, &["--depth", "2", "--candidates", "all"]);
        assert!(json["warnings"][0].as_str().unwrap().contains("ward: more than 10 levels"), "{json}");
    });
}

#[test]
fn linear_rules_see_levels_fills_and_indicators() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let units = units(&mut random, 30, 3, 2, true);
    let folder = tempfile::tempdir().unwrap();
    let json = learn(folder.path(), &units, &["--policy", "linear"]);
    let rule = &json["rule"];
    let terms: Vec<String> = rule["encoding"].as_array().unwrap().iter().map(Value::to_string).collect();
    let observed: Vec<f64> = units.iter().filter_map(|unit| unit.age).map(f64::from).collect();
    let mean = observed.iter().sum::<f64>() / observed.len() as f64;
    assert_eq!(terms.len(), 5, "{terms:?}");
    assert!((rule["encoding"][0]["fill"].as_f64().unwrap() - mean).abs() < 1e-12);
    let b: Vec<f64> = rule["coefficients"].as_array().unwrap().iter().map(|b| b.as_f64().unwrap()).collect();
    let rewards = rewards(&units, 2);
    let earned: f64 = units
        .iter()
        .zip(&rewards)
        .map(|(unit, rewards)| {
            let z = [
                unit.age.map_or(mean, f64::from),
                f64::from(unit.age.is_none()),
                f64::from(unit.ward == Some(1)),
                f64::from(unit.ward == Some(2)),
                f64::from(unit.ward.is_none()),
            ];
            let height =
                rule["intercept"].as_f64().unwrap() + z.iter().zip(&b).map(|(z, b)| z * b).sum::<f64>();
            rewards[usize::from(height >= 0.0)]
        })
        .sum();
    let value = json["report"]["objective_value"].as_f64().unwrap();
    assert!((value - earned).abs() <= 1e-9 * value.abs().max(1.0), "{value}, the rule earns {earned}");
}
