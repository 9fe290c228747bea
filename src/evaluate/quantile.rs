//! The quantile of Student's t distribution that a 95% interval needs.
//!
//! ```text
//! t_f:  P(T <= t_f) = 0.975,    f degrees of freedom
//! ```
//!
//! With G clusters f = G - 1, which keeps intervals honest where clusters are few (Cameron and Miller 2015, "A practitioner's
//! guide to cluster-robust inference", section VI); with n independent units f = n - 1. It is found here because statrs
//! 0.19 inverts the distribution to three digits only.

use statrs::distribution::{Continuous, ContinuousCDF, StudentsT};

/// The same with infinitely many degrees of freedom.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// t_f, to rounding error. With no degree of freedom there is no interval, and it is infinite.
pub(crate) fn student_975(freedom: f64) -> f64 {
    /// From here on the expansion is exact to rounding error.
    const MANY: f64 = 1000.0;
    let Ok(student) = StudentsT::new(0.0, 1.0, freedom) else { return f64::INFINITY };
    let mut t = expansion(freedom);
    if freedom >= MANY {
        return t;
    }
    // Newton's method: the distribution function is concave above 0, so that it converges from below.
    for _ in 0..100 {
        let step = (0.975 - student.cdf(t)) / student.pdf(t);
        t += step;
        if step.abs() <= 4.0 * f64::EPSILON * t {
            break;
        }
    }
    t
}

/// The expansion about the normal quantile (Abramowitz and Stegun 1964, 26.7.5).
fn expansion(freedom: f64) -> f64 {
    let odd = |coefficients: [f64; 5]| coefficients.iter().rev().fold(0.0, |sum, c| sum * Z * Z + c) * Z;
    let terms = [
        odd([1.0, 1.0, 0.0, 0.0, 0.0]) / 4.0,
        odd([3.0, 16.0, 5.0, 0.0, 0.0]) / 96.0,
        odd([-15.0, 17.0, 19.0, 3.0, 0.0]) / 384.0,
        odd([-945.0, -1920.0, 1482.0, 776.0, 79.0]) / 92160.0,
    ];
    Z + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / freedom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_thirty_digits() {
        // Roots of the regularised incomplete beta function, computed with mpmath to 30 digits.
        let known = [
            (1.0, 12.706204736174705),
            (2.0, 4.302652729749464),
            (5.0, 2.5705818356363155),
            (10.0, 2.228138851986275),
            (30.0, 2.042272456301238),
            (100.0, 1.9839715185235523),
            (999.0, 1.96234146113345),
            (1000.0, 1.9623390808264085),
            (1999.0, 1.961151420170562),
            (1000000.0, 1.959966356814107),
        ];
        for (freedom, t) in known {
            let found = student_975(freedom);
            assert!((found - t).abs() < 1e-12 * t, "{freedom}: {found} instead of {t}");
        }
        assert_eq!(student_975(0.0), f64::INFINITY);
    }
}
