//! Random small instances against enumeration that shares no code with the library.
//!
//! Linear rules: every labelling that a hyperplane can give is reached from a hyperplane through p affinely independent points,
//! the points on it labelled by the same argument one dimension lower; all in whole-number arithmetic. Trees: all of them, by
//! recursion over the same candidate thresholds, recomputed here.

#[path = "common/labellings.rs"]
mod labellings;

use labellings::{Point, best_labelling};
use ndarray::Array2;
use prescribe::models::linear_rule::LinearProblem;
use prescribe::models::tree_rule::{Candidates, Tree, TreeProblem};
use prescribe::models::{Model, SideConstraint};
use prescribe::solve::greedy::Greedy;
use prescribe::solve::{self, Formulation, Milp, Options, Report, Silent, Smooth, Solver, TerminationStatus};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const INSTANCES: u64 = 200;
/// Covariates are whole multiples of one over this, so that enumeration is exact.
const GRID: f64 = 1_048_576.0;

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|j| format!("{prefix}{j}")).collect()
}

/// Covariates of one of three kinds: continuous, few values with many ties, or a mix of both.
fn covariates(random: &mut ChaCha8Rng, n: usize, p: usize, kind: u64) -> Array2<f64> {
    Array2::from_shape_fn((n, p), |(_, j)| match (kind + j as u64) % 3 {
        _ if kind == 0 => random.random_range(-2_000_000..=2_000_000) as f64 / GRID,
        0 => random.random_range(-1_000_000..=1_000_000) as f64 / GRID,
        _ => f64::from(random.random_range(0..=if kind == 1 { 2 } else { 3 })),
    })
}

/// Rewards that sum without rounding; now and then zero.
fn reward(random: &mut ChaCha8Rng) -> f64 {
    match random.random_range(0..12) {
        0 => 0.0,
        1..4 => f64::from(random.random_range(-3..=3)),
        _ => f64::from(random.random_range(-4000..=4000)) / 1024.0,
    }
}

fn solved<M: Model>(
    model: &M,
    solver: &dyn Solver<M>,
    start: Option<&M::Point>,
    what: &str,
) -> Report<M::Point> {
    solve::solve(model, solver, start, &Options::default(), &Silent).unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// The report proves `optimum`.
fn proves<P>(report: &Report<P>, optimum: f64, what: &str) {
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}: {:?}", report.certificate);
    assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
    let value = report.objective_value.unwrap();
    assert!(
        (value - optimum).abs() <= 1e-9 * optimum.abs().max(1.0),
        "{what}: {value}, by enumeration {optimum}"
    );
}

// Linear rules.

#[test]
fn enumeration_itself_is_right_on_known_sets() {
    let points = |x: &[[i128; 2]], gains: &[f64]| -> Vec<Point> {
        x.iter().zip(gains).map(|(x, g)| (x.to_vec(), *g)).collect()
    };
    let square = [[0, 0], [1, 1], [0, 1], [1, 0]];
    assert_eq!(best_labelling(&points(&square, &[4.0, 3.0, -2.0, -5.0])), 5.0);
    // Collinear, in the plane and out of the origin.
    assert_eq!(best_labelling(&points(&[[1, 1], [2, 2], [3, 3]], &[-2.0, 3.0, -2.0])), 1.0);
    // The number of labellings of m points in general position in the plane is m (m - 1) + 2: of 4 corners 14, so all but the
    // two diagonals; each labelling is found exactly where its own gains are offered.
    let found = (0..16).filter(|mask| {
        let gains: Vec<f64> = (0..4).map(|i| if mask >> i & 1 == 1 { 1.0 } else { -1.0 }).collect();
        best_labelling(&points(&square, &gains)) == f64::from((*mask as u32).count_ones())
    });
    assert_eq!(found.count(), 14);
}

