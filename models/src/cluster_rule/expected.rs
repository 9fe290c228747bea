//! What a cluster is worth in expectation where unit j is treated with probability s_j, independently: the smooth extension of its value.
//!
//! ```text
//! unknown        w prod_j q_j,                          q_j = s_j where A_j = 1, 1 - s_j elsewhere
//! polynomial b   w sum_{k <= b} e_k(rho_1, .., rho_M),  rho_j = q_j / e_j - 1
//! anonymous      sum_j w_j q_j P(sum_{k != j} p_k = sum_{k != j} A_k)                                (`Counting::Binomial`)
//!                sum_j w_j q_j exp(-(a_j - m_j)^2) / sum_{a=0}^{M-1} exp(-(a - m_j)^2),
//!                a_j = sum_{k != j} A_k,  m_j = sum_{k != j} s_k                                     (`Counting::Exponential`)
//! ```
//!
//! All but the last are exact expectations, and equal the value at labels s in {0, 1}; the last is the weighting of interference.txt, section
//! 4.2, which is not. A joint cost is taken at the expected number treated, linear between whole numbers.

use super::value::{count, symmetric};
use super::{Cluster, Interaction};

/// How the condition on the number of neighbours treated is smoothed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// The probability of the number, Poisson binomial.
    Binomial,
    /// Weights that fall off from the expected number, as the source has it.
    Exponential,
}

/// An expectation and its derivatives in the probabilities of treatment (M).
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    pub value: f64,
    pub gradient: Vec<f64>,
}

impl Cluster {
    /// The expectation at probabilities of treatment `shares` (M).
    pub fn expected(&self, shares: &[f64], counting: Counting) -> Expected {
        let mut expected = match (&self.interaction, counting) {
            (Interaction::Unknown { weight }, _) => self.product(*weight, shares),
            (Interaction::Polynomial { weight, order, chances }, _) => {
                self.polynomial(*weight, *order, chances, shares)
            }
            (Interaction::Anonymous { weights }, Counting::Binomial) => self.binomial(weights, shares),
            (Interaction::Anonymous { weights }, Counting::Exponential) => self.exponential(weights, shares),
        };
        if !self.joint_cost.is_empty() {
            let (cost, slope) = between(&self.joint_cost, shares.iter().sum());
            expected.value -= cost;
            expected.gradient.iter_mut().for_each(|slot| *slot -= slope);
        }
        expected
    }

    /// q_j, and its derivative.
    fn agreement(&self, j: usize, share: f64) -> (f64, f64) {
        if self.received[j] { (share, 1.0) } else { (1.0 - share, -1.0) }
    }

    fn product(&self, weight: f64, shares: &[f64]) -> Expected {
        let agreements: Vec<(f64, f64)> =
            shares.iter().enumerate().map(|(j, s)| self.agreement(j, *s)).collect();
        let mut gradient = Vec::with_capacity(shares.len());
        let mut before = weight;
        for (q, sign) in &agreements {
            gradient.push(before * sign);
            before *= q;
        }
        let mut after = 1.0;
        for (slot, (q, _)) in gradient.iter_mut().zip(&agreements).rev() {
            *slot *= after;
            after *= q;
        }
        Expected { value: before, gradient }
    }

    fn polynomial(&self, weight: f64, order: usize, chances: &[f64], shares: &[f64]) -> Expected {
        let rho: Vec<f64> = shares
            .iter()
            .zip(chances)
            .enumerate()
            .map(|(j, (s, e))| self.agreement(j, *s).0 / e - 1.0)
            .collect();
        let slope = |j: usize| {
            let others = rho.iter().enumerate().filter(|(k, _)| *k != j).map(|(_, rho)| *rho);
            weight * self.agreement(j, shares[j]).1 / chances[j] * symmetric(others, order - 1)
        };
        Expected {
            value: weight * symmetric(rho.iter().copied(), order),
            gradient: (0..shares.len()).map(slope).collect(),
        }
    }

