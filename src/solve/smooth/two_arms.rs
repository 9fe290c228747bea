//! The smooth approximation for two arms, and its steps.

use prescribe_models::RuleClass;
use prescribe_models::linear_rule::{LinearProblem, LinearRule, MergedUnits};

use super::{NEAREST, SmoothModel, Smoothed, Smoothing, smallest};
use crate::solve::Unsupported;
use crate::solve::constraints::refuse_others;
use crate::solve::line_search::{Beta, Stepped, coordinates, height};

impl SmoothModel for LinearProblem {
    type Units<'p> = MergedUnits<'p>;

    fn merged(&self) -> MergedUnits<'_> {
        MergedUnits::of(self)
    }

    fn check(&self) -> Result<(), Unsupported> {
        refuse_others(self, "smooth", |_| false)
    }

    fn constant(&self) -> LinearRule {
        self.best_constant().unwrap_or_else(|| self.class.constant(self.covariates.len(), 0))
    }
}

impl Stepped for MergedUnits<'_> {
    fn gain(&self, beta: &[f64]) -> f64 {
        self.z.iter().zip(&self.gains).filter(|(z, _)| height(beta, z) >= 0.0).map(|(_, g)| g).sum()
    }

    fn steps(&self, beta: &[f64], direction: &[f64]) -> (f64, Vec<(f64, f64)>) {
        let mut steps: Vec<(f64, f64)> = Vec::with_capacity(self.gains.len());
        let mut total = 0.0;
        for (z, gain) in self.z.iter().zip(&self.gains) {
            let (at, slope) = (height(beta, z), height(direction, z));
            match slope {
                slope if slope.abs() < 1e-12 => total += if at >= 0.0 { *gain } else { 0.0 },
                slope if slope > 0.0 => steps.push((-at / slope, *gain)),
                slope => {
                    total += gain;
                    steps.push((-at / slope, -gain));
                }
            }
        }
        (total, steps)
    }

    fn axes(&self) -> Vec<Beta> {
        coordinates(self.dimension())
    }
}

impl Smoothed for MergedUnits<'_> {
    type Rule = LinearRule;

    fn dimension(&self) -> usize {
        1 + self.z[0].len()
    }

    fn count(&self) -> usize {
        self.z.len()
    }

    fn rule(&self, beta: &[f64]) -> LinearRule {
        MergedUnits::rule(self, beta[0], &beta[1..])
    }

    fn stake(&self) -> f64 {
        self.gains.iter().map(|g| g.abs()).sum()
    }

    fn smoothed_gain(&self, beta: &[f64], smoothing: Smoothing) -> f64 {
        self.z.iter().zip(&self.gains).map(|(z, g)| g * share(height(beta, z) / smoothing.bandwidth)).sum()
    }

    fn descent(&self, beta: &[f64], smoothing: Smoothing, scale: f64) -> Beta {
        let mut gradient = vec![0.0; beta.len()];
        for (z, gain) in self.z.iter().zip(&self.gains) {
            let share = share(height(beta, z) / smoothing.bandwidth);
            let weight = -gain * share * (1.0 - share) / (smoothing.bandwidth * scale);
            gradient[0] += weight;
            gradient[1..].iter_mut().zip(z).for_each(|(slot, v)| *slot += weight * v);
        }
        gradient
    }

    /// `(1, z)` of the units nearest to the boundary.
    fn nearest(&self, beta: &[f64]) -> Vec<Beta> {
        let by_height = self.z.iter().map(|z| (height(beta, z).abs(), z)).collect();
        let pin = |z: &Vec<f64>| std::iter::once(1.0).chain(z.iter().copied()).collect();
        smallest(by_height, NEAREST).map(pin).collect()
    }
}

/// The sigmoid.
pub(super) fn share(height: f64) -> f64 {
    1.0 / (1.0 + (-height).exp())
}
