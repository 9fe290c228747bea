//! Flags that say how a data file becomes a study with scores, as a user types them and as a configuration says them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use toml::{Table, Value};

use super::failure::Failure;
use super::flags;
use super::interference::ClusteredFlags;
use super::overlay::{put, table};
use crate::data::{CostRole, Covariate, Estimand, Groups, Missing, OutcomeModel, PropensityRole};
use crate::learn::Scoring;
use crate::score::{Direction, ScoreKind};

#[derive(Args, Clone, Debug, Default)]
pub struct StudyFlags {
    /// Column of the outcome
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub outcome: Option<String>,
    /// Column of the time of an event that may be censored, in place of --outcome
    #[arg(long, value_name = "COLUMN", conflicts_with = "outcome", help_heading = "Study")]
    pub time: Option<String>,
    /// Column that says what ended the time: 1 the event, 0 the end of follow-up
    #[arg(long, value_name = "COLUMN", conflicts_with = "outcome", help_heading = "Study")]
    pub event: Option<String>,
    /// Time beyond which nothing counts
    #[arg(long, value_name = "T", conflicts_with = "outcome", help_heading = "Study")]
    pub horizon: Option<f64>,
    /// Outcome made of the time: the time up to the horizon (rmst, default), or 1 beyond it (survival)
    #[arg(
        long,
        value_name = "rmst|survival",
        value_parser = flags::named::<Estimand>,
        conflicts_with = "outcome",
        help_heading = "Study"
    )]
    pub estimand: Option<Estimand>,
    /// Columns whose values form the strata within which, in each arm, follow-up ends at random (default: none)
    #[arg(
        long,
        value_name = "COLUMN,..",
        value_delimiter = ',',
        conflicts_with = "outcome",
        help_heading = "Study"
    )]
    pub censoring_strata: Vec<String>,
    /// Column of scores made elsewhere for each arm, in units of the outcome; none are computed then
    #[arg(
        long,
        value_name = "ARM=COLUMN,..",
        value_delimiter = ',',
        conflicts_with_all = ["score", "folds"],
        help_heading = "Study"
    )]
    pub rewards: Vec<String>,
    /// CSV of the covariates of a target population, one row a unit; the study is weighted to their means
    #[arg(long, value_name = "FILE.csv", help_heading = "Study")]
    pub target: Option<PathBuf>,
    /// Column of the treatment received; its values are the arms
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub treatment: Option<String>,
    /// Order of the arms, the control first (default: sorted)
    #[arg(long, value_name = "ARM,..", value_delimiter = ',', help_heading = "Study")]
    pub arms: Vec<String>,
    /// Arms that count as one: NAME=ARM|ARM, or what `fuse --json` wrote, where groups are called by their members
    #[arg(long, value_name = "NAME=ARM|ARM,..|FILE.json", value_delimiter = ',', help_heading = "Study")]
    pub groups: Vec<String>,
    /// Column that identifies a unit
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub id: Option<String>,
    /// Column of what units share that may be alike (village, ward): folds, held-out units and standard errors go by it
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub cluster: Option<String>,
    /// File of edges between units, two columns of ids (--id), for covariates made of neighbours
    #[arg(long, value_name = "FILE.csv", requires = "id", help_heading = "Study")]
    pub edges: Option<PathBuf>,
    /// Column of sample weights: how many units of the population a unit stands for, up to a factor
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub weights: Option<String>,
    /// Rows with a missing value: refuse them (default), leave them out, or keep those that miss covariates only (trees learn
    /// which way they go, linear models fill the mean in and add an indicator). Under --interference, drop leaves a unit in the mean of its
    /// cluster, and no rule treats it; nothing but covariates may be missing
    #[arg(long, value_name = "error|drop|keep", value_parser = flags::named::<Missing>, help_heading = "Study")]
    pub missing: Option<Missing>,
    /// Who may get an arm: a column of 0 and 1, or a comparison such as age<=65 (default: everyone)
    #[arg(long, value_name = "ARM=CONDITION,..", value_delimiter = ',', help_heading = "Study")]
    pub eligible: Vec<String>,
    /// Propensities: the observed shares of the arms (default), the shares within the strata that columns form, a logit
    /// model or a forest on the covariates; or known ones: the column of the second of two arms, a column or a number for
    /// each arm
    #[arg(
        long,
        value_name = "shares|strata:C1,..|logit|forest|COLUMN|ARM=COLUMN,..|ARM=P,..",
        help_heading = "Study"
    )]
    pub propensity: Option<String>,
    /// Outcome predictions: a linear model (default), a logistic model of outcomes 0 and 1 or a forest in each arm, or
    /// columns of your own predictions
    #[arg(long, value_name = "linear|logistic|forest|ARM=COLUMN,..", help_heading = "Study")]
    pub outcome_model: Option<String>,
    /// Bring propensities into [C, 1 - C] (default: 0.01 for estimated ones, none for known ones and shares)
    #[arg(long, value_name = "C", value_parser = flags::nonnegative, help_heading = "Study")]
    pub clip: Option<f64>,
    /// Leave out rows with a propensity outside [T, 1 - T]
    #[arg(long, value_name = "T", value_parser = flags::nonnegative, help_heading = "Study")]
    pub trim: Option<f64>,
    /// Cost of each arm, in units of the outcome; under --interference also one number, the cost of treating a unit
    #[arg(
        long,
        value_name = "ARM=COST,..",
        value_delimiter = ',',
        conflicts_with = "cost_column",
        help_heading = "Study"
    )]
    pub cost: Vec<String>,
    /// Column of the cost of any arm but the first, or ARM=COLUMN
    #[arg(long, value_name = "COLUMN|ARM=COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    pub cost_column: Vec<String>,
    /// Scores: doubly robust (aipw, default), inverse probability weights (ipw), the same normalised in each arm (hajek),
    /// or outcome predictions alone (direct)
    #[arg(long, value_name = "aipw|ipw|hajek|direct", value_parser = flags::named::<ScoreKind>, help_heading = "Study")]
    pub score: Option<ScoreKind>,
    /// Folds of the cross-fitting (default 5)
    #[arg(long, value_name = "F", help_heading = "Study")]
    pub folds: Option<usize>,
}

