//! Side constraints as a user states them, and as the problem takes them.

use std::collections::BTreeMap;
use std::str::FromStr;

use ndarray::Array2;
use prescribe_models::{AssignmentBound, InvalidModel, PolicyProblem, RuleClass, SideConstraint};
use serde::{Deserialize, Serialize};

use super::LearnError;

/// Bounds on who gets what, over the units that a rule is learned on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Constraints {
    /// Total cost of the arms given, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// Share of units that get an arm other than the first, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_share: Option<f64>,
    /// Number or share of units that get an arm, at most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity: BTreeMap<String, Capacity>,
    /// By how much the share of units with an arm other than the first may differ between the two groups of a covariate.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parity: BTreeMap<String, f64>,
}

/// Most units that an arm may be given to: a number, or a share written as `40%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Capacity {
    Units(usize),
    Percent(f64),
}

impl Capacity {
    /// Whole units out of n.
    fn of(self, units: usize) -> usize {
        match self {
            Capacity::Units(most) => most,
            // The inch up keeps 30% of 10 at 3.
            Capacity::Percent(percent) => (percent / 100.0 * units as f64 * (1.0 + 1e-12)).floor() as usize,
        }
    }
}

impl FromStr for Capacity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').map(str::parse::<f64>);
        match (percent, text.parse()) {
            (Some(Ok(percent)), _) if (0.0..=100.0).contains(&percent) => Ok(Capacity::Percent(percent)),
            (None, Ok(units)) => Ok(Capacity::Units(units)),
            _ => Err(format!("{text:?} is neither a whole number nor a share such as 40%")),
        }
    }
}

impl TryFrom<String> for Capacity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Capacity> for String {
    fn from(capacity: Capacity) -> String {
        match capacity {
            Capacity::Units(most) => most.to_string(),
            Capacity::Percent(percent) => format!("{percent}%"),
        }
    }
}

/// What constraints refer to: the units' costs (n x K) and their values of the covariates that parity compares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    pub costs: Option<Array2<f64>>,
    pub groups: BTreeMap<String, Vec<f64>>,
}

impl Constraints {
    /// Refuses what no data can make sensible.
    pub fn check(&self) -> Result<(), LearnError> {
        let refuse = |reason: &str| Err(LearnError::Usage(reason.into()));
        match (self.budget, self.budget_share) {
            (Some(limit), _) if !limit.is_finite() => refuse("the budget must be a finite number"),
            _ if self.parity.values().any(|delta| !(0.0..=1.0).contains(delta)) => {
                refuse("a parity must be from 0 to 1")
            }
            (_, Some(share)) if !(0.0..=1.0).contains(&share) => {
                refuse("the budget share must be from 0 to 1")
            }
            _ => Ok(()),
        }
    }

    /// `problem` under these constraints.
    pub fn on<C: RuleClass>(
        &self,
        mut problem: PolicyProblem<C>,
        context: &Context,
    ) -> Result<PolicyProblem<C>, InvalidModel> {
        let (units, arms) = problem.rewards().dim();
        let mut bounds = Vec::new();
        if let Some(limit) = self.budget {
            let costs = context
                .costs
                .clone()
                .ok_or_else(|| InvalidModel("a budget needs costs; give them".into()))?;
            bounds.push(AssignmentBound::budget(costs, limit));
        }
        bounds.extend(self.budget_share.map(|share| AssignmentBound::budget_share(units, arms, share)));
        for (label, limit) in &self.capacity {
            let known = problem.arms.iter().position(|arm| arm == label);
            let arm = known.ok_or_else(|| {
                InvalidModel(format!("capacity of arm {label:?}: the arms are {}", problem.arms.join(", ")))
            })?;
            bounds.push(AssignmentBound::capacity(units, arms, arm, label, limit.of(units)));
        }
        for (name, delta) in &self.parity {
            bounds.push(AssignmentBound::parity(name, &first_group(name, context)?, arms, *delta));
        }
        for bound in bounds {
            problem = problem.with(SideConstraint::Assignment(bound))?;
        }
        Ok(problem)
    }
}

/// Who belongs to the first of the two groups that the covariate `name` forms.
fn first_group(name: &str, context: &Context) -> Result<Vec<bool>, InvalidModel> {
    let values = context.groups.get(name).cloned().unwrap_or_default();
    let first: Vec<bool> = values.iter().map(|value| *value == values[0]).collect();
    let mut others = values.iter().filter(|value| **value != values[0]);
    let second = others.next().copied();
    match second {
        Some(second) if others.all(|value| *value == second) && !values.iter().any(|v| v.is_nan()) => {
            Ok(first)
        }
        _ => Err(InvalidModel(format!(
            "parity by {name}: it must be a covariate of two values among the units, missing for none"
        ))),
    }
}
