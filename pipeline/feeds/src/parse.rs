//! From a source's bytes to accepted and rejected rows. In: a checked contract and one source. Out: a batch in the
//! shape of the landed table, and every other row with its reason. Never: a row that is neither.

use crate::arrow_joint::to_arrow;
use crate::cells::{Cells, convert};
use crate::format::read;
use crate::known_on::{known_on, to_date};
use crate::rows::Verdicts;
use crate::schema::{DIGITS, arrow_schema};
use crate::unpivot::Rows;
use crate::{Contract, FeedError, Source, count_received};
use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use nongshi_domain::Rejected;
use polars::prelude::{BooleanChunked, DataType as PolarsType, NewChunkedArray, Series};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::sync::Arc;

/// What became of one source.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Rows in the shape of `arrow_schema`.
    pub accepted: RecordBatch,
    /// The others, in the order of the source.
    pub rejected: Vec<Rejected>,
    /// Rows counted from the raw bytes by `count_received`; always accepted + rejected.
    pub received: u64,
}

/// Parses one source.
pub fn parse(contract: &Contract, source: &Source) -> Result<Parsed, FeedError> {
    let records = read(contract, source)?;
    let received = count_received(contract, source)?;
    let rows = Rows::of(contract, source, &records);
    if received != rows.height() as u64 {
        return Err(FeedError::miscounted(contract, source, received, rows.height(), 0));
    }
    let mut verdicts = Verdicts::all_standing(rows.height());
    for (record, reason) in &records.broken {
        for row in record * rows.width()..(record + 1) * rows.width() {
            verdicts.reject(row, "fields", || reason.clone());
        }
    }
    reject_not_asked_for(contract, &rows, &mut verdicts)?;
    let mut columns = contract.columns.iter().map(|rule| convert(rule, &rows, &mut verdicts)).collect::<Result<Vec<_>, _>>()?;
    move_pieces(contract, &mut columns);
    reject_disordered(contract, &columns, &mut verdicts);
    let known = known_on(contract, source, rows.height(), |place| days_of(&columns[place]))?;
    reject_unknowable(contract, &columns, &known, &mut verdicts);
    reject_duplicates(&columns, rows.width(), &mut verdicts);

    let accepted = batch(contract, &columns, &known, rows.width(), &verdicts).map_err(|error| rows.shape_error(Box::new(error)))?;
    let rejected = verdicts.rejected(&records, rows.width());
    if received != (accepted.num_rows() + rejected.len()) as u64 {
        return Err(FeedError::miscounted(contract, source, received, accepted.num_rows(), rejected.len()));
    }
    Ok(Parsed { accepted, rejected, received })
}

fn reject_not_asked_for(contract: &Contract, rows: &Rows, verdicts: &mut Verdicts) -> Result<(), FeedError> {
    for (name, wanted) in &contract.only {
        for (row, cell) in rows.cells(name)?.into_iter().enumerate() {
            let text = cell.unwrap_or_default();
            if !wanted.iter().any(|known| known == text) {
                verdicts.reject(row, "not_asked_for", || format!("{name} is `{text}`; asked for: `{}`", wanted.join("`, `")));
            }
        }
    }
    Ok(())
}

/// What is counted by the piece leaves the columns of weight.
fn move_pieces(contract: &Contract, columns: &mut [Cells]) {
    let Some(pieces) = &contract.pieces else { return };
    let Cells::Text(names) = &columns[pieces.column] else { return };
    let Ok(names) = names.str() else { return };
    let mut known: HashMap<&str, bool> = HashMap::new();
    let by_piece = names.iter().map(|name| name.is_some_and(|name| *known.entry(name).or_insert_with(|| pieces.like.is_match(name))));
    let by_piece: Vec<bool> = by_piece.collect();
    for (from, to) in &pieces.moves {
        let Ok([Cells::Exact { mantissas: from, .. }, Cells::Exact { mantissas: to, .. }]) = columns.get_disjoint_mut([*from, *to]) else {
            continue;
        };
        for row in by_piece.iter().enumerate().filter(|(_, by_piece)| **by_piece).map(|(row, _)| row) {
            to[row] = from[row].take();
        }
    }
}

fn reject_disordered(contract: &Contract, columns: &[Cells], verdicts: &mut Verdicts) {
    for chain in &contract.ordered {
        let numbers = chain.iter().filter_map(|place| match &columns[*place] {
            Cells::Exact { mantissas, decimals } => Some((contract.table.columns[*place].name, mantissas, *decimals)),
            _ => None,
        });
        let numbers: Vec<_> = numbers.collect();
        let rows = numbers.first().map_or(0, |(_, mantissas, _)| mantissas.len());
        for row in 0..rows {
            let present = numbers.iter().filter_map(|(name, mantissas, decimals)| Some((name, mantissas[row]?, *decimals)));
            let present: Vec<_> =
                present.map(|(name, mantissa, decimals)| (name, Decimal::from_i128_with_scale(mantissa, decimals))).collect();
            if let Some([(low, less), (high, more)]) = present.array_windows().find(|[(_, less), (_, more)]| less > more) {
                verdicts.reject(row, "ordered", || format!("{low} {less} is above {high} {more}"));
            }
        }
    }
}