impl StudyFlags {
    /// Writes what was typed over the `[scoring]` table of a configuration.
    pub fn over(&self, scoring: &mut Table) -> Result<(), Failure> {
        let given = (!self.rewards.is_empty()).then_some(ScoreKind::Given);
        put(scoring, "score", self.score.or(given))?;
        put(scoring, "folds", self.folds)?;
        put(scoring, "target", self.target.as_ref())?;
        put(scoring, "clip", self.clip)?;
        put(scoring, "trim", self.trim)?;
        let under_interference = scoring.contains_key("clustered");
        let roles = table(scoring, "roles");
        put(roles, "outcome", self.outcome.as_ref())?;
        self.over_survival(roles)?;
        put(roles, "rewards", given.map(|_| flags::pairs("--rewards", &self.rewards)).transpose()?)?;
        put(roles, "treatment", self.treatment.as_ref())?;
        put(roles, "arms", Some(&self.arms).filter(|arms| !arms.is_empty()))?;
        put(roles, "groups", Some(self.groups()?).filter(|groups| !groups.is_empty()))?;
        put(roles, "id", self.id.as_ref())?;
        put(roles, "cluster", self.cluster.as_ref())?;
        put(roles, "edges", self.edges.as_ref())?;
        put(roles, "weights", self.weights.as_ref())?;
        put(roles, "missing", self.missing)?;
        put(roles, "eligible", Some(self.eligible()?).filter(|conditions| !conditions.is_empty()))?;
        put(roles, "propensity", self.propensity.as_deref().map(propensity).transpose()?)?;
        put(roles, "outcome_model", self.outcome_model.as_deref().map(outcome_model).transpose()?)?;
        put(roles, "costs", self.costs(under_interference)?)
    }

    /// Writes what was typed of a time to an event over the outcome of a configuration.
    fn over_survival(&self, roles: &mut Table) -> Result<(), Failure> {
        let strata = Some(&self.censoring_strata).filter(|columns| !columns.is_empty());
        let mut typed = Table::new();
        put(&mut typed, "time", self.time.as_ref())?;
        put(&mut typed, "event", self.event.as_ref())?;
        put(&mut typed, "horizon", self.horizon)?;
        put(&mut typed, "estimand", self.estimand)?;
        put(&mut typed, "censoring_strata", strata)?;
        if typed.is_empty() {
            return Ok(());
        }
        let survival = table(table(roles, "outcome"), "survival");
        survival.extend(typed);
        match ["time", "event", "horizon"].iter().find(|name| !survival.contains_key(**name)) {
            None => Ok(()),
            Some(name) => Err(Failure::usage(format!(
                "--{name} is missing: a time to an event needs --time, --event and --horizon"
            ))),
        }
    }

    fn groups(&self) -> Result<Groups, Failure> {
        if let [file] = self.groups.as_slice()
            && !file.contains('=')
        {
            return groups_of(Path::new(file));
        }
        let pairs = flags::pairs("--groups", &self.groups)?;
        let members = |text: String| text.split('|').map(String::from).collect();
        Ok(pairs.into_iter().map(|(group, text)| (group, members(text))).collect())
    }

    fn eligible(&self) -> Result<BTreeMap<String, String>, Failure> {
        let condition = |text: &String| {
            let parts = text.split_once('=').map(|(arm, condition)| (arm.to_string(), condition.to_string()));
            parts.ok_or_else(|| {
                Failure::usage(format!("--eligible {text:?}: give ARM=CONDITION, for example b=age<=65"))
            })
        };
        self.eligible.iter().map(condition).collect()
    }

