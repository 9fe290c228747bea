//! One million units with 20 covariates: what reading them and evaluating a rule on them costs.
//!
//! ```text
//! x_ij ~ N(0, 1), 20 covariates of 64 bits
//! A    = none, a, b, c with probabilities 0.4, 0.2, 0.2, 0.2, whatever x
//! Y    = x_1 + x_2 / 2 + tau_A + N(0, 1),    tau_none = 0, tau_a = x_1, tau_b = x_2 + 0.1, tau_c = 0.3
//! ```
//!
//! Written as Parquet (snappy) and as CSV. The rule gives a where x1 > 0 and c elsewhere, whose value is
//! E[max(x_1, 0)] + 0.3 / 2 = 1 / sqrt(2 pi) + 0.15 = 0.5489. Each figure is that of a process of its own, by Linux's
//! `/proc`.
//!
//! `cargo bench --profile release --bench million [-- --quick]`, with `--quick` 100,000 units.

mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use cpu_time::ProcessTime;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use prescribe::data::{Roles, Study, Table};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use support::{Call, Failure, run_jobs, table};

const COVARIATES: usize = 20;
const ARMS: [(&str, f64); 4] = [("none", 0.4), ("a", 0.2), ("b", 0.2), ("c", 0.2)];
/// Units that are drawn and written at a time.
const PIECE: usize = 50_000;
const SEED: u64 = 1;

/// What a process used.
#[derive(Serialize, Deserialize)]
struct Cost {
    cpu_seconds: f64,
    peak_mib: f64,
}

fn main() -> Result<(), Failure> {
    match Call::read() {
        Call::Job(path) => {
            println!("{}", serde_json::to_string(&read(&serde_json::from_str::<String>(&path)?)?)?)
        }
        Call::Bench { quick } => bench(if quick { 100_000 } else { 1_000_000 })?,
        Call::Other => {}
    }
    Ok(())
}

fn bench(units: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    write(units, &path("units.parquet"), &path("units.csv"))?;
    std::fs::write(path("rule.json"), rule())?;
    let mut rows = Vec::new();
    for name in ["units.parquet", "units.csv"] {
        let megabytes = std::fs::metadata(path(name))?.len() as f64 / 1e6;
        let reading: Vec<Cost> = run_jobs(&[path(name)])?;
        let (evaluating, value) = evaluate(&path("rule.json"), &path(name))?;
        for (work, cost, value) in [("read", &reading[0], "-".into()), ("evaluate", &evaluating, value)] {
            let size = format!("{megabytes:.0} MB");
            let (cpu, peak) = (format!("{:.1}", cost.cpu_seconds), format!("{:.0}", cost.peak_mib));
            rows.push(vec![name.into(), size, work.into(), cpu, peak, value]);
        }
    }
    let heading = format!("{units} units, {COVARIATES} covariates, {} arms", ARMS.len());
    table(&heading, &["file", "size", "work", "CPU s", "peak MiB", "value (truth 0.5489)"], &rows);
    Ok(())
}

/// Draws the units and writes them in both formats.
fn write(units: usize, parquet: &Path, csv: &Path) -> Result<(), Failure> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut csv = csv::Writer::from_path(csv)?;
    let first = piece(&mut random, PIECE.min(units))?;
    let mut writer = ArrowWriter::try_new(File::create(parquet)?, first.schema(), Some(properties))?;
    csv.write_record(first.schema().fields().iter().map(|field| field.name()))?;
    let mut batch = first;
    let mut left = units;
    loop {
        writer.write(&batch)?;
        write_csv(&mut csv, &batch)?;
        left -= batch.num_rows();
        if left == 0 {
            break;
        }
        batch = piece(&mut random, PIECE.min(left))?;
    }
    writer.close()?;
    Ok(csv.flush()?)
}

