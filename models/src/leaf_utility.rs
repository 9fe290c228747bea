//! The worth of a tree whose leaves choose among many arms.
//!
//! | file | leaf means |
//! |---|---|
//! | [`joint`] | posterior means under one normal law of the arms' leaf means |
//! | [`sums`] | what both read: counts and sums by arm and leaf |

pub mod joint;
pub mod sums;

pub use joint::{Covariance, Joint, JointPrior};
pub use sums::LeafSums;
