//! The exact tree search: how CPU seconds grow with the number of units, covariates, arms and levels, and what side constraints cost.
//!
//! Around a base instance one size at a time varies; the exponent b is the slope of the least-squares line through
//! (log size, log seconds), so that seconds are about c size^b. Along the depth the table has the factor e^b that a level costs. Instances
//! are [`prescribe::simulate::tree_rewards`], each figure the median over the seeds; one thread, a process each, one at a time.
//!
//! `cargo bench --profile release --bench tree_growth [-- --quick]`

mod support;

use ndarray::Array2;
use prescribe::models::tree_rule::{Candidates, TreeProblem};
use prescribe::models::{MinimumArmInLeaf, Model, SideConstraint};
use prescribe::simulate::{Covariates, tree_rewards};
use prescribe::solve::{self, Options, Silent, TerminationStatus, TreeSearch};
use serde::{Deserialize, Serialize};
use support::{Call, Failure, median, or_dash, run_jobs, table, yardstick};

const KINDS: [(&str, Covariates); 3] =
    [("continuous", Covariates::Continuous), ("mixed", Covariates::Mixed), ("binary", Covariates::Binary)];

/// Seconds after which a solve is stopped, and left out of the fit.
const LIMIT: f64 = 60.0;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Side {
    None,
    LeafSize,
    ReceivedArms,
    Eligibility,
    FewCovariates,
    All,
}

const SIDES: [(&str, Side); 6] = [
    ("none", Side::None),
    ("leaves of 1% of the units", Side::LeafSize),
    ("0.2% of the units of each received arm in a leaf", Side::ReceivedArms),
    ("an arm barred where a covariate is large", Side::Eligibility),
    ("two covariates", Side::FewCovariates),
    ("all of these", Side::All),
];

/// One solve.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    /// Position in [`KINDS`].
    kind: usize,
    n: usize,
    p: usize,
    k: usize,
    depth: usize,
    side: Side,
    seed: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Measured {
    cpu_seconds: f64,
    forecast: f64,
    proved: bool,
}

const fn job(kind: usize, n: usize, p: usize, k: usize, depth: usize) -> Job {
    Job { kind, n, p, k, depth, side: Side::None, seed: 1 }
}

fn main() -> Result<(), Failure> {
    match Call::read() {
        Call::Job(text) => {
            let measured = measure(&serde_json::from_str(&text)?)?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Call::Bench { quick } => {
            growth(if quick { 1 } else { 3 }, if quick { 2 } else { usize::MAX })?;
            constrained(if quick { 1 } else { 3 }, if quick { 500 } else { 5_000 })?;
            yardstick::print()?;
        }
        Call::Other => {}
    }
    Ok(())
}

fn measure(job: &Job) -> Result<Measured, Failure> {
    let drawn = tree_rewards(KINDS[job.kind].1, job.n, job.p, job.k, job.seed)?;
    let problem = constrain(drawn.problem(job.depth, Candidates::All)?, job.side)?;
    let options = Options { threads: 1, time_limit: Some(LIMIT), ..Options::default() };
    let report = solve::solve(&problem, &TreeSearch::default(), None, &options, &Silent)?;
    Ok(Measured {
        cpu_seconds: report.cpu_seconds,
        forecast: report.statistics["forecast_seconds"].as_f64().unwrap_or(f64::NAN),
        proved: report.termination_status == TerminationStatus::Optimal && report.certificate.verified,
    })
}

fn constrain(problem: TreeProblem, side: Side) -> Result<TreeProblem, Failure> {
    let (n, arms) = (problem.units(), problem.arms.len());
    let x = problem.x().clone();
    let sides = match side {
        Side::None => Vec::new(),
        Side::LeafSize => vec![SideConstraint::MinimumLeafSize(n / 100)],
        Side::ReceivedArms => {
            let received = (0..n).map(|i| i % arms).collect();
            vec![SideConstraint::MinimumArmInLeaf(MinimumArmInLeaf { received, least: n / 500 })]
        }
        Side::Eligibility => {
            let may = |(i, k): (usize, usize)| k + 1 < arms || x[[i, 1]] <= 0.5;
            vec![SideConstraint::Eligibility(Array2::from_shape_fn((n, arms), may))]
        }
        Side::FewCovariates => vec![SideConstraint::MaximumCovariates(2)],
        Side::All => {
            let sides = [Side::LeafSize, Side::ReceivedArms, Side::Eligibility, Side::FewCovariates];
            return sides.into_iter().try_fold(problem, constrain);
        }
    };
    let with = |problem: TreeProblem, side| problem.with(side).map_err(Failure::from);
    sides.into_iter().try_fold(problem, with)
}

/// The same job on so many seeds, one at a time, so that nothing else fills the caches.
fn solves(job: Job, seeds: u64) -> Result<Vec<Measured>, Failure> {
    let solve = |seed: u64| run_jobs(&[Job { seed, ..job }])?.pop().ok_or_else(|| "no answer".into());
    (1..=seeds).map(solve).collect()
}

/// A size that varies: its name, whether exponents are of its logarithm, and the jobs.
type Series = (String, bool, Vec<(f64, Job)>);

fn series() -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for (kind, k) in [(0, 2), (1, 4)] {
        let (name, base) = (KINDS[kind].0, job(kind, 2_000, 10, k, 2));
        let along = |sizes: &[usize], at: &dyn Fn(usize) -> Job| {
            sizes.iter().map(|&size| (size as f64, at(size))).collect::<Vec<_>>()
        };
        let units = along(&[1_000, 3_000, 10_000, 30_000, 100_000], &|n| Job { n, ..base });
        all.push((format!("n, {name} p10 K{k} depth 2"), true, units));
        let covariates = along(&[5, 10, 20, 40, 80], &|p| Job { p, ..base });
        all.push((format!("p, {name} n2000 K{k} depth 2"), true, covariates));
        let arms = along(&[2, 4, 8, 16, 32], &|k| Job { k, ..base });
        all.push((format!("K, {name} n2000 p10 depth 2"), true, arms));
        let levels = along(&[1, 2, 3, 4], &|depth| job(kind, 250, 5, k, depth));
        all.push((format!("depth, {name} n250 p5 K{k}"), false, levels));
    }
    let units = [1_000, 10_000, 100_000].map(|n| (n as f64, job(2, n, 30, 2, 3)));
    all.push(("n, binary p30 K2 depth 3".into(), true, units.into()));
    let units = [250, 500, 1_000, 2_000].map(|n| (n as f64, job(0, n, 5, 2, 3)));
    all.push(("n, continuous p5 K2 depth 3".into(), true, units.into()));
    all
}

