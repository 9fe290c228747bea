//! What the benchmark programs share: flags, Markdown tables, medians, and one process a solve.
//!
//! CPU time belongs to a process, so solves that run at the same time are given a process each: the program calls itself
//! with `--job` and one JSON value, solves, and prints one JSON value back.
#![allow(dead_code)] // every benchmark is a crate of its own and uses its part

pub mod exact_reference;
pub mod yardstick;

use std::process::{Command, Stdio};
use std::time::Duration;

use cpu_time::ProcessTime;
use prescribe::solve::{Control, Observer, Progress};
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Anything that ends a benchmark.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Solves that run at the same time.
const AT_ONCE: usize = 2;

/// How the program was called.
pub enum Call {
    /// By `cargo bench`; `--quick` asks for a few small instances, to see that all is well.
    Bench { quick: bool },
    /// By itself, for one solve.
    Job(String),
    /// By something that only wants to know whether it runs, like `cargo test --all-targets`.
    Other,
}

impl Call {
    pub fn read() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        match arguments.as_slice() {
            [job, text] if job == "--job" => Call::Job(text.clone()),
            _ if has("--bench") => Call::Bench { quick: has("--quick") },
            _ => Call::Other,
        }
    }
}

/// Stops a solve that has used its CPU seconds. A limit on the wall clock would close fewer instances on a busy machine; for
/// this one the process must have the solve to itself.
pub struct CpuLimit {
    used: ProcessTime,
    limit: Duration,
}

impl CpuLimit {
    /// Starts to count.
    pub fn seconds(limit: u64) -> Self {
        Self { used: ProcessTime::now(), limit: Duration::from_secs(limit) }
    }
}

impl Observer for CpuLimit {
    fn progress(&self, _progress: &Progress) -> Control {
        if self.wants_stop() { Control::Stop } else { Control::Continue }
    }

    fn wants_stop(&self) -> bool {
        self.used.elapsed() >= self.limit
    }
}

/// Runs each job in a process of its own; answers in the order of the jobs.
pub fn run_jobs<J, A>(jobs: &[J]) -> Result<Vec<A>, Failure>
where
    J: Serialize + Sync,
    A: DeserializeOwned + Send,
{
    // One job at a time to each thread: the slow ones come together.
    pool()?.install(|| jobs.par_iter().with_max_len(1).map(run_job).collect())
}

/// The threads of a benchmark: a shared machine is left with some to spare.
pub fn pool() -> Result<rayon::ThreadPool, Failure> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(AT_ONCE).build()?)
}

fn run_job<J: Serialize, A: DeserializeOwned>(job: &J) -> Result<A, Failure> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--job", &serde_json::to_string(job)?])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("a solve ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Prints a Markdown table under a heading.
pub fn table(heading: &str, header: &[&str], rows: &[Vec<String>]) {
    println!("\n### {heading}\n");
    println!("| {} |", header.join(" | "));
    println!("|{}", "---|".repeat(header.len()));
    rows.iter().for_each(|row| println!("| {} |", row.join(" | ")));
}

/// The middle value; the mean of the middle two of an even number.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[half]),
        _ => Some((values[half - 1] + values[half]) / 2.0),
    }
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// `0.123` as `12.30%`.
pub fn percent(share: f64) -> String {
    format!("{:.2}%", 100.0 * share)
}

/// A number where there is one, a dash elsewhere.
pub fn or_dash(value: Option<f64>, form: impl Fn(f64) -> String) -> String {
    value.map_or("-".into(), form)
}
