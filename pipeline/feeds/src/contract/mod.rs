//! A feed's contract: which files, which format, which column becomes which of ours, and what a row must keep.
//!
//! In: the text of `feeds/NAME.toml`. Out: a `Contract`, checked; only checked contracts travel. Never: a file, a guess at a unit.
//!
//! # The keys
//!
//! | key | meaning |
//! |---|---|
//! | `version` | 1 |
//! | `table` | the landed table the rows go to |
//! | `[source] kind` | `files`, `http`, `kafka`, `mysql` or `postgres`; the other keys are the kind's own (those of databases: `source/database/mod.rs`, of boards: `source/http/mod.rs`, of topics: `source/kafka/mod.rs`) |
//! | `[source] root` | folder, relative to the project folder; may climb with `..`. Or `s3://bucket/prefix`, reached with the settings of the lake's own store |
//! | `[source] files` | globs below the root (`*` stays in its folder, `**` does not); no `..`, not absolute |
//! | `[format] kind` | `csv`, `json`, `ndjson` (one object a line), `parquet` or `xlsx`; gzip, zstd and zip round any of them are told by the bytes and taken off, and each member of a zip archive is a source of its own (`archive.zip!member.csv`) |
//! | `[format] encoding` | `utf-8` (default; a byte-order mark is taken off) or `gbk`; csv, json and ndjson |
//! | `[format] delimiter`, `quote` | csv: one character each, `,` and `"` by default; `quote = ""` switches quoting off |
//! | `[format] records` | json: dotted path to the array of records; empty (default) when the file is the array |
//! | `[format] sheet`, `header_row` | xlsx: the sheet's name (default: the first that is not hidden), the header's row from 1 (default: 1) |
//! | `[unpivot] value` | a wide file becomes a long one: the name of the column that takes the cell |
//! | `[unpivot.columns] X = { name = "text", .. }` | for each wide column X the constants that go beside its cell, as columns |
//! | `[where] X = ["text", ..]` | only rows whose source column X holds one of these; the others are rejected as `not_asked_for` |
//! | `[columns.Y]` | how our column Y comes about, see below; every required column of the table must be there |
//! | `[pieces] column`, `like`, `move` | where our column matches the regex, values move: `{ quantity_kg = "quantity_pieces" }` |
//! | `[rules] ordered` | lists of our columns that may not fall: `[["low_cny_per_kg", "price_cny_per_kg"]]` |
//! | `[available_on]` | the day a row could have been known: exactly one of `column` (a day of ours), `source` (a source column that begins with a day: when the row was last changed), `file_name` (a regex whose group holds `2023-06`, `2023-06-15`, `20230615` or `2023_06_15`), `day`; then `month_end = true`; then `lag_days` |
//! | `[gate] freshness_days` | the newest day may be that old before the feed counts as stale; never, when absent |
//! | `[gate] lateness_days` | a row known later than so many days after its day is late: it lands and is counted; nothing is late, when absent |
//! | `[gate] daily`, `closed` | `daily = true`: the names of the sources tell their days (`[available_on] file_name`), and a day between the first and the last that no source brought is named, but for the days in `closed` |
//! | `[gate] warn_share`, `refuse_share` | share of rejected rows, but for `not_asked_for`, `duplicate` and `tombstone`, at which to warn (0.001) and refuse (0.01) |
//!
//! One column, the steps in the order they are done:
//!
//! | key | meaning |
//! |---|---|
//! | `from`, `value` or `from_name = true` | a source column (or several, joined by a blank), the same text for every row, or the source's name, which `extract` can take a day from; cells are trimmed |
//! | `clean` | full-width forms become plain, brackets `（）【】` too; zero-width and control characters, byte-order marks and blanks go or fold into one |
//! | `empty_when` | a regex: a cell that matches is empty |
//! | `extract` | a regex: its first group (or the whole match) is the cell; no match is rejected |
//! | `values` | a table: each text and what it becomes; a text that is not there is rejected |
//! | `patterns` | a list of `{ like = "regex", value = "text" }`: the first that matches tells; none is rejected |
//! | `default` | what an empty cell becomes |
//! | `dates` | forms of a day, tried in order (`%Y-%m-%d` by default); `%Ey` at the begin is a year of the Republic of China: `民國%Ey年%m月%d日`. Digits of any script count, here and in numbers |
//! | `thousands` | the character that groups the digits of the numbers, such as `,`; without it a number with one is rejected |
//! | `unit` | the unit of the numbers; needed where our column has one. `unit_from` reads it from a source column, `units` says what the texts there mean |
//! | `currency` | `{ code = "NPR", cny = 0.0541 }`: what one of it is worth, for all rows; the units are then `NPR/kg`, .. A price in another currency lands in no other way |
//! | `content_kg` | what a crate, portion or piece holds |
//! | `above`, `min`, `max` | bounds in our unit; `above` itself is out |
//! | `times` | a bound that goes with the product: a value above 0 that is more than so many times the median of the product's own values, or less than so many times smaller, is rejected. The product is the table's key without its day; the values are the newest 30 of earlier days, no older than 45 days and already known; with fewer than 10 nothing is judged. So a level that has really moved is taken after 45 days at the latest. Only for tables whose key holds `day`; sources of such a feed are parsed one after the other |
//!
//! # The rules a row can break
//!
//! `fields`, `tombstone`, `not_asked_for`, `extract`, `values`, `required`, `characters`, `formula`, `date`, `months`, `number`, `unit`, `range`, `ordered`,
//! `available_on`, `duplicate`, `relative`. The first that is broken, in this order of steps and columns, is told.

