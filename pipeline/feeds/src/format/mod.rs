//! Reading a file into columns of text. In: a source. Out: its records, every cell as it is written. Never: a number.

mod csv;
mod json;
mod xlsx;

use crate::{Contract, FeedError, Format, Source};
use polars::prelude::DataFrame;

/// The records of a source.
pub(crate) struct Records {
    /// Every column is text.
    pub frame: DataFrame,
    /// To show a record as it stands there.
    pub raw: Raw,
    /// Records that cannot be trusted, by their place, with the reason.
    pub broken: Vec<(usize, String)>,
}

/// Records as they stand in the source.
pub(crate) enum Raw {
    /// Lines of a text.
    Lines {
        /// The whole text.
        text: String,
        /// Where each record stands in it.
        spans: Vec<std::ops::Range<usize>>,
    },
    /// Objects.
    Objects(Vec<serde_json::Value>),
    /// Cells, to be joined.
    Cells,
}

impl Records {
    /// The record as it stands there, or as near as its format allows.
    pub fn show(&self, record: usize) -> String {
        match &self.raw {
            Raw::Lines { text, spans } => spans.get(record).and_then(|span| text.get(span.clone())).unwrap_or_default().to_string(),
            Raw::Objects(objects) => objects.get(record).map(ToString::to_string).unwrap_or_default(),
            Raw::Cells => {
                let cell = |column: &polars::prelude::Column| {
                    column.str().ok().and_then(|cells| cells.get(record)).unwrap_or_default().to_string()
                };
                self.frame.columns().iter().map(cell).collect::<Vec<_>>().join(",")
            }
        }
    }
}

pub(crate) fn read(contract: &Contract, source: &Source) -> Result<Records, FeedError> {
    match &contract.format {
        Format::Csv { encoding, delimiter, quote } => csv::read(contract, source, *encoding, *delimiter, *quote),
        Format::Json { encoding, records } => json::read(contract, source, *encoding, records),
        Format::Xlsx { sheet, header_row } => xlsx::read(contract, source, sheet.as_deref(), *header_row),
    }
}

/// A header's name without blanks round it and without byte-order marks.
fn header_name(text: &str) -> String {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}').to_string()
}
