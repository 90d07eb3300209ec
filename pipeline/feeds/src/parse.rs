//! From a source's bytes to accepted and rejected rows. In: a checked contract and one source. Out: a batch in the
//! shape of the landed table, and every other row with its reason. Never: a row that is neither.

use crate::cells::{Cells, convert};
use crate::distinct::Distinct;
use crate::duplicates::reject_duplicates;
use crate::format::read;
use crate::history::{History, reject_unusual};
use crate::known_on::{Known, known_on, to_date};
use crate::rows::Verdicts;
use crate::schema::{DIGITS, arrow_schema};
use crate::unpivot::Rows;
use crate::{Contract, FeedError, Format, Source, count_received};
use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use nongshi_domain::Rejected;
use rust_decimal::Decimal;
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

/// Parses one source of which nothing came before.
pub fn parse(contract: &Contract, source: &Source) -> Result<Parsed, FeedError> {
    parse_after(contract, source, &History::default())
}

/// Parses one source; `history` is what was accepted before.
pub fn parse_after(contract: &Contract, source: &Source, history: &History) -> Result<Parsed, FeedError> {
    let records = read(contract, source)?;
    let received = count_received(contract, source)?;
    let rows = Rows::of(contract, source, &records);
    if received != rows.height() as u64 {
        return Err(FeedError::miscounted(contract, source, received, rows.height(), 0));
    }
    if received == 0 && matches!(contract.format, Format::Json { .. }) {
        // an array of no objects has no columns: a board that says so has nothing for that day
        let accepted = RecordBatch::new_empty(Arc::new(arrow_schema(contract.table)));
        return Ok(Parsed { accepted, rejected: Vec::new(), received });
    }
    let mut verdicts = Verdicts::all_standing(rows.height());
    for (record, rule, reason) in &records.broken {
        for row in record * rows.width()..(record + 1) * rows.width() {
            verdicts.reject(row, rule, || reason.clone());
        }
    }
    reject_not_asked_for(contract, &rows, &mut verdicts)?;
    let mut columns = contract.columns.iter().map(|rule| convert(rule, &rows, &mut verdicts)).collect::<Result<Vec<_>, _>>()?;
    move_pieces(contract, &mut columns);
    reject_disordered(contract, &columns, &mut verdicts);
    let known = known_on(contract, source, &rows, |place| days_of(&columns[place]))?;
    reject_unknowable(contract, &columns, &known, &mut verdicts);
    reject_duplicates(&columns, rows.width(), &mut verdicts);
    reject_unusual(contract, &columns, &known, history, &mut verdicts);

    let accepted = batch(contract, &columns, &known, rows.width(), &verdicts).map_err(|error| rows.shape_error(Box::new(error)))?;
    let rejected = verdicts.rejected(&records, rows.width());
    if received != (accepted.num_rows() + rejected.len()) as u64 {
        return Err(FeedError::miscounted(contract, source, received, accepted.num_rows(), rejected.len()));
    }
    Ok(Parsed { accepted, rejected, received })
}

fn reject_not_asked_for(contract: &Contract, rows: &Rows, verdicts: &mut Verdicts) -> Result<(), FeedError> {
    for (name, wanted) in &contract.only {
        let Distinct { texts, codes } = rows.cells(name)?;
        let asked_for: Vec<bool> =
            texts.iter().map(|text| wanted.iter().any(|known| known == text.as_deref().unwrap_or_default())).collect();
        for (row, code) in codes.into_iter().enumerate().filter(|(_, code)| !asked_for[*code as usize]) {
            let text = texts[code as usize].as_deref().unwrap_or_default();
            verdicts.reject(row, "not_asked_for", || format!("{name} is `{text}`; asked for: `{}`", wanted.join("`, `")));
        }
    }
    Ok(())
}

