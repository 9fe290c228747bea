//! An estimate as the sum of what each cluster adds to its error: the form in which estimates can be compared.
//!
//! ```text
//! estimate - truth  ~  sum_c psi_c        error^2 = factor sum_c psi_c^2        corr(j, k) = psi_j'psi_k / (|psi_j| |psi_k|)
//! ```
//!
//! Of a weighted mean V of g among units U, psi_c = sum_{i in c and U} w_i (g_i - V) / sum_U w_i; of a projection, see
//! `projection.rs`. Without clusters each unit is one.

use ndarray::{Array2, ArrayView1};

use super::Effect;
use crate::evaluate::{Estimate, Sampling, Z, student_975};

/// An estimate, with what each cluster of the study adds to its error.
pub(super) struct Influence {
    pub estimate: Estimate,
    /// psi (G), over all clusters of the study; 0 where a cluster takes no part.
    pub of_cluster: Vec<f64>,
    /// Degrees of freedom of the t distribution behind the interval.
    pub freedom: f64,
}

impl Influence {
    /// The mean of what `term` says of the u-th of `units`, each already times its weight.
    pub fn of_mean(term: impl Fn(usize) -> f64, units: &[usize], sampling: &Sampling) -> Influence {
        let among = sampling.among(units);
        let estimate = Estimate::of_mean(&term, &among);
        let (mean, total) = (estimate.estimate, among.total());
        let mut of_cluster = vec![0.0; sampling.clusters];
        for (u, &i) in units.iter().enumerate() {
            of_cluster[sampling.cluster_of[i]] += (term(u) - sampling.weights[i] * mean) / total;
        }
        Influence { estimate, of_cluster, freedom: among.clusters as f64 - 1.0 }
    }

    /// An estimate whose error is the root of `factor` times the sum of squares of psi.
    pub fn new(estimate: f64, of_cluster: Vec<f64>, factor: f64, freedom: f64) -> Influence {
        let standard_error = (factor * of_cluster.iter().map(|psi| psi * psi).sum::<f64>()).sqrt();
        let margin = if standard_error > 0.0 { student_975(freedom) * standard_error } else { 0.0 };
        let interval = [estimate - margin, estimate + margin];
        Influence { estimate: Estimate { estimate, standard_error, interval }, of_cluster, freedom }
    }

    /// With the interval of a table whose critical value is `critical`, stretched as Student's t is against the normal.
    pub fn effect(&self, critical: f64) -> Effect {
        let Estimate { estimate, standard_error, .. } = self.estimate;
        let stretched = critical * student_975(self.freedom) / Z;
        let margin = if standard_error > 0.0 { stretched * standard_error } else { 0.0 };
        Effect { estimate: self.estimate, simultaneous: [estimate - margin, estimate + margin] }
    }
}

/// The correlations of estimates (J x J) that have an error.
pub(super) fn correlations(estimates: &[&Influence]) -> Array2<f64> {
    let clusters = estimates.first().map_or(0, |influence| influence.of_cluster.len());
    let mut directions = Array2::zeros((estimates.len(), clusters));
    for (mut row, influence) in directions.rows_mut().into_iter().zip(estimates) {
        row.assign(&ArrayView1::from(&influence.of_cluster));
        let length = row.dot(&row).sqrt();
        row /= length;
    }
    directions.dot(&directions.t())
}
