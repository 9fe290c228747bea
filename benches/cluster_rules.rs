//! Linear rules under interference within clusters: what it costs to prove the best one, and what smoothing leaves on the table.
//!
//! Data as in scenario A of interference.txt: clusters of 5, 10 or 15 units, four normal covariates, treatment with probability .3, the value of
//! a rule estimated for unknown (IPW), anonymous and polynomial interference. Every solve has a process to itself and [`CPU_SECONDS`].
//!
//! ```text
//! gap      (bound - value) / value of a solve that did not close
//! loss     (best value found by any solver - value) / best value
//! ```
//!
//! `cargo bench --profile release --bench cluster_rules [-- --quick]`

mod support;

use ndarray::Array2;
use prescribe::interference::{Clusters, Interference, RuleProblem, Valued};
use prescribe::models::cluster_rule::ClusterProblem;
use prescribe::solve::registry::{Settings, find};
use prescribe::solve::{self, Options, TerminationStatus};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use support::{Call, CpuLimit, Failure, largest, mean, median, percent, run_jobs, table};

/// (interference, clusters): the seeds of each are 1 to [`SEEDS`].
const SIZES: [(&str, usize); 10] = [
    ("unknown", 10),
    ("unknown", 20),
    ("unknown", 40),
    ("unknown", 100),
    ("anonymous", 5),
    ("anonymous", 10),
    ("anonymous", 20),
    ("anonymous", 40),
    ("polynomial:2", 2),
    ("polynomial:2", 3),
];
const SEEDS: u64 = 3;
const CPU_SECONDS: u64 = 60;
const EXACT: [&str; 2] = ["directions", "milp"];
const STAGES: [&str; 3] = ["surrogate", "multi_start", "polished"];

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    interference: String,
    clusters: usize,
    seed: u64,
    solver: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Outcome {
    /// None where the solver does not take the problem.
    value: Option<f64>,
    bound: Option<f64>,
    proved: bool,
    units: usize,
    cpu_seconds: f64,
    /// What the stages of `smooth` reached.
    stages: Vec<f64>,
}

fn main() -> Result<(), Failure> {
    let quick = match Call::read() {
        Call::Job(text) => {
            println!("{}", serde_json::to_string(&run(&serde_json::from_str(&text)?)?)?);
            return Ok(());
        }
        Call::Bench { quick } => quick,
        Call::Other => return Ok(()),
    };
    let sizes = SIZES.iter().filter(|(_, clusters)| !quick || *clusters <= 5);
    let (mut exact, mut smooth) = (Vec::new(), Vec::new());
    for &(interference, clusters) in sizes {
        let job = |seed: u64, solver: &str| Job {
            interference: interference.into(),
            clusters,
            seed,
            solver: solver.into(),
        };
        let solvers = EXACT.iter().chain(&["smooth"]);
        let jobs: Vec<Job> = solvers.flat_map(|s| (1..=SEEDS).map(move |seed| job(seed, s))).collect();
        let outcomes: Vec<Outcome> = run_jobs(&jobs)?;
        let groups: Vec<&[Outcome]> = outcomes.chunks(SEEDS as usize).collect();
        let best: Vec<f64> = (0..SEEDS as usize)
            .map(|s| largest(&groups.iter().filter_map(|group| group[s].value).collect::<Vec<_>>()))
            .collect();
        let units = mean(&groups[0].iter().map(|outcome| outcome.units as f64).collect::<Vec<_>>());
        let size = vec![interference.to_string(), clusters.to_string(), format!("{units:.0}")];
        for (solver, group) in EXACT.iter().zip(&groups) {
            let row = [size.clone(), exact_row(solver, group)].concat();
            eprintln!("{}", row.join(" | "));
            exact.push(row);
        }
        let row = [size, smooth_row(groups[EXACT.len()], &best)].concat();
        eprintln!("{}", row.join(" | "));
        smooth.push(row);
    }
    let header = [
        "interference",
        "clusters",
        "mean units",
        "solver",
        "proved",
        "median CPU s",
        "max CPU s",
        "largest gap",
    ];
    table(&format!("Exact, {SEEDS} data sets a size, {CPU_SECONDS} CPU s"), &header, &exact);
    let header = [
        "interference",
        "clusters",
        "mean units",
        "surrogate: mean loss",
        "max",
        "multi_start: mean loss",
        "max",
        "polished: mean loss",
        "max",
        "median CPU s",
    ];
    table("Smooth against the best value found", &header, &smooth);
    Ok(())
}

