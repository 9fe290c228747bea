//! Fused least squares against an independent implementation (tests/oracles/fusion), and its solvers against each other.

mod common;

use ndarray::Array2;
use prescribe::balance;
use prescribe::fusion::{self, MainEffect, Penalty};
use prescribe::models::Model;
use prescribe::models::arm_moments::Moments;
use prescribe::models::concave_fusion::{Concave, ConcaveFusion};
use prescribe::models::fused_lasso::{FusedLasso, pairs};
use prescribe::solve::clarabel::Clarabel;
use prescribe::solve::{Admm, BoundProof, Options, Report, Silent, Solver, TerminationStatus, solve};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// The oracle's data, with weights and what is left of the outcome.
struct Oracle {
    expected: Value,
    design: Array2<f64>,
    outcome: Vec<f64>,
    arm: Vec<usize>,
    weights: Vec<f64>,
}

const ARMS: usize = 16;

fn oracle(calibrated: bool) -> Oracle {
    let folder = common::file("tests/oracles/fusion/ds1_exp_K16");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let expected: Value = serde_json::from_str(&read("expected.json")).unwrap();
    let text = read("data.csv");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let n = rows.len();
    let arm: Vec<usize> = rows.iter().map(|row| row[1] as usize - 1).collect();
    let x = Array2::from_shape_fn((n, 3), |(i, j)| rows[i][2 + j]);
    let entropy = || balance::calibrate(&x, &arm, ARMS, &balance::Settings::default()).unwrap().weights;
    let weights = if calibrated { entropy().to_vec() } else { vec![ARMS as f64 / n as f64; n] };
    let y: Vec<f64> = rows.iter().map(|row| row[0]).collect();
    let main = fusion::pooled_fit(MainEffect::Quadratic, &x, &y, &weights);
    if calibrated {
        for (found, expected) in main.iter().zip(expected["M0_first3"].as_array().unwrap()) {
            assert!((found - expected.as_f64().unwrap()).abs() < 1e-9);
        }
    }
    let outcome = y.iter().zip(&main).map(|(y, m)| y - m).collect();
    let design = Array2::from_shape_fn((n, 4), |(i, j)| if j == 0 { 1.0 } else { x[[i, j - 1]] });
    Oracle { expected, design, outcome, arm, weights }
}

impl Oracle {
    fn moments(&self) -> Vec<Moments> {
        Moments::by_arm(&self.design, &self.outcome, &self.weights, &self.arm, ARMS)
    }

    /// The entries of `key` for these weights.
    fn entries(&self, key: &str, calibrated: bool) -> Vec<Value> {
        let of = |entry: &&Value| entry["weights"].as_str().unwrap().starts_with("calibrated") == calibrated;
        let entries: Vec<Value> = self.expected[key].as_array().unwrap().iter().filter(of).cloned().collect();
        assert!(!entries.is_empty());
        entries
    }
}

/// The oracle numbers groups from 1.
fn groups(entry: &Value) -> Vec<usize> {
    entry["groups"].as_array().unwrap().iter().map(|g| g.as_u64().unwrap() as usize - 1).collect()
}

fn answer<M: Model>(model: &M, solver: &dyn Solver<M>) -> Report<M::Point> {
    solve(model, solver, None, &Options::default(), &Silent).unwrap()
}

fn relative(a: f64, b: f64) -> f64 {
    (a - b).abs() / b.abs()
}

#[test]
fn objectives_and_groups_are_the_oracles() {
    for calibrated in [true, false] {
        let oracle = oracle(calibrated);
        for entry in oracle.entries("fused_lasso", calibrated) {
            let lambda = entry["lambda"].as_f64().unwrap();
            let model = FusedLasso::plain(oracle.moments(), lambda).unwrap();
            let expected = entry["objective_clarabel"].as_f64().unwrap();
            for solver in [&Admm as &dyn Solver<FusedLasso>, &Clarabel] {
                let report = answer(&model, solver);
                let objective = report.objective_value.unwrap();
                let what = format!("{} at {lambda}: {objective} for {expected}", solver.name());
                assert!(relative(objective, expected) < 1e-8, "{what}");
                assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}");
                assert_eq!(report.certificate.bound_proof, BoundProof::Dual);
                assert!(report.relative_gap.unwrap() < 1e-8, "{what}: {:?}", report.relative_gap);
                let found = fusion::Groups::within(&report.point.unwrap(), 0.25);
                assert_eq!(found.of, groups(&entry), "{what}");
            }
        }
    }
}

#[test]
fn the_criterion_chooses_what_the_oracle_chooses() {
    for calibrated in [true, false] {
        let oracle = oracle(calibrated);
        let lambdas = fusion::grid(5e-4, 1.5, 60);
        let weights = vec![1.0; pairs(ARMS).count()];
        let units = oracle.outcome.len();
        let settings = fusion::PathSettings { penalty: Penalty::Lasso, lambdas, threshold: 0.25, units };
        let path = fusion::path(&oracle.moments(), &weights, &settings, &Silent).unwrap();
        let best = path.iter().min_by(|a, b| a.ebic.total_cmp(&b.ebic)).unwrap();
        let entry = &oracle.entries("ebic_selected", calibrated)[0];
        assert!(relative(best.lambda, entry["lambda"].as_f64().unwrap()) < 1e-9, "{}", best.lambda);
        assert!(relative(best.ebic, entry["ebic"].as_f64().unwrap()) < 1e-8);
        assert!(relative(best.rss / ARMS as f64, entry["rss_over_K"].as_f64().unwrap()) < 1e-8);
        assert_eq!(best.groups.of, groups(entry));
    }
}

