//! What must be so, and what should be, before anything is said of units that affect each other.
//!
//! A unit stands in its cluster once. Treatments are taken to be independent, with chances p_j, so that the number of treated in a cluster,
//! s = sum_j A_j, has the mean m = sum_j p_j and the variance v = sum_j p_j (1 - p_j). Were they drawn without replacement, s would be m up to
//! rounding in every cluster (or among its units of one propensity), which under independence has the chance
//!
//! ```text
//! prod over clusters of P(|s - m| < 1)
//! ```
//!
//! Do propensities differ between clusters more than they are said to, s varies too much: sum (s - m)^2 / v, over n clusters, has the mean n
//! and the variance sum of 2 + k / v^2, where k = sum_j p_j (1 - p_j) (1 - 6 p_j (1 - p_j)) is the fourth cumulant of s; its distribution is
//! taken to be the multiple of a chi-squared one with this mean and variance (Satterthwaite 1946).

use std::collections::HashMap;

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::Clusters;
use super::influence::number_treated;
use crate::data::{DataError, Place, Problem, Study, members};

/// Treatments that are less likely than this under independence are said to depend on each other.
const UNLIKELY: f64 = 1e-3;

/// # Errors
/// Kind `Data` where a unit is in a cluster twice, by its id.
pub fn refuse_repeats(study: &Study, clusters: &Clusters) -> Result<(), DataError> {
    for units in &clusters.members {
        let mut seen = HashMap::new();
        for &u in units {
            if let Some(first) = seen.insert(&study.ids[u], u) {
                let (first, row) = (study.rows[first] + 1, study.rows[u] + 1);
                let problem = Problem::UnitTwice { id: study.ids[u].clone(), first, row };
                return Err(Place::file(&study.source).refuse(problem));
            }
        }
    }
    Ok(())
}

/// Warnings where treatments do not look independent with the propensities that they are said to have.
pub fn dependence(clusters: &Clusters) -> Vec<String> {
    drawn_without_replacement(clusters).into_iter().chain(overdispersed(clusters)).collect()
}

/// In clusters, or among the units of one propensity in a cluster.
fn drawn_without_replacement(clusters: &Clusters) -> Option<String> {
    let of_one_propensity = clusters.members.iter().flat_map(|units| {
        let chances: Vec<u64> = units.iter().map(|&u| clusters.propensity[u].to_bits()).collect();
        members(&chances).into_iter().map(|of| of.into_iter().map(|j| units[j]).collect())
    });
    let in_clusters = coincidence(clusters, clusters.members.iter().cloned());
    let (among, chance) = match (in_clusters, coincidence(clusters, of_one_propensity)) {
        (Some(chance), _) => ("each cluster", chance),
        (None, Some(chance)) => ("the units of one propensity in each cluster", chance),
        (None, None) => return None,
    };
    Some(format!(
        "of {among} as many are treated as the propensities expect, up to rounding, which independent treatments would bring about with a \
         chance of {chance:.1e}: they look drawn without replacement, and values that take them as independent are biased; evaluate rules with --design complete"
    ))
}

/// Counts of the treated that vary more between clusters than propensities allow.
fn overdispersed(clusters: &Clusters) -> Option<String> {
    let (mut statistic, mut variance) = (0.0, 0.0);
    for units in &clusters.members {
        let sum = |of: &dyn Fn(f64) -> f64| units.iter().map(|&u| of(clusters.propensity[u])).sum::<f64>();
        let v = sum(&|p| p * (1.0 - p));
        let cumulant = sum(&|p| p * (1.0 - p) * (1.0 - 6.0 * p * (1.0 - p)));
        let treated = units.iter().filter(|u| clusters.treated[**u]).count() as f64;
        statistic += (treated - sum(&|p| p)).powi(2) / v;
        variance += 2.0 + cumulant / (v * v);
    }
    let n = clusters.count() as f64;
    // In clusters of one with propensities of 1/2, nothing can vary.
    let scaled = ChiSquared::new(2.0 * n * n / variance).ok().filter(|_| variance > 1e-9 * n)?;
    let chance = scaled.sf(statistic * 2.0 * n / variance);
    (chance < UNLIKELY).then(|| {
        format!(
            "the numbers treated vary {:.1} times as much between clusters as the propensities say (chance {chance:.1e}): propensities seem to \
             differ between clusters; let --propensity say how, or differences between clusters pass for effects of treatment",
            statistic / n
        )
    })
}

/// The chance under independence that all these sets of units have just as many treated as expected, where they have and it is small.
fn coincidence(clusters: &Clusters, sets: impl Iterator<Item = Vec<usize>>) -> Option<f64> {
    let mut chance = 1.0;
    for units in sets {
        let expected: f64 = units.iter().map(|&u| clusters.propensity[u]).sum();
        let near = |s: usize| (s as f64 - expected).abs() < 1.0 - 1e-9;
        if !near(units.iter().filter(|u| clusters.treated[**u]).count()) {
            return None;
        }
        let chances = number_treated(units.iter().map(|&u| clusters.propensity[u]), units.len());
        chance *= (0..=units.len()).filter(|s| near(*s)).map(|s| chances[s]).sum::<f64>();
    }
    (chance < UNLIKELY).then_some(chance)
}
