//! Conic programs, and a linear program as one.

use serde::{Deserialize, Serialize};

use super::MixedIntegerProgram;
use super::{InvalidModel, Sense};

/// An entry of a sparse matrix: row, column, value.
pub type Triplet = (usize, usize, f64);

/// A cone, with its dimension where that is not 3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cone {
    /// s = 0.
    Zero(usize),
    /// s >= 0.
    Nonnegative(usize),
    /// |(s_2, .., s_m)|_2 <= s_1.
    SecondOrder(usize),
    /// (x, y, z): y exp(x / y) <= z, y > 0, and its closure.
    Exponential,
    /// (x, y, z): x^a y^(1 - a) >= |z|, x, y >= 0.
    Power(f64),
}

impl Cone {
    pub fn dimension(&self) -> usize {
        match self {
            Self::Zero(m) | Self::Nonnegative(m) | Self::SecondOrder(m) => *m,
            Self::Exponential | Self::Power(_) => 3,
        }
    }
}

/// `min (1/2) v'P v + q'v + offset` subject to `A v + s = b`, `s` in the product of `cones` in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

impl ConicProgram {
    /// A linear program, or the relaxation of one with whole columns: equalities into the zero cone, every finite bound into the
    /// nonnegative cone; a maximisation is negated.
    pub fn of_continuous(program: &MixedIntegerProgram) -> Self {
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
        Self {
            name: program.name.clone(),
            p: Vec::new(),
            q: program.columns.iter().map(|column| sign * column.cost).collect(),
            a,
            b,
            cones,
            offset: sign * program.offset,
        }
    }

    /// Refuses what solvers would silently call optimal: numbers that are not finite, entries outside the matrices, cones that do not
    /// fill the rows, an empty program.
    pub fn check(&self) -> Result<(), InvalidModel> {
        let refuse = |what: String| Err(InvalidModel(format!("program {}: {what}", self.name)));
        let (n, m) = (self.q.len(), self.b.len());
        if n == 0 {
            return refuse("it has no columns".into());
        }
        let height: usize = self.cones.iter().map(Cone::dimension).sum();
        if height != m {
            return refuse(format!("cones of dimension {height} over {m} rows"));
        }
        let vectors = self.q.iter().chain(&self.b).chain([&self.offset]);
        if let Some(value) = vectors.copied().find(|value| !value.is_finite()) {
            return refuse(format!("a number is {value}"));
        }
        let entries = self.p.iter().map(|entry| (entry, n)).chain(self.a.iter().map(|entry| (entry, m)));
        for (&(row, column, value), rows) in entries {
            if row >= rows || column >= n || !value.is_finite() {
                return refuse(format!("entry {value} at row {row}, column {column}"));
            }
        }
        Ok(())
    }
}
