//! Means and spread of some units, in a form that joins: with the rows z_i of a block of units, its mean m and the
//! triangle R of its centred rows, R'R = sum_i (z_i - m)(z_i - m)', the triangle of several blocks together is that of
//!
//! ```text
//! [ R_1 ; sqrt(n_1) (m_1 - m)' ; R_2 ; sqrt(n_2) (m_2 - m)' ; .. ],      m = sum_b n_b m_b / sum_b n_b
//! ```
//!
//! So the units of each fold and arm are read once, and all fits that leave a fold out share what was read (Chan, Golub
//! and LeVeque 1983, for the triangle instead of its square, which would cost half of the digits).

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::least_squares::Triangle;

/// The columns of covariates, and of an outcome after them if there is one, each divided by the power of two that makes
/// its largest number about 1: exactly the same numbers, whose squares neither overflow nor vanish.
pub(super) struct Columns<'a> {
    x: ArrayView2<'a, f64>,
    y: Option<ArrayView1<'a, f64>>,
    /// What each column is multiplied by.
    pub scales: Array1<f64>,
}

impl<'a> Columns<'a> {
    pub fn new(x: ArrayView2<'a, f64>, y: Option<ArrayView1<'a, f64>>) -> Columns<'a> {
        let scale = |column: ArrayView1<f64>| {
            let largest = column.fold(0.0, |largest: f64, value| largest.max(value.abs()));
            // Beyond these exponents the inverse of the scale is no number.
            if largest > 0.0 { (-largest.log2().floor().clamp(-1022.0, 1022.0)).exp2() } else { 1.0 }
        };
        let scales = x.columns().into_iter().map(scale).chain(y.iter().map(|y| scale(y.view()))).collect();
        Columns { x, y, scales }
    }

    /// The number of columns.
    fn width(&self) -> usize {
        self.scales.len()
    }

    /// The scaled numbers of unit i.
    pub fn row(&self, i: usize) -> impl Iterator<Item = f64> + '_ {
        let numbers = self.x.row(i).into_iter().chain(self.y.as_ref().map(|y| &y[i]));
        numbers.zip(&self.scales).map(|(number, scale)| number * scale)
    }
}

/// The number, mean and triangle of the rows of some units.
pub(super) struct Moments {
    pub rows: usize,
    pub means: Array1<f64>,
    pub r: Array2<f64>,
}

impl Moments {
    /// Those of `units`, which may be none.
    pub fn of(columns: &Columns, units: &[usize]) -> Moments {
        let (rows, width) = (units.len(), columns.width());
        // From the first row on, so that the mean of a constant is that constant.
        let first: Array1<f64> = units.first().map_or(Array1::zeros(width), |&i| columns.row(i).collect());
        let mut means = Array1::zeros(width);
        for &i in units {
            let off = columns.row(i).zip(&first).map(|(number, first)| number - first);
            means.iter_mut().zip(off).for_each(|(sum, off)| *sum += off);
        }
        means = first + means / rows.max(1) as f64;
        let mut triangle = Triangle::new(width);
        for &i in units {
            let centred = columns.row(i).zip(&means).map(|(number, mean)| number - mean);
            triangle.read(|mut row| row.iter_mut().zip(centred).for_each(|(cell, number)| *cell = number));
        }
        Moments { rows, means, r: triangle.finish() }
    }

    /// Those of the units of all `blocks` together; none where there are no units.
    pub fn join(blocks: &[&Moments]) -> Option<Moments> {
        let blocks: Vec<&&Moments> = blocks.iter().filter(|block| block.rows > 0).collect();
        let first = &blocks.first()?.means;
        let rows: usize = blocks.iter().map(|block| block.rows).sum();
        let mut means = first.clone();
        for block in &blocks {
            means.scaled_add(block.rows as f64 / rows as f64, &(&block.means - first));
        }
        let mut triangle = Triangle::new(means.len());
        for block in blocks {
            let between = (&block.means - &means) * (block.rows as f64).sqrt();
            triangle.read(|mut row| row.assign(&between));
            block.r.rows().into_iter().for_each(|of_block| triangle.read(|mut row| row.assign(&of_block)));
        }
        Some(Moments { rows, means, r: triangle.finish() })
    }

    /// The standard deviations of the columns; infinite where a column does not vary, for what is left of it is rounding
    /// error, of which nothing must remain.
    pub fn deviations(&self) -> Array1<f64> {
        let n = self.rows as f64;
        let deviation = |(column, mean): (ArrayView1<f64>, &f64)| {
            let deviation = (column.dot(&column) / n).sqrt();
            if deviation <= n * f64::EPSILON * mean.abs() { f64::INFINITY } else { deviation }
        };
        self.r.columns().into_iter().zip(&self.means).map(deviation).collect()
    }
}
