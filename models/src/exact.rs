//! Arithmetic that decides: compensated sums, the exact sign of an affine form, the exact meeting of two hulls (or cones).
//!
//! Floating point answers first and says how far it may be off; only where that leaves the sign open are the
//! numbers (each `f64` is a rational) taken to exact rational arithmetic.

use std::cmp::Ordering;

use num_rational::BigRational;
use num_traits::{Signed, Zero};
use sha2::{Digest, Sha256};

/// Sum with Neumaier's compensation: error about one rounding of the result, for any order of the terms.
pub fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for term in terms {
        let next = total + term;
        lost += if total.abs() >= term.abs() { (total - next) + term } else { (term - next) + total };
        total = next;
    }
    total + lost
}

/// Sign of `intercept + sum_j coefficients[j] x[j]`, exact for finite numbers.
pub fn sign_of_affine(intercept: f64, coefficients: &[f64], x: &[f64]) -> Ordering {
    let products = coefficients.iter().copied().zip(x.iter().copied());
    sign_of_sum(std::iter::once((intercept, 1.0)).chain(products))
}

/// Sign of a sum of products, exact for finite numbers.
pub fn sign_of_sum(products: impl Iterator<Item = (f64, f64)> + Clone) -> Ordering {
    let (mut value, mut magnitude, mut terms) = (0.0_f64, 0.0_f64, 0);
    for (b, v) in products.clone() {
        value += b * v;
        magnitude += (b * v).abs();
        terms += 1;
    }
    // (terms + 1) roundings of relative size 2^-53 each, doubled for the roundings of `magnitude` itself; the
    // smallest normal number covers products that underflow.
    let error = f64::from(terms + 1) * f64::EPSILON * magnitude + f64::MIN_POSITIVE;
    if value.abs() > error && value.is_finite() {
        return value.total_cmp(&0.0);
    }
    let exact = products.fold(BigRational::zero(), |s, (b, v)| s + rational(b) * rational(v));
    exact.cmp(&BigRational::zero())
}

/// A direction +e_j or -e_j.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ray {
    pub coordinate: usize,
    pub positive: bool,
}

/// True where the convex hulls of `left` and `right` (points of equal dimension) are proved to meet; see [`cone_meets`].
pub fn hulls_meet(left: &[&[f64]], right: &[&[f64]]) -> bool {
    cone_meets(left, &[], right)
}

/// True where the hull of `left` plus the cone of `rays` is proved to meet the hull of `right` (points of equal dimension):
///
/// ```text
/// sum_i l_i x_i + sum_r c_r (+-e_r) = sum_i r_i x_i,    sum l = sum r = 1,    l, c, r > 0
/// ```
///
/// because points and rays carry exactly one such dependence and it has these signs (Radon). Then no rule that treats `left`
/// and not `right` has `b'(+-e_r) >= 0` for all rays. A `false` says only that this proof does not apply.
pub fn cone_meets(left: &[&[f64]], rays: &[Ray], right: &[&[f64]]) -> bool {
    let Some(first) = left.first() else { return false };
    let along = |ray: &Ray, j: usize| match (ray.coordinate == j, ray.positive) {
        (true, true) => rational(1.0),
        (true, false) => rational(-1.0),
        _ => BigRational::zero(),
    };
    // Columns (1, point) and (0, ray); a null vector with positive weights on `left` and `rays` and negative ones on `right` has
    // equal total weight on both sides, and the weighted mean of one is, along the rays, that of the other.
    let rest = || rays.iter().map(|_| BigRational::zero());
    let weights = |points: &[&[f64]]| points.iter().map(|_| rational(1.0)).collect::<Vec<_>>();
    let mut rows: Vec<Vec<BigRational>> = Vec::with_capacity(first.len() + 1);
    rows.push(weights(left).into_iter().chain(rest()).chain(weights(right)).collect());
    for j in 0..first.len() {
        let values = |points: &[&[f64]]| points.iter().map(|x| rational(x[j])).collect::<Vec<_>>();
        let steps = rays.iter().map(|ray| along(ray, j));
        rows.push(values(left).into_iter().chain(steps).chain(values(right)).collect());
    }
    let Some(weights) = only_null_vector(rows, left.len() + rays.len() + right.len()) else {
        return false;
    };
    let (on_left, on_right) = weights.split_at(left.len() + rays.len());
    let opposite = |flip: bool| {
        on_left.iter().all(|w| !w.is_zero() && w.is_negative() == flip)
            && on_right.iter().all(|w| !w.is_zero() && w.is_negative() != flip)
    };
    opposite(false) || opposite(true)
}

/// True where `vectors` (of equal dimension) are proved to have a combination with positive weights that is 0, because they carry
/// exactly one linear dependence and all its weights are of one sign. Then no b has `b'v > 0` for all of them (Gordan).
///
/// A `false` says only that this proof does not apply.
pub fn positively_dependent(vectors: &[Vec<f64>]) -> bool {
    let Some(first) = vectors.first() else { return false };
    let rows = (0..first.len()).map(|j| vectors.iter().map(|v| rational(v[j])).collect()).collect();
    only_null_vector(rows, vectors.len()).is_some_and(|weights| {
        weights.iter().all(|w| w.is_positive()) || weights.iter().all(|w| w.is_negative())
    })
}

/// SHA-256 of the parts in order, as lower-case hexadecimal text.
pub fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The null vector of `rows` (each with `columns` entries) where it is unique up to scale.
fn only_null_vector(mut rows: Vec<Vec<BigRational>>, columns: usize) -> Option<Vec<BigRational>> {
    let mut pivots: Vec<usize> = Vec::new();
    let mut free = None;
    for column in 0..columns {
        let rank = pivots.len();
        let Some(found) = (rank..rows.len()).find(|&r| !rows[r][column].is_zero()) else {
            if free.replace(column).is_some() {
                return None;
            }
            continue;
        };
        rows.swap(rank, found);
        let scale = rows[rank][column].recip();
        rows[rank].iter_mut().for_each(|v| *v = &*v * &scale);
        let pivot = rows[rank].clone();
        for (r, row) in rows.iter_mut().enumerate() {
            if r != rank && !row[column].is_zero() {
                let factor = row[column].clone();
                row.iter_mut().zip(&pivot).for_each(|(v, p)| *v = &*v - &factor * p);
            }
        }
        pivots.push(column);
    }
    let free = free?;
    let mut vector = vec![BigRational::zero(); columns];
    vector[free] = rational(1.0);
    for (rank, &column) in pivots.iter().enumerate() {
        vector[column] = -rows[rank][free].clone();
    }
    Some(vector)
}

/// A finite `f64` as a rational; models refuse other numbers when they are built.
fn rational(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap_or_else(BigRational::zero)
}
