//! A table of text: the header and the cells of a CSV file, in the order of the file.
//!
//! Cells are read as text and trimmed of surrounding blanks; what a cell means is decided by the role of its
//! column ([`super::columns`], [`super::Study`]). Each row keeps the line of the file on which it starts, so that
//! later refusals can name it even after quoted fields that span lines.

use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use sha2::{Digest, Sha256};

use super::{DataError, Place, Problem};

/// The text of a file with a header, its rows in the order of the file.
#[derive(Debug, Clone)]
pub struct Table {
    source: String,
    sha256: String,
    header: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// A row of text, the line on which it starts (the header is line 1), and its number among the data rows (from 0).
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub line: u64,
    pub number: usize,
    pub cells: StringRecord,
}

impl Table {
    /// Reads a CSV file, or standard input where the path is `-`.
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
        Table::parse(&source, &bytes)
    }

    /// Reads CSV from memory; `source` is the name that messages give it. A byte-order mark, CRLF line ends, quoted
    /// fields and blank lines at the end are accepted.
    ///
    /// # Errors
    /// Kind `Data`: no header or no rows, bytes that are not UTF-8 text, a row with more or fewer fields than the
    /// header, a blank line between rows, a column name that is empty or repeated.
    pub fn parse(source: &str, bytes: &[u8]) -> Result<Table, DataError> {
        let file = Place::file(source);
        let text = text_of(bytes, &file)?;
        let mut records = records(text, &file)?.into_iter();
        let header = records.next().ok_or_else(|| file.clone().refuse(Problem::EmptyFile))?;
        let header: Vec<String> = header.cells.iter().map(str::to_owned).collect();
        check_names(&header, &file)?;
        let rows: Vec<Row> = records.collect();
        if rows.is_empty() {
            return Err(file.refuse(Problem::NoRows));
        }
        if let Some(row) = rows.iter().find(|row| row.cells.len() != header.len()) {
            let ragged = Problem::Ragged { found: row.cells.len(), expected: header.len() };
            return Err(file.line(row.line).refuse(ragged));
        }
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Table { source: source.to_owned(), sha256, header, rows })
    }

    /// The name of the file, as messages give it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// SHA-256 of the bytes of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The column names, in the order of the file.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How many rows there are (the header is none).
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The number of each row among the data rows of the file, from 0.
    pub(super) fn row_numbers(&self) -> Vec<usize> {
        self.rows.iter().map(|row| row.number).collect()
    }

    /// The place of a whole row in a message.
    pub fn place(&self, row: usize) -> Place {
        Place::file(&self.source).line(self.rows[row].line)
    }

    /// The same table with some of its rows.
    pub(super) fn with_rows(&self, rows: Vec<Row>) -> Table {
        Table { source: self.source.clone(), sha256: self.sha256.clone(), header: self.header.clone(), rows }
    }
}

/// The text without its byte-order mark, or a refusal that names the line of the first byte that is no text.
fn text_of<'a>(bytes: &'a [u8], file: &Place) -> Result<&'a str, DataError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bad = match std::str::from_utf8(bytes) {
        Err(error) => error.valid_up_to(),
        Ok(text) => match text.find('\0') {
            None => return Ok(text),
            Some(position) => position,
        },
    };
    let place = file.clone().line(1 + newlines(&bytes[..bad]));
    Err(place.refuse(Problem::NotText { byte: bytes[bad] }))
}

/// All records, the header first. The line of a record is counted here, because the reader's own position lies
/// before the line ends that it still has to skip (the second half of CRLF, blank lines).
fn records(text: &str, file: &Place) -> Result<Vec<Row>, DataError> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let mut rows: Vec<Row> = Vec::new();
    let (mut counted, mut line) = (0, 1);
    for record in reader.records() {
        let cells = record.map_err(|error| file.clone().refuse(Problem::Unreadable(error.to_string())))?;
        let offset = cells.position().map_or(0, |position| position.byte() as usize);
        let skipped = line_ends(&text[offset..]);
        line += newlines(&text.as_bytes()[counted..offset + skipped]);
        counted = offset + skipped;
        if follows_blank_line(text, counted) {
            return Err(file.clone().line(line - 1).refuse(Problem::BlankLine));
        }
        rows.push(Row { line, number: rows.len().saturating_sub(1), cells });
    }
    Ok(rows)
}

/// How many bytes of line ends the text starts with.
fn line_ends(text: &str) -> usize {
    text.len() - text.trim_start_matches(['\r', '\n']).len()
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Whether a blank line lies just before the record that starts at `start`. Such a line would silently shift the
/// rows of a file with one column, where it means a missing value.
fn follows_blank_line(text: &str, start: usize) -> bool {
    let before = &text[..start];
    before.ends_with("\n\n") || before.ends_with("\n\r\n") || (start > 0 && line_ends(before) == start)
}

/// Column names must be there and differ.
fn check_names(header: &[String], file: &Place) -> Result<(), DataError> {
    let line = file.clone().line(1);
    if let Some(empty) = header.iter().position(String::is_empty) {
        return Err(line.refuse(Problem::EmptyColumnName { position: empty + 1 }));
    }
    for (second, name) in header.iter().enumerate() {
        if let Some(first) = header[..second].iter().position(|earlier| earlier == name) {
            let repeated = Problem::RepeatedColumn { first: first + 1, second: second + 1 };
            return Err(line.column(name).refuse(repeated));
        }
    }
    Ok(())
}
