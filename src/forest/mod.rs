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
//! | [`clustering`] | groups of arms, and forests grown on them |
//! | [`fit`] | trees, forests, and their estimates |
//! | [`bayes`] | joint empirical Bayes: a tree by evidence, posterior means in a forest's leaves |
//! | [`leaf_table`] | what the units held out say about every arm in every leaf |
//! | [`value`] | what ways of learning are worth on units unseen |
//! | [`tuning`] | parameters by that value |
//! | [`method`] | learning by any of the methods: the entry |
//! | [`regression`] | random forests for weighted regression, which baselines come from |
//! | [`residual`] | outcomes less what all arms share of them |
//! | [`baseline`] | what that is at any covariates, as files have it |
//! | [`baselines`] | other ways to the same end, which forests are judged against |
//! | `analysis`, `report` | the whole way from a table to a report |
//! | `cross_fit` | the value of an assignment on units that it has not seen |
//! | `importance`, `distil` | what an assignment looks at, and a rule in its place |
//! | `file` | `forest.json` |
//! | [`mod@served`] | which studies and units forests are for |

pub mod baseline;
pub mod baselines;
pub mod bayes;
pub mod clustering;
pub mod fit;
pub mod leaf_table;
pub mod method;
pub mod regression;
pub mod residual;
pub mod served;
pub mod settings;
pub mod trial;
pub mod tuning;
pub mod value;

pub use baseline::{Baseline, PackedTree};
pub use bayes::{JointSettings, JointTree};
pub use clustering::{Clustered, Clustering};
pub use fit::{Estimator, FittedTree, Forest, assign, assign_among};
pub use leaf_table::LeafTable;
pub use method::{Compared, Learned, Method, Model, NotLearned, Plan, learn};
pub use prescribe_models::leaf_utility::Towards;
pub use regression::{RegressionForest, RegressionSettings};
pub use residual::{Fitting, Learner, NoBaseline, Residualize, Residuals, residualize};
pub use served::served;
pub use settings::{InvalidSettings, Settings};
pub use trial::Trial;
pub use tuning::{Grid, Tried, Tuning, tune};
pub use value::{Calibrated, Split, Terms, Unseen};

// From a table to forest.json, report.json and rule.json.
mod analysis;
mod cross_fit;
mod distil;
mod file;
mod importance;
mod report;

pub use analysis::{Analysis, MOST_ARMS, Request};
pub use cross_fit::CrossFit;
pub use distil::{Distilled, FOREST, distil};
pub use file::{Assigned, ForestFile, ForestFileError, Provenance, ValuedTree};
pub use importance::{Importance, importance};
pub use report::{ArmShare, ForestReport};

use crate::data::DataError;
use crate::learn::LearnError;
use crate::rule::RuleError;

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum ForestError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    NotLearned(#[from] NotLearned),
    #[error(transparent)]
    Learn(#[from] LearnError),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error("interrupted before anything was learned")]
    Interrupted,
}
