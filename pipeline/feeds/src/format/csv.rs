//! CSV by Polars: every column as text, no schema guessed. Beside it our own scanner tells where each record stands
//! and how many fields it has, so that Polars' lenient reading loses nothing: a record with other than the header's
//! number of fields is rejected whole.

use super::{Raw, Records, header_name};
use crate::count::csv::{Line, lines};
use crate::decode::decode;
use crate::{Contract, Encoding, FeedError, Source};
use nongshi_domain::Hint;
use polars::prelude::{BooleanChunked, CsvReadOptions, DataFrame, NewChunkedArray, SerReader};
use std::io::Cursor;

/// More columns than any feed has: a file that is not what it seems.
const MOST_COLUMNS: usize = 2_000;
/// The longest field: a quotation mark that was never closed, more likely than text.
const LONGEST_FIELD_BYTES: usize = 1 << 20;

pub(super) fn read<'a>(
    contract: &Contract,
    source: &'a Source,
    encoding: Encoding,
    delimiter: u8,
    quote: Option<u8>,
) -> Result<Records<'a>, FeedError> {
    let text = decode(contract, source, encoding)?;
    let mut lines = lines(text.as_bytes(), delimiter, quote).map_err(|what| {
        FeedError::unreadable(
            contract,
            source,
            what,
            Some(Hint("the file may be cut off, or not CSV; `quote = \"\"` switches quoting off".into())),
        )
    })?;
    let first = lines.iter().position(|line| !line.is_blank());
    let header = first.map(|first| lines.drain(..=first).next_back()).unwrap_or_default();
    let header = header.ok_or_else(|| FeedError::unreadable(contract, source, "it has no header".into(), None))?;
    if header.fields > MOST_COLUMNS {
        return Err(FeedError::unreadable(contract, source, format!("it has {} columns; {MOST_COLUMNS} is the most", header.fields), None));
    }
    if header.longest > LONGEST_FIELD_BYTES {
        let what = format!("a name in its header has {} bytes; {LONGEST_FIELD_BYTES} is the most", header.longest);
        return Err(FeedError::unreadable(contract, source, what, None));
    }
    let from_header = &text[header.span.start..];
    let mut frame =
        frame(from_header, delimiter, quote).map_err(|error| FeedError::unreadable(contract, source, error.to_string(), None))?;
    if frame.height() != lines.len() {
        return Err(FeedError::miscounted(contract, source, lines.len() as u64, frame.height(), 0));
    }
    if lines.iter().any(Line::is_blank) {
        let records = BooleanChunked::from_iter_values("".into(), lines.iter().map(|line| !line.is_blank()));
        frame = frame.filter_seq(&records).map_err(|error| FeedError::unreadable(contract, source, error.to_string(), None))?;
        lines.retain(|line| !line.is_blank());
    }
    let broken = lines.iter().enumerate().filter_map(|(record, line)| Some((record, fault(line, header.fields)?))).collect();
    let spans = lines.into_iter().map(|line| line.span).collect();
    Records::of(frame, Raw::Lines { text, spans }, broken).map_err(|error| FeedError::unreadable(contract, source, error.to_string(), None))
}

fn frame(text: &str, delimiter: u8, quote: Option<u8>) -> polars::prelude::PolarsResult<DataFrame> {
    let mut frame = CsvReadOptions::default()
        .with_has_header(true)
        .with_infer_schema_length(Some(0))
        .map_parse_options(|options| options.with_separator(delimiter).with_quote_char(quote).with_truncate_ragged_lines(true))
        .into_reader_with_file_handle(Cursor::new(text.as_bytes()))
        .finish()?;
    let names: Vec<String> = frame.get_column_names().into_iter().map(|name| header_name(name)).collect();
    frame.set_column_names(&names)?;
    Ok(frame)
}

fn fault(line: &Line, header_fields: usize) -> Option<String> {
    if line.fields != header_fields {
        return Some(format!("the record has {} fields, the header {header_fields}", line.fields));
    }
    (line.longest > LONGEST_FIELD_BYTES).then(|| format!("a field has {} bytes; {LONGEST_FIELD_BYTES} is the most", line.longest))
}