mod check;
mod columns;
mod raw;
mod units;

pub(crate) use columns::measure_of;

use crate::FeedError;
use crate::source::Place;
use chrono::NaiveDate;
use nongshi_domain::{Column, Hint, LandedTable, Unit};
use regex::Regex;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A contract needs four.
const MOST_DEPTH: usize = 32;

/// A checked contract.
#[derive(Debug, Clone)]
pub struct Contract {
    /// The feed's name, which is the file's.
    pub feed: String,
    /// The table its rows land in.
    pub table: &'static LandedTable,
    /// Where its sources come from.
    pub(crate) place: Arc<dyn Place>,
    /// How to read one file.
    pub format: Format,
    /// How a wide file becomes a long one.
    pub unpivot: Option<Unpivot>,
    /// Source column and the texts that are asked for.
    pub only: Vec<(String, Vec<String>)>,
    /// One rule for each column of the table, in its order.
    pub columns: Vec<ColumnRule>,
    /// What is sold by the piece.
    pub pieces: Option<Pieces>,
    /// Columns, by their place in the table, whose numbers may not fall.
    pub ordered: Vec<Vec<usize>>,
    /// The day a row could have been known.
    pub known_on: KnownOn,
    /// When to warn and when to refuse.
    pub gate: Gate,
}

/// A file's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Text with a delimiter and a header.
    Csv {
        /// Of the text.
        encoding: Encoding,
        /// Between two fields.
        delimiter: u8,
        /// Round a field; none when quoting is off.
        quote: Option<u8>,
    },
    /// An array of flat objects.
    Json {
        /// Of the text.
        encoding: Encoding,
        /// Keys from the top to the array.
        records: Vec<String>,
    },
    /// Messages of a topic, as the kind `kafka` keeps them.
    Messages,
    /// One flat object a line.
    Ndjson {
        /// Of the text.
        encoding: Encoding,
    },
    /// Typed columns.
    Parquet,
    /// One sheet of a workbook.
    Xlsx {
        /// Its name; the first sheet that is not hidden when absent.
        sheet: Option<String>,
        /// The header's row, from 1.
        header_row: u32,
    },
}

/// A text's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// With or without a byte-order mark.
    Utf8,
    /// GB 18030 and what it holds.
    Gbk,
}

/// How a wide file becomes a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpivot {
    /// The column that takes the cell.
    pub value: String,
    /// Names of the constant columns, in order.
    pub constants: Vec<String>,
    /// The wide columns.
    pub columns: Vec<UnpivotColumn>,
}

/// One wide column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpivotColumn {
    /// Its name in the source.
    pub source: String,
    /// Its constants, as `Unpivot::constants` names them.
    pub constants: Vec<String>,
}

/// How one column of ours comes about.
#[derive(Debug, Clone)]
pub struct ColumnRule {
    /// The column.
    pub column: &'static Column,
    /// Where its text comes from.
    pub origin: Origin,
    /// Whether full-width forms, zero-width characters and odd blanks are put right.
    pub clean: bool,
    /// Cells that are empty.
    pub empty_when: Option<Regex>,
    /// The part of the cell that counts.
    pub extract: Option<Regex>,
    /// Every text that may stand there and what it becomes.
    pub values: Option<BTreeMap<String, String>>,
    /// The first that matches tells what the cell becomes.
    pub patterns: Vec<(Regex, String)>,
    /// What an empty cell becomes.
    pub default: Option<String>,
    /// The unit of its numbers.
    pub unit: RowUnit,
    /// Forms of a day.
    pub dates: Vec<String>,
    /// What groups the digits of its numbers.
    pub thousands: Option<char>,
    /// Exclusive lower bound in our unit.
    pub above: Option<Decimal>,
    /// Inclusive lower bound in our unit.
    pub min: Option<Decimal>,
    /// Inclusive upper bound in our unit.
    pub max: Option<Decimal>,
    /// How many times the product's usual value it may be above or below.
    pub times: Option<Decimal>,
}

/// Where a column's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the column stays empty.
    Nowhere,
    /// The same text for every row.
    Constant(String),
    /// The source's name: what stands behind the last `/` of its address.
    Name,
    /// These source columns, joined by a blank.
    Source(Vec<String>),
}

/// The unit of a column's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowUnit {
    /// Taken as they are.
    Plain,
    /// One for all rows.
    Fixed(Unit),
    /// Told by a source column.
    Told {
        /// The source column.
        source: String,
        /// What its texts mean.
        units: BTreeMap<String, Unit>,
    },
}

