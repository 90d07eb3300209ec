//! Goes back to an earlier version of a table. In: a table and a version. Out: a new version that says what the old one
//! said. Never: a raw byte, a file or a commit deleted; a batch that neither holds nor can land again.
//!
//! A landed table forgets the batches that came later, in its rows, in `batches` and in `rejected`; their raw bytes are
//! kept, and the next ingest lands them anew. First the rejected rows are undone, then the table goes back: ended in
//! between, the same restore goes on.

use crate::delta::{self, Note};
use crate::error::LakeError;
use crate::landing::BatchRecord;
use crate::log::{self, Commit};
use crate::open::OpenTable;
use crate::schema::rejected_schema;
use crate::store::{Lake, Layer, TableId};
use datafusion::prelude::{col, lit};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The table's version now.
    pub version: u64,
    /// The batches that no longer hold, oldest first.
    pub undone: Vec<BatchRecord>,
}

impl Lake {
    /// The batches that `restore` would undo; refuses what it would refuse.
    pub async fn restorable(&self, id: &TableId, to: u64) -> Result<Vec<BatchRecord>, LakeError> {
        let refuse = |why: String| LakeError::NotRestorable { table: id.to_string(), version: to, why };
        if id.layer == Layer::Ledger {
            return Err(refuse("a ledger is never taken back".into()));
        }
        let table = self.table(id).await?.ok_or_else(|| refuse("there is no such table".into()))?;
        let newest = table.version().unwrap_or_default();
        if to >= newest {
            return Err(refuse(format!("the newest version is {newest}")));
        }
        let commits = log::read(table.log_store(), 0, newest).await?;
        let behind = |commit: &Commit| matches!(commit.note, Some(Note::Restored { to: older }) if older < to && to < commit.version);
        if let Some(later) = commits.iter().find(|commit| behind(commit)) {
            return Err(refuse(format!("version {} went back behind it", later.version)));
        }
        let record = |commit: Commit| match commit.note {
            Some(Note::Batch(record)) if commit.version > to => Some(record),
            _ => None,
        };
        Ok(log::standing(commits).into_iter().filter_map(record).collect())
    }

    /// Goes back to the version. `fence` is called right before each commit.
    pub async fn restore(&self, id: &TableId, to: u64, fence: impl AsyncFn() -> Result<(), LakeError>) -> Result<Restored, LakeError> {
        let undone = self.restorable(id, to).await?;
        self.undo_rejected(&undone, &fence).await?;
        let Some(table) = self.table(id).await? else {
            return Err(LakeError::NotRestorable { table: id.to_string(), version: to, why: "there is no such table".into() });
        };
        let note = Note::Restored { to };
        fence().await?;
        let (table, _) = table.restore().with_version_to_restore(to).with_commit_properties(delta::properties(&note, None)?).await?;
        Ok(Restored { version: delta::read_back(&table, id, &note).await?, undone })
    }

    async fn undo_rejected(&self, undone: &[BatchRecord], fence: &impl AsyncFn() -> Result<(), LakeError>) -> Result<(), LakeError> {
        if undone.iter().all(|record| record.rejected == 0) {
            return Ok(());
        }
        let id = TableId::new(Layer::Ledger, "rejected");
        let open = OpenTable::open(self, id.clone(), &rejected_schema()).await?;
        let batch_ids: Vec<String> = undone.iter().map(|record| record.batch_id.clone()).filter(|id| open.done_before(id)).collect();
        let Some(table) = self.table(&id).await?.filter(|_| !batch_ids.is_empty()) else { return Ok(()) };
        let which = col("batch_id").in_list(batch_ids.iter().map(|id| lit(id.as_str())).collect(), false);
        let note = Note::Undone { batch_ids };
        fence().await?;
        let (table, _) = table
            .delete()
            .with_predicate(which)
            .with_writer_properties(delta::written())
            .with_commit_properties(delta::properties(&note, None)?)
            .await?;
        delta::read_back(&table, &id, &note).await?;
        Ok(())
    }
}
