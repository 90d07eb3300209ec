//! The versions of a table, each in one sentence. In: a table. Out: what each commit did, oldest first.
//! Never: a version left out.

use crate::delta::Note;
use crate::error::LakeError;
use crate::log::{self, Commit};
use crate::store::{Lake, TableId};
use chrono::{DateTime, Utc};

/// One version of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableVersion {
    /// Its number, from 0.
    pub version: u64,
    /// When it was committed, by the clock of the machine that did.
    pub at: Option<DateTime<Utc>>,
    /// What was done.
    pub what: String,
    /// Rows in the files it added.
    pub rows: Option<u64>,
    /// Files it added.
    pub files_added: u64,
    /// Files it took out of the table; they stay in the store.
    pub files_removed: u64,
    /// Whether a later restore went back behind it.
    pub gone_back_behind: bool,
}

impl Lake {
    /// Every version of the table; nothing when there is no such table.
    pub async fn history(&self, id: &TableId) -> Result<Option<Vec<TableVersion>>, LakeError> {
        let Some(table) = self.table(id).await? else { return Ok(None) };
        let commits = log::read(table.log_store(), 0, table.version().unwrap_or_default()).await?;
        let standing: Vec<u64> = log::standing(commits.clone()).iter().map(|commit| commit.version).collect();
        Ok(Some(commits.into_iter().map(|commit| told(commit, &standing)).collect()))
    }
}

fn told(commit: Commit, standing: &[u64]) -> TableVersion {
    let what = match commit.note {
        Some(Note::Batch(record)) => {
            let rejected = if record.rejected > 0 { format!(", {} rejected", record.rejected) } else { String::new() };
            format!("batch {} of feed {}: {}{rejected}", record.batch_seq, record.feed, record.address)
        }
        Some(Note::Rejected { batch_id }) => format!("rejected rows of batch {batch_id}"),
        Some(Note::Made { as_of: Some(day), .. }) => format!("made as of {day}"),
        Some(Note::Made { as_of: None, .. }) => "made".into(),
        Some(Note::Entry { entry }) => format!("entry {entry}"),
        Some(Note::Compacted) => "compacted".into(),
        Some(Note::Restored { to }) => format!("restored to version {to}"),
        Some(Note::Undone { batch_ids }) => format!("rejected rows of {} batches undone", batch_ids.len()),
        None if !commit.is_there => "missing from the log".into(),
        None => commit.operation.to_lowercase(),
    };
    TableVersion {
        version: commit.version,
        at: commit.at,
        what,
        rows: commit.rows,
        files_added: commit.files_added,
        files_removed: commit.files_removed,
        gone_back_behind: standing.binary_search(&commit.version).is_err(),
    }
}
