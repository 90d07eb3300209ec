//! From the contract as written to the contract that can be followed. In: `RawContract`. Out: `Contract`, or the
//! first thing that is wrong, with its line. Never: a default for a unit.

use super::columns::column_rules;
use super::raw::{RawContract, RawFormat, RawGate, RawKnownOn, RawPieces, RawUnpivot};
use super::{ColumnRule, Contract, Encoding, Format, Gate, KnownOn, Origin, Page, Pieces, RowUnit, Unpivot, UnpivotColumn};
use crate::FeedError;
use crate::source::{self, Place};
use nongshi_domain::{Hint, Kind, LANDED, LandedTable};
use regex::Regex;
use toml::Spanned;

/// The longest unpivot anyone has asked for is 14 columns; this keeps received counts within reason.
const MOST_UNPIVOT_COLUMNS: usize = 500;

/// Ten years: more is a slip, and leads out of the calendar.
const MOST_LAG_DAYS: u32 = 3_660;

/// The kinds of format, in alphabetic order.
const FORMATS: [&str; 5] = ["csv", "json", "ndjson", "parquet", "xlsx"];

pub(super) fn check(page: &Page, raw: RawContract) -> Result<Contract, FeedError> {
    if *raw.version.get_ref() != 1 {
        return Err(page.wrong(
            raw.version.span(),
            format!("contract version {} is not known", raw.version.get_ref()),
            Some(Hint("write `version = 1`".into())),
        ));
    }
    let table = LandedTable::named(raw.table.get_ref()).ok_or_else(|| {
        let hint = Hint::for_name(raw.table.get_ref(), LANDED.iter().map(|table| table.name));
        page.wrong(raw.table.span(), format!("table `{}` is not known", raw.table.get_ref()), Some(hint))
    })?;
    let from = source::check(page, &raw.source.kind)?;
    let format = format_of(page, from.as_ref(), raw.source.kind, raw.format)?;
    let unpivot = raw.unpivot.map(|raw| unpivot(page, raw)).transpose()?;
    let columns = column_rules(page, table, raw.columns)?;
    let pieces = raw.pieces.map(|raw| pieces(page, table, &columns, raw)).transpose()?;
    let ordered = raw.rules.ordered.into_iter().map(|chain| {
        chain.iter().map(|name| place(page, table, name, |kind| matches!(kind, Kind::Exact(_)), "a number")).collect::<Result<Vec<_>, _>>()
    });
    let ordered = ordered.collect::<Result<Vec<_>, _>>()?;
    let known_on = known_on(page, table, &columns, raw.available_on)?;
    let gate = gate(page, &known_on, raw.gate)?;
    Ok(Contract {
        feed: page.feed.into(),
        table,
        place: from,
        format,
        unpivot,
        only: raw.only.into_iter().collect(),
        columns,
        pieces,
        ordered,
        known_on,
        gate,
    })
}

/// The contract's format, unless the kind of source has its own.
fn format_of(page: &Page, place: &dyn Place, kind: Spanned<String>, raw: Option<Spanned<RawFormat>>) -> Result<Format, FeedError> {
    match (place.format(), raw) {
        (None, Some(raw)) => format(page, raw.into_inner()),
        (Some(format), None) => Ok(format),
        (None, None) => Err(page.wrong(kind.span(), "`[format]` is missing".into(), None)),
        (Some(_), Some(raw)) => {
            let what = format!("`[format]` means nothing for the source kind `{}`, which has its own", kind.get_ref());
            Err(page.wrong(raw.span(), what, None))
        }
    }
}

