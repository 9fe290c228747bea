//! The clusters of a study with two arms.

use crate::data::{DataError, Place, Problem, Study, members};

/// n >= 2 clusters of units.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// The units of each cluster, in the order of the data (n).
    pub members: Vec<Vec<usize>>,
    /// Whether a unit got the second arm (N).
    pub treated: Vec<bool>,
    /// P(A_ij = 1) (N).
    pub propensity: Vec<f64>,
    /// Y_ij (N).
    pub outcome: Vec<f64>,
}

impl Clusters {
    /// # Errors
    /// Kind `Data` where the study has no clusters or only one, or has not two arms.
    pub fn of(study: &Study) -> Result<Clusters, DataError> {
        let file = Place::file(&study.source);
        if study.arms.len() != 2 {
            return Err(file.refuse(Problem::InterferenceNeedsTwoArms { arms: study.arms.clone() }));
        }
        let members = study.cluster.as_deref().map(members).unwrap_or_default();
        if members.len() < 2 {
            return Err(file.refuse(Problem::InterferenceNeedsClusters { clusters: members.len() }));
        }
        Ok(Clusters {
            members,
            treated: study.arm.iter().map(|&arm| arm == 1).collect(),
            propensity: study.propensity.column(1).to_vec(),
            outcome: study.outcome.to_vec(),
        })
    }

    /// Some of the clusters, by position, and the units that they hold, in their order there.
    pub fn among(&self, kept: &[usize]) -> (Clusters, Vec<usize>) {
        let units: Vec<usize> = kept.iter().flat_map(|&i| self.members[i].iter().copied()).collect();
        let mut next = 0..units.len();
        let clusters = Clusters {
            members: kept.iter().map(|&i| next.by_ref().take(self.members[i].len()).collect()).collect(),
            treated: units.iter().map(|&u| self.treated[u]).collect(),
            propensity: units.iter().map(|&u| self.propensity[u]).collect(),
            outcome: units.iter().map(|&u| self.outcome[u]).collect(),
        };
        (clusters, units)
    }

    /// n.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// N.
    pub fn units(&self) -> usize {
        self.treated.len()
    }

    /// The mean of a number of each unit over the units of each cluster (n).
    pub fn means(&self, of: impl Fn(usize) -> f64) -> Vec<f64> {
        let mean = |units: &Vec<usize>| units.iter().map(|&u| of(u)).sum::<f64>() / units.len() as f64;
        self.members.iter().map(mean).collect()
    }

    /// e_ij(A_ij): the chance of the treatment received.
    pub(super) fn chance(&self, unit: usize) -> f64 {
        if self.treated[unit] { self.propensity[unit] } else { 1.0 - self.propensity[unit] }
    }
}
