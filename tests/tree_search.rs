//! The exact tree search against enumeration that shares no code with it, against the mixed-integer program and against the
//! published answers of other programs.

mod common;

use std::sync::atomic::{AtomicI64, Ordering};

use common::numbers;
use ndarray::Array2;
use prescribe::models::SideConstraint;
use prescribe::models::tree_rule::{Candidates, Node, Tree, TreeProblem};
use prescribe::simulate::{Covariates, tree_rewards};
use prescribe::solve::greedy::Greedy;
use prescribe::solve::{
    self, Control, Lookahead, Milp, Observer, Options, Progress, Report, Silent, Solver, TerminationStatus,
    TreeSearch,
};
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
        let kind = random.random_range(0..5);
        // Few values make few trees, however many units there are.
        let most = if matches!(kind, 1 | 2) { [60, 400, 120] } else { [60, 30, 12] };
        let n = random.random_range(1..=most[depth - 1]);
        let p = random.random_range(1..=[6, 4, 3][depth - 1]);
        let arms = random.random_range(2..=5);
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
        let least = [1, 1, 1, 2, 3, 4][random.random_range(0..6)];
        Self { x, rewards, least, step }
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

/// The report proves `optimum`, and its bound is no further off than rounding; under a split step among the trees that it allows.
#[track_caller]
fn proves(report: &Report<Node>, optimum: f64, step: usize, what: &str) {
    let finished = [TerminationStatus::Optimal, TerminationStatus::LocallySolved][usize::from(step > 1)];
    assert_eq!(report.termination_status, finished, "{what}: {report:?}");
    assert_eq!(report.objective_bound.is_none(), step > 1, "{what}");
    assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
    let tolerance = 1e-9 * optimum.abs().max(1.0);
    let value = report.objective_value.unwrap();
    let bound = report.objective_bound.or_else(|| report.statistics["restricted_bound"].as_f64()).unwrap();
    assert!((value - optimum).abs() <= tolerance, "{what}: {value}, by enumeration {optimum}");
    assert!(bound >= value - tolerance && bound <= optimum + tolerance, "{what}: bound {bound} on {optimum}");
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
        proves(&report, optimum, units.step, &what);
        let again = search(&problem, units.step, 4);
        assert_eq!((again.point, again.objective_bound), (report.point, report.objective_bound), "{what}");
        assert_eq!(again.nodes, report.nodes, "{what}");
    });
}

/// Every way to search a node is taken by some of the instances above, under limits and without.
#[test]
fn small_trees_take_every_way() {
    let mut nodes = std::collections::BTreeMap::new();
    for seed in 0..INSTANCES {
        let depth = 1 + (seed % 3) as usize;
        let units = Units::draw(seed, depth);
        let report = search(&units.problem(depth), units.step, 1);
        // Bounds from bins are for larger instances, and have tests of their own beside them.
        let ways = report.statistics["nodes_by_strategy"].as_object().unwrap().iter();
        for (way, number) in ways.filter(|(way, _)| *way != "binned_bounds") {
            let limited = units.least > 1 || units.step > 1;
            *nodes.entry((way.clone(), limited)).or_insert(0) += number.as_u64().unwrap();
        }
    }
    assert_eq!(nodes.len(), 6, "{nodes:?}");
    assert!(nodes.values().all(|number| *number >= 20), "{nodes:?}");
}

/// Four levels, where nodes are met again by splits in another order, and the work is spread over threads.
#[test]
fn deep_trees_do_not_depend_on_threads() {
    for (kind, least) in [(Covariates::Continuous, 1), (Covariates::Mixed, 1), (Covariates::Mixed, 5)] {
        let problem = tree_rewards(kind, 90, 3, 3, 7).unwrap().problem(4, Candidates::All).unwrap();
        let problem = problem.with(SideConstraint::MinimumLeafSize(least)).unwrap();
        let reports = [1, 4].map(|threads| search(&problem, 1, threads));
        let [one, four] = &reports;
        assert_eq!(one.termination_status, TerminationStatus::Optimal);
        assert_eq!(
            (&one.point, one.objective_bound, one.nodes),
            (&four.point, four.objective_bound, four.nodes)
        );
        assert_eq!(one.statistics, four.statistics);
    }
}

#[test]
fn lookahead_lies_between_the_exact_trees() {
    for seed in 0..20 {
        let kind = [Covariates::Continuous, Covariates::Mixed][seed as usize % 2];
        let drawn = tree_rewards(kind, 60, 3, 3, seed).unwrap();
        let value = |depth: usize, solver: &dyn Solver<TreeProblem>| {
            let problem = drawn.problem(depth, Candidates::All).unwrap();
            let problem = problem.with(SideConstraint::MinimumLeafSize(2)).unwrap();
            let report = solve::solve(&problem, solver, None, &Options::default(), &Silent).unwrap();
            assert!(report.certificate.verified);
            (report.objective_value.unwrap(), report.objective_bound.unwrap())
        };
        let (shallow, deep) = (value(2, &TreeSearch::default()).0, value(3, &TreeSearch::default()).0);
        let (found, bound) = value(3, &Lookahead::default());
        assert!(shallow <= found + 1e-9 && found <= deep + 1e-9, "{seed}: {shallow} {found} {deep}");
        assert!(bound >= deep - 1e-9, "{seed}: bound {bound} on {deep}");
        let (same, bound) = value(3, &Lookahead { search_depth: Some(3) });
        assert!((same - deep).abs() <= 1e-9 && (bound - deep).abs() <= 1e-9, "{seed}: {same} {deep}");
    }
}

