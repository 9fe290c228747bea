//! A table: named columns, in the order of the file, from CSV, Parquet or Arrow.
//!
//! A cell is text, or a typed value that stands for the text that it would be in a CSV file ([`column`]); what it
//! means is decided by the role of its column ([`super::columns`], [`super::Study`]). Rows know their place in the file,
//! so that later refusals can name it: the line of a CSV file, the number of the row (from 1) in others.

#[cfg(feature = "arrow")]
mod arrays;
pub(super) mod column;
#[cfg(feature = "arrow")]
mod columnar;
mod csv;
mod format;
#[cfg(feature = "arrow")]
mod guard;
#[cfg(feature = "arrow")]
mod ipc;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use self::column::Column;
#[cfg(feature = "arrow")]
use self::columnar::Columnar;
use self::csv::Csv;
pub use self::format::Format;
use super::{DataError, Place, Problem, Purpose};

/// The columns of a file, and those of its rows that are there, in the order of the file.
#[derive(Debug, Clone)]
pub struct Table {
    source: String,
    sha256: String,
    content: Arc<Content>,
    /// The number of each row among the data rows of the file, from 0.
    pub(super) rows: Vec<usize>,
    made: Option<Arc<Made>>,
}

/// Columns that are made of others, which stand behind those of the file.
#[derive(Debug)]
struct Made {
    /// The names of all columns, those of the file first.
    header: Vec<String>,
    columns: Vec<Arc<Column>>,
}

#[derive(Debug)]
enum Content {
    Csv(Csv),
    #[cfg(feature = "arrow")]
    Columnar(Columnar),
}

