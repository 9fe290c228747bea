//! The rule of largest margin with given labels, by few rows of its linear program.
//!
//! Only points near the boundary hold the margin down ([`MaximumMargin`]): the program is solved over some points, the points that
//! its answer leaves short of the margin join, and again until none does. Then the answer is that of the whole program.

use prescribe_models::linear_rule::LinearRule;
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::{LinearOracle, OracleError, RuleClass};

use super::directions::Points;

/// Points of each side to start with, and that join in a round.
const ROWS: usize = 40;
/// Rounds before the whole program is solved at once.
const ROUNDS: usize = 30;
/// A point is short of the margin by more than this.
const SHORT: f64 = 1e-9;

/// The rule that treats exactly the points marked in `treated`; none where the linear program finds no such rule.
pub fn widest(
    points: &Points,
    treated: &[bool],
    oracle: &mut dyn LinearOracle,
) -> Result<Option<LinearRule>, OracleError> {
    let units = points.units;
    let problem = units.problem();
    let sides: [Vec<usize>; 2] =
        [true, false].map(|side| (0..points.len()).filter(|&k| treated[k] == side).collect());
    if sides.iter().any(Vec::is_empty) {
        let arm = usize::from(sides[1].is_empty());
        return Ok(Some(problem.class.constant(problem.covariates.len(), arm)));
    }
    let mut rows = sides.each_ref().map(|side| spread(side));
    for round in 0.. {
        let z =
            |side: &Vec<usize>| side.iter().map(|&k| units.z[points.members[k]].clone()).collect::<Vec<_>>();
        let [left, right] = rows.each_ref().map(z);
        let rule = MaximumMargin::new(left, right).solve(oracle)?;
        let margin = |k: &usize| {
            let slopes = units.z[points.members[*k]].iter().zip(&rule.coefficients).map(|(v, b)| v * b);
            let height = rule.intercept + slopes.sum::<f64>();
            if treated[*k] { height } else { -height }
        };
        let held = rows.iter().flatten().map(margin).fold(f64::INFINITY, f64::min);
        if held <= 0.0 {
            // These rows alone leave no room.
            return Ok(None);
        }
        let mut joined = false;
        for (rows, side) in rows.iter_mut().zip(&sides) {
            let mut short: Vec<(f64, usize)> =
                side.iter().map(|k| (margin(k), *k)).filter(|(m, _)| *m < held - SHORT).collect();
            short.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            joined |= !short.is_empty();
            rows.extend(short.iter().take(if round < ROUNDS { ROWS } else { side.len() }).map(|(_, k)| *k));
        }
        if !joined {
            let rule = units.rule(rule.intercept, &rule.coefficients);
            let same = |rule: &LinearRule| {
                points.members.iter().zip(treated).all(|(&i, side)| rule.treats(units.x[i]) == *side)
            };
            return Ok([rule.normalised(), rule].into_iter().find(same));
        }
    }
    Ok(None)
}

/// Some of the points, evenly.
fn spread(side: &[usize]) -> Vec<usize> {
    side.iter().copied().step_by(side.len().div_ceil(ROWS)).collect()
}
