//! The problem as the search sees it: coordinates by column, gains as whole numbers.
//!
//! ```text
//! g_i = quantum * gains[i] + rounding,     |rounding| <= quantum / 2,     quantum a power of two,  sum_i |gains[i]| < 2^61
//! ```
//!
//! Whole numbers add without rounding in any order, so two sums are equal where they should be and no number of threads
//! changes a comparison. What the rounding to quanta can move, and the roundings of the scaled covariates, are known
//! ([`Points::allowance`], [`Points::slack`]) and given to the bound.

use std::collections::HashSet;

use prescribe_models::exact::sum;
use prescribe_models::linear_rule::{LinearProblem, LinearRule, MergedUnits};

use super::axes::Axes;
use super::demands::{self, Demand};

/// Points with something at stake, and the covariates that vary.
pub struct Points<'u> {
    pub units: &'u MergedUnits<'u>,
    /// Position of each point among the merged units.
    pub members: Vec<usize>,
    /// The covariates that vary, by their position in the problem.
    pub covariates: Vec<usize>,
    /// Coordinates ([`Axes`]): one column for each covariate that varies, one entry a point.
    pub columns: Vec<Vec<f64>>,
    axes: Axes,
    /// The largest coordinate in size, summed over columns: no height is larger.
    pub reach: f64,
    /// Gain of each point in quanta; the positive ones come first.
    pub gains: Vec<i64>,
    /// How many are positive.
    pub winners: usize,
    pub quantum: f64,
    /// Assignment bounds, and who may get what.
    pub demands: Vec<Demand>,
    /// Directions that the coefficient of each covariate that varies may take: (-1, 1), (0, 1) or (-1, 0).
    pub directions: Vec<(f64, f64)>,
}

/// Bits of the sum of all gains in quanta.
const BITS: i32 = 61;

impl<'u> Points<'u> {
    pub fn of(units: &'u MergedUnits<'u>) -> Self {
        let size = sum(units.gains.iter().map(|g| g.abs()));
        let quantum = quantum(size, units.gains.len());
        // Dividing by a power of two is exact; the cast of a rounded number of at most 61 bits is too.
        let whole = |gain: f64| (gain / quantum).round() as i64;
        let demands = demands::over_units(units);
        let matters = |i: usize| whole(units.gains[i]) != 0 || demands.iter().any(|d| d.weights[i] != 0.0);
        let all = (0..units.gains.len()).filter(|&i| matters(i));
        let (mut members, losers): (Vec<usize>, Vec<usize>) = all.partition(|&i| units.gains[i] > 0.0);
        let winners = members.len();
        members.extend(losers);
        let count = units.z.first().map_or(0, Vec::len);
        let covariates: Vec<usize> = (0..count).filter(|&j| units.varies(j)).collect();
        let gains = members.iter().map(|&i| whole(units.gains[i])).collect();
        let axes = Axes::around(units, &covariates, &vec![0.0; 1 + count], false);
        let directions = covariates.iter().map(|&j| units.problem().directions(j)).collect();
        let of_members = |demand: Demand| Demand {
            weights: members.iter().map(|&i| demand.weights[i]).collect(),
            ..demand
        };
        let demands = demands.into_iter().map(of_members).collect();
        let mut points = Self {
            units,
            members,
            covariates,
            columns: Vec::new(),
            axes,
            reach: 0.0,
            gains,
            winners,
            quantum,
            demands,
            directions,
        };
        points.fill();
        points
    }

    /// The same points in coordinates laid around the rule `beta`, in the scaled covariates.
    pub fn around(mut self, beta: &[f64]) -> Self {
        let free = self.directions.iter().all(|directions| *directions == (-1.0, 1.0));
        self.axes = Axes::around(self.units, &self.covariates, beta, free);
        self.fill();
        self
    }

    fn fill(&mut self) {
        self.columns = vec![Vec::with_capacity(self.members.len()); self.covariates.len()];
        for &i in &self.members {
            let y = self.axes.coordinates(self.covariates.iter().map(|&j| self.units.z[i][j]));
            self.columns.iter_mut().zip(y).for_each(|(column, v)| column.push(v));
        }
        let largest = |column: &Vec<f64>| column.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        self.reach = self.columns.iter().map(largest).sum();
    }

