//! Which column of a table plays which part in a study, as the user says it and as a run's configuration keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Groups, eligibility};

/// The parts of a study, each by the name of its column. A column has one role only, except that one which forms strata
/// may also be a covariate, a cost, the cluster, or form strata of another kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// The outcome Y.
    pub outcome: OutcomeRole,
    /// The treatment A, a label.
    pub treatment: String,
    /// The covariates X, in this order: numbers, but for those named as categories.
    pub covariates: Vec<String>,
    /// The covariates that are categories, each with its levels; with none, the levels are those in the data, sorted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categorical: BTreeMap<String, Vec<String>>,
    /// What identifies a unit; without it, units are numbered from 1 in the order of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What units share that may be alike, such as a village or a ward, a label; without it, units are independent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// How many units of the population a unit stands for, up to a factor, a number of at least 0; without it, all stand
    /// for the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// The order of the arms, the control first; without it, labels are sorted (as numbers if all of them are).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arms: Option<Vec<String>>,
    /// Arms that count as one from here on, by the label that they get together; of the others each stays by itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: Groups,
    /// For an arm that not every unit may get, the condition on those who may: a column of 0 and 1, or a comparison such as
    /// `age<=65`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub eligible: BTreeMap<String, String>,
    /// The column that says `train` or `test` (or 0 and 1) of each unit; without it, units are held out by chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    #[serde(default)]
    pub missing: Missing,
    #[serde(default)]
    pub propensity: PropensityRole,
    #[serde(default)]
    pub outcome_model: OutcomeModel,
    #[serde(default)]
    pub costs: CostRole,
    /// Scores that were made elsewhere, one column an arm, in units of the outcome; they take the place of scores
    /// computed from the outcome.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rewards: BTreeMap<String, String>,
    /// The user's own outcome models under additive interference; they take the place of fitted ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<EffectsRole>,
}

/// Where the outcome Y of a unit comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "snake_case",
    expecting = "the outcome is neither a column nor a table `survival` with time, event and horizon"
)]
pub enum OutcomeRole {
    /// The time to an event, where follow-up may have ended before it.
    Survival(SurvivalRole),
    /// A column of numbers.
    #[serde(untagged)]
    Column(String),
}

/// The time T to an event, seen as U = min(T, C) and 1{T <= C} where follow-up ends at C, and the outcome made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurvivalRole {
    /// How long the unit was followed, U, a number of at least 0.
    pub time: String,
    /// 1 where follow-up ended with the event, 0 where it ended without.
    pub event: String,
    /// The time h beyond which nothing counts, in units of `time`.
    pub horizon: f64,
    #[serde(default)]
    pub estimand: Estimand,
    /// Columns whose values (text or numbers) form the strata within which, in each arm, follow-up ends at random.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub censoring_strata: Vec<String>,
}

/// The outcome that is made of a time T to an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Estimand {
    /// min(T, h), whose mean is the restricted mean survival time.
    #[default]
    Rmst,
    /// 1{T > h}, whose mean is the survival at h.
    Survival,
}

/// Outcome models under additive interference within clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectsRole {
    /// The mean outcome of the unit's cluster if nobody is treated.
    pub g0: String,
    /// What treating the unit adds to the mean outcome of its cluster.
    pub g: String,
}

/// What to do with a unit that misses a value in a column which has a role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Refuse the data.
    #[default]
    Error,
    /// Leave the unit out (its other values are then not looked at) and warn.
    Drop,
    /// Keep a unit that misses covariates: trees learn which way it goes, linear models fill the mean in and add an
    /// indicator. One that misses another value is left out, with a warning.
    Keep,
}

/// Where the propensity scores e_ik = P(A_i = k | X_i) come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropensityRole {
    /// The share n_k / n of each arm among the units: completely randomised studies.
    #[default]
    ObservedShares,
    /// One number an arm.
    Constants(BTreeMap<String, f64>),
    /// One column an arm.
    Columns(BTreeMap<String, String>),
    /// The share n_sk / n_s of each arm among the units of a stratum s, which are those with the same values in these
    /// columns (text or numbers): studies randomised within strata.
    Strata(Vec<String>),
    /// With two arms, the column of P(A_i = second arm | X_i).
    TreatedColumn(String),
    /// A multinomial logit model of the arm on the covariates, cross-fitted.
    Logit,
    /// Probability forests of the arms on the covariates, cross-fitted.
    Forest,
}

/// Where the outcome predictions mu_ik = E[Y_i(k) | X_i] come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeModel {
    /// Least squares on the covariates in each arm, cross-fitted.
    #[default]
    Linear,
    /// Logistic regression on the covariates in each arm, cross-fitted; for outcomes of 0 and 1.
    Logistic,
    /// A regression forest in each arm, cross-fitted.
    Forest,
    /// The user's own predictions, one column an arm, each unit's best made without that unit.
    Columns(BTreeMap<String, String>),
}

/// What it costs to give an arm to a unit, in units of the outcome.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostRole {
    #[default]
    None,
    /// One number: what any arm but the first (the control) costs.
    Treating(f64),
    /// One number an arm; an arm that is not named costs nothing.
    PerArm(BTreeMap<String, f64>),
    /// The column of what any arm but the first (the control) costs for this unit.
    PerUnit(String),
    /// One column an arm; an arm that is not named costs nothing.
    PerUnitByArm(BTreeMap<String, String>),
}

