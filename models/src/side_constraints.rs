//! Demands on a rule beyond its class.
//!
//! ```text
//! minimum leaf size    every cell that holds a unit holds at least m
//! assignment bound     lower <= sum_i w[i, d(x_i)] <= upper
//! ```
//!
//! Budgets, capacities and parity between groups (and whatever else is linear in who gets what) are bounds on a sum over the
//! units of a weight for the arm given: one form, several constructors.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::exact::sum;
use crate::programs::InvalidModel;

/// What rounding may do to a sum of weights, relative to max(1, its size): exact parity must not fail by 1e-16.
const ROUNDING: f64 = 1e-9;

/// A demand on the rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideConstraint {
    MinimumLeafSize(usize),
    Assignment(AssignmentBound),
}

/// `lower <= sum_i w[i, d_i] <= upper`, weights w (n x K); bounds may be infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssignmentBound {
    pub name: String,
    pub weights: Array2<f64>,
    pub lower: f64,
    pub upper: f64,
}

/// Where a rule stands with a constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    pub constraint: String,
    pub value: f64,
    /// Distance to the nearer bound; negative where the constraint is broken.
    pub slack: f64,
}

impl SideConstraint {
    /// The constraint's name in messages and reports.
    pub fn name(&self) -> &str {
        match self {
            SideConstraint::MinimumLeafSize(_) => "minimum_leaf_size",
            SideConstraint::Assignment(bound) => &bound.name,
        }
    }

    /// Refuses a constraint over other units or arms.
    pub(crate) fn check(&self, units: usize, arms: usize) -> Result<(), InvalidModel> {
        let SideConstraint::Assignment(bound) = self else { return Ok(()) };
        let fits = bound.weights.dim() == (units, arms) && bound.weights.iter().all(|w| w.is_finite());
        if fits && bound.lower <= bound.upper {
            return Ok(());
        }
        let shape = bound.weights.dim();
        Err(InvalidModel(format!(
            "constraint {}: {shape:?} weights within [{}, {}]; give {units} x {arms} finite weights and bounds in order",
            bound.name, bound.lower, bound.upper
        )))
    }
}

impl AssignmentBound {
    /// Total cost of the arms given, at most `limit`: sum_i c[i, d_i] <= B.
    pub fn budget(costs: Array2<f64>, limit: f64) -> Self {
        Self { name: "budget".into(), weights: costs, lower: f64::NEG_INFINITY, upper: limit }
    }

    /// At most floor(share n) units get an arm other than the first.
    pub fn budget_share(units: usize, arms: usize, share: f64) -> Self {
        let weights = Array2::from_shape_fn((units, arms), |(_, k)| f64::from(k > 0));
        // The inch up keeps 0.3 * 10 at 3.
        let upper = (share * units as f64 * (1.0 + f64::EPSILON)).floor();
        Self { name: "budget_share".into(), weights, lower: f64::NEG_INFINITY, upper }
    }

    /// At most `limit` units get `arm`.
    pub fn capacity(units: usize, arms: usize, arm: usize, label: &str, limit: usize) -> Self {
        let weights = Array2::from_shape_fn((units, arms), |(_, k)| f64::from(k == arm));
        Self { name: format!("capacity {label}"), weights, lower: f64::NEG_INFINITY, upper: limit as f64 }
    }

    /// The share of units with an arm other than the first differs between two groups by at most `delta`; `first` says who
    /// belongs to the first group, and both have members.
    pub fn parity(name: &str, first: &[bool], arms: usize, delta: f64) -> Self {
        let size = first.iter().filter(|member| **member).count() as f64;
        let weight = |i: usize| if first[i] { 1.0 / size } else { -1.0 / (first.len() as f64 - size) };
        let weights =
            Array2::from_shape_fn((first.len(), arms), |(i, k)| if k > 0 { weight(i) } else { 0.0 });
        Self { name: format!("parity {name}"), weights, lower: -delta, upper: delta }
    }

    /// `sum_i w[i, d_i]`.
    pub fn value(&self, assignment: &[usize]) -> f64 {
        sum(assignment.iter().enumerate().map(|(i, &k)| self.weights[[i, k]]))
    }

    /// Distance of a value to the nearer bound; 0 where rounding in the sum could account for it.
    pub fn slack(&self, value: f64) -> f64 {
        let slack = (self.upper - value).min(value - self.lower);
        if slack.abs() <= ROUNDING * value.abs().max(1.0) { 0.0 } else { slack }
    }
}
