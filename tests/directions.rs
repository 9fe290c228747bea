//! The searches for linear rules against enumeration that shares no code with the library.

mod common;
#[path = "common/labellings.rs"]
mod labellings;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{columns, numbers};
use labellings::{Point, best_labelling, separable};
use ndarray::Array2;
use prescribe::interference::{self, Interference};
use prescribe::models::linear_rule::{LinearProblem, LinearRule};
use prescribe::models::{AssignmentBound, SideConstraint};
use prescribe::simulate::{cash_transfers, linear_gains};
use prescribe::solve::{
    self, Control, Directions, Enumerate, Milp, Observer, Options, Progress, Report, Silent, Solver,
    TerminationStatus,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const INSTANCES: u64 = 2400;
const CONSTRAINED: u64 = 600;
const NEARLY_TIED: u64 = 200;
/// Covariates are whole multiples of one over this, so that enumeration is exact.
const GRID: f64 = 1_048_576.0;
const KINDS: u64 = 6;

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|j| format!("{prefix}{j}")).collect()
}

/// Covariates: continuous, few values, binary, a mix, with a constant column, with rows drawn twice.
fn covariates(random: &mut ChaCha8Rng, n: usize, p: usize, kind: u64) -> Array2<f64> {
    let continuous = |random: &mut ChaCha8Rng| random.random_range(-2_000_000..=2_000_000) as f64 / GRID;
    let few = |random: &mut ChaCha8Rng, most: i32| f64::from(random.random_range(0..=most));
    let mut x = Array2::from_shape_fn((n, p), |(_, j)| match (kind, j) {
        (0 | 5, _) => continuous(random),
        (1, _) => few(random, 3),
        (2, _) => few(random, 1),
        (3, j) if j % 2 == 0 => continuous(random),
        (4, 0) => 7.0,
        _ => few(random, 5),
    });
    if kind == 5 {
        for i in 0..n / 2 {
            let twin = x.row(i).to_owned();
            x.row_mut(n - 1 - i).assign(&twin);
        }
    }
    x
}

/// Gains that sum without rounding; now and then zero.
fn gain(random: &mut ChaCha8Rng) -> f64 {
    match random.random_range(0..12) {
        0 => 0.0,
        1..4 => f64::from(random.random_range(-3..=3)),
        _ => f64::from(random.random_range(-4000..=4000)) / 1024.0,
    }
}

/// An instance and its optimum.
fn instance(seed: u64) -> (LinearProblem, f64, String) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let p = random.random_range(1..=3);
    let n = random.random_range(2..=[24, 16, 12][p - 1]);
    let x = covariates(&mut random, n, p, seed % KINDS);
    let gains: Vec<f64> = (0..n).map(|_| gain(&mut random)).collect();
    let whole = |x: ndarray::ArrayView1<f64>| x.iter().map(|v| (v * GRID) as i128).collect();
    let points: Vec<Point> = x.rows().into_iter().map(whole).zip(gains.iter().copied()).collect();
    let optimum = best_labelling(&points);
    let problem = LinearProblem::from_gains(names("x", p), x, &gains).unwrap();
    (problem, optimum, format!("instance {seed} (n {n}, p {p}, kind {})", seed % KINDS))
}

fn solved(problem: &LinearProblem, solver: &dyn Solver<LinearProblem>, threads: usize) -> Report<LinearRule> {
    let options = Options { threads, ..Options::default() };
    solve::solve(problem, solver, None, &options, &Silent).unwrap()
}

/// The report proves `optimum`.
fn proves(report: &Report<LinearRule>, optimum: f64, what: &str) {
    assert_eq!(
        report.termination_status,
        TerminationStatus::Optimal,
        "{what}: {:?} {:?}",
        report.certificate,
        report.statistics
    );
    assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
    let close = |value: Option<f64>| (value.unwrap() - optimum).abs() <= 1e-9 * optimum.abs().max(1.0);
    assert!(close(report.objective_value), "{what}: {:?}, by enumeration {optimum}", report.objective_value);
    assert!(
        close(report.objective_bound),
        "{what}: bound {:?}, by enumeration {optimum}",
        report.objective_bound
    );
}

