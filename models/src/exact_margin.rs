//! The widest linear rule with given labels in exact arithmetic, or the proof that no rule has them.
//!
//! ```text
//! max  min over treated of z_i'b  -  max over untreated of z_k'b,      low_j <= b_j <= high_j
//!  =   min over convex weights l on the treated and r on the untreated of
//!      sum_j (high_j (u_j)+  +  -low_j (u_j)-),      u = sum_i l_i z_i - sum_k r_k z_k
//! ```
//!
//! The program of [`crate::maximum_margin`] without its tolerances: points that are 2^-40 apart are apart. It is solved in whole numbers,
//! as every `f64` is one over a power of two, by the simplex method on the right-hand side, whose p + 2 rows
//! stay few however many points there are. A pivot divides without remainder by the pivot before it (Edmonds 1967, Systems of
//! distinct representatives and linear algebra), so numbers stay as short as the determinants that they are.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::exact::rational;
use crate::linear_rule::LinearRule;

/// Labels, led back to a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Separation {
    /// A rule with the labels.
    Rule(LinearRule),
    /// No rule has them, not even those of these points alone: positions among the treated, then the untreated.
    None(Vec<usize>),
    /// Some rule has them, but none was found among `f64` coefficients.
    Unrepresentable,
}

/// Pivots after which the entering column is chosen so that no basis returns (Bland).
const STEEPEST: usize = 100;
/// The coefficients are multiplied by 1, 1 + 1/16, .. before they are rounded, one after the other until the labels survive.
const MULTIPLES: u8 = 16;

/// The rule that treats `treated` and not `untreated` (points of p finite coordinates, both sides with one at least) with the largest margin
/// where coordinate j is measured in units of `scale[j]`, to a factor 2; `bounds` of the coefficients are -1, 0 or 1.
pub fn separate(
    treated: &[&[f64]],
    untreated: &[&[f64]],
    scale: &[f64],
    bounds: &[(f64, f64)],
) -> Separation {
    let units: Vec<f64> = scale.iter().map(|s| 2f64.powi(s.log2().floor() as i32)).collect();
    let b = match Tableau::of(treated, untreated, &units, bounds).solve(bounds) {
        Ok(b) => b,
        Err(meeting) => return Separation::None(meeting),
    };
    let per_unit = |(b, unit): (&BigRational, &f64)| b / rational(*unit);
    let b: Vec<BigRational> = b.iter().zip(&units).map(per_unit).collect();
    let multiples = (0..MULTIPLES).map(|k| 1.0 + f64::from(k) / f64::from(MULTIPLES));
    let mut rules = multiples.filter_map(|multiple| rounded(&b, multiple, treated, untreated));
    let has_labels = |rule: &LinearRule| {
        treated.iter().all(|x| rule.treats(x)) && !untreated.iter().any(|x| rule.treats(x))
    };
    rules.find(has_labels).map_or(Separation::Unrepresentable, Separation::Rule)
}

/// The rule with coefficients `multiple * b`, rounded, and its boundary in the middle between the sides.
fn rounded(b: &[BigRational], multiple: f64, treated: &[&[f64]], untreated: &[&[f64]]) -> Option<LinearRule> {
    let multiple = rational(multiple);
    let coefficients: Vec<f64> = b.iter().map(|b| (b * &multiple).to_f64()).collect::<Option<_>>()?;
    let height = |x: &&[f64]| {
        x.iter().zip(&coefficients).map(|(v, b)| rational(*v) * rational(*b)).sum::<BigRational>()
    };
    let lowest = treated.iter().map(height).min()?;
    let highest = untreated.iter().map(height).max()?;
    let middle = (lowest + highest) / rational(2.0);
    let intercept = -middle.to_f64()?;
    let finite = intercept.is_finite() && coefficients.iter().all(|b| b.is_finite());
    finite.then_some(LinearRule { intercept, coefficients })
}