/// What is sold by the piece although the source says kg.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// Place of the column that tells.
    pub column: usize,
    /// What it matches then.
    pub like: Regex,
    /// Places of the columns the values leave and the columns they go to.
    pub moves: Vec<(usize, usize)>,
}

/// Which day a row could have been known.
#[derive(Debug, Clone)]
pub enum KnownOn {
    /// A column of ours, by its place.
    Column {
        /// Place in the table.
        column: usize,
        /// Whether the month must first be over.
        month_end: bool,
        /// Days later.
        lag_days: u32,
    },
    /// The source's name.
    FileName {
        /// Its first group holds a month or a day.
        like: Regex,
        /// Whether the month must first be over; always so when the name holds only a month.
        month_end: bool,
        /// Days later.
        lag_days: u32,
    },
    /// A column of the source that begins with a day like 2013-01-01: when a row was last changed over there.
    Source {
        /// Its name.
        column: String,
        /// Whether the month must first be over.
        month_end: bool,
        /// Days later.
        lag_days: u32,
    },
    /// One day for all rows.
    Day(NaiveDate),
}

/// When to warn and when to refuse.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The newest day may be that old before the feed counts as stale.
    pub freshness_days: Option<u32>,
    /// A row that was known later than so many days after its day is late: it lands, and is counted.
    pub lateness_days: Option<u32>,
    /// The days on which nothing is expected of a feed whose sources are one a day; none when they are not.
    pub daily: Option<Vec<NaiveDate>>,
    /// Share of rejected rows at which to warn.
    pub warn_share: f64,
    /// Share of rejected rows at which to refuse the feed.
    pub refuse_share: f64,
}

impl Gate {
    /// Warn at one row in a thousand, refuse at one in a hundred.
    pub const DEFAULT: Gate = Gate { freshness_days: None, lateness_days: None, daily: None, warn_share: 0.001, refuse_share: 0.01 };
}

impl Contract {
    /// Reads and checks the contract of a feed.
    pub fn read(feed: &str, text: &str) -> Result<Contract, FeedError> {
        let page = Page { feed, text };
        if let Some(at) = too_deep(text) {
            return Err(page.wrong(at..at, format!("more than {MOST_DEPTH} brackets are open at once"), None));
        }
        let raw = toml::from_str::<raw::RawContract>(text).map_err(|error| page.misread(&error))?;
        check::check(&page, raw)
    }

    /// What the store given to `fetch` must be rooted at, relative to the project folder; none when it needs no store.
    pub fn root(&self) -> Option<&str> {
        self.place.root()
    }

    /// Whether a source that is refused holds back those behind it.
    pub fn in_order(&self) -> bool {
        self.place.in_order()
    }

    /// What the feed looks for, to say so when nothing is there.
    pub fn looked_for(&self) -> String {
        self.place.looked_for()
    }

    /// Whether a row is held to what was accepted before it.
    pub fn is_relative(&self) -> bool {
        self.columns.iter().any(|rule| rule.times.is_some())
    }

    /// The place of a column in the table.
    pub fn place_of(&self, column: &str) -> Option<usize> {
        self.table.columns.iter().position(|known| known.name == column)
    }
}

/// Where more brackets are open, outside texts and comments, than any contract needs: the reader goes down with each.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut at) = (0_usize, None, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match (bytes[at], quote) {
            (b'\\', Some(b'"')) => at += 1,
            // a text ends where it began, or at the end of its line
            (b'\n', _) => quote = None,
            (byte, Some(open)) if byte == open && open != b'#' => quote = None,
            (byte @ (b'"' | b'\'' | b'#'), None) => quote = Some(byte),
            (b'[' | b'{', None) => depth += 1,
            (b']' | b'}', None) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_DEPTH {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The contract's text, to say where in it something is wrong.
pub(crate) struct Page<'a> {
    feed: &'a str,
    text: &'a str,
}

impl Page<'_> {
    /// The keys of `[source]`, as its kind names them.
    pub(crate) fn source<T: DeserializeOwned>(&self) -> Result<T, FeedError> {
        #[derive(Deserialize)]
        struct Whole<T> {
            source: T,
        }
        toml::from_str::<Whole<T>>(self.text).map(|whole| whole.source).map_err(|error| self.misread(&error))
    }

    pub(crate) fn wrong(&self, span: std::ops::Range<usize>, what: String, hint: Option<Hint>) -> FeedError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        FeedError::Contract {
            feed: self.feed.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what,
            hint,
        }
    }

    /// What the TOML reader says; an unknown key gets its nearest known one.
    fn misread(&self, error: &toml::de::Error) -> FeedError {
        let message = error.message();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let hint = match quoted.split_first() {
            Some((given, known)) if message.starts_with("unknown field") => Some(Hint::for_name(given, known.iter().copied())),
            _ => None,
        };
        let what = match quoted.first() {
            Some(given) if hint.is_some() => format!("the key `{given}` is not known here"),
            _ => message.to_string(),
        };
        self.wrong(error.span().unwrap_or(0..0), what, hint)
    }
}
