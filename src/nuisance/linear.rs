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

    /// Fits the model by ridge regression on covariates divided by `scales` (p), 0 where a covariate is left out, with the penalty that is least
    /// by generalised cross-validation:
    ///
    /// ```text
    /// b = argmin |y - mean(y) - X b|^2 + lambda |b|^2,   lambda = argmin |y - yhat|^2 / (n - 1.4 df)^2,   df = 1 + sum_k s_k^2 / (s_k^2 + lambda)
    /// ```
    ///
    /// with the singular values s_k of X, over a grid (Golub, Heath and Wahba 1979; the factor against too long series: Kim and Gu 2004).
    pub(crate) fn shrunk(x: ArrayView2<f64>, y: ArrayView1<f64>, scales: ArrayView1<f64>) -> LinearModel {
        let columns = Columns::new(x.view(), Some(y.view()));
        let units: Vec<usize> = (0..y.len()).collect();
        let moments = Moments::of(&columns, &units);
        let scaled = Array1::from_iter(
            scales
                .iter()
                .zip(&columns.scales)
                .map(|(scale, of_column)| if *scale > 0.0 { scale * of_column } else { f64::INFINITY }),
        );
        LinearModel::by(&moments, &columns.scales, &scaled, |directions, z, rest| {
            let penalty = least_by_cross_validation(directions, z, rest, y.len());
            let projected = directions.w.t().dot(&z);
            directions.v.dot(&(projected / (&directions.lengths * &directions.lengths + penalty)))
        })
    }

    /// Fits the model to units of which covariates and outcome, times `scales`, have these moments.
    pub(super) fn of(moments: &Moments, scales: &Array1<f64>) -> LinearModel {
        let p = moments.means.len() - 1;
        let deviations = moments.deviations().slice(s![..p]).to_owned();
        LinearModel::by(moments, scales, &deviations, |directions, z, _| directions.minimum_norm(z))
    }

    /// Fits it with the coefficients (p) of covariates divided by `deviations` that `solve` finds from their directions, z = Q'y, and what of the
    /// squares of the outcome is orthogonal to all of them.
    fn by(
        moments: &Moments,
        scales: &Array1<f64>,
        deviations: &Array1<f64>,
        solve: impl FnOnce(&Directions, ArrayView1<f64>, f64) -> Array1<f64>,
    ) -> LinearModel {
        let p = moments.means.len() - 1;
        let (of_outcome, scales) = (scales[p], scales.slice(s![..p]));
        let standardised = &moments.r.slice(s![..p, ..p]) / deviations;
        let directions = Directions::of(standardised.view(), moments.rows);
        let b = solve(&directions, moments.r.slice(s![..p, p]), moments.r[[p, p]].powi(2));
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

/// The penalty with the least |y - yhat|^2 / (n - 1.4 df)^2, relative to n: the squares of scaled covariates sum to about n.
fn least_by_cross_validation(directions: &Directions, z: ArrayView1<f64>, rest: f64, units: usize) -> f64 {
    /// Penalties from n / 10^8 to 10 n, two for each power of ten.
    const GRID: std::ops::RangeInclusive<i32> = -16..=2;
    const FACTOR: f64 = 1.4;
    let n = units as f64;
    let squares = &directions.lengths * &directions.lengths;
    let along = (directions.w.t().dot(&z) / &directions.lengths).mapv(|t| t * t);
    let never = rest + (z.dot(&z) - along.sum()).max(0.0);
    let score = |penalty: f64| {
        let kept = squares.mapv(|square| penalty / (square + penalty));
        let left = never + (&kept * &kept * &along).sum();
        let freedom = n - FACTOR * (1.0 + kept.mapv(|kept| 1.0 - kept).sum());
        if freedom > 0.0 { left / freedom.powi(2) } else { f64::INFINITY }
    };
    let penalties = GRID.map(|half| n * 10f64.powf(f64::from(half) / 2.0));
    let scored = penalties.map(|penalty| (score(penalty), penalty));
    scored.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(n, |(_, penalty)| penalty)
}
