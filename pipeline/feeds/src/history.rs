//! The range that goes with the product: a value is held to what the product showed lately.
//!
//! In: what was accepted before, and the rows of a source. Out: the rows too far from their product's usual value,
//! rejected as `relative`. Never: a verdict that depends on the order in which rows of one day came, or on a value
//! that was not known yet.

use crate::cells::Cells;
use crate::known_on::{Known, to_date};
use crate::parse::days_of;
use crate::rows::Verdicts;
use crate::schema::DIGITS;
use crate::{Contract, FeedError};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type};
use nongshi_domain::{Kind, LandedTable};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// Values the usual one is the median of.
const LAST: usize = 30;
/// With fewer there is nothing usual.
const LEAST: usize = 10;
/// Days after which a value says nothing any more.
const WITHIN_DAYS: i32 = 45;
/// Days of which values are held, up to the newest: twice as many as are looked back, for rows that come late.
pub const HELD_DAYS: i32 = 2 * WITHIN_DAYS;
/// Stands between the parts of a product's key; no text holds it (rule `characters`).
const BETWEEN: char = '\0';

/// The accepted values of a feed's products, newest days only. It follows from the rows that landed, not from their order.
#[derive(Debug, Clone, Default)]
pub struct History {
    newest: Option<i32>,
    products: HashMap<String, Vec<Seen>>,
}

/// One value, in units of the last decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    day: i32,
    known: i32,
    mantissa: i64,
}

impl History {
    /// The columns of the contract's landed table that `learn` reads.
    pub fn columns(contract: &Contract) -> Vec<&'static str> {
        let places = product_parts(contract.table).chain(watched(contract).map(|(place, _)| place));
        places.map(|place| contract.table.columns[place].name).chain(["day", "available_on"]).collect()
    }

    /// Takes in rows that have landed: the shape of `Parsed::accepted`, or a choice of its columns with the key, the
    /// columns that have `times` and `available_on`.
    pub fn learn(&mut self, contract: &Contract, landed: &RecordBatch) -> Result<(), FeedError> {
        let shape = |cause: Box<dyn std::error::Error + Send + Sync>| FeedError::Shape {
            feed: contract.feed.clone(),
            address: format!("landed.{}", contract.table.name),
            cause,
        };
        let column = |name: &str, kind: &DataType| {
            let given = landed.column_by_name(name).ok_or_else(|| shape(format!("column {name} is not there").into()))?;
            cast(given, kind).map_err(|error| shape(Box::new(error)))
        };
        let days = column("day", &DataType::Date32)?;
        let known = column("available_on", &DataType::Date32)?;
        let parts = product_parts(contract.table).map(|place| column(contract.table.columns[place].name, &DataType::Utf8));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let (days, known) = (days.as_primitive::<Date32Type>(), known.as_primitive::<Date32Type>());
        for (place, _) in watched(contract) {
            let Kind::Exact(decimals) = contract.table.columns[place].kind else { continue };
            let values = column(contract.table.columns[place].name, &DataType::Decimal128(DIGITS, decimals))?;
            let values = values.as_primitive::<Decimal128Type>();
            for row in (0..landed.num_rows()).filter(|row| values.is_valid(*row) && days.is_valid(*row)) {
                let Ok(mantissa) = i64::try_from(values.value(row)) else { continue };
                let texts = parts.iter().map(|part| part.as_string::<i32>()).map(|part| part.is_valid(row).then(|| part.value(row)));
                let seen = Seen { day: days.value(row), known: known.value(row), mantissa };
                self.newest = self.newest.max(Some(seen.day));
                insert(self.products.entry(product(place, texts)).or_default(), seen);
            }
        }
        let first = self.newest.unwrap_or_default() - HELD_DAYS;
        self.products.retain(|_, values| {
            values.drain(..values.partition_point(|seen| seen.day <= first));
            !values.is_empty()
        });
        Ok(())
    }
}