/// What is counted by the piece leaves the columns of weight.
fn move_pieces(contract: &Contract, columns: &mut [Cells]) {
    let Some(pieces) = &contract.pieces else { return };
    let Cells::Text { texts, codes } = &columns[pieces.column] else { return };
    let matches: Vec<bool> = texts.iter().map(|name| name.is_some_and(|name| pieces.like.is_match(name))).collect();
    let by_piece: Vec<bool> = codes.iter().map(|code| matches[*code as usize]).collect();
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
            Cells::Exact { mantissas, decimals } => Some((contract.table.columns[*place].name, &mantissas[..], *decimals)),
            _ => None,
        });
        let numbers: Vec<(&str, &[Option<i64>], u32)> = numbers.collect();
        for row in 0..verdicts.len() {
            let mut before: Option<(&str, i64, u32)> = None;
            for (name, mantissas, decimals) in &numbers {
                let Some(mantissa) = mantissas[row] else { continue };
                if let Some((low, less, less_decimals)) = before
                    && above((less, less_decimals), (mantissa, *decimals))
                {
                    let (less, more) = (Decimal::new(less, less_decimals), Decimal::new(mantissa, *decimals));
                    verdicts.reject(row, "ordered", || format!("{low} {less} is above {name} {more}"));
                    break;
                }
                before = Some((name, mantissa, *decimals));
            }
        }
    }
}

/// Whether the first exact number is above the second.
fn above(one: (i64, u32), other: (i64, u32)) -> bool {
    let at = |(mantissa, decimals): (i64, u32)| i128::from(mantissa) * 10_i128.pow(one.1.max(other.1) - decimals);
    if one.1 == other.1 { one.0 > other.0 } else { at(one) > at(other) }
}

/// A row without a day, or one that would have been known before it happened.
fn reject_unknowable(contract: &Contract, columns: &[Cells], known: &Known, verdicts: &mut Verdicts) {
    let happened = contract.place_of("day").map(|place| days_of(&columns[place]));
    for row in 0..verdicts.len() {
        let happened = happened.and_then(|days| days[row]);
        match (known.of(row), happened) {
            (None, _) => verdicts.reject(row, "available_on", || "the day it could have been known is empty or no day".into()),
            (Some(known), Some(happened)) if known < happened => verdicts.reject(row, "available_on", || {
                format!("day {} lies after {}, the day it could have been known", to_date(happened), to_date(known))
            }),
            _ => {}
        }
    }
}

pub(crate) fn days_of(cells: &Cells) -> &[Option<i32>] {
    match cells {
        Cells::Day(days) => days,
        _ => &[],
    }
}

/// The standing rows in Arrow.
fn batch(contract: &Contract, columns: &[Cells], known: &Known, width: usize, verdicts: &Verdicts) -> Result<RecordBatch, ArrowError> {
    let standing: Vec<usize> = verdicts.standing().collect();
    let schema = Arc::new(arrow_schema(contract.table));
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for cells in columns {
        arrays.push(match cells {
            Cells::Text { texts, codes } => take(texts, &UInt32Array::from_iter_values(standing.iter().map(|row| codes[*row])), None)?,
            Cells::Day(days) => Arc::new(Date32Array::from_iter(standing.iter().map(|row| days[*row]))),
            Cells::Count(numbers) => Arc::new(Int64Array::from_iter(standing.iter().map(|row| numbers[*row]))),
            Cells::Exact { mantissas, decimals } => {
                let numbers = Decimal128Array::from_iter(standing.iter().map(|row| mantissas[*row].map(i128::from)));
                Arc::new(numbers.with_precision_and_scale(DIGITS, *decimals as i8)?)
            }
        });
    }
    arrays.push(Arc::new(Date32Array::from_iter(standing.iter().map(|row| known.of(*row)))));
    arrays.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(contract.feed.as_str(), standing.len()))));
    arrays.push(Arc::new(Int64Array::from_iter_values(standing.iter().map(|row| (row / width) as i64 + 1))));
    RecordBatch::try_new(schema, arrays)
}
