//! What must be so, and what should be, before anything is said of units that affect each other.
//!
//! A unit stands in its cluster once. Treatments are taken to be independent within a cluster; were they drawn without replacement, the number
//! of treated s in a cluster (or among its units of one propensity) would be the expected one up to rounding in every cluster, which under
//! independence has the chance
//!
//! ```text
//! prod over clusters of P(|s - sum_j p_j| < 1),   s = sum_j A_j, A_j independent with chances p_j
//! ```

use std::collections::HashMap;

use super::Clusters;
use super::influence::number_treated;
use crate::data::{DataError, Place, Problem, Study, members};

/// Treatments that are less likely than this under independence are said to depend on each other.
const UNLIKELY: f64 = 1e-3;

/// What there is to warn of in a study of units that affect each other.
///
/// # Errors
/// Kind `Data` where there are not two arms, or not two clusters, or a unit is in a cluster twice, by its id.
pub fn check(study: &Study) -> Result<Option<String>, DataError> {
    let clusters = Clusters::of(study)?;
    refuse_repeats(study, &clusters)?;
    Ok(dependence(&clusters))
}

fn refuse_repeats(study: &Study, clusters: &Clusters) -> Result<(), DataError> {
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

/// A warning where treatments look drawn without replacement: in clusters, or among the units of one propensity in a cluster.
pub fn dependence(clusters: &Clusters) -> Option<String> {
    let of_one_propensity = clusters.members.iter().flat_map(|units| {
        let chances: Vec<u64> = units.iter().map(|&u| clusters.propensity[u].to_bits()).collect();
        members(&chances).into_iter().map(|of| of.into_iter().map(|j| units[j]).collect())
    });
    let in_clusters = coincidence(clusters, clusters.members.iter().cloned());
    let in_strata = coincidence(clusters, of_one_propensity);
    let (among, chance) = match (in_clusters, in_strata) {
        (Some(chance), _) => ("each cluster", chance),
        (None, Some(chance)) => ("the units of one propensity in each cluster", chance),
        (None, None) => return None,
    };
    Some(format!(
        "of {among} as many are treated as the propensities expect, up to rounding, which independent treatments would bring about with a \
         chance of {chance:.1e}: they look drawn without replacement, and values that take them as independent are biased"
    ))
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
