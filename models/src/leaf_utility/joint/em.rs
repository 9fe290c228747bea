//! Maximum likelihood of mu, B and Psi by parameter-expanded EM.
//!
//! ```text
//! E   z_k, u_k | ybar_k                   ybar_kl = mu_l + b_l'z_k + a_l u_kl + e_kl,   z, u ~ N(0, I),   Psi_l = a_l^2           (`factor`)
//! M   (mu_l, b_l, a_l) = argmin sum_k N_kl / s2 E (ybar_kl - mu_l - b_l'z_k - a_l u_kl)^2             least squares, leaf by leaf
//! PX  z ~ N(zbar, S),  S = mean_k E z_k z_k' - zbar zbar':        mu += B zbar,         B := B chol(S)
//!     u_l ~ N(ubar_l, t_l) likewise:                              mu_l += a_l ubar_l,   Psi_l = a_l^2 t_l
//! ```
//!
//! The likelihood rises with every round. The expansion (PX) keeps the number of rounds small where the prior is wide; regressing on z and u keeps
//! it small where the prior is narrow, and lets Sigma become singular, as it does where one factor drives all leaves. Where Sigma is
//! free there are no u.
//! Source: Liu, Rubin and Wu (1998), parameter expansion to accelerate EM; Rubin and Thayer (1982), EM for factor analysis.

use super::factor::{Arm, cholesky};
use super::{Joint, JointPrior, LeafSums, NO_NOISE};

/// Share of the diagonal in the covariance that the search starts from, so that no direction is left out.
const START_DIAGONAL: f64 = 0.1;

pub(super) struct Em<'s> {
    sums: &'s LeafSums,
    arms: &'s [usize],
    free: bool,
    prior: JointPrior,
    arm: Arm,
    /// Per leaf the normal equations of (mu, b, a): lower triangle, then the right side.
    normal: Vec<f64>,
    /// sum_k E u_kl, sum_k E u_kl^2 and the number of arms with units, per leaf.
    own: Vec<[f64; 3]>,
    /// sum_k m_k and sum_k m_k m_k' + V_k (r x r).
    first: Vec<f64>,
    second: Vec<f64>,
}

impl<'s> Em<'s> {
    /// From the arms' covariance as it is seen, sampling variance included.
    pub fn start(sums: &'s LeafSums, arms: &'s [usize], noise: f64, (rank, free): (usize, bool)) -> Self {
        let leaves = sums.leaves();
        let mean = leaf_means(sums, arms);
        let deviations = deviations(sums, arms, &mean);
        let spread = mean_square(&deviations);
        let noise = noise.max(NO_NOISE * spread).max(f64::MIN_POSITIVE.sqrt());
        let (loadings, left) =
            leading_factors(&deviations, leaves, rank, if free { START_DIAGONAL } else { 0.0 });
        let specific = if free {
            vec![0.0; leaves]
        } else {
            left.iter().map(|v| v.max(START_DIAGONAL * spread)).collect()
        };
        let parameters = leaves * (rank + 1 + usize::from(!free)) - rank * rank.saturating_sub(1) / 2;
        let prior =
            JointPrior { mean, loadings, rank, specific, noise, parameters, path: Vec::new(), apart: None };
        let arm = Arm::new(&prior);
        let side = rank + 1 + usize::from(!free);
        let (normal, own) = (vec![0.0; leaves * side * (side + 1)], vec![[0.0; 3]; leaves]);
        let (first, second) = (vec![0.0; rank], vec![0.0; rank * rank]);
        Self { sums, arms, free, prior, arm, normal, own, first, second }
    }

    pub fn run(mut self, settings: &Joint) -> JointPrior {
        let means =
            self.arms.iter().flat_map(|&k| self.sums.counts_of(k)).filter(|count| **count > 0.0).count();
        let enough = settings.tolerance * means as f64;
        let mut now = self.expect();
        self.prior.path.push(now);
        for _ in 0..settings.iterations {
            let before = now;
            self.regress();
            self.rescale();
            now = self.expect();
            self.prior.path.push(now);
            if now - before <= enough {
                break;
            }
        }
        self.prior.apart = settings.apart;
        self.prior
    }

    /// Columns of a leaf's regression.
    fn side(&self) -> usize {
        self.prior.rank + 1 + usize::from(!self.free)
    }

