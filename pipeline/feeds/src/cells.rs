//! One column of ours from the source's text. In: a rule and the rows. Out: the cells, and a fault for each that
//! cannot be one. Never: a number through floating point.

use crate::clean::clean;
use crate::known_on::to_days;
use crate::rows::{Fault, Verdicts};
use crate::schema::DIGITS;
use crate::unpivot::Rows;
use crate::{ColumnRule, FeedError, Origin, RowUnit};
use chrono::NaiveDate;
use nongshi_domain::{Kind, MonthSet, Unit};
use polars::prelude::{DataType, NewChunkedArray, PolarsResult, Series, StringChunked, StringMethods};
use rust_decimal::{Decimal, RoundingStrategy};
use std::borrow::Cow;
use std::collections::HashMap;

/// The cells of one column, one a row; a cell whose row is rejected is empty or does not matter.
pub(crate) enum Cells {
    /// Text and months.
    Text(Series),
    /// Days.
    Day(Series),
    /// Whole numbers.
    Count(Series),
    /// Exact numbers as whole numbers of the last decimal.
    Exact { mantissas: Vec<Option<i128>>, decimals: u32 },
}

/// Days outside these are slips of the pen.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a day of the calendar");
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2199, 12, 31).expect("a day of the calendar");

type Shaped<'a> = Vec<Option<Cow<'a, str>>>;

/// Makes the column; what cannot be made rejects its row.
pub(crate) fn convert(rule: &ColumnRule, rows: &Rows, verdicts: &mut Verdicts) -> Result<Cells, FeedError> {
    let texts = shaped(rule, rows, verdicts)?;
    if rule.column.required {
        for row in texts.iter().enumerate().filter(|(_, text)| text.is_none()).map(|(row, _)| row) {
            verdicts.reject(row, "required", || format!("{} is empty", label(rule)));
        }
    }
    let cells = match rule.column.kind {
        Kind::Text => Cells::Text(series(&texts)),
        Kind::Months => {
            for (row, text) in present(&texts) {
                if MonthSet::parse(text).is_none() {
                    verdicts.reject(row, "months", || format!("{}: `{text}` are not months such as `1-4;7-10`", label(rule)));
                }
            }
            Cells::Text(series(&texts))
        }
        Kind::Day => Cells::Day(days(rule, &texts, verdicts).map_err(|error| rows.shape_error(Box::new(error)))?),
        Kind::Count => Cells::Count(counts(rule, &texts, verdicts).map_err(|error| rows.shape_error(Box::new(error)))?),
        Kind::Exact(decimals) => {
            let decimals = u32::from(decimals.unsigned_abs());
            Cells::Exact { mantissas: exact(rule, &texts, decimals, rows, verdicts)?, decimals }
        }
    };
    Ok(cells)
}

/// Every cell's text after all steps on text.
fn shaped<'a>(rule: &'a ColumnRule, rows: &Rows<'a>, verdicts: &mut Verdicts) -> Result<Shaped<'a>, FeedError> {
    let empty = rule.default.as_deref().map(Cow::Borrowed);
    let given: Shaped<'a> = match &rule.origin {
        Origin::Nowhere => return Ok(vec![None; rows.height()]),
        Origin::Constant(text) => return Ok(vec![Some(Cow::Borrowed(text.as_str())); rows.height()]),
        Origin::Source(names) => joined(names, rows)?,
    };
    if !(rule.clean || rule.empty_when.is_some() || rule.extract.is_some() || rule.values.is_some() || !rule.patterns.is_empty()) {
        return Ok(given.into_iter().map(|text| text.or_else(|| empty.clone())).collect());
    }
    // Names and codes repeat: each text is put in shape once.
    let mut known: HashMap<Cow<'a, str>, Result<Option<String>, Fault>> = HashMap::new();
    let mut texts = Vec::with_capacity(given.len());
    for (row, text) in given.into_iter().enumerate() {
        let shape = match text {
            Some(text) => known.entry(text).or_insert_with_key(|text| shape(rule, text)),
            None => &Ok(None),
        };
        match shape {
            Ok(text) => texts.push(text.clone().map(Cow::Owned).or_else(|| empty.clone())),
            Err(fault) => {
                verdicts.reject(row, fault.rule, || fault.reason.clone());
                texts.push(None);
            }
        }
    }
    Ok(texts)
}

