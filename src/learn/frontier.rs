//! The frontier: what a learner is worth as its rules may be more complex, or spend more.
//!
//! Every point is the value of the learner with one number of its configuration changed, judged on the same units and the
//! same scores ([`Judged`]): by nested cross-fitting or on held-out units. Values of different points are compared paired,
//! each with the first point.

use serde::{Deserialize, Serialize};

use super::{Config, Judged, LearnError, Policy, Worth};
use crate::data::Study;
use crate::solve::{Observer, TerminationStatus};

/// A number of the configuration to go along.
struct Axis {
    name: &'static str,
    set: fn(&mut Config, f64) -> Result<(), LearnError>,
}

/// All axes; another one is a line here, and a flag.
const AXES: [Axis; 3] = [
    Axis { name: "depth", set: set_depth },
    Axis { name: "covariates", set: set_covariates },
    Axis { name: "budget_share", set: set_budget_share },
];

/// What the learner is worth along an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frontier {
    pub axis: String,
    /// Folds of the nested cross-fitting; none where held-out units judge.
    pub nested: Option<usize>,
    pub points: Vec<Point>,
}

/// A point of the frontier: in JSON `at`, `termination_status`, and the keys of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub at: f64,
    /// Of the solve of each rule.
    pub termination_status: Vec<TerminationStatus>,
    #[serde(flatten)]
    pub evaluation: Worth,
}

impl Point {
    /// The name under which later points are compared with this one.
    pub fn name(axis: &str, at: f64) -> String {
        format!("{axis} {at}")
    }
}

/// The frontier of the configuration along the axis called `name`, at each of `values`.
///
/// # Errors
/// Kind `Usage`: no such axis, no values, or one that the configuration does not take; else as [`Judged`].
pub fn frontier(
    study: &Study,
    config: &Config,
    name: &str,
    values: &[f64],
    observer: &dyn Observer,
) -> Result<Frontier, LearnError> {
    let known = || AXES.map(|axis| axis.name).join(", ");
    let axis = AXES.iter().find(|axis| axis.name == name).ok_or_else(|| {
        LearnError::Usage(format!("no axis {name:?} of the frontier; choose among {}", known()))
    })?;
    let configs = values.iter().map(|&at| {
        let mut config = config.clone();
        (axis.set)(&mut config, at)?;
        config.check()?;
        Ok((at, config))
    });
    let configs = configs.collect::<Result<Vec<(f64, Config)>, LearnError>>()?;
    let judged = Judged::new(study, config)?;
    let mut first: Option<(String, Vec<f64>)> = None;
    let mut points = Vec::with_capacity(values.len());
    for (at, config) in configs {
        let rules = judged.learn(&config, observer)?;
        let evaluation = judged.evaluate(&rules, first.iter().cloned().collect(), &config)?;
        let termination_status = rules.iter().map(|rule| rule.termination_status).collect();
        points.push(Point { at, termination_status, evaluation });
        if first.is_none() {
            first = Some((Point::name(name, at), judged.rewards_of(&rules, &config)?));
        }
    }
    Ok(Frontier { axis: name.into(), nested: config.nested, points })
}

fn set_depth(config: &mut Config, at: f64) -> Result<(), LearnError> {
    match &mut config.policy {
        Policy::Tree { depth, .. } | Policy::Table { depth, .. } => {
            *depth = whole("depth", at, 1)?;
            Ok(())
        }
        Policy::Linear | Policy::Conjunction => {
            Err(LearnError::Usage("only trees and tables have a depth; use --policy tree".into()))
        }
    }
}

fn set_covariates(config: &mut Config, at: f64) -> Result<(), LearnError> {
    config.constraints.max_covariates = Some(whole("covariates", at, 0)?);
    Ok(())
}

/// A place on an axis that counts.
fn whole(name: &str, at: f64, least: usize) -> Result<usize, LearnError> {
    if at.fract() == 0.0 && at >= least as f64 {
        return Ok(at as usize);
    }
    Err(LearnError::Usage(format!("{name} {at}: give whole numbers of at least {least}")))
}

fn set_budget_share(config: &mut Config, at: f64) -> Result<(), LearnError> {
    config.constraints.budget_share = Some(at);
    Ok(())
}
