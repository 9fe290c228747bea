//! The best rule so far: where the first one comes from, and which one is returned.

use prescribe_models::linear_rule::LinearRule;
use prescribe_models::{Model, RuleClass};

use super::super::highs::HighsOracle;
use super::super::line_search;
use super::super::widest::widest;
use super::super::{Options, Smooth, SolveError, Solver, Stage, Watch};
use super::points::Points;

pub struct Incumbent<'p> {
    points: &'p Points<'p>,
    pub rule: LinearRule,
    /// Its total gain in quanta.
    pub value: i64,
}

impl<'p> Incumbent<'p> {
    /// The best of the constant rules and `start`.
    pub fn of(points: &'p Points<'p>, start: Option<&LinearRule>) -> Self {
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

    pub fn improve(&mut self, options: &Options, watch: &Watch) -> Result<(), SolveError> {
        let points = self.points;
        if points.len() == 0 {
            return Ok(());
        }
        let smooth = Smooth { stage: Stage::MultiStart };
        let answer = smooth.search(points.units.problem(), None, options, watch)?;
        if let Some(rule) = answer.point {
            self.offer(points.value(&rule), rule);
        }
        let _ = line_search::gain;
        Ok(())
    }

    /// The rule of largest margin among those with the incumbent's labels, and its objective.
    pub fn representative(&self) -> Result<(LinearRule, f64), SolveError> {
        let points = self.points;
        let treated: Vec<bool> = points.members.iter().map(|&i| self.rule.treats(points.units.x[i])).collect();
        let rule = widest(points, &treated, &mut HighsOracle::default())?.unwrap_or_else(|| self.rule.clone());
        let value = points.units.problem().objective(&rule);
        Ok((rule, value))
    }
}
