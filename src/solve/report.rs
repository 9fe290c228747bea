//! What a solve reports, and the certificate: the answer held against the model's own definition.
//!
//! ```text
//! absolute_gap = |bound - incumbent|             relative_gap = absolute_gap / |incumbent|  (MathOptInterface, HiGHS)
//! gain_gap     = absolute_gap / (incumbent - best constant rule)          gap_per_unit = absolute_gap / n
//! ```
//!
//! The relative gap moves when a constant is added to the rewards; claims about quality use the last two.

use std::collections::BTreeMap;

use prescribe_models::{Model, Sense};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Answer, Options, Solver};

/// How far two evaluations of one objective may differ, relative to max(1, |objective|): HiGHS's own feasibility tolerance.
const CLAIM_TOLERANCE: f64 = 1e-6;
/// How far a constraint may be broken.
pub(super) const CONSTRAINT_TOLERANCE: f64 = 1e-6;

/// What a solver promises on a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// The optimum, with a bound that proves it.
    Exact,
    /// A local optimum of a smooth approximation.
    Local,
    /// A feasible point.
    Heuristic,
}

/// Why the solve ended; names and meaning are MathOptInterface's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TerminationStatus {
    Optimal,
    LocallySolved,
    Infeasible,
    InfeasibleOrUnbounded,
    TimeLimit,
    NodeLimit,
    IterationLimit,
    Interrupted,
    NumericalError,
    OtherError,
}

/// What the returned point is; MathOptInterface's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PrimalStatus {
    NoSolution,
    FeasiblePoint,
    InfeasiblePoint,
}

/// What stands behind the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundProof {
    None,
    /// The dual bound of a mathematical program.
    Dual,
    /// An exhaustive search.
    Search,
    /// A second solver's agreement.
    SecondSolver,
}

/// One comparison of the certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    /// The deviation found; 0 is perfect.
    pub value: f64,
    pub tolerance: f64,
    pub passed: bool,
}

/// The answer held against the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// There is a point, and every check passed.
    pub verified: bool,
    pub bound_proof: BoundProof,
    pub checks: Vec<Check>,
}

/// The report; the same keys everywhere. Numbers that do not exist are null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report<P> {
    pub model: String,
    pub solver: String,
    pub solver_version: String,
    pub promise: Promise,
    pub termination_status: TerminationStatus,
    pub primal_status: PrimalStatus,
    pub dual_status: PrimalStatus,
    pub raw_status: String,
    pub sense: Sense,
    /// Evaluated by the library at `point`.
    pub objective_value: Option<f64>,
    pub objective_bound: Option<f64>,
    pub absolute_gap: Option<f64>,
    pub relative_gap: Option<f64>,
    pub gain_gap: Option<f64>,
    pub gap_per_unit: Option<f64>,
    pub nodes: Option<u64>,
    pub iterations: Option<u64>,
    pub solve_seconds: f64,
    pub cpu_seconds: f64,
    pub statistics: Map<String, Value>,
    pub tolerances: BTreeMap<String, f64>,
    pub seed: u64,
    pub threads: usize,
    pub model_hash: String,
    pub data_hash: String,
    pub certificate: Certificate,
    pub point: Option<P>,
}

impl<P> Report<P> {
    /// The same report with the point in another form.
    pub fn map_point<Q>(self, form: impl FnOnce(P) -> Q) -> Report<Q> {
        let Report { point, .. } = self;
        Report {
            point: point.map(form),
            model: self.model,
            solver: self.solver,
            solver_version: self.solver_version,
            promise: self.promise,
            termination_status: self.termination_status,
            primal_status: self.primal_status,
            dual_status: self.dual_status,
            raw_status: self.raw_status,
            sense: self.sense,
            objective_value: self.objective_value,
            objective_bound: self.objective_bound,
            absolute_gap: self.absolute_gap,
            relative_gap: self.relative_gap,
            gain_gap: self.gain_gap,
            gap_per_unit: self.gap_per_unit,
            nodes: self.nodes,
            iterations: self.iterations,
            solve_seconds: self.solve_seconds,
            cpu_seconds: self.cpu_seconds,
            statistics: self.statistics,
            tolerances: self.tolerances,
            seed: self.seed,
            threads: self.threads,
            model_hash: self.model_hash,
            data_hash: self.data_hash,
            certificate: self.certificate,
        }
    }
}

/// Time spent in a solve.
pub(super) struct Spent {
    pub solve_seconds: f64,
    pub cpu_seconds: f64,
}

