//! The smooth approximation of the linear-rule problems, and what it takes to make it good.
//!
//! ```text
//! max over (b0, b)   sum_i g_i S((b0 + z_i'b) / h),     S(t) = 1 / (1 + exp(-t))                       two arms
//! max over (b0, b)   sum_ik Gamma_ik exp(h_k(z_i) / h) / sum_l exp(h_l(z_i) / h),   h_k = b0_k + z'b_k   K arms, h_0 = 0
//! ```
//!
//! with the bandwidth h lowered from 1 to 0.02 and each optimum the start of the next (L-BFGS, argmin). The scale of (b0, b) is
//! left free: the surrogate sharpens itself where that pays, so that in practice the first bandwidth does most of the work. Source: Fang et al. (2022), as used in section 4.2 of interference.txt.
//!
//! | stage | what it adds |
//! |---|---|
//! | `surrogate` | one annealed run from b = 0, the plain surrogate |
//! | `multi_start` | runs from random directions |
//! | `polished` | exact line searches, along the coordinates from every run's end and along pinned directions after random kicks |
//!
//! A direction is pinned by p - 1 units near the boundary: it is drawn at random among those that leave these units' heights as
//! they are, so the hyperplane turns about them and the exact search goes on where the labels are still open. At equal
//! time they leave far less on the table than free directions do (benches/README.md). With more arms, what is kept is how far the
//! two highest arms of a unit are apart.
//!
//! Of rules valued cluster by cluster the surrogate is `cluster_rule`'s expectation under a stochastic rule (`clusters`).
//!
//! [`Smoothed`] is what the stages need to know of a problem.
//!
//! The answer is a local optimum, and called so, whatever the stage.

mod clusters;
mod many_arms;
mod two_arms;

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use prescribe_models::Model;
use rand::Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::line_search::{self, Beta, Stepped};
use super::threads::on_threads;
use super::{Answer, Options, Promise, SolveError, Solver, Stop, TerminationStatus, Unsupported, Watch};
use crate::random::stream;

/// Bandwidths in units of the scaled covariates, in the order of their use.
const BANDWIDTHS: [f64; 6] = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02];
/// Random starts of the second stage.
const STARTS: u64 = 10;
/// Kicks of the third stage, see [`kicks`].
const KICKS: u64 = 200;
const KICKS_A_UNIT: u64 = 40;
const KICKED_UNITS: u64 = 200_000;
/// Pinned directions searched beside the coordinates after each kick, and from how many of the units nearest to the
/// boundary their pins are drawn.
const DIRECTIONS: usize = 6;
const NEAREST: usize = 12;
/// L-BFGS iterations at each bandwidth, and its memory.
const ITERATIONS: u64 = 60;
const MEMORY: usize = 7;

/// How far to go; each stage contains the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Surrogate,
    MultiStart,
    #[default]
    Polished,
}

/// The smooth solver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Smooth {
    pub stage: Stage,
}

/// A model over rules with a parameter vector whose value has a smooth approximation.
pub trait SmoothModel: Model + Sync {
    type Units<'p>: Smoothed<Rule = Self::Point>
    where
        Self: 'p;

    /// The problem over merged units.
    fn merged(&self) -> Self::Units<'_>;

    /// Refuses what the approximation leaves out.
    fn check(&self) -> Result<(), Unsupported>;

    /// The best constant rule.
    fn constant(&self) -> Self::Point;
}

/// How an approximation is smoothed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    pub bandwidth: f64,
    /// As the source has it, where there is a choice ([`crate::models::cluster_rule::Counting`]).
    pub plain: bool,
}

/// A problem over merged units with a smooth approximation.
pub trait Smoothed: Stepped {
    type Rule;

    /// Length of the parameter vector.
    fn dimension(&self) -> usize;

    /// Number of merged units.
    fn count(&self) -> usize;

    /// The rule with these parameters.
    fn rule(&self, beta: &[f64]) -> Self::Rule;

    /// What is at stake: the largest gain minus the smallest, at most.
    fn stake(&self) -> f64;

    /// The approximation of the gain.
    fn smoothed_gain(&self, beta: &[f64], smoothing: Smoothing) -> f64;

    /// The gradient of `-smoothed_gain / scale`.
    fn descent(&self, beta: &[f64], smoothing: Smoothing, scale: f64) -> Beta;

    /// Vectors v of the units nearest to a change of arm, which happens at v'beta = 0.
    fn nearest(&self, beta: &[f64]) -> Vec<Beta>;
}

