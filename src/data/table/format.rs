//! Which format the bytes of a file are in, by the bytes that the format starts with.

use std::fmt;

/// A format that a table can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Parquet,
    /// Arrow's format for files, which is Feather's second version.
    ArrowFile,
    ArrowStream,
}

impl Format {
    /// The format of a file with these bytes; CSV where nothing says another.
    pub(super) fn of(bytes: &[u8]) -> Format {
        // A CSV file may begin with the name of the gene PAR1; what follows the magic word of Parquet is no text.
        let parquet = [b"PAR1", b"PARE"].iter().any(|magic| bytes.starts_with(*magic))
            && bytes.get(4).is_some_and(|next| next.is_ascii_control() && !next.is_ascii_whitespace());
        if parquet {
            Format::Parquet
        } else if bytes.starts_with(b"ARROW1\0\0") {
            Format::ArrowFile
        } else if bytes.starts_with(&[0xFF; 4]) {
            Format::ArrowStream
        } else {
            Format::Csv
        }
    }

    /// How such a file can be written so that it can be read.
    pub(in crate::data) fn remedy(self) -> &'static str {
        match self {
            Format::Csv => "in UTF-8",
            Format::Parquet => "uncompressed or with snappy, gzip, lz4 or zstd, and not encrypted",
            Format::ArrowFile | Format::ArrowStream => "uncompressed or with lz4 or zstd",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "CSV",
            Format::Parquet => "Parquet",
            Format::ArrowFile | Format::ArrowStream => "Arrow",
        })
    }
}
