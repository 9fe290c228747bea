//! A study with rewards: scores of every arm, cross-fitted, in the direction of the user and net of costs.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};

use super::clustered::{copies, folds_by_size, score_clusters};
use super::{FusionReport, LearnError, Scoring};
use crate::data::{DataError, Study, Table};
use crate::interference::Clustered;
use crate::nuisance::{Diagnostics, Estimation, Folds, Nuisances, estimate};
use crate::score::{ScoreKind, aipw, direct, given, hajek, ipw, net, transport};

/// A study with its rewards.
#[derive(Clone, Debug)]
pub struct Scored {
    pub study: Study,
    /// Which units of the study that was read these are, where some were trimmed.
    pub kept: Option<Vec<usize>>,
    /// What a solver maximises, n x K: scores in the user's direction, net of costs; under interference their sum over the units of clusters,
    /// over the number of clusters.
    pub rewards: Array2<f64>,
    /// What there is to say about the nuisances behind the scores.
    pub diagnostics: Diagnostics,
    /// Values (n) of the covariates that parity compares and subgroups are formed by, whether the rule sees them or not.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Where the arms of the study are groups that were fused.
    pub fused: Option<Box<Fused>>,
    /// What is assumed where units of a cluster affect each other.
    pub clustered: Option<Clustered>,
    /// There, the study as outcome models see it, with those from elsewhere: to learn them again on some of the clusters.
    pub seen: Option<Box<Study>>,
}

/// What the arms were before they were fused.
#[derive(Clone, Debug)]
pub struct Fused {
    pub report: FusionReport,
    /// The same units with their own arms.
    pub study: Study,
    /// The rewards of those arms (n x K).
    pub rewards: Array2<f64>,
}

impl Scored {
    /// Study and rewards of the single arms, whether they were fused or not.
    pub fn single(&self) -> (&Study, &Array2<f64>) {
        self.fused.as_ref().map_or((&self.study, &self.rewards), |fused| (&fused.study, &fused.rewards))
    }

    /// Some of the units.
    pub fn select(&self, units: &[usize]) -> Scored {
        let of_units = |values: &Vec<String>| units.iter().map(|&i| values[i].clone()).collect();
        Scored {
            study: self.study.select(units),
            kept: self.kept.as_ref().map(|kept| units.iter().map(|&i| kept[i]).collect()),
            rewards: self.rewards.select(Axis(0), units),
            diagnostics: self.diagnostics.clone(),
            groups: self.groups.iter().map(|(name, values)| (name.clone(), of_units(values))).collect(),
            fused: self.fused.as_ref().map(|fused| {
                let (study, rewards) = (fused.study.select(units), fused.rewards.select(Axis(0), units));
                Box::new(Fused { report: fused.report.clone(), study, rewards })
            }),
            clustered: self.clustered.clone(),
            seen: self.seen.as_ref().map(|seen| Box::new(seen.select(units))),
        }
    }

    /// The clusters of `units`, numbered from 0, where there are any; one that is named twice counts twice.
    pub(super) fn clusters(&self, units: &[usize]) -> Option<Vec<usize>> {
        self.study.cluster.as_ref().map(|cluster| copies(cluster, units))
    }

    /// What a sum of rewards over `units` is divided by to give a value: their weights, or their clusters.
    pub(super) fn size(&self, units: &[usize]) -> f64 {
        match self.clusters(units).filter(|_| self.clustered.is_some()) {
            Some(clusters) => clusters.iter().max().map_or(0.0, |last| (last + 1) as f64),
            None => units.iter().map(|&i| self.study.weight(i)).sum(),
        }
    }
}

/// The rewards of a study, cross-fitted over folds of its own.
pub(super) fn score(study: Study, scoring: &Scoring, seed: u64) -> Result<Scored, LearnError> {
    score_over(study, scoring, seed, |study| match scoring.clustered {
        None => Folds::new(study, scoring.folds, seed),
        Some(_) => folds_by_size(study, scoring.folds, seed),
    })
}

/// The rewards of a study, cross-fitted over `folds`, which are asked for only where something has to be fitted.
pub(super) fn score_over(
    study: Study,
    scoring: &Scoring,
    seed: u64,
    folds: impl Fn(&Study) -> Result<Folds, DataError>,
) -> Result<Scored, LearnError> {
    if let (Some(clustered), ScoreKind::Gains) = (&scoring.clustered, scoring.score) {
        return score_clusters(study, scoring, clustered, seed, &folds);
    }
    let outcome = matches!(scoring.score, ScoreKind::Direct | ScoreKind::Aipw);
    let nuisances = nuisances(study, scoring, outcome, seed, folds)?;
    let rewards = rewards_of(&nuisances, scoring)?;
    let Nuisances { study, kept, diagnostics, .. } = nuisances;
    let (groups, fused, clustered, seen) = (BTreeMap::new(), None, None, None);
    Ok(Scored { study, kept, rewards, diagnostics, groups, fused, clustered, seen })
}

/// What scores rest on; outcome predictions only where `outcome` asks for them. Models see the covariates that the scoring names.
pub(super) fn nuisances(
    study: Study,
    scoring: &Scoring,
    outcome: bool,
    seed: u64,
    folds: impl FnOnce(&Study) -> Result<Folds, DataError>,
) -> Result<Nuisances, LearnError> {
    let how = Estimation { clip: scoring.clip, trim: scoring.trim, outcome, seed };
    let mut nuisances = if scoring.covariates.is_empty() {
        estimate(study, &scoring.roles, how, folds)?
    } else {
        let seen = study.over(&positions(&study, "--nuisance-covariates", &scoring.covariates)?);
        let mut nuisances = estimate(seen, &scoring.roles, how, folds)?;
        let Nuisances { study: seen, kept, .. } = &mut nuisances;
        seen.x = kept.as_ref().map_or_else(|| study.x.clone(), |kept| study.x.select(Axis(0), kept));
        seen.covariates = study.covariates;
        nuisances
    };
    if let Some(target) = &scoring.target {
        transport(&mut nuisances.study, &Table::read(target)?, scoring.roles.missing)?;
    }
    Ok(nuisances)
}

/// The rewards (n x K) that rest on nuisances.
pub(super) fn rewards_of(nuisances: &Nuisances, scoring: &Scoring) -> Result<Array2<f64>, LearnError> {
    let Nuisances { study, predictions, .. } = nuisances;
    let scores = match (scoring.score, predictions) {
        (ScoreKind::Direct, Some(mu)) => direct(study, mu)?,
        (ScoreKind::Aipw, Some(mu)) => aipw(study, mu)?,
        (ScoreKind::Hajek, _) => hajek(study)?,
        (ScoreKind::Given, _) => given(study)?,
        _ => ipw(study)?,
    };
    Ok(net(&scores, study, scoring.direction)?)
}

/// The places of the covariates called `names`; of all where none is named.
pub(super) fn positions(study: &Study, flag: &str, names: &[String]) -> Result<Vec<usize>, LearnError> {
    if names.is_empty() {
        return Ok((0..study.covariates.len()).collect());
    }
    names.iter().map(|name| position(study, flag, name)).collect()
}

pub(super) fn position(study: &Study, flag: &str, name: &String) -> Result<usize, LearnError> {
    let names = study.covariate_names();
    names.iter().position(|other| other == name).ok_or_else(|| {
        LearnError::Usage(format!("{flag} {name}: not a covariate; the covariates are {}", names.join(", ")))
    })
}
