//! Folds for cross-fitting: a random partition of the units into F parts, stratified by arm, so that in each arm
//! (and over all arms) the sizes of the parts differ by at most one.
//!
//! The units of each arm are shuffled, then dealt to the folds in turn; the deal goes on from arm to arm, which
//! keeps the folds equal as a whole.
//!
//! Where units come in clusters, a fold holds whole clusters, so that no model has seen a unit that may be like the one
//! it predicts. The clusters are shuffled, then dealt from large to small, each to the fold that has least of its arms,
//!
//! ```text
//! argmin_f  sum_k n_fk m_k / n_k^2      m_k: units of arm k in the cluster, n_fk: in fold f, n_k: in all,
//! ```
//!
//! among the folds that it does not make larger than the smallest fold and the largest cluster together; so the sizes of
//! the folds differ by at most the largest cluster. Only where an arm would else fall into one fold as a whole may they
//! differ by more; with more folds than arms, that is then avoided for every arm in two clusters or more.

use std::cmp::Reverse;

use ndarray::Array2;
use rand::seq::SliceRandom;

use crate::data::{DataError, Place, Problem, Study, members};
use crate::random::stream;

/// A partition of n units into `count` folds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    /// The fold of each unit (n), from 0 to `count` - 1.
    pub fold_of: Vec<usize>,
    pub count: usize,
}

impl Folds {
    /// Splits the units of a study, whole clusters where it has any; the same seed gives the same folds, whatever else
    /// is drawn from that seed.
    ///
    /// # Errors
    /// As [`Folds::stratified`] and [`Folds::clustered`].
    pub fn new(study: &Study, count: usize, seed: u64) -> Result<Folds, DataError> {
        match &study.cluster {
            None => Folds::stratified(study, count, seed),
            Some(cluster) => Folds::clustered(study, cluster, count, seed),
        }
    }

    /// The folds of the units `kept`, in their order; all where there are none to name.
    pub(crate) fn of(&self, kept: Option<&[usize]>) -> Folds {
        let Some(kept) = kept else { return self.clone() };
        Folds { fold_of: kept.iter().map(|&i| self.fold_of[i]).collect(), count: self.count }
    }

    /// Splits units that are independent; the same seed gives the same folds, whatever else is drawn from that seed.
    ///
    /// # Errors
    /// Kind `Usage` with fewer than two folds; kind `Data` where an arm has fewer units than there are folds, so
    /// that some fold could not be predicted by a model as good as the others'.
    pub fn stratified(study: &Study, count: usize, seed: u64) -> Result<Folds, DataError> {
        let file = Place::file(&study.source);
        if count < 2 {
            return Err(file.refuse(Problem::TooFewFolds { folds: count }));
        }
        let mut random = stream(seed, "folds");
        let mut fold_of = vec![0; study.units()];
        let mut dealt = 0;
        for (k, label) in study.arms.iter().enumerate() {
            let mut units: Vec<usize> = (0..study.units()).filter(|&i| study.arm[i] == k).collect();
            if units.len() < count {
                let problem =
                    Problem::ArmSmallerThanFolds { arm: label.clone(), rows: units.len(), folds: count };
                return Err(file.refuse(problem));
            }
            units.shuffle(&mut random);
            for unit in units {
                fold_of[unit] = dealt % count;
                dealt += 1;
            }
        }
        Ok(Folds { fold_of, count })
    }

    /// Splits whole clusters; `cluster` is the cluster of each unit (n).
    ///
    /// # Errors
    /// Kind `Usage` with fewer than two folds; kind `Data` with fewer clusters than folds, or where all units of an arm
    /// fall into one fold, so that nothing is left to predict that fold by.
    pub fn clustered(study: &Study, cluster: &[usize], count: usize, seed: u64) -> Result<Folds, DataError> {
        let file = Place::file(&study.source);
        if count < 2 {
            return Err(file.refuse(Problem::TooFewFolds { folds: count }));
        }
        if cluster.len() != study.units() {
            let (expected, found) = (format!("{} long", study.units()), format!("{} long", cluster.len()));
            return Err(file.refuse(Problem::Shape { what: "the cluster of each unit", expected, found }));
        }
        let mut clusters = members(cluster);
        if clusters.len() < count {
            let problem = Problem::FewerClustersThanFolds { clusters: clusters.len(), folds: count };
            return Err(file.refuse(problem));
        }
        clusters.shuffle(&mut stream(seed, "folds"));
        clusters.sort_by_key(|units| Reverse(units.len()));
        let fold_of = deal(study, &clusters, count);
        refuse_arm_in_one_fold(study, cluster, &fold_of)?;
        Ok(Folds { fold_of, count })
    }
}

/// How many of some units are in each arm (K).
pub(crate) fn arm_counts(study: &Study, units: &[usize]) -> Vec<f64> {
    let mut counts = vec![0.0; study.arms.len()];
    units.iter().for_each(|&i| counts[study.arm[i]] += 1.0);
    counts
}

/// The fold of each unit, for clusters from large to small.
fn deal(study: &Study, clusters: &[Vec<usize>], count: usize) -> Vec<usize> {
    let arms = study.arms.len();
    let (mut sizes, mut dealt) = (vec![0; count], Array2::<f64>::zeros((count, arms)));
    let all = arm_counts(study, &(0..study.units()).collect::<Vec<_>>());
    let mut fold_of = vec![0; study.units()];
    for units in clusters {
        let smallest = sizes.iter().copied().min().unwrap_or(0);
        let counts = arm_counts(study, units);
        // Nothing would be left to predict a fold by that holds all of an arm.
        let completes = |f: usize| (0..arms).any(|k| counts[k] > 0.0 && dealt[[f, k]] + counts[k] == all[k]);
        let too_large = |f: usize| sizes[f] + units.len() > smallest + clusters[0].len();
        let crowding = |f: usize| -> f64 {
            (0..arms).filter(|&k| all[k] > 0.0).map(|k| dealt[[f, k]] * counts[k] / all[k].powi(2)).sum()
        };
        let better = |&a: &usize, &b: &usize| {
            let barred = |f| (completes(f), too_large(f));
            barred(a)
                .cmp(&barred(b))
                .then(crowding(a).total_cmp(&crowding(b)))
                .then((sizes[a], a).cmp(&(sizes[b], b)))
        };
        let fold = (0..count).min_by(better).unwrap_or(0);
        sizes[fold] += units.len();
        counts.iter().enumerate().for_each(|(k, m)| dealt[[fold, k]] += m);
        units.iter().for_each(|&i| fold_of[i] = fold);
    }
    fold_of
}

fn refuse_arm_in_one_fold(study: &Study, cluster: &[usize], fold_of: &[usize]) -> Result<(), DataError> {
    for (k, label) in study.arms.iter().enumerate() {
        let units: Vec<usize> = (0..study.units()).filter(|&i| study.arm[i] == k).collect();
        if units.iter().all(|&i| fold_of[i] == fold_of[units[0]]) {
            let of_arm: Vec<usize> = units.iter().map(|&i| cluster[i]).collect();
            let problem = Problem::ArmInOneFold { arm: label.clone(), clusters: members(&of_arm).len() };
            return Err(Place::file(&study.source).refuse(problem));
        }
    }
    Ok(())
}
