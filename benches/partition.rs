//! Exact fusion of arms: the proofs at 16, 32 and 48 arms, what the heuristic misses, and how well the latent groups
//! are recovered (fusion.txt, Tables 5, 8 and 9).
//!
//! Arms are weighted by entropy weights (first moments, the overall mean), the main effect M0 is quadratic, groups are fitted on (1, X).
//!
//! `cargo bench --profile release --bench partition [-- --quick]`; PRESCRIBE_SECONDS sets the limit of a proof (600).

mod support;

use ndarray::{Array1, Array2, Axis, concatenate};
use prescribe::balance;
use prescribe::evaluate::adjusted_rand_index;
use prescribe::fusion::partition::{Choice, partition};
use prescribe::models::arm_moments::Moments;
use prescribe::models::arm_partition::ArmPartition;
use prescribe::simulate::{Design, FusedArms, fused_arms};
use prescribe::solve::partition::{Columns, Merging, SubsetRecursion};
use prescribe::solve::{self, Options, Report, Silent, Solver};
use support::{Call, Failure, mean, percent, table};

fn main() -> Result<(), Failure> {
    let Call::Bench { quick } = Call::read() else {
        return Ok(());
    };
    let seconds: f64 =
        std::env::var("PRESCRIBE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600.0);
    let limit = if quick { 5.0 } else { seconds };
    if std::env::var("ONLY").is_ok() {
        return many(limit, 5);
    }
    sixteen()?;
    recovery(if quick { 4 } else { 24 })?;
    heuristic(if quick { 10 } else { 100 })?;
    many(limit, if quick { 1 } else { 5 })
}

/// All numbers of groups at 16 arms, and four groups by both exact solvers.
fn sixteen() -> Result<(), Failure> {
    let (moments, n, _) = posed(16, 1)?;
    let clock = cpu_time::ProcessTime::now();
    let path = partition(&moments, n, Choice::Ebic, &Options::default(), &Silent)?;
    let whole = clock.elapsed().as_secs_f64();
    let mut rows = vec![vec![
        "subsets".into(),
        "1..12".into(),
        "all proved".into(),
        String::new(),
        format!("{whole:.2}"),
    ]];
    if !path.steps.iter().all(|step| step.proved) {
        return Err("a step is not proved".into());
    }
    let model = ArmPartition::new(moments, 4)?;
    for solver in [&SubsetRecursion as &dyn Solver<ArmPartition>, &Columns] {
        let report = solve::solve(&model, solver, None, &Options::default(), &Silent)?;
        rows.push(row(&report, "4"));
    }
    table("16 arms", &["solver", "groups", "RSS", "gap", "CPU s"], &rows);
    Ok(())
}

fn row(report: &Report<Vec<usize>>, groups: &str) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.6}"));
    vec![
        report.solver.clone(),
        groups.into(),
        number(report.objective_value),
        percent(report.relative_gap.unwrap_or(f64::NAN)),
        format!("{:.2}", report.cpu_seconds),
    ]
}

/// What EBIC chooses among the partitions of many arms into any number of groups, and whether that is proved.
fn many(seconds: f64, draws: usize) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for arms in [32, 48] {
        let balanced = (1..).filter_map(|seed| Some((seed, posed(arms, seed).ok()?)));
        for (seed, (moments, n, study)) in balanced.take(draws) {
            let options = Options { time_limit: Some(seconds), ..Options::default() };
            let clock = cpu_time::ProcessTime::now();
            let path = partition(&moments, n, Choice::Ebic, &options, &Silent)?;
            let used = clock.elapsed().as_secs_f64();
            let step = &path.steps[path.chosen];
            rows.push(vec![
                arms.to_string(),
                seed.to_string(),
                format!("{:.3}", adjusted_rand_index(&step.of, &study.group)),
                step.groups.to_string(),
                format!("{:.6}", step.rss),
                percent((step.rss - step.bound) / step.rss),
                if path.choice_proved { "proved" } else { "open" }.into(),
                format!("{used:.1}"),
            ]);
        }
    }
    let header = ["arms", "seed", "ARI", "groups", "RSS", "gap", "choice", "CPU s"];
    table(&format!("Many arms, at most {seconds} s"), &header, &rows);
    Ok(())
}

