//! `prescribe predict RULE DATA`: the arm of each row; of a forest also the estimated outcome of each arm.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::failure::{DONE, Failure};
use super::flags::{self, JsonFlag};
use super::output;
use crate::data::{
    Around, Neighbour, Purpose, Table, eligible_elsewhere, read_covariates, with_neighbours, write_whole,
};
use crate::forest::ForestFile;
use crate::learn::rows;
use crate::rule::{RuleFile, Within};

#[derive(Args)]
pub struct Predict {
    /// rule.json that `learn` wrote, or forest.json that `forest` wrote
    rule: PathBuf,
    /// CSV, Parquet or Arrow with the rule's covariates by name; - for standard input
    data: PathBuf,
    /// Column that identifies a unit (default: the number of the row)
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Column of clusters, for a rule that looks at the cluster of a unit
    #[arg(long, value_name = "COLUMN")]
    cluster: Option<String>,
    /// File of edges between units, two columns of ids (--id), for a rule that looks at neighbours
    #[arg(long, value_name = "FILE.csv", requires = "id")]
    edges: Option<PathBuf>,
    /// Say why: the way through the rule that leads to the arm
    #[arg(long)]
    explain: bool,
    /// Where the rule names a group of arms: any of them by chance, or the one that the group names first (default: as the rule
    /// says; by chance, where it says nothing)
    #[arg(long, value_name = "random|first", value_parser = flags::named::<Within>)]
    within: Option<Within>,
    /// Root of all randomness (default 1)
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true)]
    seed: u64,
    /// Write the CSV of arms here instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

/// A column of the answer: its name, and a cell a unit.
type Column<'a> = (&'a str, Vec<&'a str>);

impl Predict {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.out.as_deref(), "--out")?;
        if std::fs::read_to_string(&self.rule).is_ok_and(|text| ForestFile::is_forest(&text)) {
            return self.by_forest();
        }
        let rule = RuleFile::read(&self.rule)?;
        let table = Table::read(&self.data)?;
        let ids = self.ids(&table)?;
        let table = self.with_neighbours(&table, &rule)?;
        let x = read_covariates(&table, &rule.header.covariates, Purpose::Matrix)?;
        let given = rule.assign(rows(&x))?;
        let arms = given.iter().map(|&k| rule.header.arms[k].as_str()).collect();
        let mut columns: Vec<Column> = vec![("id", ids.iter().map(String::as_str).collect()), ("arm", arms)];
        if !rule.header.groups.is_empty() {
            columns.push(("member", rule.members(&given, &ids, self.within, self.seed)));
        }
        let leaves = rule.leaf_paths();
        if self.explain {
            let because =
                rule.leaf_of(rows(&x))?.into_iter().map(|leaf| leaves[leaf].path.as_str()).collect();
            columns.push(("because", because));
        }
        self.print(&csv_of(&columns)?, &json_of(&columns))
    }

    /// The arm of each row by a forest, and what the forest expects of every arm.
    fn by_forest(&self) -> Result<u8, Failure> {
        if self.explain || self.within.is_some() {
            return Err(Failure::usage(
                "--explain and --within are about rules; a forest has no single way to an arm: distil a rule from it with --distil",
            ));
        }
        let forest = ForestFile::read(&self.rule)?;
        let table = Table::read(&self.data)?;
        let ids = self.ids(&table)?;
        let x = read_covariates(&table, &forest.covariates, Purpose::Matrix)?;
        let eligible = eligible_elsewhere(&table, &forest.eligible, &forest.arms)?;
        let found = forest.assign(&x, eligible.as_ref());
        let arms = found.arm.iter().map(|&k| forest.arms[k].as_str()).collect();
        let named = |(arm, column): (&String, ndarray::ArrayView1<f64>)| {
            (format!("estimate[{arm}]"), column.iter().map(f64::to_string).collect::<Vec<String>>())
        };
        let estimates: Vec<(String, Vec<String>)> =
            forest.arms.iter().zip(found.outcome.columns()).map(named).collect();
        let mut columns: Vec<Column> = vec![("id", ids.iter().map(String::as_str).collect()), ("arm", arms)];
        columns.extend(
            estimates.iter().map(|(name, cells)| (name.as_str(), cells.iter().map(String::as_str).collect())),
        );
        let mut json = json_of(&columns[..2]);
        for (arm, column) in forest.arms.iter().zip(found.outcome.columns()) {
            json["estimates"][arm] = json!(column.to_vec());
        }
        self.print(&csv_of(&columns)?, &json)
    }

    fn ids(&self, table: &Table) -> Result<Vec<String>, Failure> {
        Ok(match &self.id {
            Some(column) => table.labels(column, Purpose::Matrix)?,
            None => (1..=table.row_count()).map(|row| row.to_string()).collect(),
        })
    }

    fn print(&self, csv: &str, json: &Value) -> Result<u8, Failure> {
        let text = match &self.out {
            None => csv,
            Some(path) => {
                write_whole(path, csv.as_bytes()).map_err(|error| {
                    Failure::io(path, &error, "name a file that can be written with --out")
                })?;
                ""
            }
        };
        output::print(self.json.json.as_deref(), json, text)?;
        Ok(DONE)
    }

    /// The table with the covariates of the rule that are made of who is around a unit.
    fn with_neighbours(&self, table: &Table, rule: &RuleFile) -> Result<Table, Failure> {
        let made: Vec<Neighbour> = rule.header.covariates.iter().filter_map(|c| c.made.clone()).collect();
        let around =
            Around { cluster: self.cluster.as_deref(), id: self.id.as_deref(), edges: self.edges.as_deref() };
        let (table, warnings) = with_neighbours(table, &made, around, false)?;
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        Ok(table)
    }
}

fn json_of(columns: &[Column]) -> Value {
    Value::Object(columns.iter().map(|(name, cells)| (name.to_string(), json!(cells))).collect())
}

fn csv_of(columns: &[Column]) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: String| Failure { code: super::failure::INTERNAL, message: error };
    let names = columns.iter().map(|(name, _)| name);
    writer.write_record(names).map_err(|error| failed(error.to_string()))?;
    for row in 0..columns[0].1.len() {
        let cells = columns.iter().map(|(_, cells)| cells[row]);
        writer.write_record(cells).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}