/// Runs `check` on all seeds. Plain threads: a solver's own pool inside a pool would nest as deep as there are seeds.
fn side_by_side(check: impl Fn(u64) + Sync) {
    const THREADS: u64 = 4;
    std::thread::scope(|scope| {
        for first in 0..THREADS {
            let check = &check;
            scope.spawn(move || (first..INSTANCES).step_by(THREADS as usize).for_each(check));
        }
    });
}

#[test]
fn small_instances_equal_enumeration() {
    side_by_side(|seed| {
        let (problem, optimum, what) = instance(seed);
        proves(&solved(&problem, &Directions, 1), optimum, &format!("{what} by directions"));
        proves(&solved(&problem, &Enumerate, 1), optimum, &format!("{what} by enumeration"));
    });
}

/// Points on a small grid, or a hair (2^-19 to 2^-40) off it, so that all sorts of lines and planes are met and nearly met: finer than any
/// program's tolerance.
#[test]
fn nearly_tied_instances_equal_enumeration() {
    let proved = AtomicU64::new(0);
    side_by_side(|seed| {
        if seed >= NEARLY_TIED {
            return;
        }
        let mut random = ChaCha8Rng::seed_from_u64(200_000 + seed);
        let p = random.random_range(1..=3);
        let n = random.random_range(3..=[24, 16, 12][p - 1]);
        // Whole numbers of 2^-bits; the enumeration's determinants have to fit into 128 bits.
        let bits = random.random_range(19..=if p == 3 { 36 } else { 40 });
        let coordinate = |random: &mut ChaCha8Rng| {
            let hair = if random.random() { random.random_range(-2..=2) } else { 0 };
            (i128::from(random.random_range(0..3_i8)) << bits) + hair
        };
        let rows: Vec<Vec<i128>> =
            (0..n).map(|_| (0..p).map(|_| coordinate(&mut random)).collect()).collect();
        let gains: Vec<f64> = (0..n).map(|_| gain(&mut random)).collect();
        let x = Array2::from_shape_fn((n, p), |(i, j)| rows[i][j] as f64 * 0.5_f64.powi(bits));
        let points: Vec<Point> = rows.into_iter().zip(gains.iter().copied()).collect();
        let optimum = best_labelling(&points);
        let what = format!("nearly tied instance {seed} (n {n}, p {p}, 2^-{bits})");
        let problem = LinearProblem::from_gains(names("x", p), x, &gains).unwrap();
        for (solver, name) in
            [(&Directions as &dyn Solver<LinearProblem>, "directions"), (&Enumerate, "enumeration")]
        {
            let what = format!("{what} by {name}");
            let options = Options { threads: 1, ..Options::default() };
            let rounds = Rounds { left: AtomicU64::new(3) };
            let report = solve::solve(&problem, solver, None, &options, &rounds).unwrap();
            if report.termination_status == TerminationStatus::Optimal {
                proved.fetch_add(1, Ordering::Relaxed);
                proves(&report, optimum, &what);
            }
            // Some labels have rules, but none whose coefficients are numbers of 53 bits.
            assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
            assert!(report.objective_value.unwrap() <= optimum + 1e-9, "{what}");
            assert!(report.objective_bound.unwrap() >= optimum - 1e-9, "{what}");
        }
    });
    let proved = proved.into_inner();
    assert!(proved * 100 > 2 * NEARLY_TIED * 95, "{proved} of {} proved", 2 * NEARLY_TIED);
}

/// Every tenth instance: the programs find the same value.
#[test]
fn searches_and_programs_agree() {
    side_by_side(|seed| {
        if seed % 10 == 3 {
            let (problem, optimum, what) = instance(seed);
            let report =
                solve::solve_started(&problem, &Milp::default(), None, &Options::default(), &Silent).unwrap();
            // Their bound is good to the tolerances of the programs, their value exact.
            assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}");
            let off = (report.objective_value.unwrap() - optimum).abs();
            assert!(off <= 1e-9 * optimum.abs().max(1.0), "{what}: {off}");
        }
    });
}

