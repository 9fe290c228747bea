//! What is asked of fusion.

use prescribe_models::outcome_loss::Loss;

use super::{Criterion, MainEffect, Penalty};
use crate::balance::BalanceError;
use crate::data::DataError;
use crate::solve::admm::Checkpoint;
use crate::solve::registry::{AUTO, UnknownChoice};
use crate::solve::{Options, SolveError};

/// Where the weights come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Weighting {
    /// All units alike: K / n.
    None,
    /// Each arm to the covariate means of all units.
    #[default]
    Entropy,
    /// Given (n); scaled to a sum of 1 in each arm.
    Given(Vec<f64>),
    /// Given (n), summing to the number of arms; used as they are.
    AsGiven(Vec<f64>),
}

/// What chooses among the groupings of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice {
    /// This lambda, and no path; of penalties that have one.
    Lambda(f64),
    Criterion(Criterion),
    /// So many groups; of a path of lambda, the smallest with so many.
    Groups(usize),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    pub weighting: Weighting,
    pub main_effect: MainEffect,
    pub penalty: Penalty,
    /// Others than squares go with `lasso`, `adaptive` and `wald`.
    pub loss: Loss,
    pub choice: Choice,
    /// From small to large; none: those that fit the data ([`Scale`](super::Scale)). Not read where lambda is given, nor by `l0`.
    pub lambdas: Option<Vec<f64>>,
    /// Arms nearer than this are one group; none: what fits the data. Not read by `l0`.
    pub threshold: Option<f64>,
    /// Bootstrap samples of the groups' stability.
    pub bootstrap: usize,
    /// The registered solver of the chosen problem, or `auto`.
    pub solver: String,
    /// Where a path of lambda is kept, to go on from there.
    pub checkpoint: Option<Checkpoint>,
    pub options: Options,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            weighting: Weighting::default(),
            main_effect: MainEffect::default(),
            penalty: Penalty::default(),
            loss: Loss::default(),
            choice: Choice::Criterion(Criterion::default()),
            lambdas: None,
            threshold: None,
            bootstrap: 0,
            solver: AUTO.into(),
            checkpoint: None,
            options: Options::default(),
        }
    }
}

/// Why there are no groups.
#[derive(Debug, thiserror::Error)]
pub enum FusionError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Solve(#[from] SolveError),
    #[error(transparent)]
    Choice(#[from] UnknownChoice),
    #[error(
        "{0}; fuse has no tolerance of its own: weigh with one and pass --weights FILE, or pass --weights none"
    )]
    Balance(#[from] BalanceError),
    #[error("{0}")]
    Usage(String),
}
