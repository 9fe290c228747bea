//! The criterion of multi-arm causal trees (Athey, Tibshirani and Wager 2019, "Generalized random forests", sections 2.3 and 6; Nie and Wager
//! 2021): how far apart the effects of all arms against the control are in two children, by the gradients of the node's own fit.
//!
//! With W_i in {0, 1}^K the indicator of the arm (none for the control), p_k the share of arm k in the node and e_i the outcome less the
//! mean of its arm in the node, A = mean (W - p)(W - p)' = diag(p) - p p', so that
//!
//! ```text
//! rho_i = A^-1 (W_i - p) e_i,     A^-1 (W_i - p) = 1_k / p_k  for arm k >= 1,   - (1, .., 1) / p_0  for the control
//! gain  = |sum_L rho|^2 / n_L + |sum_R rho|^2 / n_R = sum_{k>=1} (a_k - c)^2 (1 / n_L + 1 / n_R),    a_k = S_k / p_k,   c = S_0 / p_0
//! ```
//!
//! S_k sums e over the units of arm k on the left; over the node it is 0. A sum of squares, a sum and c give the gain anew in O(1) when a
//! unit crosses. A node in which an arm is missing has no A^-1 and is not split.

use rand_chacha::ChaCha8Rng;

use super::Criterion;

/// The criterion, at one split of one node.
pub struct CausalGradients<'a> {
    arm: &'a [u16],
    outcome: &'a [f64],
    /// The fewest units of each arm that a child may have, and the least share of those in its node.
    least: (u32, f64),
    /// Whether every arm has a unit in the node.
    whole: bool,
    units: f64,
    /// Means of the outcome and 1 / p (arms) in the node.
    mean: Vec<f64>,
    inverse: Vec<f64>,
    /// a (arms), with c in place 0.
    sums: Vec<f64>,
    /// Sums of a and of its squares over the arms but the control.
    total: f64,
    squares: f64,
    left: f64,
    /// Units of each arm (arms) in the node and on the left, and the fewest that a child may have.
    count: Vec<u32>,
    on_left: Vec<u32>,
    fewest: Vec<u32>,
    /// Arms of which there are too few on the left, and on the right.
    short: [usize; 2],
}

impl<'a> CausalGradients<'a> {
    /// The arm of each unit (n), below `arms`, and outcomes (n) less what is expected of them whatever the arm. A child has of each arm at
    /// least so many units, at least 1, and such a share of those in its node.
    pub fn new(arm: &'a [u16], arms: usize, outcome: &'a [f64], least: (u32, f64)) -> Self {
        let zeros = || vec![0.0; arms];
        Self {
            arm,
            outcome,
            least,
            whole: false,
            units: 0.0,
            mean: zeros(),
            inverse: zeros(),
            sums: zeros(),
            total: 0.0,
            squares: 0.0,
            left: 0.0,
            count: vec![0; arms],
            on_left: vec![0; arms],
            fewest: vec![0; arms],
            short: [0, 0],
        }
    }
}

impl Criterion for CausalGradients<'_> {
    fn open(&mut self, units: &[u32], _: &mut ChaCha8Rng) {
        self.units = units.len() as f64;
        self.mean.fill(0.0);
        self.count.fill(0);
        for &unit in units {
            let k = self.arm[unit as usize] as usize;
            self.count[k] += 1;
            self.mean[k] += self.outcome[unit as usize];
        }
        self.whole = self.count.iter().all(|count| *count > 0);
        for k in 0..self.count.len() {
            let count = f64::from(self.count[k].max(1));
            self.mean[k] /= count;
            self.inverse[k] = self.units / count;
            self.fewest[k] = ((self.least.1 * count).ceil() as u32).max(self.least.0);
        }
    }

    fn rewind(&mut self) {
        self.sums.fill(0.0);
        self.on_left.fill(0);
        (self.total, self.squares, self.left) = (0.0, 0.0, 0.0);
        let short = |(count, fewest): &(&u32, &u32)| count < fewest;
        self.short = [self.count.len(), self.count.iter().zip(&self.fewest).filter(short).count()];
    }

    fn cross(&mut self, unit: u32) {
        let k = self.arm[unit as usize] as usize;
        let change = (self.outcome[unit as usize] - self.mean[k]) * self.inverse[k];
        let before = self.sums[k];
        self.sums[k] += change;
        self.left += 1.0;
        self.on_left[k] += 1;
        self.short[0] -= usize::from(self.on_left[k] == self.fewest[k]);
        self.short[1] += usize::from(self.count[k] - self.on_left[k] + 1 == self.fewest[k]);
        if k > 0 {
            self.total += change;
            self.squares += change * (before + self.sums[k]);
        }
    }

    fn gain(&mut self, floor: f64) -> Option<f64> {
        let right = self.units - self.left;
        if self.short != [0, 0] {
            return None;
        }
        let (control, arms) = (self.sums[0], self.sums.len() as f64 - 1.0);
        let apart = self.squares - 2.0 * control * self.total + arms * control * control;
        let gain = apart * self.units / (self.left * right);
        (gain > floor).then_some(gain)
    }
}
