//! The rows of a source: its records, or for a wide file each record once for every unpivoted column.
//! In: records of text. Out: a source column, row by row. Never: a copy of the text.

use crate::format::Records;
use crate::{Contract, FeedError, Source, Unpivot};
use nongshi_domain::Hint;
use polars::prelude::StringChunked;

/// The rows of a source.
pub(crate) struct Rows<'a> {
    contract: &'a Contract,
    source: &'a Source,
    records: &'a Records,
    unpivot: Option<&'a Unpivot>,
}

impl<'a> Rows<'a> {
    pub fn of(contract: &'a Contract, source: &'a Source, records: &'a Records) -> Rows<'a> {
        Rows { contract, source, records, unpivot: contract.unpivot.as_ref() }
    }

    /// Rows that come from one record.
    pub fn width(&self) -> usize {
        self.unpivot.map_or(1, |unpivot| unpivot.columns.len())
    }

    pub fn height(&self) -> usize {
        self.records.frame.height() * self.width()
    }

    /// A column of the source, or one that unpivoting makes, as one cell a row; trimmed, and nothing where it is blank.
    pub fn cells(&self, name: &str) -> Result<Vec<Option<&'a str>>, FeedError> {
        let records = 0..self.records.frame.height();
        let Some(unpivot) = self.unpivot else {
            let cells = self.column(name)?;
            return Ok(records.map(|record| cell(cells, record)).collect());
        };
        if name == unpivot.value {
            let wide = unpivot.columns.iter().map(|column| self.column(&column.source)).collect::<Result<Vec<_>, _>>()?;
            return Ok(records.flat_map(|record| wide.iter().map(move |cells| cell(cells, record))).collect());
        }
        if let Some(place) = unpivot.constants.iter().position(|constant| constant == name) {
            let constants = || unpivot.columns.iter().map(|column| Some(column.constants[place].as_str()));
            return Ok(records.flat_map(|_| constants()).collect());
        }
        let cells = self.column(name)?;
        Ok(records.flat_map(|record| std::iter::repeat_n(cell(cells, record), self.width())).collect())
    }

    /// An error of a library that checked columns cannot cause.
    pub fn shape_error(&self, cause: Box<dyn std::error::Error + Send + Sync>) -> FeedError {
        FeedError::Shape { feed: self.contract.feed.clone(), address: self.source.address.clone(), cause }
    }

    fn column(&self, name: &str) -> Result<&'a StringChunked, FeedError> {
        let frame = &self.records.frame;
        let known: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
        let missing = |hint: Hint| FeedError::NoColumn {
            feed: self.contract.feed.clone(),
            address: self.source.address.clone(),
            column: name.to_string(),
            hint,
        };
        // Polars renames the second of two columns with one name like this.
        let twin = format!("{name}_duplicated_0");
        if known.contains(&twin.as_str()) {
            return Err(missing(Hint(format!("`{name}` stands there twice: which one is meant cannot be told"))));
        }
        let column = frame.column(name).ok().and_then(|column| column.str().ok());
        column.ok_or_else(|| missing(Hint::for_name(name, known.iter().copied())))
    }
}

fn cell(cells: &StringChunked, record: usize) -> Option<&str> {
    cells.get(record).map(str::trim).filter(|text| !text.is_empty())
}
