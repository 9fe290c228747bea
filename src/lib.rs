//! Learn who should get which treatment, as a rule that a person can read, with a proof of how good the rule is.
//!
//! Four layers, each using only those below it:
//!
//! | layer | modules |
//! |---|---|
//! | face | `cli` (feature `cli`) |
//! | pipeline: data to models, solutions to rules | [`data`], [`balance`], [`nuisance`], [`score`], [`rule`], [`evaluate`], [`effects`], [`conformal`], [`forest`], [`fusion`], [`interference`], [`learn`], [`simulate`], [`reproduce`] |
//! | solvers: how | [`solve`] |
//! | models: what | [`models`] |

pub mod balance;
#[cfg(feature = "cli")]
pub mod cli;
pub mod conformal;
pub mod data;
pub mod effects;
pub mod evaluate;
pub mod forest;
pub mod fusion;
pub mod interference;
pub mod learn;
pub mod nuisance;
mod random;
pub mod reproduce;
pub mod rule;
pub mod score;
pub mod simulate;
pub mod solve;

pub use prescribe_models as models;
