//! Residual outcomes of forests: baselines against other computations of them, and units that a baseline must not have seen.

use ndarray::{Array1, Array2, Axis};
use prescribe::forest::{Baseline, Fitting, Learner, NoBaseline, Residualize, Residuals, Trial, residualize};
use prescribe::nuisance::LinearModel;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const SHARES: [f64; 3] = [0.7, 0.2, 0.1];
/// Intercept and slopes of each arm's mean outcome.
const MEANS: [[f64; 3]; 3] = [[1.0, 3.0, 0.0], [0.0, -1.0, 2.0], [-2.0, 0.5, -4.0]];

fn normal(random: &mut ChaCha8Rng) -> f64 {
    random.sample(StandardNormal)
}

/// Arms of unequal shares with linear means of two covariates.
fn linear_trial(n: usize, noise: f64, seed: u64) -> Trial {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let x = Array2::from_shape_fn((n, 2), |_| normal(&mut random));
    let cumulative = [SHARES[0], SHARES[0] + SHARES[1]];
    let drawn = |random: &mut ChaCha8Rng| {
        let u: f64 = random.random();
        cumulative.iter().filter(|c| u > **c).count() as u16
    };
    let arm: Vec<u16> = (0..n).map(|_| drawn(&mut random)).collect();
    let mean = |i: usize| {
        let [a, b, c] = MEANS[arm[i] as usize];
        a + b * x[[i, 0]] + c * x[[i, 1]]
    };
    let utility = (0..n).map(|i| mean(i) + noise * normal(&mut random)).collect();
    Trial::new(x, arm, 3, utility)
}

fn without(trial: &Trial, how: Residualize, learner: Learner) -> Residuals {
    residualize(trial, &how, None, Fitting { learner, folds: 5, seed: 3 }).expect("a baseline")
}

fn coefficients(baseline: &Baseline) -> Vec<f64> {
    match baseline {
        Baseline::Linear { intercept, coefficients } => [&[*intercept], coefficients.as_slice()].concat(),
        other => panic!("not linear: {other:?}"),
    }
}

#[test]
fn the_weighted_baseline_is_the_mean_of_arms_weighted_by_inverse_shares() {
    let trial = linear_trial(40_000, 1.0, 1);
    let shares = trial.shares();
    // Each arm by itself, put together by the formula.
    let total: f64 = shares.iter().map(|p| 1.0 / p).sum();
    let mut by_arms = Array1::<f64>::zeros(3);
    for (k, share) in shares.iter().enumerate() {
        let units: Vec<usize> = (0..trial.units()).filter(|&i| usize::from(trial.arm[i]) == k).collect();
        let y: Array1<f64> = units.iter().map(|&i| trial.utility[i]).collect();
        let model = LinearModel::fit(trial.x.select(Axis(0), &units).view(), y.view());
        let of_arm = [model.intercept, model.coefficients[0], model.coefficients[1]];
        by_arms.scaled_add(1.0 / share / total, &Array1::from(of_arm.to_vec()));
    }
    let weighted = coefficients(&without(&trial, Residualize::Weighted, Learner::Linear).predictor);
    let raw = coefficients(&without(&trial, Residualize::Raw, Learner::Linear).predictor);
    for (j, expected) in by_arms.iter().enumerate() {
        assert!((weighted[j] - expected).abs() < 0.1, "{j}: {} {expected}", weighted[j]);
        assert!((raw[j] - expected).abs() > 0.4, "{j}: raw {} {expected}", raw[j]);
    }
}

#[test]
fn weighted_least_squares_solve_their_normal_equations() {
    let trial = linear_trial(300, 1.0, 2);
    let shares = trial.shares();
    let found = without(&trial, Residualize::Weighted, Learner::Linear).predictor;
    let fitted = found.predict(trial.x.view());
    for j in 0..3 {
        let column = |i: usize| if j == 0 { 1.0 } else { trial.x[[i, j - 1]] };
        let weight = |i: usize| shares[trial.arm[i] as usize].powi(-2);
        let moment: f64 =
            (0..300).map(|i| weight(i) * column(i) * (trial.utility[i] - fitted[i])).sum::<f64>();
        assert!(moment.abs() < 1e-7, "{j}: {moment}");
    }
}