/// Rows: the weights of the treated sum to 1, those of the untreated, then u_j - (u_j)+ + (u_j)- = 0. Columns: a weight each point,
/// (u_j)- of all j, (u_j)+ of all j, the right-hand side. True entries are `entries / divisor`.
struct Tableau {
    entries: Vec<Vec<BigInt>>,
    /// Reduced costs, the last one less the objective.
    costs: Vec<BigInt>,
    basis: Vec<usize>,
    divisor: BigInt,
    points: usize,
}

impl Tableau {
    /// In the basis of the first point of each side.
    fn of(treated: &[&[f64]], untreated: &[&[f64]], units: &[f64], bounds: &[(f64, f64)]) -> Self {
        let (p, points) = (units.len(), treated.len() + untreated.len());
        let z = whole(treated, untreated, units);
        let width = points + 2 * p + 1;
        let mut entries = vec![vec![BigInt::zero(); width]; p + 2];
        let mut costs = vec![BigInt::zero(); width];
        let mut basis = vec![0, treated.len()];
        for (i, z) in z.iter().enumerate() {
            let on_left = i < treated.len();
            entries[usize::from(!on_left)][i] = BigInt::one();
            for (j, v) in z.iter().enumerate() {
                entries[2 + j][i] = if on_left { v.clone() } else { -v };
            }
        }
        for row in &mut entries[..2] {
            row[width - 1] = BigInt::one();
        }
        for (j, (low, high)) in bounds.iter().enumerate() {
            let row = &mut entries[2 + j];
            (row[points + j], row[points + p + j]) = (BigInt::one(), -BigInt::one());
            costs[points + j] = BigInt::from(-low as i8);
            costs[points + p + j] = BigInt::from(*high as i8);
            let positive = !(&row[0] + &row[treated.len()]).is_negative();
            if positive {
                row.iter_mut().for_each(|v| *v = -&*v);
            }
            basis.push(points + if positive { p + j } else { j });
        }
        let mut tableau = Self { entries, costs, basis, divisor: BigInt::one(), points };
        (0..p + 2).for_each(|row| tableau.pivot(row, tableau.basis[row]));
        tableau
    }

    /// The coefficients of the widest rule, or, where its width is 0, points whose hulls meet.
    fn solve(mut self, bounds: &[(f64, f64)]) -> Result<Vec<BigRational>, Vec<usize>> {
        let mut pivots = 0;
        while !self.width().is_zero()
            && let Some(column) = self.entering(pivots < STEEPEST)
        {
            // Weights are bounded and costs at least 0, so some row always leaves.
            let Some(row) = self.leaving(column) else { break };
            self.pivot(row, column);
            pivots += 1;
        }
        if self.width().is_zero() {
            return Err(self.weighted());
        }
        let coefficient = |(j, (low, _)): (usize, &(f64, f64))| {
            rational(*low) + BigRational::new(self.costs[self.points + j].clone(), self.divisor.clone())
        };
        Ok(bounds.iter().enumerate().map(coefficient).collect())
    }

    /// The objective times the divisor.
    fn width(&self) -> BigInt {
        -&self.costs[self.costs.len() - 1]
    }

    /// The points of positive weight.
    fn weighted(&self) -> Vec<usize> {
        let weighted = |(row, &column): (&Vec<BigInt>, &usize)| {
            (column < self.points && row[row.len() - 1].is_positive()).then_some(column)
        };
        self.entries.iter().zip(&self.basis).filter_map(weighted).collect()
    }

    fn entering(&self, steepest: bool) -> Option<usize> {
        let last = self.costs.len() - 1;
        let mut falling = (0..last).filter(|&c| self.costs[c].is_negative());
        if steepest { falling.min_by_key(|&c| &self.costs[c]) } else { falling.next() }
    }

