//! HiGHS, by way of good_lp: one program in, columns, bound and counts out.
//!
//! good_lp is the modelling door. What it cannot say (names, the objective's constant, start, bound, nodes, interruption)
//! goes through highs-sys on the model that good_lp built. All `unsafe` of the library is in this file.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use good_lp::{Expression, ProblemVariables, SolverModel, variable};
use highs_sys as sys;
use prescribe_models::{LinearOracle, LinearOutcome, MixedIntegerProgram, OracleError, Sense};

use super::{Options, Silent, SolveError, TerminationStatus, Watch};

/// What HiGHS made of a program.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// `Optimal` here means: within the gaps asked for.
    pub status: TerminationStatus,
    pub raw_status: String,
    /// A feasible solution, where there is one.
    pub columns: Option<Vec<f64>>,
    pub objective: Option<f64>,
    /// Of a linear program: its rows' duals, where it is solved and no row has two different bounds.
    pub row_duals: Option<Vec<f64>>,
    /// HiGHS's bound on the program, where it has one.
    pub bound: Option<f64>,
    pub nodes: u64,
    pub iterations: u64,
}

/// `HiGHS` and its version.
pub fn version() -> String {
    // SAFETY: Highs_version returns a static, NUL-terminated string.
    let text = unsafe { CStr::from_ptr(sys::Highs_version()) };
    format!("HiGHS {}", text.to_string_lossy())
}

/// Solves `program`, from `start` (a value for every column) where one is given. `phase` is what the observer is told.
pub fn solve_program(
    program: &MixedIntegerProgram,
    start: Option<&[f64]>,
    options: &Options,
    watch: &Watch,
    phase: &str,
) -> Result<Outcome, SolveError> {
    program.check()?;
    let mut highs = Highs::load(program)?;
    highs.configure(options, watch)?;
    if let Some(start) = start {
        highs.set_start(start)?;
    }
    highs.run(program, watch, phase)
}

/// HiGHS as the linear oracle of a model. Its programs are small and are the way back from an answer, so no time limit
/// cuts them off.
#[derive(Clone, Copy, Debug, Default)]
pub struct HighsOracle {
    /// Programs solved.
    pub calls: u64,
}

impl LinearOracle for HighsOracle {
    fn solve(&mut self, program: &MixedIntegerProgram) -> Result<LinearOutcome, OracleError> {
        self.calls += 1;
        let fail = |reason: String| OracleError { program: program.name.clone(), reason };
        let outcome =
            solve_program(&program.relaxed(), None, &Options::default(), &Watch::start(None, &Silent), "")
                .map_err(|error| fail(error.to_string()))?;
        match (outcome.status, outcome.columns, outcome.objective) {
            (TerminationStatus::Optimal, Some(columns), Some(objective)) => {
                Ok(LinearOutcome::Optimal { columns, objective })
            }
            (TerminationStatus::Infeasible, ..) => Ok(LinearOutcome::Infeasible),
            _ => Err(fail(outcome.raw_status)),
        }
    }
}

/// A loaded HiGHS model.
struct Highs(highs::Model);

impl Highs {
    /// Builds the program through good_lp, then adds what good_lp does not carry.
    fn load(program: &MixedIntegerProgram) -> Result<Self, SolveError> {
        let mut variables = ProblemVariables::new();
        let mut handles = Vec::with_capacity(program.columns.len());
        for column in &program.columns {
            let definition = variable().min(column.lower).max(column.upper);
            handles.push(variables.add(if column.integer { definition.integer() } else { definition }));
        }
        let sum = |terms: &mut dyn Iterator<Item = (usize, f64)>| {
            let mut total = Expression::with_capacity(terms.size_hint().0);
            terms.for_each(|(j, value)| total.add_mul(value, handles[j]));
            total
        };
        let costs = sum(&mut program.columns.iter().map(|column| column.cost).enumerate());
        let unsolved = match program.sense {
            Sense::Maximize => variables.maximise(costs),
            Sense::Minimize => variables.minimise(costs),
        };
        let mut problem = unsolved.using(good_lp::solvers::highs::highs);
        for row in &program.rows {
            let total = || sum(&mut row.terms.iter().copied());
            if row.lower == row.upper {
                problem.add_constraint(total().eq(row.upper));
                continue;
            }
            if row.upper.is_finite() {
                problem.add_constraint(total().leq(row.upper));
            }
            if row.lower.is_finite() {
                problem.add_constraint(total().geq(row.lower));
            }
        }
        let model = problem.try_into_inner().map_err(|error| failed(&error.to_string()))?;
        let mut highs = Self(model);
        // SAFETY: the pointer is that of a live model; names are NUL-terminated and copied by HiGHS.
        unsafe {
            accepted(
                sys::Highs_changeObjectiveOffset(highs.pointer(), program.offset),
                "the objective's constant",
            )?;
            for (j, name) in (0..).zip(program.file_names()) {
                let name = CString::new(name).map_err(|error| failed(&error.to_string()))?;
                accepted(sys::Highs_passColName(highs.pointer(), j, name.as_ptr()), "a column's name")?;
            }
        }
        Ok(highs)
    }

    fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr()
    }

    fn configure(&mut self, options: &Options, watch: &Watch) -> Result<(), SolveError> {
        let mut set = |name: &str, value: Setting| {
            let done = match value {
                Setting::Bool(value) => self.0.try_set_option(name, value),
                Setting::Int(value) => self.0.try_set_option(name, value),
                Setting::Float(value) => self.0.try_set_option(name, value),
                Setting::Text(value) => self.0.try_set_option(name, value),
            };
            done.map_err(|_| failed(&format!("option {name} was refused")))
        };
        set("log_to_console", Setting::Bool(false))?;
        set("output_flag", Setting::Bool(options.log_file.is_some()))?;
        if let Some(path) = options.log_file.as_ref().and_then(|path| path.to_str()) {
            set("log_file", Setting::Text(path))?;
        }
        // HiGHS's pool of threads belongs to the process; one thread keeps solves independent and repeatable.
        set("threads", Setting::Int(1))?;
        set("random_seed", Setting::Int((options.random_seed % (i32::MAX as u64)) as i32))?;
        set("mip_rel_gap", Setting::Float(options.mip_rel_gap))?;
        set("mip_abs_gap", Setting::Float(options.mip_abs_gap))?;
        if let Some(seconds) = watch.remaining() {
            set("time_limit", Setting::Float(seconds))?;
        }
        if let Some(nodes) = options.mip_max_nodes {
            set("mip_max_nodes", Setting::Int(i32::try_from(nodes).unwrap_or(i32::MAX)))?;
        }
        Ok(())
    }

    fn set_start(&mut self, start: &[f64]) -> Result<(), SolveError> {
        if start.iter().any(|value| !value.is_finite()) {
            return Err(failed("the start is not finite"));
        }
        let columns: Vec<sys::HighsInt> = (0..).take(start.len()).collect();
        // SAFETY: both arrays have `start.len()` entries and outlive the call, which copies them.
        let status = unsafe {
            sys::Highs_setSparseSolution(self.pointer(), columns.len() as _, columns.as_ptr(), start.as_ptr())
        };
        accepted(status, "the start")
    }

    fn run(
        mut self,
        program: &MixedIntegerProgram,
        watch: &Watch,
        phase: &str,
    ) -> Result<Outcome, SolveError> {
        let mut listener = Listener { watch, phase };
        let data: *mut c_void = (&raw mut listener).cast();
        // SAFETY: `listener` outlives Highs_run, the only call during which HiGHS uses `data`.
        unsafe {
            accepted(sys::Highs_setCallback(self.pointer(), Some(on_event), data), "the callback")?;
            for event in [
                sys::kHighsCallbackSimplexInterrupt,
                sys::kHighsCallbackIpmInterrupt,
                sys::kHighsCallbackMipInterrupt,
                sys::kHighsCallbackMipImprovingSolution,
            ] {
                accepted(sys::Highs_startCallback(self.pointer(), event), "a callback")?;
            }
            accepted(sys::Highs_run(self.pointer()), "the run")?;
        }
        self.outcome(program, watch)
    }

    fn outcome(&mut self, program: &MixedIntegerProgram, watch: &Watch) -> Result<Outcome, SolveError> {
        // SAFETY: the pointer is that of a live model.
        let (status, raw_status) = status(unsafe { sys::Highs_getModelStatus(self.pointer()) }, watch);
        let columns = (self.integer_info(c"primal_solution_status") == sys::kHighsSolutionStatusFeasible)
            .then(|| self.columns(program.columns.len()))
            .transpose()?;
        let objective = columns.as_ref().map(|columns| program.objective(columns));
        let whole = program.columns.iter().any(|column| column.integer);
        let single = program
            .rows
            .iter()
            .all(|row| row.lower == row.upper || row.lower.is_finite() != row.upper.is_finite());
        let row_duals = (single && !whole && status == TerminationStatus::Optimal)
            .then(|| self.row_duals(program.rows.len()))
            .transpose()?;
        let bound = match whole {
            true => Some(self.float_info(c"mip_dual_bound")).filter(|bound| bound.is_finite()),
            false => objective.filter(|_| status == TerminationStatus::Optimal),
        };
        Ok(Outcome {
            status,
            raw_status: raw_status.into(),
            columns,
            objective,
            row_duals,
            bound,
            nodes: if whole { u64::try_from(self.node_count()).unwrap_or(0) } else { 0 },
            iterations: u64::try_from(self.integer_info(c"simplex_iteration_count")).unwrap_or(0),
        })
    }

    fn columns(&mut self, count: usize) -> Result<Vec<f64>, SolveError> {
        let mut values = vec![0.0; count];
        let none = std::ptr::null_mut();
        // SAFETY: `values` has one entry a column; null pointers are allowed for what is not wanted.
        let status = unsafe { sys::Highs_getSolution(self.pointer(), values.as_mut_ptr(), none, none, none) };
        accepted(status, "reading the solution")?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(failed("the solution is not finite"));
        }
        Ok(values)
    }

    fn row_duals(&mut self, count: usize) -> Result<Vec<f64>, SolveError> {
        let mut values = vec![0.0; count];
        let none = std::ptr::null_mut();
        // SAFETY: `values` has one entry a row, as `load` adds one for each that has one bound; null pointers as above.
        let status = unsafe { sys::Highs_getSolution(self.pointer(), none, none, none, values.as_mut_ptr()) };
        accepted(status, "reading the duals")?;
        Ok(values)
    }

    fn integer_info(&mut self, name: &CStr) -> sys::HighsInt {
        let mut value = -1;
        // SAFETY: `name` is an integer-valued info of HiGHS, `value` a place for it.
        unsafe { sys::Highs_getIntInfoValue(self.pointer(), name.as_ptr(), &mut value) };
        value
    }

    fn node_count(&mut self) -> i64 {
        let mut value = 0;
        // SAFETY: as above, for a 64-bit info.
        unsafe { sys::Highs_getInt64InfoValue(self.pointer(), c"mip_node_count".as_ptr(), &mut value) };
        value
    }

    fn float_info(&mut self, name: &CStr) -> f64 {
        let mut value = f64::NAN;
        // SAFETY: as above, for a double info.
        unsafe { sys::Highs_getDoubleInfoValue(self.pointer(), name.as_ptr(), &mut value) };
        value
    }
}

