//! Means of arms in the leaves of a tree, shrunken towards what other arms say of the leaf, other leaves of the arm, or both (forest.txt,
//! section 6.2).
//!
//! With N_kl units (or their mass) of arm k in leaf l, their mean ybar_kl, and lambda_k the variance of a unit of arm k over that of a true
//! mean about its prior mean, s_k^2 / tau^2,
//!
//! ```text
//! shrunken   Yhat_kl = (N_kl ybar_kl + lambda_k m_kl) / (N_kl + lambda_k)            an arm without units in a leaf gets the prior mean m_kl
//! leaf       m_kl = a_l         a_l = sum_k u_kl ybar_kl / sum_k u_kl                 u_kl = N_kl / (N_kl + lambda_k), 0 without units
//! arm        m_kl = b_k         b_k = sum_l u_kl ybar_kl / sum_l u_kl
//! both       m_kl = a_l + b_k   ybar_kl ~ N(a_l + b_k, tau^2 / u_kl),   b_k ~ N(0, c)
//! ```
//!
//! The variance of ybar_kl about its prior mean is tau^2 + s_k^2 / N_kl = tau^2 / u_kl, hence the weights; `leaf` with one lambda for all arms is
//! section 3.1.
//! Under `both`, the model of section 5 with a_l = alpha + beta_l left free, the arms' effects b_k are posterior means: sums of the
//! arm's deviations over sum_l u_kl + tau^2 / c. tau^2 and c are those of the largest likelihood, by EM; with c = 0 it is `leaf`.

use serde::{Deserialize, Serialize};

/// Where means of cells are shrunken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Towards {
    /// The mean of the leaf over arms.
    #[default]
    Leaf,
    /// The mean of the arm over leaves.
    Arm,
    /// Leaf and arm added up, the arm as far as the arms differ throughout.
    Both,
}

/// Steps of EM at the most, and the change of an arm's effect, in standard deviations tau, at which it stops.
const MOST_STEPS: usize = 200;
const TOLERANCE: f64 = 1e-6;

/// Writes the shrunken means of K arms in L leaves into `out`. Sums S, masses N and `out` are L x K, leaf by leaf; `lambda` is K long; masses
/// and lambdas are at least 0. Where no arm has units in any leaf, `out` is left as it is; a leaf without units has a_l = the mean of the others.
pub fn shrunken_across(sums: &[f64], masses: &[f64], lambda: &[f64], towards: Towards, out: &mut [f64]) {
    let cells = Cells { sums, masses, lambda };
    let Some(overall) = cells.mean(cells.filled(), |_| 0.0) else { return };
    let leaf_mean = |l| cells.mean(cells.row(l), |_| 0.0).unwrap_or(overall);
    let leaves: Vec<f64> = (0..cells.leaves()).map(leaf_mean).collect();
    let (leaf, arm) = match towards {
        Towards::Leaf => (leaves, vec![0.0; lambda.len()]),
        Towards::Arm => {
            let mean = |k| cells.mean(cells.column(k), |_| 0.0).unwrap_or(overall);
            (vec![0.0; leaves.len()], (0..lambda.len()).map(mean).collect())
        }
        Towards::Both => Effects::start(&cells, leaves).run(&cells),
    };
    for (cell, out) in out.iter_mut().enumerate() {
        let (l, k) = (cell / lambda.len(), cell % lambda.len());
        let prior = leaf[l] + arm[k];
        *out = match masses[cell] {
            mass if mass > 0.0 => (sums[cell] + lambda[k] * prior) / (mass + lambda[k]),
            _ => prior,
        };
    }
}

/// What the leaves hold of the arms.
struct Cells<'a> {
    sums: &'a [f64],
    masses: &'a [f64],
    lambda: &'a [f64],
}

impl Cells<'_> {
    fn arms(&self) -> usize {
        self.lambda.len()
    }

    fn leaves(&self) -> usize {
        self.masses.len() / self.arms().max(1)
    }

    /// u_kl.
    fn weight(&self, l: usize, k: usize) -> f64 {
        let mass = self.masses[l * self.arms() + k];
        if mass > 0.0 { mass / (mass + self.lambda[k]) } else { 0.0 }
    }

    /// ybar_kl, of a cell with units.
    fn value(&self, l: usize, k: usize) -> f64 {
        let cell = l * self.arms() + k;
        self.sums[cell] / self.masses[cell]
    }

    fn row(&self, l: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        (0..self.arms()).map(move |k| (l, k))
    }

    fn column(&self, k: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        (0..self.leaves()).map(move |l| (l, k))
    }

    /// Leaves and arms of the cells with units.
    fn filled(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.leaves()).flat_map(|l| self.row(l)).filter(|&(l, k)| self.weight(l, k) > 0.0)
    }

    /// sum u (ybar - arm's effect) / sum u over some cells; none where they have no units.
    fn mean(
        &self,
        cells: impl Iterator<Item = (usize, usize)>,
        effect: impl Fn(usize) -> f64,
    ) -> Option<f64> {
        let (mut above, mut below) = (0.0, 0.0);
        for (l, k) in cells.filter(|&(l, k)| self.weight(l, k) > 0.0) {
            above += self.weight(l, k) * (self.value(l, k) - effect(k));
            below += self.weight(l, k);
        }
        (below > 0.0).then(|| above / below)
    }
}

