//! What the leaves of a tree hold, arm by arm: counts and sums of the utility, all that a leaf's value reads.
//!
//! ```text
//! N_kl = sum_{i in l, T_i = k} 1        S_kl = sum_{i in l, T_i = k} y_i        s2 = (sum_i y_i^2 - sum_kl S_kl^2 / N_kl) / (n - cells)
//! ```

use crate::exact::sum;

/// Counts and sums by arm and leaf; the numbers of an arm stand together.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafSums {
    leaves: usize,
    arms: usize,
    /// N (arms x leaves).
    pub counts: Vec<f64>,
    /// S (arms x leaves).
    pub sums: Vec<f64>,
    /// sum of squares of all utilities.
    pub square: f64,
}

impl LeafSums {
    /// No units at all.
    pub fn zero(leaves: usize, arms: usize) -> Self {
        let cells = leaves * arms;
        Self { leaves, arms, counts: vec![0.0; cells], sums: vec![0.0; cells], square: 0.0 }
    }

    /// The sums of units with these leaves, arms and utilities.
    pub fn of(leaf: &[usize], arm: &[usize], utility: &[f64], leaves: usize, arms: usize) -> Self {
        let mut sums = Self::zero(leaves, arms);
        leaf.iter().zip(arm).zip(utility).for_each(|((&l, &k), &y)| sums.read(l, k, y));
        sums
    }

    /// One unit more.
    pub fn read(&mut self, leaf: usize, arm: usize, utility: f64) {
        let cell = arm * self.leaves + leaf;
        self.counts[cell] += 1.0;
        self.sums[cell] += utility;
        self.square += utility * utility;
    }

    pub fn leaves(&self) -> usize {
        self.leaves
    }

    pub fn arms(&self) -> usize {
        self.arms
    }

    /// N_kl of an arm in every leaf.
    pub fn counts_of(&self, arm: usize) -> &[f64] {
        &self.counts[arm * self.leaves..(arm + 1) * self.leaves]
    }

    /// S_kl of an arm in every leaf.
    pub fn sums_of(&self, arm: usize) -> &[f64] {
        &self.sums[arm * self.leaves..(arm + 1) * self.leaves]
    }

    /// Units in a leaf.
    pub fn mass(&self, leaf: usize) -> f64 {
        sum((0..self.arms).map(|k| self.counts_of(k)[leaf]))
    }

    /// The pooled variance within leaf and arm; where no cell has two units, the variance of all of them.
    pub fn noise(&self) -> f64 {
        let filled = || self.counts.iter().zip(&self.sums).filter(|(count, _)| **count > 0.0);
        let units = sum(filled().map(|(count, _)| *count));
        let degrees = units - filled().count() as f64;
        if degrees > 0.0 {
            let between = sum(filled().map(|(count, total)| total * total / count));
            return ((self.square - between) / degrees).max(0.0);
        }
        let total = sum(filled().map(|(_, total)| *total));
        ((self.square - total * total / units.max(1.0)) / (units - 1.0).max(1.0)).max(0.0)
    }
}
