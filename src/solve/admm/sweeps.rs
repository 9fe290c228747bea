//! The iterations themselves.
//!
//! Columns are scaled to a mean of 1 of the diagonals of G_a, with the limits scaled along, so that one step serves all. Vectors over
//! arms are stored column by column, and so is u over pairs: the inner loop runs over the arms b > a. Only u is stored over pairs;
//! of eta it takes the sums over b alone.

use linfa_linalg::eigh::Eigh;
use multiversion::multiversion;
use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::Moments;
use serde::{Deserialize, Serialize};

/// theta K starts at this multiple of the mean diagonal of G, which is 1.
const STEP: f64 = 3.0;
/// The step is changed by this factor where one residual exceeds the other by so much, at most so often.
const CHANGE: f64 = 2.0;
const UNBALANCED: f64 = 20.0;
const CHANGES: usize = 40;
/// Eigenvalues below this share of the largest are rounding error of 0.
const NULL: f64 = 1e-11;
/// Sums that the inner loop keeps side by side.
const LANES: usize = 8;

/// One arm in its eigenvectors, columns scaled.
pub(super) struct Arm {
    pub values: Array1<f64>,
    pub vectors: Array2<f64>,
    pub cross: Array1<f64>,
    pub square: f64,
    /// (G + theta K I)^-1.
    inverse: Array2<f64>,
}

impl Arm {
    /// Whether G leaves a direction open.
    pub fn is_singular(&self) -> bool {
        self.values.iter().any(|value| *value == 0.0)
    }
}

/// Where the iterations stand.
pub struct Sweeps {
    pub(super) arms: Vec<Arm>,
    pub(super) scales: Vec<f64>,
    pub(super) limits: Vec<f64>,
    pub(super) theta: f64,
    /// Scaled multipliers u (p x pairs).
    pub(super) u: Vec<f64>,
    /// zeta, sum_b +-eta_ab and sum_b +-u_ab (each p x K).
    z: Vec<f64>,
    eta: Vec<f64>,
    pub(super) dual: Vec<f64>,
    /// (I - theta sum_a M_a^-1)^+.
    total: Array2<f64>,
    /// Sizes that the residuals are relative to.
    sizes: Residuals,
    changes: usize,
}

/// What the iterations have come to, without what follows from the problem.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    scales: Vec<f64>,
    theta: f64,
    u: Vec<f64>,
    z: Vec<f64>,
    eta: Vec<f64>,
    dual: Vec<f64>,
    sizes: Residuals,
    changes: usize,
}

/// Primal `||Delta zeta - eta||` and dual `theta ||Delta'(eta - eta_before)||`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Residuals {
    pub primal: f64,
    pub dual: f64,
}

impl Sweeps {
    /// From the least squares of each arm, no limits yet.
    pub fn new(moments: &[Moments]) -> Self {
        let (k, p) = (moments.len(), moments[0].cross.len());
        let mean = |j: usize| moments.iter().map(|arm| arm.gram[[j, j]]).sum::<f64>() / k as f64;
        let scales: Vec<f64> = (0..p).map(mean).map(|m| if m > 0.0 { m.sqrt() } else { 1.0 }).collect();
        let arms: Vec<Arm> = moments.iter().map(|arm| decompose(arm, &scales)).collect();
        let cross = arms.iter().map(|arm| arm.cross.dot(&arm.cross)).sum::<f64>().sqrt();
        let pairs = k * (k - 1) / 2;
        let mut sweeps = Self {
            arms,
            scales,
            limits: vec![0.0; pairs],
            theta: STEP / k as f64,
            u: vec![0.0; p * pairs],
            z: vec![0.0; p * k],
            eta: vec![0.0; p * k],
            dual: vec![0.0; p * k],
            total: Array2::zeros((p, p)),
            sizes: Residuals { primal: 1.0, dual: cross.max(f64::MIN_POSITIVE) },
            changes: 0,
        };
        let fits =
            Array2::from_shape_fn((k, p), |(a, j)| sweeps.arms[a].least_squares()[j] / sweeps.scales[j]);
        sweeps.start(&fits);
        let fits = sweeps.z.iter().map(|z| z * z).sum::<f64>();
        sweeps.sizes.primal = (k as f64 * fits).sqrt().max(f64::MIN_POSITIVE);
        sweeps.invert();
        sweeps
    }

    /// Where they stand.
    pub fn saved(&self) -> Saved {
        Saved {
            scales: self.scales.clone(),
            theta: self.theta,
            u: self.u.clone(),
            z: self.z.clone(),
            eta: self.eta.clone(),
            dual: self.dual.clone(),
            sizes: self.sizes,
            changes: self.changes,
        }
    }

