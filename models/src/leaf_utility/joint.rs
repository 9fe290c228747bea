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
use crate::exact::sum;
use em::Em;

/// Fewer arms say nothing about covariances.
const FEWEST_ARMS: usize = 5;
/// A sampling variance of this share of the leaf means' own is none.
const NO_NOISE: f64 = 1e-12;

/// Which covariances of leaf means are considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covariance {
    /// `Common(r)`, r = 1, 2, .. as long as r + 1 raises the likelihood by more than its parameters cost ([`JointPrior::parameters`]); of fewer than
    /// five arms `Factors(0)`.
    ByLikelihood,
    /// Any positive semidefinite Sigma: Psi = 0, B is L x L.
    Free,
    /// Psi = 0, B has so many columns: few factors drive all leaves.
    Common(usize),
    /// B has so many columns, Psi is diagonal. None at all: every leaf by itself.
    Factors(usize),
}

/// How the prior is estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joint {
    pub covariance: Covariance,
    /// An arm from another population (a control) that the prior does not learn from. Its level is its own, from its own units alone; from leaf to
    /// leaf it departs from mu plus this level as other arms do.
    pub apart: Option<usize>,
    /// Stop where a step raises the log likelihood by no more than this share of the number of leaf means.
    pub tolerance: f64,
    /// Most steps.
    pub iterations: usize,
}

impl Default for Joint {
    fn default() -> Self {
        Self { covariance: Covariance::ByLikelihood, apart: None, tolerance: 1e-6, iterations: 1_000 }
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
    /// Free numbers in mu, B and Psi.
    pub parameters: usize,
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
        let leaves = sums.leaves();
        let of = |rank: usize, free: bool| Em::start(sums, &arms, noise, (rank.min(leaves), free)).run(self);
        match self.covariance {
            Covariance::Free => of(leaves, true),
            Covariance::Common(rank) => of(rank, true),
            Covariance::Factors(rank) => of(rank, false),
            Covariance::ByLikelihood if arms.len() < FEWEST_ARMS => of(0, false),
            Covariance::ByLikelihood => {
                let cost = 0.5 * sum((0..leaves).map(|l| sums.mass(l))).ln();
                let mut best = of(1, true);
                for rank in 2..=leaves {
                    let next = of(rank, true);
                    let more = (next.parameters - best.parameters) as f64;
                    if next.log_likelihood() - best.log_likelihood() <= cost * more {
                        break;
                    }
                    best = next;
                }
                best
            }
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

    /// The log likelihood of all units' utilities, less half the logarithm of their number for each parameter and each of the L - 1 cuts of the
    /// tree (Schwarz 1978): comparable between trees over the same units. With Q the sum of squares within leaf and arm,
    /// `-(n ln(2 pi s2) + Q / s2) / 2 + log p(ybar) + sum_kl ln(2 pi s2 / N_kl) / 2`.
    pub fn evidence(&self, sums: &LeafSums) -> f64 {
        let tau = std::f64::consts::TAU;
        let filled = || sums.counts.iter().zip(&sums.sums).filter(|(count, _)| **count > 0.0);
        let units = sum(filled().map(|(count, _)| *count));
        let between = sum(filled().map(|(count, total)| total * total / count));
        let of_means = sum(filled().map(|(count, _)| 0.5 * (tau * self.noise / count).ln()));
        let within = (sums.square - between).max(0.0);
        let of_units = -0.5 * (units * (tau * self.noise).ln() + within / self.noise);
        let apart = self.apart.map_or(0.0, |k| {
            let mut arm = factor::Arm::new(self);
            self.read(sums, k, &mut arm);
            arm.log_likelihood
        });
        let parameters = self.parameters + usize::from(self.apart.is_some()) + self.leaves() - 1;
        of_units + of_means + self.log_likelihood() + apart - 0.5 * units.ln() * parameters as f64
    }

    /// Sigma (L x L).
    pub fn covariance(&self) -> ndarray::Array2<f64> {
        let row = |l: usize| &self.loadings[l * self.rank..(l + 1) * self.rank];
        ndarray::Array2::from_shape_fn((self.leaves(), self.leaves()), |(l, m)| {
            let common: f64 = row(l).iter().zip(row(m)).map(|(b, c)| b * c).sum();
            common + if l == m { self.specific[l] } else { 0.0 }
        })
    }

    /// E[theta_kl | ybar_k] of every arm and leaf (arms x leaves, an arm's together).
    pub fn posterior_means(&self, sums: &LeafSums) -> Vec<f64> {
        let mut arm = factor::Arm::new(self);
        let each = (0..sums.arms()).flat_map(|k| self.posterior_mean(sums, k, &mut arm));
        each.collect()
    }

    fn posterior_mean(&self, sums: &LeafSums, k: usize, arm: &mut factor::Arm) -> Vec<f64> {
        let level = self.read(sums, k, arm);
        let shrunken = |l: usize| {
            let common = arm.common(self, l);
            level + self.mean[l] + common + arm.specific_share(self, l) * (arm.deviation[l] - common)
        };
        (0..self.leaves()).map(shrunken).collect()
    }

    /// The posterior of an arm less its level, which is returned: 0 but for the arm apart.
    fn read(&self, sums: &LeafSums, k: usize, arm: &mut factor::Arm) -> f64 {
        let counts = sums.counts_of(k);
        if self.apart != Some(k) {
            arm.read(self, counts, sums.sums_of(k));
            return 0.0;
        }
        let level = self.level(sums, k, arm);
        let totals = sums.sums_of(k).iter().zip(counts).map(|(total, count)| total - count * level);
        arm.read(self, counts, &totals.collect::<Vec<f64>>());
        level
    }

    /// c of largest likelihood where an arm's leaf means are N(mu + c 1, Sigma): with S the covariance of ybar - mu,
    /// c = 1'S^-1 (ybar - mu) / 1'S^-1 1.
    fn level(&self, sums: &LeafSums, k: usize, arm: &mut factor::Arm) -> f64 {
        let counts = sums.counts_of(k);
        let mut projected = |totals: &[f64]| -> f64 {
            arm.read(self, counts, totals);
            (0..self.leaves()).map(|l| arm.weight[l] * (arm.deviation[l] - arm.common(self, l))).sum()
        };
        let above = projected(sums.sums_of(k));
        let ones: Vec<f64> =
            counts.iter().zip(&self.mean).map(|(count, mean)| count * (mean + 1.0)).collect();
        let below = projected(&ones);
        if below > 0.0 { above / below } else { 0.0 }
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
        sum((0..self.leaves()).map(|l| sums.mass(l) * largest(l)))
    }
}
