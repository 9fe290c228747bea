//! Clarabel, an interior-point method for conic programs: the second opinion on linear programs.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};
use prescribe_models::linear_rule::LinearRule;
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::programs::Cone;
use prescribe_models::{ConicProgram, InvalidModel, LinearOutcome, OracleError, ProgramForm, Recovered};
use serde_json::Map;

use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};

/// The conic solver.
#[derive(Clone, Copy, Debug)]
pub struct Clarabel;

impl Solver<MaximumMargin> for Clarabel {
    fn name(&self) -> &'static str {
        "clarabel"
    }

    fn version(&self) -> String {
        "Clarabel 0.11.1".into()
    }

    fn accepts(&self, _model: &MaximumMargin) -> Result<Promise, Unsupported> {
        Ok(Promise::Exact)
    }

    fn search(
        &self,
        model: &MaximumMargin,
        _start: Option<&LinearRule>,
        _options: &Options,
        watch: &Watch,
    ) -> Result<Answer<LinearRule>, SolveError> {
        let mut pieces = model.pieces();
        let Some(piece) = pieces.pop() else {
            return Err(InvalidModel("the model has no program".into()).into());
        };
        piece.program.check()?;
        let run = run(&ConicProgram::try_from(&piece.program)?, watch)?;
        let point = match model.recover(&run.columns, &mut NoOracle)? {
            Recovered::Point(point) | Recovered::Unresolved(point) => Some(point),
            Recovered::Cuts(_) => None,
        };
        Ok(Answer {
            point,
            claimed: Some(piece.program.objective(&run.columns)),
            // The conic program minimises the negated objective.
            bound: run.dual_objective.map(|value| (-value, BoundProof::Dual)),
            termination: run.termination,
            raw_status: run.raw_status,
            nodes: None,
            iterations: Some(run.iterations),
            statistics: Map::new(),
        })
    }
}

struct Run {
    columns: Vec<f64>,
    dual_objective: Option<f64>,
    termination: TerminationStatus,
    raw_status: String,
    iterations: u64,
}

fn run(program: &ConicProgram, watch: &Watch) -> Result<Run, SolveError> {
    let n = program.q.len();
    let sparse = |rows: usize, triplets: &[(usize, usize, f64)]| {
        let rows_of = triplets.iter().map(|t| t.0).collect();
        CscMatrix::new_from_triplets(
            rows,
            n,
            rows_of,
            triplets.iter().map(|t| t.1).collect(),
            triplets.iter().map(|t| t.2).collect(),
        )
    };
    let cones: Vec<SupportedConeT<f64>> = program
        .cones
        .iter()
        .map(|cone| match cone {
            Cone::Zero(m) => SupportedConeT::ZeroConeT(*m),
            Cone::Nonnegative(m) => SupportedConeT::NonnegativeConeT(*m),
        })
        .collect();
    let settings = DefaultSettings {
        verbose: false,
        max_threads: 1,
        time_limit: watch.remaining().unwrap_or(f64::INFINITY),
        ..DefaultSettings::default()
    };
    let (p, a) = (sparse(n, &program.p), sparse(program.b.len(), &program.a));
    let mut solver = DefaultSolver::new(&p, &program.q, &a, &program.b, &cones, settings)
        .map_err(|error| SolveError::Backend { solver: "Clarabel".into(), reason: error.to_string() })?;
    solver.solve();
    let solution = &solver.solution;
    let solved = solution.status == SolverStatus::Solved;
    Ok(Run {
        columns: solution.x.clone(),
        dual_objective: Some(solution.obj_val_dual + program.offset).filter(|_| solved),
        termination: status(solution.status),
        raw_status: format!("{:?}", solution.status),
        iterations: u64::from(solution.iterations),
    })
}

fn status(status: SolverStatus) -> TerminationStatus {
    match status {
        SolverStatus::Solved => TerminationStatus::Optimal,
        SolverStatus::AlmostSolved => TerminationStatus::LocallySolved,
        SolverStatus::PrimalInfeasible | SolverStatus::AlmostPrimalInfeasible => {
            TerminationStatus::Infeasible
        }
        SolverStatus::DualInfeasible | SolverStatus::AlmostDualInfeasible => {
            TerminationStatus::InfeasibleOrUnbounded
        }
        SolverStatus::MaxIterations => TerminationStatus::IterationLimit,
        SolverStatus::MaxTime => TerminationStatus::TimeLimit,
        _ => TerminationStatus::NumericalError,
    }
}

/// For models whose way back needs no linear program.
struct NoOracle;

impl prescribe_models::LinearOracle for NoOracle {
    fn solve(
        &mut self,
        program: &prescribe_models::MixedIntegerProgram,
    ) -> Result<LinearOutcome, OracleError> {
        Err(OracleError { program: program.name.clone(), reason: "Clarabel lends no linear programs".into() })
    }
}
