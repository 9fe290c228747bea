//! Growing trees and forests: gains against their formulas, samples that keep apart, and threads that change nothing.

use ndarray::Array2;
use prescribe::forest::regression::cross_fitted;
use prescribe::forest::{RegressionForest, RegressionSettings};
use prescribe::simulate::{ManyArmsDesign, many_arms};
use rayon::ThreadPoolBuilder;

const DESIGN: ManyArmsDesign = ManyArmsDesign { arms: 9, gamma: 10.0, sigma: 20.0 };

fn on_threads<T: Send>(threads: usize, what: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(what)
}

fn mean_square(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / left.len() as f64
}

#[test]
fn a_regression_forest_finds_the_baseline_out_of_bag_and_across_folds() {
    let trial = many_arms(&DESIGN, 5_000, 1).expect("a design");
    let mean: Vec<f64> =
        trial.x.rows().into_iter().map(|x| DESIGN.baseline(&x.to_vec()) - x[0] * x[0]).collect();
    let settings = RegressionSettings::usual(3);
    let forest = RegressionForest::grow(trial.x.view(), &trial.outcome, None, &settings, (1, "baseline"));
    let out_of_bag = mean_square(&forest.out_of_bag(trial.x.view()), &mean);
    let folds: Vec<usize> = (0..5_000).map(|i| i % 5).collect();
    let fitted = cross_fitted(trial.x.view(), &trial.outcome, None, &folds, &settings, (1, "baseline"));
    let across = mean_square(&fitted, &mean);
    let raw = mean_square(&vec![0.0; 5_000], &mean);
    // The baseline's variance is 500; noise and effects of 440 a unit are averaged over some 50 units at a point.
    println!("out of bag {out_of_bag:.1}, across folds {across:.1}, nothing {raw:.1}");
    assert!(raw > 450.0 && out_of_bag < 40.0 && across < 40.0, "{raw} {out_of_bag} {across}");
}

#[test]
fn no_unit_is_predicted_by_its_own_outcome() {
    let trial = many_arms(&DESIGN, 400, 2).expect("a design");
    let settings = RegressionSettings { trees: 50, min_leaf: 1, ..RegressionSettings::usual(3) };
    let folds: Vec<usize> = (0..400).map(|i| i % 4).collect();
    let x = trial.x.view();
    let both = |outcome: &[f64]| {
        let forest = RegressionForest::grow(x, outcome, None, &settings, (1, "a"));
        (forest.out_of_bag(x)[7], cross_fitted(x, outcome, None, &folds, &settings, (1, "a"))[7])
    };
    let mut outcome = trial.outcome.clone();
    let before = both(&outcome);
    outcome[7] += 1e6;
    assert_eq!(before, both(&outcome));
}

#[test]
fn weights_count_as_copies_of_units() {
    // Two covariate values, so that trees of one split are the two means: weights 3 and 1 on the left.
    let x = Array2::from_shape_fn((40, 1), |(i, _)| f64::from(u8::from(i >= 20)));
    let target: Vec<f64> = (0..40).map(|i| if i >= 20 { 5.0 } else { f64::from(i % 2) }).collect();
    let weight: Vec<f64> = (0..40).map(|i| if i < 20 && i % 2 == 1 { 3.0 } else { 1.0 }).collect();
    let settings = RegressionSettings { trees: 1, min_leaf: 1, share: 1.0, covariates: 1 };
    let forest = RegressionForest::grow(x.view(), &target, Some(&weight), &settings, (1, "a"));
    let predictions = forest.predict(x.view());
    assert!(
        (predictions[0] - 0.75).abs() < 1e-12 && (predictions[39] - 5.0).abs() < 1e-12,
        "{predictions:?}"
    );
    // No tree is out of bag: the mean of all, (15 + .. + 100) / 60.
    assert!((forest.out_of_bag(x.view())[0] - (30.0 + 100.0) / 60.0).abs() < 1e-12);
}

#[test]
fn regression_forests_are_the_same_on_any_number_of_threads_and_take_no_covariates() {
    let trial = many_arms(&DESIGN, 300, 3).expect("a design");
    let settings = RegressionSettings { trees: 20, ..RegressionSettings::usual(3) };
    let grow = |x: &Array2<f64>| {
        RegressionForest::grow(x.view(), &trial.outcome, None, &settings, (1, "a")).predict(x.view())
    };
    assert_eq!(on_threads(1, || grow(&trial.x)), on_threads(4, || grow(&trial.x)));
    let mean = grow(&Array2::zeros((300, 0)));
    let constant = grow(&Array2::zeros((300, 2)));
    assert_eq!(mean, constant);
    assert!(mean.iter().all(|m| *m == mean[0]));
}