    /// Reads every arm and gathers what the next lines need; the log likelihood of the prior as it is.
    fn expect(&mut self) -> f64 {
        [&mut self.normal, &mut self.first, &mut self.second].into_iter().for_each(|sum| sum.fill(0.0));
        self.own.fill([0.0; 3]);
        let mut log_likelihood = 0.0;
        for &k in self.arms {
            self.arm.read(&self.prior, self.sums.counts_of(k), self.sums.sums_of(k));
            log_likelihood += self.arm.log_likelihood;
            let r = self.prior.rank;
            for i in 0..r {
                self.first[i] += self.arm.mean[i];
                for j in 0..=i {
                    // From here on the arm keeps E z z' in the place of V.
                    let square = self.arm.variance[i * r + j] + self.arm.mean[i] * self.arm.mean[j];
                    (self.arm.variance[i * r + j], self.arm.variance[j * r + i]) = (square, square);
                    self.second[i * r + j] += square;
                }
            }
            (0..self.sums.leaves())
                .filter(|&l| self.sums.counts_of(k)[l] > 0.0)
                .for_each(|l| self.gather(k, l));
        }
        log_likelihood
    }

    /// One leaf mean more in its leaf's regression.
    fn gather(&mut self, k: usize, l: usize) {
        let (r, side) = (self.prior.rank, self.side());
        let room = side * (side + 1);
        let (normal, right) = self.normal[l * room..(l + 1) * room].split_at_mut(side * side);
        let arm = &self.arm;
        let w = self.sums.counts_of(k)[l] / self.prior.noise;
        let y = arm.deviation[l] + self.prior.mean[l];
        normal[0] += w;
        right[0] += w * y;
        for i in 0..r {
            let scaled = w * arm.mean[i];
            normal[(i + 1) * side] += scaled;
            right[i + 1] += scaled * y;
            let row = normal[(i + 1) * side + 1..].iter_mut().zip(&arm.variance[i * r..=i * r + i]);
            row.for_each(|(sum, square)| *sum += w * square);
        }
        if !self.free {
            // u = share (d - b'z) + N(0, 1 - a share)
            let (a, b) = (self.prior.specific[l].sqrt(), &self.prior.loadings[l * r..(l + 1) * r]);
            let (share, d) = (a * arm.weight[l], arm.deviation[l]);
            let common = arm.common(&self.prior, l);
            let mean = share * (d - common);
            let mut square = d * d - 2.0 * d * common;
            let last = &mut normal[(r + 1) * side..];
            last[0] += w * mean;
            for i in 0..r {
                let along: f64 = arm.variance[i * r..(i + 1) * r].iter().zip(b).map(|(v, b)| v * b).sum();
                last[i + 1] += w * share * (d * arm.mean[i] - along);
                square += b[i] * along;
            }
            let square = share * share * square + 1.0 - a * share;
            last[r + 1] += w * square;
            right[r + 1] += w * mean * y;
            self.own[l] = [self.own[l][0] + mean, self.own[l][1] + square, self.own[l][2] + 1.0];
        }
    }

    /// mu, B and a by least squares on the factors; the leaf's own factor is put back to unit variance at once.
    fn regress(&mut self) {
        let (r, side) = (self.prior.rank, self.side());
        for (l, sums) in self.normal.chunks_exact_mut(side * (side + 1)).enumerate() {
            let (normal, right) = sums.split_at_mut(side * side);
            // A leaf without units teaches nothing.
            if normal[0] <= 0.0 {
                continue;
            }
            cholesky(normal, side);
            solve(normal, right);
            self.prior.mean[l] = right[0];
            self.prior.loadings[l * r..(l + 1) * r].copy_from_slice(&right[1..=r]);
            if !self.free {
                let (a, [first, second, arms]) = (right[r + 1], self.own[l]);
                self.prior.mean[l] += a * first / arms;
                self.prior.specific[l] = a * a * (second / arms - (first / arms).powi(2)).max(0.0);
            }
        }
    }

