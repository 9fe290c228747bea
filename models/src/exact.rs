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
    let mut sum = Sum::default();
    terms.into_iter().for_each(|term| sum.add(term));
    sum.total()
}

/// The same, term by term.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    rounded: f64,
    lost: f64,
}

impl Sum {
    pub fn add(&mut self, term: f64) {
        let next = self.rounded + term;
        let (large, small) =
            if self.rounded.abs() >= term.abs() { (self.rounded, term) } else { (term, self.rounded) };
        self.lost += (large - next) + small;
        self.rounded = next;
    }

    pub fn total(self) -> f64 {
        self.rounded + self.lost
    }
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

/// Sign of `det [others[r][axes[c]] - origin[axes[c]]]` over as many axes as other points: on which side of the hyperplane
/// through `origin` and all but the last of `others` the last one lies, seen along the axes. Exact for finite numbers.
pub fn orientation(origin: &[f64], others: &[&[f64]], axes: &[usize]) -> Ordering {
    if let ([point], [axis]) = (others, axes) {
        return point[*axis].total_cmp(&origin[*axis]);
    }
    let rows: Vec<Vec<f64>> =
        others.iter().map(|x| axes.iter().map(|&a| x[a] - origin[a]).collect()).collect();
    let columns: Vec<usize> = (0..axes.len()).collect();
    let (value, magnitude) = determinant(&rows, 0, &columns);
    // k differences, k products and k! terms, each with a rounding relative to its size.
    let error = (4 * axes.len() + 8) as f64 * f64::EPSILON * magnitude + f64::MIN_POSITIVE;
    if value.abs() > error && value.is_finite() {
        return value.total_cmp(&0.0);
    }
    if let Some(sign) = whole_orientation(origin, others, axes) {
        return sign;
    }
    let exact = |x: &&[f64]| axes.iter().map(|&a| rational(x[a]) - rational(origin[a])).collect();
    sign_of_determinant(others.iter().map(exact).collect())
}

/// Determinant of the rows from `row` on over `columns`, by expansion, and the same sum over absolute values.
fn determinant(rows: &[Vec<f64>], row: usize, columns: &[usize]) -> (f64, f64) {
    if let [a, b] = *columns {
        let (first, second) = (&rows[row], &rows[row + 1]);
        let (left, right) = (first[a] * second[b], first[b] * second[a]);
        return (left - right, left.abs() + right.abs());
    }
    let mut total = (0.0, 0.0);
    for (k, &c) in columns.iter().enumerate() {
        let others: Vec<usize> = columns.iter().copied().filter(|other| *other != c).collect();
        let (minor, magnitude) = determinant(rows, row + 1, &others);
        let term = rows[row][c] * minor;
        total.0 += if k % 2 == 0 { term } else { -term };
        total.1 += rows[row][c].abs() * magnitude;
    }
    total
}

/// [`orientation`] where all coordinates are whole multiples of 2^-20 and small enough for whole-number arithmetic.
fn whole_orientation(origin: &[f64], others: &[&[f64]], axes: &[usize]) -> Option<Ordering> {
    let whole = |v: f64| {
        let scaled = v * 1_048_576.0;
        (scaled.fract() == 0.0 && scaled.abs() < 1e12).then_some(scaled as i128)
    };
    let difference = |x: &[f64], a: usize| Some(whole(x[a])? - whole(origin[a])?);
    let rows: Option<Vec<Vec<i128>>> =
        others.iter().map(|x| axes.iter().map(|&a| difference(x, a)).collect()).collect();
    let columns: Vec<usize> = (0..axes.len()).collect();
    Some(whole_determinant(&rows?, 0, &columns)?.cmp(&0))
}

/// None where a number leaves the range.
fn whole_determinant(rows: &[Vec<i128>], row: usize, columns: &[usize]) -> Option<i128> {
    if columns.is_empty() {
        return Some(1);
    }
    let mut total: i128 = 0;
    for (k, &c) in columns.iter().enumerate().filter(|(_, c)| rows[row][**c] != 0) {
        let others: Vec<usize> = columns.iter().copied().filter(|other| *other != c).collect();
        let term = rows[row][c].checked_mul(whole_determinant(rows, row + 1, &others)?)?;
        total = if k % 2 == 0 { total.checked_add(term)? } else { total.checked_sub(term)? };
    }
    Some(total)
}

/// By elimination.
fn sign_of_determinant(mut rows: Vec<Vec<BigRational>>) -> Ordering {
    let mut positive = true;
    for c in 0..rows.len() {
        let Some(pivot) = (c..rows.len()).find(|&r| !rows[r][c].is_zero()) else {
            return Ordering::Equal;
        };
        rows.swap(c, pivot);
        positive ^= pivot != c;
        positive ^= rows[c][c].is_negative();
        let pivot = rows[c].clone();
        for row in rows.iter_mut().skip(c + 1).filter(|row| !row[c].is_zero()) {
            let factor = &row[c] / &pivot[c];
            row.iter_mut().zip(&pivot).for_each(|(v, p)| *v = &*v - &factor * p);
        }
    }
    if positive { Ordering::Greater } else { Ordering::Less }
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
    let mut digest = Digested::default();
    parts.into_iter().for_each(|part| digest.0.update(part));
    digest.text()
}

/// SHA-256 of text or bytes that are never held together.
#[derive(Default)]
pub struct Digested(Sha256);

impl Digested {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// As lower-case hexadecimal text.
    pub fn text(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Write for Digested {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.update(text);
        Ok(())
    }
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
pub(crate) fn rational(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap_or_else(BigRational::zero)
}
