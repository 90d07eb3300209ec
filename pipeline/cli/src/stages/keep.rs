//! Keeps what feeds bring as it came, and knows what of it is new. In: sources. Out: those that have not landed yet.
//! Never: a source parsed before it is kept, a file taken for landed of which a member has not.

use crate::exit::Failure;
use nongshi_feeds::{Contract, FeedError, Member, Source, Stamps, members};
use nongshi_lake::{Batch, Lake, SeenFile, digest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// The files of a feed: those that landed whole are not read again while they lie there unchanged.
pub struct Files {
    /// Under which stamps they landed; what is found is noted here.
    pub stamps: Arc<Stamps>,
    feed: String,
    before: BTreeMap<String, SeenFile>,
    read: Mutex<BTreeMap<String, SeenFile>>,
}

impl Files {
    /// Those that the lake remembers, and that have not been taken back.
    pub async fn of(lake: &Lake, contract: &Contract, known: &BTreeSet<String>) -> Result<Files, Failure> {
        let feed = contract.feed.clone();
        let mut before = if contract.root().is_some() { lake.seen_files(&feed).await? } else { BTreeMap::new() };
        // what a restore took back is read again
        before.retain(|_, file| ids(&feed, file).all(|id| known.contains(&id)));
        let stamps = before.iter().map(|(address, file)| (address.clone(), file.stamp.clone())).collect();
        Ok(Files { feed, before, stamps: Arc::new(Stamps::new(stamps)), read: Mutex::default() })
    }

    /// Notes a source that was read; passes on what it holds.
    pub fn read(&self, kept: Kept) -> impl Iterator<Item = Option<New>> + use<> {
        let file = SeenFile { stamp: String::new(), content: kept.content, batches: kept.batches };
        self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(kept.address, file);
        kept.news.into_iter()
    }

    /// Remembers those that have landed whole; returns how many batches lie in files that were not read.
    pub async fn remember(self, lake: &Lake, landed: impl Fn(&String) -> bool) -> Result<u64, Failure> {
        let mut read = self.read.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (mut files, mut unread) = (BTreeMap::new(), 0);
        for (address, stamp) in self.stamps.seen() {
            let before = self.before.get(&address).filter(|file| file.stamp == stamp);
            unread += before.map_or(0, |file| file.batches.len() as u64);
            let whole = |file: &SeenFile| ids(&self.feed, file).all(|id| landed(&id));
            let file = before.cloned().or_else(|| read.remove(&address).filter(whole).map(|file| SeenFile { stamp, ..file }));
            files.extend(file.map(|file| (address, file)));
        }
        if files != self.before {
            lake.remember_files(&self.feed, &files).await?;
        }
        Ok(unread)
    }
}

/// The ids of the batches that a file holds.
fn ids<'a>(feed: &'a str, file: &'a SeenFile) -> impl Iterator<Item = String> + 'a {
    file.batches.iter().map(move |address| Batch::id_of(feed, address, &file.content))
}

/// A source that is kept.
pub struct Kept {
    address: String,
    content: String,
    /// The addresses of its members.
    batches: Vec<String>,
    /// Its members in their order, nothing for one that has landed before.
    news: Vec<Option<New>>,
}

/// A source, or a member of one, that has not landed yet.
pub struct New {
    /// The source.
    pub file: Source,
    /// Digest of its bytes.
    pub content: String,
    /// What of it is new.
    pub member: Member,
}

/// Keeps a source as it came; tells what of it is new.
pub async fn keep(
    lake: Lake,
    contract: Arc<Contract>,
    source: Result<Source, FeedError>,
    known: Arc<BTreeSet<String>>,
) -> Result<Kept, Failure> {
    let file = source?;
    let content = digest([file.bytes.as_ref()]);
    let members = members(&contract, &file);
    let is_known = |member: &Member| known.contains(&Batch::id_of(&contract.feed, &member.address, &content));
    if !members.as_ref().is_ok_and(|members| members.iter().all(is_known)) {
        // kept before anyone parses it: a source that cannot be read is not lost
        lake.keep(&contract.feed, &file.bytes).await?;
    }
    let members = members?;
    let batches = members.iter().map(|member| member.address.clone()).collect();
    let new = |member: Member| (!is_known(&member)).then(|| New { file: file.clone(), content: content.clone(), member });
    let news = members.into_iter().map(new).collect();
    Ok(Kept { address: file.address, content, batches, news })
}
