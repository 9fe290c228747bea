//! `prescribe learn DATA`: the whole way from a data file to a rule and its value.
//!
//! What was typed is laid over the configuration file (`--config`), which is laid over the defaults; the resolved configuration is
//! kept beside the results and can be given back with `--config`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;
use toml::{Table, Value};

use super::failure::{Failure, INTERNAL, code_of};
use super::flags::{self, ConstraintFlags, JsonFlag, SolverFlags};
use super::fusing::FusionFlags;
use super::interference::ClusteredFlags;
use super::learned::summary;
use super::output;
use super::overlay::{overlay, put, read, table};
use super::progress::Terminal;
use super::study::StudyFlags;
use crate::data::{Neighbour, check_folder, write_folder};
use crate::interference::Learner;
use crate::learn::{Config, Constraints, Policy, Worth, learn, write};
use crate::models::tree_rule::Candidates;
use crate::score::{Direction, ScoreKind};
use crate::solve::Options;
use crate::solve::registry::AUTO;

#[derive(Args)]
pub struct Learn {
    /// CSV, Parquet or Arrow with one row a unit; - for standard input
    data: Option<PathBuf>,
    /// Columns that scores and rule may use
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    covariates: Vec<String>,
    /// Covariates made of who is around a unit in its --cluster, or by --edges, which are used like --covariates under the names
    /// mean_others(COLUMN), cluster_mean(COLUMN), cluster_size, degree and mean_neighbours(COLUMN)
    #[arg(
        long,
        value_name = "mean_others:COLUMN,cluster_mean:COLUMN,cluster_size,degree,mean_neighbours:COLUMN",
        value_delimiter = ',',
        help_heading = "Study"
    )]
    neighbours: Vec<Neighbour>,
    /// Covariates that are categories: their values are levels, not numbers
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    categorical: Vec<String>,
    /// Covariates that serve the scores but that the rule must not see
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Rule")]
    exclude: Vec<String>,
    /// Those of --covariates that the rule may see (default: all but those of --exclude)
    #[arg(
        long,
        value_name = "COLUMN,..",
        value_delimiter = ',',
        conflicts_with = "exclude",
        help_heading = "Rule"
    )]
    rule_covariates: Vec<String>,
    /// Those of --covariates that propensity and outcome models see (default: all)
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    nuisance_covariates: Vec<String>,
    #[command(flatten)]
    study: StudyFlags,
    #[command(flatten)]
    clustered: ClusteredFlags,
    #[command(flatten)]
    fusion: FusionFlags,
    /// Larger outcomes are better
    #[arg(long, conflicts_with = "minimize", help_heading = "Study")]
    maximize: bool,
    /// Smaller outcomes are better
    #[arg(long, help_heading = "Study")]
    minimize: bool,
    /// Class of rules (default tree)
    #[arg(long, value_enum, help_heading = "Rule")]
    policy: Option<PolicyFlag>,
    /// Learner of a linear rule under --interference (default value; auto: by cross-fitted value)
    #[arg(long, value_name = "value|least-squares|bagged|auto", value_parser = str::parse::<Learner>, help_heading = "Rule")]
    learner: Option<Learner>,
    /// Most splits on a path of a tree, most questions of a table (default 2)
    #[arg(long, value_parser = flags::positive, help_heading = "Rule")]
    depth: Option<usize>,
    /// Fewest training units in a leaf, or in a cell of a table (default 1)
    #[arg(long, value_name = "M", value_parser = flags::positive, help_heading = "Rule")]
    min_leaf: Option<usize>,
    /// Thresholds of a tree or table: all observed values, or quantiles:Q (default quantiles:15)
    #[arg(long, value_name = "all|quantiles:Q", value_parser = flags::candidates, help_heading = "Rule")]
    candidates: Option<Candidates>,
    /// Share of each arm's units held out to evaluate the rule on, whole clusters where there are any (default 0.5; 0: none)
    #[arg(long, value_name = "SHARE", value_parser = flags::nonnegative, help_heading = "Rule")]
    test_share: Option<f64>,
    /// Value of the learner by nested cross-fitting over K folds; the rule is then learned from all units
    #[arg(long, value_name = "nested:K", value_parser = flags::nested, conflicts_with = "test_share", help_heading = "Rule")]
    evaluate: Option<usize>,
    /// Column that says train or test of each unit, instead of a share held out by chance
    #[arg(long, value_name = "COLUMN", conflicts_with = "test_share", help_heading = "Rule")]
    split: Option<String>,
    #[command(flatten)]
    constraints: ConstraintFlags,
    /// Most difference in the share of units with an arm other than the first between the two groups of a covariate
    #[arg(long, value_name = "COVARIATE:DELTA,..", value_delimiter = ',', help_heading = "Constraints")]
    parity: Vec<String>,
    /// Share of the units with a value of a covariate that get an arm other than the first: from LOW to HIGH
    #[arg(
        long,
        value_name = "COVARIATE=VALUE:LOW..HIGH,..",
        value_delimiter = ',',
        help_heading = "Constraints"
    )]
    subgroup_share: Vec<String>,
    /// Units of each --cluster that get an arm other than the first, at most
    #[arg(long, value_name = "M", help_heading = "Constraints")]
    per_cluster_most: Option<usize>,
    /// Total cost of the arms given in each --cluster, at most
    #[arg(long, value_name = "B", allow_negative_numbers = true, help_heading = "Constraints")]
    per_cluster_budget: Option<f64>,
    #[command(flatten)]
    solver: SolverFlags,
    /// Configuration; flags override it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// Folder for the results, summary.txt and config.toml
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PolicyFlag {
    Tree,
    Linear,
    /// Treat where two linear rules both treat (two arms)
    Conjunction,
    /// Decision table: --depth questions that all units answer, an arm for each combination of answers
    Table,
}

