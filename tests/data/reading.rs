//! From bytes to a table of text.

use std::path::Path;

use prescribe::data::Purpose;

use super::*;

#[test]
fn a_byte_order_mark_crlf_quotes_and_blank_last_lines_are_read() {
    let table = table("\u{feff}name,\"x,1\"\r\n\"Smith, \"\"J\"\"\",1\r\nDoe, 2 \r\n\r\n\r\n");
    assert_eq!(table.header(), ["name", "x,1"]);
    assert_eq!(table.labels("name", Purpose::Matrix).unwrap(), ["Smith, \"J\"", "Doe"]);
    assert_eq!(table.numbers("x,1", Purpose::Matrix).unwrap(), [1.0, 2.0]);
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    // printf 'x\n1\n' | sha256sum
    let hash = "daff832f802000e645771a60983c76c963f6ee602a6230e45237bd360e91cc1a";
    assert_eq!(table("x\n1\n").sha256(), hash);
    assert_ne!(table("x\n1\n").sha256(), table("x\r\n1\r\n").sha256());
}

#[test]
fn a_file_that_cannot_be_read_is_an_io_error() {
    for path in [env!("CARGO_MANIFEST_DIR"), "no/such/file.csv"] {
        let error = Table::read(Path::new(path)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        let message = error.to_string();
        assert!(message.starts_with(&format!("{path}: cannot be read (")), "{message}");
        assert!(message.ends_with("name a readable CSV file, or - for standard input"), "{message}");
    }
}

#[test]
fn a_file_without_rows_is_refused() {
    for empty in ["", "\n\n", "\u{feff}"] {
        assert_refused(
            Table::parse("patients.csv", empty.as_bytes()),
            "patients.csv: the file is empty; it needs a header line and one line a unit",
        );
    }
    for header in ["a,b", "a,b\n", "a,b\r\n\r\n"] {
        assert_refused(
            Table::parse("patients.csv", header.as_bytes()),
            "patients.csv: there is a header but no rows; add one line a unit",
        );
    }
}

#[test]
fn a_ragged_row_is_refused_by_its_line() {
    let long = "a,b\n1,2\n3,4,5\n";
    assert_refused(
        Table::parse("patients.csv", long.as_bytes()),
        "patients.csv, line 3: the row has 3 fields, the header 2; add or remove fields, or quote those that \
         contain a comma",
    );
    // The quoted field spans lines 2 to 4, so the short row is on line 5; and the same with CRLF.
    for end in ["\n", "\r\n"] {
        let short = ["a,b", "\"one", "two", "three\",2", "3", "4,5"].join(end);
        assert_refused(
            Table::parse("patients.csv", short.as_bytes()),
            "patients.csv, line 5: the row has 1 field, the header 2; add or remove fields, or quote those that \
             contain a comma",
        );
    }
}

#[test]
fn a_blank_line_between_rows_is_refused_because_it_would_shift_them() {
    for (text, line) in
        [("g\n1\n\n2\n", 3), ("g\r\n1\r\n\r\n2\r\n", 3), ("\ng\n1\n2\n", 1), ("g\n\n\n1\n", 3)]
    {
        assert_refused(
            Table::parse("g.csv", text.as_bytes()),
            &format!("g.csv, line {line}: the line is blank; delete it, or write the row's values"),
        );
    }
}

#[test]
fn what_is_not_text_is_refused() {
    let remedy = "is not text in UTF-8; save the file as CSV in UTF-8 (a spreadsheet or a compressed file must \
                  be exported first)";
    assert_refused(
        Table::parse("patients.csv", b"a,b\n1,caf\xE9\n"),
        &format!("patients.csv, line 2: byte 0xE9 {remedy}"),
    );
    assert_refused(
        Table::parse("patients.csv", b"a,b\n1,2\n3,\x00\n"),
        &format!("patients.csv, line 3: byte 0x00 {remedy}"),
    );
    assert_refused(
        Table::parse("patients.csv.gz", b"\x1F\x8B\x08\x00"),
        &format!("patients.csv.gz, line 1: byte 0x8B {remedy}"),
    );
}

#[test]
fn column_names_must_be_there_and_differ() {
    assert_refused(
        Table::parse("patients.csv", b"age,y,age\n1,2,3\n"),
        "patients.csv, line 1, column \"age\": the header repeats this name (columns 1 and 3); rename one of them",
    );
    assert_refused(
        Table::parse("patients.csv", b"age, ,y\n1,2,3\n"),
        "patients.csv, line 1: the header names no column 2; give every column a name",
    );
}

#[cfg(not(feature = "arrow"))]
#[test]
fn a_program_built_without_parquet_and_arrow_says_so() {
    for (format, bytes) in [
        ("Parquet", &b"PAR1\x15\x04"[..]),
        ("Arrow", b"ARROW1\0\0"),
        ("Arrow", b"\xFF\xFF\xFF\xFF\x10\0\0\0"),
    ] {
        assert_refused(
            Table::parse("patients", bytes),
            &format!(
                "patients: this is a {format} file, and the program was built without them; build it with its \
                 feature arrow, or export the file as CSV"
            ),
        );
    }
}
