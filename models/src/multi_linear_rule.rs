//! Linear rules for K arms: every arm has a height, and the highest arm is given.
//!
//! ```text
//! max over b0 in R^K, b in R^(K x p)   sum_i Gamma[i, d(x_i)],     d(x) = argmax_k  b0_k + x'b_k,   the lowest arm on ties
//! ```
//!
//! Only differences of heights matter, so arm 0 may have the height 0 everywhere; rules that come out of a solve have it. Heights
//! are compared exactly, so ties count as the definition says. On finitely many units ties give nothing new: lowering arm k
//! by k times a small number leaves every label and breaks every tie. So labels d_1, .., d_n belong to a rule exactly where
//!
//! ```text
//! (b_{d_i} - b_l)'(1, x_i) > 0    for all i and all l != d_i
//! ```
//!
//! has a solution, and with K = 2 the problem has the value of [`crate::linear_rule`]. Source: Kesler's construction (Duda and
//! Hart, 1973, section 5.12); Crammer and Singer (2001) for the margin.
//!
//! Forms as programs ([`MultiLinearForm`]), over units merged where their covariates are equal ([`MergedUnits`]):
//!
//! | form | programs | normalisation |
//! |---|---|---|
//! | [`Writing::Facets`] | K (K - 1) p | the largest difference of coefficients is 1, tight one-sided rows; with or without cuts |
//! | [`Writing::Radon`] | 1 | none needed: labels only, cuts generated |

mod facets;
mod form;
mod margin;
mod merged_units;
mod radon;

pub use form::{MultiLinearForm, Writing};
pub use merged_units::MergedUnits;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::exact::{sign_of_sum, sum};
use crate::model::Violation;
use crate::policy_problem::{PolicyProblem, RuleClass};
use crate::programs::InvalidModel;

/// The arm of the largest `intercepts[k] + x'coefficients[k]`, the lowest of equals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultiLinearRule {
    /// One an arm.
    pub intercepts: Vec<f64>,
    /// K x p.
    pub coefficients: Vec<Vec<f64>>,
}

impl MultiLinearRule {
    /// The arm (0..K) for a unit with covariates `x`; exact.
    pub fn arm(&self, x: &[f64]) -> usize {
        let higher =
            |best: usize, k: usize| if self.compare(k, best, x) == Ordering::Greater { k } else { best };
        (1..self.intercepts.len()).fold(0, higher)
    }

    /// The height of arm `k` at `x` compared with that of arm `l`; exact.
    pub fn compare(&self, k: usize, l: usize, x: &[f64]) -> Ordering {
        let slopes = |arm: usize| self.coefficients[arm].iter().copied().zip(x.iter().copied());
        let below = slopes(l).map(|(b, v)| (-b, v));
        sign_of_sum(
            [(self.intercepts[k], 1.0), (-self.intercepts[l], 1.0)].into_iter().chain(slopes(k)).chain(below),
        )
    }

    /// Divided by its largest coefficient in size: the same rule up to rounding, easier to read. A constant rule stays.
    pub fn normalised(&self) -> Self {
        let largest = self.coefficients.iter().flatten().fold(0.0_f64, |m, b| m.max(b.abs()));
        if largest == 0.0 {
            return self.clone();
        }
        let over = |values: &Vec<f64>| values.iter().map(|b| b / largest).collect();
        Self {
            intercepts: over(&self.intercepts),
            coefficients: self.coefficients.iter().map(over).collect(),
        }
    }
}

/// The class of linear rules over `arms` arms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiLinear {
    pub arms: usize,
}

/// The problem of a linear rule over K arms.
pub type MultiLinearProblem = PolicyProblem<MultiLinear>;

impl RuleClass for MultiLinear {
    type Rule = MultiLinearRule;

    fn name(&self) -> &'static str {
        "multi_linear_rule"
    }

    fn check(&self, _covariates: usize, arms: usize) -> Result<(), InvalidModel> {
        let refuse = |reason: String| Err(InvalidModel(reason));
        match arms {
            ..2 => refuse("a rule chooses among at least two arms".into()),
            _ if arms != self.arms => {
                refuse(format!("the rules are over {} arms, the rewards have {arms}", self.arms))
            }
            _ => Ok(()),
        }
    }

    fn assign(&self, rule: &MultiLinearRule, x: &[f64]) -> usize {
        rule.arm(x)
    }

    fn cell(&self, rule: &MultiLinearRule, x: &[f64]) -> usize {
        rule.arm(x)
    }

    fn used(&self, rule: &MultiLinearRule) -> Vec<usize> {
        let covariates = rule.coefficients.first().map_or(0, Vec::len);
        (0..covariates).filter(|&j| rule.coefficients.iter().any(|b| b[j] != 0.0)).collect()
    }

    fn fits(&self, rule: &MultiLinearRule, covariates: usize, arms: usize) -> bool {
        let shape = rule.intercepts.len() == arms && rule.coefficients.len() == arms;
        shape && rule.coefficients.iter().all(|b| b.len() == covariates)
    }

    fn violations(&self, rule: &MultiLinearRule) -> Vec<Violation> {
        let numbers = rule.intercepts.iter().chain(rule.coefficients.iter().flatten());
        let bad = numbers.filter(|b| !b.is_finite()).count();
        let finite = Violation { constraint: "finite_coefficients".into(), amount: bad as f64 };
        if bad > 0 { vec![finite] } else { Vec::new() }
    }

    /// Arm 0 has the height 0, `arm` is 1 above all others.
    fn constant(&self, covariates: usize, arm: usize) -> MultiLinearRule {
        let height = |k: usize| f64::from(k == arm) - f64::from(arm == 0);
        MultiLinearRule {
            intercepts: (0..self.arms).map(height).collect(),
            coefficients: vec![vec![0.0; covariates]; self.arms],
        }
    }

    fn parameters(&self, _to: &mut dyn std::fmt::Write) -> std::fmt::Result {
        Ok(())
    }
}

impl MultiLinearProblem {
    /// Sum of rewards when everyone gets arm 0: the constant of every program.
    pub fn value_of_first(&self) -> f64 {
        sum(self.rewards().column(0).iter().copied())
    }
}
