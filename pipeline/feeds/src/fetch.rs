//! Fetching: the files a contract names, as they lie there. In: a contract and a store rooted at `Contract::root`.
//! Out: each file's bytes and its address, in the order of the addresses. Never: a file outside the root, all files in
//! memory at once.
//!
//! Globs cannot climb (`Contract::read` refuses it). A store over a local folder follows symbolic links: whoever
//! hands it in (cli) refuses a root that holds links leading out of it.

use crate::{Contract, FeedError};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use glob::{MatchOptions, Pattern};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::BTreeSet;

/// One file, untouched.
#[derive(Debug, Clone)]
pub struct Source {
    /// The root as the contract writes it and the path below it: the same on every machine.
    pub address: String,
    /// What lies there.
    pub bytes: Bytes,
}

/// `*` stays in its folder; a name that begins with a dot is found only by a glob that does too.
const MATCHING: MatchOptions = MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Files read at the same time.
const READ_AHEAD: usize = 2;

/// Every file the contract's globs find, each once. All are found before the first is read.
pub async fn fetch<'a>(contract: &'a Contract, store: &'a dyn ObjectStore) -> Result<BoxStream<'a, Result<Source, FeedError>>, FeedError> {
    let address = |path: &Path| match contract.root.trim_end_matches('/') {
        "." => path.to_string(),
        root => format!("{root}/{path}"),
    };
    let failed = move |path: &Path, cause| FeedError::Store { feed: contract.feed.clone(), address: address(path), cause };
    let mut found = BTreeSet::new();
    for glob in &contract.files {
        // The contract is checked, so the glob is one.
        let Ok(pattern) = Pattern::new(glob) else { continue };
        let folder = folder_of(glob);
        let mut listing = store.list(Some(&folder));
        while let Some(entry) = listing.next().await {
            let path = entry.map_err(|cause| failed(&folder, cause))?.location;
            if pattern.matches_with(path.as_ref(), MATCHING) {
                found.insert(path);
            }
        }
    }
    if found.is_empty() {
        let looked_for = contract.files.iter().map(|glob| format!("`{}/{glob}`", contract.root.trim_end_matches('/')));
        return Err(FeedError::Missing { feed: contract.feed.clone(), looked_for: looked_for.collect::<Vec<_>>().join(", ") });
    }
    let reads = found.into_iter().map(move |path| async move {
        let read = async { store.get(&path).await?.bytes().await };
        let bytes = read.await.map_err(|cause| failed(&path, cause))?;
        Ok(Source { address: address(&path), bytes })
    });
    Ok(futures::stream::iter(reads).buffered(READ_AHEAD).boxed())
}

/// The folders of a glob before its first wildcard: nothing else needs listing.
fn folder_of(glob: &str) -> Path {
    let plain: Vec<&str> = glob.split('/').take_while(|part| !part.contains(['*', '?', '['])).collect();
    let folders = if plain.len() == glob.split('/').count() { &plain[..plain.len() - 1] } else { &plain[..] };
    Path::from(folders.join("/"))
}