enum Setting<'s> {
    Bool(bool),
    Int(i32),
    Float(f64),
    Text(&'s str),
}

/// What the callback needs to know.
struct Listener<'w> {
    watch: &'w Watch<'w>,
    phase: &'w str,
}

unsafe extern "C" fn on_event(
    event: c_int,
    _message: *const c_char,
    seen: *const sys::HighsCallbackDataOut,
    reply: *mut sys::HighsCallbackDataIn,
    data: *mut c_void,
) {
    // SAFETY: HiGHS hands back the pointer that `run` gave it; `seen` and `reply` are valid during the call or null.
    unsafe {
        let Some(listener) = data.cast::<Listener>().as_ref() else {
            return;
        };
        if let Some(seen) = seen.as_ref().filter(|_| event >= sys::kHighsCallbackMipSolution) {
            let finite = |value: f64| Some(value).filter(|value| value.is_finite());
            let nodes = u64::try_from(seen.mip_node_count).unwrap_or(0);
            listener.watch.tell(
                listener.phase,
                finite(seen.mip_primal_bound),
                finite(seen.mip_dual_bound),
                nodes,
            );
        }
        if let Some(reply) = reply.as_mut() {
            reply.user_interrupt = c_int::from(listener.watch.stop().is_some());
        }
    }
}

/// HiGHS's model status in MathOptInterface's words.
fn status(code: sys::HighsInt, watch: &Watch) -> (TerminationStatus, &'static str) {
    let stopped = match watch.stop() {
        Some(super::Stop::TimeLimit) => TerminationStatus::TimeLimit,
        _ => TerminationStatus::Interrupted,
    };
    match code {
        sys::kHighsModelStatusOptimal => (TerminationStatus::Optimal, "Optimal"),
        sys::kHighsModelStatusInfeasible => (TerminationStatus::Infeasible, "Infeasible"),
        sys::kHighsModelStatusUnboundedOrInfeasible => {
            (TerminationStatus::InfeasibleOrUnbounded, "Primal infeasible or unbounded")
        }
        sys::kHighsModelStatusUnbounded => (TerminationStatus::InfeasibleOrUnbounded, "Unbounded"),
        sys::kHighsModelStatusTimeLimit => (TerminationStatus::TimeLimit, "Time limit reached"),
        sys::kHighsModelStatusIterationLimit => {
            (TerminationStatus::IterationLimit, "Iteration limit reached")
        }
        sys::kHighsModelStatusSolutionLimit => (TerminationStatus::NodeLimit, "Solution limit reached"),
        sys::kHighsModelStatusInterrupt => (stopped, "Interrupted by user"),
        sys::kHighsModelStatusUnknown => (TerminationStatus::NumericalError, "Unknown"),
        _ => (TerminationStatus::OtherError, "Error"),
    }
}

fn accepted(status: sys::HighsInt, what: &str) -> Result<(), SolveError> {
    if status == sys::kHighsStatusError { Err(failed(&format!("{what} was refused"))) } else { Ok(()) }
}

fn failed(reason: &str) -> SolveError {
    SolveError::Backend { solver: "HiGHS".into(), reason: reason.into() }
}
