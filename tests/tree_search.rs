//! The exact tree search against enumeration that shares no code with it, against the mixed-integer program and against the
//! published answers of other programs.

mod common;

use common::numbers;
use ndarray::Array2;
use prescribe::models::SideConstraint;
use prescribe::models::tree_rule::{Candidates, Node, Tree, TreeProblem};
use prescribe::simulate::{Covariates, tree_rewards};
use prescribe::solve::{self, Milp, Options, Report, Silent, TerminationStatus, TreeSearch};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Random instances, a third at each depth.
const INSTANCES: u64 = 2400;

/// An instance as the enumeration sees it.
struct Units {
    x: Array2<f64>,
    rewards: Array2<f64>,
    least: usize,
    step: usize,
}

impl Units {
    fn draw(seed: u64, depth: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let n = random.random_range(1..=[60, 30, 12][depth - 1]);
        let p = random.random_range(1..=[6, 4, 3][depth - 1]);
        let arms = random.random_range(2..=5);
        let kind = random.random_range(0..5);
        let mut x = Array2::from_shape_fn((n, p), |(_, j)| match (kind, j % 2) {
            (0, _) | (3, 0) => random.random_range(-1.0..1.0),
            (1, _) => f64::from(random.random_range(0..4)),
            (2, _) | (3, _) => f64::from(random.random_range(0..2)),
            _ => f64::from(random.random_range(-9..9)) / 4.0,
        });
        if random.random_range(0..6) == 0 {
            x.column_mut(0).fill(3.0);
        }
        let style = random.random_range(0..4);
        let mut rewards = Array2::from_shape_fn((n, arms), |_| match style {
            0 => f64::from(random.random_range(-2..=2)),
            1 => 1e6 + random.random_range(-1.0..1.0),
            _ => random.random_range(-1.0..1.0),
        });
        match random.random_range(0..8) {
            0 => rewards.fill(0.0),
            1 => rewards.row_mut(0).fill(0.0),
            _ => {}
        }
        // Units that agree in all covariates.
        for i in 1..n {
            if random.random_range(0..5) == 0 {
                let twin = x.row(i - 1).to_owned();
                x.row_mut(i).assign(&twin);
            }
        }
        let step = if seed.is_multiple_of(5) { random.random_range(2..=3) } else { 1 };
        Self { x, rewards, least: random.random_range(1..=4), step }
    }

    fn problem(&self, depth: usize) -> TreeProblem {
        let names = |prefix: &str, count: usize| (0..count).map(|j| format!("{prefix}{j}")).collect();
        let problem = TreeProblem::new(
            Tree::over(&self.x, depth, Candidates::All),
            names("x", self.x.ncols()),
            names("a", self.rewards.ncols()),
            self.x.clone(),
            self.rewards.clone(),
        );
        problem.unwrap().with(SideConstraint::MinimumLeafSize(self.least)).unwrap()
    }

    /// The best total reward of `units` over all trees; minus infinity where a leaf cannot hold enough.
    fn best(&self, units: &[usize], depth: usize) -> f64 {
        if units.len() < self.least {
            return f64::NEG_INFINITY;
        }
        let total = |k: usize| units.iter().map(|&i| self.rewards[[i, k]]).sum::<f64>();
        let mut best = (0..self.rewards.ncols()).map(total).fold(f64::NEG_INFINITY, f64::max);
        for j in 0..if depth > 0 { self.x.ncols() } else { 0 } {
            let mut values: Vec<f64> = units.iter().map(|&i| self.x[[i, j]]).collect();
            values.sort_by(f64::total_cmp);
            let mut tried = 0;
            for before in 1..values.len() {
                let threshold = values[before - 1];
                let room = before >= self.least && before + self.least <= values.len();
                if threshold == values[before] || !room || before < tried + self.step {
                    continue;
                }
                tried = before;
                let (left, right): (Vec<_>, Vec<_>) =
                    units.iter().partition(|&&i| self.x[[i, j]] <= threshold);
                best = best.max(self.best(&left, depth - 1) + self.best(&right, depth - 1));
            }
        }
        best
    }
}

