//! Joint assignment forests: CPU milliseconds a tree, growth with the number of units, threads, and a million units.
//!
//! Instance `manyarms` (seed, n, K): the design of `src/simulate/many_arms.rs` with gamma 10 and sigma 20, outcomes less a regression forest's
//! prediction out of bag. Instance `wide` (seed, n, d, K): N(0, 1) covariates, arm k of K + 1 at random, outcome 3 (2 k / K - 1) sign(x_1) +
//! N(0, 1). Trees see half of the units, all thresholds, leaves of 3 units and more, lambda1 = .5; every forest in a process of its own.
//!
//! `cargo bench --profile release --bench forest [-- --quick | -- --million]`

mod support;

use cpu_time::ProcessTime;
use ndarray::Array2;
use prescribe::forest::{Forest, RegressionForest, RegressionSettings, Settings, Trial};
use prescribe::simulate::{ManyArmsDesign, many_arms};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use support::{Call, Failure, or_dash, run_jobs, table};

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    n: usize,
    /// Covariates of the instance `wide`; none: `manyarms`.
    wide: Option<usize>,
    arms: usize,
    epsilon: f64,
    trees: usize,
    threads: usize,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Answer {
    cpu_seconds: f64,
    seconds: f64,
    leaves: f64,
    /// CPU seconds of the out-of-bag baseline.
    baseline: Option<f64>,
    /// CPU seconds of predicting as many rows as there are units.
    predicting: f64,
    /// Most memory that the process had, in MiB; none where the system does not tell.
    peak: Option<f64>,
}

fn main() -> Result<(), Failure> {
    let million = std::env::args().any(|argument| argument == "--million");
    match Call::read() {
        Call::Job(text) => println!("{}", serde_json::to_string(&run(serde_json::from_str(&text)?)?)?),
        Call::Bench { .. } if million => of_a_million()?,
        Call::Bench { quick } => {
            by_arms(quick)?;
            by_units(quick)?;
            by_threads(quick)?;
        }
        Call::Other => {}
    }
    Ok(())
}

fn by_arms(quick: bool) -> Result<(), Failure> {
    let trees = if quick { 20 } else { 1000 };
    let job = |arms, epsilon| Job { n: 5_000, wide: None, arms, epsilon, trees, threads: 1 };
    let jobs: Vec<Job> = [9, 29, 49, 99]
        .into_iter()
        .flat_map(|arms| [job(arms, 0.0), job(arms, Settings::default().epsilon)])
        .collect();
    show("Trees of the paper's design (n = 5,000, d = 3)", &jobs)
}

fn by_units(quick: bool) -> Result<(), Failure> {
    let sizes = if quick { vec![2_000, 4_000] } else { vec![5_000, 20_000, 80_000, 320_000] };
    let job = |n| Job { n, wide: Some(20), arms: 20, epsilon: 0.01, trees: 4, threads: 1 };
    show("Growth with the number of units (d = 20, K = 20)", &sizes.into_iter().map(job).collect::<Vec<_>>())
}

fn by_threads(quick: bool) -> Result<(), Failure> {
    let trees = if quick { 20 } else { 1000 };
    let job = |threads| Job { n: 5_000, wide: None, arms: 49, epsilon: 0.0, trees, threads };
    // One after the other, so that they have the machine to themselves.
    for threads in [1, 4] {
        show(&format!("Threads: {threads}"), &[job(threads)])?;
    }
    Ok(())
}

fn of_a_million() -> Result<(), Failure> {
    let job = Job { n: 1_000_000, wide: Some(20), arms: 20, epsilon: 0.01, trees: 100, threads: 2 };
    show("A million units", &[job])
}

fn show(heading: &str, jobs: &[Job]) -> Result<(), Failure> {
    let answers: Vec<Answer> = run_jobs(jobs)?;
    let row = |(job, answer): (&Job, &Answer)| {
        vec![
            job.n.to_string(),
            job.arms.to_string(),
            job.epsilon.to_string(),
            job.trees.to_string(),
            format!("{:.1}", answer.leaves),
            format!("{:.2}", answer.cpu_seconds / job.trees as f64 * 1e3),
            format!("{:.1}", answer.seconds),
            or_dash(answer.baseline, |seconds| format!("{seconds:.2}")),
            format!("{:.2}", answer.predicting),
            or_dash(answer.peak, |peak| format!("{peak:.0}")),
        ]
    };
    let rows: Vec<Vec<String>> = jobs.iter().zip(&answers).map(row).collect();
    let header = [
        "n",
        "K",
        "epsilon",
        "trees",
        "leaves a tree",
        "CPU ms a tree",
        "seconds",
        "baseline CPU s",
        "prediction CPU s",
        "peak MiB",
    ];
    table(heading, &header, &rows);
    Ok(())
}

fn run(job: Job) -> Result<Answer, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(job.threads).build()?;
    pool.install(|| {
        let (trial, baseline) = match job.wide {
            None => residual(job)?,
            Some(covariates) => (wide(job, covariates), None),
        };
        let settings = Settings {
            trees: job.trees,
            lambda1: 0.5,
            min_leaf: 3,
            epsilon: job.epsilon,
            ..Settings::default()
        };
        let (cpu, clock) = (ProcessTime::now(), Instant::now());
        let forest = Forest::grow(&trial, &settings, None, 1);
        let (cpu_seconds, seconds) = (cpu.elapsed().as_secs_f64(), clock.elapsed().as_secs_f64());
        let leaves =
            forest.trees.iter().map(|fitted| fitted.tree.leaves() as f64).sum::<f64>() / job.trees as f64;
        let cpu = ProcessTime::now();
        let rows = trial.x.slice(ndarray::s![..trial.units().min(10_000), ..]);
        std::hint::black_box(forest.predict(rows));
        let predicting = cpu.elapsed().as_secs_f64();
        Ok(Answer { cpu_seconds, seconds, leaves, baseline, predicting, peak: peak() })
    })
}

fn residual(job: Job) -> Result<(Trial, Option<f64>), Failure> {
    let design = ManyArmsDesign { arms: job.arms, gamma: 10.0, sigma: 20.0 };
    let drawn = many_arms(&design, job.n, 1)?;
    let cpu = ProcessTime::now();
    let settings = RegressionSettings::usual(3);
    let forest = RegressionForest::grow(drawn.x.view(), &drawn.outcome, None, &settings, (1, "baseline"));
    let baseline = forest.out_of_bag(drawn.x.view());
    let seconds = cpu.elapsed().as_secs_f64();
    let utility = drawn.outcome.iter().zip(&baseline).map(|(y, m)| y - m).collect();
    let arm = drawn.arm.iter().map(|&k| k as u16).collect();
    Ok((Trial::new(drawn.x, arm, job.arms + 1, utility), Some(seconds)))
}

fn wide(job: Job, covariates: usize) -> Trial {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_simple_fn((job.n, covariates), || random.sample::<f64, _>(StandardNormal));
    let arm: Vec<u16> = (0..job.n).map(|_| random.random_range(0..=job.arms as u16)).collect();
    let effect = |i: usize| 3.0 * (2.0 * f64::from(arm[i]) / job.arms as f64 - 1.0) * x[[i, 0]].signum();
    let utility = (0..job.n).map(|i| effect(i) + random.sample::<f64, _>(StandardNormal)).collect();
    Trial::new(x, arm, job.arms + 1, utility)
}

/// The line VmHWM of Linux.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
