//! Linear rules with whole coefficients, b_j in {-R, .., R} in the covariates' own units.
//!
//! With a 0-1 column w_jv for every covariate j that varies and every value v that b_j may have (signs leave some out), c and s the
//! centre and scale of each covariate, S the largest scale:
//!
//! ```text
//! max  sum_i g_i p_i
//! s.t. sum_v w_jv = 1                                      each j
//!      sum_j (1 - w_j0) <= k                               where at most k covariates may be used
//!      h_i = b0 + sum_{j,v} v ((x_ij - c_j) / S) w_jv      height of point i, divided by S
//!      h_i >= -M_i^- (1 - p_i)                             where p_i = 1 counts
//!      h_i <=  M_i^+ p_i - (e / S) (1 - p_i)               where p_i = 0 counts,      p_i in {0, 1}
//! ```
//!
//! e = 1 where all covariates are whole: so are all heights x'b then, b0 may be minus the least of the treated ones, and every
//! untreated unit is at least 1 below. Otherwise e = 0, the rows are closed, and a solution may claim labels that no threshold
//! gives. Coefficients read off w decide: with heights compared exactly, either all points that must be treated are above all
//! that must not, and the threshold goes to the middle of the gap, or the order of the heights between them becomes cuts,
//!
//! ```text
//! sum_j w_{j,b_j} + p_i - p_k <= number of j          x_i'b <= x_k'b: with these coefficients treating i implies treating k
//! ```
//!
//! for b and its whole multiples and parts. So each direction is visited at most once in vain.

use std::cmp::Ordering;

use super::{LinearRule, MergedUnits, Writing};
use crate::exact::sign_of_affine;
use crate::model::{LinearOracle, OracleError, Piece, Recovered};
use crate::programs::{MixedIntegerProgram, Row};

/// How many roundings the computed height of a point may be off.
const ROUNDINGS: usize = 4;

/// Sums of whole numbers below this are exact.
const WHOLE_UP_TO: f64 = (1_u64 << 52) as f64;

/// The form for whole coefficients of size at most `reach`.
#[derive(Clone, Copy, Debug)]
pub struct Scorecard {
    pub reach: u32,
}

/// The columns w of one covariate: the first one's index, and the values from `low` to `high` that they stand for.
#[derive(Clone, Copy, Debug)]
struct Choice {
    covariate: usize,
    first: usize,
    low: i64,
    high: i64,
}

impl Choice {
    /// The column of "the coefficient is `value`".
    fn column(&self, value: i64) -> Option<usize> {
        (self.low..=self.high).contains(&value).then(|| self.first + (value - self.low) as usize)
    }
}

impl Scorecard {
    /// The columns w, after the labels.
    fn choices(&self, units: &MergedUnits) -> Vec<Choice> {
        let mut first = units.gains.len();
        let mut choices = Vec::new();
        for covariate in (0..units.z[0].len()).filter(|&j| units.varies(j)) {
            let (low, high) = self.bounds(units, covariate);
            let choice = Choice { covariate, first, low: low as i64, high: high as i64 };
            first += (choice.high - choice.low + 1) as usize;
            choices.push(choice);
        }
        choices
    }

    /// The range of b_j.
    fn bounds(&self, units: &MergedUnits, j: usize) -> (f64, f64) {
        let (low, high) = units.directions(j);
        (low * f64::from(self.reach), high * f64::from(self.reach))
    }

    fn program(&self, units: &MergedUnits) -> MixedIntegerProgram {
        let mut program = units.labels_program("linear_rule.scorecard");
        let choices = self.choices(units);
        for choice in &choices {
            let name = &units.problem().covariates[choice.covariate];
            let columns =
                (choice.low..=choice.high).map(|value| program.binary(format!("b[{name}]={value}"), 0.0));
            let terms = columns.map(|column| (column, 1.0)).collect();
            program.rows.push(Row::equal(format!("one[{name}]"), 1.0, terms));
        }
        if let Some(most) = units.most_covariates() {
            let terms = choices.iter().filter_map(|choice| choice.column(0)).map(|column| (column, 1.0));
            let unused = choices.len() as f64 - most as f64;
            program.rows.push(Row::at_least("maximum_covariates", unused, terms.collect()));
        }
        self.add_heights(units, &choices, &mut program);
        program
    }

