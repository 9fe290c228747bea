//! The linear outcome model: least squares with an intercept on standardised covariates,
//!
//! ```text
//! mu(x) = mean(Y) + sum_j b_j (x_j - m_j) / s_j,     b of minimum norm among the least-squares solutions,
//! ```
//!
//! with m_j and s_j the mean and standard deviation of covariate j among the units fitted. A covariate that does
//! not vary there gets no weight, collinear covariates share theirs, and fewer units than covariates are no
//! obstacle: a fit never fails for want of rank.

use ndarray::{Array1, ArrayView1, ArrayView2, s};

use super::least_squares::Directions;
use super::moments::{Columns, Moments};

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
        let columns = Columns::new(x.view(), Some(y.view()));
        let units: Vec<usize> = (0..y.len()).collect();
        LinearModel::of(&Moments::of(&columns, &units), &columns.scales)
    }

    /// Fits the model to units of which covariates and outcome, times `scales`, have these moments.
    pub(super) fn of(moments: &Moments, scales: &Array1<f64>) -> LinearModel {
        let p = moments.means.len() - 1;
        let (deviations, of_outcome) = (moments.deviations(), scales[p]);
        let (deviations, scales) = (deviations.slice(s![..p]), scales.slice(s![..p]));
        let standardised = &moments.r.slice(s![..p, ..p]) / &deviations;
        let b = Directions::of(standardised.view(), moments.rows).minimum_norm(moments.r.slice(s![..p, p]));
        let coefficients = b / deviations * scales / of_outcome;
        let means = &moments.means.slice(s![..p]) / &scales;
        let mean_outcome = moments.means[p] / of_outcome;
        let intercept = mean_outcome - coefficients.dot(&means);
        LinearModel { intercept, coefficients, mean_outcome, means }
    }

    /// mu(x) for the covariates (p) of one unit, in outcome units.
    pub fn predict(&self, x: ArrayView1<f64>) -> f64 {
        let slopes = self.coefficients.iter().zip(x).zip(&self.means);
        self.mean_outcome + slopes.map(|((coefficient, x), mean)| coefficient * (x - mean)).sum::<f64>()
    }
}
