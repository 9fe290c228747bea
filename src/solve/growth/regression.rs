//! The criterion of regression trees: by how much two means fit the targets of a node better than one, in weighted squares.
//!
//! ```text
//! sum_i w_i (y_i - ybar)^2  less the same within both children  =  S_L^2 / W_L + S_R^2 / W_R - S^2 / W  =  S_L^2 W / (W_L W_R)
//! ```
//!
//! W sums weights; S sums w (y - ybar), with ybar the mean of the node, so that S = 0 and S_R = -S_L.

use rand_chacha::ChaCha8Rng;

use super::Criterion;

/// The criterion, at one split of one node.
pub struct Regression<'a> {
    target: &'a [f64],
    /// Weights w (n), where they are not all 1.
    weight: Option<&'a [f64]>,
    mean: f64,
    total: f64,
    /// W_L
    left: f64,
    /// S_L
    sum: f64,
}

impl<'a> Regression<'a> {
    /// Targets y and weights w of all units (n).
    pub fn new(target: &'a [f64], weight: Option<&'a [f64]>) -> Self {
        Self { target, weight, mean: 0.0, total: 0.0, left: 0.0, sum: 0.0 }
    }

    fn weight(&self, unit: u32) -> f64 {
        self.weight.map_or(1.0, |weight| weight[unit as usize])
    }
}

impl Criterion for Regression<'_> {
    fn open(&mut self, units: &[u32], _: &mut ChaCha8Rng) {
        self.total = units.iter().map(|&unit| self.weight(unit)).sum();
        // From the first target on, so that targets that are all the same have just that mean.
        let first = self.target[units[0] as usize];
        let above: f64 =
            units.iter().map(|&unit| self.weight(unit) * (self.target[unit as usize] - first)).sum();
        self.mean = first + above / self.total;
    }

    fn rewind(&mut self) {
        (self.left, self.sum) = (0.0, 0.0);
    }

    fn cross(&mut self, unit: u32) {
        let weight = self.weight(unit);
        self.left += weight;
        self.sum += weight * (self.target[unit as usize] - self.mean);
    }

    fn gain(&mut self, floor: f64) -> Option<f64> {
        let gain = self.sum * self.sum * self.total / (self.left * (self.total - self.left));
        (gain > floor).then_some(gain)
    }
}