fn growth(seeds: u64, most: usize) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for (what, logarithm, jobs) in series() {
        let (mut points, mut cells, mut forecasts) = (Vec::new(), Vec::new(), Vec::new());
        for (size, job) in jobs.into_iter().take(most) {
            let solved = solves(job, seeds)?;
            let seconds = median(solved.iter().map(|solve| solve.cpu_seconds)).unwrap_or(f64::NAN);
            if solved.iter().any(|solve| !solve.proved) {
                cells.push(format!("{size}: over {LIMIT:.0}"));
                continue;
            }
            cells.push(format!("{size}: {seconds:.4}"));
            forecasts.push(solved[0].forecast / seconds);
            points.push((if logarithm { size.ln() } else { size }, seconds.ln()));
        }
        let b = slope(&points);
        let fitted = if logarithm { format!("{b:.2}") } else { format!("x {:.1} a level", b.exp()) };
        let forecast = forecasts.iter().map(|ratio| format!("{ratio:.1}"));
        rows.push(vec![what, cells.join(", "), fitted, forecast.collect::<Vec<_>>().join(", ")]);
    }
    table(&format!("Growth ({seeds} seeds)"), &["size", "CPU s", "b", "forecast / CPU s"], &rows);
    Ok(())
}

/// Slope of the least-squares line.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x / n, sy + y / n));
    let (xy, xx) =
        points.iter().fold((0.0, 0.0), |(a, b), (px, py)| (a + (px - x) * (py - y), b + (px - x).powi(2)));
    xy / xx
}

/// CPU seconds under each side constraint at depth 2.
fn constrained(seeds: u64, n: usize) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for (what, side) in SIDES {
        let mut row = vec![what.to_string()];
        for kind in 0..KINDS.len() {
            let solved = solves(Job { side, ..job(kind, n, 10, 3, 2) }, seeds)?;
            let seconds = median(solved.iter().map(|solve| solve.cpu_seconds));
            let open = solved.iter().filter(|solve| !solve.proved).count();
            let open = if open > 0 { format!(" ({open} open)") } else { String::new() };
            row.push(or_dash(seconds, |s| format!("{s:.4}{open}")));
        }
        rows.push(row);
    }
    table(
        &format!("Side constraints (n{n} p10 K3 depth 2, CPU s, {seeds} seeds)"),
        &["constraint", KINDS[0].0, KINDS[1].0, KINDS[2].0],
        &rows,
    );
    Ok(())
}
