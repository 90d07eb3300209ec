//! The keys of a board as they are written. In: `[source]`. Out: a checked board, or the first thing that is wrong, with
//! its line. Never: a secret where an address is made of it, a place that nothing fills.

use super::paging::{End, Paging, Step};
use super::template::Template;
use super::{Board, Content, Days, Templates};
use crate::FeedError;
use crate::contract::Page;
use crate::source::keys::{Text, between, timeout, window};
use crate::source::{Place, SecretAt};
use nongshi_domain::Hint;
use reqwest::header::HeaderName;
use reqwest::{Method, Url};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;

const REQUESTS_PER_SECOND: f64 = 1.0;
const MOST_REQUESTS_PER_SECOND: f64 = 1_000.0;
const LONGEST_REST: Duration = Duration::from_secs(3_600);
const TIMEOUT: Duration = Duration::from_secs(60);
const PAGE_MIB: u32 = 64;
const MOST_PAGE_MIB: u32 = 1_024;
const MOST_PAGES: u32 = 10_000;
const MOST_MOST_PAGES: u32 = 1_000_000;
/// Of a day, unless the contract says so.
const LAG_DAYS: u32 = 1;
const AGAIN_DAYS: u32 = 1;
/// What the client sets itself, or would not understand.
const OURS: [&str; 5] = ["accept-encoding", "connection", "content-length", "host", "transfer-encoding"];
/// What holds a secret or nothing.
const SECRET: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

type Texts = BTreeMap<String, Text>;