impl Learn {
    pub fn run(&self) -> Result<u8, Failure> {
        let config = self.config()?;
        self.check_targets(&config)?;
        let learned = learn(&config, &Terminal::new())?;
        let of_value = learned.evaluation.iter().flat_map(Worth::warnings);
        let warnings = learned.scored.study.warnings.iter().chain(of_value);
        warnings.for_each(|warning| eprintln!("warning: {warning}"));
        let summary = summary(&learned, &config);
        if let Some(folder) = &self.out {
            write(&learned, &config, &summary, folder)?;
        }
        let json = json!({"rule": learned.rule, "report": learned.report, "evaluation": learned.evaluation,
                          "learner": learned.learner, "fusion": learned.fusion(), "diagnostics": learned.scored.diagnostics,
                          "warnings": learned.scored.study.warnings, "dropped": learned.scored.study.dropped});
        output::print(self.json.json.as_deref(), &json, &summary)?;
        Ok(code_of(&learned.report))
    }

    /// Prints what another command found with these flags, and writes it into the folder: as `json`, its pictures, its table
    /// and the configuration.
    pub(super) fn write(
        &self,
        found: &impl serde::Serialize,
        pictures: &[(&str, String)],
        json: &str,
        table: &str,
        config: &Config,
    ) -> Result<(), Failure> {
        if let Some(folder) = &self.out {
            let failed = |error: &dyn std::fmt::Display| Failure {
                code: INTERNAL,
                message: format!("the result cannot be written: {error}"),
            };
            let mut files = vec![
                (json, serde_json::to_vec_pretty(found).map_err(|error| failed(&error))?),
                ("summary.txt", table.as_bytes().to_vec()),
                ("config.toml", toml::to_string_pretty(config).map_err(|error| failed(&error))?.into_bytes()),
            ];
            files.extend(pictures.iter().map(|(name, picture)| (*name, picture.as_bytes().to_vec())));
            write_folder(folder, &files).map_err(|error| {
                Failure::io(folder, &error, "name a folder that can be written to with --out")
            })?;
        }
        output::print(self.json.json.as_deref(), found, table)
    }

