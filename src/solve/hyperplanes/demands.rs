//! Assignment bounds, and who may get what, as the search sees them: `lower <= sum_i w_i p_i <= upper` over the points, p_i = 1 where treated.
//!
//! In a box of directions, a rule with threshold t treats every point with lo_i >= t and may treat those with hi_i >= t, so
//!
//! ```text
//! least(t) = sum_{w_i > 0, lo_i >= t} w_i + sum_{w_i < 0, hi_i >= t} w_i,     most(t) the same with lo and hi exchanged
//! ```
//!
//! A threshold is barred where least(t) > upper or most(t) < lower. For a budget share of B units this says t >= the (B+1)-th
//! largest lo. Both ends are widened by what the model forgives and what rounding may do to a sum, so no rule that holds the
//! bound is barred. That every unit gets an arm that it may get is one more sum: those who do not, at most 0.

use std::collections::HashMap;

use prescribe_models::exact::sum;
use prescribe_models::linear_rule::MergedUnits;

/// What the model forgives, relative to max(1, the bound), and a little more.
const FORGIVEN: f64 = 1.001e-9;
/// What rounding may do to a sum of weights, relative to their total size.
const ROUNDING: f64 = 1e-13;

#[derive(Clone, Debug)]
pub struct Demand {
    /// One a point.
    pub weights: Vec<f64>,
    pub lower: f64,
    pub upper: f64,
}

impl Demand {
    /// `lower <= sum_i w[i, d_i] <= upper` as a demand on the weights of those who are treated.
    fn of(weights: impl Fn(usize, usize) -> f64, units: &MergedUnits, lower: f64, upper: f64) -> Self {
        let problem = units.problem();
        let key = |x: &[f64]| x.iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
        let place: HashMap<Vec<u64>, usize> = units.x.iter().enumerate().map(|(i, x)| (key(x), i)).collect();
        let rows = 0..problem.x().nrows();
        let mut treated = vec![0.0; units.x.len()];
        rows.clone().for_each(|i| treated[place[&key(problem.unit(i))]] += weights(i, 1) - weights(i, 0));
        let nobody = sum(rows.clone().map(|i| weights(i, 0)));
        let size: f64 = rows.map(|i| weights(i, 0).abs() + weights(i, 1).abs()).sum();
        let room = |bound: f64| {
            let forgiven = FORGIVEN * if bound.is_finite() { bound.abs().max(1.0) } else { 1.0 };
            forgiven + ROUNDING * size
        };
        Self { weights: treated, lower: lower - nobody - room(lower), upper: upper - nobody + room(upper) }
    }

    /// Whether a total weight holds the bound.
    pub fn holds(&self, total: f64) -> bool {
        self.lower <= total && total <= self.upper
    }

    /// The demand on the points `open` alone, where what else is treated weighs `settled`.
    pub fn over(&self, open: &[usize], settled: f64) -> Self {
        let weights = open.iter().map(|&k| self.weights[k]).collect();
        Self { weights, lower: self.lower - settled, upper: self.upper - settled }
    }
}

/// The problem's assignment bounds over the merged units, and that nobody gets what is not for them.
pub fn over_units(units: &MergedUnits) -> Vec<Demand> {
    let problem = units.problem();
    let bound = |bound: &prescribe_models::AssignmentBound| {
        Demand::of(|i, k| bound.weights[[i, k]], units, bound.lower, bound.upper)
    };
    let mut demands: Vec<Demand> = problem.assignment_bounds().map(bound).collect();
    let barred = |i: usize, k: usize| f64::from(!problem.may_get(i, k));
    if (0..problem.x().nrows()).any(|i| barred(i, 0) + barred(i, 1) > 0.0) {
        demands.push(Demand::of(barred, units, f64::NEG_INFINITY, 0.0));
    }
    demands
}
