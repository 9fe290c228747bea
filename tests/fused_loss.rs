//! Fused logistic and Huber losses: by hand, and their solvers against each other.

use ndarray::{Array1, Array2, array};
use prescribe::models::Model;
use prescribe::models::arm_moments::Moments;
use prescribe::models::fused_lasso::{FusedLasso, pairs};
use prescribe::models::fused_loss::FusedLoss;
use prescribe::models::outcome_loss::{Loss, Units};
use prescribe::solve::clarabel::Clarabel;
use prescribe::solve::{Admm, Options, Report, Silent, Solver, TerminationStatus, solve};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StudentT};

fn answer<M: Model>(model: &M, solver: &dyn Solver<M>) -> Report<M::Point> {
    solve(model, solver, None, &Options::default(), &Silent).unwrap()
}

/// Arms of two kinds, of `rows` units or two more each; binary outcomes for the logistic loss, heavy tails otherwise.
fn random(seed: u64, (arms, p, rows): (usize, usize, usize), loss: Loss) -> Vec<Units> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let noise = StudentT::new(2.0).unwrap();
    let arm = |a: usize| {
        let m = rows + a % 3;
        let design =
            Array2::from_shape_fn((m, p), |(_, j)| if j == 0 { 1.0 } else { random.random_range(-2.0..2.0) });
        let sign = if a.is_multiple_of(2) { 1.0 } else { -0.5 };
        let mut outcome = |fit: f64| match loss {
            Loss::Logistic => f64::from(u8::from(random.random::<f64>() < 1.0 / (1.0 + (-fit).exp()))),
            _ => fit + noise.sample(&mut random),
        };
        let outcomes = design.rows().into_iter().map(|row| outcome(sign * row.sum())).collect();
        let mut weights: Vec<f64> = (0..m).map(|_| random.random_range(0.2..1.0)).collect();
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        let offset = (0..m).map(|_| random.random_range(-0.5..0.5)).collect();
        Units { design, outcome: outcomes, offset, weights }
    };
    (0..arms).map(arm).collect()
}

fn plain(arms: Vec<Units>, loss: Loss, lambda: f64) -> FusedLoss {
    let limits = vec![lambda; pairs(arms.len()).count()];
    FusedLoss::new(arms, loss, limits).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn two_solvers_agree(seed in 0u64..10_000, arms in 2usize..=16, p in 1usize..=4, rows in 12usize..40, level in -3i32..1, d in 0.3f64..2.0) {
        for loss in [Loss::Logistic, Loss::Huber(d), Loss::Squared] {
            let model = plain(random(seed, (arms, p, rows), loss), loss, 10f64.powi(level));
            let (one, other) = (answer(&model, &Admm), answer(&model, &Clarabel));
            let (a, b) = (one.objective_value.unwrap(), other.objective_value.unwrap());
            prop_assert_eq!(one.termination_status, TerminationStatus::Optimal, "{:?} {:?}", loss, one.relative_gap);
            // Where rounding stops the other short of its tolerance, it says so.
            let reached = other.termination_status == TerminationStatus::Optimal;
            prop_assert!((a - b).abs() <= 1e-8 * b || !reached && a <= b, "{loss:?}: {a} {b}");
            // The dual bound is below what the other solver found.
            prop_assert!(one.objective_bound.unwrap() <= b * (1.0 + 1e-9));
        }
    }

    #[test]
    fn arms_with_fewer_rows_than_columns_are_proved_too(seed in 0u64..10_000, arms in 3usize..=8, rows in 1usize..4) {
        for loss in [Loss::Logistic, Loss::Huber(0.8)] {
            let mut units = random(seed, (arms, 4, rows), loss);
            units[0] = random(seed + 1, (1, 4, 60), loss).remove(0);
            let model = plain(units, loss, 0.05);
            let (one, other) = (answer(&model, &Admm), answer(&model, &Clarabel));
            let (a, b) = (one.objective_value.unwrap(), other.objective_value.unwrap());
            prop_assert!((a - b).abs() <= 1e-7 * b.max(1e-3), "{loss:?}: {a} {b} {:?}", one.relative_gap);
            // Where every unit of an arm is beyond the bend, the bound may stop a little short of the gap that is asked for, and the report says so.
            let proved = one.termination_status == TerminationStatus::Optimal;
            let near = one.termination_status == TerminationStatus::IterationLimit && loss != Loss::Logistic;
            prop_assert!(proved || near, "{loss:?}: {:?}", one.termination_status);
            prop_assert!(one.relative_gap.unwrap() <= 1e-6, "{loss:?}: {:?}", one.relative_gap);
        }
    }
}

/// The squared loss is the other model.
#[test]
fn squares_are_the_fused_lasso() {
    let units = random(5, (6, 3, 20), Loss::Squared);
    let moments: Vec<Moments> = units
        .iter()
        .map(|arm| {
            let rest: Vec<f64> = arm.outcome.iter().zip(&arm.offset).map(|(y, m)| y - m).collect();
            Moments::by_arm(&arm.design, &rest, &arm.weights, &vec![0; rest.len()], 1).remove(0)
        })
        .collect();
    let (one, other) = (plain(units, Loss::Squared, 0.1), FusedLasso::plain(moments, 0.1).unwrap());
    let zeta = Array2::from_shape_fn((6, 3), |(a, j)| (a as f64 - 2.0) / (j as f64 + 1.5));
    assert!((one.objective(&zeta) - other.objective(&zeta)).abs() < 1e-12 * other.objective(&zeta));
    let (a, b) =
        (answer(&one, &Admm).objective_value.unwrap(), answer(&other, &Clarabel).objective_value.unwrap());
    assert!((a - b).abs() < 1e-9 * b, "{a} {b}");
}