/// The keys as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttp {
    #[serde(rename = "kind")]
    _kind: String,
    url: Text,
    method: Option<Text>,
    idempotent: Option<Spanned<bool>>,
    #[serde(default)]
    query: Texts,
    #[serde(default)]
    headers: Texts,
    form: Option<Spanned<Texts>>,
    body: Option<Text>,
    #[serde(default)]
    secrets: BTreeMap<String, Spanned<RawSecret>>,
    days: Option<Spanned<RawDays>>,
    page: Option<Spanned<RawPage>>,
    #[serde(default)]
    expect: Texts,
    requests_per_second: Option<Spanned<f64>>,
    timeout: Option<Text>,
    page_mib: Option<Spanned<u32>>,
    most_pages: Option<Spanned<u32>>,
    window: Option<Text>,
    #[serde(default)]
    plain_http: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSecret {
    env: Option<String>,
    file: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDays {
    from: Text,
    lag_days: Option<u32>,
    again_days: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPage {
    from: Option<u64>,
    step: Option<u64>,
    end: Option<Text>,
    last_page: Option<Text>,
    total: Option<Text>,
    cursor: Option<Text>,
    next: Option<Text>,
}

/// Checks the contract of a board.
pub(in crate::source) fn check(page: &Page) -> Result<Arc<dyn Place>, FeedError> {
    let raw: RawHttp = page.source()?;
    let method = method(page, raw.method.as_ref())?;
    if let Some(told) = raw.idempotent.as_ref().filter(|_| method == Method::GET) {
        return Err(page.wrong(told.span(), "`idempotent` is for POST: a GET always is".into(), None));
    }
    let total = raw.page.as_ref().and_then(|raw| raw.get_ref().total.as_ref());
    let paging = Paging {
        step: step(page, raw.page.as_ref())?,
        total: total.map(|total| pointer(page, total.span(), total.get_ref())).transpose()?,
        expect: raw
            .expect
            .into_iter()
            .map(|(at, text)| Ok((pointer(page, text.span(), &at)?, text.into_inner())))
            .collect::<Result<_, FeedError>>()?,
        most_pages: between(page, "most_pages", raw.most_pages, MOST_PAGES, MOST_MOST_PAGES)?.into(),
    };
    let query = raw.query.into_iter().map(|(name, text)| Ok((name, without_secret(page, &text)?)));
    let board = Board {
        idempotent: method == Method::GET || raw.idempotent.is_some_and(Spanned::into_inner),
        url: url(page, &raw.url, raw.plain_http)?,
        query: query.collect::<Result<_, FeedError>>()?,
        headers: headers(page, raw.headers)?,
        content: content(page, &method, raw.form, raw.body)?,
        method,
        secrets: secrets(page, raw.secrets)?,
        days: raw.days.as_ref().map(|raw| days(page, raw.get_ref())).transpose()?,
        paging,
        rest: rest(page, raw.requests_per_second.as_ref())?,
        timeout: raw.timeout.map_or(Ok(TIMEOUT), |text| timeout(page, &text))?,
        page_bytes: (between(page, "page_mib", raw.page_mib, PAGE_MIB, MOST_PAGE_MIB)? as usize) << 20,
        window: raw.window.map(|text| window(page, &text)).transpose()?,
    };
    refuse_unfilled(page, raw.url.span(), &board)?;
    Ok(Arc::new(board))
}

fn template(page: &Page, text: &Text) -> Result<Template, FeedError> {
    Template::read(text.get_ref()).map_err(|(what, hint)| page.wrong(text.span(), what, Some(hint)))
}

fn templates(page: &Page, raw: Texts) -> Result<Templates, FeedError> {
    raw.into_iter().map(|(name, text)| Ok((name, template(page, &text)?))).collect()
}

/// For addresses: they stand in logs on the way.
fn without_secret(page: &Page, text: &Text) -> Result<Template, FeedError> {
    let read = template(page, text)?;
    if read.secrets().next().is_some() {
        let hint = Hint("`headers`, `form` and `body` may hold one".into());
        return Err(page.wrong(text.span(), "an address is no place for a secret".into(), Some(hint)));
    }
    Ok(read)
}

fn url(page: &Page, text: &Text, plain_http: bool) -> Result<Template, FeedError> {
    let read = without_secret(page, text)?;
    let wrong = |what: &str, hint: &str| Err(page.wrong(text.span(), what.into(), Some(Hint(hint.into()))));
    let (host, _) = text.get_ref().split_once("://").map_or(("", ""), |(_, rest)| rest.split_once(['/', '?', '#']).unwrap_or((rest, "")));
    if host.contains(['{', '@']) {
        return wrong("`url` has more than a host between `://` and the path", "a login goes into `headers`, and no place into the host");
    }
    if read.has_cursor() {
        return wrong("`{cursor}` stands in `url`", "write it under `query`, `headers`, `form` or in `body`");
    }
    let Ok(parsed) = Url::parse(text.get_ref()) else { return wrong("`url` is no address", "write `https://board.example/list`") };
    if parsed.fragment().is_some() {
        return wrong("`url` has a fragment, which no server sees", "leave out `#` and what is behind it");
    }
    match parsed.scheme() {
        "https" => Ok(read),
        "http" if plain_http || near(&parsed) => Ok(read),
        "http" => wrong("`url` goes over the network unprotected", "write `https://`, or `plain_http = true` where there is no other way"),
        _ => wrong("`url` begins with neither `https://` nor `http://`", "files and databases are kinds of their own"),
    }
}

/// Whether it is this machine itself.
fn near(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn method(page: &Page, text: Option<&Text>) -> Result<Method, FeedError> {
    match text.map(|text| text.get_ref().as_str()) {
        None | Some("GET") => Ok(Method::GET),
        Some("POST") => Ok(Method::POST),
        Some(other) => {
            let span = text.map_or(0..0, Spanned::span);
            Err(page.wrong(span, format!("method `{other}` is not known"), Some(Hint::for_name(other, ["GET", "POST"]))))
        }
    }
}

/// What a request sends besides its address.
fn content(page: &Page, method: &Method, form: Option<Spanned<Texts>>, body: Option<Text>) -> Result<Content, FeedError> {
    let get = method == Method::GET;
    match (form, body) {
        (None, None) => Ok(Content::Nothing),
        (Some(form), _) if get => Err(page.wrong(form.span(), "a GET has no `form`".into(), Some(Hint("write it under `query`".into())))),
        (_, Some(body)) if get => Err(page.wrong(body.span(), "a GET has no `body`".into(), Some(Hint("say `method = \"POST\"`".into())))),
        (Some(form), None) => Ok(Content::Form(templates(page, form.into_inner())?)),
        (None, Some(body)) => Ok(Content::Body(template(page, &body)?)),
        (Some(_), Some(body)) => Err(page.wrong(body.span(), "`[source]` has both `form` and `body`".into(), None)),
    }
}

fn headers(page: &Page, raw: Texts) -> Result<Vec<(HeaderName, Template)>, FeedError> {
    let header = |(name, text): (String, Text)| {
        let wrong = |what: String, hint: &str| page.wrong(text.span(), what, Some(Hint(hint.into())));
        let known =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(format!("`{name}` is no header"), "letters, digits and `-`"))?;
        let read = template(page, &text)?;
        if OURS.contains(&known.as_str()) {
            return Err(wrong(format!("the header `{known}` is set by the client"), "leave it out"));
        }
        if SECRET.contains(&known.as_str()) && read.secrets().next().is_none() {
            return Err(wrong(
                format!("the header `{known}` stands here in the open, and a contract is no place for a secret"),
                "write `{secret:NAME}`, and under `secrets` where NAME lies",
            ));
        }
        Ok((known, read))
    };
    raw.into_iter().map(header).collect()
}

fn secrets(page: &Page, raw: BTreeMap<String, Spanned<RawSecret>>) -> Result<BTreeMap<String, SecretAt>, FeedError> {
    let secret = |(name, raw): (String, Spanned<RawSecret>)| {
        let span = raw.span();
        match raw.into_inner() {
            RawSecret { env: Some(variable), file: None } => Ok((name, SecretAt::Environment(variable))),
            RawSecret { env: None, file: Some(path) } => Ok((name, SecretAt::File(path))),
            _ => Err(page.wrong(span, format!("secret `{name}` needs exactly one of `env`, `file`"), None)),
        }
    };
    raw.into_iter().map(secret).collect()
}

fn days(page: &Page, raw: &RawDays) -> Result<Days, FeedError> {
    let from = raw.from.get_ref().parse().map_err(|_| {
        page.wrong(raw.from.span(), format!("`{}` is no day", raw.from.get_ref()), Some(Hint("write `from = \"2026-01-31\"`".into())))
    })?;
    let days = |given: Option<u32>, otherwise: u32| chrono::Days::new(given.unwrap_or(otherwise).into());
    Ok(Days { from, lag: days(raw.lag_days, LAG_DAYS), again: days(raw.again_days, AGAIN_DAYS) })
}

/// A JSON pointer.
fn pointer(page: &Page, at: Range<usize>, text: &str) -> Result<String, FeedError> {
    if text.starts_with('/') {
        return Ok(text.to_string());
    }
    Err(page.wrong(at, format!("`{text}` is no pointer"), Some(Hint("write `/data/total`, from the top of the answer".into()))))
}

fn step(page: &Page, raw: Option<&Spanned<RawPage>>) -> Result<Step, FeedError> {
    let Some(raw) = raw else { return Ok(Step::Single) };
    let span = raw.span();
    let RawPage { from, step, end, last_page, total, cursor, next } = raw.get_ref();
    let read = |text: &Text| pointer(page, text.span(), text.get_ref());
    let numbered = from.is_some() || step.is_some() || end.is_some() || last_page.is_some();
    match (cursor, next) {
        (Some(_), Some(_)) => return Err(page.wrong(span, "`page` has both `cursor` and `next`".into(), None)),
        (Some(_), _) | (_, Some(_)) if numbered => {
            let what = "`from`, `step`, `end` and `last_page` are for numbered pages, `cursor` and `next` for others".into();
            return Err(page.wrong(span, what, None));
        }
        (Some(cursor), None) => return Ok(Step::Cursor(read(cursor)?)),
        (None, Some(next)) if next.get_ref() == "link" => return Ok(Step::Link),
        (None, Some(next)) => return Ok(Step::Next(read(next)?)),
        (None, None) => {}
    }
    let end = match (end, last_page) {
        (Some(_), Some(_)) => return Err(page.wrong(span, "`page` has both `end` and `last_page`".into(), None)),
        (Some(end), None) => match end.get_ref().as_str() {
            "empty" => End::Empty,
            "repeated" => End::Repeated,
            other => {
                let hint = Hint::for_name(other, ["empty", "repeated"]);
                return Err(page.wrong(end.span(), format!("`end = \"{other}\"` is not known"), Some(hint)));
            }
        },
        (None, Some(last)) => End::LastPage(read(last)?),
        (None, None) if total.is_some() => End::Total,
        (None, None) => End::Empty,
    };
    let step = step.unwrap_or(1);
    if step == 0 || (step > 1 && matches!(end, End::LastPage(_))) {
        return Err(page.wrong(span, format!("`step = {step}` leads to no last page"), None));
    }
    Ok(Step::Number { from: from.unwrap_or(1), step, end })
}

/// Every place has what fills it, and what could fill one has its place.
fn refuse_unfilled(page: &Page, at: Range<usize>, board: &Board) -> Result<(), FeedError> {
    let all: Vec<&Template> = board.templates().collect();
    let numbered = matches!(board.paging.step, Step::Number { .. });
    let cursor = matches!(board.paging.step, Step::Cursor(_));
    for (place, filled, filler, asked) in [
        ("day", board.days.is_some(), "days", all.iter().any(|text| text.has_day())),
        ("page", numbered, "page", all.iter().any(|text| text.has_page())),
        ("cursor", cursor, "page = { cursor = \"/…\" }", all.iter().any(|text| text.has_cursor())),
    ] {
        if filled != asked {
            let what = if asked { format!("nothing fills `{{{place}}}`") } else { format!("nobody asks with `{{{place}}}`") };
            let hint =
                if asked { format!("add `{filler}`") } else { format!("write `{{{place}}}` where the board wants it, or drop `{filler}`") };
            return Err(page.wrong(at, what, Some(Hint(hint))));
        }
    }
    let named: Vec<&str> = all.iter().flat_map(|text| text.secrets()).collect();
    if let Some(missing) = named.iter().find(|name| !board.secrets.contains_key(**name)) {
        let what = format!("where the secret `{missing}` lies is not said");
        return Err(page.wrong(at, what, Some(Hint(format!("add `secrets = {{ {missing} = {{ env = \"VARIABLE\" }} }}`")))));
    }
    Ok(())
}

fn rest(page: &Page, given: Option<&Spanned<f64>>) -> Result<Duration, FeedError> {
    let rate = given.map_or(REQUESTS_PER_SECOND, |given| *given.get_ref());
    if rate > 0.0 && rate <= MOST_REQUESTS_PER_SECOND && rate >= 1.0 / LONGEST_REST.as_secs_f64() {
        return Ok(Duration::from_secs_f64(rate.recip()));
    }
    let what = format!("`requests_per_second` is {rate}; it lies between one an hour and {MOST_REQUESTS_PER_SECOND}");
    Err(page.wrong(given.map_or(0..0, Spanned::span), what, None))
}
