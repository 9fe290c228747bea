//! The configuration of a run: all that decides its result, as it is kept beside the result in `config.toml`.

use std::path::PathBuf;

use prescribe_models::tree_rule::Candidates;
use serde::{Deserialize, Serialize};

use super::{Constraints, Demands, Fusing, LearnError};
use crate::data::{OutcomeModel, OutcomeRole, Roles};
use crate::interference::{Clustered, Learner};
use crate::score::{Direction, ScoreKind};
use crate::solve::Options;
use crate::solve::registry::Settings;

/// What to learn from which data, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data: PathBuf,
    /// The share of each arm's units held out of learning, to evaluate on; whole clusters, where there are any.
    pub test_share: f64,
    /// Folds of the nested cross-fitting that the learner is evaluated by; none without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<usize>,
    /// The solver by its name in the registry.
    pub solver: String,
    /// Covariates that serve the scores but that the rule must not see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    pub settings: Settings,
    pub policy: Policy,
    /// How a linear rule is learned where units of a cluster affect each other.
    #[serde(default, skip_serializing_if = "Learner::is_value")]
    pub learner: Learner,
    /// How arms are fused before scores and rule; without it, they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fusion: Option<Fusing>,
    #[serde(default)]
    pub constraints: Constraints,
    pub scoring: Scoring,
    pub solve: Options,
}

/// The class of rules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case", deny_unknown_fields)]
pub enum Policy {
    Linear,
    /// Treat where two linear rules both treat; two arms.
    Conjunction,
    Tree {
        depth: usize,
        candidates: Candidates,
        min_leaf: usize,
    },
    /// Decision tables of at most `depth` questions.
    Table {
        depth: usize,
        candidates: Candidates,
        min_leaf: usize,
    },
}

/// How data become rewards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    pub direction: Direction,
    pub score: ScoreKind,
    /// Folds of the cross-fitting.
    pub folds: usize,
    /// Covariates that propensity and outcome models see; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covariates: Vec<String>,
    /// A file of the covariates of a target population; the study is weighted to their means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<PathBuf>,
    /// Propensities are brought into [c, 1 - c]; without it, estimated ones are with c = 0.01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// Units with a propensity outside [t, 1 - t] are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim: Option<f64>,
    /// How units of a cluster may affect each other; without it, not at all, and values are means over units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clustered: Option<Clustered>,
    pub roles: Roles,
}

impl Scoring {
    /// Refuses what no data can make sensible.
    pub fn check(&self) -> Result<(), LearnError> {
        for (flag, share) in [("--clip", self.clip), ("--trim", self.trim)] {
            if let Some(share) = share.filter(|share| !(0.0..0.5).contains(share)) {
                let reason = format!("{flag} {share}: give a number of at least 0 and below 0.5");
                return Err(LearnError::Usage(reason));
            }
        }
        let survival = matches!(self.roles.outcome, OutcomeRole::Survival(_));
        if survival && self.roles.outcome_model == OutcomeModel::Logistic {
            let reason = "--outcome-model logistic needs outcomes of 0 and 1, which completed follow-up times are not; \
                          use linear or forest";
            return Err(LearnError::Usage(reason.into()));
        }
        let Some(clustered) = &self.clustered else {
            return match self.roles.effects {
                Some(_) => Err(LearnError::Usage("--g0 and --g need --interference additive".into())),
                None => Ok(()),
            };
        };
        clustered.check(&self.roles).map_err(LearnError::Usage)?;
        let unread = [
            ("--target", self.target.is_some(), "the clusters of the study stand for themselves"),
            (
                "--trim",
                self.trim.is_some(),
                "a cluster without some of its units has another mean; use --clip",
            ),
        ];
        match unread.iter().find(|(_, given, _)| *given) {
            None => Ok(()),
            Some((flag, _, why)) => {
                Err(LearnError::Usage(format!("{flag} is not read under --interference: {why}")))
            }
        }
    }
}

impl Config {
    /// What decides which partitions of levels a tree needs.
    pub(super) fn demands(&self, depth: usize, min_leaf: usize) -> Demands {
        Demands { depth, constrained: min_leaf > 1 || !self.is_free() }
    }

