//! `prescribe fuse DATA`: which of many treatments do the same.

mod words;

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Failure, code_of};
use super::flags::{self, JsonFlag};
use super::output;
use super::progress::Terminal;
use crate::data::{DataError, Missing, Place, Problem, Purpose, Roles, Study, Table, write_whole};
use crate::fusion::{Choice, Criterion, MainEffect, Penalty, Settings, Weighting, compare, fuse, grid};
use crate::models::outcome_loss::Loss;
use crate::solve::Options;
use crate::solve::admm::Checkpoint;
use crate::solve::registry::AUTO;

/// Seconds between two writings of the checkpoint.
const CHECKPOINT_SECONDS: f64 = 5.0;

#[derive(Args)]
pub struct Fuse {
    /// Data file with one row a unit; - for standard input
    data: PathBuf,
    /// Column of the outcome
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    outcome: String,
    /// Column of the treatment received; its values are the arms
    #[arg(long, value_name = "COLUMN", help_heading = "Study")]
    treatment: String,
    /// Columns that the effects of the arms may depend on
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', required = true, help_heading = "Study")]
    covariates: Vec<String>,
    /// Covariates that are categories
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    categorical: Vec<String>,
    /// Rows with a missing value: refuse them, or leave them out
    #[arg(long, value_name = "error|drop|keep", value_parser = flags::named::<Missing>, default_value = "error", help_heading = "Study")]
    missing: Missing,
    /// Weights of the units: those that bring each arm to the means of the covariates (entropy), none, or the column weight of a CSV
    /// with a row for each row of the data
    #[arg(long, value_name = "FILE|none|entropy", default_value = "entropy", help_heading = "Fusion")]
    weights: String,
    /// What all arms owe to the covariates, taken off first
    #[arg(long, value_name = "none|linear|quadratic|forest", value_parser = flags::named::<MainEffect>, default_value = "quadratic", help_heading = "Fusion")]
    main_effect: MainEffect,
    /// What a prediction costs: its square, the negative log-likelihood of an outcome of 0 and 1, or its square up to a distance D and in proportion
    /// beyond, for outcomes with outliers; the main effect is on the same scale
    #[arg(long, value_name = "squared|logistic|huber:D", value_parser = loss, default_value = "squared", help_heading = "Fusion")]
    loss: Loss,
    /// How arms are drawn together (default: l0, and lasso where a flag of a strength or a distance is typed; wald where the loss is not
    /// squared, which l0, mcp, scad and tlp need)
    #[arg(long, value_name = "l0|lasso|adaptive|wald|mcp|scad|tlp", value_parser = flags::named::<Penalty>, help_heading = "Fusion")]
    penalty: Option<Penalty>,
    /// All of them on these data, side by side; the one of the least criterion is chosen
    #[arg(long, conflicts_with_all = ["penalty", "lambda", "lambda_grid", "threshold", "groups", "bootstrap", "solver"], help_heading = "Fusion")]
    compare: bool,
    /// Strength of the penalty; not of l0
    #[arg(long, value_name = "L", value_parser = flags::nonnegative, allow_negative_numbers = true, conflicts_with_all = ["criterion", "groups", "lambda_grid"], help_heading = "Fusion")]
    lambda: Option<f64>,
    /// What chooses among the groupings (default: ebic)
    #[arg(long, value_name = "ebic|bic", value_parser = flags::named::<Criterion>, conflicts_with = "groups", help_heading = "Fusion")]
    criterion: Option<Criterion>,
    /// Strengths that are tried, equally far apart on the logarithmic scale; they are those of weights that sum to 1 in each arm; not of l0
    /// (default: 5e-4:1.5:60 times the outcome's unit, the power of two nearest to its residual deviation within arms over 2.5)
    #[arg(long, value_name = "LOW:HIGH:N", value_parser = lambda_grid, help_heading = "Fusion")]
    lambda_grid: Option<Lambdas>,
    /// So many groups: the best partition into them, or the smallest strength of the grid that leaves so many
    #[arg(long, value_name = "M", value_parser = flags::positive, help_heading = "Fusion")]
    groups: Option<usize>,
    /// Arms whose coefficients are nearer than this are one group; not of l0 (default: 0.25 times the outcome's unit)
    #[arg(long, value_name = "D", value_parser = flags::nonnegative, help_heading = "Fusion")]
    threshold: Option<f64>,
    /// Bootstrap samples that tell how often two arms stay together (default: 0)
    #[arg(long, value_name = "B", help_heading = "Fusion")]
    bootstrap: Option<usize>,
    /// Solver of the chosen problem: subsets, columns, milp or merging of l0, admm or clarabel of the others (default: auto, by the problem)
    #[arg(long, value_name = "NAME", help_heading = "Solver")]
    solver: Option<String>,
    /// Stop after this many seconds with what there is (default: none; of l0, ten minutes for the proof)
    #[arg(long, value_name = "SECONDS", value_parser = flags::nonnegative, allow_negative_numbers = true, help_heading = "Solver")]
    time_limit: Option<f64>,
    /// File that keeps where the path of strengths stands, every few seconds and when interrupted; the same command goes on from there
    #[arg(long, value_name = "FILE", conflicts_with = "compare", help_heading = "Solver")]
    checkpoint: Option<PathBuf>,
    /// Root of all randomness
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Solver")]
    seed: u64,
    /// SVG of the path: the arms along lambda, or the criteria along the number of groups
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Fuse {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.plot.as_deref(), "--plot")?;
        let penalty = self.penalty()?;
        let study = Study::from_table(&Table::read(&self.data)?, &self.roles())?;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let settings = Settings {
            weighting: self.weighting(&study)?,
            main_effect: self.main_effect,
            penalty,
            loss: self.loss,
            choice: match (self.lambda, self.groups) {
                (Some(lambda), _) => Choice::Lambda(lambda),
                (None, Some(count)) => Choice::Groups(count),
                (None, None) => Choice::Criterion(self.criterion.unwrap_or_default()),
            },
            lambdas: self.lambda_grid.as_ref().map(|grid| grid.0.clone()),
            threshold: self.threshold,
            bootstrap: self.bootstrap.unwrap_or(0),
            solver: self.solver.clone().unwrap_or_else(|| AUTO.into()),
            checkpoint: self.checkpoint.clone().map(|file| Checkpoint {
                file,
                seconds: CHECKPOINT_SECONDS,
                write: write_whole,
                resume: true,
                luggage: serde_json::Value::Null,
            }),
            options: Options { random_seed: self.seed, time_limit: self.time_limit, ..Options::default() },
        };
        let found = match self.compare {
            true => compare(&study, &settings, &Terminal::new())?,
            false => fuse(&study, &settings, &Terminal::new())?,
        };
        found.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        if let Some(path) = &self.plot {
            write_whole(path, words::plot(&found).as_bytes())
                .map_err(|error| Failure::io(path, &error, "name a file that can be written with --plot"))?;
        }
        output::print(self.json.json.as_deref(), &found, &words::table(&found))?;
        Ok(code_of(&found.report))
    }

    /// The penalty asked for; strengths and distances belong to the lasso and its kin.
    fn penalty(&self) -> Result<Penalty, Failure> {
        let typed = [
            ("--lambda", self.lambda.is_some()),
            ("--lambda-grid", self.lambda_grid.is_some()),
            ("--threshold", self.threshold.is_some()),
        ];
        match (self.penalty, typed.into_iter().find(|(_, typed)| *typed)) {
            (Some(Penalty::L0), Some((flag, _))) => Err(Failure::usage(format!(
                "--penalty l0 has no {flag}: it counts groups; leave {flag} out, or choose another penalty"
            ))),
            (Some(Penalty::L0), None) if self.checkpoint.is_some() => {
                Err(Failure::usage("--penalty l0 has no path of strengths to keep; leave --checkpoint out"))
            }
            (Some(penalty), _) => Ok(penalty),
            (None, Some(_)) => Ok(Penalty::Lasso),
            (None, None) if self.loss != Loss::Squared => Ok(Penalty::Wald),
            (None, None) if self.checkpoint.is_some() => Ok(Penalty::Lasso),
            (None, None) => Ok(Penalty::default()),
        }
    }

    fn roles(&self) -> Roles {
        Roles {
            categorical: self.categorical.iter().map(|name| (name.clone(), Vec::new())).collect(),
            missing: self.missing,
            ..Roles::new(&self.outcome, &self.treatment, &self.covariates)
        }
    }

    fn weighting(&self, study: &Study) -> Result<Weighting, DataError> {
        match self.weights.as_str() {
            "none" => Ok(Weighting::None),
            "entropy" => Ok(Weighting::Entropy),
            file => given(Path::new(file), study).map(Weighting::Given),
        }
    }
}

