//! Arithmetic that decides, held against rational arithmetic.

use std::cmp::Ordering;

use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use prescribe_models::exact::{hulls_meet, positively_dependent, sign_of_affine, sum};
use prescribe_models::linear_rule::LinearRule;
use proptest::prelude::*;

fn rational(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap()
}

/// Numbers that make trouble: near-cancellations, subnormals, the huge and the tiny, zeros of both signs.
fn nasty() -> impl Strategy<Value = f64> {
    let scale = prop::sample::select(vec![0, 1, -1, 52, 53, -53, 300, -300, 1000, -1000, 1023, -1060, -1074]);
    prop_oneof![
        4 => (-4i32..=4, scale).prop_map(|(m, e)| f64::from(m) * 2f64.powi(e / 2) * 2f64.powi(e - e / 2)),
        2 => prop::sample::select(vec![0.1, 0.2, 0.3, -0.3, 1.0 + f64::EPSILON, 1.0 - f64::EPSILON / 2.0, 1e16, -0.0]),
        1 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
    ]
    .prop_filter("finite", |v| v.is_finite())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sums_are_compensated(mut terms in prop::collection::vec(-1e6..1e6_f64, 1..60), mirror in any::<bool>()) {
        // A sum that cancels but for its last digits.
        if mirror {
            let opposite: Vec<f64> = terms.iter().map(|v| -v * (1.0 + 1e-15)).collect();
            terms.extend(opposite);
        }
        let exact = terms.iter().fold(BigRational::zero(), |s, &v| s + rational(v));
        let size: f64 = terms.iter().map(|v| v.abs()).sum();
        let error = (rational(sum(terms.iter().copied())) - &exact).abs().to_f64().unwrap();
        // Neumaier: one rounding of the result, and roundings of roundings.
        let n = terms.len() as f64;
        let allowed = f64::EPSILON * exact.to_f64().unwrap().abs() + n * n * f64::EPSILON * f64::EPSILON * size;
        prop_assert!(error <= allowed, "{error} > {allowed}");
    }

    #[test]
    fn sums_of_whole_numbers_are_exact(terms in prop::collection::vec(-(1i64 << 50)..1i64 << 50, 0..40)) {
        let exact: i64 = terms.iter().sum();
        let reached = sum(terms.iter().map(|&v| v as f64));
        prop_assert_eq!(reached, exact as f64);
    }

    #[test]
    fn signs_are_exact(
        intercept in nasty(),
        pairs in prop::collection::vec((nasty(), nasty()), 0..5),
    ) {
        let (b, x): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        prop_assert_eq!(sign_of_affine(intercept, &b, &x), exact_sign(intercept, &b, &x));
    }

    #[test]
    fn signs_at_cancellations_are_exact(
        b in prop::collection::vec(-1.0..1.0_f64, 1..5),
        x in prop::collection::vec(-100.0..100.0_f64, 5),
        ulps in -2i64..=2,
    ) {
        let x = &x[..b.len()];
        // The intercept that cancels the rest in floating point, and its neighbours.
        let rest: f64 = b.iter().zip(x).map(|(b, v)| b * v).sum();
        let intercept = f64::from_bits((-rest).to_bits().wrapping_add_signed(ulps));
        prop_assume!(intercept.is_finite());
        let sign = exact_sign(intercept, &b, x);
        prop_assert_eq!(sign_of_affine(intercept, &b, x), sign);
        let rule = LinearRule { intercept, coefficients: b };
        prop_assert_eq!(rule.treats(x), sign != Ordering::Less);
    }

    /// Points on the two sides of a known hyperplane, at least one grid step away from it.
    #[test]
    fn hulls_that_a_hyperplane_separates_do_not_meet(
        normal in prop::collection::vec(-3i32..=3, 1..4),
        points in prop::collection::vec(prop::collection::vec(-4i32..=4, 3), 1..6),
    ) {
        let height = |x: &[i32]| 2 * normal.iter().zip(x).map(|(a, v)| a * v).sum::<i32>() + 1;
        let p = normal.len();
        let as_floats = |x: &Vec<i32>| x[..p].iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
        let (above, below): (Vec<_>, Vec<_>) = points.iter().partition(|x| height(x) > 0);
        let above: Vec<Vec<f64>> = above.into_iter().map(as_floats).collect();
        let below: Vec<Vec<f64>> = below.into_iter().map(as_floats).collect();
        let above: Vec<&[f64]> = above.iter().map(Vec::as_slice).collect();
        let below: Vec<&[f64]> = below.iter().map(Vec::as_slice).collect();
        prop_assert!(!hulls_meet(&above, &below));
        prop_assert!(!hulls_meet(&below, &above));
    }

    /// Every p + 2 points in general position have a Radon partition; the proof finds it.
    #[test]
    fn radon_partitions_are_proved(points in prop::collection::vec(prop::collection::vec(-9i32..=9, 2), 4)) {
        let points: Vec<Vec<f64>> =
            points.iter().map(|x| x.iter().map(|&v| f64::from(v)).collect()).collect();
        let area = |a: usize, b: usize, c: usize| {
            let along = |j: usize, k: usize| points[k][j] - points[a][j];
            along(0, b) * along(1, c) - along(1, b) * along(0, c)
        };
        prop_assume!([(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)].iter().all(|&(a, b, c)| area(a, b, c) != 0.0));
        let side = |mask: u32, inside: bool| -> Vec<&[f64]> {
            (0..4).filter(|i| (mask >> i & 1 == 1) == inside).map(|i| points[i as usize].as_slice()).collect()
        };
        let proved = (0..16).filter(|&mask| hulls_meet(&side(mask, true), &side(mask, false))).count();
        // The partition and its mirror image.
        prop_assert_eq!(proved, 2);
    }
}

