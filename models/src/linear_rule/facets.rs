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
//! Under assignment bounds every unit has both rows, since a label may be wanted for the bound's sake. Signs narrow the box: a
//! facet on the wrong side of 0 is left out, the other coefficients are in [0, 1] or [-1, 0]. Where at most k covariates may be
//! used, `-use_j <= b_j <= use_j` with 0-1 columns `use_j`.
//!
//! The M are valid because a rule that is not constant on the data has `-max_k z_k'b <= b0 <= -min_k z_k'b`; constant
//! rules are candidates. Rows are closed on both sides (no margin epsilon), so each optimum bounds every rule of the
//! facet from above, ties included; what it claims is confirmed or cut off by `recover`.

use super::{MergedUnits, Writing};
use crate::model::Piece;
use crate::programs::{MixedIntegerProgram, Row};

/// The facet form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facets {
    /// Adds Radon cuts to the relaxation of each facet.
    pub with_cuts: bool,
}

impl Writing for Facets {
    fn pieces(&self, units: &MergedUnits) -> Vec<Piece> {
        let names = &units.problem().covariates;
        let facets = (0..names.len()).flat_map(|j| [(j, 1.0), (j, -1.0)]);
        let allowed = facets.filter(|&(j, sign)| {
            let (low, high) = units.directions(j);
            low <= sign && sign <= high
        });
        allowed
            .map(|(j, sign)| Piece {
                label: format!("{}={}", names[j], if sign > 0.0 { "+1" } else { "-1" }),
                program: facet(units, j, sign),
            })
            .collect()
    }

    fn with_cuts(&self) -> bool {
        self.with_cuts
    }
}

/// The program with b_covariate = sign.
fn facet(units: &MergedUnits, covariate: usize, sign: f64) -> MixedIntegerProgram {
    let mut program = units.supported_program("linear_rule.facets");
    let reach = (0..units.z[0].len()).filter(|&j| units.varies(j)).count() as f64;
    let bounds = |j: usize| if j == covariate { (sign, sign) } else { units.directions(j) };
    let intercept = units.add_rule(&mut program, reach, bounds);
    for (i, z) in units.z.iter().enumerate() {
        if units.counts(i, true) {
            let m = units.farthest(z, true, bounds);
            program.rows.push(Row::at_least(
                format!("treated[{i}]"),
                -m,
                units.height_terms(i, intercept, -m),
            ));
        }
        if units.counts(i, false) {
            let m = units.farthest(z, false, bounds);
            program.rows.push(Row::at_most(
                format!("untreated[{i}]"),
                0.0,
                units.height_terms(i, intercept, -m),
            ));
        }
    }
    program
}
