//! `prescribe weigh DATA`: weights that give every arm the covariate means of one population.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use ndarray::Array1;

use super::failure::{DONE, Failure, INTERNAL};
use super::flags::{self, JsonFlag};
use super::output;
use crate::balance::{
    ArmWeights, Balanced, Choice, FeatureBalance, Features, Kind, Settings, calibrate, love_plot,
};
use crate::data::{Missing, Purpose, Table, check_file, describe, sorted_labels, write_whole};
use crate::evaluate::aligned;
use crate::models::calibration::Discrepancy;

#[derive(Args)]
pub struct Weigh {
    /// CSV, Parquet or Arrow file with one row a unit; - for standard input
    data: PathBuf,
    /// Column of the treatment received; its values are the arms
    #[arg(long, value_name = "COLUMN")]
    treatment: String,
    /// Columns whose means are balanced
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', required = true)]
    covariates: Vec<String>,
    /// Covariates that are categories: the shares of their levels are balanced
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',')]
    categorical: Vec<String>,
    /// What is balanced beside the means: squares of numbers, products of pairs of covariates
    #[arg(long, value_name = "squares|products,..", value_delimiter = ',', value_parser = flags::named::<Kind>)]
    features: Vec<Kind>,
    /// How weights are near to the base weights: of the Cressie-Read family, by name or by its gamma
    #[arg(
        long,
        value_name = "entropy|empirical-likelihood|quadratic|hellinger|GAMMA",
        default_value = "entropy",
        allow_hyphen_values = true
    )]
    discrepancy: Discrepancy,
    /// File of the covariates of a target population, one row a unit (default: all rows of DATA)
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// How far means may stay from the target, in standard deviations: for all features, or by name (default 0)
    #[arg(long, value_name = "D|FEATURE=D,..", value_delimiter = ',')]
    tolerance: Vec<String>,
    /// Column of the weights to stay near to (default: equal ones)
    #[arg(long, value_name = "COLUMN")]
    base_weights: Option<String>,
    /// Largest ratio of a weight to its base weight, each as a share of its arm's sum
    #[arg(long, value_name = "R", value_parser = flags::nonnegative)]
    max_weight: Option<f64>,
    /// Least such ratio; 0 keeps quadratic weights from being negative
    #[arg(long, value_name = "R", value_parser = flags::nonnegative)]
    min_weight: Option<f64>,
    /// Column of the sources (trials, hospitals) that are pooled: each arm is balanced in each of them
    #[arg(long, value_name = "COLUMN")]
    sources: Option<String>,
    /// Rows that miss a covariate: refuse them, or balance the share that misses it as well (a missing number counts as the mean)
    #[arg(long, value_name = "error|keep", default_value = "error", value_parser = missing)]
    missing: Missing,
    /// Threads, 0 for all; the weights do not depend on it
    #[arg(long, value_name = "N", default_value = "0", value_parser = flags::threads)]
    threads: usize,
    /// Way of solving: newton on the dual, clarabel, or auto
    #[arg(long, value_name = "auto|newton|clarabel", default_value = "auto", value_parser = flags::named::<Choice>)]
    solver: Choice,
    /// Column that identifies a unit in the file of weights (default: the number of the row, from 1)
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// CSV for the weights, in the order of the rows; they sum to 1 in every arm
    #[arg(long, value_name = "FILE.csv")]
    weights: Option<PathBuf>,
    /// SVG of every feature's distance from the target before and after
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

fn missing(text: &str) -> Result<Missing, String> {
    match flags::named(text) {
        Ok(known @ (Missing::Error | Missing::Keep)) => Ok(known),
        _ => Err("give error or keep; every row gets a weight".into()),
    }
}

/// The distinct labels, sorted, and the number of each one among them.
pub(super) fn sorted_and_numbered(labels: &[String]) -> (Vec<String>, Vec<usize>) {
    let names = sorted_labels(labels);
    let number: BTreeMap<&str, usize> =
        names.iter().enumerate().map(|(k, name)| (name.as_str(), k)).collect();
    let numbers = labels.iter().map(|label| number[label.as_str()]).collect();
    (names, numbers)
}

