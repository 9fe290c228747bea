//! The whole way: a data file, through scores and an optimization model, to a rule and its value.
//!
//! ```text
//! table -> study -> scores Gamma (cross-fitted) -> rewards (net of costs, larger is better)
//!       -> policy problem on the training units -> certified report -> rule
//!       -> value on the held-out units, against every single arm
//! ```
//!
//! Scores are cross-fitted over all units, so the score of a held-out unit rests on models that never saw that unit; the rule
//! never sees a held-out unit's score. The single arm to compare with is chosen on the training units.

mod config;
mod constraints;
mod curve;
mod folder;
mod frontier;
mod judged;
mod parallel;
mod prepare;
mod sample;
mod stability;
mod verify;

pub use config::{Config, Policy, Scoring};
pub use constraints::{Capacity, Constraints, Context};
pub use curve::cost_curve;
pub use folder::{read_config, write};
pub use frontier::{Frontier, Point, frontier};
pub use judged::{FoldRule, Judged, LearnerValue, learner_value};
pub use prepare::{Scored, prepare, read_study, score_table};
use prepare::{pose, prepare_study, rewards_of};
pub use sample::Sample;
use sample::units_of;
pub use stability::{Agreement, CovariateShare, Optimism, Root, Stability, UnitAgreement, stability};
pub use verify::{Finding, verify};

use ndarray::{Array2, Axis};
use prescribe_models::linear_rule::Linear;
use prescribe_models::tree_rule::Tree;
use prescribe_models::{InvalidModel, Model, PolicyProblem, SideConstraint};

use crate::data::DataError;
use crate::evaluate::{BestArm, Evaluation, best};
use crate::rule::{NamedClass, Rule, RuleError, RuleFile, named_report};
use crate::solve::registry::{self, UnknownChoice};
use crate::solve::{Observer, Report, Solvable, SolveError, TerminationStatus, solve_explained};

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
    pub evaluation: Option<Evaluation>,
    /// What the learner is worth, by nested cross-fitting, where the configuration asks for it.
    pub learner: Option<LearnerValue>,
}

/// Reads the data, learns and evaluates.
pub fn learn(config: &Config, observer: &dyn Observer) -> Result<Learned, LearnError> {
    config.check()?;
    let study = read_study(config)?;
    let learner = config.nested.map(|_| learner_value(&study, config, observer)).transpose()?;
    let (scored, sample) = prepare_study(study, config)?;
    let report = on_training_units(&scored, &sample, config, SolveIt { config, observer })?;
    let Scored { study, .. } = &scored;
    let rule = RuleFile::new(&report, &study.covariate_names, &study.arms, config.scoring.direction);
    let assignment = rule.as_ref().map_or(Ok(Vec::new()), |rule| rule.assign(rows(&study.x)))?;
    let evaluation = match &rule {
        Some(rule) => Some(evaluate(&scored, &sample, rule, &assignment, config)?),
        None => None,
    };
    Ok(Learned { sample, assignment, report, rule, evaluation, learner, scored })
}

/// Something to do with a policy problem, whatever its class.
pub trait WithProblem {
    type Done;

    fn with<C>(self, problem: PolicyProblem<C>) -> Result<Self::Done, LearnError>
    where
        C: NamedClass,
        PolicyProblem<C>: Solvable + Model<Point = C::Rule>;
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
    let rewards = scored.rewards.select(Axis(0), units);
    let (names, arms) = (study.covariate_names.clone(), study.arms.clone());
    let of_units = |values: &Vec<f64>| units.iter().map(|&i| values[i]).collect();
    let context = Context {
        costs: Some(study.costs.select(Axis(0), units)),
        groups: scored.groups.iter().map(|(name, values)| (name.clone(), of_units(values))).collect(),
    };
    let constraints = &config.constraints;
    match config.policy {
        Policy::Linear => {
            let problem = PolicyProblem::new(Linear, names, arms, x, rewards)?;
            work.with(constraints.on(problem, &context)?)
        }
        Policy::Tree { depth, candidates, min_leaf } => {
            let problem = PolicyProblem::new(Tree::over(&x, depth, candidates), names, arms, x, rewards)?;
            let problem = problem.with(SideConstraint::MinimumLeafSize(min_leaf))?;
            work.with(constraints.on(problem, &context)?)
        }
    }
}

/// Solves the problem by the solver that the configuration names.
struct SolveIt<'a> {
    config: &'a Config,
    observer: &'a dyn Observer,
}

impl WithProblem for SolveIt<'_> {
    type Done = Report<Rule>;

    fn with<C>(self, problem: PolicyProblem<C>) -> Result<Report<Rule>, LearnError>
    where
        C: NamedClass,
        PolicyProblem<C>: Solvable + Model<Point = C::Rule>,
    {
        let solver = registry::find::<PolicyProblem<C>>(&self.config.solver, self.config.settings)?;
        let report = solve_explained(&problem, solver.as_ref(), None, &self.config.solve, self.observer)?;
        Ok(named_report(report, &problem))
    }
}

/// The value of a rule and its assignment on the held-out units, or on all where none are held out.
fn evaluate(
    scored: &Scored,
    sample: &[Sample],
    rule: &RuleFile,
    assignment: &[usize],
    config: &Config,
) -> Result<Evaluation, LearnError> {
    let Scored { study, rewards, .. } = scored;
    let (train, test) = (units_of(sample, Sample::Train), units_of(sample, Sample::Test));
    let on = if test.is_empty() { &train } else { &test };
    let best = best(rewards.select(Axis(0), &train).sum_axis(Axis(0)).view());
    let given: Vec<usize> = on.iter().map(|&i| assignment[i]).collect();
    let (study, rewards) = (study.select(on), rewards.select(Axis(0), on));
    let best = BestArm::Elsewhere(best).into();
    let evaluation = Evaluation::new(&study, &rewards, &given, config.scoring.direction, &best)?;
    let leaf_of = rule.leaf_of(rows(&study.x))?;
    Ok(evaluation.with_leaves(&study, &rewards, rule.leaf_paths(), &leaf_of)?)
}

/// The rows of a matrix in standard layout.
pub fn rows(x: &Array2<f64>) -> impl Iterator<Item = &[f64]> {
    let width = x.ncols().max(1);
    x.as_slice().unwrap_or_default().chunks_exact(width)
}