    /// Refuses places that could not be written in the end.
    pub(super) fn check_targets(&self, config: &Config) -> Result<(), Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(config.solve.log_file.as_deref(), "--log-file")?;
        let Some(folder) = &self.out else { return Ok(()) };
        check_folder(folder)
            .map_err(|error| Failure::io(folder, &error, "name a folder that can be written to with --out"))
    }

    /// Defaults, then the file, then the flags.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let mut tree = defaults()?;
        if let Some(path) = &self.config {
            overlay(&mut tree, read(path)?);
        }
        self.over(&mut tree)?;
        require(&tree)?;
        let refuse = |error: &dyn std::fmt::Display| {
            let file = self.config.as_ref().map(|path| format!("{}: ", path.display()));
            Failure::usage(file.unwrap_or_default() + &error.to_string())
        };
        let options = tree.get("solve").cloned().unwrap_or(Value::Table(Table::new()));
        let options: Options = options.try_into().map_err(|error: toml::de::Error| refuse(&error))?;
        put(&mut tree, "solve", Some(self.solver.over(options)))?;
        let config: Config =
            Value::Table(tree).try_into().map_err(|error: toml::de::Error| refuse(&error))?;
        config.check().map_err(|error| refuse(&error))?;
        Ok(config)
    }

    /// Writes what was typed over a configuration.
    fn over(&self, tree: &mut Table) -> Result<(), Failure> {
        put(tree, "data", self.data.as_ref())?;
        put(tree, "test_share", self.test_share.or(self.evaluate.map(|_| 0.0)))?;
        put(tree, "nested", self.evaluate)?;
        if self.test_share.is_some() {
            tree.remove("nested");
        }
        put(tree, "solver", self.solver.solver.as_ref())?;
        put(tree, "learner", self.learner)?;
        put(tree, "exclude", Some(&self.exclude).filter(|names| !names.is_empty()))?;
        self.policy(tree)?;
        self.fusion.over(tree)?;
        let (settings, typed) = (table(tree, "settings"), self.solver.settings());
        put(settings, "formulation", typed.formulation)?;
        put(settings, "stage", typed.stage)?;
        let typed = Constraints {
            parity: flags::parity(&self.parity)?,
            subgroup_share: flags::subgroup_share(&self.subgroup_share)?,
            per_cluster_most: self.per_cluster_most,
            per_cluster_budget: self.per_cluster_budget,
            ..self.constraints.constraints()?
        };
        overlay(table(tree, "constraints"), Table::try_from(typed).unwrap_or_default());
        let scoring = table(tree, "scoring");
        self.clustered.over(scoring)?;
        put(scoring, "score", self.clustered.is_set().then_some(ScoreKind::Gains))?;
        self.study.over(scoring)?;
        let direction = match (self.maximize, self.minimize) {
            (true, _) => Some(Direction::Maximize),
            (_, true) => Some(Direction::Minimize),
            _ => None,
        };
        put(scoring, "direction", direction)?;
        put(scoring, "covariates", Some(&self.nuisance_covariates).filter(|names| !names.is_empty()))?;
        let roles = table(scoring, "roles");
        let categorical: BTreeMap<&String, [String; 0]> =
            self.categorical.iter().map(|name| (name, [])).collect();
        put(roles, "categorical", Some(categorical).filter(|names| !names.is_empty()))?;
        put(roles, "split", self.split.as_ref())?;
        put(roles, "covariates", Some(&self.covariates).filter(|names| !names.is_empty()))?;
        self.make(roles)?;
        let known: Option<Vec<String>> =
            roles.get("covariates").cloned().and_then(|names| names.try_into().ok());
        let hidden = flags::others("--rule-covariates", &self.rule_covariates, &known.unwrap_or_default())?;
        put(tree, "exclude", Some(hidden).filter(|_| !self.rule_covariates.is_empty()))
    }

    /// Adds the covariates that are made of neighbours to those that are columns.
    fn make(&self, roles: &mut Table) -> Result<(), Failure> {
        if self.neighbours.is_empty() {
            return Ok(());
        }
        let mut covariates = roles.get("covariates").and_then(Value::as_array).cloned().unwrap_or_default();
        for name in self.neighbours.iter().map(|neighbour| Value::String(neighbour.to_string())) {
            if !covariates.contains(&name) {
                covariates.push(name);
            }
        }
        put(roles, "covariates", Some(covariates))?;
        put(roles, "made", Some(&self.neighbours))
    }

    fn policy(&self, tree: &mut Table) -> Result<(), Failure> {
        let policy = table(tree, "policy");
        put(
            policy,
            "class",
            self.policy.map(|class| match class {
                PolicyFlag::Tree => "tree",
                PolicyFlag::Linear => "linear",
                PolicyFlag::Conjunction => "conjunction",
                PolicyFlag::Table => "table",
            }),
        )?;
        put(policy, "depth", self.depth)?;
        put(policy, "min_leaf", self.min_leaf)?;
        put(policy, "candidates", self.candidates)?;
        let class = policy.get("class").and_then(Value::as_str);
        let linear = matches!(class, Some("linear" | "conjunction"));
        if linear && (self.depth.is_some() || self.min_leaf.is_some() || self.candidates.is_some()) {
            return Err(Failure::usage(
                "--depth, --min-leaf and --candidates belong to --policy tree or table",
            ));
        }
        Ok(())
    }
}

/// What is used where nobody says otherwise; data, columns and direction have no default.
fn defaults() -> Result<Table, Failure> {
    let mut tree = Table::new();
    put(&mut tree, "test_share", Some(0.5))?;
    put(&mut tree, "solver", Some(AUTO))?;
    put(&mut tree, "settings", Some(Table::new()))?;
    let policy = Policy::Tree { depth: 2, candidates: Candidates::Quantiles(15), min_leaf: 1 };
    put(&mut tree, "policy", Some(policy))?;
    let scoring = table(&mut tree, "scoring");
    put(scoring, "score", Some("aipw"))?;
    put(scoring, "folds", Some(5))?;
    Ok(tree)
}

/// Names the flag of the first thing that is needed and missing.
fn require(tree: &Table) -> Result<(), Failure> {
    let inner =
        |parent: &Table, name: &str| parent.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
    let scoring = inner(tree, "scoring");
    let roles = inner(&scoring, "roles");
    let needed = [
        (tree, "data", "the data file is missing: prescribe learn DATA"),
        (
            &roles,
            "outcome",
            "the outcome is missing: name its column with --outcome, or --time, --event and --horizon",
        ),
        (&roles, "treatment", "the treatment is missing: name its column with --treatment"),
        (&roles, "covariates", "no covariates: name the columns that the rule may use with --covariates"),
        (&scoring, "direction", "the direction is missing: say --maximize or --minimize"),
    ];
    let missing = needed.iter().find(|(parent, name, _)| !parent.contains_key(*name));
    missing.map_or(Ok(()), |(_, _, message)| Err(Failure::usage(*message)))
}
