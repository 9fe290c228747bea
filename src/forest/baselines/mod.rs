//! Other ways to learn which of many arms each unit should get, which forests are judged against (forest.txt, section 4.3).
//!
//! | file | what |
//! |---|---|
//! | [`separate`] | a random forest for every arm |
//! | [`multi_arm_causal`] | a multi-arm causal forest |
//!
//! Both learn from raw outcomes and estimate every arm; [`super::assign`] takes the best.

pub mod multi_arm_causal;
pub mod separate;

pub use multi_arm_causal::{CausalForest, CausalSettings};
pub use separate::{SeparateSettings, separate_forests};
