//! The units of a trial as trees see them.

use ndarray::{Array2, Axis};

use crate::data::Study;
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
}

impl Trial {
    /// The trial of a study, in its order of units.
    pub fn of(study: &Study, direction: Direction) -> Trial {
        Trial {
            x: study.design(),
            arm: study.arm.iter().map(|&k| k as u16).collect(),
            arms: study.arms.len(),
            utility: study.outcome.iter().map(|y| direction.sign() * y).collect(),
            mass: None,
            weight: None,
        }
    }

    pub fn units(&self) -> usize {
        self.arm.len()
    }

    /// The trial of some of the units, in the order given.
    pub fn select(&self, units: &[usize]) -> Trial {
        let of = |values: &Vec<f64>| units.iter().map(|&i| values[i]).collect();
        Trial {
            x: self.x.select(Axis(0), units),
            arm: units.iter().map(|&i| self.arm[i]).collect(),
            arms: self.arms,
            utility: of(&self.utility),
            mass: self.mass.as_ref().map(of),
            weight: self.weight.as_ref().map(of),
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

    /// The standard deviation of the utilities.
    pub fn spread(&self) -> f64 {
        let n = self.units() as f64;
        let mean = self.utility.iter().map(|y| y / n).sum::<f64>();
        (self.utility.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
    }
}
