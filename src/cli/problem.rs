//! Problems from matrix files: covariates, and rewards or gains.

use std::path::{Path, PathBuf};

use clap::Args;
use ndarray::Array2;

use super::failure::Failure;
use super::flags::{self, ConstraintFlags};
use crate::data::{NamedMatrix, Place, Problem, Purpose, Table, read_matrix, same_rows};
use crate::learn::Context;
use crate::models::conjunction_rule::{Conjunction, ConjunctionProblem};
use crate::models::linear_rule::LinearProblem;
use crate::models::multi_linear_rule::{MultiLinear, MultiLinearProblem};
use crate::models::table_rule::{Table as TableClass, TableProblem};
use crate::models::tree_rule::{Candidates, Tree, TreeProblem};
use crate::models::{PolicyProblem, RuleClass, SideConstraint};

/// A problem of trees or tables as typed.
#[derive(Args, Clone, Debug)]
pub struct TreeFlags {
    /// CSV of covariates, a header and one row a unit
    #[arg(long, value_name = "X.csv")]
    covariates: PathBuf,
    /// CSV of rewards, one column an arm, larger is better
    #[arg(long, value_name = "G.csv")]
    rewards: PathBuf,
    /// Most splits on a path of a tree, most questions of a table
    #[arg(long, value_parser = flags::positive)]
    depth: usize,
    /// Fewest units in a leaf, or in a cell of a table
    #[arg(long, value_name = "M", value_parser = flags::positive, default_value = "1")]
    min_leaf: usize,
    /// Thresholds: all observed values, or quantiles:Q
    #[arg(long, value_name = "all|quantiles:Q", value_parser = flags::candidates, default_value = "all")]
    candidates: Candidates,
    #[command(flatten)]
    bounds: BoundFlags,
}

/// A problem of linear rules over any number of arms as typed.
#[derive(Args, Clone, Debug)]
pub struct MultiLinearFlags {
    /// CSV of covariates, a header and one row a unit
    #[arg(long, value_name = "X.csv")]
    covariates: PathBuf,
    /// CSV of rewards, one column an arm, larger is better
    #[arg(long, value_name = "G.csv")]
    rewards: PathBuf,
    #[command(flatten)]
    bounds: BoundFlags,
}

/// A linear problem as typed.
#[derive(Args, Clone, Debug)]
pub struct LinearFlags {
    /// CSV of covariates, a header and one row a unit
    #[arg(long, value_name = "X.csv")]
    pub(super) covariates: PathBuf,
    /// CSV of one column: the gain of each unit from treatment
    #[arg(long, value_name = "g.csv")]
    pub(super) gains: PathBuf,
    #[command(flatten)]
    pub(super) bounds: BoundFlags,
}

/// Side constraints as typed, and the costs that a budget counts.
#[derive(Args, Clone, Debug)]
pub(super) struct BoundFlags {
    #[command(flatten)]
    constraints: ConstraintFlags,
    /// CSV of the costs that --budget counts: one column an arm, or one column for any arm but the first
    #[arg(long, value_name = "C.csv", requires = "budget", help_heading = "Constraints")]
    costs: Option<PathBuf>,
    /// CSV of 0 and 1, one column an arm: whether a unit may get it
    #[arg(long, value_name = "E.csv", help_heading = "Constraints")]
    eligible: Option<PathBuf>,
    /// CSV of one column: the arm that each unit received, which --min-arm-leaf counts
    #[arg(long, value_name = "A.csv", requires = "min_arm_leaf", help_heading = "Constraints")]
    observed_arm: Option<PathBuf>,
}

impl TreeFlags {
    pub fn problem(&self) -> Result<TreeProblem, Failure> {
        self.over(|trees| trees)
    }

    /// The problem of tables of `depth` questions.
    pub fn tables(&self) -> Result<TableProblem, Failure> {
        self.over(|trees| TableClass { trees })
    }

    fn over<C: RuleClass>(&self, class: impl Fn(Tree) -> C) -> Result<PolicyProblem<C>, Failure> {
        let (x, rewards) = (read_covariates(&self.covariates)?, read_rewards(&self.rewards)?);
        same_rows(&x, &rewards)?;
        let class = class(Tree::over(&x.values, self.depth, self.candidates));
        let problem = PolicyProblem::new(class, x.names, rewards.names, x.values, rewards.values)?;
        self.bounds.on(problem.with(SideConstraint::MinimumLeafSize(self.min_leaf))?)
    }
}

impl MultiLinearFlags {
    pub fn problem(&self) -> Result<MultiLinearProblem, Failure> {
        let (x, rewards) = (read_covariates(&self.covariates)?, read_rewards(&self.rewards)?);
        same_rows(&x, &rewards)?;
        let class = MultiLinear { arms: rewards.names.len() };
        self.bounds.on(PolicyProblem::new(class, x.names, rewards.names, x.values, rewards.values)?)
    }
}

impl LinearFlags {
    pub fn problem(&self) -> Result<LinearProblem, Failure> {
        self.bounds.on(self.free()?)
    }

    /// The problem of conjunctions of two linear rules.
    pub fn conjunctions(&self) -> Result<ConjunctionProblem, Failure> {
        let linear = self.free()?;
        let (x, rewards) = (linear.x().clone(), linear.rewards().clone());
        self.bounds.on(PolicyProblem::new(Conjunction, linear.covariates, linear.arms, x, rewards)?)
    }

