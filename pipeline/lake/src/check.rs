//! Proves that nothing was lost. In: a lake, and how to count a batch in its raw bytes. Out: what was read, and everything
//! that does not add up. Never: believes a number that can be counted, changes anything.
//!
//! Every file of every table is read to its last row; every raw byte is hashed anew. For each batch, the rows of its table
//! and of `rejected` are counted against its commit, and its commit against the raw bytes.

use crate::content::digest;
use crate::delta::Note;
use crate::error::LakeError;
use crate::landing::{Batch, BatchRecord};
use crate::log::{self, Commit};
use crate::pinned::PinnedTable;
use crate::store::{Lake, Layer, TableId};
use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use deltalake::DeltaTable;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::{BTreeMap, BTreeSet};

/// What a check read, and what it found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Tables read.
    pub tables: u64,
    /// Files of theirs, each read to its end.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Batches whose rows were counted.
    pub batches: u64,
    /// Records in their raw bytes, as their commits tell.
    pub received: u64,
    /// Of these, rows in landed tables.
    pub accepted: u64,
    /// Of these, rows in `rejected`.
    pub rejected: u64,
    /// Raw sources, each hashed anew.
    pub raw: u64,
    /// Batches that were counted anew in their raw bytes.
    pub recounted: u64,
    /// What does not add up: where, and what.
    pub faults: Vec<(String, String)>,
    /// What is left over and does no harm.
    pub leftovers: Vec<(String, String)>,
}

/// Rows by batch id.
type Counts = BTreeMap<String, u64>;

impl Lake {
    /// Reads everything. `recount` counts a batch in its raw bytes, and says nothing where that can no longer be done.
    pub async fn check(&self, recount: impl Fn(&BatchRecord, Bytes) -> Result<Option<u64>, String>) -> Result<Checked, LakeError> {
        let mut checked = Checked::default();
        let (mut batches, mut refused) = (Vec::new(), Counts::new());
        for id in self.tables().await? {
            let Some(table) = self.table(&id).await? else { continue };
            let commits = log::read(table.log_store(), 0, table.version().unwrap_or_default()).await?;
            self.check_files(&id, &commits, &mut checked).await?;
            let counts = self.read(&id, &table, &mut checked).await?;
            match id.layer {
                Layer::Landed => batches.extend(check_batches(&id, log::standing(commits), counts, &mut checked)),
                Layer::Ledger if id.name == "rejected" => refused = counts,
                _ => {}
            }
        }
        check_rejected(&batches, refused, &mut checked);
        self.check_raw(&batches, recount, &mut checked).await?;
        Ok(checked)
    }

    /// The log is whole, and every file in the table's folder belongs to it.
    async fn check_files(&self, id: &TableId, commits: &[Commit], checked: &mut Checked) -> Result<(), LakeError> {
        let missing: Vec<String> = commits.iter().filter(|commit| !commit.is_there).map(|commit| commit.version.to_string()).collect();
        if !missing.is_empty() {
            checked.fault(id, format!("its log lacks version {}", missing.join(", ")));
        }
        let known: BTreeSet<_> = commits.iter().flat_map(|commit| &commit.files).filter_map(|file| file.rsplit('/').next()).collect();
        let root = self.path(&id.to_string());
        let lying: Vec<_> = self.object_store().list(Some(&root)).try_collect().await.map_err(|error| self.unreachable(error))?;
        let is_stray = |name: &str| name.ends_with(".parquet") && !known.contains(name);
        let stray = lying.iter().filter(|file| !file.location.as_ref().contains("/_delta_log/"));
        let stray: Vec<_> = stray.filter(|file| file.location.filename().is_some_and(is_stray)).collect();
        if !stray.is_empty() {
            let bytes: u64 = stray.iter().map(|file| file.size).sum();
            let what = format!("{} files ({bytes} bytes) that no version holds, left by a run that was ended", stray.len());
            checked.leftovers.push((id.to_string(), what));
        }
        Ok(())
    }

    /// Reads every row of every file; tells the rows of each batch where the table has batches.
    async fn read(&self, id: &TableId, table: &DeltaTable, checked: &mut Checked) -> Result<Counts, LakeError> {
        checked.tables += 1;
        let mut counts = Counts::new();
        let told = rows_told(table).await?;
        let Some(pin) = self.pin(id).await? else { return Ok(counts) };
        for file in &pin.files {
            checked.files += 1;
            let one = PinnedTable { files: vec![file.clone()], ..pin.clone() };
            match self.rows_of(one, &mut counts).await {
                Ok(rows) => {
                    checked.rows += rows;
                    let told = file.path.rsplit('/').next().and_then(|name| told.get(name));
                    if let Some(told) = told.filter(|told| **told != rows) {
                        checked.fault(id, format!("`{}` holds {rows} rows, its log says {told}", file.path));
                    }
                }
                Err(error) => checked.fault(id, format!("`{}` cannot be read: {error}", file.path)),
            }
        }
        Ok(counts)
    }

    async fn rows_of(&self, pin: PinnedTable, counts: &mut Counts) -> Result<u64, LakeError> {
        let mut batches = self.scan(pin).await?;
        let mut rows = 0;
        while let Some(batch) = batches.try_next().await? {
            rows += batch.num_rows() as u64;
            count_batches(&batch, counts)?;
        }
        Ok(rows)
    }

