//! Side constraints as a user states them, and as the problem takes them.

use std::collections::BTreeMap;

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
    /// Number of units that get an arm, at most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity: BTreeMap<String, usize>,
}

impl Constraints {
    /// Refuses what no data can make sensible.
    pub fn check(&self) -> Result<(), LearnError> {
        let refuse = |reason: &str| Err(LearnError::Usage(reason.into()));
        match (self.budget, self.budget_share) {
            (Some(limit), _) if !limit.is_finite() => refuse("the budget must be a finite number"),
            (_, Some(share)) if !(0.0..=1.0).contains(&share) => {
                refuse("the budget share must be from 0 to 1")
            }
            _ => Ok(()),
        }
    }

    /// `problem` under these constraints; `costs` (n x K) are what the budget counts.
    pub fn on<C: RuleClass>(
        &self,
        mut problem: PolicyProblem<C>,
        costs: Option<&Array2<f64>>,
    ) -> Result<PolicyProblem<C>, InvalidModel> {
        let (units, arms) = problem.rewards().dim();
        if let Some(limit) = self.budget {
            let costs = costs.ok_or_else(|| InvalidModel("a budget needs costs; give them".into()))?;
            problem =
                problem.with(SideConstraint::Assignment(AssignmentBound::budget(costs.clone(), limit)))?;
        }
        if let Some(share) = self.budget_share {
            problem = problem
                .with(SideConstraint::Assignment(AssignmentBound::budget_share(units, arms, share)))?;
        }
        for (label, limit) in &self.capacity {
            let known = problem.arms.iter().position(|arm| arm == label);
            let arm = known.ok_or_else(|| {
                InvalidModel(format!("capacity of arm {label:?}: the arms are {}", problem.arms.join(", ")))
            })?;
            let bound = AssignmentBound::capacity(units, arms, arm, label, *limit);
            problem = problem.with(SideConstraint::Assignment(bound))?;
        }
        Ok(problem)
    }
}
