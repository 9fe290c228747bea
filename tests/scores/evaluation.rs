//! Values, paired differences and their errors by hand.

use ndarray::array;
use prescribe::evaluate::{Estimate, Evaluation};
use prescribe::score::{Direction, net};

use super::*;

/// Four units, two arms, rewards net of a cost of 1 for the second arm.
fn small() -> (Study, Array2<f64>) {
    let mut study = study(
        Array2::zeros((4, 0)),
        vec![0, 1, 1, 0],
        array![2.0, 5.0, 4.0, 1.0],
        Array2::from_elem((4, 2), 0.5),
    );
    study.costs.column_mut(1).fill(1.0);
    (study, array![[1.0, 2.0], [0.0, 3.0], [2.0, 6.0], [4.0, 1.0]])
}

fn assert_estimate(found: &Estimate, estimate: f64, variance_of_mean: f64) {
    let error = variance_of_mean.sqrt();
    assert_close(found.estimate, estimate, 1e-14);
    assert_close(found.standard_error, error, 1e-14);
    assert_close(found.lower, estimate - 1.959963984540054 * error, 1e-12);
    assert_close(found.upper, estimate + 1.959963984540054 * error, 1e-12);
}

#[test]
fn values_and_paired_differences_by_hand() {
    let (study, rewards) = small();
    let evaluation = Evaluation::new(&study, &rewards, &[1, 1, 1, 0], Direction::Maximize, Some(1)).unwrap();
    // The rule: 2, 3, 6, 4, mean 3.75, squares 3.0625 + 0.5625 + 5.0625 + 0.0625 = 8.75.
    assert_estimate(&evaluation.value, 3.75, 8.75 / 12.0);
    // All arm0: 1, 0, 2, 4; differences 1, 3, 4, 0, mean 2, squares 1 + 1 + 4 + 4 = 10.
    let arm0 = &evaluation.arms[0];
    assert_estimate(&arm0.comparison.value, 1.75, 8.75 / 12.0);
    assert_estimate(&arm0.comparison.difference, 2.0, 10.0 / 12.0);
    assert_eq!((arm0.assigned, arm0.share), (1, 0.25));
    // All arm1: differences 0, 0, 0, 3, mean 0.75, squares 3 x 0.5625 + 5.0625 = 6.75.
    let best = evaluation.against_best_arm().unwrap();
    assert_eq!(best.arm, "arm1");
    assert_estimate(&best.comparison.difference, 0.75, 6.75 / 12.0);
    // Observed, net of the cost of arm1: 2, 4, 3, 1; differences 0, -1, 3, 3, mean 1.25, squares 12.75.
    assert_estimate(&evaluation.observed.value, 2.5, 5.0 / 12.0);
    assert_estimate(&evaluation.observed.difference, 1.25, 12.75 / 12.0);
}

#[test]
fn minimising_an_outcome_mirrors_maximising_its_negative() {
    let (mut study, _) = small();
    let scores = array![[1.0, 2.0], [0.0, 3.0], [2.0, 6.0], [4.0, 1.0]];
    let evaluate = |study: &Study, scores: &Array2<f64>, direction| {
        let rewards = net(scores, study, direction).unwrap();
        Evaluation::new(study, &rewards, &[1, 0, 1, 0], direction, None).unwrap()
    };
    let minimised = evaluate(&study, &scores, Direction::Minimize);
    study.outcome.mapv_inplace(|y| -y);
    let maximised = evaluate(&study, &-scores, Direction::Maximize);
    let mirrored = |a: &Estimate, b: &Estimate| {
        assert_close(a.estimate, -b.estimate, 1e-14);
        assert_close(a.lower, -b.upper, 1e-14);
        assert_close(a.standard_error, b.standard_error, 1e-14);
    };
    mirrored(&minimised.value, &maximised.value);
    mirrored(&minimised.observed.value, &maximised.observed.value);
    mirrored(&minimised.observed.difference, &maximised.observed.difference);
    for (a, b) in minimised.arms.iter().zip(&maximised.arms) {
        mirrored(&a.comparison.value, &b.comparison.value);
        mirrored(&a.comparison.difference, &b.comparison.difference);
    }
    // A cost makes a low outcome worse, that is higher: arm1 means 3, and 1 more.
    assert_close(minimised.arms[1].comparison.value.estimate, 4.0, 1e-14);
}

#[test]
fn the_rule_that_is_an_arm_differs_from_it_by_nothing() {
    let (study, rewards) = small();
    let evaluation = Evaluation::new(&study, &rewards, &[1; 4], Direction::Maximize, None).unwrap();
    let nothing = Estimate { estimate: 0.0, standard_error: 0.0, lower: 0.0, upper: 0.0 };
    assert_eq!(evaluation.arms[1].comparison.difference, nothing);
    assert!(evaluation.against_best_arm().is_none());
}

#[test]
fn an_evaluation_survives_json() {
    let (study, rewards) = small();
    let evaluation = Evaluation::new(&study, &rewards, &[1, 1, 1, 0], Direction::Minimize, Some(0)).unwrap();
    let text = serde_json::to_string(&evaluation).unwrap();
    assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), evaluation);
}

#[test]
fn the_table_reads_at_a_glance() {
    let (study, rewards) = small();
    let evaluation = Evaluation::new(&study, &rewards, &[1, 1, 1, 0], Direction::Maximize, Some(1)).unwrap();
    let expected = "\
Value on 4 units: mean outcome net of costs, higher is better

            assigned  value  std. error    95% interval  rule minus it  std. error     95% interval
rule                  3.750       0.854  2.076 to 5.424
all arm0       25.0%  1.750       0.854  0.076 to 3.424          2.000       0.913   0.211 to 3.789
all arm1 *     75.0%  3.000       1.080  0.883 to 5.117          0.750       0.750  -0.720 to 2.220
observed              2.500       0.645  1.235 to 3.765          1.250       1.031  -0.770 to 3.270

* the best single arm among the units the rule was learned from
";
    assert_eq!(evaluation.table(), expected);
}

#[test]
fn what_does_not_fit_the_study_is_refused() {
    let (study, rewards) = small();
    let refusal = |rewards: &Array2<f64>, assignment: &[usize], best| {
        Evaluation::new(&study, rewards, assignment, Direction::Maximize, best).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&rewards, &[0, 1], None),
        "trial.csv: the assignment: expected 4 units, found 2; compute it from the same study"
    );
    for (assignment, best) in [([0, 1, 2, 0], None), ([0; 4], Some(2))] {
        assert_eq!(
            refusal(&rewards, &assignment, best),
            "trial.csv: the assignment: expected an arm from 0 to 1, found 2; compute it from the same study"
        );
    }
    assert_eq!(
        refusal(&(&rewards * 1e308), &[0, 1, 1, 0], None),
        "trial.csv: the reward matrix: the number for arm \"arm1\" in data row 1 is not finite; rescale the outcome, the \
         covariates or the costs"
    );
    assert_eq!(
        refusal(&(&array![[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]] * 1.7e308), &[0; 4], None),
        "trial.csv: a value or its standard error is not finite; rescale the outcome or the costs"
    );
    let lonely = scattered_study(1, 2, 0);
    assert_eq!(
        Evaluation::new(&lonely, &array![[0.0, 1.0]], &[0], Direction::Maximize, None)
            .unwrap_err()
            .to_string(),
        "trial.csv: 1 row is too few; at least 2 are needed"
    );
}
