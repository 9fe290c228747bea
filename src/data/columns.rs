//! The columns of a table by name: as numbers, as labels, and without the rows that miss a value.

use super::table::column::{Column, is_missing};
use super::{DataError, Place, Problem, Table};

/// What a column is read for, which decides the remedies that a refusal of one of its cells can offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A covariate of a study: the user may do without it.
    Covariate,
    /// An outcome, treatment, propensity, cost or identity of a study: the user may drop units.
    Role,
    /// A column of a plain matrix, or of data that a rule is applied to: only the file can be mended.
    Matrix,
}

impl Purpose {
    pub(super) fn or_leave_out(self) -> &'static str {
        match self {
            Purpose::Covariate => ", name the column in --categorical, or leave it out of --covariates",
            Purpose::Role | Purpose::Matrix => "",
        }
    }

    pub(super) fn if_missing(self) -> &'static str {
        match self {
            Purpose::Covariate => {
                "fill the value in, leave the column out of --covariates, or pass --missing keep or --missing drop"
            }
            Purpose::Role => "fill the value in, or pass --missing drop",
            Purpose::Matrix => {
                "fill the value in, or delete the row (from every file that goes with this one)"
            }
        }
    }
}

/// A table without its incomplete rows, and how many values each column missed, where it missed any.
pub(super) struct CompleteRows<'a> {
    pub table: Table,
    pub missing: Vec<(&'a str, usize)>,
}

impl Table {
    /// A column as n finite numbers.
    ///
    /// # Errors
    /// Kind `Data`: no such column, or one of a type that is neither of numbers nor of labels; a cell that is missing
    /// (empty, NA or null), no number, not finite or too large.
    pub fn numbers(&self, column: &str, purpose: Purpose) -> Result<Vec<f64>, DataError> {
        let cells = self.named(column)?;
        self.each(column, |row| finite(cells, row, purpose))
    }

    /// A column as n numbers, NaN where the cell is missing.
    ///
    /// # Errors
    /// Kind `Data`: no such column, or one of a type that is neither of numbers nor of labels; a cell that is neither
    /// missing nor a finite number.
    pub(super) fn numbers_or_missing(&self, column: &str, purpose: Purpose) -> Result<Vec<f64>, DataError> {
        let cells = self.named(column)?;
        self.each(
            column,
            |row| if cells.is_missing(row) { Ok(f64::NAN) } else { finite(cells, row, purpose) },
        )
    }

    /// A column as n labels, none where the cell is missing.
    ///
    /// # Errors
    /// Kind `Data`: no such column, or one of a type that is neither of numbers nor of labels.
    pub(crate) fn labels_or_missing(&self, column: &str) -> Result<Vec<Option<String>>, DataError> {
        let cells = self.named(column)?;
        let label = |&row: &usize| (!cells.is_missing(row)).then(|| cells.text(row).into_owned());
        Ok(self.rows.iter().map(label).collect())
    }

    /// Whether any row misses a value in the column.
    ///
    /// # Errors
    /// Kind `Data`: no such column, or one of a type that is neither of numbers nor of labels.
    pub(super) fn misses(&self, column: &str) -> Result<bool, DataError> {
        let cells = self.named(column)?;
        Ok(self.rows.iter().any(|&row| cells.is_missing(row)))
    }

    /// A column as n labels, as written; typed values as they would be written in CSV.
    ///
    /// # Errors
    /// Kind `Data`: no such column, or one of a type that is neither of numbers nor of labels; a cell that is missing
    /// (empty, NA or null).
    pub fn labels(&self, column: &str, purpose: Purpose) -> Result<Vec<String>, DataError> {
        let cells = self.named(column)?;
        self.each(column, |row| {
            let cell = cells.text(row);
            match missing(&cell, purpose) {
                Some(problem) => Err(problem),
                None => Ok(cell.into_owned()),
            }
        })
    }

    /// The table without the rows that miss a value in any of `columns`.
    ///
    /// # Errors
    /// Kind `Data`: no such column, or one of a type that is neither of numbers nor of labels.
    pub(super) fn complete_rows<'a>(&self, columns: &[&'a str]) -> Result<CompleteRows<'a>, DataError> {
        let cells =
            columns.iter().map(|column| self.named(column)).collect::<Result<Vec<&Column>, DataError>>()?;
        let complete = |row: &usize| !cells.iter().any(|cells| cells.is_missing(*row));
        let table = self.with_rows(self.rows.iter().copied().filter(complete).collect());
        let count = |cells: &Column| self.rows.iter().filter(|&&row| cells.is_missing(row)).count();
        let counts = columns.iter().zip(&cells).map(|(&column, &cells)| (column, count(cells)));
        Ok(CompleteRows { table, missing: counts.filter(|&(_, count)| count > 0).collect() })
    }

    /// What `value` makes of each row (by its number in the file) from top to bottom; a refusal names the cell.
    fn each<T>(
        &self,
        column: &str,
        value: impl Fn(usize) -> Result<T, Problem>,
    ) -> Result<Vec<T>, DataError> {
        let refuse = |i: usize, problem| self.place(i).column(column).refuse(problem);
        self.rows
            .iter()
            .enumerate()
            .map(|(i, &row)| value(row).map_err(|problem| refuse(i, problem)))
            .collect()
    }

    fn named(&self, column: &str) -> Result<&Column, DataError> {
        self.column(self.position(column)?)
    }

    fn position(&self, column: &str) -> Result<usize, DataError> {
        self.header().iter().position(|name| name == column).ok_or_else(|| {
            let unknown = Problem::UnknownColumn {
                closest: closest(column, self.header()),
                available: self.header().to_vec(),
            };
            Place::file(self.source()).column(column).refuse(unknown)
        })
    }
}

/// A cell as a finite number.
fn finite(cells: &Column, row: usize, purpose: Purpose) -> Result<f64, Problem> {
    cells.number(row).map_or_else(|| number(&cells.text(row), purpose), Ok)
}

fn number(cell: &str, purpose: Purpose) -> Result<f64, Problem> {
    if let Some(problem) = missing(cell, purpose) {
        return Err(problem);
    }
    let value = cell.to_owned();
    match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) if cell.contains(|c: char| c.is_ascii_digit()) => Err(Problem::TooLarge { value }),
        Ok(_) => Err(Problem::NotFinite { value, purpose }),
        Err(_) => Err(Problem::NotANumber { value, purpose }),
    }
}

fn missing(cell: &str, purpose: Purpose) -> Option<Problem> {
    is_missing(cell).then(|| Problem::MissingValue { value: cell.to_owned(), purpose })
}

/// The names that a user who typed `name` may have meant: those that differ in a third of its letters at most (in
/// one where it is short), the nearest first.
fn closest(name: &str, available: &[String]) -> Vec<String> {
    const MOST: usize = 3;
    let typed = name.to_lowercase();
    let letters = typed.chars().count();
    let farthest = (letters / 3).max(1).min(letters.saturating_sub(1));
    let mut near: Vec<(usize, &String)> = available
        .iter()
        .map(|candidate| (edits(&typed, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= farthest)
        .collect();
    near.sort_by_key(|&(distance, _)| distance);
    near.into_iter().take(MOST).map(|(_, candidate)| candidate.clone()).collect()
}

/// Levenshtein's distance: the least number of letters inserted, deleted or replaced that turns `a` into `b`.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 0..b.len() {
            let replaced = diagonal + usize::from(letter != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
