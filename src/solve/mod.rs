//! The one solver abstraction: a model goes in, a certified report comes out.
//!
//! A [`Solver`] says what it promises on a model ([`Solver::accepts`]) and looks for an answer ([`Solver::search`]).
//! Nothing it says is believed: [`solve`] is the only door, and it evaluates the answer by the model's own definition,
//! compares it with the claim, and writes the [`Certificate`]; a claim that fails is downgraded.
//!
//! | file | back end | promise |
//! |---|---|---|
//! | [`auto`] | the choice among them, by forecast | of the chosen |
//! | [`milp`] | any model's program forms, through good_lp and HiGHS ([`highs`]) | exact |
//! | [`smooth`] | linear rules, over two arms or more, by annealed L-BFGS and exact line searches | local |
//! | [`pair_directions`] | linear rules over any number of arms, by branch and bound on directions | exact |
//! | [`tree_search`] | trees, all of them, by bounds on the root cuts | exact |
//! | [`tables`] | decision tables, every set of questions | exact |
//! | [`tree_search::Lookahead`] | deep trees by exact shallow ones | heuristic |
//! | [`directions`] | linear rules by branch and bound on directions; valued cluster by cluster (`cluster_directions`) | exact |
//! | [`enumerate`] | linear rules over few covariates by flat enumeration | exact |
//! | [`alternating`] | conjunctions of linear rules, one rule at a time | local |
//! | [`greedy`] | trees, one best split at a time | heuristic |
//! | [`growth`] | trees of a forest, under any criterion of splits | heuristic |
//! | [`clarabel`] | conic programs by an interior-point method | exact |
//! | [`leaf_utility`] | trees over many arms by shrunken or posterior leaf means: all of depth 1 or 2; greedy | exact; heuristic |
//! | [`admm`] | fused least squares, logistic and Huber losses; local for penalties that are not convex | exact |
//! | [`partition`] | partitions of arms: subsets, branches, columns by HiGHS; merging, k-means | exact; heuristic |
//! | [`normal_equations`] | least squares of gains, directly | exact |
//! | [`newton`] | calibration weights by Newton's method on the dual | exact |

pub mod admm;
pub mod alternating;
pub mod auto;
pub mod clarabel;
mod cluster_directions;
pub mod constraints;
pub mod directions;
pub mod enumerate;
pub mod forms;
pub mod greedy;
pub mod growth;
pub mod highs;
mod hyperplanes;
pub mod leaf_utility;
pub mod line_search;
pub mod loss_fit;
pub mod milp;
pub mod newton;
pub mod normal_equations;
pub mod pair_directions;
pub mod partition;
pub mod registry;
pub mod report;
pub mod smooth;
pub mod tables;
pub(crate) mod threads;
pub mod tree_search;
pub mod watch;

pub use admm::Admm;
pub use alternating::Alternating;
pub use auto::Chosen;
pub use constraints::solve_explained;
pub use directions::Directions;
pub use enumerate::Enumerate;
pub use forms::{Formulation, Programmed};
pub use milp::Milp;
pub use normal_equations::NormalEquations;
pub use registry::Solvable;
pub use report::{BoundProof, Certificate, Check, PrimalStatus, Promise, Report, TerminationStatus};
pub use smooth::{FewStarts, Smooth, Stage};
pub use tables::Tables;
pub use tree_search::{Lookahead, TreeSearch};
pub use watch::{Control, Observer, Progress, Silent, Stop, Watch};

use std::path::PathBuf;

use prescribe_models::{InvalidModel, Model, OracleError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What every solver is told. Names are HiGHS's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Seconds of wall-clock time; none means no limit.
    pub time_limit: Option<f64>,
    /// Stop at this relative gap. 0: only a closed gap counts.
    pub mip_rel_gap: f64,
    /// Stop at this absolute gap.
    pub mip_abs_gap: f64,
    /// Branch-and-bound nodes over all programs of a form; none means no limit.
    pub mip_max_nodes: Option<u64>,
    /// Threads for the parts that run in parallel; 0 means all. The answer does not depend on it.
    pub threads: usize,
    /// The root of all randomness.
    pub random_seed: u64,
    /// Where the back end's own log goes.
    pub log_file: Option<PathBuf>,
}

impl Options {
    /// More threads than this are a mistake: starting them would take longer than any solve.
    pub const MOST_THREADS: usize = 1024;

    /// Says which option makes no sense.
    pub fn check(&self) -> Result<(), String> {
        let numbers = [
            ("time_limit", self.time_limit.unwrap_or(0.0)),
            ("mip_rel_gap", self.mip_rel_gap),
            ("mip_abs_gap", self.mip_abs_gap),
        ];
        if let Some((name, value)) = numbers.iter().find(|(_, value)| !value.is_finite() || *value < 0.0) {
            return Err(format!("{name} {value}: give a number of at least 0"));
        }
        if self.threads > Self::MOST_THREADS {
            return Err(format!("threads {}: give at most {}", self.threads, Self::MOST_THREADS));
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time_limit: None,
            mip_rel_gap: 0.0,
            mip_abs_gap: 0.0,
            mip_max_nodes: None,
            threads: 0,
            random_seed: 1,
            log_file: None,
        }
    }
}

