//! `prescribe forest DATA`: who should get which of many arms, by a joint assignment forest.

use std::path::PathBuf;

use clap::Args;

use super::failure::{DONE, Failure, INFEASIBLE, INTERNAL, code_of};
use super::flags::{self, ConstraintFlags, JsonFlag, SolverFlags};
use super::interference::ClusteredFlags;
use super::output;
use super::progress::Terminal;
use super::study::{StudyFlags, scoring};
use crate::data::{Covariate, Table, check_folder, write_folder};
use crate::forest::clustering::{Choice, Groups};
use crate::forest::{
    Analysis, Clustering, Distilled, Grid, Method, Plan, Request, Residualize, Settings, Towards,
};
use crate::learn::{Config, Constraints, Policy, Scoring};
use crate::models::leaf_utility::Form;
use crate::models::tree_rule::Candidates;
use crate::score::Direction;
use crate::solve::threads::on_threads;
use crate::solve::{Options, TerminationStatus};

#[derive(Args)]
pub struct Forest {
    /// CSV, Parquet or Arrow with one row a unit; - for standard input
    data: PathBuf,
    /// Columns that the forest may use
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', required = true, help_heading = "Study")]
    covariates: Vec<String>,
    /// Covariates that are categories: their values are levels, not numbers
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Study")]
    categorical: Vec<String>,
    #[command(flatten)]
    study: StudyFlags,
    /// The arm that is the control (default: the first of --arms, or of the sorted labels)
    #[arg(long, value_name = "ARM", help_heading = "Study")]
    control: Option<String>,
    /// Larger outcomes are better
    #[arg(long, conflicts_with = "minimize", required_unless_present = "minimize", help_heading = "Study")]
    maximize: bool,
    /// Smaller outcomes are better
    #[arg(long, help_heading = "Study")]
    minimize: bool,
    #[command(flatten)]
    forest: ForestFlags,
    #[command(flatten)]
    rule: RuleFlags,
    #[command(flatten)]
    solver: SolverFlags,
    /// Folder for forest.json, report.json and summary.txt, and rule.json where a rule is distilled
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

/// How trees are grown and what their leaves say; what is not typed stays as it is by default.
#[derive(Args, Clone, Debug, Default)]
struct ForestFlags {
    /// Trees of the forest (default 1000)
    #[arg(long, value_name = "M", value_parser = flags::positive, help_heading = "Forest")]
    trees: Option<usize>,
    /// Shrinkage of the means of arms towards the mean of their leaf while trees grow, in units
    #[arg(long, value_name = "L", value_parser = flags::nonnegative, help_heading = "Forest")]
    lambda1: Option<f64>,
    /// The same of the estimates by the units that a tree was not grown on
    #[arg(long, value_name = "L", value_parser = flags::nonnegative, help_heading = "Forest")]
    lambda2: Option<f64>,
    /// Fewest units of a leaf
    #[arg(long, value_name = "N", value_parser = flags::positive, help_heading = "Forest")]
    min_leaf: Option<usize>,
    /// What a split gains at least, in standard deviations of the outcome for each unit that the tree is grown on
    #[arg(long, value_name = "E", value_parser = flags::nonnegative, help_heading = "Forest")]
    epsilon: Option<f64>,
    /// Share of the units of each arm that a tree is grown on
    #[arg(long, value_name = "SHARE", value_parser = flags::nonnegative, help_heading = "Forest")]
    beta: Option<f64>,
    /// Share of the covariates that a split chooses among
    #[arg(long, value_name = "SHARE", value_parser = flags::nonnegative, help_heading = "Forest")]
    delta: Option<f64>,
    /// Share of the arms that a split may assign
    #[arg(long, value_name = "SHARE", value_parser = flags::nonnegative, help_heading = "Forest")]
    kappa: Option<f64>,
    /// Estimate of the utility of a leaf: its units times the mean of its arm (n), or the inverse-probability weighted sum (p)
    #[arg(long, value_name = "n|p", value_parser = flags::named::<Form>, help_heading = "Forest")]
    utility: Option<Form>,
    /// What estimates are shrunken to by lambda2: the mean of their leaf, that of their arm over all leaves, or both
    #[arg(long, value_name = "leaf|arm|both", value_parser = flags::named::<Towards>, help_heading = "Forest")]
    shrink_towards: Option<Towards>,
    /// Shrink arms in proportion to the variance of their outcomes
    #[arg(long, help_heading = "Forest")]
    arm_variances: bool,
    /// Choose lambda1, lambda2, epsilon, kappa and the size of leaves by their value on units unseen, over a grid
    #[arg(long, conflicts_with_all = ["lambda1", "lambda2", "min_leaf", "epsilon", "kappa"], help_heading = "Forest")]
    tune: bool,
    /// What is learned: a forest, a forest on groups of arms, a tree or forest by joint empirical Bayes, or that of them which gains most
    /// on units unseen (auto, default; without it --clusters M means clustered, --clusters none forest)
    #[arg(long, value_name = "forest|clustered|joint-tree|joint-forest|auto", value_parser = flags::named::<Method>, help_heading = "Forest")]
    method: Option<Method>,
    /// Groups of arms that trees take for one while they grow: so many besides the control, as many as silhouettes
    /// say (auto), or none
    #[arg(long, value_name = "M|auto|none", value_parser = clusters, help_heading = "Forest")]
    clusters: Option<Groups>,
    /// What is taken away from outcomes before trees grow, cross-fitted: the mean over arms weighted by one over their shares (default), the
    /// mean outcome, that of the control, nothing, or a column of your own
    #[arg(long, value_name = "weighted|raw|control|none|COLUMN", help_heading = "Forest")]
    residualize: Option<Residualize>,
}

/// The rule in place of the forest.
#[derive(Args, Clone, Debug, Default)]
struct RuleFlags {
    /// Make a rule of the forest that people can read: the best tree of this depth, or the best linear rule, by an exact solver
    #[arg(long, value_name = "tree:D|linear", value_parser = class, help_heading = "Rule")]
    distil: Option<Class>,
    /// Fewest units in a leaf of the tree (default 1)
    #[arg(long, value_name = "N", value_parser = flags::positive, requires = "distil", help_heading = "Rule")]
    rule_min_leaf: Option<usize>,
    /// Thresholds of the tree: all observed values, or quantiles:Q (default quantiles:15)
    #[arg(long, value_name = "all|quantiles:Q", value_parser = flags::candidates, requires = "distil", help_heading = "Rule")]
    candidates: Option<Candidates>,
    /// Covariates that the forest sees but that the rule must not
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', requires = "distil", help_heading = "Rule")]
    exclude: Vec<String>,
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Tree(usize),
    Linear,
}

/// `auto`, `none`, or a number.
fn clusters(text: &str) -> Result<Groups, String> {
    match text {
        "auto" => Ok(Groups::Auto(Choice::Elbow)),
        "none" => Ok(Groups::None),
        number => {
            flags::positive(number).map(Groups::Fixed).map_err(|_| "give a number, auto, or none".into())
        }
    }
}

/// The method that groups of arms ask for.
fn method(groups: Groups) -> Method {
    if groups == Groups::None { Method::Forest } else { Method::Clustered }
}

/// `tree:D`, or `linear`.
fn class(text: &str) -> Result<Class, String> {
    if text == "linear" {
        return Ok(Class::Linear);
    }
    let depth = text.strip_prefix("tree:").map(flags::positive);
    depth.and_then(Result::ok).map(Class::Tree).ok_or_else(|| "give tree:D with D >= 1, or linear".into())
}

impl Forest {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.solver.log_file.as_deref(), "--log-file")?;
        let remedy = "name a folder that can be written to with --out";
        if let Some(folder) = &self.out {
            check_folder(folder).map_err(|error| Failure::io(folder, &error, remedy))?;
        }
        let request = self.request()?;
        let read = request.read(&Table::read(&self.data)?)?;
        let study = &read.0.study;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let work = || request.analyse(&read, &Terminal::new());
        let analysis = on_threads("forest", self.solver.threads.unwrap_or(0), work)??;
        let summary = analysis.report.summary(&study.source);
        if let Some(folder) = &self.out {
            let files = files(&analysis, &summary).map_err(|error| Failure {
                code: INTERNAL,
                message: format!("the forest cannot be written: {error}"),
            })?;
            write_folder(folder, &files).map_err(|error| Failure::io(folder, &error, remedy))?;
            if analysis.rule.is_none() {
                // What an earlier run left must not pass for an answer of this one.
                remove(&folder.join("rule.json")).map_err(|error| Failure::io(folder, &error, remedy))?;
            }
        }
        output::print(self.json.json.as_deref(), &analysis.report, &summary)?;
        Ok(analysis.report.distilled.as_ref().map_or(DONE, code))
    }

    fn request(&self) -> Result<Request, Failure> {
        self.refuse_unread()?;
        let direction = if self.minimize { Direction::Minimize } else { Direction::Maximize };
        let covariates: Vec<Covariate> =
            self.covariates.iter().map(|name| Covariate::numeric(name)).collect();
        let mut scoring = scoring(&self.study, direction, &covariates, None, &ClusteredFlags::default())?;
        scoring.roles.categorical = self.categorical.iter().map(|name| (name.clone(), Vec::new())).collect();
        let plan = Plan {
            forest: self.forest.over(Settings::default()),
            method: self
                .forest
                .method
                .unwrap_or_else(|| self.forest.clusters.map_or(Method::default(), method)),
            clustering: Clustering {
                groups: self.forest.clusters.unwrap_or(Clustering::default().groups),
                ..Clustering::default()
            },
            residualize: self.forest.residualize.clone().unwrap_or_default(),
            tuning: self.forest.tune.then(Grid::default),
            seed: self.solver.seed.unwrap_or(1),
        };
        plan.forest.check().map_err(|error| Failure::usage(error.to_string()))?;
        let rule = self.rule.config(&scoring, &self.data, &self.solver)?;
        Ok(Request { plan, scoring, control: self.control.clone(), rule })
    }

    /// Refuses what belongs to the scores of other commands, or what a forest file could not say of new rows.
    fn refuse_unread(&self) -> Result<(), Failure> {
        let study = &self.study;
        let own = "a forest makes its own scores; leave it out";
        let unread = [
            ("--rewards", !study.rewards.is_empty(), own),
            ("--score", study.score.is_some(), own),
            ("--outcome-model", study.outcome_model.is_some(), own),
            ("--edges", study.edges.is_some(), "covariates made of neighbours are for learn; leave it out"),
            (
                "--cost-column",
                !study.cost_column.is_empty(),
                "a forest keeps one cost for each arm; give --cost ARM=COST,..",
            ),
        ];
        match unread.iter().find(|(_, given, _)| *given) {
            Some((flag, _, why)) => Err(Failure::usage(format!("{flag} is not read by forest: {why}"))),
            None if self.control.is_some() && !study.arms.is_empty() => {
                Err(Failure::usage("--control and --arms both say which arm comes first; give one of them"))
            }
            None if self.forest.method == Some(Method::Forest) && self.forest.clusters.is_some() => Err(
                Failure::usage("--clusters is not read by --method forest: give --method clustered or auto"),
            ),
            None => Ok(()),
        }
    }
}

