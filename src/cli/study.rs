//! Flags that say how a data file becomes a study with scores, as a user types them and as a configuration says them.

use std::collections::BTreeMap;

use clap::Args;
use toml::{Table, Value};

use super::failure::Failure;
use super::flags;
use crate::data::{CostRole, Covariate, Missing, PropensityRole};
use crate::learn::Scoring;
use crate::score::{Direction, ScoreKind};

#[derive(Args, Clone, Debug, Default)]
pub struct StudyFlags {
    /// Column of the outcome
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub outcome: Option<String>,
    /// Column of the treatment received; its values are the arms
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub treatment: Option<String>,
    /// Order of the arms, the control first (default: sorted)
    #[arg(long, value_name = "ARM,..", value_delimiter = ',', help_heading = "Study")]
    pub arms: Vec<String>,
    /// Column that identifies a unit
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub id: Option<String>,
    /// Column of what units share that may be alike (village, ward): folds, held-out units and standard errors go by it
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub cluster: Option<String>,
    /// Column of sample weights: how many units of the population a unit stands for, up to a factor
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    pub weights: Option<String>,
    /// Rows with a missing value: refuse them (default), leave them out, or keep those that miss covariates only (trees learn
    /// which way they go, linear models fill the mean in and add an indicator)
    #[arg(long, value_name = "error|drop|keep", value_parser = flags::named::<Missing>, help_heading = "Study")]
    pub missing: Option<Missing>,
    /// Who may get an arm: a column of 0 and 1, or a comparison such as age<=65 (default: everyone)
    #[arg(long, value_name = "ARM=CONDITION,..", value_delimiter = ',', help_heading = "Study")]
    pub eligible: Vec<String>,
    /// Known propensity of each arm (default: the observed shares)
    #[arg(
        long,
        value_name = "ARM=P,..",
        value_delimiter = ',',
        conflicts_with = "propensity_column",
        help_heading = "Study"
    )]
    pub propensity: Vec<String>,
    /// Column of the propensity: of the second of two arms, or ARM=COLUMN for each arm
    #[arg(long, value_name = "COLUMN|ARM=COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    pub propensity_column: Vec<String>,
    /// Columns whose values form the strata within which arms were drawn: the observed shares there are the propensities
    #[arg(
        long,
        value_name = "COLUMN,..",
        value_delimiter = ',',
        conflicts_with_all = ["propensity", "propensity_column"],
        help_heading = "Study"
    )]
    pub propensity_strata: Vec<String>,
    /// Cost of each arm, in units of the outcome
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
        put(scoring, "score", self.score)?;
        put(scoring, "folds", self.folds)?;
        let roles = table(scoring, "roles");
        put(roles, "outcome", self.outcome.as_ref())?;
        put(roles, "treatment", self.treatment.as_ref())?;
        put(roles, "arms", Some(&self.arms).filter(|arms| !arms.is_empty()))?;
        put(roles, "id", self.id.as_ref())?;
        put(roles, "cluster", self.cluster.as_ref())?;
        put(roles, "weights", self.weights.as_ref())?;
        put(roles, "missing", self.missing)?;
        put(roles, "eligible", Some(self.eligible()?).filter(|conditions| !conditions.is_empty()))?;
        put(roles, "propensity", self.propensity()?)?;
        put(roles, "costs", self.costs()?)
    }

    fn propensity(&self) -> Result<Option<PropensityRole>, Failure> {
        if !self.propensity_strata.is_empty() {
            return Ok(Some(PropensityRole::Strata(self.propensity_strata.clone())));
        }
        Ok(match (self.propensity.as_slice(), self.propensity_column.as_slice()) {
            ([], []) => None,
            ([], [column]) if !column.contains('=') => Some(PropensityRole::TreatedColumn(column.clone())),
            ([], columns) => Some(PropensityRole::Columns(flags::pairs("--propensity-column", columns)?)),
            (constants, _) => Some(PropensityRole::Constants(flags::numbers("--propensity", constants)?)),
        })
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

    fn costs(&self) -> Result<Option<CostRole>, Failure> {
        Ok(match (self.cost.as_slice(), self.cost_column.as_slice()) {
            ([], []) => None,
            ([], [column]) if !column.contains('=') => Some(CostRole::PerUnit(column.clone())),
            ([], columns) => Some(CostRole::PerUnitByArm(flags::pairs("--cost-column", columns)?)),
            (constants, _) => Some(CostRole::PerArm(flags::numbers("--cost", constants)?)),
        })
    }
}

/// How data become scores, by what was typed, for commands without a configuration; `arms` where a rule names them.
pub fn scoring(
    flags: &StudyFlags,
    direction: Direction,
    covariates: &[Covariate],
    arms: Option<&[String]>,
) -> Result<Scoring, Failure> {
    if flags.outcome.is_none() || flags.treatment.is_none() {
        return Err(Failure::usage("name the columns with --outcome and --treatment"));
    }
    let mut scoring = Table::new();
    put(&mut scoring, "score", Some("aipw"))?;
    put(&mut scoring, "folds", Some(5))?;
    put(&mut scoring, "direction", Some(direction))?;
    let roles = table(&mut scoring, "roles");
    put(roles, "arms", arms)?;
    put(roles, "covariates", Some(covariates.iter().map(|c| &c.name).collect::<Vec<_>>()))?;
    let categories = covariates.iter().filter(|covariate| covariate.is_categorical());
    let levels: BTreeMap<_, _> = categories.map(|c| (&c.name, &c.levels)).collect();
    put(roles, "categorical", Some(levels).filter(|levels| !levels.is_empty()))?;
    let keep = covariates.iter().any(|covariate| covariate.missing);
    put(roles, "missing", Some(if keep { Missing::Keep } else { Missing::Error }))?;
    flags.over(&mut scoring)?;
    Value::Table(scoring).try_into().map_err(|error: toml::de::Error| Failure::usage(error.to_string()))
}

/// The table called `name`, made where it is not there.
pub fn table<'t>(parent: &'t mut Table, name: &str) -> &'t mut Table {
    let entry = parent.entry(name).or_insert_with(|| Value::Table(Table::new()));
    if !entry.is_table() {
        *entry = Value::Table(Table::new());
    }
    match entry {
        Value::Table(table) => table,
        _ => unreachable!("it was just made a table"),
    }
}

/// Sets `name` where a value was typed.
pub fn put(table: &mut Table, name: &str, value: Option<impl serde::Serialize>) -> Result<(), Failure> {
    if let Some(value) = value {
        let value = Value::try_from(value).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        table.insert(name.into(), value);
    }
    Ok(())
}
