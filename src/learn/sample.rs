//! Which units a rule is learned from and which are held out to evaluate it.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::LearnError;
use crate::data::{Place, Problem, Study, members};
use crate::nuisance::arm_counts;
use crate::random::stream;

/// Which part of the data a unit belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    Train,
    Test,
}

/// Holds out the units that the data say, or else a share of the units of each arm, in whole clusters where the study has
/// any.
pub(super) fn split(study: &Study, test_share: f64, seed: u64) -> Result<Vec<Sample>, LearnError> {
    let sample = match &study.held_out {
        Some(held_out) => {
            held_out.iter().map(|&held_out| if held_out { Sample::Test } else { Sample::Train }).collect()
        }
        None => by_chance(study, test_share, seed)?,
    };
    let tested = sample.iter().filter(|s| **s == Sample::Test).count();
    if tested == 1 || sample.len() - tested < 2 {
        return Err(Place::file(&study.source).refuse(Problem::TooFewRows { rows: tested.min(1) }).into());
    }
    Ok(sample)
}

fn by_chance(study: &Study, test_share: f64, seed: u64) -> Result<Vec<Sample>, LearnError> {
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
    if count < 2 {
        let problem = Problem::TooFewClusters { clusters: count, held_out: true };
        return Err(Place::file(&study.source).refuse(problem).into());
    }
    Ok(sample)
}

/// Refuses a cluster of which some units are learned from and others held out.
pub(super) fn refuse_divided(study: &Study, sample: &[Sample]) -> Result<(), LearnError> {
    for units in study.cluster.as_deref().map(members).unwrap_or_default() {
        let of = |part| units.iter().find(|&&u| sample[u] == part);
        if let (Some(&learned), Some(&held_out)) = (of(Sample::Train), of(Sample::Test)) {
            let ids = [learned, held_out].map(|u| study.ids[u].clone());
            return Err(Place::file(&study.source).refuse(Problem::ClusterDivided { ids }).into());
        }
    }
    Ok(())
}

/// The units of one part.
pub(super) fn units_of(sample: &[Sample], which: Sample) -> Vec<usize> {
    (0..sample.len()).filter(|&i| sample[i] == which).collect()
}