fn exact_sign(intercept: f64, b: &[f64], x: &[f64]) -> Ordering {
    let products = b.iter().zip(x).map(|(&b, &v)| rational(b) * rational(v));
    products.fold(rational(intercept), |s, t| s + t).cmp(&BigRational::zero())
}

#[test]
fn what_floating_point_gets_wrong() {
    // 0.1 + 0.2 - 0.3 is below zero in the numbers that f64 holds of them times 1, and 5.6e-17 in floating point.
    assert_eq!(sign_of_affine(-0.3, &[1.0, 1.0], &[0.1, 0.2]), exact_sign(-0.3, &[1.0, 1.0], &[0.1, 0.2]));
    // Products that underflow to zero, and that overflow to infinities of both signs.
    assert_eq!(sign_of_affine(0.0, &[1e-200], &[-1e-200]), Ordering::Less);
    assert_eq!(sign_of_affine(0.0, &[1e200, -1e200], &[1e200, 1e200]), Ordering::Equal);
    assert_eq!(sign_of_affine(1.0, &[1e200, -1e200], &[1e200, 1e200]), Ordering::Greater);
    assert_eq!(sum([1.0, 1e100, 1.0, -1e100]), 2.0);
}

#[test]
fn a_point_on_the_line_is_treated() {
    let rule = LinearRule { intercept: -0.5, coefficients: vec![0.5] };
    assert!(rule.treats(&[1.0]));
    assert!(!rule.treats(&[1.0 - f64::EPSILON]));
    let rule = LinearRule { intercept: 0.0, coefficients: vec![-0.0] };
    assert!(rule.treats(&[7.0]));
}

/// `positively_dependent` says yes just where three vectors of the plane have positive weights that bring them to 0, which here is
/// read off the signs of their cross products.
#[test]
fn positive_dependence_of_three_vectors_in_the_plane() {
    let vectors: Vec<[i32; 2]> = (-2..=2).flat_map(|a| (-2..=2).map(move |b| [a, b])).collect();
    let cross = |a: [i32; 2], b: [i32; 2]| a[0] * b[1] - a[1] * b[0];
    let mut found = 0;
    for &a in &vectors {
        for &b in &vectors {
            for &c in &vectors {
                // Weights are the cross products of the other two, by Cramer's rule; unique where one of them is not 0.
                let weights = [cross(b, c), cross(c, a), cross(a, b)];
                let expected = weights.iter().all(|w| *w > 0) || weights.iter().all(|w| *w < 0);
                let given = [a, b, c].map(|v| v.map(f64::from).to_vec());
                assert_eq!(positively_dependent(&given), expected, "{given:?}");
                found += usize::from(expected);
            }
        }
    }
    assert!(found > 100);
    assert!(!positively_dependent(&[]));
}
