//! Small instances from a seed, and what a rule in JSON is worth on them, written without the library.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde_json::Value;

use crate::shell::Shell;

/// Covariates and rewards (or gains, one column) by name.
pub struct Instance {
    pub covariates: Vec<String>,
    pub x: Vec<Vec<f64>>,
    pub arms: Vec<String>,
    pub rewards: Vec<Vec<f64>>,
}

/// n units with p whole-number covariates from 0 to 9 (or continuous ones) and normal rewards of K arms.
pub fn instance(seed: u64, n: usize, p: usize, arms: &[&str], continuous: bool) -> Instance {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let x = (0..n).map(|_| (0..p).map(|_| covariate(&mut random, continuous)).collect()).collect();
    let rewards = (0..n).map(|_| arms.iter().map(|_| random.sample(StandardNormal)).collect()).collect();
    Instance {
        covariates: (1..=p).map(|j| format!("x{j}")).collect(),
        x,
        arms: arms.iter().map(|arm| (*arm).into()).collect(),
        rewards,
    }
}

fn covariate(random: &mut ChaCha8Rng, continuous: bool) -> f64 {
    if continuous { random.sample(StandardNormal) } else { f64::from(random.random_range(0..10_u8)) }
}

impl Instance {
    /// A tree problem: X.csv and G.csv. A linear one: X.csv and g.csv, where there is one column.
    pub fn write(&self, shell: &Shell) {
        shell.write("X.csv", csv(&self.covariates, &self.x));
        shell.write(if self.arms.len() == 1 { "g.csv" } else { "G.csv" }, csv(&self.arms, &self.rewards));
    }

    /// The sum of the rewards under a rule in JSON; `linear` arms are "control" (0) and "treated" (the gain).
    pub fn value(&self, rule: &Value) -> f64 {
        let reward = |(x, rewards): (&Vec<f64>, &Vec<f64>)| {
            let arm = arm_of(rule, &self.covariates, x);
            if self.arms.len() == 1 {
                return if arm == rule["arms"][1].as_str().unwrap() { rewards[0] } else { 0.0 };
            }
            rewards[self.arms.iter().position(|label| *label == arm).unwrap()]
        };
        self.x.iter().zip(&self.rewards).map(reward).sum()
    }
}

pub fn csv(header: &[String], rows: &[Vec<f64>]) -> String {
    let line = |row: &Vec<f64>| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "\n";
    [header.join(",") + "\n"].into_iter().chain(rows.iter().map(line)).collect()
}

/// The arm that a rule in JSON gives to a unit: the definition in the design, once more.
pub fn arm_of(rule: &Value, covariates: &[String], x: &[f64]) -> String {
    match rule["kind"].as_str().unwrap() {
        "constant" => rule["arm"].as_str().unwrap().into(),
        "linear" => {
            let coefficients = rule["coefficients"].as_array().unwrap();
            assert_eq!(coefficients.len(), x.len());
            let sum: f64 = coefficients.iter().zip(x).map(|(b, v)| b.as_f64().unwrap() * v).sum();
            let treated = rule["intercept"].as_f64().unwrap() + sum >= 0.0;
            rule["arms"][usize::from(treated)].as_str().unwrap().into()
        }
        "multi_linear" => {
            let numbers = |values: &Value| -> Vec<f64> {
                values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
            };
            let height = |k: usize| {
                let slopes = numbers(&rule["coefficients"][k]);
                let sum: f64 = slopes.iter().zip(x).map(|(b, v)| b * v).sum();
                numbers(&rule["intercepts"])[k] + sum
            };
            let higher = |best: usize, k: usize| if height(k) > height(best) { k } else { best };
            let best = (1..rule["arms"].as_array().unwrap().len()).fold(0, higher);
            rule["arms"][best].as_str().unwrap().into()
        }
        "tree" => {
            let mut node = &rule["root"];
            while let Some(name) = node["covariate"].as_str() {
                let j = covariates.iter().position(|covariate| covariate == name).unwrap();
                node = &node[if x[j] <= node["threshold"].as_f64().unwrap() { "left" } else { "right" }];
            }
            node["arm"].as_str().unwrap().into()
        }
        kind => panic!("a rule of kind {kind}"),
    }
}

/// The depth of a tree in JSON.
pub fn depth(node: &Value) -> usize {
    if node.get("covariate").is_none() { 0 } else { 1 + depth(&node["left"]).max(depth(&node["right"])) }
}

/// A randomised trial of two arms with covariates age and sex, propensity 0.25 or 0.5 by sex, and a fee for each unit.
pub struct Trial {
    pub rows: Vec<Unit>,
}

#[derive(Clone, Debug)]
pub struct Unit {
    pub id: String,
    pub y: f64,
    pub arm: &'static str,
    pub age: f64,
    pub sex: f64,
    pub p: f64,
    pub fee: f64,
}

pub fn trial(seed: u64, n: usize) -> Trial {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = |i: usize| {
        let (age, sex) = (f64::from(random.random_range(20..60_u8)), (i % 2) as f64);
        let p = if sex == 1.0 { 0.25 } else { 0.5 };
        let treated = random.random::<f64>() < p;
        let noise: f64 = random.sample(StandardNormal);
        let y = noise + if treated { (age - 40.0) / 8.0 + sex } else { 0.0 };
        let arm = if treated { "drug" } else { "none" };
        Unit { id: format!("u{i}"), y, arm, age, sex, p, fee: f64::from(random.random_range(1..9_u8)) / 8.0 }
    };
    Trial { rows: (0..n).map(&mut unit).collect() }
}

impl Trial {
    pub fn csv(&self) -> String {
        let line = |u: &Unit| format!("{},{},{},{},{},{},{}\n", u.id, u.y, u.arm, u.age, u.sex, u.p, u.fee);
        ["id,y,a,age,sex,p,fee\n".to_string()].into_iter().chain(self.rows.iter().map(line)).collect()
    }

    /// The same trial with every unit changed.
    pub fn map(&self, change: impl Fn(Unit) -> Unit) -> Trial {
        Trial { rows: self.rows.iter().cloned().map(change).collect() }
    }
}

impl Unit {
    /// The arm that a rule over age and sex gives.
    pub fn assigned(&self, rule: &Value) -> String {
        arm_of(rule, &["age".into(), "sex".into()], &[self.age, self.sex])
    }

    /// The known propensity of an arm.
    pub fn propensity(&self, arm: &str) -> f64 {
        if arm == "drug" { self.p } else { 1.0 - self.p }
    }

    /// The IPW score of an arm.
    pub fn ipw(&self, arm: &str) -> f64 {
        if self.arm == arm { self.y / self.propensity(arm) } else { 0.0 }
    }
}

/// Whether two numbers agree to rounding.
pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}
