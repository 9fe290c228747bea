//! The experiments of fusion.txt, interference.txt and forest.txt, run again: tables, figures, theory, and an application.
//!
//! | file | what |
//! |---|---|
//! | [`recipe`] | the groups that each method finds in one draw |
//! | [`policy`] | scores of grouped arms, the tree learned from them, and what it is worth |
//! | [`tables`] | one draw with all methods, and Tables 5, 8, 9 and 10 beside the paper's |
//! | [`recovery`] | latent groups found and coefficients missed, against n |
//! | [`regret`] | what trees lose, against n, their depth and the number of groups |
//! | [`robustness`] | weights right or wrong, outcome model right or wrong |
//! | [`application`] | the analysis of section 4.2 |
//! | [`interference_learning`] | what rules are worth that are learned under each assumption of interference (Figure 1) |
//! | [`interference_rules`] | the rules that one draw teaches |
//! | [`interference_evaluation`] | bias, spread and intervals of estimated values (Figure 2) |
//! | [`interference_rate`] | regret against the number and size of clusters and against overlap (Theorem 1) |
//! | [`interference_efficiency`] | variance against the semiparametric bound (Theorem 2) |
//! | [`households`] | the analysis of interference.txt, section 7 |
//! | [`forest_normal`] | rules over many arms in the normal model, in closed form (forest.txt, appendix C) |
//! | [`forest_theory`] | what they are worth, simulated (Propositions 1 and 2) |
//! | [`forest_residuals`] | the variance that baselines leave (appendix A) |
//! | [`spread`] | figures over replications |
//! | [`journal`] | replications in parallel, kept in a file so that an interrupted run goes on |
//!
//! All methods of a replication see the same draw, the same folds and the same form of nuisances; nothing is chosen by looking at truth.

pub mod application;
pub mod forest_normal;
pub mod forest_residuals;
pub mod forest_theory;
pub mod households;
pub mod interference_efficiency;
pub mod interference_evaluation;
pub mod interference_learning;
pub mod interference_rate;
pub mod interference_rules;
pub mod journal;
pub mod policy;
pub mod recipe;
pub mod recovery;
pub mod regret;
pub mod robustness;
pub mod spread;
pub mod tables;

use std::path::PathBuf;

use crate::balance::BalanceError;
use crate::data::DataError;
use crate::learn::LearnError;
use crate::models::InvalidModel;
use crate::solve::SolveError;

/// Why an experiment has no result.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Balance(#[from] BalanceError),
    #[error(transparent)]
    Solve(#[from] SolveError),
    #[error(transparent)]
    Model(#[from] InvalidModel),
    #[error(transparent)]
    Learn(#[from] LearnError),
    #[error(
        "{source_name}: the arms are one group, so that there is no rule to learn; `prescribe fuse` tells how far apart they are"
    )]
    OneGroup { source_name: String },
    #[error("the analysis cannot be configured: {0}")]
    Configuration(String),
    #[error("{}: {source}; {remedy}", path.display())]
    Io { path: PathBuf, source: std::io::Error, remedy: &'static str },
    #[error("{}: {reason}", path.display())]
    Journal { path: PathBuf, reason: String },
    #[error(
        "interrupted; with --resume FILE, where the experiment takes it, the same command goes on where it stopped"
    )]
    Interrupted,
}
