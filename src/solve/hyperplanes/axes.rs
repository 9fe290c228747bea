//! The coordinates in which the boxes of directions are laid: along and across the incumbent.
//!
//! ```text
//! y = H D^-1 (z - a)       a  the mean of the units near the incumbent's boundary
//!                          D  standard deviations
//!                          H  the reflection that takes the incumbent's direction to the first axis
//! d'y >= t   <=>   b'z >= t + a'b,     b = D^-1 H d
//! ```
//!
//! Where coefficients must have a sign, nothing is reflected: each axis stays that of its covariate, H = 1.
//!
//! Any regular map would do; this one keeps boxes few. The rules worth a look are near the incumbent, so all on one face; the units
//! that they leave open lie around a, so their heights change least as a box widens.

use prescribe_models::linear_rule::MergedUnits;

use super::super::line_search::height;

/// The share of the units, nearest to the boundary, around which the coordinates are centred.
const NEAR: f64 = 0.2;

pub struct Axes {
    centre: Vec<f64>,
    deviations: Vec<f64>,
    /// The mirror's normal; zero where nothing is reflected.
    mirror: Vec<f64>,
}

impl Axes {
    /// Around the rule `beta` (intercept first) in the scaled covariates; `covariates` are those that vary, `reflected` says whether
    /// axes may be mixed.
    pub fn around(units: &MergedUnits, covariates: &[usize], beta: &[f64], reflected: bool) -> Self {
        let mut near: Vec<usize> = (0..units.z.len()).collect();
        let count = ((near.len() as f64 * NEAR) as usize).max(1).min(near.len());
        if beta[1..].iter().any(|b| *b != 0.0) && count < near.len() {
            let distance: Vec<f64> = units.z.iter().map(|z| height(beta, z).abs()).collect();
            near.select_nth_unstable_by(count, |&a, &b| distance[a].total_cmp(&distance[b]));
            near.truncate(count);
        }
        let all = 0..units.z.len();
        let mean = |of: &mut dyn Iterator<Item = f64>, count: usize| of.sum::<f64>() / count as f64;
        let centre =
            covariates.iter().map(|&j| mean(&mut near.iter().map(|&i| units.z[i][j]), near.len())).collect();
        let deviation = |&j: &usize| {
            let middle = mean(&mut all.clone().map(|i| units.z[i][j]), all.len());
            mean(&mut all.clone().map(|i| (units.z[i][j] - middle).powi(2)), all.len()).sqrt()
        };
        let deviations: Vec<f64> = covariates.iter().map(deviation).collect();
        let direction: Vec<f64> = covariates
            .iter()
            .zip(&deviations)
            .map(|(&j, s)| if reflected { beta[1 + j] * s } else { 0.0 })
            .collect();
        Self { centre, mirror: mirror(direction), deviations }
    }

    /// y of a unit with scaled covariates z (those that vary).
    pub fn coordinates(&self, z: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut y: Vec<f64> =
            z.zip(&self.centre).zip(&self.deviations).map(|((v, a), s)| (v - a) / s).collect();
        self.reflect(&mut y);
        y
    }

    /// Direction and threshold in z of the rule `direction'y >= threshold`.
    pub fn rule(&self, direction: &[f64], threshold: f64) -> (Vec<f64>, f64) {
        let mut b = direction.to_vec();
        self.reflect(&mut b);
        b.iter_mut().zip(&self.deviations).for_each(|(v, s)| *v /= s);
        let shift: f64 = b.iter().zip(&self.centre).map(|(v, a)| v * a).sum();
        (b, threshold + shift)
    }

    fn reflect(&self, v: &mut [f64]) {
        let along: f64 = v.iter().zip(&self.mirror).map(|(v, m)| v * m).sum();
        v.iter_mut().zip(&self.mirror).for_each(|(v, m)| *v -= 2.0 * along * m);
    }
}

/// The unit normal of the mirror that swaps `direction`, scaled to length one, and the first axis.
fn mirror(direction: Vec<f64>) -> Vec<f64> {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let length = norm(&direction);
    let mut normal: Vec<f64> =
        direction.iter().map(|v| if length > 0.0 { v / length } else { 0.0 }).collect();
    if length > 0.0 {
        normal[0] -= 1.0;
    }
    let length = norm(&normal);
    // A direction that is the first axis already is left there.
    normal.iter_mut().for_each(|v| *v = if length > 1e-9 { *v / length } else { 0.0 });
    normal
}
