//! Problems of weights and of coefficients from matrix files: `solve calibration`, `solve fused-lasso`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use ndarray::{Array1, Array2};
use serde_json::{Map, Value, json};

use super::failure::{Failure, code_of};
use super::flags::{self, JsonFlag, SolverFlags};
use super::output::{self, number};
use super::problem::{read_column, read_covariates, shape};
use super::progress::Terminal;
use super::weigh::sorted_and_numbered;
use crate::data::{Place, Problem as Refusal, Purpose, Table};
use crate::fusion::{Data, Penalty, Problem, pair_weights};
use crate::models::calibration::{Calibration, Discrepancy};
use crate::solve::{Chosen, Options, Solvable, TerminationStatus};

/// A problem of weights as typed.
#[derive(Args, Clone, Debug)]
pub struct CalibrationFlags {
    /// CSV of the features of one arm, a header and one row a unit
    #[arg(long, value_name = "X.csv")]
    covariates: PathBuf,
    /// CSV of the same features whose means are the target (default: those of X.csv)
    #[arg(long, value_name = "T.csv")]
    target: Option<PathBuf>,
    /// CSV of one column: the weights to stay near to, above 0 (default: equal ones)
    #[arg(long, value_name = "W.csv")]
    base: Option<PathBuf>,
    /// How weights are near to the base weights: of the Cressie-Read family, by name or by its gamma
    #[arg(
        long,
        value_name = "entropy|empirical-likelihood|quadratic|hellinger|GAMMA",
        default_value = "entropy",
        allow_hyphen_values = true
    )]
    discrepancy: Discrepancy,
    /// How far means may stay from the target, in standard deviations of X.csv: for all features, or by name (default 0)
    #[arg(long, value_name = "D|FEATURE=D,..", value_delimiter = ',')]
    tolerance: Vec<String>,
    /// Least ratio of a weight to its base weight, both scaled to sum to 1
    #[arg(long, value_name = "R", value_parser = flags::nonnegative)]
    lower: Option<f64>,
    /// Largest such ratio
    #[arg(long, value_name = "R", value_parser = flags::nonnegative)]
    upper: Option<f64>,
}

/// A problem of coefficients of arms that are drawn together, as typed.
#[derive(Args, Clone, Debug)]
pub struct FusedLassoFlags {
    /// CSV of covariates, a header and one row a unit; an intercept is added
    #[arg(long, value_name = "X.csv")]
    covariates: PathBuf,
    /// CSV of one column: the outcome of each unit
    #[arg(long, value_name = "y.csv")]
    outcome: PathBuf,
    /// CSV of one column: the arm of each unit
    #[arg(long, value_name = "a.csv")]
    treatment: PathBuf,
    /// CSV of one column: the weight of each unit (default: K / n)
    #[arg(long, value_name = "w.csv")]
    weights: Option<PathBuf>,
    /// Strength of the penalty
    #[arg(long, value_name = "L", value_parser = flags::nonnegative, allow_negative_numbers = true)]
    lambda: f64,
    /// How arms are drawn together
    #[arg(long, value_name = "lasso|adaptive|wald|mcp|scad|tlp", default_value = "lasso", value_parser = penalty)]
    penalty: Penalty,
}

/// How it is solved, and where the report goes.
#[derive(Args)]
pub struct ConvexHow {
    #[command(flatten)]
    solver: SolverFlags,
    #[command(flatten)]
    json: JsonFlag,
}

fn penalty(text: &str) -> Result<Penalty, String> {
    match flags::named(text) {
        Ok(Penalty::L0) => {
            Err("the number of groups is no penalty with a strength; use fuse --penalty l0".into())
        }
        found => found,
    }
}

impl CalibrationFlags {
    pub fn run(&self, how: &ConvexHow) -> Result<u8, Failure> {
        how.check()?;
        let model = self.problem()?;
        how.solve(&model, |weights| {
            let effective = weights.iter().sum::<f64>().powi(2) / weights.iter().map(|w| w * w).sum::<f64>();
            let (least, most) = weights
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), w| (w.min(least), w.max(most)));
            let text = format!(
                "\n{} weights from {} to {}, worth {effective:.1} equal ones\n",
                weights.len(),
                number(least),
                number(most)
            );
            (json!({"kind": "weights", "weights": weights}), text)
        })
    }

    fn problem(&self) -> Result<Calibration, Failure> {
        let x = read_covariates(&self.covariates)?;
        let target = match &self.target {
            None => x.values.columns().into_iter().map(|column| column.sum() / column.len() as f64).collect(),
            Some(path) => means(path, &x.names)?,
        };
        let mut model = Calibration::new(x.values.clone(), target, self.discrepancy)?;
        if let Some(path) = &self.base {
            model = model.with_base(self.base(path, &x.source, x.values.nrows())?)?;
        }
        if let Some(tolerance) = flags::tolerances(&self.tolerance, &x.names)? {
            let tolerance = tolerance * model.scale();
            model = model.with_tolerance(tolerance)?;
        }
        Ok(model.with_bounds(self.lower, self.upper)?)
    }

    fn base(&self, path: &Path, covariates: &str, units: usize) -> Result<Array1<f64>, Failure> {
        let (table, base) = read_column(path, covariates, units)?;
        match base.iter().position(|weight| *weight <= 0.0) {
            None => Ok(base.into()),
            Some(i) => {
                let problem = Refusal::WeightNotPositive { value: base[i] };
                Err(table.place(i).column(&table.header()[0]).refuse(problem).into())
            }
        }
    }
}

