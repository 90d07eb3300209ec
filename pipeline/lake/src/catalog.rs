//! Every table of the lake by its name in SQL, as it was known on a day.
//!
//! In: a lake and a day. Out: pinned tables and views in a session. Never: a row that became known later,
//! except in the schema `landed`, which holds every version of everything.

use crate::error::LakeError;
use crate::pinned::PinnedTable;
use crate::store::{Lake, Layer, TableId};
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use datafusion::catalog::MemTable;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use datafusion::prelude::SessionContext;
use nongshi_domain::{AsOf, LANDED, LandedTable};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The lake's tables, pinned.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Every table with its pin.
    pub pins: BTreeMap<TableId, PinnedTable>,
    batches: RecordBatch,
}

/// The latest version of each key that was known on the day, as SQL over `landed.NAME`.
pub fn view_sql(table: &LandedTable, as_of: AsOf) -> String {
    let columns = table
        .columns
        .iter()
        .map(|column| column.name)
        .chain(["available_on", "feed", "batch_id", "source_row"])
        .collect::<Vec<_>>()
        .join(", ");
    format!(
        "select {columns} from (select *, row_number() over (partition by {key} order by available_on desc, batch_seq desc, source_row desc) as version_rank \
         from landed.{name} where available_on <= date '{as_of}') where version_rank = 1",
        key = table.key.join(", "),
        name = table.name,
    )
}

impl Catalog {
    /// Pins every table of the lake as it stands.
    pub async fn pin(lake: &Lake) -> Result<Catalog, LakeError> {
        let mut pins = BTreeMap::new();
        for id in lake.tables().await? {
            if let Some(pin) = lake.pin(&id).await? {
                pins.insert(id, pin);
            }
        }
        Ok(Catalog { pins, batches: batches_table(lake).await? })
    }

    /// Registers the tables: `landed.NAME` with every version, `NAME` as known on the day, the others by name.
    /// A landed table that does not exist yet is there and empty.
    pub async fn register(&self, ctx: &SessionContext, lake: &Lake, as_of: AsOf) -> Result<(), LakeError> {
        let store =
            url::Url::parse(&lake.store_url()).map_err(|error| LakeError::Address { url: lake.store_url(), why: error.to_string() })?;
        ctx.register_object_store(&store, lake.object_store().clone());
        let landed = Arc::new(MemorySchemaProvider::new());
        for table in LANDED {
            let provider: Arc<dyn datafusion::catalog::TableProvider> = match self.pins.get(&TableId::new(Layer::Landed, table.name)) {
                Some(pin) => Arc::new(pin.clone()),
                // pinned without a file: unlike a table in memory it travels to a cluster
                None => Arc::new(PinnedTable {
                    store: lake.store_url(),
                    version: 0,
                    schema: Arc::new(crate::schema::stored_schema(table)),
                    partition_columns: 0,
                    files: Vec::new(),
                }),
            };
            landed.register_table(table.name.into(), provider)?;
        }
        let catalog = ctx
            .catalog("datafusion")
            .ok_or_else(|| LakeError::Address { url: "datafusion".into(), why: "the session has no default catalog".into() })?;
        catalog.register_schema("landed", landed)?;
        for table in LANDED {
            let view = ctx.sql(&view_sql(table, as_of)).await?.into_view();
            ctx.register_table(table.name, view)?;
        }
        for (id, pin) in self.pins.iter().filter(|(id, _)| id.layer != Layer::Landed) {
            ctx.deregister_table(id.name.as_str())?;
            ctx.register_table(id.name.as_str(), Arc::new(pin.clone()))?;
        }
        let batches = MemTable::try_new(self.batches.schema(), vec![vec![self.batches.clone()]])?;
        ctx.register_table("batches", Arc::new(batches))?;
        Ok(())
    }

    /// The ids of the batches of each landed table, in their order.
    pub fn batch_ids(&self) -> BTreeMap<String, Vec<String>> {
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let text = |name: &str| self.batches.column_by_name(name).map(|column| column.as_string::<i32>());
        if let (Some(tables), Some(batches)) = (text("table_name"), text("batch_id")) {
            for (table, batch) in tables.iter().flatten().zip(batches.iter().flatten()) {
                ids.entry(table.to_string()).or_default().push(batch.to_string());
            }
        }
        ids
    }

    /// The version of each table, for fingerprints and for people.
    pub fn versions(&self) -> BTreeMap<String, u64> {
        self.pins.iter().map(|(id, pin)| (id.to_string(), pin.version)).collect()
    }
}

async fn batches_table(lake: &Lake) -> Result<RecordBatch, LakeError> {
    let rows = lake.batches().await?;
    let text = |value: fn(&(String, crate::landing::BatchRecord)) -> &str| {
        Arc::new(StringArray::from_iter_values(rows.iter().map(value))) as ArrayRef
    };
    let count = |value: fn(&crate::landing::BatchRecord) -> u64| {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, record)| value(record) as i64))) as ArrayRef
    };
    Ok(RecordBatch::try_from_iter([
        ("table_name", text(|(table, _)| table)),
        ("feed", text(|(_, record)| &record.feed)),
        ("batch_seq", count(|record| record.batch_seq)),
        ("batch_id", text(|(_, record)| &record.batch_id)),
        ("address", text(|(_, record)| &record.address)),
        ("content", text(|(_, record)| &record.content)),
        ("received", count(|record| record.received)),
        ("accepted", count(|record| record.accepted)),
        ("rejected", count(|record| record.rejected)),
    ])?)
}
