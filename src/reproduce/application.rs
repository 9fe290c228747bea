//! The application of fusion.txt, section 4.2: weights on all covariates, groups and rule on those that a rule may see.
//!
//! ```text
//! weights    entropy, each arm to the means of all covariates (levels of categories each by itself)
//! groups     exact fusion on standardised rule covariates and outcome, quadratic main effect, number of groups by EBIC
//! rule       AIPW scores of the groups, nuisances on all covariates (5 folds); a tree over the rule covariates alone
//! ```
//!
//! The groups of the paper's lasso stand beside. Its data are closed: [`crate::simulate::chronic_leukemia()`] draws a study of their shape, of
//! which the truth is known.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array1, Array2};
use serde::Serialize;
use serde_json::json;

use super::ReproduceError;
use super::recipe::{Posed, nearly_balanced};
use crate::balance;
use crate::data::{Design, Roles, Study, Table, terms};
use crate::evaluate::adjusted_rand_index;
use crate::fusion::{Groups, MainEffect, Penalty, independent};
use crate::learn::{Config, Worth, learn};
use crate::models::tree_rule::Candidates;
use crate::rule::{Rule, RuleFile};
use crate::simulate::ChronicLeukemia;
use crate::solve::{Observer, Options, Report};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Outcome, treatment and all covariates; larger outcomes are better.
    pub roles: Roles,
    /// Covariates that serve weights and nuisances alone.
    pub hidden: Vec<String>,
    pub depth: usize,
    pub candidates: Candidates,
    pub solver: String,
    /// Of the tree.
    pub options: Options,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Application {
    pub units: usize,
    /// By which balance may miss, in standard deviations.
    pub tolerance: f64,
    /// Least effective size of an arm under the weights.
    pub least_effective_size: f64,
    pub largest_imbalance_before: f64,
    pub largest_imbalance_after: f64,
    /// The arms of each group, by exact fusion and by the lasso.
    pub groups: Vec<Vec<String>>,
    pub lasso_groups: Vec<Vec<String>>,
    pub report: Report<Rule>,
    pub rule: Option<RuleFile>,
    /// On the units that the rule was learned from: optimistic.
    pub evaluation: Option<Worth>,
    /// Where the study is simulated.
    pub truth: Option<Truth>,
}

/// What a simulated study is known to be.
#[derive(Clone, Debug, Serialize)]
pub struct Truth {
    /// Of exact fusion and of the lasso.
    pub ari: f64,
    pub lasso_ari: f64,
    /// The mean chance under the rule (an arm of the group at random), under the best group for everyone, and at best.
    pub rule: f64,
    pub best_arm: f64,
    pub best: f64,
}

/// Runs the analysis on a file; `simulated` is what the file was written from, if it was.
///
/// # Errors
/// Of reading, weights, fusion and learning.
pub fn application(
    data: &Path,
    settings: &Settings,
    simulated: Option<&ChronicLeukemia>,
    observer: &dyn Observer,
) -> Result<Application, ReproduceError> {
    let study = Study::from_table(&Table::read(data)?, &settings.roles)?;
    let balancing = balance::Settings { arms: study.arms.clone(), ..balance::Settings::default() };
    let (weights, balanced) = nearly_balanced(&study.design(), &study.arm, study.arms.len(), balancing)?;
    let largest = |of: fn(&balance::FeatureBalance) -> f64| {
        balanced.balance.iter().map(of).fold(0.0, |most: f64, off| off.abs().max(most))
    };
    let posed = posed(&study, &settings.hidden, weights.of_units);
    let (groups, lasso) = (posed.partition()?, posed.lasso(Penalty::Lasso)?);
    if groups.count() == 1 {
        return Err(ReproduceError::OneGroup { source_name: study.source });
    }
    let learned = learn(&config(data, settings, &study, &groups)?, observer)?;
    let truth = simulated.map(|truth| compare(truth, &study, &groups, &lasso, &learned.assignment));
    Ok(Application {
        units: study.units(),
        tolerance: weights.tolerance,
        least_effective_size: balanced
            .arms
            .iter()
            .map(|arm| arm.effective_sample_size)
            .fold(f64::INFINITY, f64::min),
        largest_imbalance_before: largest(|feature| feature.before),
        largest_imbalance_after: largest(|feature| feature.after),
        groups: named(&study, &groups),
        lasso_groups: named(&study, &lasso),
        report: learned.report,
        rule: learned.rule,
        evaluation: learned.evaluation,
        truth,
    })
}