    fn leaving(&self, column: usize) -> Option<usize> {
        let last = self.costs.len() - 1;
        let rows = (0..self.entries.len()).filter(|&r| self.entries[r][column].is_positive());
        rows.min_by(|&a, &b| {
            let (a, b) = (&self.entries[a], &self.entries[b]);
            (&a[last] * &b[column]).cmp(&(&b[last] * &a[column]))
        })
        .map(|best| {
            // Of equals the lowest column leaves.
            let ratio_of_best = |r: usize| {
                let (a, b) = (&self.entries[r], &self.entries[best]);
                a[column].is_positive() && &a[last] * &b[column] == &b[last] * &a[column]
            };
            let equals = (0..self.entries.len()).filter(|&r| ratio_of_best(r));
            equals.min_by_key(|&r| self.basis[r]).unwrap_or(best)
        })
    }

    fn pivot(&mut self, row: usize, column: usize) {
        let pivot_row = std::mem::take(&mut self.entries[row]);
        let pivot = &pivot_row[column];
        for other in self.entries.iter_mut().filter(|r| !r.is_empty()).chain([&mut self.costs]) {
            let factor = other[column].clone();
            for (v, p) in other.iter_mut().zip(&pivot_row) {
                if !(v.is_zero() && (factor.is_zero() || p.is_zero())) {
                    *v = (pivot * &*v - &factor * p) / &self.divisor;
                }
            }
        }
        self.divisor = pivot.clone();
        self.entries[row] = pivot_row;
        self.basis[row] = column;
    }
}

/// The points as whole numbers: relative to the first one, in units of `units` (powers of two) over one power of two for all.
fn whole(treated: &[&[f64]], untreated: &[&[f64]], units: &[f64]) -> Vec<Vec<BigInt>> {
    let origin = treated[0];
    let relative = |x: &&[f64]| -> Vec<BigRational> {
        let along = |(v, o): (&f64, &f64)| rational(*v) - rational(*o);
        x.iter().zip(origin).map(along).zip(units).map(|(v, unit)| v / rational(*unit)).collect()
    };
    let z: Vec<Vec<BigRational>> = treated.iter().chain(untreated).map(relative).collect();
    let finest = z.iter().flatten().map(|v| v.denom()).max().cloned().unwrap_or_else(BigInt::one);
    let scaled = |v: &BigRational| v.numer() * (&finest / v.denom());
    z.iter().map(|z| z.iter().map(scaled).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: (f64, f64) = (-1.0, 1.0);

    #[test]
    fn points_a_hair_apart_are_told_apart() {
        let hair = 2f64.powi(-45);
        let treated: [&[f64]; 3] = [&[1.0, 1.0 + hair], &[2.0, 2.0 + hair], &[3.0, 3.0]];
        let untreated: [&[f64]; 2] = [&[1.0, 1.0], &[2.0, 2.0]];
        let scale = [1.0, 1.0];
        match separate(&treated, &untreated, &scale, &[FREE; 2]) {
            Separation::Rule(rule) => {
                assert!(treated.iter().all(|x| rule.treats(x)) && !untreated.iter().any(|x| rule.treats(x)));
            }
            other => panic!("{other:?}"),
        }
        // Between two treated points no untreated one can lie.
        let between: [&[f64]; 1] = [&[1.5, 1.5 + hair]];
        let meeting = |separation| match separation {
            Separation::None(mut points) => {
                points.sort_unstable();
                points
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(meeting(separate(&treated[..2], &between, &scale, &[FREE; 2])), [0, 1, 2]);
    }

    #[test]
    fn the_widest_rule_of_two_intervals_is_in_the_middle() {
        let rule = separate(&[&[3.0], &[5.0]], &[&[1.0], &[0.0]], &[1.0], &[FREE]);
        assert_eq!(rule, Separation::Rule(LinearRule { intercept: -2.0, coefficients: vec![1.0] }));
        // Where larger values must not count against treatment, the other order has no rule.
        for bounds in [(0.0, 1.0), (0.0, 0.0)] {
            assert!(matches!(separate(&[&[1.0]], &[&[3.0]], &[1.0], &[bounds]), Separation::None(_)));
        }
    }
}
