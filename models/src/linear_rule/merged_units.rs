//! The linear-rule problem as every program sees it: equal units merged, covariates centred and scaled.
//!
//! ```text
//! z_j = (x_j - centre_j) / scale_j  in [-1, 1],   centre_j the midrange, scale_j the half-range
//! b0 + z'b >= 0   <=>   (b0 - sum_j b_j centre_j / scale_j) + sum_j (b_j / scale_j) x_j >= 0
//! ```
//!
//! Side constraints, in these terms: an assignment bound is a row over labels; a unit that may not get an arm has its label fixed by
//! a row; a sign is a bound on b_j, since scale_j > 0; at most k covariates are 0-1 columns `use[j]` after the labels with
//! `sum_j use_j <= k` and `-use_j <= b_j <= use_j`.
//!
//! Merging is what keeps discrete data small; the scale is what makes "b_j = +-1" mean the same for age and income.
//! Scaling rounds, so nothing is decided in z: labels and cuts are confirmed on the covariates as they came.

use std::collections::BTreeMap;

use super::{LinearProblem, LinearRule};
use crate::exact::{Ray, sum};
use crate::maximum_margin::MaximumMargin;
use crate::model::{LinearOracle, Model, OracleError, Recovered};
use crate::programs::{MixedIntegerProgram, Row};
use crate::side_constraints::AssignmentBound;
use crate::{Sense, exact};

/// Beyond this many points the exact reach, which compares every pair of points, gives way to a slightly larger one.
const COMPARED_UP_TO: usize = 2000;

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
    /// The point of each unit.
    pub point_of: Vec<usize>,
    bounds: Vec<Bound>,
    /// For each point, whether some unit there may not stay untreated, may not be treated.
    barred: Vec<[bool; 2]>,
    /// For each point, whether more than its gain may come from its being untreated, treated.
    wanted: Vec<[bool; 2]>,
    /// For each covariate, whether it takes more than one value.
    varies: Vec<bool>,
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
    /// The sum where nobody is treated, already taken from both ends.
    nobody: f64,
}

impl<'a> MergedUnits<'a> {
    pub fn of(problem: &'a LinearProblem) -> Self {
        let mut points: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
        for i in 0..problem.units() {
            let key = problem.unit(i).iter().map(|v| v.to_bits()).collect();
            points.entry(key).or_default().push(i);
        }
        let units: Vec<Vec<usize>> = points.into_values().collect();
        let mut point_of = vec![0; problem.units()];
        units.iter().enumerate().for_each(|(k, units)| units.iter().for_each(|&i| point_of[i] = k));
        let x: Vec<&[f64]> = units.iter().map(|units| problem.unit(units[0])).collect();
        let gains = units.iter().map(|units| sum(units.iter().map(|&i| problem.gain(i)))).collect();
        let bounds = problem.assignment_bounds().map(|bound| Bound::over(&units, bound)).collect();
        let (centre, scale): (Vec<_>, Vec<_>) =
            problem.x().columns().into_iter().map(|c| midrange(c.iter())).unzip();
        let scaled = |x: &&[f64]| x.iter().zip(&centre).zip(&scale).map(|((v, c), s)| (v - c) / s).collect();
        let z: Vec<Vec<f64>> = x.iter().map(scaled).collect();
        let barred = |units: &Vec<usize>| [0, 1].map(|k| units.iter().any(|&i| !problem.may_get(i, k)));
        let barred = units.iter().map(barred).collect();
        let wanted = vec![[false; 2]; units.len()];
        let varies = (0..centre.len()).map(|j| z.iter().any(|point| point[j] != z[0][j])).collect();
        Self { problem, x, z, gains, point_of, bounds, barred, wanted, varies, centre, scale }
    }

    /// The same where an objective beside the gains wants unit i untreated, treated as `wanted[i]` says.
    pub(crate) fn wanting(mut self, wanted: &[[bool; 2]]) -> Self {
        for (&point, [untreated, treated]) in self.point_of.iter().zip(wanted) {
            self.wanted[point][0] |= untreated;
            self.wanted[point][1] |= treated;
        }
        self
    }

