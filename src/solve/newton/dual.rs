//! The dual of calibration and its sums over the units, by panels of rows that stand column by column.

use multiversion::multiversion;
use ndarray::{Array1, Array2};
use prescribe_models::Model;
use prescribe_models::calibration::Calibration;
use rayon::prelude::*;

use super::step::{step, subgradient};

/// Rows of a panel, whose columns stay in a core's nearest cache; and panels that one task adds up, one after the other.
const PANEL: usize = 128;
const PANELS: usize = 32;
/// Sums that an inner product keeps apart, so that they are added side by side.
const LANES: usize = 16;
/// Above gamma = 1 the curvature is infinite at v = 0.
const STEEPEST: f64 = 1e12;
/// A step is good enough where it leaves this share of the slope in the quadratic model.
const SOLVED: f64 = 0.5;

/// Rows up to which there is nothing to share among threads.
pub(super) const CHUNK: usize = PANEL * PANELS;

pub(super) struct Dual<'m> {
    model: &'m Calibration,
    /// (1, c_i) panel by panel; the last one is filled up with zeros.
    panels: Vec<f64>,
    /// A 0 for alpha, then d_j / s_j.
    pub widths: Array1<f64>,
}

/// The dual, its slope and curvature somewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    pub theta: Array1<f64>,
    /// With the absolute values, which gradient and Hessian leave out.
    pub value: f64,
    gradient: Array1<f64>,
    hessian: Array2<f64>,
    widths: Array1<f64>,
    /// What the value grows by along theta in the long run: below 0, no weights reach the target.
    pub growth: f64,
}

impl Local {
    /// The least subgradient's largest entry.
    pub fn slope(&self) -> f64 {
        subgradient(&self.gradient, &self.theta, &self.widths)
    }

    /// Whether lambda proves that no weights reach the target.
    pub fn separated(&self) -> bool {
        self.growth < -1e-12 * self.theta.iter().map(|b| b.abs()).sum::<f64>()
    }

    /// The step to the minimum of the quadratic model, `damping` added to its curvature.
    pub fn step(&self, damping: f64) -> Array1<f64> {
        let mut hessian = self.hessian.clone();
        hessian.diag_mut().map_inplace(|h| *h += damping);
        step(&self.gradient, &hessian, &self.theta, &self.widths)
    }

    /// Whether the quadratic model is as good as flat after `step`. It is not where too few units are off their bounds.
    pub fn solves(&self, step: &Array1<f64>) -> bool {
        let there = &self.gradient + &self.hessian.dot(step);
        subgradient(&there, &(&self.theta + step), &self.widths) <= SOLVED * self.slope()
    }

    /// What `step` gains to first order; the absolute values count in full.
    pub fn decrease(&self, step: &Array1<f64>) -> f64 {
        let lengths = self.theta.iter().zip(step).zip(&self.widths);
        self.gradient.dot(step) + lengths.map(|((x, d), c)| c * ((x + d).abs() - x.abs())).sum::<f64>()
    }
}

impl<'m> Dual<'m> {
    pub fn new(model: &'m Calibration) -> Self {
        let (m, q) = model.features().dim();
        let inverse_scale = model.scale().mapv(f64::recip);
        let mut panels = vec![0.0; m.div_ceil(PANEL) * PANEL * (q + 1)];
        panels.par_chunks_mut(PANEL * (q + 1)).enumerate().for_each(|(k, panel)| {
            for (r, i) in (k * PANEL..m.min((k + 1) * PANEL)).enumerate() {
                panel[r] = 1.0;
                let centred = model.features().row(i);
                let terms = centred.iter().zip(model.target()).zip(&inverse_scale);
                for (column, ((z, t), s)) in panel[PANEL..].chunks_exact_mut(PANEL).zip(terms) {
                    column[r] = (z - t) * s;
                }
            }
        });
        let widths = [0.0].into_iter().chain(model.tolerance() * inverse_scale).collect();
        Self { model, panels, widths }
    }

    /// One pass over the units.
    pub fn at(&self, theta: &Array1<f64>) -> Local {
        let k = theta.len();
        let mut all = Sums::zero(k);
        self.by_chunk(|chunk, first| self.sums(chunk, first, theta)).iter().for_each(|part| all.add(part));
        let (lower, upper) = self.model.bounds();
        let slack: f64 = theta.iter().zip(&self.widths).map(|(x, c)| c * x.abs()).sum();
        // Without an upper bound alpha may go down until no unit is above 0.
        let growth = match (lower.is_finite(), upper.is_finite()) {
            (true, true) => all.growth - theta[0],
            (true, false) => all.growth - lower * all.highest + all.highest - theta[0],
            (false, _) => f64::NAN,
        };
        let lower_triangle = |r: usize, s: usize| all.hessian[r * (r + 1) / 2 + s];
        let mut gradient = Array1::from(all.gradient);
        gradient[0] -= 1.0;
        Local {
            theta: theta.clone(),
            value: all.value - theta[0] + slack,
            gradient,
            hessian: Array2::from_shape_fn((k, k), |(r, s)| lower_triangle(r.max(s), r.min(s))),
            widths: self.widths.clone(),
            growth: growth + slack,
        }
    }

