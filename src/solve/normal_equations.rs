//! Least squares of gains by the normal equations, refined on the residuals until rounding of the rows is what is left.
//!
//! ```text
//! v <- v + H^+ s(v),      s(v) = sum_u w_u r_u(v) (1, z_u)
//! ```
//!
//! The proof is the optimum that the quadratic gives from the point found ([`GainRegression::lower_bound`]).

use ndarray::Array1;
use prescribe_models::ConicForm;
use prescribe_models::arm_moments::solve_semidefinite;
use prescribe_models::gain_regression::GainRegression;
use prescribe_models::linear_rule::LinearRule;
use serde_json::Map;

use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};

/// Steps after the first.
const REFINEMENTS: u64 = 2;

/// The direct solver.
#[derive(Clone, Copy, Debug)]
pub struct NormalEquations;

impl Solver<GainRegression> for NormalEquations {
    fn name(&self) -> &'static str {
        "normal_equations"
    }

    fn version(&self) -> String {
        format!("prescribe {}, Cholesky", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _model: &GainRegression) -> Result<Promise, Unsupported> {
        Ok(Promise::Exact)
    }

    fn wants_start(&self) -> bool {
        false
    }

    /// A handful of passes over the units: done before any limit could be asked for.
    fn search(
        &self,
        model: &GainRegression,
        _start: Option<&LinearRule>,
        _options: &Options,
        _watch: &Watch,
    ) -> Result<Answer<LinearRule>, SolveError> {
        let mut columns = Array1::zeros(model.curvature().nrows());
        for _ in 0..=REFINEMENTS {
            let slope = model.slope(&model.point(&columns.to_vec()));
            columns += &solve_semidefinite(model.curvature(), &slope);
        }
        let rule = model.point(&columns.to_vec());
        Ok(Answer {
            bound: Some((model.lower_bound(&rule), BoundProof::Dual)),
            point: Some(rule),
            claimed: None,
            termination: TerminationStatus::Optimal,
            raw_status: "solved".into(),
            nodes: None,
            iterations: Some(1 + REFINEMENTS),
            statistics: Map::new(),
        })
    }
}