    /// Takes the factors' own mean and covariance into mu and B.
    fn rescale(&mut self) {
        let r = self.prior.rank;
        let arms = self.arms.len().max(1) as f64;
        let centre: Vec<f64> = self.first.iter().map(|sum| sum / arms).collect();
        let mut spread = std::mem::take(&mut self.second);
        for i in 0..r {
            for j in 0..=i {
                spread[i * r + j] = spread[i * r + j] / arms - centre[i] * centre[j];
            }
        }
        cholesky(&mut spread, r);
        for (mean, b) in self.prior.mean.iter_mut().zip(self.prior.loadings.chunks_exact_mut(r.max(1))) {
            *mean += b.iter().zip(&centre).map(|(b, c)| b * c).sum::<f64>();
            // Column j of b C reads b from row j on.
            for j in 0..r {
                b[j] = (j..r).map(|i| b[i] * spread[i * r + j]).sum();
            }
        }
        self.second = spread;
    }
}

/// The mean of the arms together in every leaf, and in leaves without units the mean of all.
fn leaf_means(sums: &LeafSums, arms: &[usize]) -> Vec<f64> {
    let mut totals = vec![(0.0, 0.0); sums.leaves()];
    for &k in arms {
        for (total, (count, sum)) in totals.iter_mut().zip(sums.counts_of(k).iter().zip(sums.sums_of(k))) {
            *total = (total.0 + count, total.1 + sum);
        }
    }
    let all = totals.iter().fold((0.0, 0.0), |all, leaf| (all.0 + leaf.0, all.1 + leaf.1));
    let mean =
        |(count, sum): (f64, f64)| if count > 0.0 { sum / count } else { all.1 / f64::max(all.0, 1.0) };
    totals.into_iter().map(mean).collect()
}

/// ybar_kl - mu_l (arms x L), 0 without units.
fn deviations(sums: &LeafSums, arms: &[usize], mean: &[f64]) -> Vec<f64> {
    let of_arm = |&k: &usize| {
        let cells = sums.counts_of(k).iter().zip(sums.sums_of(k)).zip(mean);
        cells.map(|((count, sum), mean)| if *count > 0.0 { sum / count - mean } else { 0.0 })
    };
    arms.iter().flat_map(of_arm).collect()
}

fn mean_square(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64
}

/// The first `rank` columns of the pivoted Cholesky factor of the deviations' covariance, of which a share `kept` is left to the diagonal;
/// and what is left of the diagonal.
fn leading_factors(deviations: &[f64], leaves: usize, rank: usize, kept: f64) -> (Vec<f64>, Vec<f64>) {
    let arms = (deviations.len() / leaves).max(1) as f64;
    let product = |l: usize, m: usize| {
        let sum: f64 = deviations.chunks_exact(leaves).map(|arm| arm[l] * arm[m]).sum();
        sum / arms * if l == m { 1.0 } else { 1.0 - kept }
    };
    let mut left: Vec<f64> = (0..leaves).map(|l| product(l, l)).collect();
    let mut factors = vec![0.0; leaves * rank];
    let smallest = NO_NOISE * left.iter().sum::<f64>();
    for j in 0..rank {
        let Some(pivot) = (0..leaves).max_by(|&l, &m| left[l].total_cmp(&left[m]).then(m.cmp(&l))) else {
            break;
        };
        if left[pivot] <= smallest {
            break;
        }
        let root = left[pivot].sqrt();
        for l in 0..leaves {
            let before: f64 = (0..j).map(|i| factors[l * rank + i] * factors[pivot * rank + i]).sum();
            factors[l * rank + j] = (product(l, pivot) - before) / root;
        }
        left.iter_mut()
            .zip(factors.chunks_exact(rank))
            .for_each(|(left, b)| *left = (*left - b[j] * b[j]).max(0.0));
        left[pivot] = 0.0;
    }
    (factors, left)
}

/// b with C C'b = the right side, in its place; what belongs to a column without a pivot is 0.
fn solve(lower: &[f64], right: &mut [f64]) {
    let side = right.len();
    let divide = |value: f64, pivot: f64| if pivot > 0.0 { value / pivot } else { 0.0 };
    for i in 0..side {
        let before: f64 = (0..i).map(|k| lower[i * side + k] * right[k]).sum();
        right[i] = divide(right[i] - before, lower[i * side + i]);
    }
    for i in (0..side).rev() {
        let after: f64 = (i + 1..side).map(|k| lower[k * side + i] * right[k]).sum();
        right[i] = divide(right[i] - after, lower[i * side + i]);
    }
}
