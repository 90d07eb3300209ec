//! Fetching: one file a kind of source, chosen by the contract's `[source] kind`. In: a contract and what the kind
//! needs from outside. Out: a stream of sources, each as it lies there. Never: the clock or the environment but as
//! cli hands them in, a secret in an address or an error, all sources in memory at once.

mod database;
mod files;
mod http;
mod kafka;
mod keys;
mod mysql;
mod postgres;
mod retry;
mod stamps;
mod trouble;
mod window;

pub(crate) use http::corrected_on;
pub(crate) use kafka::PageAddress;
pub use stamps::Stamps;
pub use trouble::Fault;

use crate::contract::Page;
use crate::{Contract, FeedError, Format};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use nongshi_domain::{Hint, Seed};
use object_store::ObjectStore;
use std::fmt::{Debug, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;

/// One source, untouched: a file, or a page of rows.
#[derive(Debug, Clone)]
pub struct Source {
    /// The root as the contract writes it and the path below it: the same on every machine.
    pub address: String,
    /// What lies there: these bytes are hashed and kept.
    pub bytes: Bytes,
}

impl Source {
    /// What stands behind the last `/` of the address.
    pub(crate) fn name(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or_default()
    }
}

/// Sources, one after the other.
pub type Sources<'a> = BoxStream<'a, Result<Source, FeedError>>;

/// Tells the secret that lies there.
pub type Secrets = Arc<dyn Fn(&SecretAt) -> Option<String> + Send + Sync>;

/// What a kind of source may need from outside; cli builds it.
#[derive(Clone)]
pub struct Outside {
    /// Rooted at `Contract::root`, where the contract has one.
    pub store: Option<Arc<dyn ObjectStore>>,
    /// The secret that lies there.
    pub secret: Secrets,
    /// The time now.
    pub now: fn() -> DateTime<Utc>,
    /// Rests as long as told, so that a source is read no faster than allowed.
    pub pause: fn(Duration) -> BoxFuture<'static, ()>,
    /// Of the rests between two tries, so that many who wait do not come back at once.
    pub seed: Seed,
    /// The feed's batches that have landed, in their order: a source that reads on from its last place finds it there.
    pub landed: Vec<Landed>,
    /// Files that landed whole: they are not read again while they lie there unchanged.
    pub stamps: Arc<Stamps>,
    /// The kept bytes of that content.
    pub kept: Arc<dyn Fn(String) -> BoxFuture<'static, Result<Bytes, String>> + Send + Sync>,
}

/// Where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretAt {
    /// In the environment, under this name.
    Environment(String),
    /// In this file, below the project folder.
    File(String),
}

impl Display for SecretAt {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            SecretAt::Environment(name) => write!(f, "the environment variable `{name}`"),
            SecretAt::File(path) => write!(f, "the file `{path}`"),
        }
    }
}

/// A batch of the feed that has landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// Where it came from.
    pub address: String,
    /// Under which name its bytes are kept.
    pub content: String,
}

impl Outside {
    /// A store and nothing else: no secret, no time, nothing landed before.
    pub fn only(store: impl ObjectStore) -> Outside {
        Outside { store: Some(Arc::new(store)), ..Outside::nothing() }
    }

    /// No store, no secret, no time, nothing landed before.
    pub fn nothing() -> Outside {
        Outside {
            store: None,
            secret: Arc::new(|_| None),
            now: || DateTime::UNIX_EPOCH,
            pause: |_| async {}.boxed(),
            seed: Seed(0),
            landed: Vec::new(),
            stamps: Arc::default(),
            kept: Arc::new(|content| async move { Err(format!("nothing is kept under {content}")) }.boxed()),
        }
    }
}

/// A checked `[source]` of one kind.
pub(crate) trait Place: Debug + Send + Sync {
    /// Where `Outside::store` must be rooted; none when the kind needs no store.
    fn root(&self) -> Option<&str> {
        None
    }

    /// What it looks for, to say so when nothing is there.
    fn looked_for(&self) -> String;

    /// The format of its sources, when the contract has no word in it.
    fn format(&self) -> Option<Format> {
        None
    }

    /// Whether a source that is refused holds back those behind it.
    fn in_order(&self) -> bool {
        false
    }

    /// Every source there is, in the order in which they shall land.
    fn fetch<'a>(&'a self, contract: &'a Contract, outside: &'a Outside) -> BoxFuture<'a, Result<Sources<'a>, FeedError>>;
}

/// A kind's name and its check: each reads its own keys from the contract's text by `Page::source`.
type Kind = (&'static str, fn(&Page) -> Result<Arc<dyn Place>, FeedError>);

/// Every kind, in alphabetic order.
const KINDS: [Kind; 5] =
    [("files", files::check), ("http", http::check), ("kafka", kafka::check), ("mysql", mysql::check), ("postgres", postgres::check)];

/// The place that a contract's `[source]` names.
pub(crate) fn check(page: &Page, kind: &Spanned<String>) -> Result<Arc<dyn Place>, FeedError> {
    match KINDS.iter().find(|(name, _)| name == kind.get_ref()) {
        Some((_, check)) => check(page),
        None => {
            let hint = Hint::for_name(kind.get_ref(), KINDS.iter().map(|(name, _)| *name));
            Err(page.wrong(kind.span(), format!("source kind `{}` is not known", kind.get_ref()), Some(hint)))
        }
    }
}

/// Every source the contract finds, each once.
pub async fn fetch<'a>(contract: &'a Contract, outside: &'a Outside) -> Result<Sources<'a>, FeedError> {
    contract.place.fetch(contract, outside).await
}
