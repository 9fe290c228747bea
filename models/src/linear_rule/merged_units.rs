//! The linear-rule problem as every program sees it: equal units merged, covariates centred and scaled.
//!
//! ```text
//! z_j = (x_j - centre_j) / scale_j  in [-1, 1],   centre_j the midrange, scale_j the half-range
//! b0 + z'b >= 0   <=>   (b0 - sum_j b_j centre_j / scale_j) + sum_j (b_j / scale_j) x_j >= 0
//! ```
//!
//! Merging is what keeps discrete data small; the scale is what makes "b_j = +-1" mean the same for age and income.
//! Scaling rounds, so nothing is decided in z: labels and cuts are confirmed on the covariates as they came.

use std::collections::BTreeMap;

use super::{LinearProblem, LinearRule};
use crate::exact::sum;
use crate::maximum_margin::MaximumMargin;
use crate::model::{LinearOracle, Model, OracleError, Recovered};
use crate::programs::{MixedIntegerProgram, Row};
use crate::side_constraints::AssignmentBound;
use crate::{Sense, exact};

/// Distinct covariate points (m of them) with the sum of the gains of the units there.
#[derive(Clone, Debug)]
pub struct MergedUnits<'a> {
    problem: &'a LinearProblem,
    /// Covariates of each point as given.
    pub x: Vec<&'a [f64]>,
    /// Covariates of each point in [-1, 1].
    pub z: Vec<Vec<f64>>,
    /// Gain of each point.
    pub gains: Vec<f64>,
    bounds: Vec<Bound>,
    centre: Vec<f64>,
    scale: Vec<f64>,
}

/// An assignment bound over the points: `lower <= sum_i weights[i] p_i <= upper`.
#[derive(Clone, Debug)]
struct Bound {
    name: String,
    weights: Vec<f64>,
    lower: f64,
    upper: f64,
}

impl<'a> MergedUnits<'a> {
    pub fn of(problem: &'a LinearProblem) -> Self {
        let mut points: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
        for i in 0..problem.units() {
            let key = problem.unit(i).iter().map(|v| v.to_bits()).collect();
            points.entry(key).or_default().push(i);
        }
        let units: Vec<Vec<usize>> = points.into_values().collect();
        let x: Vec<&[f64]> = units.iter().map(|units| problem.unit(units[0])).collect();
        let gains = units.iter().map(|units| sum(units.iter().map(|&i| problem.gain(i)))).collect();
        let bounds = problem.assignment_bounds().map(|bound| Bound::over(&units, bound)).collect();
        let (centre, scale): (Vec<_>, Vec<_>) =
            problem.x().columns().into_iter().map(|c| midrange(c.iter())).unzip();
        let scaled = |x: &&[f64]| x.iter().zip(&centre).zip(&scale).map(|((v, c), s)| (v - c) / s).collect();
        Self { z: x.iter().map(scaled).collect(), problem, x, gains, bounds, centre, scale }
    }

