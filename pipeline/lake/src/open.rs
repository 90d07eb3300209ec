//! A table that is appended to again and again: its snapshot and what its commits say are kept, and only moved on.
//!
//! In: a table and rows. Out: one commit, read back. Never: a commit of the log read twice, a note believed that does
//! not stand in the log.

use crate::delta::{self, Note};
use crate::error::LakeError;
use crate::log::{self, Commit};
use crate::store::{Lake, TableId};
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use nongshi_domain::failpoint;
use std::collections::BTreeSet;

/// A table with all that its commits say.
pub(crate) struct OpenTable {
    id: TableId,
    table: DeltaTable,
    /// Commits below this version are read.
    unread_from: u64,
    /// The commits that hold.
    commits: Vec<Commit>,
    batches: u64,
    transactions: BTreeSet<String>,
}

impl OpenTable {
    /// Opens the table, or makes it; see `delta::open_or_create`.
    pub async fn open(lake: &Lake, id: TableId, schema: &Schema) -> Result<OpenTable, LakeError> {
        let table = delta::open_or_create(lake, &id, schema, &[]).await?;
        let mut open = OpenTable { id, table, unread_from: 0, commits: Vec::new(), batches: 0, transactions: BTreeSet::new() };
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
        let is_batch = matches!(note, Note::Batch(_));
        let pass = |batch, rejected| failpoint::reached(if is_batch { batch } else { rejected });
        pass("batch.before_write", "rejected.before_write");
        let mut actions = Vec::new();
        if rows.num_rows() > 0 {
            let mut writer = RecordBatchWriter::for_table(&self.table)?.with_writer_properties(delta::written());
            writer.write(rows).await?;
            actions.extend(writer.flush().await?.into_iter().map(Action::Add));
        }
        fence().await?;
        pass("batch.before_commit", "rejected.before_commit");
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let commit = CommitBuilder::from(delta::properties(note, Some(once))?).with_actions(actions);
        let done = commit.build(Some(self.table.snapshot()?), self.table.log_store(), operation).await;
        pass("batch.after_commit", "rejected.after_commit");
        match done {
            Ok(done) => self.table.state = Some(done.snapshot),
            Err(error) => {
                delta::stands(&self.id, self.table.log_store(), self.version() + 1, note, error).await?;
                self.table.update_state().await?;
            }
        }
        let version = self.version();
        match self.read_to(version).await? {
            Some(found) if found == *note => {
                pass("batch.read_back", "rejected.read_back");
                Ok(version)
            }
            _ => Err(LakeError::NotReadBack { table: self.id.to_string(), version }),
        }
    }

    fn version(&self) -> u64 {
        self.table.version().unwrap_or_default()
    }

    /// Reads the commits that are not read yet, up to this version, and returns the note of the last.
    async fn read_to(&mut self, version: u64) -> Result<Option<Note>, LakeError> {
        let news =
            if version < self.unread_from { Vec::new() } else { log::read(self.table.log_store(), self.unread_from, version).await? };
        let last = news.last().and_then(|commit| commit.note.clone());
        for commit in news {
            let adds_only = !matches!(commit.note, Some(Note::Restored { .. } | Note::Undone { .. }));
            self.transactions.extend(commit.transactions.iter().cloned());
            self.batches += u64::from(matches!(commit.note, Some(Note::Batch(_))));
            log::take(&mut self.commits, commit);
            if !adds_only {
                self.transactions = self.commits.iter().flat_map(|commit| commit.transactions.iter().cloned()).collect();
                self.batches = self.commits.iter().filter(|commit| matches!(commit.note, Some(Note::Batch(_)))).count() as u64;
            }
        }
        self.unread_from = self.unread_from.max(version + 1);
        Ok(last)
    }
}
