//! What several test files share: reading the shipped oracle instances and random small problems.
#![allow(dead_code)] // every test file is a crate of its own and uses its part

use std::path::PathBuf;

use ndarray::Array2;

/// A file under the repository's root.
pub fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Header and numbers of a CSV file.
pub fn numbers(path: &str) -> (Vec<String>, Array2<f64>) {
    parsed(csv::Reader::from_path(file(path)).unwrap_or_else(|e| panic!("{path}: {e}")))
}

/// Header and numbers of a gzipped CSV file, unpacked by the program gzip.
pub fn packed_numbers(path: &str) -> (Vec<String>, Array2<f64>) {
    let unpacked = std::process::Command::new("gzip").args(["-dc".into(), file(path)]).output().unwrap();
    assert!(unpacked.status.success(), "{path} could not be unpacked");
    parsed(csv::Reader::from_reader(unpacked.stdout.as_slice()))
}

fn parsed(mut reader: csv::Reader<impl std::io::Read>) -> (Vec<String>, Array2<f64>) {
    let header: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
    let mut values = Vec::new();
    for record in reader.records() {
        values.extend(record.unwrap().iter().map(|cell| cell.parse::<f64>().unwrap()));
    }
    (header.clone(), Array2::from_shape_vec((values.len() / header.len(), header.len()), values).unwrap())
}

/// Columns whose name starts with `prefix` and their names.
pub fn columns(table: &(Vec<String>, Array2<f64>), prefix: &str) -> (Vec<String>, Array2<f64>) {
    let chosen: Vec<usize> = (0..table.0.len()).filter(|&j| table.0[j].starts_with(prefix)).collect();
    (chosen.iter().map(|&j| table.0[j].clone()).collect(), table.1.select(ndarray::Axis(1), &chosen))
}
