//! From a study to groups of its arms, with everything that is told of them.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::Moments;
use prescribe_models::outcome_loss::Loss;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::chosen::{Chosen, Kind, PathPoint};
use super::comparison::{Compared, choose, every};
use super::loss::group_fit;
use super::{Criteria, FusionError, Groups, MainEffect, Penalty, Posed, Settings};
use crate::data::Study;
use crate::solve::{Observer, Report};

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
    pub loss: Loss,
    #[serde(flatten)]
    pub kind: Kind,
    /// Of the chosen problem, by its own definition: the residual sum of squares of a partition; half of it and the penalty, at
    /// `coefficients`, otherwise.
    pub objective: Option<f64>,
    /// What the coefficients belong to.
    pub columns: Vec<String>,
    /// Of each arm: those of its group, refitted, for `l0`; at the chosen lambda otherwise.
    pub coefficients: Map<String, Value>,
    pub groups: Vec<Vec<String>>,
    /// Of the refitted groups.
    #[serde(flatten)]
    pub criteria: Criteria,
    pub group_table: Vec<Group>,
    /// The share of bootstrap samples in which two arms are fused (K x K); none without samples.
    pub stability: Option<Vec<Vec<f64>>>,
    pub path: Vec<PathPoint>,
    pub report: Report<()>,
    /// Every penalty on these data, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comparison: Vec<Compared>,
    pub warnings: Vec<String>,
}

/// Fuses the arms of a study.
///
/// # Errors
/// Kind `Data` where an arm cannot be balanced or the main effect cannot be fitted; kind `Usage` where nothing on the path has
/// the groups asked for; of the solver.
pub fn fuse(study: &Study, settings: &Settings, observer: &dyn Observer) -> Result<Fused, FusionError> {
    let posed = Posed::new(study, settings)?;
    let chosen = choose(&posed, settings, observer)?;
    Ok(told(study, &posed, settings, chosen))
}

/// As [`fuse`] with every penalty in turn; the one of the least criterion is chosen. No bootstrap samples are drawn.
///
/// # Errors
/// As [`fuse`]; a penalty that fails has a reason in its row, unless all of them fail.
pub fn compare(study: &Study, settings: &Settings, observer: &dyn Observer) -> Result<Fused, FusionError> {
    let posed = Posed::new(study, settings)?;
    let (chosen, comparison) = every(&posed, settings, observer)?;
    Ok(Fused { comparison, ..told(study, &posed, settings, chosen) })
}

fn told(study: &Study, posed: &Posed, settings: &Settings, chosen: Chosen) -> Fused {
    let rows = chosen.coefficients.rows().into_iter().map(|row| json!(posed.full(&row.to_vec())));
    Fused {
        units: posed.units(),
        penalty: chosen.penalty,
        main_effect: settings.main_effect,
        loss: settings.loss,
        kind: chosen.kind,
        objective: chosen.report.objective_value,
        columns: posed.columns.clone(),
        coefficients: study.arms.iter().cloned().zip(rows).collect(),
        groups: named(&chosen.groups, study),
        criteria: chosen.criteria,
        group_table: table(study, posed, &chosen.groups, chosen.shares.as_ref()),
        stability: chosen.shares.map(|shares| shares.rows().into_iter().map(|row| row.to_vec()).collect()),
        path: chosen.path,
        report: chosen.report,
        comparison: Vec::new(),
        warnings: [posed.warnings.clone(), chosen.warnings].concat(),
    }
}

fn named(groups: &Groups, study: &Study) -> Vec<Vec<String>> {
    groups.members().iter().map(|g| g.iter().map(|&a| study.arms[a].clone()).collect()).collect()
}

/// The coefficients that the units of each group share.
fn refits(posed: &Posed, members: &[Vec<usize>]) -> Vec<Array1<f64>> {
    let (moments, arms) = (&posed.moments, posed.arms());
    let p = moments[0].cross.len();
    let least_squares = |g: &[usize]| Moments::pooled(p, g.iter().map(|&a| &moments[a])).fit();
    let refit = |g: &Vec<usize>| match posed.loss {
        Loss::Squared => least_squares(g),
        loss => group_fit(&arms, loss, g).map_or_else(|_| Array1::zeros(p), |fit| fit.coefficients),
    };
    members.iter().map(refit).collect()
}

fn table(study: &Study, posed: &Posed, groups: &Groups, shares: Option<&Array2<f64>>) -> Vec<Group> {
    let members = groups.members();
    let fits = refits(posed, &members);
    let mut units = BTreeMap::new();
    study.arm.iter().for_each(|&a| *units.entry(groups.of[a]).or_insert(0) += 1);
    let row = |(g, arms): (usize, Vec<String>)| Group {
        arms,
        units: units.get(&g).copied().unwrap_or(0),
        coefficients: posed.full(&fits[g].to_vec()),
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
