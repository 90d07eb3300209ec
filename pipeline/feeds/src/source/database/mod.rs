//! A relation of a database, read on from where it was left. In: the keys of `[source]`, a session, what has landed.
//! Out: pages of rows, one JSON object a line, every value the text the database prints. Never: a write, a secret in a
//! word of ours, a row twice, OFFSET, a page outside the window.
//!
//! | key of `[source]` | meaning |
//! |---|---|
//! | `kind` | `postgres` or `mysql` (MariaDB too) |
//! | `url_env` or `url_file` | the environment variable or the file (below the project folder) that holds `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. `?sslmode=` is `verify-full` (default), `verify-ca`, `require` or `disable` (default on this machine itself); `&sslrootcert=FILE` |
//! | `relation` or `query` | a table or view as the database spells it (`schema.table`), or one `select` |
//! | `columns` | what is kept; all when absent. The watermark and the key are kept in any case |
//! | `watermark` | a column that every insert and update moves on: time, day or whole number, never empty, with an index |
//! | `key` | columns that tell one row from another, never empty |
//! | `overlap` | how late a row may come in behind the watermark: `2h`, `30m`, `1d`; for numbers a number |
//! | `page_rows` | rows in a page (10,000) |
//! | `rows_per_second` | the most rows that are read in a second (5,000) |
//! | `window` | when it may be read, in Asia/Shanghai: `22:00-06:00`; at any time when absent |
//! | `statement_timeout` | `60s` |
//!
//! There is no `[format]`: the pages have their own. Times without a zone are those of Asia/Shanghai. A row that is
//! deleted over there stays here: a till takes back a line with a line.

mod extract;
mod history;
pub(super) mod session;
pub(super) mod sql;
mod watermark;

pub(super) use history::place;

use super::keys::{Text, between, timeout, window};
use super::window::{Window, duration};
use super::{Outside, Place, SecretAt, Sources};
use crate::contract::Page;
use crate::{Contract, Encoding, FeedError, Format};
use futures::FutureExt;
use futures::future::BoxFuture;
use nongshi_domain::Hint;
use serde::Deserialize;
use session::Connect;
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;
use watermark::Overlap;

const PAGE_ROWS: u32 = 10_000;
/// A page is held in memory.
const MOST_PAGE_ROWS: u32 = 1_000_000;
const ROWS_PER_SECOND: u32 = 5_000;
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// The keys as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDatabase {
    kind: Text,
    url_env: Option<Text>,
    url_file: Option<Text>,
    relation: Option<Text>,
    query: Option<Text>,
    columns: Option<Vec<String>>,
    watermark: String,
    key: Spanned<Vec<String>>,
    overlap: Spanned<RawOverlap>,
    page_rows: Option<Spanned<u32>>,
    rows_per_second: Option<Spanned<u32>>,
    window: Option<Text>,
    statement_timeout: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawOverlap {
    Count(i64),
    Time(String),
}

/// A checked relation of a database.
#[derive(Debug)]
struct Database {
    connect: Connect,
    url: SecretAt,
    /// For addresses: the relation, or `query`.
    name: String,
    /// Quoted, or the query in brackets.
    from: String,
    columns: Option<Vec<String>>,
    watermark: String,
    key: Vec<String>,
    overlap: Overlap,
    page_rows: usize,
    rows_per_second: u32,
    window: Option<Window>,
    statement_timeout: Duration,
}

