//! Nuisances: what has to be estimated on the way to a reward matrix, and must not be judged on the units it was
//! estimated from.
//!
//! - [`Folds`]: a split of the units into parts of equal size and equal mix of arms, and of whole clusters;
//! - [`LinearModel`]: least squares of an outcome on covariates;
//! - [`cross_fit`]: outcome predictions mu (n x K), each by a model that never saw the unit.

mod cross_fit;
mod folds;
mod least_squares;
mod linear;

pub use cross_fit::cross_fit;
pub use folds::Folds;
pub(crate) use folds::arm_counts;
pub(crate) use least_squares::minimum_norm;
pub use linear::LinearModel;
