//! Lands a batch exactly once, however often it is retried.
//!
//! In: accepted and rejected rows of one source with the count of what was received.
//! Out: at most one data commit that carries the batch and its counts. Never: a row lost, a row twice.
//!
//! Order: `rejected` first (idempotent by batch id), then the data commit, checked before and read back after.
//! Killed anywhere and run again, the tables are those of an undisturbed run.

use crate::content::digest;
use crate::delta::{self, Note};
use crate::error::LakeError;
use crate::schema::{rejected_schema, stored_schema};
use crate::store::{Lake, Layer, TableId};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use deltalake::protocol::SaveMode;
use nongshi_domain::{LandedTable, Rejected};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One source, parsed.
#[derive(Debug)]
pub struct Batch {
    /// The feed.
    pub feed: String,
    /// Where it came from, as the contract spells it.
    pub address: String,
    /// Digest of the raw bytes.
    pub content: String,
    /// Where the rows go.
    pub table: &'static LandedTable,
    /// Records counted in the raw bytes by other code than the parser.
    pub received: u64,
    /// The table's own columns, then `available_on`, `feed`, `source_row`.
    pub accepted: RecordBatch,
    /// The refused records.
    pub rejected: Vec<Rejected>,
}

impl Batch {
    /// What makes this batch this batch.
    pub fn id(&self) -> String {
        Batch::id_of(&self.feed, &self.address, &self.content)
    }

    /// The id of a batch by feed, address and the digest of its content.
    pub fn id_of(feed: &str, address: &str, content: &str) -> String {
        digest([feed.as_bytes(), address.as_bytes(), content.as_bytes()])[..32].to_string()
    }
}

/// A landed batch as its commit tells it: a row of `batches`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRecord {
    /// The batch.
    pub batch_id: String,
    /// Its place among the batches of its table, from 1.
    pub batch_seq: u64,
    /// The feed.
    pub feed: String,
    /// Where it came from.
    pub address: String,
    /// Digest of the raw bytes.
    pub content: String,
    /// Records in the raw bytes.
    pub received: u64,
    /// Rows landed.
    pub accepted: u64,
    /// Rows refused.
    pub rejected: u64,
}

/// What landing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landed {
    /// Committed now, as this version of the table.
    Now(u64),
    /// Committed before: nothing was changed.
    Before,
}

impl Lake {
    /// Lands the batch. `fence` is called right before each commit and refuses when the lease is lost.
    pub async fn land(&self, batch: &Batch, fence: impl AsyncFn() -> Result<(), LakeError>) -> Result<Landed, LakeError> {
        let (accepted, rejected) = (batch.accepted.num_rows() as u64, batch.rejected.len() as u64);
        if batch.received != accepted + rejected {
            return Err(LakeError::Miscounted { feed: batch.feed.clone(), received: batch.received, accepted, rejected });
        }
        let (batch_id, id) = (batch.id(), TableId::new(Layer::Landed, batch.table.name));
        let schema = stored_schema(batch.table);
        let table = delta::open_or_create(self, &id, &schema, &[]).await?;
        if delta::done_before(&table, &batch_id).await? {
            return Ok(Landed::Before);
        }
        if !batch.rejected.is_empty() {
            self.keep_rejected(batch, &batch_id, &fence).await?;
        }
        let batch_seq = delta::notes(&table).await?.iter().filter(|note| matches!(note, Note::Batch(_))).count() as u64 + 1;
        let record = BatchRecord {
            batch_id: batch_id.clone(),
            batch_seq,
            feed: batch.feed.clone(),
            address: batch.address.clone(),
            content: batch.content.clone(),
            received: batch.received,
            accepted,
            rejected,
        };
        let rows = stored_rows(batch, &record)?;
        let note = Note::Batch(record);
        fence().await?;
        let table = table
            .write(vec![rows])
            .with_save_mode(SaveMode::Append)
            .with_writer_properties(delta::written())
            .with_commit_properties(delta::properties(&note, Some(&batch_id))?)
            .await?;
        Ok(Landed::Now(delta::read_back(&table, &id, &note).await?))
    }

    /// The batches of every landed table: a projection of the commits.
    pub async fn batches(&self) -> Result<Vec<(String, BatchRecord)>, LakeError> {
        let mut records = Vec::new();
        for id in self.tables().await?.into_iter().filter(|id| id.layer == Layer::Landed) {
            let Some(table) = self.table(&id).await? else { continue };
            for note in delta::notes(&table).await? {
                if let Note::Batch(record) = note {
                    records.push((id.name.clone(), record));
                }
            }
        }
        records.sort_by(|a, b| (&a.0, a.1.batch_seq).cmp(&(&b.0, b.1.batch_seq)));
        Ok(records)
    }

    async fn keep_rejected(&self, batch: &Batch, batch_id: &str, fence: &impl AsyncFn() -> Result<(), LakeError>) -> Result<(), LakeError> {
        let id = TableId::new(Layer::Ledger, "rejected");
        let table = delta::open_or_create(self, &id, &rejected_schema(), &[]).await?;
        if delta::done_before(&table, batch_id).await? {
            return Ok(());
        }
        let note = Note::Rejected { batch_id: batch_id.to_string() };
        fence().await?;
        let write =
            table.write(vec![rejected_rows(batch, batch_id)?]).with_save_mode(SaveMode::Append).with_writer_properties(delta::written());
        let table = write.with_commit_properties(delta::properties(&note, Some(batch_id))?).await?;
        delta::read_back(&table, &id, &note).await?;
        Ok(())
    }
}

/// The accepted rows with the batch's own columns, in the order of the stored table.
fn stored_rows(batch: &Batch, record: &BatchRecord) -> Result<RecordBatch, LakeError> {
    let schema = Arc::new(stored_schema(batch.table));
    let rows = batch.accepted.num_rows();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        columns.push(match field.name().as_str() {
            "batch_id" => Arc::new(StringArray::from(vec![record.batch_id.as_str(); rows])),
            "batch_seq" => Arc::new(Int64Array::from(vec![record.batch_seq as i64; rows])),
            name => {
                let missing = || LakeError::Schema { table: batch.table.name.into(), why: format!("the batch lacks column `{name}`") };
                batch.accepted.column_by_name(name).ok_or_else(missing)?.clone()
            }
        });
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn rejected_rows(batch: &Batch, batch_id: &str) -> Result<RecordBatch, LakeError> {
    let rows = &batch.rejected;
    let same = |text: &str| Arc::new(StringArray::from(vec![text; rows.len()])) as ArrayRef;
    let each = |text: fn(&Rejected) -> &str| Arc::new(StringArray::from_iter_values(rows.iter().map(text))) as ArrayRef;
    let columns = vec![
        same(&batch.feed),
        same(batch.table.name),
        same(batch_id),
        same(&batch.address),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.source_row))),
        each(|row| &row.raw),
        each(|row| &row.rule),
        each(|row| &row.reason),
    ];
    Ok(RecordBatch::try_new(Arc::new(rejected_schema()), columns)?)
}
