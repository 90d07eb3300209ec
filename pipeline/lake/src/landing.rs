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
use crate::open::OpenTable;
use crate::schema::{rejected_schema, stored_schema};
use crate::store::{Lake, Layer, TableId};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use nongshi_domain::{LandedTable, Rejected};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// Lands batch after batch: tables stay open, and only what others have committed meanwhile is read again.
pub struct Landing<'a> {
    lake: &'a Lake,
    open: BTreeMap<&'static str, OpenTable>,
    rejected: Option<OpenTable>,
}

impl Landing<'_> {
    /// Lands the batch. `fence` is called right before each commit and refuses when the lease is lost.
    pub async fn land(&mut self, batch: &Batch, fence: impl AsyncFn() -> Result<(), LakeError>) -> Result<Landed, LakeError> {
        let (accepted, rejected) = (batch.accepted.num_rows() as u64, batch.rejected.len() as u64);
        if batch.received != accepted + rejected {
            return Err(LakeError::Miscounted { feed: batch.feed.clone(), received: batch.received, accepted, rejected });
        }
        let batch_id = batch.id();
        // taken out and put back only when all went well: after an error the log is read anew
        let mut table = match self.open.remove(batch.table.name) {
            Some(table) => table,
            None => OpenTable::open(self.lake, TableId::new(Layer::Landed, batch.table.name), &stored_schema(batch.table)).await?,
        };
        table.refresh().await?;
        let landed = if table.done_before(&batch_id) {
            Landed::Before
        } else {
            if !batch.rejected.is_empty() {
                self.keep_rejected(batch, &batch_id, &fence).await?;
            }
            let record = BatchRecord {
                batch_id: batch_id.clone(),
                batch_seq: table.batches() + 1,
                feed: batch.feed.clone(),
                address: batch.address.clone(),
                content: batch.content.clone(),
                received: batch.received,
                accepted,
                rejected,
            };
            let rows = stored_rows(batch, &record)?;
            Landed::Now(table.append(rows, &Note::Batch(record), &batch_id, &fence).await?)
        };
        self.open.insert(batch.table.name, table);
        Ok(landed)
    }

    async fn keep_rejected(
        &mut self,
        batch: &Batch,
        batch_id: &str,
        fence: &impl AsyncFn() -> Result<(), LakeError>,
    ) -> Result<(), LakeError> {
        let mut table = match self.rejected.take() {
            Some(table) => table,
            None => OpenTable::open(self.lake, TableId::new(Layer::Ledger, "rejected"), &rejected_schema()).await?,
        };
        table.refresh().await?;
        if !table.done_before(batch_id) {
            let note = Note::Rejected { batch_id: batch_id.to_string() };
            table.append(rejected_rows(batch, batch_id)?, &note, batch_id, fence).await?;
        }
        self.rejected = Some(table);
        Ok(())
    }
}

impl Lake {
    /// To land batch after batch.
    pub fn landing(&self) -> Landing<'_> {
        Landing { lake: self, open: BTreeMap::new(), rejected: None }
    }

    /// Lands one batch; see `Landing::land`.
    pub async fn land(&self, batch: &Batch, fence: impl AsyncFn() -> Result<(), LakeError>) -> Result<Landed, LakeError> {
        self.landing().land(batch, fence).await
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
