//! A matrix with named columns, read from a file whose every column is numeric: X (n x p) with one row a unit
//! and one column a covariate, Gamma (n x K) with one column an arm, or g (n x 1).

use std::path::Path;

use ndarray::{Array1, Array2};

use super::{DataError, Place, Problem, Purpose, Table};

/// Values (n x columns), n >= 2, all finite, with the name of each column and the file they came from.
#[derive(Debug, Clone)]
pub struct NamedMatrix {
    pub names: Vec<String>,
    pub values: Array2<f64>,
    /// The name of the file, as messages give it.
    pub source: String,
    /// SHA-256 of the bytes of the file, in hexadecimal.
    pub sha256: String,
}

/// Reads a matrix from a file with named columns, or from standard input where the path is `-`.
///
/// # Errors
/// As [`Table::read`] and [`Table::numbers`]; kind `Data` with fewer than two rows.
pub fn read_matrix(path: &Path) -> Result<NamedMatrix, DataError> {
    NamedMatrix::from_table(&Table::read(path)?)
}

impl NamedMatrix {
    /// Every column of a table as numbers.
    ///
    /// # Errors
    /// As [`Table::numbers`]; kind `Data` with fewer than two rows.
    pub fn from_table(table: &Table) -> Result<NamedMatrix, DataError> {
        let names = table.header().to_vec();
        let values = columns(table, &names, Purpose::Matrix)?;
        refuse_too_few(table)?;
        Ok(NamedMatrix {
            names,
            values,
            source: table.source().to_owned(),
            sha256: table.sha256().to_owned(),
        })
    }
}

/// Checks that row i can be the same unit in both matrices.
///
/// # Errors
/// Kind `Data` where the numbers of rows differ.
pub fn same_rows(a: &NamedMatrix, b: &NamedMatrix) -> Result<(), DataError> {
    let (rows, other_rows) = (a.values.nrows(), b.values.nrows());
    if rows == other_rows {
        return Ok(());
    }
    Err(Place::file(&a.source).refuse(Problem::RowsDiffer { rows, other: b.source.clone(), other_rows }))
}

/// The named columns of a table as a matrix (n x names).
pub(super) fn columns(table: &Table, names: &[String], purpose: Purpose) -> Result<Array2<f64>, DataError> {
    let mut values = Array2::zeros((table.row_count(), names.len()));
    for (name, mut column) in names.iter().zip(values.columns_mut()) {
        column.assign(&Array1::from(table.numbers(name, purpose)?));
    }
    Ok(values)
}

/// One row has no variance, none no mean.
pub(super) fn refuse_too_few(table: &Table) -> Result<(), DataError> {
    match table.row_count() {
        rows @ 0..2 => Err(Place::file(table.source()).refuse(Problem::TooFewRows { rows })),
        _ => Ok(()),
    }
}