/// The model of leaves and arms, as EM goes on.
struct Effects {
    /// a (L)
    leaf: Vec<f64>,
    /// b (K)
    arm: Vec<f64>,
    /// sum_l u_kl (K)
    weight: Vec<f64>,
    /// tau^2
    interaction: f64,
    /// c
    spread: f64,
}

impl Effects {
    /// Leaves as they are without arms, and half of what is left said to be the arms'.
    fn start(cells: &Cells, leaf: Vec<f64>) -> Effects {
        let mut weight = vec![0.0; cells.arms()];
        let (mut squares, mut count) = (0.0, 0);
        for (l, k) in cells.filled() {
            weight[k] += cells.weight(l, k);
            squares += cells.weight(l, k) * (cells.value(l, k) - leaf[l]).powi(2);
            count += 1;
        }
        let half = squares / (2.0 * f64::from(count));
        Effects { leaf, arm: vec![0.0; cells.arms()], weight, interaction: half, spread: half }
    }

    /// Leaf and arm effects at the largest likelihood. Of one leaf, or of arms that say all the same, arms have no effect to tell apart.
    fn run(mut self, cells: &Cells) -> (Vec<f64>, Vec<f64>) {
        if cells.leaves() < 2 {
            return (self.leaf, self.arm);
        }
        for _ in 0..MOST_STEPS {
            if self.interaction <= 0.0 || self.spread <= 0.0 {
                break;
            }
            let change = self.step(cells);
            if change <= TOLERANCE * self.interaction.sqrt() {
                break;
            }
        }
        (self.leaf, self.arm)
    }

