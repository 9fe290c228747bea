//! The problem as every program sees it: equal units merged, covariates centred and scaled.
//!
//! ```text
//! z_j = (x_j - centre_j) / scale_j  in [-1, 1],   centre_j the midrange, scale_j the half-range
//! ```
//!
//! Programs have a column for each point and arm, the claim "point i gets arm k". What a claim demands of the heights are its
//! *comparisons*: `h_k(x_i) > h_l(x_i)` for the arms l that earn less at i than k does. Where they hold the point earns at least
//! what it claims, whichever arm is the highest; so nothing else is demanded, and the worst arm is free. Under assignment
//! bounds the arm itself counts, and k is compared with all others.
//!
//! Scaling rounds, so nothing is decided in z: labels and cuts are confirmed on the covariates as they came.

use std::collections::BTreeMap;

use super::{MultiLinearProblem, MultiLinearRule, margin, radon};
use crate::RuleClass;
use crate::exact::{positively_dependent, sum};
use crate::linear_rule::midrange;
use crate::model::{LinearOracle, Model, OracleError, Recovered};
use crate::programs::{MixedIntegerProgram, Row, Sense};
use crate::side_constraints::AssignmentBound;

/// Distinct covariate points (m of them) with the summed rewards of the units there.
#[derive(Clone, Debug)]
pub struct MergedUnits<'a> {
    problem: &'a MultiLinearProblem,
    /// Covariates of each point as given.
    pub x: Vec<&'a [f64]>,
    /// Covariates of each point in [-1, 1].
    pub z: Vec<Vec<f64>>,
    /// Reward of each point (m x K).
    pub rewards: Vec<Vec<f64>>,
    bounds: Vec<Row>,
    centre: Vec<f64>,
    scale: Vec<f64>,
}

/// `h_above(x_i) > h_below(x_i)` at point `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    pub point: usize,
    pub above: usize,
    pub below: usize,
}

impl<'a> MergedUnits<'a> {
    pub fn of(problem: &'a MultiLinearProblem) -> Self {
        let mut points: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
        for i in 0..problem.units() {
            let key = problem.unit(i).iter().map(|v| v.to_bits()).collect();
            points.entry(key).or_default().push(i);
        }
        let units: Vec<Vec<usize>> = points.into_values().collect();
        let x: Vec<&[f64]> = units.iter().map(|units| problem.unit(units[0])).collect();
        let arms = 0..problem.arms.len();
        let earned = |units: &Vec<usize>, k: usize| sum(units.iter().map(|&i| problem.rewards()[[i, k]]));
        let rewards = units.iter().map(|units| arms.clone().map(|k| earned(units, k)).collect()).collect();
        let bounds = problem.assignment_bounds().map(|bound| bound_row(&units, bound)).collect();
        let (centre, scale): (Vec<_>, Vec<_>) =
            problem.x().columns().into_iter().map(|c| midrange(c.iter())).unzip();
        let scaled = |x: &&[f64]| x.iter().zip(&centre).zip(&scale).map(|((v, c), s)| (v - c) / s).collect();
        Self { z: x.iter().map(scaled).collect(), problem, x, rewards, bounds, centre, scale }
    }

