//! `prescribe intervals RULE DATA`: the outcome of each unit under a rule, with an interval that holds it.

use std::path::PathBuf;

use clap::Args;

use super::evaluate::seen_by;
use super::failure::{DONE, Failure, INTERNAL};
use super::flags::{self, JsonFlag};
use super::interference::ClusteredFlags;
use super::output;
use super::study::{StudyFlags, scoring};
use crate::conformal::{Intervals as Found, NewUnits, Settings};
use crate::data::{
    Covariate, Missing, Purpose, Study, Table, propensity_elsewhere, read_covariates, write_whole,
};
use crate::learn::{Scoring, rows};
use crate::rule::{Header, RuleFile};

#[derive(Args)]
pub struct Intervals {
    /// rule.json that `learn` wrote
    rule: PathBuf,
    /// CSV, Parquet or Arrow with one row a unit, best of units that the rule has not seen; - for standard input
    data: PathBuf,
    /// Column of the outcome
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    outcome: String,
    /// Column of the treatment received; its values are the arms, or members of the rule's groups
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    treatment: String,
    /// Columns that models use beside the rule's own covariates
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    covariates: Vec<String>,
    /// Those among --covariates that are categories
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    categorical: Vec<String>,
    /// Column that identifies a unit, in both files (default: the number of the row)
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    id: Option<String>,
    /// Rows with a missing value: refuse them (default), leave them out, or keep those that miss covariates only
    #[arg(long, value_name = "error|drop|keep", value_parser = flags::named::<Missing>, help_heading = "Study")]
    missing: Option<Missing>,
    /// Propensities: the observed shares of the arms (default), those within the strata that columns form, a logit model or a forest on
    /// the covariates, or known ones in columns or numbers
    #[arg(
        long,
        value_name = "shares|strata:C1,..|logit|forest|COLUMN|ARM=COLUMN,..|ARM=P,..",
        help_heading = "Study"
    )]
    propensity: Option<String>,
    /// Outcome model in each arm: linear (default), logistic for outcomes 0 and 1, or a forest
    #[arg(long, value_parser = ["linear", "logistic", "forest"], help_heading = "Study")]
    outcome_model: Option<String>,
    /// Propensities below C count as C (default: 0.01 for estimated ones)
    #[arg(long, value_name = "C", value_parser = flags::nonnegative, help_heading = "Study")]
    clip: Option<f64>,
    /// Units to predict, with the same covariates; without, those of DATA that are kept to check
    #[arg(long, value_name = "FILE", help_heading = "Intervals")]
    new: Option<PathBuf>,
    /// Probability with which an interval holds the outcome
    #[arg(long, value_name = "P", default_value = "0.9", value_parser = inside, help_heading = "Intervals")]
    level: f64,
    /// Share of the units that models are fitted to
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = inside, help_heading = "Intervals")]
    fit_share: f64,
    /// Share of the units kept to check the intervals
    #[arg(long, value_name = "SHARE", default_value = "0.2", value_parser = inside, help_heading = "Intervals")]
    check_share: f64,
    /// Intervals as long as residuals are expected to be large, by a model of their size
    #[arg(long, help_heading = "Intervals")]
    scaled: bool,
    /// Root of all randomness
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// CSV of the intervals: id, arm, prediction, lower, upper
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Intervals {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.out.as_deref(), "--out")?;
        if self.fit_share + self.check_share >= 1.0 {
            return Err(Failure::usage(
                "--fit-share and --check-share leave no units to calibrate on; lower one of them",
            ));
        }
        let rule = RuleFile::read(&self.rule)?;
        let scoring = self.scoring(&rule)?;
        let table = Table::read(&self.data)?;
        let study = Study::from_table(&table, &scoring.roles)?;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let assigned = rule.assign(rows(&seen_by(&rule, &study.covariates, &study.x)))?;
        let new = self.new_units(&rule, &scoring, &study, &table)?;
        let settings = Settings {
            roles: &scoring.roles,
            clip: self.clip,
            level: self.level,
            fit_share: self.fit_share,
            check_share: self.check_share,
            scaled: self.scaled,
            seed: self.seed,
        };
        let found = Found::new(&study, &assigned, new.as_ref(), &settings)?;
        if let Some(path) = &self.out {
            let failed = |error: csv::Error| Failure { code: INTERNAL, message: error.to_string() };
            write_whole(path, &found.csv().map_err(failed)?)
                .map_err(|error| Failure::io(path, &error, "name a file that can be written with --out"))?;
        }
        output::print(self.json.json.as_deref(), &found, &found.summary())?;
        Ok(DONE)
    }

    /// What was typed, with what the rule file knows.
    fn scoring(&self, rule: &RuleFile) -> Result<Scoring, Failure> {
        let Header { arms, groups, direction, covariates, .. } = &rule.header;
        let flags = StudyFlags {
            outcome: Some(self.outcome.clone()),
            treatment: Some(self.treatment.clone()),
            id: self.id.clone(),
            missing: self.missing,
            propensity: self.propensity.clone(),
            outcome_model: self.outcome_model.clone(),
            clip: self.clip,
            ..StudyFlags::default()
        };
        let known = |name: &&String| covariates.iter().any(|covariate| covariate.name == **name);
        let others = self.covariates.iter().filter(|name| !known(name)).map(|name| Covariate::numeric(name));
        let covariates: Vec<Covariate> = covariates.iter().cloned().chain(others).collect();
        let mut scoring =
            scoring(&flags, *direction, &covariates, Some((arms, groups)), &ClusteredFlags::default())?;
        for name in &self.categorical {
            // Of its own covariates the rule knows the levels.
            scoring.roles.categorical.entry(name.clone()).or_default();
        }
        Ok(scoring)
    }

    fn new_units(
        &self,
        rule: &RuleFile,
        scoring: &Scoring,
        study: &Study,
        table: &Table,
    ) -> Result<Option<NewUnits>, Failure> {
        let Some(path) = &self.new else { return Ok(None) };
        let new = Table::read(path)?;
        let x = read_covariates(&new, &study.covariates, Purpose::Matrix)?;
        Ok(Some(NewUnits {
            ids: match &self.id {
                Some(column) => new.labels(column, Purpose::Matrix)?,
                None => (1..=new.row_count()).map(|row| row.to_string()).collect(),
            },
            assigned: rule.assign(rows(&seen_by(rule, &study.covariates, &x)))?,
            propensity: propensity_elsewhere(&new, &scoring.roles.propensity, study, table)?,
            x,
        }))
    }
}

/// A number between 0 and 1.
fn inside(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("give a number between 0 and 1, both excluded".into()),
    }
}
