//! An estimated mean with its standard error and 95% interval, by the normal approximation.

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// A mean of n >= 2 terms: estimate +- z_{0.975} sd / sqrt(n), with sd of divisor n - 1, in the unit of the terms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub estimate: f64,
    pub standard_error: f64,
    /// The lower end of the 95% interval.
    pub lower: f64,
    /// The upper end of the 95% interval.
    pub upper: f64,
}

impl Estimate {
    /// The estimate of the mean of what `terms` (n >= 2) are drawn from.
    pub(super) fn of_mean(terms: ArrayView1<f64>) -> Estimate {
        let n = terms.len() as f64;
        // About the first term, equal terms have a variance of exactly 0.
        let origin = terms[0];
        let estimate = origin + terms.fold(0.0, |sum, term| sum + (term - origin)) / n;
        let squares = terms.fold(0.0, |sum, term| sum + (term - estimate).powi(2));
        let standard_error = (squares / (n - 1.0) / n).sqrt();
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

    #[test]
    fn a_mean_by_hand() {
        // Terms 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, variance 14/3, error sqrt(14/12).
        let estimate = Estimate::of_mean(array![1.0, 2.0, 3.0, 6.0].view());
        let error = (14.0_f64 / 12.0).sqrt();
        assert!((estimate.estimate - 3.0).abs() < 1e-15);
        assert!((estimate.standard_error - error).abs() < 1e-15);
        assert!((estimate.lower - (3.0 - 1.959963984540054 * error)).abs() < 1e-12);
        assert!((estimate.upper - (3.0 + 1.959963984540054 * error)).abs() < 1e-12);
    }

    #[test]
    fn equal_terms_have_no_error() {
        let estimate = Estimate::of_mean(Array1::from_elem(7, 0.1).view());
        assert_eq!(estimate, Estimate { estimate: 0.1, standard_error: 0.0, lower: 0.1, upper: 0.1 });
    }
}
