//! An estimated mean with its standard error and 95% interval.
//!
//! The n terms t_i come in G clusters c, independent of each other, with terms that may be alike within (Liang and Zeger
//! 1986, with the small-sample factor G / (G - 1)); the interval is that of Student's t with G - 1 degrees of freedom:
//!
//! ```text
//! V = (1/n) sum_i t_i        error^2 = G / (G - 1) / n^2  sum_c ( sum_{i in c} (t_i - V) )^2        V +- t_{G-1} error
//! ```
//!
//! Terms with sample weights, t_i = w_i g_i, estimate the weighted mean of g by linearisation (Saerndal, Swensson and
//! Wretman 1992, "Model assisted survey sampling"); with W = sum_i w_i,
//!
//! ```text
//! V = sum_i t_i / W          error^2 = G / (G - 1) / W^2  sum_c ( sum_{i in c} (t_i - w_i V) )^2
//! ```
//!
//! Where every unit is a cluster of its own and of weight 1, this is the variance of the terms, with divisor n - 1, over n.

use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::quantile::student_975;
use crate::data::{Study, numbered};

/// A mean of n >= 2 terms in G >= 2 clusters, in the unit of the terms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub estimate: f64,
    pub standard_error: f64,
    /// The ends of the 95% interval.
    pub interval: [f64; 2],
}

