//! Exact linear rules over K arms, by branch and bound on the directions in which pairs of arms differ.
//!
//! A unit's arm depends only on the signs of the differences `D_kl(z) = h_k(z) - h_l(z)`, and so only on their *directions*
//! u_kl = D_kl / |D_kl| (largest coefficient 1, the intercept counted in reaches of z). A search over the heights themselves does not
//! close: where two arms have nearly the same height everywhere, their difference is small but of any direction. So every pair
//! of arms gets a box of directions of its own, on a face of the unit cube, and three boxes belong together only where
//!
//! ```text
//! alpha u_kl + beta u_lm = gamma u_km    for some alpha, beta, gamma >= 0, not all 0
//! ```
//!
//! The bound of a box: every unit earns the best of the arms that no other arm is above all over the box. A box whose bound does
//! not exceed the incumbent is done; else the pair and coordinate that leaves most open is halved. Where few units are open their
//! best labels are handed to a linear program: it finds the rule that has them, or a set of claims that exclude each other, which is
//! proved in exact arithmetic and kept for all boxes. The incumbent is evaluated by the model's definition, in exact comparisons.
//!
//! An arm that no unit in the box can get may as well be lower everywhere: boxes that say more of it are dropped.

mod boxes;
mod labels;

use std::collections::BinaryHeap;

use prescribe_models::multi_linear_rule::{MergedUnits, MultiLinearProblem, MultiLinearRule};
use prescribe_models::{Model, Recovered, RuleClass};
use rayon::prelude::*;
use serde_json::{Map, json};

use super::constraints::refuse_others;
use super::highs::HighsOracle;
use super::threads::on_threads;
use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, Stop, TerminationStatus, Unsupported, Watch,
};
use boxes::{Bounded, Geometry, PairBox};
use labels::{Best, Exclusions};

/// Boxes taken up at once, and how many each is searched into before the others are looked at again. Neither depends on the
/// number of threads, so the answer does not.
const AT_ONCE: usize = 32;
const DIVE: u64 = 400;
/// Each box keeps the arms of a unit as the bits of a number.
const MOST_ARMS: usize = 63;
/// Values closer than this, relative to what is at stake, are not told apart.
const SAME: f64 = 1e-9;

/// The exact search.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairDirections;

impl Solver<MultiLinearProblem> for PairDirections {
    fn name(&self) -> &'static str {
        "directions"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &MultiLinearProblem) -> Result<Promise, Unsupported> {
        refuse_others(problem, "directions", |_| false)?;
        if problem.arms.len() <= MOST_ARMS {
            return Ok(Promise::Exact);
        }
        let part = format!("{} arms (at most {MOST_ARMS})", problem.arms.len());
        Err(Unsupported { solver: "directions".into(), part, remedy: "use --solver smooth".into() })
    }

    /// Half a second for 50 units, two covariates and three arms; N^2, and six times as much for every coefficient more
    /// (benches/README.md).
    fn forecast(&self, problem: &MultiLinearProblem) -> Option<f64> {
        let coefficients = (problem.arms.len() - 1) * (problem.covariates.len() + 1);
        Some(0.5 * (problem.units() as f64 / 50.0).powi(2) * 6_f64.powf(coefficients as f64 - 6.0))
    }

    fn search(
        &self,
        problem: &MultiLinearProblem,
        start: Option<&MultiLinearRule>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<MultiLinearRule>, SolveError> {
        let units = MergedUnits::of(problem);
        let mut search = Search::new(&units, start, options, watch);
        on_threads("directions", options.threads.min(AT_ONCE), || search.run())??;
        search.answer()
    }
}

/// The state of a search.
struct Search<'s> {
    units: &'s MergedUnits<'s>,
    geometry: Geometry<'s>,
    options: &'s Options,
    watch: &'s Watch<'s>,
    oracle: HighsOracle,
    rule: MultiLinearRule,
    value: f64,
    slack: f64,
    exclusions: Exclusions,
    open: BinaryHeap<PairBox>,
    /// The largest bound of a box that was given up.
    given_up: f64,
    nodes: u64,
    leaves: u64,
    unresolved: u64,
    limit: Option<TerminationStatus>,
}

/// What came of diving into a box.
struct Dive {
    open: Vec<PairBox>,
    leaves: Vec<PairBox>,
    nodes: u64,
}

impl<'s> Search<'s> {
    fn new(
        units: &'s MergedUnits<'s>,
        start: Option<&MultiLinearRule>,
        options: &'s Options,
        watch: &'s Watch<'s>,
    ) -> Self {
        let problem = units.problem();
        let p = problem.covariates.len();
        let rule = problem.best_constant().unwrap_or_else(|| problem.class.constant(p, 0));
        let value = problem.objective(&rule);
        let size: f64 = units.rewards.iter().flatten().fold(0.0, |size, reward| size + reward.abs());
        let mut search = Self {
            geometry: Geometry::of(units),
            units,
            options,
            watch,
            oracle: HighsOracle::default(),
            rule,
            value,
            slack: SAME * size.max(1.0),
            exclusions: Exclusions::default(),
            open: BinaryHeap::new(),
            given_up: f64::NEG_INFINITY,
            nodes: 0,
            leaves: 0,
            unresolved: 0,
            limit: None,
        };
        start.into_iter().for_each(|rule| search.offer(rule.clone()));
        search
    }