impl ForestFlags {
    /// `settings` with what was typed.
    fn over(&self, mut settings: Settings) -> Settings {
        fn put<T: Copy>(slot: &mut T, typed: Option<T>) {
            *slot = typed.unwrap_or(*slot);
        }
        put(&mut settings.trees, self.trees);
        put(&mut settings.lambda1, self.lambda1);
        put(&mut settings.lambda2, self.lambda2);
        put(&mut settings.min_leaf, self.min_leaf);
        put(&mut settings.epsilon, self.epsilon);
        put(&mut settings.beta, self.beta);
        put(&mut settings.delta, self.delta);
        put(&mut settings.kappa, self.kappa);
        put(&mut settings.utility, self.utility);
        put(&mut settings.shrink_towards, self.shrink_towards);
        settings.arm_variances |= self.arm_variances;
        settings
    }
}

impl RuleFlags {
    /// The problem of the rule, where one is asked for.
    fn config(
        &self,
        scoring: &Scoring,
        data: &std::path::Path,
        solver: &SolverFlags,
    ) -> Result<Option<Config>, Failure> {
        let constraints = Constraints {
            parity: flags::parity(&self.parity)?,
            subgroup_share: flags::subgroup_share(&self.subgroup_share)?,
            ..self.constraints.constraints()?
        };
        let Some(class) = self.distil else {
            return match constraints == Constraints::default() {
                true => Ok(None),
                false => Err(Failure::usage(
                    "constraints are on the rule in place of the forest; add --distil tree:2 or linear",
                )),
            };
        };
        let of_tree = self.rule_min_leaf.is_some() || self.candidates.is_some();
        let policy = match class {
            Class::Linear if of_tree => {
                return Err(Failure::usage("--rule-min-leaf and --candidates belong to --distil tree:D"));
            }
            Class::Linear => Policy::Linear,
            Class::Tree(depth) => Policy::Tree {
                depth,
                candidates: self.candidates.unwrap_or(Candidates::Quantiles(15)),
                min_leaf: self.rule_min_leaf.unwrap_or(1),
            },
        };
        let config = Config {
            data: data.to_owned(),
            test_share: 0.0,
            nested: None,
            solver: solver.solver().into(),
            exclude: self.exclude.clone(),
            settings: solver.settings(),
            policy,
            learner: Default::default(),
            fusion: None,
            constraints,
            scoring: scoring.clone(),
            solve: solver.over(Options::default()),
        };
        config.check()?;
        Ok(Some(config))
    }
}

fn files(analysis: &Analysis, summary: &str) -> std::io::Result<Vec<(&'static str, Vec<u8>)>> {
    let mut files = vec![
        ("forest.json", analysis.file.to_bytes()?),
        ("report.json", serde_json::to_vec_pretty(&analysis.report)?),
        ("summary.txt", summary.as_bytes().to_vec()),
    ];
    if let Some(rule) = &analysis.rule {
        files.push(("rule.json", serde_json::to_vec_pretty(rule)?));
    }
    Ok(files)
}

fn remove(path: &std::path::Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The exit code of a rule; where a fold had none under the constraints, that is what happened.
fn code(distilled: &Distilled) -> u8 {
    let infeasible = |status: &TerminationStatus| *status == TerminationStatus::Infeasible;
    match distilled.folds.iter().any(infeasible) {
        true => INFEASIBLE,
        false => code_of(&distilled.report),
    }
}
