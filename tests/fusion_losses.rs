//! Groups of arms under logistic and Huber losses, on simulated studies whose groups are known.

use ndarray::Array2;
use prescribe::balance;
use prescribe::evaluate::adjusted_rand_index;
use prescribe::fusion::loss::{loss_criteria, loss_pair_weights, loss_path, pooled_loss_fit};
use prescribe::fusion::{self, Groups, MainEffect, PathSettings, Penalty, Step};
use prescribe::models::outcome_loss::{Loss, Units};
use prescribe::simulate::{Design, FusedArms, fused_arms};
use prescribe::solve::Silent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StudentT};

const ARMS: usize = 16;

/// The linear design without noise: outcomes are means.
fn means(seed: u64) -> FusedArms {
    let design = Design { noise: 0.0, ..Design::linear() };
    fused_arms(&design, seed).unwrap()
}

/// Calibrated arms under a loss, with the main effect as their offset.
fn arms(study: &FusedArms, outcome: &[f64], loss: Loss) -> Vec<Units> {
    let weights = balance::calibrate(&study.x, &study.arm, ARMS, &balance::Settings::default())
        .unwrap()
        .weights
        .to_vec();
    let offset = pooled_loss_fit(MainEffect::Quadratic, &study.x, outcome, &weights, loss).unwrap();
    let (n, p) = study.x.dim();
    let design = Array2::from_shape_fn((n, p + 1), |(i, j)| if j == 0 { 1.0 } else { study.x[[i, j - 1]] });
    Units::by_arm(&design, (outcome, &offset), &weights, &study.arm, ARMS)
}

/// The step of least EBIC.
fn chosen(arms: &[Units], loss: Loss, penalty: Penalty) -> Step {
    let weights = loss_pair_weights(penalty, arms, loss);
    let units = arms.iter().map(|arm| arm.outcome.len()).sum();
    let settings = PathSettings { penalty, lambdas: fusion::grid(1e-3, 1.0, 30), threshold: 0.25, units };
    let steps = loss_path(arms, loss, &weights, &settings, None, &Silent).unwrap();
    assert_eq!(steps.len(), 30);
    assert!(steps.windows(2).all(|pair| pair[0].lambda < pair[1].lambda));
    steps.into_iter().min_by(|a, b| a.ebic.total_cmp(&b.ebic)).unwrap()
}

fn agreement(study: &FusedArms, step: &Step) -> f64 {
    adjusted_rand_index(&step.groups.of, &study.group)
}

/// Outcomes with t_2 noise twice as wide.
fn heavy(study: &FusedArms, seed: u64) -> Vec<f64> {
    let (mut random, noise) = (ChaCha8Rng::seed_from_u64(seed), StudentT::new(2.0).unwrap());
    study.outcome.iter().map(|mean| mean + 2.0 * noise.sample(&mut random)).collect()
}

/// Outcomes that are 1 with log odds of half the mean.
fn binary(study: &FusedArms, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let draw = |mean: &f64| f64::from(u8::from(random.random::<f64>() < 1.0 / (1.0 + (-mean / 2.0).exp())));
    study.outcome.iter().map(draw).collect()
}

/// Mean agreement and number of groups over so many draws.
fn recovery(penalty: Penalty, loss: Loss, draw: fn(&FusedArms, u64) -> Vec<f64>, draws: u64) -> (f64, f64) {
    let one = |seed: u64| {
        let study = means(seed);
        let step = chosen(&arms(&study, &draw(&study, seed), loss), loss, penalty);
        (agreement(&study, &step), step.groups.count() as f64)
    };
    let all: Vec<(f64, f64)> = (0..draws).map(one).collect();
    let mean = |part: fn(&(f64, f64)) -> f64| all.iter().map(part).sum::<f64>() / draws as f64;
    (mean(|one| one.0), mean(|one| one.1))
}

/// Over 24 draws: agreement .68 with squares and .97 with Huber (lasso), .92 and 1.00 (Wald).
#[test]
fn outliers_hide_groups_from_squares_and_not_from_huber() {
    for penalty in [Penalty::Lasso, Penalty::Wald] {
        let (squares, _) = recovery(penalty, Loss::Squared, heavy, 8);
        let (huber, groups) = recovery(penalty, Loss::Huber(2.0), heavy, 8);
        assert!(huber > squares + 0.03, "{penalty:?}: {huber} {squares}");
        assert!(huber > 0.9 && (3.5..=5.0).contains(&groups), "{penalty:?}: {huber} {groups}");
    }
}

/// Over 24 draws: .96 (lasso) and 1.00 (Wald).
#[test]
fn binary_outcomes_show_their_groups() {
    for penalty in [Penalty::Lasso, Penalty::Wald] {
        let (found, groups) = recovery(penalty, Loss::Logistic, binary, 8);
        assert!(found > 0.85 && (3.5..=5.0).contains(&groups), "{penalty:?}: {found} {groups}");
    }
}

/// With a Huber loss that never bends, all is as with squares.
#[test]
fn squares_under_another_name() {
    let study = means(3);
    let outcome = heavy(&study, 3);
    let (wide, squares) = (Loss::Huber(1e9), Loss::Squared);
    let (one, other) = (
        chosen(&arms(&study, &outcome, wide), wide, Penalty::Lasso),
        chosen(&arms(&study, &outcome, squares), squares, Penalty::Lasso),
    );
    assert_eq!(one.groups, other.groups);
    assert!((one.ebic - other.ebic).abs() < 1e-6 * other.ebic.abs());
    // And as the criterion of least squares computes it.
    let units = arms(&study, &outcome, squares);
    let moments: Vec<_> = units
        .iter()
        .map(|arm| {
            let rest: Vec<f64> = arm.outcome.iter().zip(&arm.offset).map(|(y, m)| y - m).collect();
            prescribe::models::arm_moments::Moments::by_arm(
                &arm.design,
                &rest,
                &arm.weights,
                &vec![0; rest.len()],
                1,
            )
            .remove(0)
        })
        .collect();
    let known = fusion::criteria(&moments, &one.groups, study.outcome.len());
    assert!((known.ebic - other.ebic).abs() < 1e-8 * other.ebic.abs(), "{} {}", known.ebic, other.ebic);
}

/// Deviance and criteria of shares, by hand: weights of 1 in each arm, one column.
#[test]
fn the_criterion_of_binary_outcomes_by_hand() {
    let arm = |ones: usize| Units {
        design: Array2::ones((10, 1)),
        outcome: (0..10).map(|i| f64::from(u8::from(i < ones))).collect(),
        offset: vec![0.0; 10],
        weights: vec![0.1; 10],
    };
    let units = [arm(2), arm(4), arm(10)];
    let groups = Groups { of: vec![0, 0, 1] };
    let found = loss_criteria(&units, Loss::Logistic, &groups, 30).unwrap();
    // Six of twenty in one group; nothing is left of the other.
    let deviance = -2.0 * (6.0 * 0.3f64.ln() + 14.0 * 0.7f64.ln());
    assert!((10.0 * found.rss - deviance).abs() < 1e-6, "{}", found.rss);
    assert!((found.bic - (deviance + 2.0 * 30f64.ln())).abs() < 1e-6);
    assert!((found.ebic - found.bic - 2.0 * 3f64.ln()).abs() < 1e-9);
}
