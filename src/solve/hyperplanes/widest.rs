//! The rule of largest margin with given labels, by few rows of its linear program.
//!
//! Only points near the boundary hold the margin down ([`MaximumMargin`]): the program is solved over some points, the points that
//! its answer leaves short of the margin join, and again until none does. Then the answer is that of the whole program. Where points
//! are closer than its tolerances, exact arithmetic takes over ([`separate`]), over some points at a time as well.

use prescribe_models::exact_margin::{Separation, separate};
use prescribe_models::linear_rule::LinearRule;
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::{LinearOracle, OracleError, RuleClass};

use super::super::highs::HighsOracle;
use super::super::line_search;
use super::points::Points;

/// Points of each side to start with, and that join in a round.
const ROWS: usize = 40;
/// Rounds before the whole program is solved at once.
const ROUNDS: usize = 30;
/// A point is short of the margin by more than this.
const SHORT: f64 = 1e-9;
/// Points that join an exact program in a round.
const JOINING: usize = 6;

/// The rule that treats exactly the points marked in `treated`, its coefficients with the signs asked for; none where no rule with
/// `f64` coefficients was found.
pub fn widest(points: &Points, treated: &[bool]) -> Result<Option<LinearRule>, OracleError> {
    let rule = widest_by_program(points, treated, &mut HighsOracle::default())?;
    let labels: Vec<Option<bool>> = treated.iter().copied().map(Some).collect();
    let exact = || match separated(points, &labels, &mut Vec::new(), &mut { usize::MAX }) {
        Some(Separation::Rule(rule)) => Some(rule),
        _ => None,
    };
    Ok(rule.or_else(exact))
}

/// A rule with these labels where there are any, by exact arithmetic; none where that takes more than so many `programs`. `rows` are
/// points to begin with; those that are needed join them. [`Separation::None`] names points by their number.
pub fn separated(
    points: &Points,
    labels: &[Option<bool>],
    rows: &mut Vec<usize>,
    programs: &mut usize,
) -> Option<Separation> {
    let x = |k: usize| points.units.x[points.members[k]];
    for side in [true, false] {
        if !rows.iter().any(|&k| labels[k] == Some(side)) {
            rows.extend((0..points.len()).find(|&k| labels[k] == Some(side)));
        }
    }
    let bounds = points.coefficient_bounds();
    while *programs > 0 {
        let of_side = |side: bool| -> Vec<&[f64]> {
            rows.iter().filter(|&&k| labels[k] == Some(side)).map(|&k| x(k)).collect()
        };
        let (treated, untreated) = (of_side(true), of_side(false));
        if treated.is_empty() || untreated.is_empty() {
            let arm = usize::from(untreated.is_empty());
            return Some(Separation::Rule(points.units.problem().class.constant(bounds.len(), arm)));
        }
        *programs -= 1;
        let rule = match separate(&treated, &untreated, points.units.scale(), &bounds) {
            Separation::Rule(rule) => rule,
            Separation::None(meeting) => {
                let of_side = |side: bool| rows.iter().copied().filter(move |&k| labels[k] == Some(side));
                let numbers: Vec<usize> = of_side(true).chain(of_side(false)).collect();
                return Some(Separation::None(
                    meeting.into_iter().map(|position| numbers[position]).collect(),
                ));
            }
            Separation::Unrepresentable => return Some(Separation::Unrepresentable),
        };
        let beta = [&[rule.intercept], &rule.coefficients[..]].concat();
        let wrong = |k: &usize| labels[*k].is_some_and(|side| rule.treats(x(*k)) != side);
        let mut joining: Vec<(f64, usize)> =
            (0..points.len()).filter(wrong).map(|k| (line_search::height(&beta, x(k)).abs(), k)).collect();
        if joining.is_empty() {
            return Some(Separation::Rule(rule));
        }
        joining.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        rows.extend(joining.iter().take(JOINING).map(|(_, k)| *k));
    }
    None
}

/// The rule that treats exactly the points marked in `treated`, its coefficients with the signs asked for; none where the linear
/// program finds no such rule.
pub fn widest_by_program(
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
        let rule = MaximumMargin::new(left, right).within(points.coefficient_bounds()).solve(oracle)?;
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
