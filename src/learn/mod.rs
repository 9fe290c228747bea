//! The whole way: a data file, through scores and an optimization model, to a rule and its value.
//!
//! ```text
//! table -> study -> scores Gamma (cross-fitted) -> rewards (net of costs, larger is better)
//!       -> policy problem on the training units -> certified report -> rule
//!       -> value on the held-out units, against every single arm
//! ```
//!
//! Arms may be fused on the way: groups are learned from the training units, and are the arms of all that follows.
//!
//! Scores are cross-fitted over all units, so the score of a held-out unit rests on models that never saw that unit; the rule
//! never sees a held-out unit's score. The single arm to compare with is chosen on the training units.

mod cluster_bounds;
mod clustered;
mod config;
mod constraints;
mod curve;
mod encoding;
mod folder;
mod frontier;
mod fused;
mod fusing;
mod judged;
mod learners;
pub(crate) mod parallel;
mod prepare;
mod sample;
mod scored;
mod stability;
mod verify;
mod worth;

pub use clustered::cluster_study;
use clustered::valued_clusters;
pub use config::{Config, Policy, Scoring};
pub use constraints::{Capacity, Constraints, Context, ShareRange, Subgroup};
pub use curve::cost_curve;
use encoding::Demands;
pub use encoding::{Encoding, MOST_LEVELS};
pub use folder::{read_config, write};
pub use frontier::{Frontier, Point, frontier};
pub use fusing::{ArmBalance, By, Fusing, FusionReport, GroupOfArms, Weigh};
use judged::single_arms;
pub use judged::{FoldRule, Judged, LearnerValue, learner_value};
pub use learners::ByLearner;
use learners::solve_units;
use prepare::{pose, prepare_study};
pub use prepare::{prepare, read_study, score_table};
pub use sample::Sample;
use sample::units_of;
pub use scored::{Fused, Scored};
use scored::{nuisances, rewards_of, score_over};
pub use stability::{Agreement, CovariateShare, Optimism, Root, Stability, UnitAgreement, stability};
pub use verify::{Finding, verify};
pub use worth::Worth;

use ndarray::{Array2, Axis};
use prescribe_models::cluster_rule::ClusterProblem;
use prescribe_models::conjunction_rule::Conjunction;
use prescribe_models::linear_rule::Linear;
use prescribe_models::multi_linear_rule::MultiLinear;
use prescribe_models::table_rule::Table as TableClass;
use prescribe_models::{InvalidModel, Model, PolicyProblem, SideConstraint};

use crate::balance::BalanceError;
use crate::data::{DataError, Study, Table};
use crate::evaluate::{BestArm, Evaluation, best, under};
use crate::fusion::FusionError;
use crate::interference::ClusterWorth;
use crate::rule::{NamedClass, Rule, RuleError, RuleFile, named_report};
use crate::solve::registry::UnknownChoice;
use crate::solve::{Chosen, Observer, Report, Solvable, SolveError, TerminationStatus, solve_explained};

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Solve(#[from] SolveError),
    #[error(transparent)]
    Model(#[from] InvalidModel),
    #[error(transparent)]
    Choice(#[from] UnknownChoice),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error(transparent)]
    Fusion(#[from] FusionError),
    #[error(transparent)]
    Balance(BalanceError),
    #[error(
        "arm {arm:?} ({units} rows to learn from) cannot be balanced: whatever the weights, {combination} (covariates in standard deviations) \
         stays {shortfall} above its mean over all; pass --weigh-tolerance {tolerance} or more, name fewer --weigh-covariates, or pass \
         --weigh none"
    )]
    Unbalanced { arm: String, units: usize, combination: String, shortfall: f64, tolerance: f64 },
    #[error(
        "arm {arm:?}: its weights could not be computed ({reason}); pass another --weigh-tolerance or --weigh"
    )]
    NoWeights { arm: String, reason: String },
    #[error("{0}")]
    Usage(String),
    #[error("no rule was found for {of} ({status:?}); loosen the limits or the constraints")]
    NoRule { of: String, status: TerminationStatus },
    #[error("{path}: {reason}; {remedy}")]
    Io { path: String, reason: String, remedy: &'static str },
}

