//! Paths of the fused lasso: CPU seconds of one thread, and of one certified solve.
//!
//! Instance (seed, K, p): K arms in 4 kinds, 60 units each; covariates N(0, 1) beside the constant, coefficients of a kind N(0, 1), noise
//! N(0, 1), weights 1 / 60. 50 lambdas, log-spaced from 5e-4 to 1.5, warm started upward from the arms' own fits, residuals 1e-6.
//! The instances are also written as CSV to the folder named by FUSION_BENCH_DIR, for `fusion_cvxpy.py`.
//!
//! `cargo bench --profile release --bench fusion [-- --quick]`

use cpu_time::ProcessTime;
use ndarray::Array2;
use prescribe::fusion::{PathSettings, Penalty, grid, path};
use prescribe::models::arm_moments::Moments;
use prescribe::models::fused_lasso::FusedLasso;
use prescribe::solve::clarabel::Clarabel;
use prescribe::solve::{Admm, Options, Silent, Solver, solve};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const ROWS: usize = 60;
const KINDS: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let sizes: &[(usize, usize)] =
        if quick { &[(48, 4)] } else { &[(48, 4), (48, 10), (100, 10), (200, 10)] };
    println!(
        "| K | p | path of 50, CPU s | one lambda by admm, CPU s | gap | by clarabel, CPU s | objectives differ by |"
    );
    println!("|---|---|---|---|---|---|---|");
    for &(arms, p) in sizes {
        let moments = instance(1, arms, p)?;
        let settings = PathSettings {
            penalty: Penalty::Lasso,
            lambdas: grid(5e-4, 1.5, 50),
            threshold: 0.25,
            units: arms * ROWS,
        };
        let weights = vec![1.0; arms * (arms - 1) / 2];
        let clock = ProcessTime::now();
        let steps = path(&moments, &weights, &settings, &Silent)?;
        let seconds = clock.elapsed().as_secs_f64();
        assert_eq!(steps.len(), 50);
        let model = FusedLasso::plain(moments, 0.02)?;
        let one = |solver: &dyn Solver<FusedLasso>| solve(&model, solver, None, &Options::default(), &Silent);
        let admm = one(&Admm)?;
        let clarabel = if arms <= 100 { Some(one(&Clarabel)?) } else { None };
        let objective = admm.objective_value.unwrap_or(f64::NAN);
        let dash = |value: Option<String>| value.unwrap_or("-".into());
        println!(
            "| {arms} | {p} | {seconds:.3} | {:.3} | {:.1e} | {} | {} |",
            admm.cpu_seconds,
            admm.relative_gap.unwrap_or(f64::NAN),
            dash(clarabel.as_ref().map(|report| format!("{:.2}", report.cpu_seconds))),
            dash(
                clarabel
                    .and_then(|report| report.objective_value)
                    .map(|v| format!("{:.0e}", (v / objective - 1.0).abs()))
            ),
        );
    }
    Ok(())
}

fn instance(seed: u64, arms: usize, p: usize) -> std::io::Result<Vec<Moments>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || random.sample::<f64, _>(StandardNormal);
    let kinds = Array2::from_shape_fn((KINDS, p), |_| normal());
    let n = arms * ROWS;
    let arm: Vec<usize> = (0..n).map(|i| i / ROWS).collect();
    let design = Array2::from_shape_fn((n, p), |(_, j)| if j == 0 { 1.0 } else { normal() });
    let outcome: Vec<f64> =
        (0..n).map(|i| design.row(i).dot(&kinds.row(arm[i] % KINDS)) + normal()).collect();
    if let Some(folder) = std::env::var_os("FUSION_BENCH_DIR") {
        let line = |i: usize| {
            let cells: Vec<String> = design.row(i).iter().map(f64::to_string).collect();
            format!("{},{},{}\n", arm[i], outcome[i], cells.join(","))
        };
        let text: String = (0..n).map(line).collect();
        std::fs::write(std::path::Path::new(&folder).join(format!("fusion_{arms}_{p}.csv")), text)?;
    }
    Ok(Moments::by_arm(&design, &outcome, &vec![1.0 / ROWS as f64; n], &arm, arms))
}
