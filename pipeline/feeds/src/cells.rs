//! One column of ours from the source's text. In: a rule and the rows. Out: the cells, and a fault for each that
//! cannot be one. Never: a number through floating point, the same text worked out twice.

use crate::clean::clean;
use crate::dates::{self, FIRST_DAY, LAST_DAY, is_within};
use crate::digits::{plain_digits, ungrouped};
use crate::distinct::{Distinct, pairs};
use crate::number::{Quick, number, rounded};
use crate::rows::{Fault, Verdicts};
use crate::unpivot::Rows;
use crate::{ColumnRule, FeedError, Origin, RowUnit};
use arrow::array::StringArray;
use nongshi_domain::{Kind, MonthSet, Unit};
use polars::prelude::{DataType, IntoSeries, NewChunkedArray, PolarsResult, Series, StringChunked};
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::collections::HashMap;

/// The cells of one column, one a row; a cell whose row is rejected is empty or does not matter.
pub(crate) enum Cells {
    /// Text and months: each text once, the first of them nothing, and for each row the place of its text.
    Text { texts: StringArray, codes: Vec<u32> },
    /// Days since 1970-01-01.
    Day(Vec<Option<i32>>),
    /// Whole numbers.
    Count(Vec<Option<i64>>),
    /// Exact numbers as whole numbers of the last decimal.
    Exact { mantissas: Vec<Option<i64>>, decimals: u32 },
}

/// Programs run what begins with one of these, in either width.
const FORMULA_BEGINS: [char; 4] = ['=', '@', '＝', '＠'];

/// What a text becomes: a value, nothing, or why it cannot be one.
type Outcome<T> = Result<Option<T>, Fault>;

/// Makes the column; what cannot be made rejects its row.
pub(crate) fn convert(rule: &ColumnRule, rows: &Rows, verdicts: &mut Verdicts) -> Result<Cells, FeedError> {
    let Distinct { texts, codes } = given(rule, rows)?;
    let texts: Vec<Outcome<Cow<str>>> = texts.into_iter().map(|text| shaped(rule, text)).collect();
    Ok(match rule.column.kind {
        Kind::Text => text(texts, codes, verdicts),
        Kind::Months => text(texts.into_iter().map(|text| months(rule, text)).collect(), codes, verdicts),
        Kind::Day => {
            let days = days(rule, texts).map_err(|error| rows.shape_error(Box::new(error)))?;
            Cells::Day(by_row(days, &codes, verdicts))
        }
        Kind::Count => {
            let counts = counts(rule, texts).map_err(|error| rows.shape_error(Box::new(error)))?;
            Cells::Count(by_row(counts, &codes, verdicts))
        }
        Kind::Exact(decimals) => {
            let decimals = u32::from(decimals.unsigned_abs());
            Cells::Exact { mantissas: exact(rule, &texts, codes, decimals, rows, verdicts)?, decimals }
        }
    })
}

/// The column's text as it is given, before any step on text.
fn given<'a>(rule: &'a ColumnRule, rows: &Rows<'a>) -> Result<Distinct<'a>, FeedError> {
    let names = match &rule.origin {
        Origin::Nowhere => return Ok(Distinct::constant(None, rows.height())),
        Origin::Constant(text) => return Ok(Distinct::constant(Some(text), rows.height())),
        Origin::Name => return Ok(Distinct::constant(Some(rows.name()), rows.height())),
        Origin::Source(names) => names,
    };
    let mut columns = names.iter().map(|name| rows.cells(name));
    let first = columns.next().unwrap_or_else(|| Ok(Distinct::constant(None, rows.height())));
    columns.try_fold(first?, |joined, column| Ok(joined.joined(&column?)))
}