    pub fn problem(&self) -> &'a LinearProblem {
        self.problem
    }

    /// Half the range of each covariate.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Whether covariate `j` takes more than one value.
    pub fn varies(&self, j: usize) -> bool {
        self.varies[j]
    }

    /// The directions that b_j may take: 0 alone where the covariate never varies.
    pub(super) fn directions(&self, j: usize) -> (f64, f64) {
        if self.varies[j] { self.problem.directions(j) } else { (0.0, 0.0) }
    }

    /// The most covariates that a rule may look at, where that excludes any rule.
    pub(super) fn most_covariates(&self) -> Option<usize> {
        let varying = self.varies.iter().filter(|varies| **varies).count();
        self.problem.most_covariates().filter(|most| *most < varying)
    }

    /// The column `use[j]` of forms that have it.
    pub(super) fn use_column(&self, j: usize) -> usize {
        self.gains.len() + j
    }

    /// A rule given in z, in the covariates' own units.
    pub fn rule(&self, intercept: f64, b: &[f64]) -> LinearRule {
        let coefficients: Vec<f64> = b.iter().zip(&self.scale).map(|(b, s)| b / s).collect();
        let shift = sum(coefficients.iter().zip(&self.centre).map(|(b, c)| b * c));
        LinearRule { intercept: intercept - shift, coefficients }
    }

    /// A program without columns, worth what treating nobody is.
    pub(super) fn empty_program(&self, name: &str) -> MixedIntegerProgram {
        let mut program = MixedIntegerProgram::new(name, Sense::Maximize);
        program.offset = self.problem.value_of_nobody();
        program
    }

    /// A program with a 0-1 column of gain g_i for every point, "treated", in the order of the points: the columns
    /// that all linear forms share and that cuts speak of.
    pub(super) fn labels_program(&self, name: &str) -> MixedIntegerProgram {
        let mut program = self.empty_program(name);
        for (i, gain) in self.gains.iter().enumerate() {
            program.binary(format!("treat[{i}]"), *gain);
        }
        for Bound { name, weights, lower, upper, .. } in &self.bounds {
            let terms = weights.iter().copied().enumerate().filter(|(_, weight)| *weight != 0.0).collect();
            program.rows.push(Row { name: name.clone(), lower: *lower, upper: *upper, terms });
        }
        for (i, [untreated, treated]) in self.barred.iter().enumerate() {
            let only = |label: f64| Row::equal(format!("eligible[{i}]"), label, vec![(i, 1.0)]);
            program.rows.extend(untreated.then(|| only(1.0)));
            program.rows.extend(treated.then(|| only(0.0)));
        }
        program
    }

    /// As [`MergedUnits::labels_program`], with the columns `use[j]` where only some covariates may be used.
    pub(super) fn supported_program(&self, name: &str) -> MixedIntegerProgram {
        let mut program = self.labels_program(name);
        let Some(most) = self.most_covariates() else { return program };
        let used = self.problem.covariates.iter().map(|name| program.binary(format!("use[{name}]"), 0.0));
        let terms = used.map(|column| (column, 1.0)).collect();
        program.rows.push(Row::at_most("maximum_covariates", most as f64, terms));
        program
    }

    /// Adds the columns of a rule in z (intercept within +-`reach`, b_j within `bounds(j)`) and ties them to the columns `use[j]`;
    /// the intercept's index.
    pub(super) fn add_rule(
        &self,
        program: &mut MixedIntegerProgram,
        reach: f64,
        bounds: impl Fn(usize) -> (f64, f64),
    ) -> usize {
        let intercept = program.continuous("intercept", -reach, reach, 0.0);
        for (j, name) in self.problem.covariates.iter().enumerate() {
            let (lower, upper) = bounds(j);
            let b = program.continuous(format!("b[{name}]"), lower, upper, 0.0);
            if self.most_covariates().is_some() {
                let terms = |sign: f64| vec![(b, sign), (self.use_column(j), -1.0)];
                program.rows.push(Row::at_most(format!("above[{name}]"), 0.0, terms(1.0)));
                program.rows.push(Row::at_most(format!("below[{name}]"), 0.0, terms(-1.0)));
            }
        }
        intercept
    }

    /// `max over the points k and over b within bounds of (z_k - z)'b`, or of `(z - z_k)'b` where `towards` is false: how far any
    /// rule with another label somewhere must reach. Among many points an upper bound on it, over the corners of the box
    /// [-1, 1]^p that holds them.
    pub(super) fn farthest(&self, z: &[f64], towards: bool, bounds: impl Fn(usize) -> (f64, f64)) -> f64 {
        let bounds: Vec<(f64, f64)> = (0..z.len()).map(bounds).collect();
        let sign = if towards { 1.0 } else { -1.0 };
        let along = |j: usize, difference: f64| {
            let (low, high) = bounds[j];
            (sign * low * difference).max(sign * high * difference)
        };
        let reach = |other: &Vec<f64>| -> f64 {
            other.iter().zip(z).enumerate().map(|(j, (a, b))| along(j, a - b)).sum()
        };
        let farthest = match self.z.len() {
            ..=COMPARED_UP_TO => self.z.iter().map(reach).fold(0.0, f64::max),
            _ => z.iter().enumerate().map(|(j, v)| along(j, 1.0 - v).max(along(j, -1.0 - v))).sum(),
        };
        // A relative inch more than computed: rounding must not cut a point off its own rule.
        farthest * (1.0 + 1e-12)
    }

    /// The terms of `b0 + z_i'b + label p_i`.
    pub(super) fn height_terms(&self, i: usize, intercept: usize, label: f64) -> Vec<(usize, f64)> {
        let slopes =
            self.z[i].iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(j, v)| (intercept + 1 + j, *v));
        [(i, label), (intercept, 1.0)].into_iter().chain(slopes).collect()
    }

    /// Whether the objective or a constraint can gain from calling point `i` treated (or untreated): then a rule must really treat
    /// it so. Without assignment bounds that is the sign of its gain, what else is wanted of it, or the only label that it may have; other
    /// labels are free.
    pub(super) fn counts(&self, i: usize, treated: bool) -> bool {
        let gain = if treated { self.gains[i] } else { -self.gains[i] };
        let wanted = gain > 0.0 || self.wanted[i][usize::from(treated)];
        wanted || !self.bounds.is_empty() || self.barred[i][usize::from(!treated)]
    }

    /// The points that a solution needs on a side: (treated, untreated).
    pub(super) fn required(&self, columns: &[f64]) -> (Vec<usize>, Vec<usize>) {
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
        let used = |j: usize| self.most_covariates().is_none() || columns[self.use_column(j)] > 0.5;
        let rule = self.widest(&treated, &untreated, &used, oracle)?;
        let keeps = treated.iter().all(|&i| rule.treats(self.x[i]))
            && !untreated.iter().any(|&i| rule.treats(self.x[i]));
        if keeps {
            return Ok(Recovered::Point(self.representative(&rule, oracle)?));
        }
        let cuts = super::radon::cuts_against(self, columns, oracle)?;
        Ok(if cuts.is_empty() { Recovered::Unresolved(rule) } else { Recovered::Cuts(cuts) })
    }

    /// The rule with the same labels as `rule` on every unit and the largest margin, under the same constraints on coefficients
    /// (and over the same covariates, where only some may be used); `rule` itself where the linear program cannot reproduce the labels.
    pub fn representative(
        &self,
        rule: &LinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        let (treated, untreated): (Vec<usize>, Vec<usize>) =
            (0..self.x.len()).partition(|&i| rule.treats(self.x[i]));
        let used = |j: usize| self.most_covariates().is_none() || rule.coefficients[j] != 0.0;
        let wide = self.widest(&treated, &untreated, &used, oracle)?;
        let same = |other: &LinearRule| self.x.iter().all(|x| other.treats(x) == rule.treats(x));
        let candidates = [wide.normalised(), wide];
        Ok(candidates.into_iter().find(same).unwrap_or_else(|| rule.clone()))
    }

    /// Largest-margin rule for the labels over the covariates `used`, with the signs asked for; a constant rule where one side
    /// is empty.
    fn widest(
        &self,
        treated: &[usize],
        untreated: &[usize],
        used: &dyn Fn(usize) -> bool,
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        let p = self.centre.len();
        if treated.is_empty() || untreated.is_empty() {
            let arm = usize::from(untreated.is_empty());
            return Ok(crate::RuleClass::constant(&super::Linear, p, arm));
        }
        let points = |side: &[usize]| side.iter().map(|&i| self.z[i].clone()).collect();
        let bounds = (0..p).map(|j| if used(j) { self.directions(j) } else { (0.0, 0.0) }).collect();
        let widest = MaximumMargin::new(points(treated), points(untreated)).within(bounds).solve(oracle)?;
        Ok(self.rule(widest.intercept, &widest.coefficients))
    }

    /// `sum over left p_i - sum over right p_i - sum over unused use_j <= |left| - 1`, where the hull of `left` plus the cone of `rays`
    /// is proved to meet the hull of `right`. A ray is free where b_j may not have the other sign; any other ray along j is
    /// worth nothing unless b_j = 0, so it puts j among the `unused`.
    pub(super) fn radon_cut(&self, left: &[usize], rays: &[Ray], right: &[usize]) -> Option<Row> {
        let points = |side: &[usize]| side.iter().map(|&i| self.x[i]).collect::<Vec<_>>();
        if !exact::cone_meets(&points(left), rays, &points(right)) {
            return None;
        }
        let unused = rays.iter().filter(|ray| !self.is_free(ray)).map(|ray| self.use_column(ray.coordinate));
        let labels = left.iter().map(|&i| (i, 1.0)).chain(right.iter().map(|&i| (i, -1.0)));
        let terms = labels.chain(unused.map(|column| (column, -1.0))).collect();
        Some(Row::at_most("radon", left.len() as f64 - 1.0, terms))
    }

    /// Whether the signs asked for give `b'ray >= 0` for every rule.
    pub(super) fn is_free(&self, ray: &Ray) -> bool {
        let (low, high) = self.problem.directions(ray.coordinate);
        if ray.positive { low >= 0.0 } else { high <= 0.0 }
    }

    /// The rays that cuts may use: those that are free, and where only some covariates may be used all others as well.
    pub(super) fn rays(&self) -> Vec<Ray> {
        let varying = (0..self.varies.len()).filter(|&j| self.varies[j]);
        let both = varying.flat_map(|coordinate| [true, false].map(|positive| Ray { coordinate, positive }));
        both.filter(|ray| self.most_covariates().is_some() || self.is_free(ray)).collect()
    }
}

