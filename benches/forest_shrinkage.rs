//! Whether honest estimates of forests gain by shrinkage across leaves and by the arms' own variances (forest.txt, section 6.2): true values of
//! assignments, on the same trees of the same trials.
//!
//! `cargo bench --profile release --bench forest_shrinkage [-- TRIALS]`: the designs of section 4.1 with gamma 10, sigma 20, n = 5,000; besides, the
//! same with noise of standard deviation 5 in every second arm and 28 in the others, where variances differ.

use prescribe::forest::{Fitting, Forest, Residualize, Settings, Towards, Trial, assign, residualize};
use prescribe::simulate::{ManyArmsDesign, many_arms, many_arms_population};
use prescribe_models::InvalidModel;

const LAMBDAS: [f64; 4] = [0.5, 2.0, 5.0, 20.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "residualisation (weighted, forest, n = 5,000, d = 3, K = 49): {:.2} CPU seconds",
        cost_of_residuals()?
    );
    let trials = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(6);
    println!("| K | noise | lambda2 | leaf | arm | both | leaf, arms' variances | both, arms' variances |");
    println!("|---|---|---|---|---|---|---|---|");
    for (arms, unequal) in [(29, false), (99, false), (29, true), (99, true)] {
        let values = (0..trials).map(|seed| values(arms, unequal, seed)).collect::<Result<Vec<_>, _>>()?;
        for (row, lambda2) in LAMBDAS.iter().enumerate() {
            let cells: Vec<String> = (0..5)
                .map(|column| {
                    let of: Vec<f64> = values.iter().map(|rows| rows[row][column]).collect();
                    let less: Vec<f64> = values.iter().map(|rows| rows[row][column] - rows[row][0]).collect();
                    let ((mean, _), (_, error)) = (moments(&of), moments(&less));
                    format!("{mean:.2} ({error:.2})")
                })
                .collect();
            let noise = if unequal { "5 and 28" } else { "20" };
            println!("| {arms} | {noise} | {lambda2} | {} |", cells.join(" | "));
        }
    }
    println!("in brackets: standard error of the difference to the column leaf; {trials} trials");
    Ok(())
}

/// True values of one trial: a row for each lambda2, a column for each kind of shrinkage.
fn values(arms: usize, unequal: bool, seed: u64) -> Result<Vec<[f64; 5]>, InvalidModel> {
    let noiseless = ManyArmsDesign { arms, gamma: 10.0, sigma: 0.0 };
    let design = ManyArmsDesign { sigma: 20.0, ..noiseless };
    let mut drawn = many_arms(&design, 5_000, 1_000 + seed)?;
    if unequal {
        for (i, y) in drawn.outcome.iter_mut().enumerate() {
            let x = drawn.x.row(i).to_vec();
            let mean = drawn.baseline[i] + design.effect(drawn.arm[i], &x);
            *y = mean + (*y - mean) / 20.0 * if drawn.arm[i] % 2 == 0 { 5.0 } else { 28.0 };
        }
    }
    let population = many_arms_population(&noiseless, 10_000, 5_000 + seed)?;
    let arm = drawn.arm.iter().map(|&k| k as u16).collect();
    let trial = Trial::new(drawn.x, arm, arms + 1, drawn.outcome);
    let residuals = residualize(&trial, &Residualize::Weighted, None, Fitting::usual(seed))
        .map_err(|none| InvalidModel(none.to_string()))?;
    let trial = trial.with_utility(residuals.utility);
    let settings = Settings { trees: 200, arm_variances: true, ..Settings::default() };
    let mut forest = Forest::grow(&trial, &settings, None, seed);
    let variances = forest.variances.clone();
    let mut value = |lambda2: f64, towards: Towards, by_arm: bool| {
        forest.settings.shrink_towards = towards;
        forest.variances = variances.clone().filter(|_| by_arm);
        let estimates = forest.estimator(lambda2).predict(population.x.view());
        population.value(&assign(&estimates))
    };
    let columns = [
        (Towards::Leaf, false),
        (Towards::Arm, false),
        (Towards::Both, false),
        (Towards::Leaf, true),
        (Towards::Both, true),
    ];
    Ok(LAMBDAS.map(|lambda2| columns.map(|(towards, by_arm)| value(lambda2, towards, by_arm))).to_vec())
}

/// CPU seconds of a baseline's forests, cross-fitted and of all units.
fn cost_of_residuals() -> Result<f64, Box<dyn std::error::Error>> {
    let drawn = many_arms(&ManyArmsDesign { arms: 49, gamma: 10.0, sigma: 20.0 }, 5_000, 1)?;
    let trial = Trial::new(drawn.x, drawn.arm.iter().map(|&k| k as u16).collect(), 50, drawn.outcome);
    let before = cpu_seconds()?;
    let residuals = residualize(&trial, &Residualize::Weighted, None, Fitting::usual(1))?;
    let seconds = cpu_seconds()? - before;
    println!("variance explained: {:.2}", residuals.explained());
    println!("size of the predictor as JSON: {} bytes", serde_json::to_string(&residuals.predictor)?.len());
    Ok(seconds)
}

/// CPU seconds of this process so far (in Linux, where a clock tick is 1/100 s).
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}

/// Mean and its standard error.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}
