//! Damped Newton on the dual of calibration: a smooth convex function of one number a feature, whatever the number of units.
//!
//! ```text
//! min over (alpha, lambda)   G + sum_j d_j/s_j |lambda_j|,      G = sum_i b_i psi_i(alpha + lambda'c_i) - alpha,      c_ij = (z_ij - t_j) / s_j
//! grad G = (sum_i b_i v_i - 1, sum_i b_i v_i c_i),      Hess G = sum_i b_i v_i' (1, c_i)(1, c_i)',      psi_i = phi* on [lower, upper], v_i = psi_i'
//! ```
//!
//! so that a point without slope is a point in balance. Tolerances d leave absolute values in each step's quadratic model (`step`). Where no weight is negative, v_i <= 1/b_i at every feasible point, and beyond twice
//! that psi_i goes on as the parabola that fits: nothing overflows, and the logarithm of gamma = -1 has no edge to step over (Owen 2001,
//! "Empirical Likelihood", section 3.14). Bounds on weights clip v_i, and a unit at its bound has no curvature: where too few are left to
//! say where to go the step is damped. Features that depend on others get multiplier 0.
//!
//! Steps are argmin's; a step is one pass over the rows (`dual`), in chunks of fixed size whose sums are added in order. The proof is the value of
//! the dual at the end.

mod dual;
mod step;

use argmin::core::{
    Error, Executor, IterState, KV, Problem, Solver as Steps, State, TerminationReason,
    TerminationStatus as Ended,
};
use ndarray::{Array1, s};
use prescribe_models::Model;
use prescribe_models::calibration::Calibration;
use serde_json::{Map, json};

use self::dual::{CHUNK, Dual, Local};
use super::threads::on_threads;
use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};

/// A slope this small is rounding error.
const FINE: f64 = 1e-12;
/// A slope that still counts as balance where rounding stops short of it.
const BALANCED: f64 = 1e-10;
/// A dozen steps lead to any target well inside the hull of the units.
const STEPS: u64 = 200;
/// Half-lengths that are tried of one direction.
const HALVINGS: i32 = 30;

/// The dual Newton method.
#[derive(Clone, Copy, Debug)]
pub struct Newton;

impl Solver<Calibration> for Newton {
    fn name(&self) -> &'static str {
        "newton"
    }

    fn version(&self) -> String {
        format!("prescribe {}, argmin's executor", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _model: &Calibration) -> Result<Promise, Unsupported> {
        Ok(Promise::Exact)
    }

    fn wants_start(&self) -> bool {
        false
    }

    /// Half a dozen passes.
    fn forecast(&self, model: &Calibration) -> Option<f64> {
        let columns = model.target().len() as f64 + 1.0;
        Some(1.25e-9 * model.units() as f64 * columns * (columns + 20.0))
    }

    fn search(
        &self,
        model: &Calibration,
        _start: Option<&Vec<f64>>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Vec<f64>>, SolveError> {
        let work = || run(model, watch);
        // A pool of its own costs more than a small problem.
        match options.threads == 0 || model.units() <= CHUNK {
            true => work(),
            false => on_threads("newton", options.threads, work)?,
        }
    }
}

fn run(model: &Calibration, watch: &Watch) -> Result<Answer<Vec<f64>>, SolveError> {
    let failed = |error: Error| SolveError::Backend { solver: "newton".into(), reason: error.to_string() };
    let mut start = Array1::zeros(model.target().len() + 1);
    start[0] = model.discrepancy().slope(1.0);
    let dual = Dual::new(model);
    let at = dual.at(&start);
    let done = Executor::new(dual, Damped { at, watch })
        .configure(|state: Iterations| state.param(start).max_iters(STEPS))
        .timer(false)
        .run()
        .map_err(failed)?;
    let (iterations, at) = (done.state.get_iter(), done.solver.at);
    // The executor lends the problem out only while it runs.
    let dual = done.problem.problem.ok_or_else(|| failed(Error::msg("it lost its problem")))?;
    let slope = at.slope();
    let (termination, raw) = match (slope <= BALANCED, watch.stop()) {
        (true, _) => (TerminationStatus::Optimal, "balanced"),
        (false, Some(_)) => (watch.termination(), "stopped"),
        (false, None) if at.separated() => (TerminationStatus::Infeasible, "separated"),
        (false, None) => (TerminationStatus::NumericalError, "no balance within the limit of steps"),
    };
    let lambda = at.theta.slice(s![1..]);
    let bound = Some(model.dual_value(at.theta[0], lambda)).filter(|value| value.is_finite());
    let mut statistics = Map::new();
    statistics.insert("largest_slope".into(), json!(slope));
    Ok(Answer {
        point: (termination == TerminationStatus::Optimal).then(|| dual.weights(&at.theta)),
        claimed: None,
        bound: bound.map(|value| (value, BoundProof::Dual)),
        termination,
        raw_status: raw.into(),
        nodes: None,
        iterations: Some(iterations),
        statistics,
    })
}

type Iterations = IterState<Array1<f64>, (), (), (), (), f64>;

/// argmin's part: one damped step an iteration.
struct Damped<'w, 'o> {
    at: Local,
    watch: &'w Watch<'o>,
}

impl Damped<'_, '_> {
    /// Directions, the boldest first.
    fn directions(&self) -> impl Iterator<Item = Array1<f64>> {
        let slope = self.at.slope();
        let newton = Some(self.at.step(0.0)).filter(|step| self.at.solves(step));
        newton.into_iter().chain([slope, 1.0].into_iter().map(|damping| self.at.step(damping)))
    }

    /// The first point along `direction` that is as much lower as its slope promises.
    fn lower(&self, dual: &Dual, direction: &Array1<f64>) -> Option<Local> {
        let decrease = self.at.decrease(direction);
        // Rounding error of the dual hides what the last steps gain.
        let rounding = 1e-14 * (1.0 + self.at.value.abs());
        (0..HALVINGS).take_while(|_| !self.watch.stopped()).find_map(|k| {
            let by = 0.5_f64.powi(k);
            let there = dual.at(&(&self.at.theta + &(direction * by)));
            let enough = there.value <= self.at.value + 1e-4 * by * decrease + rounding;
            enough.then_some(there)
        })
    }
}

impl Steps<Dual<'_>, Iterations> for Damped<'_, '_> {
    fn name(&self) -> &str {
        "damped Newton"
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<Dual<'_>>,
        state: Iterations,
    ) -> Result<(Iterations, Option<KV>), Error> {
        let next = problem.problem("passes", |dual| {
            Ok(self.directions().find_map(|direction| self.lower(dual, &direction)))
        })?;
        let reason = match &next {
            Some(there) if there.slope() < self.at.slope() || there.slope() > BALANCED => None,
            Some(_) => Some(TerminationReason::SolverConverged),
            None => Some(TerminationReason::SolverExit("no step leads down".into())),
        };
        if let (Some(there), None) = (next, &reason) {
            self.at = there;
        }
        let state = state.param(self.at.theta.clone()).cost(self.at.value);
        Ok((reason.into_iter().fold(state, |state, reason| state.terminate_with(reason)), None))
    }

    fn terminate(&mut self, _state: &Iterations) -> Ended {
        if self.at.slope() <= FINE {
            return Ended::Terminated(TerminationReason::SolverConverged);
        }
        match self.at.separated() || self.watch.stop().is_some() {
            true => Ended::Terminated(TerminationReason::SolverExit("stopped".into())),
            false => Ended::NotTerminated,
        }
    }
}