/// Shares of ones in an arm of weight 1, without covariates.
fn shares(shares: &[f64]) -> Vec<Units> {
    let arm = |&share: &f64| Units {
        design: Array2::ones((2, 1)),
        outcome: vec![1.0, 0.0],
        offset: vec![0.0, 0.0],
        weights: vec![share, 1.0 - share],
    };
    shares.iter().map(arm).collect()
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// Fitted shares move by lambda towards each other until they meet.
#[test]
fn two_shares_by_hand() {
    for (lambda, expected) in [(0.0, [0.8, 0.3]), (0.1, [0.7, 0.4]), (0.5, [0.55, 0.55])] {
        let model = plain(shares(&[0.8, 0.3]), Loss::Logistic, lambda);
        for solver in [&Admm as &dyn Solver<FusedLoss>, &Clarabel] {
            let report = answer(&model, solver);
            assert_eq!(report.termination_status, TerminationStatus::Optimal);
            let zeta = report.point.unwrap();
            for a in 0..2 {
                assert!(
                    (zeta[[a, 0]] - logit(expected[a])).abs() < 1e-4,
                    "{} {lambda} {zeta}",
                    solver.name()
                );
            }
        }
    }
}

/// Nine units at 0 and one far away: the mean follows it, the Huber centre moves by d / 9.
#[test]
fn an_outlier_pulls_as_far_as_the_bend() {
    let arm = Units {
        design: Array2::ones((10, 1)),
        outcome: [vec![0.0; 9], vec![1e6]].concat(),
        offset: vec![0.0; 10],
        weights: vec![0.1; 10],
    };
    let model = plain(vec![arm.clone(), arm], Loss::Huber(0.9), 0.3);
    let zeta = answer(&model, &Admm).point.unwrap();
    assert!((zeta[[0, 0]] - 0.1).abs() < 1e-6 && (zeta[[1, 0]] - 0.1).abs() < 1e-6, "{zeta}");
}

/// An arm of ones alone has no fit of its own, but one where it is tied to others.
#[test]
fn separated_arms_need_a_tie() {
    let arms = shares(&[0.8, 0.3, 1.0]);
    for limits in [vec![0.1, 0.0, 0.0], vec![0.0; 3]] {
        let model = FusedLoss::new(arms.clone(), Loss::Logistic, limits).unwrap();
        let error = solve(&model, &Admm, None, &Options::default(), &Silent).unwrap_err().to_string();
        assert!(error.contains("separates the outcomes 0 and 1 of arms 2,"), "{error}");
    }
    let model = FusedLoss::new(arms, Loss::Logistic, vec![0.1, 0.0, 0.05]).unwrap();
    let report = answer(&model, &Admm);
    assert_eq!(report.termination_status, TerminationStatus::Optimal);
    let zeta = report.point.unwrap();
    // Each pulls with its limit: shares .8 - .1, .3 + .1 + .05, 1 - .05.
    for (a, share) in [0.7, 0.45, 0.95].into_iter().enumerate() {
        assert!((zeta[[a, 0]] - logit(share)).abs() < 1e-4, "{zeta}");
    }
}

#[test]
fn what_is_no_problem_is_refused() {
    let refusal =
        |arms: Vec<Units>, loss, limit: f64| FusedLoss::new(arms, loss, vec![limit]).unwrap_err().to_string();
    let arms = || shares(&[0.8, 0.3]);
    let with = |change: fn(&mut Units)| {
        let mut arms = arms();
        change(&mut arms[1]);
        arms
    };
    assert!(
        refusal(with(|arm| arm.outcome[0] = 0.5), Loss::Logistic, 0.1).contains("arm 1 has the outcome 0.5")
    );
    assert!(refusal(with(|arm| arm.weights[1] = -1.0), Loss::Logistic, 0.1).contains("weight -1"));
    assert!(refusal(with(|arm| arm.offset[1] = f64::NAN), Loss::Squared, 0.1).contains("NaN"));
    assert!(refusal(with(|arm| arm.weights = vec![1.0]), Loss::Squared, 0.1).contains("arm 1 has 2 rows"));
    assert!(refusal(arms(), Loss::Huber(0.0), 0.1).contains("bends at 0"));
    assert!(refusal(arms(), Loss::Logistic, -0.1).contains("at least 0"));
    assert!(refusal(arms()[..1].to_vec(), Loss::Logistic, 0.1).contains("two arms"));
    let model = plain(arms(), Loss::Logistic, 0.1);
    assert!(model.objective(&array![[0.0]]).is_nan());
    assert_eq!(model.violations(&array![[0.0]])[0].constraint, "shape");
    let other = plain(arms(), Loss::Squared, 0.1);
    assert_ne!(model.model_hash(), other.model_hash());
    assert_eq!(model.data_hash(), other.data_hash());
    assert_eq!(Array1::from(model.limits().to_vec()), array![0.1]);
}