fn format(page: &Page, raw: RawFormat) -> Result<Format, FeedError> {
    let kind = raw.kind.get_ref().as_str();
    let given = [
        ("encoding", raw.encoding.as_ref().map(Spanned::span), &["csv", "json", "ndjson"][..]),
        ("delimiter", raw.delimiter.as_ref().map(Spanned::span), &["csv"]),
        ("quote", raw.quote.as_ref().map(Spanned::span), &["csv"]),
        ("records", raw.records.as_ref().map(Spanned::span), &["json"]),
        ("sheet", raw.sheet.as_ref().map(Spanned::span), &["xlsx"]),
        ("header_row", raw.header_row.as_ref().map(Spanned::span), &["xlsx"]),
    ];
    if !FORMATS.contains(&kind) {
        let hint = Hint::for_name(kind, FORMATS);
        return Err(page.wrong(raw.kind.span(), format!("format kind `{kind}` is not known"), Some(hint)));
    }
    for (key, span, kinds) in given {
        if let Some(span) = span.filter(|_| !kinds.contains(&kind)) {
            return Err(page.wrong(span, format!("`{key}` means nothing for {kind}: it is for {}", kinds.join(" and ")), None));
        }
    }
    let encoding = match raw.encoding.as_ref().map(|text| text.get_ref().to_lowercase()).as_deref() {
        None | Some("utf-8") => Encoding::Utf8,
        Some("gbk") => Encoding::Gbk,
        Some(other) => {
            let span = raw.encoding.as_ref().map_or(0..0, Spanned::span);
            return Err(page.wrong(span, format!("encoding `{other}` is not known"), Some(Hint::for_name(other, ["utf-8", "gbk"]))));
        }
    };
    Ok(match kind {
        "csv" => Format::Csv {
            encoding,
            delimiter: one_byte(page, raw.delimiter.as_ref())?.unwrap_or(b','),
            quote: match raw.quote.as_ref() {
                Some(text) if text.get_ref().is_empty() => None,
                quote => Some(one_byte(page, quote)?.unwrap_or(b'"')),
            },
        },
        "json" => {
            let path = raw.records.map(Spanned::into_inner).unwrap_or_default();
            Format::Json { encoding, records: path.split('.').filter(|key| !key.is_empty()).map(String::from).collect() }
        }
        "ndjson" => Format::Ndjson { encoding },
        "parquet" => Format::Parquet,
        _ => {
            let header_row = raw.header_row.as_ref().map_or(1, |row| *row.get_ref());
            if header_row == 0 {
                let span = raw.header_row.as_ref().map_or(0..0, Spanned::span);
                return Err(page.wrong(span, "`header_row` counts from 1".into(), None));
            }
            Format::Xlsx { sheet: raw.sheet.map(Spanned::into_inner), header_row }
        }
    })
}

fn one_byte(page: &Page, text: Option<&Spanned<String>>) -> Result<Option<u8>, FeedError> {
    let Some(text) = text else { return Ok(None) };
    match text.get_ref().as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(Some(*byte)),
        _ => Err(page.wrong(text.span(), format!("`{}` is not one plain character", text.get_ref()), None)),
    }
}

fn unpivot(page: &Page, raw: RawUnpivot) -> Result<Unpivot, FeedError> {
    let span = raw.columns.span();
    let columns = raw.columns.into_inner();
    if columns.is_empty() || columns.len() > MOST_UNPIVOT_COLUMNS {
        return Err(page.wrong(span, format!("{} columns to unpivot; 1 to {MOST_UNPIVOT_COLUMNS} are possible", columns.len()), None));
    }
    let constants: Vec<String> = columns.values().next().map(|first| first.get_ref().keys().cloned().collect()).unwrap_or_default();
    for (name, given) in &columns {
        if given.get_ref().keys().ne(constants.iter()) || given.get_ref().contains_key(raw.value.get_ref()) {
            let what = format!("the constants of `{name}` are not {}, as those of the first column are", constants.join(", "));
            return Err(page.wrong(given.span(), what, None));
        }
    }
    let columns = columns
        .into_iter()
        .map(|(source, given)| UnpivotColumn { source, constants: given.into_inner().into_values().collect() })
        .collect();
    Ok(Unpivot { value: raw.value.into_inner(), constants, columns })
}

fn pieces(page: &Page, table: &'static LandedTable, columns: &[ColumnRule], raw: RawPieces) -> Result<Pieces, FeedError> {
    let column = place(page, table, &raw.column, |kind| kind == Kind::Text, "a text")?;
    let like = regex(page, &raw.like)?;
    let moves = raw.moves.into_inner().into_iter().map(|(from, to)| {
        let number = |kind: Kind| matches!(kind, Kind::Exact(_));
        let (from_place, to_place) = (place(page, table, &from, number, "a number")?, place(page, table, &to, number, "a number")?);
        if table.columns[from_place].kind != table.columns[to_place].kind || table.columns[from_place].required {
            return Err(page.wrong(from.span(), format!("`{}` cannot be emptied into `{}`", from.get_ref(), to.get_ref()), None));
        }
        if columns[to_place].origin != Origin::Nowhere {
            return Err(page.wrong(to.span(), format!("`{}` has a source of its own", to.get_ref()), None));
        }
        let unmoved = |unit: &RowUnit| match unit {
            RowUnit::Plain => true,
            RowUnit::Fixed(unit) => unit.to_house(rust_decimal::Decimal::ONE) == Some(rust_decimal::Decimal::ONE),
            RowUnit::Told { .. } => false,
        };
        if !unmoved(&columns[from_place].unit) {
            return Err(page.wrong(from.span(), format!("`{}` is converted: its pieces would be too", from.get_ref()), None));
        }
        Ok((from_place, to_place))
    });
    Ok(Pieces { column, like, moves: moves.collect::<Result<_, _>>()? })
}

