//! `prescribe predict RULE DATA`: the arm of each row.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::failure::{DONE, Failure};
use super::flags::JsonFlag;
use super::output;
use crate::data::{Purpose, Table, read_covariates, write_whole};
use crate::learn::rows;
use crate::rule::RuleFile;

#[derive(Args)]
pub struct Predict {
    /// rule.json that `learn` wrote
    rule: PathBuf,
    /// CSV, Parquet or Arrow with the rule's covariates by name; - for standard input
    data: PathBuf,
    /// Column that identifies a unit (default: the number of the row)
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Write the CSV of arms here instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Predict {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.out.as_deref(), "--out")?;
        let rule = RuleFile::read(&self.rule)?;
        let table = Table::read(&self.data)?;
        let ids = match &self.id {
            Some(column) => table.labels(column, Purpose::Matrix)?,
            None => (1..=table.row_count()).map(|row| row.to_string()).collect(),
        };
        let x = read_covariates(&table, &rule.header.covariates, Purpose::Matrix)?;
        let arms: Vec<&String> = rule.assign(rows(&x))?.into_iter().map(|k| &rule.header.arms[k]).collect();
        let csv = csv_of(&ids, &arms)?;
        let text = match &self.out {
            None => csv,
            Some(path) => {
                write_whole(path, csv.as_bytes()).map_err(|error| {
                    Failure::io(path, &error, "name a file that can be written with --out")
                })?;
                String::new()
            }
        };
        output::print(self.json.json.as_deref(), &json!({"id": ids, "arm": arms}), &text)?;
        Ok(DONE)
    }
}

fn csv_of(ids: &[String], arms: &[&String]) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: String| Failure { code: super::failure::INTERNAL, message: error };
    writer.write_record(["id", "arm"]).map_err(|error| failed(error.to_string()))?;
    for (id, arm) in ids.iter().zip(arms) {
        writer.write_record([id, *arm]).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}
