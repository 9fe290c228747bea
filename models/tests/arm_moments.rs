//! Least squares from sums, against the residuals themselves.

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::Moments;
use proptest::prelude::*;

proptest! {
    /// The fit of a pooled group is stationary, also where columns depend on each other, and no other b has a smaller sum of squares.
    #[test]
    fn the_pooled_fit_is_the_least(
        numbers in prop::collection::vec(-3.0..3.0f64, 24 * 4),
        other in prop::collection::vec(-1.0..1.0f64, 4),
        repeated in any::<bool>(),
    ) {
        let mut design = Array2::from_shape_fn((24, 4), |(i, j)| if j == 0 { 1.0 } else { numbers[4 * i + j] });
        if repeated {
            let sum = &design.column(1) * 2.0 - 1.0;
            design.column_mut(3).assign(&sum);
        }
        let outcome: Vec<f64> = numbers.iter().step_by(4).copied().collect();
        let weights: Vec<f64> = (0..24).map(|i| 0.5 + numbers[4 * i + 1].abs()).collect();
        let arm: Vec<usize> = (0..24).map(|i| i % 3).collect();
        let moments = Moments::by_arm(&design, &outcome, &weights, &arm, 3);
        let group = Moments::pooled(4, [&moments[0], &moments[2]]);
        let squares = |b: &Array1<f64>| {
            let residual = |i: usize| outcome[i] - design.row(i).dot(b);
            (0..24).filter(|&i| arm[i] != 1).map(|i| weights[i] * residual(i).powi(2)).sum::<f64>()
        };
        let fit = group.fit();
        let gradient = group.gram.dot(&fit) - &group.cross;
        prop_assert!(gradient.iter().all(|g| g.abs() < 1e-8), "{gradient}");
        prop_assert!((group.rss() - squares(&fit)).abs() < 1e-8 * (1.0 + group.square));
        prop_assert!(squares(&(&fit + &Array1::from(other))) >= group.rss() - 1e-8);
    }
}
