//! Direction search for linear rules: CPU seconds to a proof, one thread, at the sizes where programs stop.
//!
//! Instances are those of `src/simulate/linear_gains.rs` (code, signal and noise there); the search starts itself, so its figures
//! hold everything but the making of the instance. A solve that meets the limit counts with the time that it took.
//!
//! `cargo bench --profile release --bench directions [-- --quick]`

mod support;

use prescribe::models::{AssignmentBound, SideConstraint};
use prescribe::simulate::linear_gains;
use prescribe::solve::{self, Directions, Enumerate, Options, Solver, TerminationStatus};
use serde::{Deserialize, Serialize};
use support::{Call, CpuLimit, Failure, largest, median, or_dash, percent, run_jobs, table};

/// CPU seconds for one solve.
const LIMIT: u64 = 120;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    n: usize,
    p: usize,
    seed: u64,
    discrete: bool,
    how: How,
}

/// Which search, under which constraint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum How {
    Directions,
    /// At most this share treated.
    Share(f64),
    Enumerate,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Measured {
    cpu_seconds: f64,
    boxes: Option<f64>,
    closed: bool,
    gain_gap: Option<f64>,
}

fn main() -> Result<(), Failure> {
    match Call::read() {
        Call::Job(text) => {
            let measured = measure(&serde_json::from_str(&text)?)?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Call::Bench { quick } => compare(quick)?,
        Call::Other => {}
    }
    Ok(())
}

fn measure(job: &Job) -> Result<Measured, Failure> {
    let mut problem = linear_gains(job.n, job.p, job.seed, job.discrete)?.problem()?;
    if let How::Share(share) = job.how {
        problem = problem.with(SideConstraint::Assignment(AssignmentBound::budget_share(job.n, 2, share)))?;
    }
    let solver: &dyn Solver<_> = if job.how == How::Enumerate { &Enumerate } else { &Directions };
    let options = Options { threads: 1, ..Options::default() };
    let report = solve::solve(&problem, solver, None, &options, &CpuLimit::seconds(LIMIT))?;
    Ok(Measured {
        cpu_seconds: report.cpu_seconds,
        boxes: report.nodes.map(|boxes| boxes as f64),
        closed: report.termination_status == TerminationStatus::Optimal && report.certificate.verified,
        gain_gap: report.gain_gap,
    })
}

/// (n, p, discrete, which search)
type Cell = (usize, usize, bool, How);

fn compare(quick: bool) -> Result<(), Failure> {
    let searched = [
        (5_000, 2, false),
        (100_000, 2, false),
        (1_000, 3, false),
        (5_000, 3, false),
        (20_000, 3, false),
        (2_129, 3, true),
        (800, 4, false),
        (5_000, 4, false),
        (400, 5, false),
        (800, 5, false),
        (200, 6, false),
    ];
    let shares = [(800, 2, false), (800, 3, false), (2_129, 3, true)];
    let flat = [(800, 2, false), (200, 3, false), (2_129, 2, true)];
    let by = |how: How| move |&(n, p, discrete): &(usize, usize, bool)| (n, p, discrete, how);
    let cells: Vec<Cell> = match quick {
        true => vec![
            (500, 2, false, How::Directions),
            (200, 3, true, How::Directions),
            (200, 2, false, How::Share(0.3)),
            (100, 2, false, How::Enumerate),
        ],
        false => searched
            .iter()
            .map(by(How::Directions))
            .chain(shares.iter().map(by(How::Share(0.3))))
            .chain(flat.iter().map(by(How::Enumerate)))
            .collect(),
    };
    let seeds = if quick { 2 } else { 5 };
    let job = |&(n, p, discrete, how): &Cell| (1..=seeds).map(move |seed| Job { n, p, seed, discrete, how });
    let measured: Vec<Measured> = run_jobs(&cells.iter().flat_map(job).collect::<Vec<_>>())?;
    let rows: Vec<Vec<String>> =
        cells.iter().zip(measured.chunks(seeds as usize)).map(|(cell, group)| row(cell, group)).collect();
    let header = [
        "solver",
        "covariates",
        "p",
        "N",
        "proved",
        "median CPU s",
        "max CPU s",
        "median boxes",
        "gain gap where open",
    ];
    table(&format!("Linear rules by search ({seeds} seeds, limit {LIMIT} CPU s)"), &header, &rows);
    Ok(())
}

fn row(&(n, p, discrete, how): &Cell, group: &[Measured]) -> Vec<String> {
    let seconds: Vec<f64> = group.iter().map(|solve| solve.cpu_seconds).collect();
    let open = group.iter().filter(|solve| !solve.closed);
    vec![
        match how {
            How::Directions => "directions".into(),
            How::Share(share) => format!("directions, budget share {share}"),
            How::Enumerate => "enumerate".into(),
        },
        if discrete { "discrete" } else { "continuous" }.into(),
        p.to_string(),
        n.to_string(),
        format!("{} of {}", group.iter().filter(|solve| solve.closed).count(), group.len()),
        or_dash(median(seconds.iter().copied()), |s| format!("{s:.3}")),
        format!("{:.3}", largest(&seconds)),
        or_dash(median(group.iter().filter_map(|solve| solve.boxes)), |boxes| format!("{boxes:.0}")),
        or_dash(median(open.filter_map(|solve| solve.gain_gap)), percent),
    ]
}
