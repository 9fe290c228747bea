//! `prescribe evaluate RULE DATA`: the value of a rule on data that it has not seen.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use toml::{Table, Value};

use super::failure::{DONE, Failure};
use super::flags::JsonFlag;
use super::output;
use super::study::{StudyFlags, put, table};
use crate::data::{self, Missing, Purpose, read_covariates};
use crate::evaluate::Evaluation;
use crate::learn::{Scoring, rows, score_table};
use crate::rule::RuleFile;

#[derive(Args)]
pub struct Evaluate {
    /// rule.json that `learn` wrote; it names the covariates, the arms and the direction
    rule: PathBuf,
    /// CSV, Parquet or Arrow with one row a unit; - for standard input
    data: PathBuf,
    #[command(flatten)]
    study: StudyFlags,
    /// Root of all randomness
    #[arg(long, default_value = "1")]
    seed: u64,
    #[command(flatten)]
    json: JsonFlag,
}

impl Evaluate {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        let rule = RuleFile::read(&self.rule)?;
        let scoring = self.scoring(&rule)?;
        let table = data::Table::read(&self.data)?;
        if scoring.roles.missing == Missing::Keep {
            read_covariates(&table, &rule.header.covariates, Purpose::Covariate)?;
        }
        let scored = score_table(&table, &scoring, self.seed)?;
        scored.study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let assignment = rule.assign(rows(&scored.study.x))?;
        let evaluation =
            Evaluation::new(&scored.study, &scored.rewards, &assignment, rule.header.direction, None)?;
        output::print(self.json.json.as_deref(), &evaluation, &evaluation.table())?;
        Ok(DONE)
    }

    /// What was typed, with what the rule file knows.
    fn scoring(&self, rule: &RuleFile) -> Result<Scoring, Failure> {
        let outcome = self.study.outcome.as_ref().or(self.study.time.as_ref());
        if outcome.is_none() || self.study.treatment.is_none() {
            return Err(Failure::usage(
                "name the columns with --outcome (or --time, --event and --horizon) and --treatment",
            ));
        }
        let mut scoring = Table::new();
        put(&mut scoring, "score", Some("aipw"))?;
        put(&mut scoring, "folds", Some(5))?;
        put(&mut scoring, "direction", Some(rule.header.direction))?;
        let roles = table(&mut scoring, "roles");
        put(roles, "arms", Some(&rule.header.arms))?;
        let covariates = &rule.header.covariates;
        put(roles, "covariates", Some(covariates.iter().map(|c| &c.name).collect::<Vec<_>>()))?;
        let categories = covariates.iter().filter(|covariate| covariate.is_categorical());
        put(
            roles,
            "categorical",
            Some(categories.map(|c| (&c.name, &c.levels)).collect::<BTreeMap<_, _>>()),
        )?;
        let keep = covariates.iter().any(|covariate| covariate.missing);
        put(roles, "missing", Some(if keep { Missing::Keep } else { Missing::Error }))?;
        self.study.over(&mut scoring)?;
        let failed = |error: toml::de::Error| Failure::usage(error.to_string());
        let scoring: Scoring = Value::Table(scoring).try_into().map_err(failed)?;
        scoring.check()?;
        if scoring.roles.arms.as_ref() != Some(&rule.header.arms) {
            return Err(Failure::usage("--arms must be those of the rule, in its order; leave it out"));
        }
        Ok(scoring)
    }
}
