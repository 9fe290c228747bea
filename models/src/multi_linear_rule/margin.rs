//! The safest of all rules that satisfy a set of comparisons.
//!
//! ```text
//! max  delta   s.t.  (b_k - b_l)'(1, z_i) >= delta  for each comparison (i, k over l),   -1 <= b_kj - b_lj <= 1  for all k, l, j
//! ```
//!
//! A linear program; delta > 0 exactly where some rule satisfies the comparisons. Arms that no point is given would be free: they
//! get the height of the lowest arm that some point is given, less 1, and so are given to nobody anywhere.

use super::MultiLinearRule;
use super::merged_units::Comparison;
use crate::model::{LinearOracle, LinearOutcome, OracleError};
use crate::programs::{MixedIntegerProgram, Row, Sense};

/// Comparisons that go into the program at once. Few of many decide the margin, so the others enter where they are broken.
const AT_ONCE: usize = 400;
/// A comparison is broken where it falls short of the margin by more than this.
const BROKEN_BY: f64 = 1e-9;

/// The widest rule in z over the arms in `labels` (one a point); arm 0 has the height 0.
pub(super) fn widest(
    z: &[Vec<f64>],
    labels: &[usize],
    comparisons: impl Iterator<Item = Comparison>,
    arms: usize,
    oracle: &mut dyn LinearOracle,
) -> Result<MultiLinearRule, OracleError> {
    let given: Vec<usize> = (0..arms).filter(|k| labels.contains(k)).collect();
    let layout = Layout { given: &given, width: z[0].len() + 1 };
    let mut program = layout.program();
    let mut waiting: Vec<Comparison> = comparisons.filter(|c| given.contains(&c.below)).collect();
    // Evenly spread over the points.
    let every = waiting.len().div_ceil(AT_ONCE).max(1);
    let mut position = 0;
    let mut next: Vec<Comparison> = waiting
        .extract_if(.., |_| {
            position += 1;
            (position - 1) % every == 0
        })
        .collect();
    loop {
        program.rows.extend(next.iter().map(|c| {
            let terms = std::iter::once((0, -1.0)).chain(layout.height(c, &z[c.point]));
            Row::at_least("", 0.0, terms.collect())
        }));
        let columns = match oracle.solve(&program)? {
            LinearOutcome::Optimal { columns, .. } => columns,
            // delta unbounded below makes every such program feasible.
            LinearOutcome::Infeasible => {
                return Err(OracleError { program: program.name, reason: "called infeasible".into() });
            }
        };
        let height = |c: &Comparison| {
            layout.height(c, &z[c.point]).map(|(column, v)| v * columns[column]).sum::<f64>()
        };
        let short = |c: &Comparison| columns[0] - height(c);
        let mut broken: Vec<f64> = waiting.iter().map(short).filter(|by| *by > BROKEN_BY).collect();
        if broken.is_empty() {
            return Ok(layout.rule(&columns, arms));
        }
        broken.sort_by(|a, b| b.total_cmp(a));
        let from = broken[AT_ONCE.min(broken.len()) - 1];
        next = waiting.extract_if(.., |c| short(c) >= from).collect();
    }
}

/// The columns: the margin, then (intercept, b) for each given arm but the first, whose height is 0.
struct Layout<'g> {
    given: &'g [usize],
    width: usize,
}

impl Layout<'_> {
    /// The columns, and the rows between arms of which neither is the first.
    fn program(&self) -> MixedIntegerProgram {
        let p = self.width - 1;
        let mut program = MixedIntegerProgram::new("multi_linear_rule.margin", Sense::Maximize);
        // No two comparisons that face each other leave more than this; without such there is no margin to speak of.
        program.continuous("margin", f64::NEG_INFINITY, p as f64, 1.0);
        for k in &self.given[1..] {
            program.continuous(format!("intercept[{k}]"), f64::NEG_INFINITY, f64::INFINITY, 0.0);
            (0..p).for_each(|j| {
                program.continuous(format!("b[{k}.{j}]"), -1.0, 1.0, 0.0);
            });
        }
        for (a, &above) in self.given.iter().enumerate().skip(1) {
            for &below in &self.given[1..a] {
                let pair = Comparison { point: 0, above, below };
                let terms = |j: usize| self.difference(&pair, j, 1.0).collect();
                let row = |j: usize| Row { name: String::new(), lower: -1.0, upper: 1.0, terms: terms(j) };
                program.rows.extend((1..=p).map(row));
            }
        }
        program
    }

    /// The terms of `(b_above - b_below)'(1, z)`.
    fn height(&self, c: &Comparison, z: &[f64]) -> impl Iterator<Item = (usize, f64)> {
        let coordinates = std::iter::once(1.0).chain(z.iter().copied()).enumerate();
        coordinates.filter(|(_, v)| *v != 0.0).flat_map(|(j, v)| self.difference(c, j, v))
    }

    /// Where the block of arm `k` starts; none for the first given arm.
    fn start(&self, k: usize) -> Option<usize> {
        let position = self.given.iter().position(|given| *given == k)?;
        position.checked_sub(1).map(|before| 1 + before * self.width)
    }

    /// The terms of `v (b_above - b_below)_j`, coordinate 0 being the intercept.
    fn difference(&self, c: &Comparison, j: usize, v: f64) -> impl Iterator<Item = (usize, f64)> + use<> {
        let term = |k: usize, v: f64| self.start(k).map(|start| (start + j, v));
        term(c.above, v).into_iter().chain(term(c.below, -v))
    }

    fn rule(&self, columns: &[f64], arms: usize) -> MultiLinearRule {
        let block = |k: usize| match self.start(k) {
            Some(start) => columns[start..start + self.width].to_vec(),
            None => vec![0.0; self.width],
        };
        let lowered = |k: usize| if self.given.contains(&k) { 0.0 } else { -1.0 };
        let raised = lowered(0);
        let intercept = |k: usize| block(k)[0] + lowered(k) - raised;
        MultiLinearRule {
            intercepts: (0..arms).map(intercept).collect(),
            coefficients: (0..arms).map(|k| block(k)[1..].to_vec()).collect(),
        }
    }
}