    /// One step of EM; returns the largest change of an arm's effect.
    fn step(&mut self, cells: &Cells) -> f64 {
        let ratio = self.interaction / self.spread;
        let mut deviations = vec![0.0; self.arm.len()];
        for (l, k) in cells.filled() {
            deviations[k] += cells.weight(l, k) * (cells.value(l, k) - self.leaf[l]);
        }
        let mut change: f64 = 0.0;
        for (k, deviation) in deviations.iter().enumerate() {
            let effect = deviation / (self.weight[k] + ratio);
            change = change.max((effect - self.arm[k]).abs());
            self.arm[k] = effect;
        }
        let variance: Vec<f64> =
            self.weight.iter().map(|weight| self.interaction / (weight + ratio)).collect();
        for (l, leaf) in self.leaf.iter_mut().enumerate() {
            *leaf = cells.mean(cells.row(l), |k| self.arm[k]).unwrap_or(*leaf);
        }
        let present = || (0..self.arm.len()).filter(|&k| self.weight[k] > 0.0);
        let squares = present().map(|k| self.arm[k].powi(2) + variance[k]).sum::<f64>();
        self.spread = squares / present().count() as f64;
        let (mut squares, mut count) = (0.0, 0);
        for (l, k) in cells.filled() {
            let rest = cells.value(l, k) - self.leaf[l] - self.arm[k];
            squares += cells.weight(l, k) * (rest * rest + variance[k]);
            count += 1;
        }
        self.interaction = squares / f64::from(count);
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_utility::shrunken;

    /// Two leaves of three arms; arm 2 has no units in the second.
    const SUMS: [f64; 6] = [6.0, 10.0, -4.0, 3.0, 8.0, 0.0];
    const MASSES: [f64; 6] = [3.0, 1.0, 2.0, 1.0, 4.0, 0.0];

    #[test]
    fn towards_leaves_is_the_shrinkage_of_each_leaf() {
        let mut out = [0.0; 6];
        shrunken_across(&SUMS, &MASSES, &[0.5; 3], Towards::Leaf, &mut out);
        for leaf in 0..2 {
            let (mut by_itself, cells) = ([0.0; 3], 3 * leaf..3 * leaf + 3);
            shrunken(&SUMS[cells.clone()], &MASSES[cells.clone()], 0.5, &mut by_itself);
            for (a, b) in out[cells].iter().zip(by_itself) {
                assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        }
    }

    #[test]
    fn towards_arms_by_hand() {
        let mut out = [0.0; 6];
        shrunken_across(&SUMS, &MASSES, &[1.0, 1.0, 2.0], Towards::Arm, &mut out);
        // Arm 0: u = 3/4 and 1/2, means 2 and 3; arm 1: u = 1/2 and 4/5, means 10 and 2; arm 2: one cell, mean -2.
        let arms = [(0.75 * 2.0 + 0.5 * 3.0) / 1.25, (0.5 * 10.0 + 0.8 * 2.0) / 1.3, -2.0];
        let expected = [
            (6.0 + arms[0]) / 4.0,
            (10.0 + arms[1]) / 2.0,
            -2.0,
            (3.0 + arms[0]) / 2.0,
            (8.0 + arms[1]) / 5.0,
            -2.0,
        ];
        for (a, b) in out.iter().zip(expected) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }

    #[test]
    fn both_find_arms_and_leaves_where_they_add_up() {
        // 8 leaves, 5 arms, one unit a cell and a strong lambda: all that is left are sums of leaf and arm.
        let (leaf, arm) = (|l: usize| (l as f64 - 3.5) * 2.0, |k: usize| [3.0, -3.0, 1.0, -1.0, 0.0][k]);
        let sums: Vec<f64> = (0..40).map(|cell| leaf(cell / 5) + arm(cell % 5)).collect();
        let mut masses = vec![1.0; 40];
        masses[7] = 0.0;
        let mut out = vec![0.0; 40];
        shrunken_across(&sums, &masses, &[100.0; 5], Towards::Both, &mut out);
        for (cell, (found, truth)) in out.iter().zip(&sums).enumerate() {
            assert!((found - truth).abs() < 0.05, "cell {cell}: {found} {truth}");
        }
    }

    /// log density of the means of filled cells with leaf effects a, and the posterior means of arms' effects: an arm's means have covariance
    /// c 11' + tau^2 diag(1 / u), inverted by Sherman and Morrison.
    fn directly(cells: &Cells, leaf: &[f64], interaction: f64, spread: f64) -> (f64, Vec<f64>) {
        let mut log_density = 0.0;
        let mut effects = Vec::new();
        for k in 0..cells.arms() {
            let filled: Vec<usize> = (0..cells.leaves()).filter(|&l| cells.weight(l, k) > 0.0).collect();
            let diagonal = |l: usize| interaction / cells.weight(l, k);
            let rest = |l: usize| cells.value(l, k) - leaf[l];
            let precision: f64 = filled.iter().map(|&l| 1.0 / diagonal(l)).sum();
            let weighted: f64 = filled.iter().map(|&l| rest(l) / diagonal(l)).sum();
            let squares: f64 = filled.iter().map(|&l| rest(l).powi(2) / diagonal(l)).sum();
            let determinant: f64 = filled.iter().map(|&l| diagonal(l).ln()).sum();
            let quadratic = squares - spread * weighted * weighted / (1.0 + spread * precision);
            log_density -= 0.5 * (determinant + (1.0 + spread * precision).ln() + quadratic);
            effects.push(spread * weighted / (1.0 + spread * precision));
        }
        (log_density, effects)
    }

    #[test]
    fn both_maximise_the_likelihood() {
        let wave = |i: usize, step: f64| (i as f64 * step).sin();
        let masses: Vec<f64> = (0..48).map(|i| [0.0, 1.0, 2.0, 5.0, 3.0][i % 5]).collect();
        let mean = |i: usize| 3.0 * wave(i / 8, 1.7) + 2.0 * wave(i % 8, 2.3) + wave(i, 5.1);
        let sums: Vec<f64> = (0..48).map(|i| masses[i] * mean(i)).collect();
        let lambda = [0.5, 1.0, 2.0, 1.0, 0.0, 1.0, 3.0, 1.0];
        let cells = Cells { sums: &sums, masses: &masses, lambda: &lambda };
        let start = (0..6).map(|l| cells.mean(cells.row(l), |_| 0.0).expect("units")).collect();
        let mut found = Effects::start(&cells, start);
        for _ in 0..2_000 {
            found.step(&cells);
        }
        let at = |leaf: &[f64], interaction, spread| directly(&cells, leaf, interaction, spread).0;
        let (best, effects) = directly(&cells, &found.leaf, found.interaction, found.spread);
        for (a, b) in found.arm.iter().zip(effects) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
        for factor in [0.97, 1.03] {
            assert!(at(&found.leaf, factor * found.interaction, found.spread) < best);
            assert!(at(&found.leaf, found.interaction, factor * found.spread) < best);
        }
        for (l, shift) in (0..6).flat_map(|l| [(l, -0.05), (l, 0.05)]) {
            let mut leaf = found.leaf.clone();
            leaf[l] += shift;
            assert!(at(&leaf, found.interaction, found.spread) < best, "leaf {l}");
        }
    }

    #[test]
    fn a_leaf_alone_has_no_arms_to_tell_apart() {
        let (mut both, mut leaf) = ([0.0; 3], [0.0; 3]);
        shrunken_across(&SUMS[..3], &MASSES[..3], &[1.0; 3], Towards::Both, &mut both);
        shrunken_across(&SUMS[..3], &MASSES[..3], &[1.0; 3], Towards::Leaf, &mut leaf);
        assert_eq!(both, leaf);
    }

    #[test]
    fn without_units_nothing_is_said() {
        let mut out = [7.0; 4];
        shrunken_across(&[0.0; 4], &[0.0; 4], &[1.0; 2], Towards::Both, &mut out);
        assert_eq!(out, [7.0; 4]);
    }
}