/// What a limit leaves is a rule and a bound that holds.
#[test]
fn limits_leave_a_rule_and_a_bound() {
    let problem = tree_rewards(Covariates::Continuous, 200, 4, 3, 1).unwrap();
    let problem = problem.problem(3, Candidates::All).unwrap();
    let optimum = search(&problem, 1, 0).objective_value.unwrap();
    let limits = [
        (Options { mip_max_nodes: Some(20), ..Options::default() }, TerminationStatus::NodeLimit),
        (Options { time_limit: Some(0.0), ..Options::default() }, TerminationStatus::TimeLimit),
        (Options { mip_rel_gap: 0.2, ..Options::default() }, TerminationStatus::Optimal),
        (Options { mip_abs_gap: 0.2 * optimum, ..Options::default() }, TerminationStatus::Optimal),
    ];
    for (options, status) in limits {
        let report = solve::solve(&problem, &TreeSearch::default(), None, &options, &Silent).unwrap();
        assert_eq!(report.termination_status, status, "{options:?}");
        assert!(report.certificate.verified);
        let (value, bound) = (report.objective_value.unwrap(), report.objective_bound.unwrap());
        assert!(value <= optimum + 1e-9 && optimum <= bound + 1e-9, "{options:?}: {value} {optimum} {bound}");
        assert!(value < bound, "{options:?}: it was stopped before its end");
    }
}

/// Stops when it has been asked so often.
struct Patience(AtomicI64);

impl Observer for Patience {
    fn progress(&self, _progress: &Progress) -> Control {
        Control::Continue
    }

    fn wants_stop(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

/// Wherever the search is interrupted, its rule respects the constraints and its bound holds.
#[test]
fn interrupted_searches_bound_the_optimum() {
    let mut interrupted = 0;
    for (n, depth, least) in [(4000, 2, 1), (4000, 2, 200), (300, 3, 1), (300, 3, 20), (120, 4, 3)] {
        let problem = tree_rewards(Covariates::Continuous, n, 4, 3, 5).unwrap();
        let problem = problem.problem(depth, Candidates::All).unwrap();
        let problem = problem.with(SideConstraint::MinimumLeafSize(least)).unwrap();
        let optimum = search(&problem, 1, 0).objective_value.unwrap();
        for patience in (0..6).chain((6..60).step_by(9)) {
            let options = Options { threads: 1 + patience as usize % 3, ..Options::default() };
            let observer = Patience(AtomicI64::new(patience));
            let report = solve::solve(&problem, &TreeSearch::default(), None, &options, &observer).unwrap();
            let what = format!("n {n} depth {depth} least {least} patience {patience}");
            assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
            let (value, bound) = (report.objective_value.unwrap(), report.objective_bound.unwrap());
            assert!(value <= optimum + 1e-9 && optimum <= bound + 1e-9, "{what}: {value} {optimum} {bound}");
            interrupted += usize::from(report.termination_status == TerminationStatus::Interrupted);
        }
    }
    assert!(interrupted >= 20, "{interrupted}");
}

/// With many units and arms the answer is proved, better than the greedy tree and the same for every number of threads.
#[test]
fn many_arms_are_proved_within_limits() {
    for (least, kind) in
        [(1, Covariates::Continuous), (300, Covariates::Continuous), (300, Covariates::Mixed)]
    {
        let problem = tree_rewards(kind, 4000, 20, 9, 3).unwrap().problem(2, Candidates::All).unwrap();
        let problem = problem.with(SideConstraint::MinimumLeafSize(least)).unwrap();
        let reports = [1, 4].map(|threads| search(&problem, 1, threads));
        let [one, four] = &reports;
        let what = format!("least {least} {kind:?}");
        assert_eq!(one.termination_status, TerminationStatus::Optimal, "{what}");
        assert!(one.certificate.verified, "{what}");
        assert_eq!((&one.point, one.objective_bound), (&four.point, four.objective_bound), "{what}");
        assert_eq!((one.nodes, &one.statistics), (four.nodes, &four.statistics), "{what}");
        let greedy = solve::solve(&problem, &Greedy, None, &Options::default(), &Silent).unwrap();
        assert!(one.objective_value > greedy.objective_value, "{what}");
    }
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
        let found = report.objective_value.unwrap();
        assert!((found - value).abs() <= 1e-6, "{name}: {found}, by {} {value}", &row[7]);
        proves(&report, found, step, name);
    }
}

/// policytree's own test data and answers, where they lie beside the checkout: (depth, minimum leaf size, split step, value), on all
/// covariates or on four, of which two rounded to one decimal.
#[test]
fn policytrees_own_tests_are_met() {
    let folder = "../shared/data/conformance/policytree";
    if !common::file(folder).exists() {
        return eprintln!("skipped: no {folder} beside the checkout");
    }
    let x = numbers(&format!("{folder}/data_clf_X.csv")).1;
    let rewards = numbers(&format!("{folder}/data_clf_Y.csv")).1;
    let mut few = x.slice(ndarray::s![.., ..4]).to_owned();
    few.slice_mut(ndarray::s![.., ..2]).mapv_inplace(|v| (10.0 * v).round_ties_even() / 10.0);
    let cases = [
        (&x, 500, 2, 1, 1, 1083.0),
        (&few, 500, 2, 1, 1, 730.0),
        (&few, 500, 2, 5, 3, 728.0),
        (&few, 500, 2, 1, 42, 721.5),
        (&few, 75, 3, 2, 2, 144.0),
    ];
    for (x, rows, depth, least, step, value) in cases {
        let part = |matrix: &Array2<f64>| matrix.slice(ndarray::s![..rows, ..]).to_owned();
        let units = Units { x: part(x), rewards: part(&rewards), least, step };
        let report = search(&units.problem(depth), step, 0);
        proves(&report, value, step, &format!("depth {depth} least {least} step {step}"));
    }
}
