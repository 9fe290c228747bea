//! Damped Newton on the dual of calibration: a smooth convex function of one number a feature, whatever the number of units.
//!
//! ```text
//! min over (alpha, lambda)   G = sum_i b_i psi_i(alpha + lambda'c_i) - alpha,      psi_i = phi* on [lower, upper],  c_ij = (z_ij - t_j) / s_j
//! grad G = (sum_i b_i v_i - 1, sum_i b_i v_i c_i),      Hess G = sum_i b_i v_i' (1, c_i)(1, c_i)',      v_i = psi_i'
//! ```
//!
//! so that a point without slope is a point in balance. Where no weight is negative, v_i <= 1/b_i at every feasible point, and beyond twice
//! that psi_i goes on as the parabola that fits: nothing overflows, and the logarithm of gamma = -1 has no edge to step over (Owen 2001,
//! "Empirical Likelihood", section 3.14). Bounds on weights clip v_i. Features that depend on others get multiplier 0.
//!
//! Steps are argmin's; a step is one pass over the rows, in chunks of fixed size whose sums are added in order. The proof is the value of
//! the dual at the end.

use argmin::core::{
    Error, Executor, IterState, KV, Problem, Solver as Steps, State, TerminationReason,
    TerminationStatus as Ended,
};
use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use prescribe_models::Model;
use prescribe_models::arm_moments::solve_semidefinite;
use prescribe_models::calibration::Calibration;
use rayon::prelude::*;
use serde_json::{Map, json};

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
/// Rows of a chunk: its copy stays in a core's cache.
const CHUNK: usize = 1024;

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

    fn accepts(&self, model: &Calibration) -> Result<Promise, Unsupported> {
        if model.tolerance().iter().all(|d| *d == 0.0) {
            return Ok(Promise::Exact);
        }
        let remedy = "choose clarabel, or balance exactly";
        Err(Unsupported { solver: "newton".into(), part: "a tolerance".into(), remedy: remedy.into() })
    }

    fn wants_start(&self) -> bool {
        false
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
    let dual = Dual { model, inverse_scale: model.scale().mapv(f64::recip) };
    let at = dual.at(&start);
    let executor = Executor::new(dual, Damped { at, watch });
    let done = executor
        .configure(|state: Iterations| state.param(start).max_iters(STEPS))
        .timer(false)
        .run()
        .map_err(failed)?;
    let (problem, solver, state) = (done.problem, done.solver, done.state);
    // The executor lends the problem out only while it runs.
    let (Some(dual), Some(theta)) = (problem.problem, state.get_param()) else {
        return Err(SolveError::Backend { solver: "newton".into(), reason: "it lost its iterate".into() });
    };
    let slope = solver.at.slope();
    let (termination, raw) = match (slope <= BALANCED, watch.stop()) {
        (true, _) => (TerminationStatus::Optimal, "balanced"),
        (false, Some(_)) => (watch.termination(), "stopped"),
        (false, None) if solver.at.separated(theta) => (TerminationStatus::Infeasible, "separated"),
        (false, None) => (TerminationStatus::NumericalError, "no balance within the limit of steps"),
    };
    let lambda = theta.slice(s![1..]);
    let bound = Some(model.dual_value(theta[0], lambda)).filter(|value| value.is_finite());
    let mut statistics = Map::new();
    statistics.insert("largest_slope".into(), json!(slope));
    Ok(Answer {
        point: (termination == TerminationStatus::Optimal).then(|| dual.weights(theta)),
        claimed: None,
        bound: bound.map(|value| (value, BoundProof::Dual)),
        termination,
        raw_status: raw.into(),
        nodes: None,
        iterations: Some(state.get_iter()),
        statistics,
    })
}

type Iterations = IterState<Array1<f64>, (), (), (), (), f64>;

/// argmin's part: one damped step an iteration.
struct Damped<'w, 'o> {
    at: Local,
    watch: &'w Watch<'o>,
}

impl Steps<Dual<'_>, Iterations> for Damped<'_, '_> {
    fn name(&self) -> &str {
        "damped Newton"
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<Dual<'_>>,
        mut state: Iterations,
    ) -> Result<(Iterations, Option<KV>), Error> {
        let theta = state.take_param().ok_or_else(|| Error::msg("there is no iterate"))?;
        let step = self.at.step();
        let along = self.at.gradient.dot(&step);
        // Rounding error of the dual hides what the last steps gain.
        let rounding = 1e-14 * (1.0 + self.at.value.abs());
        let mut by = 1.0;
        loop {
            let next = &theta + &(&step * by);
            let there = problem.problem("passes", |dual| Ok(dual.at(&next)))?;
            if there.value <= self.at.value + 1e-4 * by * along + rounding {
                let stuck = there.slope() >= self.at.slope() && there.slope() <= BALANCED;
                let (kept, at) = if stuck { (theta, None) } else { (next, Some(there)) };
                self.at = at.unwrap_or_else(|| std::mem::take(&mut self.at));
                let state = state.param(kept).cost(self.at.value);
                return Ok((
                    if stuck { state.terminate_with(TerminationReason::SolverConverged) } else { state },
                    None,
                ));
            }
            by /= 2.0;
            if by < 1e-10 || self.watch.stop().is_some() {
                let reason = TerminationReason::SolverExit("no step leads down".into());
                return Ok((state.param(theta).cost(self.at.value).terminate_with(reason), None));
            }
        }
    }

    fn terminate(&mut self, state: &Iterations) -> Ended {
        let separated = state.get_param().is_some_and(|theta| self.at.separated(theta));
        if self.at.slope() <= FINE {
            return Ended::Terminated(TerminationReason::SolverConverged);
        }
        match separated || self.watch.stop().is_some() {
            true => Ended::Terminated(TerminationReason::SolverExit("stopped".into())),
            false => Ended::NotTerminated,
        }
    }
}

