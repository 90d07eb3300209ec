//! A price board or an ERP that answers over HTTP, page by page. In: the keys of `[source]`, what has landed. Out: each
//! answer's body as it came. Never: a secret in an address or an error, another host than the contract's, more requests
//! a second than allowed, a page outside the window, a reading cut short in silence.
//!
//! | key of `[source]` | meaning |
//! |---|---|
//! | `kind` | `http` |
//! | `url` | `https://…`, with places (below); `http://` only to this machine itself, or with `plain_http = true` |
//! | `method` | `GET` (default) or `POST` |
//! | `idempotent` | `true` when a POST only asks: then it is asked again where the server could not answer. A GET always is |
//! | `query`, `headers` | tables of names and texts with places. An entry with `{cursor}` is left out on the first page |
//! | `form` or `body` | of a POST: a table like `query`, sent as a form; or a text, sent as JSON unless `headers` has another `Content-Type`. What fills its places is escaped as in a JSON text |
//! | `secrets` | `token = { env = "BOARD_TOKEN" }` or `{ file = "secrets/board" }` (below the project folder): what `{secret:token}` stands for, in `headers`, `form` and `body` only |
//! | `days` | `{ from = "2026-01-01", lag_days = 1, again_days = 3 }`: the board is asked for each day from that one until today less the lag (1), in Asia/Shanghai. Days that have landed are not asked again, but for the last `again_days` (1) of them: boards correct |
//! | `page` | numbered pages: `{ from = 1, step = 1 }` (the defaults), and where they end: `end = "empty"` (default: before an empty page), `end = "repeated"` (the last one comes again and again), `last_page = "/pages"` (a pointer to the last one's number) or `total = "/count"` (a pointer to the number of rows in all pages). Or `{ cursor = "/next" }`: a pointer to what fills `{cursor}`; or `{ next = "/links/next" }`: a pointer to the next page's address, `next = "link"` for the `Link` header. `total` checks those too. One page when absent |
//! | `expect` | pointers and what stands there on every good page: `{ "/code" = "0" }` |
//! | `requests_per_second` | at most (1) |
//! | `timeout` | of one request, to the end of its body (`60s`) |
//! | `page_mib` | the most a page may have (64) |
//! | `most_pages` | of one reading (10,000); more are refused, not cut |
//! | `window` | when it may be asked, in Asia/Shanghai: `22:00-06:00`; at any time when absent |
//!
//! Places: `{day}` or `{day:%Y/%m/%d}`, `{page}`, `{cursor}` (not in `url`), `{secret:NAME}`. Pointers are those of RFC
//! 6901 and need `[format] kind = "json"`.
//!
//! # What a page is called, and when it was known
//!
//! Asked for a day, a page is `http:FEED/?day=2026-07-01&page=3`, the last one `…&page=4&last`: what has landed tells by
//! itself which days are read to their end. When a day is asked again and a page says something else, that is
//! `…&page=3&corrected=2026-07-04`, and none of its rows was known before. Without `days` it is
//! `http:FEED/?asked=2026-07-02&page=3`: `file_name = 'asked=(\d{4}-\d\d-\d\d)'` under `[available_on]` and `name =` under
//! a column take that day from it. So a board that is published unchanged on two days is two batches, and asked twice on
//! one day it is one.

mod client;
mod history;
mod paging;
mod read;
mod request;
mod template;
mod written;

pub(crate) use history::corrected_on;
pub(super) use written::check;

use super::window::Window;
use super::{Outside, Place, SecretAt, Sources};
use crate::{Contract, FeedError};
use chrono::NaiveDate;
use futures::FutureExt;
use futures::future::BoxFuture;
use paging::Paging;
use reqwest::Method;
use reqwest::header::HeaderName;
use std::collections::BTreeMap;
use std::time::Duration;
use template::Template;

type Templates = Vec<(String, Template)>;

/// A checked board.
#[derive(Debug)]
struct Board {
    method: Method,
    /// Whether it may be asked twice.
    idempotent: bool,
    url: Template,
    query: Templates,
    headers: Vec<(HeaderName, Template)>,
    content: Content,
    secrets: BTreeMap<String, SecretAt>,
    days: Option<Days>,
    paging: Paging,
    rest: Duration,
    timeout: Duration,
    page_bytes: usize,
    window: Option<Window>,
}

/// What a POST sends.
#[derive(Debug)]
enum Content {
    Nothing,
    Form(Templates),
    Body(Template),
}

/// The days a board is asked for.
#[derive(Debug)]
struct Days {
    from: NaiveDate,
    /// Until so many before today.
    lag: chrono::Days,
    /// The last so many are asked again.
    again: chrono::Days,
}

impl Place for Board {
    fn looked_for(&self) -> String {
        format!("`{}`", self.url.text)
    }

    /// A page that is refused would be passed over by the next one that lands.
    fn in_order(&self) -> bool {
        true
    }

    fn fetch<'a>(&'a self, contract: &'a Contract, outside: &'a Outside) -> BoxFuture<'a, Result<Sources<'a>, FeedError>> {
        async move { read::read(self, contract, outside).await.map_err(|trouble| trouble.told(&contract.feed)) }.boxed()
    }
}