/// What was learned.
#[derive(Clone, Debug)]
pub struct Learned {
    pub scored: Scored,
    pub sample: Vec<Sample>,
    /// The arm that the rule gives to each unit.
    pub assignment: Vec<usize>,
    pub report: Report<Rule>,
    /// Missing where no rule was found within the limits.
    pub rule: Option<RuleFile>,
    /// On the held-out units, or on all where none were held out (then optimistic).
    pub evaluation: Option<Worth>,
    /// What the learner is worth, by nested cross-fitting, where the configuration asks for it.
    pub learner: Option<LearnerValue>,
}

impl Learned {
    /// Whose rule it is, where the configuration names a learner or leaves it open.
    pub fn by_learner(&self) -> Option<ByLearner> {
        let by = self.report.statistics.get(learners::LEARNER)?;
        serde_json::from_value(by.clone()).ok()
    }

    /// How arms were fused, where they were.
    pub fn fusion(&self) -> Option<&FusionReport> {
        self.scored.fused.as_ref().map(|fused| &fused.report)
    }
}

/// Reads the data, learns and evaluates.
pub fn learn(config: &Config, observer: &dyn Observer) -> Result<Learned, LearnError> {
    config.check()?;
    let study = read_study(&Table::read(&config.data)?, &config.scoring)?;
    let learner = config.nested.map(|_| learner_value(&study, config, observer)).transpose()?;
    let (mut scored, sample) = prepare_study(study, config)?;
    let solved = solve_units(&scored, &units_of(&sample, Sample::Train), config, observer)?;
    let rule = solved.rule(&scored.study, config);
    let Solved { report, notes, .. } = solved;
    let study = &mut scored.study;
    study.warnings.extend(notes);
    let assignment = rule.as_ref().map_or(Ok(Vec::new()), |rule| rule.assign(rows(&study.x)))?;
    let evaluation = match &rule {
        Some(rule) => Some(evaluate(&scored, &sample, rule, &assignment, config)?),
        None => None,
    };
    Ok(Learned { sample, assignment, report, rule, evaluation, learner, scored })
}

/// The rule of the configuration's class, by its solver and under its constraints, that earns most by the rewards of `scored`, wherever they are from;
/// `share` of the units for which limits in numbers of units or money are stated are here.
///
/// # Errors
/// As solving.
pub fn rule_of(
    scored: Scored,
    share: f64,
    config: &Config,
    observer: &dyn Observer,
) -> Result<(Report<Rule>, Option<RuleFile>), LearnError> {
    let config = Config { constraints: config.constraints.scaled(share), ..config.clone() };
    let scored = pose(scored, &config)?;
    let units: Vec<usize> = (0..scored.study.units()).collect();
    let solved = solve_units(&scored, &units, &config, observer)?;
    let rule = solved.rule(&scored.study, &config);
    Ok((solved.report, rule))
}

/// Something to do with a policy problem, whatever its class.
pub trait WithProblem {
    type Done;

    /// `encoding` leads from rules over the problem's columns to rules over covariates.
    fn with<C>(self, problem: PolicyProblem<C>, encoding: &Encoding) -> Result<Self::Done, LearnError>
    where
        C: NamedClass,
        PolicyProblem<C>: Solvable + Model<Point = C::Rule>;

    /// The same for linear rules that are valued by clusters.
    fn with_clusters(self, problem: ClusterProblem, encoding: &Encoding) -> Result<Self::Done, LearnError>;
}

