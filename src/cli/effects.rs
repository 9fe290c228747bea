//! `prescribe effects DATA`: effects of arms, or of groups of arms, against one of them, and what they depend on.

use std::path::PathBuf;

use clap::Args;

use super::failure::{DONE, Failure};
use super::flags::{self, JsonFlag};
use super::interference::ClusteredFlags;
use super::output;
use super::study::{StudyFlags, scoring};
use crate::data::{Covariate, Table};
use crate::effects::{Covariance, Settings};
use crate::learn::{Scored, score_table};
use crate::score::Direction;

#[derive(Args)]
pub struct Effects {
    /// CSV, Parquet or Arrow with one row a unit; - for standard input
    data: PathBuf,
    /// Columns that outcome models and estimated propensities use
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', required = true, help_heading = "Study")]
    covariates: Vec<String>,
    /// Covariates that are categories
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    categorical: Vec<String>,
    #[command(flatten)]
    study: StudyFlags,
    /// The arm, or group, that the others are held against (default: the first)
    #[arg(long, value_name = "ARM", help_heading = "Effects")]
    against: Option<String>,
    /// Covariates that effects may depend on: a linear projection, a test, and the effects in subgroups (levels, or quarters of a
    /// number)
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Effects")]
    by: Vec<String>,
    /// Covariance of the coefficients of the projection, robust to unequal variances; with --cluster it is that between clusters
    #[arg(long, value_name = "hc3|hc1", value_parser = flags::named::<Covariance>, default_value = "hc3", conflicts_with = "cluster", help_heading = "Effects")]
    covariance: Covariance,
    /// Root of all randomness
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    #[command(flatten)]
    json: JsonFlag,
}

impl Effects {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        if !self.study.cost.is_empty() || !self.study.cost_column.is_empty() {
            return Err(Failure::usage(
                "effects are on the outcome; leave --cost and --cost-column to rules",
            ));
        }
        let covariates: Vec<Covariate> =
            self.covariates.iter().map(|name| Covariate::numeric(name)).collect();
        // Without costs, the direction changes nothing but a sign that effects do not have.
        let mut scoring =
            scoring(&self.study, Direction::Maximize, &covariates, None, &ClusteredFlags::default())?;
        scoring.roles.categorical = self.categorical.iter().map(|name| (name.clone(), Vec::new())).collect();
        let Scored { study, rewards, .. } = score_table(&Table::read(&self.data)?, &scoring, self.seed)?;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let settings = Settings {
            against: self.against.clone(),
            by: self.by.clone(),
            covariance: self.covariance,
            seed: self.seed,
        };
        let effects = crate::effects::Effects::new(&study, &rewards, &settings)?;
        output::print(self.json.json.as_deref(), &effects, &effects.table())?;
        Ok(DONE)
    }
}
