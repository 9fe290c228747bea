//! Arrow's files and streams: a sequence of messages, each metadata and a body, which are columns as they lie in memory.
//!
//! ```text
//! message   0xFFFFFFFF, length of the metadata (4 bytes), metadata, body
//! stream    schema, dictionaries and batches, then 0xFFFFFFFF 0x00000000 or the end
//! file      ARROW1, a stream, a footer with the schema and the place of each message, length of the footer, ARROW1
//! ```
//!
//! Source: Arrow Columnar Format, Serialization and Interprocess Communication. What is not compressed is not copied.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, Message, MessageHeader, MetadataVersion, Schema, root_as_footer, root_as_message};
use arrow_schema::SchemaRef;

/// What the metadata of a message starts with: a mark and a length.
const PREFIX: usize = 8;
/// What a file ends with: the length of the footer and the magic word.
const TRAILER: usize = 10;

/// Where everything lies in the bytes of a file.
struct Layout {
    schema: SchemaRef,
    version: MetadataVersion,
    /// Dictionaries before the batches that refer to them.
    messages: Vec<Block>,
}

/// What a file holds: its schema, and batches of some of its columns.
pub(super) struct Read {
    pub schema: SchemaRef,
    pub columns: Vec<usize>,
    pub batches: Vec<RecordBatch>,
}

/// Reads the batches of those columns that `wanted` picks.
pub(super) fn read(
    bytes: Vec<u8>,
    stream: bool,
    wanted: impl FnOnce(&SchemaRef) -> Vec<usize>,
) -> Result<Read, Box<dyn Error>> {
    let bytes = Buffer::from_vec(bytes);
    let layout = if stream { stream_layout(&bytes)? } else { file_layout(&bytes)? };
    let columns = wanted(&layout.schema);
    let mut decoder =
        FileDecoder::new(layout.schema.clone(), layout.version).with_projection(columns.clone());
    let mut batches = Vec::new();
    for block in &layout.messages {
        let metadata = usize::try_from(block.metaDataLength())?;
        let length = metadata + usize::try_from(block.bodyLength())?;
        let start = usize::try_from(block.offset())?;
        slice(&bytes, start, length)?;
        let data = bytes.slice_with_length(start, length);
        let message = message_at(&data, 0)?;
        check_sizes(&message, slice(&data, metadata, length - metadata)?)?;
        match message.header_type() {
            MessageHeader::DictionaryBatch => decoder.read_dictionary(block, &data)?,
            _ => batches.extend(decoder.read_record_batch(block, &data)?),
        }
    }
    Ok(Read { schema: layout.schema, columns, batches })
}

fn file_layout(bytes: &[u8]) -> Result<Layout, Box<dyn Error>> {
    let trailer = bytes.len().checked_sub(TRAILER).ok_or("it ends early")?;
    let length = read_footer_length(slice(bytes, trailer, TRAILER)?.try_into()?)?;
    let start = trailer.checked_sub(length).ok_or("its footer is longer than the file")?;
    let footer = root_as_footer(&bytes[start..trailer]).map_err(|_| "its footer is damaged")?;
    let schema = schema_of(footer.schema())?;
    let blocks = [footer.dictionaries(), footer.recordBatches()];
    let messages = blocks.into_iter().flatten().flatten().copied().collect();
    Ok(Layout { schema, version: footer.version(), messages })
}

fn stream_layout(bytes: &[u8]) -> Result<Layout, Box<dyn Error>> {
    let first = message_at(bytes, 0)?;
    let schema = schema_of(first.header_as_schema())?;
    let (mut at, mut messages) = (0, Vec::new());
    while at < bytes.len() {
        let metadata = metadata_length(bytes, at)?;
        if metadata == 0 {
            break;
        }
        let body = message_at(bytes, at)?.bodyLength();
        let metadata = metadata + PREFIX;
        messages.push(Block::new(i64::try_from(at)?, i32::try_from(metadata)?, body));
        at += metadata + usize::try_from(body)?;
    }
    Ok(Layout { schema, version: first.version(), messages: messages.split_off(1) })
}

fn schema_of(schema: Option<Schema>) -> Result<SchemaRef, Box<dyn Error>> {
    let schema = schema.ok_or("it has no schema")?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err("its numbers are in another byte order than this machine's".into());
    }
    Ok(Arc::new(try_fb_to_schema(schema)?))
}

/// The metadata of the message that starts at `at`.
fn message_at(bytes: &[u8], at: usize) -> Result<Message<'_>, Box<dyn Error>> {
    let length = metadata_length(bytes, at)?;
    Ok(root_as_message(slice(bytes, at + PREFIX, length)?).map_err(|_| "its metadata are damaged")?)
}

fn metadata_length(bytes: &[u8], at: usize) -> Result<usize, Box<dyn Error>> {
    match slice(bytes, at, PREFIX)? {
        [0xFF, 0xFF, 0xFF, 0xFF, length @ ..] => Ok(usize::try_from(i32::from_le_bytes(length.try_into()?))?),
        _ => Err("it is of a format before Arrow 0.15".into()),
    }
}

/// Refuses a compressed message that says that its columns are larger than the memory: the decoder would ask for as much
/// and end the program.
fn check_sizes(message: &Message, body: &[u8]) -> Result<(), Box<dyn Error>> {
    let dictionary = || message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or_else(dictionary) else { return Ok(()) };
    if batch.compression().is_none() {
        return Ok(());
    }
    for buffer in batch.buffers().into_iter().flatten().filter(|buffer| buffer.length() > 0) {
        let size = slice(body, usize::try_from(buffer.offset())?, size_of::<i64>())?;
        // -1 says that the buffer is not compressed after all.
        let size = usize::try_from(i64::from_le_bytes(size.try_into()?).max(0))?;
        // The compiler must not leave out memory that nothing is written to.
        black_box(&mut Vec::<u8>::new()).try_reserve_exact(size)?;
    }
    Ok(())
}

fn slice(bytes: &[u8], start: usize, length: usize) -> Result<&[u8], Box<dyn Error>> {
    let end = start.checked_add(length).filter(|&end| end <= bytes.len()).ok_or("it ends early")?;
    Ok(&bytes[start..end])
}
