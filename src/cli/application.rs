//! `prescribe reproduce fusion-application [DATA]`: the analysis of the paper's section 4.2, on a user's file or on a simulated one.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Failure, code_of};
use super::flags::{self, JsonFlag};
use super::output;
use super::progress::Terminal;
use crate::data::{Missing, OutcomeModel, PropensityRole, Roles, write_whole};
use crate::models::tree_rule::Candidates;
use crate::reproduce::application::{Application as Found, Settings, application};
use crate::rule::RuleFile;
use crate::simulate::{LEUKEMIA_COVARIATES, chronic_leukemia};
use crate::solve::Options;
use crate::solve::registry::AUTO;

#[derive(Args, Clone)]
pub struct Application {
    /// Data file with one row a unit; without it, a study of the paper's shape is simulated
    #[arg(requires_all = ["outcome", "treatment", "covariates"])]
    data: Option<PathBuf>,
    /// Column of the outcome; larger is better
    #[arg(long, value_name = "COLUMN", requires = "data", help_heading = "Study")]
    outcome: Option<String>,
    /// Column of the treatment received; its values are the arms
    #[arg(long, value_name = "COLUMN", requires = "data", help_heading = "Study")]
    treatment: Option<String>,
    /// All covariates: weights and nuisances use them
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', requires = "data", help_heading = "Study")]
    covariates: Vec<String>,
    /// Covariates that are categories
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', requires = "data", help_heading = "Study")]
    categorical: Vec<String>,
    /// Covariates that groups and rule must not see
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', requires = "data", help_heading = "Study")]
    exclude: Vec<String>,
    /// Rows with a missing value: refuse them, or leave them out
    #[arg(long, value_name = "error|drop", value_parser = flags::named::<Missing>, default_value = "error", help_heading = "Study")]
    missing: Missing,
    /// Most splits on a path of the tree
    #[arg(long, default_value = "5", value_parser = flags::positive, help_heading = "Rule")]
    depth: usize,
    /// Thresholds of the tree
    #[arg(long, value_name = "all|quantiles:Q", value_parser = flags::candidates, default_value = "quantiles:15", help_heading = "Rule")]
    candidates: Candidates,
    /// How outcomes are predicted for the scores
    #[arg(long, value_name = "linear|logistic|forest", value_parser = flags::named::<OutcomeModel>, default_value = "forest", help_heading = "Rule")]
    outcome_model: OutcomeModel,
    /// Way of solving for the tree: auto, search (exact) or lookahead
    #[arg(long, value_name = "NAME", default_value = AUTO, help_heading = "Solver")]
    solver: String,
    /// Stop the tree after this many seconds with what there is
    #[arg(long, value_name = "SECONDS", value_parser = flags::nonnegative, allow_negative_numbers = true, help_heading = "Solver")]
    time_limit: Option<f64>,
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

impl Application {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.write_data.as_deref(), "--write-data")?;
        let found = match &self.data {
            Some(data) => application(data, &self.settings(), None, &Terminal::new())?,
            None => self.simulated()?,
        };
        output::print(self.json.json.as_deref(), &found, &text(&found))?;
        Ok(code_of(&found.report))
    }

    fn simulated(&self) -> Result<Found, Failure> {
        let drawn = chronic_leukemia(self.seed);
        let failed = |path: &Path, error: &std::io::Error| {
            Failure::io(path, error, "name a file that can be written with --write-data")
        };
        let folder = tempfile::tempdir().map_err(|error| failed(Path::new("temporary folder"), &error))?;
        let path = self.write_data.clone().unwrap_or_else(|| folder.path().join("simulated.csv"));
        write_whole(&path, drawn.csv().as_bytes()).map_err(|error| failed(&path, &error))?;
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let simulated = Application {
            data: None,
            outcome: Some("alive".into()),
            treatment: Some("therapy".into()),
            covariates: names(&LEUKEMIA_COVARIATES),
            categorical: names(&["race", "region", "payer"]),
            exclude: names(&["race", "region", "payer", "ses_index"]),
            ..self.clone()
        };
        Ok(application(&path, &simulated.settings(), Some(&drawn), &Terminal::new())?)
    }

    fn settings(&self) -> Settings {
        let column = |name: &Option<String>| name.clone().unwrap_or_default();
        let roles = Roles {
            categorical: self.categorical.iter().map(|name| (name.clone(), Vec::new())).collect(),
            missing: self.missing,
            propensity: PropensityRole::Logit,
            outcome_model: self.outcome_model.clone(),
            ..Roles::new(&column(&self.outcome), &column(&self.treatment), &self.covariates)
        };
        Settings {
            roles,
            hidden: self.exclude.clone(),
            depth: self.depth,
            candidates: self.candidates,
            solver: self.solver.clone(),
            options: Options {
                time_limit: self.time_limit,
                threads: self.threads,
                random_seed: self.seed,
                ..Options::default()
            },
        }
    }
}

fn text(found: &Found) -> String {
    let mut text = format!(
        "{} units; largest imbalance {:.3} standard deviations, {:.1e} under the weights; least effective size of an arm {:.0}\n",
        found.units,
        found.largest_imbalance_before,
        found.largest_imbalance_after,
        found.least_effective_size
    );
    if found.tolerance > 0.0 {
        let _ =
            writeln!(text, "balanced within {} standard deviations: an arm allows no less", found.tolerance);
    }
    let listed = |groups: &[Vec<String>]| {
        let group = |(g, arms): (usize, &Vec<String>)| format!("  {}: {}\n", g + 1, arms.join(", "));
        groups.iter().enumerate().map(group).collect::<String>()
    };
    let _ = write!(text, "groups by exact fusion\n{}", listed(&found.groups));
    let _ = write!(text, "groups by the lasso\n{}\n", listed(&found.lasso_groups));
    let terms = found.rule.as_ref().map(RuleFile::term_names).unwrap_or_default();
    text.push_str(&output::summary(&found.report, &terms));
    if let Some(evaluation) = &found.evaluation {
        let _ = write!(text, "\nOptimistic: on the units the rule was learned from\n{}", evaluation.table());
    }
    if let Some(truth) = &found.truth {
        let _ = writeln!(
            text,
            "\nKnown truth: ARI {:.3} (lasso {:.3}); mean chance to be alive {:.4} under the rule, {:.4} with the best group for all, {:.4} at best",
            truth.ari, truth.lasso_ari, truth.rule, truth.best_arm, truth.best
        );
    }
    text
}