/// G, its slope and curvature somewhere.
#[derive(Clone, Debug, Default)]
struct Local {
    value: f64,
    gradient: Array1<f64>,
    hessian: Array2<f64>,
    /// Largest alpha + lambda'c_i of any unit.
    highest: f64,
    /// Whether nothing but the sum and the sign restrict the weights.
    free: bool,
}

impl Local {
    fn slope(&self) -> f64 {
        self.gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()))
    }

    /// Whether lambda proves that no weights reach the target: every unit lies on one side of it.
    fn separated(&self, theta: &Array1<f64>) -> bool {
        let length: f64 = theta.iter().map(|b| b.abs()).sum();
        self.free && self.highest - theta[0] < -1e-12 * length
    }

    /// Newton's direction; where the curvature is 0 along the slope (all clipped), a damped one.
    fn step(&self) -> Array1<f64> {
        let descent = -&self.gradient;
        let step = solve_semidefinite(&self.hessian, &descent);
        if self.gradient.dot(&step) < -1e-12 * descent.dot(&descent) {
            return step;
        }
        let mut damped = self.hessian.clone();
        damped.diag_mut().map_inplace(|h| *h += self.slope());
        solve_semidefinite(&damped, &descent)
    }
}

/// The dual problem.
struct Dual<'m> {
    model: &'m Calibration,
    inverse_scale: Array1<f64>,
}

impl Dual<'_> {
    /// One pass over the units.
    fn at(&self, theta: &Array1<f64>) -> Local {
        let sums: Vec<Local> = self.chunks().into_par_iter().map(|from| self.chunk(from, theta)).collect();
        let k = theta.len();
        let (lower, upper) = self.model.bounds();
        let zero = Local {
            value: -theta[0],
            gradient: Array1::zeros(k),
            hessian: Array2::zeros((k, k)),
            highest: f64::NEG_INFINITY,
            free: lower == 0.0 && upper.is_infinite(),
        };
        let mut all = sums.into_iter().fold(zero, |mut all, part| {
            all.value += part.value;
            all.gradient += &part.gradient;
            all.hessian += &part.hessian;
            all.highest = all.highest.max(part.highest);
            all
        });
        all.gradient[0] -= 1.0;
        all
    }

    fn chunks(&self) -> Vec<usize> {
        (0..self.model.units()).step_by(CHUNK).collect()
    }

    /// (1, c_i) of the units of the chunk that begins at `from`.
    fn rows(&self, from: usize) -> Array2<f64> {
        let z = self.model.features().slice(s![from..(from + CHUNK).min(self.model.units()), ..]);
        let mut c = Array2::ones((z.nrows(), z.ncols() + 1));
        for (mut c, z) in c.rows_mut().into_iter().zip(z.rows()) {
            let terms = z.iter().zip(self.model.target()).zip(&self.inverse_scale);
            c.iter_mut().skip(1).zip(terms).for_each(|(c, ((z, t), s))| *c = (z - t) * s);
        }
        c
    }

    fn chunk(&self, from: usize, theta: &Array1<f64>) -> Local {
        let mut c = self.rows(from);
        let eta = c.dot(theta);
        let (mut value, mut slopes) = (0.0, Array1::zeros(eta.len()));
        let mut roots = Array1::zeros(eta.len());
        for (i, &eta) in eta.iter().enumerate() {
            let (psi, v, curvature) = self.psi(from + i, eta);
            let b = self.model.base()[from + i];
            value += b * psi;
            slopes[i] = b * v;
            roots[i] = (b * curvature).sqrt();
        }
        let gradient = c.t().dot(&slopes);
        c *= &roots.view().insert_axis(Axis(1));
        let highest = eta.fold(f64::NEG_INFINITY, |most, eta| most.max(*eta));
        Local { value, gradient, hessian: c.t().dot(&c), highest, free: false }
    }

    /// psi_i(eta), v and its derivative.
    fn psi(&self, i: usize, eta: f64) -> (f64, f64, f64) {
        let phi = self.model.discrepancy();
        let (lower, upper) = self.model.bounds();
        let (v, curvature) = phi.inverse(eta);
        let beyond = if lower >= 0.0 { 2.0 / self.model.base()[i] } else { f64::INFINITY };
        if v > beyond && beyond < upper {
            let (from, (_, curvature)) = (phi.slope(beyond), phi.inverse(phi.slope(beyond)));
            let off = eta - from;
            let psi = beyond * eta - phi.value(beyond) + curvature * off * off / 2.0;
            return (psi, beyond + curvature * off, curvature);
        }
        let inside = v.clamp(lower, upper);
        // Above gamma = 1 the curvature is infinite at v = 0.
        let curvature = if v == inside { curvature.min(1e12) } else { 0.0 };
        (inside * eta - phi.value(inside), inside, curvature)
    }

    /// w (m).
    fn weights(&self, theta: &Array1<f64>) -> Vec<f64> {
        let chunk = |from: usize| -> Vec<f64> {
            let eta: Array1<f64> = self.rows(from).dot(theta);
            let base: ArrayView1<f64> = self.model.base().slice(s![from..from + eta.len()]);
            eta.iter().zip(base).enumerate().map(|(i, (eta, b))| b * self.psi(from + i, *eta).1).collect()
        };
        self.chunks().into_par_iter().map(chunk).collect::<Vec<_>>().concat()
    }
}
