//! The `[columns]` of a contract. In: as written. Out: one rule for each column of the table, in its order.
//! Never: a number whose unit was guessed.

use super::check::regex;
use super::raw::{Number, OneOrMany, RawColumn};
use super::units::{Units, currency};
use super::{ColumnRule, Origin, Page, RowUnit};
use crate::FeedError;
use crate::dates::is_form;
use nongshi_domain::{Column, Hint, Kind, LandedTable, Measure};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use toml::Spanned;

type Given = Spanned<BTreeMap<Spanned<String>, Spanned<RawColumn>>>;

pub(super) fn column_rules(page: &Page, table: &'static LandedTable, given: Given) -> Result<Vec<ColumnRule>, FeedError> {
    let span = given.span();
    let mut given = given.into_inner();
    for name in given.keys() {
        if !table.columns.iter().any(|column| column.name == name.get_ref()) {
            let hint = Hint::for_name(name.get_ref(), table.columns.iter().map(|column| column.name));
            return Err(page.wrong(name.span(), format!("table {} has no column `{}`", table.name, name.get_ref()), Some(hint)));
        }
    }
    let dated = table.key.contains(&"day");
    let rules = table.columns.iter().map(|column| match given.remove(column.name) {
        Some(raw) => column_rule(page, dated, column, raw),
        None if column.required => {
            let what = format!("column `{}` of table {} is required and has no source ({})", column.name, table.name, column.comment);
            let hint = Hint(format!("add `[columns.{}]` with `from` or `value`", column.name));
            Err(page.wrong(span.clone(), what, Some(hint)))
        }
        None => Ok(nowhere(column)),
    });
    rules.collect()
}

fn nowhere(column: &'static Column) -> ColumnRule {
    ColumnRule {
        column,
        origin: Origin::Nowhere,
        clean: false,
        empty_when: None,
        extract: None,
        values: None,
        patterns: Vec::new(),
        default: None,
        unit: RowUnit::Plain,
        dates: Vec::new(),
        thousands: None,
        above: None,
        min: None,
        max: None,
        times: None,
    }
}

fn several(column: &Column) -> String {
    format!("column `{}` needs exactly one of `from`, `value` and `from_name`", column.name)
}

fn column_rule(page: &Page, dated: bool, column: &'static Column, raw: Spanned<RawColumn>) -> Result<ColumnRule, FeedError> {
    let span = raw.span();
    let raw = raw.into_inner();
    let origin = match (raw.from, raw.value) {
        (None, None) if raw.from_name => Origin::Name,
        _ if raw.from_name => return Err(page.wrong(span, several(column), None)),
        (Some(OneOrMany::One(source)), None) => Origin::Source(vec![source]),
        (Some(OneOrMany::Many(sources)), None) if !sources.is_empty() => Origin::Source(sources),
        (None, Some(text)) => Origin::Constant(text.into_inner()),
        _ => return Err(page.wrong(span, several(column), None)),
    };
    if let (Some(values), Some(_)) = (&raw.values, &raw.patterns) {
        return Err(page.wrong(values.span(), format!("column `{}` has both `values` and `patterns`", column.name), None));
    }
    let number = matches!(column.kind, Kind::Exact(_));
    let bounded = number || column.kind == Kind::Count;
    let told_unit = raw.unit_from.is_some() || raw.unit.is_some();
    let misplaced = [
        ("dates", raw.dates.as_ref().map(Spanned::span), column.kind == Kind::Day),
        ("unit", raw.unit.as_ref().map(Spanned::span), number),
        ("unit_from", raw.unit_from.as_ref().map(Spanned::span), number),
        ("units", raw.units.as_ref().map(Spanned::span), raw.unit_from.is_some()),
        ("content_kg", raw.content_kg.as_ref().map(Spanned::span), told_unit),
        ("currency", raw.currency.as_ref().map(Spanned::span), told_unit && measure_of(column) == Measure::Price),
        ("thousands", raw.thousands.as_ref().map(Spanned::span), bounded),
        ("above", raw.above.as_ref().map(Spanned::span), bounded),
        ("min", raw.min.as_ref().map(Spanned::span), bounded),
        ("max", raw.max.as_ref().map(Spanned::span), bounded),
        ("times", raw.times.as_ref().map(Spanned::span), number && dated),
    ];
    for (key, at, fits) in misplaced {
        if let Some(at) = at.filter(|_| !fits) {
            return Err(page.wrong(at, format!("`{key}` means nothing for column `{}`", column.name), None));
        }
    }
    let content_kg = decimal(page, raw.content_kg.as_ref())?;
    let currency = raw.currency.map(|raw| currency(page, raw.into_inner())).transpose()?;
    let units = Units { page, column, content_kg, currency };
    let unit = match (raw.unit, raw.unit_from) {
        (Some(_), Some(from)) => {
            return Err(page.wrong(from.span(), format!("column `{}` has both `unit` and `unit_from`", column.name), None));
        }
        (Some(unit), None) => RowUnit::Fixed(units.unit_of(&unit)?),
        (None, Some(source)) => RowUnit::Told { source: source.into_inner(), units: units.told(raw.units)? },
        (None, None) if number && measure_of(column) != Measure::Plain => {
            let what = format!("column `{}` has no unit: a number without one is not taken", column.name);
            return Err(page.wrong(span, what, Some(Hint("add `unit`, or `unit_from` where a column tells it".into()))));
        }
        (None, None) => RowUnit::Plain,
    };
    let patterns = raw.patterns.map(Spanned::into_inner).unwrap_or_default();
    Ok(ColumnRule {
        column,
        origin,
        clean: raw.clean,
        empty_when: raw.empty_when.as_ref().map(|text| regex(page, text)).transpose()?,
        extract: raw.extract.as_ref().map(|text| regex(page, text)).transpose()?,
        values: raw.values.map(Spanned::into_inner),
        patterns: patterns.into_iter().map(|pattern| Ok((regex(page, &pattern.like)?, pattern.value))).collect::<Result<_, _>>()?,
        default: raw.default.map(Spanned::into_inner),
        unit,
        dates: dates(page, column, raw.dates)?,
        thousands: raw.thousands.map(|text| thousands(page, &text)).transpose()?,
        above: decimal(page, raw.above.as_ref())?,
        min: decimal(page, raw.min.as_ref())?,
        max: decimal(page, raw.max.as_ref())?,
        times: times(page, raw.times.as_ref())?,
    })
}

