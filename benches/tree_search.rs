//! The exact tree search: CPU seconds beside the best correct peer's, gain from threads, memory, and what is
//! known after some minutes of instances that no peer reaches.
//!
//! Instances are [`prescribe::simulate::tree_rewards`], whose formulas, signal and noise are stated there; the peers' figures (policytree,
//! fastpolicytree, pystreed, on the same design drawn by numpy) were measured at 3.3 GHz. Ends with the yardstick
//! (support/yardstick.rs).
//!
//! `cargo bench --profile release --bench tree_search [-- --quick]`

mod support;

use std::fs::read_to_string;

use prescribe::models::tree_rule::Candidates;
use prescribe::simulate::{Covariates, tree_rewards};
use prescribe::solve::{self, Options, Silent, TerminationStatus, TreeSearch};
use serde::{Deserialize, Serialize};
use support::{Call, Failure, largest, median, or_dash, percent, run_jobs, table, yardstick};

const KINDS: [(&str, Covariates); 3] =
    [("continuous", Covariates::Continuous), ("mixed", Covariates::Mixed), ("binary", Covariates::Binary)];

/// One solve.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    /// Position in [`KINDS`].
    kind: usize,
    n: usize,
    p: usize,
    k: usize,
    depth: usize,
    /// Quantiles of each covariate as thresholds; none: all values.
    quantiles: Option<usize>,
    seed: u64,
    threads: usize,
    limit: Option<f64>,
    /// Share of the true effects that is left in the rewards.
    signal: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Measured {
    cpu_seconds: f64,
    seconds: f64,
    proved: bool,
    value: f64,
    bound: f64,
    gain_gap: Option<f64>,
    cuts: u64,
    strategy: String,
    forecast: f64,
    /// Largest resident memory of the process in MB, and that before the solve.
    peak: f64,
    before: f64,
}

const fn job(kind: usize, n: usize, p: usize, k: usize, depth: usize) -> Job {
    Job { kind, n, p, k, depth, quantiles: None, seed: 1, threads: 1, limit: None, signal: 1.0 }
}

/// Instances with a goal and the best correct peer's figure, both in CPU seconds at 3.3 GHz.
const GOALS: [(Job, f64, Option<f64>); 9] = [
    (job(0, 10_000, 10, 2, 2), 0.06, Some(4.86)),
    (job(1, 10_000, 10, 4, 2), 0.006, Some(2.11)),
    (job(0, 1_000, 10, 16, 2), 0.05, Some(0.424)),
    (job(0, 500, 5, 2, 3), 0.08, Some(2.60)),
    (job(1, 500, 10, 2, 3), 0.05, Some(0.380)),
    (job(1, 1_000, 10, 4, 3), 0.15, Some(2.25)),
    (job(2, 10_000, 30, 2, 3), 0.04, Some(0.184)),
    (job(2, 500, 30, 2, 4), 0.05, Some(0.092)),
    (Job { quantiles: Some(40), ..job(0, 1_800, 3, 16, 3) }, 0.3, None),
];

