//! Side constraints as a user states them, and as the problem takes them.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use ndarray::Array2;
use prescribe_models::{
    AssignmentBound, CoefficientSign, InvalidModel, MinimumArmInLeaf, PolicyProblem, RuleClass,
    SideConstraint, Sign,
};
use serde::{Deserialize, Serialize};

use super::LearnError;
use super::cluster_bounds::on_clusters;

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
    /// The share of units with an arm other than the first within a group of units, those with a value of a covariate.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subgroup_share: BTreeMap<Subgroup, ShareRange>,
    /// Units of each cluster that get an arm other than the first, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_cluster_most: Option<usize>,
    /// Total cost of the arms given in each cluster, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_cluster_budget: Option<f64>,
    /// The sign that the coefficient of a covariate may have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sign: BTreeMap<String, Sign>,
    /// Covariates that the rule looks at, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_covariates: Option<usize>,
    /// Whole coefficients of at most this size, in the covariates' own units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integer_coefficients: Option<u32>,
    /// Units of each received arm in every leaf, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_arm_leaf: Option<usize>,
}

/// The units with a value of a covariate, written `covariate=value`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Subgroup {
    pub covariate: String,
    /// As written: a number or a level.
    value: String,
}

impl Subgroup {
    /// Whether a unit with this value of the covariate belongs to the group; numbers are equal whichever way they are written.
    fn has(&self, value: &str) -> bool {
        let number = |text: &str| text.parse::<f64>().ok();
        self.value == value || number(&self.value).is_some_and(|own| number(value) == Some(own))
    }
}

impl FromStr for Subgroup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.rsplit_once('=').filter(|(_, value)| !value.is_empty());
        let (covariate, value) =
            named.ok_or_else(|| format!("{text:?}: write COVARIATE=VALUE, for example sex=1"))?;
        Ok(Self { covariate: covariate.into(), value: value.into() })
    }
}

impl TryFrom<String> for Subgroup {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Subgroup> for String {
    fn from(group: Subgroup) -> String {
        format!("{}={}", group.covariate, group.value)
    }
}

/// A range of shares, written `0.2..0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ShareRange {
    pub low: f64,
    pub high: f64,
}

impl FromStr for ShareRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ends =
            text.split_once("..").and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
        match ends {
            Some((low, high)) if 0.0 <= low && low <= high && high <= 1.0 => Ok(Self { low, high }),
            _ => Err(format!("{text:?} is no range of shares from 0 to 1 such as 0.2..0.5")),
        }
    }
}

impl TryFrom<String> for ShareRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ShareRange> for String {
    fn from(range: ShareRange) -> String {
        format!("{}..{}", range.low, range.high)
    }
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

/// What constraints refer to, unit by unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The costs of the arms, n x K.
    pub costs: Option<Array2<f64>>,
    /// Values of the covariates that parity and shares of subgroups speak of, as text; empty where one is missing.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Whether a unit may get an arm, n x K; none where all may get all.
    pub eligible: Option<Array2<bool>>,
    /// The arm (0..K) that each unit received.
    pub received: Option<Vec<usize>>,
    /// The cluster of each unit, numbered from 0, where bounds are on clusters.
    pub clusters: Option<Vec<usize>>,
}

impl Constraints {
    /// Refuses what no data can make sensible.
    pub fn check(&self) -> Result<(), LearnError> {
        let refuse = |reason: &str| Err(LearnError::Usage(reason.into()));
        match (self.budget, self.budget_share) {
            (Some(limit), _) if !limit.is_finite() => refuse("the budget must be a finite number"),
            _ if self.per_cluster_budget.is_some_and(|limit| !limit.is_finite()) => {
                refuse("the budget of each cluster must be a finite number")
            }
            _ if self.parity.values().any(|delta| !(0.0..=1.0).contains(delta)) => {
                refuse("a parity must be from 0 to 1")
            }
            (_, Some(share)) if !(0.0..=1.0).contains(&share) => {
                refuse("the budget share must be from 0 to 1")
            }
            _ if self.integer_coefficients == Some(0) => {
                refuse("integer coefficients within 0 leave constant rules only; give at least 1")
            }
            _ => Ok(()),
        }
    }

