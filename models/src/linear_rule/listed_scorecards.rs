//! Linear rules with whole coefficients as one column a coefficient vector.
//!
//! For each vector b of whole numbers with |b_j| <= R, no common divisor, the signs asked for and at most k entries other than 0:
//!
//! ```text
//! max  sum_b V_b z_b     s.t.  sum_b z_b = 1,   0 <= z <= 1
//! V_b = max over thresholds t of  sum_i g_i 1{x_i'b >= t},   labels that break a bound on the assignment or an eligibility left out
//! ```
//!
//! V_b is found by one sweep over the heights x_i'b in their exact order. A rule is fixed by b and t, so the bounds are checked
//! there and need no rows; vectors without any threshold that satisfies them are left out. Constant rules are candidates.
//! Like the extended form of trees, it is whole as it stands; there are at most (2R + 1)^p columns.

use std::cmp::Ordering;

use super::scorecard::{Heights, greatest_common_divisor, middle};
use super::{LinearProblem, LinearRule, MergedUnits, Writing};
use crate::model::{LinearOracle, OracleError, Piece, Recovered};
use crate::programs::Row;

/// The listed form for whole coefficients of size at most `reach`.
#[derive(Clone, Copy, Debug)]
pub struct ListedScorecards {
    pub reach: u32,
}

/// A vector with its best threshold: between two points.
struct Card {
    b: Vec<i64>,
    gain: f64,
    /// The lowest point treated and the highest untreated.
    low: usize,
    high: usize,
}

impl ListedScorecards {
    /// How many vectors are listed, common divisors not yet taken out.
    pub fn count(problem: &LinearProblem, reach: u32) -> f64 {
        let p = problem.covariates.len();
        let most = problem.most_covariates().unwrap_or(p).min(p);
        // Vectors with s entries other than 0 over the covariates so far: each covariate adds an entry or stays 0.
        let mut with = vec![0.0; most + 1];
        with[0] = 1.0;
        for j in 0..p {
            let (low, high) = problem.directions(j);
            let values = (high - low) * f64::from(reach);
            (1..=most).rev().for_each(|s| with[s] += with[s - 1] * values);
        }
        with.iter().sum()
    }

    fn cards(&self, units: &MergedUnits) -> Vec<Card> {
        let mut cards = Vec::new();
        let most = units.problem().most_covariates().unwrap_or(usize::MAX);
        self.list(units, &mut Vec::new(), most, &mut cards);
        cards
    }

    /// Adds the cards that begin with `b` and have at most `most` further entries other than 0.
    fn list(&self, units: &MergedUnits, b: &mut Vec<i64>, most: usize, cards: &mut Vec<Card>) {
        if b.len() == units.z[0].len() {
            let divisor = b.iter().fold(0, |d, v| greatest_common_divisor(d, v.abs()));
            cards.extend(if divisor == 1 { card(units, b) } else { None });
            return;
        }
        let (low, high) = units.directions(b.len());
        let reach = i64::from(self.reach);
        for value in low as i64 * reach..=high as i64 * reach {
            if value == 0 || most > 0 {
                b.push(value);
                self.list(units, b, most - usize::from(value != 0), cards);
                b.pop();
            }
        }
    }
}

/// The best threshold for `b` that leaves someone untreated and someone treated, where one satisfies the constraints on the
/// assignment.
fn card(units: &MergedUnits, b: &[i64]) -> Option<Card> {
    let heights = Heights::new(units, b);
    let mut points: Vec<usize> = (0..units.x.len()).collect();
    points.sort_by(|&i, &k| heights.compare(k, i));
    let mut best: Option<(f64, usize)> = None;
    let mut sweep = units.nobody();
    for (count, pair) in points.windows(2).enumerate() {
        sweep.treat(units, pair[0]);
        let better = best.is_none_or(|(gain, _)| sweep.gain > gain);
        if better && heights.compare(pair[0], pair[1]) != Ordering::Equal && sweep.is_allowed(units) {
            best = Some((sweep.gain, count));
        }
    }
    best.map(|(gain, count)| Card { b: b.to_vec(), gain, low: points[count], high: points[count + 1] })
}

impl Writing for ListedScorecards {
    fn pieces(&self, units: &MergedUnits) -> Vec<Piece> {
        let mut program = units.empty_program("linear_rule.listed_scorecards");
        let cards = self.cards(units);
        if cards.is_empty() {
            return Vec::new();
        }
        let name = |card: &Card| card.b.iter().map(i64::to_string).collect::<Vec<_>>().join(".");
        let columns = cards
            .iter()
            .map(|card| program.continuous(format!("card[{}]", name(card)), 0.0, 1.0, card.gain))
            .collect::<Vec<_>>();
        program.rows.push(Row::equal("one_card", 1.0, columns.iter().map(|&c| (c, 1.0)).collect()));
        vec![Piece { label: "scorecards".into(), program }]
    }

    fn recover(
        &self,
        units: &MergedUnits,
        columns: &[f64],
        _oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        let heaviest = |best: usize, c: usize| if columns[c] > columns[best] { c } else { best };
        let chosen = (0..columns.len()).reduce(heaviest);
        let Some(card) = chosen.and_then(|c| self.cards(units).into_iter().nth(c)) else {
            let nobody = crate::RuleClass::constant(&super::Linear, units.z[0].len(), 0);
            return Ok(Recovered::Unresolved(nobody));
        };
        let heights = Heights::new(units, &card.b);
        let rule = heights.threshold(Some(card.low), Some(card.high));
        let keeps = rule.treats(units.x[card.low]) && !rule.treats(units.x[card.high]);
        Ok(if keeps { Recovered::Point(middle(units, &rule)) } else { Recovered::Unresolved(rule) })
    }

    fn representative(
        &self,
        units: &MergedUnits,
        rule: &LinearRule,
        _oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        Ok(middle(units, rule))
    }
}
