//! Scores where units of a cluster affect each other: cross-fitted by cluster, and gains as rewards.

use std::collections::HashMap;

use prescribe_models::cluster_rule::Cluster;

use super::prepare::read_drawn;
use super::scored::{nuisances, positions};
use super::{LearnError, Scored, Scoring};
use crate::data::{DataError, PropensityRole, Study, Table};
use crate::interference::{
    Clustered, Clusters, DesignRole, Effects, Sizes, Valued, cluster_folds, costs, propensities_by_size,
    rewards, sums_gains,
};
use crate::nuisance::{Estimation, Folds, Nuisances};
use crate::score::Direction;

/// The study of a table, drawn by `design`, with its propensities and, where they are asked for, its outcome models, over the folds that learning
/// has.
///
/// # Errors
/// As reading the study, estimating its nuisances, and [`Clustered::effects`].
pub fn cluster_study(
    table: &Table,
    scoring: &Scoring,
    clustered: &Clustered,
    design: &DesignRole,
    seed: u64,
) -> Result<Study, LearnError> {
    let folds = |study: &Study| folds_by_size(study, scoring.folds, seed);
    Ok(fitted(read_drawn(table, scoring, design)?, scoring, clustered, seed, &folds)?.study)
}

/// The rewards of a study whose units affect each other; see [`crate::interference::rewards`] for their scale.
pub(super) fn score_clusters(
    study: Study,
    scoring: &Scoring,
    clustered: &Clustered,
    seed: u64,
    folds: &dyn Fn(&Study) -> Result<Folds, DataError>,
) -> Result<Scored, LearnError> {
    let seen = study.over(&positions(&study, "--nuisance-covariates", &scoring.covariates)?);
    let Nuisances { study, diagnostics, .. } = fitted(study, scoring, clustered, seed, folds)?;
    let clusters = Clusters::of(&study)?;
    let effects = study.effects.as_ref().map(|own| Effects::of_units(&clusters, own));
    let interference = clustered.interference;
    let rewards = rewards(&study, &clusters, interference, effects.as_ref(), scoring.direction)?;
    let clustered = Some(clustered.clone());
    Ok(Scored {
        study,
        kept: None,
        rewards,
        diagnostics,
        groups: Default::default(),
        fused: None,
        clustered,
        seen: Some(Box::new(seen)),
    })
}

/// Folds of whole clusters, stratified by size; no more than there are clusters.
pub(super) fn folds_by_size(study: &Study, count: usize, seed: u64) -> Result<Folds, DataError> {
    let clusters = Clusters::of(study)?;
    let fold = cluster_folds(study, &clusters, count, seed)?;
    let mut fold_of = vec![0; study.units()];
    for (units, fold) in clusters.members.iter().zip(fold) {
        units.iter().for_each(|&u| fold_of[u] = fold);
    }
    Ok(Folds { fold_of, count: count.min(clusters.count()) })
}

/// Propensities, and outcome models in [`Study::effects`]; folds are asked for only where something has to be fitted.
fn fitted(
    study: Study,
    scoring: &Scoring,
    clustered: &Clustered,
    seed: u64,
    folds: &dyn Fn(&Study) -> Result<Folds, DataError>,
) -> Result<Nuisances, LearnError> {
    let clusters = Clusters::of(&study)?;
    let mut found = nuisances(study, scoring, false, seed, folds)?;
    let study = &mut found.study;
    if clustered.model.sizes == Sizes::Separate && scoring.roles.propensity == PropensityRole::Logit {
        let clip = scoring.clip.unwrap_or(Estimation::CLIP);
        let seen = study.over(&positions(study, "--nuisance-covariates", &scoring.covariates)?);
        study.propensity = propensities_by_size(&seen, &folds(&seen)?)?.mapv(|e| e.clamp(clip, 1.0 - clip));
    }
    let seen = study.over(&positions(study, "--nuisance-covariates", &scoring.covariates)?);
    let clusters = Clusters { propensity: study.propensity.column(1).to_vec(), ..clusters };
    let fold_of_clusters = || {
        let Folds { fold_of, .. } = folds(&seen)?;
        Ok(clusters.members.iter().map(|units| fold_of[units[0]]).collect())
    };
    let effects = clustered.effects(&seen, &clusters, fold_of_clusters, seed)?;
    study.effects = effects.map(|effects| effects.to_units(&clusters));
    Ok(found)
}

/// The clusters of `units`, which are those of whole clusters, numbered from 0; a cluster that is named twice counts twice.
pub(super) fn copies(cluster: &[usize], units: &[usize]) -> Vec<usize> {
    let (mut seen, mut numbers) = (HashMap::new(), HashMap::new());
    let number = |&u: &usize| {
        let copy = seen.entry(u).and_modify(|copy| *copy += 1).or_insert(0_usize);
        let next = numbers.len();
        *numbers.entry((cluster[u], *copy)).or_insert(next)
    };
    units.iter().map(number).collect()
}

/// The clusters of `units` of a scored study as a model of rules values them, their number from [`copies`].
pub(super) fn valued_clusters(
    scored: &Scored,
    clustered: &Clustered,
    units: &[usize],
    direction: Direction,
) -> Result<Vec<Cluster>, LearnError> {
    let mut study = scored.study.select(units);
    study.cluster = scored.clusters(units);
    let (clusters, costs) = (Clusters::of(&study)?, costs(&study));
    let interference = clustered.interference;
    let valued =
        Valued { clusters: &clusters, interference, effects: None, sign: direction.sign(), costs: &costs };
    let clusters = valued.interactions();
    let clusters = match &clustered.joint_cost {
        Some(cost) => cost.on(clusters),
        None => clusters,
    };
    match study.reached.filter(|reached| reached.contains(&false)) {
        None => Ok(clusters),
        Some(_) if !sums_gains(interference) => Err(LearnError::Usage(format!(
            "--missing drop: under --interference {interference} the labels of all units of a cluster count, and a rule has none for units \
             without covariates; fill those in, or use --interference additive"
        ))),
        Some(reached) => {
            Ok(clusters.into_iter().filter_map(|cluster| of_reached(cluster, &reached)).collect())
        }
    }
}

/// The units of a cluster whom rules reach, where it is worth no more than a cost of how many are treated; none where they reach nobody.
fn of_reached(cluster: Cluster, reached: &[bool]) -> Option<Cluster> {
    let (units, received): (Vec<usize>, Vec<bool>) =
        cluster.units.into_iter().zip(cluster.received).filter(|(u, _)| reached[*u]).unzip();
    let joint_cost = cluster.joint_cost.into_iter().take(units.len() + 1).collect();
    (!units.is_empty()).then_some(Cluster { units, received, joint_cost, interaction: cluster.interaction })
}
