//! The alternating direction method of multipliers for fused least squares, as a solver of argmin.
//!
//! ```text
//! min sum_a loss_a(zeta_a) + sum_{a<b} t_ab ||eta_ab||_1   s.t.   eta_ab = zeta_a - zeta_b
//!
//! zeta_a = M_a^-1 (r_a + theta s)                      M_a = G_a + theta K I,  r_a = c_a + theta sum_b +-(eta_ab - u_ab)
//! s      = sum_a zeta_a = (I - theta sum_a M_a^-1)^+ sum_a M_a^-1 r_a
//! eta    = soft(zeta_a - zeta_b + u, t_ab / theta)     u = what soft cut off
//! ```
//!
//! An iteration takes O(K^2 p + K p^2) (`sweeps`). `v = theta u` lies in the box of the dual at every iteration, so that each of
//! them proves a lower bound (`dual`), and the answer is certified by its gap. Source: Boyd et al. (2011), sections 3.3, 3.4.1
//! (varying the step) and 3.1.1 (scaled form), on objective (3) of fusion.txt.
//!
//! Penalties that are not convex are taken by local linear approximation: a fused lasso after the other, each with the slopes
//! at the last answer as its limits, from the start given or else from all arms fused, whose first step is the plain lasso.

mod checkpoint;
mod dual;
mod losses;
mod sweeps;

use argmin::core::{Error, Executor, IterState, KV, State, TerminationReason};
use ndarray::Array2;
use prescribe_models::Model;
use prescribe_models::concave_fusion::ConcaveFusion;
use prescribe_models::fused_lasso::FusedLasso;
use serde_json::{Map, json};

use checkpoint::Keeper;

use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};
pub use checkpoint::{Checkpoint, Kept, Progress};
pub use losses::{Standing, iterate_loss};
pub use sweeps::{Saved, Sweeps};

/// Sweeps between two looks at the residuals, and looks at most.
const SWEEPS: usize = 10;
const LOOKS: u64 = 5_000;
/// Residuals at which the gap is looked at for the first time, and how much smaller they must be for the next time.
const FIRST_LOOK: f64 = 1e-6;
const NEXT_LOOK: f64 = 0.2;
/// The gap that counts as closed, relative to the objective, and the rounding error of the loss relative to its constant term.
const GAP: f64 = 1e-10;
const ROUNDING: f64 = 1e-14;
/// Linear approximations of a concave penalty at most, and the decrease of the objective that ends them.
const TANGENTS: u64 = 100;
const DECREASE: f64 = 1e-10;

/// The solver.
#[derive(Clone, Copy, Debug)]
pub struct Admm;

/// When an answer is good enough.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// Primal and dual residual at most this, relative to the sizes of the arms' own fits and sums.
    Residual(f64),
    /// A closed gap.
    Proof,
}

/// What iterations led to.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Coefficients (K x p).
    pub zeta: Array2<f64>,
    /// A lower bound on the optimum, where the gap was looked at.
    pub bound: Option<f64>,
    pub done: bool,
    pub sweeps: u64,
}

/// Iterates from where `sweeps` stands, which stays there for the next problem of a path.
///
/// # Errors
/// Where argmin fails; it has no reason to.
pub fn iterate(
    model: &FusedLasso,
    sweeps: Sweeps,
    goal: Goal,
    watch: &Watch,
) -> Result<(Sweeps, Reached), SolveError> {
    iterate_kept(model, sweeps, goal, watch, None)
}

/// As [`iterate`], from where a checkpoint stands, if there is one of this problem, and leaving one behind.
///
/// # Errors
/// Of the checkpoint: a file that cannot be read or written, or that belongs to another problem.
pub fn iterate_kept(
    model: &FusedLasso,
    sweeps: Sweeps,
    goal: Goal,
    watch: &Watch,
    checkpoint: Option<&Checkpoint>,
) -> Result<(Sweeps, Reached), SolveError> {
    let run = Run {
        sweeps,
        goal,
        look: FIRST_LOOK,
        best: None,
        bound: f64::NEG_INFINITY,
        done: false,
        stopped: false,
    };
    let mut executor = Executor::new(Posed { model, watch }, run)
        .configure(|state: Iterate| state.max_iters(LOOKS))
        .timer(false);
    if let Some(checkpoint) = checkpoint {
        executor = executor.checkpointing(Keeper::new(checkpoint, model, goal));
    }
    let result = executor.run().map_err(failure)?;
    let Run { sweeps, best, bound, done, .. } = result.solver;
    let zeta = best.map_or_else(|| sweeps.zeta(), |(_, zeta)| zeta);
    let bound = Some(bound).filter(|bound| bound.is_finite());
    Ok((sweeps, Reached { zeta, bound, done, sweeps: result.state.get_iter() * SWEEPS as u64 }))
}

/// A refusal of the checkpoint as it was, anything else with the solver's name.
fn failure(error: Error) -> SolveError {
    let reason = error.to_string();
    error.downcast().unwrap_or(SolveError::Backend { solver: "admm".into(), reason })
}

type Iterate = IterState<Vec<f64>, (), (), (), (), f64>;

/// The problem as argmin carries it.
struct Posed<'m> {
    model: &'m FusedLasso,
    watch: &'m Watch<'m>,
}

/// The method as argmin runs it: an iteration is a block of sweeps and a look at what they did.
struct Run {
    sweeps: Sweeps,
    goal: Goal,
    /// Residuals at which the gap is looked at next.
    look: f64,
    best: Option<(f64, Array2<f64>)>,
    bound: f64,
    done: bool,
    stopped: bool,
}

