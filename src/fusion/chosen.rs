//! The grouping that a penalty leads to, chosen along its path and certified.
//!
//! | penalty | path | what is certified |
//! |---|---|---|
//! | `l0` | the best partitions into 1, 2, .. groups | the partition into the chosen number of groups |
//! | the others | coefficients at each lambda, arms nearer than a threshold together | the coefficients at the chosen lambda |

use ndarray::Array2;
use serde::Serialize;

use super::{Criteria, FusionError, Groups, Penalty, Settings};
use crate::solve::registry::{self, Solvable};
use crate::solve::{Chosen as Chooser, Observer, Options, Report};

/// One grouping of the path, as reports give it.
#[derive(Clone, Debug, Serialize)]
pub struct PathPoint {
    pub groups: usize,
    /// Of the refitted groups.
    #[serde(flatten)]
    pub criteria: Criteria,
    #[serde(flatten)]
    pub at: At,
}

/// What a point of the path stands at.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum At {
    Lambda {
        lambda: f64,
        /// What is expected of each arm at the mean covariates, beyond the main effect.
        profile: Vec<f64>,
    },
    Groups {
        /// No partition into so many groups has a smaller RSS.
        bound: f64,
        /// RSS meets its bound.
        proved: bool,
    },
}

/// What was chosen.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Kind {
    Drawn {
        lambda: f64,
        /// Arms nearer than this are one group.
        threshold: f64,
    },
    Partition {
        /// No partition into any number of groups has a smaller criterion; where their number was given, none into as many has a
        /// smaller RSS.
        proved: bool,
    },
}

/// What one penalty leads to.
pub(super) struct Chosen {
    pub penalty: Penalty,
    pub kind: Kind,
    /// (K x p): of the chosen lambda, or of the refitted groups.
    pub coefficients: Array2<f64>,
    pub groups: Groups,
    pub criteria: Criteria,
    pub path: Vec<PathPoint>,
    /// Shares of bootstrap samples in which two arms are together (K x K).
    pub shares: Option<Array2<f64>>,
    pub report: Report<()>,
    pub warnings: Vec<String>,
}

/// Solves the chosen problem by the solver asked for.
pub(super) fn certified<M: Solvable>(
    model: &M,
    start: &M::Point,
    settings: &Settings,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Report<M::Point>, FusionError> {
    let solver = Chooser::<M>::of(&settings.solver, registry::Settings::default())?;
    Ok(solver.solve(model, Some(start), options, observer)?)
}