/// The next units: arm, outcome, covariates.
fn piece(random: &mut ChaCha8Rng, units: usize) -> Result<RecordBatch, Failure> {
    let mut covariates: Vec<Vec<f64>> = (0..COVARIATES).map(|_| Vec::with_capacity(units)).collect();
    let (mut arms, mut outcomes) = (Vec::with_capacity(units), Vec::with_capacity(units));
    for _ in 0..units {
        covariates.iter_mut().for_each(|column| column.push(random.sample::<f64, _>(StandardNormal)));
        let (x1, x2) = (covariates[0][arms.len()], covariates[1][arms.len()]);
        let effects = [0.0, x1, x2 + 0.1, 0.3];
        let arm = arm(random.random());
        outcomes.push(x1 + x2 / 2.0 + effects[arm] + random.sample::<f64, _>(StandardNormal));
        arms.push(ARMS[arm].0);
    }
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("arm".into(), Arc::new(StringArray::from(arms))),
        ("outcome".into(), Arc::new(Float64Array::from(outcomes))),
    ];
    for (name, column) in names().into_iter().zip(covariates) {
        columns.push((name, Arc::new(Float64Array::from(column))));
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// The arm that a uniform draw stands for.
fn arm(mut draw: f64) -> usize {
    let below = |&(_, probability): &(&str, f64)| {
        draw -= probability;
        draw < 0.0
    };
    ARMS.iter().position(below).unwrap_or(ARMS.len() - 1)
}

fn write_csv(csv: &mut csv::Writer<File>, batch: &RecordBatch) -> Result<(), Failure> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Float64Type;
    let arms = batch.column(0).as_string::<i32>();
    let numbers: Vec<_> =
        batch.columns()[1..].iter().map(|column| column.as_primitive::<Float64Type>()).collect();
    for row in 0..batch.num_rows() {
        csv.write_field(arms.value(row))?;
        for column in &numbers {
            csv.write_field(column.value(row).to_string())?;
        }
        csv.write_record(None::<&[u8]>)?;
    }
    Ok(())
}

fn names() -> Vec<String> {
    (1..=COVARIATES).map(|j| format!("x{j}")).collect()
}

fn rule() -> String {
    let covariates: Vec<_> = names().into_iter().map(|name| serde_json::json!({ "name": name })).collect();
    let arms: Vec<&str> = ARMS.iter().map(|(arm, _)| *arm).collect();
    serde_json::json!({
        "schema_version": prescribe::rule::SCHEMA_VERSION, "kind": "tree", "covariates": covariates, "arms": arms, "direction": "maximize",
        "root": {"covariate": "x1", "threshold": 0, "left": {"arm": "c"}, "right": {"arm": "a"}},
        "provenance": {
            "model": "tree_rule", "solver": "milp", "solver_version": "none", "promise": "heuristic",
            "termination_status": "OPTIMAL", "objective_value": null, "objective_bound": null,
            "verified": false, "model_hash": "", "data_hash": ""
        }
    })
    .to_string()
}

/// Turns a file into a study, in this process.
fn read(path: &str) -> Result<Cost, Failure> {
    let shares: BTreeMap<&str, f64> = ARMS.into();
    let roles: Roles = serde_json::from_value(serde_json::json!({
        "outcome": "outcome", "treatment": "arm", "covariates": names(), "arms": ARMS.map(|(arm, _)| arm),
        "propensity": {"constants": shares}
    }))?;
    let clock = ProcessTime::now();
    let study = Study::from_table(&Table::read(Path::new(path))?, &roles)?;
    let cpu_seconds = clock.elapsed().as_secs_f64();
    assert_eq!(study.x.ncols(), COVARIATES);
    Ok(Cost { cpu_seconds, peak_mib: peak_mib(std::process::id()).ok_or("no /proc")? })
}

/// Runs the program, and asks the system what it used until it ends.
fn evaluate(rule: &Path, data: &Path) -> Result<(Cost, String), Failure> {
    let shares = ARMS.map(|(arm, share)| format!("{arm}={share}")).join(",");
    let mut program = Command::new(env!("CARGO_BIN_EXE_prescribe"))
        .arg("evaluate")
        .args([rule, data])
        .args(["--outcome", "outcome", "--treatment", "arm", "--propensity", &shares, "--json", "-"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut cost = Cost { cpu_seconds: 0.0, peak_mib: 0.0 };
    // The answer is short: it fits in the pipe while nobody reads.
    while program.try_wait()?.is_none() {
        cost.peak_mib = peak_mib(program.id()).unwrap_or(cost.peak_mib);
        cost.cpu_seconds = cpu_seconds(program.id()).unwrap_or(cost.cpu_seconds);
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = program.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("evaluate ended with {}", output.status).into());
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let of = |field: &str| answer["value"][field].as_f64().unwrap_or(f64::NAN);
    Ok((cost, format!("{:.4} ± {:.4}", of("estimate"), of("standard_error"))))
}

/// The most memory that a process has held.
fn peak_mib(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}

/// The CPU seconds of all threads of a process, which the system counts in hundredths.
fn cpu_seconds(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, which may hold blanks, ends with the last parenthesis; user and system time are then the
    // 12th and 13th field.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}
