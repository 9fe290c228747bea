//! What a leaf of a tree is worth that gives all of its units one of many arms.
//!
//! | file | what |
//! |---|---|
//! | [`shrinkage`] | means of arms in a leaf, shrunken towards the mean of the leaf |
//! | [`across_leaves`] | the same towards means of arms over leaves, and towards both; arms of unequal variance |

pub mod across_leaves;
pub mod shrinkage;

pub use across_leaves::{Towards, shrunken_across};
pub use shrinkage::shrunken;
