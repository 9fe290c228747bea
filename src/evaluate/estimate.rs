//! An estimated mean with its standard error and 95% interval, by the normal approximation.
//!
//! The n terms t_i come in G clusters c, independent of each other, with terms that may be alike within (Liang and Zeger
//! 1986, with the small-sample factor G / (G - 1)):
//!
//! ```text
//! V = (1/n) sum_i t_i        error^2 = G / (G - 1) / n^2  sum_c ( sum_{i in c} t_i - V )^2
//! ```
//!
//! Where every unit is a cluster of its own, this is the variance of the terms, with divisor n - 1, over n.

use ndarray::ArrayView1;
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

/// Which of the units may be alike.
pub(super) struct Clusters {
    /// The cluster of each unit (n), from 0 to `count` - 1.
    pub of: Vec<usize>,
    pub count: usize,
}

impl Clusters {
    /// The clusters of a study, or every unit by itself.
    pub(super) fn of(study: &Study) -> Clusters {
        match &study.cluster {
            None => Clusters { of: (0..study.units()).collect(), count: study.units() },
            Some(cluster) => {
                let of = numbered(cluster);
                let count = of.iter().max().map_or(0, |last| last + 1);
                Clusters { of, count }
            }
        }
    }
}

impl Estimate {
    /// The estimate of the mean of what `terms` (n >= 2) are drawn from, where unit i is in `clusters.of[i]`.
    pub(super) fn of_mean(terms: ArrayView1<f64>, clusters: &Clusters) -> Estimate {
        let (n, count) = (terms.len() as f64, clusters.count as f64);
        // About the first term, equal terms have a variance of exactly 0.
        let origin = terms[0];
        let estimate = origin + terms.fold(0.0, |sum, term| sum + (term - origin)) / n;
        let mut deviations = vec![0.0; clusters.count];
        terms.iter().zip(&clusters.of).for_each(|(term, &c)| deviations[c] += term - estimate);
        let squares = deviations.iter().fold(0.0, |sum, deviation| sum + deviation * deviation);
        // In this order, clusters of one unit give the same bits as the formula without clusters.
        let standard_error = (squares / (count - 1.0) / n * (count / n)).sqrt();
        let margin = Normal::standard().inverse_cdf(0.975) * standard_error;
        Estimate { estimate, standard_error, lower: estimate - margin, upper: estimate + margin }
    }

    pub(super) fn is_finite(&self) -> bool {
        [self.estimate, self.standard_error, self.lower, self.upper].iter().all(|number| number.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::*;

    fn singly(n: usize) -> Clusters {
        Clusters { of: (0..n).collect(), count: n }
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
        let clusters = Clusters { of: vec![0, 1, 0, 1], count: 2 };
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
}
