//! What all fusions of arms pair by pair have in common: coefficients zeta (K x p) and limits t_ab on how far they are apart.
//!
//! ```text
//! min over zeta in R^(K x p)   loss(zeta) + sum_{a<b} t_ab ||zeta_a - zeta_b||_1
//! ```

use ndarray::Array2;

use crate::exact::{sha256, sum};
use crate::model::{Model, Violation};
use crate::programs::{ConicProgram, InvalidModel, Sense};

/// Pairs a < b, in the order of limits.
pub fn pairs(arms: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..arms).flat_map(move |a| (a + 1..arms).map(move |b| (a, b)))
}

/// `||zeta_a - zeta_b||_1`.
pub fn distance(zeta: &Array2<f64>, a: usize, b: usize) -> f64 {
    sum(zeta.row(a).iter().zip(zeta.row(b)).map(|(x, y)| (x - y).abs()))
}

/// The terms of the penalty.
pub(crate) fn penalty<'m>(limits: &'m [f64], zeta: &'m Array2<f64>) -> impl Iterator<Item = f64> + 'm {
    pairs(zeta.nrows()).zip(limits).map(|((a, b), limit)| limit * distance(zeta, a, b))
}

/// Refuses what is no fusion of K arms over p columns.
pub(crate) fn check((arms, p): (usize, usize), limits: &[f64]) -> Result<(), InvalidModel> {
    let refuse = |what: String| Err(InvalidModel(what));
    if arms < 2 || p == 0 {
        return refuse(format!("fusion needs at least two arms and a column, found {arms} and {p}"));
    }
    let pairs = arms * (arms - 1) / 2;
    if limits.len() != pairs {
        return refuse(format!("{} limits for {pairs} pairs of arms", limits.len()));
    }
    if let Some(limit) = limits.iter().find(|limit| !limit.is_finite() || **limit < 0.0) {
        return refuse(format!("a limit is {limit}; it must be finite and at least 0"));
    }
    Ok(())
}

/// Columns `h_abj >= |zeta_aj - zeta_bj|` at cost t_ab, for each pair with a limit above 0, after the program's own; their rows are the
/// first of the nonnegative cone. Returns the number of these rows.
pub(crate) fn penalise(program: &mut ConicProgram, (arms, p): (usize, usize), limits: &[f64]) -> usize {
    let mut rows = 0;
    for ((one, other), &limit) in pairs(arms).zip(limits).filter(|(_, limit)| **limit > 0.0) {
        for j in 0..p {
            let h = program.q.len();
            program.q.push(limit);
            for sign in [1.0, -1.0] {
                program.a.extend([(rows, one * p + j, sign), (rows, other * p + j, -sign), (rows, h, -1.0)]);
                rows += 1;
            }
        }
    }
    program.b.resize(rows, 0.0);
    rows
}

/// The coefficients behind a program whose first columns are zeta, arm by arm.
pub(crate) fn coefficients((arms, p): (usize, usize), columns: &[f64]) -> Array2<f64> {
    Array2::from_shape_fn((arms, p), |(k, j)| columns[k * p + j])
}

/// The bytes of numbers, for hashes.
pub(crate) fn bytes<'n>(numbers: impl IntoIterator<Item = &'n f64>) -> Vec<u8> {
    numbers.into_iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A fusion: all that sets one apart from another.
pub trait PairFusion {
    /// The model's name in reports.
    const NAME: &'static str;

    /// K and p.
    fn dimensions(&self) -> (usize, usize);

    /// Loss and penalty at coefficients (K x p).
    fn value(&self, zeta: &Array2<f64>) -> f64;

    /// A bound on the loss, whatever the penalty.
    fn least_loss(&self) -> f64;

    /// The bytes of all that is not data.
    fn parameters(&self) -> Vec<u8>;

    /// The bytes of the data.
    fn data(&self) -> Vec<u8>;
}

impl<F: PairFusion> Model for F {
    type Point = Array2<f64>;

    fn name(&self) -> &'static str {
        F::NAME
    }

    fn sense(&self) -> Sense {
        Sense::Minimize
    }

    fn units(&self) -> usize {
        1
    }

    /// NaN for coefficients of another shape.
    fn objective(&self, zeta: &Array2<f64>) -> f64 {
        if self.violations(zeta).is_empty() { self.value(zeta) } else { f64::NAN }
    }

    fn violations(&self, zeta: &Array2<f64>) -> Vec<Violation> {
        if zeta.dim() == self.dimensions() {
            return Vec::new();
        }
        vec![Violation { constraint: "shape".into(), amount: 1.0 }]
    }

    fn reference_value(&self) -> Option<f64> {
        None
    }

    fn trivial_bound(&self) -> f64 {
        self.least_loss()
    }

    fn model_hash(&self) -> String {
        sha256([F::NAME.as_bytes(), self.data_hash().as_bytes(), &self.parameters()])
    }

    fn data_hash(&self) -> String {
        sha256([self.data().as_slice()])
    }
}