/// What the role of a column that forms strata is called.
const STRATUM: &str = "stratum";
/// The same, for strata of censoring.
const CENSORING_STRATUM: &str = "censoring stratum";

/// What the role of a column that decides who may get an arm is called.
const ELIGIBILITY: &str = "eligibility";

/// Whether one column may have both roles: strata are formed, and eligibility decided, by what is known before treatment.
pub(super) fn compatible(first: &str, second: &str) -> bool {
    let decides = |role| matches!(role, ELIGIBILITY | STRATUM | CENSORING_STRATUM);
    let shared = |role| decides(role) || matches!(role, "covariate" | "cost" | "cluster");
    let repeated = first == second && first != ELIGIBILITY;
    !repeated && ((decides(first) && shared(second)) || (decides(second) && shared(first)))
}

impl Roles {
    /// The three parts that every study has; the others as they are where nobody names them.
    pub fn new(outcome: &str, treatment: &str, covariates: &[String]) -> Roles {
        Roles {
            outcome: OutcomeRole::Column(outcome.into()),
            treatment: treatment.into(),
            covariates: covariates.to_vec(),
            categorical: BTreeMap::new(),
            id: None,
            cluster: None,
            weights: None,
            arms: None,
            groups: Groups::new(),
            eligible: BTreeMap::new(),
            split: None,
            missing: Missing::default(),
            propensity: PropensityRole::default(),
            outcome_model: OutcomeModel::default(),
            costs: CostRole::default(),
            rewards: BTreeMap::new(),
            effects: None,
        }
    }

    /// Every column with a role, once for each role: its name and what the role is called.
    pub(super) fn columns(&self) -> Vec<(&str, &'static str)> {
        let mut columns = self.outcome.columns();
        columns.push((self.treatment.as_str(), "treatment"));
        columns.extend(self.covariates.iter().map(|name| (name.as_str(), "covariate")));
        let role = if matches!(self.propensity, PropensityRole::Strata(_)) { STRATUM } else { "propensity" };
        columns.extend(self.propensity.columns().into_iter().map(|name| (name, role)));
        columns.extend(self.outcome_model.columns().into_iter().map(|name| (name, "outcome prediction")));
        columns.extend(self.costs.columns().into_iter().map(|name| (name, "cost")));
        columns.extend(self.id.iter().map(|name| (name.as_str(), "id")));
        columns.extend(self.cluster.iter().map(|name| (name.as_str(), "cluster")));
        columns.extend(self.weights.iter().map(|name| (name.as_str(), "weight")));
        columns.extend(distinct(&self.rewards).into_iter().map(|name| (name, "reward")));
        let effects = self.effects.iter().flat_map(|role| [role.g0.as_str(), role.g.as_str()]);
        columns.extend(effects.map(|name| (name, "outcome model under interference")));
        columns.extend(self.eligible.values().map(|condition| (eligibility::column(condition), ELIGIBILITY)));
        columns.extend(self.split.iter().map(|name| (name.as_str(), "split")));
        columns
    }
}

impl OutcomeRole {
    fn columns(&self) -> Vec<(&str, &'static str)> {
        match self {
            OutcomeRole::Column(name) => vec![(name, "outcome")],
            OutcomeRole::Survival(role) => {
                let strata = role.censoring_strata.iter().map(|name| (name.as_str(), CENSORING_STRATUM));
                [(role.time.as_str(), "time"), (role.event.as_str(), "event")]
                    .into_iter()
                    .chain(strata)
                    .collect()
            }
        }
    }
}

impl From<&str> for OutcomeRole {
    fn from(column: &str) -> OutcomeRole {
        OutcomeRole::Column(column.into())
    }
}

impl PropensityRole {
    /// Whether a model estimates the scores, which takes the covariates of all units.
    pub fn is_estimated(&self) -> bool {
        matches!(self, PropensityRole::Logit | PropensityRole::Forest)
    }

    fn columns(&self) -> Vec<&str> {
        match self {
            PropensityRole::ObservedShares | PropensityRole::Constants(_) => Vec::new(),
            PropensityRole::Logit | PropensityRole::Forest => Vec::new(),
            PropensityRole::Columns(columns) => distinct(columns),
            PropensityRole::TreatedColumn(column) => vec![column],
            PropensityRole::Strata(columns) => columns.iter().map(String::as_str).collect(),
        }
    }
}

impl OutcomeModel {
    fn columns(&self) -> Vec<&str> {
        match self {
            OutcomeModel::Columns(columns) => distinct(columns),
            OutcomeModel::Linear | OutcomeModel::Logistic | OutcomeModel::Forest => Vec::new(),
        }
    }
}

impl CostRole {
    fn columns(&self) -> Vec<&str> {
        match self {
            CostRole::None | CostRole::Treating(_) | CostRole::PerArm(_) => Vec::new(),
            CostRole::PerUnit(column) => vec![column],
            CostRole::PerUnitByArm(columns) => distinct(columns),
        }
    }
}

/// Arms may share a column (two arms of equal probability, say), which is one role, not two.
fn distinct(columns: &BTreeMap<String, String>) -> Vec<&str> {
    let mut names: Vec<&str> = columns.values().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}
