//! Cost curves against brute force over all assignments, and by hand.

use ndarray::{Axis, array};
use prescribe::evaluate::{CostCurve, SpendingUnit};
use prescribe::score::{Direction, net};
use proptest::prelude::*;

use super::*;

/// The best mean gain of any assignment, drawn by lot, that costs `budget` on average: the upper concave envelope of all.
fn best_by_lot(points: &[(f64, f64)], budget: f64) -> f64 {
    let mut best = f64::NEG_INFINITY;
    for &(c0, v0) in points.iter().filter(|point| point.0 <= budget + 1e-12) {
        for &(c1, v1) in points.iter().filter(|point| point.0 >= budget - 1e-12) {
            let chance = if c1 > c0 { ((budget - c0) / (c1 - c0)).clamp(0.0, 1.0) } else { 0.0 };
            best = best.max(v0 + chance * (v1 - v0)).max(if c1 > c0 { best } else { v1 });
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_assignment_gains_more_by_the_predictions(
        scores in proptest::collection::vec(-8i8..8, 15),
        costs in proptest::collection::vec(1u8..6, 10),
        minimise in any::<bool>(),
    ) {
        // Scores that are the predictions: then the curve must be the best there is, at every budget. Many of them tie.
        let direction = if minimise { Direction::Minimize } else { Direction::Maximize };
        let mut study = scattered_study(5, 3, 0);
        for i in 0..5 {
            for k in 1..3 {
                study.costs[[i, k]] = 0.5 + f64::from(costs[2 * i + k - 1]);
            }
        }
        study.costs.column_mut(0).fill(0.5);
        let scores = Array2::from_shape_fn((5, 3), |(i, k)| f64::from(scores[3 * i + k]));
        let rewards = net(&scores, &study, direction).unwrap();
        let curve = CostCurve::new(&study, &rewards, &scores, direction, 8).unwrap();
        let assignments: Vec<(f64, f64)> = (0..243_usize)
            .map(|code| {
                let arm = |i: usize| code / 3_usize.pow(i as u32) % 3;
                let mean = |of: &dyn Fn(usize) -> f64| (0..5).map(of).sum::<f64>() / 5.0;
                let gain = |i: usize| direction.sign() * (scores[[i, arm(i)]] - scores[[i, 0]]);
                (mean(&|i| study.costs[[i, arm(i)]] - 0.5), mean(&gain))
            })
            .collect();
        prop_assert_eq!(curve.points.len(), 9);
        for (m, point) in curve.points.iter().enumerate() {
            prop_assert!((point.spending - curve.total * m as f64 / 8.0).abs() < 1e-12);
            let best = best_by_lot(&assignments, point.spending);
            prop_assert!((point.gain.estimate - best).abs() < 1e-9, "{} instead of {}", point.gain.estimate, best);
        }
    }
}

/// Four units, two arms, gains by the scores 4, -2, 6, 0 at costs 1, 1, 2, 4.
fn small() -> (Study, Array2<f64>, Array2<f64>) {
    let mut study = scattered_study(4, 2, 0);
    study.costs = array![[0.0, 1.0], [0.0, 1.0], [0.0, 2.0], [0.0, 4.0]];
    let rewards =
        net(&array![[1.0, 5.0], [2.0, 0.0], [0.0, 6.0], [3.0, 3.0]], &study, Direction::Maximize).unwrap();
    // Predicted gains per cost: 3, 2, 1, 1/2.
    (study, rewards, array![[0.0, 3.0], [0.0, 2.0], [0.0, 2.0], [0.0, 2.0]])
}

#[test]
fn two_arms_by_hand() {
    let (study, rewards, predicted) = small();
    let curve = CostCurve::new(&study, &rewards, &predicted, Direction::Maximize, 8).unwrap();
    assert_eq!((curve.spending_in, curve.total, curve.units), (SpendingUnit::Costs, 2.0, 4));
    // Spending 1 on the first unit, 1 on the second, 2 on the third, 4 on the fourth, each fourth of a budget step.
    let gains = [0.0, 1.0, 0.5, 1.25, 2.0, 2.0, 2.0, 2.0, 2.0];
    for (m, point) in curve.points.iter().enumerate() {
        assert_close(point.spending, 0.25 * m as f64, 1e-14);
        assert_close(point.gain.estimate, gains[m], 1e-14);
        // By lot, a dollar gains what all gain on average: 8 / 8.
        assert_close(point.random.estimate, 0.25 * m as f64, 1e-14);
        assert_close(point.over_random.estimate, gains[m] - 0.25 * m as f64, 1e-14);
    }
    // Trapezes over the differences 0, 3/4, 0, 1/2, 1, 3/4, 1/2, 1/4, 0.
    assert_close(curve.area.estimate, 3.75 / 8.0, 1e-14);
    // At the end all is spent, whatever the slope: variance of 4, -2, 6, 0.
    let end = curve.points[8].gain;
    assert_close(end.standard_error, (40.0_f64 / 3.0 / 4.0).sqrt(), 1e-12);
    // With nothing spent there is nothing to err in.
    assert_eq!(curve.points[0].gain.standard_error, 0.0);
    // In the middle the first three units are treated, at costs of 1, 1, 2, 0 instead of half of 1, 1, 2, 4; the slope between
    // the neighbours is 3/4 / 0.5.
    let terms = [4.0_f64, -2.0, 6.0, 0.0].iter().zip([0.5, 0.5, 1.0, -2.0]).map(|(d, off)| d - 1.5 * off);
    let terms: Vec<f64> = terms.collect();
    let mean = terms.iter().sum::<f64>() / 4.0;
    let variance = terms.iter().map(|term| (term - mean).powi(2)).sum::<f64>() / 3.0;
    assert_close(curve.points[4].gain.standard_error, (variance / 4.0).sqrt(), 1e-12);
}

#[test]
fn without_costs_the_share_treated_is_spent() {
    let (mut study, _, _) = small();
    study.costs.fill(0.0);
    let scores = array![[1.0, 5.0], [2.0, 0.0], [0.0, 6.0], [3.0, 3.0]];
    let rewards = net(&scores, &study, Direction::Maximize).unwrap();
    // All are predicted to gain the same: treated by lot, they gain 2 on average.
    let curve = CostCurve::new(
        &study,
        &rewards,
        &array![[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]],
        Direction::Maximize,
        5,
    )
    .unwrap();
    assert_eq!((curve.spending_in, curve.total), (SpendingUnit::ShareOfUnits, 1.0));
    for (m, point) in curve.points.iter().enumerate() {
        assert_close(point.gain.estimate, 0.4 * m as f64, 1e-14);
    }
    assert_close(curve.area.estimate, 0.0, 1e-14);
}

#[test]
fn a_unit_of_weight_three_is_three_units_of_one_cluster() {
    let (study, _, predicted) = small();
    let copies = [0, 0, 0, 1, 2, 3];
    let scores = array![[1.0, 5.0], [2.0, 0.0], [0.0, 6.0], [3.0, 3.0]];
    let copied = Study { cluster: Some(copies.to_vec()), ..study.select(&copies) };
    let weighted = Study { weights: Some(array![2.0, 2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0]), ..study };
    let curve = |study: &Study, scores: &Array2<f64>, predicted: &Array2<f64>| {
        let rewards = net(scores, study, Direction::Maximize).unwrap();
        CostCurve::new(study, &rewards, predicted, Direction::Maximize, 6).unwrap()
    };
    let found = curve(&weighted, &scores, &predicted);
    let rows = |matrix: &Array2<f64>| matrix.select(Axis(0), &copies);
    let expected = curve(&copied, &rows(&scores), &rows(&predicted));
    assert_close(found.total, expected.total, 1e-14);
    for (found, expected) in found.points.iter().zip(&expected.points) {
        for (found, expected) in [
            (found.gain, expected.gain),
            (found.random, expected.random),
            (found.over_random, expected.over_random),
        ] {
            assert_close(found.estimate, expected.estimate, 1e-13);
            assert_close(found.standard_error, expected.standard_error, 1e-13);
        }
    }
    assert_close(found.area.estimate, expected.area.estimate, 1e-13);
    assert_close(found.area.standard_error, expected.area.standard_error, 1e-13);
}

#[test]
fn an_arm_no_dearer_than_the_first_is_refused() {
    let (mut study, rewards, predicted) = small();
    study.costs[[2, 1]] = 0.0;
    assert_eq!(
        CostCurve::new(&study, &rewards, &predicted, Direction::Maximize, 5).unwrap_err().to_string(),
        "trial.csv: data row 3: arm \"arm1\" costs 0, no more than the first arm (0); a curve of spending needs arms \
         dearer than the first: order them with --arms, or leave the costs out"
    );
}