    pub fn problem(&self) -> &'a LinearProblem {
        self.problem
    }

    /// Whether covariate `j` takes more than one value.
    pub fn varies(&self, j: usize) -> bool {
        self.z.iter().any(|z| z[j] != self.z[0][j])
    }

    /// A rule given in z, in the covariates' own units.
    pub fn rule(&self, intercept: f64, b: &[f64]) -> LinearRule {
        let coefficients: Vec<f64> = b.iter().zip(&self.scale).map(|(b, s)| b / s).collect();
        let shift = sum(coefficients.iter().zip(&self.centre).map(|(b, c)| b * c));
        LinearRule { intercept: intercept - shift, coefficients }
    }

    /// An empty program with a 0-1 column of gain g_i for every point, "treated", in the order of the points: the columns
    /// that all linear forms share and that cuts speak of.
    pub(super) fn labels_program(&self, name: &str) -> MixedIntegerProgram {
        let mut program = MixedIntegerProgram::new(name, Sense::Maximize);
        program.offset = self.problem.value_of_nobody();
        for (i, gain) in self.gains.iter().enumerate() {
            program.binary(format!("treat[{i}]"), *gain);
        }
        for Bound { name, weights, lower, upper } in &self.bounds {
            let terms = weights.iter().copied().enumerate().filter(|(_, weight)| *weight != 0.0).collect();
            program.rows.push(Row { name: name.clone(), lower: *lower, upper: *upper, terms });
        }
        program
    }

    /// Adds the columns of a rule in z (intercept within +-`reach`, b_j within `bounds(j)`); the intercept's index.
    pub(super) fn add_rule(
        &self,
        program: &mut MixedIntegerProgram,
        reach: f64,
        bounds: impl Fn(usize) -> (f64, f64),
    ) -> usize {
        let intercept = program.continuous("intercept", -reach, reach, 0.0);
        for (j, name) in self.problem.covariates.iter().enumerate() {
            let (lower, upper) = bounds(j);
            program.continuous(format!("b[{name}]"), lower, upper, 0.0);
        }
        intercept
    }

    /// The terms of `b0 + z_i'b + label p_i`.
    pub(super) fn height_terms(&self, i: usize, intercept: usize, label: f64) -> Vec<(usize, f64)> {
        let slopes =
            self.z[i].iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(j, v)| (intercept + 1 + j, *v));
        [(i, label), (intercept, 1.0)].into_iter().chain(slopes).collect()
    }

    /// Whether the objective or a bound can gain from calling point `i` treated (or untreated): then a rule must really treat it
    /// so. Without assignment bounds that is the sign of its gain; other labels are free.
    pub(super) fn counts(&self, i: usize, treated: bool) -> bool {
        let gain = if treated { self.gains[i] } else { -self.gains[i] };
        gain > 0.0 || !self.bounds.is_empty()
    }

    /// The points that a solution needs on a side: (treated, untreated).
    fn required(&self, columns: &[f64]) -> (Vec<usize>, Vec<usize>) {
        let on = |treated: bool| {
            (0..self.gains.len()).filter(move |&i| self.counts(i, treated) && (columns[i] > 0.5) == treated)
        };
        (on(true).collect(), on(false).collect())
    }

    /// The certificate loop: the rule of largest margin with the labels that `columns` claims, or, where no rule
    /// has them, the cut that says so.
    pub(super) fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        let (treated, untreated) = self.required(columns);
        let rule = self.widest(&treated, &untreated, oracle)?;
        let keeps = treated.iter().all(|&i| rule.treats(self.x[i]))
            && !untreated.iter().any(|&i| rule.treats(self.x[i]));
        if keeps {
            return Ok(Recovered::Point(self.representative(&rule, oracle)?));
        }
        let cuts = super::radon::cuts_against(self, columns, oracle)?;
        Ok(if cuts.is_empty() { Recovered::Unresolved(rule) } else { Recovered::Cuts(cuts) })
    }

    /// The rule with the same labels as `rule` on every unit and the largest margin; `rule` itself where the linear
    /// program cannot reproduce them.
    pub fn representative(
        &self,
        rule: &LinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        let (treated, untreated): (Vec<usize>, Vec<usize>) =
            (0..self.x.len()).partition(|&i| rule.treats(self.x[i]));
        let wide = self.widest(&treated, &untreated, oracle)?;
        let same = |other: &LinearRule| self.x.iter().all(|x| other.treats(x) == rule.treats(x));
        let candidates = [wide.normalised(), wide];
        Ok(candidates.into_iter().find(same).unwrap_or_else(|| rule.clone()))
    }

    /// Largest-margin rule for the labels; a constant rule where one side is empty.
    fn widest(
        &self,
        treated: &[usize],
        untreated: &[usize],
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        let p = self.centre.len();
        if treated.is_empty() || untreated.is_empty() {
            let arm = usize::from(untreated.is_empty());
            return Ok(crate::RuleClass::constant(&super::Linear, p, arm));
        }
        let points = |side: &[usize]| side.iter().map(|&i| self.z[i].clone()).collect();
        let widest = MaximumMargin::new(points(treated), points(untreated)).solve(oracle)?;
        Ok(self.rule(widest.intercept, &widest.coefficients))
    }

    /// `sum over left p_i - sum over right p_i <= |left| - 1`, where the hulls of `left` and `right` are proved to meet.
    pub(super) fn radon_cut(&self, left: &[usize], right: &[usize]) -> Option<Row> {
        let points = |side: &[usize]| side.iter().map(|&i| self.x[i]).collect::<Vec<_>>();
        if !exact::hulls_meet(&points(left), &points(right)) {
            return None;
        }
        let terms = left.iter().map(|&i| (i, 1.0)).chain(right.iter().map(|&i| (i, -1.0))).collect();
        Some(Row::at_most("radon", left.len() as f64 - 1.0, terms))
    }
}

impl Bound {
    fn over(units: &[Vec<usize>], bound: &AssignmentBound) -> Self {
        let treating =
            |units: &Vec<usize>| sum(units.iter().map(|&i| bound.weights[[i, 1]] - bound.weights[[i, 0]]));
        let nobody = sum(bound.weights.column(0).iter().copied());
        let (lower, upper) = (bound.lower - nobody, bound.upper - nobody);
        Self { name: bound.name.clone(), weights: units.iter().map(treating).collect(), lower, upper }
    }
}

/// Midrange and half-range (1 for a constant) of a column.
pub(crate) fn midrange<'v>(values: impl Iterator<Item = &'v f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    // Halved first: the sum of two large numbers may overflow.
    let (centre, half) = (low / 2.0 + high / 2.0, high / 2.0 - low / 2.0);
    (centre, if half > 0.0 { half } else { 1.0 })
}