    /// The same limits for a rule that is learned from a share of the units.
    pub(super) fn scaled(&self, share: f64) -> Constraints {
        let mut scaled = self.clone();
        scaled.budget = self.budget.map(|limit| limit * share);
        for limit in scaled.capacity.values_mut() {
            if let Capacity::Units(most) = limit {
                // The inch up keeps 4/5 of 10 at 8.
                *most = (*most as f64 * share * (1.0 + 1e-12)).floor() as usize;
            }
        }
        scaled
    }

    /// Whether any of them bounds single clusters.
    pub fn are_on_clusters(&self) -> bool {
        self.per_cluster_most.is_some() || self.per_cluster_budget.is_some()
    }

    /// The covariates whose values [`Context::groups`] must hold.
    pub fn grouping_covariates(&self) -> impl Iterator<Item = &String> {
        self.parity.keys().chain(self.subgroup_share.keys().map(|group| &group.covariate))
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
        for (group, range) in &self.subgroup_share {
            let members = in_group(group, context)?;
            let name = String::from(group.clone());
            bounds.push(AssignmentBound::subgroup_share(&name, &members, arms, range.low, range.high));
        }
        bounds.extend(on_clusters(self, units, arms, context)?);
        for bound in bounds {
            problem = problem.with(SideConstraint::Assignment(bound))?;
        }
        self.on_units(self.on_coefficients(problem)?, context)
    }

    /// `problem` under the constraints on the rule's own shape.
    fn on_coefficients<C: RuleClass>(
        &self,
        mut problem: PolicyProblem<C>,
    ) -> Result<PolicyProblem<C>, InvalidModel> {
        for (name, sign) in &self.sign {
            let known = problem.covariates.iter().position(|covariate| covariate == name);
            let covariate = known.ok_or_else(|| {
                let covariates = problem.covariates.join(", ");
                InvalidModel(format!(
                    "sign of covariate {name:?}: the covariates of the rule are {covariates}"
                ))
            })?;
            problem = problem.with(SideConstraint::Sign(CoefficientSign::new(name, covariate, *sign)))?;
        }
        if let Some(most) = self.max_covariates {
            problem = problem.with(SideConstraint::MaximumCovariates(most))?;
        }
        match self.integer_coefficients {
            Some(reach) => problem.with(SideConstraint::IntegerCoefficients(reach)),
            None => Ok(problem),
        }
    }

    /// `problem` under the constraints on what single units may get and have received.
    fn on_units<C: RuleClass>(
        &self,
        mut problem: PolicyProblem<C>,
        context: &Context,
    ) -> Result<PolicyProblem<C>, InvalidModel> {
        if let Some(eligible) = &context.eligible {
            problem = problem.with(SideConstraint::Eligibility(eligible.clone()))?;
        }
        let Some(least) = self.min_arm_leaf else { return Ok(problem) };
        let received = context.received.clone();
        let received = received.ok_or_else(|| {
            InvalidModel("a minimum of each arm in a leaf needs the arms received; give them".into())
        })?;
        problem.with(SideConstraint::MinimumArmInLeaf(MinimumArmInLeaf { received, least }))
    }
}

/// Who belongs to the group; someone must.
fn in_group(group: &Subgroup, context: &Context) -> Result<Vec<bool>, InvalidModel> {
    let values = context.groups.get(&group.covariate).cloned().unwrap_or_default();
    let members: Vec<bool> = values.iter().map(|value| group.has(value)).collect();
    match members.contains(&true) {
        true => Ok(members),
        false => Err(InvalidModel(format!(
            "share of the subgroup {}: no unit to learn from has this value; name one that some have",
            String::from(group.clone())
        ))),
    }
}

/// Who belongs to the first of the two groups that the covariate `name` forms.
fn first_group(name: &str, context: &Context) -> Result<Vec<bool>, InvalidModel> {
    let values = context.groups.get(name).map(Vec::as_slice).unwrap_or_default();
    let others: BTreeSet<&String> = values.iter().filter(|value| **value != values[0]).collect();
    if others.len() != 1 || values.iter().any(String::is_empty) {
        return Err(InvalidModel(format!(
            "parity by {name}: it must be a covariate of two values among the units, missing for none"
        )));
    }
    Ok(values.iter().map(|value| *value == values[0]).collect())
}
