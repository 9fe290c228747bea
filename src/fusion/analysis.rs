//! From a study to groups of its arms, with everything that is told of them.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2};
use prescribe_models::Model;
use prescribe_models::arm_moments::Moments;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Data, Groups, MainEffect, PathSettings, Penalty, Problem, Step, independent, main_effect, pair_weights,
    path, stability,
};
use crate::balance::{self, BalanceError};
use crate::data::{DataError, Place, Problem as Refusal, Study, Term, terms};
use crate::solve::registry::{self, Solvable, UnknownChoice};
use crate::solve::{Observer, Options, Report, SolveError, solve};

/// Arms nearer than this are one group, unless told otherwise.
pub const GROUPS_WITHIN: f64 = 0.25;

/// Where the weights come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Weighting {
    /// All units alike: K / n.
    None,
    /// Each arm to the covariate means of all units.
    #[default]
    Entropy,
    /// Given (n); scaled to a sum of 1 in each arm.
    Given(Vec<f64>),
    /// Given (n), summing to the number of arms; used as they are.
    AsGiven(Vec<f64>),
}

/// What chooses lambda.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice {
    Lambda(f64),
    Criterion(Criterion),
    /// The smallest lambda of the grid with so many groups.
    Groups(usize),
}

/// Smaller is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    #[default]
    Ebic,
    Bic,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    pub weighting: Weighting,
    pub main_effect: MainEffect,
    pub penalty: Penalty,
    pub choice: Choice,
    /// From small to large; not read where lambda is given.
    pub lambdas: Vec<f64>,
    pub threshold: f64,
    /// Bootstrap samples of the groups' stability.
    pub bootstrap: usize,
    /// The registered solver of the chosen problem.
    pub solver: String,
    pub options: Options,
}

/// Why there are no groups.
#[derive(Debug, thiserror::Error)]
pub enum FusionError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Solve(#[from] SolveError),
    #[error(transparent)]
    Choice(#[from] UnknownChoice),
    #[error(
        "{0}; fuse has no tolerance of its own: weigh with one and pass --weights FILE, or pass --weights none"
    )]
    Balance(#[from] BalanceError),
    #[error("{0}")]
    Usage(String),
}

/// One lambda of the path, as reports give it.
#[derive(Clone, Debug, Serialize)]
pub struct PathPoint {
    pub lambda: f64,
    pub groups: usize,
    /// Of the refitted groups.
    pub rss: f64,
    pub ebic: f64,
    pub bic: f64,
    /// What is expected of each arm at the mean covariates, beyond the main effect.
    pub profile: Vec<f64>,
}

/// One group.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    pub arms: Vec<String>,
    pub units: usize,
    /// Refitted to all units of the group.
    pub coefficients: Vec<f64>,
    /// Euclidean distance of the refitted coefficients to those of each group.
    pub distances: Vec<f64>,
    /// The share of bootstrap samples in which two of its arms stay together, the mean over its pairs; none without samples or pairs.
    pub stability: Option<f64>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Fused {
    pub units: usize,
    pub penalty: Penalty,
    pub main_effect: MainEffect,
    pub lambda: f64,
    pub threshold: f64,
    /// Of the chosen problem, at `coefficients`.
    pub objective: Option<f64>,
    /// What the coefficients belong to.
    pub columns: Vec<String>,
    pub coefficients: Map<String, Value>,
    pub groups: Vec<Vec<String>>,
    pub ebic: f64,
    pub bic: f64,
    pub rss: f64,
    pub group_table: Vec<Group>,
    /// The share of bootstrap samples in which two arms are fused (K x K); none without samples.
    pub stability: Option<Vec<Vec<f64>>>,
    pub path: Vec<PathPoint>,
    pub report: Report<()>,
    pub warnings: Vec<String>,
}

