//! Joint empirical Bayes: each arm's vector of leaf means is a draw from one normal law, estimated from all arms.
//!
//! ```text
//! theta_k ~ N(mu, Sigma) over the L leaves        ybar_kl | theta_k ~ N(theta_kl, s2 / N_kl)        Sigma = Psi + B B'
//! value of a tree = sum_l N_l max_k E[theta_kl | ybar_k]
//! ```
//!
//! Sigma carries what an arm's mean in one leaf says about its mean in another, so that data are pooled across leaves and arms, and the largest
//! posterior mean is not a winner's-curse maximum. mu and Sigma maximise the likelihood of all arms' leaf means (`em`). An arm without units
//! in a leaf has a posterior mean there all the same, by way of the other leaves.
//! Source: forest.txt, sections 5 and 6.3 (the model is named there, not worked out); Sigma = c 11' + d I is the model of section 5.

mod em;
pub(crate) mod factor;

use super::sums::LeafSums;
use em::Em;

/// The most leaves whose covariance is left free.
const MOST_FREE: usize = 16;
/// Columns of B beyond which more are not worth their variance.
const MOST_FACTORS: usize = 3;
/// A sampling variance of this share of the leaf means' own is none.
const NO_NOISE: f64 = 1e-12;

/// Which covariances of leaf means are considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covariance {
    /// Free where there are more arms than leaves and at most 16 leaves; otherwise one factor for every five arms, at most three.
    BySize,
    /// Any positive semidefinite Sigma: Psi = 0, B is L x L.
    Free,
    /// B has so many columns, Psi is diagonal. None at all: every leaf by itself.
    Factors(usize),
}

/// How the prior is estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joint {
    pub covariance: Covariance,
    /// An arm that the prior neither learns from nor applies to (a control from another population); its means stay as they are.
    pub apart: Option<usize>,
    /// Stop where a step raises the log likelihood by no more than this share of the number of leaf means.
    pub tolerance: f64,
    /// Most steps.
    pub iterations: usize,
}

impl Default for Joint {
    fn default() -> Self {
        Self { covariance: Covariance::BySize, apart: None, tolerance: 1e-7, iterations: 1_000 }
    }
}

/// The law of an arm's leaf means, as estimated.
#[derive(Clone, Debug, PartialEq)]
pub struct JointPrior {
    /// mu (L).
    pub mean: Vec<f64>,
    /// B (L x r), leaf by leaf.
    pub loadings: Vec<f64>,
    /// r.
    pub rank: usize,
    /// The diagonal of Psi (L).
    pub specific: Vec<f64>,
    /// s2.
    pub noise: f64,
    /// The log likelihood of the leaf means after every step.
    pub path: Vec<f64>,
    apart: Option<usize>,
}

impl Joint {
    /// The prior of the largest likelihood under sampling variance `noise` (s2).
    pub fn fit(&self, sums: &LeafSums, noise: f64) -> JointPrior {
        let arms: Vec<usize> = (0..sums.arms())
            .filter(|&k| self.apart != Some(k) && sums.counts_of(k).iter().any(|count| *count > 0.0))
            .collect();
        let (rank, free) = self.shape(sums.leaves(), arms.len());
        Em::start(sums, &arms, noise, (rank, free)).run(self)
    }

    /// The number of columns of B, and whether they are all of Sigma.
    fn shape(&self, leaves: usize, arms: usize) -> (usize, bool) {
        match self.covariance {
            Covariance::Free => (leaves, true),
            Covariance::Factors(rank) => (rank.min(leaves), false),
            Covariance::BySize if leaves <= MOST_FREE && leaves < arms => (leaves, true),
            Covariance::BySize => ((arms / 5).min(MOST_FACTORS).min(leaves.saturating_sub(1)), false),
        }
    }
}

impl JointPrior {
    /// L.
    pub fn leaves(&self) -> usize {
        self.mean.len()
    }

    /// The log likelihood of the leaf means.
    pub fn log_likelihood(&self) -> f64 {
        self.path.last().copied().unwrap_or(0.0)
    }

    /// Sigma (L x L).
    pub fn covariance(&self) -> ndarray::Array2<f64> {
        let row = |l: usize| &self.loadings[l * self.rank..(l + 1) * self.rank];
        ndarray::Array2::from_shape_fn((self.leaves(), self.leaves()), |(l, m)| {
            let common: f64 = row(l).iter().zip(row(m)).map(|(b, c)| b * c).sum();
            common + if l == m { self.specific[l] } else { 0.0 }
        })
    }

    /// E[theta_kl | ybar_k] of every arm and leaf (arms x leaves, an arm's together). The arm apart keeps its own means, and the prior mean
    /// where it has no units.
    pub fn posterior_means(&self, sums: &LeafSums) -> Vec<f64> {
        let mut arm = factor::Arm::new(self);
        let each = (0..sums.arms()).flat_map(|k| self.posterior_mean(sums, k, &mut arm));
        each.collect()
    }

    fn posterior_mean(&self, sums: &LeafSums, k: usize, arm: &mut factor::Arm) -> Vec<f64> {
        let (counts, totals) = (sums.counts_of(k), sums.sums_of(k));
        if self.apart == Some(k) {
            let own = |l: usize| if counts[l] > 0.0 { totals[l] / counts[l] } else { self.mean[l] };
            return (0..self.leaves()).map(own).collect();
        }
        arm.read(self, counts, totals);
        let shrunken = |l: usize| {
            let common = arm.common(self, l);
            self.mean[l] + common + arm.specific_share(self, l) * (arm.deviation[l] - common)
        };
        (0..self.leaves()).map(shrunken).collect()
    }

    /// Cov[theta_k | ybar_k] (L x L) of an arm.
    pub fn posterior_covariance(&self, sums: &LeafSums, k: usize) -> ndarray::Array2<f64> {
        let mut arm = factor::Arm::new(self);
        arm.read(self, sums.counts_of(k), sums.sums_of(k));
        let kept: Vec<f64> = (0..self.leaves()).map(|l| 1.0 - arm.specific_share(self, l)).collect();
        ndarray::Array2::from_shape_fn((self.leaves(), self.leaves()), |(l, m)| {
            let own = if l == m { self.specific[l] * kept[l] } else { 0.0 };
            own + kept[l] * arm.spread(self, l, m) * kept[m]
        })
    }

    /// sum_l N_l max_k E[theta_kl | ybar_k].
    pub fn value(&self, sums: &LeafSums) -> f64 {
        let means = self.posterior_means(sums);
        let largest = |l: usize| {
            let of_arms = means.iter().skip(l).step_by(self.leaves());
            of_arms.fold(f64::NEG_INFINITY, |most, mean| if *mean > most { *mean } else { most })
        };
        crate::exact::sum((0..self.leaves()).map(|l| sums.mass(l) * largest(l)))
    }
}