/// Labels that begin with nobody treated and treat one point after the other.
pub(super) struct Sweep {
    pub gain: f64,
    /// `sum_i w_i p_i` of each assignment bound.
    used: Vec<f64>,
    /// How many points have a label that one of their units may not have.
    barred: usize,
}

impl MergedUnits<'_> {
    pub(super) fn nobody(&self) -> Sweep {
        let barred = self.barred.iter().filter(|[untreated, _]| *untreated).count();
        Sweep { gain: 0.0, used: vec![0.0; self.bounds.len()], barred }
    }
}

impl Sweep {
    pub(super) fn treat(&mut self, units: &MergedUnits, i: usize) {
        self.gain += units.gains[i];
        self.used.iter_mut().zip(&units.bounds).for_each(|(used, bound)| *used += bound.weights[i]);
        let [untreated, treated] = units.barred[i].map(usize::from);
        self.barred = self.barred + treated - untreated;
    }

    /// Whether the labels satisfy the bounds and everyone may have theirs.
    pub(super) fn is_allowed(&self, units: &MergedUnits) -> bool {
        let bounds = self.used.iter().zip(&units.bounds).zip(units.problem.assignment_bounds());
        let mut within = bounds.map(|((used, merged), bound)| bound.slack(used + merged.nobody) >= 0.0);
        self.barred == 0 && within.all(|within| within)
    }
}

impl Bound {
    fn over(units: &[Vec<usize>], bound: &AssignmentBound) -> Self {
        let treating =
            |units: &Vec<usize>| sum(units.iter().map(|&i| bound.weights[[i, 1]] - bound.weights[[i, 0]]));
        let nobody = sum(bound.weights.column(0).iter().copied());
        let (lower, upper) = (bound.lower - nobody, bound.upper - nobody);
        Self { name: bound.name.clone(), weights: units.iter().map(treating).collect(), lower, upper, nobody }
    }
}

/// Midrange and half-range (1 for a constant) of a column.
pub(crate) fn midrange<'v>(values: impl Iterator<Item = &'v f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    // Halved first: the sum of two large numbers may overflow.
    let (centre, half) = (low / 2.0 + high / 2.0, high / 2.0 - low / 2.0);
    (centre, if half > 0.0 { half } else { 1.0 })
}
