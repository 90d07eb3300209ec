//! What every write to a Delta table shares: making the table, our note in the commit, reading it back.
//!
//! In: a table and rows. Out: a version. Never: deletion vectors, a log that forgets its commits.

use crate::error::LakeError;
use crate::landing::BatchRecord;
use crate::log;
use crate::made::MadeOf;
use crate::store::{Lake, TableId};
use arrow::datatypes::Schema;
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::TransactionError;
use deltalake::logstore::LogStoreRef;
use deltalake::{DeltaTable, DeltaTableError};
use nongshi_domain::failpoint;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

/// The key of our note in a commit's information.
pub(crate) const NOTE: &str = "nongshi";

/// What a commit of ours says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Note {
    /// A landed batch.
    Batch(BatchRecord),
    /// Rejected rows of a batch.
    Rejected { batch_id: String },
    /// A table or its part of one day, made anew.
    Made {
        as_of: Option<String>,
        #[serde(flatten)]
        made: MadeOf,
    },
    /// Rows added to a ledger under a name.
    Entry { entry: String },
    /// The same rows in fewer files.
    Compacted,
    /// The table as it stood at that version.
    Restored { to: u64 },
    /// Rejected rows of batches that were gone back behind.
    Undone { batch_ids: Vec<String> },
}

/// The table, made with these columns if it is not there; its columns must be those.
pub(crate) async fn open_or_create(
    lake: &Lake,
    id: &TableId,
    schema: &Schema,
    partition_columns: &[&str],
) -> Result<DeltaTable, LakeError> {
    if let Some(table) = lake.table(id).await? {
        let wrong = |why: String| LakeError::Schema { table: id.to_string(), why };
        let stored: Schema = table.snapshot()?.snapshot().arrow_schema().as_ref().clone();
        for field in schema.fields() {
            let Ok(found) = stored.field_with_name(field.name()) else {
                return Err(wrong(format!("column `{}` is missing", field.name())));
            };
            if found.data_type() != field.data_type() {
                return Err(wrong(format!("column `{}` is {}, not {}", field.name(), found.data_type(), field.data_type())));
            }
        }
        return Ok(table);
    }
    failpoint::reached("table.before_create");
    let columns: StructType = schema.try_into_kernel()?;
    let table = lake
        .handle(id)?
        .create()
        .with_columns(columns.fields().cloned())
        .with_partition_columns(partition_columns.iter().map(|name| name.to_string()))
        // `batches` and past issues are read from the log: it keeps every commit
        .with_configuration_property(deltalake::TableProperty::EnableExpiredLogCleanup, Some("false"))
        .with_configuration_property(deltalake::TableProperty::LogRetentionDuration, Some("interval 36500 days"))
        .await?;
    failpoint::reached("table.after_create");
    Ok(table)
}

/// Our notes of all commits that hold, oldest first.
pub(crate) async fn notes(table: &DeltaTable) -> Result<Vec<Note>, LakeError> {
    let commits = log::read(table.log_store(), 0, table.version().unwrap_or_default()).await?;
    Ok(log::standing(commits).into_iter().filter_map(|commit| commit.note).collect())
}

/// Reads the version that a write gave back from the log and refuses unless it holds the note. (Not the newest one:
/// another writer may have committed since.)
pub(crate) async fn read_back(table: &DeltaTable, id: &TableId, note: &Note) -> Result<u64, LakeError> {
    let version = table.version().unwrap_or_default();
    let commit = table.log_store().read_commit_entry(version).await?.unwrap_or_default();
    for line in commit.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let action: serde_json::Value = serde_json::from_slice(line)?;
        if let Some(found) = action.get("commitInfo").and_then(|info| info.get(NOTE)) {
            let found: Note = serde_json::from_value(found.clone())?;
            if found == *note {
                return Ok(version);
            }
        }
    }
    Err(LakeError::NotReadBack { table: id.to_string(), version })
}

/// Commit properties with our note and, where a write must happen once only, its application transaction.
pub(crate) fn properties(note: &Note, once: Option<&str>) -> Result<deltalake::kernel::transaction::CommitProperties, LakeError> {
    // a commit stands on the version it was made for, or not at all: a writer that slept past its lease writes nothing
    let properties = deltalake::kernel::transaction::CommitProperties::default()
        .with_metadata([(NOTE.to_string(), serde_json::to_value(note)?)])
        .with_max_retries(0);
    Ok(match once {
        Some(name) => properties.with_application_transaction(deltalake::kernel::Transaction::new(name, 1)),
        None => properties,
    })
}

/// Whether a commit for the version stands although it was answered with a fault: it does where only the store's answer was
/// lost. Else somebody else's came first, or the fault is the store's own.
pub(crate) async fn stands(id: &TableId, log: LogStoreRef, version: u64, note: &Note, error: DeltaTableError) -> Result<(), LakeError> {
    if !matches!(
        error,
        DeltaTableError::Transaction { source: TransactionError::MaxCommitAttempts(_) } | DeltaTableError::VersionAlreadyExists(_)
    ) {
        return Err(LakeError::Delta(error));
    }
    match log::read(log, version, version).await?.pop().and_then(|commit| commit.note) {
        Some(found) if found == *note => Ok(()),
        _ => Err(LakeError::Overtaken { table: id.to_string() }),
    }
}

/// Whether a write with this application transaction has been committed before.
pub(crate) async fn done_before(table: &DeltaTable, once: &str) -> Result<bool, LakeError> {
    let store = table.log_store();
    Ok(table.snapshot()?.transaction_version(store.as_ref(), once).await?.is_some())
}

/// How files are written: zstd, as every reader of Parquet knows it.
pub(crate) fn written() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build()
}
