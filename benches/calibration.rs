//! Calibration weights: CPU seconds of the dual Newton method and of the conic program.
//!
//! Units with p standard normal covariates, of which the first is shifted by half a standard deviation against a target of 0 (the mean of
//! all others is their own noise). `cargo bench --profile release --bench calibration [-- --quick]`; the same instances as files for
//! `benches/calibration_cvxpy.py`: `-- --write DIR`.

use std::io::Write;

use cpu_time::ProcessTime;
use ndarray::{Array1, Array2};
use prescribe::models::calibration::{Calibration, Discrepancy};
use prescribe::solve::clarabel::Clarabel;
use prescribe::solve::newton::Newton;
use prescribe::solve::{self, Options, Silent, Solver};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

fn features(n: usize, p: usize) -> Array2<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    Array2::from_shape_fn((n, p), |(_, j)| {
        random.sample::<f64, _>(StandardNormal) + if j == 0 { 0.5 } else { 0.0 }
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if let Some(k) = arguments.iter().position(|argument| argument == "--write") {
        let path = std::path::Path::new(&arguments[k + 1]).join("n3000_p10.csv");
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for row in features(3000, 10).rows() {
            writeln!(file, "{}", row.iter().map(f64::to_string).collect::<Vec<_>>().join(","))?;
        }
        return Ok(());
    }
    if !has("--bench") {
        return Ok(());
    }
    // One thread, as the figures say.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    println!("| n | p | gamma | beside | solver | CPU ms, least | median | steps | balance residual |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let sizes: &[(usize, usize)] =
        if has("--quick") { &[(3000, 10)] } else { &[(3000, 10), (1_000_000, 20)] };
    for &(n, p) in sizes {
        for gamma in [0.0, -1.0, 1.0] {
            let model = Calibration::new(features(n, p), Array1::zeros(p), Discrepancy(gamma))?;
            measure(&model, "", &Newton)?;
            if n <= 3000 {
                measure(&model, "", &Clarabel)?;
            }
        }
        let entropy = Calibration::new(features(n, p), Array1::zeros(p), Discrepancy::ENTROPY)?;
        let tolerance = entropy.scale() * 0.05;
        measure(&entropy.clone().with_tolerance(tolerance)?, "tolerance 0.05", &Newton)?;
        measure(&entropy.with_bounds(Some(0.5), Some(2.0))?, "bounds 0.5 and 2", &Newton)?;
    }
    // VmHWM: the most memory that was ever in use.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("\n{line}"));
    Ok(())
}

/// Nine solves, certificate included; the balance residual is the largest |mean - target| in standard deviations.
fn measure(
    model: &Calibration,
    beside: &str,
    solver: &dyn Solver<Calibration>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut milliseconds = Vec::new();
    let mut last = None;
    for _ in 0..9 {
        let clock = ProcessTime::now();
        last = Some(solve::solve(model, solver, None, &Options::default(), &Silent)?);
        milliseconds.push(1e3 * clock.elapsed().as_secs_f64());
    }
    milliseconds.sort_by(f64::total_cmp);
    let report = last.ok_or("nothing was solved")?;
    let weights = report.point.ok_or("no weights")?;
    let off = model.imbalance(&weights).iter().fold(0.0, |most: f64, r| most.max(r.abs()));
    let (n, p) = model.features().dim();
    let (gamma, name) = (model.discrepancy().0, solver.name());
    let steps = report.iterations.map_or_else(|| "-".into(), |k| k.to_string());
    let (least, median) = (milliseconds[0], milliseconds[4]);
    println!("| {n} | {p} | {gamma} | {beside} | {name} | {least:.2} | {median:.2} | {steps} | {off:.1e} |");
    Ok(())
}
