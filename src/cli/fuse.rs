//! `prescribe fuse DATA`: which of many treatments do the same.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Failure, code_of};
use super::flags::{self, JsonFlag};
use super::output;
use super::progress::Terminal;
use crate::data::{
    DataError, Missing, OutcomeRole, Place, Problem, PropensityRole, Purpose, Roles, Study, Table,
    write_whole,
};
use crate::evaluate::{Line, Plot, aligned};
use crate::fusion::{
    Choice, Criterion, Fused, GROUPS_WITHIN, MainEffect, Penalty, Settings, Weighting, fuse, grid,
};
use crate::solve::Options;

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
    /// How arms are drawn together
    #[arg(long, value_name = "l0|lasso|adaptive|wald|mcp|scad|tlp", value_parser = flags::named::<Penalty>, default_value = "lasso", help_heading = "Fusion")]
    penalty: Penalty,
    /// Strength of the penalty
    #[arg(long, value_name = "L", value_parser = flags::nonnegative, allow_negative_numbers = true, conflicts_with_all = ["criterion", "groups", "lambda_grid"], help_heading = "Fusion")]
    lambda: Option<f64>,
    /// What chooses the strength along the grid (default: ebic)
    #[arg(long, value_name = "ebic|bic", value_parser = flags::named::<Criterion>, conflicts_with = "groups", help_heading = "Fusion")]
    criterion: Option<Criterion>,
    /// Strengths that are tried, equally far apart on the logarithmic scale; they are those of weights that sum to 1 in each arm
    #[arg(long, value_name = "LOW:HIGH:N", value_parser = lambda_grid, default_value = "5e-4:1.5:60", help_heading = "Fusion")]
    lambda_grid: Lambdas,
    /// The smallest strength of the grid that leaves so many groups
    #[arg(long, value_name = "M", value_parser = flags::positive, help_heading = "Fusion")]
    groups: Option<usize>,
    /// Arms whose coefficients are nearer than this are one group
    #[arg(long, value_name = "D", value_parser = flags::nonnegative, default_value_t = GROUPS_WITHIN, help_heading = "Fusion")]
    threshold: f64,
    /// Bootstrap samples that tell how often two arms stay together
    #[arg(long, value_name = "B", default_value = "0", help_heading = "Fusion")]
    bootstrap: usize,
    /// Solver of the chosen problem
    #[arg(long, value_name = "admm|clarabel", default_value = "admm", help_heading = "Solver")]
    solver: String,
    /// Root of all randomness
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Solver")]
    seed: u64,
    /// SVG of the arms along the path
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Fuse {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.plot.as_deref(), "--plot")?;
        if self.penalty == Penalty::L0 {
            return Err(Failure::usage("--penalty l0 is not in this build; choose another penalty"));
        }
        let study = Study::from_table(&Table::read(&self.data)?, &self.roles())?;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let settings = Settings {
            weighting: self.weighting(&study)?,
            main_effect: self.main_effect,
            penalty: self.penalty,
            choice: match (self.lambda, self.groups) {
                (Some(lambda), _) => Choice::Lambda(lambda),
                (None, Some(count)) => Choice::Groups(count),
                (None, None) => Choice::Criterion(self.criterion.unwrap_or_default()),
            },
            lambdas: self.lambda_grid.0.clone(),
            threshold: self.threshold,
            bootstrap: self.bootstrap,
            solver: self.solver.clone(),
            options: Options { random_seed: self.seed, ..Options::default() },
        };
        let found = fuse(&study, &settings, &Terminal::new())?;
        found.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        if let Some(path) = &self.plot {
            write_whole(path, plot(&found).as_bytes())
                .map_err(|error| Failure::io(path, &error, "name a file that can be written with --plot"))?;
        }
        output::print(self.json.json.as_deref(), &found, &table(&found))?;
        Ok(code_of(&found.report))
    }

    fn roles(&self) -> Roles {
        Roles {
            outcome: OutcomeRole::Column(self.outcome.clone()),
            treatment: self.treatment.clone(),
            covariates: self.covariates.clone(),
            categorical: self.categorical.iter().map(|name| (name.clone(), Vec::new())).collect(),
            id: None,
            cluster: None,
            weights: None,
            arms: None,
            groups: Default::default(),
            eligible: Default::default(),
            split: None,
            missing: self.missing,
            propensity: PropensityRole::default(),
            outcome_model: Default::default(),
            costs: Default::default(),
            rewards: Default::default(),
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

fn table(found: &Fused) -> String {
    let mut text = format!(
        "{} of {} arms in {} groups, {} units, lambda {}\n",
        output::word(&found.penalty),
        found.coefficients.len(),
        found.groups.len(),
        found.units,
        output::number(found.lambda)
    );
    let _ = writeln!(
        text,
        "objective {}, {} by {}; EBIC {}\n",
        found.objective.map_or("none".into(), output::number),
        output::word(&found.report.termination_status),
        found.report.solver,
        output::number(found.ebic)
    );
    let header = ["group", "units", "together", "coefficients", "arms"].map(String::from);
    let line = |(g, group): (usize, &crate::fusion::Group)| {
        let coefficients: Vec<String> = group.coefficients.iter().map(|b| format!("{b:.4}")).collect();
        [
            (g + 1).to_string(),
            group.units.to_string(),
            group.stability.map_or("-".into(), |share| format!("{:.0}%", 100.0 * share)),
            coefficients.join(" "),
            group.arms.join(" "),
        ]
    };
    let lines: Vec<[String; 5]> =
        [header].into_iter().chain(found.group_table.iter().enumerate().map(line)).collect();
    text.push_str(&aligned(&lines));
    text
}

/// What is expected of each arm along the path.
fn plot(found: &Fused) -> String {
    let arms = found.coefficients.len();
    let line = |a: usize| Line {
        name: "",
        points: found.path.iter().map(|step| (step.lambda.max(1e-12).log10(), step.profile[a])).collect(),
        intervals: Vec::new(),
    };
    let title = format!("{arms} arms along the path; chosen: {} groups", found.groups.len());
    Plot {
        title: &title,
        across: "log10 of lambda",
        up: "outcome at mean covariates, beyond the main effect",
        lines: (0..arms).map(line).collect(),
    }
    .draw()
}