impl Weigh {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        for (path, flag) in [(&self.weights, "--weights"), (&self.plot, "--plot")] {
            let Some(path) = path else { continue };
            check_file(path).map_err(|error| Failure::io(path, &error, &writable(flag)))?;
        }
        let table = Table::read(&self.data)?;
        let labels = table.labels(&self.treatment, Purpose::Role)?;
        let (arms, arm) = sorted_and_numbered(&labels);
        let sources = self.sources.as_ref().map(|column| table.labels(column, Purpose::Role)).transpose()?;
        let (source_names, sources) = sources.map(|labels| sorted_and_numbered(&labels)).unzip();
        let stray = self.categorical.iter().find(|name| !self.covariates.contains(name));
        if let Some(name) = stray {
            return Err(Failure::usage(format!("--categorical {name:?}: name it in --covariates as well")));
        }
        let categorical = self.categorical.iter().map(|name| (name.clone(), Vec::new())).collect();
        let covariates = describe(&table, &self.covariates, &categorical, self.missing == Missing::Keep)?;
        let features = Features::of(&table, covariates, &self.features)?;
        let target = self.target.as_ref().map(|path| features.means_in(&Table::read(path)?)).transpose()?;
        let settings = Settings {
            discrepancy: self.discrepancy,
            target,
            tolerance: flags::tolerances(&self.tolerance, &features.names)?,
            base: self.base(&table)?,
            lower: self.min_weight,
            upper: self.max_weight,
            solver: self.solver,
            threads: self.threads,
            sources,
            features: features.names.clone(),
            arms: arms.clone(),
            source_names: source_names.unwrap_or_default(),
        };
        let balanced = calibrate(&features.matrix, &arm, arms.len(), &settings)?;
        balanced.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        self.write(&table, &labels, &balanced)?;
        output::print(self.json.json.as_deref(), &balanced, &summary(&balanced))?;
        Ok(DONE)
    }

    fn base(&self, table: &Table) -> Result<Option<Array1<f64>>, Failure> {
        let Some(column) = &self.base_weights else { return Ok(None) };
        let base = table.numbers(column, Purpose::Role)?;
        if let Some(i) = base.iter().position(|weight| *weight < 0.0) {
            let negative = crate::data::Problem::NegativeWeight { value: base[i] };
            return Err(table.place(i).column(column).refuse(negative).into());
        }
        Ok(Some(base.into()))
    }

    fn write(&self, table: &Table, labels: &[String], balanced: &Balanced) -> Result<(), Failure> {
        if let Some(path) = &self.weights {
            let ids = match &self.id {
                Some(column) => table.labels(column, Purpose::Role)?,
                None => (1..=labels.len()).map(|row| row.to_string()).collect(),
            };
            let bytes = csv(self.id.as_deref().unwrap_or("row"), &ids, labels, &balanced.weights)
                .map_err(|error| Failure { code: INTERNAL, message: error.to_string() })?;
            write_whole(path, &bytes).map_err(|error| Failure::io(path, &error, &writable("--weights")))?;
        }
        if let Some(path) = &self.plot {
            write_whole(path, love_plot(balanced).as_bytes())
                .map_err(|error| Failure::io(path, &error, &writable("--plot")))?;
        }
        Ok(())
    }
}

fn writable(flag: &str) -> String {
    format!("name a file that can be written with {flag}")
}

fn csv(id: &str, ids: &[String], labels: &[String], weights: &Array1<f64>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([id, "arm", "weight"])?;
    for ((id, label), weight) in ids.iter().zip(labels).zip(weights) {
        writer.write_record([id, label, &weight.to_string()])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A line for each arm, then the worst of each feature.
fn summary(balanced: &Balanced) -> String {
    let header =
        ["arm", "units", "effective", "largest weight", "worst before", "worst after"].map(String::from);
    let worst = |arm: &ArmWeights, of: fn(&FeatureBalance) -> f64| {
        let rows = balanced.balance.iter().filter(|row| row.arm == arm.arm && row.source == arm.source);
        rows.map(of).fold(0.0, |most: f64, d| most.max(d.abs()))
    };
    let lines = balanced.arms.iter().map(|arm| {
        [
            arm.source.iter().fold(arm.arm.clone(), |name, source| format!("{name} in {source}")),
            arm.units.to_string(),
            format!("{:.1}", arm.effective_sample_size),
            format!("{:.5}", arm.max_weight),
            format!("{:.3}", worst(arm, |row| row.before)),
            format!("{:.3}", worst(arm, |row| row.after)),
        ]
    });
    let lines: Vec<[String; 6]> = [header].into_iter().chain(lines).collect();
    let pooled = if balanced.arms.iter().any(|arm| arm.source.is_some()) {
        ", its sources by their share of all rows"
    } else {
        ""
    };
    let mut text = format!(
        "Weights that sum to 1 in every arm{pooled}; distances from the target in standard deviations\n\n"
    );
    let _ = writeln!(text, "{}", aligned(&lines));
    text
}
