//! Programs as plain data: what a solver is handed, and what a file holds.
//!
//! ```text
//! mixed-integer   max or min  offset + c'v   subject to  lower <= A v <= upper,  l <= v <= u,  v_j whole for j in I
//! conic           min  (1/2) v'P v + q'v     subject to  A v + s = b,  s in a product of cones
//! ```

mod conic;
mod files;

pub use conic::{Cone, ConicProgram, Triplet};

use serde::{Deserialize, Serialize};

/// Direction of optimization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sense {
    Maximize,
    Minimize,
}

/// A model that cannot be posed, with the reason and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidModel(pub String);

/// A column: bounds may be infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub lower: f64,
    pub upper: f64,
    /// Coefficient in the objective.
    pub cost: f64,
    pub integer: bool,
}

/// A row `lower <= sum of terms <= upper`; `terms` are (column, coefficient) with distinct columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub lower: f64,
    pub upper: f64,
    pub terms: Vec<(usize, f64)>,
}

impl Row {
    pub fn at_most(name: impl Into<String>, upper: f64, terms: Vec<(usize, f64)>) -> Self {
        Self { name: name.into(), lower: f64::NEG_INFINITY, upper, terms }
    }

    pub fn at_least(name: impl Into<String>, lower: f64, terms: Vec<(usize, f64)>) -> Self {
        Self { name: name.into(), lower, upper: f64::INFINITY, terms }
    }

    pub fn equal(name: impl Into<String>, value: f64, terms: Vec<(usize, f64)>) -> Self {
        Self { name: name.into(), lower: value, upper: value, terms }
    }

    /// The row's activity at `columns`.
    pub fn activity(&self, columns: &[f64]) -> f64 {
        self.terms.iter().map(|&(j, a)| a * columns[j]).sum()
    }
}

/// A mixed-integer linear program with names and the objective's constant.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedIntegerProgram {
    pub name: String,
    pub sense: Sense,
    /// Constant of the objective.
    pub offset: f64,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

impl MixedIntegerProgram {
    pub fn new(name: impl Into<String>, sense: Sense) -> Self {
        Self { name: name.into(), sense, offset: 0.0, columns: Vec::new(), rows: Vec::new() }
    }

    /// Adds a continuous column and returns its index.
    pub fn continuous(&mut self, name: impl Into<String>, lower: f64, upper: f64, cost: f64) -> usize {
        self.columns.push(Column { name: name.into(), lower, upper, cost, integer: false });
        self.columns.len() - 1
    }

    /// Adds a 0-1 column and returns its index.
    pub fn binary(&mut self, name: impl Into<String>, cost: f64) -> usize {
        self.columns.push(Column { name: name.into(), lower: 0.0, upper: 1.0, cost, integer: true });
        self.columns.len() - 1
    }

    /// The objective, its constant included.
    pub fn objective(&self, columns: &[f64]) -> f64 {
        self.offset + crate::exact::sum(self.columns.iter().zip(columns).map(|(c, v)| c.cost * v))
    }

    /// The row that demands an objective of at least (or, minimising, at most) `value`.
    pub fn cutoff(&self, value: f64) -> Row {
        let terms = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.cost != 0.0)
            .map(|(j, c)| (j, c.cost))
            .collect();
        match self.sense {
            Sense::Maximize => Row::at_least("cutoff", value - self.offset, terms),
            Sense::Minimize => Row::at_most("cutoff", value - self.offset, terms),
        }
    }

    /// The same program with its integrality dropped.
    pub fn relaxed(&self) -> Self {
        let mut relaxed = self.clone();
        relaxed.columns.iter_mut().for_each(|column| column.integer = false);
        relaxed
    }

    /// Refuses what solvers would silently call optimal: NaN anywhere, infinite costs or coefficients, crossed
    /// bounds, fractional bounds of whole columns, terms that name no column or one twice, an empty program.
    pub fn check(&self) -> Result<(), InvalidModel> {
        let refuse = |what: String| Err(InvalidModel(format!("program {}: {what}", self.name)));
        if self.columns.is_empty() {
            return refuse("it has no columns".into());
        }
        if !self.offset.is_finite() {
            return refuse(format!("the objective's constant is {}", self.offset));
        }
        for column in &self.columns {
            if !column.cost.is_finite() || !bounds_are_sound(column.lower, column.upper) {
                return refuse(format!(
                    "column {} has cost {} and bounds [{}, {}]",
                    column.name, column.cost, column.lower, column.upper
                ));
            }
        }
        // HiGHS 1.15 calls some programs with such bounds infeasible that are not.
        let fraction = |bound: f64| bound.is_finite() && bound.fract() != 0.0;
        if let Some(column) =
            self.columns.iter().find(|c| c.integer && (fraction(c.lower) || fraction(c.upper)))
        {
            return refuse(format!(
                "column {} is whole but has bounds [{}, {}]; round them inwards",
                column.name, column.lower, column.upper
            ));
        }
        let mut last_row = vec![usize::MAX; self.columns.len()];
        for (r, row) in self.rows.iter().enumerate() {
            if !bounds_are_sound(row.lower, row.upper) {
                return refuse(format!("row {} has bounds [{}, {}]", row.name, row.lower, row.upper));
            }
            for &(j, coefficient) in &row.terms {
                if j >= self.columns.len() || !coefficient.is_finite() || last_row[j] == r {
                    return refuse(format!("row {} has term {coefficient} on column {j}", row.name));
                }
                last_row[j] = r;
            }
        }
        Ok(())
    }
}

fn bounds_are_sound(lower: f64, upper: f64) -> bool {
    lower <= upper && lower < f64::INFINITY && upper > f64::NEG_INFINITY
}
