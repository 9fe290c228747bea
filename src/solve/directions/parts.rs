//! The problem over some of its covariates: those that may be used, or every choice of as many as may be.
//!
//! A covariate that is left out becomes 0 for everyone, so units that differ by it alone are merged and get one label.

use std::borrow::Cow;

use prescribe_models::linear_rule::{LinearProblem, LinearRule};
use prescribe_models::{InvalidModel, SideConstraint};

/// More choices of covariates than this are not searched one by one. The half covers roundings in their number.
const MOST_PARTS: f64 = 5_000.5;

pub struct Part<'p> {
    problem: Cow<'p, LinearProblem>,
    covariates: Vec<usize>,
}

impl Part<'_> {
    pub fn problem(&self) -> &LinearProblem {
        &self.problem
    }

    /// `rule` without the covariates that are left out.
    pub fn over(&self, rule: &LinearRule) -> LinearRule {
        let mut coefficients = vec![0.0; rule.coefficients.len()];
        self.covariates.iter().for_each(|&j| coefficients[j] = rule.coefficients[j]);
        LinearRule { intercept: rule.intercept, coefficients }
    }
}

/// Whether the problem has few enough parts.
pub fn are_few(problem: &LinearProblem) -> bool {
    count(problem).0 <= MOST_PARTS
}

/// The number of parts, and of the covariates in each.
pub fn count(problem: &LinearProblem) -> (f64, usize) {
    let usable = usable(problem).len();
    let most = problem.most_covariates().unwrap_or(usable).min(usable);
    let parts = (0..most).fold(1.0, |count, k| count * (usable - k) as f64 / (k + 1) as f64);
    (parts, most)
}

/// The parts between which every rule of the problem is found.
pub fn of(problem: &LinearProblem) -> impl Iterator<Item = Result<Part<'_>, InvalidModel>> {
    let usable = usable(problem);
    let most = problem.most_covariates().unwrap_or(usable.len()).min(usable.len());
    let whole = most == problem.covariates.len();
    choices(&usable, most).into_iter().map(move |covariates| {
        let problem = match whole {
            true => Cow::Borrowed(problem),
            false => Cow::Owned(restricted(problem, &covariates)?),
        };
        Ok(Part { problem, covariates })
    })
}

/// Covariates that take more than one value and whose coefficient may differ from 0.
fn usable(problem: &LinearProblem) -> Vec<usize> {
    let varies = |j: usize| problem.x().column(j).iter().any(|v| *v != problem.x()[[0, j]]);
    (0..problem.covariates.len()).filter(|&j| varies(j) && problem.directions(j) != (0.0, 0.0)).collect()
}

/// All choices of `count` items.
fn choices(items: &[usize], count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let beginning = |k: usize| {
        let rest = choices(&items[k + 1..], count - 1);
        rest.into_iter().map(move |rest| [&items[k..=k], &rest].concat())
    };
    (0..items.len()).flat_map(beginning).collect()
}

fn restricted(problem: &LinearProblem, covariates: &[usize]) -> Result<LinearProblem, InvalidModel> {
    let mut x = problem.x().clone();
    (0..x.ncols()).filter(|j| !covariates.contains(j)).for_each(|j| x.column_mut(j).fill(0.0));
    let is_met = |c: usize| matches!(problem.side()[c], SideConstraint::MaximumCovariates(_));
    Ok(problem.over(x)?.keeping(|c| !is_met(c)))
}