    /// By generating functions: the coefficient of x^T, T = sum A, of sum_j w_j (q_j's term) prod_{k != j} (1 - s_k + s_k x).
    fn binomial(&self, weights: &[f64], shares: &[f64]) -> Expected {
        let (size, wanted) = (shares.len(), count(&self.received));
        let mut suffixes = vec![Counts::none(wanted)];
        for j in (0..size).rev() {
            let next = suffixes[suffixes.len() - 1].with(shares[j], weights[j], self.received[j]);
            suffixes.push(next);
        }
        let mut prefix = Counts::none(wanted);
        let mut gradient = Vec::with_capacity(size);
        for j in 0..size {
            let suffix = &suffixes[size - 1 - j];
            let unmarked = |at: usize| meet(&prefix.plain, &suffix.plain, at);
            let marked =
                |at: usize| meet(&prefix.marked, &suffix.plain, at) + meet(&prefix.plain, &suffix.marked, at);
            let fewer = |of: &dyn Fn(usize) -> f64| if wanted > 0 { of(wanted - 1) } else { 0.0 };
            let own = if self.received[j] { fewer(&unmarked) } else { -unmarked(wanted) };
            gradient.push(weights[j] * own + fewer(&marked) - marked(wanted));
            prefix = prefix.with(shares[j], weights[j], self.received[j]);
        }
        Expected { value: prefix.marked[wanted], gradient }
    }

    fn exponential(&self, weights: &[f64], shares: &[f64]) -> Expected {
        let (size, wanted, mean) = (shares.len(), count(&self.received), shares.iter().sum::<f64>());
        let (mut value, mut gradient) = (0.0, vec![0.0; size]);
        let mut of_all = 0.0;
        for j in 0..size {
            let neighbours = mean - shares[j];
            let others = (wanted - usize::from(self.received[j])) as f64;
            let (mut total, mut pull) = (0.0, 0.0);
            for a in 0..size {
                let distance = a as f64 - neighbours;
                let likelihood = (-distance * distance).exp();
                total += likelihood;
                pull += 2.0 * distance * likelihood;
            }
            let distance = others - neighbours;
            let weight = weights[j] * (-distance * distance).exp() / total;
            let (agreement, sign) = self.agreement(j, shares[j]);
            value += weight * agreement;
            gradient[j] += weight * sign;
            // Each of the neighbours moves their expected number.
            let drift = weight * agreement * (2.0 * distance - pull / total);
            of_all += drift;
            gradient[j] -= drift;
        }
        gradient.iter_mut().for_each(|slot| *slot += of_all);
        Expected { value, gradient }
    }
}

/// Coefficients of x^0, .., x^T over some units: of prod_k (1 - s_k + s_k x), and of the sum of such products with one unit's factor weighted.
struct Counts {
    plain: Vec<f64>,
    marked: Vec<f64>,
}

impl Counts {
    fn none(wanted: usize) -> Self {
        let mut plain = vec![0.0; wanted + 1];
        plain[0] = 1.0;
        Self { plain, marked: vec![0.0; wanted + 1] }
    }

    /// One more unit.
    fn with(&self, share: f64, weight: f64, received: bool) -> Self {
        let fewer = |of: &[f64], t: usize| if t > 0 { of[t - 1] } else { 0.0 };
        let own = |t: usize| match received {
            true => share * fewer(&self.plain, t),
            false => (1.0 - share) * self.plain[t],
        };
        let step = |of: &[f64], t: usize| (1.0 - share) * of[t] + share * fewer(of, t);
        let counts = || 0..self.plain.len();
        Self {
            plain: counts().map(|t| step(&self.plain, t)).collect(),
            marked: counts().map(|t| step(&self.marked, t) + weight * own(t)).collect(),
        }
    }
}

/// The coefficient of x^at in the product of two polynomials.
fn meet(a: &[f64], b: &[f64], at: usize) -> f64 {
    (0..=at).map(|t| a[t] * b[at - t]).sum()
}

/// Value and slope at `at` of the linear interpolation of `values` at 0, 1, ..
fn between(values: &[f64], at: f64) -> (f64, f64) {
    let left = (at.max(0.0) as usize).min(values.len() - 2);
    let slope = values[left + 1] - values[left];
    (values[left] + slope * (at - left as f64), slope)
}
