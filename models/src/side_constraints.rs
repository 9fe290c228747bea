//! Demands on a rule beyond its class.
//!
//! ```text
//! minimum leaf size       every cell that holds a unit holds at least m
//! minimum arm in leaf     every cell that holds a unit holds, for each arm that was received at all, m units that received it
//! assignment bound        lower <= sum_i w[i, d(x_i)] <= upper
//! eligibility             d(x_i) in E_i, the arms that unit i may get
//! sign                    b_j >= 0 or b_j <= 0
//! maximum covariates      at most k covariates in the rule: with b_j != 0, or with a split
//! integer coefficients    b_j whole and |b_j| <= R, in the covariates' own units; the intercept is free
//! ```
//!
//! Budgets, capacities, shares and parity between groups (and whatever else is linear in who gets what) are bounds on a sum over
//! the units of a weight for the arm given: one form, several constructors. Eligibility could be one too (weights
//! 1{k not in E_i}, at most 0), but a tree's program would then need a column for every choice of arms; as a demand of its own
//! it only takes arms away from leaves. Constant rules (b = 0, no split) satisfy the last three whatever they ask.

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
    MinimumArmInLeaf(MinimumArmInLeaf),
    Assignment(AssignmentBound),
    /// Whether unit i may get arm k, n x K.
    Eligibility(Array2<bool>),
    Sign(CoefficientSign),
    MaximumCovariates(usize),
    /// The largest size R of a coefficient.
    IntegerCoefficients(u32),
}

/// At least `least` units of each arm that someone received, in every cell that holds a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinimumArmInLeaf {
    /// The arm (0..K) that each unit received.
    pub received: Vec<usize>,
    pub least: usize,
}

/// `b_j >= 0` or `b_j <= 0`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoefficientSign {
    pub name: String,
    pub covariate: usize,
    pub sign: Sign,
}

/// The sign that a coefficient may have; 0 is always allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    #[serde(rename = "+")]
    Nonnegative,
    #[serde(rename = "-")]
    Nonpositive,
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
            SideConstraint::MinimumArmInLeaf(_) => "minimum_arm_in_leaf",
            SideConstraint::Assignment(bound) => &bound.name,
            SideConstraint::Eligibility(_) => "eligibility",
            SideConstraint::Sign(sign) => &sign.name,
            SideConstraint::MaximumCovariates(_) => "maximum_covariates",
            SideConstraint::IntegerCoefficients(_) => "integer_coefficients",
        }
    }

    /// Whether it can exclude any rule at all.
    pub fn binds(&self) -> bool {
        match self {
            SideConstraint::MinimumLeafSize(least) => *least > 1,
            SideConstraint::MinimumArmInLeaf(demand) => demand.least > 0,
            SideConstraint::Eligibility(eligible) => eligible.iter().any(|may| !may),
            _ => true,
        }
    }

    /// Whether it speaks of the leaves of a tree.
    pub fn is_on_leaves(&self) -> bool {
        matches!(self, SideConstraint::MinimumLeafSize(_) | SideConstraint::MinimumArmInLeaf(_))
    }

    /// Whether it speaks of the coefficients of a linear rule.
    pub fn is_on_coefficients(&self) -> bool {
        matches!(self, SideConstraint::Sign(_) | SideConstraint::IntegerCoefficients(_))
    }

    /// Refuses a constraint over other units, arms or covariates.
    pub(crate) fn check(&self, units: usize, covariates: usize, arms: usize) -> Result<(), InvalidModel> {
        let refuse = |reason: String| Err(InvalidModel(format!("constraint {}: {reason}", self.name())));
        match self {
            SideConstraint::Assignment(bound) => {
                let shape = bound.weights.dim();
                let fits = shape == (units, arms) && bound.weights.iter().all(|w| w.is_finite());
                if fits && bound.lower <= bound.upper {
                    return Ok(());
                }
                refuse(format!(
                    "{shape:?} weights within [{}, {}]; give {units} x {arms} finite weights and bounds in order",
                    bound.lower, bound.upper
                ))
            }
            SideConstraint::Eligibility(eligible) if eligible.dim() != (units, arms) => {
                refuse(format!("a matrix of shape {:?}; give {units} x {arms}", eligible.dim()))
            }
            SideConstraint::MinimumArmInLeaf(demand)
                if demand.received.len() != units || demand.received.iter().any(|k| *k >= arms) =>
            {
                refuse(format!("give the arm (of {arms}) that each of the {units} units received"))
            }
            SideConstraint::Sign(sign) if sign.covariate >= covariates => {
                refuse(format!("covariate number {} of {covariates}; name one there is", sign.covariate))
            }
            _ => Ok(()),
        }
    }
}

impl CoefficientSign {
    /// The sign of the coefficient of covariate number `covariate`, called `label`.
    pub fn new(label: &str, covariate: usize, sign: Sign) -> Self {
        Self { name: format!("sign {label}"), covariate, sign }
    }

    /// How far `b` is on the allowed side of 0; negative on the other.
    pub fn slack(&self, b: f64) -> f64 {
        // Adding 0 turns -0 into 0.
        if self.sign == Sign::Nonnegative { b } else { 0.0 - b }
    }
}

/// `R - max_j |b_j|` where all b_j are whole, else less the largest distance to a whole number.
pub(crate) fn integer_slack(coefficients: &[f64], reach: u32) -> f64 {
    let fraction = coefficients.iter().map(|b| (b - b.round()).abs()).fold(0.0, f64::max);
    if fraction > 0.0 { -fraction } else { f64::from(reach) - largest(coefficients) }
}

/// `max_j |b_j|`.
pub(crate) fn largest(coefficients: &[f64]) -> f64 {
    coefficients.iter().map(|b| b.abs()).fold(0.0, f64::max)
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

    /// Within the group `members` (not empty), the share of units with an arm other than the first is from `low` to `high`.
    pub fn subgroup_share(name: &str, members: &[bool], arms: usize, low: f64, high: f64) -> Self {
        let each = 1.0 / members.iter().filter(|member| **member).count() as f64;
        let weights =
            Array2::from_shape_fn(
                (members.len(), arms),
                |(i, k)| {
                    if k > 0 && members[i] { each } else { 0.0 }
                },
            );
        Self { name: format!("subgroup_share {name}"), weights, lower: low, upper: high }
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
