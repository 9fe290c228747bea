//! The multinomial logit model of a class C among K, by maximum likelihood; with two classes, logistic regression:
//!
//! ```text
//! P(C = k | x) = exp(eta_k) / sum_l exp(eta_l),     eta_k = a_k + b_k'x,  eta_0 = 0
//! ```
//!
//! where the sum runs over the classes that are open to the unit, and the others have probability 0.
//!
//! Newton's method with step halving (McFadden 1974; Agresti 2013, section 8.1) in coordinates t(x) in which the units
//! fitted have mean 0 and covariance I: directions in which covariates do not vary are left out there, so repeated and
//! constant covariates are no obstacle, and the Hessian is as well-conditioned as the fitted probabilities allow.
//!
//! Where a plane separates a class from the others, likelihood grows for ever along its normal and has no maximum
//! (Albert and Anderson 1984). Newton's steps then do not shrink, which is how it shows.

use std::ops::Range;

use linfa_linalg::cholesky::SolveCInplace;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1, Axis, s};
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
    /// Which classes are open to every unit (n x K), that of the unit among them; all, if none.
    pub may: Option<&'a Array2<bool>>,
}

impl Logit {
    /// Newton's steps at most: each multiplies the odds of a class by e or so while likelihood has far to go. Beyond odds of e^30
    /// rounding error would hide that a plane separates the classes, and end a search that has no end.
    const STEPS: usize = 30;

