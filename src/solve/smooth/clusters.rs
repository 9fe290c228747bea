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
