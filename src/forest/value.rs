//! What a way of learning is worth, compared on units that nothing of it has seen: the calibrated value.
//!
//! ```text
//! f_ik       estimated utility of arm k for unit i, learned without the fold of i; r_i: its utility
//! calibrate  r_i = alpha + beta f_{i, T_i} + error            least squares over all units and the arms that they really received, masses w
//! value      V   = alpha + beta sum_i v_i max_k f_ik / sum_i v_i
//! error      that of the mean of V + psi_i, with the influence of unit i
//!            psi_i = w_i e_i + (M - fbar) w_i (f_i - fbar) e_i / s2 + beta (v_i m_i - v_i M)        e: error, m_i = max_k f_ik, M, fbar, s2: mean
//!                                                                                          of m, mean and variance of f_{i, T_i}
//! ```
//!
//! Scores of the arm assigned alone (doubly robust or not) use one unit in K of a trial of K arms: their standard error is about
//! sigma sqrt(K / n), and ways of learning cannot be told apart by them. How far estimates hold on units unseen is known from all units. The value
//! is right where they hold as far for the best arm as for others. Differences between ways are paired, unit by unit; the value of what is
//! reported in the end is doubly robust, and takes none of this on trust.

use ndarray::{Array2, Axis};

use super::Trial;
use crate::data::numbered;
use crate::evaluate::{Estimate, Sampling};
use crate::nuisance::Folds;

/// What was estimated for units without having seen them, as far as values need it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unseen {
    /// f_{i, T_i} (n), of the arm received.
    pub received: Vec<f64>,
    /// max_k f_ik (n), of the arm assigned.
    pub assigned: Vec<f64>,
}

impl Unseen {
    /// Of no units yet.
    pub fn of(units: usize) -> Unseen {
        Unseen { received: vec![0.0; units], assigned: vec![0.0; units] }
    }

    /// Notes the estimates (rows x K) of some units of a trial.
    pub fn note(&mut self, trial: &Trial, units: &[usize], estimates: &Array2<f64>) {
        for (&i, row) in units.iter().zip(estimates.rows()) {
            self.received[i] = row[trial.arm[i] as usize];
            self.assigned[i] = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        }
    }

    /// The calibrated value, by the utilities of the trial.
    pub fn value(&self, trial: &Trial) -> Calibrated {
        let n = trial.units();
        let weight: Vec<f64> = (0..n).map(|i| trial.weight.as_ref().map_or(1.0, |v| v[i])).collect();
        let mass: Vec<f64> = (0..n).map(|i| trial.mass(i)).collect();
        let mean = |of: &dyn Fn(usize) -> f64, by: &[f64]| {
            let total: f64 = by.iter().sum();
            by.iter().enumerate().map(|(i, w)| w * of(i)).sum::<f64>() / total
        };
        let (r, f) = (mean(&|i| trial.utility[i], &mass), mean(&|i| self.received[i], &mass));
        let best = mean(&|i| self.assigned[i], &weight);
        let spread = mean(&|i| (self.received[i] - f).powi(2), &mass);
        let common = mean(&|i| (self.received[i] - f) * (trial.utility[i] - r), &mass);
        let slope = if spread > 0.0 { common / spread } else { 0.0 };
        let value = r + slope * (best - f);
        let scale = n as f64 / mass.iter().sum::<f64>();
        let total: f64 = weight.iter().sum();
        let influence = |i: usize| {
            let error = trial.utility[i] - r - slope * (self.received[i] - f);
            let leverage = if spread > 0.0 { (best - f) * (self.received[i] - f) / spread } else { 0.0 };
            let assigned = slope * (self.assigned[i] - best);
            scale * mass[i] * (1.0 + leverage) * error + n as f64 / total * weight[i] * assigned
        };
        let terms = (0..n).map(|i| value + influence(i)).collect();
        Calibrated { slope, value, terms }
    }
}

/// A calibrated value.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrated {
    /// beta: 1 where estimates hold as they are, 0 where nothing is learned.
    pub slope: f64,
    pub value: f64,
    /// V + psi_i (n), whose mean is V.
    pub terms: Vec<f64>,
}

impl Calibrated {
    /// The value with its standard error and interval, between clusters where the trial has any.
    pub fn estimate(&self, trial: &Trial) -> Estimate {
        Estimate::of_mean(|i| self.terms[i], &sampling(trial)).about(self.value)
    }

    /// This value less another of the same units, paired.
    pub fn less(&self, other: &Calibrated, trial: &Trial) -> Estimate {
        let difference = Estimate::of_mean(|i| self.terms[i] - other.terms[i], &sampling(trial));
        difference.about(self.value - other.value)
    }
}

fn sampling(trial: &Trial) -> Sampling {
    let clusters = trial.cluster.as_ref().map_or((0..trial.units()).collect(), |cluster| numbered(cluster));
    Sampling::new(clusters, vec![1.0; trial.units()])
}

/// A trial split for learning without a part of its units: all that ways of learning share.
pub struct Split {
    pub folds: Folds,
    parts: Vec<Part>,
}

/// The units outside a fold, and those in it.
pub struct Part {
    pub outside: Trial,
    pub inside: Vec<usize>,
    pub x: Array2<f64>,
}

impl Split {
    /// Splits a trial into folds.
    pub fn new(trial: &Trial, count: usize, seed: u64) -> Split {
        let folds = trial.folds(count, seed);
        let part = |f: usize| {
            let (inside, outside): (Vec<usize>, Vec<usize>) =
                (0..trial.units()).partition(|&i| folds.fold_of[i] == f);
            let x = trial.x.select(Axis(0), &inside);
            Part { outside: trial.select(&outside), inside, x }
        };
        let parts = (0..count).map(part).filter(|part| !part.inside.is_empty()).collect();
        Split { folds, parts }
    }

    /// The parts, one for each fold with units.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}
