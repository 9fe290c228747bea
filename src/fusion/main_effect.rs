//! What the outcome owes to the covariates, whatever the arm.
//!
//! ```text
//! M0 = argmin over the span of (1, X), of (1, X, squares, products), of   sum_i w_i (Y_i - M0(X_i))^2
//! ```
//!
//! pooled over arms with the weights of the fusion, or a forest of all arms together that never saw the unit it predicts (its units count
//! alike). A linear M0 changes nothing in the groups, because coefficients of D = (1, X) move with it. Source: fusion.txt, Algorithm 1, step 2.

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::Moments;
use serde::{Deserialize, Serialize};

use crate::data::{DataError, Study};
use crate::nuisance::{Folds, pooled_forest};

/// Folds of the forest.
const FOLDS: usize = 5;

/// The form of M0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MainEffect {
    /// 0.
    None,
    Linear,
    #[default]
    Quadratic,
    Forest,
}

/// M0 of each unit (n), from features (n x q) and weights.
///
/// # Errors
/// Of a forest: kind `Data` where an arm has fewer units than there are folds.
pub fn main_effect(
    kind: MainEffect,
    study: &Study,
    features: &Array2<f64>,
    weights: &[f64],
    seed: u64,
) -> Result<Vec<f64>, DataError> {
    if kind == MainEffect::Forest {
        return Ok(pooled_forest(study, &Folds::new(study, FOLDS, seed)?, seed));
    }
    Ok(pooled_fit(kind, features, &study.outcome.to_vec(), weights))
}

/// Weighted least squares over all arms; 0 for what is no least squares.
pub fn pooled_fit(kind: MainEffect, features: &Array2<f64>, outcome: &[f64], weights: &[f64]) -> Vec<f64> {
    let terms = match kind {
        MainEffect::None | MainEffect::Forest => return vec![0.0; outcome.len()],
        MainEffect::Linear => terms(features, false),
        MainEffect::Quadratic => terms(features, true),
    };
    let mut moments = Moments::zero(terms.ncols());
    for (i, row) in terms.rows().into_iter().enumerate() {
        moments.read(row, outcome[i], weights[i]);
    }
    terms.dot(&moments.fit()).to_vec()
}

/// (1, z) or (1, z, squares, products) of the standardised features, which span what the features themselves span.
pub(super) fn terms(features: &Array2<f64>, squares: bool) -> Array2<f64> {
    let n = features.nrows();
    let mut columns: Vec<Array1<f64>> = vec![Array1::ones(n)];
    for x in features.columns() {
        let mean = x.sum() / n as f64;
        let z = x.mapv(|value| value - mean);
        let spread = (z.dot(&z) / n as f64).sqrt();
        columns.push(if spread > 0.0 { z / spread } else { z });
    }
    let linear = 1..columns.len();
    if squares {
        for i in linear.clone() {
            for j in i..linear.end {
                columns.push(&columns[i] * &columns[j]);
            }
        }
    }
    Array2::from_shape_fn((n, columns.len()), |(i, j)| columns[j][i])
}
