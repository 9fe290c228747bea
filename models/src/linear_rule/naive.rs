//! Linear rules as program (20) of interference.txt (Kitagawa and Tetenov, 2018): two-sided rows, one constant C.
//!
//! ```text
//! max  sum_i g_i p_i     s.t.   (b0 + z_i'b) / C  <  p_i  <=  1 + (b0 + z_i'b) / C,     p_i in {0, 1}
//! ```
//!
//! with (b0, b) in [-1, 1]^(p+1) and C > sup |b0 + z'b|. A program has no strict inequality: it becomes
//! `b0 + z_i'b <= C p_i - MARGIN (1 - p_i)`, which leaves out rules that come closer than MARGIN to an untreated point. So the
//! program proves nothing about those, and says so ([`ProgramForm::restriction`]). It is here to be compared with.

use super::{LinearProblem, LinearRule, MergedUnits, facets::constants};
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::programs::Row;

/// The margin that stands for the strict inequality, in units of z.
const MARGIN: f64 = 1e-4;

/// The form (20).
#[derive(Clone, Debug)]
pub struct Naive<'a> {
    units: MergedUnits<'a>,
}

impl<'a> Naive<'a> {
    pub fn new(problem: &'a LinearProblem) -> Self {
        Self { units: MergedUnits::of(problem) }
    }
}

impl<'a> ProgramForm for Naive<'a> {
    type Model = LinearProblem;

    fn model(&self) -> &LinearProblem {
        self.units.problem()
    }

    fn pieces(&self) -> Vec<Piece> {
        let names = &self.units.problem().covariates;
        let mut program = self.units.labels_program("linear_rule.naive");
        let intercept = program.continuous("intercept", -1.0, 1.0, 0.0);
        for name in names {
            program.continuous(format!("b[{name}]"), -1.0, 1.0, 0.0);
        }
        let c = names.len() as f64 + 2.0;
        for (i, z) in self.units.z.iter().enumerate() {
            let terms = |label: f64| {
                let slopes =
                    z.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(j, v)| (intercept + 1 + j, *v));
                std::iter::once((i, label)).chain([(intercept, 1.0)]).chain(slopes).collect()
            };
            program.rows.push(Row::at_least(format!("treated[{i}]"), -c, terms(-c)));
            program.rows.push(Row::at_most(format!("untreated[{i}]"), -MARGIN, terms(-c - MARGIN)));
        }
        vec![Piece { label: "naive".into(), program }]
    }

    fn candidates(&self) -> Vec<LinearRule> {
        constants(self.units.problem())
    }

    fn embed(&self, _piece: &Piece, _rule: &LinearRule) -> Option<Vec<f64>> {
        None
    }

    fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        self.units.recover(columns, oracle)
    }

    fn restriction(&self) -> Option<String> {
        Some(format!(
            "only rules at least {MARGIN} (scaled units) away from every untreated unit are in the program"
        ))
    }

    fn representative(
        &self,
        rule: &LinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        self.units.representative(rule, oracle)
    }
}
