//! The smooth approximation of rules valued cluster by cluster, and its steps.
//!
//! Units are treated independently with probability S((b0 + z'b) / h): the surrogate is the expected value of that stochastic rule
//! (`cluster_rule`'s `Cluster::expected`), which becomes the value of the rule itself as h falls. Where the source weighs numbers of treated
//! neighbours otherwise, that is the plain surrogate.

use prescribe_models::RuleClass;
use prescribe_models::cluster_rule::{Cluster, ClusterProblem, Counting, Interaction};
use prescribe_models::linear_rule::{LinearRule, MergedUnits};

use super::two_arms::share;
use super::{SmoothModel, Smoothed, Smoothing};
use crate::solve::Unsupported;
use crate::solve::constraints::refuse_others;
use crate::solve::line_search::{Beta, Stepped, height};

/// Clusters over merged units.
pub struct MergedClusters<'p> {
    units: MergedUnits<'p>,
    clusters: &'p [Cluster],
    /// Of each point, the cluster and the place in it of each unit there.
    places: Vec<Vec<(usize, usize)>>,
}

impl SmoothModel for ClusterProblem {
    type Units<'p> = MergedClusters<'p>;

    fn merged(&self) -> MergedClusters<'_> {
        let units = MergedUnits::of(self.linear());
        let mut places = vec![Vec::new(); units.z.len()];
        for (i, cluster) in self.clusters().iter().enumerate() {
            cluster.units.iter().enumerate().for_each(|(j, &u)| places[units.point_of[u]].push((i, j)));
        }
        MergedClusters { units, clusters: self.clusters(), places }
    }

    fn check(&self) -> Result<(), Unsupported> {
        refuse_others(self.linear(), "smooth", |_| false)
    }

    fn constant(&self) -> LinearRule {
        let nobody = || self.linear().class.constant(self.linear().covariates.len(), 0);
        self.best_constant().map_or_else(nobody, |(rule, _)| rule)
    }
}

impl MergedClusters<'_> {
    /// A number of each unit of a cluster, from those of the points.
    fn of_units<T: Copy>(&self, cluster: &Cluster, of_points: &[T]) -> Vec<T> {
        cluster.units.iter().map(|&u| of_points[self.units.point_of[u]]).collect()
    }

    /// The probabilities that points are treated.
    fn shares(&self, beta: &[f64], bandwidth: f64) -> Vec<f64> {
        self.units.z.iter().map(|z| share(height(beta, z) / bandwidth)).collect()
    }
}

fn counting(smoothing: Smoothing) -> Counting {
    if smoothing.plain { Counting::Exponential } else { Counting::Binomial }
}

impl Stepped for MergedClusters<'_> {
    fn gain(&self, beta: &[f64]) -> f64 {
        let treated: Vec<bool> = self.units.z.iter().map(|z| height(beta, z) >= 0.0).collect();
        let value = |cluster: &Cluster| cluster.value(&self.of_units(cluster, &treated));
        self.units.gain(beta) + self.clusters.iter().map(value).sum::<f64>()
    }

    /// Turns one point after the other along the line: what a turn changes depends on the labels that it finds.
    fn steps(&self, beta: &[f64], direction: &[f64]) -> (f64, Vec<(f64, f64)>) {
        let mut turns: Vec<(f64, usize)> = Vec::with_capacity(self.units.z.len());
        let mut treated = Vec::with_capacity(self.units.z.len());
        for (k, z) in self.units.z.iter().enumerate() {
            let (at, slope) = (height(beta, z), height(direction, z));
            let still = slope.abs() < 1e-12;
            treated.push(if still { at >= 0.0 } else { slope < 0.0 });
            turns.extend((!still).then_some((-at / slope, k)));
        }
        turns.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut labels: Vec<Vec<bool>> = self.clusters.iter().map(|c| self.of_units(c, &treated)).collect();
        let mut values: Vec<f64> =
            self.clusters.iter().zip(&labels).map(|(c, labels)| c.value(labels)).collect();
        let gains = self.units.gains.iter().zip(&treated).filter(|(_, treated)| **treated);
        let total = gains.map(|(gain, _)| gain).sum::<f64>() + values.iter().sum::<f64>();
        let turn = |(t, k): (f64, usize)| {
            let mut change = if treated[k] { -self.units.gains[k] } else { self.units.gains[k] };
            for &(i, j) in &self.places[k] {
                labels[i][j] = !treated[k];
                let value = self.clusters[i].value(&labels[i]);
                change += value - std::mem::replace(&mut values[i], value);
            }
            (t, change)
        };
        (total, turns.into_iter().map(turn).collect())
    }

    fn axes(&self) -> Vec<Beta> {
        self.units.axes()
    }
}

