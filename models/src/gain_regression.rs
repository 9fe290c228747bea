//! Least squares of gains on covariates: a convex stand-in for the linear-rule problem.
//!
//! ```text
//! min over (b0, b) in R x R^p   (1/2) sum_u w_u (t_u - b0 - x_u'b)^2 / sum_u w_u            rule: treat where b0 + x'b >= 0
//! ```
//!
//! with targets t, noisy gains of treating a unit, and weights w >= 0. Where E[t | x] is linear its sign is the best rule there is, and the minimiser
//! tends to it at the rate of a regression; where it is not, the rule may be far from the best linear rule ([`linear_rule`](crate::linear_rule)).
//! Under interference in clusters of M_i units (interference.txt, programs (20) and (48)) t_ij = M_i gain_ij and w_ij = 1 / M_i, so that w t is what a unit adds to
//! the value.
//!
//! The objective is a quadratic: with H its second derivative and r the residuals at (b0, b),
//!
//! ```text
//! optimum  =  objective(b0, b) - (1/2) s'H^+ s,      s = sum_u w_u r_u (1, x_u) / sum_u w_u                  ([`GainRegression::lower_bound`])
//! ```
//!
//! Everything is computed over z = (x - midrange) / (half the range), in which H is well conditioned.

use ndarray::{Array1, Array2, ArrayView1};

use crate::arm_moments::{Moments, solve_semidefinite};
use crate::exact::{Digested, sum};
use crate::linear_rule::{Linear, LinearRule, midrange};
use crate::model::{ConicForm, Model, Violation};
use crate::policy_problem::RuleClass;
use crate::programs::{ConicProgram, InvalidModel, Sense};

/// The problem.
#[derive(Clone, Debug, PartialEq)]
pub struct GainRegression {
    x: Array2<f64>,
    target: Vec<f64>,
    /// Divided by their sum.
    weights: Vec<f64>,
    centre: Vec<f64>,
    scale: Vec<f64>,
    /// Over (1, z).
    moments: Moments,
}

impl GainRegression {
    /// Covariates x (n x p), targets t (n), weights w (n).
    ///
    /// # Errors
    /// No unit, other numbers of targets or weights than units, a number that is not finite, a negative weight, no weight above 0.
    pub fn new(x: Array2<f64>, target: Vec<f64>, weights: Vec<f64>) -> Result<Self, InvalidModel> {
        check(&x, &target, &weights)?;
        let total = sum(weights.iter().copied());
        let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let (centre, scale): (Vec<_>, Vec<_>) =
            x.columns().into_iter().map(|column| midrange(column.iter())).unzip();
        let mut problem = Self { moments: Moments::zero(1 + x.ncols()), x, target, weights, centre, scale };
        let mut moments = Moments::zero(1 + problem.x.ncols());
        for (u, row) in problem.x.rows().into_iter().enumerate() {
            moments.read(problem.scaled(row).view(), problem.target[u], problem.weights[u]);
        }
        problem.moments = moments;
        Ok(problem)
    }

    /// n x p.
    pub fn x(&self) -> &Array2<f64> {
        &self.x
    }

    /// t (n).
    pub fn target(&self) -> &[f64] {
        &self.target
    }

    /// w (n), of sum 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// H over (1, z).
    pub fn curvature(&self) -> &Array2<f64> {
        &self.moments.gram
    }

    /// s over (1, z): minus the gradient at `rule`.
    pub fn slope(&self, rule: &LinearRule) -> Array1<f64> {
        let mut slope = Array1::zeros(1 + self.x.ncols());
        for (u, row) in self.x.rows().into_iter().enumerate() {
            slope.scaled_add(self.weights[u] * self.residual(rule, u), &self.scaled(row));
        }
        slope
    }

    /// The optimum, as the quadratic gives it from any rule; at the minimiser it is the objective itself.
    pub fn lower_bound(&self, rule: &LinearRule) -> f64 {
        let slope = self.slope(rule);
        self.objective(rule) - slope.dot(&solve_semidefinite(self.curvature(), &slope)) / 2.0
    }

    fn residual(&self, rule: &LinearRule, u: usize) -> f64 {
        let slopes = self.x.row(u).iter().zip(&rule.coefficients).map(|(x, b)| x * b).sum::<f64>();
        self.target[u] - rule.intercept - slopes
    }

    /// (1, z) of a unit.
    fn scaled(&self, x: ArrayView1<f64>) -> Array1<f64> {
        let z = x.iter().zip(&self.centre).zip(&self.scale).map(|((x, centre), scale)| (x - centre) / scale);
        std::iter::once(1.0).chain(z).collect()
    }
}

fn check(x: &Array2<f64>, target: &[f64], weights: &[f64]) -> Result<(), InvalidModel> {
    let refuse = |what: String| Err(InvalidModel(format!("gain_regression: {what}")));
    let n = x.nrows();
    if n == 0 {
        return refuse("there are no units; give at least one".into());
    }
    if (target.len(), weights.len()) != (n, n) {
        return refuse(format!(
            "{} targets and {} weights for {n} units; give one each",
            target.len(),
            weights.len()
        ));
    }
    if let Some(value) = x.iter().chain(target).chain(weights).find(|value| !value.is_finite()) {
        return refuse(format!("a number is {value}; only finite numbers are taken"));
    }
    if let Some(weight) = weights.iter().find(|weight| **weight < 0.0) {
        return refuse(format!("a weight is {weight}; weights must be at least 0"));
    }
    match weights.iter().any(|weight| *weight > 0.0) {
        true => Ok(()),
        false => refuse("no weight is above 0".into()),
    }
}

