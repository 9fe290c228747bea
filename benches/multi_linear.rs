//! Linear rules over three arms: what the exact search costs, where the label program stops, and what the smooth approximation
//! loses, stage by stage, over 24 generated instances.
//!
//! ```text
//! loss       (exact - found) / |exact|
//! gain loss  (exact - found) / (exact - best constant rule)
//! ```
//!
//! `cargo bench --profile release --bench multi_linear [-- --quick]`

mod support;

use prescribe::models::Model;
use prescribe::models::multi_linear_rule::MultiLinearProblem;
use prescribe::simulate::multi_linear_rewards;
use prescribe::solve::pair_directions::PairDirections;
use prescribe::solve::{
    self, Milp, Options, Promise, Report, Silent, Smooth, Solver, Stage, TerminationStatus,
};
use serde::{Deserialize, Serialize};
use support::{Call, CpuLimit, Failure, largest, mean, median, percent, run_jobs, table};

/// (N, p, instances): 24 with three arms.
const SIZES: [(usize, usize, u64); 5] = [(50, 2, 6), (100, 2, 6), (200, 2, 3), (50, 3, 6), (100, 3, 3)];
/// Units of the instances that the label program is tried on, up to where it closes and beyond.
const PROGRAM: [usize; 3] = [15, 20, 30];
const ARMS: usize = 3;
/// Solver seeds of the stages that draw at random.
const SOLVER_SEEDS: u64 = 5;
/// CPU seconds a solve.
const LIMIT: u64 = 120;
const PROGRAM_LIMIT: u64 = 30;
const STAGES: [(&str, Stage); 3] =
    [("surrogate", Stage::Surrogate), ("multi_start", Stage::MultiStart), ("polished", Stage::Polished)];

/// One instance.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Job {
    n: usize,
    p: usize,
    seed: u64,
    program: bool,
}

/// What came of it.
#[derive(Serialize, Deserialize)]
struct Answer {
    closed: bool,
    cpu_seconds: f64,
    nodes: u64,
    /// Whether the smooth start was improved.
    improved: bool,
    /// For each stage, the solves' (loss, gain loss, CPU seconds).
    stages: Vec<Vec<(f64, f64, f64)>>,
}

fn main() -> Result<(), Failure> {
    match Call::read() {
        Call::Job(text) => {
            let answer = solve_job(&serde_json::from_str(&text)?)?;
            println!("{}", serde_json::to_string(&answer)?);
        }
        Call::Bench { quick } => bench(quick)?,
        Call::Other => {}
    }
    Ok(())
}

fn bench(quick: bool) -> Result<(), Failure> {
    let sizes = &SIZES[..if quick { 1 } else { SIZES.len() }];
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for &(n, p, seeds) in sizes {
        let answers = run(n, p, seeds, false)?;
        rows.push(row("directions", n, p, &answers));
        all.extend(answers);
    }
    for n in PROGRAM.into_iter().take(if quick { 1 } else { PROGRAM.len() }) {
        rows.push(row("milp (radon)", n, 2, &run(n, 2, 3, true)?));
    }
    let header =
        ["solver", "p", "N", "closed", "median CPU s", "max CPU s", "median nodes", "start improved"];
    table(&format!("Three arms (limit {LIMIT} CPU s, programs {PROGRAM_LIMIT})"), &header, &rows);
    let rows: Vec<_> = STAGES.iter().enumerate().map(|(s, (name, _))| summary(name, s, &all)).collect();
    let header = [
        "stage",
        "mean loss",
        "max loss",
        "mean gain loss",
        "max gain loss",
        "at the optimum",
        "mean CPU s",
        "max CPU s",
    ];
    table(&format!("Loss by stage ({} instances)", all.iter().filter(|a| a.closed).count()), &header, &rows);
    Ok(())
}

