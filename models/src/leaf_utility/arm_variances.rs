//! How much the outcomes of each arm vary, relative to all arms: what lambda_k = s_k^2 / tau^2 is made of (forest.txt, section 6.2).
//!
//! With q_k the sum of squared deviations of units of arm k from the means of their cells, on d_k degrees of freedom,
//!
//! ```text
//! s_k^2 = q_k / d_k         s^2 = sum q_k / sum d_k          e_k = 2 s^4 / d_k: variance of s_k^2 by chance, of normal outcomes
//! v = max(0, sum d_k ((s_k^2 - s^2)^2 - e_k) / sum d_k)      variance of the true ones between arms
//! relative_k = 1 + v / (v + e_k) (s_k^2 / s^2 - 1)
//! ```
//!
//! so that arms of which chance alone would make the s_k^2 differ have the same, and an arm without a degree of freedom has that of all.

/// The variance of each arm (K) relative to the common one; 1 for all where nothing varies.
pub fn relative_variances(squares: &[f64], degrees: &[f64]) -> Vec<f64> {
    let (total, freedom) = (squares.iter().sum::<f64>(), degrees.iter().sum::<f64>());
    if !(total > 0.0 && freedom > 0.0) {
        return vec![1.0; squares.len()];
    }
    let common = total / freedom;
    let arms = || squares.iter().zip(degrees);
    // Of s_k^2 / s^2, all without units.
    let excess = |(square, degree): (&f64, &f64)| {
        if *degree > 0.0 { degree * (square / degree / common - 1.0).powi(2) - 2.0 } else { 0.0 }
    };
    let between = (arms().map(excess).sum::<f64>() / freedom).max(0.0);
    let relative = |(square, degree): (&f64, &f64)| match *degree {
        degree if degree > 0.0 && between > 0.0 => {
            1.0 + between / (between + 2.0 / degree) * (square / degree / common - 1.0)
        }
        _ => 1.0,
    };
    arms().map(relative).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // s^2 = 4; s_k^2 / s^2 = .5, 1.5 on 100 degrees each: v = .25 - .02 = .23, e = .02.
        let found = relative_variances(&[200.0, 600.0, 0.0], &[100.0, 100.0, 0.0]);
        for (a, b) in found.iter().zip([1.0 - 0.5 * 0.92, 1.0 + 0.5 * 0.92, 1.0]) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }

    #[test]
    fn what_chance_explains_is_no_difference() {
        assert_eq!(relative_variances(&[9.0, 11.0], &[10.0, 10.0]), [1.0, 1.0]);
        assert_eq!(relative_variances(&[0.0, 0.0], &[10.0, 10.0]), [1.0, 1.0]);
        assert_eq!(relative_variances(&[5.0, 0.0], &[0.0, 0.0]), [1.0, 1.0]);
    }
}
