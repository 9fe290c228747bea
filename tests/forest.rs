//! Joint assignment forests: on the oracle's trial.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use ndarray::Array2;
use prescribe::data::{Purpose, Table};
use prescribe::forest::{Forest, Grid, Settings, Split, Trial, assign, tune};

fn oracle(file: &str) -> Table {
    let packed = Path::new("tests/oracles/forest").join(file);
    let unpacked = Command::new("gzip").arg("-dc").arg(packed).output().expect("gzip runs");
    assert!(unpacked.status.success(), "{file}");
    let mut csv = tempfile::NamedTempFile::with_suffix(".csv").expect("a temporary file");
    csv.write_all(&unpacked.stdout).expect("room for it");
    Table::read(csv.path()).expect("a table")
}

fn column(table: &Table, name: &str) -> Vec<f64> {
    table.numbers(name, Purpose::Matrix).expect("a column of numbers")
}

fn matrix(table: &Table, names: &[String]) -> Array2<f64> {
    let columns: Vec<Vec<f64>> = names.iter().map(|name| column(table, name)).collect();
    Array2::from_shape_fn((columns[0].len(), names.len()), |(i, j)| columns[j][i])
}

/// The trial with the oracle's residual outcomes, and covariates and effects (with 0 for the baseline's own column) of the test units.
fn trial() -> (Trial, Array2<f64>, Array2<f64>) {
    let names: Vec<String> = ["X1", "X2", "X3"].map(String::from).to_vec();
    let effects: Vec<String> = (0..10).map(|k| format!("mu{k}")).collect();
    let (train, test) = (oracle("k9_train.csv.gz"), oracle("k9_test.csv.gz"));
    let arm = column(&train, "trt").iter().map(|k| *k as u16).collect();
    let trial = Trial::new(matrix(&train, &names), arm, 10, column(&train, "Y_resid"));
    (trial, matrix(&test, &names), matrix(&test, &effects))
}

#[test]
fn a_forest_of_few_leaves_learns_most_of_what_the_oracle_knows() {
    let (trial, x, effects) = trial();
    let settings = Settings { trees: 200, lambda1: 20.0, epsilon: 0.02, ..Settings::default() };
    let arms = assign(&Forest::grow(&trial, &settings, None, 1).predict(x.view()));
    let value = arms.iter().enumerate().map(|(i, &k)| effects[[i, k]]).sum::<f64>() / arms.len() as f64;
    // Best possible 9.12, separate forests 4.68 (tests/oracles/README.md).
    assert!(value > 8.7, "{value}");
}

#[test]
fn a_forest_tuned_on_the_training_units_alone_is_nearly_as_good_as_the_oracle() {
    let (trial, x, effects) = trial();
    let grid = Grid {
        min_leaf: vec![3],
        lambda1: vec![0.0, 5.0],
        lambda2: vec![0.0, 0.5],
        epsilon: vec![0.0, 0.05],
        kappa: vec![0.8],
        ..Grid::default()
    };
    let plain = Settings { trees: 300, ..Settings::default() };
    let chosen = tune(&trial, &Split::new(&trial, 5, 1), (&plain, &grid), None, 1).chosen;
    let worth = |settings: &Settings| {
        let arms = assign(&Forest::grow(&trial, settings, None, 1).predict(x.view()));
        arms.iter().enumerate().map(|(i, &k)| effects[[i, k]]).sum::<f64>() / arms.len() as f64
    };
    let (tuned, plain) = (worth(&chosen), worth(&plain));
    println!("{tuned:.3} tuned, {plain:.3} plain");
    assert!(tuned > 8.85 && tuned > plain, "{tuned} {plain}");
}