#[test]
fn a_forest_finds_the_same_weighted_mean() {
    let trial = linear_trial(8_000, 1.0, 3);
    let total: f64 = SHARES.iter().map(|p| 1.0 / p).sum();
    let mean_square = |how: Residualize| {
        let found = without(&trial, how, Learner::Forest).baseline;
        let squares = found.iter().enumerate().map(|(i, fbar)| {
            let arms = MEANS.iter().zip(SHARES);
            let mean = |[a, b, c]: &[f64; 3]| a + b * trial.x[[i, 0]] + c * trial.x[[i, 1]];
            (fbar - arms.map(|(arm, p)| mean(arm) / p / total).sum::<f64>()).powi(2)
        });
        squares.sum::<f64>() / found.len() as f64
    };
    let (weighted, raw) = (mean_square(Residualize::Weighted), mean_square(Residualize::Raw));
    assert!(weighted < 2.0 && raw > 3.0 * weighted, "{weighted} {raw}");
}

#[test]
fn the_weighted_baseline_leaves_the_least_variance_of_weighted_outcomes() {
    // Appendix A: the mean over units of the variance, within arms, of (Y - fbar) / p_T.
    let trial = linear_trial(8_000, 1.0, 4);
    let shares = trial.shares();
    let variance = |how: Residualize, learner: Learner| {
        let residual = without(&trial, how, learner).utility;
        (0..3)
            .map(|k| {
                let of_arm: Vec<f64> =
                    (0..trial.units()).filter(|&i| trial.arm[i] == k).map(|i| residual[i]).collect();
                let n = of_arm.len() as f64;
                let mean = of_arm.iter().sum::<f64>() / n;
                let variance = of_arm.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n;
                variance / shares[k as usize]
            })
            .sum::<f64>()
    };
    for learner in [Learner::Linear, Learner::Forest] {
        let weighted = variance(Residualize::Weighted, learner);
        for other in [Residualize::Raw, Residualize::Control, Residualize::None] {
            let name = other.to_string();
            let others = variance(other, learner);
            assert!(weighted < 0.9 * others, "{learner:?}, {name}: {weighted} {others}");
        }
    }
}

#[test]
fn equal_shares_are_no_weights() {
    let mut trial = linear_trial(600, 1.0, 5);
    trial.arm = (0..600).map(|i| i % 3).collect();
    for learner in [Learner::Linear, Learner::Forest] {
        let weighted = without(&trial, Residualize::Weighted, learner);
        assert_eq!(weighted, without(&trial, Residualize::Raw, learner));
    }
}

/// Which baselines change when the outcome of one unit does.
fn moved(trial: &Trial, unit: usize, how: &Residualize) -> Vec<bool> {
    let mut other = trial.clone();
    other.utility[unit] += 1000.0;
    let before = without(trial, how.clone(), Learner::Forest).baseline;
    let after = without(&other, how.clone(), Learner::Forest).baseline;
    before.iter().zip(after).map(|(a, b)| *a != b).collect()
}

#[test]
fn no_unit_has_a_say_in_its_own_baseline() {
    let trial = linear_trial(400, 1.0, 6);
    for unit in [0, 7, 399] {
        let moved = moved(&trial, unit, &Residualize::Weighted);
        assert!(!moved[unit]);
        assert!(moved.iter().filter(|moved| **moved).count() > 50, "nobody has learned from unit {unit}");
    }
}

#[test]
fn nor_has_another_of_its_cluster() {
    let mut trial = linear_trial(400, 1.0, 7);
    trial.cluster = Some((0..400).map(|i| i / 8).collect());
    let moved = moved(&trial, 17, &Residualize::Weighted);
    assert!(moved[16..24].iter().all(|moved| !moved), "{:?}", &moved[16..24]);
    assert!(moved.iter().any(|moved| *moved));
}

#[test]
fn the_baseline_of_the_control_is_learned_from_the_control_alone() {
    let trial = linear_trial(400, 1.0, 8);
    let (control, treated) = ((0..400).find(|&i| trial.arm[i] == 0), (0..400).find(|&i| trial.arm[i] == 2));
    let any = |unit: Option<usize>| {
        moved(&trial, unit.expect("a unit"), &Residualize::Control).iter().any(|moved| *moved)
    };
    assert!(any(control) && !any(treated));
}

#[test]
fn too_few_controls_are_refused() {
    let mut trial = linear_trial(60, 1.0, 9);
    trial.arm = (0..60).map(|i| if i < 11 { 0 } else { 1 + i % 2 }).collect();
    let refused = residualize(&trial, &Residualize::Control, None, Fitting::usual(1));
    assert!(matches!(refused, Err(NoBaseline::TooFewControls { found: 8 })), "{refused:?}");
    let message = refused.expect_err("too few").to_string();
    assert!(message.contains("only 8 units") && message.contains("--residualize weighted"), "{message}");
}

