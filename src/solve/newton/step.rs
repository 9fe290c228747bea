//! The Newton step of a smooth convex function plus absolute values: the minimiser of its quadratic model.
//!
//! ```text
//! min over d   g'd + d'Hd / 2 + sum_j c_j |x_j + d_j|
//! ```
//!
//! Coordinate descent finds which x_j + d_j are 0 and the signs of the others; one linear system then gives their values to the last digit.

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::solve_semidefinite;

/// Sweeps over the coordinates at most, and the move, relative to the first sweep's, that ends them.
const SWEEPS: usize = 1000;
const STILL: f64 = 1e-12;

/// The step d from x.
pub(super) fn step(
    gradient: &Array1<f64>,
    hessian: &Array2<f64>,
    x: &Array1<f64>,
    widths: &Array1<f64>,
) -> Array1<f64> {
    if widths.iter().all(|c| *c == 0.0) {
        return solve_semidefinite(hessian, &-gradient);
    }
    let rough = descend(gradient, hessian, x, widths);
    polished(gradient, hessian, x, widths, &rough).unwrap_or(rough)
}

/// The least subgradient of f + sum_j c_j |x_j| in its largest entry, f having this gradient at x.
pub(super) fn subgradient(gradient: &Array1<f64>, x: &Array1<f64>, widths: &Array1<f64>) -> f64 {
    let of = |((g, x), c): ((&f64, &f64), &f64)| match *x == 0.0 {
        true => (g.abs() - c).max(0.0),
        false => (g + c * x.signum()).abs(),
    };
    gradient.iter().zip(x).zip(widths).map(of).fold(0.0, f64::max)
}

fn descend(
    gradient: &Array1<f64>,
    hessian: &Array2<f64>,
    x: &Array1<f64>,
    widths: &Array1<f64>,
) -> Array1<f64> {
    let (mut d, mut slope) = (Array1::zeros(x.len()), gradient.clone());
    let mut first = 0.0;
    for sweep in 0..SWEEPS {
        let mut moved = 0.0_f64;
        for (j, &c) in widths.iter().enumerate() {
            let h = hessian[[j, j]];
            if h <= 0.0 {
                continue;
            }
            let at: f64 = x[j] + d[j];
            let free = at - slope[j] / h;
            let to = free.signum() * (free.abs() - c / h).max(0.0);
            // Exactly -x_j where the sum is 0.
            let by = if to == 0.0 { -x[j] - d[j] } else { to - at };
            d[j] += by;
            slope.scaled_add(by, &hessian.row(j));
            moved = moved.max(by.abs() * h.sqrt());
        }
        if sweep == 0 {
            first = moved;
        }
        if moved <= STILL * first {
            break;
        }
    }
    d
}

/// The minimiser among the steps that leave the same coordinates at 0, where their signs agree with `rough`.
fn polished(
    gradient: &Array1<f64>,
    hessian: &Array2<f64>,
    x: &Array1<f64>,
    widths: &Array1<f64>,
    rough: &Array1<f64>,
) -> Option<Array1<f64>> {
    let (free, zero): (Vec<usize>, Vec<usize>) =
        (0..x.len()).partition(|&j| widths[j] == 0.0 || x[j] + rough[j] != 0.0);
    let sub = Array2::from_shape_fn((free.len(), free.len()), |(r, s)| hessian[[free[r], free[s]]]);
    let right = |&j: &usize| {
        let held: f64 = zero.iter().map(|&k| hessian[[j, k]] * rough[k]).sum();
        let sign = if widths[j] == 0.0 { 0.0 } else { (x[j] + rough[j]).signum() };
        -(gradient[j] + widths[j] * sign + held)
    };
    let solved = solve_semidefinite(&sub, &free.iter().map(right).collect());
    let mut step = rough.clone();
    free.iter().zip(&solved).for_each(|(&j, d)| step[j] = *d);
    let agree = |&j: &usize| widths[j] == 0.0 || (x[j] + step[j]) * (x[j] + rough[j]) > 0.0;
    free.iter().all(agree).then_some(step)
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// |x - 3| shrunk by 1 is 2, |x - 0.5| is 0.
    #[test]
    fn one_coordinate_by_hand() {
        let to = |gradient: f64| step(&array![gradient], &array![[1.0]], &array![0.0], &array![1.0])[0];
        assert_eq!(to(-3.0), 2.0);
        assert_eq!(to(-0.5), 0.0);
        assert_eq!(to(3.0), -2.0);
    }

    #[test]
    fn the_step_has_no_subgradient() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..200 {
            let k = random.random_range(2..8);
            let mut draw =
                |rows: usize| Array2::from_shape_fn((rows, k), |_| random.random_range(-1.0..1.0_f64));
            let (root, x, gradient) = (draw(2 * k), draw(1).row(0).to_owned(), draw(1).row(0).to_owned());
            let widths = draw(1).row(0).mapv(|w| w.max(0.0));
            let hessian = root.t().dot(&root);
            let d = step(&gradient, &hessian, &x, &widths);
            let there = &gradient + &hessian.dot(&d);
            assert!(subgradient(&there, &(&x + &d), &widths) < 1e-10);
        }
    }
}