    fn add_heights(&self, units: &MergedUnits, choices: &[Choice], program: &mut MixedIntegerProgram) {
        let largest = units.scale().iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let share = |j: usize| units.scale()[j] / largest;
        let reach = choices.iter().map(|choice| f64::from(self.reach) * share(choice.covariate)).sum::<f64>();
        let whole = units.x.iter().all(|x| x.iter().all(|v| v.fract() == 0.0));
        let margin = if whole { 1.0 / largest } else { 0.0 };
        let intercept = program.continuous("intercept", -reach - margin, reach + margin, 0.0);
        let bounds = |j: usize| {
            let (low, high) = self.bounds(units, j);
            (low * share(j), high * share(j))
        };
        for (i, z) in units.z.iter().enumerate() {
            let terms = |label: f64| -> Vec<(usize, f64)> {
                let slope = |c: &Choice| {
                    let along = z[c.covariate] * share(c.covariate);
                    let first = c.first;
                    (c.low..=c.high).enumerate().map(move |(n, value)| (first + n, value as f64 * along))
                };
                let slopes = choices.iter().flat_map(slope).filter(|(_, a)| *a != 0.0);
                [(i, label), (intercept, 1.0)].into_iter().chain(slopes).collect()
            };
            if units.counts(i, true) {
                let m = units.farthest(z, true, bounds) + margin;
                program.rows.push(Row::at_least(format!("treated[{i}]"), -m, terms(-m)));
            }
            if units.counts(i, false) {
                let m = units.farthest(z, false, bounds);
                program.rows.push(Row::at_most(format!("untreated[{i}]"), -margin, terms(-m - margin)));
            }
        }
    }

    /// The coefficients that `columns` choose.
    fn coefficients(&self, units: &MergedUnits, columns: &[f64]) -> Vec<i64> {
        let mut chosen = vec![0; units.z[0].len()];
        for choice in self.choices(units) {
            let weight = |value: &i64| choice.column(*value).map_or(0.0, |column| columns[column]);
            let values = choice.low..=choice.high;
            let heavier = |best: i64, next: i64| if weight(&next) > weight(&best) { next } else { best };
            chosen[choice.covariate] = values.reduce(heavier).unwrap_or(0);
        }
        chosen
    }

    /// The cuts that the order of heights under `b` gives between the lowest point that is called treated and the highest that
    /// is called untreated, which is not below it.
    fn cuts(&self, units: &MergedUnits, b: &[i64], low: usize, high: usize) -> Vec<Row> {
        let heights = Heights::new(units, b);
        let within = |i: &usize| {
            heights.compare(low, *i) != Ordering::Greater && heights.compare(*i, high) != Ordering::Greater
        };
        let mut points: Vec<usize> = (0..units.x.len()).filter(within).collect();
        points.sort_by(|&i, &k| heights.compare(i, k));
        let pairs = points.windows(2).flat_map(|pair| {
            let equal = heights.compare(pair[0], pair[1]) == Ordering::Equal;
            std::iter::once((pair[0], pair[1])).chain(equal.then_some((pair[1], pair[0])))
        });
        let pairs: Vec<(usize, usize)> = pairs.collect();
        let choices = self.choices(units);
        let mut cuts = Vec::new();
        for multiple in multiples(b, self.reach) {
            let chosen: Option<Vec<usize>> =
                choices.iter().map(|choice| choice.column(multiple[choice.covariate])).collect();
            let Some(chosen) = chosen else { continue };
            for &(i, k) in &pairs {
                let labels = [(i, 1.0), (k, -1.0)];
                let terms = labels.into_iter().chain(chosen.iter().map(|&column| (column, 1.0))).collect();
                cuts.push(Row::at_most("order", chosen.len() as f64, terms));
            }
        }
        cuts
    }
}

impl Writing for Scorecard {
    fn pieces(&self, units: &MergedUnits) -> Vec<Piece> {
        vec![Piece { label: "scorecard".into(), program: self.program(units) }]
    }

    fn recover(
        &self,
        units: &MergedUnits,
        columns: &[f64],
        _oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        let b = self.coefficients(units, columns);
        let (treated, untreated) = units.required(columns);
        let heights = Heights::new(units, &b);
        let low = treated.into_iter().min_by(|&i, &k| heights.compare(i, k));
        let high = untreated.into_iter().max_by(|&i, &k| heights.compare(i, k));
        if let Some((low, high)) = low.zip(high)
            && heights.compare(low, high) != Ordering::Greater
        {
            return Ok(Recovered::Cuts(self.cuts(units, &b, low, high)));
        }
        let rule = heights.threshold(low, high);
        let keeps =
            low.is_none_or(|i| rule.treats(units.x[i])) && high.is_none_or(|i| !rule.treats(units.x[i]));
        // Heights so close that no intercept tells them apart in floating point.
        let Some(rule) = keeps.then(|| middle(units, &rule)) else { return Ok(Recovered::Unresolved(rule)) };
        Ok(Recovered::Point(rule))
    }

    /// The rule with the same coefficients and labels, its threshold in the middle of the gap.
    fn representative(
        &self,
        units: &MergedUnits,
        rule: &LinearRule,
        _oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        Ok(middle(units, rule))
    }
}

