//! Calibration weights of one arm: those nearest to base weights that give the features the target's means.
//!
//! ```text
//! min_w  sum_i m b_i phi(v_i),   v_i = w_i / b_i
//! s.t.   sum_i w_i = 1,   |sum_i w_i z_ij - t_j| <= d_j,   lower <= v_i <= upper
//! ```
//!
//! with features z (m x q), target t (q), tolerances d (q; 0 is exact balance), base weights b (sum 1) and phi of the Cressie-Read family
//! ([`Discrepancy`]). Source: fusion.txt, section 2.2, equation (2); base weights, tolerances and bounds beyond it. With
//! c_ij = (z_ij - t_j) / s_j for a scale s (the features' standard deviations), the dual is
//!
//! ```text
//! max_{alpha, lambda}  m (alpha - sum_i b_i phi*(alpha + lambda'c_i) - sum_j d_j/s_j |lambda_j|),   v_i = phi*'(alpha + lambda'c_i)
//! ```
//!
//! whose value bounds the objective whatever (alpha, lambda). v <= 1/b_i follows from the sum and may be used as a bound where v >= 0.

mod discrepancy;
mod form;
mod separation;

pub use discrepancy::Discrepancy;
pub use separation::Separation;

use ndarray::{Array1, Array2, ArrayView1};

use crate::arm_moments::solve_semidefinite;
use crate::exact::{Digested, Sum, sha256, sum};
use crate::model::{Model, Violation};
use crate::programs::{InvalidModel, Sense};

/// What the constraints of a feasible point may be off by rounding, in standard deviations and in units of the sums.
const ROUNDING: f64 = 1e-13;
/// A weight this near to a bound, relative to the base weight, tells nothing about the multipliers.
const AT_BOUND: f64 = 1e-7;

/// The problem of one arm; every number finite, m >= 1, b > 0, d >= 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    features: Array2<f64>,
    target: Array1<f64>,
    discrepancy: Discrepancy,
    base: Array1<f64>,
    scale: Array1<f64>,
    tolerance: Array1<f64>,
    lower: f64,
    upper: f64,
}

/// What the optimality conditions say of some weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Stationarity {
    /// lambda (q) of w_i = rho(lambda'(z_i - t)) / sum rho, rho(u) = (1 + gamma u)^(1/gamma): 1/(1-u), exp(u), 1+u at gamma -1, 0, 1
    /// (fusion.txt, Table 7). NaN where the intercept gamma alpha is not above 0.
    pub multipliers: Array1<f64>,
    /// Largest |phi'(v_i) - alpha - lambda'c_i| over the units off their bounds.
    pub residual: f64,
}

impl Calibration {
    /// Exact balance from equal base weights, without bounds of its own; features z (m x q), target t (q).
    ///
    /// # Errors
    /// No unit, another number of targets than features, a number that is not finite.
    pub fn new(
        features: Array2<f64>,
        target: Array1<f64>,
        discrepancy: Discrepancy,
    ) -> Result<Self, InvalidModel> {
        let (m, q) = features.dim();
        refuse_unless(m > 0, || "there are no units; give at least one".into())?;
        refuse_unless(target.len() == q, || {
            format!("{} targets for {q} features; give one each", target.len())
        })?;
        let finite = features.iter().chain(&target).chain([&discrepancy.0]).all(|v| v.is_finite());
        refuse_unless(finite, || "a feature, target or gamma is not a finite number; correct it".into())?;
        Ok(Self {
            scale: features.columns().into_iter().map(deviation).collect(),
            base: Array1::from_elem(m, 1.0 / m as f64),
            tolerance: Array1::zeros(q),
            lower: discrepancy.least(),
            upper: f64::INFINITY,
            features,
            target,
            discrepancy,
        })
    }

    /// The same from base weights (m) above 0, in any unit.
    pub fn with_base(mut self, base: Array1<f64>) -> Result<Self, InvalidModel> {
        let fine = base.len() == self.features.nrows() && base.iter().all(|b| b.is_finite() && *b > 0.0);
        refuse_unless(fine, || {
            "base weights must be finite numbers above 0, one a unit; leave other units out".into()
        })?;
        self.base = &base / base.sum();
        Ok(self)
    }

    /// The same with tolerances d (q), at least 0, in units of the features.
    pub fn with_tolerance(mut self, tolerance: Array1<f64>) -> Result<Self, InvalidModel> {
        let fine =
            tolerance.len() == self.target.len() && tolerance.iter().all(|d| d.is_finite() && *d >= 0.0);
        refuse_unless(fine, || "tolerances must be finite numbers of at least 0, one a feature".into())?;
        self.tolerance = tolerance;
        Ok(self)
    }