fn exact_row(solver: &str, outcomes: &[Outcome]) -> Vec<String> {
    if outcomes.iter().any(|outcome| outcome.value.is_none()) {
        return [solver, "refused", "-", "-", "-"].map(String::from).to_vec();
    }
    let seconds = || outcomes.iter().map(|outcome| outcome.cpu_seconds);
    let gap = |outcome: &Outcome| match (outcome.proved, outcome.value.zip(outcome.bound)) {
        (false, Some((value, bound))) => (bound - value) / value.abs(),
        _ => 0.0,
    };
    vec![
        solver.into(),
        format!("{} of {}", outcomes.iter().filter(|outcome| outcome.proved).count(), outcomes.len()),
        support::or_dash(median(seconds()), |s| format!("{s:.2}")),
        format!("{:.2}", largest(&seconds().collect::<Vec<_>>())),
        percent(largest(&outcomes.iter().map(gap).collect::<Vec<_>>())),
    ]
}

fn smooth_row(outcomes: &[Outcome], best: &[f64]) -> Vec<String> {
    let losses = |stage: usize| -> Vec<f64> {
        outcomes.iter().zip(best).map(|(outcome, best)| (best - outcome.stages[stage]) / best.abs()).collect()
    };
    let of_stage = |stage: usize| [percent(mean(&losses(stage))), percent(largest(&losses(stage)))];
    let mut row: Vec<String> = (0..STAGES.len()).flat_map(of_stage).collect();
    row.push(support::or_dash(median(outcomes.iter().map(|o| o.cpu_seconds)), |s| format!("{s:.2}")));
    row
}

fn run(job: &Job) -> Result<Outcome, Failure> {
    let problem = problem(job)?;
    let units = problem.linear().x().nrows();
    let solver = find::<ClusterProblem>(&job.solver, Settings::default())?;
    if solver.accepts(&problem).is_err() {
        let refused =
            Outcome { value: None, bound: None, proved: false, units, cpu_seconds: 0.0, stages: vec![] };
        return Ok(refused);
    }
    let options = Options { threads: 1, ..Options::default() };
    let limit = CpuLimit::seconds(CPU_SECONDS);
    let report = solve::solve_started(&problem, solver.as_ref(), None, &options, &limit)?;
    let stages = report.statistics.get("stages");
    let stage = |name: &&str| stages.and_then(|stages| stages[*name].as_f64());
    Ok(Outcome {
        value: report.objective_value,
        bound: report.objective_bound,
        proved: report.termination_status == TerminationStatus::Optimal && report.certificate.verified,
        units,
        cpu_seconds: report.cpu_seconds,
        stages: STAGES.iter().filter_map(stage).collect(),
    })
}

/// Scenario A.
fn problem(job: &Job) -> Result<ClusterProblem, Failure> {
    const PROPENSITY: f64 = 0.3;
    let interference: Interference = job.interference.parse()?;
    let mut random = ChaCha8Rng::seed_from_u64(1000 * job.clusters as u64 + job.seed);
    let sizes: Vec<usize> = (0..job.clusters).map(|_| [5, 10, 15][random.random_range(0..3)]).collect();
    let total = sizes.iter().sum();
    let x = Array2::from_shape_simple_fn((total, 4), || random.sample::<f64, _>(StandardNormal));
    let treated: Vec<bool> = (0..total).map(|_| random.random::<f64>() < PROPENSITY).collect();
    let (mut members, mut outcome) = (Vec::new(), Vec::with_capacity(total));
    for size in sizes {
        let units: Vec<usize> = (outcome.len()..outcome.len() + size).collect();
        for &u in &units {
            let own = x[[u, 0]] + 0.5 * x[[u, 1]] - x[[u, 2]] - 0.5 * x[[u, 3]];
            let others = units.iter().filter(|&&k| k != u && treated[k]);
            let spill: f64 = others.map(|&k| x[[k, 2]] + x[[k, 3]]).sum();
            let noise: f64 = random.sample(StandardNormal);
            let base = 0.2 * (x[[u, 1]] + x[[u, 2]]) + 1.5 / (size as f64 - 1.0) * spill;
            outcome.push(base + if treated[u] { own } else { 0.0 } + noise);
        }
        members.push(units);
    }
    let clusters = Clusters { members, treated, propensity: vec![PROPENSITY; total], outcome };
    let costs = vec![0.0; total];
    let valued = Valued { clusters: &clusters, interference, effects: None, sign: 1.0, costs: &costs };
    match valued.problem((1..=4).map(|j| format!("x{j}")).collect(), x)? {
        RuleProblem::Clusters(problem) => Ok(problem),
        RuleProblem::Units(_) => Err("a sum over units".into()),
    }
}
