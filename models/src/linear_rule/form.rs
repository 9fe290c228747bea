//! What all program forms of the linear-rule problem share: merged units, constant rules as candidates, and the way back from
//! columns to a rule. A form adds how it writes the programs.

use super::{Linear, LinearProblem, LinearRule, MergedUnits, radon};
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::policy_problem::RuleClass;
use crate::programs::Row;

/// A way to write the problem over merged units as programs. Their first columns are the units' labels, unless the way recovers
/// rules by itself.
pub trait Writing {
    fn pieces(&self, units: &MergedUnits) -> Vec<Piece>;

    /// The columns that represent `rule`, where every rule has such columns.
    fn embed(&self, _units: &MergedUnits, _rule: &LinearRule) -> Option<Vec<f64>> {
        None
    }

    /// Whether Radon cuts tighten the relaxation.
    fn with_cuts(&self) -> bool {
        false
    }

    /// See [`ProgramForm::recover`].
    fn recover(
        &self,
        units: &MergedUnits,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        units.recover(columns, oracle)
    }

    /// See [`ProgramForm::representative`].
    fn representative(
        &self,
        units: &MergedUnits,
        rule: &LinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        units.representative(rule, oracle)
    }

    /// See [`ProgramForm::restriction`].
    fn restriction(&self) -> Option<String> {
        None
    }
}

/// The problem written in the way `W`.
#[derive(Clone, Debug)]
pub struct LinearForm<'a, W> {
    units: MergedUnits<'a>,
    writing: W,
}

impl<'a, W: Writing> LinearForm<'a, W> {
    pub fn new(problem: &'a LinearProblem, writing: W) -> Self {
        Self::over(MergedUnits::of(problem), writing)
    }

    /// Over units that are merged already.
    pub(crate) fn over(units: MergedUnits<'a>, writing: W) -> Self {
        Self { units, writing }
    }

    pub(crate) fn units(&self) -> &MergedUnits<'a> {
        &self.units
    }
}

impl<W: Writing> ProgramForm for LinearForm<'_, W> {
    type Model = LinearProblem;

    fn model(&self) -> &LinearProblem {
        self.units.problem()
    }

    fn pieces(&self) -> Vec<Piece> {
        self.writing.pieces(&self.units)
    }

    /// Treat nobody, treat everybody.
    fn candidates(&self) -> Vec<LinearRule> {
        (0..2).map(|arm| Linear.constant(self.model().covariates.len(), arm)).collect()
    }

    fn embed(&self, _piece: &Piece, rule: &LinearRule) -> Option<Vec<f64>> {
        self.writing.embed(&self.units, rule)
    }

    fn separate(&self, columns: &[f64], oracle: &mut dyn LinearOracle) -> Result<Vec<Row>, OracleError> {
        if self.writing.with_cuts() {
            radon::cuts_against(&self.units, columns, oracle)
        } else {
            Ok(Vec::new())
        }
    }

    fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        self.writing.recover(&self.units, columns, oracle)
    }

    fn representative(
        &self,
        rule: &LinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        self.writing.representative(&self.units, rule, oracle)
    }

    fn restriction(&self) -> Option<String> {
        self.writing.restriction()
    }
}
