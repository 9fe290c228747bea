//! Cross-fitting against one model at a time.

use prescribe::data::OutcomeModel::Linear;
use prescribe::nuisance::{Folds, LinearModel, cross_fit};
use proptest::prelude::*;

use super::*;

#[test]
fn predictions_come_from_the_other_folds_of_the_same_arm() {
    let study = scattered_study(40, 3, 2);
    let folds = Folds::stratified(&study, 4, 7).unwrap();
    let mu = cross_fit(&study, &folds, &Linear, 1).unwrap();
    for i in 0..40 {
        for k in 0..3 {
            let others: Vec<usize> =
                (0..40).filter(|&o| study.arm[o] == k && folds.fold_of[o] != folds.fold_of[i]).collect();
            let x = Array2::from_shape_fn((others.len(), 2), |(r, j)| study.x[[others[r], j]]);
            let y: Array1<f64> = others.iter().map(|&o| study.outcome[o]).collect();
            assert_close(mu[[i, k]], LinearModel::fit(x.view(), y.view()).predict(study.x.row(i)), 1e-12);
        }
    }
}

proptest! {
    /// Blocks of units are read once and joined for every fold; that must not cost digits, whatever the rank and wherever
    /// the covariates lie.
    #[test]
    fn joined_blocks_fit_as_their_units_do(
        numbers in proptest::collection::vec(-1.0f64..1.0, 240),
        shift in -1e6f64..1e6,
        scale in -30i32..30,
    ) {
        let mut study = scattered_study(60, 2, 6);
        for (i, mut row) in study.x.rows_mut().into_iter().enumerate() {
            let own = |j: usize| numbers[4 * i + j];
            // A repeated column far from 0, one of its multiples (exactly, by a power of 2), one that varies between folds only, and a mark of one unit.
            row.assign(&Array1::from(vec![
                own(0),
                shift + own(1),
                (shift + own(1)) * 2f64.powi(scale),
                f64::from(i as u8 % 5) * 0.1,
                f64::from(i == 7),
                own(2) - own(0),
            ]));
            study.outcome[i] = 3.0 + own(3);
        }
        let folds = Folds { fold_of: (0..60).map(|i| i % 5).collect(), count: 5 };
        let mu = cross_fit(&study, &folds, &Linear, 1).unwrap();
        for i in 0..60 {
            for k in 0..2 {
                let others: Vec<usize> =
                    (0..60).filter(|&o| study.arm[o] == k && folds.fold_of[o] != folds.fold_of[i]).collect();
                let x = study.x.select(ndarray::Axis(0), &others);
                let y = study.outcome.select(ndarray::Axis(0), &others);
                let alone = LinearModel::fit(x.view(), y.view()).predict(study.x.row(i));
                prop_assert!((mu[[i, k]] - alone).abs() < 1e-7, "{} beside {alone}", mu[[i, k]]);
            }
        }
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let study = scattered_study(300, 4, 5);
    let folds = Folds::stratified(&study, 5, 7).unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| cross_fit(&study, &folds, &Linear, 1)).unwrap()
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn more_covariates_than_units_is_no_failure() {
    let mut study = scattered_study(12, 2, 6);
    study.x.column_mut(0).fill(3.0);
    let copy = study.x.column(1).to_owned();
    study.x.column_mut(2).assign(&copy);
    let folds = Folds::stratified(&study, 3, 1).unwrap();
    assert!(cross_fit(&study, &folds, &Linear, 1).unwrap().iter().all(|prediction| prediction.abs() < 1e3));
}

#[test]
fn numbers_too_large_to_compute_with_are_refused() {
    let mut study = scattered_study(12, 2, 1);
    // A steep line, and a unit far along it.
    study.outcome = study.x.column(0).mapv(|x| 1.7e308 * x);
    study.x[[0, 0]] = 50.0;
    let folds = Folds::stratified(&study, 2, 1).unwrap();
    assert_eq!(
        cross_fit(&study, &folds, &Linear, 1).unwrap_err().to_string(),
        "trial.csv: the outcome predictions: the number for arm \"arm0\" in data row 1 is not finite; rescale the outcome, the \
         covariates or the costs"
    );
}