    /// The same with bounds on w / b. They must leave w = b possible, or no weights at all sum to 1.
    pub fn with_bounds(mut self, lower: Option<f64>, upper: Option<f64>) -> Result<Self, InvalidModel> {
        self.lower = lower.unwrap_or(f64::NEG_INFINITY).max(self.discrepancy.least());
        self.upper = upper.unwrap_or(f64::INFINITY);
        refuse_unless(self.lower <= 1.0 && self.upper >= 1.0, || {
            format!(
                "bounds {} to {} on the ratio of weights to base weights leave out 1",
                self.lower, self.upper
            )
        })?;
        Ok(self)
    }

    /// The same with balance measured in other units than the features' standard deviations, above 0 (q).
    pub fn with_scale(mut self, scale: Array1<f64>) -> Result<Self, InvalidModel> {
        let fine = scale.len() == self.target.len() && scale.iter().all(|s| s.is_finite() && *s > 0.0);
        refuse_unless(fine, || "scales must be finite numbers above 0, one a feature".into())?;
        self.scale = scale;
        Ok(self)
    }

    /// z (m x q).
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// t (q).
    pub fn target(&self) -> &Array1<f64> {
        &self.target
    }

    pub fn discrepancy(&self) -> Discrepancy {
        self.discrepancy
    }

    /// b (m), which sum to 1.
    pub fn base(&self) -> &Array1<f64> {
        &self.base
    }

    /// s (q).
    pub fn scale(&self) -> &Array1<f64> {
        &self.scale
    }

    /// d (q).
    pub fn tolerance(&self) -> &Array1<f64> {
        &self.tolerance
    }

    /// Bounds on v = w / b, those of phi among them; infinite where there are none.
    pub fn bounds(&self) -> (f64, f64) {
        (self.lower, self.upper)
    }

    /// The largest v of unit i that the constraints allow: 1/b_i where no weight is negative.
    pub fn cap(&self, i: usize) -> f64 {
        if self.lower >= 0.0 { self.upper.min(1.0 / self.base[i]) } else { self.upper }
    }

    /// (z_ij - t_j) / s_j.
    fn centred(&self, i: usize, j: usize) -> f64 {
        (self.features[[i, j]] - self.target[j]) / self.scale[j]
    }

    /// How far the weighted means are from the target, in units of the scale (q).
    pub fn imbalance(&self, weights: &[f64]) -> Array1<f64> {
        let mut sums = Array1::from_elem(self.target.len(), Sum::default());
        for (z, w) in self.features.rows().into_iter().zip(weights) {
            for ((sum, z), t) in sums.iter_mut().zip(z).zip(&self.target) {
                sum.add(w * (z - t));
            }
        }
        sums.iter().zip(&self.scale).map(|(sum, s)| sum.total() / s).collect()
    }

    /// The dual's value at (alpha, lambda), a bound on every feasible point's objective; lambda (q) in units of the scale.
    pub fn dual_value(&self, alpha: f64, lambda: ArrayView1<f64>) -> f64 {
        let slopes: Vec<f64> = lambda.iter().zip(&self.scale).map(|(l, s)| l / s).collect();
        let conjugate = |(i, z): (usize, ArrayView1<f64>)| {
            let terms = slopes.iter().zip(z).zip(&self.target);
            let eta = alpha + terms.map(|((l, z), t)| l * (z - t)).sum::<f64>();
            self.base[i] * self.discrepancy.conjugate(eta, self.lower, self.cap(i)).0
        };
        let conjugates = sum(self.features.rows().into_iter().enumerate().map(conjugate));
        let slack = sum(slopes.iter().zip(&self.tolerance).map(|(l, d)| l.abs() * d));
        self.base.len() as f64 * (alpha - conjugates - slack)
    }

    /// The multipliers that fit `weights` best, and by how much they miss: 0 where the weights are optimal among those with their means.
    pub fn stationarity(&self, weights: &[f64]) -> Stationarity {
        let q = self.target.len();
        let ratio = |i: usize| weights[i] / self.base[i];
        let inside = |i: &usize| {
            let v = ratio(*i);
            v - self.lower > AT_BOUND && self.upper - v > AT_BOUND
        };
        let row = |i: usize| (0..=q).map(move |j| if j == 0 { 1.0 } else { self.centred(i, j - 1) });
        let mut gram = Array2::<f64>::zeros((q + 1, q + 1));
        let mut cross = Array1::<f64>::zeros(q + 1);
        for i in (0..weights.len()).filter(inside) {
            let (c, eta): (Array1<f64>, f64) = (row(i).collect(), self.discrepancy.slope(ratio(i)));
            cross.scaled_add(self.base[i] * eta, &c);
            for (j, &value) in c.iter().enumerate() {
                gram.row_mut(j).scaled_add(self.base[i] * value, &c);
            }
        }
        let fit = solve_semidefinite(&gram, &cross);
        let miss = |i: usize| {
            (self.discrepancy.slope(ratio(i)) - row(i).zip(&fit).map(|(c, b)| c * b).sum::<f64>()).abs()
        };
        let gamma = self.discrepancy.0;
        let intercept = if gamma == 0.0 { 1.0 } else { gamma * fit[0] };
        let unit = if intercept > 0.0 { intercept } else { f64::NAN };
        Stationarity {
            multipliers: (0..q).map(|j| fit[j + 1] / self.scale[j] / unit).collect(),
            residual: (0..weights.len()).filter(inside).map(miss).fold(0.0, f64::max),
        }
    }
}

