//! Regularised joint assignment trees and forests: which of many arms each unit should get, learned from a trial by pooling the data of all
//! arms (forest.txt).
//!
//! ```text
//! study -> Trial (utilities minus a baseline) -> Forest: M trees, each grown on a sample of the units, stratified by arm
//! estimate    fhat_k(x) = sum_m fhat_km(x) / M        fhat_km: mean of arm k in the leaf of x over the units tree m was not grown on, shrunken
//! assignment  argmax_k fhat_k(x), the first arm on ties
//! ```
//!
//! | file | what |
//! |---|---|
//! | [`trial`] | units as trees see them |
//! | [`settings`] | the parameters |
//! | [`fit`] | trees, forests, and their estimates |
//! | [`leaf_table`] | what the units held out say about every arm in every leaf |
//! | [`regression`] | random forests for weighted regression, which baselines come from |
//! | [`residual`] | outcomes less what all arms share of them |
//! | [`baseline`] | what that is at any covariates, as files have it |
//! | [`baselines`] | other ways to the same end, which forests are judged against |
//! | [`served`] | which studies and units forests are for |

pub mod baseline;
pub mod baselines;
pub mod fit;
pub mod leaf_table;
pub mod regression;
pub mod residual;
pub mod served;
pub mod settings;
pub mod trial;

pub use baseline::{Baseline, PackedTree};
pub use fit::{Estimator, FittedTree, Forest, assign, assign_among};
pub use leaf_table::LeafTable;
pub use prescribe_models::leaf_utility::Towards;
pub use regression::{RegressionForest, RegressionSettings};
pub use residual::{Fitting, Learner, NoBaseline, Residualize, Residuals, residualize};
pub use served::served;
pub use settings::{InvalidSettings, Settings};
pub use trial::Trial;