impl<M: SmoothModel> Solver<M> for Smooth {
    fn name(&self) -> &'static str {
        "smooth"
    }

    fn version(&self) -> String {
        format!("prescribe {}, L-BFGS of argmin", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &M) -> Result<Promise, Unsupported> {
        problem.check().map(|()| Promise::Local)
    }

    fn search(
        &self,
        problem: &M,
        start: Option<&M::Point>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<M::Point>, SolveError> {
        // A thread beyond one a start would have nothing to do.
        let threads = options.threads.min(1 + STARTS as usize);
        on_threads("smooth", threads, || self.stages(problem, start, options, watch))
    }
}

impl Smooth {
    fn stages<M: SmoothModel>(
        &self,
        problem: &M,
        start: Option<&M::Point>,
        options: &Options,
        watch: &Watch,
    ) -> Answer<M::Point> {
        let units = problem.merged();
        let dimension = units.dimension();
        let mut best = Best::of(problem, start);
        let mut ends = vec![anneal(&units, vec![0.0; dimension], true, watch)];
        best.offer(&units, &ends);
        best.record("surrogate", watch);
        if self.stage >= Stage::MultiStart {
            let from = |k: u64| {
                let random = stream(options.random_seed, &format!("start {k}"));
                anneal(&units, random_direction(random, dimension), k % 2 == 1, watch)
            };
            ends.extend((0..STARTS).into_par_iter().map(from).collect::<Vec<_>>());
            best.offer(&units, &ends[1..]);
            best.record("multi_start", watch);
        }
        if self.stage >= Stage::Polished {
            let climb = |end: Beta| match watch.stop() {
                None => line_search::climb(&units, end, &[]).0,
                Some(_) => end,
            };
            ends = ends.into_par_iter().map(climb).collect();
            best.offer(&units, &ends);
            let highest = ends
                .iter()
                .max_by(|a, b| line_search::gain(&units, a).total_cmp(&line_search::gain(&units, b)));
            let from = highest.cloned().unwrap_or_else(|| vec![0.0; dimension]);
            best.offer(&units, &kick(&units, from, options.random_seed, watch));
            best.record("polished", watch);
        }
        best.answer(watch)
    }
}

/// The best rule so far by the model's definition, and what each stage reached.
struct Best<'p, M: Model> {
    problem: &'p M,
    rule: M::Point,
    value: f64,
    stages: Map<String, serde_json::Value>,
}

impl<'p, M: SmoothModel> Best<'p, M> {
    /// Starts from the better of the best constant rule and `start`, so no stage reports less than these.
    fn of(problem: &'p M, start: Option<&M::Point>) -> Self {
        let constant = problem.constant();
        let value = problem.objective(&constant);
        let mut best = Self { problem, rule: constant, value, stages: Map::new() };
        start.into_iter().for_each(|rule| best.take(rule.clone()));
        best
    }

    fn take(&mut self, rule: M::Point) {
        let value = self.problem.objective(&rule);
        if value > self.value && self.problem.violations(&rule).is_empty() {
            (self.rule, self.value) = (rule, value);
        }
    }

    fn offer(&mut self, units: &M::Units<'p>, points: &[Beta]) {
        points.iter().for_each(|beta| self.take(units.rule(beta)));
    }

    fn record(&mut self, stage: &str, watch: &Watch) {
        self.stages.insert(stage.into(), json!(self.value));
        watch.tell(stage, Some(self.value), None, 0);
    }

    fn answer(self, watch: &Watch) -> Answer<M::Point> {
        let termination = match watch.stop() {
            None => TerminationStatus::LocallySolved,
            Some(Stop::TimeLimit) => TerminationStatus::TimeLimit,
            Some(Stop::Interrupted) => TerminationStatus::Interrupted,
        };
        Answer {
            point: Some(self.rule),
            claimed: None,
            bound: None,
            termination,
            raw_status: "stages done".into(),
            nodes: None,
            iterations: None,
            statistics: Map::from_iter([("stages".to_string(), self.stages.into())]),
        }
    }
}

/// One run through the bandwidths; a run that L-BFGS cannot continue ends where it is.
fn anneal(units: &impl Smoothed, mut beta: Beta, plain: bool, watch: &Watch) -> Beta {
    for bandwidth in BANDWIDTHS {
        if watch.stop().is_some() {
            break;
        }
        let smoothing = Smoothing { bandwidth, plain };
        let surrogate = Surrogate { units, smoothing, scale: units.stake().max(f64::MIN_POSITIVE), watch };
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY).with_tolerance_cost(1e-10);
        let Ok(solver) = solver else { break };
        let run = Executor::new(surrogate, solver)
            .configure(|state| state.param(beta.clone()).max_iters(ITERATIONS))
            .timer(false)
            .run();
        let end = run.ok().and_then(|result| result.state.get_best_param().cloned());
        beta = end.filter(|end| end.iter().all(|b| b.is_finite())).unwrap_or(beta);
    }
    beta
}

