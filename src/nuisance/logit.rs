//! The multinomial logit model of a class C among K, by maximum likelihood; with two classes, logistic regression:
//!
//! ```text
//! P(C = k | x) = exp(eta_k) / sum_l exp(eta_l),     eta_k = a_k + b_k'x,  eta_0 = 0
//! ```
//!
//! Newton's method with step halving (McFadden 1974; Agresti 2013, section 8.1) in coordinates t(x) in which the units
//! fitted have mean 0 and covariance I: directions in which covariates do not vary are left out there, so repeated and
//! constant covariates are no obstacle, and the Hessian is as well-conditioned as the fitted probabilities allow.
//!
//! Where a plane separates a class from the others, likelihood grows for ever along its normal and has no maximum
//! (Albert and Anderson 1984). Newton's steps then do not shrink, which is how it shows.

use linfa_linalg::cholesky::SolveCInplace;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::least_squares::Directions;
use super::moments::{Columns, Moments};

/// A fitted model.
pub(super) struct Logit {
    basis: Basis,
    /// ((r + 1) x (K - 1)): the intercepts, then the coefficients of t(x).
    theta: Array2<f64>,
}

/// No maximum of the likelihood: a plane separates the class from others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Separated {
    pub class: usize,
    /// The covariate that matters most in the normal of the plane, standardised; none where there are no covariates.
    pub covariate: Option<usize>,
}

/// The units to fit a model to.
pub(super) struct Sample<'a, 'c> {
    pub columns: &'a Columns<'c>,
    pub units: &'a [usize],
    /// The class of every unit, from 0 to `classes` - 1; each is that of one of `units` at least.
    pub class: &'a [usize],
    pub classes: usize,
}

impl Logit {
    /// Newton's steps at most: each multiplies the odds of a class by e or so while likelihood has far to go.
    const STEPS: usize = 60;

    /// Fits the model to units of which the columns have these moments.
    pub fn fit(sample: &Sample, moments: &Moments) -> Result<Logit, Separated> {
        let basis = Basis::of(moments);
        let likelihood = Likelihood {
            rows: basis.coordinates(sample.columns, sample.units),
            class: sample.units.iter().map(|&i| sample.class[i]).collect(),
        };
        let mut theta = Array2::zeros((basis.rank() + 1, sample.classes - 1));
        let mut here = likelihood.at(&theta);
        let mut last = Array2::zeros(theta.dim());
        for _ in 0..Self::STEPS {
            let Some(step) = here.newton_step() else { break };
            last = step;
            let size = largest(&last) / (1.0 + largest(&theta));
            // Convergence is quadratic: what a step so short leaves undone is below the rounding error.
            if size <= 1e-9 {
                return Ok(Logit { theta: theta + &last, basis });
            }
            match likelihood.better(&theta, &last, here.log_likelihood) {
                Some((next, derivatives)) => (theta, here) = (next, derivatives),
                // Likelihood may be as large as rounding allows to see before the step is that short.
                None if size <= 1e-6 => return Ok(Logit { theta: theta + &last, basis }),
                None => break,
            }
        }
        Err(basis.separation(&last))
    }

    /// The probabilities of the K classes for the numbers of a unit in `columns`.
    pub fn probabilities(&self, columns: &Columns, unit: usize) -> Array1<f64> {
        let rows = self.basis.coordinates(columns, &[unit]);
        let mut eta = rows.dot(&self.theta).remove_axis(Axis(0));
        let rest = softmax(eta.view_mut());
        [rest].into_iter().chain(eta).collect()
    }
}

/// Coordinates t(x) = M'(x - m).
struct Basis {
    means: Array1<f64>,
    /// M (p x r).
    map: Array2<f64>,
    /// M for standardised covariates (p x r).
    standardised: Array2<f64>,
}

impl Basis {
    fn of(moments: &Moments) -> Basis {
        let deviations = moments.deviations();
        let r = &moments.r / &deviations;
        let directions = Directions::of(r.view(), moments.rows);
        let standardised = directions.v * (moments.rows as f64).sqrt() / &directions.lengths;
        let map = &standardised / &deviations.insert_axis(Axis(1));
        Basis { means: moments.means.clone(), map, standardised }
    }

    fn rank(&self) -> usize {
        self.map.ncols()
    }

    /// One row a unit: 1, t(x).
    fn coordinates(&self, columns: &Columns, units: &[usize]) -> Array2<f64> {
        let mut centred = Array2::zeros((units.len(), self.means.len()));
        for (mut row, &i) in centred.rows_mut().into_iter().zip(units) {
            let numbers = columns.row(i).zip(&self.means).map(|(number, mean)| number - mean);
            row.iter_mut().zip(numbers).for_each(|(cell, number)| *cell = number);
        }
        let mut rows = Array2::ones((units.len(), self.rank() + 1));
        ndarray::linalg::general_mat_mul(1.0, &centred, &self.map, 0.0, &mut rows.slice_mut(s![.., 1..]));
        rows
    }

    /// The plane whose normal likelihood grows along.
    fn separation(&self, step: &Array2<f64>) -> Separated {
        let normals = self.standardised.dot(&step.slice(s![1.., ..]));
        let far = |column: ArrayView1<f64>| column.fold(0.0, |far: f64, value| far.max(value.abs()));
        let most = |numbers: Vec<f64>| (0..numbers.len()).max_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
        let class = most(step.columns().into_iter().map(far).collect()).unwrap_or(0);
        let covariate = most(normals.column(class).iter().map(|value| value.abs()).collect());
        Separated { class: class + 1, covariate }
    }
}