fn joined<'a>(names: &[String], rows: &Rows<'a>) -> Result<Shaped<'a>, FeedError> {
    let columns = names.iter().map(|name| rows.cells(name)).collect::<Result<Vec<_>, _>>()?;
    if let [column] = &columns[..] {
        return Ok(column.iter().map(|text| text.map(Cow::Borrowed)).collect());
    }
    let join = |row: usize| {
        let parts: Vec<&str> = columns.iter().filter_map(|column| column[row]).collect();
        (!parts.is_empty()).then(|| Cow::Owned(parts.join(" ")))
    };
    Ok((0..rows.height()).map(join).collect())
}

/// One text through `clean`, `empty_when`, `extract`, `values` or `patterns`.
fn shape(rule: &ColumnRule, text: &str) -> Result<Option<String>, Fault> {
    let mut text = if rule.clean { clean(text) } else { text.to_string() };
    if text.is_empty() || rule.empty_when.as_ref().is_some_and(|empty| empty.is_match(&text)) {
        return Ok(None);
    }
    if let Some(extract) = &rule.extract {
        let found = extract.captures(&text).and_then(|found| found.get(1).or_else(|| found.get(0)));
        let found = found.map(|part| part.as_str().trim().to_string());
        text = found.ok_or_else(|| fault("extract", format!("{}: nothing in `{text}` is like `{extract}`", label(rule))))?;
    }
    if let Some(values) = &rule.values {
        let value = values.get(&text);
        return value.cloned().map(Some).ok_or_else(|| fault("values", format!("{}: `{text}` is not among the values", label(rule))));
    }
    if !rule.patterns.is_empty() {
        let first = rule.patterns.iter().find(|(like, _)| like.is_match(&text));
        return first
            .map(|(_, value)| Some(value.clone()))
            .ok_or_else(|| fault("values", format!("{}: `{text}` is like no pattern", label(rule))));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Days by Polars, form after form; a cell that is in none of them keeps its text for the reason.
fn days(rule: &ColumnRule, texts: &Shaped, verdicts: &mut Verdicts) -> PolarsResult<Series> {
    let text = series(texts);
    let mut found: Vec<Option<i32>> = vec![None; texts.len()];
    for form in &rule.dates {
        let parsed = text.str()?.as_date(Some(form), true)?;
        for (day, parsed) in found.iter_mut().zip(parsed.physical().iter()) {
            *day = day.or(parsed);
        }
    }
    let known = to_days(FIRST_DAY)..=to_days(LAST_DAY);
    for (row, text) in present(texts) {
        match found[row] {
            Some(day) if known.contains(&day) => {}
            Some(_) => {
                found[row] = None;
                verdicts.reject(row, "date", || format!("{}: `{text}` lies outside {FIRST_DAY} to {LAST_DAY}", label(rule)));
            }
            None => {
                verdicts.reject(row, "date", || format!("{}: `{text}` is not a day of the form `{}`", label(rule), rule.dates.join("`, `")))
            }
        }
    }
    Series::from_iter(found).cast(&DataType::Date)
}

/// Whole numbers by a cast of Polars that leaves out what is none.
fn counts(rule: &ColumnRule, texts: &Shaped, verdicts: &mut Verdicts) -> PolarsResult<Series> {
    let numbers = series(texts).cast(&DataType::Int64)?;
    let cells = numbers.i64()?;
    for (row, text) in present(texts) {
        match cells.get(row) {
            None => verdicts.reject(row, "number", || format!("{}: `{text}` is not a whole number", label(rule))),
            Some(number) => bounds(rule, row, text, Decimal::from(number), verdicts),
        }
    }
    Ok(numbers)
}

fn exact(rule: &ColumnRule, texts: &Shaped, decimals: u32, rows: &Rows, verdicts: &mut Verdicts) -> Result<Vec<Option<i128>>, FeedError> {
    let told = match &rule.unit {
        RowUnit::Told { source, .. } => Some(rows.cells(source)?),
        _ => None,
    };
    let mut mantissas = vec![None; texts.len()];
    for (row, text) in present(texts) {
        let Some(amount) = number(text) else {
            verdicts.reject(row, "number", || format!("{}: `{text}` is not a number", label(rule)));
            continue;
        };
        let unit = match unit(rule, told.as_ref().and_then(|told| told[row])) {
            Ok(unit) => unit,
            Err(fault) => {
                verdicts.reject(row, fault.rule, || fault.reason);
                continue;
            }
        };
        let house = unit.map_or(Some(amount), |unit| unit.to_house(amount)).and_then(|amount| rounded(amount, decimals));
        let Some(house) = house else {
            verdicts.reject(row, "number", || format!("{}: `{text}` is too large", label(rule)));
            continue;
        };
        bounds(rule, row, text, house, verdicts);
        mantissas[row] = Some(house.mantissa());
    }
    Ok(mantissas)
}

/// The row's unit; none when numbers are taken as they are.
fn unit<'a>(rule: &'a ColumnRule, told: Option<&str>) -> Result<Option<&'a Unit>, Fault> {
    match &rule.unit {
        RowUnit::Plain => Ok(None),
        RowUnit::Fixed(unit) => Ok(Some(unit)),
        RowUnit::Told { source, units } => {
            let told = told.unwrap_or_default();
            let known = || units.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let unknown = || fault("unit", format!("{}: `{told}` in {source} is none of the units {}", rule.column.name, known()));
            units.get(told).map(Some).ok_or_else(unknown)
        }
    }
}