    pub fn len(&self) -> usize {
        self.gains.len()
    }

    /// Covariates that vary.
    pub fn dimension(&self) -> usize {
        self.columns.len()
    }

    /// A total of quanta, in the objective's units over treating nobody.
    pub fn worth(&self, total: i64) -> f64 {
        total as f64 * self.quantum
    }

    /// How far the worth of a total of quanta may be from the sum of its gains: half a quantum a unit and some roundings.
    pub fn allowance(&self) -> f64 {
        let size = self.gains.iter().map(|g| g.unsigned_abs()).sum::<u64>() as f64;
        self.quantum * (self.units.gains.len() as f64 + size * 4.0 * f64::EPSILON)
    }

    /// More than all roundings in a height over a box can amount to, whatever way led to the box: each of the (at most 64 p)
    /// splits and each of the few p operations behind a coordinate and a product adds at most one rounding of a number of at
    /// most `reach`.
    pub fn slack(&self) -> f64 {
        (80.0 * self.dimension() as f64 + 20.0) * self.reach * f64::EPSILON
    }

    /// The bounds of each covariate's coefficient, 0 where it does not vary.
    pub fn coefficient_bounds(&self) -> Vec<(f64, f64)> {
        let mut bounds = vec![(0.0, 0.0); self.units.problem().covariates.len()];
        self.covariates.iter().zip(&self.directions).for_each(|(&j, directions)| bounds[j] = *directions);
        bounds
    }

    /// The largest total whose worth, whatever was rounded, is no more than `value` over treating nobody.
    pub fn total_below(&self, value: f64) -> i64 {
        ((value - self.allowance()) / self.quantum).floor() as i64
    }

    /// Whether total weights hold the assignment bounds.
    pub fn hold(&self, weights: &[f64]) -> bool {
        self.demands.iter().zip(weights).all(|(demand, weight)| demand.holds(*weight))
    }

    /// `direction'y` of point `k`.
    pub fn height(&self, direction: &[f64], k: usize) -> f64 {
        self.columns.iter().zip(direction).map(|(column, b)| column[k] * b).sum()
    }

    /// The rule `direction'y >= threshold`.
    pub fn rule(&self, direction: &[f64], threshold: f64) -> LinearRule {
        let (direction, threshold) = self.axes.rule(direction, threshold);
        let mut b = vec![0.0; self.units.problem().covariates.len()];
        self.covariates.iter().zip(direction).for_each(|(&j, v)| b[j] = v);
        self.units.rule(-threshold, &b)
    }

    /// A rule's intercept and coefficients in the scaled covariates: the way back of [`MergedUnits::rule`], up to rounding.
    pub fn beta(&self, rule: &LinearRule) -> Vec<f64> {
        let mut beta = vec![rule.intercept];
        for (j, b) in rule.coefficients.iter().enumerate() {
            let ends = (f64::INFINITY, f64::NEG_INFINITY);
            let (low, high) = self.units.x.iter().fold(ends, |(l, h), x| (l.min(x[j]), h.max(x[j])));
            beta[0] += b * (low / 2.0 + high / 2.0);
            beta.push(b * (high / 2.0 - low / 2.0));
        }
        beta
    }

    /// Total gain of the points that `rule` treats, in quanta; the sides are decided exactly.
    pub fn value(&self, rule: &LinearRule) -> i64 {
        let treated = self.members.iter().zip(&self.gains).filter(|(i, _)| rule.treats(self.units.x[**i]));
        treated.map(|(_, gain)| gain).sum()
    }
}

/// The smallest power of two in which gains of total `size` (of `count` points, each rounded) have fewer than [`BITS`] bits.
fn quantum(size: f64, count: usize) -> f64 {
    if size == 0.0 {
        return f64::MIN_POSITIVE;
    }
    // Room for the half quantum that rounding adds a point.
    let exponent = size.log2().floor() as i32 + 2 - BITS + i32::from(count > 1 << 30);
    2f64.powi(exponent.max(f64::MIN_EXP))
}

/// The number of distinct points.
pub fn distinct(problem: &LinearProblem) -> usize {
    let key = |i: usize| problem.unit(i).iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
    (0..problem.x().nrows()).map(key).collect::<HashSet<_>>().len()
}