/// The weights of a file: its column `weight`, or the only one it has.
fn given(path: &Path, study: &Study) -> Result<Vec<f64>, DataError> {
    const COLUMN: &str = "weight";
    let table = Table::read(path)?;
    let column = match table.header() {
        [only] => only.clone(),
        _ => COLUMN.into(),
    };
    let weights = table.numbers(&column, Purpose::Role)?;
    let rows = study.units() + study.dropped;
    if weights.len() != rows {
        let problem =
            Problem::RowsDiffer { rows: weights.len(), other: study.source.clone(), other_rows: rows };
        return Err(Place::file(table.source()).refuse(problem));
    }
    if let Some((i, &value)) = weights.iter().enumerate().find(|(_, weight)| **weight < 0.0) {
        return Err(table.place(i).column(&column).refuse(Problem::NegativeWeight { value }));
    }
    Ok(study.rows.iter().map(|&row| weights[row]).collect())
}

/// `squared`, `logistic`, `huber:D`.
fn loss(text: &str) -> Result<Loss, String> {
    let bend = text.strip_prefix("huber:").and_then(|d| d.parse::<f64>().ok());
    match (text, bend.filter(|d| d.is_finite() && *d > 0.0)) {
        ("squared", _) => Ok(Loss::Squared),
        ("logistic", _) => Ok(Loss::Logistic),
        (_, Some(d)) => Ok(Loss::Huber(d)),
        _ => Err("give squared, logistic, or huber:D with a D above 0 in units of the outcome, for example huber:1.5".into()),
    }
}

/// Strengths, from small to large.
#[derive(Clone, Debug)]
struct Lambdas(Vec<f64>);

/// `low:high:n`.
fn lambda_grid(text: &str) -> Result<Lambdas, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let numbers = match parts.as_slice() {
        [low, high, n] => low.parse::<f64>().ok().zip(high.parse::<f64>().ok()).zip(n.parse::<usize>().ok()),
        _ => None,
    };
    match numbers {
        Some(((low, high), n))
            if 0.0 < low && low < high && high.is_finite() && (2..=10_000).contains(&n) =>
        {
            Ok(Lambdas(grid(low, high, n)))
        }
        _ => {
            Err("give LOW:HIGH:N with 0 < LOW < HIGH and a whole N from 2 to 10000, for example 5e-4:1.5:60"
                .into())
        }
    }
}