#[test]
fn linear_rules_equal_enumeration() {
    let naive_below: usize = (0..INSTANCES).into_par_iter().map(linear_instance).sum();
    // Program (20) leaves rules out; it must not do worse than a proved bound allows, and seldom does at all.
    assert!(naive_below <= INSTANCES as usize / 4, "{naive_below}");
}

/// One instance through every formulation; 1 where the naive program falls short of the optimum.
fn linear_instance(seed: u64) -> usize {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (n, p) = (random.random_range(4..=12), random.random_range(1..=3));
    let x = covariates(&mut random, n, p, seed % 3);
    let gains: Vec<f64> = (0..n).map(|_| reward(&mut random)).collect();
    let points: Vec<Point> = x
        .rows()
        .into_iter()
        .zip(&gains)
        .map(|(x, g)| (x.iter().map(|v| (v * GRID) as i128).collect(), *g))
        .collect();
    let optimum = best_labelling(&points);
    let problem = LinearProblem::from_gains(names("x", p), x, &gains).unwrap();
    let smooth = solved(&problem, &Smooth::default(), None, "smooth");
    assert!(smooth.objective_value.unwrap() <= optimum);
    // Every other instance from a cold start, so that the programs themselves have to find the rule.
    let start = smooth.point.filter(|_| seed.is_multiple_of(2));
    for formulation in [Formulation::Facets, Formulation::Radon, Formulation::FacetsRadon] {
        let what = format!("linear {seed} (n {n}, p {p}) {formulation:?}");
        let milp = Milp { formulation: Some(formulation) };
        proves(&solved(&problem, &milp, start.as_ref(), &what), optimum, &what);
    }
    let naive = Milp { formulation: Some(Formulation::Naive) };
    let report = solved(&problem, &naive, None, "naive");
    let value = report.objective_value.unwrap();
    assert!(value <= optimum, "linear {seed} naive: {value} above {optimum}");
    assert_ne!(report.termination_status, TerminationStatus::Optimal);
    usize::from(value < optimum - 1e-9)
}

/// Points that differ by less than the solver's tolerances: what is called optimal is, the rest is called something else.
#[test]
fn nearly_tied_units_are_proved_or_not_called_optimal() {
    let fine = 2f64.powi(40);
    let proved = (0..60).into_par_iter().map(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(5000 + seed);
        let (n, p) = (random.random_range(4..=10), random.random_range(1..=2));
        let mut near = |_| {
            let (whole, step): (i128, i128) = (random.random_range(0..=2), random.random_range(-2..=2));
            (whole << 40) + (step << (seed % 4 * 7))
        };
        let x: Vec<i128> = (0..n * p).map(&mut near).collect();
        let gains: Vec<f64> = (0..n).map(|_| reward(&mut random)).collect();
        let points: Vec<Point> = x.chunks(p).map(<[i128]>::to_vec).zip(gains.iter().copied()).collect();
        let optimum = best_labelling(&points);
        let x = Array2::from_shape_vec((n, p), x.iter().map(|v| *v as f64 / fine).collect()).unwrap();
        let problem = LinearProblem::from_gains(names("x", p), x, &gains).unwrap();
        let mut optimal = 0;
        for formulation in [Formulation::Facets, Formulation::Radon, Formulation::FacetsRadon] {
            let what = format!("nearly tied {seed} {formulation:?}");
            let report = solved(&problem, &Milp { formulation: Some(formulation) }, None, &what);
            let (value, bound) = (report.objective_value.unwrap(), report.objective_bound.unwrap());
            assert!(value <= optimum && optimum <= bound + 1e-6, "{what}: {value} {optimum} {bound}");
            if report.termination_status == TerminationStatus::Optimal {
                proves(&report, optimum, &what);
                optimal += 1;
            }
        }
        optimal
    });
    let proved: usize = proved.sum();
    assert!(proved >= 90, "{proved} of 180");
}

// Trees.

struct Units<'a> {
    x: &'a Array2<f64>,
    rewards: &'a Array2<f64>,
    thresholds: Vec<Vec<f64>>,
    least: usize,
}