/// Poses the problem of the training units and hands it to `work`.
pub fn on_training_units<W: WithProblem>(
    scored: &Scored,
    sample: &[Sample],
    config: &Config,
    work: W,
) -> Result<W::Done, LearnError> {
    on_units(scored, &units_of(sample, Sample::Train), config, work)
}

/// Poses the problem of some of the units, one that is named twice counting twice, and hands it to `work`.
pub(super) fn on_units<W: WithProblem>(
    scored: &Scored,
    units: &[usize],
    config: &Config,
    work: W,
) -> Result<W::Done, LearnError> {
    let (study, x) = (&scored.study, scored.study.x.select(Axis(0), units));
    let clusters = scored.clusters(units);
    let mut rewards = scored.rewards.select(Axis(0), units);
    if scored.clustered.is_some() {
        rewards /= scored.size(units);
    }
    let arms = study.arms.clone();
    let of_units = |values: &Vec<String>| units.iter().map(|&i| values[i].clone()).collect();
    let context = Context {
        costs: Some(study.costs.select(Axis(0), units)),
        groups: scored.groups.iter().map(|(name, values)| (name.clone(), of_units(values))).collect(),
        eligible: study.eligible.as_ref().map(|eligible| eligible.select(Axis(0), units)),
        received: Some(units.iter().map(|&i| study.arm[i]).collect()),
        clusters,
    };
    let constraints = &config.constraints;
    let by_clusters = scored.clustered.as_ref().filter(|clustered| !clustered.sums_over_units());
    match config.policy {
        Policy::Linear => {
            let encoding = Encoding::linear(study);
            let (names, z) = (encoding.names(), encoding.matrix(study, &x));
            if arms.len() == 2 {
                let problem = PolicyProblem::new(Linear, names, arms, z, rewards)?;
                if let Some(clustered) = by_clusters {
                    let clusters = valued_clusters(scored, clustered, units, config.scoring.direction)?;
                    let problem = ClusterProblem::new(constraints.on(problem, &context)?, clusters)?;
                    return work.with_clusters(problem, &encoding);
                }
                return work.with(constraints.on(problem, &context)?, &encoding);
            }
            let class = MultiLinear { arms: arms.len() };
            let problem = PolicyProblem::new(class, names, arms, z, rewards)?;
            work.with(constraints.on(problem, &context)?, &encoding)
        }
        Policy::Conjunction => {
            let encoding = Encoding::linear(study);
            let (names, z) = (encoding.names(), encoding.matrix(study, &x));
            let problem = PolicyProblem::new(Conjunction, names, arms, z, rewards)?;
            work.with(constraints.on(problem, &context)?, &encoding)
        }
        Policy::Tree { depth, candidates, min_leaf } => {
            let encoding = Encoding::tree(study, &x, &rewards, config.demands(depth, min_leaf));
            let (class, z) = (encoding.trees(&x, depth, candidates), encoding.matrix(study, &x));
            let problem = PolicyProblem::new(class, encoding.names(), arms, z, rewards)?;
            let problem = problem.with(SideConstraint::MinimumLeafSize(min_leaf))?;
            work.with(constraints.on(problem, &context)?, &encoding)
        }
        Policy::Table { depth, candidates, min_leaf } => {
            let encoding = Encoding::tree(study, &x, &rewards, config.demands(depth, min_leaf));
            let (trees, z) = (encoding.trees(&x, depth, candidates), encoding.matrix(study, &x));
            let problem = PolicyProblem::new(TableClass { trees }, encoding.names(), arms, z, rewards)?;
            let problem = problem.with(SideConstraint::MinimumLeafSize(min_leaf))?;
            work.with(constraints.on(problem, &context)?, &encoding)
        }
    }
}

/// Solves the problem by the solver that the configuration names.
struct SolveIt<'a> {
    config: &'a Config,
    observer: &'a dyn Observer,
}

/// A solved problem of the training units.
struct Solved {
    report: Report<Rule>,
    encoding: Encoding,
    notes: Vec<String>,
}

