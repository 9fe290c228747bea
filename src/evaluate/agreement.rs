//! How far two groupings of the same things agree.
//!
//! ```text
//! ARI = (S - E) / ((A + B) / 2 - E)      S = sum_ij C(n_ij, 2),  A = sum_i C(a_i, 2),  B = sum_j C(b_j, 2),  E = A B / C(n, 2)
//! ```
//!
//! with n_ij things in group i of one and j of the other (Hubert and Arabie 1985). 1 where they are the same, 0 on average where one
//! is drawn at random with its sizes given.

use std::collections::BTreeMap;

/// The adjusted Rand index of two groupings, given as the group of each thing. Groupings that leave chance no room are the same, or
/// as unlike as can be: 1 or 0.
pub fn adjusted_rand_index(one: &[usize], other: &[usize]) -> f64 {
    let pairs = |sizes: BTreeMap<(usize, usize), u64>| {
        sizes.into_values().map(|n| (n * n.saturating_sub(1) / 2) as f64).sum::<f64>()
    };
    let sizes = |key: &dyn Fn(usize, usize) -> (usize, usize)| {
        let mut sizes = BTreeMap::new();
        one.iter().zip(other).for_each(|(&i, &j)| *sizes.entry(key(i, j)).or_insert(0) += 1);
        sizes
    };
    let together = pairs(sizes(&|i, j| (i, j)));
    let (a, b) = (pairs(sizes(&|i, _| (i, 0))), pairs(sizes(&|_, j| (j, 0))));
    let all = pairs(sizes(&|_, _| (0, 0)));
    let expected = if all > 0.0 { a * b / all } else { 0.0 };
    let most = (a + b) / 2.0;
    match most - expected {
        0.0 => f64::from(u8::from(together == most)),
        room => (together - expected) / room,
    }
}

#[cfg(test)]
mod tests {
    use super::adjusted_rand_index;

    #[test]
    fn hand_computed_values() {
        assert_eq!(adjusted_rand_index(&[0, 0, 1, 1], &[5, 5, 2, 2]), 1.0);
        // S = 1, A = 2, B = 3, C(4, 2) = 6: (1 - 1) / (2.5 - 1).
        assert_eq!(adjusted_rand_index(&[0, 0, 1, 1], &[0, 0, 0, 1]), 0.0);
        // S = 2, A = 6, B = 3, C(6, 2) = 15: (2 - 1.2) / (4.5 - 1.2).
        let index = adjusted_rand_index(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 1, 2, 2]);
        assert!((index - 0.8 / 3.3).abs() < 1e-15, "{index}");
        assert_eq!(adjusted_rand_index(&[0, 0], &[1, 1]), 1.0);
        assert_eq!(adjusted_rand_index(&[0, 1], &[0, 0]), 0.0);
    }
}