/// The standard deviation of a column; the size of its value where it does not vary.
fn deviation(column: ArrayView1<f64>) -> f64 {
    let m = column.len() as f64;
    let mean = column.iter().map(|z| z / m).sum::<f64>();
    let deviation = column.iter().map(|z| (z - mean).powi(2) / m).sum::<f64>().sqrt();
    if deviation > 1e-12 * mean.abs() && deviation > 0.0 { deviation } else { mean.abs().max(1.0) }
}

fn refuse_unless(fine: bool, why: impl FnOnce() -> String) -> Result<(), InvalidModel> {
    if fine { Ok(()) } else { Err(InvalidModel(format!("calibration: {}", why()))) }
}

impl Model for Calibration {
    /// w (m).
    type Point = Vec<f64>;

    fn name(&self) -> &'static str {
        "calibration"
    }

    fn sense(&self) -> Sense {
        Sense::Minimize
    }

    fn units(&self) -> usize {
        self.base.len()
    }

    /// NaN for another number of weights, and for negative ones where gamma is not 1.
    fn objective(&self, weights: &Vec<f64>) -> f64 {
        if weights.len() != self.units() {
            return f64::NAN;
        }
        let m = self.units() as f64;
        sum(weights.iter().zip(&self.base).map(|(w, b)| m * b * self.discrepancy.value(w / b)))
    }

    fn violations(&self, weights: &Vec<f64>) -> Vec<Violation> {
        if weights.len() != self.units() {
            return vec![Violation { constraint: "shape".into(), amount: 1.0 }];
        }
        let imbalance = self.imbalance(weights);
        let balance = imbalance
            .iter()
            .enumerate()
            .map(|(j, off)| (format!("balance[{j}]"), off.abs() - self.tolerance[j] / self.scale[j]));
        let outside = |beyond: fn(f64, f64, f64) -> f64| {
            let ratios = weights.iter().zip(&self.base).map(|(w, b)| w / b);
            ratios.map(|v| beyond(v, self.lower, self.upper)).fold(f64::NEG_INFINITY, f64::max)
        };
        let others = [
            ("sum_to_one", (sum(weights.iter().copied()) - 1.0).abs()),
            ("lower_bound", outside(|v, lower, _| lower - v)),
            ("upper_bound", outside(|v, _, upper| v - upper)),
        ];
        let all = others.map(|(name, amount)| (name.to_string(), amount)).into_iter().chain(balance);
        // NaN is a violation.
        let broken = all.filter(|(_, amount)| amount.is_nan() || *amount > ROUNDING);
        broken.map(|(constraint, amount)| Violation { constraint, amount }).collect()
    }

    fn reference_value(&self) -> Option<f64> {
        None
    }

    /// 0, the value of w = b: phi is convex, phi(1) = 0 and the v_i have mean 1 (Jensen).
    fn trivial_bound(&self) -> f64 {
        0.0
    }

    fn model_hash(&self) -> String {
        let bounds = [self.discrepancy.0, self.lower, self.upper];
        let numbers = self.base.iter().chain(&self.scale).chain(&self.tolerance).chain(&bounds);
        let digest = hash(numbers);
        sha256([self.name().as_bytes(), digest.as_bytes(), self.data_hash().as_bytes()])
    }

    fn data_hash(&self) -> String {
        hash(self.features.iter().chain(&self.target))
    }
}

fn hash<'n>(numbers: impl Iterator<Item = &'n f64>) -> String {
    const PART: usize = 8192;
    let (mut digest, mut part, mut filled) = (Digested::default(), [0; PART], 0);
    for number in numbers {
        part[filled..filled + 8].copy_from_slice(&number.to_le_bytes());
        filled = (filled + 8) % PART;
        if filled == 0 {
            digest.add(&part);
        }
    }
    digest.add(&part[..filled]);
    digest.text()
}
