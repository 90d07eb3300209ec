//! What came late and what never came. In: a contract, parsed rows, the names of sources. Out: late rows, counted; days
//! without a source, named. Never: a clock, a row left out because it is late.

use crate::known_on::{day_in_name, to_date};
use crate::{Contract, KnownOn, Parsed};
use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Int64Type};
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// Rows of one source that were known later than the contract allows. They landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// How many.
    pub rows: u64,
    /// The record that was known latest after its day; the first of several.
    pub source_row: i64,
    /// Its day.
    pub day: NaiveDate,
    /// The day it could have been known.
    pub known_on: NaiveDate,
}

/// The late rows among the accepted; none when there is none, or when the contract sets no limit.
pub fn late(contract: &Contract, parsed: &Parsed) -> Option<Late> {
    let most = i64::from(contract.gate.lateness_days?);
    let column = |name: &str| parsed.accepted.column_by_name(name);
    let (days, known) = (column("day")?.as_primitive_opt::<Date32Type>()?, column("available_on")?.as_primitive_opt::<Date32Type>()?);
    let source_rows = column("source_row")?.as_primitive_opt::<Int64Type>()?;
    let (mut rows, mut latest) = (0, None::<(i64, i32, i32, i64)>);
    for ((day, known), source_row) in days.values().iter().zip(known.values()).zip(source_rows.values()) {
        let after = i64::from(*known) - i64::from(*day);
        if after <= most {
            continue;
        }
        rows += 1;
        if latest.is_none_or(|(before, ..)| after > before) {
            latest = Some((after, *day, *known, *source_row));
        }
    }
    latest.map(|(_, day, known, source_row)| Late { rows, source_row, day: to_date(day), known_on: to_date(known) })
}

/// The days between the first and the last that no source brought, by the sources' names; none when the feed is not daily.
pub fn missing_days<'a>(contract: &Contract, addresses: impl IntoIterator<Item = &'a str>) -> Vec<NaiveDate> {
    let (Some(closed), KnownOn::FileName { like, .. }) = (&contract.gate.daily, &contract.known_on) else { return Vec::new() };
    let told = addresses.into_iter().filter_map(|address| day_in_name(like, address)).filter(|(_, whole_month)| !whole_month);
    let brought: BTreeSet<NaiveDate> = told.map(|(day, _)| day).collect();
    let (Some(first), Some(last)) = (brought.first(), brought.last()) else { return Vec::new() };
    first.iter_days().take_while(|day| day < last).filter(|day| !brought.contains(day) && !closed.contains(day)).collect()
}
