//! Weights that bring every arm to the covariate means of all units: entropy balancing, arm by arm.
//!
//! ```text
//! min sum_i w_i log w_i   s.t.  sum_i w_i = 1,  sum_i w_i x_i = mean of x          w_i ~ exp(l'z_i),  l = argmin log sum_i exp(l'z_i)
//! ```

use ndarray::{Array1, Array2, Axis};
use prescribe_models::arm_moments::solve_semidefinite;

/// How near to 0 the weighted mean of every standardised covariate must come.
const TOLERANCE: f64 = 1e-12;
const STEPS: usize = 200;
const HALVINGS: usize = 60;

/// The arm whose covariates cannot be brought to the means: they lie outside of what its units span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbalanced {
    pub arm: usize,
}

/// Weights (n) that sum to 1 in every arm, from features (n x q).
///
/// # Errors
/// The first arm that cannot be balanced.
pub fn entropy_weights(x: &Array2<f64>, arm: &[usize], arms: usize) -> Result<Vec<f64>, Unbalanced> {
    let means = x.sum_axis(Axis(0)) / x.nrows() as f64;
    let mut z = x - &means;
    for mut column in z.columns_mut() {
        let spread = (column.dot(&column) / arm.len() as f64).sqrt();
        if spread > 0.0 {
            column /= spread;
        }
    }
    let mut weights = vec![0.0; arm.len()];
    for k in 0..arms {
        let units: Vec<usize> = (0..arm.len()).filter(|&i| arm[i] == k).collect();
        let found = tilt(&z.select(Axis(0), &units)).ok_or(Unbalanced { arm: k })?;
        units.into_iter().zip(found).for_each(|(i, w)| weights[i] = w);
    }
    Ok(weights)
}

/// The weights proportional to exp(l'z_i) whose mean of z is 0, by Newton's method with halving; none where there are none.
fn tilt(z: &Array2<f64>) -> Option<Array1<f64>> {
    let mut l = Array1::<f64>::zeros(z.ncols());
    let (mut value, mut w) = tilted(z, &l);
    for _ in 0..STEPS {
        let mean = z.t().dot(&w);
        if mean.iter().all(|m| m.abs() <= TOLERANCE) {
            return Some(w);
        }
        let weighted = z * &w.view().insert_axis(Axis(1));
        let outer = mean.view().insert_axis(Axis(1)).dot(&mean.view().insert_axis(Axis(0)));
        let step = solve_semidefinite(&(z.t().dot(&weighted) - outer), &mean);
        let slope = mean.dot(&step);
        let mut length = 1.0;
        for _ in 0..HALVINGS {
            let next = &l - &(&step * length);
            let (after, tilt) = tilted(z, &next);
            // Near the end rounding hides the decrease.
            if after <= value - 1e-4 * length * slope + 1e-14 * value.abs() {
                (l, value, w) = (next, after, tilt);
                break;
            }
            length /= 2.0;
        }
    }
    None
}

/// log sum exp(l'z_i), and exp(l'z_i) scaled to a sum of 1.
fn tilted(z: &Array2<f64>, l: &Array1<f64>) -> (f64, Array1<f64>) {
    let height = z.dot(l);
    let most = height.fold(f64::NEG_INFINITY, |most: f64, h| most.max(*h));
    let raised = height.mapv(|h| (h - most).exp());
    let sum = raised.sum();
    (most + sum.ln(), raised / sum)
}