/// One text after all steps on text; a required one must be there.
fn shaped<'a>(rule: &'a ColumnRule, text: Option<Cow<'a, str>>) -> Outcome<Cow<'a, str>> {
    let steps = rule.clean || rule.empty_when.is_some() || rule.extract.is_some() || rule.values.is_some() || !rule.patterns.is_empty();
    let text = match (&rule.origin, text) {
        (Origin::Source(_) | Origin::Name, Some(text)) if steps => shape(rule, &text)?.map(Cow::Owned),
        (_, text) => text,
    };
    let default = || rule.default.as_deref().filter(|_| matches!(rule.origin, Origin::Source(_) | Origin::Name)).map(Cow::Borrowed);
    match text.or_else(default) {
        None if rule.column.required => Err(fault("required", format!("{} is empty", label(rule)))),
        Some(text) if rule.column.kind == Kind::Text => harmless(rule, text).map(Some),
        Some(text) => Ok(Some(match rule.thousands {
            Some(separator) => ungrouped(plain_digits(text), separator),
            None => plain_digits(text),
        })),
        None => Ok(None),
    }
}

/// A name that a spreadsheet would take for a formula, or that ends where nobody sees it, is none.
fn harmless<'a>(rule: &ColumnRule, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
    if text.contains('\0') {
        return Err(fault("characters", format!("{}: `{}` holds a NUL", label(rule), text.escape_debug())));
    }
    if text.starts_with(FORMULA_BEGINS) {
        return Err(fault("formula", format!("{}: `{text}` is a formula, not a name", label(rule))));
    }
    Ok(text)
}

/// One text through `clean`, `empty_when`, `extract`, `values` or `patterns`.
fn shape(rule: &ColumnRule, text: &str) -> Outcome<String> {
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

/// The value of each distinct text; the rows of those that have none are rejected.
fn settled<T>(outcomes: Vec<Outcome<T>>, codes: &[u32], verdicts: &mut Verdicts) -> Vec<Option<T>> {
    let mut faults: Vec<Option<Fault>> = Vec::with_capacity(outcomes.len());
    let mut values = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let (value, fault) = outcome.map_or_else(|fault| (None, Some(fault)), |value| (value, None));
        values.push(value);
        faults.push(fault);
    }
    if faults.iter().any(Option::is_some) {
        for (row, code) in codes.iter().enumerate() {
            if let Some(fault) = &faults[*code as usize] {
                verdicts.reject(row, fault.rule, || fault.reason.clone());
            }
        }
    }
    values
}

fn by_row<T: Copy>(outcomes: Vec<Outcome<T>>, codes: &[u32], verdicts: &mut Verdicts) -> Vec<Option<T>> {
    let values = settled(outcomes, codes, verdicts);
    codes.iter().map(|code| values[*code as usize]).collect()
}

/// Different texts of the source may have become one.
fn text(outcomes: Vec<Outcome<Cow<str>>>, mut codes: Vec<u32>, verdicts: &mut Verdicts) -> Cells {
    let values = settled(outcomes, &codes, verdicts);
    let mut texts: Vec<Option<&str>> = vec![None];
    let mut known: HashMap<&str, u32> = HashMap::new();
    let places = values.iter().map(|value| {
        let Some(value) = value else { return 0 };
        *known.entry(value).or_insert_with(|| {
            texts.push(Some(value));
            texts.len() as u32 - 1
        })
    });
    let places: Vec<u32> = places.collect();
    for code in &mut codes {
        *code = places[*code as usize];
    }
    Cells::Text { texts: StringArray::from(texts), codes }
}

fn months<'a>(rule: &ColumnRule, outcome: Outcome<Cow<'a, str>>) -> Outcome<Cow<'a, str>> {
    match outcome? {
        Some(text) if MonthSet::parse(&text).is_none() => {
            Err(fault("months", format!("{}: `{text}` are not months such as `1-4;7-10`", label(rule))))
        }
        text => Ok(text),
    }
}

