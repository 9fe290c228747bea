//! How long a search over directions takes, roughly, before it begins.
//!
//! ```text
//! seconds on one core  ~  1.1e-7 * 8.3^p * m        p covariates, m distinct points
//! ```
//!
//! A least-squares fit of the logarithms to the medians that benches/README.md gives for continuous covariates (p = 2 to 6, 200 to
//! 100,000 units); within a factor 3.2 of each of them. How hard a single problem is depends on its gains: those of pure noise
//! take longer.

use prescribe_models::linear_rule::LinearProblem;

use super::super::hyperplanes::distinct;
use super::parts;

const SECONDS: f64 = 1.1e-7;
const A_COVARIATE: f64 = 8.3;

/// Seconds on one core.
pub fn seconds(problem: &LinearProblem) -> f64 {
    let (parts, covariates) = parts::count(problem);
    parts * SECONDS * A_COVARIATE.powf(covariates as f64) * distinct(problem) as f64
}
