//! Exact linear rules under additive interference: CPU seconds to a proof beside program (20), and what smoothing leaves on the table.
//!
//! ```text
//! maximise  (1/n) sum_ij gain_ij 1{b_0 + x_ij'b >= 0},   gain_ij = Ybar_i (A_ij / p_ij - (1 - A_ij) / (1 - p_ij))     interference.txt, (18)-(20)
//! ```
//!
//! Instances: scenario A of interference.txt, section 6 (four covariates, p = .3, clusters of 5, 10 or 15 units until there are N; the last is cut),
//! and the studies of `src/simulate/cash_transfers.rs` (2,129 units, three discrete covariates). The search starts itself, so its figures hold
//! everything but the making of the instance. The program starts from the polished smooth solution, whose time is not part of its figures.
//!
//! ```text
//! loss   (exact - found) / (exact - best constant rule)
//! ```
//!
//! `cargo bench --profile release --bench interference_exact [-- --quick]`

mod support;

use ndarray::Array2;
use prescribe::interference::{Clusters, Interference, gains};
use prescribe::models::Model;
use prescribe::models::linear_rule::LinearProblem;
use prescribe::simulate::{TRANSFER_COVARIATES, cash_transfers};
use prescribe::solve::{
    self, Directions, Formulation, Milp, Options, Silent, Smooth, Stage, TerminationStatus,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use support::{Call, CpuLimit, Failure, largest, mean, median, or_dash, percent, run_jobs, table};

/// CPU seconds for a search and for a program.
const SEARCH: u64 = 120;
const PROGRAM: u64 = 60;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Instance {
    /// Scenario A with so many units.
    Scenario(usize),
    Households,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum How {
    Search,
    Program,
    Smooth(Stage),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    instance: Instance,
    seed: u64,
    how: How,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Measured {
    cpu_seconds: f64,
    boxes: Option<f64>,
    /// Proved and verified; of program (20), which proves nothing about rules close to a unit: solved to its end.
    closed: bool,
    gain_gap: Option<f64>,
    value: f64,
    constant: f64,
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
    let problem = problem(job.instance, job.seed)?;
    let options = Options { threads: 1, ..Options::default() };
    let report = match job.how {
        How::Search => solve::solve(&problem, &Directions, None, &options, &CpuLimit::seconds(SEARCH))?,
        How::Smooth(stage) => solve::solve(&problem, &Smooth { stage }, None, &options, &Silent)?,
        How::Program => {
            let start = solve::solve(&problem, &Smooth::default(), None, &options, &Silent)?;
            let program = Milp { formulation: Some(Formulation::Naive) };
            solve::solve(&problem, &program, start.point.as_ref(), &options, &CpuLimit::seconds(PROGRAM))?
        }
    };
    let proved = report.termination_status == TerminationStatus::Optimal && report.certificate.verified;
    let ended = report.termination_status == TerminationStatus::LocallySolved;
    let (value, constant) = (report.objective_value, problem.reference_value());
    let value = value.ok_or("no rule was found")?;
    let constant = constant.ok_or("a constant rule is always there")?;
    // Of program (20) the bound on the rules that it has.
    let restricted = report.statistics.get("restricted_bound").and_then(serde_json::Value::as_f64);
    Ok(Measured {
        cpu_seconds: report.cpu_seconds,
        boxes: report.nodes.map(|boxes| boxes as f64),
        closed: proved || (ended && matches!(job.how, How::Program)),
        gain_gap: report.gain_gap.or(restricted.map(|bound| (bound - value) / (value - constant))),
        value,
        constant,
    })
}

fn problem(instance: Instance, seed: u64) -> Result<LinearProblem, Failure> {
    let (clusters, names, x) = match instance {
        Instance::Scenario(units) => {
            let (clusters, x) = scenario(units, seed);
            (clusters, ["x1", "x2", "x3", "x4"].map(String::from).to_vec(), x)
        }
        Instance::Households => {
            let drawn = cash_transfers(seed);
            (drawn.clusters, TRANSFER_COVARIATES.map(String::from).to_vec(), drawn.x)
        }
    };
    let gains = gains(&clusters, Interference::Additive, None).ok_or("addIPW is a sum of gains")?;
    let gains: Vec<f64> = gains.iter().map(|gain| gain / clusters.count() as f64).collect();
    Ok(LinearProblem::from_gains(names, x, &gains)?)
}

/// Scenario A.
fn scenario(units: usize, seed: u64) -> (Clusters, Array2<f64>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let x = Array2::from_shape_simple_fn((units, 4), || random.sample::<f64, _>(StandardNormal));
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut first = 0;
    while first < units {
        let last = (first + 5 * random.random_range(1..=3)).min(units);
        members.push((first..last).collect());
        first = last;
    }
    let treated: Vec<bool> = (0..units).map(|_| random.random::<f64>() < 0.3).collect();
    let mut outcome = vec![0.0; units];
    for cluster in &members {
        for &u in cluster {
            let spill = |&&k: &&usize| k != u && treated[k];
            let others: f64 = cluster.iter().filter(spill).map(|&k| x[[k, 2]] + x[[k, 3]]).sum();
            let own = x[[u, 0]] + 0.5 * x[[u, 1]] - x[[u, 2]] - 0.5 * x[[u, 3]];
            outcome[u] = 0.2 * (x[[u, 1]] + x[[u, 2]])
                + if treated[u] { own } else { 0.0 }
                + 1.5 / (cluster.len() - 1) as f64 * others
                + random.sample::<f64, _>(StandardNormal);
        }
    }
    (Clusters { members, treated, propensity: vec![0.3; units], outcome }, x)
}

fn compare(quick: bool) -> Result<(), Failure> {
    let (instances, seeds, programs): (&[Instance], u64, u64) = match quick {
        true => (&[Instance::Scenario(200)], 2, 0),
        false => (&[Instance::Scenario(800), Instance::Scenario(4_000), Instance::Households], 20, 3),
    };
    let mut searched = Vec::new();
    for &instance in instances {
        searched.push(run(instance, How::Search, seeds)?);
    }
    let mut rows: Vec<Vec<String>> = instances
        .iter()
        .zip(&searched)
        .map(|(instance, group)| row(*instance, "directions", group))
        .collect();
    for &instance in instances.iter().filter(|_| programs > 0) {
        rows.push(row(instance, "HiGHS, program (20)", &run(instance, How::Program, programs)?));
    }
    let header = [
        "instances",
        "solver",
        "closed",
        "mean CPU s",
        "median",
        "worst",
        "median boxes",
        "gain gap where open",
    ];
    table(&format!("addIPW rules, limits {SEARCH} (search) and {PROGRAM} (program) CPU s"), &header, &rows);
    let mut rows = Vec::new();
    for (&instance, exact) in instances.iter().zip(&searched) {
        for (name, stage) in [("plain", Stage::MultiStart), ("polished", Stage::Polished)] {
            rows.push(losses(instance, name, &run(instance, How::Smooth(stage), seeds)?, exact));
        }
    }
    let header = ["instances", "smoothing", "at the optimum", "mean loss", "median", "worst", "mean CPU s"];
    table(&format!("What smoothing leaves, {seeds} instances a size"), &header, &rows);
    Ok(())
}

fn run(instance: Instance, how: How, seeds: u64) -> Result<Vec<Measured>, Failure> {
    let jobs: Vec<Job> = (1..=seeds).map(|seed| Job { instance, seed, how }).collect();
    run_jobs(&jobs)
}

fn named(instance: Instance) -> String {
    match instance {
        Instance::Scenario(units) => format!("scenario A, p = 4, N = {units}"),
        Instance::Households => "households, p = 3 discrete, N = 2129".into(),
    }
}

fn row(instance: Instance, solver: &str, group: &[Measured]) -> Vec<String> {
    let seconds: Vec<f64> = group.iter().map(|solve| solve.cpu_seconds).collect();
    let open = group.iter().filter(|solve| !solve.closed);
    vec![
        named(instance),
        solver.into(),
        format!("{} of {}", group.iter().filter(|solve| solve.closed).count(), group.len()),
        format!("{:.3}", mean(&seconds)),
        or_dash(median(seconds.iter().copied()), |s| format!("{s:.3}")),
        format!("{:.3}", largest(&seconds)),
        or_dash(median(group.iter().filter_map(|solve| solve.boxes)), |boxes| format!("{boxes:.0}")),
        or_dash(median(open.filter_map(|solve| solve.gain_gap)), percent),
    ]
}

/// `found` against the optima, where these are proved.
fn losses(instance: Instance, name: &str, found: &[Measured], exact: &[Measured]) -> Vec<String> {
    let proved = || found.iter().zip(exact).filter(|(_, exact)| exact.closed);
    let loss = |(found, exact): (&Measured, &Measured)| {
        let missing = exact.value - found.value;
        if missing.abs() < 1e-9 { 0.0 } else { missing / (exact.value - exact.constant) }
    };
    let losses: Vec<f64> = proved().map(loss).collect();
    let hits = losses.iter().filter(|loss| **loss == 0.0).count();
    vec![
        named(instance),
        name.into(),
        format!("{hits} of {}", losses.len()),
        percent(mean(&losses)),
        or_dash(median(losses.iter().copied()), percent),
        percent(largest(&losses)),
        format!("{:.3}", mean(&found.iter().map(|solve| solve.cpu_seconds).collect::<Vec<_>>())),
    ]
}