/// Days, form after form; a text that is in none of them keeps its words for the reason.
fn days(rule: &ColumnRule, outcomes: Vec<Outcome<Cow<str>>>) -> PolarsResult<Vec<Outcome<i32>>> {
    let found = dates::days(&series(&outcomes), &rule.dates)?;
    let day = |(outcome, day): (Outcome<Cow<str>>, Option<i32>)| {
        let Some(text) = outcome? else { return Ok(None) };
        match day {
            Some(day) if is_within(day) => Ok(Some(day)),
            Some(_) => Err(fault("date", format!("{}: `{text}` lies outside {FIRST_DAY} to {LAST_DAY}", label(rule)))),
            None => Err(fault("date", format!("{}: `{text}` is not a day of the form `{}`", label(rule), rule.dates.join("`, `")))),
        }
    };
    Ok(outcomes.into_iter().zip(found).map(day).collect())
}

/// Whole numbers by a cast of Polars that leaves out what is none.
fn counts(rule: &ColumnRule, outcomes: Vec<Outcome<Cow<str>>>) -> PolarsResult<Vec<Outcome<i64>>> {
    let numbers = series(&outcomes).cast(&DataType::Int64)?;
    let count = |(outcome, count): (Outcome<Cow<str>>, Option<i64>)| {
        let Some(text) = outcome? else { return Ok(None) };
        let count = count.ok_or_else(|| fault("number", format!("{}: `{text}` is not a whole number", label(rule))))?;
        bounds(rule, &text, Decimal::from(count))?;
        Ok(Some(count))
    };
    Ok(outcomes.into_iter().zip(numbers.i64()?.iter()).map(count).collect())
}

fn exact(
    rule: &ColumnRule,
    outcomes: &[Outcome<Cow<str>>],
    codes: Vec<u32>,
    decimals: u32,
    rows: &Rows,
    verdicts: &mut Verdicts,
) -> Result<Vec<Option<i64>>, FeedError> {
    let quick = Quick::of(rule, decimals);
    let value = |outcome: &Outcome<Cow<str>>, told: Option<&str>| {
        let Some(text) = outcome.as_ref().map_err(Clone::clone)? else { return Ok(None) };
        match quick.as_ref().and_then(|quick| quick.read(text)) {
            Some(mantissa) => Ok(Some(mantissa)),
            None => amount(rule, text, told, decimals).map(Some),
        }
    };
    let RowUnit::Told { source, .. } = &rule.unit else {
        return Ok(by_row(outcomes.iter().map(|outcome| value(outcome, None)).collect(), &codes, verdicts));
    };
    let told = rows.cells(source)?;
    let (pairs, codes) = pairs(&codes, &told.codes);
    let value = |(text, unit): (u32, u32)| value(&outcomes[text as usize], told.texts[unit as usize].as_deref());
    Ok(by_row(pairs.into_iter().map(value).collect(), &codes, verdicts))
}

/// The number that a text writes, in our unit, as a whole number of its last decimal.
fn amount(rule: &ColumnRule, text: &str, told: Option<&str>, decimals: u32) -> Result<i64, Fault> {
    let amount = number(text).ok_or_else(|| fault("number", format!("{}: `{text}` is not a number", label(rule))))?;
    let house = unit(rule, told)?.map_or(Some(amount), |unit| unit.to_house(amount)).and_then(|amount| rounded(amount, decimals));
    let too_large = || fault("number", format!("{}: `{text}` is too large", label(rule)));
    let house = house.ok_or_else(too_large)?;
    bounds(rule, text, house)?;
    i64::try_from(house.mantissa()).map_err(|_| too_large())
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

fn bounds(rule: &ColumnRule, text: &str, number: Decimal) -> Result<(), Fault> {
    let broken = match (rule.above, rule.min, rule.max) {
        (Some(above), _, _) if number <= above => format!("not above {above}"),
        (_, Some(min), _) if number < min => format!("below {min}"),
        (_, _, Some(max)) if number > max => format!("above {max}"),
        _ => return Ok(()),
    };
    Err(fault("range", format!("{}: `{text}` is {number} in our unit, {broken}", label(rule))))
}

fn series(outcomes: &[Outcome<Cow<str>>]) -> Series {
    let texts = outcomes.iter().map(|outcome| outcome.as_ref().ok().and_then(Option::as_deref));
    StringChunked::from_iter_options("".into(), texts).into_series()
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