impl Solved {
    /// The rule by the names of the study, where one was found.
    fn rule(&self, study: &Study, config: &Config) -> Option<RuleFile> {
        let direction = config.scoring.direction;
        RuleFile::new(&self.report, study, self.encoding.terms(), direction)
    }
}

impl WithProblem for SolveIt<'_> {
    type Done = Solved;

    fn with<C>(self, problem: PolicyProblem<C>, encoding: &Encoding) -> Result<Solved, LearnError>
    where
        C: NamedClass,
        PolicyProblem<C>: Solvable + Model<Point = C::Rule>,
    {
        let solver = Chosen::of(&self.config.solver, self.config.settings)?;
        let report = solve_explained(&problem, &solver, None, &self.config.solve, self.observer)?;
        let report = named_report(report, &problem).map_point(|rule| encoding.decode(rule));
        let notes = match self.config.policy {
            Policy::Tree { depth, min_leaf, .. } | Policy::Table { depth, min_leaf, .. } => {
                encoding.notes(problem.arms.len(), self.config.demands(depth, min_leaf))
            }
            Policy::Linear | Policy::Conjunction => Vec::new(),
        };
        Ok(Solved { report, encoding: encoding.clone(), notes })
    }

    fn with_clusters(self, problem: ClusterProblem, encoding: &Encoding) -> Result<Solved, LearnError> {
        let solver = Chosen::of(&self.config.solver, self.config.settings)?;
        let report = solver.solve(&problem, None, &self.config.solve, self.observer)?;
        let linear = problem.linear();
        let report = report.map_point(|rule| Linear::named(&rule, &linear.covariates, &linear.arms));
        let report = report.map_point(|rule| encoding.decode(rule));
        Ok(Solved { report, encoding: encoding.clone(), notes: Vec::new() })
    }
}

/// The value of a rule and its assignment on the held-out units, or on all where none are held out.
fn evaluate(
    scored: &Scored,
    sample: &[Sample],
    rule: &RuleFile,
    assignment: &[usize],
    config: &Config,
) -> Result<Worth, LearnError> {
    let Scored { study, rewards, .. } = scored;
    let (train, test) = (units_of(sample, Sample::Train), units_of(sample, Sample::Test));
    let on = if test.is_empty() { &train } else { &test };
    if let Some(clustered) = &scored.clustered {
        let given: Vec<usize> = on.iter().map(|&i| assignment[i]).collect();
        let direction = config.scoring.direction;
        let evaluation = ClusterWorth::new(&study.select(on), clustered, &given, direction, &[])?;
        return Ok(Worth::Clusters(Box::new(evaluation)));
    }
    let (single, rewards_of_single) = scored.single();
    let best = best(rewards_of_single.select(Axis(0), &train).sum_axis(Axis(0)).view());
    let given: Vec<usize> = on.iter().map(|&i| assignment[i]).collect();
    let (study, rewards) = (study.select(on), rewards.select(Axis(0), on));
    let (single, rewards_of_single) = (single.select(on), rewards_of_single.select(Axis(0), on));
    let worth = under(&rewards, &given);
    let arms = single_arms(&single, rule, given, &study.ids, config.solve.random_seed);
    let (direction, best) = (config.scoring.direction, BestArm::Elsewhere(best).into());
    let evaluation = Evaluation::valued(&single, &rewards_of_single, &arms, &worth, direction, &best)?;
    let leaf_of = rule.leaf_of(rows(&study.x))?;
    let evaluation = evaluation.with_leaves(&study, &rewards, rule.leaf_paths(), &leaf_of)?;
    Ok(Worth::Units(Box::new(evaluation)))
}

/// The rows of a matrix in standard layout.
pub fn rows(x: &Array2<f64>) -> impl Iterator<Item = &[f64]> {
    let width = x.ncols().max(1);
    x.as_slice().unwrap_or_default().chunks_exact(width)
}