    /// What was kept is what was landed.
    async fn check_raw(
        &self,
        batches: &[BatchRecord],
        recount: impl Fn(&BatchRecord, Bytes) -> Result<Option<u64>, String>,
        checked: &mut Checked,
    ) -> Result<(), LakeError> {
        let mut landed: BTreeMap<String, Vec<&BatchRecord>> = BTreeMap::new();
        for record in batches {
            landed.entry(format!("{}/{}", record.feed, record.content)).or_default().push(record);
        }
        let raw = self.path("raw");
        let mut lying = self.object_store().list(Some(&raw));
        let (mut unlanded, mut found) = (Counts::new(), BTreeSet::new());
        while let Some(meta) = lying.try_next().await.map_err(|error| self.unreachable(error))? {
            let Some(content) = meta.location.filename().map(str::to_string) else { continue };
            let feed = meta.location.parts().nth_back(1).map_or(String::new(), |part| part.as_ref().to_string());
            let bytes = self.object_store().get(&meta.location).await?.bytes().await?;
            checked.raw += 1;
            let address = format!("{feed}/{content}");
            if digest([bytes.as_ref()]) != content {
                checked.faults.push((format!("raw/{address}"), "its bytes are no longer those that were kept".into()));
            }
            match landed.get(&address) {
                Some(records) => {
                    for record in records {
                        recount_one(record, bytes.clone(), &recount, checked);
                    }
                }
                None => *unlanded.entry(feed).or_default() += 1,
            }
            found.insert(address);
        }
        for (address, records) in landed.iter().filter(|(address, _)| !found.contains(*address)) {
            let places = records.iter().map(|record| record.address.as_str()).collect::<Vec<_>>().join(", ");
            checked.faults.push((format!("raw/{address}"), format!("is gone; it was `{places}`")));
        }
        for (feed, count) in unlanded {
            checked.leftovers.push((format!("raw/{feed}"), format!("{count} kept sources have not landed: refused, or gone back behind")));
        }
        Ok(())
    }
}

impl Checked {
    fn fault(&mut self, id: &TableId, what: String) {
        self.faults.push((id.to_string(), what));
    }
}

fn recount_one(
    record: &BatchRecord,
    bytes: Bytes,
    recount: impl Fn(&BatchRecord, Bytes) -> Result<Option<u64>, String>,
    checked: &mut Checked,
) {
    let place = || format!("raw/{}/{}", record.feed, record.content);
    match recount(record, bytes) {
        Ok(Some(counted)) if counted == record.received => checked.recounted += 1,
        Ok(Some(counted)) => {
            let what = format!("holds {counted} records of `{}`, {} were received", record.address, record.received);
            checked.faults.push((place(), what));
        }
        Ok(None) => {}
        Err(why) => checked.leftovers.push((place(), format!("can no longer be counted by its contract: {why}"))),
    }
}

/// Rows of each live file, by its name, as the log tells them.
async fn rows_told(table: &DeltaTable) -> Result<BTreeMap<String, u64>, LakeError> {
    let views: Vec<_> = table.get_active_add_actions_by_partitions(&[]).try_collect().await?;
    Ok(views.iter().filter_map(|view| Some((view.object_store_path().filename()?.to_string(), view.num_records()? as u64))).collect())
}

fn count_batches(rows: &RecordBatch, counts: &mut Counts) -> Result<(), LakeError> {
    let Some(column) = rows.column_by_name("batch_id") else { return Ok(()) };
    let column = arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8)?;
    for run in arrow::compute::partition(std::slice::from_ref(&column))?.ranges() {
        let ids = column.as_string::<i32>();
        let id = if ids.is_null(run.start) { "" } else { ids.value(run.start) };
        *counts.entry(id.to_string()).or_default() += run.len() as u64;
    }
    Ok(())
}

/// The batches of a landed table, each with its rows there, no row without one.
fn check_batches(id: &TableId, commits: Vec<Commit>, mut counts: Counts, checked: &mut Checked) -> Vec<BatchRecord> {
    let (mut records, mut ids) = (Vec::new(), BTreeSet::new());
    for commit in commits {
        let Some(Note::Batch(record)) = commit.note else { continue };
        let place = records.len() as u64 + 1;
        if record.batch_seq != place {
            checked.fault(id, format!("batch {} stands in place {place}", record.batch_seq));
        }
        if !ids.insert(record.batch_id.clone()) {
            checked.fault(id, format!("batch {} has landed twice", record.batch_id));
        }
        if record.batch_id != Batch::id_of(&record.feed, &record.address, &record.content) {
            checked.fault(id, format!("batch {} has not the id of `{}`", record.batch_id, record.address));
        }
        if record.received != record.accepted + record.rejected {
            let BatchRecord { address, received, accepted, rejected, .. } = &record;
            checked.fault(id, format!("`{address}`: {received} received, {accepted} accepted, {rejected} rejected"));
        }
        let rows = counts.remove(&record.batch_id).unwrap_or_default();
        if rows != record.accepted {
            checked.fault(id, format!("`{}`: {rows} rows are there, {} were accepted", record.address, record.accepted));
        }
        checked.batches += 1;
        checked.received += record.received;
        checked.accepted += rows;
        records.push(record);
    }
    for (batch, rows) in counts {
        checked.fault(id, format!("{rows} rows of batch `{batch}`, which has not landed"));
    }
    records
}

fn check_rejected(batches: &[BatchRecord], mut refused: Counts, checked: &mut Checked) {
    let id = TableId::new(Layer::Ledger, "rejected");
    for record in batches {
        let rows = refused.remove(&record.batch_id).unwrap_or_default();
        checked.rejected += rows;
        if rows != record.rejected {
            checked.fault(&id, format!("`{}`: {rows} rows are there, {} were rejected", record.address, record.rejected));
        }
    }
    for (batch, rows) in refused {
        let what = format!("{rows} rows of batch {batch}, which has not landed: its run was ended, or it was refused");
        checked.leftovers.push((id.to_string(), what));
    }
}
