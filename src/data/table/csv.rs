//! CSV: a header and one record a row, every cell text.

use csv::{Reader, ReaderBuilder, StringRecord};

use super::column::{Column, Text};
use super::{DataError, Place, Problem, check_names};

/// The header and the cells of a CSV file, and the line on which each row starts (the header is line 1), by which
/// later refusals can name it even after quoted fields that span lines.
#[derive(Debug)]
pub(super) struct Csv {
    pub header: Vec<String>,
    pub columns: Vec<Column>,
    pub lines: Vec<u64>,
}

/// Reads CSV. A byte-order mark, CRLF line ends, quoted fields and blank lines at the end are accepted.
pub(super) fn parse(bytes: &[u8], file: &Place) -> Result<Csv, DataError> {
    let mut records = Records::new(text_of(bytes, file)?, file);
    let mut record = StringRecord::new();
    if records.next(&mut record)?.is_none() {
        return Err(file.clone().refuse(Problem::EmptyFile));
    }
    let header: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    check_names(&header, &file.clone().line(1))?;
    let mut columns: Vec<Text> = header.iter().map(|_| Text::default()).collect();
    let mut lines = Vec::new();
    while let Some(line) = records.next(&mut record)? {
        if record.len() != header.len() {
            let ragged = Problem::Ragged { found: record.len(), expected: header.len() };
            return Err(file.clone().line(line).refuse(ragged));
        }
        columns.iter_mut().zip(&record).for_each(|(column, cell)| column.push(cell));
        lines.push(line);
    }
    Ok(Csv { header, columns: columns.into_iter().map(Column::Text).collect(), lines })
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

/// The records of a text. The line of a record is counted here, because the reader's own position lies before the line
/// ends that it still has to skip (the second half of CRLF, blank lines).
struct Records<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    file: &'a Place,
    counted: usize,
    line: u64,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, file: &'a Place) -> Records<'a> {
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        Records { reader, text, file, counted: 0, line: 1 }
    }

    /// Reads the next record and returns its line, if there is one.
    fn next(&mut self, record: &mut StringRecord) -> Result<Option<u64>, DataError> {
        let unreadable = |error: csv::Error| self.file.clone().refuse(Problem::Unreadable(error.to_string()));
        if !self.reader.read_record(record).map_err(unreadable)? {
            return Ok(None);
        }
        let offset = record.position().map_or(0, |position| position.byte() as usize);
        let start = offset + line_ends(&self.text[offset..]);
        self.line += newlines(&self.text.as_bytes()[self.counted..start]);
        self.counted = start;
        if follows_blank_line(self.text, start) {
            return Err(self.file.clone().line(self.line - 1).refuse(Problem::BlankLine));
        }
        Ok(Some(self.line))
    }
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
