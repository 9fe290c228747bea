//! Linear rules for two arms: the weighted 0-1 problem.
//!
//! ```text
//! max over (b0, b) in R x R^p   sum_i Gamma[i, 1{b0 + x_i'b >= 0}]
//!   =  sum_i Gamma[i, 0]  +  max  sum_i g_i 1{b0 + x_i'b >= 0},     g_i = Gamma[i, 1] - Gamma[i, 0]
//! ```
//!
//! Gains g of mixed sign (IPW, AIPW, addIPW, addDR scores). Source: Kitagawa and Tetenov (2018), equation (19)-(20) of
//! interference.txt. The sign of `b0 + x'b` is decided exactly, so ties count as the definition says.
//!
//! Forms as programs, over units merged where their covariates are equal ([`MergedUnits`]):
//!
//! | form | programs | normalisation |
//! |---|---|---|
//! | [`Facets`] | 2p | b_j = +-1 in turn, tight one-sided rows; with or without Radon cuts |
//! | [`Radon`] | 1 | none needed: labels only, cuts generated |
//! | [`Naive`] | 1 | program (20) of interference.txt |
//! | [`ListedScorecards`] | 1 | b_j whole, in the covariates' own units: a column for each b |
//! | [`Scorecard`] | 1 | b_j whole, a column for each value of each b_j, cuts generated |
//!
//! Signs of coefficients are bounds on them (and rays in the cuts), at most k coefficients are 0-1 columns `use[j]` beside the
//! labels; the first three forms take both. Whole coefficients are taken by the last two alone, with signs and k.

mod facets;
mod form;
mod listed_scorecards;
mod merged_units;
mod naive;
mod radon;
mod scorecard;

pub use facets::Facets;
pub use form::{LinearForm, Writing};
pub use listed_scorecards::ListedScorecards;
pub use merged_units::MergedUnits;
pub(crate) use merged_units::midrange;
pub use naive::Naive;
pub use radon::Radon;
pub use scorecard::Scorecard;

use std::cmp::Ordering;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::exact::{sign_of_affine, sum};
use crate::model::Violation;
use crate::policy_problem::{PolicyProblem, RuleClass};
use crate::programs::InvalidModel;

/// `1{intercept + x'coefficients >= 0}`: arm 1 where true, arm 0 elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearRule {
    pub intercept: f64,
    pub coefficients: Vec<f64>,
}

impl LinearRule {
    /// Whether a unit with covariates `x` is treated; exact.
    pub fn treats(&self, x: &[f64]) -> bool {
        sign_of_affine(self.intercept, &self.coefficients, x) != Ordering::Less
    }

    /// Divided by its largest coefficient in size: the same rule up to rounding, easier to read. A constant rule stays.
    pub fn normalised(&self) -> Self {
        let largest = self.coefficients.iter().fold(0.0_f64, |m, b| m.max(b.abs()));
        if largest == 0.0 {
            return self.clone();
        }
        Self {
            intercept: self.intercept / largest,
            coefficients: self.coefficients.iter().map(|b| b / largest).collect(),
        }
    }
}

/// The class of linear rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear;

/// The linear-rule problem.
pub type LinearProblem = PolicyProblem<Linear>;

impl RuleClass for Linear {
    type Rule = LinearRule;

    fn name(&self) -> &'static str {
        "linear_rule"
    }

    fn check(&self, _covariates: usize, arms: usize) -> Result<(), InvalidModel> {
        if arms == 2 {
            return Ok(());
        }
        Err(InvalidModel(format!(
            "a linear rule chooses between two arms, the rewards have {arms}; use a tree, or merge arms"
        )))
    }

    fn assign(&self, rule: &LinearRule, x: &[f64]) -> usize {
        usize::from(rule.treats(x))
    }

    fn cell(&self, rule: &LinearRule, x: &[f64]) -> usize {
        self.assign(rule, x)
    }

    fn used(&self, rule: &LinearRule) -> Vec<usize> {
        (0..rule.coefficients.len()).filter(|&j| rule.coefficients[j] != 0.0).collect()
    }

    fn coefficients<'r>(&self, rule: &'r LinearRule) -> &'r [f64] {
        &rule.coefficients
    }

    fn fits(&self, rule: &LinearRule, covariates: usize, _arms: usize) -> bool {
        rule.coefficients.len() == covariates
    }

    fn violations(&self, rule: &LinearRule) -> Vec<Violation> {
        let bad =
            std::iter::once(&rule.intercept).chain(&rule.coefficients).filter(|b| !b.is_finite()).count();
        let finite = Violation { constraint: "finite_coefficients".into(), amount: bad as f64 };
        if bad > 0 { vec![finite] } else { Vec::new() }
    }

    fn constant(&self, covariates: usize, arm: usize) -> LinearRule {
        let intercept = if arm == 1 { 1.0 } else { -1.0 };
        LinearRule { intercept, coefficients: vec![0.0; covariates] }
    }

    fn parameters(&self, _to: &mut dyn std::fmt::Write) -> std::fmt::Result {
        Ok(())
    }
}

impl LinearProblem {
    /// The problem over gains g (n), with rewards 0 and g: arms `control` and `treated`.
    pub fn from_gains(covariates: Vec<String>, x: Array2<f64>, gains: &[f64]) -> Result<Self, InvalidModel> {
        let rewards = Array2::from_shape_fn((gains.len(), 2), |(i, k)| if k == 1 { gains[i] } else { 0.0 });
        Self::new(Linear, covariates, vec!["control".into(), "treated".into()], x, rewards)
    }

    /// Gain of unit `i` from treatment.
    pub fn gain(&self, i: usize) -> f64 {
        self.rewards()[[i, 1]] - self.rewards()[[i, 0]]
    }

    /// Value of treating nobody: the constant of every program.
    pub fn value_of_nobody(&self) -> f64 {
        sum(self.rewards().column(0).iter().copied())
    }
}