    /// Fits the model to units of which the columns have these moments.
    pub fn fit(sample: &Sample, moments: &Moments) -> Result<Logit, Separated> {
        let basis = Basis::of(moments);
        let likelihood = Likelihood {
            rows: basis.coordinates(sample.columns, sample.units),
            class: sample.units.iter().map(|&i| sample.class[i]).collect(),
            may: sample.may.map(|may| may.select(Axis(0), sample.units)),
        };
        let mut theta = Array2::zeros((basis.rank() + 1, sample.classes - 1));
        let mut here = likelihood.at(&theta);
        let identified = sample.may.map(|_| here.identified(sample.units.len()));
        let mut last = Array2::zeros(theta.dim());
        for _ in 0..Self::STEPS {
            let Some(step) = here.newton_step(identified.as_ref()) else { break };
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

    /// The probabilities of the K classes for the numbers of a unit in `columns`, to which some classes may be closed.
    pub fn probabilities(
        &self,
        columns: &Columns,
        unit: usize,
        may: Option<ArrayView1<bool>>,
    ) -> Array1<f64> {
        let rows = self.basis.coordinates(columns, &[unit]);
        let mut eta = rows.dot(&self.theta).remove_axis(Axis(0));
        let rest = softmax(eta.view_mut(), may).of_first;
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
        general_mat_mul(1.0, &centred, &self.map, 0.0, &mut rows.slice_mut(s![.., 1..]));
        rows
    }

    /// The plane whose normal likelihood grows along.
    fn separation(&self, step: &Array2<f64>) -> Separated {
        // Only differences between classes count: each against the mean of all.
        let mean = step.sum_axis(Axis(1)) / (step.ncols() + 1) as f64;
        let of_class = |k: usize| if k > 0 { &step.column(k - 1) - &mean } else { -&mean };
        let far = |numbers: Array1<f64>| numbers.fold(0.0, |far: f64, value| far.max(value.abs()));
        let most = |numbers: Vec<f64>| (0..numbers.len()).max_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
        let class = most((0..=step.ncols()).map(|k| far(of_class(k))).collect()).unwrap_or(0);
        let normal = self.standardised.dot(&of_class(class).slice(s![1..]));
        Separated { class, covariate: most(normal.iter().map(|value| value.abs()).collect()) }
    }
}

/// The units fitted: one row 1, t(x) each, and their classes.
struct Likelihood {
    rows: Array2<f64>,
    class: Vec<usize>,
    may: Option<Array2<bool>>,
}

impl Likelihood {
    /// Rows that are multiplied at once.
    const BLOCK: usize = 256;

    fn at(&self, theta: &Array2<f64>) -> Derivatives {
        // Parts of fixed size, added in their order: no number of threads changes a sum.
        const BLOCKS: usize = 32;
        let size = Self::BLOCK * BLOCKS;
        let n = self.class.len();
        let of_part = |start: usize| {
            let mut sums = Derivatives::zeros(theta.dim());
            let end = (start + size).min(n);
            for start in (start..end).step_by(Self::BLOCK) {
                self.add(&mut sums, start..(start + Self::BLOCK).min(end), theta);
            }
            sums
        };
        let starts: Vec<usize> = (0..n).step_by(size).collect();
        let parts: Vec<Derivatives> = starts.into_par_iter().map(of_part).collect();
        let mut sums = Derivatives::zeros(theta.dim());
        for part in parts {
            sums.log_likelihood += part.log_likelihood;
            sums.gradient += &part.gradient;
            sums.information += &part.information;
        }
        let n = n as f64;
        sums.log_likelihood /= n;
        sums.gradient /= n;
        sums.information /= n;
        sums
    }

    /// Adds what the units of a range contribute.
    fn add(&self, sums: &mut Derivatives, units: Range<usize>, theta: &Array2<f64>) {
        let rows = self.rows.slice(s![units.clone(), ..]);
        let mut p = rows.dot(theta);
        let mut residuals = Array2::zeros(p.dim());
        for ((mut p, mut residual), i) in p.rows_mut().into_iter().zip(residuals.rows_mut()).zip(units) {
            let class = self.class[i];
            // log p from eta, because p may be too small for its logarithm.
            let eta = if class > 0 { p[class - 1] } else { 0.0 };
            let may = self.may.as_ref().map(|may| may.row(i));
            sums.log_likelihood += eta - softmax(p.view_mut(), may).log_sum;
            residual.assign(&-&p);
            if class > 0 {
                residual[class - 1] += 1.0;
            }
        }
        sums.gradient += &rows.t().dot(&residuals);
        let width = rows.ncols();
        for k in 0..theta.ncols() {
            for l in 0..=k {
                let weights = &p.column(k) * &p.column(l).mapv(|p| if k == l { 1.0 - p } else { -p });
                let weighted = &rows * &weights.insert_axis(Axis(1));
                let block = s![k * width..(k + 1) * width, l * width..(l + 1) * width];
                let mut block = sums.information.slice_mut(block);
                general_mat_mul(1.0, &rows.t(), &weighted, 1.0, &mut block);
            }
        }
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

    /// The step to where the gradient would vanish if the Hessian were the same there, within the span of `identified` where
    /// that is not everything; none where the Hessian is singular.
    fn newton_step(&self, identified: Option<&Array2<f64>>) -> Option<Array2<f64>> {
        let (width, classes) = self.gradient.dim();
        // By classes, as the blocks of the information are.
        let gradient = self.gradient.t().to_shape((width * classes, 1)).ok()?.into_owned();
        let step = match identified {
            None => solved(self.symmetric(), gradient)?,
            Some(q) => q.dot(&solved(q.t().dot(&self.symmetric()).dot(q), q.t().dot(&gradient))?),
        };
        let step = step.to_shape((classes, width)).ok()?.t().to_owned();
        step.iter().all(|number| number.is_finite()).then_some(step)
    }

    /// An orthonormal basis of the directions in which the likelihood varies at all: where classes are closed to units, those
    /// may be fewer than the parameters, wherever theta is.
    fn identified(&self, units: usize) -> Array2<f64> {
        Directions::of(self.symmetric().view(), units).v
    }

    /// Minus the Hessian, of which only the lower triangle was added up.
    fn symmetric(&self) -> Array2<f64> {
        let mut information = self.information.clone();
        for k in 0..information.nrows() {
            for l in 0..k {
                information[[l, k]] = information[[k, l]];
            }
        }
        information
    }
}

/// The solution of a positive definite system; none where it is not.
fn solved(mut matrix: Array2<f64>, mut right: Array2<f64>) -> Option<Array2<f64>> {
    matrix.solvec_inplace(&mut right).ok()?;
    Some(right)
}

/// What else there is to know of probabilities.
struct Softmax {
    /// The probability of the class whose eta is 0.
    of_first: f64,
    /// log sum_k exp(eta_k) over the classes that are open.
    log_sum: f64,
}

/// Turns eta (K - 1) into probabilities, without overflow.
fn softmax(mut eta: ArrayViewMut1<f64>, may: Option<ArrayView1<bool>>) -> Softmax {
    let open = |k: usize| may.is_none_or(|may| may[k]);
    let first = if open(0) { 0.0 } else { f64::NEG_INFINITY };
    eta.iter_mut().enumerate().filter(|(k, _)| !open(k + 1)).for_each(|(_, eta)| *eta = f64::NEG_INFINITY);
    let top = eta.fold(first, |top: f64, &eta| top.max(eta));
    eta.mapv_inplace(|eta| (eta - top).exp());
    let of_first = (first - top).exp();
    let sum = of_first + eta.sum();
    eta /= sum;
    Softmax { of_first: of_first / sum, log_sum: top + sum.ln() }
}

fn largest(matrix: &Array2<f64>) -> f64 {
    matrix.fold(0.0, |largest: f64, value| largest.max(value.abs()))
}
