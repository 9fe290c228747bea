//! Means of arms in a leaf, shrunken towards their weighted mean (forest.txt, section 3.1).
//!
//! With S_k the sum of the outcomes of arm k in the leaf and N_k the number of its units (or their mass, where they are weighted),
//!
//! ```text
//! target      Ybar   = sum_k S_k / (N_k + lambda)  /  sum_k N_k / (N_k + lambda)
//! shrunken    Yhat_k = (S_k + lambda Ybar) / (N_k + lambda)
//! ```
//!
//! An arm without units gets the target, which is also the limit for lambda -> 0.

/// Writes the shrunken means of the K arms into `out` and returns the target; none, and `out` untouched, where no arm has units.
///
/// `sums` and `masses` are K long, masses and `lambda` at least 0; outcomes in any unit.
pub fn shrunken(sums: &[f64], masses: &[f64], lambda: f64, out: &mut [f64]) -> Option<f64> {
    let target = target(sums, masses, lambda)?;
    for ((out, sum), mass) in out.iter_mut().zip(sums).zip(masses) {
        *out = if *mass > 0.0 { (sum + lambda * target) / (mass + lambda) } else { target };
    }
    Some(target)
}

/// The mean that the arms of a leaf are shrunken to; none where no arm has units.
fn target(sums: &[f64], masses: &[f64], lambda: f64) -> Option<f64> {
    let (mut above, mut below) = (0.0, 0.0);
    for (sum, mass) in sums.iter().zip(masses).filter(|(_, mass)| **mass > 0.0) {
        above += sum / (mass + lambda);
        below += mass / (mass + lambda);
    }
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_of_two_arms_by_hand() {
        let mut out = [0.0; 3];
        // Arm 0: units 1, 2, 3; arm 1: one unit, 10; arm 2: none. lambda 1.
        let target = shrunken(&[6.0, 10.0, 0.0], &[3.0, 1.0, 0.0], 1.0, &mut out);
        // (6/4 + 10/2) / (3/4 + 1/2) = 6.5 / 1.25
        assert_eq!(target, Some(5.2));
        assert_eq!(out, [11.2 / 4.0, 15.2 / 2.0, 5.2]);
    }

    #[test]
    fn without_shrinkage_the_means_are_raw() {
        let mut out = [0.0; 2];
        assert_eq!(shrunken(&[6.0, 10.0], &[3.0, 4.0], 0.0, &mut out), Some(2.25));
        assert_eq!(out, [2.0, 2.5]);
        assert_eq!(shrunken(&[0.0], &[0.0], 1.0, &mut out), None);
    }
}
