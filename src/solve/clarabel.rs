//! Clarabel, an interior-point method for conic programs: any model that is one.
//!
//! It is asked for more digits than count as solved, because weights and coefficients where the objective is flat have half as many digits
//! as the gap. On exponential and power cones it may lose its way between two steps, whatever the settings; another length of step
//! leads elsewhere, so that a few of them are tried in turn.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};
use prescribe_models::programs::Cone;
use prescribe_models::{ConicForm, ConicProgram, Sense};
use serde_json::{Map, json};

use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};

/// Residuals and gap that are asked for, on cones that are symmetric and on others, and those at which a program counts as solved where
/// rounding stops short of them.
const ASKED: f64 = 1e-14;
const ASKED_OTHERWISE: f64 = 1e-12;
const SOLVED: f64 = 1e-10;

/// An attempt: the digits it asks for, the share of the way to the boundary of the cones that a step takes, and by how much it is shortened
/// at a time.
struct Attempt {
    asked: f64,
    share: f64,
    shorter: f64,
}

impl Attempt {
    /// Those for one program, in turn: many digits by Clarabel's own strides, then no more than needed.
    fn all(program: &ConicProgram) -> [Self; 4] {
        let symmetric = !program.cones.iter().any(|cone| matches!(cone, Cone::Exponential | Cone::Power(_)));
        let asked = if symmetric { ASKED } else { ASKED_OTHERWISE };
        [
            Self { asked, share: 0.99, shorter: 0.8 },
            Self { asked: SOLVED, share: 0.99, shorter: 0.8 },
            Self { asked: SOLVED, share: 0.95, shorter: 0.8 },
            Self { asked: SOLVED, share: 0.99, shorter: 0.95 },
        ]
    }
}

/// The conic solver.
#[derive(Clone, Copy, Debug)]
pub struct Clarabel;

impl<M: ConicForm> Solver<M> for Clarabel {
    fn name(&self) -> &'static str {
        "clarabel"
    }

    fn version(&self) -> String {
        "Clarabel 0.11.1".into()
    }

    fn accepts(&self, _model: &M) -> Result<Promise, Unsupported> {
        Ok(Promise::Exact)
    }

    fn search(
        &self,
        model: &M,
        _start: Option<&M::Point>,
        _options: &Options,
        watch: &Watch,
    ) -> Result<Answer<M::Point>, SolveError> {
        let program = model.conic();
        program.check()?;
        let run = attempts(&program, watch)?;
        // The program minimises, whatever the model's sense.
        let sign = if model.sense() == Sense::Maximize { -1.0 } else { 1.0 };
        Ok(Answer {
            point: run.primal_objective.map(|_| model.point(&run.columns)),
            claimed: run.primal_objective.map(|value| sign * value),
            bound: run.dual_objective.map(|value| (sign * value, BoundProof::Dual)),
            termination: run.termination,
            raw_status: run.raw_status,
            nodes: None,
            iterations: Some(run.iterations),
            statistics: Map::from_iter([("attempts".to_string(), json!(run.attempts))]),
        })
    }
}

struct Run {
    attempts: usize,
    columns: Vec<f64>,
    /// None where the columns are no answer.
    primal_objective: Option<f64>,
    dual_objective: Option<f64>,
    termination: TerminationStatus,
    raw_status: String,
    iterations: u64,
}

/// The first attempt that ends in an answer, or else the nearest to one.
fn attempts(program: &ConicProgram, watch: &Watch) -> Result<Run, SolveError> {
    let lost = |run: &Run| {
        matches!(run.termination, TerminationStatus::LocallySolved | TerminationStatus::NumericalError)
    };
    let [first, others @ ..] = Attempt::all(program);
    let mut best = run(program, &first, watch)?;
    for attempt in &others {
        if !lost(&best) || watch.stop().is_some() {
            break;
        }
        let next = run(program, attempt, watch)?;
        let (attempts, iterations) = (best.attempts + 1, best.iterations + next.iterations);
        let nearer = !lost(&next) || best.primal_objective.is_none();
        best = Run { attempts, iterations, ..if nearer { next } else { best } };
    }
    Ok(best)
}

fn run(program: &ConicProgram, attempt: &Attempt, watch: &Watch) -> Result<Run, SolveError> {
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
            Cone::SecondOrder(m) => SupportedConeT::SecondOrderConeT(*m),
            Cone::Exponential => SupportedConeT::ExponentialConeT(),
            Cone::Power(a) => SupportedConeT::PowerConeT(*a),
        })
        .collect();
    let settings = DefaultSettings {
        verbose: false,
        max_threads: 1,
        tol_feas: attempt.asked,
        tol_gap_abs: attempt.asked,
        tol_gap_rel: attempt.asked,
        max_step_fraction: attempt.share,
        linesearch_backtrack_step: attempt.shorter,
        time_limit: watch.remaining().unwrap_or(f64::INFINITY),
        ..DefaultSettings::default()
    };
    let (p, a) = (sparse(n, &program.p), sparse(program.b.len(), &program.a));
    let mut solver = DefaultSolver::new(&p, &program.q, &a, &program.b, &cones, settings)
        .map_err(|error| SolveError::Backend { solver: "Clarabel".into(), reason: error.to_string() })?;
    solver.solve();
    let (solution, info) = (&solver.solution, &solver.info);
    let nearly = solution.status == SolverStatus::AlmostSolved;
    let residual = info.res_primal.max(info.res_dual).max(info.gap_abs.min(info.gap_rel));
    let solved = solution.status == SolverStatus::Solved || nearly && residual <= SOLVED;
    Ok(Run {
        attempts: 1,
        columns: solution.x.clone(),
        primal_objective: Some(solution.obj_val + program.offset).filter(|_| solved || nearly),
        dual_objective: Some(solution.obj_val_dual + program.offset).filter(|_| solved),
        termination: if solved { TerminationStatus::Optimal } else { status(solution.status) },
        raw_status: format!("{:?}", solution.status),
        iterations: u64::from(solution.iterations),
    })
}

fn status(status: SolverStatus) -> TerminationStatus {
    match status {
        SolverStatus::Solved => TerminationStatus::Optimal,
        // To five digits.
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