impl Table {
    /// Reads a CSV, Parquet or Arrow file (also Arrow's stream, and Feather's version 2), or standard input where the path
    /// is `-`. The bytes say which of them it is, the name does not.
    ///
    /// # Errors
    /// Kind `Io` where the path is a directory, does not exist or cannot be read; kind `Data` as [`Table::parse`].
    pub fn read(path: &Path) -> Result<Table, DataError> {
        let (source, bytes) = if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            ("standard input".to_owned(), read.map(|_| bytes))
        } else {
            (path.display().to_string(), std::fs::read(path))
        };
        let bytes =
            bytes.map_err(|error| Place::file(&source).refuse(Problem::Unreadable(error.to_string())))?;
        Table::from_bytes(&source, bytes)
    }

    /// Reads a file from memory; `source` is the name that messages give it. In CSV a byte-order mark, CRLF line ends,
    /// quoted fields and blank lines at the end are accepted.
    ///
    /// # Errors
    /// Kind `Data`: no header or no rows, a column name that is empty or repeated; in CSV bytes that are not UTF-8
    /// text, a row with more or fewer fields than the header, a blank line between rows; a Parquet or Arrow file that is
    /// damaged, compressed in a way that is not built in, without a column of numbers or labels, or read by a library
    /// that was built without its feature `arrow`.
    pub fn parse(source: &str, bytes: &[u8]) -> Result<Table, DataError> {
        Table::from_bytes(source, bytes.to_vec())
    }

    fn from_bytes(source: &str, bytes: Vec<u8>) -> Result<Table, DataError> {
        let file = Place::file(source);
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let content = match Format::of(&bytes) {
            Format::Csv => Content::Csv(csv::parse(&bytes, &file)?),
            other => columnar(other, bytes, &file)?,
        };
        let rows: Vec<usize> = (0..content.row_count()).collect();
        if rows.is_empty() {
            return Err(file.refuse(Problem::NoRows));
        }
        Ok(Table { source: source.to_owned(), sha256, content: Arc::new(content), rows, made: None })
    }

    /// The name of the file, as messages give it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// SHA-256 of the bytes of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The column names, in the order of the file; those that are made of others behind.
    pub fn header(&self) -> &[String] {
        self.made.as_ref().map_or_else(|| self.content.header(), |made| &made.header)
    }

    /// How many rows there are (the header is none).
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The number of each row among the data rows of the file, from 0.
    pub(super) fn row_numbers(&self) -> Vec<usize> {
        self.rows.clone()
    }

    /// The cells at a position of the header, by the numbers of the rows among the data rows of the file.
    pub(super) fn column(&self, position: usize) -> Result<&Column, DataError> {
        let of_file = self.content.header().len();
        if let Some(made) = self.made.as_ref().filter(|_| position >= of_file) {
            return Ok(&made.columns[position - of_file]);
        }
        match &*self.content {
            Content::Csv(csv) => Ok(&csv.columns[position]),
            #[cfg(feature = "arrow")]
            Content::Columnar(columnar) => columnar.column(position),
        }
    }

    /// The place of a whole row in a message.
    pub fn place(&self, row: usize) -> Place {
        let (file, row) = (Place::file(&self.source), self.rows[row]);
        match &*self.content {
            Content::Csv(csv) => file.line(csv.lines[row]),
            #[cfg(feature = "arrow")]
            Content::Columnar(_) => file.row(row as u64 + 1),
        }
    }

    /// The same table with some of its rows, by their numbers among the data rows of the file.
    pub(crate) fn with_rows(&self, rows: Vec<usize>) -> Table {
        Table { rows, ..self.clone() }
    }

    /// The same table with its rows in the order of the labels in a column, which are those of single units.
    ///
    /// # Errors
    /// Kind `Data`: no such column, a missing label, or one that two rows have.
    pub fn in_order_of(&self, column: &str) -> Result<Table, DataError> {
        let labels = self.labels(column, Purpose::Role)?;
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| labels[a].cmp(&labels[b]).then(a.cmp(&b)));
        if let Some(pair) = order.windows(2).find(|pair| labels[pair[0]] == labels[pair[1]]) {
            let problem = Problem::RepeatedId { id: labels[pair[0]].clone(), first: self.rows[pair[0]] + 1 };
            return Err(self.place(pair[1]).column(column).refuse(problem));
        }
        Ok(self.with_rows(order.into_iter().map(|i| self.rows[i]).collect()))
    }

    /// The same table with columns of numbers (none where missing), a cell for each of its rows, under names that it does not have.
    pub(super) fn with_columns(&self, columns: Vec<(String, Vec<Option<f64>>)>) -> Table {
        let mut header = self.header().to_vec();
        let mut made = self.made.as_ref().map(|made| made.columns.clone()).unwrap_or_default();
        for (name, cells) in columns {
            let mut by_row = vec![None; self.content.row_count()];
            self.rows.iter().zip(cells).for_each(|(&row, cell)| by_row[row] = cell);
            header.push(name);
            made.push(Arc::new(Column::Floats(by_row.into_iter().collect())));
        }
        Table { made: Some(Arc::new(Made { header, columns: made })), ..self.clone() }
    }
}

impl Content {
    fn header(&self) -> &[String] {
        match self {
            Content::Csv(csv) => &csv.header,
            #[cfg(feature = "arrow")]
            Content::Columnar(columnar) => &columnar.header,
        }
    }

    fn row_count(&self) -> usize {
        match self {
            Content::Csv(csv) => csv.lines.len(),
            #[cfg(feature = "arrow")]
            Content::Columnar(columnar) => columnar.row_count,
        }
    }
}

#[cfg(feature = "arrow")]
fn columnar(format: Format, bytes: Vec<u8>, file: &Place) -> Result<Content, DataError> {
    let columnar = Columnar::open(format, bytes, file)?;
    check_names(&columnar.header, file)?;
    Ok(Content::Columnar(columnar))
}

#[cfg(not(feature = "arrow"))]
fn columnar(format: Format, _: Vec<u8>, file: &Place) -> Result<Content, DataError> {
    Err(file.clone().refuse(Problem::BuiltWithout { format }))
}

/// Column names must be there and differ.
fn check_names(header: &[String], place: &Place) -> Result<(), DataError> {
    if let Some(empty) = header.iter().position(String::is_empty) {
        return Err(place.clone().refuse(Problem::EmptyColumnName { position: empty + 1 }));
    }
    for (second, name) in header.iter().enumerate() {
        if let Some(first) = header[..second].iter().position(|earlier| earlier == name) {
            let repeated = Problem::RepeatedColumn { first: first + 1, second: second + 1 };
            return Err(place.clone().column(name).refuse(repeated));
        }
    }
    Ok(())
}