/// The number that the text writes, exactly.
fn number(text: &str) -> Option<Decimal> {
    if text.contains('_') {
        return None;
    }
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// Half to even, at the column's decimals; none beyond the digits that the column has.
fn rounded(amount: Decimal, decimals: u32) -> Option<Decimal> {
    let mut rounded = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointNearestEven);
    rounded.rescale(decimals);
    (rounded.scale() == decimals && rounded.mantissa().unsigned_abs() < 10_u128.pow(u32::from(DIGITS))).then_some(rounded)
}

fn bounds(rule: &ColumnRule, row: usize, text: &str, number: Decimal, verdicts: &mut Verdicts) {
    let broken = match (rule.above, rule.min, rule.max) {
        (Some(above), _, _) if number <= above => Some(format!("not above {above}")),
        (_, Some(min), _) if number < min => Some(format!("below {min}")),
        (_, _, Some(max)) if number > max => Some(format!("above {max}")),
        _ => None,
    };
    if let Some(broken) = broken {
        verdicts.reject(row, "range", || format!("{}: `{text}` is {number} in our unit, {broken}", label(rule)));
    }
}

fn present<'a>(texts: &'a Shaped) -> impl Iterator<Item = (usize, &'a str)> {
    texts.iter().enumerate().filter_map(|(row, text)| Some((row, text.as_deref()?)))
}

fn series(texts: &Shaped) -> Series {
    use polars::prelude::IntoSeries;
    StringChunked::from_iter_options("".into(), texts.iter().map(|text| text.as_deref())).into_series()
}

fn fault(rule: &'static str, reason: String) -> Fault {
    Fault { rule, reason }
}

/// The column and where it comes from.
fn label(rule: &ColumnRule) -> String {
    match &rule.origin {
        Origin::Source(names) => format!("{} ({})", rule.column.name, names.join(" ")),
        _ => rule.column.name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly_and_rounded_half_to_even() {
        for (text, decimals, expect) in [
            ("2.35", 4, Some("2.3500")),
            ("16.4466666666666", 4, Some("16.4467")),
            ("0.00005", 4, Some("0.0000")),
            ("0.00015", 4, Some("0.0002")),
            ("1e3", 2, Some("1000.00")),
            ("+7", 0, Some("7")),
            ("99999999999999.9999", 4, Some("99999999999999.9999")),
            ("100000000000000", 4, None),
            ("1_000", 2, None),
            ("1,000", 2, None),
            ("2.50-4.00", 2, None),
            ("NaN", 2, None),
            ("", 2, None),
        ] {
            let read = number(text).and_then(|amount| rounded(amount, decimals)).map(|amount| amount.to_string());
            assert_eq!(read.as_deref(), expect, "{text}");
        }
    }
}