/// An estimate in JSON whose number is called `value`: `#[serde(flatten, with = "as_value")]`.
pub mod as_value {
    use super::{Deserialize, Estimate, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Value {
        value: f64,
        standard_error: f64,
        interval: [f64; 2],
    }

    pub fn serialize<S: serde::Serializer>(estimate: &Estimate, serializer: S) -> Result<S::Ok, S::Error> {
        let Estimate { estimate: value, standard_error, interval } = *estimate;
        Value { value, standard_error, interval }.serialize(serializer)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Estimate, D::Error> {
        let Value { value: estimate, standard_error, interval } = Value::deserialize(deserializer)?;
        Ok(Estimate { estimate, standard_error, interval })
    }
}

/// Which of the units may be alike, and how much each stands for.
#[derive(Clone)]
pub(crate) struct Sampling {
    /// The cluster of each unit (n), from 0 to `clusters` - 1.
    pub cluster_of: Vec<usize>,
    pub clusters: usize,
    /// The weight of each unit (n).
    pub weights: Vec<f64>,
    /// t of G - 1 degrees of freedom.
    quantile: f64,
}

impl Sampling {
    /// The clusters and weights of a study; without them every unit by itself, and of weight 1.
    pub(crate) fn of(study: &Study) -> Sampling {
        let cluster_of = match &study.cluster {
            None => (0..study.units()).collect(),
            Some(cluster) => numbered(cluster),
        };
        let weights = study.weights.as_ref().map_or(vec![1.0; study.units()], Array1::to_vec);
        Sampling::new(cluster_of, weights)
    }

    pub(crate) fn new(cluster_of: Vec<usize>, weights: Vec<f64>) -> Sampling {
        let clusters = cluster_of.iter().max().map_or(0, |last| last + 1);
        Sampling { cluster_of, clusters, weights, quantile: student_975(clusters as f64 - 1.0) }
    }

    /// The same for some of the units.
    pub(crate) fn among(&self, units: &[usize]) -> Sampling {
        let cluster_of: Vec<usize> = units.iter().map(|&i| self.cluster_of[i]).collect();
        Sampling::new(numbered(&cluster_of), units.iter().map(|&i| self.weights[i]).collect())
    }

    /// W, the sum of the weights.
    pub(crate) fn total(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// How many clusters have a unit of positive weight.
    pub(crate) fn weighted_clusters(&self) -> usize {
        let mut weighted = vec![false; self.clusters];
        self.weights.iter().zip(&self.cluster_of).for_each(|(&weight, &c)| weighted[c] |= weight > 0.0);
        weighted.into_iter().filter(|&weighted| weighted).count()
    }

    /// The number of units of equal weight that would know a mean as well, W^2 / sum_i w_i^2 (Kish 1965).
    pub(crate) fn effective_units(&self) -> f64 {
        self.total().powi(2) / self.weights.iter().map(|weight| weight * weight).sum::<f64>()
    }
}

impl Estimate {
    /// The estimate of the mean of what the terms, `term(i)` for unit i of n >= 2 and each already times its weight, are
    /// drawn from.
    pub(crate) fn of_mean(term: impl Fn(usize) -> f64, sampling: &Sampling) -> Estimate {
        let (total, count) = (sampling.total(), sampling.clusters as f64);
        let weighted = || sampling.weights.iter().enumerate().map(|(i, weight)| (term(i), weight));
        // About the first term, equal terms have a variance of exactly 0.
        let origin =
            weighted().find(|(_, weight)| **weight > 0.0).map_or(0.0, |(term, weight)| term / weight);
        let estimate =
            origin + weighted().fold(0.0, |sum, (term, weight)| sum + (term - weight * origin)) / total;
        let mut deviations = vec![0.0; sampling.clusters];
        weighted()
            .zip(&sampling.cluster_of)
            .for_each(|((term, weight), &c)| deviations[c] += term - weight * estimate);
        let squares = deviations.iter().fold(0.0, |sum, deviation| sum + deviation * deviation);
        // In this order, clusters of one unit give the same bits as the formula without clusters.
        let standard_error = (squares / (count - 1.0) / total * (count / total)).sqrt();
        let margin = if standard_error > 0.0 { sampling.quantile * standard_error } else { 0.0 };
        Estimate { estimate, standard_error, interval: [estimate - margin, estimate + margin] }
    }

    /// The same error and width about another estimate.
    pub(crate) fn about(self, estimate: f64) -> Estimate {
        let interval = self.interval.map(|end| end - self.estimate + estimate);
        Estimate { estimate, interval, ..self }
    }

    pub(crate) fn is_finite(&self) -> bool {
        let [lower, upper] = self.interval;
        [self.estimate, self.standard_error, lower, upper].iter().all(|number| number.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singly(n: usize) -> Sampling {
        Sampling::new((0..n).collect(), vec![1.0; n])
    }

    fn mean(terms: &[f64], sampling: &Sampling) -> Estimate {
        Estimate::of_mean(|i| terms[i], sampling)
    }

    #[test]
    fn a_mean_by_hand() {
        // Terms 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, variance 14/3, error sqrt(14/12); t with 3 degrees of freedom.
        let estimate = mean(&[1.0, 2.0, 3.0, 6.0], &singly(4));
        let error = (14.0_f64 / 12.0).sqrt();
        assert!((estimate.estimate - 3.0).abs() < 1e-15);
        assert!((estimate.standard_error - error).abs() < 1e-15);
        let half = 3.18244630528371 * error;
        assert!((estimate.interval[0] - (3.0 - half)).abs() < 1e-12);
        assert!((estimate.interval[1] - (3.0 + half)).abs() < 1e-12);
    }

    #[test]
    fn equal_terms_have_no_error() {
        let estimate = mean(&[0.1; 7], &singly(7));
        assert_eq!(estimate, Estimate { estimate: 0.1, standard_error: 0.0, interval: [0.1, 0.1] });
    }

    #[test]
    fn a_clustered_mean_by_hand() {
        // Deviations -2, -1, 0, 3 in clusters {1, 3} and {2, 6} sum to -2 and 2: 2/1 * 8 / 16.
        let clusters = Sampling::new(vec![0, 1, 0, 1], vec![1.0; 4]);
        let estimate = mean(&[1.0, 2.0, 3.0, 6.0], &clusters);
        assert_eq!((estimate.estimate, estimate.standard_error), (3.0, 1.0));
        // Two clusters leave one degree of freedom.
        assert!((estimate.interval[1] - 3.0 - 12.706204736174705).abs() < 1e-10);
    }

    #[test]
    fn clusters_of_one_unit_change_no_bit() {
        let terms: Vec<f64> = (0..1000).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
        let estimate = mean(&terms, &singly(1000));
        let squares = terms.iter().fold(0.0, |sum, term| sum + (term - estimate.estimate).powi(2));
        assert_eq!(estimate.standard_error, (squares / 999.0 / 1000.0).sqrt());
    }

    #[test]
    fn a_weighted_mean_by_hand() {
        // g = 1, 5, 2 with weights 1, 0.5, 1.5: mean 6.5 / 3; the deviations times weights are d; 3/2 sum d^2 / 9.
        let sampling = Sampling { weights: vec![1.0, 0.5, 1.5], ..singly(3) };
        let estimate = mean(&[1.0, 2.5, 3.0], &sampling);
        let mean = 6.5 / 3.0;
        let d = [1.0 - mean, 0.5 * (5.0 - mean), 1.5 * (2.0 - mean)];
        assert!((estimate.estimate - mean).abs() < 1e-15);
        let error = (1.5 * d.iter().map(|d| d * d).sum::<f64>() / 9.0).sqrt();
        assert!((estimate.standard_error - error).abs() < 1e-15);
        assert!((sampling.effective_units() - 9.0 / 3.5).abs() < 1e-15);
    }
}
