//! A topic of Kafka, each partition read on from where it was left. In: the keys of `[source]`, a broker, what has landed.
//! Out: pages of messages, one a line with its offset, key and time, every byte as it came. Never: an offset kept elsewhere
//! than with the data, a consumer group, a message twice, a topic made by asking for it.
//!
//! | key of `[source]` | meaning |
//! |---|---|
//! | `kind` | `kafka` |
//! | `brokers` | `["HOST:PORT", ..]`: those that are asked first |
//! | `topic` | its name |
//! | `security` | `tls` (default), or `plaintext`: only to this machine itself |
//! | `plain` | `true` allows `plaintext` to other machines, in a network of your own |
//! | `trusted_file` | a PEM file below the project folder: who signs the brokers' certificates; the machine's own list when absent |
//! | `sasl` | `scram-sha-512`, `scram-sha-256`, or `plain`, which hands over the password and so needs `tls`; nobody logs in when absent |
//! | `login_env` or `login_file` | the environment variable or the file (below the project folder) that holds `USER:PASSWORD` |
//! | `start` | where the first run begins: `earliest` (default), or `latest`: what is there already is left out |
//! | `page_messages` | messages in a page (10,000) |
//! | `page_bytes` | bytes in a page (16 MiB; 64 MiB at most); a longer message has a page of its own |
//! | `messages_per_second` | the most that are read in a second; as fast as the broker gives them when absent |
//! | `window` | when it may be read, in Asia/Shanghai: `22:00-06:00`; at any time when absent |
//! | `lost_offsets` | so many offsets that the broker deleted unread are known of and told no more (0) |
//!
//! There is no `[format]`: a message's value is one JSON object, and its fields are the source columns. Beside them stand
//! `@partition`, `@offset`, `@key` and `@timestamp`, the time its producer gave it in Asia/Shanghai, for `available_on = { source = "@timestamp" }`.
//! A field that no message of a page has is empty. A value that is no object, no UTF-8 or longer than 1 MiB is rejected as
//! `fields`; a message without a value is rejected as `tombstone`, which says nothing about the feed's quality: a till takes
//! back a line with a line. A quiet hour makes a small page: `[gate] refuse_share` says how much of it may be bad.
//! Aborted transactions are not left out: rskafka 0.6 does not tell them apart.

mod broker;
mod history;
mod line;
mod login;
mod read;

pub(crate) use history::PageAddress;

use super::keys::{Text, between, window};
use super::trouble::{Fault, Trouble};
use super::window::{Window, refuse_closed};
use super::{Outside, Place, SecretAt, Sources};
use crate::contract::Page;
use crate::{Contract, FeedError, Format};
use futures::FutureExt;
use futures::future::BoxFuture;
use login::{Login, Mechanism, Security};
use nongshi_domain::Hint;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use toml::Spanned;

const PAGE_MESSAGES: u32 = 10_000;
const MOST_PAGE_MESSAGES: u32 = 1_000_000;
const PAGE_BYTES: u32 = 16 << 20;
/// A page is held in memory.
const MOST_PAGE_BYTES: u32 = 64 << 20;
const MOST_MESSAGES_PER_SECOND: u32 = 1_000_000;
/// Kafka's own limit.
const MOST_TOPIC_LETTERS: usize = 249;

/// The keys as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopic {
    kind: Text,
    brokers: Spanned<Vec<Text>>,
    topic: Text,
    security: Option<Text>,
    #[serde(default)]
    plain: bool,
    trusted_file: Option<Text>,
    sasl: Option<Text>,
    login_env: Option<Text>,
    login_file: Option<Text>,
    start: Option<Text>,
    page_messages: Option<Spanned<u32>>,
    page_bytes: Option<Spanned<u32>>,
    messages_per_second: Option<Spanned<u32>>,
    window: Option<Text>,
    #[serde(default)]
    lost_offsets: u64,
}

/// Where the first run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Earliest,
    Latest,
}

/// A checked topic.
#[derive(Debug)]
struct Topic {
    brokers: Vec<String>,
    name: String,
    security: Security,
    login: Option<(Mechanism, SecretAt)>,
    first: First,
    page_messages: usize,
    page_bytes: usize,
    messages_per_second: Option<u32>,
    window: Option<Window>,
    lost_offsets: u64,
}

pub(super) fn check(page: &Page) -> Result<Arc<dyn Place>, FeedError> {
    let raw: RawTopic = page.source()?;
    let near = brokers(page, &raw.brokers)?;
    let security = security(page, &raw, near)?;
    let login = login(page, &raw, &security)?;
    let first = match raw.start.as_ref().map(|start| start.get_ref().as_str()) {
        None | Some("earliest") => First::Earliest,
        Some("latest") => First::Latest,
        Some(other) => return Err(not_one_of(page, raw.start.as_ref(), "start", other, ["earliest", "latest"])),
    };
    let per_second = raw.messages_per_second;
    Ok(Arc::new(Topic {
        brokers: raw.brokers.into_inner().into_iter().map(Spanned::into_inner).collect(),
        name: topic_name(page, raw.topic)?,
        security,
        login,
        first,
        page_messages: between(page, "page_messages", raw.page_messages, PAGE_MESSAGES, MOST_PAGE_MESSAGES)? as usize,
        page_bytes: between(page, "page_bytes", raw.page_bytes, PAGE_BYTES, MOST_PAGE_BYTES)? as usize,
        messages_per_second: match per_second {
            Some(rate) => Some(between(page, "messages_per_second", Some(rate), 1, MOST_MESSAGES_PER_SECOND)?),
            None => None,
        },
        window: raw.window.map(|text| window(page, &text)).transpose()?,
        lost_offsets: raw.lost_offsets,
    }))
}