/// Fuses the arms of a study.
///
/// # Errors
/// Kind `Data` where an arm cannot be balanced or the main effect cannot be fitted; kind `Usage` where no lambda of the grid gives
/// the groups asked for; of the solver.
pub fn fuse(study: &Study, settings: &Settings, observer: &dyn Observer) -> Result<Fused, FusionError> {
    let names: Vec<String> = terms(&study.covariates, &study.x).iter().map(Term::name).collect();
    let features = study.design();
    let weights = weights(study, &features, &names, &settings.weighting)?;
    let mut warnings = Vec::new();
    let (data, kept) = data(study, &features, weights, settings, &names, &mut warnings)?;
    let moments = data.moments();
    let pair_weights = pair_weights(settings.penalty, &data, &moments);
    let lambdas = match settings.choice {
        Choice::Lambda(lambda) => vec![lambda],
        _ => settings.lambdas.clone(),
    };
    let path_settings = PathSettings {
        penalty: settings.penalty,
        lambdas,
        threshold: settings.threshold,
        units: data.arm.len(),
    };
    let steps = path(&moments, &pair_weights, &path_settings, observer)?;
    let step = choose(&steps, settings.choice)?;
    let problem =
        Problem::new(&moments, &pair_weights, settings.penalty, step.lambda).map_err(SolveError::from)?;
    let start = Some(&step.coefficients);
    let report = match &problem {
        Problem::Convex(model) => certified(model, start, settings, observer)?,
        Problem::Concave(model) => certified(model, start, settings, observer)?,
    };
    let zeta = report.point.clone().unwrap_or_else(|| step.coefficients.clone());
    let groups = Groups::within(&zeta, settings.threshold);
    let shares = match settings.bootstrap {
        0 => None,
        samples => {
            let at = PathSettings { lambdas: vec![step.lambda], ..path_settings };
            Some(stability(&data, &at, samples, settings.options.random_seed)?)
        }
    };
    let found = super::criteria(&moments, &groups, data.arm.len());
    let full = |row: &[f64]| -> Vec<f64> {
        let mut all = vec![0.0; names.len() + 1];
        kept.iter().zip(row).for_each(|(&j, &value)| all[j] = value);
        all
    };
    let means = means(&data);
    Ok(Fused {
        units: data.arm.len(),
        penalty: settings.penalty,
        main_effect: settings.main_effect,
        lambda: step.lambda,
        threshold: settings.threshold,
        objective: report.objective_value,
        columns: std::iter::once("(intercept)".to_string()).chain(names.iter().cloned()).collect(),
        coefficients: study
            .arms
            .iter()
            .cloned()
            .zip(zeta.rows().into_iter().map(|r| json!(full(&r.to_vec()))))
            .collect(),
        groups: named(&groups, study),
        ebic: found.ebic,
        bic: found.bic,
        rss: found.rss,
        group_table: table(study, &moments, &groups, shares.as_ref(), &full),
        stability: shares.map(|shares| shares.rows().into_iter().map(|row| row.to_vec()).collect()),
        path: steps.iter().map(|step| point(step, &means)).collect(),
        report: report.map_point(|_| ()),
        warnings,
    })
}

/// Weights that sum to 1 in every arm, or to K over all units.
fn weights(
    study: &Study,
    features: &Array2<f64>,
    names: &[String],
    weighting: &Weighting,
) -> Result<Vec<f64>, FusionError> {
    let (n, arms) = (study.units(), study.arms.len());
    match weighting {
        Weighting::None => Ok(vec![arms as f64 / n as f64; n]),
        Weighting::AsGiven(given) => Ok(given.clone()),
        Weighting::Entropy => {
            let settings = balance::Settings {
                features: names.to_vec(),
                arms: study.arms.clone(),
                ..balance::Settings::default()
            };
            Ok(balance::calibrate(features, &study.arm, arms, &settings)?.weights.to_vec())
        }
        Weighting::Given(given) => {
            let mut sums = vec![0.0; arms];
            study.arm.iter().zip(given).for_each(|(&a, w)| sums[a] += w);
            if let Some(a) = sums.iter().position(|sum| *sum <= 0.0) {
                let arm = study.arms[a].clone();
                return Err(Place::file(&study.source).refuse(Refusal::ArmWithoutWeight { arm }).into());
            }
            Ok(study.arm.iter().zip(given).map(|(&a, w)| w / sums[a]).collect())
        }
    }
}