/// How often the heuristic misses the optimum at 16 arms, and by how much.
fn heuristic(instances: u64) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for groups in [3, 4, 6] {
        let mut losses = Vec::new();
        for seed in 1..=instances {
            let model = ArmPartition::new(posed(16, seed)?.0, groups)?;
            let value = |solver: &dyn Solver<ArmPartition>| -> Result<f64, Failure> {
                let report = solve::solve(&model, solver, None, &Options::default(), &Silent)?;
                Ok(report.objective_value.ok_or("no partition was found")?)
            };
            let (found, least) = (value(&Merging)?, value(&SubsetRecursion)?);
            losses.push((found - least).max(0.0) / least);
        }
        let optimal = losses.iter().filter(|loss| **loss < 1e-9).count();
        let most = losses.iter().copied().fold(0.0, f64::max);
        rows.push(vec![
            groups.to_string(),
            format!("{optimal} of {instances}"),
            percent(mean(&losses)),
            percent(most),
        ]);
    }
    table("Merging against the optimum (16 arms)", &["groups", "optimal", "mean gap", "largest gap"], &rows);
    Ok(())
}

/// The adjusted Rand index of the groups that EBIC chooses, on fresh draws.
fn recovery(replications: usize) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for arms in [16, 32, 48] {
        let (mut indices, mut groups) = (Vec::new(), Vec::new());
        // A draw in which some arm cannot be balanced has no such weights; the next one takes its place.
        let mut draws = 0;
        let balanced = (1001..).inspect(|_| draws += 1).filter_map(|seed| posed(arms, seed).ok());
        for (moments, n, study) in balanced.take(replications) {
            let path = partition(&moments, n, Choice::Ebic, &Options::default(), &Silent)?;
            let step = &path.steps[path.chosen];
            indices.push(adjusted_rand_index(&step.of, &study.group));
            groups.push(step.groups as f64);
        }
        let centre = mean(&indices);
        let spread = indices.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / (indices.len() - 1) as f64;
        let ari = format!("{centre:.3} ({:.3})", spread.sqrt());
        rows.push(vec![arms.to_string(), ari, format!("{:.2}", mean(&groups)), draws.to_string()]);
    }
    table(
        &format!("Recovery ({replications} replications)"),
        &["arms", "ARI (sd)", "groups", "draws"],
        &rows,
    );
    Ok(())
}

/// The sums of a draw's arms after its weights and main effect, and its units.
fn posed(arms: usize, seed: u64) -> Result<(Vec<Moments>, usize, FusedArms), Failure> {
    let study = fused_arms(&Design::exponential(arms), seed)?;
    let n = study.arm.len();
    let weights =
        balance::calibrate(&study.x, &study.arm, arms, &balance::Settings::default())?.weights.to_vec();
    let design = concatenate![Axis(1), Array2::ones((n, 1)), study.x];
    let mut columns: Vec<Array1<f64>> =
        design.columns().into_iter().map(|column| column.to_owned()).collect();
    for (i, j) in [(2, 2), (3, 3), (1, 2), (1, 3), (2, 3)] {
        columns.push(&design.column(i) * &design.column(j));
    }
    let quadratic = Array2::from_shape_fn((n, columns.len()), |(i, j)| columns[j][i]);
    let pooled = Moments::by_arm(&quadratic, &study.outcome, &weights, &vec![0; n], 1);
    let rest = Array1::from(study.outcome.clone()) - quadratic.dot(&pooled[0].fit());
    Ok((Moments::by_arm(&design, &rest.to_vec(), &weights, &study.arm, arms), n, study))
}
