//! Linear rules over K arms as K (K - 1) p facet programs with tight one-sided rows.
//!
//! Every rule that is not constant can be scaled so that the largest difference of coefficients is 1. So for each ordered pair of
//! arms (a, c) and each covariate j, with b_aj - b_cj = 1 and all other differences in [-1, 1]:
//!
//! ```text
//! max  sum_ik Gamma_ik z_ik
//! s.t. sum_k z_ik = 1
//!      h_k(z_i) - h_l(z_i) >= -M_ikl (1 - z_ik)        where arm l earns less at i than arm k,      z_ik in {0, 1}
//! M_ikl = max over the facet and over m of (z_m - z_i)'(b_k - b_l)
//! ```
//!
//! Under assignment bounds every pair of arms has its row, since a label may be wanted for the bound's sake.
//!
//! The M are valid because every arm may be taken to be among the highest at some point m: one that is not can be raised until
//! it is, which breaks no row. Then `b0_k - b0_l >= -max_m z_m'(b_k - b_l)`. Along j every arm lies between c and a, which
//! narrows the differences there. Constant rules are candidates. Rows are closed (no margin epsilon), so each optimum bounds every
//! rule of the facet from above, ties included; what it claims is confirmed or cut off by `recover`.

use super::MergedUnits;
use super::merged_units::Comparison;
use crate::model::Piece;
use crate::programs::{MixedIntegerProgram, Row};

/// The facets, by covariate and pair of arms.
pub(super) fn pieces(units: &MergedUnits) -> Vec<Piece> {
    let arms = units.arms();
    let covariates = (0..units.z[0].len()).filter(|&j| units.varies(j));
    let pairs =
        |j: usize| (0..arms).flat_map(move |a| (0..arms).filter(move |&c| c != a).map(move |c| (j, a, c)));
    covariates
        .flat_map(pairs)
        .map(|(covariate, high, low)| Facet { units, covariate, high, low }.piece())
        .collect()
}

/// Number of coefficients of all facets together, about.
pub(super) fn coefficients(points: usize, covariates: usize, arms: usize) -> usize {
    let pairs = arms.saturating_mul(arms - 1);
    let of_one = points.saturating_mul(pairs).saturating_mul(2 * covariates + 3);
    of_one.saturating_mul(pairs).saturating_mul(covariates)
}

/// The facet with b_high - b_low = 1 at one covariate.
struct Facet<'u, 'a> {
    units: &'u MergedUnits<'a>,
    covariate: usize,
    high: usize,
    low: usize,
}

impl Facet<'_, '_> {
    fn piece(&self) -> Piece {
        let problem = self.units.problem();
        let label = format!(
            "{}: {} - {} = 1",
            problem.covariates[self.covariate], problem.arms[self.high], problem.arms[self.low]
        );
        Piece { label, program: self.program() }
    }

    fn program(&self) -> MixedIntegerProgram {
        let units = self.units;
        let mut program = units.claims_program("multi_linear_rule.facets");
        let p = units.z[0].len();
        let reach = (0..p).filter(|&j| units.varies(j)).count() as f64;
        for k in 1..units.arms() {
            program.continuous(format!("intercept[{k}]"), -reach, reach, 0.0);
            for (j, name) in units.problem().covariates.iter().enumerate() {
                let (lower, upper) = self.difference(j, k, 0);
                program.continuous(format!("b[{name}.{k}]"), lower, upper, 0.0);
            }
        }
        for k in 2..units.arms() {
            for l in 1..k {
                for j in (0..p).filter(|&j| units.varies(j)) {
                    let (lower, upper) = self.difference(j, k, l);
                    let terms = vec![(self.column(k, 1 + j), 1.0), (self.column(l, 1 + j), -1.0)];
                    program.rows.push(Row { name: format!("between[{k}.{l}.{j}]"), lower, upper, terms });
                }
            }
        }
        program.rows.extend(units.all_comparisons().map(|c| self.row(&c)));
        program
    }

    /// `h_above - h_below >= -M (1 - z)` at the point.
    fn row(&self, c: &Comparison) -> Row {
        let units = self.units;
        let m = self.farthest(c);
        let mut terms = vec![(units.claim(c.point, c.above), -m)];
        terms.retain(|(_, coefficient)| *coefficient != 0.0);
        let coordinates = || std::iter::once(1.0).chain(units.z[c.point].iter().copied()).enumerate();
        for (k, sign) in [(c.above, 1.0), (c.below, -1.0)] {
            if k > 0 {
                let slopes = coordinates().filter(|(_, v)| *v != 0.0);
                terms.extend(slopes.map(|(coordinate, v)| (self.column(k, coordinate), sign * v)));
            }
        }
        Row::at_least(format!("beats[{}.{}.{}]", c.point, c.above, c.below), 0.0 - m, terms)
    }

    /// The column of a coordinate (0 the intercept) of arm `k` > 0.
    fn column(&self, k: usize, coordinate: usize) -> usize {
        let p = self.units.z[0].len();
        self.units.z.len() * self.units.arms() + (k - 1) * (p + 1) + coordinate
    }

    /// The range of `b_kj - b_lj` in the facet.
    fn difference(&self, j: usize, k: usize, l: usize) -> (f64, f64) {
        if j != self.covariate {
            return if self.units.varies(j) { (-1.0, 1.0) } else { (0.0, 0.0) };
        }
        // b_low = 0 say: b_high = 1 and all others are between.
        let range = |arm: usize| match arm {
            _ if arm == self.high => (1.0, 1.0),
            _ if arm == self.low => (0.0, 0.0),
            _ => (0.0, 1.0),
        };
        let ((k_least, k_most), (l_least, l_most)) = (range(k), range(l));
        (k_least - l_most, k_most - l_least)
    }

    /// M: the largest `(z_m - z_i)'(b_above - b_below)` over the facet and over the points m.
    fn farthest(&self, c: &Comparison) -> f64 {
        let z = &self.units.z;
        let ranges: Vec<(f64, f64)> = (0..z[0].len()).map(|j| self.difference(j, c.above, c.below)).collect();
        let reach = |other: &Vec<f64>| -> f64 {
            let steps = other.iter().zip(&z[c.point]).map(|(a, b)| a - b);
            steps.zip(&ranges).map(|(step, (least, most))| (step * least).max(step * most)).sum()
        };
        // A relative inch more than computed: rounding must not cut a point off its own rule.
        z.iter().map(reach).fold(0.0, f64::max) * (1.0 + 1e-12)
    }
}