/// A row without a day, or one that would have been known before it happened.
fn reject_unknowable(contract: &Contract, columns: &[Cells], known: &[Option<i32>], verdicts: &mut Verdicts) {
    let happened = contract.place_of("day").map(|place| days_of(&columns[place]));
    for (row, known) in known.iter().enumerate() {
        let happened = happened.as_ref().and_then(|days| days[row]);
        match (known, happened) {
            (None, _) => verdicts.reject(row, "available_on", || "the day it could have been known is empty".into()),
            (Some(known), Some(happened)) if *known < happened => verdicts.reject(row, "available_on", || {
                format!("day {} lies after {}, the day it could have been known", to_date(happened), to_date(*known))
            }),
            _ => {}
        }
    }
}

/// The same row again; another value under the same key is no duplicate.
fn reject_duplicates(columns: &[Cells], width: usize, verdicts: &mut Verdicts) {
    let mut first_of: HashMap<Vec<u8>, usize> = HashMap::new();
    let standing: Vec<usize> = verdicts.standing().collect();
    for row in standing {
        let first = *first_of.entry(whole_row(columns, row)).or_insert(row);
        if first != row {
            verdicts.reject(row, "duplicate", || format!("every column is as in record {}", first / width + 1));
        }
    }
}

/// All cells of a row, each behind its length, so that no two rows look the same.
fn whole_row(columns: &[Cells], row: usize) -> Vec<u8> {
    let mut key = Vec::with_capacity(96);
    let mut push = |bytes: Option<&[u8]>| {
        key.extend_from_slice(&bytes.map_or(u32::MAX, |bytes| bytes.len() as u32).to_le_bytes());
        key.extend_from_slice(bytes.unwrap_or_default());
    };
    for column in columns {
        match column {
            Cells::Text(cells) => push(cells.str().ok().and_then(|cells| cells.get(row)).map(str::as_bytes)),
            Cells::Day(cells) => {
                push(cells.date().ok().and_then(|cells| cells.physical().get(row)).map(i32::to_le_bytes).as_ref().map(|bytes| &bytes[..]))
            }
            Cells::Count(cells) => {
                push(cells.i64().ok().and_then(|cells| cells.get(row)).map(i64::to_le_bytes).as_ref().map(|bytes| &bytes[..]))
            }
            Cells::Exact { mantissas, .. } => push(mantissas[row].map(i128::to_le_bytes).as_ref().map(|bytes| &bytes[..])),
        }
    }
    key
}

fn days_of(cells: &Cells) -> Vec<Option<i32>> {
    match cells {
        Cells::Day(days) => days.date().map(|days| days.physical().iter().collect()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The standing rows in Arrow: text, days and counts cross from Polars, exact numbers are built here.
fn batch(
    contract: &Contract,
    columns: &[Cells],
    known: &[Option<i32>],
    width: usize,
    verdicts: &Verdicts,
) -> Result<RecordBatch, ArrowError> {
    let mask = BooleanChunked::from_iter_values("".into(), (0..known.len()).map(|row| verdicts.stands(row)));
    let outside = |error: polars::prelude::PolarsError| ArrowError::ExternalError(Box::new(error));
    let cross = |series: &Series| to_arrow(&series.filter(&mask).map_err(outside)?);
    let schema = Arc::new(arrow_schema(contract.table));
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for cells in columns {
        arrays.push(match cells {
            Cells::Text(series) => cast(&cross(series)?, &DataType::Utf8)?,
            Cells::Day(series) | Cells::Count(series) => cross(series)?,
            Cells::Exact { mantissas, decimals } => {
                let standing = Decimal128Array::from_iter(verdicts.standing().map(|row| mantissas[row]));
                Arc::new(standing.with_precision_and_scale(DIGITS, *decimals as i8)?)
            }
        });
    }
    let known = Series::from_iter(known.iter().copied()).cast(&PolarsType::Date).map_err(outside)?;
    let source_rows = Series::from_iter((0..known.len()).map(|row| (row / width) as i64 + 1));
    arrays.push(cross(&known)?);
    arrays.push(Arc::new(StringArray::from_iter_values(verdicts.standing().map(|_| contract.feed.as_str()))));
    arrays.push(cross(&source_rows)?);
    RecordBatch::try_new(schema, arrays)
}
