//! Files below a root, as they lie there. In: globs and a store rooted at `Contract::root`. Out: each file's bytes and
//! its address, in the order of the addresses. Never: a file outside the root, all files in memory at once.
//!
//! Globs cannot climb (the check refuses it). A store over a local folder follows symbolic links: whoever hands it in
//! (cli) refuses a root that holds links leading out of it.

use super::{Outside, Place, Source, Sources};
use crate::contract::Page;
use crate::{Contract, FeedError};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use glob::{MatchOptions, Pattern};
use nongshi_domain::Hint;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;

/// `*` stays in its folder; a name that begins with a dot is found only by a glob that does too.
const MATCHING: MatchOptions = MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Files read at the same time.
const READ_AHEAD: usize = 2;

/// The keys as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFiles {
    #[serde(rename = "kind")]
    _kind: String,
    root: Spanned<String>,
    files: Spanned<Vec<Spanned<String>>>,
}

/// Files by globs below a root.
#[derive(Debug)]
struct Files {
    root: String,
    globs: Vec<String>,
}

pub(super) fn check(page: &Page) -> Result<Arc<dyn Place>, FeedError> {
    let raw: RawFiles = page.source()?;
    if raw.root.get_ref().trim().is_empty() {
        let hint = Hint("write `root = \".\"` for the project folder".into());
        return Err(page.wrong(raw.root.span(), "`root` is empty".into(), Some(hint)));
    }
    if let Some((scheme, rest)) = raw.root.get_ref().split_once("://")
        && (scheme != "s3" || rest.is_empty() || rest.contains(['@', '?', '#']))
    {
        let hint = Hint("write `s3://bucket/prefix`; keys and endpoint come from the settings of the lake's store".into());
        return Err(page.wrong(raw.root.span(), "`root` is no address of an object store".into(), Some(hint)));
    }
    if raw.files.get_ref().is_empty() {
        return Err(page.wrong(raw.files.span(), "`files` is empty: the feed would read nothing".into(), None));
    }
    for file in raw.files.get_ref() {
        let text = file.get_ref();
        if text.starts_with('/') || text.contains('\\') || text.split('/').any(|part| matches!(part, ".." | "." | "")) {
            let hint = Hint("write a plain path below `root`; only `root` itself may climb with `..`".into());
            return Err(page.wrong(file.span(), format!("`{text}` does not stay below the root"), Some(hint)));
        }
        Pattern::new(text).map_err(|error| page.wrong(file.span(), format!("`{text}` is not a glob: {error}"), None))?;
    }
    let globs = raw.files.into_inner().into_iter().map(Spanned::into_inner).collect();
    Ok(Arc::new(Files { root: raw.root.into_inner(), globs }))
}

impl Place for Files {
    fn root(&self) -> Option<&str> {
        Some(&self.root)
    }

    fn looked_for(&self) -> String {
        let globs = self.globs.iter().map(|glob| format!("`{}/{glob}`", self.root.trim_end_matches('/')));
        globs.collect::<Vec<_>>().join(", ")
    }

    fn fetch<'a>(&'a self, contract: &'a Contract, outside: &'a Outside) -> BoxFuture<'a, Result<Sources<'a>, FeedError>> {
        async move {
            match &outside.store {
                Some(store) => self.read(&contract.feed, store.as_ref(), outside).await,
                None => Err(self.missing(&contract.feed)),
            }
        }
        .boxed()
    }
}

impl Files {
    /// Every file the globs find, each once, but those that landed whole as they lie there. All are found before the first is read.
    async fn read<'a>(&'a self, feed: &'a str, store: &'a dyn ObjectStore, outside: &Outside) -> Result<Sources<'a>, FeedError> {
        let failed = move |path: &Path, cause| FeedError::Store { feed: feed.into(), address: self.address(path), cause };
        let now = (outside.now)();
        let mut found = BTreeMap::new();
        for glob in &self.globs {
            // The contract is checked, so the glob is one.
            let Ok(pattern) = Pattern::new(glob) else { continue };
            let folder = folder_of(glob);
            let mut listing = store.list(Some(&folder));
            while let Some(entry) = listing.next().await {
                let entry = entry.map_err(|cause| failed(&folder, cause))?;
                if pattern.matches_with(entry.location.as_ref(), MATCHING) {
                    found.insert(entry.location.clone(), entry);
                }
            }
        }
        if found.is_empty() {
            return Err(self.missing(feed));
        }
        found.retain(|path, file| !outside.stamps.unchanged(&self.address(path), file, now));
        let reads = found.into_keys().map(move |path| async move {
            let read = async { store.get(&path).await?.bytes().await };
            let bytes = read.await.map_err(|cause| failed(&path, cause))?;
            Ok(Source { address: self.address(&path), bytes })
        });
        Ok(futures::stream::iter(reads).buffered(READ_AHEAD).boxed())
    }

    fn address(&self, path: &Path) -> String {
        match self.root.trim_end_matches('/') {
            "." => path.to_string(),
            root => format!("{root}/{path}"),
        }
    }

    fn missing(&self, feed: &str) -> FeedError {
        FeedError::Missing { feed: feed.into(), looked_for: self.looked_for() }
    }
}

/// The folders of a glob before its first wildcard: nothing else needs listing.
fn folder_of(glob: &str) -> Path {
    let plain: Vec<&str> = glob.split('/').take_while(|part| !part.contains(['*', '?', '['])).collect();
    let folders = if plain.len() == glob.split('/').count() { &plain[..plain.len() - 1] } else { &plain[..] };
    Path::from(folders.join("/"))
}
