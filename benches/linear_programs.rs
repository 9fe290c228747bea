//! The program forms of the linear rule side by side: CPU seconds, nodes, proofs.
//!
//! Every solve but those of the group "no start" begins at the polished smooth solution, as the program does; its time is not
//! part of the figures (smooth_gap has it). A solve that meets the limit counts with the time that it took.
//!
//! `cargo bench --profile release --bench linear_programs [-- --quick]`

mod support;

use prescribe::simulate::linear_gains;
use prescribe::solve::{self, Formulation, Milp, Options, Silent, Smooth, TerminationStatus};
use serde::{Deserialize, Serialize};
use support::{Call, CpuLimit, Failure, median, or_dash, percent, run_jobs, table};

/// CPU seconds for one solve.
const LIMIT: u64 = 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    n: usize,
    p: usize,
    seed: u64,
    formulation: Formulation,
    start: bool,
    limit: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Measured {
    cpu_seconds: f64,
    nodes: f64,
    /// Proved; for the naive form, which proves nothing about the whole class: solved to its end.
    closed: bool,
    gain_gap: Option<f64>,
    start_value: Option<f64>,
    value: f64,
}

fn main() -> Result<(), Failure> {
    match Call::read() {
        Call::Job(text) => {
            let measured = measure(&serde_json::from_str(&text)?)?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Call::Bench { quick } => {
            by_size(quick)?;
            by_covariates(quick)?;
        }
        Call::Other => {}
    }
    Ok(())
}

fn measure(job: &Job) -> Result<Measured, Failure> {
    let problem = linear_gains(job.n, job.p, job.seed, false)?.problem()?;
    let options = Options { threads: 1, ..Options::default() };
    let start = match job.start {
        true => Some(solve::solve(&problem, &Smooth::default(), None, &options, &Silent)?),
        false => None,
    };
    let milp = Milp { formulation: Some(job.formulation) };
    let from = start.as_ref().and_then(|report| report.point.as_ref());
    let report = solve::solve(&problem, &milp, from, &options, &CpuLimit::seconds(job.limit))?;
    Ok(Measured {
        cpu_seconds: report.cpu_seconds,
        nodes: report.nodes.unwrap_or(0) as f64,
        closed: match job.formulation {
            Formulation::Naive => report.termination_status == TerminationStatus::LocallySolved,
            _ => report.termination_status == TerminationStatus::Optimal && report.certificate.verified,
        },
        gain_gap: report.gain_gap,
        start_value: start.and_then(|report| report.objective_value),
        value: report.objective_value.ok_or("no rule was found")?,
    })
}

/// All forms at the sizes of a small study.
fn by_size(quick: bool) -> Result<(), Failure> {
    let (sizes, seeds, limit): (&[usize], u64, u64) =
        if quick { (&[60], 2, 5) } else { (&[60, 100, 200], 5, LIMIT) };
    let forms = [
        ("facets", Formulation::Facets, true),
        ("facets, no start", Formulation::Facets, false),
        ("radon", Formulation::Radon, true),
        ("facets_radon", Formulation::FacetsRadon, true),
        ("naive", Formulation::Naive, true),
    ];
    let mut cells = Vec::new();
    for p in [2, 3] {
        for &n in sizes {
            cells.extend(forms.map(|(name, formulation, start)| {
                (vec![p.to_string(), n.to_string(), name.to_string()], n, p, formulation, start)
            }));
        }
    }
    let header = ["p", "N", "form", "closed", "CPU s", "nodes", "gain gap where open", "start improved"];
    let heading = format!("Linear rules by size (medians over {seeds} seeds, limit {limit} CPU s)");
    report(&heading, &header, &cells, seeds, limit)
}

/// Facets against labels as covariates are added: what `FACETS_UP_TO` of src/solve/forms.rs rests on.
fn by_covariates(quick: bool) -> Result<(), Failure> {
    let (counts, seeds, limit): (&[usize], u64, u64) =
        if quick { (&[2, 3], 1, 5) } else { (&[2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30], 3, LIMIT) };
    let forms = [("facets", Formulation::Facets), ("radon", Formulation::Radon)];
    let mut cells = Vec::new();
    for &p in counts {
        cells.extend(forms.map(|(name, formulation)| {
            (vec![p.to_string(), "50".into(), name.to_string()], 50, p, formulation, true)
        }));
    }
    let header = ["p", "N", "form", "closed", "CPU s", "nodes", "gain gap where open", "start improved"];
    let heading = format!("Facets against labels (medians over {seeds} seeds, limit {limit} CPU s)");
    report(&heading, &header, &cells, seeds, limit)
}

type Cell = (Vec<String>, usize, usize, Formulation, bool);

fn report(heading: &str, header: &[&str], cells: &[Cell], seeds: u64, limit: u64) -> Result<(), Failure> {
    let jobs: Vec<Job> = cells
        .iter()
        .flat_map(|&(_, n, p, formulation, start)| {
            (1..=seeds).map(move |seed| Job { n, p, seed, formulation, start, limit })
        })
        .collect();
    let measured: Vec<Measured> = run_jobs(&jobs)?;
    let rows: Vec<Vec<String>> = cells
        .iter()
        .zip(measured.chunks(seeds as usize))
        .map(|((names, ..), group)| row(names, group))
        .collect();
    table(heading, header, &rows);
    Ok(())
}

fn row(names: &[String], group: &[Measured]) -> Vec<String> {
    let closed = group.iter().filter(|solve| solve.closed).count();
    let open = group.iter().filter(|solve| !solve.closed);
    let improved = group
        .iter()
        .filter(|solve| solve.start_value.is_some_and(|start| solve.value > start + 1e-9))
        .count();
    let started = group.iter().any(|solve| solve.start_value.is_some());
    let figures = [
        format!("{closed} of {}", group.len()),
        or_dash(median(group.iter().map(|solve| solve.cpu_seconds)), |s| format!("{s:.2}")),
        or_dash(median(group.iter().map(|solve| solve.nodes)), |nodes| format!("{nodes:.0}")),
        or_dash(median(open.filter_map(|solve| solve.gain_gap)), percent),
        if started { improved.to_string() } else { "-".into() },
    ];
    names.iter().cloned().chain(figures).collect()
}
