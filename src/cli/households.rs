//! `prescribe reproduce interference-application`: section 7 of the interference paper, on a user's file or on a simulated study.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{DONE, Failure};
use super::flags::{self, JsonFlag};
use super::output;
use super::progress::Terminal;
use super::study::propensity;
use crate::data::{PropensityRole, Roles, write_whole};
use crate::evaluate::aligned;
use crate::reproduce::households::{Held, HeldOut, Households as Found, Line, Pair, Settings, households};
use crate::simulate::{TRANSFER_COVARIATES, cash_transfers};
use crate::solve::Options;

#[derive(Args, Clone)]
pub struct Households {
    /// Data file with one row a unit; without it, a study of the paper's shape is simulated
    #[arg(requires_all = ["outcome", "treatment", "cluster", "covariates", "propensity"])]
    data: Option<PathBuf>,
    /// Column of the outcome; larger is better
    #[arg(long, value_name = "COLUMN", requires = "data", help_heading = "Study")]
    outcome: Option<String>,
    /// Column of the treatment received: two values
    #[arg(long, value_name = "COLUMN", requires = "data", help_heading = "Study")]
    treatment: Option<String>,
    /// The two values of the treatment, the control first (default: sorted)
    #[arg(
        long,
        value_name = "CONTROL,TREATED",
        value_delimiter = ',',
        requires = "data",
        help_heading = "Study"
    )]
    arms: Vec<String>,
    /// Column of what units share that affect each other, such as a household
    #[arg(long, value_name = "COLUMN", requires = "data", help_heading = "Study")]
    cluster: Option<String>,
    /// Columns that rules may use
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', requires = "data", help_heading = "Study")]
    covariates: Vec<String>,
    /// Chance of being treated: a column, arm=number pairs, or strata:COLUMN,.. for the shares within strata
    #[arg(long, value_name = "COLUMN|ARM=P,..|strata:COLUMN,..", requires = "data", help_heading = "Study")]
    propensity: Option<String>,
    /// Costs of treating a unit, in units of the outcome
    #[arg(long, value_name = "C,..", value_delimiter = ',', value_parser = flags::nonnegative, default_value = "0.15,0.2,0.25")]
    costs: Vec<f64>,
    /// Folds of clusters
    #[arg(long, value_name = "K", default_value = "5", value_parser = flags::positive)]
    folds: usize,
    /// Seconds for each exact solve, which then tells the best rule and bound found
    #[arg(long, value_name = "SECONDS", value_parser = flags::nonnegative, allow_negative_numbers = true, default_value = "20", help_heading = "Solver")]
    time_limit: f64,
    /// Threads, 0 for all; the answer does not depend on it
    #[arg(long, value_name = "T", default_value = "0", value_parser = flags::threads, help_heading = "Solver")]
    threads: usize,
    /// Root of all randomness
    #[arg(long, value_name = "S", default_value = "1")]
    seed: u64,
    /// Keeps the simulated study
    #[arg(long, value_name = "FILE.csv", conflicts_with = "data")]
    write_data: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Households {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.write_data.as_deref(), "--write-data")?;
        if self.folds < 2 {
            return Err(Failure::usage(format!(
                "--folds {}: learning on other folds takes at least 2",
                self.folds
            )));
        }
        let found = match &self.data {
            Some(data) => households(data, &self.settings(self.roles()?), None, &Terminal::new())?,
            None => self.simulated()?,
        };
        output::print(self.json.json.as_deref(), &found, &text(&found))?;
        Ok(DONE)
    }

    fn simulated(&self) -> Result<Found, Failure> {
        let drawn = cash_transfers(self.seed);
        let failed = |path: &Path, error: &std::io::Error| {
            Failure::io(path, error, "name a file that can be written with --write-data")
        };
        let folder = tempfile::tempdir().map_err(|error| failed(Path::new("temporary folder"), &error))?;
        let path = self.write_data.clone().unwrap_or_else(|| folder.path().join("simulated.csv"));
        write_whole(&path, drawn.csv().as_bytes()).map_err(|error| failed(&path, &error))?;
        let roles = Roles {
            cluster: Some("household".into()),
            propensity: PropensityRole::TreatedColumn("propensity".into()),
            ..Roles::new("attendance", "enrolled", &TRANSFER_COVARIATES.map(String::from))
        };
        Ok(households(&path, &self.settings(roles), Some(&drawn), &Terminal::new())?)
    }

    fn roles(&self) -> Result<Roles, Failure> {
        let column = |name: &Option<String>| name.clone().unwrap_or_default();
        Ok(Roles {
            cluster: self.cluster.clone(),
            arms: Some(self.arms.clone()).filter(|arms| !arms.is_empty()),
            propensity: propensity(&column(&self.propensity))?,
            ..Roles::new(&column(&self.outcome), &column(&self.treatment), &self.covariates)
        })
    }

    fn settings(&self, roles: Roles) -> Settings {
        Settings {
            roles,
            costs: self.costs.clone(),
            folds: self.folds,
            options: Options {
                time_limit: Some(self.time_limit),
                threads: self.threads,
                random_seed: self.seed,
                ..Options::default()
            },
        }
    }
}

