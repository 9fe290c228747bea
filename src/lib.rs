//! Learn who should get which treatment, as a rule that a person can read, with a proof of how good the rule is.

pub mod data;
pub mod evaluate;
pub mod nuisance;
pub mod score;
pub mod solve;

pub use prescribe_models as models;
