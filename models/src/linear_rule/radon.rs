//! Linear rules as a program over labels alone, with Radon cuts.
//!
//! Labels p in {0,1}^m belong to a linear rule exactly when the hulls of the treated and of the untreated points are
//! disjoint. So
//!
//! ```text
//! max  sum_i g_i p_i
//! s.t. sum_{i in L} p_i - sum_{i in R} p_i <= |L| - 1     for all L, R whose hulls meet,     p in {0,1}^m
//! ```
//!
//! Sets L, R with at most p + 2 points suffice (Radon). Without assignment bounds only L within {g > 0} and R within {g < 0}
//! are needed: other labels are free. Cuts are found by one linear program, over convex weights l and r:
//!
//! ```text
//! min  sum_i (1 - p_i) l_i + sum_i p_i r_i   s.t.  sum l = sum r = 1,  sum_i l_i z_i = sum_i r_i z_i,  l, r >= 0
//! ```
//!
//! Under signs b_j >= 0 (or <= 0) the hull of the treated grows by the cone of the rays +e_j (or -e_j): heights do not fall along
//! them. Where only k covariates may be used, p is joined by 0-1 columns `use_j`, `sum_j use_j <= k`, and the hulls may meet along
//! further rays +-e_j for j in N, which holds for rules that use no covariate in N:
//!
//! ```text
//! sum_{i in L} p_i - sum_{i in R} p_i - sum_{j in N} use_j <= |L| - 1
//! ```
//!
//! Rays are columns c >= 0 of the linear program, at a cost of `use_j` for j in N. Its basic solutions rest on at most p + 2 points
//! and rays; each cut is then proved in exact arithmetic on the covariates.

use super::{LinearRule, MergedUnits, Writing};
use crate::exact::Ray;
use crate::model::{LinearOracle, LinearOutcome, OracleError, Piece};
use crate::programs::{MixedIntegerProgram, Row, Sense};

/// Cuts found in one round: more cost linear programs, fewer cost rounds.
const CUTS_A_ROUND: usize = 20;
/// A cut is worth adding where it is broken by more than this.
const BROKEN_BY: f64 = 1e-6;
/// Points whose weight in a basic solution is below this are not part of it.
const IN_SUPPORT: f64 = 1e-9;

/// The label form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Radon;

impl Writing for Radon {
    fn pieces(&self, units: &MergedUnits) -> Vec<Piece> {
        vec![Piece { label: "labels".into(), program: units.supported_program("linear_rule.radon") }]
    }

    fn embed(&self, units: &MergedUnits, rule: &LinearRule) -> Option<Vec<f64>> {
        let labels = units.x.iter().map(|x| f64::from(rule.treats(x)));
        let used = rule.coefficients.iter().map(|b| f64::from(*b != 0.0));
        let used = units.most_covariates().map(|_| used);
        Some(labels.chain(used.into_iter().flatten()).collect())
    }

    fn with_cuts(&self) -> bool {
        true
    }
}

/// Proved cuts that the labels in `columns` (whole or fractional) break. After each cut the points in it are made
/// dearer, so that the next one rests on others.
pub(super) fn cuts_against(
    units: &MergedUnits,
    columns: &[f64],
    oracle: &mut dyn LinearOracle,
) -> Result<Vec<Row>, OracleError> {
    let rays = units.rays();
    let Some((mut program, points)) = separation_program(units, columns, &rays) else {
        return Ok(Vec::new());
    };
    let mut cuts: Vec<Row> = Vec::new();
    for round in 0..CUTS_A_ROUND {
        // Cuts only help: a separation program that cannot be solved (nearly equal points) ends the search for them.
        let Ok(LinearOutcome::Optimal { columns: weights, .. }) = oracle.solve(&program) else {
            break;
        };
        let support = |side: bool| -> Vec<usize> {
            let chosen = points.iter().zip(&weights).filter(|((_, on), w)| **w > IN_SUPPORT && *on == side);
            chosen.map(|((i, _), _)| *i).collect()
        };
        let along = rays.iter().zip(&weights[points.len()..]).filter(|(_, w)| **w > IN_SUPPORT);
        let along: Vec<Ray> = along.map(|(ray, _)| *ray).collect();
        if let Some(cut) = units.radon_cut(&support(true), &along, &support(false)) {
            let broken = cut.activity(columns) > cut.upper + BROKEN_BY;
            if broken && cuts.iter().all(|known| known.terms != cut.terms) {
                cuts.push(cut);
            } else if !broken && round > 0 {
                break;
            }
        }
        for (column, weight) in program.columns.iter_mut().zip(&weights) {
            column.cost += if *weight > IN_SUPPORT { 0.3 } else { 0.0 };
        }
    }
    Ok(cuts)
}

/// The separation program, and the point and side (treated or not) behind each of its columns but the last, which are the
/// `rays`; none where one side has no points.
fn separation_program(
    units: &MergedUnits,
    labels: &[f64],
    rays: &[Ray],
) -> Option<(MixedIntegerProgram, Vec<(usize, bool)>)> {
    let sides = (0..units.gains.len()).flat_map(|i| [(i, true), (i, false)]);
    let points: Vec<(usize, bool)> = sides.filter(|&(i, side)| units.counts(i, side)).collect();
    let mut program = MixedIntegerProgram::new("linear_rule.separation", Sense::Minimize);
    for &(i, side) in &points {
        let cost = if side { 1.0 - labels[i] } else { labels[i] };
        let name = if side { "left" } else { "right" };
        program.continuous(format!("{name}[{i}]"), 0.0, f64::INFINITY, cost.clamp(0.0, 1.0));
    }
    for (number, ray) in rays.iter().enumerate() {
        let cost = if units.is_free(ray) { 0.0 } else { labels[units.use_column(ray.coordinate)] };
        program.continuous(format!("ray[{number}]"), 0.0, f64::INFINITY, cost.clamp(0.0, 1.0));
    }
    for (name, side) in [("left", true), ("right", false)] {
        let of_side = points.iter().enumerate().filter(|(_, (_, on))| *on == side);
        let terms: Vec<_> = of_side.map(|(c, _)| (c, 1.0)).collect();
        if terms.is_empty() {
            return None;
        }
        program.rows.push(Row::equal(name, 1.0, terms));
    }
    for j in (0..units.z[0].len()).filter(|&j| units.varies(j)) {
        let signed =
            |(c, &(i, side)): (usize, &(usize, bool))| (c, if side { units.z[i][j] } else { -units.z[i][j] });
        let step = |ray: &Ray| if ray.positive { 1.0 } else { -1.0 };
        let along = rays.iter().enumerate().filter(|(_, ray)| ray.coordinate == j);
        let along = along.map(|(number, ray)| (points.len() + number, step(ray)));
        let of_points = points.iter().enumerate().map(signed).filter(|(_, v)| *v != 0.0);
        let terms = of_points.chain(along).collect();
        program.rows.push(Row::equal(format!("meet[{j}]"), 0.0, terms));
    }
    Some((program, points))
}
