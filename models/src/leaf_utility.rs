//! What a leaf of a tree is worth that gives all of its units one of many arms.
//!
//! | file | what |
//! |---|---|
//! | [`shrinkage`] | means of arms in a leaf, shrunken towards the mean of the leaf |

pub mod shrinkage;

pub use shrinkage::shrunken;
