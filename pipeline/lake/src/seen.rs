//! Which of a feed's files have landed whole, and under which stamp, so that they need not be read to know it. In: what
//! ingest saw. Out: the same. Never: the only word on what has landed: lost, it costs the reading of every file once.

use crate::error::LakeError;
use crate::store::Lake;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of a feed that landed whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFile {
    /// What its store said of it.
    pub stamp: String,
    /// Digest of its bytes.
    pub content: String,
    /// The addresses of the batches it holds.
    pub batches: Vec<String>,
}

impl Lake {
    /// The files of the feed, by address.
    pub async fn seen_files(&self, feed: &str) -> Result<BTreeMap<String, SeenFile>, LakeError> {
        let found = match self.object_store().get(&self.seen_at(feed)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(BTreeMap::new()),
            Err(error) => return Err(self.unreachable(error)),
        };
        // half a file, or one of another version of nongshi, is none
        Ok(serde_json::from_slice(&found).unwrap_or_default())
    }

    /// Keeps them for the next run.
    pub async fn remember_files(&self, feed: &str, files: &BTreeMap<String, SeenFile>) -> Result<(), LakeError> {
        let files = serde_json::to_vec(files)?;
        self.object_store().put(&self.seen_at(feed), files.into()).await.map_err(|error| self.unreachable(error))?;
        Ok(())
    }

    fn seen_at(&self, feed: &str) -> Path {
        self.path(&format!("marks/feeds/{feed}.json"))
    }
}
