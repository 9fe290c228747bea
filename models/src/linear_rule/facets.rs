//! Linear rules as 2p facet programs with tight one-sided rows.
//!
//! Every rule that is not constant can be scaled so that its largest coefficient is +-1. So for each covariate j and
//! each sign s, with b_j = s and the other coefficients in [-1, 1]:
//!
//! ```text
//! max  sum_i g_i p_i
//! s.t. b0 + z_i'b >= -M_i^- (1 - p_i)     where g_i > 0
//!      b0 + z_i'b <=  M_i^+ p_i           where g_i < 0,        p_i in {0, 1}
//! M_i^- = max over the facet and over k of (z_k - z_i)'b,   M_i^+ = max of (z_i - z_k)'b
//! ```
//!
//! The M are valid because a rule that is not constant on the data has `-max_k z_k'b <= b0 <= -min_k z_k'b`; constant
//! rules are candidates. Rows are closed on both sides (no margin epsilon), so each optimum bounds every rule of the
//! facet from above, ties included; what it claims is confirmed or cut off by `recover`.

use super::{Linear, LinearProblem, LinearRule, MergedUnits, radon};
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::policy_problem::RuleClass;
use crate::programs::{MixedIntegerProgram, Row};

/// The facet form; `with_cuts` adds Radon cuts to the relaxation of each facet.
#[derive(Clone, Debug)]
pub struct Facets<'a> {
    units: MergedUnits<'a>,
    with_cuts: bool,
}

impl<'a> Facets<'a> {
    pub fn new(problem: &'a LinearProblem, with_cuts: bool) -> Self {
        Self { units: MergedUnits::of(problem), with_cuts }
    }

    fn facet(&self, covariate: usize, sign: f64) -> MixedIntegerProgram {
        let names = &self.units.problem().covariates;
        let mut program = self.units.labels_program("linear_rule.facets");
        let reach: f64 = (0..names.len()).filter(|&j| self.units.varies(j)).count() as f64;
        let intercept = program.continuous("intercept", -reach, reach, 0.0);
        for (j, name) in names.iter().enumerate() {
            let (lower, upper) = match j {
                _ if j == covariate => (sign, sign),
                _ if self.units.varies(j) => (-1.0, 1.0),
                _ => (0.0, 0.0),
            };
            program.continuous(format!("b[{name}]"), lower, upper, 0.0);
        }
        for (i, (z, gain)) in self.units.z.iter().zip(&self.units.gains).enumerate() {
            let terms = |label: f64| {
                let slopes =
                    z.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(j, v)| (intercept + 1 + j, *v));
                std::iter::once((i, label)).chain([(intercept, 1.0)]).chain(slopes).collect()
            };
            if *gain > 0.0 {
                let m = self.farthest(z, covariate, sign);
                program.rows.push(Row::at_least(format!("treated[{i}]"), -m, terms(-m)));
            } else if *gain < 0.0 {
                let m = self.farthest(z, covariate, -sign);
                program.rows.push(Row::at_most(format!("untreated[{i}]"), 0.0, terms(-m)));
            }
        }
        program
    }

    /// `max over k and over the facet of (z_k - z)'b`, with b_covariate = sign and the others in [-1, 1].
    fn farthest(&self, z: &[f64], covariate: usize, sign: f64) -> f64 {
        let reach = |other: &Vec<f64>| -> f64 {
            let along = |(j, (a, b)): (usize, (&f64, &f64))| {
                if j == covariate { sign * (a - b) } else { (a - b).abs() }
            };
            other.iter().zip(z).enumerate().map(along).sum()
        };
        // A relative inch more than computed: rounding must not cut a point off its own rule.
        self.units.z.iter().map(reach).fold(0.0, f64::max) * (1.0 + 1e-12)
    }
}

impl<'a> ProgramForm for Facets<'a> {
    type Model = LinearProblem;

    fn model(&self) -> &LinearProblem {
        self.units.problem()
    }

    fn pieces(&self) -> Vec<Piece> {
        let names = &self.units.problem().covariates;
        let facets = (0..names.len()).filter(|&j| self.units.varies(j)).flat_map(|j| [(j, 1.0), (j, -1.0)]);
        facets
            .map(|(j, sign)| Piece {
                label: format!("{}={}", names[j], if sign > 0.0 { "+1" } else { "-1" }),
                program: self.facet(j, sign),
            })
            .collect()
    }

    fn candidates(&self) -> Vec<LinearRule> {
        constants(self.units.problem())
    }

    fn embed(&self, _piece: &Piece, _rule: &LinearRule) -> Option<Vec<f64>> {
        // A known rule serves every facet as a cutoff, which prunes more than a start in one of them.
        None
    }

    fn separate(&self, columns: &[f64], oracle: &mut dyn LinearOracle) -> Result<Vec<Row>, OracleError> {
        if self.with_cuts { radon::cuts_against(&self.units, columns, oracle) } else { Ok(Vec::new()) }
    }

    fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        self.units.recover(columns, oracle)
    }

    fn representative(
        &self,
        rule: &LinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        self.units.representative(rule, oracle)
    }
}

/// Treat nobody, treat everybody.
pub(super) fn constants(problem: &LinearProblem) -> Vec<LinearRule> {
    (0..2).map(|arm| Linear.constant(problem.covariates.len(), arm)).collect()
}
