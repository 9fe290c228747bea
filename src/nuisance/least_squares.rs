//! Least squares of minimum norm, for any X (n x p), whatever its rank:
//!
//! ```text
//! b = argmin { |b| : b minimises |y - X b| } = X^+ y
//! ```
//!
//! A QR decomposition of [X y] shrinks the problem to p rows without loss: X = Q R and z = Q'y. It reads the rows in
//! parts that fit a cache, each below the R of all before it ([`Triangle`]). The singular values of R come from
//! one-sided Jacobi rotations (Hestenes 1958; Demmel and Veselic 1992, "Jacobi's method is more accurate than QR"):
//! W = R V with orthogonal columns w_j of length sigma_j, so that
//!
//! ```text
//! b = sum { v_j (w_j'z) / sigma_j^2 : sigma_j > tolerance }
//! ```
//!
//! The rotations are written here because the singular values and eigenvectors of linfa-linalg 0.2.1 lose up to
//! eleven digits on repeated columns, which are just the case that this is for.

use linfa_linalg::qr::QRInto;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut1, ShapeBuilder, s};

/// The minimum-norm solution b (p) for X (n x p) and y (n).
#[cfg(test)]
fn minimum_norm(x: ArrayView2<f64>, y: ArrayView1<f64>) -> Array1<f64> {
    let (n, p) = x.dim();
    let mut triangle = Triangle::new(p + 1);
    for i in 0..n {
        triangle.read(|mut row| {
            row.slice_mut(s![..p]).assign(&x.row(i));
            row[p] = y[i];
        });
    }
    let r = triangle.finish();
    Directions::of(r.slice(s![..p, ..p]), n).minimum_norm(r.slice(s![..p, p]))
}

/// R (p x p) of a matrix that is read row by row.
pub(super) struct Triangle {
    /// R so far, and below it the rows read since; by columns, as reflections go through it.
    rows: Array2<f64>,
    filled: usize,
}

impl Triangle {
    /// Rows read between reflections.
    const PART: usize = 256;

    pub fn new(width: usize) -> Triangle {
        Triangle { rows: Array2::zeros((width + Self::PART, width).f()), filled: width }
    }

    /// Reads a row, which `fill` writes.
    pub fn read(&mut self, fill: impl FnOnce(ArrayViewMut1<f64>)) {
        if self.filled == self.rows.nrows() {
            self.reflect();
        }
        fill(self.rows.row_mut(self.filled));
        self.filled += 1;
    }

    /// R of the rows read.
    pub fn finish(mut self) -> Array2<f64> {
        self.reflect();
        self.rows.slice(s![..self.rows.ncols(), ..]).to_owned()
    }

    fn reflect(&mut self) {
        let width = self.rows.ncols();
        if width > 0 {
            let tall = self.rows.slice_mut(s![..self.filled, ..]);
            tall.qr_into().expect("there are more rows than columns").into_r();
        }
        self.rows.slice_mut(s![width.., ..]).fill(0.0);
        self.filled = width;
    }
}

/// The singular value decomposition R = W V', without the directions that count as empty: the columns of W (p x r) are
/// orthogonal, those of V (p x r) orthonormal.
pub(crate) struct Directions {
    pub w: Array2<f64>,
    pub v: Array2<f64>,
    /// Singular values (r): the lengths of the columns of W.
    pub lengths: Array1<f64>,
}

impl Directions {
    /// Those of the matrix of `rows` rows whose triangle is `r` (p x p); a direction counts as empty where its singular
    /// value is below max(rows, p) times the rounding error of the largest.
    pub fn of(r: ArrayView2<f64>, rows: usize) -> Directions {
        Directions::above(r, rows.max(r.ncols()) as f64 * f64::EPSILON)
    }

    /// Those of a square matrix `r` (p x p) whose singular values are above a share of the largest.
    pub fn above(r: ArrayView2<f64>, share: f64) -> Directions {
        let p = r.ncols();
        let (mut w, mut v) = (r.to_owned(), Array2::eye(p));
        orthogonalise(&mut w, &mut v);
        let lengths: Array1<f64> = w.columns().into_iter().map(|column| column.dot(&column).sqrt()).collect();
        let largest = lengths.fold(0.0, |largest: f64, &length| largest.max(length));
        let tolerance = largest * share;
        let kept: Vec<usize> = (0..p).filter(|&j| lengths[j] > tolerance).collect();
        Directions {
            w: w.select(ndarray::Axis(1), &kept),
            v: v.select(ndarray::Axis(1), &kept),
            lengths: kept.iter().map(|&j| lengths[j]).collect(),
        }
    }

    /// The minimum-norm solution b (p) for z = Q'y (p).
    pub fn minimum_norm(&self, z: ArrayView1<f64>) -> Array1<f64> {
        self.v.dot(&(self.w.t().dot(&z) / &self.lengths / &self.lengths))
    }
}