impl Run {
    /// Holds the point against the bound.
    fn judge(&mut self, model: &FusedLasso) {
        let zeta = self.sweeps.zeta();
        let objective = model.objective(&zeta);
        if self.best.as_ref().is_none_or(|(best, _)| objective < *best) {
            self.best = Some((objective, zeta));
        }
        self.bound = self.bound.max(self.sweeps.bound().unwrap_or(f64::NEG_INFINITY));
        let best = self.best.as_ref().map_or(f64::INFINITY, |(best, _)| *best);
        let constant: f64 = model.moments().iter().map(|arm| arm.square / 2.0).sum();
        self.done = best - self.bound <= GAP * best.abs() + ROUNDING * constant;
    }
}

impl<'m> argmin::core::Solver<Posed<'m>, Iterate> for Run {
    fn name(&self) -> &str {
        "ADMM"
    }

    fn next_iter(
        &mut self,
        problem: &mut argmin::core::Problem<Posed<'m>>,
        state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        let Some(Posed { model, watch }) = problem.problem.as_ref() else {
            return Err(Error::msg("the problem was taken away"));
        };
        let residuals = self.sweeps.block(SWEEPS);
        let size = residuals.primal.max(residuals.dual);
        match self.goal {
            Goal::Residual(tolerance) => self.done = size <= tolerance,
            Goal::Proof => {
                if size <= self.look {
                    self.judge(model);
                    self.look = size * NEXT_LOOK;
                }
                watch.tell("admm", self.best.as_ref().map(|best| best.0), Some(self.bound), 0);
            }
        }
        self.stopped = watch.stop().is_some();
        if self.stopped && self.best.is_none() && matches!(self.goal, Goal::Proof) {
            self.judge(model);
        }
        if !self.done {
            self.sweeps.balance(residuals);
        }
        let kv = argmin::kv!("primal" => residuals.primal; "dual" => residuals.dual;);
        Ok((state.cost(size), Some(kv)))
    }

    fn terminate(&mut self, _state: &Iterate) -> argmin::core::TerminationStatus {
        match self.done || self.stopped {
            true => argmin::core::TerminationStatus::Terminated(TerminationReason::SolverConverged),
            false => argmin::core::TerminationStatus::NotTerminated,
        }
    }
}

impl Solver<FusedLasso> for Admm {
    fn name(&self) -> &'static str {
        "admm"
    }

    fn version(&self) -> String {
        format!("prescribe {}, ADMM on argmin", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _model: &FusedLasso) -> Result<Promise, Unsupported> {
        Ok(Promise::Exact)
    }

    fn search(
        &self,
        model: &FusedLasso,
        start: Option<&Array2<f64>>,
        _options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Array2<f64>>, SolveError> {
        let mut sweeps = Sweeps::new(model.moments());
        sweeps.limit(model.limits());
        start.into_iter().for_each(|zeta| sweeps.start(zeta));
        let (_, reached) = iterate(model, sweeps, Goal::Proof, watch)?;
        let termination = match (reached.done, watch.stop()) {
            (true, _) => TerminationStatus::Optimal,
            (false, Some(_)) => watch.termination(),
            (false, None) => TerminationStatus::IterationLimit,
        };
        let zeta = better(model, reached.zeta, start);
        let bound = reached.bound.map(|bound| (bound, BoundProof::Dual));
        Ok(answer(zeta, bound, termination, reached.sweeps, Map::new()))
    }
}

impl Solver<ConcaveFusion> for Admm {
    fn name(&self) -> &'static str {
        "admm"
    }

    fn version(&self) -> String {
        format!("prescribe {}, ADMM on argmin, local linear approximation", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _model: &ConcaveFusion) -> Result<Promise, Unsupported> {
        Ok(Promise::Local)
    }

    fn search(
        &self,
        model: &ConcaveFusion,
        start: Option<&Array2<f64>>,
        _options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Array2<f64>>, SolveError> {
        let mut at = start.cloned();
        let (mut tangents, mut total) = (0, 0);
        let mut tangent = model.tangent(start);
        let mut sweeps = Sweeps::new(tangent.moments());
        loop {
            sweeps.limit(tangent.limits());
            let (back, reached) = iterate(&tangent, sweeps, Goal::Proof, watch)?;
            sweeps = back;
            (tangents, total) = (tangents + 1, total + reached.sweeps);
            let before = at.as_ref().map_or(f64::INFINITY, |zeta| model.objective(zeta));
            let after = model.objective(&reached.zeta);
            if after < before {
                at = Some(reached.zeta);
            }
            let settled = before - after <= DECREASE * after.abs();
            if settled || tangents == TANGENTS || watch.stop().is_some() {
                break;
            }
            tangent = model.tangent(at.as_ref());
        }
        let statistics = Map::from_iter([("tangents".to_string(), json!(tangents))]);
        let zeta = at.unwrap_or_else(|| sweeps.zeta());
        Ok(answer(zeta, None, watch.termination(), total, statistics))
    }
}

/// The start, where it is no worse.
fn better(model: &FusedLasso, zeta: Array2<f64>, start: Option<&Array2<f64>>) -> Array2<f64> {
    match start {
        Some(start) if model.objective(start) <= model.objective(&zeta) => start.clone(),
        _ => zeta,
    }
}

fn answer(
    zeta: Array2<f64>,
    bound: Option<(f64, BoundProof)>,
    termination: TerminationStatus,
    sweeps: u64,
    statistics: Map<String, serde_json::Value>,
) -> Answer<Array2<f64>> {
    Answer {
        point: Some(zeta),
        claimed: None,
        bound,
        termination,
        raw_status: "sweeps done".into(),
        nodes: None,
        iterations: Some(sweeps),
        statistics,
    }
}