fn run(n: usize, p: usize, seeds: u64, program: bool) -> Result<Vec<Answer>, Failure> {
    run_jobs(&(1..=seeds).map(|seed| Job { n, p, seed, program }).collect::<Vec<_>>())
}

fn row(solver: &str, n: usize, p: usize, answers: &[Answer]) -> Vec<String> {
    let seconds: Vec<f64> = answers.iter().map(|answer| answer.cpu_seconds).collect();
    let nodes = median(answers.iter().map(|answer| answer.nodes as f64)).unwrap_or(f64::NAN);
    let row = vec![
        solver.into(),
        p.to_string(),
        n.to_string(),
        format!("{} of {}", answers.iter().filter(|answer| answer.closed).count(), answers.len()),
        format!("{:.2}", median(seconds.iter().copied()).unwrap_or(f64::NAN)),
        format!("{:.2}", largest(&seconds)),
        format!("{nodes:.0}"),
        answers.iter().filter(|answer| answer.improved).count().to_string(),
    ];
    eprintln!("{}", row.join(" | "));
    row
}

fn summary(name: &str, stage: usize, answers: &[Answer]) -> Vec<String> {
    let solves: Vec<_> = answers.iter().filter(|a| a.closed).flat_map(|a| a.stages[stage].clone()).collect();
    let column = |of: fn(&(f64, f64, f64)) -> f64| solves.iter().map(of).collect::<Vec<f64>>();
    let (losses, gains, seconds) = (column(|s| s.0), column(|s| s.1), column(|s| s.2));
    vec![
        name.into(),
        percent(mean(&losses)),
        percent(largest(&losses)),
        percent(mean(&gains)),
        percent(largest(&gains)),
        format!("{} of {}", losses.iter().filter(|loss| **loss == 0.0).count(), losses.len()),
        format!("{:.3}", mean(&seconds)),
        format!("{:.3}", largest(&seconds)),
    ]
}

fn solve_job(job: &Job) -> Result<Answer, Failure> {
    let problem = multi_linear_rewards(job.n, job.p, ARMS, job.seed, false)?.problem()?;
    // CPU time belongs to the process.
    let options = |random_seed| Options { random_seed, threads: 1, ..Options::default() };
    let smooth = |stage, seed| solve::solve(&problem, &Smooth { stage }, None, &options(seed), &Silent);
    let start = smooth(Stage::Polished, 1)?;
    let solver: &dyn Solver<MultiLinearProblem> =
        if job.program { &Milp::default() } else { &PairDirections };
    assert_eq!(solver.accepts(&problem), Ok(Promise::Exact));
    let limit = CpuLimit::seconds(if job.program { PROGRAM_LIMIT } else { LIMIT });
    let exact = solve::solve(&problem, solver, start.point.as_ref(), &options(1), &limit)?;
    let best = value(&exact)?;
    let mut stages = Vec::new();
    for (_, stage) in STAGES {
        let seeds = if stage == Stage::Surrogate { 1 } else { SOLVER_SEEDS };
        let solve = |seed: u64| -> Result<(f64, f64, f64), Failure> {
            let report = smooth(stage, seed)?;
            let missing = best - value(&report)?;
            let gain = best - problem.reference_value().unwrap_or(f64::NEG_INFINITY);
            let over = |scale: f64| if missing.abs() < 1e-9 { 0.0 } else { missing / scale };
            Ok((over(best.abs()), over(gain), report.cpu_seconds))
        };
        stages.push((1..=seeds).map(solve).collect::<Result<_, _>>()?);
    }
    Ok(Answer {
        closed: exact.termination_status == TerminationStatus::Optimal,
        cpu_seconds: exact.cpu_seconds,
        nodes: exact.nodes.unwrap_or(0),
        improved: best > value(&start)? + 1e-9,
        stages,
    })
}

fn value<P>(report: &Report<P>) -> Result<f64, Failure> {
    report.objective_value.ok_or_else(|| "no rule was found".into())
}
