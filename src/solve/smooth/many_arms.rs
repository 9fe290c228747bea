//! The smooth approximation for K arms, and its steps. Parameters are the (intercept, b) of arms 1 to K - 1; arm 0 has the height 0.

use prescribe_models::RuleClass;
use prescribe_models::multi_linear_rule::{MergedUnits, MultiLinearProblem, MultiLinearRule};

use super::{NEAREST, SmoothModel, Smoothed, Smoothing, smallest};
use crate::solve::Unsupported;
use crate::solve::constraints::refuse_others;
use crate::solve::line_search::{Beta, Stepped, coordinates, height};

/// Heights whose slopes along a line differ by less are taken for parallel.
const PARALLEL: f64 = 1e-12;

impl SmoothModel for MultiLinearProblem {
    type Units<'p> = MergedUnits<'p>;

    fn merged(&self) -> MergedUnits<'_> {
        MergedUnits::of(self)
    }

    fn check(&self) -> Result<(), Unsupported> {
        refuse_others(self, "smooth", |_| false)
    }

    fn constant(&self) -> MultiLinearRule {
        self.best_constant().unwrap_or_else(|| self.class.constant(self.covariates.len(), 0))
    }
}

impl Stepped for MergedUnits<'_> {
    fn gain(&self, beta: &[f64]) -> f64 {
        let mut heights = Vec::with_capacity(self.arms());
        let mut reward = |(z, rewards): (&Vec<f64>, &Vec<f64>)| {
            fill(&mut heights, beta, z);
            rewards[highest(&heights)]
        };
        self.z.iter().zip(&self.rewards).map(&mut reward).sum()
    }

    /// Walks the upper envelope of each unit's heights from the flattest arm to the steepest.
    fn steps(&self, beta: &[f64], direction: &[f64]) -> (f64, Vec<(f64, f64)>) {
        let mut steps = Vec::with_capacity(self.z.len());
        let mut total = 0.0;
        let (mut at, mut slope) = (Vec::with_capacity(self.arms()), Vec::with_capacity(self.arms()));
        for (z, rewards) in self.z.iter().zip(&self.rewards) {
            fill(&mut at, beta, z);
            fill(&mut slope, direction, z);
            let mut arm = first_on_line(&at, &slope);
            total += rewards[arm];
            while let Some((t, next)) = next_on_line(&at, &slope, arm) {
                steps.push((t, rewards[next] - rewards[arm]));
                arm = next;
            }
        }
        (total, steps)
    }

    /// The coordinates, and what moves arm 0 alone.
    fn axes(&self) -> Vec<Beta> {
        let width = 1 + self.z[0].len();
        let of_first = |j: usize| (0..self.dimension()).map(|c| -f64::from(c % width == j)).collect();
        let mut axes = coordinates(self.dimension());
        if self.arms() > 2 {
            axes.extend((0..width).map(of_first));
        }
        axes
    }
}

impl Smoothed for MergedUnits<'_> {
    type Rule = MultiLinearRule;

    fn dimension(&self) -> usize {
        (self.arms() - 1) * (1 + self.z[0].len())
    }

    fn count(&self) -> usize {
        self.z.len()
    }

    fn rule(&self, beta: &[f64]) -> MultiLinearRule {
        let width = 1 + self.z[0].len();
        let first = vec![0.0; width];
        let blocks: Vec<&[f64]> = std::iter::once(first.as_slice()).chain(beta.chunks(width)).collect();
        MergedUnits::rule(
            self,
            &MultiLinearRule {
                intercepts: blocks.iter().map(|block| block[0]).collect(),
                coefficients: blocks.iter().map(|block| block[1..].to_vec()).collect(),
            },
        )
    }

    fn stake(&self) -> f64 {
        let most = |rewards: &Vec<f64>| rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = |rewards: &Vec<f64>| rewards.iter().copied().fold(f64::INFINITY, f64::min);
        self.rewards.iter().map(|rewards| most(rewards) - least(rewards)).sum()
    }

    fn smoothed_gain(&self, beta: &[f64], smoothing: Smoothing) -> f64 {
        let of_unit =
            |(z, rewards): (&Vec<f64>, &Vec<f64>)| mean(&shares(beta, z, smoothing.bandwidth), rewards);
        self.z.iter().zip(&self.rewards).map(of_unit).sum()
    }

    fn descent(&self, beta: &[f64], smoothing: Smoothing, scale: f64) -> Beta {
        let mut gradient = vec![0.0; beta.len()];
        for (z, rewards) in self.z.iter().zip(&self.rewards) {
            let shares = shares(beta, z, smoothing.bandwidth);
            let mean = mean(&shares, rewards);
            for (k, block) in gradient.chunks_mut(1 + z.len()).enumerate() {
                let weight = -shares[k + 1] * (rewards[k + 1] - mean) / (smoothing.bandwidth * scale);
                block[0] += weight;
                block[1..].iter_mut().zip(z).for_each(|(slot, v)| *slot += weight * v);
            }
        }
        gradient
    }

    /// The vectors of the differences between a unit's two highest arms, where they are smallest.
    fn nearest(&self, beta: &[f64]) -> Vec<Beta> {
        let closest = |(i, z): (usize, &Vec<f64>)| {
            let heights = heights(beta, z);
            let first = highest(&heights);
            let below = |k: &usize| *k != first;
            let second =
                (0..heights.len()).filter(below).reduce(|a, b| if heights[b] > heights[a] { b } else { a });
            let second = second.unwrap_or(first);
            (heights[first] - heights[second], (i, first, second))
        };
        let by_difference = self.z.iter().enumerate().map(closest).collect();
        let pin = |(i, first, second): (usize, usize, usize)| {
            let z = &self.z[i];
            let sign = |k: usize| f64::from(k == first) - f64::from(k == second);
            let block = |k: usize| std::iter::once(1.0).chain(z.iter().copied()).map(move |v| sign(k) * v);
            (1..self.arms()).flat_map(block).collect()
        };
        smallest(by_difference, NEAREST * (self.arms() - 1)).map(pin).collect()
    }
}