/// Random arms: `rows` units each, so that some have fewer than columns where `rows` is small; two kinds of arms.
fn random(seed: u64, arms: usize, p: usize, rows: usize) -> Vec<Moments> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..arms)
        .map(|a| {
            let mut arm = Moments::zero(p);
            for _ in 0..rows + a % 3 {
                let row: ndarray::Array1<f64> =
                    (0..p).map(|j| if j == 0 { 1.0 } else { random.random_range(-2.0..2.0) }).collect();
                let outcome =
                    row.sum() * if a.is_multiple_of(2) { 1.0 } else { -0.5 } + random.random_range(-0.5..0.5);
                arm.read(row.view(), outcome, 1.0 / rows as f64);
            }
            arm
        })
        .collect()
}

fn limits(seed: u64, arms: usize, lambda: f64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    pairs(arms).map(|_| lambda * random.random_range(0.0..2.0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn two_solvers_agree(seed in 0u64..10_000, arms in 2usize..=12, p in 1usize..=5, rows in 6usize..30, level in -3i32..2) {
        let lambda = 10f64.powi(level);
        let model = FusedLasso::new(random(seed, arms, p, rows), limits(seed, arms, lambda)).unwrap();
        let (one, other) = (answer(&model, &Admm), answer(&model, &Clarabel));
        prop_assert_eq!(one.termination_status, TerminationStatus::Optimal);
        let (a, b) = (one.objective_value.unwrap(), other.objective_value.unwrap());
        prop_assert!((a - b).abs() <= 1e-8 * b, "{a} {b}");
        // The dual bound is below what the other solver found.
        prop_assert!(one.objective_bound.unwrap() <= b * (1.0 + 1e-9));
    }

    #[test]
    fn arms_with_fewer_rows_than_columns_are_proved_too(seed in 0u64..10_000, arms in 3usize..=8, rows in 1usize..4) {
        let mut moments = random(seed, arms, 4, rows);
        moments[0] = random(seed + 1, 1, 4, 20).remove(0);
        let model = FusedLasso::new(moments, vec![0.05; pairs(arms).count()]).unwrap();
        let (one, other) = (answer(&model, &Admm), answer(&model, &Clarabel));
        let (a, b) = (one.objective_value.unwrap(), other.objective_value.unwrap());
        prop_assert!((a - b).abs() <= 1e-7 * b.max(1e-3), "{a} {b}");
        prop_assert_eq!(one.termination_status, TerminationStatus::Optimal);
    }

    #[test]
    fn concave_penalties_never_end_above_their_start(seed in 0u64..10_000, arms in 2usize..=9, level in -2i32..1) {
        let moments = random(seed, arms, 3, 12);
        let fits = Array2::from_shape_fn((arms, 3), |(a, j)| moments[a].fit()[j]);
        for penalty in [Concave::Mcp, Concave::Scad, Concave::Tlp] {
            let weights = vec![1.0; pairs(arms).count()];
            let model = ConcaveFusion::new(moments.clone(), penalty, 10f64.powi(level), weights).unwrap();
            for start in [None, Some(&fits)] {
                let report = solve(&model, &Admm, start, &Options::default(), &Silent).unwrap();
                prop_assert_eq!(report.termination_status, TerminationStatus::LocallySolved);
                let value = report.objective_value.unwrap();
                if let Some(start) = start {
                    prop_assert!(value <= model.objective(start));
                }
                prop_assert!(value >= model.trivial_bound() - 1e-9);
                // Stationary: the tangent problem at the answer has no better answer.
                let zeta = report.point.unwrap();
                let tangent = model.tangent(Some(&zeta));
                let lead = tangent.objective(&zeta) - answer(&tangent, &Clarabel).objective_value.unwrap();
                prop_assert!(lead <= 1e-6 * value.max(1e-2), "{penalty:?}: {lead}");
            }
        }
    }
}

/// Two arms of one column: each moves by lambda over its weight towards the other until they meet.
#[test]
fn two_means_by_hand() {
    let mean = |weight: f64, mean: f64| Moments {
        gram: ndarray::array![[weight]],
        cross: ndarray::array![weight * mean],
        square: weight * mean * mean + 1.0,
    };
    let moments = vec![mean(2.0, 1.0), mean(4.0, -1.0)];
    for (lambda, expected) in [(0.0, [1.0, -1.0]), (1.0, [0.5, -0.75]), (9.0, [-1.0 / 3.0, -1.0 / 3.0])] {
        let model = FusedLasso::plain(moments.clone(), lambda).unwrap();
        for solver in [&Admm as &dyn Solver<FusedLasso>, &Clarabel] {
            let report = answer(&model, solver);
            let zeta = report.point.unwrap();
            for a in 0..2 {
                assert!((zeta[[a, 0]] - expected[a]).abs() < 1e-5, "{} {lambda} {zeta}", solver.name());
            }
        }
    }
}
