//! Plain numeric matrices.

use ndarray::array;
use prescribe::data::{NamedMatrix, read_matrix, same_rows};

use super::*;

fn matrix(source: &str, text: &str) -> Result<NamedMatrix, DataError> {
    NamedMatrix::from_table(&Table::parse(source, text.as_bytes())?)
}

#[test]
fn every_column_is_read_as_numbers() {
    let matrix = matrix("X.csv", "x1,x2\n1,-2.5\n3e2,.5\n").unwrap();
    assert_eq!(matrix.names, ["x1", "x2"]);
    assert_eq!(matrix.values, array![[1.0, -2.5], [300.0, 0.5]]);
}

#[test]
fn one_row_is_too_few() {
    assert_refused(matrix("X.csv", "x1,x2\n1,2\n"), "X.csv: 1 row is too few; at least 2 are needed");
}

#[test]
fn matrices_of_different_length_are_refused_by_both_names() {
    let (x, g) = (matrix("X.csv", "x\n1\n2\n3\n").unwrap(), matrix("g.csv", "g\n1\n2\n").unwrap());
    assert!(same_rows(&x, &x).is_ok());
    assert_refused(
        same_rows(&x, &g),
        "X.csv: 3 rows, but g.csv has 2; row i of both files must be the same unit, so give both the same number \
         of rows",
    );
}

#[test]
fn a_matrix_is_read_from_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.csv");
    std::fs::write(&path, "g\n1\nx\n").unwrap();
    let message = format!(
        "{}, line 3, column \"g\": \"x\" is not a number; write a decimal number such as 41.5",
        path.display()
    );
    assert_refused(read_matrix(&path), &message);
}
