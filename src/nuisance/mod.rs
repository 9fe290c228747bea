//! Nuisances: what has to be estimated on the way to a reward matrix, and must not be judged on the units it was
//! estimated from.
//!
//! - [`Folds`]: a split of the units into parts of equal size and equal mix of arms, and of whole clusters;
//! - [`LinearModel`]: least squares of an outcome on covariates;
//! - [`cross_fit`]: outcome predictions mu (n x K) by linear models, logistic models or forests, each by a model that
//!   never saw the unit;
//! - [`propensities`]: propensity scores e (n x K) by a logit model or forest, in the same way;
//! - [`Elsewhere`]: both at other covariates, such as those of new units, by models of one part of the units;
//! - [`estimate`]: both, with scores clipped and trimmed, and the [`Diagnostics`] that tell how far to believe them.

mod cross_fit;
mod diagnostics;
mod elsewhere;
mod estimate;
mod folds;
mod forest;
mod least_squares;
mod linear;
mod logit;
mod moments;
mod propensity;

pub use cross_fit::cross_fit;
pub(crate) use cross_fit::pooled_forest;
pub use diagnostics::{
    ArmDiagnostics, Bin, Diagnostics, Handling, OutcomeDiagnostics, Overlap, PropensityDiagnostics, Quantiles,
};
pub use elsewhere::Elsewhere;
pub use estimate::{Estimation, Nuisances, estimate};
pub use folds::Folds;
pub(crate) use folds::arm_counts;
pub(crate) use forest::{Shape, forest, shaped};
pub(crate) use least_squares::Directions;
pub use linear::LinearModel;
pub use propensity::propensities;
