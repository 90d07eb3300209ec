//! The rows of a source: its records, or for a wide file each record once for every unpivoted column.
//! In: records of text. Out: a source column, row by row. Never: a copy of the text.

use crate::distinct::Distinct;
use crate::format::Records;
use crate::{Contract, FeedError, Source, Unpivot};
use arrow::array::{Array, StringViewArray};
use nongshi_domain::Hint;
use std::borrow::Cow;

/// The rows of a source.
pub(crate) struct Rows<'a> {
    contract: &'a Contract,
    source: &'a Source,
    records: &'a Records<'a>,
    unpivot: Option<&'a Unpivot>,
}

impl<'a> Rows<'a> {
    pub fn of(contract: &'a Contract, source: &'a Source, records: &'a Records<'a>) -> Rows<'a> {
        Rows { contract, source, records, unpivot: contract.unpivot.as_ref() }
    }

    /// Rows that come from one record.
    pub fn width(&self) -> usize {
        self.unpivot.map_or(1, |unpivot| unpivot.columns.len())
    }

    pub fn height(&self) -> usize {
        self.records.height * self.width()
    }

    /// A column of the source, or one that unpivoting makes, as one cell a row; trimmed, and nothing where it is blank.
    pub fn cells(&self, name: &str) -> Result<Distinct<'a>, FeedError> {
        let Some(unpivot) = self.unpivot else {
            return Ok(Distinct::of(self.column(name)?.iter()));
        };
        let records = 0..self.records.height;
        if name == unpivot.value {
            let wide = unpivot.columns.iter().map(|column| self.column(&column.source)).collect::<Result<Vec<_>, _>>()?;
            return Ok(Distinct::of(
                records.flat_map(|record| wide.iter().map(move |cells| cells.is_valid(record).then(|| cells.value(record)))),
            ));
        }
        if let Some(place) = unpivot.constants.iter().position(|constant| constant == name) {
            let constants = unpivot.columns.iter().map(|column| Some(Cow::Borrowed(column.constants[place].as_str())));
            let places = 1..=unpivot.columns.len() as u32;
            return Ok(Distinct {
                texts: std::iter::once(None).chain(constants).collect(),
                codes: records.flat_map(|_| places.clone()).collect(),
            });
        }
        Ok(Distinct::of(self.column(name)?.iter()).repeated(self.width()))
    }

    /// The source's name: what stands behind the last `/` of its address.
    pub fn name(&self) -> &'a str {
        self.source.name()
    }

    /// An error of a library that checked columns cannot cause.
    pub fn shape_error(&self, cause: Box<dyn std::error::Error + Send + Sync>) -> FeedError {
        FeedError::Shape { feed: self.contract.feed.clone(), address: self.source.address.clone(), cause }
    }

    fn column(&self, name: &str) -> Result<&'a StringViewArray, FeedError> {
        let known = || self.records.columns.iter().map(|(name, _)| name.as_str());
        let missing = |hint: Hint| FeedError::NoColumn {
            feed: self.contract.feed.clone(),
            address: self.source.address.clone(),
            column: name.to_string(),
            hint,
        };
        // Polars renames the second of two columns with one name like this.
        let twin = format!("{name}_duplicated_0");
        if known().any(|name| name == twin) {
            return Err(missing(Hint(format!("`{name}` stands there twice: which one is meant cannot be told"))));
        }
        let column = self.records.columns.iter().find(|(known, _)| known == name);
        column.map(|(_, cells)| cells).ok_or_else(|| missing(Hint::for_name(name, known())))
    }
}