    /// The iterations of these arms and limits, from where others stood; none where that is of another shape.
    pub fn restored(moments: &[Moments], limits: &[f64], saved: Saved) -> Option<Self> {
        let (k, p) = (moments.len(), moments.first()?.cross.len());
        let numbers =
            [(&saved.u, p * limits.len()), (&saved.z, p * k), (&saved.eta, p * k), (&saved.dual, p * k)];
        let fits = saved.scales.len() == p && numbers.iter().all(|(all, count)| all.len() == *count);
        let Saved { scales, theta, u, z, eta, dual, sizes, changes } = Some(saved).filter(|_| fits)?;
        let arms = moments.iter().map(|arm| decompose(arm, &scales)).collect();
        let (limits, total) = (limits.to_vec(), Array2::zeros((p, p)));
        let mut sweeps = Self { arms, scales, limits, theta, u, z, eta, dual, total, sizes, changes };
        sweeps.invert();
        Some(sweeps)
    }

    /// Other sums of the arms, the rest as it stands.
    pub(super) fn renew(&mut self, moments: &[Moments]) {
        self.arms = moments.iter().map(|arm| decompose(arm, &self.scales)).collect();
        let cross = self.arms.iter().map(|arm| arm.cross.dot(&arm.cross)).sum::<f64>().sqrt();
        self.sizes.dual = self.sizes.dual.max(cross);
        self.invert();
    }

    /// Other limits t_ab, the rest as it stands.
    pub fn limit(&mut self, limits: &[f64]) {
        self.limits.copy_from_slice(limits);
        self.changes = 0;
    }

    /// Coefficients to go on from, (K x p); the multipliers are forgotten.
    pub fn start(&mut self, zeta: &Array2<f64>) {
        let k = self.arms.len();
        self.u.fill(0.0);
        self.dual.fill(0.0);
        for (j, scale) in self.scales.iter().enumerate() {
            let z = &mut self.z[j * k..(j + 1) * k];
            z.iter_mut().zip(zeta.column(j)).for_each(|(z, value)| *z = value * scale);
            let sum: f64 = z.iter().sum();
            let eta = &mut self.eta[j * k..(j + 1) * k];
            eta.iter_mut().zip(z).for_each(|(eta, z)| *eta = k as f64 * *z - sum);
        }
    }

    /// The coefficients (K x p), in the columns' own units.
    pub fn zeta(&self) -> Array2<f64> {
        let k = self.arms.len();
        Array2::from_shape_fn((k, self.scales.len()), |(a, j)| self.z[j * k + a] / self.scales[j])
    }

    /// A lower bound on the optimum, from the multipliers; none where no nearby point of the dual is feasible.
    pub fn bound(&self) -> Option<f64> {
        super::dual::bound(self)
    }

    /// q (K x p) of the dual, in the columns' own units; none where no nearby point of the dual is feasible.
    pub(super) fn multipliers(&self) -> Option<Array2<f64>> {
        let q = super::dual::multipliers(self)?;
        Some(Array2::from_shape_fn(q.dim(), |(a, j)| q[[a, j]] * self.scales[j]))
    }

    /// Sweeps, and the residuals of the last, relative to their sizes.
    pub(super) fn block(&mut self, sweeps: usize) -> Residuals {
        for _ in 1..sweeps {
            self.sweep();
        }
        let last = self.sweep();
        Residuals { primal: last.primal / self.sizes.primal, dual: last.dual / self.sizes.dual }
    }

    /// A longer step where the primal residual lags behind, a shorter one where the dual does.
    pub(super) fn balance(&mut self, residuals: Residuals) {
        let factor = match residuals.primal / residuals.dual {
            ratio if ratio > UNBALANCED => CHANGE,
            ratio if ratio < 1.0 / UNBALANCED => 1.0 / CHANGE,
            _ => return,
        };
        if self.changes == CHANGES {
            return;
        }
        self.changes += 1;
        self.theta *= factor;
        // theta u is what has a meaning.
        self.u.iter_mut().chain(&mut self.dual).for_each(|u| *u /= factor);
        self.invert();
    }

    fn sweep(&mut self) -> Residuals {
        self.fit();
        let (k, pairs) = (self.arms.len(), self.limits.len());
        let (mut primal, mut dual) = (0.0, 0.0);
        let mut before = vec![0.0; k];
        for (j, scale) in self.scales.iter().enumerate() {
            let arms = j * k..(j + 1) * k;
            let eta = &mut self.eta[arms.clone()];
            before.copy_from_slice(eta);
            let column = Column {
                z: &self.z[arms.clone()],
                limits: &self.limits,
                factor: 1.0 / (self.theta * scale),
                u: &mut self.u[j * pairs..(j + 1) * pairs],
                eta,
                dual: &mut self.dual[arms.clone()],
            };
            primal += shrink(column);
            dual += before.iter().zip(&self.eta[arms]).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        }
        Residuals { primal: primal.sqrt(), dual: self.theta * dual.sqrt() }
    }

    /// zeta given eta and u.
    fn fit(&mut self) {
        let (k, p) = (self.arms.len(), self.scales.len());
        let mut sum = Array1::<f64>::zeros(p);
        let mut own = Array2::<f64>::zeros((k, p));
        let mut r = Array1::<f64>::zeros(p);
        for (a, arm) in self.arms.iter().enumerate() {
            for j in 0..p {
                r[j] = arm.cross[j] + self.theta * (self.eta[j * k + a] - self.dual[j * k + a]);
            }
            multiply(&arm.inverse, &r, |j, value| own[[a, j]] = value);
            sum += &own.row(a);
        }
        let mut pull = Array1::<f64>::zeros(p);
        multiply(&self.total, &sum, |j, value| pull[j] = self.theta * value);
        for (a, arm) in self.arms.iter().enumerate() {
            multiply(&arm.inverse, &pull, |j, value| self.z[j * k + a] = own[[a, j]] + value);
        }
    }

