//! Linear rules over K arms as a program over labels alone, with generated cuts.
//!
//! Comparisons (point i, arm k over arm l) can hold together exactly when no combination of their Kesler vectors
//! `(e_k - e_l) (x) (1, x_i)` with positive weights is 0 (Gordan). So, over claims z (m x K):
//!
//! ```text
//! max  sum_ik Gamma_ik z_ik
//! s.t. sum_k z_ik = 1
//!      sum of z_ik over the claims behind T <= their number - 1      for all sets T of comparisons with such a combination
//! ```
//!
//! Sets of at most (K - 1)(p + 1) + 1 comparisons suffice. With K = 2 they are Radon partitions. Cuts are found by one linear
//! program over the weights,
//!
//! ```text
//! min  sum_t (1 - z_t) w_t   s.t.  sum_t w_t v_t = 0,  sum_t w_t = 1,  w >= 0
//! ```
//!
//! whose basic solutions have at most that many comparisons; each cut is then proved in exact arithmetic on the covariates.

use super::MergedUnits;
use super::merged_units::Comparison;
use crate::model::{LinearOracle, LinearOutcome, OracleError};
use crate::programs::{MixedIntegerProgram, Row, Sense};

/// Cuts found in one round: more cost linear programs, fewer cost rounds.
const CUTS_A_ROUND: usize = 20;
/// A cut is worth adding where it is broken by more than this.
const BROKEN_BY: f64 = 1e-6;
/// Comparisons whose weight in a basic solution is below this are not part of it.
const IN_SUPPORT: f64 = 1e-9;

/// Proved cuts that the claims in `columns` (whole or fractional) break. After each round the comparisons in the last solution
/// are made dearer, so that the next one rests on others.
pub(super) fn cuts_against(
    units: &MergedUnits,
    columns: &[f64],
    oracle: &mut dyn LinearOracle,
) -> Result<Vec<Row>, OracleError> {
    let comparisons: Vec<Comparison> = units.all_comparisons().collect();
    let mut cuts: Vec<Row> = Vec::new();
    if comparisons.is_empty() {
        return Ok(cuts);
    }
    let mut program = separation_program(units, &comparisons, columns);
    for _ in 0..CUTS_A_ROUND {
        // Cuts only help: a separation program that cannot be solved (nearly equal points) ends the search for them.
        let Ok(LinearOutcome::Optimal { columns: weights, .. }) = oracle.solve(&program) else {
            break;
        };
        let support: Vec<Comparison> =
            comparisons.iter().zip(&weights).filter(|(_, w)| **w > IN_SUPPORT).map(|(c, _)| *c).collect();
        let broken = |cut: &Row| cut.activity(columns) > cut.upper + BROKEN_BY;
        let new = |cut: &Row| cuts.iter().all(|known| known.terms != cut.terms);
        if let Some(cut) = units.radon_cut(&support).filter(|cut| broken(cut) && new(cut)) {
            cuts.push(cut);
        }
        for (column, weight) in program.columns.iter_mut().zip(&weights) {
            column.cost += if *weight > IN_SUPPORT { 0.3 } else { 0.0 };
        }
    }
    Ok(cuts)
}

/// The separation program, with a column for each comparison.
fn separation_program(
    units: &MergedUnits,
    comparisons: &[Comparison],
    claims: &[f64],
) -> MixedIntegerProgram {
    let mut program = MixedIntegerProgram::new("multi_linear_rule.separation", Sense::Minimize);
    for c in comparisons {
        let cost = 1.0 - claims[units.claim(c.point, c.above)];
        let name = format!("weight[{}.{}.{}]", c.point, c.above, c.below);
        program.continuous(name, 0.0, f64::INFINITY, cost.clamp(0.0, 1.0));
    }
    let vectors: Vec<Vec<f64>> =
        comparisons.iter().map(|c| c.vector(&units.z[c.point], units.arms())).collect();
    for j in 0..vectors[0].len() {
        let terms: Vec<_> = vectors.iter().map(|v| v[j]).enumerate().filter(|(_, v)| *v != 0.0).collect();
        if !terms.is_empty() {
            program.rows.push(Row::equal(format!("zero[{j}]"), 0.0, terms));
        }
    }
    program.rows.push(Row::equal("one", 1.0, (0..comparisons.len()).map(|t| (t, 1.0)).collect()));
    program
}
