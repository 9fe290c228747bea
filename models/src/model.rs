//! What a formal model is, and the shape in which a mixed-integer solver takes it.
//!
//! A [`Model`] evaluates its definition exactly. A [`ProgramForm`] is one way to write a model as one or more
//! mixed-integer programs ("pieces"), together with the knowledge that leads back from a solver's columns to
//! a point of the model: [`ProgramForm::recover`]. A form that needs a linear program on the way back (the
//! margin of a labelling, a separating cut) asks the [`LinearOracle`] that the caller lends it, so that this
//! crate contains no solver.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::programs::{ConicProgram, MixedIntegerProgram, Row, Sense};
use crate::side_constraints::Standing;

/// A constraint that a point breaks, and by how much (in the constraint's own units).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    pub constraint: String,
    pub amount: f64,
}

/// An optimization problem, evaluated by its definition.
pub trait Model {
    /// A candidate answer, feasible or not.
    type Point: Clone + fmt::Debug + Send + Sync;

    /// The model's name in reports, for example `linear_rule`.
    fn name(&self) -> &'static str;

    fn sense(&self) -> Sense;

    /// Number of units over which the objective is a sum; 1 where it is not.
    fn units(&self) -> usize;

    /// The objective at `point`, summed with compensation; every comparison on the way is exact.
    fn objective(&self, point: &Self::Point) -> f64;

    /// Every constraint that `point` breaks; empty where it is feasible.
    fn violations(&self, point: &Self::Point) -> Vec<Violation>;

    /// Where `point` stands with each side constraint.
    fn standings(&self, _point: &Self::Point) -> Vec<Standing> {
        Vec::new()
    }

    /// Value of the best rule that ignores the covariates, where the model has such rules: the zero of the
    /// gap that reports call `gain_gap`.
    fn reference_value(&self) -> Option<f64>;

    /// A bound on the objective that holds without any search.
    fn trivial_bound(&self) -> f64;

    /// SHA-256 over the model's parameters and its data.
    fn model_hash(&self) -> String;

    /// SHA-256 over the data alone.
    fn data_hash(&self) -> String;
}

/// One program of a form; `label` says which part of the search space it covers, for example `age=+1`.
#[derive(Clone, Debug)]
pub struct Piece {
    pub label: String,
    pub program: MixedIntegerProgram,
}

/// What a solver's columns turned out to be.
#[derive(Clone, Debug)]
pub enum Recovered<P> {
    /// A point whose exact objective is at least the program's.
    Point(P),
    /// No point has these labels: rows that cut them off, valid in every piece of the form.
    Cuts(Vec<Row>),
    /// Neither could be established within the precision of the linear programs; the best point known.
    Unresolved(P),
}

/// One way to write a model as mixed-integer programs. All pieces share one layout of columns.
pub trait ProgramForm {
    type Model: Model;

    fn model(&self) -> &Self::Model;

    /// The programs whose union covers the model, apart from [`ProgramForm::candidates`].
    fn pieces(&self) -> Vec<Piece>;

    /// Points that no piece covers and that are compared directly, for example constant rules.
    fn candidates(&self) -> Vec<<Self::Model as Model>::Point>;

    /// Columns of `piece` that represent `point`, where they do: a start for the solver.
    fn embed(&self, piece: &Piece, point: &<Self::Model as Model>::Point) -> Option<Vec<f64>>;

    /// Rows that every point satisfies and that `columns`, a solution of the piece's linear relaxation, breaks.
    fn separate(&self, _columns: &[f64], _oracle: &mut dyn LinearOracle) -> Result<Vec<Row>, OracleError> {
        Ok(Vec::new())
    }

    /// From an integer solution back to the model.
    fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<<Self::Model as Model>::Point>, OracleError>;

    /// The point that stands for all with the objective of `point`: the one least sensitive to rounding, where the model
    /// knows which that is.
    fn representative(
        &self,
        point: &<Self::Model as Model>::Point,
        _oracle: &mut dyn LinearOracle,
    ) -> Result<<Self::Model as Model>::Point, OracleError> {
        Ok(point.clone())
    }

    /// Some where the programs leave points of the model out, so that their bound proves nothing about it: why.
    fn restriction(&self) -> Option<String> {
        None
    }
}

/// A linear program's outcome.
#[derive(Clone, Debug)]
pub enum LinearOutcome {
    Optimal { columns: Vec<f64>, objective: f64 },
    Infeasible,
}

/// A linear program could not be solved.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the linear program {program} could not be solved: {reason}")]
pub struct OracleError {
    pub program: String,
    pub reason: String,
}

/// Solves linear programs for a model; lent by a back end.
pub trait LinearOracle {
    /// Solves `program` with its integrality dropped, to a basic solution.
    fn solve(&mut self, program: &MixedIntegerProgram) -> Result<LinearOutcome, OracleError>;
}

/// A model that is one conic program.
pub trait ConicForm: Model {
    /// The program; it minimises, whatever the model's sense.
    fn conic(&self) -> ConicProgram;

    /// The point behind the program's columns.
    fn point(&self, columns: &[f64]) -> Self::Point;
}