/// What fusion reads, and which columns of (1, X) it keeps.
fn data(
    study: &Study,
    features: &Array2<f64>,
    weights: Vec<f64>,
    settings: &Settings,
    names: &[String],
    warnings: &mut Vec<String>,
) -> Result<(Data, Vec<usize>), DataError> {
    let main = main_effect(settings.main_effect, study, features, &weights, settings.options.random_seed)?;
    let (n, q) = features.dim();
    let design = Array2::from_shape_fn((n, q + 1), |(i, j)| if j == 0 { 1.0 } else { features[[i, j - 1]] });
    let kept = independent(&design, &weights);
    for j in (1..=q).filter(|j| !kept.contains(j)) {
        warnings.push(format!(
            "{}, column {:?}: constant, or a combination of the columns before it; its coefficients are 0",
            study.source,
            names[j - 1]
        ));
    }
    let outcome = study.outcome.iter().zip(&main).map(|(y, m)| y - m).collect();
    let all = Data { design, outcome, weights, arm: study.arm.clone(), arms: study.arms.len() };
    Ok((all.over(&kept), kept))
}

fn choose(steps: &[Step], choice: Choice) -> Result<&Step, FusionError> {
    let least = |value: fn(&Step) -> f64| steps.iter().min_by(|a, b| value(a).total_cmp(&value(b)));
    let found = match choice {
        Choice::Lambda(_) => steps.first(),
        Choice::Criterion(Criterion::Ebic) => least(|step| step.ebic),
        Choice::Criterion(Criterion::Bic) => least(|step| step.bic),
        Choice::Groups(count) => steps.iter().find(|step| step.groups.count() == count),
    };
    found.ok_or_else(|| {
        let mut counts: Vec<usize> = steps.iter().map(|step| step.groups.count()).collect();
        counts.dedup();
        let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
        FusionError::Usage(format!(
            "no lambda of the grid gives the groups asked for; it gives {}: ask for one of these, or pass a finer or wider --lambda-grid",
            counts.join(", ")
        ))
    })
}

fn certified<M: Solvable + Model<Point = Array2<f64>>>(
    model: &M,
    start: Option<&Array2<f64>>,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<Report<Array2<f64>>, FusionError> {
    let solver = registry::find::<M>(&settings.solver, registry::Settings::default())?;
    Ok(solve(model, solver.as_ref(), start, &settings.options, observer)?)
}

/// The weighted means of the columns.
fn means(data: &Data) -> Array1<f64> {
    let total: f64 = data.weights.iter().sum();
    data.design.t().dot(&Array1::from(data.weights.clone())) / total
}

fn point(step: &Step, means: &Array1<f64>) -> PathPoint {
    PathPoint {
        lambda: step.lambda,
        groups: step.groups.count(),
        rss: step.rss,
        ebic: step.ebic,
        bic: step.bic,
        profile: step.coefficients.dot(means).to_vec(),
    }
}

fn named(groups: &Groups, study: &Study) -> Vec<Vec<String>> {
    groups.members().iter().map(|g| g.iter().map(|&a| study.arms[a].clone()).collect()).collect()
}

fn table(
    study: &Study,
    moments: &[Moments],
    groups: &Groups,
    shares: Option<&Array2<f64>>,
    full: &dyn Fn(&[f64]) -> Vec<f64>,
) -> Vec<Group> {
    let p = moments[0].cross.len();
    let members = groups.members();
    let fits: Vec<Array1<f64>> =
        members.iter().map(|g| Moments::pooled(p, g.iter().map(|&a| &moments[a])).fit()).collect();
    let mut units = BTreeMap::new();
    study.arm.iter().for_each(|&a| *units.entry(groups.of[a]).or_insert(0) += 1);
    let row = |(g, arms): (usize, Vec<String>)| Group {
        arms,
        units: units.get(&g).copied().unwrap_or(0),
        coefficients: full(&fits[g].to_vec()),
        distances: fits.iter().map(|fit| (fit - &fits[g]).mapv(|d| d * d).sum().sqrt()).collect(),
        stability: shares.and_then(|shares| {
            let inside: Vec<f64> = members[g]
                .iter()
                .flat_map(|&a| members[g].iter().filter(move |&&b| b > a).map(move |&b| shares[[a, b]]))
                .collect();
            (!inside.is_empty()).then(|| inside.iter().sum::<f64>() / inside.len() as f64)
        }),
    };
    named(groups, study).into_iter().enumerate().map(row).collect()
}
