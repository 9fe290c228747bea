//! Linear problems as `compare` takes them: from matrix files, or from a study whose units affect each other within clusters.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::interference::ClusteredFlags;
use super::problem::{BoundFlags, LinearFlags};
use super::study::{StudyFlags, scoring};
use crate::data::{Covariate, Table};
use crate::interference::{Clusters, Interference, RuleProblem, Valued, cluster_regression, folds};
use crate::learn::{Scored, Scoring, score_table};
use crate::models::cluster_rule::ClusterProblem;
use crate::score::{Direction, ScoreKind};

#[derive(Args, Clone, Debug)]
pub struct ComparedFlags {
    /// Data file of a study, under --interference
    #[arg(value_name = "DATA", requires = "interference", required_unless_present = "gains")]
    data: Option<PathBuf>,
    /// CSV of covariates, a header and one row a unit; under --interference columns of DATA
    #[arg(long, value_name = "X.csv|COLUMN,..")]
    covariates: String,
    /// CSV of one column: the gain of each unit from treatment
    #[arg(long, value_name = "g.csv")]
    gains: Option<PathBuf>,
    #[command(flatten)]
    bounds: BoundFlags,
    #[command(flatten)]
    clustered: ClusteredStudy,
}

/// What makes a study of clusters a problem.
#[derive(Args, Clone, Debug)]
struct ClusteredStudy {
    /// Units of a --cluster may affect each other: sums of what each treated unit brings (additive), of sets of at most B (polynomial:B), by the
    /// number of others treated (anonymous), in any way (unknown), or not at all (none). The reward is a mean over clusters of cluster means
    #[arg(
        long,
        value_name = "additive|polynomial:B|unknown|anonymous|none",
        conflicts_with = "gains",
        requires_all = ["outcome", "treatment", "cluster", "data"],
        help_heading = "Interference"
    )]
    interference: Option<Interference>,
    /// Add outcome models to additive interference: cross-fitted regressions of cluster means
    #[arg(long, requires = "interference", help_heading = "Interference")]
    doubly_robust: bool,
    /// Column of the outcome
    #[arg(long, value_name = "COLUMN", requires = "interference", help_heading = "Interference")]
    outcome: Option<String>,
    /// Column of the treatment received; its two values are the arms
    #[arg(long, value_name = "COLUMN", requires = "interference", help_heading = "Interference")]
    treatment: Option<String>,
    /// Column of the cluster
    #[arg(long, value_name = "COLUMN", requires = "interference", help_heading = "Interference")]
    cluster: Option<String>,
    /// Propensities, as in learn (default: the observed shares)
    #[arg(long, value_name = "COLUMN|ARM=P,..|..", requires = "interference", help_heading = "Interference")]
    propensity: Option<String>,
    /// Cost of treating a unit, in units of the outcome
    #[arg(long, value_name = "COST", requires = "interference", help_heading = "Interference")]
    cost: Option<f64>,
    /// Smaller outcomes are better (default: larger ones are)
    #[arg(long, requires = "interference", help_heading = "Interference")]
    minimize: bool,
}

impl ComparedFlags {
    /// The problem; `folds` and `seed` for cross-fitting.
    pub fn problem(&self, seed: u64) -> Result<RuleProblem, Failure> {
        if let (Some(data), Some(interference)) = (&self.data, self.clustered.interference) {
            let covariates: Vec<String> = self.covariates.split(',').map(String::from).collect();
            let problem = self.clustered.problem(&Table::read(data)?, &covariates, interference, seed)?;
            return Ok(match problem {
                RuleProblem::Units(problem) => RuleProblem::Units(self.bounds.on(problem)?),
                RuleProblem::Clusters(problem) => {
                    let linear = self.bounds.on(problem.linear().clone())?;
                    RuleProblem::Clusters(ClusterProblem::new(linear, problem.clusters().to_vec())?)
                }
            });
        }
        let Some(gains) = self.gains.clone() else {
            return Err(Failure::usage("name the gains with --gains, or a study with --interference"));
        };
        let covariates = PathBuf::from(&self.covariates);
        Ok(RuleProblem::Units(LinearFlags { covariates, gains, bounds: self.bounds.clone() }.problem()?))
    }
}

impl ClusteredStudy {
    /// Of scores, only propensities are wanted.
    fn scoring(&self, covariates: &[String]) -> Result<Scoring, Failure> {
        let study = StudyFlags {
            outcome: self.outcome.clone(),
            treatment: self.treatment.clone(),
            cluster: self.cluster.clone(),
            propensity: self.propensity.clone(),
            score: Some(ScoreKind::Ipw),
            ..StudyFlags::default()
        };
        let named = |name: &String| Covariate { name: name.clone(), ..Covariate::default() };
        let covariates: Vec<Covariate> = covariates.iter().map(named).collect();
        scoring(&study, self.direction(), &covariates, None, &ClusteredFlags::default())
    }

    fn direction(&self) -> Direction {
        if self.minimize { Direction::Minimize } else { Direction::Maximize }
    }

    fn problem(
        &self,
        table: &Table,
        covariates: &[String],
        interference: Interference,
        seed: u64,
    ) -> Result<RuleProblem, Failure> {
        if self.doubly_robust && interference != Interference::Additive {
            return Err(Failure::usage("--doubly-robust needs --interference additive"));
        }
        let scoring = self.scoring(covariates)?;
        let Scored { study, .. } = score_table(table, &scoring, seed)?;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        if let Some(levels) = study.covariates.iter().find(|covariate| covariate.is_categorical()) {
            return Err(Failure::usage(format!(
                "--covariates {}: its values are no numbers, which linear rules compared here need",
                levels.name
            )));
        }
        let clusters = Clusters::of(&study)?;
        let effects = self.doubly_robust.then(|| {
            let fold = folds(&clusters, scoring.folds.min(clusters.count()), seed);
            cluster_regression(&clusters, study.design().view(), &fold)
        });
        let costs = vec![self.cost.unwrap_or(0.0); clusters.units()];
        let sign = self.direction().sign();
        let valued =
            Valued { clusters: &clusters, interference, effects: effects.as_ref(), sign, costs: &costs };
        Ok(valued.problem(covariates.to_vec(), study.x.clone())?)
    }
}
