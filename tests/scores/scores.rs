//! Scores by hand, and without bias over every assignment of a small trial.

use ndarray::array;
use prescribe::score::{Direction, ScoreKind, aipw, direct, gains, hajek, ipw, net};
use proptest::prelude::*;

use super::*;

#[test]
fn both_scores_by_hand() {
    let study = study(
        Array2::zeros((3, 0)),
        vec![0, 1, 1],
        array![2.0, 3.0, -1.0],
        array![[0.5, 0.5], [0.75, 0.25], [0.2, 0.8]],
    );
    let mu = array![[1.0, 2.0], [0.0, 1.0], [4.0, 3.0]];
    assert_eq!(ipw(&study).unwrap(), array![[4.0, 0.0], [0.0, 12.0], [0.0, -1.25]]);
    assert_eq!(aipw(&study, &mu).unwrap(), array![[3.0, 2.0], [0.0, 9.0], [4.0, -2.0]]);
}

#[test]
fn direct_and_self_normalised_scores_by_hand() {
    let study = study(
        Array2::zeros((4, 0)),
        vec![0, 1, 1, 0],
        array![2.0, 3.0, -1.0, 6.0],
        array![[0.5, 0.5], [0.75, 0.25], [0.2, 0.8], [0.25, 0.75]],
    );
    let mu = array![[1.0, 2.0], [0.0, 1.0], [4.0, 3.0], [5.0, 6.0]];
    assert_eq!(direct(&study, &mu).unwrap(), mu);
    // Arm 0: weights 2 and 4, which sum to 6; arm 1: weights 4 and 1.25, which sum to 5.25.
    let expected = array![
        [4.0 * 2.0 * 2.0 / 6.0, 0.0],
        [0.0, 4.0 * 3.0 * 4.0 / 5.25],
        [0.0, -4.0 * 1.25 / 5.25],
        [4.0 * 6.0 * 4.0 / 6.0, 0.0]
    ];
    let found = hajek(&study).unwrap();
    found.iter().zip(&expected).for_each(|(found, expected)| assert_close(*found, *expected, 1e-14));
}

#[test]
fn self_normalised_scores_move_with_the_outcomes_and_need_no_overflow() {
    let mut study = scattered_study(30, 3, 0);
    study.propensity = Array2::from_shape_fn((30, 3), |(i, k)| (1 + (i + 2 * k) % 5) as f64 / 15.0);
    let means = |study: &Study| hajek(study).unwrap().mean_axis(ndarray::Axis(0)).unwrap();
    let before = means(&study);
    study.outcome += 7.0;
    let after = means(&study);
    (0..3).for_each(|k| assert_close(after[k] - before[k], 7.0, 1e-12));
    study.propensity.fill(5e-324);
    let equal = means(&study);
    let mean = |k: usize| {
        let of_arm: Vec<f64> = (0..30).filter(|&i| study.arm[i] == k).map(|i| study.outcome[i]).collect();
        of_arm.iter().sum::<f64>() / of_arm.len() as f64
    };
    (0..3).for_each(|k| assert_close(equal[k], mean(k), 1e-12));
}

#[test]
fn with_observed_shares_normalising_changes_nothing() {
    let mut study = scattered_study(30, 3, 0);
    let share = |k: usize| study.arm.iter().filter(|&&arm| arm == k).count() as f64 / 30.0;
    study.propensity = Array2::from_shape_fn((30, 3), |(_, k)| share(k));
    let (plain, normalised) = (ipw(&study).unwrap(), hajek(&study).unwrap());
    plain.iter().zip(&normalised).for_each(|(a, b)| assert_close(*a, *b, 1e-12));
}

/// Every assignment of n units to K arms.
fn assignments(n: usize, arms: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..arms.pow(n as u32)).map(move |code| (0..n).map(|i| code / arms.pow(i as u32) % arms).collect())
}

