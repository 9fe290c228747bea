//! Values, paired differences and their errors by hand.

use ndarray::array;
use prescribe::evaluate::{Against, BEST_ARM, BestArm, BestArmLabel, Estimate, Evaluation, OBSERVED};
use prescribe::nuisance::Folds;
use prescribe::rule::LeafPath;
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
    // Student's t with 3 degrees of freedom.
    assert_close(found.interval[0], estimate - 3.18244630528371 * error, 1e-12);
    assert_close(found.interval[1], estimate + 3.18244630528371 * error, 1e-12);
}

#[test]
fn values_and_paired_differences_by_hand() {
    let (study, rewards) = small();
    let evaluation =
        Evaluation::new(&study, &rewards, &[1, 1, 1, 0], Direction::Maximize, &BestArm::Elsewhere(1).into())
            .unwrap();
    // The rule: 2, 3, 6, 4, mean 3.75, squares 3.0625 + 0.5625 + 5.0625 + 0.0625 = 8.75.
    assert_estimate(&evaluation.value, 3.75, 8.75 / 12.0);
    // All arm0: 1, 0, 2, 4; differences 1, 3, 4, 0, mean 2, squares 1 + 1 + 4 + 4 = 10.
    let arm0 = &evaluation.differences[0];
    assert_estimate(&arm0.value, 1.75, 8.75 / 12.0);
    assert_estimate(&arm0.difference, 2.0, 10.0 / 12.0);
    assert_eq!((arm0.assigned, arm0.share), (Some(1), Some(0.25)));
    // All arm1: differences 0, 0, 0, 3, mean 0.75, squares 3 x 0.5625 + 5.0625 = 6.75.
    let best = evaluation.against(BEST_ARM).unwrap();
    assert_eq!(evaluation.best_arm, Some(BestArmLabel::TrainingUnits { arm: "arm1".into() }));
    assert_estimate(&best.difference, 0.75, 6.75 / 12.0);
    // Observed, net of the cost of arm1: 2, 4, 3, 1; differences 0, -1, 3, 3, mean 1.25, squares 12.75.
    assert_estimate(&evaluation.against(OBSERVED).unwrap().value, 2.5, 5.0 / 12.0);
    assert_estimate(&evaluation.against(OBSERVED).unwrap().difference, 1.25, 12.75 / 12.0);
}

#[test]
fn minimising_an_outcome_mirrors_maximising_its_negative() {
    let (mut study, _) = small();
    let scores = array![[1.0, 2.0], [0.0, 3.0], [2.0, 6.0], [4.0, 1.0]];
    let evaluate = |study: &Study, scores: &Array2<f64>, direction| {
        let rewards = net(scores, study, direction).unwrap();
        Evaluation::new(study, &rewards, &[1, 0, 1, 0], direction, &Against::default()).unwrap()
    };
    let minimised = evaluate(&study, &scores, Direction::Minimize);
    study.outcome.mapv_inplace(|y| -y);
    let maximised = evaluate(&study, &-scores, Direction::Maximize);
    let mirrored = |a: &Estimate, b: &Estimate| {
        assert_close(a.estimate, -b.estimate, 1e-14);
        assert_close(a.interval[0], -b.interval[1], 1e-14);
        assert_close(a.standard_error, b.standard_error, 1e-14);
    };
    mirrored(&minimised.value, &maximised.value);
    mirrored(&minimised.against(OBSERVED).unwrap().value, &maximised.against(OBSERVED).unwrap().value);
    mirrored(
        &minimised.against(OBSERVED).unwrap().difference,
        &maximised.against(OBSERVED).unwrap().difference,
    );
    for (a, b) in minimised.differences.iter().zip(&maximised.differences) {
        mirrored(&a.value, &b.value);
        mirrored(&a.difference, &b.difference);
    }
    // A cost makes a low outcome worse, that is higher: arm1 means 3, and 1 more.
    assert_close(minimised.differences[1].value.estimate, 4.0, 1e-14);
}

#[test]
fn the_rule_that_is_an_arm_differs_from_it_by_nothing() {
    let (study, rewards) = small();
    let evaluation =
        Evaluation::new(&study, &rewards, &[1; 4], Direction::Maximize, &Against::default()).unwrap();
    let nothing = Estimate { estimate: 0.0, standard_error: 0.0, interval: [0.0, 0.0] };
    assert_eq!(evaluation.differences[1].difference, nothing);
    assert!(evaluation.against(BEST_ARM).is_none());
}

#[test]
fn an_evaluation_survives_json() {
    let (study, rewards) = small();
    let evaluation =
        Evaluation::new(&study, &rewards, &[1, 1, 1, 0], Direction::Minimize, &BestArm::Elsewhere(0).into())
            .unwrap();
    let text = serde_json::to_string(&evaluation).unwrap();
    assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), evaluation);
}