    fn invert(&mut self) {
        let (k, p) = (self.arms.len() as f64, self.scales.len());
        let shift = self.theta * k;
        let mut shares = Array2::<f64>::zeros((p, p));
        for arm in &mut self.arms {
            arm.inverse = spectral(&arm.vectors, |i| 1.0 / (arm.values[i] + shift));
            shares += &(spectral(&arm.vectors, |i| arm.values[i] / (arm.values[i] + shift)) / k);
        }
        let (values, vectors) = eigen(&shares);
        self.total = spectral(&vectors, |i| if values[i] > 0.0 { 1.0 / values[i] } else { 0.0 });
    }
}

impl Arm {
    fn least_squares(&self) -> Array1<f64> {
        let along = self.vectors.t().dot(&self.cross);
        let inverse = |(c, d): (&f64, &f64)| if *d > 0.0 { c / d } else { 0.0 };
        self.vectors.dot(&along.iter().zip(&self.values).map(inverse).collect::<Array1<f64>>())
    }
}

fn decompose(arm: &Moments, scales: &[f64]) -> Arm {
    let p = scales.len();
    let gram = Array2::from_shape_fn((p, p), |(i, j)| arm.gram[[i, j]] / (scales[i] * scales[j]));
    let (values, vectors) = eigen(&gram);
    let cross = arm.cross.iter().zip(scales).map(|(c, scale)| c / scale).collect();
    Arm { values, vectors, cross, square: arm.square, inverse: Array2::zeros((p, p)) }
}

/// Eigenvalues, those that are rounding errors 0, and eigenvectors of a positive semidefinite matrix.
fn eigen(matrix: &Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let (values, vectors) = matrix.eigh().expect("the matrix is square, symmetric and finite");
    let largest = values.iter().copied().fold(0.0, f64::max);
    (values.mapv(|value| if value > NULL * largest { value } else { 0.0 }), vectors)
}

/// V diag(value) V'.
fn spectral(vectors: &Array2<f64>, value: impl Fn(usize) -> f64) -> Array2<f64> {
    let scaled = Array2::from_shape_fn(vectors.dim(), |(i, j)| vectors[[i, j]] * value(j));
    scaled.dot(&vectors.t())
}

/// `put(i, (A x)_i)` for a symmetric A.
fn multiply(matrix: &Array2<f64>, x: &Array1<f64>, mut put: impl FnMut(usize, f64)) {
    for (i, row) in matrix.rows().into_iter().enumerate() {
        put(i, row.iter().zip(x).map(|(a, b)| a * b).sum());
    }
}

/// What one column of the coefficients needs.
struct Column<'s> {
    z: &'s [f64],
    limits: &'s [f64],
    factor: f64,
    u: &'s mut [f64],
    eta: &'s mut [f64],
    dual: &'s mut [f64],
}

/// eta, u and their sums given zeta; the squared primal residual.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn shrink(column: Column) -> f64 {
    let Column { z, mut limits, factor, mut u, eta, dual } = column;
    eta.fill(0.0);
    dual.fill(0.0);
    let mut squares = [0.0; LANES];
    for a in 0..z.len() {
        let rest = z.len() - a - 1;
        let (row, after) = u.split_at_mut(rest);
        let (limit, limits_after) = limits.split_at(rest);
        (u, limits) = (after, limits_after);
        let (mut eta_sum, mut dual_sum) = ([0.0; LANES], [0.0; LANES]);
        let (others, etas, duals) = (&z[a + 1..], &mut eta[a + 1..], &mut dual[a + 1..]);
        let whole = rest - rest % LANES;
        let mut step = |at: usize, width: usize| {
            let (z_b, limit) = (&others[at..at + width], &limit[at..at + width]);
            let (row, etas, duals) =
                (&mut row[at..at + width], &mut etas[at..at + width], &mut duals[at..at + width]);
            for i in 0..width {
                let most = limit[i] * factor;
                let sum = z[a] - z_b[i] + row[i];
                let cut = if sum > most {
                    most
                } else if sum < -most {
                    -most
                } else {
                    sum
                };
                let moved = cut - row[i];
                let kept = sum - cut;
                row[i] = cut;
                etas[i] -= kept;
                duals[i] -= cut;
                squares[i] += moved * moved;
                eta_sum[i] += kept;
                dual_sum[i] += cut;
            }
        };
        (0..whole).step_by(LANES).for_each(|at| step(at, LANES));
        step(whole, rest - whole);
        eta[a] += eta_sum.iter().sum::<f64>();
        dual[a] += dual_sum.iter().sum::<f64>();
    }
    squares.iter().sum()
}