/// The same bits for one thread and for four, on problems that take many rounds of many regions.
#[test]
fn threads_change_nothing() {
    for (n, p, discrete) in
        [(2000, 2, false), (600, 3, false), (250, 4, false), (1500, 3, true), (100, 5, false)]
    {
        let problem = linear_gains(n, p, 7, discrete).unwrap().problem().unwrap();
        let (one, four) = (solved(&problem, &Directions, 1), solved(&problem, &Directions, 4));
        let what = format!("n {n}, p {p}");
        assert_eq!(one.termination_status, TerminationStatus::Optimal, "{what}: {:?}", one.statistics);
        assert_eq!(one.point, four.point, "{what}");
        assert_eq!(one.objective_value.map(f64::to_bits), four.objective_value.map(f64::to_bits), "{what}");
        assert_eq!(one.objective_bound.map(f64::to_bits), four.objective_bound.map(f64::to_bits), "{what}");
        assert_eq!(one.nodes, four.nodes, "{what}");
    }
}

/// At real sizes, where the proof of one is the check of the other: enumeration looks at every hyperplane.
#[test]
fn both_searches_agree_on_larger_problems() {
    for (n, p, discrete) in [(600, 2, false), (900, 2, true), (80, 3, false), (250, 3, true)] {
        let problem = linear_gains(n, p, 11, discrete).unwrap().problem().unwrap();
        let (searched, flat) = (solved(&problem, &Directions, 0), solved(&problem, &Enumerate, 0));
        proves(&searched, flat.objective_value.unwrap(), &format!("n {n}, p {p}, discrete {discrete}"));
        assert_eq!(flat.termination_status, TerminationStatus::Optimal);
    }
}

#[test]
fn oracle_instances_are_proved() {
    let instances =
        [("p1_c50_p2", 58.4764), ("p1_d150_p2", 219.2664), ("p1_c50_p5", 102.8225), ("p1_c100_p3", 88.2403)];
    for (name, value) in instances {
        let table = numbers(&format!("tests/oracles/rules/{name}.csv"));
        let ((names, x), (_, gains)) = (columns(&table, "x"), columns(&table, "g"));
        let few = x.ncols() <= 3;
        let problem = LinearProblem::from_gains(names, x, &gains.column(0).to_vec()).unwrap();
        let solvers: [(&dyn Solver<LinearProblem>, bool); 2] = [(&Directions, true), (&Enumerate, few)];
        for (solver, takes) in solvers {
            assert_eq!(solver.accepts(&problem).is_ok(), takes, "{name}");
            if takes {
                let report = solved(&problem, solver, 1);
                assert_eq!(report.termination_status, TerminationStatus::Optimal, "{name}");
                assert!(report.certificate.verified, "{name}");
                assert!(
                    (report.objective_value.unwrap() - value).abs() < 1e-6,
                    "{name}: {:?}",
                    report.objective_value
                );
            }
        }
    }
}

/// A search that is stopped leaves a rule and a bound that holds: the optimum lies between them.
#[test]
fn a_stopped_search_keeps_a_valid_bound() {
    let problem = linear_gains(1500, 4, 5, false).unwrap().problem().unwrap();
    let optimum = solved(&problem, &Directions, 0).objective_value.unwrap();
    let mut bounds = Vec::new();
    for most in [0, 1, 2] {
        let rounds = Rounds { left: AtomicU64::new(most) };
        let report =
            solve::solve(&problem, &Directions, None, &Options { threads: 1, ..Options::default() }, &rounds)
                .unwrap();
        assert_eq!(report.termination_status, TerminationStatus::Interrupted);
        assert!(report.certificate.verified);
        assert!(report.objective_value.unwrap() <= optimum);
        bounds.push(report.objective_bound.unwrap());
        assert!(bounds[bounds.len() - 1] >= optimum);
    }
    assert!(bounds.is_sorted_by(|a, b| a >= b), "{bounds:?}");
    assert!(bounds[2] < bounds[0]);
}

/// Stops after some rounds of the search.
struct Rounds {
    left: AtomicU64,
}

impl Observer for Rounds {
    fn progress(&self, progress: &Progress) -> Control {
        if progress.phase == "directions" {
            self.left.fetch_sub(1, Ordering::Relaxed);
        }
        Control::Continue
    }