/// Fusion over the covariates that the rule may see, all in standard deviations, so that distances mean something.
fn posed(study: &Study, hidden: &[String], weights: Vec<f64>) -> Posed {
    let shown: Vec<usize> =
        (0..study.covariates.len()).filter(|&j| !hidden.contains(&study.covariates[j].name)).collect();
    let covariates: Vec<_> = shown.iter().map(|&j| study.covariates[j].clone()).collect();
    let x = study.x.select(ndarray::Axis(1), &shown);
    let mut z = Design::new(&terms(&covariates, &x), &covariates).matrix(&x);
    z.columns_mut().into_iter().for_each(|mut column| column.assign(&standardised(&column.to_owned())));
    let outcome = standardised(&study.outcome).to_vec();
    let posed = Posed::of(&z, &outcome, &study.arm, study.arms.len(), weights, MainEffect::Quadratic);
    let kept = independent(&posed.data.design, &posed.data.weights);
    Posed::from(posed.data.over(&kept))
}

fn standardised(values: &Array1<f64>) -> Array1<f64> {
    let centred = values - values.mean().unwrap_or(0.0);
    let spread = (centred.dot(&centred) / values.len() as f64).sqrt();
    if spread > 0.0 { centred / spread } else { centred }
}

/// What `learn` is told: groups for arms, and a rule that does not see the hidden covariates.
fn config(
    data: &Path,
    settings: &Settings,
    study: &Study,
    groups: &Groups,
) -> Result<Config, ReproduceError> {
    let fused: BTreeMap<String, Vec<String>> = named(study, groups)
        .into_iter()
        .enumerate()
        .filter(|(_, arms)| arms.len() > 1)
        .map(|(g, arms)| (format!("group {}", g + 1), arms))
        .collect();
    let roles = Roles { groups: fused, ..settings.roles.clone() };
    let config = json!({
        "data": data,
        "test_share": 0.0,
        "solver": settings.solver,
        "exclude": settings.hidden,
        "settings": {},
        "policy": {"class": "tree", "depth": settings.depth, "candidates": settings.candidates, "min_leaf": 1},
        "scoring": {"direction": "maximize", "score": "aipw", "folds": 5, "roles": roles},
        "solve": settings.options,
    });
    serde_json::from_value(config).map_err(|error| ReproduceError::Configuration(error.to_string()))
}

fn named(study: &Study, groups: &Groups) -> Vec<Vec<String>> {
    groups.members().iter().map(|arms| arms.iter().map(|&a| study.arms[a].clone()).collect()).collect()
}

/// `assignment` is in arms of the fused study.
fn compare(
    truth: &ChronicLeukemia,
    study: &Study,
    groups: &Groups,
    lasso: &Groups,
    assignment: &[usize],
) -> Truth {
    let latent: Vec<usize> = study
        .arms
        .iter()
        .map(|name| truth.group[truth.therapies.iter().position(|known| known == name).unwrap_or(0)])
        .collect();
    let names = fused_names(study, groups);
    let of_arm = Array2::from_shape_fn((names.len(), truth.chances.ncols()), |(k, b)| {
        let members = &groups.members()[names[k].1];
        members.iter().filter(|&&a| latent[a] == b).count() as f64 / members.len() as f64
    });
    let n = truth.chances.nrows() as f64;
    let rule = assignment.iter().enumerate().map(|(i, &k)| truth.chances.row(i).dot(&of_arm.row(k)));
    let highest = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let single = truth.chances.sum_axis(ndarray::Axis(0)) / n;
    Truth {
        ari: adjusted_rand_index(&groups.of, &latent),
        lasso_ari: adjusted_rand_index(&lasso.of, &latent),
        rule: rule.sum::<f64>() / n,
        best_arm: highest(&single.to_vec()),
        best: truth.chances.rows().into_iter().map(|row| highest(&row.to_vec())).sum::<f64>() / n,
    }
}

/// The arms of the fused study in its order, and the group that each is.
fn fused_names(study: &Study, groups: &Groups) -> Vec<(String, usize)> {
    let name = |(g, arms): (usize, Vec<String>)| match arms.as_slice() {
        [only] => (only.clone(), g),
        _ => (format!("group {}", g + 1), g),
    };
    let mut names: Vec<(String, usize)> = named(study, groups).into_iter().enumerate().map(name).collect();
    names.sort();
    names
}
