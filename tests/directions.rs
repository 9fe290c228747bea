//! The searches for linear rules against enumeration that shares no code with the library.

#[path = "common/labellings.rs"]
mod labellings;

use labellings::{Point, best_labelling};
use ndarray::Array2;
use prescribe::models::linear_rule::{LinearProblem, LinearRule};
use prescribe::solve::{self, Directions, Enumerate, Options, Report, Silent, Solver, TerminationStatus};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const INSTANCES: u64 = 2400;
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
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}: {:?} {:?}", report.certificate, report.statistics);
    assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
    let close = |value: Option<f64>| (value.unwrap() - optimum).abs() <= 1e-9 * optimum.abs().max(1.0);
    assert!(close(report.objective_value), "{what}: {:?}, by enumeration {optimum}", report.objective_value);
    assert!(close(report.objective_bound), "{what}: bound {:?}, by enumeration {optimum}", report.objective_bound);
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
        let clock = std::time::Instant::now();
        if std::env::var("TRACE").is_ok() { eprintln!("start {what}"); }
        let _e = solved(&problem, &Enumerate, 1);
        let e = clock.elapsed();
        let d = solved(&problem, &Directions, 1);
        if std::env::var("TRACE").is_ok() { eprintln!("done {what} {e:?} {:?} {:?}", clock.elapsed()-e, d.nodes); }
        proves(&solved(&problem, &Directions, 1), optimum, &format!("{what} by directions"));
        proves(&solved(&problem, &Enumerate, 1), optimum, &format!("{what} by enumeration"));
    });
}

#[test]
fn one() {
    let Ok(seed) = std::env::var("SEED") else { return };
    let (problem, optimum, what) = instance(seed.parse().unwrap());
    eprintln!("{what} {optimum} {:?}", problem.x());
    eprintln!("{:?}", (0..problem.x().nrows()).map(|i| problem.gain(i)).collect::<Vec<_>>());
    let d = solved(&problem, &Directions, 1);
    eprintln!("{d:?}");
}
