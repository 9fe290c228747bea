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
mod folder;
mod verify;

pub use config::{Config, Policy, Scoring};
pub use constraints::{Capacity, Constraints, Context};
pub use folder::{read_config, write};
pub use verify::{Finding, verify};

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};
use prescribe_models::linear_rule::Linear;
use prescribe_models::tree_rule::Tree;
use prescribe_models::{InvalidModel, Model, PolicyProblem, SideConstraint};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::data::{DataError, Place, Problem, Study, Table, members};
use crate::evaluate::Evaluation;
use crate::nuisance::{Folds, arm_counts, cross_fit};
use crate::random::stream;
use crate::rule::{NamedClass, Rule, RuleError, RuleFile, named_report};
use crate::score::{ScoreKind, aipw, direct, hajek, ipw, net};
use crate::solve::registry::{self, UnknownChoice};
use crate::solve::{Observer, Report, Solvable, SolveError, solve_explained};

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
    #[error("{path}: {reason}; {remedy}")]
    Io { path: String, reason: String, remedy: &'static str },
}

/// Which part of the data a unit belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    Train,
    Test,
}

/// A study with its rewards.
#[derive(Clone, Debug)]
pub struct Scored {
    pub study: Study,
    /// What a solver maximises, n x K: scores in the user's direction, net of costs.
    pub rewards: Array2<f64>,
    /// Values (n) of the covariates that parity compares, whether the rule sees them or not.
    pub groups: BTreeMap<String, Vec<f64>>,
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
}

/// Reads the data, learns and evaluates.
pub fn learn(config: &Config, observer: &dyn Observer) -> Result<Learned, LearnError> {
    config.check()?;
    let (scored, sample) = prepare(config)?;
    let report = on_training_units(&scored, &sample, config, SolveIt { config, observer })?;
    let Scored { study, .. } = &scored;
    let rule = RuleFile::new(&report, &study.covariate_names, &study.arms, config.scoring.direction);
    let assignment = rule.as_ref().map_or(Ok(Vec::new()), |rule| rule.assign(rows(&study.x)))?;
    let evaluation = match rule.is_some() {
        true => Some(evaluate(&scored, &sample, &assignment, config)?),
        false => None,
    };
    Ok(Learned { sample, assignment, report, rule, evaluation, scored })
}

/// Study, rewards and held-out units, by the configuration.
pub fn prepare(config: &Config) -> Result<(Scored, Vec<Sample>), LearnError> {
    let seed = config.solve.random_seed;
    let mut scored = score_table(&Table::read(&config.data)?, &config.scoring, seed)?;
    scored.groups = groups(&scored.study, config.constraints.parity.keys())?;
    hide(&mut scored.study, &config.exclude)?;
    let sample = split(&scored.study, config.test_share, seed)?;
    Ok((scored, sample))
}

/// The values of the covariates called `names`.
fn groups<'n>(
    study: &Study,
    names: impl Iterator<Item = &'n String>,
) -> Result<BTreeMap<String, Vec<f64>>, LearnError> {
    let column = |name: &String| {
        let j = study.covariate_names.iter().position(|other| other == name).ok_or_else(|| {
            let known = study.covariate_names.join(", ");
            LearnError::Usage(format!("--parity {name}: not a covariate; the covariates are {known}"))
        })?;
        Ok((name.clone(), study.x.column(j).to_vec()))
    };
    names.map(column).collect()
}

/// Hides from the rule, once the scores are there, the covariates that served the scores alone.
fn hide(study: &mut Study, excluded: &[String]) -> Result<(), LearnError> {
    if let Some(name) = excluded.iter().find(|name| !study.covariate_names.contains(name)) {
        let known = study.covariate_names.join(", ");
        return Err(LearnError::Usage(format!(
            "--exclude {name}: not a covariate; the covariates are {known}"
        )));
    }
    let shown: Vec<usize> =
        (0..study.covariate_names.len()).filter(|&j| !excluded.contains(&study.covariate_names[j])).collect();
    if shown.is_empty() {
        return Err(LearnError::Usage("--exclude leaves the rule no covariate; keep at least one".into()));
    }
    study.x = study.x.select(Axis(1), &shown).as_standard_layout().into_owned();
    study.covariate_names = shown.iter().map(|&j| study.covariate_names[j].clone()).collect();
    Ok(())
}

/// Study and rewards of a table.
pub fn score_table(table: &Table, scoring: &Scoring, seed: u64) -> Result<Scored, LearnError> {
    let study = Study::from_table(table, &scoring.roles)?;
    let predictions = || cross_fit(&study, &Folds::new(&study, scoring.folds, seed)?);
    let scores = match scoring.score {
        ScoreKind::Direct => direct(&study, &predictions()?)?,
        ScoreKind::Ipw => ipw(&study)?,
        ScoreKind::Hajek => hajek(&study)?,
        ScoreKind::Aipw => aipw(&study, &predictions()?)?,
    };
    let rewards = net(&scores, &study, scoring.direction)?;
    Ok(Scored { study, rewards, groups: BTreeMap::new() })
}

