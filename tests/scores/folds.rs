//! Folds: even in every arm, and the same for the same seed.

use prescribe::data::ErrorKind;
use prescribe::nuisance::Folds;
use proptest::prelude::*;

use super::*;

fn study_of(arm: Vec<usize>, arms: usize) -> Study {
    let n = arm.len();
    study(Array2::zeros((n, 0)), arm, Array1::zeros(n), Array2::from_elem((n, arms), 1.0 / arms as f64))
}

fn sizes(folds: &Folds, keep: impl Fn(usize) -> bool) -> Vec<usize> {
    let kept = |f| move |&&i: &&usize| folds.fold_of[i] == f;
    let units: Vec<usize> = (0..folds.fold_of.len()).filter(|&i| keep(i)).collect();
    (0..folds.count).map(|f| units.iter().filter(kept(f)).count()).collect()
}

proptest! {
    #[test]
    fn arms_and_units_are_spread_evenly(
        count in 2usize..7,
        extra in proptest::collection::vec(0usize..3, 0..60),
        seed in any::<u64>(),
    ) {
        let mut arm: Vec<usize> = (0..3 * count).map(|i| i % 3).collect();
        arm.extend(extra);
        let study = study_of(arm, 3);
        let folds = Folds::stratified(&study, count, seed).unwrap();
        prop_assert_eq!(folds.fold_of.len(), study.units());
        let even = |sizes: Vec<usize>| sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1;
        prop_assert!(even(sizes(&folds, |_| true)));
        for k in 0..3 {
            prop_assert!(even(sizes(&folds, |i| study.arm[i] == k)));
        }
        prop_assert_eq!(&folds, &Folds::stratified(&study, count, seed).unwrap());
    }
}

#[test]
fn another_seed_gives_other_folds() {
    let study = study_of((0..60).map(|i| i % 2).collect(), 2);
    let folds = |seed| Folds::stratified(&study, 5, seed).unwrap();
    assert_ne!(folds(1), folds(2));
}

#[test]
fn an_arm_smaller_than_the_folds_is_refused_by_name() {
    let study = study_of(vec![0, 0, 0, 0, 0, 1, 1, 1], 2);
    let error = Folds::stratified(&study, 5, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "trial.csv: arm \"arm1\" has 3 rows, fewer than the 5 folds; pass --folds 3 or fewer, drop the arm, or \
         merge it with another"
    );
    assert_eq!(error.kind(), ErrorKind::Data);
    let lonely = study_of(vec![0, 0, 1], 2);
    assert_eq!(
        Folds::stratified(&lonely, 2, 1).unwrap_err().to_string(),
        "trial.csv: arm \"arm1\" has 1 row, fewer than the 2 folds; drop the arm, or merge it with another"
    );
}

#[test]
fn one_fold_is_a_usage_error() {
    let error = Folds::stratified(&study_of(vec![0, 1], 2), 1, 1).unwrap_err();
    assert_eq!(error.to_string(), "trial.csv: 1 fold is asked for; cross-fitting needs --folds 2 or more");
    assert_eq!(error.kind(), ErrorKind::Usage);
}