/// Checks the addresses and tells whether all of them are this machine itself.
fn brokers(page: &Page, brokers: &Spanned<Vec<Text>>) -> Result<bool, FeedError> {
    if brokers.get_ref().is_empty() {
        return Err(page.wrong(brokers.span(), "`brokers` is empty: nobody would be asked".into(), None));
    }
    let mut near = true;
    for broker in brokers.get_ref() {
        let text = broker.get_ref();
        let named = text.split_once(':').filter(|(host, port)| {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
            !host.is_empty() && host.chars().all(plain) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        let Some((host, _)) = named else {
            let hint = Hint("write `HOST:PORT`; user and password come by `login_env` or `login_file`".into());
            return Err(page.wrong(broker.span(), "a broker is no `HOST:PORT`".into(), Some(hint)));
        };
        near &= host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    }
    Ok(near)
}

fn security(page: &Page, raw: &RawTopic, near: bool) -> Result<Security, FeedError> {
    match raw.security.as_ref().map(|text| text.get_ref().as_str()) {
        None | Some("tls") => Ok(Security::Tls { trusted: raw.trusted_file.as_ref().map(|file| SecretAt::File(file.get_ref().clone())) }),
        Some("plaintext") => {
            let span = raw.security.as_ref().map_or(0..0, Spanned::span);
            if !near && !raw.plain {
                let hint = Hint("take `security = \"tls\"`, or `plain = true` in a network of your own".into());
                return Err(page.wrong(span, "`plaintext` goes to another machine for everybody to read".into(), Some(hint)));
            }
            match &raw.trusted_file {
                Some(file) => Err(page.wrong(file.span(), "`trusted_file` means nothing for `plaintext`".into(), None)),
                None => Ok(Security::Plaintext),
            }
        }
        Some(other) => Err(not_one_of(page, raw.security.as_ref(), "security", other, ["tls", "plaintext"])),
    }
}

fn login(page: &Page, raw: &RawTopic, security: &Security) -> Result<Option<(Mechanism, SecretAt)>, FeedError> {
    let lies_at = match (&raw.login_env, &raw.login_file) {
        (Some(name), None) if name.get_ref().contains(':') => {
            let hint = Hint("write the name of the environment variable that holds it".into());
            let what = "`login_env` holds a login, and a contract is no place for a secret";
            return Err(page.wrong(name.span(), what.into(), Some(hint)));
        }
        (Some(name), None) => Some(SecretAt::Environment(name.get_ref().clone())),
        (None, Some(path)) => Some(SecretAt::File(path.get_ref().clone())),
        (None, None) => None,
        (Some(name), Some(_)) => {
            return Err(page.wrong(name.span(), "`login_env` and `login_file` are both there: one is meant".into(), None));
        }
    };
    match (&raw.sasl, lies_at) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(page.wrong(raw.kind.span(), "a login is there, but `sasl` does not say how to use it".into(), None)),
        (Some(sasl), None) => Err(page.wrong(sasl.span(), "`sasl` needs one of `login_env`, `login_file`".into(), None)),
        (Some(sasl), Some(lies_at)) => match sasl.get_ref().as_str() {
            "scram-sha-256" => Ok(Some((Mechanism::ScramSha256, lies_at))),
            "scram-sha-512" => Ok(Some((Mechanism::ScramSha512, lies_at))),
            "plain" if *security == Security::Plaintext => {
                let hint = Hint("take `security = \"tls\"`, or one of the `scram` kinds".into());
                Err(page.wrong(sasl.span(), "`sasl = \"plain\"` would send the password for everybody to read".into(), Some(hint)))
            }
            "plain" => Ok(Some((Mechanism::Plain, lies_at))),
            other => Err(not_one_of(page, raw.sasl.as_ref(), "sasl", other, ["scram-sha-256", "scram-sha-512", "plain"])),
        },
    }
}

fn topic_name(page: &Page, topic: Text) -> Result<String, FeedError> {
    let name = topic.get_ref();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if name.is_empty() || name.len() > MOST_TOPIC_LETTERS || !name.chars().all(plain) {
        let hint = Hint("letters, digits, `.`, `_` and `-`".into());
        return Err(page.wrong(topic.span(), format!("`{name}` is not the name of a topic"), Some(hint)));
    }
    Ok(topic.into_inner())
}

fn not_one_of<const N: usize>(page: &Page, at: Option<&Text>, key: &str, given: &str, known: [&str; N]) -> FeedError {
    let span = at.map_or(0..0, Spanned::span);
    page.wrong(span, format!("`{key}` is `{given}`, which is not known"), Some(Hint::for_name(given, known)))
}

impl Place for Topic {
    fn looked_for(&self) -> String {
        format!("topic `{}` at {}", self.name, self.brokers.join(", "))
    }

    fn format(&self) -> Option<Format> {
        Some(Format::Messages)
    }

    /// A page that is refused would be passed over by the next one that lands.
    fn in_order(&self) -> bool {
        true
    }

    fn fetch<'a>(&'a self, contract: &'a Contract, outside: &'a Outside) -> BoxFuture<'a, Result<Sources<'a>, FeedError>> {
        async move {
            let feed = contract.feed.as_str();
            let told = |trouble: Trouble| trouble.told(feed);
            refuse_closed(self.window, outside).map_err(told)?;
            let login = Login::read(self, outside).map_err(told)?;
            let log = broker::connect(self, login).await.map_err(told)?;
            read::pages(self, feed, outside, Box::new(log)).await.map_err(told)
        }
        .boxed()
    }
}