#[test]
fn an_arm_absent_from_a_fold_is_no_obstacle() {
    let mut trial = linear_trial(60, 1.0, 10);
    trial.arm = (0..60).map(|i| if i == 0 { 2 } else { i % 2 }).collect();
    let found = without(&trial, Residualize::Weighted, Learner::Forest);
    assert!(found.utility.iter().all(|y| y.is_finite()));
}

#[test]
fn one_cluster_leaves_nothing_to_learn_from() {
    let mut trial = linear_trial(60, 1.0, 11);
    trial.cluster = Some(vec![0; 60]);
    let refused = residualize(&trial, &Residualize::Raw, None, Fitting::usual(1));
    assert_eq!(refused, Err(NoBaseline::OneFold));
}

#[test]
fn a_baseline_made_elsewhere_is_taken_as_it_is() {
    let trial = linear_trial(2_000, 1.0, 12);
    let column: Vec<f64> = trial.x.rows().into_iter().map(|row| 3.0 * row[0]).collect();
    let how = Residualize::from("baseline".to_string());
    let fitting = Fitting { learner: Learner::Linear, ..Fitting::usual(1) };
    let found = residualize(&trial, &how, Some(&column), fitting).expect("a baseline");
    assert_eq!(found.baseline, column);
    assert_eq!(found.utility[5], trial.utility[5] - column[5]);
    for (found, expected) in coefficients(&found.predictor).iter().zip([0.0, 3.0, 0.0]) {
        assert!((found - expected).abs() < 1e-10);
    }
    let refused = residualize(&trial, &how, Some(&column[1..]), fitting);
    assert_eq!(refused, Err(NoBaseline::OtherUnits { found: 1999, expected: 2000 }));
}

#[test]
fn predictors_say_the_same_when_read_back_and_about_what_was_taken_away() {
    let trial = linear_trial(5_000, 1.0, 13);
    let new = linear_trial(1_000, 1.0, 14).x;
    for (learner, most) in [(Learner::Linear, 1_000), (Learner::Forest, 4_000_000)] {
        let found = without(&trial, Residualize::Weighted, learner);
        let text = serde_json::to_string(&found.predictor).expect("JSON");
        println!("{learner:?}: {} bytes, {:.2} explained", text.len(), found.explained());
        assert!(text.len() < most, "{}", text.len());
        let read: Baseline = serde_json::from_str(&text).expect("a baseline");
        assert_eq!(read.predict(new.view()), found.predictor.predict(new.view()));
        let row = new.select(Axis(0), &[42]);
        assert_eq!(read.predict(row.view())[0], read.predict(new.view())[42]);
        // The model of all units is near the cross-fitted ones.
        let at_training = read.predict(trial.x.view());
        let distance = at_training.iter().zip(&found.baseline).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        assert!(distance / 5_000.0 < 1.5, "{}", distance / 5_000.0);
    }
}

#[test]
fn damaged_predictors_are_refused() {
    for (trees, reason) in [
        (r#"[{"covariates":[0,-1],"numbers":[1.0,2.0]}]"#, "1 splits"),
        (r#"[{"covariates":[0,-1,-1],"numbers":[1.0,2.0]}]"#, "2 numbers"),
        (r#"[{"covariates":[-1,-1,0],"numbers":[1.0,2.0,3.0]}]"#, "level by level"),
        (r#"[{"covariates":[],"numbers":[]}]"#, "0 splits"),
    ] {
        let read = serde_json::from_str::<Baseline>(&format!(r#"{{"kind":"forest","trees":{trees}}}"#));
        let message = read.expect_err(trees).to_string();
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn nothing_depends_on_threads() {
    let trial = linear_trial(500, 1.0, 15);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| without(&trial, Residualize::Weighted, Learner::Forest))
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn folds_have_equal_parts_of_arms_and_whole_clusters() {
    let trial = linear_trial(1_000, 1.0, 16);
    let folds = trial.folds(5, 1);
    for k in 0..3 {
        let count = |f| (0..1_000).filter(|&i| trial.arm[i] == k && folds.fold_of[i] == f).count();
        let counts: Vec<usize> = (0..5).map(count).collect();
        assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "arm {k}: {counts:?}");
    }
    let clustered = Trial { cluster: Some((0..1_000).map(|i| i % 100).collect()), ..trial };
    let folds = clustered.folds(5, 1).fold_of;
    assert!((0..1_000).all(|i| folds[i] == folds[i % 100]));
    assert!((0..5).all(|f| folds[..100].iter().filter(|of| **of == f).count() == 20));
}
