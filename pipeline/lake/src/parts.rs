//! Makes parts of a table anew, and only those that say something else than before.
//!
//! In: rows of a part after another, in order. Out: one commit for all of them. Never: all rows in memory, a part
//! written that says the same, half a table seen by a reader.

use crate::content::{content_of, digest};
use crate::delta::{self, Note};
use crate::error::LakeError;
use crate::made::{MadeOf, Mark, Part};
use crate::publish::{Published, Scope};
use crate::store::{Lake, TableId};
use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use futures::TryStreamExt;
use nongshi_domain::failpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The column that tells a row's part; the last one of the table.
pub const PART: &str = "part";

/// Parts of a table that are being made anew.
pub struct PartsWriter {
    lake: Lake,
    id: TableId,
    table: DeltaTable,
    schema: SchemaRef,
    before: MadeOf,
    parts: BTreeMap<String, Part>,
    changed: BTreeSet<String>,
    actions: Vec<Action>,
}

impl Lake {
    /// Begins; `schema` is that of the rows, without the column `part`. With `all`, parts that are not written are gone
    /// afterwards, else they stay.
    pub async fn parts(&self, id: &TableId, schema: &SchemaRef, all: bool) -> Result<PartsWriter, LakeError> {
        let part = Field::new(PART, DataType::Utf8, true);
        let schema = Arc::new(Schema::new(schema.fields().iter().cloned().chain([Arc::new(part)]).collect::<Vec<_>>()));
        let table = delta::open_or_create(self, id, &schema, &[PART]).await?;
        let before = self.made_of(id, Scope::Whole).await?.unwrap_or_default();
        let mut writer = PartsWriter {
            lake: self.clone(),
            id: id.clone(),
            table,
            schema,
            parts: if all { BTreeMap::new() } else { before.parts.clone() },
            changed: BTreeSet::new(),
            before,
            actions: Vec::new(),
        };
        if all {
            writer.changed = writer.before.parts.keys().cloned().collect();
        }
        Ok(writer)
    }
}

impl PartsWriter {
    /// Makes one part anew; no rows: it is gone.
    pub async fn put(&mut self, part: &str, rows: &[RecordBatch]) -> Result<(), LakeError> {
        let rows: Vec<&RecordBatch> = rows.iter().filter(|chunk| chunk.num_rows() > 0).collect();
        self.changed.remove(part);
        if rows.is_empty() {
            self.parts.remove(part);
            if self.before.parts.contains_key(part) {
                self.changed.insert(part.to_string());
            }
            return Ok(());
        }
        let owned: Vec<RecordBatch> = rows.into_iter().cloned().collect();
        let count = owned.iter().map(|chunk| chunk.num_rows() as u64).sum();
        let says = Part { content: content_of(&owned)?[..32].to_string(), rows: count };
        if self.before.parts.get(part) != Some(&says) {
            let mut writer = RecordBatchWriter::for_table(&self.table)?.with_writer_properties(delta::written());
            for chunk in owned {
                let name: ArrayRef = Arc::new(StringArray::from(vec![part; chunk.num_rows()]));
                let columns = chunk.columns().iter().cloned().chain([name]).collect();
                writer.write(RecordBatch::try_new(self.schema.clone(), columns)?).await?;
            }
            self.actions.extend(writer.flush().await?.into_iter().map(Action::Add));
            self.changed.insert(part.to_string());
        }
        self.parts.insert(part.to_string(), says);
        Ok(())
    }

    /// Rows of the table as it will be.
    pub fn rows(&self) -> u64 {
        self.parts.values().map(|part| part.rows).sum()
    }

    /// Rows of the table as it was; nothing when it was never made.
    pub fn rows_before(&self) -> Option<u64> {
        (!self.before.fingerprint.is_empty()).then(|| self.before.parts.values().map(|part| part.rows).sum())
    }

    /// Commits what has changed, if anything has.
    pub async fn finish(
        mut self,
        fingerprint: &str,
        sources: BTreeMap<String, Mark>,
        fence: impl AsyncFn() -> Result<(), LakeError>,
    ) -> Result<Published, LakeError> {
        let was_made = !self.before.fingerprint.is_empty();
        if self.changed.is_empty() && was_made {
            let version = self.table.version().unwrap_or_default();
            self.lake.remember(&self.id, version, fingerprint, sources).await?;
            return Ok(Published { version, changed: false });
        }
        let old: Vec<_> = self.table.get_active_add_actions_by_partitions(&[]).try_collect().await?;
        for file in old {
            let part = file.partition_values_map().get(PART).cloned().flatten().unwrap_or_default();
            if self.changed.contains(&part) {
                self.actions.push(Action::Remove(file.remove_action(true)));
            }
        }
        let said = self.parts.iter().flat_map(|(name, part)| [name.as_bytes(), part.content.as_bytes()]);
        let made = MadeOf { content: digest(said), fingerprint: fingerprint.to_string(), parts: self.parts, sources };
        let note = Note::Made { as_of: None, made };
        fence().await?;
        failpoint::reached("made.before_write");
        let operation = DeltaOperation::Write { mode: SaveMode::Overwrite, partition_by: Some(vec![PART.into()]), predicate: None };
        let commit = CommitBuilder::from(delta::properties(&note, None)?).with_actions(self.actions);
        let done = commit.build(Some(self.table.snapshot()?), self.table.log_store(), operation).await;
        failpoint::reached("made.after_commit");
        match done {
            Ok(done) => self.table.state = Some(done.snapshot),
            Err(error) => {
                let version = self.table.version().unwrap_or_default() + 1;
                delta::stands(&self.id, self.table.log_store(), version, &note, error).await?;
                self.table.update_state().await?;
            }
        }
        let version = delta::read_back(&self.table, &self.id, &note).await?;
        failpoint::reached("made.read_back");
        Ok(Published { version, changed: true })
    }
}
