//! Which of a feed's files have landed whole, and under which stamp, so that they need not be read to know it. In: what
//! ingest saw. Out: the same. Never: the only word on what has landed: lost, it costs the reading of every file once.

use crate::error::LakeError;
use crate::store::Lake;
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
        Ok(self.mark(&mark_of(feed)).await?.unwrap_or_default())
    }

    /// Keeps them for the next run.
    pub async fn remember_files(&self, feed: &str, files: &BTreeMap<String, SeenFile>) -> Result<(), LakeError> {
        self.set_mark(&mark_of(feed), files).await
    }
}

fn mark_of(feed: &str) -> String {
    format!("feeds/{feed}")
}