/// What a column of ours measures: its name ends with its unit.
pub(crate) fn measure_of(column: &Column) -> Measure {
    match column.name {
        name if name.ends_with("_cny_per_kg") => Measure::Price,
        // mg/kg: a residue, taken as it is
        name if name.ends_with("_mg_per_kg") => Measure::Plain,
        name if name.ends_with("_kg") || name.ends_with("_kg_per_week") => Measure::Mass,
        name if name.ends_with("_mu") && !name.ends_with("_per_mu") => Measure::Area,
        _ => Measure::Plain,
    }
}

fn dates(page: &Page, column: &Column, given: Option<Spanned<Vec<Spanned<String>>>>) -> Result<Vec<String>, FeedError> {
    let Some(given) = given else {
        return Ok(if column.kind == Kind::Day { vec!["%Y-%m-%d".into()] } else { Vec::new() });
    };
    if given.get_ref().is_empty() {
        return Err(page.wrong(given.span(), format!("column `{}`: `dates` is empty", column.name), None));
    }
    for form in given.get_ref() {
        if !is_form(form.get_ref()) {
            let hint =
                Hint("forms are written like `%Y-%m-%d` or `%Y年%m月%d日`; `%Ey` at the begin is a year of the Republic of China".into());
            return Err(page.wrong(form.span(), format!("`{}` is not the form of a day", form.get_ref()), Some(hint)));
        }
    }
    Ok(given.into_inner().into_iter().map(Spanned::into_inner).collect())
}

fn thousands(page: &Page, text: &Spanned<String>) -> Result<char, FeedError> {
    let mut characters = text.get_ref().chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) if !only.is_numeric() && !matches!(only, '.' | '-' | '+') => Ok(only),
        _ => Err(page.wrong(text.span(), format!("`{}` is not one character that can group digits", text.get_ref()), None)),
    }
}

/// How often the usual value may go into a value, or the value into the usual one.
fn times(page: &Page, given: Option<&Spanned<Number>>) -> Result<Option<Decimal>, FeedError> {
    let times = decimal(page, given)?;
    match (times, given) {
        (Some(times), Some(given)) if times <= Decimal::ONE => {
            let what = format!("`times = {times}` would refuse every change");
            Err(page.wrong(
                given.span(),
                what,
                Some(Hint("write a number above 1; 10 finds slipped decimal points and little else".into())),
            ))
        }
        _ => Ok(times),
    }
}

/// A number of the contract, as it is written there: the shortest text that reads back as the same number.
pub(super) fn decimal(page: &Page, given: Option<&Spanned<Number>>) -> Result<Option<Decimal>, FeedError> {
    let Some(given) = given else { return Ok(None) };
    let text = match given.get_ref() {
        Number::Whole(number) => number.to_string(),
        Number::Float(number) => number.to_string(),
    };
    text.parse().map(Some).map_err(|_| page.wrong(given.span(), format!("`{text}` is not a number that can be exact"), None))
}
