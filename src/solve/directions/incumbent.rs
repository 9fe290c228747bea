//! The best rule so far: where the first one comes from, and which one is returned.

use prescribe_models::linear_rule::{LinearRule, MergedUnits};
use prescribe_models::{Model, RuleClass};

use super::super::highs::HighsOracle;
use super::super::line_search::{self, Beta};
use super::super::widest::widest;
use super::super::{Options, Smooth, SolveError, Solver, Stage, Watch};
use super::points::Points;

/// Up to so many merged units the smooth approximation's runs and exact line searches cost less than they save.
const SMOOTHED: usize = 3_000;
const CLIMBED: usize = 30_000;

pub struct Incumbent<'p> {
    points: &'p Points<'p>,
    pub rule: LinearRule,
    /// Its total gain in quanta.
    pub value: i64,
}

impl<'p> Incumbent<'p> {
    /// `rule`, by exact evaluation.
    pub fn new(points: &'p Points<'p>, rule: LinearRule) -> Self {
        Self { value: points.value(&rule), points, rule }
    }

    /// The best of the constant rules and `start`.
    fn of(points: &'p Points<'p>, start: Option<&LinearRule>) -> Self {
        let problem = points.units.problem();
        let p = problem.covariates.len();
        let mut best = Self { points, rule: problem.class.constant(p, 0), value: 0 };
        let everybody = problem.class.constant(p, 1);
        let start = start.filter(|rule| problem.violations(rule).is_empty()).cloned();
        for rule in std::iter::once(everybody).chain(start) {
            best.offer(points.value(&rule), rule);
        }
        best
    }

    /// Takes `rule`, whose total gain is `value`, where it is better.
    pub fn offer(&mut self, value: i64, rule: LinearRule) {
        if value > self.value {
            (self.value, self.rule) = (value, rule);
        }
    }

    /// Looks for a good rule: the best threshold along the gain's regression on the covariates and, where the units are few enough for
    /// it to be cheap, the ends of the smooth approximation's runs; exact line searches from the best.
    fn improve(&mut self, options: &Options, watch: &Watch) -> Result<(), SolveError> {
        let units = self.points.units;
        if self.points.len() == 0 {
            return Ok(());
        }
        let regression = regression(units);
        let mut ends = vec![regression];
        if units.z.len() <= SMOOTHED {
            let smooth = Smooth { stage: Stage::MultiStart };
            let answer = smooth.search(units.problem(), None, options, watch)?;
            ends.extend(answer.point.map(|rule| self.points.beta(&rule)));
        }
        for end in ends {
            let along: Beta = (0..end.len()).map(|j| f64::from(j == 0)).collect();
            let (beta, _) = line_search::best_on_line(units, &end, &along);
            let beta = if units.z.len() <= CLIMBED { line_search::climb(units, beta, &[]).0 } else { beta };
            let rule = units.rule(beta[0], &beta[1..]);
            self.offer(self.points.value(&rule), rule);
        }
        Ok(())
    }

    /// The rule of largest margin among those with the incumbent's labels, and its objective.
    pub fn representative(&self) -> Result<(LinearRule, f64), SolveError> {
        let points = self.points;
        let treated: Vec<bool> =
            points.members.iter().map(|&i| self.rule.treats(points.units.x[i])).collect();
        let rule =
            widest(points, &treated, &mut HighsOracle::default())?.unwrap_or_else(|| self.rule.clone());
        let value = points.units.problem().objective(&rule);
        Ok((rule, value))
    }
}

/// A good rule, at least as good as `start` and the best constant rule.
pub fn first(
    points: &Points,
    start: Option<&LinearRule>,
    options: &Options,
    watch: &Watch,
) -> Result<LinearRule, SolveError> {
    let mut best = Incumbent::of(points, start);
    best.improve(options, watch)?;
    Ok(best.rule)
}

/// Coefficients of the least-squares regression of the gains on the scaled covariates, intercept first.
fn regression(units: &MergedUnits) -> Beta {
    let size = 1 + units.z.first().map_or(0, Vec::len);
    let row = |z: &Vec<f64>| -> Beta { std::iter::once(1.0).chain(z.iter().copied()).collect() };
    let mut system = vec![vec![0.0; size + 1]; size];
    for (z, gain) in units.z.iter().zip(&units.gains) {
        let row = row(z);
        for (j, equation) in system.iter_mut().enumerate() {
            row.iter().zip(equation.iter_mut()).for_each(|(v, slot)| *slot += row[j] * v);
            equation[size] += row[j] * gain;
        }
    }
    // A ridge so small that it only keeps constant or collinear covariates from dividing by zero.
    let ridge = 1e-9 * units.z.len() as f64;
    system.iter_mut().enumerate().for_each(|(j, equation)| equation[j] += ridge);
    for c in 0..size {
        let pivot = system[c].clone();
        for (r, equation) in system.iter_mut().enumerate() {
            let factor = if r == c { 0.0 } else { equation[c] / pivot[c] };
            equation.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
        }
    }
    let mut beta: Beta = (0..size).map(|j| system[j][size] / system[j][j]).collect();
    line_search::normalise(&mut beta);
    beta
}