pub(super) fn check(page: &Page, connect: Connect) -> Result<Arc<dyn Place>, FeedError> {
    let raw: RawDatabase = page.source()?;
    let url = match (raw.url_env, raw.url_file) {
        (Some(name), None) if name.get_ref().contains("://") => {
            let hint = Hint("write the name of the environment variable that holds it".into());
            return Err(page.wrong(name.span(), "`url_env` holds an address, and a contract is no place for a secret".into(), Some(hint)));
        }
        (Some(name), None) => SecretAt::Environment(name.into_inner()),
        (None, Some(path)) => SecretAt::File(path.into_inner()),
        _ => return Err(page.wrong(raw.kind.span(), "`[source]` needs exactly one of `url_env`, `url_file`".into(), None)),
    };
    let (name, from) = match (&raw.relation, &raw.query) {
        (Some(relation), None) => (relation.get_ref().clone(), relation_name(page, relation, connect)?),
        (None, Some(query)) => ("query".to_string(), only_select(page, query)?),
        _ => return Err(page.wrong(raw.kind.span(), "`[source]` needs exactly one of `relation`, `query`".into(), None)),
    };
    if raw.key.get_ref().is_empty() {
        return Err(page.wrong(raw.key.span(), "`key` is empty: rows of one moment could not be told apart".into(), None));
    }
    Ok(Arc::new(Database {
        connect,
        url,
        name,
        from,
        columns: raw.columns,
        watermark: raw.watermark,
        key: raw.key.into_inner(),
        overlap: overlap(page, raw.overlap)?,
        page_rows: between(page, "page_rows", raw.page_rows, PAGE_ROWS, MOST_PAGE_ROWS)? as usize,
        rows_per_second: between(page, "rows_per_second", raw.rows_per_second, ROWS_PER_SECOND, MOST_PAGE_ROWS)?,
        window: raw.window.map(|text| window(page, &text)).transpose()?,
        statement_timeout: raw.statement_timeout.map_or(Ok(STATEMENT_TIMEOUT), |text| timeout(page, &text))?,
    }))
}

fn relation_name(page: &Page, relation: &Text, connect: Connect) -> Result<String, FeedError> {
    let parts: Vec<&str> = relation.get_ref().split('.').collect();
    let plain = |part: &&str| !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || "_$ -".contains(letter));
    if parts.len() > 2 || !parts.iter().all(plain) {
        let hint = Hint("write `table` or `schema.table`; for anything else there is `query`".into());
        return Err(page.wrong(relation.span(), format!("`{}` is not the name of a relation", relation.get_ref()), Some(hint)));
    }
    Ok(parts.iter().map(|part| connect.dialect().name(part)).collect::<Vec<_>>().join("."))
}

/// The database refuses writes as well; a query that does not even begin as one is a slip.
fn only_select(page: &Page, query: &Text) -> Result<String, FeedError> {
    let text = query.get_ref().trim().trim_end_matches(';').trim();
    let first = text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    if text.contains(';') || !matches!(first.as_str(), "select" | "with") {
        let hint = Hint("`query` is one statement that begins with `select` or `with`".into());
        return Err(page.wrong(query.span(), "`query` is more than one `select`: sources are only read".into(), Some(hint)));
    }
    // on lines of its own, so that a comment at its end ends before the bracket
    Ok(format!("(\n{text}\n)"))
}

fn overlap(page: &Page, raw: Spanned<RawOverlap>) -> Result<Overlap, FeedError> {
    let read = match raw.get_ref() {
        RawOverlap::Count(count) => (*count >= 0).then_some(Overlap::Count(*count)),
        RawOverlap::Time(text) => duration(text).map(Overlap::Time),
    };
    read.ok_or_else(|| {
        let hint = Hint("write `overlap = \"2h\"`, or a number when the watermark is one".into());
        page.wrong(raw.span(), "`overlap` is no length of time".into(), Some(hint))
    })
}

impl Place for Database {
    fn looked_for(&self) -> String {
        format!("`{}` behind {}", self.name, self.url)
    }

    fn format(&self) -> Option<Format> {
        Some(Format::Ndjson { encoding: Encoding::Utf8 })
    }

    /// A page that is refused would be passed over by the next one that lands.
    fn in_order(&self) -> bool {
        true
    }

    fn fetch<'a>(&'a self, contract: &'a Contract, outside: &'a Outside) -> BoxFuture<'a, Result<Sources<'a>, FeedError>> {
        async move { extract::extract(self, &contract.feed, outside).await }.boxed()
    }
}
