//! The best rule so far: where the first one comes from, and which one is returned.

use prescribe_models::linear_rule::{LinearRule, MergedUnits};
use prescribe_models::{Model, RuleClass};

use super::super::hyperplanes::{Points, widest};
use super::super::line_search::{self, Beta};
use super::super::{Options, Smooth, SolveError, Solver, Stage, Watch};

/// Up to so many merged units the smooth approximation's runs and exact line searches cost less than they save.
const SMOOTHED: usize = 3_000;
const CLIMBED: usize = 30_000;

/// Less than any total gain.
const NONE: i64 = i64::MIN / 2;

pub struct Incumbent<'p> {
    points: &'p Points<'p>,
    /// None as long as no feasible rule is known that earns more than was asked for.
    pub rule: Option<LinearRule>,
    /// Its total gain in quanta, or what was asked for.
    pub value: i64,
}

impl<'p> Incumbent<'p> {
    /// The best of the constant rules and `start`, where it earns more than `beyond`.
    pub fn of(points: &'p Points<'p>, start: Option<&LinearRule>, beyond: Option<i64>) -> Self {
        let problem = points.units.problem();
        let p = problem.covariates.len();
        let mut best = Self { points, rule: None, value: beyond.unwrap_or(NONE) };
        let constants = (0..2).map(|arm| problem.class.constant(p, arm));
        constants.chain(start.cloned()).for_each(|rule| best.consider(rule));
        best
    }

    /// Whether some feasible rule earns `value`.
    pub fn is_known(&self) -> bool {
        self.value > NONE
    }

    /// Takes `rule` where it is feasible and better.
    fn consider(&mut self, rule: LinearRule) {
        if self.points.units.problem().violations(&rule).is_empty() {
            self.offer(self.points.value(&rule), rule);
        }
    }

    /// Takes `rule`, which is feasible and whose total gain is `value`, where it is better.
    pub fn offer(&mut self, value: i64, rule: LinearRule) {
        if value > self.value {
            (self.value, self.rule) = (value, Some(rule));
        }
    }

    /// Looks for a good rule: the best threshold along the gain's regression on the covariates and, where the units are few enough for
    /// it to be cheap, the ends of the smooth approximation's runs; exact line searches from the best.
    fn improve(&mut self, options: &Options, watch: &Watch) -> Result<Beta, SolveError> {
        let units = self.points.units;
        let regression = regression(units);
        if self.points.len() == 0 {
            return Ok(regression);
        }
        let mut ends = vec![regression.clone()];
        if units.z.len() <= SMOOTHED {
            let smooth = Smooth { stage: Stage::MultiStart };
            let answer = smooth.search(&units.problem().keeping(|_| false), None, options, watch)?;
            ends.extend(answer.point.map(|rule| self.points.beta(&rule)));
        }
        for end in ends {
            let along: Beta = (0..end.len()).map(|j| f64::from(j == 0)).collect();
            let (beta, _) = line_search::best_on_line(units, &end, &along);
            let beta = if units.z.len() <= CLIMBED { line_search::climb(units, beta, &[]).0 } else { beta };
            let clipped = self.clipped(&beta);
            let (clipped, _) = line_search::best_on_line(units, &clipped, &along);
            for beta in [beta, clipped] {
                for threshold in [Some(-beta[0]), self.best_threshold(&beta)].into_iter().flatten() {
                    self.consider(units.rule(-threshold, &beta[1..]));
                }
            }
        }
        Ok(self
            .rule
            .as_ref()
            .map(|rule| self.points.beta(rule))
            .filter(|beta| beta[1..].iter().any(|b| *b != 0.0))
            .unwrap_or(regression))
    }

    /// `beta` with 0 for each coefficient of a sign that it may not have.
    fn clipped(&self, beta: &[f64]) -> Beta {
        let bounds = self.points.coefficient_bounds();
        let clip = |(b, (low, high)): (&f64, &(f64, f64))| b.clamp(low * f64::MAX, high * f64::MAX);
        std::iter::once(beta[0]).chain(beta[1..].iter().zip(&bounds).map(clip)).collect()
    }

    /// The best threshold along the direction of `beta` under the assignment bounds; none where there are none.
    fn best_threshold(&self, beta: &[f64]) -> Option<f64> {
        let points = self.points;
        if points.demands.is_empty() {
            return None;
        }
        let height = |k: usize| {
            line_search::height(&[&[0.0], &beta[1..]].concat(), &points.units.z[points.members[k]])
        };
        let mut sorted: Vec<(f64, usize)> = (0..points.len()).map(|k| (height(k), k)).collect();
        sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut weights = vec![0.0; points.demands.len()];
        let (mut total, mut best) = (0, None);
        for (position, &(height, k)) in sorted.iter().enumerate() {
            total += points.gains[k];
            weights.iter_mut().zip(&points.demands).for_each(|(w, demand)| *w += demand.weights[k]);
            let next = sorted.get(position + 1).map_or(height - 1.0, |next| next.0);
            let feasible = points.demands.iter().zip(&weights).all(|(demand, w)| demand.holds(*w));
            if next < height && feasible && best.is_none_or(|(value, _)| total > value) {
                best = Some((total, height / 2.0 + next / 2.0));
            }
        }
        best.map(|(_, threshold)| threshold)
    }

    /// The rule of largest margin among those with the incumbent's labels.
    pub fn representative(&self) -> Result<Option<LinearRule>, SolveError> {
        let (points, Some(rule)) = (self.points, &self.rule) else { return Ok(None) };
        let treated: Vec<bool> = points.members.iter().map(|&i| rule.treats(points.units.x[i])).collect();
        let widest = widest(points, &treated)?;
        Ok(Some(widest.unwrap_or_else(|| rule.clone())))
    }
}

/// A rule at least as good as `start` and the constant rules, where any is known to be feasible, and the direction (intercept
/// first, in the scaled covariates) around which to search.
pub fn first(
    points: &Points,
    start: Option<&LinearRule>,
    options: &Options,
    watch: &Watch,
) -> Result<(Option<LinearRule>, Beta), SolveError> {
    let mut best = Incumbent::of(points, start, None);
    let around = best.improve(options, watch)?;
    Ok((best.rule, around))
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
