//! How far the smooth approximation stays below the exact optimum, stage by stage, over 24 generated instances.
//!
//! The optimum of each instance is proved by flat enumeration (support/exact_reference.rs), which the facet programs confirm
//! where they close in their time. Sizes are those at which enumeration is feasible: p = 4 up to N = 400, p = 5 up to N = 100.
//!
//! ```text
//! loss       (exact - found) / |exact|                          treating nobody is worth 0
//! gain loss  (exact - found) / (exact - best constant rule)
//! ```
//!
//! `cargo bench --profile release --bench smooth_gap [-- --quick]`

mod support;

use prescribe::models::Model;
use prescribe::models::linear_rule::LinearProblem;
use prescribe::simulate::linear_gains;
use prescribe::solve::{self, Formulation, Milp, Options, Silent, Smooth, Stage, TerminationStatus};
use support::{Call, CpuLimit, Failure, exact_reference, largest, mean, percent, table};

/// (N, p, seed): ten seeds, each size at least once.
const INSTANCES: [(usize, usize, u64); 24] = [
    (50, 2, 1),
    (100, 2, 2),
    (200, 2, 3),
    (400, 2, 4),
    (800, 2, 5),
    (800, 2, 6),
    (50, 3, 7),
    (100, 3, 8),
    (200, 3, 9),
    (200, 3, 3),
    (400, 3, 10),
    (800, 3, 1),
    (800, 3, 2),
    (50, 4, 4),
    (100, 4, 5),
    (100, 4, 9),
    (200, 4, 6),
    (200, 4, 7),
    (400, 4, 8),
    (50, 5, 10),
    (50, 5, 1),
    (100, 5, 2),
    (100, 5, 3),
    (100, 5, 4),
];
/// Solver seeds of the stages that draw at random.
const SOLVER_SEEDS: u64 = 10;
/// CPU seconds in which the facet programs may confirm an optimum.
const CONFIRM: u64 = 20;
const STAGES: [(&str, Stage); 3] =
    [("surrogate", Stage::Surrogate), ("multi_start", Stage::MultiStart), ("polished", Stage::Polished)];

/// One solve against the optimum.
struct Solve {
    loss: f64,
    gain_loss: f64,
    cpu_seconds: f64,
}

fn main() -> Result<(), Failure> {
    let Call::Bench { quick } = Call::read() else {
        return Ok(());
    };
    let chosen = INSTANCES.iter().filter(|(n, ..)| !quick || *n <= 50);
    let mut rows = Vec::new();
    let mut by_stage: [Vec<Solve>; 3] = Default::default();
    for &(n, p, seed) in chosen {
        let problem = linear_gains(n, p, seed, false)?.problem()?;
        let clock = cpu_time::ProcessTime::now();
        let exact = support::pool()?.install(|| exact_reference::optimum(&problem))?;
        let reference_seconds = clock.elapsed().as_secs_f64();
        let mut row = vec![p.to_string(), n.to_string(), seed.to_string(), format!("{exact:.4}")];
        row.push(format!("{reference_seconds:.1}"));
        row.push(confirmation(&problem, exact)?.into());
        for ((_, stage), all) in STAGES.iter().zip(&mut by_stage) {
            let solves = solves(&problem, *stage, exact)?;
            row.push(percent(mean(&column(&solves, |solve| solve.loss))));
            row.push(percent(largest(&column(&solves, |solve| solve.loss))));
            row.push(format!("{:.3}", largest(&column(&solves, |solve| solve.cpu_seconds))));
            all.extend(solves);
        }
        // The surrogate draws nothing: its mean is its maximum.
        row.remove(7);
        eprintln!("{}", row.join(" | "));
        rows.push(row);
    }
    let header = [
        "p",
        "N",
        "seed",
        "exact",
        "enumeration CPU s",
        "facets confirm",
        "surrogate loss",
        "CPU s",
        "multi_start mean loss",
        "max",
        "max CPU s",
        "polished mean loss",
        "max",
        "max CPU s",
    ];
    table(&format!("Loss by instance ({SOLVER_SEEDS} solver seeds)"), &header, &rows);
    let rows: Vec<_> =
        STAGES.iter().zip(&by_stage).map(|((name, _), solves)| summary(name, solves)).collect();
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
    table(&format!("Loss by stage ({} instances)", INSTANCES.len()), &header, &rows);
    Ok(())
}

/// Whether the facet programs prove the same value; where they do not close there is nothing to compare.
fn confirmation(problem: &LinearProblem, exact: f64) -> Result<&'static str, Failure> {
    if problem.units() > 100 || problem.covariates.len() > 3 {
        return Ok("not tried");
    }
    let milp = Milp { formulation: Some(Formulation::Facets) };
    let report = solve::solve(problem, &milp, None, &Options::default(), &CpuLimit::seconds(CONFIRM))?;
    let value = report.objective_value.ok_or("no rule was found")?;
    match report.termination_status {
        TerminationStatus::Optimal if (value - exact).abs() <= 1e-6 * exact.abs().max(1.0) => Ok("yes"),
        TerminationStatus::Optimal => {
            Err(format!("the facet programs prove {value}, enumeration {exact}").into())
        }
        _ => Ok("limit"),
    }
}

fn solves(problem: &LinearProblem, stage: Stage, exact: f64) -> Result<Vec<Solve>, Failure> {
    let constant = problem.reference_value().unwrap_or(f64::NEG_INFINITY);
    let seeds = if stage == Stage::Surrogate { 1 } else { SOLVER_SEEDS };
    let one = |random_seed: u64| {
        // One thread and one solve at a time: CPU time belongs to the process.
        let options = Options { random_seed, threads: 1, ..Options::default() };
        let report = solve::solve(problem, &Smooth { stage }, None, &options, &Silent)?;
        let found = report.objective_value.ok_or("no rule was found")?;
        let missing = exact - found;
        if missing < -1e-6 * exact.abs().max(1.0) {
            return Err(format!("the smooth solver found {found}, above the optimum {exact}").into());
        }
        let over = |scale: f64| if missing.abs() < 1e-9 { 0.0 } else { missing / scale };
        Ok(Solve {
            loss: over(exact.abs()),
            gain_loss: over(exact - constant),
            cpu_seconds: report.cpu_seconds,
        })
    };
    (1..=seeds).map(one).collect()
}

fn summary(name: &str, solves: &[Solve]) -> Vec<String> {
    let losses = column(solves, |solve| solve.loss);
    let gain_losses = column(solves, |solve| solve.gain_loss);
    let seconds = column(solves, |solve| solve.cpu_seconds);
    let hits = losses.iter().filter(|loss| **loss == 0.0).count();
    vec![
        name.into(),
        percent(mean(&losses)),
        percent(largest(&losses)),
        percent(mean(&gain_losses)),
        percent(largest(&gain_losses)),
        format!("{hits} of {}", solves.len()),
        format!("{:.3}", mean(&seconds)),
        format!("{:.3}", largest(&seconds)),
    ]
}

fn column(solves: &[Solve], of: impl Fn(&Solve) -> f64) -> Vec<f64> {
    solves.iter().map(of).collect()
}