    fn offer(&mut self, rule: MultiLinearRule) {
        let problem = self.units.problem();
        if problem.violations(&rule).is_empty() && problem.objective(&rule) > self.value {
            self.value = problem.objective(&rule);
            self.rule = rule;
        }
    }

    fn run(&mut self) -> Result<(), SolveError> {
        self.open.push(self.geometry.everything(self.units.problem().trivial_bound()));
        while !self.halted() {
            let beyond = self.value + self.slack;
            let next: Vec<PairBox> =
                (0..AT_ONCE).map_while(|_| self.open.pop()).filter(|b| b.bound > beyond).collect();
            if next.is_empty() {
                self.open.clear();
                break;
            }
            let (geometry, exclusions, watch) = (&self.geometry, &self.exclusions, self.watch);
            let dives: Vec<Dive> =
                next.into_par_iter().map(|from| dive(geometry, exclusions, from, beyond, watch)).collect();
            for dive in dives {
                self.nodes += dive.nodes;
                self.open.extend(dive.open);
                for leaf in dive.leaves {
                    self.resolve(leaf)?;
                }
            }
            self.watch.tell("directions", Some(self.value), Some(self.bound()), self.nodes);
        }
        Ok(())
    }

    /// Whether a limit has been reached.
    fn halted(&mut self) -> bool {
        let stopped = self.watch.stop().map(|stop| match stop {
            Stop::TimeLimit => TerminationStatus::TimeLimit,
            Stop::Interrupted => TerminationStatus::Interrupted,
        });
        let exhausted = self.options.mip_max_nodes.is_some_and(|most| self.nodes >= most);
        self.limit = stopped.or(exhausted.then_some(TerminationStatus::NodeLimit));
        self.limit.is_some()
    }

    /// Finds rules for the best labels of a leaf, or what excludes them, until none beats the incumbent.
    fn resolve(&mut self, leaf: PairBox) -> Result<(), SolveError> {
        self.leaves += 1;
        loop {
            let labels = match self.exclusions.best_labels(&self.geometry, &leaf, self.value + self.slack) {
                Best::None => return Ok(()),
                _ if self.watch.stop().is_some() => {
                    self.open.push(leaf);
                    return Ok(());
                }
                Best::Labels(labels) => labels,
                Best::Unknown => {
                    let parts = self.geometry.divided_among_equals(&leaf);
                    if parts.is_empty() {
                        break;
                    }
                    self.open.extend(parts);
                    return Ok(());
                }
            };
            let mut columns = vec![0.0; labels.len() * self.units.arms()];
            labels.iter().enumerate().for_each(|(i, &k)| columns[self.units.claim(i, k)] = 1.0);
            let before = self.value;
            match self.units.recover(&columns, &mut self.oracle)? {
                Recovered::Cuts(cuts) => self.exclusions.extend(cuts, self.units.arms()),
                Recovered::Point(rule) | Recovered::Unresolved(rule) => {
                    self.offer(rule);
                    if self.value == before {
                        break;
                    }
                }
            }
        }
        // Rounding stands between these labels and their rule, or there are too many: the bound of the box is all that is known.
        self.unresolved += 1;
        self.given_up = self.given_up.max(leaf.bound);
        Ok(())
    }

    /// The bound on every rule as things stand.
    fn bound(&self) -> f64 {
        let open = self.open.peek().map_or(f64::NEG_INFINITY, |best| best.bound);
        open.max(self.given_up).max(self.value + self.slack)
    }

    fn answer(mut self) -> Result<Answer<MultiLinearRule>, SolveError> {
        let bound = self.bound();
        let point = self.units.representative(&self.rule, &mut self.oracle)?;
        let statistics = [
            ("leaves", json!(self.leaves)),
            ("exclusions", json!(self.exclusions.len())),
            ("oracle_programs", json!(self.oracle.calls)),
            ("unresolved_labels", json!(self.unresolved)),
        ];
        Ok(Answer {
            point: Some(point),
            claimed: Some(self.value),
            bound: Some((bound, BoundProof::Search)),
            termination: self.limit.unwrap_or(TerminationStatus::Optimal),
            raw_status: format!("{} boxes open", self.open.len()),
            nodes: Some(self.nodes),
            iterations: None,
            statistics: Map::from_iter(statistics.map(|(name, value)| (name.to_string(), value))),
        })
    }
}

/// Searches into `from`, depth first, for at most [`DIVE`] boxes.
fn dive(geometry: &Geometry, exclusions: &Exclusions, from: PairBox, beyond: f64, watch: &Watch) -> Dive {
    let mut dive = Dive { open: vec![from], leaves: Vec::new(), nodes: 0 };
    while dive.nodes < DIVE && watch.stop().is_none() {
        let Some(next) = dive.open.pop() else { break };
        dive.nodes += 1;
        match geometry.bound(next, beyond) {
            Bounded::Done => {}
            Bounded::Leaf(leaf) => {
                if !matches!(exclusions.best_labels(geometry, &leaf, beyond), Best::None) {
                    dive.leaves.push(leaf);
                }
            }
            Bounded::Split(parts) => dive.open.extend(parts),
        }
    }
    dive
}
