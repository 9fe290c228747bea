//! The program forms of the policy tree: CPU seconds, nodes, proofs, and what the greedy tree loses against them.
//!
//! ```text
//! greedy loss = (exact - greedy) / (exact - best single arm)      over the same candidate thresholds
//! ```
//!
//! Ends with the yardstick (support/yardstick.rs).
//!
//! `cargo bench --profile release --bench tree_programs [-- --quick]`

mod support;

use prescribe::models::Model;
use prescribe::models::tree_rule::Candidates;
use prescribe::simulate::{Covariates, tree_rewards};
use prescribe::solve::greedy::Greedy;
use prescribe::solve::{self, Formulation, Milp, Options, Silent, TerminationStatus};
use serde::{Deserialize, Serialize};
use support::{Call, CpuLimit, Failure, largest, mean, median, or_dash, percent, run_jobs, table, yardstick};

/// CPU seconds for one solve.
const LIMIT: u64 = 60;

/// One row of a table: instances that differ by their seed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cell {
    form: Formulation,
    /// Position in [`KINDS`].
    kind: usize,
    n: usize,
    p: usize,
    k: usize,
    thresholds: usize,
    depth: usize,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    cell: Cell,
    seed: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Measured {
    cpu_seconds: f64,
    nodes: f64,
    proved: bool,
    gain_gap: Option<f64>,
    greedy_loss: f64,
    greedy_cpu_seconds: f64,
}

const KINDS: [(&str, Covariates); 3] =
    [("continuous", Covariates::Continuous), ("mixed", Covariates::Mixed), ("binary", Covariates::Binary)];

fn main() -> Result<(), Failure> {
    match Call::read() {
        Call::Job(text) => {
            let measured = measure(&serde_json::from_str(&text)?)?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Call::Bench { quick } => {
            extended(quick)?;
            flow(quick)?;
            yardstick::print()?;
        }
        Call::Other => {}
    }
    Ok(())
}

fn measure(&Job { cell, seed }: &Job) -> Result<Measured, Failure> {
    let drawn = tree_rewards(KINDS[cell.kind].1, cell.n, cell.p, cell.k, seed)?;
    let problem = drawn.problem(cell.depth, Candidates::Quantiles(cell.thresholds))?;
    let options = Options { threads: 1, ..Options::default() };
    let greedy = solve::solve(&problem, &Greedy, None, &options, &Silent)?;
    let milp = Milp { formulation: Some(cell.form) };
    let report = solve::solve(&problem, &milp, None, &options, &CpuLimit::seconds(LIMIT))?;
    let exact = report.objective_value.ok_or("no tree was found")?;
    let found = greedy.objective_value.ok_or("no greedy tree was found")?;
    let constant = problem.reference_value().unwrap_or(f64::NEG_INFINITY);
    let missing = exact - found;
    Ok(Measured {
        cpu_seconds: report.cpu_seconds,
        nodes: report.nodes.unwrap_or(0) as f64,
        proved: report.termination_status == TerminationStatus::Optimal && report.certificate.verified,
        gain_gap: report.gain_gap,
        greedy_loss: if missing.abs() < 1e-9 { 0.0 } else { missing / (exact - constant) },
        greedy_cpu_seconds: greedy.cpu_seconds,
    })
}

fn extended(quick: bool) -> Result<(), Failure> {
    let goal = Cell { form: Formulation::Extended, kind: 0, n: 500, p: 5, k: 2, thresholds: 15, depth: 2 };
    let cells = [
        goal,
        Cell { kind: 1, ..goal },
        Cell { kind: 2, ..goal },
        Cell { k: 4, ..goal },
        Cell { n: 2000, ..goal },
        Cell { p: 10, ..goal },
    ];
    let (cells, seeds) = if quick { (&cells[..1], 2) } else { (&cells[..], 5) };
    report("Extended form", cells, seeds)
}

fn flow(quick: bool) -> Result<(), Failure> {
    let goal = Cell { form: Formulation::Flow, kind: 0, n: 100, p: 3, k: 2, thresholds: 7, depth: 2 };
    let cells = [
        Cell { n: 50, thresholds: 3, ..goal },
        Cell { n: 50, thresholds: 3, depth: 3, ..goal },
        goal,
        Cell { depth: 3, ..goal },
    ];
    let (cells, seeds) = if quick { (&cells[..1], 1) } else { (&cells[..], 3) };
    report("Flow form", cells, seeds)
}

fn report(heading: &str, cells: &[Cell], seeds: u64) -> Result<(), Failure> {
    let jobs: Vec<Job> =
        cells.iter().flat_map(|&cell| (1..=seeds).map(move |seed| Job { cell, seed })).collect();
    let measured: Vec<Measured> = run_jobs(&jobs)?;
    let rows: Vec<Vec<String>> =
        cells.iter().zip(measured.chunks(seeds as usize)).map(|(cell, group)| row(cell, group)).collect();
    let header = [
        "covariates",
        "N",
        "p",
        "K",
        "thresholds",
        "depth",
        "proved",
        "median CPU s",
        "max CPU s",
        "median nodes",
        "gain gap where open",
        "greedy mean loss",
        "greedy max loss",
        "greedy CPU s",
    ];
    table(&format!("{heading} ({seeds} seeds, limit {LIMIT} CPU s)"), &header, &rows);
    Ok(())
}

fn row(cell: &Cell, group: &[Measured]) -> Vec<String> {
    let column = |of: fn(&Measured) -> f64| group.iter().map(of).collect::<Vec<f64>>();
    let seconds = column(|solve| solve.cpu_seconds);
    let proved = group.iter().filter(|solve| solve.proved);
    let losses: Vec<f64> = proved.map(|solve| solve.greedy_loss).collect();
    // Against a tree that is not proved there is no loss to speak of.
    let loss = |of: fn(&[f64]) -> f64| or_dash((!losses.is_empty()).then(|| of(&losses)), percent);
    let open = group.iter().filter(|solve| !solve.proved);
    vec![
        KINDS[cell.kind].0.to_string(),
        cell.n.to_string(),
        cell.p.to_string(),
        cell.k.to_string(),
        cell.thresholds.to_string(),
        cell.depth.to_string(),
        format!("{} of {}", losses.len(), group.len()),
        or_dash(median(seconds.iter().copied()), |s| format!("{s:.2}")),
        format!("{:.2}", largest(&seconds)),
        or_dash(median(column(|solve| solve.nodes)), |nodes| format!("{nodes:.0}")),
        or_dash(median(open.filter_map(|solve| solve.gain_gap)), percent),
        loss(mean),
        loss(largest),
        format!("{:.4}", mean(&column(|solve| solve.greedy_cpu_seconds))),
    ]
}
