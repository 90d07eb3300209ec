//! Parquet: every column as text, by its type: a day is `2024-02-01`, a moment `2024-02-01 08:30:00` (its day alone at
//! midnight; an instant as it is in Asia/Shanghai), a decimal exact, a number by its shortest text. The library panics
//! on some broken files (`tests/fuzz` holds them): here, and nowhere else, a panic is a file that cannot be read.

use super::{Raw, Records, header_name};
use crate::thrift::{INTEGERS, Reader};
use crate::{Contract, FeedError, Source};
use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, StringViewBuilder};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use nongshi_domain::Hint;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// More columns than any feed has: a file that is not what it seems.
const MOST_COLUMNS: usize = 2_000;
/// Equal cells cost nothing in the file, but something here.
const MOST_CELLS: i64 = 100_000_000;
/// Writers end a page at some megabytes.
const MOST_PAGE_BYTES: i64 = 64 << 20;
/// Fields of a page's header. Source: parquet-format, `parquet.thrift`, `PageHeader`.
const UNPACKED_SIZE: i64 = 2;
const PACKED_SIZE: i64 = 3;
/// The wall clock of the chain: Asia/Shanghai is eight hours ahead all year.
const SHANGHAI: &str = "+08:00";
const MOMENT: &str = "%Y-%m-%d %H:%M:%S";
/// What a moment at midnight ends with.
const MIDNIGHT: &str = " 00:00:00";

pub(super) fn read<'a>(contract: &Contract, source: &'a Source) -> Result<Records<'a>, FeedError> {
    // nothing outlives the closure but its answer: what a panic left half done is gone
    catch_unwind(AssertUnwindSafe(|| columns(contract, source))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let what = format!("it is broken in a way its reader did not expect ({})", said.unwrap_or("it does not say which"));
        Err(FeedError::unreadable(
            contract,
            source,
            what,
            Some(Hint("fetch the file again, or let the system that writes it do so".into())),
        ))
    })
}

fn columns<'a>(contract: &Contract, source: &'a Source) -> Result<Records<'a>, FeedError> {
    let unreadable = |what: String| FeedError::unreadable(contract, source, what, None);
    let not_parquet = |error: parquet::errors::ParquetError| {
        let hint =
            Hint("Parquet packed by snappy or zstd, or not at all, is read; a file that was cut off has no end to start from".into());
        FeedError::unreadable(contract, source, format!("it is not Parquet that can be read: {error}"), Some(hint))
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(source.bytes.clone()).map_err(not_parquet)?;
    let (rows, schema) = (reader.metadata().file_metadata().num_rows(), reader.schema().clone());
    let width = schema.fields().len();
    if width > MOST_COLUMNS {
        return Err(unreadable(format!("it has {width} columns; {MOST_COLUMNS} is the most")));
    }
    if rows < 0 || rows.saturating_mul(width as i64) > MOST_CELLS {
        return Err(unreadable(format!("it has {rows} rows of {width} columns; {MOST_CELLS} cells are the most")));
    }
    check_pages(&source.bytes, reader.metadata()).map_err(unreadable)?;
    check_dictionaries(&source.bytes, reader.metadata()).map_err(unreadable)?;
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); width];
    for batch in reader.build().map_err(not_parquet)? {
        let batch = batch.map_err(|error| unreadable(format!("it cannot be read to its end: {error}")))?;
        for (column, part) in batch.columns().iter().zip(&mut parts) {
            part.push(text(column).map_err(|error| unreadable(error.to_string()))?);
        }
    }
    let mut columns = Vec::with_capacity(width);
    for (field, parts) in schema.fields().iter().zip(parts) {
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        let cells = match parts.is_empty() {
            true => StringViewArray::new_null(0),
            false => concat(&parts).map_err(|error| unreadable(error.to_string()))?.as_string_view().clone(),
        };
        columns.push((header_name(field.name()), cells));
    }
    let height = columns.first().map_or(0, |(_, cells)| cells.len());
    Ok(Records { height, columns, raw: Raw::Cells, broken: Vec::new() })
}

/// Refuses a page that claims to be large when it is unpacked, before memory is taken for it. A header that cannot be
/// read ends the look: the reader stumbles over it, too.
fn check_pages(bytes: &Bytes, metadata: &ParquetMetaData) -> Result<(), String> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let (start, length) = column.byte_range();
        let mut rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
        rest = &rest[..rest.len().min(usize::try_from(length).unwrap_or(usize::MAX))];
        while let Some((unpacked, after)) = page(rest) {
            if unpacked > MOST_PAGE_BYTES {
                return Err(format!("a page in it claims to hold {unpacked} bytes; {MOST_PAGE_BYTES} is the most"));
            }
            rest = after;
        }
    }
    Ok(())
}

/// What the page at the front claims to hold, and what lies behind it.
fn page(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut reader = Reader(bytes);
    let (mut field, mut unpacked, mut packed) = (0, 0, 0);
    while let Some(kind) = reader.field(&mut field)? {
        match field {
            UNPACKED_SIZE if INTEGERS.contains(&kind) => unpacked = reader.integer()?,
            PACKED_SIZE if INTEGERS.contains(&kind) => packed = reader.integer()?,
            _ => reader.skip(kind, 0)?,
        }
    }
    Some((unpacked, reader.0.get(usize::try_from(packed).ok()?..).unwrap_or_default()))
}

/// Refuses a dictionary that claims more values than it has bytes, before memory is taken for each of them.
fn check_dictionaries(bytes: &Bytes, metadata: &ParquetMetaData) -> Result<(), String> {
    let bytes = Arc::new(bytes.clone());
    for group in metadata.row_groups() {
        let rows = usize::try_from(group.num_rows()).map_err(|_| format!("a part of it tells of {} rows", group.num_rows()))?;
        for column in group.columns() {
            let broken = |error: parquet::errors::ParquetError| format!("its pages cannot be read: {error}");
            let mut pages = SerializedPageReader::new(bytes.clone(), column, rows, None).map_err(broken)?;
            if !pages.peek_next_page().map_err(broken)?.is_some_and(|page| page.is_dict) {
                continue;
            }
            if let Some(Page::DictionaryPage { buf, num_values, .. }) = pages.get_next_page().map_err(broken)?
                && num_values as usize > buf.len()
            {
                return Err(format!("a dictionary of {} bytes in it claims to hold {num_values} values", buf.len()));
            }
        }
    }
    Ok(())
}

/// A column as text.
fn text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let moment = match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => return cast(column, &DataType::Utf8View),
        DataType::Dictionary(_, values) if values.is_string() => return cast(column, &DataType::Utf8View),
        DataType::Timestamp(_, Some(_)) => Some(cast(column, &DataType::Timestamp(TimeUnit::Microsecond, Some(SHANGHAI.into())))?),
        DataType::Timestamp(_, None) | DataType::Date64 => Some(column.clone()),
        _ => None,
    };
    let options =
        FormatOptions::new().with_timestamp_format(Some(MOMENT)).with_timestamp_tz_format(Some(MOMENT)).with_datetime_format(Some(MOMENT));
    let shown = moment.as_ref().unwrap_or(column);
    let cells = ArrayFormatter::try_new(shown.as_ref(), &options)?;
    let mut texts = StringViewBuilder::with_capacity(shown.len());
    for row in 0..shown.len() {
        if shown.is_null(row) {
            texts.append_null();
            continue;
        }
        let cell = cells.value(row).try_to_string()?;
        texts.append_value(if moment.is_some() { cell.strip_suffix(MIDNIGHT).unwrap_or(&cell) } else { &cell });
    }
    Ok(Arc::new(texts.finish()))
}