    fn wants_stop(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

/// A budget share, a capacity, a budget over costs in eighths, or parity of two groups, and its test on who is treated, by hand.
fn demand(random: &mut ChaCha8Rng, n: usize) -> (AssignmentBound, Box<dyn Fn(u32) -> bool>) {
    let most = random.random_range(0..=n / 2);
    match random.random_range(0..4) {
        0 => (
            AssignmentBound::budget_share(n, 2, most as f64 / n as f64),
            Box::new(move |mask| mask.count_ones() as usize <= most),
        ),
        1 => (
            AssignmentBound::capacity(n, 2, 1, "treated", most),
            Box::new(move |mask| mask.count_ones() as usize <= most),
        ),
        2 => {
            let costs = Array2::from_shape_simple_fn((n, 2), || f64::from(random.random_range(0..16)) / 8.0);
            let limit = f64::from(random.random_range(0..=8 * n as i32)) / 8.0;
            let known = costs.clone();
            let total = move |mask: u32| (0..n).map(|i| known[[i, (mask >> i & 1) as usize]]).sum::<f64>();
            (AssignmentBound::budget(costs, limit), Box::new(move |mask| total(mask) <= limit))
        }
        _ => {
            let first: Vec<bool> = (0..n).map(|i| i == 0 || (i > 1 && random.random())).collect();
            let delta = f64::from(random.random_range(0..=4)) / 8.0 + 1e-6;
            let (group, size) = (first.clone(), first.iter().filter(|member| **member).count() as f64);
            let share = move |mask: u32, of: bool| {
                let treated = (0..n).filter(|&i| group[i] == of && mask >> i & 1 == 1).count() as f64;
                treated / if of { size } else { n as f64 - size }
            };
            let holds = move |mask: u32| (share(mask, true) - share(mask, false)).abs() <= delta;
            (AssignmentBound::parity("group", &first, 2, delta), Box::new(holds))
        }
    }
}

#[test]
fn constrained_instances_equal_enumeration() {
    let infeasible = AtomicU64::new(0);
    side_by_side(|seed| {
        if seed >= CONSTRAINED {
            return;
        }
        let mut random = ChaCha8Rng::seed_from_u64(100_000 + seed);
        let (n, p) = (random.random_range(3..=8), random.random_range(1..=2));
        let x = covariates(&mut random, n, p, seed % KINDS);
        let gains: Vec<f64> = (0..n).map(|_| gain(&mut random)).collect();
        let (bound, holds) = demand(&mut random, n);
        let what =
            format!("constrained instance {seed} (n {n}, p {p}, kind {}) {}", seed % KINDS, bound.name);
        let rows: Vec<Vec<i128>> =
            x.rows().into_iter().map(|x| x.iter().map(|v| (v * GRID) as i128).collect()).collect();
        let together = |mask: u32| {
            (0..n).all(|i| (0..i).all(|j| rows[i] != rows[j] || (mask >> i ^ mask >> j) & 1 == 0))
        };
        let distinct: Vec<usize> = (0..n).filter(|&i| !rows[..i].contains(&rows[i])).collect();
        let points: Vec<Vec<i128>> = distinct.iter().map(|&i| rows[i].clone()).collect();
        let reduced = |mask: u32| distinct.iter().enumerate().map(|(k, &i)| (mask >> i & 1) << k).sum();
        let given = |mask: &u32| together(*mask) && holds(*mask) && separable(&points, reduced(*mask));
        let value = |mask: u32| (0..n).filter(|i| mask >> i & 1 == 1).map(|i| gains[i]).sum::<f64>();
        let optimum = (0..1u32 << n).filter(given).map(value).reduce(f64::max);
        let problem = LinearProblem::from_gains(names("x", p), x, &gains).unwrap();
        let problem = problem.with(SideConstraint::Assignment(bound)).unwrap();
        let report = solved(&problem, &Directions, 1);
        match optimum {
            Some(optimum) => proves(&report, optimum, &what),
            None => {
                infeasible.fetch_add(1, Ordering::Relaxed);
                assert_eq!(report.termination_status, TerminationStatus::Infeasible, "{what}");
                assert!(report.point.is_none() && report.objective_bound.is_none(), "{what}");
            }
        }
    });
    assert!(infeasible.load(Ordering::Relaxed) > 0);
}

/// A forecast counts distinct points and the covariates that may be used, not rows and columns.
#[test]
fn a_forecast_looks_at_what_there_is_to_search() {
    let problem =
        |n: usize, p: usize, discrete: bool| linear_gains(n, p, 1, discrete).unwrap().problem().unwrap();
    let (few, many) = (problem(1000, 3, true), problem(1000, 3, false));
    let solvers: [&dyn Solver<LinearProblem>; 2] = [&Directions, &Enumerate];
    for solver in solvers {
        let forecast = |problem: &LinearProblem| solver.forecast(problem).unwrap();
        assert!(forecast(&few) < forecast(&many) && forecast(&many) < forecast(&problem(1000, 4, false)));
        assert!(forecast(&few) > 0.0);
    }
    // Each of the three covariates once, alone.
    let alone = many.clone().with(SideConstraint::MaximumCovariates(1)).unwrap();
    let one = Directions.forecast(&problem(1000, 1, false)).unwrap();
    assert!((Directions.forecast(&alone).unwrap() / one - 3.0).abs() < 1e-9);
    // Told before anything else, where it is long.
    let told = Told::default();
    let options = Options { threads: 1, time_limit: Some(0.0), ..Options::default() };
    let long = problem(100, 8, false);
    solve::solve(&long, &Directions, None, &options, &told).unwrap();
    assert_eq!(*told.0.lock().unwrap(), [Directions.forecast(&long).unwrap()]);
}

/// Notes the forecasts that it is told.
#[derive(Default)]
struct Told(Mutex<Vec<f64>>);

impl Observer for Told {
    fn progress(&self, _progress: &Progress) -> Control {
        Control::Continue
    }

    fn forecast(&self, seconds: f64) {
        self.0.lock().unwrap().push(seconds);
    }
}

#[test]
fn other_constraints_are_refused_by_name() {
    let problem = linear_gains(50, 2, 1, false).unwrap().problem().unwrap();
    let bound = SideConstraint::Assignment(AssignmentBound::budget_share(50, 2, 0.3));
    let refused: [(&dyn Solver<LinearProblem>, SideConstraint); 2] =
        [(&Directions, SideConstraint::IntegerCoefficients(3)), (&Enumerate, bound)];
    for (solver, constraint) in refused {
        let name = constraint.name().to_string();
        let refusal = solver.accepts(&problem.clone().with(constraint).unwrap()).unwrap_err().to_string();
        assert!(refusal.contains(&name) && refusal.contains("--solver milp"), "{refusal}");
    }
    // 30 covariates have 142,506 choices of 5.
    let many = linear_gains(20, 30, 1, false).unwrap().problem().unwrap();
    let few = many.with(SideConstraint::MaximumCovariates(5)).unwrap();
    assert!(Directions.accepts(&few).unwrap_err().to_string().contains("maximum_covariates"));
    let wide = linear_gains(50, 4, 1, false).unwrap().problem().unwrap();
    assert!(Enumerate.accepts(&wide).unwrap_err().to_string().contains("--solver directions"));
}

/// Few values of few covariates, so that more than 64 points tie in one direction, and boxes beside it have some of them open.
#[test]
fn crowded_ties_are_proved() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_fn((144, 3), |(i, j)| [i / 72, i % 72 / 9, i % 9][j] as f64);
    let gains: Vec<f64> = (0..144).map(|_| gain(&mut random)).collect();
    let problem = LinearProblem::from_gains(names("x", 3), x, &gains).unwrap();
    assert!((proved(&problem, &Directions) - proved(&problem, &Enumerate)).abs() < 1e-9);
    let drawn = cash_transfers(5);
    let gains = interference::gains(&drawn.clusters, Interference::Additive, None).unwrap();
    proved(&LinearProblem::from_gains(names("x", 3), drawn.x, &gains).unwrap(), &Directions);
}

fn proved(problem: &LinearProblem, solver: &dyn Solver<LinearProblem>) -> f64 {
    let report = solve::solve(problem, solver, None, &Options::default(), &Silent).unwrap();
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{}", report.raw_status);
    assert!(report.certificate.verified);
    report.objective_value.unwrap()
}