/// The means of the columns `names` of a file.
fn means(path: &Path, names: &[String]) -> Result<Array1<f64>, Failure> {
    let table = Table::read(path)?;
    let mean = |name: &String| {
        let values = table.numbers(name, Purpose::Covariate)?;
        Ok(values.iter().sum::<f64>() / values.len() as f64)
    };
    names.iter().map(mean).collect()
}

impl FusedLassoFlags {
    pub fn run(&self, how: &ConvexHow) -> Result<u8, Failure> {
        how.check()?;
        let (data, arms, columns) = self.data()?;
        let moments = data.moments();
        let weights = pair_weights(self.penalty, &data, &moments);
        let told = |zeta: Array2<f64>| {
            let rows = arms.iter().zip(zeta.rows());
            let coefficients: Map<String, Value> =
                rows.clone().map(|(arm, row)| (arm.clone(), json!(row.to_vec()))).collect();
            let mut text = format!("\narm: {}\n", columns.join(", "));
            for (arm, row) in rows {
                let row: Vec<String> = row.iter().map(|value| number(*value)).collect();
                let _ = writeln!(text, "{arm}: {}", row.join(", "));
            }
            (json!({"kind": "coefficients", "columns": columns, "coefficients": coefficients}), text)
        };
        match Problem::new(&moments, &weights, self.penalty, self.lambda)? {
            Problem::Convex(model) => how.solve(&model, told),
            Problem::Concave(model) => how.solve(&model, told),
        }
    }

    /// What fusion reads, the arms and the columns by name.
    fn data(&self) -> Result<(Data, Vec<String>, Vec<String>), Failure> {
        let x = read_covariates(&self.covariates)?;
        let n = x.values.nrows();
        let (_, outcome) = read_column(&self.outcome, &x.source, n)?;
        let (arms, arm) = self.arms(n)?;
        let weights = match &self.weights {
            None => vec![arms.len() as f64 / n as f64; n],
            Some(path) => {
                let (table, weights) = read_column(path, &x.source, n)?;
                if let Some((i, &value)) = weights.iter().enumerate().find(|(_, weight)| **weight < 0.0) {
                    let problem = Refusal::NegativeWeight { value };
                    return Err(table.place(i).column(&table.header()[0]).refuse(problem).into());
                }
                weights
            }
        };
        let design =
            Array2::from_shape_fn(
                (n, x.names.len() + 1),
                |(i, j)| {
                    if j == 0 { 1.0 } else { x.values[[i, j - 1]] }
                },
            );
        let columns = std::iter::once("(intercept)".to_string()).chain(x.names).collect();
        Ok((Data { design, outcome, weights, arm, arms: arms.len() }, arms, columns))
    }

    fn arms(&self, units: usize) -> Result<(Vec<String>, Vec<usize>), Failure> {
        let table = Table::read(&self.treatment)?;
        let ([column], true) = (table.header(), table.row_count() == units) else {
            let found = (table.row_count(), table.header().len());
            return Err(shape(table.source(), "the arms", format!("{units} x 1"), found));
        };
        let (arms, arm) = sorted_and_numbered(&table.labels(column, Purpose::Matrix)?);
        match arms.as_slice() {
            [only] => Err(Place::file(table.source()).refuse(Refusal::OneArm { arm: only.clone() }).into()),
            _ => Ok((arms, arm)),
        }
    }
}

impl ConvexHow {
    /// Refuses places that could not be written in the end.
    fn check(&self) -> Result<(), Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.solver.log_file.as_deref(), "--log-file")
    }

    /// Solves `model` and prints the report; `told` puts a point as JSON and in words.
    fn solve<M: Solvable>(
        &self,
        model: &M,
        told: impl FnOnce(M::Point) -> (Value, String),
    ) -> Result<u8, Failure> {
        let solver = Chosen::of(self.solver.solver(), self.solver.settings())?;
        let options = self.solver.over(Options::default());
        let report = solver.solve(model, None, &options, &Terminal::new())?;
        let mut words = match report.termination_status {
            TerminationStatus::Infeasible => "nothing satisfies the constraints\n".to_string(),
            _ => "nothing was found within the limits\n".to_string(),
        };
        let report = report.map_point(|point| {
            let (json, text) = told(point);
            words = text;
            json
        });
        let value = report.objective_value.map(|value| match report.objective_bound {
            Some(bound) => format!("objective {}, at least {}", number(value), number(bound)),
            None => format!("objective {}, not proved to be the least", number(value)),
        });
        output::print(self.json.json.as_deref(), &report, &(output::head(&report, value) + &words))?;
        Ok(code_of(&report))
    }
}