    /// Whether every rule of the class may be given to everyone.
    fn is_free(&self) -> bool {
        self.constraints == Constraints::default() && self.scoring.roles.eligible.is_empty()
    }

    /// Refuses a learner where it has nothing to work with.
    fn check_learner(&self) -> Result<(), LearnError> {
        let why = match (self.policy, &self.scoring.clustered) {
            _ if self.learner == Learner::Value => return Ok(()),
            (policy, _) if policy != Policy::Linear => "is for linear rules; add --policy linear".into(),
            (_, None) => {
                "needs units that may affect each other; add --interference additive, or none".into()
            }
            (_, Some(clustered)) if !clustered.sums_over_units() => format!(
                "needs values that are sums of gains of single units, which those under {} are not; use --interference additive or none \
                 without --joint-cost, or --learner value",
                clustered.beyond_units()
            ),
            _ if !self.is_free() => "takes no constraints; leave them out, or use --learner value".into(),
            _ => return Ok(()),
        };
        Err(LearnError::Usage(format!("--learner {} {why}", self.learner)))
    }

    /// Refuses what no data can make sensible.
    pub fn check(&self) -> Result<(), LearnError> {
        self.solve.check().map_err(LearnError::Usage)?;
        let refuse = |reason: &str| Err(LearnError::Usage(reason.into()));
        match self.policy {
            Policy::Tree { depth: 0, .. } => return refuse("depth 0: a tree needs a depth of at least 1"),
            Policy::Table { depth: 0, .. } => {
                return refuse("depth 0: a table needs a depth (questions) of at least 1");
            }
            Policy::Tree { min_leaf: 0, .. } | Policy::Table { min_leaf: 0, .. } => {
                return refuse("minimum leaf size 0: a leaf holds at least 1 unit");
            }
            Policy::Tree { candidates: Candidates::Quantiles(0), .. }
            | Policy::Table { candidates: Candidates::Quantiles(0), .. } => {
                return refuse("candidates quantiles 0: give at least 1");
            }
            _ => {}
        }
        if let Some(clustered) = &self.scoring.clustered
            && self.policy != Policy::Linear
            && !clustered.sums_over_units()
        {
            return Err(LearnError::Usage(format!(
                "{}: trees, tables and conjunctions are learned under additive and none without joint costs alone; use --policy linear",
                clustered.beyond_units()
            )));
        }
        if (self.scoring.score == ScoreKind::Given) == self.scoring.roles.rewards.is_empty() {
            return refuse(
                "rewards made elsewhere and the score \"given\" go together; give --rewards without --score",
            );
        }
        self.constraints.check()?;
        self.scoring.check()?;
        if self.constraints.are_on_clusters() && self.scoring.roles.cluster.is_none() {
            return refuse(
                "--per-cluster-most and --per-cluster-budget need clusters; name their column with --cluster",
            );
        }
        if (self.scoring.score == ScoreKind::Gains) != self.scoring.clustered.is_some() {
            return refuse(
                "the score \"gains\" and --interference go together; give --interference without --score",
            );
        }
        self.check_learner()?;
        if self.scoring.clustered.is_some() && self.fusion.is_some() {
            return refuse("--fuse is not read under --interference, which has two arms; leave it out");
        }
        if let Some(fusing) = &self.fusion {
            fusing.check()?;
            if self.scoring.score == ScoreKind::Given {
                return refuse(
                    "--fuse and --rewards: arms are fused by their outcomes, and rewards made elsewhere are those of single arms; fuse first, and make rewards of the groups",
                );
            }
            if self.scoring.trim.is_some() {
                return refuse(
                    "--fuse and --trim: which units overlap depends on the groups, and comparisons with single arms are of the same units; use --clip",
                );
            }
        }
        if !(0.0..1.0).contains(&self.test_share) {
            return refuse("the held-out share must be at least 0 and below 1");
        }
        if self.nested.is_some() && (self.test_share > 0.0 || self.scoring.roles.split.is_some()) {
            return refuse(
                "nested cross-fitting judges the learner on all units; leave out --test-share and --split, or set test_share = 0",
            );
        }
        Ok(())
    }
}