fn known_on(page: &Page, table: &'static LandedTable, columns: &[ColumnRule], raw: Spanned<RawKnownOn>) -> Result<KnownOn, FeedError> {
    let span = raw.span();
    let RawKnownOn { column, source, file_name, day, month_end, lag_days } = raw.into_inner();
    if lag_days > MOST_LAG_DAYS {
        return Err(page.wrong(span, format!("`lag_days` is {lag_days}; {MOST_LAG_DAYS} is the most"), None));
    }
    match (column, source, file_name, day) {
        (None, Some(source), None, None) => Ok(KnownOn::Source { column: source.into_inner(), month_end, lag_days }),
        (Some(name), None, None, None) => {
            let column = place(page, table, &name, |kind| kind == Kind::Day, "a day")?;
            if columns[column].origin == Origin::Nowhere {
                return Err(page.wrong(name.span(), format!("`{}` has no source in this contract", name.get_ref()), None));
            }
            Ok(KnownOn::Column { column, month_end, lag_days })
        }
        (None, None, Some(like), None) => {
            let regex = regex(page, &like)?;
            if regex.captures_len() != 2 {
                let hint = Hint("put the month or the day in brackets: `sales_(\\d{4}-\\d{2})`".into());
                return Err(page.wrong(like.span(), format!("`{}` has not exactly one group", like.get_ref()), Some(hint)));
            }
            Ok(KnownOn::FileName { like: regex, month_end, lag_days })
        }
        (None, None, None, Some(text)) => {
            let day = text
                .get_ref()
                .parse()
                .map_err(|_| page.wrong(text.span(), format!("`{}` is not a day like 2013-01-01", text.get_ref()), None))?;
            if month_end || lag_days > 0 {
                return Err(page.wrong(span, "a fixed `day` has no `month_end` and no `lag_days`".into(), None));
            }
            Ok(KnownOn::Day(day))
        }
        _ => {
            let hint = Hint("the load time is not among them: it would let the past know the future".into());
            Err(page.wrong(span, "`available_on` needs exactly one of `column`, `source`, `file_name`, `day`".into(), Some(hint)))
        }
    }
}

fn gate(page: &Page, known_on: &KnownOn, raw: RawGate) -> Result<Gate, FeedError> {
    let share = |given: Option<Spanned<f64>>, otherwise: f64| match given {
        Some(share) if !(0.0..=1.0).contains(share.get_ref()) => {
            Err(page.wrong(share.span(), format!("a share lies between 0 and 1, not at {}", share.get_ref()), None))
        }
        Some(share) => Ok(share.into_inner()),
        None => Ok(otherwise),
    };
    let asked = raw.daily.filter(|daily| *daily.get_ref());
    let daily = asked.is_some();
    if let Some(asked) = asked.filter(|_| !matches!(known_on, KnownOn::FileName { .. })) {
        let hint = Hint("a missing day is told by the names of the sources: add `file_name` under [available_on]".into());
        return Err(page.wrong(asked.span(), "`daily` needs sources whose names tell their days".into(), Some(hint)));
    }
    if let Some(day) = raw.closed.first().filter(|_| !daily) {
        return Err(page.wrong(day.span(), "`closed` means nothing without `daily = true`".into(), None));
    }
    let closed = raw.closed.iter().map(|day| {
        let wrong = |_| page.wrong(day.span(), format!("`{}` is not a day like 2013-01-01", day.get_ref()), None);
        day.get_ref().parse().map_err(wrong)
    });
    let closed = closed.collect::<Result<Vec<_>, _>>()?;
    Ok(Gate {
        freshness_days: raw.freshness_days,
        lateness_days: raw.lateness_days,
        daily: daily.then_some(closed),
        warn_share: share(raw.warn_share, Gate::DEFAULT.warn_share)?,
        refuse_share: share(raw.refuse_share, Gate::DEFAULT.refuse_share)?,
    })
}

/// The place of a column of the table that holds what is needed.
fn place(
    page: &Page,
    table: &'static LandedTable,
    name: &Spanned<String>,
    fits: impl Fn(Kind) -> bool,
    needed: &str,
) -> Result<usize, FeedError> {
    let known = || table.columns.iter().filter(|column| fits(column.kind)).map(|column| column.name);
    match table.columns.iter().position(|column| column.name == name.get_ref() && fits(column.kind)) {
        Some(place) => Ok(place),
        None => {
            let what = format!("table {} has no column `{}` that holds {needed}", table.name, name.get_ref());
            Err(page.wrong(name.span(), what, Some(Hint::for_name(name.get_ref(), known()))))
        }
    }
}

pub(super) fn regex(page: &Page, text: &Spanned<String>) -> Result<Regex, FeedError> {
    Regex::new(text.get_ref()).map_err(|error| page.wrong(text.span(), format!("`{}` is not a regex: {error}", text.get_ref()), None))
}