impl Units<'_> {
    /// The largest total reward of `units` under any tree of at most `depth` splits a path.
    fn best_tree(&self, units: &[usize], depth: usize) -> f64 {
        let arms = 0..self.rewards.ncols();
        let totals = arms.map(|k| units.iter().map(|&i| self.rewards[[i, k]]).sum::<f64>());
        let mut best = totals.fold(f64::NEG_INFINITY, f64::max);
        if depth == 0 {
            return best;
        }
        for (j, list) in self.thresholds.iter().enumerate() {
            for t in list {
                let (left, right): (Vec<usize>, Vec<usize>) =
                    units.iter().partition(|&&i| self.x[[i, j]] <= *t);
                if left.len() >= self.least.max(1) && right.len() >= self.least.max(1) {
                    best = best.max(self.best_tree(&left, depth - 1) + self.best_tree(&right, depth - 1));
                }
            }
        }
        best
    }
}

/// Observed values at the candidate levels, without the largest value.
fn thresholds(x: &Array2<f64>, candidates: Candidates) -> Vec<Vec<f64>> {
    let of_column = |column: ndarray::ArrayView1<f64>| {
        let mut sorted = column.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let mut chosen: Vec<f64> = match candidates {
            Candidates::All => sorted.clone(),
            Candidates::Quantiles(q) => (1..=q).map(|l| sorted[(n * l / (q + 1)).max(1) - 1]).collect(),
        };
        chosen.retain(|v| *v < sorted[n - 1]);
        chosen.dedup();
        chosen
    };
    x.columns().into_iter().map(of_column).collect()
}

#[test]
fn trees_equal_enumeration() {
    (0..INSTANCES).into_par_iter().for_each(tree_instance);
}

fn tree_instance(seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(1000 + seed);
    let depth = 1 + (seed % 3) as usize;
    // The flow program over three levels is large: fewer units, covariates and arms there.
    let (n, p, most_arms) = match depth {
        3 => (random.random_range(5..=8), random.random_range(1..=2), 3),
        _ => (random.random_range(8..=30), random.random_range(1..=3), 4),
    };
    let (arms, least) = (random.random_range(2..=most_arms), random.random_range(1..=3));
    let quantiles = Candidates::Quantiles(random.random_range(1..=5));
    let candidates = if seed.is_multiple_of(2) { Candidates::All } else { quantiles };
    let x = covariates(&mut random, n, p, seed / 6 % 3);
    let rewards = Array2::from_shape_fn((n, arms), |_| reward(&mut random));
    let what = format!("tree {seed} (n {n}, p {p}, K {arms}, depth {depth}, leaf {least}, {candidates:?})");
    let units = Units { x: &x, rewards: &rewards, thresholds: thresholds(&x, candidates), least };
    let optimum = units.best_tree(&(0..n).collect::<Vec<_>>(), depth);
    let class = Tree::over(&x, depth, candidates);
    assert_eq!(class.thresholds, units.thresholds, "{what}");
    let mut problem =
        TreeProblem::new(class, names("x", p), names("arm", arms), x.clone(), rewards.clone()).unwrap();
    if least > 1 {
        problem = problem.with(SideConstraint::MinimumLeafSize(least)).unwrap();
    }
    let greedy = solved(&problem, &Greedy, None, &what);
    assert!(greedy.objective_value.unwrap() <= optimum + 1e-9, "{what}");
    let start = greedy.point.filter(|_| seed.is_multiple_of(2) || depth == 3);
    proves(&solved(&problem, &Milp::default(), start.as_ref(), &what), optimum, &what);
    // The flow program of the larger shallow instances is left to the extended one.
    if depth <= 2 && n <= 12 {
        let flow = Milp { formulation: Some(Formulation::Flow) };
        let what = format!("{what} flow");
        proves(&solved(&problem, &flow, start.as_ref(), &what), optimum, &what);
    }
}
