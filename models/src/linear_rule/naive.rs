//! Linear rules as program (20) of interference.txt (Kitagawa and Tetenov, 2018): two-sided rows, one constant C.
//!
//! ```text
//! max  sum_i g_i p_i     s.t.   (b0 + z_i'b) / C  <  p_i  <=  1 + (b0 + z_i'b) / C,     p_i in {0, 1}
//! ```
//!
//! with (b0, b) in [-1, 1]^(p+1) (signs narrow b, `use_j` bounds it where only k covariates may be used) and C > sup |b0 + z'b|. A program has no strict inequality: it becomes
//! `b0 + z_i'b <= C p_i - MARGIN (1 - p_i)`, which leaves out rules that come closer than MARGIN to an untreated point. So the
//! program proves nothing about those, and says so ([`ProgramForm::restriction`]). It is here to be compared with.

use super::{MergedUnits, Writing};
use crate::model::Piece;
use crate::programs::Row;

/// The margin that stands for the strict inequality, in units of z.
const MARGIN: f64 = 1e-4;

/// The form (20).
#[derive(Clone, Copy, Debug, Default)]
pub struct Naive;

impl Writing for Naive {
    fn pieces(&self, units: &MergedUnits) -> Vec<Piece> {
        let mut program = units.supported_program("linear_rule.naive");
        let intercept = units.add_rule(&mut program, 1.0, |j| units.problem().directions(j));
        let c = units.z[0].len() as f64 + 2.0;
        for i in 0..units.z.len() {
            let terms = |label: f64| units.height_terms(i, intercept, label);
            program.rows.push(Row::at_least(format!("treated[{i}]"), -c, terms(-c)));
            program.rows.push(Row::at_most(format!("untreated[{i}]"), -MARGIN, terms(-c - MARGIN)));
        }
        vec![Piece { label: "naive".into(), program }]
    }

    fn restriction(&self) -> Option<String> {
        Some(format!(
            "only rules at least {MARGIN} (scaled units) away from every untreated unit are in the program"
        ))
    }
}
