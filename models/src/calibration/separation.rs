//! Why no weights reach the target, and what tolerance would let them: a linear program and its meaning.
//!
//! ```text
//! max  mu + sum_i b_i (lower (l'c_i - mu) - (upper - lower) u_i) - sum_j d_j/s_j |l_j|
//! s.t. u_i >= mu - l'c_i,   u_i >= 0,   sum_j |l_j| <= 1
//! ```
//!
//! The dual of the program for the smallest tolerance, common to all features and in units of their scale s, that must be added to d.
//! Its optimum is that tolerance; where it is above 0, the combination l'c is at least so far above the target for every choice of
//! weights. Without an upper bound u_i = 0, without a lower one l'c_i = mu.

use ndarray::Array1;

use super::Calibration;
use crate::model::{LinearOracle, LinearOutcome, OracleError};
use crate::programs::{MixedIntegerProgram, Row, Sense};

/// A combination of features that no weights bring to the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Separation {
    /// l (q) of the features in units of their scale, |l|_1 <= 1.
    pub direction: Array1<f64>,
    /// By how much the combination stays above the target beyond the tolerances, which is the smallest tolerance to be added to each; 0
    /// where some weights reach the target.
    pub shortfall: f64,
}

impl Calibration {
    /// The combination of features that is farthest out of reach, by a linear program.
    ///
    /// # Errors
    /// The oracle's.
    pub fn separation(&self, oracle: &mut dyn LinearOracle) -> Result<Separation, OracleError> {
        let q = self.target().len();
        let program = self.separating_program();
        match oracle.solve(&program)? {
            LinearOutcome::Optimal { columns, objective } => Ok(Separation {
                direction: (0..q).map(|j| columns[1 + j] - columns[1 + q + j]).collect(),
                shortfall: objective.max(0.0),
            }),
            // l = 0, mu = 0 is feasible.
            LinearOutcome::Infeasible => {
                Err(OracleError { program: program.name, reason: "called infeasible".into() })
            }
        }
    }

    fn separating_program(&self) -> MixedIntegerProgram {
        let (m, q) = self.features().dim();
        let (lower, upper) = self.bounds();
        let floor = if lower.is_finite() { lower } else { 0.0 };
        let mean = |j: usize| (0..m).map(|i| self.base()[i] * self.centred(i, j)).sum::<f64>();
        let mut program = MixedIntegerProgram::new("calibration_separation", Sense::Maximize);
        program.continuous("mu", f64::NEG_INFINITY, f64::INFINITY, 1.0 - floor);
        for (name, sign) in [("l+", 1.0), ("l-", -1.0)] {
            for j in 0..q {
                let cost = sign * floor * mean(j) - self.tolerance()[j] / self.scale()[j];
                program.continuous(format!("{name}[{j}]"), 0.0, 1.0, cost);
            }
        }
        program.rows.push(Row::at_most("length", 1.0, (1..=2 * q).map(|column| (column, 1.0)).collect()));
        for i in 0..m {
            let parts = |j: usize| [(1 + j, self.centred(i, j)), (1 + q + j, -self.centred(i, j))];
            let mut terms: Vec<(usize, f64)> =
                (0..q).flat_map(parts).filter(|(_, value)| *value != 0.0).collect();
            terms.push((0, -1.0));
            if upper.is_finite() {
                let u = program.continuous(
                    format!("u[{i}]"),
                    0.0,
                    f64::INFINITY,
                    -self.base()[i] * (upper - floor),
                );
                terms.push((u, 1.0));
            }
            let name = format!("unit[{i}]");
            program.rows.push(match lower.is_finite() {
                true => Row::at_least(name, 0.0, terms),
                false => Row::equal(name, 0.0, terms),
            });
        }
        program
    }
}