    /// w (m).
    pub fn weights(&self, theta: &Array1<f64>) -> Vec<f64> {
        let chunk = |chunk: &[f64], first: usize| {
            let mut weights = Vec::with_capacity(CHUNK);
            self.each_panel(chunk, first, theta, |_, base, eta| {
                weights.extend(base.iter().zip(eta).map(|(b, eta)| b * self.psi(*b, *eta).1));
            });
            weights
        };
        self.by_chunk(chunk).concat()
    }

    fn by_chunk<T: Send>(&self, work: impl Fn(&[f64], usize) -> T + Sync) -> Vec<T> {
        let size = CHUNK * self.widths.len();
        if self.panels.len() <= size {
            return vec![work(&self.panels, 0)];
        }
        self.panels.par_chunks(size).enumerate().map(|(k, chunk)| work(chunk, k * CHUNK)).collect()
    }

    /// Calls `work` with each panel, and the base weights and alpha + lambda'c of its units.
    fn each_panel(
        &self,
        chunk: &[f64],
        first: usize,
        theta: &Array1<f64>,
        mut work: impl FnMut(&[f64], &[f64], &[f64]),
    ) {
        let theta = theta.to_vec();
        let mut eta = [0.0; PANEL];
        for (k, panel) in chunk.chunks_exact(PANEL * theta.len()).enumerate() {
            let from = first + k * PANEL;
            let base = self.model.base().slice(ndarray::s![from..self.model.units().min(from + PANEL)]);
            heights(panel, &theta, &mut eta);
            let base = base.to_vec();
            work(panel, &base, &eta[..base.len()]);
        }
    }

    fn sums(&self, chunk: &[f64], first: usize, theta: &Array1<f64>) -> Sums {
        let mut sums = Sums::zero(theta.len());
        let (lower, upper) = self.model.bounds();
        let above = if upper.is_finite() { upper } else { lower };
        self.each_panel(chunk, first, theta, |panel, base, eta| {
            let (mut slopes, mut curvatures) = ([0.0; PANEL], [0.0; PANEL]);
            for (i, (&b, &eta)) in base.iter().zip(eta).enumerate() {
                let (psi, v, curvature) = self.psi(b, eta);
                sums.value += b * psi;
                sums.growth += b * eta * if eta > 0.0 { above } else { lower };
                sums.highest = sums.highest.max(eta);
                slopes[i] = b * v;
                curvatures[i] = b * curvature;
            }
            add(panel, &slopes, &curvatures, &mut sums.gradient, &mut sums.hessian);
        });
        sums
    }

    /// psi(eta), v and its derivative, of a unit of base weight `b`.
    fn psi(&self, b: f64, eta: f64) -> (f64, f64, f64) {
        let phi = self.model.discrepancy();
        let (lower, upper) = self.model.bounds();
        let beyond = if lower >= 0.0 { 2.0 / b } else { f64::INFINITY };
        let (psi, v, curvature) = phi.conjugate(eta, lower, upper);
        if v > beyond {
            let from = phi.slope(beyond);
            let (psi, _, curvature) = phi.conjugate(from, lower, upper);
            let off = eta - from;
            return (psi + beyond * off + curvature * off * off / 2.0, beyond + curvature * off, curvature);
        }
        (psi, v, curvature.min(STEEPEST))
    }
}

/// Sums over units.
struct Sums {
    value: f64,
    gradient: Vec<f64>,
    /// Lower triangle, row by row.
    hessian: Vec<f64>,
    /// Of what each unit adds in the long run along theta.
    growth: f64,
    /// Largest alpha + lambda'c_i.
    highest: f64,
}

impl Sums {
    fn zero(k: usize) -> Self {
        Self {
            value: 0.0,
            gradient: vec![0.0; k],
            hessian: vec![0.0; k * (k + 1) / 2],
            growth: 0.0,
            highest: f64::NEG_INFINITY,
        }
    }

    fn add(&mut self, part: &Self) {
        self.value += part.value;
        self.growth += part.growth;
        self.highest = self.highest.max(part.highest);
        self.gradient.iter_mut().zip(&part.gradient).for_each(|(sum, more)| *sum += more);
        self.hessian.iter_mut().zip(&part.hessian).for_each(|(sum, more)| *sum += more);
    }
}

/// alpha + lambda'c of each row of a panel.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
fn heights(panel: &[f64], theta: &[f64], eta: &mut [f64; PANEL]) {
    eta.fill(0.0);
    for (column, x) in panel.chunks_exact(PANEL).zip(theta) {
        eta.iter_mut().zip(column).for_each(|(eta, c)| *eta += x * c);
    }
}

/// Adds sum_i s_i (1, c_i) and the lower triangle of sum_i h_i (1, c_i)(1, c_i)'.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
fn add(
    panel: &[f64],
    slopes: &[f64; PANEL],
    curvatures: &[f64; PANEL],
    gradient: &mut [f64],
    hessian: &mut [f64],
) {
    let mut entries = hessian.iter_mut();
    let mut scaled = [0.0; PANEL];
    for (j, (column, slope)) in panel.chunks_exact(PANEL).zip(gradient).enumerate() {
        *slope += inner(column, slopes);
        scaled.iter_mut().zip(column).zip(curvatures).for_each(|((scaled, c), h)| *scaled = h * c);
        for (other, entry) in panel.chunks_exact(PANEL).take(j + 1).zip(&mut entries) {
            *entry += inner(other, &scaled);
        }
    }
}

#[inline(always)]
fn inner(a: &[f64], b: &[f64; PANEL]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for l in 0..LANES {
            lanes[l] += a[l] * b[l];
        }
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
    }
    lanes[0]
}
