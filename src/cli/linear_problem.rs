//! Linear problems as `compare` takes them: from matrix files, or from a study whose units affect each other within clusters.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::interference::ClusteredFlags;
use super::problem::{BoundFlags, LinearFlags};
use super::study::{StudyFlags, scoring};
use crate::data::{Covariate, Table};
use crate::interference::{Clusters, DesignRole, Effects, Interference, RuleProblem, Valued, costs};
use crate::learn::{Scoring, cluster_study};
use crate::models::cluster_rule::ClusterProblem;
use crate::score::Direction;

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
    /// The problem; `seed` for cross-fitting.
    pub fn problem(&self, seed: u64) -> Result<RuleProblem, Failure> {
        if let (Some(data), Some(_)) = (&self.data, self.clustered.interference) {
            let covariates: Vec<String> = self.covariates.split(',').map(String::from).collect();
            let scoring = self.clustered.scoring(&covariates)?;
            let problem = problem(&Table::read(data)?, covariates, &scoring, seed)?;
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
    fn scoring(&self, covariates: &[String]) -> Result<Scoring, Failure> {
        let study = StudyFlags {
            outcome: self.outcome.clone(),
            treatment: self.treatment.clone(),
            cluster: self.cluster.clone(),
            propensity: self.propensity.clone(),
            cost: self.cost.map(|cost| cost.to_string()).into_iter().collect(),
            ..StudyFlags::default()
        };
        let named = |name: &String| Covariate { name: name.clone(), ..Covariate::default() };
        let covariates: Vec<Covariate> = covariates.iter().map(named).collect();
        let clustered = ClusteredFlags::assumed(self.interference, self.doubly_robust);
        let direction = if self.minimize { Direction::Minimize } else { Direction::Maximize };
        scoring(&study, direction, &covariates, None, &clustered)
    }
}

fn problem(
    table: &Table,
    covariates: Vec<String>,
    scoring: &Scoring,
    seed: u64,
) -> Result<RuleProblem, Failure> {
    let Some(clustered) = &scoring.clustered else {
        return Err(Failure::usage("name what units of a cluster may do to each other with --interference"));
    };
    let interference = clustered.interference;
    let study = cluster_study(table, scoring, clustered, &DesignRole::Bernoulli, seed)?;
    study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    if let Some(levels) = study.covariates.iter().find(|covariate| covariate.is_categorical()) {
        return Err(Failure::usage(format!(
            "--covariates {}: its values are no numbers, which linear rules compared here need",
            levels.name
        )));
    }
    let clusters = Clusters::of(&study)?;
    let effects = study.effects.as_ref().map(|own| Effects::of_units(&clusters, own));
    let (sign, costs) = (scoring.direction.sign(), costs(&study));
    let valued = Valued { clusters: &clusters, interference, effects: effects.as_ref(), sign, costs: &costs };
    Ok(valued.problem(covariates, study.x.clone())?)
}