/// Iterated local search: perturb the best point, climb, keep what is no worse.
fn kick(units: &impl Smoothed, from: Beta, seed: u64, watch: &Watch) -> Vec<Beta> {
    let dimension = from.len();
    let mut best = (from.clone(), line_search::gain(units, &from));
    let mut path = Vec::new();
    for k in 0..kicks(units.count()) {
        if watch.stop().is_some() {
            break;
        }
        let mut random = stream(seed, &format!("kick {k}"));
        let size = 0.5_f64.powi(random.random_range(0..5));
        line_search::normalise(&mut best.0);
        let shift = random_direction(&mut random, dimension);
        let kicked = best.0.iter().zip(&shift).map(|(b, d)| b + size * d).collect();
        let nearest = units.nearest(&best.0);
        let directions: Vec<Beta> =
            (0..DIRECTIONS).map(|_| pinned_direction(&mut random, &nearest, dimension)).collect();
        let next = line_search::climb(units, kicked, &directions);
        if next.1 > best.1 {
            path.push(next.0.clone());
        }
        if next.1 >= best.1 {
            best = next;
        }
    }
    path
}

/// How many kicks the problem gets: what a kick costs grows with the (merged) units, what there is to find as well. So as
/// many as go over 200,000 units, tiny problems excepted, and never fewer than 200.
fn kicks(count: usize) -> u64 {
    let count = count as u64;
    (KICKED_UNITS / count.max(1)).min(KICKS_A_UNIT * count).max(KICKS)
}

/// The `count` of `items` (size, item) that are smallest, in no order.
fn smallest<T>(mut items: Vec<(f64, T)>, count: usize) -> impl Iterator<Item = T> {
    let count = count.min(items.len());
    if count < items.len() {
        items.select_nth_unstable_by(count, |a, b| a.0.total_cmp(&b.0));
    }
    items.truncate(count);
    items.into_iter().map(|(_, item)| item)
}

/// A random direction along which units drawn from `nearest`, two fewer than there are parameters, stay where they are: the rest after Gram and Schmidt.
fn pinned_direction(mut random: impl Rng, nearest: &[Beta], dimension: usize) -> Beta {
    let mut pins: Vec<Beta> = Vec::with_capacity(dimension);
    for _ in 2..dimension {
        let mut pin = nearest[random.random_range(0..nearest.len())].clone();
        remove_components(&mut pin, &pins);
        let length = dot(&pin, &pin).sqrt();
        // A pin drawn twice, or one that others imply, pins nothing more.
        if length > 1e-9 {
            pin.iter_mut().for_each(|v| *v /= length);
            pins.push(pin);
        }
    }
    let mut direction = random_direction(random, dimension);
    remove_components(&mut direction, &pins);
    direction
}

/// Subtracts from `vector` its components along the orthonormal `basis`.
fn remove_components(vector: &mut [f64], basis: &[Beta]) {
    for axis in basis {
        let along = dot(vector, axis);
        vector.iter_mut().zip(axis).for_each(|(v, a)| *v -= along * a);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn random_direction(mut random: impl Rng, dimension: usize) -> Beta {
    (0..dimension).map(|_| random.sample::<f64, _>(StandardNormal)).collect()
}

/// The surrogate as argmin sees it: negated and divided by what is at stake.
struct Surrogate<'u, U> {
    units: &'u U,
    smoothing: Smoothing,
    scale: f64,
    watch: &'u Watch<'u>,
}

impl<U> Surrogate<'_, U> {
    /// argmin's own timeout does not reach into a line search; an error does.
    fn check(&self, beta: &Beta) -> Result<(), Error> {
        if self.watch.stop().is_some() || beta.iter().any(|b| !b.is_finite()) {
            return Err(Error::msg("stopped"));
        }
        Ok(())
    }
}

impl<U: Smoothed> CostFunction for Surrogate<'_, U> {
    type Param = Beta;
    type Output = f64;

    fn cost(&self, beta: &Beta) -> Result<f64, Error> {
        self.check(beta)?;
        Ok(-self.units.smoothed_gain(beta, self.smoothing) / self.scale)
    }
}

impl<U: Smoothed> Gradient for Surrogate<'_, U> {
    type Param = Beta;
    type Gradient = Beta;

    fn gradient(&self, beta: &Beta) -> Result<Beta, Error> {
        self.check(beta)?;
        Ok(self.units.descent(beta, self.smoothing, self.scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_direction_keeps_its_pins_where_they_are() {
        let unit = |z: [f64; 3]| vec![1.0, z[0], z[1], z[2]];
        // Two pins drawn from two units: both are kept, or one that was drawn twice.
        let nearest = [unit([0.3, -0.5, 0.9]), unit([-0.7, 0.2, 0.4])];
        let still = |direction: &Beta| nearest.iter().filter(|pin| dot(direction, pin).abs() < 1e-12).count();
        let mut random = stream(1, "test");
        let counts: Vec<usize> =
            (0..50).map(|_| still(&pinned_direction(&mut random, &nearest, 4))).collect();
        assert!(counts.iter().all(|&count| count > 0));
        assert!(counts.contains(&2));
    }

    #[test]
    fn one_covariate_needs_no_pins() {
        let nearest = [vec![1.0, 0.5]];
        let direction = pinned_direction(stream(1, "test"), &nearest, 2);
        assert_eq!(direction, random_direction(stream(1, "test"), 2));
    }
}
