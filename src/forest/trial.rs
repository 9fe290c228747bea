//! The units of a trial as trees see them.
//!
//! ```text
//! mass  w_i = v_i P_T / p_T(X_i)        v: sample weights, P_k: the share of arm k, p_k(X): its propensity       (forest.txt, section 6.1)
//! ```
//!
//! With S_k and N_k the sums of w y and of w over the units of arm k in a leaf, V that of v over all of its units, the two estimates of what
//! giving arm a to the leaf brings are
//!
//! ```text
//! U^N = V S_a / N_a = sum v / (sum_{T = a} v / p_a) sum_{T = a} v y / p_a          U^P = S_a / P_a = sum_{T = a} v y / p_a
//! ```

use ndarray::{Array2, Axis};
use rand::seq::SliceRandom;

use crate::data::Study;
use crate::nuisance::Folds;
use crate::random::stream;
use crate::score::Direction;

/// n units that each received one of K arms; every number finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Covariates (n x p): the terms of [`Study::design`].
    pub x: Array2<f64>,
    /// The arm of each unit (n), below `arms`; arm 0 is the control.
    pub arm: Vec<u16>,
    /// K, the control included.
    pub arms: usize,
    /// Utilities (n): outcomes, negated where small ones are good, minus a baseline where there is one.
    pub utility: Vec<f64>,
    /// Masses w = v P_T / p_T(X) (n), where they are not all 1 (forest.txt, section 6.1).
    pub mass: Option<Vec<f64>>,
    /// Weights v (n), where they are not all 1.
    pub weight: Option<Vec<f64>>,
    /// The cluster of each unit (n), where units that may be alike stay together in samples and folds.
    pub cluster: Option<Vec<usize>>,
    /// A baseline of the utilities that was made elsewhere (n), in their units.
    pub baseline: Option<Vec<f64>>,
}

impl Trial {
    /// A completely randomised trial of independent units.
    pub fn new(x: Array2<f64>, arm: Vec<u16>, arms: usize, utility: Vec<f64>) -> Trial {
        Trial { x, arm, arms, utility, mass: None, weight: None, cluster: None, baseline: None }
    }

    /// The trial of a study, in its order of units: utilities are outcomes in the user's direction less what the arm received costs, as rewards
    /// are ([`crate::score::net`]). Arms with one propensity for all units have their shares in its place, as in section 3 of the paper.
    ///
    /// The study's outcomes are complete ([`crate::score::complete`]), its propensities estimated where a model is to
    /// ([`crate::nuisance::estimate`]), its weights above 0 ([`super::served()`]).
    pub fn of(study: &Study, direction: Direction) -> Trial {
        let received = || study.arm.iter().copied().enumerate();
        let utility = received().map(|(i, k)| direction.sign() * study.outcome[i] - study.costs[[i, k]]);
        let arm = study.arm.iter().map(|&k| k as u16).collect();
        let trial = Trial::new(study.design(), arm, study.arms.len(), utility.collect());
        let shares = trial.shares();
        let weight: Option<Vec<f64>> = study.weights.as_ref().map(|weights| weights.to_vec());
        let mass = if study.propensity.columns().into_iter().all(|p| p.iter().all(|value| *value == p[0])) {
            weight.clone()
        } else {
            Some(received().map(|(i, k)| study.weight(i) * shares[k] / study.propensity[[i, k]]).collect())
        };
        Trial { mass, weight, cluster: study.cluster.clone(), ..trial }
    }

    pub fn units(&self) -> usize {
        self.arm.len()
    }

    /// The trial of some of the units, in the order given.
    pub fn select(&self, units: &[usize]) -> Trial {
        let of = |values: &Vec<f64>| units.iter().map(|&i| values[i]).collect();
        let cluster = |cluster: &Vec<usize>| units.iter().map(|&i| cluster[i]).collect();
        Trial {
            x: self.x.select(Axis(0), units),
            arm: units.iter().map(|&i| self.arm[i]).collect(),
            arms: self.arms,
            utility: of(&self.utility),
            mass: self.mass.as_ref().map(of),
            weight: self.weight.as_ref().map(of),
            cluster: self.cluster.as_ref().map(cluster),
            baseline: self.baseline.as_ref().map(of),
        }
    }

    /// The same trial with other utilities (n).
    pub fn with_utility(&self, utility: Vec<f64>) -> Trial {
        Trial { utility, ..self.clone() }
    }

    /// The mass of unit i.
    pub fn mass(&self, i: usize) -> f64 {
        self.mass.as_ref().map_or(1.0, |mass| mass[i])
    }

    /// The share of each arm (K) among the units.
    pub fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.arms];
        self.arm.iter().for_each(|&k| shares[k as usize] += 1.0 / self.units() as f64);
        shares
    }

    /// Splits the units into folds, whole clusters where there are any: those of each arm, and those of several arms, are dealt to the folds in
    /// turn, in random order. An arm with fewer units than folds is no obstacle: some folds have none of it.
    pub fn folds(&self, count: usize, seed: u64) -> Folds {
        let mut random = stream(seed, "folds of a trial");
        let mut fold_of_block = vec![0; self.blocks()];
        let mut dealt = 0;
        for mut blocks in self.strata() {
            blocks.shuffle(&mut random);
            for block in blocks {
                fold_of_block[block as usize] = dealt % count;
                dealt += 1;
            }
        }
        Folds { fold_of: (0..self.units()).map(|i| fold_of_block[self.block(i)]).collect(), count }
    }

    /// What unit i shares its part of samples and folds with: its cluster, or nobody.
    pub(super) fn block(&self, i: usize) -> usize {
        self.cluster.as_ref().map_or(i, |cluster| cluster[i])
    }

    /// The numbers of blocks are below this one.
    pub(super) fn blocks(&self) -> usize {
        match &self.cluster {
            None => self.units(),
            Some(cluster) => cluster.iter().max().map_or(0, |last| last + 1),
        }
    }

    /// The blocks of units of each arm (K), ascending; and at the end, those of several arms.
    pub(super) fn strata(&self) -> Vec<Vec<u32>> {
        let mut strata = vec![Vec::new(); self.arms + 1];
        if self.cluster.is_none() {
            (0..self.units()).for_each(|i| strata[self.arm[i] as usize].push(i as u32));
            return strata;
        }
        let mut stratum_of = vec![None; self.blocks()];
        for i in 0..self.units() {
            let (k, stratum) = (self.arm[i] as usize, &mut stratum_of[self.block(i)]);
            *stratum = Some(if stratum.is_none_or(|of: usize| of == k) { k } else { self.arms });
        }
        for (block, stratum) in stratum_of.into_iter().enumerate() {
            if let Some(stratum) = stratum {
                strata[stratum].push(block as u32);
            }
        }
        strata
    }

    /// The standard deviation of the utilities.
    pub fn spread(&self) -> f64 {
        let n = self.units() as f64;
        let mean = self.utility.iter().map(|y| y / n).sum::<f64>();
        (self.utility.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
    }
}
