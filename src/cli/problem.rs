//! Problems from matrix files: covariates, and rewards or gains.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::flags;
use crate::data::{NamedMatrix, Place, Problem, read_matrix, same_rows};
use crate::models::linear_rule::LinearProblem;
use crate::models::tree_rule::{Candidates, Tree, TreeProblem};
use crate::models::{PolicyProblem, SideConstraint};

/// A tree problem as typed.
#[derive(Args, Clone, Debug)]
pub struct TreeFlags {
    /// CSV of covariates, a header and one row a unit
    #[arg(long, value_name = "X.csv")]
    covariates: PathBuf,
    /// CSV of rewards, one column an arm, larger is better
    #[arg(long, value_name = "G.csv")]
    rewards: PathBuf,
    /// Most splits on a path
    #[arg(long, value_parser = flags::positive)]
    depth: usize,
    /// Fewest units in a leaf
    #[arg(long, value_name = "M", value_parser = flags::positive, default_value = "1")]
    min_leaf: usize,
    /// Thresholds: all observed values, or quantiles:Q
    #[arg(long, value_name = "all|quantiles:Q", value_parser = flags::candidates, default_value = "all")]
    candidates: Candidates,
}

/// A linear problem as typed.
#[derive(Args, Clone, Debug)]
pub struct LinearFlags {
    /// CSV of covariates, a header and one row a unit
    #[arg(long, value_name = "X.csv")]
    covariates: PathBuf,
    /// CSV of one column: the gain of each unit from treatment
    #[arg(long, value_name = "g.csv")]
    gains: PathBuf,
}

impl TreeFlags {
    pub fn problem(&self) -> Result<TreeProblem, Failure> {
        let (x, rewards) = (read_covariates(&self.covariates)?, read_matrix(&self.rewards)?);
        same_rows(&x, &rewards)?;
        if let [arm] = rewards.names.as_slice() {
            return Err(Place::file(&rewards.source).refuse(Problem::OneArm { arm: arm.clone() }).into());
        }
        let class = Tree::over(&x.values, self.depth, self.candidates);
        let problem = PolicyProblem::new(class, x.names, rewards.names, x.values, rewards.values)?;
        Ok(if self.min_leaf > 1 {
            problem.with(SideConstraint::MinimumLeafSize(self.min_leaf))
        } else {
            problem
        })
    }
}

impl LinearFlags {
    pub fn problem(&self) -> Result<LinearProblem, Failure> {
        let (x, gains) = (read_covariates(&self.covariates)?, read_matrix(&self.gains)?);
        same_rows(&x, &gains)?;
        if gains.values.ncols() != 1 {
            let found = format!("{} columns", gains.values.ncols());
            let problem = Problem::Shape { what: "the gains", expected: "1 column".into(), found };
            return Err(Place::file(&gains.source).refuse(problem).into());
        }
        Ok(LinearProblem::from_gains(x.names, x.values, &gains.values.column(0).to_vec())?)
    }
}

/// Reads the covariates and warns of those that never vary.
fn read_covariates(path: &Path) -> Result<NamedMatrix, Failure> {
    let matrix = read_matrix(path)?;
    for (name, column) in matrix.names.iter().zip(matrix.values.columns()) {
        if column.iter().all(|value| *value == column[0]) {
            eprintln!("warning: {}, column {name:?} never varies", matrix.source);
        }
    }
    Ok(matrix)
}