fn search(problem: &TreeProblem, step: usize, threads: usize) -> Report<Node> {
    let options = Options { threads, ..Options::default() };
    solve::solve(problem, &TreeSearch { split_step: step }, None, &options, &Silent).unwrap()
}

/// The report proves `optimum`, and its bound is no further off than rounding.
#[track_caller]
fn proves(report: &Report<Node>, optimum: f64, what: &str) {
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}: {report:?}");
    assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
    let tolerance = 1e-9 * optimum.abs().max(1.0);
    let (value, bound) = (report.objective_value.unwrap(), report.objective_bound.unwrap());
    assert!((value - optimum).abs() <= tolerance, "{what}: {value}, by enumeration {optimum}");
    assert!(bound >= value && bound <= optimum + tolerance, "{what}: bound {bound} on {optimum}");
}

#[test]
fn small_trees_equal_enumeration() {
    (0..INSTANCES).into_par_iter().for_each(|seed| {
        let depth = 1 + (seed % 3) as usize;
        let units = Units::draw(seed, depth);
        let (n, p) = units.x.dim();
        let what = format!("{seed}: depth {depth} n {n} p {p} least {} step {}", units.least, units.step);
        let optimum = units.best(&(0..n).collect::<Vec<_>>(), depth);
        let problem = units.problem(depth);
        let report = search(&problem, units.step, 1);
        if optimum == f64::NEG_INFINITY {
            assert_eq!(report.termination_status, TerminationStatus::Infeasible, "{what}");
            return;
        }
        proves(&report, optimum, &what);
        let again = search(&problem, units.step, 4);
        assert_eq!((again.point, again.objective_bound), (report.point, report.objective_bound), "{what}");
    });
}

#[test]
fn larger_trees_equal_the_program() {
    let kinds = [Covariates::Continuous, Covariates::Mixed, Covariates::Binary];
    for (seed, kind) in (0..9).zip(kinds.into_iter().cycle()) {
        let (k, least) = (2 + seed as usize % 3, 1 + 20 * (seed as usize % 2));
        let drawn = tree_rewards(kind, 300, 4, k, seed).unwrap();
        let problem = drawn.problem(2, Candidates::Quantiles(12)).unwrap();
        let problem = problem.with(SideConstraint::MinimumLeafSize(least)).unwrap();
        let program = solve::solve(&problem, &Milp::default(), None, &Options::default(), &Silent).unwrap();
        let found = search(&problem, 1, 1);
        let (value, program) = (found.objective_value.unwrap(), program.objective_value.unwrap());
        assert!((value - program).abs() <= 1e-6, "{kind:?} {seed}: {value}, by program {program}");
        assert!(found.certificate.verified && found.objective_bound.unwrap() <= value + 1e-6);
    }
}

#[test]
fn instances_of_other_programs_are_proved() {
    let mut expected = csv::Reader::from_path(common::file("tests/oracles/trees/expected.csv")).unwrap();
    for row in expected.records() {
        let row = row.unwrap();
        let whole = |column: usize| row[column].parse::<usize>().unwrap();
        let (name, depth, least, step) = (&row[0], whole(4), whole(5), whole(6));
        let value: f64 = row[8].parse().unwrap();
        let (names, x) = numbers(&format!("tests/oracles/trees/{name}_X.csv"));
        let (arms, rewards) = numbers(&format!("tests/oracles/trees/{name}_G.csv"));
        let problem =
            TreeProblem::new(Tree::over(&x, depth, Candidates::All), names, arms, x, rewards).unwrap();
        let problem = problem.with(SideConstraint::MinimumLeafSize(least)).unwrap();
        let report = search(&problem, step, 0);
        assert_eq!(report.termination_status, TerminationStatus::Optimal, "{name}: {report:?}");
        let found = report.objective_value.unwrap();
        assert!((found - value).abs() <= 1e-6, "{name}: {found}, by {} {value}", &row[7]);
    }
}