/// Rotates pairs of columns of W, and of V with them, until all columns of W are orthogonal to rounding error.
fn orthogonalise(w: &mut Array2<f64>, v: &mut Array2<f64>) {
    // Convergence is quadratic and takes about ten sweeps; the limit only stops numbers that are not finite.
    const SWEEPS: usize = 60;
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for j in 1..w.ncols() {
            for i in 0..j {
                if let Some((cosine, sine)) = rotation(w.column(i), w.column(j)) {
                    rotate(w, i, j, cosine, sine);
                    rotate(v, i, j, cosine, sine);
                    rotated = true;
                }
            }
        }
        if !rotated {
            return;
        }
    }
}

/// The cosine and sine that make two columns orthogonal, or nothing where they already are.
fn rotation(a: ArrayView1<f64>, b: ArrayView1<f64>) -> Option<(f64, f64)> {
    let (aa, bb, ab) = (a.dot(&a), b.dot(&b), a.dot(&b));
    if ab.abs() <= a.len() as f64 * f64::EPSILON * (aa.sqrt() * bb.sqrt()) {
        return None;
    }
    let zeta = (bb - aa) / (2.0 * ab);
    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    Some((cosine, cosine * tangent))
}

fn rotate(matrix: &mut Array2<f64>, i: usize, j: usize, cosine: f64, sine: f64) {
    for mut row in matrix.rows_mut() {
        let (a, b) = (row[i], row[j]);
        row[i] = cosine * a - sine * b;
        row[j] = sine * a + cosine * b;
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    /// The four conditions of Moore and Penrose, as they bear on b = X^+ y: the residual is orthogonal to the
    /// columns of X, and b lies in the span of its rows.
    fn assert_minimum_norm(x: &Array2<f64>, y: &Array1<f64>, null_space: &[Array1<f64>]) {
        let b = minimum_norm(x.view(), y.view());
        let gradient = x.t().dot(&(y - &x.dot(&b)));
        let scale = 1.0 + x.iter().chain(y).fold(0.0, |a: f64, v| a.max(v.abs())).powi(2) * x.len() as f64;
        assert!(gradient.iter().all(|g| g.abs() < 1e-11 * scale), "residual is not orthogonal: {gradient}");
        for direction in null_space {
            assert!(b.dot(direction).abs() < 1e-9 * (1.0 + b.dot(&b).sqrt()), "{b} is not of minimum norm");
        }
    }

    #[test]
    fn two_equal_columns_share_the_coefficient() {
        let b = minimum_norm(array![[1.0, 1.0], [2.0, 2.0]].view(), array![3.0, 6.0].view());
        assert!((&b - &array![1.5, 1.5]).iter().all(|d| d.abs() < 1e-14), "{b}");
    }

    #[test]
    fn a_wide_system_is_solved_by_the_shortest_vector() {
        // x + 2y + 2z = 9: the nearest point of the plane to 0 is (1, 2, 2).
        let b = minimum_norm(array![[1.0, 2.0, 2.0]].view(), array![9.0].view());
        assert!((&b - &array![1.0, 2.0, 2.0]).iter().all(|d| d.abs() < 1e-14), "{b}");
    }

    #[test]
    fn zeros_and_nothing_are_solved_by_zeros_and_nothing() {
        assert_eq!(
            minimum_norm(Array2::zeros((3, 2)).view(), array![1.0, 2.0, 3.0].view()),
            array![0.0, 0.0]
        );
        assert_eq!(minimum_norm(Array2::zeros((3, 0)).view(), array![1.0, 2.0, 3.0].view()).len(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn any_rank_satisfies_the_conditions_of_moore_and_penrose(
            n in 1usize..12,
            copies in proptest::collection::vec((0usize..4, -3i32..=0), 1..8),
            numbers in proptest::collection::vec(-1.0f64..1.0, 60),
        ) {
            // Column j repeats base column copies[j].0, scaled: repeated columns leave known null directions.
            let base = Array2::from_shape_fn((n, 4), |(i, j)| if j == 3 { 0.0 } else { numbers[4 * i + j] });
            let y = Array1::from_shape_fn(n, |i| numbers[48 + i]);
            let x = Array2::from_shape_fn((n, copies.len()), |(i, j)| {
                base[[i, copies[j].0]] * 10f64.powi(copies[j].1)
            });
            let mut null_space = Vec::new();
            for j in 0..copies.len() {
                if copies[j].0 == 3 {
                    null_space.push(Array1::from_shape_fn(copies.len(), |c| f64::from(c == j)));
                }
                for i in (0..j).filter(|&i| copies[i].0 == copies[j].0) {
                    let mut direction = Array1::zeros(copies.len());
                    direction[i] = 10f64.powi(copies[j].1);
                    direction[j] = -(10f64.powi(copies[i].1));
                    null_space.push(direction);
                }
            }
            assert_minimum_norm(&x, &y, &null_space);
        }
    }
}
