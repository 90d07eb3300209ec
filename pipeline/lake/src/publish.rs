//! Makes a table anew, and only when it says something else than before.
//!
//! In: rows in order and a fingerprint of what they were made from. Out: a version, and whether it is new.
//! Never: a new version for the same rows.

use crate::content::content_of;
use crate::delta::{self, Note};
use crate::error::LakeError;
use crate::made::MadeOf;
use crate::store::{Lake, TableId};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use datafusion::prelude::{col, lit};
use deltalake::logstore::LogStoreRef;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableError};
use nongshi_domain::failpoint;

/// Which rows are made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole table.
    Whole,
    /// The rows of one as-of day; the table is partitioned by `as_of` and keeps the other days.
    AsOf(NaiveDate),
}

impl Scope {
    pub(crate) fn day(self) -> Option<String> {
        match self {
            Scope::Whole => None,
            Scope::AsOf(day) => Some(day.to_string()),
        }
    }
}

/// What publishing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The table's version now.
    pub version: u64,
    /// Whether a commit was made.
    pub changed: bool,
}

impl Lake {
    /// The fingerprint the scope was last made from, if it was.
    pub async fn made_from(&self, id: &TableId, scope: Scope) -> Result<Option<String>, LakeError> {
        Ok(self.made_of(id, scope).await?.map(|made| made.fingerprint))
    }

    /// Replaces the scope's rows unless they are the same.
    pub async fn publish(
        &self,
        id: &TableId,
        scope: Scope,
        schema: SchemaRef,
        rows: Vec<RecordBatch>,
        fingerprint: &str,
        fence: impl AsyncFn() -> Result<(), LakeError>,
    ) -> Result<Published, LakeError> {
        self.publish_from(id, scope, schema, rows, MadeOf { fingerprint: fingerprint.to_string(), ..MadeOf::default() }, fence).await
    }

    /// Replaces the scope's rows unless they are the same, and keeps how far its sources had been read.
    pub async fn publish_from(
        &self,
        id: &TableId,
        scope: Scope,
        schema: SchemaRef,
        rows: Vec<RecordBatch>,
        of: MadeOf,
        fence: impl AsyncFn() -> Result<(), LakeError>,
    ) -> Result<Published, LakeError> {
        // no rows are no rows, however many empty chunks they come in
        let rows: Vec<RecordBatch> = rows.into_iter().filter(|chunk| chunk.num_rows() > 0).collect();
        let content = content_of(&rows)?;
        let partition: &[&str] = match scope {
            Scope::Whole => &[],
            Scope::AsOf(_) => &["as_of"],
        };
        let before = self.made_of(id, scope).await?;
        let table = delta::open_or_create(self, id, &schema, partition).await?;
        if before.is_some_and(|before| before.content == content) {
            let version = table.version().unwrap_or_default();
            if scope == Scope::Whole {
                self.remember(id, version, &of.fingerprint, of.sources).await?;
            }
            return Ok(Published { version, changed: false });
        }
        let note = Note::Made { as_of: scope.day(), made: MadeOf { content, ..of } };
        fence().await?;
        failpoint::reached("made.before_write");
        let rows = if rows.is_empty() { vec![RecordBatch::new_empty(schema)] } else { rows };
        let (log, next) = (table.log_store(), table.version().unwrap_or_default() + 1);
        let mut write = table
            .write(rows)
            .with_save_mode(SaveMode::Overwrite)
            .with_writer_properties(delta::written())
            .with_commit_properties(delta::properties(&note, None)?);
        if let Scope::AsOf(day) = scope {
            write = write.with_replace_where(col("as_of").eq(lit(day.to_string())));
        }
        let table = self.written(id, next, &log, &note, write.await).await?;
        failpoint::reached("made.after_commit");
        let version = delta::read_back(&table, id, &note).await?;
        failpoint::reached("made.read_back");
        Ok(Published { version, changed: true })
    }

    /// Adds rows to a ledger table once under the entry's name; a second time nothing happens.
    pub async fn enter(
        &self,
        id: &TableId,
        entry: &str,
        rows: RecordBatch,
        fence: impl AsyncFn() -> Result<(), LakeError>,
    ) -> Result<bool, LakeError> {
        let table = delta::open_or_create(self, id, rows.schema().as_ref(), &[]).await?;
        if delta::done_before(&table, entry).await? {
            return Ok(false);
        }
        let note = Note::Entry { entry: entry.to_string() };
        fence().await?;
        failpoint::reached("entry.before_write");
        let (log, next) = (table.log_store(), table.version().unwrap_or_default() + 1);
        let write = table
            .write(vec![rows])
            .with_save_mode(SaveMode::Append)
            .with_writer_properties(delta::written())
            .with_commit_properties(delta::properties(&note, Some(entry))?);
        let table = self.written(id, next, &log, &note, write.await).await?;
        failpoint::reached("entry.after_commit");
        delta::read_back(&table, id, &note).await?;
        Ok(true)
    }

    /// The table as it stands after a write, whether the store's answer came back or was lost on the way.
    async fn written(
        &self,
        id: &TableId,
        version: u64,
        log: &LogStoreRef,
        note: &Note,
        write: Result<DeltaTable, DeltaTableError>,
    ) -> Result<DeltaTable, LakeError> {
        let error = match write {
            Ok(table) => return Ok(table),
            Err(error) => error,
        };
        delta::stands(id, log.clone(), version, note, error).await?;
        self.table(id).await?.ok_or_else(|| LakeError::Overtaken { table: id.to_string() })
    }
}
