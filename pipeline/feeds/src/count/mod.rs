//! How many rows a source brings, counted from its raw bytes. In: a source. Out: a number.
//! Never: the parser's code. CSV is parsed by Polars and counted by a scanner over the bytes; JSON is parsed by
//! serde_json and counted by depth, NDJSON by its lines; Parquet is counted by its footer alone; a workbook is parsed by calamine and counted over its XML.
//! Messages of a topic are counted by their lines, against the count taken when they came.

pub(crate) mod csv;
mod json;
mod messages;
mod ndjson;
mod parquet;
mod xlsx;

use crate::archive::check_archive;
use crate::decode::BYTE_ORDER_MARK;
use crate::{Contract, FeedError, Format, Source};

/// The records of the source, times the columns that are unpivoted.
pub fn count_received(contract: &Contract, source: &Source) -> Result<u64, FeedError> {
    let bytes = source.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&source.bytes);
    let counted = match &contract.format {
        Format::Csv { delimiter, quote, .. } => csv::count_records(bytes, *delimiter, *quote).map(|records| records.saturating_sub(1)),
        Format::Json { records, .. } => json::count(bytes, records),
        Format::Messages => messages::count(bytes, &source.address),
        Format::Ndjson { .. } => Ok(ndjson::count(bytes)),
        Format::Parquet => parquet::count(&source.bytes),
        Format::Xlsx { sheet, header_row } => {
            check_archive(contract, source)?;
            xlsx::count(&source.bytes, sheet.as_deref(), *header_row)
        }
    };
    let records = counted.map_err(|what| FeedError::unreadable(contract, source, what, None))?;
    Ok(records * contract.unpivot.as_ref().map_or(1, |unpivot| unpivot.columns.len() as u64))
}
