//! Conjunctions of two linear rules, for two arms: treatment sets with piecewise linear boundaries.
//!
//! ```text
//! max over (a0, a), (b0, b) in R x R^p   sum_i Gamma[i, 1{a0 + x_i'a >= 0 and b0 + x_i'b >= 0}]
//!   =  sum_i Gamma[i, 0]  +  max  sum_i g_i 1{a0 + x_i'a >= 0} 1{b0 + x_i'b >= 0},     g_i = Gamma[i, 1] - Gamma[i, 0]
//! ```
//!
//! Over one covariate these are intervals, over two wedges and strips; a linear rule is the conjunction of itself with itself. Source:
//! Kitagawa and Tetenov (2018), named in section 4.2 of interference.txt. Where one of the two is given, the other is a linear rule
//! over the units that the first treats ([`ConjunctionProblem::given`]). Signs are decided exactly, as those of linear rules are.
//!
//! | form | what it is |
//! |---|---|
//! | [`ConjunctionForm`] | the programs of `linear_rule` in pairs, joined by the product of their labels |

mod form;

pub use form::ConjunctionForm;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::linear_rule::{Linear, LinearProblem, LinearRule};
use crate::model::Violation;
use crate::policy_problem::{PolicyProblem, RuleClass};
use crate::programs::InvalidModel;

/// Arm 1 where both rules treat, arm 0 elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConjunctionRule {
    pub both: [LinearRule; 2],
}

impl ConjunctionRule {
    /// Whether a unit with covariates `x` is treated; exact.
    pub fn treats(&self, x: &[f64]) -> bool {
        self.both.iter().all(|rule| rule.treats(x))
    }

    /// The linear rule `rule`, as the conjunction with the rule that treats everybody.
    pub fn single(rule: LinearRule) -> Self {
        let everybody = Linear.constant(rule.coefficients.len(), 1);
        Self { both: [rule, everybody] }
    }
}

/// The class of conjunctions of two linear rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conjunction;

/// The problem over conjunctions.
pub type ConjunctionProblem = PolicyProblem<Conjunction>;

impl RuleClass for Conjunction {
    type Rule = ConjunctionRule;

    fn name(&self) -> &'static str {
        "conjunction_rule"
    }

    fn check(&self, _covariates: usize, arms: usize) -> Result<(), InvalidModel> {
        if arms == 2 {
            return Ok(());
        }
        Err(InvalidModel(format!(
            "a conjunction of linear rules chooses between two arms, the rewards have {arms}; use a tree, or merge arms"
        )))
    }

    fn assign(&self, rule: &ConjunctionRule, x: &[f64]) -> usize {
        usize::from(rule.treats(x))
    }

    fn cell(&self, rule: &ConjunctionRule, x: &[f64]) -> usize {
        self.assign(rule, x)
    }

    fn used(&self, rule: &ConjunctionRule) -> Vec<usize> {
        let mut used = rule.both.each_ref().map(|rule| Linear.used(rule)).concat();
        used.sort_unstable();
        used.dedup();
        used
    }

    fn fits(&self, rule: &ConjunctionRule, covariates: usize, arms: usize) -> bool {
        rule.both.iter().all(|rule| Linear.fits(rule, covariates, arms))
    }

    fn violations(&self, rule: &ConjunctionRule) -> Vec<Violation> {
        rule.both.iter().flat_map(|rule| Linear.violations(rule)).collect()
    }

    fn constant(&self, covariates: usize, arm: usize) -> ConjunctionRule {
        ConjunctionRule::single(Linear.constant(covariates, arm))
    }

    fn parameters(&self, _to: &mut dyn std::fmt::Write) -> std::fmt::Result {
        Ok(())
    }
}

impl ConjunctionProblem {
    /// The best single linear rule's problem.
    pub fn linear(&self) -> LinearProblem {
        self.over_class(Linear)
    }

    /// The problem of one rule where the `other` is given: who is not treated by it earns what the first arm gives. Its objective is that of
    /// the conjunction.
    ///
    /// # Errors
    /// None but those of the problem itself.
    pub fn given(&self, other: &LinearRule) -> Result<LinearProblem, InvalidModel> {
        let treats: Vec<bool> = (0..self.x().nrows()).map(|i| other.treats(self.unit(i))).collect();
        let earned = |(i, k): (usize, usize)| self.rewards()[[i, if treats[i] { k } else { 0 }]];
        let rewards = Array2::from_shape_fn(self.rewards().dim(), earned);
        LinearProblem::new(Linear, self.covariates.clone(), self.arms.clone(), self.x().clone(), rewards)
    }
}