fn text(found: &Found) -> String {
    let mut text = format!(
        "{} clusters of {} units; rules of {} folds, each judged on the fold it was learned without\n\n\
         Value net of the cost by addIPW (std. error), by IPW (std. error), share treated\n",
        found.clusters, found.units, found.folds
    );
    let header = ["learned by", "cost", "smoothed rules", "", "", "exact rules", "", ""].map(String::from);
    let row = |line: &Line| {
        let [one, two, three] = held(&line.smoothed);
        let [four, five, six] = held(&line.exact);
        [name(line), line.cost.to_string(), one, two, three, four, five, six]
    };
    text.push_str(&aligned(&std::iter::once(header).chain(found.lines.iter().map(row)).collect::<Vec<_>>()));
    let _ = write!(
        text,
        "\nCoefficients of the smoothed rules from all clusters, over the intercept's size\n{}",
        rules(found)
    );
    let _ =
        write!(text, "\nSmoothed beside exact, on the clusters that both were learned from\n{}", gaps(found));
    if found.lines.iter().any(|line| line.truth.is_some()) {
        text.push_str("\nKnown worth, net of the cost, of the rules from all clusters\n");
        let header = ["learned by", "cost", "smoothed", "exact"].map(String::from);
        let row = |line: &Line| {
            let [smoothed, exact] = line.truth.unwrap_or([f64::NAN; 2]).map(|worth| format!("{worth:.4}"));
            [name(line), line.cost.to_string(), smoothed, exact]
        };
        text.push_str(&aligned(
            &std::iter::once(header).chain(found.lines.iter().map(row)).collect::<Vec<_>>(),
        ));
    }
    text
}

fn name(line: &Line) -> String {
    format!("interference {}", line.interference)
}

fn held(rules: &HeldOut) -> [String; 3] {
    let value = |held: Held| format!("{:.3} ({:.3})", held.value, held.standard_error);
    [value(rules.additive), value(rules.unknown), format!("{:.1}%", 100.0 * rules.treated_share)]
}

fn rules(found: &Found) -> String {
    let mut lines: Vec<Vec<String>> = vec![["learned by", "cost", "intercept"].map(String::from).to_vec()];
    lines[0].extend(found.covariates.iter().cloned());
    for line in &found.lines {
        let numbers = line.normalised.iter().map(|b| format!("{b:.3}"));
        lines.push([name(line), line.cost.to_string()].into_iter().chain(numbers).collect());
    }
    aligned(&lines)
}

fn gaps(found: &Found) -> String {
    let header = ["learned by", "cost", "proved", "mean gap", "largest gap", "mean room left", "CPU s"];
    let mut lines = vec![header.map(String::from).to_vec()];
    for line in &found.lines {
        let count = line.pairs.len() as f64;
        let gap = |pair: &Pair| pair.exact_value - pair.smoothed_value;
        let left =
            line.pairs.iter().map(|pair| (pair.bound - pair.exact_value).max(0.0)).sum::<f64>() / count;
        lines.push(vec![
            name(line),
            line.cost.to_string(),
            format!("{} of {count}", line.pairs.iter().filter(|pair| pair.proved).count()),
            format!("{:.5}", line.pairs.iter().map(gap).sum::<f64>() / count),
            format!("{:.5}", line.pairs.iter().map(gap).fold(0.0, f64::max)),
            format!("{left:.5}"),
            format!("{:.1}", line.pairs.iter().map(|pair| pair.cpu_seconds).sum::<f64>()),
        ]);
    }
    aligned(&lines)
}