/// The height of each arm.
fn heights(beta: &[f64], z: &[f64]) -> Vec<f64> {
    let mut heights = Vec::new();
    fill(&mut heights, beta, z);
    heights
}

/// Puts the height of each arm into `heights`: the searches along lines have no time to make room for every unit.
fn fill(heights: &mut Vec<f64>, beta: &[f64], z: &[f64]) {
    heights.clear();
    heights.push(0.0);
    heights.extend(beta.chunks_exact(1 + z.len()).map(|block| height(block, z)));
}

/// The arm of the largest height, the lowest of equals.
fn highest(heights: &[f64]) -> usize {
    (1..heights.len()).fold(0, |best, k| if heights[k] > heights[best] { k } else { best })
}

/// The softmax of the heights.
fn shares(beta: &[f64], z: &[f64], bandwidth: f64) -> Vec<f64> {
    let heights = heights(beta, z);
    let top = heights[highest(&heights)];
    let mut shares: Vec<f64> = heights.iter().map(|h| ((h - top) / bandwidth).exp()).collect();
    let total: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

fn mean(shares: &[f64], rewards: &[f64]) -> f64 {
    shares.iter().zip(rewards).map(|(share, reward)| share * reward).sum()
}

/// The highest arm of `at + t slope` as t goes to -infinity.
fn first_on_line(at: &[f64], slope: &[f64]) -> usize {
    let flattest = slope.iter().copied().fold(f64::INFINITY, f64::min);
    let parallel = |k: &usize| slope[*k] <= flattest + PARALLEL;
    let higher = |best: usize, k: usize| if at[k] > at[best] { k } else { best };
    (0..at.len()).filter(parallel).reduce(higher).unwrap_or(0)
}

/// Where `arm` is first overtaken as t grows, and by which arm: of several at once, the steepest.
fn next_on_line(at: &[f64], slope: &[f64], arm: usize) -> Option<(f64, usize)> {
    let steeper = (0..at.len()).filter(|&k| slope[k] > slope[arm] + PARALLEL);
    let overtakes = steeper.map(|k| ((at[arm] - at[k]) / (slope[k] - slope[arm]), k));
    overtakes.reduce(|best, next| match best.0.total_cmp(&next.0) {
        std::cmp::Ordering::Greater => next,
        std::cmp::Ordering::Equal if slope[next.1] > slope[best.1] => next,
        _ => best,
    })
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use prescribe_models::multi_linear_rule::MultiLinear;
    use rand::Rng;

    use super::*;
    use crate::random::stream;

    fn problem(n: usize, p: usize, arms: usize) -> MultiLinearProblem {
        let mut random = stream(1, "test");
        let mut table = |columns| Array2::from_shape_fn((n, columns), |_| random.random_range(-1.0..1.0));
        let (x, rewards) = (table(p), table(arms));
        let names = |count: usize| (0..count).map(|j| j.to_string()).collect();
        MultiLinearProblem::new(MultiLinear { arms }, names(p), names(arms), x, rewards).unwrap()
    }

    /// The gain as the steps have it is the gain that the heights have, on both sides of every breakpoint.
    #[test]
    fn steps_are_the_gain_along_the_line() {
        let problem = problem(15, 2, 4);
        let units = MergedUnits::of(&problem);
        let mut random = stream(2, "test");
        for _ in 0..20 {
            let mut beta = || (0..9).map(|_| random.random_range(-1.0..1.0)).collect::<Beta>();
            let (at, direction) = (beta(), beta());
            let (mut total, mut steps) = units.steps(&at, &direction);
            steps.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(steps.len() > 15);
            let gain =
                |t: f64| units.gain(&at.iter().zip(&direction).map(|(b, d)| b + t * d).collect::<Beta>());
            assert!((gain(steps[0].0 - 1.0) - total).abs() < 1e-9);
            for (step, next) in steps.iter().zip(steps[1..].iter().map(|s| s.0).chain([f64::INFINITY])) {
                total += step.1;
                let middle = if next.is_finite() { (step.0 + next) / 2.0 } else { step.0 + 1.0 };
                assert!(next - step.0 < 1e-9 || (gain(middle) - total).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_descent_is_the_gradient() {
        let problem = problem(10, 2, 3);
        let units = MergedUnits::of(&problem);
        let beta = [0.3, -0.2, 0.9, -0.4, 0.1, 0.5];
        let smoothing = Smoothing { bandwidth: 0.5, plain: false };
        let descent = units.descent(&beta, smoothing, 2.0);
        for j in 0..beta.len() {
            let at = |shift: f64| {
                let mut moved = beta;
                moved[j] += shift;
                -units.smoothed_gain(&moved, smoothing) / 2.0
            };
            assert!(((at(1e-6) - at(-1e-6)) / 2e-6 - descent[j]).abs() < 1e-7);
        }
    }
}