/// A model that a solver does not take: which part of it, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("solver {solver} does not take {part}; {remedy}")]
pub struct Unsupported {
    pub solver: String,
    pub part: String,
    pub remedy: String,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum SolveError {
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    #[error(transparent)]
    InvalidModel(#[from] InvalidModel),
    #[error(transparent)]
    Oracle(#[from] OracleError),
    #[error("checkpoint {}: {reason}", file.display())]
    Checkpoint { file: PathBuf, reason: String },
    #[error("{solver} failed: {reason}")]
    Backend { solver: String, reason: String },
}

/// What a back end found and claims.
#[derive(Clone, Debug)]
pub struct Answer<P> {
    pub point: Option<P>,
    /// The objective that the back end claims for `point`, where it computes its own.
    pub claimed: Option<f64>,
    /// A bound on every point of the model, and what proves it.
    pub bound: Option<(f64, BoundProof)>,
    pub termination: TerminationStatus,
    /// The back end's own words.
    pub raw_status: String,
    pub nodes: Option<u64>,
    pub iterations: Option<u64>,
    pub statistics: Map<String, Value>,
}

/// A way to answer models of type `M`.
pub trait Solver<M: Model>: Send + Sync {
    /// The name by which users choose it, for example `milp`.
    fn name(&self) -> &'static str;

    /// The library behind it and its version.
    fn version(&self) -> String;

    /// What it promises on this model, or which part of the model it refuses.
    fn accepts(&self, model: &M) -> Result<Promise, Unsupported>;

    /// Whether a quick solver's answer is worth having before it begins; if not, [`solve_started`] leaves the first answer to it.
    fn wants_start(&self) -> bool {
        true
    }

    /// Seconds on one core until it is done with this model, right within a factor of four or so; none where nobody can tell.
    fn forecast(&self, _model: &M) -> Option<f64> {
        None
    }

    /// Looks for an answer, from `start` where one is given, until done or `watch` says stop.
    fn search(
        &self,
        model: &M,
        start: Option<&M::Point>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<M::Point>, SolveError>;
}

/// Solves `model` and certifies the answer.
pub fn solve<M: Model>(
    model: &M,
    solver: &dyn Solver<M>,
    start: Option<&M::Point>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Report<M::Point>, SolveError> {
    let promise = solver.accepts(model)?;
    let watch = Watch::start(options.time_limit, observer);
    let cpu = cpu_time::ProcessTime::now();
    solver.forecast(model).into_iter().for_each(|seconds| watch.forecast(seconds));
    let mut answer = solver.search(model, start, options, &watch)?;
    let standings = answer.point.as_ref().map(|point| model.standings(point)).unwrap_or_default();
    if !standings.is_empty() {
        answer.statistics.insert("constraints".into(), json!(standings));
    }
    let spent = report::Spent { solve_seconds: watch.elapsed(), cpu_seconds: cpu.elapsed().as_secs_f64() };
    Ok(report::certify(model, solver, promise, answer, options, spent))
}

/// As [`solve`], but an exact solver without a start first gets one from the problem's quick solver
/// ([`Solvable::starter`]): a good incumbent prunes most of an exact search. The time limit and the times reported span both.
pub fn solve_started<M: Solvable>(
    model: &M,
    solver: &dyn Solver<M>,
    start: Option<&M::Point>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Report<M::Point>, SolveError> {
    let promise = solver.accepts(model)?;
    let Some(starter) = M::starter()
        .filter(|_| start.is_none() && promise == Promise::Exact && solver.wants_start())
        .filter(|starter| starter.accepts(model).is_ok())
    else {
        return solve(model, solver, start, options, observer);
    };
    solve_from(model, (starter.as_ref(), options.time_limit), solver, options, observer)
}

/// Solves `model` from the answer of another solver, which gets so many seconds. The time limit and the times reported span both.
fn solve_from<M: Solvable>(
    model: &M,
    (starter, seconds): (&dyn Solver<M>, Option<f64>),
    solver: &dyn Solver<M>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Report<M::Point>, SolveError> {
    let first = Options { time_limit: seconds, ..options.clone() };
    let quick = solve(model, starter, None, &first, observer)?;
    let left = options.time_limit.map(|limit| (limit - quick.solve_seconds).max(0.0));
    let options = Options { time_limit: left, ..options.clone() };
    let mut report = solve(model, solver, quick.point.as_ref(), &options, observer)?;
    report.solve_seconds += quick.solve_seconds;
    report.cpu_seconds += quick.cpu_seconds;
    let start = json!({"solver": quick.solver, "objective_value": quick.objective_value, "cpu_seconds": quick.cpu_seconds});
    report.statistics.insert("start".into(), start);
    Ok(report)
}
