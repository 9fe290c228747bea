//! How much wider intervals must be to cover all estimates of a table at once, with 95%:
//!
//! ```text
//! c:  P( max_j |N_j| <= c ) = 0.95,    N normal with mean 0 and the correlations of the estimates
//! ```
//!
//! This is the Gaussian multiplier bootstrap of the largest t statistic (Chernozhukov, Chetverikov and Kato 2013, "Gaussian
//! approximations and multiplier bootstrap for maxima of sums", Annals of Statistics 41), whose law given the data is just
//! this normal one, so that N is drawn instead of a multiplier for each unit. Estimates that move together cost little;
//! Bonferroni's intervals would be for the worst case.

use linfa_linalg::cholesky::Cholesky;
use ndarray::{Array2, ArrayView1};
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::influence::{Influence, correlations};
use crate::evaluate::Z;
use crate::random::stream;

/// Draws of N.
pub(super) const DRAWS: usize = 10_000;
/// Draws at a time, a divisor of all.
const PART: usize = 500;
const LEVEL: f64 = 0.95;

/// The critical values c of the tables; that of an interval by itself is 1.96.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SimultaneousLevel {
    /// Draws that they are computed from.
    pub draws: usize,
    /// Of the average effects.
    pub averages: f64,
    /// Of the slopes of all projections.
    pub slopes: f64,
    /// Of the effects in subgroups.
    pub subgroups: f64,
}

/// c for some estimates; never less than that of an interval by itself, which draws might fall short of by chance.
pub(super) fn critical_value(estimates: &[&Influence], seed: u64, table: &str) -> f64 {
    /// Keeps the factorisation of correlations of estimates that follow from each other from failing by rounding.
    const RIDGE: f64 = 1e-10;
    let uncertain = |influence: &&&Influence| influence.estimate.standard_error > 0.0;
    let uncertain: Vec<&Influence> = estimates.iter().filter(uncertain).copied().collect();
    if uncertain.len() < 2 {
        return Z;
    }
    let mut correlations = correlations(&uncertain);
    correlations.diag_mut().mapv_inplace(|one| one + RIDGE);
    // Rewards near the largest double may leave no correlations; the estimates themselves are refused then.
    let Ok(root) = correlations.cholesky() else { return f64::INFINITY };
    let mut random = stream(seed, &format!("simultaneous intervals of {table}"));
    let mut largest = Vec::with_capacity(DRAWS);
    // In parts, for a product of matrices is faster than products with each draw.
    for _ in 0..DRAWS / PART {
        let normal =
            Array2::from_shape_simple_fn((uncertain.len(), PART), || random.sample::<f64, _>(StandardNormal));
        let most = |column: ArrayView1<f64>| column.fold(0.0, |most: f64, value| most.max(value.abs()));
        largest.extend(root.dot(&normal).columns().into_iter().map(most));
    }
    largest.sort_unstable_by(f64::total_cmp);
    largest[(LEVEL * DRAWS as f64).ceil() as usize - 1].max(Z)
}
