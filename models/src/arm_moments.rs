//! The sums that least squares within arms reads.
//!
//! ```text
//! G_a = sum_{A_i = a} w_i D_i D_i'    c_a = sum w_i y_i D_i    s_a = sum w_i y_i^2
//! RSS(g) = min_b sum_{a in g} sum_{A_i = a} w_i (y_i - D_i'b)^2 = s_g - c_g' G_g^- c_g        sums over the arms of g
//! ```
//!
//! Fusing arms (fusion.txt, objective (3)) depends on the data through these alone, so that its cost does not depend on the number of units.

use ndarray::{Array1, Array2, ArrayView1};

/// A pivot below this share of its column's length is rounding error: the column is a combination of others.
const DEPENDENT: f64 = 1e-12;

/// The sums of one arm, or of several together.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// G (p x p).
    pub gram: Array2<f64>,
    /// c (p).
    pub cross: Array1<f64>,
    /// s.
    pub square: f64,
}

impl Moments {
    /// No units at all, over p columns.
    pub fn zero(p: usize) -> Self {
        Self { gram: Array2::zeros((p, p)), cross: Array1::zeros(p), square: 0.0 }
    }

    /// The sums of every arm: design D (n x p), outcome y, weight w and arm of each unit.
    pub fn by_arm(
        design: &Array2<f64>,
        outcome: &[f64],
        weights: &[f64],
        arm: &[usize],
        arms: usize,
    ) -> Vec<Self> {
        let mut moments = vec![Self::zero(design.ncols()); arms];
        for (i, row) in design.rows().into_iter().enumerate() {
            moments[arm[i]].read(row, outcome[i], weights[i]);
        }
        moments
    }

    /// One unit more.
    pub fn read(&mut self, row: ArrayView1<f64>, outcome: f64, weight: f64) {
        for (j, &value) in row.iter().enumerate() {
            self.gram.row_mut(j).scaled_add(weight * value, &row);
        }
        self.cross.scaled_add(weight * outcome, &row);
        self.square += weight * outcome * outcome;
    }

    /// The units of another as well.
    pub fn add(&mut self, other: &Self) {
        self.gram += &other.gram;
        self.cross += &other.cross;
        self.square += other.square;
    }

    /// The units of all of them.
    pub fn pooled<'m>(p: usize, all: impl IntoIterator<Item = &'m Self>) -> Self {
        let mut sum = Self::zero(p);
        all.into_iter().for_each(|moments| sum.add(moments));
        sum
    }

    /// A minimiser b (p); columns that depend on earlier ones get 0.
    pub fn fit(&self) -> Array1<f64> {
        solve_semidefinite(&self.gram, &self.cross)
    }

    /// The least weighted sum of squares.
    pub fn rss(&self) -> f64 {
        self.rss_at(&self.fit()).max(0.0)
    }

    /// The weighted sum of squares at b.
    pub fn rss_at(&self, b: &Array1<f64>) -> f64 {
        self.square - 2.0 * self.cross.dot(b) + b.dot(&self.gram.dot(b))
    }
}

/// A solution of G b = c for a positive semidefinite G, by Cholesky; columns that depend on earlier ones get 0.
pub fn solve_semidefinite(gram: &Array2<f64>, cross: &Array1<f64>) -> Array1<f64> {
    let p = cross.len();
    let mut lower = Array2::<f64>::zeros((p, p));
    for j in 0..p {
        let pivot = gram[[j, j]] - (0..j).map(|k| lower[[j, k]].powi(2)).sum::<f64>();
        // A column without a pivot stays 0, and so does its coefficient.
        if pivot <= DEPENDENT * gram[[j, j]].abs() || pivot <= 0.0 {
            lower.row_mut(j).fill(0.0);
            continue;
        }
        lower[[j, j]] = pivot.sqrt();
        for i in j + 1..p {
            let rest = gram[[i, j]] - (0..j).map(|k| lower[[i, k]] * lower[[j, k]]).sum::<f64>();
            lower[[i, j]] = rest / lower[[j, j]];
        }
    }
    let mut b = cross.clone();
    for j in 0..p {
        let before: f64 = (0..j).map(|k| lower[[j, k]] * b[k]).sum();
        b[j] = if lower[[j, j]] > 0.0 { (b[j] - before) / lower[[j, j]] } else { 0.0 };
    }
    for j in (0..p).rev() {
        let after: f64 = (j + 1..p).map(|i| lower[[i, j]] * b[i]).sum();
        b[j] = if lower[[j, j]] > 0.0 { (b[j] - after) / lower[[j, j]] } else { 0.0 };
    }
    b
}
