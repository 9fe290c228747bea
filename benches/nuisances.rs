//! Nuisances of large studies: CPU seconds of cross-fitting, all threads together, and the memory that the process took.
//!
//! Instance (seed, n, p, K): covariates N(0, 1) with a common factor (correlation 1/5), the last one a sum of two others, so
//! that no design has full rank; arm k with odds exp(0.3 k x_1 / K); outcome x_1 + .. + x_p + A x_2 + N(0, 1), and 1 where that is
//! above 0 for the logistic model. Five folds, stratified by arm.
//!
//! `cargo bench --profile release --bench nuisances [-- --quick]`

mod support;

use cpu_time::ProcessTime;
use ndarray::{Array1, Array2};
use prescribe::data::{Covariate, OutcomeModel, PropensityRole, Study};
use prescribe::nuisance::{Folds, cross_fit, propensities};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use support::{Call, Failure, run_jobs, table};

const FOLDS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Nuisance {
    LinearOutcome,
    LogisticOutcome,
    ForestOutcome,
    LogitPropensity,
    ForestPropensity,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    nuisance: Nuisance,
    n: usize,
    p: usize,
    arms: usize,
    seed: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Answer {
    cpu_seconds: f64,
    /// Root mean squared residual of the arm received: of outcomes, or of the indicators of arms.
    residual: f64,
    /// Most memory that the process had, study included, in MiB; none where the system does not tell.
    peak: Option<f64>,
}

fn main() -> Result<(), Failure> {
    match Call::read() {
        Call::Job(text) => println!("{}", serde_json::to_string(&run(serde_json::from_str(&text)?)?)?),
        Call::Bench { quick } => by_nuisance(quick)?,
        Call::Other => {}
    }
    Ok(())
}

fn by_nuisance(quick: bool) -> Result<(), Failure> {
    let large = if quick { 20_000 } else { 1_000_000 };
    let small = if quick { 500 } else { 5_000 };
    let kinds = [
        (Nuisance::LinearOutcome, large),
        (Nuisance::LogisticOutcome, large),
        (Nuisance::LogitPropensity, large),
        (Nuisance::ForestOutcome, small),
        (Nuisance::ForestPropensity, small),
    ];
    let jobs = kinds.map(|(nuisance, n)| Job { nuisance, n, p: 20, arms: 4, seed: 1 });
    let answers: Vec<Answer> = run_jobs(&jobs)?;
    let row = |(job, answer): (&Job, &Answer)| {
        vec![
            format!("{:?}", job.nuisance),
            job.n.to_string(),
            format!("{:.1}", answer.cpu_seconds),
            format!("{:.5}", answer.residual),
            support::or_dash(answer.peak, |peak| format!("{peak:.0}")),
        ]
    };
    let rows: Vec<Vec<String>> = jobs.iter().zip(&answers).map(row).collect();
    table(
        "Cross-fitting (p = 20, K = 4, 5 folds)",
        &["nuisance", "n", "CPU s", "residual", "peak MiB"],
        &rows,
    );
    Ok(())
}

fn run(job: Job) -> Result<Answer, Failure> {
    let study = study(job);
    let folds = Folds::stratified(&study, FOLDS, job.seed)?;
    let clock = ProcessTime::now();
    let outcome = |model: OutcomeModel| cross_fit(&study, &folds, &model, job.seed);
    let predicted = match job.nuisance {
        Nuisance::LinearOutcome => outcome(OutcomeModel::Linear),
        Nuisance::LogisticOutcome => outcome(OutcomeModel::Logistic),
        Nuisance::ForestOutcome => outcome(OutcomeModel::Forest),
        Nuisance::LogitPropensity => propensities(&study, &folds, &PropensityRole::Logit, job.seed),
        Nuisance::ForestPropensity => propensities(&study, &folds, &PropensityRole::Forest, job.seed),
    }?;
    let cpu_seconds = clock.elapsed().as_secs_f64();
    let of_arms = matches!(job.nuisance, Nuisance::LogitPropensity | Nuisance::ForestPropensity);
    let target = |i: usize| if of_arms { 1.0 } else { study.outcome[i] };
    let squares = |(i, &k): (usize, &usize)| (target(i) - predicted[[i, k]]).powi(2);
    let residual = (study.arm.iter().enumerate().map(squares).sum::<f64>() / job.n as f64).sqrt();
    Ok(Answer { cpu_seconds, residual, peak: peak() })
}

fn study(job: Job) -> Study {
    let Job { n, p, arms, .. } = job;
    let mut random = ChaCha8Rng::seed_from_u64(job.seed);
    let mut x = Array2::zeros((n, p));
    for mut row in x.rows_mut() {
        let common: f64 = random.sample(StandardNormal);
        row.mapv_inplace(|_: f64| 0.5 * common + random.sample::<f64, _>(StandardNormal));
        row[p - 1] = row[0] + row[1];
    }
    let mut draw = |i: usize| {
        let odds: Vec<f64> = (0..arms).map(|k| (0.3 * k as f64 / arms as f64 * x[[i, 0]]).exp()).collect();
        let mut left = random.random::<f64>() * odds.iter().sum::<f64>();
        odds.iter()
            .position(|odds| {
                left -= odds;
                left < 0.0
            })
            .unwrap_or(0)
    };
    let arm: Vec<usize> = (0..n).map(&mut draw).collect();
    let noise = (0..n).map(|_| random.sample(StandardNormal)).collect::<Vec<f64>>();
    let outcome = |i: usize| x.row(i).sum() + arm[i] as f64 * x[[i, 1]] + noise[i];
    let binary = job.nuisance == Nuisance::LogisticOutcome;
    let outcome =
        Array1::from_shape_fn(n, |i| if binary { f64::from(u8::from(outcome(i) > 0.0)) } else { outcome(i) });
    Study {
        covariates: (1..=p).map(|j| Covariate::numeric(&format!("x{j}"))).collect(),
        arms: (0..arms).map(|k| k.to_string()).collect(),
        x,
        arm,
        outcome,
        propensity: Array2::from_elem((n, arms), 1.0 / arms as f64),
        groups: Default::default(),
        choose: Default::default(),
        follow_up: None,
        given_scores: None,
        effects: None,
        predictions: None,
        costs: Array2::zeros((n, arms)),
        eligible: None,
        held_out: None,
        ids: Vec::new(),
        cluster: None,
        weights: None,
        rows: (0..n).collect(),
        warnings: Vec::new(),
        dropped: 0,
        source: "simulated".into(),
        data_hash: String::new(),
    }
}

/// The line VmHWM of Linux.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