/// `rule` with its threshold in the middle between the lowest treated and the highest untreated unit; `rule` itself where
/// rounding would change a label.
pub(super) fn middle(units: &MergedUnits, rule: &LinearRule) -> LinearRule {
    let (treated, untreated): (Vec<usize>, Vec<usize>) =
        (0..units.x.len()).partition(|&i| rule.treats(units.x[i]));
    let heights = Heights::of(units, rule.coefficients.clone());
    let low = treated.into_iter().min_by(|&i, &k| heights.compare(i, k));
    let high = untreated.into_iter().max_by(|&i, &k| heights.compare(i, k));
    let centred = heights.threshold(low, high);
    let same = units.x.iter().all(|x| centred.treats(x) == rule.treats(x));
    if same { centred } else { rule.clone() }
}

/// The heights x_i'b of all points, compared exactly.
pub(super) struct Heights<'u> {
    units: &'u MergedUnits<'u>,
    coefficients: Vec<f64>,
    computed: Vec<f64>,
    /// How far the difference of two computed heights may be off.
    error: f64,
}

impl<'u> Heights<'u> {
    pub(super) fn new(units: &'u MergedUnits, b: &[i64]) -> Self {
        Self::of(units, b.iter().map(|v| *v as f64).collect())
    }

    fn of(units: &'u MergedUnits, coefficients: Vec<f64>) -> Self {
        let products = |x: &'u [f64]| x.iter().zip(&coefficients).map(|(v, b)| v * b);
        let computed = units.x.iter().map(|x| products(x).sum()).collect();
        let size = units.x.iter().map(|x| products(x).map(f64::abs).sum::<f64>()).fold(0.0, f64::max);
        let whole = |v: &f64| v.fract() == 0.0;
        let exact = size < WHOLE_UP_TO
            && coefficients.iter().all(whole)
            && units.x.iter().all(|x| x.iter().all(whole));
        // p products and p sums each, for two heights and their difference; doubled for the roundings of `size`.
        let rounding = 4.0 * (coefficients.len() + 2) as f64 * f64::EPSILON * size + f64::MIN_POSITIVE;
        let error = if exact { 0.0 } else { rounding };
        Self { units, computed, error, coefficients }
    }

    /// The order of x_i'b and x_k'b.
    pub(super) fn compare(&self, i: usize, k: usize) -> Ordering {
        let difference = self.computed[i] - self.computed[k];
        if self.error == 0.0 || (difference.abs() > self.error && difference.is_finite()) {
            return (difference + 0.0).total_cmp(&0.0);
        }
        let opposite: Vec<f64> = self.coefficients.iter().chain(&self.coefficients).copied().collect();
        let signed: Vec<f64> =
            self.units.x[i].iter().copied().chain(self.units.x[k].iter().map(|v| -v)).collect();
        sign_of_affine(0.0, &opposite, &signed)
    }

    /// The rule whose threshold is in the middle between point `low`, the lowest to treat, and `high`, the highest not to treat;
    /// without one of them a constant rule.
    pub(super) fn threshold(&self, low: Option<usize>, high: Option<usize>) -> LinearRule {
        let height =
            |i: usize| crate::exact::sum(self.units.x[i].iter().zip(&self.coefficients).map(|(v, b)| v * b));
        let rule = |intercept: f64| LinearRule { intercept, coefficients: self.coefficients.clone() };
        match (low, high) {
            (Some(low), Some(high)) => {
                let middle = -(height(low) / 2.0 + height(high) / 2.0);
                // Where the gap is a few roundings wide: the numbers next to the end of it.
                let lowest = (0..ROUNDINGS).fold(-height(low), |v, _| v.next_down());
                let near = std::iter::successors(Some(lowest), |v| Some(v.next_up())).take(2 * ROUNDINGS + 1);
                let divides =
                    |rule: &LinearRule| rule.treats(self.units.x[low]) && !rule.treats(self.units.x[high]);
                std::iter::once(middle).chain(near).map(rule).find(divides).unwrap_or_else(|| rule(middle))
            }
            (low, _) => {
                let arm = usize::from(low.is_some());
                crate::RuleClass::constant(&super::Linear, self.coefficients.len(), arm)
            }
        }
    }
}

/// The whole multiples of the shortest whole vector along `b`, up to size `reach`; `b` alone where it is 0.
fn multiples(b: &[i64], reach: u32) -> Vec<Vec<i64>> {
    let divisor = b.iter().fold(0, |d, v| greatest_common_divisor(d, v.abs()));
    if divisor == 0 {
        return vec![b.to_vec()];
    }
    let shortest: Vec<i64> = b.iter().map(|v| v / divisor).collect();
    let largest = shortest.iter().map(|v| v.abs()).max().unwrap_or(1);
    (1..=i64::from(reach) / largest).map(|t| shortest.iter().map(|v| t * v).collect()).collect()
}

pub(super) fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
