//! Assignment bounds as the search sees them: `lower <= sum_i w_i p_i <= upper` over the points, p_i = 1 where treated.
//!
//! In a box of directions, a rule with threshold t treats every point with lo_i >= t and may treat those with hi_i >= t, so
//!
//! ```text
//! least(t) = sum_{w_i > 0, lo_i >= t} w_i + sum_{w_i < 0, hi_i >= t} w_i,     most(t) the same with lo and hi exchanged
//! ```
//!
//! A threshold is barred where least(t) > upper or most(t) < lower. For a budget share of B units this says t >= the (B+1)-th
//! largest lo. Both ends are widened by what rounding may do to a sum, so no rule that holds the bound is barred.

use std::collections::HashMap;

use prescribe_models::exact::sum;
use prescribe_models::linear_rule::MergedUnits;

/// Relative to the size of the weights; the model itself forgives less.
const ROUNDING: f64 = 4e-9;

pub struct Demand {
    /// One a point.
    pub weights: Vec<f64>,
    pub lower: f64,
    pub upper: f64,
}

impl Demand {
    /// Whether a total weight holds the bound.
    pub fn holds(&self, total: f64) -> bool {
        self.lower <= total && total <= self.upper
    }
}

/// The problem's assignment bounds over the merged units.
pub fn over_units(units: &MergedUnits) -> Vec<Demand> {
    let problem = units.problem();
    let bounds: Vec<_> = problem.assignment_bounds().collect();
    if bounds.is_empty() {
        return Vec::new();
    }
    let key = |x: &[f64]| x.iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
    let place: HashMap<Vec<u64>, usize> = units.x.iter().enumerate().map(|(i, x)| (key(x), i)).collect();
    let demand = |bound: &&prescribe_models::AssignmentBound| {
        let mut weights = vec![0.0; units.x.len()];
        for i in 0..problem.x().nrows() {
            weights[place[&key(problem.unit(i))]] += bound.weights[[i, 1]] - bound.weights[[i, 0]];
        }
        let nobody = sum(bound.weights.column(0).iter().copied());
        let size = bound.weights.iter().map(|w| w.abs()).sum::<f64>().max(1.0);
        let room = ROUNDING * size;
        Demand { weights, lower: bound.lower - nobody - room, upper: bound.upper - nobody + room }
    };
    bounds.iter().map(demand).collect()
}
