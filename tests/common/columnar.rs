//! The same data as Parquet and Arrow, written by the Rust libraries for them.
#![allow(dead_code)] // every test file is a crate of its own and uses its part

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Columns under their names.
pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let nullable = columns.into_iter().map(|(name, cells)| (name, cells, true));
    RecordBatch::try_from_iter_with_nullable(nullable).unwrap()
}

/// A CSV with the types that its cells suggest: integers, else floats, else text; empty cells and NA are null.
pub fn typed(csv: &str) -> RecordBatch {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |j: usize| {
        let cells =
            || records.iter().map(move |record| Some(&record[j]).filter(|cell| !["", "NA"].contains(cell)));
        let all = |fits: fn(&str) -> bool| cells().flatten().all(fits);
        if all(|cell| cell.parse::<i64>().is_ok()) {
            Arc::new(cells().map(|cell| cell?.parse().ok()).collect::<Int64Array>()) as ArrayRef
        } else if all(|cell| cell.parse::<f64>().is_ok()) {
            Arc::new(cells().map(|cell| cell?.parse().ok()).collect::<Float64Array>()) as ArrayRef
        } else {
            Arc::new(cells().collect::<StringArray>()) as ArrayRef
        }
    };
    batch(header.iter().enumerate().map(|(j, name)| (name, column(j))).collect())
}

pub fn parquet(batch: &RecordBatch) -> Vec<u8> {
    parquet_with(batch, Compression::SNAPPY)
}

fn parquet_with(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    // Small row groups, so that a column comes in pieces.
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(700))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub fn arrow_file(batch: &RecordBatch, compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    pieces(batch).iter().for_each(|piece| writer.write(piece).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

pub fn arrow_stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    pieces(batch).iter().for_each(|piece| writer.write(piece).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// The batch in every format and compression that is read, each with a name.
pub fn all_formats(batch: &RecordBatch) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("uncompressed.parquet", parquet_with(batch, Compression::UNCOMPRESSED)),
        ("snappy.parquet", parquet_with(batch, Compression::SNAPPY)),
        ("gzip.parquet", parquet_with(batch, Compression::GZIP(GzipLevel::default()))),
        ("lz4.parquet", parquet_with(batch, Compression::LZ4_RAW)),
        ("zstd.parquet", parquet_with(batch, Compression::ZSTD(ZstdLevel::default()))),
        ("plain.arrow", arrow_file(batch, None)),
        ("lz4.feather", arrow_file(batch, Some(CompressionType::LZ4_FRAME))),
        ("zstd.feather", arrow_file(batch, Some(CompressionType::ZSTD))),
        ("stream.arrows", arrow_stream(batch)),
    ]
}

fn pieces(batch: &RecordBatch) -> Vec<RecordBatch> {
    let half = batch.num_rows() / 2;
    vec![batch.slice(0, half), batch.slice(half, batch.num_rows() - half)]
}