    /// The problem without side constraints.
    fn free(&self) -> Result<LinearProblem, Failure> {
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

impl BoundFlags {
    pub(super) fn on<C: RuleClass>(&self, problem: PolicyProblem<C>) -> Result<PolicyProblem<C>, Failure> {
        let constraints = self.constraints.constraints()?;
        if constraints.budget.is_some() && self.costs.is_none() {
            return Err(Failure::usage(
                "--budget needs the costs that it counts: name their file with --costs",
            ));
        }
        if constraints.min_arm_leaf.is_some() && self.observed_arm.is_none() {
            return Err(Failure::usage(
                "--min-arm-leaf needs the arms that the units received: name their file with --observed-arm",
            ));
        }
        let (units, arms) = problem.rewards().dim();
        let context = Context {
            costs: self.costs.as_deref().map(|path| costs(path, units, arms)).transpose()?,
            eligible: self.eligible.as_deref().map(|path| eligible(path, units, arms)).transpose()?,
            received: self
                .observed_arm
                .as_deref()
                .map(|path| received(path, units, &problem.arms))
                .transpose()?,
            ..Context::default()
        };
        Ok(constraints.on(problem, &context)?)
    }
}

/// Costs n x K: the file's columns, or its only one for every arm but the first.
fn costs(path: &Path, units: usize, arms: usize) -> Result<Array2<f64>, Failure> {
    let costs = read_matrix(path)?;
    let (rows, columns) = costs.values.dim();
    if rows == units && columns == arms {
        return Ok(costs.values);
    }
    if rows == units && columns == 1 {
        let cost = |(i, k): (usize, usize)| if k > 0 { costs.values[[i, 0]] } else { 0.0 };
        return Ok(Array2::from_shape_fn((units, arms), cost));
    }
    let expected = format!("{units} x {arms} or {units} x 1");
    Err(shape(&costs.source, "the costs", expected, (rows, columns)))
}

/// Who may get what, n x K.
fn eligible(path: &Path, units: usize, arms: usize) -> Result<Array2<bool>, Failure> {
    let table = Table::read(path)?;
    let matrix = NamedMatrix::from_table(&table)?;
    if matrix.values.dim() != (units, arms) {
        let expected = format!("{units} x {arms}");
        return Err(shape(&matrix.source, "the arms that units may get", expected, matrix.values.dim()));
    }
    if let Some(((row, column), &value)) =
        matrix.values.indexed_iter().find(|(_, v)| **v != 0.0 && **v != 1.0)
    {
        let place = table.place(row).column(&matrix.names[column]);
        return Err(place.refuse(Problem::NotYesOrNo { value: value.to_string() }).into());
    }
    Ok(matrix.values.mapv(|value| value == 1.0))
}

/// The arm that each unit received, by its number among `arms`.
fn received(path: &Path, units: usize, arms: &[String]) -> Result<Vec<usize>, Failure> {
    let table = Table::read(path)?;
    let ([column], true) = (table.header(), table.row_count() == units) else {
        let found = (table.row_count(), table.header().len());
        return Err(shape(table.source(), "the arms received", format!("{units} x 1"), found));
    };
    let number = |(row, label): (usize, String)| {
        let unknown = || Problem::UnknownArm { role: "the unit", arm: label.clone(), arms: arms.to_vec() };
        let known = arms.iter().position(|arm| *arm == label);
        Ok(known.ok_or_else(|| table.place(row).column(column).refuse(unknown()))?)
    };
    table.labels(column, Purpose::Matrix)?.into_iter().enumerate().map(number).collect()
}

/// The refusal of a file whose matrix has another shape.
pub(super) fn shape(
    source: &str,
    what: &'static str,
    expected: String,
    (rows, columns): (usize, usize),
) -> Failure {
    let problem = Problem::Shape { what, expected, found: format!("{rows} x {columns}") };
    Place::file(source).refuse(problem).into()
}

/// Reads the only column of a file, which has a row for each unit of the file called `covariates`.
pub(super) fn read_column(path: &Path, covariates: &str, units: usize) -> Result<(Table, Vec<f64>), Failure> {
    let table = Table::read(path)?;
    let (rows, [column]) = (table.row_count(), table.header()) else {
        let found = (table.row_count(), table.header().len());
        return Err(shape(table.source(), "the file", format!("{units} x 1"), found));
    };
    if rows != units {
        let problem = Problem::RowsDiffer { rows, other: covariates.into(), other_rows: units };
        return Err(Place::file(table.source()).refuse(problem).into());
    }
    let values = table.numbers(column, Purpose::Matrix)?;
    Ok((table, values))
}

/// Reads rewards, of two arms or more.
fn read_rewards(path: &Path) -> Result<NamedMatrix, Failure> {
    let rewards = read_matrix(path)?;
    if let [arm] = rewards.names.as_slice() {
        return Err(Place::file(&rewards.source).refuse(Problem::OneArm { arm: arm.clone() }).into());
    }
    Ok(rewards)
}

/// Reads the covariates and warns of those that never vary.
pub(super) fn read_covariates(path: &Path) -> Result<NamedMatrix, Failure> {
    let matrix = read_matrix(path)?;
    for (name, column) in matrix.names.iter().zip(matrix.values.columns()) {
        if column.iter().all(|value| *value == column[0]) {
            eprintln!("warning: {}, column {name:?} never varies", matrix.source);
        }
    }
    Ok(matrix)
}