impl Model for GainRegression {
    type Point = LinearRule;

    fn name(&self) -> &'static str {
        "gain_regression"
    }

    fn sense(&self) -> Sense {
        Sense::Minimize
    }

    fn units(&self) -> usize {
        1
    }

    /// NaN for a rule over other covariates.
    fn objective(&self, rule: &LinearRule) -> f64 {
        if rule.coefficients.len() != self.x.ncols() {
            return f64::NAN;
        }
        let squares = (0..self.target.len()).map(|u| self.weights[u] * self.residual(rule, u).powi(2) / 2.0);
        sum(squares)
    }

    fn violations(&self, rule: &LinearRule) -> Vec<Violation> {
        if rule.coefficients.len() != self.x.ncols() {
            return vec![Violation { constraint: "shape".into(), amount: 1.0 }];
        }
        Linear.violations(rule)
    }

    /// Half the weighted variance of the targets: the least that no covariate explains.
    fn reference_value(&self) -> Option<f64> {
        let intercept = sum(self.weights.iter().zip(&self.target).map(|(w, t)| w * t));
        Some(self.objective(&LinearRule { intercept, coefficients: vec![0.0; self.x.ncols()] }))
    }

    fn trivial_bound(&self) -> f64 {
        0.0
    }

    fn model_hash(&self) -> String {
        let mut digest = Digested::default();
        digest.add(self.name().as_bytes());
        digest.add(self.data_hash().as_bytes());
        digest.text()
    }

    fn data_hash(&self) -> String {
        let mut digest = Digested::default();
        let numbers = self.x.iter().chain(&self.target).chain(&self.weights);
        numbers.for_each(|value| digest.add(&value.to_le_bytes()));
        digest.text()
    }
}

impl ConicForm for GainRegression {
    /// Columns are the intercept and the coefficients of z; there are no rows.
    fn conic(&self) -> ConicProgram {
        let gram = &self.moments.gram;
        let upper = (0..gram.nrows()).flat_map(|i| (i..gram.nrows()).map(move |j| (i, j)));
        ConicProgram {
            name: self.name().into(),
            p: upper.map(|(i, j)| (i, j, gram[[i, j]])).collect(),
            q: self.moments.cross.iter().map(|c| -c).collect(),
            a: Vec::new(),
            b: Vec::new(),
            cones: Vec::new(),
            offset: self.moments.square / 2.0,
        }
    }

    fn point(&self, columns: &[f64]) -> LinearRule {
        let coefficients: Vec<f64> = columns[1..].iter().zip(&self.scale).map(|(b, s)| b / s).collect();
        let shift = sum(coefficients.iter().zip(&self.centre).map(|(b, c)| b * c));
        LinearRule { intercept: columns[0] - shift, coefficients }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_objective_is_the_formula() {
        let model =
            GainRegression::new(array![[0.0], [1.0], [3.0]], vec![1.0, 2.0, -1.0], vec![1.0, 2.0, 1.0])
                .unwrap();
        let rule = LinearRule { intercept: 0.5, coefficients: vec![1.0] };
        // Residuals 1/2, 1/2 and -9/2 with weights 1/4, 1/2 and 1/4.
        assert_eq!(model.objective(&rule), (0.25 * 0.25 + 0.5 * 0.25 + 0.25 * 20.25) / 2.0);
        let other = LinearRule { intercept: 0.0, coefficients: vec![1.0, 1.0] };
        assert!(model.objective(&other).is_nan());
        assert_eq!(model.violations(&other)[0].constraint, "shape");
    }

    #[test]
    fn the_bound_is_the_optimum_from_anywhere() {
        // Through (0, 0), (1, 0), (2, 3) with equal weights: the line -1/2 + 3/2 x leaves 1/2, -1, 1/2.
        let model =
            GainRegression::new(array![[0.0], [1.0], [2.0]], vec![0.0, 0.0, 3.0], vec![1.0; 3]).unwrap();
        for (intercept, slope) in [(0.0, 0.0), (-0.5, 1.5), (7.0, -3.0)] {
            let bound = model.lower_bound(&LinearRule { intercept, coefficients: vec![slope] });
            assert!((bound - 0.25).abs() < 1e-13, "{bound}");
        }
    }

    #[test]
    fn what_is_no_problem_is_refused() {
        let refusal = |t: Vec<f64>, w: Vec<f64>| {
            GainRegression::new(array![[0.0], [1.0]], t, w).unwrap_err().to_string()
        };
        assert!(refusal(vec![1.0], vec![1.0; 2]).contains("1 targets and 2 weights for 2 units"));
        assert!(refusal(vec![1.0, f64::NAN], vec![1.0; 2]).contains("NaN"));
        assert!(refusal(vec![1.0; 2], vec![1.0, -1.0]).contains("-1"));
        assert!(refusal(vec![1.0; 2], vec![0.0; 2]).contains("no weight"));
        assert!(GainRegression::new(Array2::zeros((0, 1)), vec![], vec![]).is_err());
    }
}
