//! Exit codes, and which error or status leads to which.

use crate::balance::BalanceError;
use crate::data::{DataError, ErrorKind};
use crate::forest::clustering::ClusteringError;
use crate::forest::{ForestError, ForestFileError, NotLearned};
use crate::fusion::FusionError;
use crate::learn::LearnError;
use crate::models::InvalidModel;
use crate::reproduce::ReproduceError;
use crate::rule::RuleError;
use crate::solve::registry::UnknownChoice;
use crate::solve::{PrimalStatus, Promise, Report, SolveError, TerminationStatus};

pub const DONE: u8 = 0;
pub const INTERNAL: u8 = 1;
pub const USAGE: u8 = 2;
pub const DATA: u8 = 3;
pub const INFEASIBLE: u8 = 4;
pub const LIMIT_WITH_SOLUTION: u8 = 5;
pub const LIMIT_WITHOUT_SOLUTION: u8 = 6;
pub const VERIFICATION_FAILED: u8 = 7;
pub const NUMERICAL: u8 = 8;
pub const INTERRUPTED: u8 = 130;

/// What the user is told when nothing came of it.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into() }
    }

    pub fn io(path: &std::path::Path, error: &std::io::Error, remedy: &str) -> Self {
        Self { code: INTERNAL, message: format!("{}: {error}; {remedy}", path.display()) }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let code = match error.kind() {
            ErrorKind::Io => INTERNAL,
            ErrorKind::Usage => USAGE,
            ErrorKind::Data => DATA,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<InvalidModel> for Failure {
    fn from(error: InvalidModel) -> Self {
        Self { code: DATA, message: error.to_string() }
    }
}

impl From<UnknownChoice> for Failure {
    fn from(error: UnknownChoice) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<RuleError> for Failure {
    fn from(error: RuleError) -> Self {
        let code = if matches!(error, RuleError::Unreadable { .. }) { INTERNAL } else { DATA };
        Self { code, message: error.to_string() }
    }
}

impl From<ForestFileError> for Failure {
    fn from(error: ForestFileError) -> Self {
        let code = if matches!(error, ForestFileError::Unreadable { .. }) { INTERNAL } else { DATA };
        Self { code, message: error.to_string() }
    }
}

impl From<ForestError> for Failure {
    fn from(error: ForestError) -> Self {
        match error {
            ForestError::Data(error) => error.into(),
            ForestError::Learn(error) => error.into(),
            ForestError::Rule(error) => error.into(),
            ForestError::NotLearned(error) => match error {
                NotLearned::Baseline(error) => Self { code: DATA, message: error.to_string() },
                NotLearned::Clustering(ClusteringError::Solve(error)) | NotLearned::Solve(error) => {
                    error.into()
                }
                error => Self::usage(error.to_string()),
            },
            error @ ForestError::Interrupted => Self { code: INTERRUPTED, message: error.to_string() },
        }
    }
}

impl From<SolveError> for Failure {
    fn from(error: SolveError) -> Self {
        match error {
            SolveError::Unsupported(error) => Self::usage(error.to_string()),
            SolveError::InvalidModel(error) => error.into(),
            error @ SolveError::Checkpoint { .. } => Self::usage(error.to_string()),
            error => Self { code: NUMERICAL, message: error.to_string() },
        }
    }
}

impl From<FusionError> for Failure {
    fn from(error: FusionError) -> Self {
        let message = error.to_string();
        match error {
            FusionError::Data(error) => error.into(),
            FusionError::Solve(error) => error.into(),
            FusionError::Choice(error) => error.into(),
            FusionError::Balance(error) => Self { message, ..error.into() },
            FusionError::Usage(message) => Self::usage(message),
        }
    }
}

impl From<BalanceError> for Failure {
    fn from(error: BalanceError) -> Self {
        let code = match error {
            BalanceError::Solve(error) => return error.into(),
            BalanceError::Infeasible { .. } => INFEASIBLE,
            BalanceError::Empty { .. } | BalanceError::Model(_) => DATA,
            BalanceError::Numerical { .. } | BalanceError::Oracle(_) => NUMERICAL,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<ReproduceError> for Failure {
    fn from(error: ReproduceError) -> Self {
        let code = match error {
            ReproduceError::Data(error) => return error.into(),
            ReproduceError::Balance(error) => return error.into(),
            ReproduceError::Solve(error) => return error.into(),
            ReproduceError::Model(error) => return error.into(),
            ReproduceError::Learn(error) => return error.into(),
            ReproduceError::Io { .. } | ReproduceError::Configuration(_) => INTERNAL,
            ReproduceError::Journal { .. }
            | ReproduceError::OneGroup { .. }
            | ReproduceError::Clustering(_)
            | ReproduceError::Baseline(_) => DATA,
            ReproduceError::Interrupted => INTERRUPTED,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<LearnError> for Failure {
    fn from(error: LearnError) -> Self {
        match error {
            LearnError::Data(error) => error.into(),
            LearnError::Solve(error) => error.into(),
            LearnError::Model(error) => error.into(),
            LearnError::Choice(error) => error.into(),
            LearnError::Rule(error) => error.into(),
            LearnError::Fusion(error) => error.into(),
            LearnError::Balance(error) => error.into(),
            error @ LearnError::NoWeights { .. } => Self { code: NUMERICAL, message: error.to_string() },
            error @ LearnError::Unbalanced { .. } => Self { code: INFEASIBLE, message: error.to_string() },
            LearnError::Usage(message) => Self::usage(message),
            error @ LearnError::NoRule { status, .. } => {
                let code = match status {
                    TerminationStatus::Interrupted => INTERRUPTED,
                    TerminationStatus::Infeasible | TerminationStatus::InfeasibleOrUnbounded => INFEASIBLE,
                    _ => LIMIT_WITHOUT_SOLUTION,
                };
                Self { code, message: error.to_string() }
            }
            error @ LearnError::Io { .. } => Self { code: INTERNAL, message: error.to_string() },
        }
    }
}

/// The exit code of a solve: 0 where done, and proven where the solver promised proof.
pub fn code_of<P>(report: &Report<P>) -> u8 {
    let found = report.primal_status == PrimalStatus::FeasiblePoint;
    match report.termination_status {
        TerminationStatus::Interrupted => INTERRUPTED,
        TerminationStatus::TimeLimit | TerminationStatus::NodeLimit | TerminationStatus::IterationLimit => {
            if found {
                LIMIT_WITH_SOLUTION
            } else {
                LIMIT_WITHOUT_SOLUTION
            }
        }
        TerminationStatus::Infeasible | TerminationStatus::InfeasibleOrUnbounded => INFEASIBLE,
        TerminationStatus::NumericalError | TerminationStatus::OtherError => NUMERICAL,
        TerminationStatus::LocallySolved if report.promise == Promise::Exact => NUMERICAL,
        _ if !report.certificate.verified => VERIFICATION_FAILED,
        _ => DONE,
    }
}
