//! What a leaf of a tree is worth that gives all of its units one of many arms.
//!
//! | file | what |
//! |---|---|
//! | [`shrinkage`] | means of arms in a leaf, shrunken towards the mean of the leaf |
//! | [`across_leaves`] | the same towards means of arms over leaves, and towards both |
//! | [`joint`] | posterior means under one normal law of the arms' leaf means |
//! | [`sums`] | counts and sums by arm and leaf |
//! | [`problem`] | the best tree by one of these means |
//! | [`arm_variances`] | how much the outcomes of each arm vary, which its shrinkage is in proportion to |

pub mod across_leaves;
pub mod arm_variances;
pub mod joint;
pub mod problem;
pub mod shrinkage;
pub mod sums;

pub use across_leaves::{Towards, shrunken_across};
pub use arm_variances::relative_variances;
pub use joint::{Covariance, Joint, JointPrior};
pub use problem::{Form, LeafProblem, LeafValue};
pub use shrinkage::shrunken;
pub use sums::LeafSums;