    pub fn problem(&self) -> &'a MultiLinearProblem {
        self.problem
    }

    pub fn arms(&self) -> usize {
        self.problem.arms.len()
    }

    /// Whether covariate `j` takes more than one value.
    pub fn varies(&self, j: usize) -> bool {
        self.z.iter().any(|z| z[j] != self.z[0][j])
    }

    /// A rule given in z, in the covariates' own units.
    pub fn rule(&self, scaled: &MultiLinearRule) -> MultiLinearRule {
        let over = |b: &Vec<f64>| b.iter().zip(&self.scale).map(|(b, s)| b / s).collect::<Vec<f64>>();
        let coefficients: Vec<Vec<f64>> = scaled.coefficients.iter().map(over).collect();
        let shift = |b: &Vec<f64>| sum(b.iter().zip(&self.centre).map(|(b, c)| b * c));
        let intercepts = scaled.intercepts.iter().zip(&coefficients).map(|(b0, b)| b0 - shift(b)).collect();
        MultiLinearRule { intercepts, coefficients }
    }

    /// How far rounding may have moved the height of a point at |b_j| <= 1 when its covariates were scaled.
    pub fn rounding(&self) -> f64 {
        let farthest = |j: usize| self.x.iter().map(|x| x[j].abs()).fold(self.centre[j].abs(), f64::max);
        let moved = (0..self.scale.len()).map(|j| 4.0 * f64::EPSILON * (1.0 + farthest(j) / self.scale[j]));
        moved.sum()
    }

    /// The column of the claim that point `i` gets arm `k`.
    pub fn claim(&self, i: usize, k: usize) -> usize {
        i * self.arms() + k
    }

    /// A program with a 0-1 column for each claim, one claim a point: the columns that all forms share and that cuts speak of.
    pub(super) fn claims_program(&self, name: &str) -> MixedIntegerProgram {
        let mut program = MixedIntegerProgram::new(name, Sense::Maximize);
        program.offset = self.problem.value_of_first();
        for (i, rewards) in self.rewards.iter().enumerate() {
            for (k, reward) in rewards.iter().enumerate() {
                program.binary(format!("give[{i}.{k}]"), reward - rewards[0]);
            }
            let terms = (0..rewards.len()).map(|k| (self.claim(i, k), 1.0)).collect();
            program.rows.push(Row::equal(format!("one[{i}]"), 1.0, terms));
        }
        program.rows.extend(self.bounds.iter().cloned());
        program
    }

    /// What the claim that point `i` gets arm `k` demands.
    pub(super) fn comparisons(&self, i: usize, k: usize) -> impl Iterator<Item = Comparison> {
        let rewards = &self.rewards[i];
        let counts = move |l: usize| l != k && (rewards[l] < rewards[k] || !self.bounds.is_empty());
        (0..rewards.len()).filter(move |&l| counts(l)).map(move |below| Comparison {
            point: i,
            above: k,
            below,
        })
    }

    /// The comparisons of all claims.
    pub(super) fn all_comparisons(&self) -> impl Iterator<Item = Comparison> {
        (0..self.z.len()).flat_map(move |i| (0..self.arms()).flat_map(move |k| self.comparisons(i, k)))
    }

    /// The certificate loop: the rule of largest margin among those that make the claims in `columns` true, or, where there is
    /// none, the cuts that say so.
    pub fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<MultiLinearRule>, OracleError> {
        let claimed: Vec<usize> = (0..self.z.len()).map(|i| self.claimed(columns, i)).collect();
        let demands = claimed.iter().enumerate().flat_map(|(i, &k)| self.comparisons(i, k));
        let rule = self.rule(&margin::widest(&self.z, &claimed, demands, self.arms(), oracle)?);
        let earned = |(i, &k): (usize, &usize)| {
            let arm = rule.arm(self.x[i]);
            arm == k || (self.bounds.is_empty() && self.rewards[i][arm] >= self.rewards[i][k])
        };
        if claimed.iter().enumerate().all(earned) {
            return Ok(Recovered::Point(self.representative(&rule, oracle)?));
        }
        let cuts = radon::cuts_against(self, columns, oracle)?;
        Ok(if cuts.is_empty() { Recovered::Unresolved(rule) } else { Recovered::Cuts(cuts) })
    }

    /// The arm that point `i` claims: the largest of its columns.
    fn claimed(&self, columns: &[f64], i: usize) -> usize {
        let value = |k: usize| columns[self.claim(i, k)];
        (1..self.arms()).fold(0, |best, k| if value(k) > value(best) { k } else { best })
    }

    /// The rule with the same labels as `rule` on every unit and the largest margin; `rule` itself where the linear
    /// program cannot reproduce them, or where it speaks of other covariates or arms.
    pub fn representative(
        &self,
        rule: &MultiLinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<MultiLinearRule, OracleError> {
        if !self.problem.class.fits(rule, self.centre.len(), self.arms()) {
            return Ok(rule.clone());
        }
        let labels: Vec<usize> = self.x.iter().map(|x| rule.arm(x)).collect();
        let against_all = labels.iter().enumerate().flat_map(|(point, &above)| {
            let others = (0..self.arms()).filter(move |&l| l != above);
            others.map(move |below| Comparison { point, above, below })
        });
        let wide = self.rule(&margin::widest(&self.z, &labels, against_all, self.arms(), oracle)?);
        let same = |other: &MultiLinearRule| self.x.iter().zip(&labels).all(|(x, k)| other.arm(x) == *k);
        let candidates = [wide.normalised(), wide];
        Ok(candidates.into_iter().find(same).unwrap_or_else(|| rule.clone()))
    }

    /// `sum over the claims z <= their number - 1`, where the comparisons, which these claims demand, are proved to exclude each
    /// other.
    pub(super) fn radon_cut(&self, comparisons: &[Comparison]) -> Option<Row> {
        let vectors: Vec<Vec<f64>> =
            comparisons.iter().map(|c| c.vector(self.x[c.point], self.arms())).collect();
        if !positively_dependent(&vectors) {
            return None;
        }
        let mut claims: Vec<usize> = comparisons.iter().map(|c| self.claim(c.point, c.above)).collect();
        claims.sort_unstable();
        claims.dedup();
        let most = claims.len() as f64 - 1.0;
        Some(Row::at_most("radon", most, claims.into_iter().map(|column| (column, 1.0)).collect()))
    }
}

impl Comparison {
    /// Kesler's vector `(e_above - e_below) (x) (1, x)` without the block of arm 0: the comparison holds where its product with
    /// the heights' intercepts and coefficients is positive.
    pub fn vector(&self, x: &[f64], arms: usize) -> Vec<f64> {
        let sign = |k: usize| f64::from(k == self.above) - f64::from(k == self.below);
        let block = |k: usize| std::iter::once(1.0).chain(x.iter().copied()).map(move |v| sign(k) * v);
        (1..arms).flat_map(block).collect()
    }
}

/// `lower <= sum_ik w_ik z_ik <= upper` over the claims of points, w summed over the units of the point.
fn bound_row(units: &[Vec<usize>], bound: &AssignmentBound) -> Row {
    let arms = bound.weights.ncols();
    let claims = units.iter().flat_map(|units| (0..arms).map(move |k| (units, k)));
    let weight = |(units, k): (&Vec<usize>, usize)| sum(units.iter().map(|&i| bound.weights[[i, k]]));
    let terms = claims.map(weight).enumerate().filter(|(_, weight)| *weight != 0.0).collect();
    Row { name: bound.name.clone(), lower: bound.lower, upper: bound.upper, terms }
}
