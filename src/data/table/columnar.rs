//! Parquet and Arrow: typed columns, of which those that are asked for are decoded, once.

use std::error::Error;
use std::fmt::Display;
use std::sync::OnceLock;

use arrow_array::{RecordBatch, new_empty_array};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::arrays::column_of;
use super::column::Column;
use super::guard::guarded;
use super::{DataError, Format, Place, Problem, ipc};

/// Rows that are decoded at a time: enough to forget the cost of a piece, few enough to stay in the cache.
const PIECE: usize = 16_384;

/// A file of typed columns.
#[derive(Debug)]
pub(super) struct Columnar {
    pub header: Vec<String>,
    pub row_count: usize,
    file: Place,
    format: Format,
    schema: SchemaRef,
    content: Content,
    columns: Vec<OnceLock<Result<Column, DataError>>>,
}

#[derive(Debug)]
enum Content {
    Parquet(Bytes, ArrowReaderMetadata),
    /// The batches of an Arrow file, and which columns of the schema they hold.
    Batches(Vec<RecordBatch>, Vec<usize>),
}

impl Columnar {
    /// Opens a file that is not CSV. A column whose type is neither of numbers nor of labels is refused once it is used.
    pub fn open(format: Format, bytes: Vec<u8>, file: &Place) -> Result<Columnar, DataError> {
        let (schema, content) = guarded(|| contents(format, bytes))
            .map_err(|panic| damaged(file, format, &panic))?
            .map_err(|error| damaged(file, format, &error))?;
        let header: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let columns = header.iter().map(|_| OnceLock::new()).collect();
        let mut columnar =
            Columnar { header, row_count: 0, file: file.clone(), format, schema, content, columns };
        columnar.row_count = columnar.count_rows()?;
        Ok(columnar)
    }

    /// The column at a position.
    pub fn column(&self, position: usize) -> Result<&Column, DataError> {
        let decoded = self.columns[position].get_or_init(|| {
            let column = self.decode(position)?;
            if column.len() == self.row_count {
                return Ok(column);
            }
            let error = format!("{} values in {} rows", column.len(), self.row_count);
            Err(damaged(&self.place(position), self.format, &error))
        });
        decoded.as_ref().map_err(Clone::clone)
    }

    /// The number of rows, by the cells of a column: the number that a damaged file claims may be any.
    fn count_rows(&self) -> Result<usize, DataError> {
        let readable = readable(&self.schema);
        match (readable.first(), self.header.is_empty()) {
            (_, true) => Err(self.file.clone().refuse(Problem::EmptyFile)),
            (None, false) => self.decode(0).map(|column| column.len()),
            (Some(&position), _) => {
                let column = self.decode(position)?;
                let rows = column.len();
                // It was empty, as nothing was asked for yet.
                let _ = self.columns[position].set(Ok(column));
                Ok(rows)
            }
        }
    }

    fn decode(&self, position: usize) -> Result<Column, DataError> {
        let data_type = self.schema.field(position).data_type();
        let place = self.place(position);
        let Some(mut column) = column_of(&*new_empty_array(data_type)) else {
            return Err(place.refuse(Problem::ColumnType { found: data_type.to_string() }));
        };
        guarded(|| self.content.append_to(&mut column, position))
            .map_err(|panic| damaged(&place, self.format, &panic))?
            .map_err(|error| damaged(&place, self.format, &error))?;
        Ok(column)
    }

    fn place(&self, position: usize) -> Place {
        self.file.clone().column(&self.header[position])
    }
}

/// The positions of the columns whose type is of numbers or labels.
fn readable(schema: &SchemaRef) -> Vec<usize> {
    let known = |&position: &usize| {
        let empty = new_empty_array(schema.field(position).data_type());
        column_of(&*empty).is_some()
    };
    (0..schema.fields().len()).filter(known).collect()
}

/// The schema of a file, and what its columns are decoded from.
fn contents(format: Format, bytes: Vec<u8>) -> Result<(SchemaRef, Content), Box<dyn Error>> {
    if format == Format::Parquet {
        let bytes = Bytes::from(bytes);
        let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())?;
        return Ok((metadata.schema().clone(), Content::Parquet(bytes, metadata)));
    }
    let read = ipc::read(bytes, format == Format::ArrowStream, readable)?;
    Ok((read.schema, Content::Batches(read.batches, read.columns)))
}

impl Content {
    /// Decodes the column at a position of the schema, piece by piece.
    fn append_to(&self, column: &mut Column, position: usize) -> Result<(), Box<dyn Error>> {
        let mut append = |piece: &RecordBatch, at: usize| {
            column_of(piece.column(at)).into_iter().for_each(|piece| column.append(piece));
        };
        match self {
            Content::Parquet(bytes, metadata) => {
                let builder =
                    ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata.clone());
                let only = ProjectionMask::roots(builder.parquet_schema(), [position]);
                for piece in builder.with_projection(only).with_batch_size(PIECE).build()? {
                    append(&piece?, 0);
                }
            }
            Content::Batches(batches, columns) => {
                let at = columns.iter().position(|&other| other == position);
                batches.iter().for_each(|batch| at.into_iter().for_each(|at| append(batch, at)));
            }
        }
        Ok(())
    }
}

fn damaged(place: &Place, format: Format, error: &dyn Display) -> DataError {
    place.clone().refuse(Problem::Damaged { format, reason: error.to_string() })
}