impl Smoothed for MergedClusters<'_> {
    type Rule = LinearRule;

    fn dimension(&self) -> usize {
        self.units.dimension()
    }

    fn count(&self) -> usize {
        self.units.count()
    }

    fn rule(&self, beta: &[f64]) -> LinearRule {
        Smoothed::rule(&self.units, beta)
    }

    fn stake(&self) -> f64 {
        let most = |cluster: &Cluster| match &cluster.interaction {
            Interaction::Unknown { weight } => weight.abs(),
            Interaction::Anonymous { weights } => weights.iter().map(|weight| weight.abs()).sum(),
            Interaction::Polynomial { weight, chances, .. } => {
                weight.abs() * chances.iter().map(|chance| 1.0 / chance).sum::<f64>()
            }
        };
        self.units.stake() + self.clusters.iter().map(most).sum::<f64>()
    }

    fn smoothed_gain(&self, beta: &[f64], smoothing: Smoothing) -> f64 {
        let shares = self.shares(beta, smoothing.bandwidth);
        let value = |c: &Cluster| c.expected(&self.of_units(c, &shares), counting(smoothing)).value;
        self.units.smoothed_gain(beta, smoothing) + self.clusters.iter().map(value).sum::<f64>()
    }

    fn descent(&self, beta: &[f64], smoothing: Smoothing, scale: f64) -> Beta {
        let shares = self.shares(beta, smoothing.bandwidth);
        let mut slopes = self.units.gains.clone();
        for cluster in self.clusters {
            let expected = cluster.expected(&self.of_units(cluster, &shares), counting(smoothing));
            let of_units = cluster.units.iter().zip(expected.gradient);
            of_units.for_each(|(&u, slope)| slopes[self.units.point_of[u]] += slope);
        }
        let mut gradient = vec![0.0; beta.len()];
        for ((z, share), slope) in self.units.z.iter().zip(&shares).zip(slopes) {
            let weight = -slope * share * (1.0 - share) / (smoothing.bandwidth * scale);
            gradient[0] += weight;
            gradient[1..].iter_mut().zip(z).for_each(|(slot, v)| *slot += weight * v);
        }
        gradient
    }

    fn nearest(&self, beta: &[f64]) -> Vec<Beta> {
        self.units.nearest(beta)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use prescribe_models::linear_rule::LinearProblem;
    use rand::Rng;

    use super::*;
    use crate::random::stream;

    /// Three clusters of four units, each under another interference.
    fn problem() -> ClusterProblem {
        let mut random = stream(1, "test");
        let x = Array2::from_shape_simple_fn((12, 2), || random.random_range(-1.0..1.0));
        let gains: Vec<f64> = (0..12).map(|_| random.random_range(-0.5..0.5)).collect();
        let linear = LinearProblem::from_gains(vec!["a".into(), "b".into()], x, &gains).unwrap();
        let interactions = [
            Interaction::Unknown { weight: 1.5 },
            Interaction::Polynomial { weight: -0.5, order: 2, chances: vec![0.4, 0.5, 0.6, 0.7] },
            Interaction::Anonymous { weights: vec![1.0, -0.5, 2.0, 0.25] },
        ];
        let cluster = |(i, interaction): (usize, Interaction)| Cluster {
            units: (4 * i..4 * i + 4).collect(),
            received: vec![true, false, true, false],
            interaction,
            joint_cost: vec![0.0, 0.1, 0.3, 0.6, 1.0],
        };
        ClusterProblem::new(linear, interactions.into_iter().enumerate().map(cluster).collect()).unwrap()
    }

    /// The gain as the steps have it is the gain that the heights have, between all breakpoints.
    #[test]
    fn steps_are_the_gain_along_the_line() {
        let problem = problem();
        let units = problem.merged();
        let mut random = stream(2, "test");
        for _ in 0..20 {
            let mut beta = || (0..3).map(|_| random.random_range(-1.0..1.0)).collect::<Beta>();
            let (at, direction) = (beta(), beta());
            let (mut total, mut steps) = units.steps(&at, &direction);
            steps.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert_eq!(steps.len(), 12);
            let gain =
                |t: f64| units.gain(&at.iter().zip(&direction).map(|(b, d)| b + t * d).collect::<Beta>());
            assert!((gain(steps[0].0 - 1.0) - total).abs() < 1e-9);
            for (step, next) in steps.iter().zip(steps[1..].iter().map(|s| s.0).chain([step_beyond(&steps)]))
            {
                total += step.1;
                assert!(next - step.0 < 1e-9 || (gain((step.0 + next) / 2.0) - total).abs() < 1e-9);
            }
        }
    }

    fn step_beyond(steps: &[(f64, f64)]) -> f64 {
        steps.last().map_or(0.0, |last| last.0 + 1.0)
    }

    #[test]
    fn the_descent_is_the_gradient() {
        let problem = problem();
        let units = problem.merged();
        let beta = [0.3, -0.2, 0.9];
        for plain in [true, false] {
            let smoothing = Smoothing { bandwidth: 0.5, plain };
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
}
