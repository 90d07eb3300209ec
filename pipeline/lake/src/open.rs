//! A table that is appended to again and again: its snapshot and what its commits say are kept, and only moved on.
//!
//! In: a table and rows. Out: one commit, read back. Never: a commit of the log read twice, a note believed that does
//! not stand in the log.

use crate::delta::{self, Note};
use crate::error::LakeError;
use crate::store::{Lake, TableId};
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Commits read at the same time.
const READ_AHEAD: usize = 8;

/// A table with all that its commits say.
pub(crate) struct OpenTable {
    id: TableId,
    table: DeltaTable,
    /// Commits below this version are read.
    unread_from: u64,
    batches: u64,
    transactions: BTreeSet<String>,
}

/// A line of a commit, as far as it concerns us.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "commitInfo")]
    info: Option<Info>,
    txn: Option<Transaction>,
}

#[derive(Deserialize)]
struct Info {
    nongshi: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Transaction {
    #[serde(rename = "appId")]
    app_id: String,
}

impl OpenTable {
    /// Opens the table, or makes it; see `delta::open_or_create`.
    pub async fn open(lake: &Lake, id: TableId, schema: &Schema) -> Result<OpenTable, LakeError> {
        let table = delta::open_or_create(lake, &id, schema, &[]).await?;
        let mut open = OpenTable { id, table, unread_from: 0, batches: 0, transactions: BTreeSet::new() };
        open.read_to(open.version()).await?;
        Ok(open)
    }

    /// Takes in what others have committed meanwhile.
    pub async fn refresh(&mut self) -> Result<(), LakeError> {
        if self.table.get_latest_version().await? > self.version() {
            self.table.update_state().await?;
        }
        self.read_to(self.version()).await?;
        Ok(())
    }

    /// Whether a write with this application transaction has been committed.
    pub fn done_before(&self, once: &str) -> bool {
        self.transactions.contains(once)
    }

    /// How many batches have landed here.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Appends the rows in one commit with the note, under an application transaction; `fence` is called right before
    /// the commit. Returns the version, when the note has been read back from it.
    pub async fn append(
        &mut self,
        rows: RecordBatch,
        note: &Note,
        once: &str,
        fence: &impl AsyncFn() -> Result<(), LakeError>,
    ) -> Result<u64, LakeError> {
        let mut actions = Vec::new();
        if rows.num_rows() > 0 {
            let mut writer = RecordBatchWriter::for_table(&self.table)?.with_writer_properties(delta::written());
            writer.write(rows).await?;
            actions.extend(writer.flush().await?.into_iter().map(Action::Add));
        }
        fence().await?;
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let commit = CommitBuilder::from(delta::properties(note, Some(once))?).with_actions(actions);
        let done = commit.build(Some(self.table.snapshot()?), self.table.log_store(), operation).await?;
        let version = done.version();
        self.table.state = Some(done.snapshot);
        match self.read_to(version).await? {
            Some(found) if found == *note => Ok(version),
            _ => Err(LakeError::NotReadBack { table: self.id.to_string(), version }),
        }
    }

    fn version(&self) -> u64 {
        self.table.version().unwrap_or_default()
    }

    /// Reads the commits that are not read yet, up to this version, and returns the note of the last.
    async fn read_to(&mut self, version: u64) -> Result<Option<Note>, LakeError> {
        let log = self.table.log_store();
        let entries = (self.unread_from..=version).map(|version| {
            let log = log.clone();
            async move { log.read_commit_entry(version).await }
        });
        let mut entries = futures::stream::iter(entries).buffered(READ_AHEAD);
        let mut last = None;
        while let Some(entry) = entries.try_next().await? {
            last = None;
            for line in entry.unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let Line { info, txn } = serde_json::from_slice(line)?;
                self.transactions.extend(txn.map(|txn| txn.app_id));
                // another program's word under our key is no note
                last = last.or(info.and_then(|info| serde_json::from_value::<Note>(info.nongshi?).ok()));
            }
            self.batches += u64::from(matches!(last, Some(Note::Batch(_))));
        }
        self.unread_from = self.unread_from.max(version + 1);
        Ok(last)
    }
}
