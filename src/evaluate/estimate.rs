//! An estimated mean with its standard error and 95% interval, by the normal approximation.
//!
//! The n terms t_i come in G clusters c, independent of each other, with terms that may be alike within (Liang and Zeger
//! 1986, with the small-sample factor G / (G - 1)):
//!
//! ```text
//! V = (1/n) sum_i t_i        error^2 = G / (G - 1) / n^2  sum_c ( sum_{i in c} (t_i - V) )^2
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

use ndarray::{Array1, ArrayView1};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::data::{Study, numbered};

/// A mean of n >= 2 terms in G >= 2 clusters: estimate +- z_{0.975} error, in the unit of the terms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub estimate: f64,
    pub standard_error: f64,
    /// The lower end of the 95% interval.
    pub lower: f64,
    /// The upper end of the 95% interval.
    pub upper: f64,
}

/// Which of the units may be alike, and how much each stands for.
pub(super) struct Sampling {
    /// The cluster of each unit (n), from 0 to `clusters` - 1.
    pub cluster_of: Vec<usize>,
    pub clusters: usize,
    /// The weight of each unit (n).
    pub weights: Vec<f64>,
}

impl Sampling {
    /// The clusters and weights of a study; without them every unit by itself, and of weight 1.
    pub(super) fn of(study: &Study) -> Sampling {
        let cluster_of = match &study.cluster {
            None => (0..study.units()).collect(),
            Some(cluster) => numbered(cluster),
        };
        let clusters = cluster_of.iter().max().map_or(0, |last| last + 1);
        let weights = study.weights.as_ref().map_or(vec![1.0; study.units()], Array1::to_vec);
        Sampling { cluster_of, clusters, weights }
    }

    /// W, the sum of the weights.
    pub(super) fn total(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// How many clusters have a unit of positive weight.
    pub(super) fn weighted_clusters(&self) -> usize {
        let mut weighted = vec![false; self.clusters];
        self.weights.iter().zip(&self.cluster_of).for_each(|(&weight, &c)| weighted[c] |= weight > 0.0);
        weighted.into_iter().filter(|&weighted| weighted).count()
    }

    /// The number of units of equal weight that would know a mean as well, W^2 / sum_i w_i^2 (Kish 1965).
    pub(super) fn effective_units(&self) -> f64 {
        self.total().powi(2) / self.weights.iter().map(|weight| weight * weight).sum::<f64>()
    }
}

impl Estimate {
    /// The estimate of the mean of what `terms` (n >= 2), each already times its weight, are drawn from.
    pub(super) fn of_mean(terms: ArrayView1<f64>, sampling: &Sampling) -> Estimate {
        let (total, count) = (sampling.total(), sampling.clusters as f64);
        let weighted = || terms.iter().zip(&sampling.weights);
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
        let margin = Normal::standard().inverse_cdf(0.975) * standard_error;
        Estimate { estimate, standard_error, lower: estimate - margin, upper: estimate + margin }
    }

    pub(super) fn is_finite(&self) -> bool {
        [self.estimate, self.standard_error, self.lower, self.upper].iter().all(|number| number.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn singly(n: usize) -> Sampling {
        Sampling { cluster_of: (0..n).collect(), clusters: n, weights: vec![1.0; n] }
    }

    #[test]
    fn a_mean_by_hand() {
        // Terms 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, variance 14/3, error sqrt(14/12).
        let estimate = Estimate::of_mean(array![1.0, 2.0, 3.0, 6.0].view(), &singly(4));
        let error = (14.0_f64 / 12.0).sqrt();
        assert!((estimate.estimate - 3.0).abs() < 1e-15);
        assert!((estimate.standard_error - error).abs() < 1e-15);
        assert!((estimate.lower - (3.0 - 1.959963984540054 * error)).abs() < 1e-12);
        assert!((estimate.upper - (3.0 + 1.959963984540054 * error)).abs() < 1e-12);
    }

    #[test]
    fn equal_terms_have_no_error() {
        let estimate = Estimate::of_mean(Array1::from_elem(7, 0.1).view(), &singly(7));
        assert_eq!(estimate, Estimate { estimate: 0.1, standard_error: 0.0, lower: 0.1, upper: 0.1 });
    }

    #[test]
    fn a_clustered_mean_by_hand() {
        // Deviations -2, -1, 0, 3 in clusters {1, 3} and {2, 6} sum to -2 and 2: 2/1 * 8 / 16.
        let clusters = Sampling { cluster_of: vec![0, 1, 0, 1], clusters: 2, weights: vec![1.0; 4] };
        let estimate = Estimate::of_mean(array![1.0, 2.0, 3.0, 6.0].view(), &clusters);
        assert_eq!((estimate.estimate, estimate.standard_error), (3.0, 1.0));
    }

    #[test]
    fn clusters_of_one_unit_change_no_bit() {
        let terms = Array1::from_shape_fn(1000, |i| ((i * i) as f64 * 0.37).sin());
        let estimate = Estimate::of_mean(terms.view(), &singly(1000));
        let squares = terms.fold(0.0, |sum, term| sum + (term - estimate.estimate).powi(2));
        assert_eq!(estimate.standard_error, (squares / 999.0 / 1000.0).sqrt());
    }

    #[test]
    fn a_weighted_mean_by_hand() {
        // g = 1, 5, 2 with weights 1, 0.5, 1.5: mean 6.5 / 3; the deviations times weights are d; 3/2 sum d^2 / 9.
        let sampling = Sampling { weights: vec![1.0, 0.5, 1.5], ..singly(3) };
        let estimate = Estimate::of_mean(array![1.0, 2.5, 3.0].view(), &sampling);
        let mean = 6.5 / 3.0;
        let d = [1.0 - mean, 0.5 * (5.0 - mean), 1.5 * (2.0 - mean)];
        assert!((estimate.estimate - mean).abs() < 1e-15);
        let error = (1.5 * d.iter().map(|d| d * d).sum::<f64>() / 9.0).sqrt();
        assert!((estimate.standard_error - error).abs() < 1e-15);
        assert!((sampling.effective_units() - 9.0 / 3.5).abs() < 1e-15);
    }
}
