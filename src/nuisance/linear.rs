//! The linear outcome model: least squares with an intercept on standardised covariates,
//!
//! ```text
//! mu(x) = mean(Y) + sum_j b_j (x_j - m_j) / s_j,     b of minimum norm among the least-squares solutions,
//! ```
//!
//! with m_j and s_j the mean and standard deviation of covariate j among the units fitted. A covariate that does
//! not vary there gets no weight, collinear covariates share theirs, and fewer units than covariates are no
//! obstacle: a fit never fails for want of rank.

use ndarray::{Array1, ArrayView1, ArrayView2};

use super::least_squares::minimum_norm;

/// A fitted model of one outcome on p covariates.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel {
    /// mu(0), in outcome units.
    pub intercept: f64,
    /// Outcome units for each unit of the covariates (p).
    pub coefficients: Array1<f64>,
    /// The mean outcome and the mean covariates (p) of the units fitted, about which predictions are computed.
    mean_outcome: f64,
    means: Array1<f64>,
}

impl LinearModel {
    /// Fits the model to covariates x (n x p, p may be 0) and outcomes y (n), n >= 1.
    pub fn fit(x: ArrayView2<f64>, y: ArrayView1<f64>) -> LinearModel {
        let mean_outcome = mean(y);
        let mut standardised = x.to_owned();
        let (means, scales): (Vec<f64>, Vec<f64>) =
            standardised.columns_mut().into_iter().map(standardise).unzip();
        let (means, scales) = (Array1::from(means), Array1::from(scales));
        let centred = y.mapv(|outcome| outcome - mean_outcome);
        let coefficients = minimum_norm(standardised.view(), centred.view()) / &scales;
        let intercept = mean_outcome - coefficients.dot(&means);
        LinearModel { intercept, coefficients, mean_outcome, means }
    }

    /// mu(x) for the covariates (p) of one unit, in outcome units.
    pub fn predict(&self, x: ArrayView1<f64>) -> f64 {
        let slopes = self.coefficients.iter().zip(x).zip(&self.means);
        self.mean_outcome + slopes.map(|((coefficient, x), mean)| coefficient * (x - mean)).sum::<f64>()
    }
}

/// Centres a column and divides it by its standard deviation, in place; returns its mean and what it was divided by.
fn standardise(mut column: ndarray::ArrayViewMut1<f64>) -> (f64, f64) {
    let n = column.len() as f64;
    let mean = mean(column.view());
    let largest = column.fold(0.0, |largest: f64, x| largest.max(x.abs()));
    column.mapv_inplace(|x| x - mean);
    let deviation = column.fold(0.0, |largest: f64, x| largest.max(x.abs()));
    // What is left of a constant column is rounding error, which must not be blown up to a covariate.
    if deviation <= n * f64::EPSILON * largest {
        column.fill(0.0);
        return (mean, 1.0);
    }
    // Divided by the largest deviation first, no square overflows.
    let scale = deviation * (column.fold(0.0, |sum, x| sum + (x / deviation).powi(2)) / n).sqrt();
    column.mapv_inplace(|x| x / scale);
    (mean, scale)
}

/// The mean of at least one number.
fn mean(values: ArrayView1<f64>) -> f64 {
    values.sum() / values.len() as f64
}
