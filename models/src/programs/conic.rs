//! Conic programs, and a linear program as one.

use super::MixedIntegerProgram;
use super::{InvalidModel, Sense};

/// An entry of a sparse matrix: row, column, value.
pub type Triplet = (usize, usize, f64);

/// A cone, with its dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cone {
    /// s = 0.
    Zero(usize),
    /// s >= 0.
    Nonnegative(usize),
}

/// `min (1/2) v'P v + q'v + offset` subject to `A v + s = b`, `s` in the product of `cones` in order.
#[derive(Clone, Debug, PartialEq)]
pub struct ConicProgram {
    pub name: String,
    /// Upper triangle of P.
    pub p: Vec<Triplet>,
    pub q: Vec<f64>,
    pub a: Vec<Triplet>,
    pub b: Vec<f64>,
    pub cones: Vec<Cone>,
    pub offset: f64,
}

impl TryFrom<&MixedIntegerProgram> for ConicProgram {
    type Error = InvalidModel;

    /// A program without whole-number columns: equalities into the zero cone, every finite bound into the
    /// nonnegative cone; a maximisation is negated.
    fn try_from(program: &MixedIntegerProgram) -> Result<Self, InvalidModel> {
        if let Some(column) = program.columns.iter().find(|column| column.integer) {
            return Err(InvalidModel(format!(
                "column {} must be whole, which no conic program can say",
                column.name
            )));
        }
        let sign = if program.sense == Sense::Maximize { -1.0 } else { 1.0 };
        let bounds = program.columns.iter().enumerate().map(|(j, c)| (vec![(j, 1.0)], c.lower, c.upper));
        let limits: Vec<_> =
            program.rows.iter().map(|r| (r.terms.clone(), r.lower, r.upper)).chain(bounds).collect();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut push = |terms: &[(usize, f64)], factor: f64, limit: f64| {
            a.extend(terms.iter().map(|&(j, value)| (b.len(), j, factor * value)));
            b.push(factor * limit);
        };
        let equalities: Vec<_> = limits.iter().filter(|(_, lower, upper)| lower == upper).collect();
        equalities.iter().for_each(|(terms, value, _)| push(terms, 1.0, *value));
        for (terms, lower, upper) in limits.iter().filter(|(_, lower, upper)| lower != upper) {
            if upper.is_finite() {
                push(terms, 1.0, *upper);
            }
            if lower.is_finite() {
                push(terms, -1.0, *lower);
            }
        }
        let cones = vec![Cone::Zero(equalities.len()), Cone::Nonnegative(b.len() - equalities.len())];
        Ok(Self {
            name: program.name.clone(),
            p: Vec::new(),
            q: program.columns.iter().map(|column| sign * column.cost).collect(),
            a,
            b,
            cones,
            offset: sign * program.offset,
        })
    }
}
