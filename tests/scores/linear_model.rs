//! Least squares against hand-solved cases and Cramer's rule.

use ndarray::array;
use prescribe::nuisance::LinearModel;
use proptest::prelude::*;

use super::*;

#[test]
fn a_line_by_hand() {
    // x 0..3, y 1, 3, 4, 4: Sxy = 3 + 0 + 0.5 + 1.5 = 5, Sxx = 5, slope 1, intercept 3 - 1.5.
    let model =
        LinearModel::fit(array![[0.0], [1.0], [2.0], [3.0]].view(), array![1.0, 3.0, 4.0, 4.0].view());
    assert_close(model.coefficients[0], 1.0, 1e-14);
    assert_close(model.intercept, 1.5, 1e-14);
    assert_close(model.predict(array![10.0].view()), 11.5, 1e-13);
}

#[test]
fn without_covariates_the_mean_is_predicted() {
    let model = LinearModel::fit(Array2::zeros((3, 0)).view(), array![1.0, 2.0, 6.0].view());
    assert_eq!(model.predict(Array1::zeros(0).view()), 3.0);
}

#[test]
fn constant_and_repeated_covariates_change_nothing() {
    let y = array![1.0, 3.0, 4.0, 4.0];
    let alone = LinearModel::fit(array![[0.0], [1.0], [2.0], [3.0]].view(), y.view());
    let x = Array2::from_shape_fn((4, 4), |(i, j)| [i as f64, 0.1, i as f64, 5.0 - 2.0 * i as f64][j]);
    let model = LinearModel::fit(x.view(), y.view());
    for row in x.rows() {
        assert_close(model.predict(row), alone.predict(row.slice(ndarray::s![..1])), 1e-13);
    }
    assert_eq!(model.coefficients[1], 0.0);
    assert_close(model.coefficients[0], 1.0 / 3.0, 1e-13);
    assert_close(model.coefficients[3], -1.0 / 6.0, 1e-13);
}

#[test]
fn a_covariate_that_never_varied_is_not_extrapolated() {
    // The mean of equal numbers is often not that number, and what is then left of the column is rounding error.
    for n in 2..40 {
        let x = Array2::from_elem((n, 1), 0.1);
        let y = Array1::from_shape_fn(n, |i| (i as f64).sin());
        let model = LinearModel::fit(x.view(), y.view());
        assert_close(model.predict(array![5.0].view()), y.mean().unwrap(), 1e-15);
    }
}

#[test]
fn the_unit_of_a_covariate_does_not_matter() {
    let x = array![[0.0, 2.0], [1.0, 1.0], [2.0, 5.0], [3.0, 3.0], [4.0, 1.0]];
    let y = array![1.0, 3.0, 4.0, 4.0, 0.0];
    let model = LinearModel::fit(x.view(), y.view());
    let scaled = &x * &array![1e200, 1e-200];
    let rescaled = LinearModel::fit(scaled.view(), y.view());
    for i in 0..5 {
        assert_close(rescaled.predict(scaled.row(i)), model.predict(x.row(i)), 1e-12);
    }
}

/// Solves a 3 x 3 system by Cramer's rule.
fn cramer(a: [[f64; 3]; 3], b: [f64; 3]) -> [f64; 3] {
    let determinant = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    [0, 1, 2].map(|column| {
        let mut replaced = a;
        (0..3).for_each(|row| replaced[row][column] = b[row]);
        determinant(replaced) / determinant(a)
    })
}

proptest! {
    #[test]
    fn the_normal_equations_are_solved(numbers in proptest::collection::vec(-3.0f64..3.0, 30)) {
        let x = Array2::from_shape_fn((10, 2), |(i, j)| numbers[3 * i + j] + 5.0 * f64::from(i % 3 == j));
        let y = Array1::from_shape_fn(10, |i| numbers[3 * i + 2]);
        let row = |i: usize| [1.0, x[[i, 0]], x[[i, 1]]];
        let sum = |f: &dyn Fn(usize) -> f64| (0..10).map(f).sum::<f64>();
        let gram = [0, 1, 2].map(|j| [0, 1, 2].map(|l| sum(&|i| row(i)[j] * row(i)[l])));
        let expected = cramer(gram, [0, 1, 2].map(|j| sum(&|i| row(i)[j] * y[i])));
        let model = LinearModel::fit(x.view(), y.view());
        assert_close(model.intercept, expected[0], 1e-9);
        assert_close(model.coefficients[0], expected[1], 1e-9);
        assert_close(model.coefficients[1], expected[2], 1e-9);
    }
}