/// The units fitted: one row 1, t(x) each, and their classes.
struct Likelihood {
    rows: Array2<f64>,
    class: Vec<usize>,
}

impl Likelihood {
    /// Rows that are multiplied at once.
    const BLOCK: usize = 256;

    fn at(&self, theta: &Array2<f64>) -> Derivatives {
        // Parts of fixed size, added in their order: no number of threads changes a sum.
        const BLOCKS: usize = 32;
        let size = Self::BLOCK * BLOCKS;
        let rows: Vec<ArrayView2<f64>> = self.rows.axis_chunks_iter(Axis(0), size).collect();
        let of_part = |(rows, class): (&ArrayView2<f64>, &[usize])| {
            let mut sums = Derivatives::zeros(theta.dim());
            let blocks = rows.axis_chunks_iter(Axis(0), Self::BLOCK).zip(class.chunks(Self::BLOCK));
            blocks.for_each(|(rows, class)| sums.add(rows, class, theta));
            sums
        };
        let parts: Vec<Derivatives> = rows.par_iter().zip(self.class.par_chunks(size)).map(of_part).collect();
        let mut sums = Derivatives::zeros(theta.dim());
        for part in parts {
            sums.log_likelihood += part.log_likelihood;
            sums.gradient += &part.gradient;
            sums.information += &part.information;
        }
        let n = self.class.len() as f64;
        sums.log_likelihood /= n;
        sums.gradient /= n;
        sums.information /= n;
        sums
    }

    /// The first of theta + step, theta + step / 2, .. that is more likely.
    fn better(
        &self,
        theta: &Array2<f64>,
        step: &Array2<f64>,
        log_likelihood: f64,
    ) -> Option<(Array2<f64>, Derivatives)> {
        const HALVINGS: i32 = 20;
        (0..HALVINGS).find_map(|halvings| {
            let next = theta + step * 0.5f64.powi(halvings);
            let derivatives = self.at(&next);
            (derivatives.log_likelihood > log_likelihood).then_some((next, derivatives))
        })
    }
}

/// Mean log-likelihood of a sample at some theta, its gradient, and minus its Hessian.
struct Derivatives {
    log_likelihood: f64,
    gradient: Array2<f64>,
    /// Blocks of r + 1 rows and columns, one a class.
    information: Array2<f64>,
}

impl Derivatives {
    fn zeros((rows, columns): (usize, usize)) -> Derivatives {
        let size = rows * columns;
        Derivatives {
            log_likelihood: 0.0,
            gradient: Array2::zeros((rows, columns)),
            information: Array2::zeros((size, size)),
        }
    }

    fn add(&mut self, rows: ArrayView2<f64>, class: &[usize], theta: &Array2<f64>) {
        let mut p = rows.dot(theta);
        let mut residuals = Array2::zeros(p.dim());
        for ((mut p, mut residual), &class) in p.rows_mut().into_iter().zip(residuals.rows_mut()).zip(class) {
            // log p from eta, because p may be too small for its logarithm.
            let eta = if class > 0 { p[class - 1] } else { 0.0 };
            self.log_likelihood += eta - log_sum(p.view());
            softmax(p.view_mut());
            residual.assign(&-&p);
            if class > 0 {
                residual[class - 1] += 1.0;
            }
        }
        self.gradient += &rows.t().dot(&residuals);
        let width = rows.ncols();
        for k in 0..theta.ncols() {
            for l in 0..=k {
                let weights = &p.column(k) * &p.column(l).mapv(|p| if k == l { 1.0 - p } else { -p });
                let weighted = &rows * &weights.insert_axis(Axis(1));
                let block = s![k * width..(k + 1) * width, l * width..(l + 1) * width];
                let mut block = self.information.slice_mut(block);
                ndarray::linalg::general_mat_mul(1.0, &rows.t(), &weighted, 1.0, &mut block);
            }
        }
    }

    /// The step to where the gradient would vanish if the Hessian were the same there; none where it is singular.
    fn newton_step(&self) -> Option<Array2<f64>> {
        let (width, classes) = self.gradient.dim();
        let mut information = self.information.clone();
        for k in 0..information.nrows() {
            for l in 0..k {
                information[[l, k]] = information[[k, l]];
            }
        }
        // By classes, as the blocks are.
        let mut step =
            Array2::from_shape_fn((width * classes, 1), |(i, _)| self.gradient[[i % width, i / width]]);
        information.solvec_inplace(&mut step).ok()?;
        let step = Array2::from_shape_fn((width, classes), |(j, k)| step[[k * width + j, 0]]);
        step.iter().all(|number| number.is_finite()).then_some(step)
    }
}

/// log(1 + sum_k exp(eta_k)), without overflow.
fn log_sum(eta: ArrayView1<f64>) -> f64 {
    let top = eta.fold(0.0, |top: f64, &eta| top.max(eta));
    top + ((-top).exp() + eta.iter().map(|eta| (eta - top).exp()).sum::<f64>()).ln()
}

/// Turns eta into probabilities; returns that of the class whose eta is 0.
fn softmax(mut eta: ndarray::ArrayViewMut1<f64>) -> f64 {
    let top = eta.fold(0.0, |top: f64, &eta| top.max(eta));
    eta.mapv_inplace(|eta| (eta - top).exp());
    let rest = (-top).exp();
    let sum = rest + eta.sum();
    eta /= sum;
    rest / sum
}

fn largest(matrix: &Array2<f64>) -> f64 {
    matrix.fold(0.0, |largest: f64, value| largest.max(value.abs()))
}