    /// Under interference, one number is what treating a unit costs.
    fn costs(&self, under_interference: bool) -> Result<Option<CostRole>, Failure> {
        Ok(match (self.cost.as_slice(), self.cost_column.as_slice()) {
            ([], []) => None,
            ([], [column]) if !column.contains('=') => Some(CostRole::PerUnit(column.clone())),
            ([], columns) => Some(CostRole::PerUnitByArm(flags::pairs("--cost-column", columns)?)),
            ([cost], _) if under_interference && !cost.contains('=') => {
                let refuse = |_| Failure::usage(format!("--cost {cost}: give a number, or ARM=COST,.."));
                Some(CostRole::Treating(cost.parse().map_err(refuse)?))
            }
            (constants, _) => Some(CostRole::PerArm(flags::numbers("--cost", constants)?)),
        })
    }
}

/// The groups of more than one arm under the key `groups` of a JSON file.
fn groups_of(path: &Path) -> Result<Groups, Failure> {
    let refuse = |reason: String| Failure {
        code: super::failure::DATA,
        message: format!(
            "--groups {}: {reason}; give what `fuse --json` wrote, or NAME=ARM|ARM",
            path.display()
        ),
    };
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let mut value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    let groups: Vec<Vec<String>> =
        serde_json::from_value(value["groups"].take()).map_err(|error| refuse(error.to_string()))?;
    Ok(groups
        .into_iter()
        .filter(|members| members.len() > 1)
        .map(|members| (members.join("+"), members))
        .collect())
}

/// A word names a method; pairs give each arm a number, or a column if none of them is a number; anything else is a column.
pub(super) fn propensity(text: &str) -> Result<PropensityRole, Failure> {
    const FLAG: &str = "--propensity";
    if let Some(columns) = text.strip_prefix("strata:") {
        let columns: Vec<String> = columns.split(',').map(String::from).collect();
        if columns.iter().any(String::is_empty) {
            return Err(Failure::usage("--propensity strata: name columns, for example strata:site,sex"));
        }
        return Ok(PropensityRole::Strata(columns));
    }
    Ok(match text {
        "shares" => PropensityRole::ObservedShares,
        "logit" => PropensityRole::Logit,
        "forest" => PropensityRole::Forest,
        column if !column.contains(['=', ',']) && !is_number(column) => {
            PropensityRole::TreatedColumn(column.into())
        }
        pairs => {
            let given: Vec<String> = pairs.split(',').map(String::from).collect();
            let named = flags::pairs(FLAG, &given)?;
            if named.values().any(|value| is_number(value)) {
                PropensityRole::Constants(flags::numbers(FLAG, &given)?)
            } else {
                PropensityRole::Columns(named)
            }
        }
    })
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// A word names a method, pairs give each arm a column.
fn outcome_model(text: &str) -> Result<OutcomeModel, Failure> {
    if text.contains('=') {
        let given: Vec<String> = text.split(',').map(String::from).collect();
        return Ok(OutcomeModel::Columns(flags::pairs("--outcome-model", &given)?));
    }
    flags::named(text).map_err(|_| {
        Failure::usage(format!(
            "--outcome-model {text:?}: give linear, logistic, forest, or arm=column pairs of your own predictions"
        ))
    })
}

/// How data become scores, by what was typed, for commands without a configuration; `arms` where a rule names them.
pub fn scoring(
    flags: &StudyFlags,
    direction: Direction,
    covariates: &[Covariate],
    arms: Option<(&[String], &Groups)>,
    clustered: &ClusteredFlags,
) -> Result<Scoring, Failure> {
    if flags.outcome.as_ref().or(flags.time.as_ref()).is_none() || flags.treatment.is_none() {
        return Err(Failure::usage(
            "name the columns with --outcome (or --time, --event and --horizon) and --treatment",
        ));
    }
    let mut scoring = Table::new();
    put(&mut scoring, "score", Some("aipw"))?;
    put(&mut scoring, "folds", Some(5))?;
    put(&mut scoring, "direction", Some(direction))?;
    let roles = table(&mut scoring, "roles");
    put(roles, "arms", arms.map(|(arms, _)| arms))?;
    put(roles, "groups", arms.map(|(_, groups)| groups).filter(|groups| !groups.is_empty()))?;
    put(roles, "covariates", Some(covariates.iter().map(|c| &c.name).collect::<Vec<_>>()))?;
    let categories = covariates.iter().filter(|covariate| covariate.is_categorical());
    let levels: BTreeMap<_, _> = categories.map(|c| (&c.name, &c.levels)).collect();
    put(roles, "categorical", Some(levels).filter(|levels| !levels.is_empty()))?;
    let made: Vec<_> = covariates.iter().filter_map(|covariate| covariate.made.as_ref()).collect();
    put(roles, "made", Some(made).filter(|made| !made.is_empty()))?;
    let keep = covariates.iter().any(|covariate| covariate.missing);
    put(roles, "missing", Some(if keep { Missing::Keep } else { Missing::Error }))?;
    clustered.over(&mut scoring)?;
    flags.over(&mut scoring)?;
    let failed = |error: toml::de::Error| Failure::usage(error.to_string());
    let scoring: Scoring = Value::Table(scoring).try_into().map_err(failed)?;
    scoring.check()?;
    Ok(scoring)
}