/// Evaluates the answer by the model's definition and writes the report.
pub(super) fn certify<M: Model>(
    model: &M,
    solver: &dyn Solver<M>,
    promise: super::Promise,
    answer: Answer<M::Point>,
    options: &Options,
    spent: Spent,
) -> Report<M::Point> {
    let objective =
        answer.point.as_ref().map(|point| model.objective(point)).filter(|value| value.is_finite());
    let scale = objective.map_or(1.0, |value| value.abs().max(1.0));
    let gap_tolerance = options.mip_abs_gap.max(options.mip_rel_gap * scale).max(CLAIM_TOLERANCE * scale);
    let checks = checks(model, &answer, objective, scale, gap_tolerance);
    let passed = |name: &str| checks.iter().all(|check| check.name != name || check.passed);
    let primal_status = match (&answer.point, objective) {
        (None, _) => PrimalStatus::NoSolution,
        (Some(_), Some(_)) if passed("constraints") => PrimalStatus::FeasiblePoint,
        _ => PrimalStatus::InfeasiblePoint,
    };
    // Without a point there is nothing to verify.
    let verified = !checks.is_empty() && checks.iter().all(|check| check.passed);
    let bound = answer.bound.filter(|(value, _)| value.is_finite());
    // Within the tolerance that the checks allow, a bound on the wrong side of the incumbent is the incumbent.
    let objective_bound = bound.map(|(value, _)| match (objective, model.sense()) {
        (Some(incumbent), Sense::Maximize) if verified => value.max(incumbent),
        (Some(incumbent), Sense::Minimize) if verified => value.min(incumbent),
        _ => value,
    });
    let gaps = Gaps::of(model, objective, objective_bound);
    Report {
        model: model.name().into(),
        solver: solver.name().into(),
        solver_version: solver.version(),
        promise,
        termination_status: termination(answer.termination, primal_status, passed("gap"), verified),
        primal_status,
        dual_status: if bound.is_some() { PrimalStatus::FeasiblePoint } else { PrimalStatus::NoSolution },
        raw_status: answer.raw_status,
        sense: model.sense(),
        objective_value: objective,
        objective_bound,
        absolute_gap: gaps.absolute,
        relative_gap: gaps.relative,
        gain_gap: gaps.gain,
        gap_per_unit: gaps.per_unit,
        nodes: answer.nodes,
        iterations: answer.iterations,
        solve_seconds: spent.solve_seconds,
        cpu_seconds: spent.cpu_seconds,
        statistics: answer.statistics,
        tolerances: BTreeMap::from([
            ("mip_rel_gap".to_string(), options.mip_rel_gap),
            ("mip_abs_gap".to_string(), options.mip_abs_gap),
            ("claim".to_string(), CLAIM_TOLERANCE),
            ("constraints".to_string(), CONSTRAINT_TOLERANCE),
        ]),
        seed: options.random_seed,
        threads: options.threads,
        model_hash: model.model_hash(),
        data_hash: model.data_hash(),
        certificate: Certificate {
            verified,
            bound_proof: bound.map_or(BoundProof::None, |(_, proof)| proof),
            checks,
        },
        point: answer.point,
    }
}

fn checks<M: Model>(
    model: &M,
    answer: &Answer<M::Point>,
    objective: Option<f64>,
    scale: f64,
    gap_tolerance: f64,
) -> Vec<Check> {
    let Some(point) = &answer.point else {
        return Vec::new();
    };
    let check = |name: &str, value: f64, tolerance: f64| Check {
        name: name.into(),
        value,
        tolerance,
        // NaN fails.
        passed: value <= tolerance,
    };
    let broken = model.violations(point).iter().map(|violation| violation.amount).fold(0.0, f64::max);
    let mut checks = vec![
        check("objective_finite", if objective.is_some() { 0.0 } else { 1.0 }, 0.0),
        check("constraints", broken, CONSTRAINT_TOLERANCE),
    ];
    let Some(objective) = objective else { return checks };
    // How much better `a` is than `b`.
    let better = |a: f64, b: f64| {
        if model.sense() == Sense::Maximize { a - b } else { b - a }
    };
    if let Some(claimed) = answer.claimed {
        checks.push(check("claim_reached", better(claimed, objective).max(0.0), CLAIM_TOLERANCE * scale));
    }
    if let Some((bound, _)) = answer.bound {
        checks.push(check("bound_holds", better(objective, bound).max(0.0), CLAIM_TOLERANCE * scale));
        if answer.termination == TerminationStatus::Optimal {
            checks.push(check("gap", better(bound, objective).max(0.0), gap_tolerance));
        }
    } else if answer.termination == TerminationStatus::Optimal {
        checks.push(check("gap", f64::INFINITY, gap_tolerance));
    }
    checks
}

/// OPTIMAL only where every check passed and the gap is closed.
fn termination(
    claimed: TerminationStatus,
    primal: PrimalStatus,
    gap_closed: bool,
    verified: bool,
) -> TerminationStatus {
    match (claimed, primal) {
        (_, PrimalStatus::InfeasiblePoint) => TerminationStatus::NumericalError,
        (TerminationStatus::Optimal, _) if !gap_closed => TerminationStatus::LocallySolved,
        (TerminationStatus::Optimal, _) if !verified => TerminationStatus::NumericalError,
        (claimed, _) => claimed,
    }
}

struct Gaps {
    absolute: Option<f64>,
    relative: Option<f64>,
    gain: Option<f64>,
    per_unit: Option<f64>,
}

impl Gaps {
    fn of<M: Model>(model: &M, objective: Option<f64>, bound: Option<f64>) -> Self {
        let absolute = objective.zip(bound).map(|(incumbent, bound)| (bound - incumbent).abs());
        // 0 where both are 0; no number (null) where only the divisor is.
        let over = |divisor: Option<f64>| {
            let ratio =
                absolute.zip(divisor).map(|(gap, divisor)| if gap == 0.0 { 0.0 } else { gap / divisor });
            ratio.filter(|ratio| ratio.is_finite())
        };
        let gain =
            objective.zip(model.reference_value()).map(|(incumbent, constant)| (incumbent - constant).abs());
        Self {
            absolute,
            relative: over(objective.map(f64::abs)),
            gain: over(gain),
            per_unit: over(Some(model.units() as f64)),
        }
    }
}
