//! The program forms of the problem: merged units, constant rules as candidates, and the way back from claims to a rule.

use super::{MergedUnits, MultiLinearProblem, MultiLinearRule, facets, radon};
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::policy_problem::RuleClass;
use crate::programs::Row;

/// A way to write the problem as programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    Facets { with_cuts: bool },
    Radon,
}

/// The problem written in one way.
#[derive(Clone, Debug)]
pub struct MultiLinearForm<'a> {
    units: MergedUnits<'a>,
    writing: Writing,
}

impl<'a> MultiLinearForm<'a> {
    pub fn new(problem: &'a MultiLinearProblem, writing: Writing) -> Self {
        Self { units: MergedUnits::of(problem), writing }
    }

    /// How many coefficients its programs have together, about; known before anything is built.
    pub fn coefficients(problem: &MultiLinearProblem, writing: Writing) -> usize {
        let ((points, arms), covariates) = (problem.rewards().dim(), problem.covariates.len());
        match writing {
            Writing::Facets { .. } => facets::coefficients(points, covariates, arms),
            // The separation program's.
            Writing::Radon => points.saturating_mul(arms * (arms - 1)).saturating_mul(2 * covariates + 3),
        }
    }
}

impl ProgramForm for MultiLinearForm<'_> {
    type Model = MultiLinearProblem;

    fn model(&self) -> &MultiLinearProblem {
        self.units.problem()
    }

    fn pieces(&self) -> Vec<Piece> {
        match self.writing {
            Writing::Facets { .. } => facets::pieces(&self.units),
            Writing::Radon => {
                let program = self.units.claims_program("multi_linear_rule.radon");
                vec![Piece { label: "labels".into(), program }]
            }
        }
    }

    /// Everyone the same arm.
    fn candidates(&self) -> Vec<MultiLinearRule> {
        let problem = self.model();
        (0..self.units.arms()).map(|arm| problem.class.constant(problem.covariates.len(), arm)).collect()
    }

    fn embed(&self, _piece: &Piece, rule: &MultiLinearRule) -> Option<Vec<f64>> {
        let labels = || self.units.x.iter().map(|x| rule.arm(x));
        let claims = |arm: usize| (0..self.units.arms()).map(move |k| f64::from(k == arm));
        (self.writing == Writing::Radon).then(|| labels().flat_map(claims).collect())
    }

    fn separate(&self, columns: &[f64], oracle: &mut dyn LinearOracle) -> Result<Vec<Row>, OracleError> {
        match self.writing {
            Writing::Facets { with_cuts: false } => Ok(Vec::new()),
            _ => radon::cuts_against(&self.units, columns, oracle),
        }
    }

    fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<MultiLinearRule>, OracleError> {
        self.units.recover(columns, oracle)
    }

    fn representative(
        &self,
        rule: &MultiLinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<MultiLinearRule, OracleError> {
        self.units.representative(rule, oracle)
    }
}
