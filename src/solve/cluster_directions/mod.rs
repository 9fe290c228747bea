//! Exact linear rules valued cluster by cluster, by branch and bound on rules.
//!
//! ```text
//! max over (b0, b), largest |b_j| = 1   sum_u Gamma[u, p_u] + sum_i (f_i(p_i) - c_i(sum_j p_ij)),     p_u = 1{b0 + z_u'b >= 0}
//! bound on a box of (b0, b)             gains of units whose side is fixed or favourable + sum_i max over open labels of (f_i - c_i)
//! ```
//!
//! Clusters whose estimate is a product of indicators are what makes mixed-integer programs weak, and boxes strong: one unit on the
//! wrong side, or a number of treated that cannot be reached, settles all units of its cluster.

mod search;

use prescribe_models::Model;
use prescribe_models::cluster_rule::{Cluster, ClusterProblem, Interaction};
use prescribe_models::linear_rule::{LinearRule, MergedUnits};
use serde_json::{Map, json};

use self::search::Search;
use super::constraints::refuse_others;
use super::highs::HighsOracle;
use super::smooth::SmoothModel;
use super::{
    Answer, BoundProof, Directions, Options, Promise, Smooth, SolveError, Solver, Stage, TerminationStatus,
    Unsupported, Watch,
};

/// Polynomials of at most this order are bounded well.
const HIGHEST_ORDER: usize = 2;

/// Boxes between two looks at the clock.
const AT_A_TIME: u64 = 200;

impl Solver<ClusterProblem> for Directions {
    fn name(&self) -> &'static str {
        "directions"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    /// Bounds on polynomials of a higher order are too wide to end the search.
    fn accepts(&self, problem: &ClusterProblem) -> Result<Promise, Unsupported> {
        refuse_others(problem.linear(), "directions", |_| false)?;
        match order(problem) {
            ..=HIGHEST_ORDER => Ok(Promise::Exact),
            order => Err(Unsupported {
                solver: "directions".into(),
                part: format!("interference of order {order} (at most {HIGHEST_ORDER})"),
                remedy: "use --solver milp, or smooth".into(),
            }),
        }
    }

    fn wants_start(&self) -> bool {
        false
    }

    fn search(
        &self,
        problem: &ClusterProblem,
        start: Option<&LinearRule>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<LinearRule>, SolveError> {
        // Where bounds are wide a good rule to begin with saves most of the search; elsewhere it costs more than the search itself.
        let smooth = Smooth { stage: Stage::MultiStart };
        let found = match order(problem) {
            ..2 => None,
            _ => smooth.search(problem, start, options, watch)?.point,
        };
        let start = found.as_ref().or(start);
        let units = MergedUnits::of(problem.linear());
        let constant = problem.constant();
        let better = |start: &&LinearRule| {
            problem.violations(start).is_empty() && problem.objective(start) > problem.objective(&constant)
        };
        let first = start.filter(better).cloned().unwrap_or(constant);
        let mut search = Search::new(problem, &units, first);
        while search.is_open() && watch.stop().is_none() {
            search.run(AT_A_TIME, watch);
            watch.tell("directions", Some(search.value), Some(search.bound()), search.boxes);
        }
        let rule = units.representative(&search.rule, &mut HighsOracle::default())?;
        let statistics = [
            ("boxes", json!(search.boxes)),
            ("exact_programs", json!(search.programs)),
            ("unresolved_boxes", json!(search.unresolved)),
            ("points", json!(units.z.len())),
        ];
        Ok(Answer {
            point: Some(rule),
            claimed: Some(search.value),
            bound: Some((search.bound(), BoundProof::Search)),
            termination: match search.is_closed() {
                true => TerminationStatus::Optimal,
                false => watch.termination(),
            },
            raw_status: format!("{} boxes searched, {} unresolved", search.boxes, search.unresolved),
            nodes: Some(search.boxes),
            iterations: None,
            statistics: Map::from_iter(statistics.map(|(name, value)| (name.to_string(), value))),
        })
    }
}

/// The highest order of the problem's polynomials; 0 where there are none.
fn order(problem: &ClusterProblem) -> usize {
    let order = |cluster: &Cluster| match cluster.interaction {
        Interaction::Polynomial { order, .. } => order,
        _ => 0,
    };
    problem.clusters().iter().map(order).max().unwrap_or(0)
}