#[test]
fn the_table_reads_at_a_glance() {
    let (study, rewards) = small();
    let evaluation =
        Evaluation::new(&study, &rewards, &[1, 1, 1, 0], Direction::Maximize, &BestArm::Elsewhere(1).into())
            .unwrap();
    let expected = "\
Value on 4 units: mean outcome net of costs, higher is better

            assigned  value  std. error     95% interval  rule minus it  std. error     95% interval
rule                  3.750       0.854   1.032 to 6.468
all arm0       25.0%  1.750       0.854  -0.968 to 4.468          2.000       0.913  -0.905 to 4.905
all arm1 *     75.0%  3.000       1.080  -0.437 to 6.437          0.750       0.750  -1.637 to 3.137
observed              2.500       0.645   0.446 to 4.554          1.250       1.031  -2.030 to 4.530

* the best single arm among the units the rule was learned from
";
    assert_eq!(evaluation.table(), expected);
}

#[test]
fn what_does_not_fit_the_study_is_refused() {
    let (study, rewards) = small();
    let refusal = |rewards: &Array2<f64>, assignment: &[usize], best: Option<usize>| {
        let against = Against { best_arm: best.map(BestArm::Elsewhere), others: Vec::new() };
        Evaluation::new(&study, rewards, assignment, Direction::Maximize, &against).unwrap_err().to_string()
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
        Evaluation::new(&lonely, &array![[0.0, 1.0]], &[0], Direction::Maximize, &Against::default())
            .unwrap_err()
            .to_string(),
        "trial.csv: 1 row is too few; at least 2 are needed"
    );
}

#[test]
fn the_best_arm_inside_folds_by_hand() {
    let (study, rewards) = small();
    let folds = Folds { fold_of: vec![0, 0, 1, 1], count: 2 };
    // Fold 1 has totals 6, 7 and fold 0 has 1, 5: arm1 for both. Without the third unit's 6, fold 1 prefers arm0.
    let best = BestArm::in_folds(&rewards, &folds);
    assert_eq!(best, BestArm::InFolds { arm_of_fold: vec![1, 1], folds: folds.clone() });
    let mut changed = rewards.clone();
    changed[[2, 1]] = 0.0;
    let best = BestArm::in_folds(&changed, &folds);
    assert_eq!(best, BestArm::InFolds { arm_of_fold: vec![0, 1], folds });
    let evaluation =
        Evaluation::new(&study, &changed, &[1, 1, 0, 0], Direction::Maximize, &best.into()).unwrap();
    // Units 1 and 2 against arm0: 1, 3; units 3 and 4 against arm1: 2, 3.
    assert_estimate(&evaluation.against(BEST_ARM).unwrap().difference, 2.25, 2.75 / 12.0);
    let arm_of_fold = vec!["arm0".to_string(), "arm1".to_string()];
    assert_eq!(evaluation.best_arm, Some(BestArmLabel::OtherFolds { arm_of_fold }));
}

#[test]
fn leaves_by_hand_with_clusters_and_three_arms() {
    let rewards = array![[1.0, 2.0, 0.0], [0.0, 3.0, 5.0], [2.0, 6.0, 1.0], [4.0, 1.0, 0.0], [3.0, 3.0, 9.0]];
    let mut study = scattered_study(5, 3, 0);
    study.cluster = Some(vec![7, 7, 3, 3, 1]);
    let leaf = |arm: &str| LeafPath { path: arm.into(), arm: arm.into() };
    let leaves = vec![leaf("arm0"), leaf("arm2"), leaf("arm1")];
    let (assignment, leaf_of) = ([0, 2, 0, 0, 2], [0, 1, 0, 0, 1]);
    let evaluation =
        Evaluation::new(&study, &rewards, &assignment, Direction::Minimize, &Against::default()).unwrap();
    let found = evaluation.with_leaves(&study, &rewards, leaves, &leaf_of).unwrap().leaves;
    // Leaf 1 (units 1, 3, 4) with arm0 against the larger of the totals 9 (arm1) and 1 (arm2); rewards are -outcomes:
    // differences 1, 4, -3, mean 2/3; deviations 1/3 in cluster 7 and 10/3 - 11/3 in cluster 3.
    let first = &found[0];
    assert_eq!((first.leaf, first.units, first.share, first.against.as_str()), (1, 3, 0.6, "arm1"));
    assert_close(first.effect.unwrap(), 2.0 / 3.0, 1e-14);
    let error = f64::sqrt(2.0 / 9.0 * (1.0 / 9.0 + 1.0 / 9.0));
    assert_close(first.standard_error.unwrap(), error, 1e-14);
    assert_close(first.interval.unwrap()[1], 2.0 / 3.0 + 12.706204736174705 * error, 1e-12);
    assert_close(first.value.unwrap().estimate, -7.0 / 3.0, 1e-14);
    // Leaf 2 with arm2 against the first arm: -5, -6.
    assert_eq!((found[1].effect, found[1].standard_error), (Some(-5.5), Some(0.5)));
    // No unit, no effect.
    assert_eq!((found[2].units, found[2].value, found[2].effect, found[2].interval), (0, None, None, None));
}
