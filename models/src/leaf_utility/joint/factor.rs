//! What an arm's leaf means say about its factors.
//!
//! ```text
//! ybar_l = mu_l + b_l'z + delta_l + e_l,   z ~ N(0, I_r),   w_l = 1 / (Psi_l + s2 / N_l)  (0 without units)
//! z | ybar ~ N(m, V),   V = (I + sum_l w_l b_l b_l')^-1,   m = V sum_l w_l (ybar_l - mu_l) b_l
//! ```

use super::JointPrior;

/// One arm's posterior of z, with the room that it takes.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    /// w (L).
    pub weight: Vec<f64>,
    /// ybar - mu (L); 0 without units.
    pub deviation: Vec<f64>,
    /// m (r).
    pub mean: Vec<f64>,
    /// V (r x r).
    pub variance: Vec<f64>,
    /// The log likelihood of the arm's leaf means.
    pub log_likelihood: f64,
    /// C with C C' = V^-1, then its inverse; lower triangles.
    lower: Vec<f64>,
}

impl Arm {
    pub fn new(prior: &JointPrior) -> Self {
        let (leaves, r) = (prior.leaves(), prior.rank);
        Self {
            weight: vec![0.0; leaves],
            deviation: vec![0.0; leaves],
            mean: vec![0.0; r],
            variance: vec![0.0; r * r],
            log_likelihood: 0.0,
            lower: vec![0.0; r * r],
        }
    }

    /// The posterior under `prior` of an arm with these counts and sums.
    pub fn read(&mut self, prior: &JointPrior, counts: &[f64], totals: &[f64]) {
        let r = prior.rank;
        // Of the leaf means: their number, the weighted sum of squares and the product of their variances.
        let (mut means, mut square, mut variances) = (0, 0.0, LogProduct::default());
        self.lower.fill(0.0);
        self.mean.fill(0.0);
        for l in 0..counts.len() {
            if counts[l] <= 0.0 {
                (self.weight[l], self.deviation[l]) = (0.0, 0.0);
                continue;
            }
            let variance = prior.specific[l] + prior.noise / counts[l];
            let (w, d) = (1.0 / variance, totals[l] / counts[l] - prior.mean[l]);
            (self.weight[l], self.deviation[l]) = (w, d);
            means += 1;
            square += w * d * d;
            variances.take(variance);
            let b = &prior.loadings[l * r..(l + 1) * r];
            for i in 0..r {
                let scaled = w * b[i];
                self.mean[i] += scaled * d;
                self.lower[i * r..i * r + i + 1].iter_mut().zip(b).for_each(|(sum, b)| *sum += scaled * b);
            }
        }
        (0..r).for_each(|i| self.lower[i * r + i] += 1.0);
        cholesky(&mut self.lower, r);
        (0..r).for_each(|i| variances.take(self.lower[i * r + i] * self.lower[i * r + i]));
        let explained = self.solve(r);
        let constant = f64::from(means) * std::f64::consts::TAU.ln();
        self.log_likelihood = -0.5 * (square - explained + variances.log() + constant);
    }

    /// V and m from C and V^-1 m, and m'V^-1 m.
    fn solve(&mut self, r: usize) -> f64 {
        invert(&mut self.lower, r);
        let lower = &self.lower;
        for i in 0..r {
            for j in 0..=i {
                // V = C^-T C^-1
                let v = (i..r).map(|k| lower[k * r + i] * lower[k * r + j]).sum();
                (self.variance[i * r + j], self.variance[j * r + i]) = (v, v);
            }
        }
        // C^-1 times the right side, from the last row up so that none is overwritten before it is read.
        for i in (0..r).rev() {
            self.mean[i] = (0..=i).map(|k| lower[i * r + k] * self.mean[k]).sum();
        }
        let explained = self.mean.iter().map(|v| v * v).sum();
        for i in 0..r {
            self.mean[i] = (i..r).map(|k| lower[k * r + i] * self.mean[k]).sum();
        }
        explained
    }

    /// b_l'm.
    pub fn common(&self, prior: &JointPrior, l: usize) -> f64 {
        let b = &prior.loadings[l * prior.rank..(l + 1) * prior.rank];
        b.iter().zip(&self.mean).map(|(b, m)| b * m).sum()
    }

    /// b_l'V b_m.
    pub fn spread(&self, prior: &JointPrior, l: usize, m: usize) -> f64 {
        let r = prior.rank;
        let (left, right) = (&prior.loadings[l * r..(l + 1) * r], &prior.loadings[m * r..(m + 1) * r]);
        let rows = left.iter().zip(self.variance.chunks_exact(r.max(1)));
        rows.map(|(b, row)| b * row.iter().zip(right).map(|(v, c)| v * c).sum::<f64>()).sum()
    }

    /// Psi_l w_l: the share of what is left of a deviation that is the arm's own.
    pub fn specific_share(&self, prior: &JointPrior, l: usize) -> f64 {
        prior.specific[l] * self.weight[l]
    }
}

/// The logarithm of a product, with few logarithms taken.
#[derive(Clone, Copy)]
struct LogProduct {
    product: f64,
    log: f64,
}

impl Default for LogProduct {
    fn default() -> Self {
        Self { product: 1.0, log: 0.0 }
    }
}

impl LogProduct {
    fn take(&mut self, factor: f64) {
        let next = self.product * factor;
        if !(1e-200..1e200).contains(&next) {
            self.log += self.product.ln() + factor.ln();
            self.product = 1.0;
        } else {
            self.product = next;
        }
    }

    fn log(self) -> f64 {
        self.log + self.product.ln()
    }
}

/// C with C C' = A over the lower triangle of a positive semidefinite A (r x r); a column without a pivot is 0.
pub(super) fn cholesky(a: &mut [f64], r: usize) {
    for j in 0..r {
        let pivot = a[j * r + j] - (0..j).map(|k| a[j * r + k] * a[j * r + k]).sum::<f64>();
        let root = if pivot > 0.0 { pivot.sqrt() } else { 0.0 };
        let scale = if root > 0.0 { 1.0 / root } else { 0.0 };
        a[j * r + j] = root;
        for i in j + 1..r {
            let rest = a[i * r + j] - (0..j).map(|k| a[i * r + k] * a[j * r + k]).sum::<f64>();
            a[i * r + j] = rest * scale;
        }
    }
}

/// C^-1 over a lower triangle C with a positive diagonal.
fn invert(c: &mut [f64], r: usize) {
    for j in 0..r {
        c[j * r + j] = 1.0 / c[j * r + j];
        for i in j + 1..r {
            // Column j above row i is inverted already, row i is not.
            let sum: f64 = (j..i).map(|k| c[i * r + k] * c[k * r + j]).sum();
            c[i * r + j] = -sum / c[i * r + i];
        }
    }
}
