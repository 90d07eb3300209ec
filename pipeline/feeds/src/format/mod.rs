//! Reading a file into columns of text. In: a source. Out: its records, every cell as it is written. Never: a number.

mod csv;
mod json;
mod messages;
mod ndjson;
mod parquet;
mod xlsx;

pub(crate) use json::tree as json_tree;

use crate::arrow_joint::to_arrow;
use crate::{Contract, FeedError, Format, Source};
use arrow::array::{Array, AsArray, StringViewArray};
use arrow::error::ArrowError;
use polars::prelude::DataFrame;
use std::borrow::Cow;

/// The records of a source.
pub(crate) struct Records<'a> {
    /// How many there are.
    pub height: usize,
    /// The columns by their names; every one is text.
    pub columns: Vec<(String, StringViewArray)>,
    /// To show a record as it stands there.
    pub raw: Raw<'a>,
    /// Records that cannot be trusted, by their place, with the rule they break and the reason.
    pub broken: Vec<(usize, &'static str, String)>,
}

/// Records as they stand in the source.
pub(crate) enum Raw<'a> {
    /// Lines of a text.
    Lines {
        /// The whole text.
        text: Cow<'a, str>,
        /// Where each record stands in it.
        spans: Vec<std::ops::Range<usize>>,
    },
    /// Objects.
    Objects(Vec<serde_json::Value>),
    /// Cells, to be joined.
    Cells,
}

impl<'a> Records<'a> {
    /// The records of a frame of text: each column crosses without a copy.
    fn of(frame: DataFrame, raw: Raw<'a>, broken: Vec<(usize, String)>) -> Result<Records<'a>, ArrowError> {
        let height = frame.height();
        let mut columns = Vec::with_capacity(frame.width());
        for column in frame.into_columns() {
            // names cross to Arrow as C strings, which end there
            if column.name().contains('\0') {
                return Err(ArrowError::SchemaError(format!("the name of column {} holds a NUL", columns.len() + 1)));
            }
            let cells = to_arrow(column.as_materialized_series())?;
            columns.push((column.name().to_string(), cells.as_string_view().clone()));
        }
        let broken = broken.into_iter().map(|(record, reason)| (record, "fields", reason)).collect();
        Ok(Records { height, columns, raw, broken })
    }

    /// The record as it stands there, or as near as its format allows.
    pub fn show(&self, record: usize) -> String {
        match &self.raw {
            Raw::Lines { text, spans } => spans.get(record).and_then(|span| text.get(span.clone())).unwrap_or_default().to_string(),
            Raw::Objects(objects) => objects.get(record).map(ToString::to_string).unwrap_or_default(),
            Raw::Cells => {
                let cells = self.columns.iter().map(|(_, cells)| if cells.is_valid(record) { cells.value(record) } else { "" });
                cells.collect::<Vec<_>>().join(",")
            }
        }
    }
}

pub(crate) fn read<'a>(contract: &Contract, source: &'a Source) -> Result<Records<'a>, FeedError> {
    match &contract.format {
        Format::Csv { encoding, delimiter, quote } => csv::read(contract, source, *encoding, *delimiter, *quote),
        Format::Json { encoding, records } => json::read(contract, source, *encoding, records),
        Format::Messages => messages::read(contract, source),
        Format::Ndjson { encoding } => ndjson::read(contract, source, *encoding),
        Format::Parquet => parquet::read(contract, source),
        Format::Xlsx { sheet, header_row } => xlsx::read(contract, source, sheet.as_deref(), *header_row),
    }
}

/// A header's name without blanks round it and without byte-order marks.
fn header_name(text: &str) -> String {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}').to_string()
}