/// Holds out a share of the units of each arm, in whole clusters where the study has any.
fn split(study: &Study, test_share: f64, seed: u64) -> Result<Vec<Sample>, LearnError> {
    let mut random = stream(seed, "held-out units");
    if let Some(cluster) = &study.cluster {
        let mut clusters = members(cluster);
        clusters.shuffle(&mut random);
        return split_clusters(study, &clusters, test_share);
    }
    let mut sample = vec![Sample::Train; study.units()];
    for k in 0..study.arms.len() {
        let mut units: Vec<usize> = (0..study.units()).filter(|&i| study.arm[i] == k).collect();
        units.shuffle(&mut random);
        let held_out = (test_share * units.len() as f64).floor() as usize;
        units.iter().take(held_out).for_each(|&i| sample[i] = Sample::Test);
    }
    let tested = sample.iter().filter(|s| **s == Sample::Test).count();
    if tested == 1 || sample.len() - tested < 2 {
        return Err(Place::file(&study.source).refuse(Problem::TooFewRows { rows: tested.min(1) }).into());
    }
    Ok(sample)
}

/// Holds out each cluster in turn that brings the held-out share of the arms nearer to `test_share`, in the sum over
/// arms of squared differences.
fn split_clusters(
    study: &Study,
    clusters: &[Vec<usize>],
    test_share: f64,
) -> Result<Vec<Sample>, LearnError> {
    let mut sample = vec![Sample::Train; study.units()];
    if test_share == 0.0 {
        return Ok(sample);
    }
    let totals = arm_counts(study, &(0..study.units()).collect::<Vec<_>>());
    let off = |held: &[f64]| -> f64 {
        let arms = held.iter().zip(&totals).filter(|(_, total)| **total > 0.0);
        arms.map(|(held, total)| (held / total - test_share).powi(2)).sum()
    };
    let (mut held, mut count) = (vec![0.0; totals.len()], 0);
    for units in clusters {
        let with: Vec<f64> = held.iter().zip(arm_counts(study, units)).map(|(a, b)| a + b).collect();
        if off(&with) < off(&held) {
            units.iter().for_each(|&i| sample[i] = Sample::Test);
            (held, count) = (with, count + 1);
        }
    }
    let file = Place::file(&study.source);
    if count < 2 {
        return Err(file.refuse(Problem::TooFewClusters { clusters: count, held_out: true }).into());
    }
    let rows = units_of(&sample, Sample::Train).len();
    if rows < 2 {
        return Err(file.refuse(Problem::TooFewRows { rows }).into());
    }
    Ok(sample)
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
    let train = units_of(sample, Sample::Train);
    let (study, x) = (&scored.study, scored.study.x.select(Axis(0), &train));
    let rewards = scored.rewards.select(Axis(0), &train);
    let (names, arms) = (study.covariate_names.clone(), study.arms.clone());
    let of_train = |values: &Vec<f64>| train.iter().map(|&i| values[i]).collect();
    let context = Context {
        costs: Some(study.costs.select(Axis(0), &train)),
        groups: scored.groups.iter().map(|(name, values)| (name.clone(), of_train(values))).collect(),
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

/// The value of an assignment on the held-out units, or on all where none are held out.
fn evaluate(
    scored: &Scored,
    sample: &[Sample],
    assignment: &[usize],
    config: &Config,
) -> Result<Evaluation, LearnError> {
    let Scored { study, rewards, .. } = scored;
    let (train, test) = (units_of(sample, Sample::Train), units_of(sample, Sample::Test));
    let on = if test.is_empty() { &train } else { &test };
    let totals = rewards.select(Axis(0), &train).sum_axis(Axis(0));
    let best = (1..totals.len()).fold(0, |best, k| if totals[k] > totals[best] { k } else { best });
    let given: Vec<usize> = on.iter().map(|&i| assignment[i]).collect();
    let (study, rewards) = (study.select(on), rewards.select(Axis(0), on));
    Ok(Evaluation::new(&study, &rewards, &given, config.scoring.direction, Some(best))?)
}

fn units_of(sample: &[Sample], which: Sample) -> Vec<usize> {
    (0..sample.len()).filter(|&i| sample[i] == which).collect()
}

/// The rows of a matrix in standard layout.
pub fn rows(x: &Array2<f64>) -> impl Iterator<Item = &[f64]> {
    let width = x.ncols().max(1);
    x.as_slice().unwrap_or_default().chunks_exact(width)
}
