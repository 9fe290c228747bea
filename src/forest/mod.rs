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
//! | [`bayes`] | joint empirical Bayes: a tree by evidence, posterior means in a forest's leaves |
//! | [`leaf_table`] | what the units held out say about every arm in every leaf |

pub mod bayes;
pub mod fit;
pub mod leaf_table;
pub mod settings;
pub mod trial;

pub use bayes::{JointSettings, JointTree};
pub use fit::{Estimator, FittedTree, Forest, assign};
pub use leaf_table::LeafTable;
pub use settings::{InvalidSettings, Settings};
pub use trial::Trial;