/// The expectation of the mean score of each arm over a trial's assignments, with their probabilities.
fn expectation(
    potential: &Array2<f64>,
    propensity: &Array2<f64>,
    trial: impl Iterator<Item = (Vec<usize>, f64)>,
    score: impl Fn(&Study) -> Array2<f64>,
) -> Array1<f64> {
    let n = potential.nrows();
    let mut expected = Array1::zeros(potential.ncols());
    for (arm, probability) in trial {
        let outcome = arm.iter().enumerate().map(|(i, &k)| potential[[i, k]]).collect();
        let study = study(Array2::zeros((n, 0)), arm, outcome, propensity.clone());
        expected += &(score(&study).sum_axis(ndarray::Axis(0)) * (probability / n as f64));
    }
    expected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]
    #[test]
    fn the_expectation_over_all_assignments_is_the_true_mean(
        potential in proptest::collection::vec(-10.0f64..10.0, 12),
        mu in proptest::collection::vec(-10.0f64..10.0, 12),
        odds in proptest::collection::vec(0.2f64..1.0, 12),
    ) {
        let matrix = |numbers: &[f64]| Array2::from_shape_vec((4, 3), numbers.to_vec()).unwrap();
        let (potential, mu, mut propensity) = (matrix(&potential), matrix(&mu), matrix(&odds));
        propensity.rows_mut().into_iter().for_each(|mut row| { let sum = row.sum(); row /= sum; });
        let truth = potential.mean_axis(ndarray::Axis(0)).unwrap();
        let trial = || assignments(4, 3).map(|arm| {
            let probability = arm.iter().enumerate().map(|(i, &k)| propensity[[i, k]]).product();
            (arm, probability)
        });
        for found in [
            expectation(&potential, &propensity, trial(), |study| ipw(study).unwrap()),
            expectation(&potential, &propensity, trial(), |study| aipw(study, &mu).unwrap()),
        ] {
            (0..3).for_each(|k| assert_close(found[k], truth[k], 1e-12));
        }
    }
}

#[test]
fn units_drawn_without_replacement_are_unbiased_too() {
    // Exactly two of four units are treated, all six pairs equally likely: e = 1/2, but assignments depend.
    let potential = array![[1.0, 5.0], [2.0, -3.0], [0.0, 4.0], [7.0, 7.5]];
    let (mu, e) = (array![[3.0, 1.0], [-2.0, 0.0], [1.0, 9.0], [0.5, 0.25]], Array2::from_elem((4, 2), 0.5));
    let trial = || assignments(4, 2).filter(|arm| arm.iter().sum::<usize>() == 2).map(|arm| (arm, 1.0 / 6.0));
    assert_eq!(trial().count(), 6);
    for found in [
        expectation(&potential, &e, trial(), |study| ipw(study).unwrap()),
        expectation(&potential, &e, trial(), |study| aipw(study, &mu).unwrap()),
    ] {
        assert_close(found[0], 2.5, 1e-12);
        assert_close(found[1], 3.375, 1e-12);
    }
}

#[test]
fn costs_lower_the_reward_in_either_direction() {
    let mut study = scattered_study(2, 2, 0);
    study.costs = array![[0.0, 0.5], [0.0, 2.0]];
    let scores = array![[1.0, 3.0], [2.0, 2.0]];
    assert_eq!(net(&scores, &study, Direction::Maximize).unwrap(), array![[1.0, 2.5], [2.0, 0.0]]);
    assert_eq!(net(&scores, &study, Direction::Minimize).unwrap(), array![[-1.0, -3.5], [-2.0, -4.0]]);
    assert_eq!(gains(&scores, &study).unwrap(), array![2.0, 0.0]);
}

#[test]
fn what_does_not_fit_the_study_is_refused() {
    let study = scattered_study(6, 3, 1);
    assert_eq!(
        direct(&study, &Array2::zeros((6, 2))).unwrap_err().to_string(),
        aipw(&study, &Array2::zeros((6, 2))).unwrap_err().to_string()
    );
    assert_eq!(
        aipw(&study, &Array2::zeros((6, 2))).unwrap_err().to_string(),
        "trial.csv: the outcome predictions: expected 6 x 3, found 6 x 2; compute it from the same study"
    );
    assert_eq!(
        gains(&Array2::zeros((6, 3)), &study).unwrap_err().to_string(),
        "trial.csv: gains compare two arms, but there are 3; keep two arms, or learn a tree"
    );
    let mut scores = Array2::zeros((6, 3));
    scores[[4, 2]] = f64::NAN;
    assert_eq!(
        net(&scores, &study, Direction::Maximize).unwrap_err().to_string(),
        "trial.csv: the score matrix: the number for arm \"arm2\" in data row 5 is not finite; rescale the outcome, the \
         covariates or the costs"
    );
}

#[test]
fn words_in_files_are_lower_case() {
    assert_eq!(
        serde_json::to_string(&(Direction::Minimize, ScoreKind::Aipw, ScoreKind::Hajek, ScoreKind::Direct))
            .unwrap(),
        r#"["minimize","aipw","hajek","direct"]"#
    );
}