/// Rejects the values that lie further from their product's usual one than the contract allows.
pub(crate) fn reject_unusual(contract: &Contract, columns: &[Cells], known: &Known, history: &History, verdicts: &mut Verdicts) {
    let Some(days) = contract.place_of("day").filter(|_| contract.is_relative()).map(|place| days_of(&columns[place])) else { return };
    let mut rows: Vec<(i32, i32, usize)> =
        verdicts.standing().filter_map(|row| Some((*days.get(row)?.as_ref()?, known.of(row)?, row))).collect();
    rows.sort_unstable();
    let mut lately: HashMap<String, Vec<Seen>> = HashMap::new();
    for (day, known, row) in rows {
        let texts = || product_parts(contract.table).map(|place| text(&columns[place], row));
        let mut values = Vec::new();
        for (place, times) in watched(contract) {
            let Cells::Exact { mantissas, decimals } = &columns[place] else { continue };
            let Some(mantissa) = mantissas[row].filter(|mantissa| *mantissa > 0) else { continue };
            let product = product(place, texts());
            let before =
                lately.entry(product.clone()).or_insert_with_key(|product| history.products.get(product).cloned().unwrap_or_default());
            if let Some(usual) = usual(before, day, known)
                && apart(mantissa, usual.mantissa, times)
            {
                let name = contract.table.columns[place].name;
                let (value, median) = (Decimal::new(mantissa, *decimals), Decimal::new(usual.mantissa, *decimals));
                let way = if mantissa > usual.mantissa { "above" } else { "below" };
                let Usual { count, first, last, .. } = usual;
                verdicts.reject(row, "relative", || {
                    format!(
                        "{name} {value} is more than {times} times {way} {median}, the median of the product's {count} values from {} to {}",
                        to_date(first),
                        to_date(last)
                    )
                });
                break;
            }
            values.push((product, Seen { day, known, mantissa }));
        }
        if verdicts.stands(row) {
            for (product, seen) in values {
                insert(lately.entry(product).or_default(), seen);
            }
        }
    }
}

/// What a product usually costs, weighs or sells.
struct Usual {
    mantissa: i64,
    count: usize,
    first: i32,
    last: i32,
}

/// The median of the newest values before the day that were known by then, the last version of each day.
fn usual(values: &[Seen], day: i32, known: i32) -> Option<Usual> {
    let mut newest: Vec<Seen> = Vec::with_capacity(LAST);
    let earlier = values[..values.partition_point(|seen| seen.day < day)].iter().rev().take_while(|seen| seen.day >= day - WITHIN_DAYS);
    for seen in earlier.filter(|seen| seen.known <= known && seen.mantissa > 0) {
        if newest.len() == LAST {
            break;
        }
        if newest.last().is_none_or(|last| last.day != seen.day) {
            newest.push(*seen);
        }
    }
    let (last, first) = (newest.first()?.day, newest.last()?.day);
    let count = newest.len();
    let mut mantissas: Vec<i64> = newest.into_iter().map(|seen| seen.mantissa).collect();
    mantissas.sort_unstable();
    (count >= LEAST).then(|| Usual { mantissa: mantissas[(count - 1) / 2], count, first, last })
}

/// Whether one of the two is more than so many times the other.
fn apart(one: i64, other: i64, times: Decimal) -> bool {
    let (less, more) = (Decimal::from(one.min(other)), Decimal::from(one.max(other)));
    less.checked_mul(times).is_some_and(|most| more > most)
}

fn insert(values: &mut Vec<Seen>, seen: Seen) {
    let place = values.partition_point(|before| *before <= seen);
    values.insert(place, seen);
}

/// The columns that are held to what was before, by their place.
fn watched(contract: &Contract) -> impl Iterator<Item = (usize, Decimal)> + '_ {
    contract.columns.iter().enumerate().filter_map(|(place, rule)| Some((place, rule.times?)))
}

/// Places of the columns that tell one product from another: the texts of the table's key.
fn product_parts(table: &'static LandedTable) -> impl Iterator<Item = usize> {
    let is_part = |column: &nongshi_domain::Column| table.key.contains(&column.name) && column.kind == Kind::Text;
    table.columns.iter().enumerate().filter(move |(_, column)| is_part(column)).map(|(place, _)| place)
}

fn product<'a>(place: usize, parts: impl Iterator<Item = Option<&'a str>>) -> String {
    parts.fold(place.to_string(), |mut key, part| {
        key.push(BETWEEN);
        key.push_str(part.unwrap_or_default());
        key
    })
}

fn text(cells: &Cells, row: usize) -> Option<&str> {
    let Cells::Text { texts, codes } = cells else { return None };
    let code = codes[row] as usize;
    texts.is_valid(code).then(|| texts.value(code))
}
