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

#[cfg(test)]
mod tests {
    use super::*;

    /// 12 clusters of 6, `treated` of the first as given by the cluster's number.
    fn clusters(treated: impl Fn(usize) -> usize, propensity: impl Fn(usize) -> f64) -> Clusters {
        Clusters {
            members: (0..12).map(|i| (6 * i..6 * i + 6).collect()).collect(),
            treated: (0..72).map(|u| u % 6 < treated(u / 6)).collect(),
            propensity: (0..72).map(propensity).collect(),
            outcome: vec![0.0; 72],
        }
    }

    #[test]
    fn equal_counts_are_noticed_and_varying_ones_are_not() {
        let drawn = dependence(&clusters(|_| 3, |_| 0.5)).unwrap();
        // P(3 of 6 at .5) = 20/64, to the 12th power 8.7e-7.
        assert!(drawn.contains("each cluster") && drawn.contains("8.7e-7"), "{drawn}");
        assert_eq!(dependence(&clusters(|i| 1 + i % 5, |_| 0.5)), None);
        // A propensity of 2/6 where 3 are treated: whatever this is, it is not a draw of the expected number.
        assert_eq!(dependence(&clusters(|_| 3, |_| 1.0 / 3.0)), None);
    }

    #[test]
    fn strata_are_noticed_where_clusters_do_not_show_it() {
        // One of three at 1/3 among the first half, all independent in the second half: there, one or two of three at 1/2.
        let mut mixed = clusters(|_| 1, |u| if u % 6 < 3 { 1.0 / 3.0 } else { 0.5 });
        (0..12).for_each(|i| (0..=i % 2).for_each(|j| mixed.treated[6 * i + 3 + j] = true));
        let said = dependence(&mixed).unwrap();
        // (4/9)^12 (6/8)^12 by strata; by clusters 1 + 1 or 1 + 2 around 2.5 is near too, so clusters show it first if unlikely.
        assert!(said.contains("e-"), "{said}");
    }
}
