//! The safest of all linear rules that give the same labels.
//!
//! ```text
//! max  delta   s.t.  b0 + z_i'b >= delta  (treated i),   b0 + z_i'b <= -delta  (untreated i),   -1 <= b_j <= 1
//! ```
//!
//! A linear program; delta > 0 exactly where the labels belong to a linear rule. The rule of largest margin is the one
//! whose labels no rounding changes, on any machine and in any language that it is exported to. Where coefficients must have a
//! sign or be 0, their bounds are narrower: [0, 1], [-1, 0] or 0 ([`MaximumMargin::within`]).

use serde::{Deserialize, Serialize};

use crate::exact::{sha256, sum};
use crate::linear_rule::LinearRule;
use crate::model::{
    ConicForm, LinearOracle, LinearOutcome, Model, OracleError, Piece, ProgramForm, Recovered, Violation,
};
use crate::programs::{ConicProgram, MixedIntegerProgram, Row, Sense};

/// Points to be told apart: both sides non-empty, all points with the same number of finite coordinates (a program that
/// breaks this is refused by [`MixedIntegerProgram::check`] before any solver sees it).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaximumMargin {
    treated: Vec<Vec<f64>>,
    untreated: Vec<Vec<f64>>,
    /// Bounds of each coefficient, within [-1, 1].
    bounds: Vec<(f64, f64)>,
}

impl MaximumMargin {
    pub fn new(treated: Vec<Vec<f64>>, untreated: Vec<Vec<f64>>) -> Self {
        let dimension = treated.iter().chain(&untreated).next().map_or(0, Vec::len);
        Self { treated, untreated, bounds: vec![(-1.0, 1.0); dimension] }
    }

    /// The same points under other bounds of the coefficients, one pair a coordinate, within [-1, 1].
    pub fn within(self, bounds: Vec<(f64, f64)>) -> Self {
        Self { bounds, ..self }
    }

    /// The widest rule, by a linear program; its coefficients are within their bounds to the last bit.
    pub fn solve(&self, oracle: &mut dyn LinearOracle) -> Result<LinearRule, OracleError> {
        let program = self.program();
        match oracle.solve(&program)? {
            LinearOutcome::Optimal { columns, .. } => {
                let mut rule = point(&columns);
                let bounded = rule.coefficients.iter_mut().zip(&self.bounds);
                bounded.for_each(|(b, (low, high))| *b = b.clamp(*low, *high) + 0.0);
                Ok(rule)
            }
            // delta unbounded below makes every such program feasible.
            LinearOutcome::Infeasible => {
                Err(OracleError { program: program.name, reason: "called infeasible".into() })
            }
        }
    }

    fn program(&self) -> MixedIntegerProgram {
        let mut program = MixedIntegerProgram::new("maximum_margin", Sense::Maximize);
        let margin = program.continuous("margin", f64::NEG_INFINITY, f64::INFINITY, 1.0);
        let intercept = program.continuous("intercept", f64::NEG_INFINITY, f64::INFINITY, 0.0);
        for (j, (low, high)) in self.bounds.iter().enumerate() {
            program.continuous(format!("b[{j}]"), *low, *high, 0.0);
        }
        let terms = |z: &[f64], margin_sign: f64| {
            let slopes =
                z.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(j, v)| (intercept + 1 + j, *v));
            [(margin, margin_sign), (intercept, 1.0)].into_iter().chain(slopes).collect()
        };
        for (i, z) in self.treated.iter().enumerate() {
            program.rows.push(Row::at_least(format!("treated[{i}]"), 0.0, terms(z, -1.0)));
        }
        for (i, z) in self.untreated.iter().enumerate() {
            program.rows.push(Row::at_most(format!("untreated[{i}]"), 0.0, terms(z, 1.0)));
        }
        program
    }

    fn dimension(&self) -> usize {
        self.bounds.len()
    }
}

/// Columns are (margin, intercept, b).
fn point(columns: &[f64]) -> LinearRule {
    LinearRule { intercept: columns[1], coefficients: columns[2..].to_vec() }
}

impl Model for MaximumMargin {
    type Point = LinearRule;

    fn name(&self) -> &'static str {
        "maximum_margin"
    }

    fn sense(&self) -> Sense {
        Sense::Maximize
    }

    fn units(&self) -> usize {
        1
    }

    /// NaN for a rule over another number of covariates.
    fn objective(&self, rule: &LinearRule) -> f64 {
        if rule.coefficients.len() != self.dimension() {
            return f64::NAN;
        }
        let height = |z: &Vec<f64>| {
            sum(std::iter::once(rule.intercept).chain(z.iter().zip(&rule.coefficients).map(|(v, b)| v * b)))
        };
        let sides = self.treated.iter().map(height).chain(self.untreated.iter().map(|z| -height(z)));
        sides.fold(f64::INFINITY, f64::min)
    }

    fn violations(&self, rule: &LinearRule) -> Vec<Violation> {
        if rule.coefficients.len() != self.dimension() {
            return vec![Violation { constraint: "shape".into(), amount: 1.0 }];
        }
        let beyond = |(b, (low, high)): (&f64, &(f64, f64))| (b - high).max(low - b);
        let excess = rule.coefficients.iter().zip(&self.bounds).map(beyond).fold(0.0, f64::max);
        if excess <= 0.0 {
            return Vec::new();
        }
        vec![Violation { constraint: "unit_box".into(), amount: excess }]
    }

    fn reference_value(&self) -> Option<f64> {
        None
    }

    fn trivial_bound(&self) -> f64 {
        self.dimension() as f64
            * self.treated.iter().chain(&self.untreated).flatten().fold(0.0, |m, v| v.abs().max(m))
    }

    fn model_hash(&self) -> String {
        sha256([self.name().as_bytes(), self.data_hash().as_bytes()])
    }

    fn data_hash(&self) -> String {
        sha256([format!("{self:?}").as_bytes()])
    }
}

impl ProgramForm for MaximumMargin {
    type Model = Self;

    fn model(&self) -> &Self {
        self
    }

    fn pieces(&self) -> Vec<Piece> {
        vec![Piece { label: "margin".into(), program: self.program() }]
    }

    fn candidates(&self) -> Vec<LinearRule> {
        Vec::new()
    }

    fn embed(&self, _piece: &Piece, _rule: &LinearRule) -> Option<Vec<f64>> {
        None
    }

    fn recover(
        &self,
        columns: &[f64],
        _oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        Ok(Recovered::Point(point(columns)))
    }
}

impl ConicForm for MaximumMargin {
    fn conic(&self) -> ConicProgram {
        ConicProgram::of_continuous(&self.program())
    }

    fn point(&self, columns: &[f64]) -> LinearRule {
        point(columns)
    }
}