fn main() -> Result<(), Failure> {
    match Call::read() {
        Call::Job(text) => {
            let measured = measure(&serde_json::from_str(&text)?)?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Call::Bench { quick } => {
            goals(if quick { 1 } else { 5 })?;
            if !quick {
                threads()?;
                larger()?;
            }
            yardstick::print()?;
        }
        Call::Other => {}
    }
    Ok(())
}

fn measure(job: &Job) -> Result<Measured, Failure> {
    let candidates = job.quantiles.map_or(Candidates::All, Candidates::Quantiles);
    let mut drawn = tree_rewards(KINDS[job.kind].1, job.n, job.p, job.k, job.seed)?;
    drawn.rewards.zip_mut_with(&drawn.effects, |reward, tau| *reward -= (1.0 - job.signal) * tau);
    let problem = drawn.problem(job.depth, candidates)?;
    drop(drawn);
    let options = Options { threads: job.threads, time_limit: job.limit, ..Options::default() };
    // What drawing took at its peak is no part of the solve's; where this cannot be written, it stays one.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = resident("VmRSS");
    let report = solve::solve(&problem, &TreeSearch::default(), None, &options, &Silent)?;
    Ok(Measured {
        cpu_seconds: report.cpu_seconds,
        seconds: report.solve_seconds,
        proved: report.termination_status == TerminationStatus::Optimal && report.certificate.verified,
        value: report.objective_value.ok_or("no tree was found")?,
        bound: report.objective_bound.ok_or("no bound was found")?,
        gain_gap: report.gain_gap,
        cuts: report.nodes.unwrap_or(0),
        strategy: report.statistics["strategy"].as_str().unwrap_or("").into(),
        forecast: report.statistics["forecast_seconds"].as_f64().unwrap_or(f64::NAN),
        peak: resident("VmHWM"),
        before,
    })
}

/// A line of /proc/self/status in MB; not a number where there is none.
fn resident(name: &str) -> f64 {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
}

fn name(job: &Job) -> String {
    let quantiles = job.quantiles.map_or(String::new(), |q| format!(" on {q} quantiles"));
    let signal = if job.signal < 1.0 { format!(", {} of the signal", job.signal) } else { String::new() };
    format!("{} n{} p{} K{}{quantiles}{signal}", KINDS[job.kind].0, job.n, job.p, job.k)
}

/// The goals, each on so many seeds; one solve at a time, so that nothing else fills the caches.
fn goals(seeds: u64) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for (job, goal, peer) in GOALS {
        let solve = |seed: u64| -> Result<Measured, Failure> { one(Job { seed, ..job }) };
        let solved = (1..=seeds).map(solve).collect::<Result<Vec<_>, _>>()?;
        let seconds: Vec<f64> = solved.iter().map(|solve| solve.cpu_seconds).collect();
        rows.push(vec![
            name(&job),
            job.depth.to_string(),
            format!("{} of {}", solved.iter().filter(|solve| solve.proved).count(), solved.len()),
            or_dash(median(seconds.iter().copied()), |s| format!("{s:.4}")),
            format!("{:.4}", largest(&seconds)),
            goal.to_string(),
            or_dash(peer, |peer| peer.to_string()),
            solved[0].strategy.clone(),
            solved[0].cuts.to_string(),
            format!("{:.4}", solved[0].forecast),
        ]);
    }
    let header = [
        "instance",
        "depth",
        "proved",
        "median CPU s",
        "max CPU s",
        "goal",
        "best peer",
        "strategy",
        "root cuts",
        "forecast s",
    ];
    table(&format!("One thread ({seeds} seeds)"), &header, &rows);
    Ok(())
}

/// A solve in a process of its own, with the machine to itself.
fn one(job: Job) -> Result<Measured, Failure> {
    run_jobs(&[job])?.pop().ok_or_else(|| "no answer".into())
}

/// Wall-clock seconds on one and four threads; the answers are the same.
fn threads() -> Result<(), Failure> {
    let jobs = [
        job(0, 100_000, 10, 2, 2),
        job(0, 10_000, 10, 4, 2),
        job(0, 2_000, 5, 2, 3),
        job(1, 4_000, 10, 4, 3),
    ];
    let mut rows = Vec::new();
    for job in jobs {
        let (alone, four) = (one(job)?, one(Job { threads: 4, ..job })?);
        rows.push(vec![
            name(&job),
            job.depth.to_string(),
            format!("{:.2}", alone.seconds),
            format!("{:.2}", four.seconds),
            format!("{:.2}", alone.seconds / four.seconds),
            format!("{}", alone.value == four.value && alone.bound == four.bound && alone.cuts == four.cuts),
        ]);
    }
    table(
        "Threads (wall-clock s)",
        &["instance", "depth", "1 thread", "4 threads", "gain", "same answer"],
        &rows,
    );
    Ok(())
}

/// What is known after 1, 3 and 10 minutes on all cores.
fn larger() -> Result<(), Failure> {
    let jobs = [
        job(0, 10_000, 30, 16, 2),
        job(0, 10_000, 10, 2, 3),
        job(0, 1_000, 10, 2, 4),
        Job { quantiles: Some(5), ..job(1, 10_346, 6, 5, 5) },
        job(0, 100_000, 200, 20, 2),
        Job { signal: 0.5, ..job(0, 100_000, 200, 20, 2) },
        Job { signal: 0.25, ..job(0, 100_000, 200, 20, 2) },
    ];
    let mut rows = Vec::new();
    for job in jobs {
        for minutes in [1, 3, 10] {
            let solved = one(Job { threads: 0, limit: Some(60.0 * f64::from(minutes)), ..job })?;
            rows.push(vec![
                name(&job),
                job.depth.to_string(),
                format!("{:.0}", solved.seconds),
                format!("{:.0}", solved.cpu_seconds),
                format!("{:.3}", solved.value),
                format!("{:.3}", solved.bound),
                if solved.proved { "proved".into() } else { or_dash(solved.gain_gap, percent) },
                format!("{:.0}", solved.peak),
                format!("{:.0}", solved.before),
            ]);
            if solved.proved {
                break;
            }
        }
    }
    let header =
        ["instance", "depth", "wall s", "CPU s", "incumbent", "bound", "gain gap", "peak MiB", "MiB before"];
    table("Larger than any peer goes (all cores, limits of 1, 3 and 10 minutes)", &header, &rows);
    Ok(())
}
