//! A table as it stood at one version: a list of files that DataFusion reads, here and on a cluster.
//!
//! In: a Delta table. Out: a table provider that is plain data. Never: looks at the log again, writes.
//! (A ListingTable over single files panics on partition columns: their values are read from a path that is
//! empty there. Here they come from the log.)

use crate::error::LakeError;
use crate::store::{Lake, TableId};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result as QueryResult, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One file of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedFile {
    /// Its path in the object store.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The values of the partition columns, in their order; nothing is null.
    pub partition_values: Vec<Option<String>>,
}

/// A table pinned to a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedTable {
    /// The object store, such as `file:///` or `s3://bucket/`.
    pub store: String,
    /// The version.
    pub version: u64,
    /// Data columns first, then the partition columns.
    pub schema: SchemaRef,
    /// How many of the last columns are partition columns.
    pub partition_columns: usize,
    /// The files, ordered by path.
    pub files: Vec<PinnedFile>,
}

impl Lake {
    /// The table's newest version, pinned; nothing when there is no such table.
    pub async fn pin(&self, id: &TableId) -> Result<Option<PinnedTable>, LakeError> {
        let Some(table) = self.table(id).await? else { return Ok(None) };
        let snapshot = table.snapshot()?;
        let partitions = snapshot.metadata().partition_columns().to_vec();
        let stored = snapshot.snapshot().arrow_schema();
        let (last, first): (Vec<_>, Vec<_>) = stored.fields().iter().cloned().partition(|field| partitions.contains(field.name()));
        let last: Vec<_> = partitions.iter().filter_map(|name| last.iter().find(|field| field.name() == name).cloned()).collect();
        let schema = Arc::new(Schema::new(first.into_iter().chain(last).collect::<Vec<_>>()));
        let root = self.path(&id.to_string());
        let views: Vec<_> = table.get_active_add_actions_by_partitions(&[]).try_collect().await?;
        let mut files: Vec<PinnedFile> = views
            .iter()
            .map(|view| {
                let values = view.partition_values_map();
                let path = view.object_store_path().parts().fold(root.clone(), |path, part| path.join(part));
                let partition_values = partitions.iter().map(|name| values.get(name).cloned().flatten()).collect();
                PinnedFile { path: path.to_string(), size: view.size() as u64, partition_values }
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(PinnedTable {
            store: self.store_url(),
            version: table.version().unwrap_or_default(),
            schema,
            partition_columns: partitions.len(),
            files,
        }))
    }

    /// Every row of the pinned table.
    pub(crate) async fn scan(&self, pin: PinnedTable) -> Result<SendableRecordBatchStream, LakeError> {
        let ctx = SessionContext::new();
        let store = url::Url::parse(&pin.store).map_err(|error| LakeError::Address { url: pin.store.clone(), why: error.to_string() })?;
        ctx.register_object_store(&store, self.object_store().clone());
        Ok(ctx.read_table(Arc::new(pin))?.execute_stream().await?)
    }

    /// The object store's own URL, as DataFusion names it.
    pub fn store_url(&self) -> String {
        match self.url().host_str() {
            Some(host) => format!("{}://{host}/", self.url().scheme()),
            None => format!("{}:///", self.url().scheme()),
        }
    }
}

impl PinnedTable {
    fn table_schema(&self) -> TableSchema {
        let (data, partitions) = self.schema.fields().split_at(self.schema.fields().len() - self.partition_columns);
        TableSchema::builder(Arc::new(Schema::new(data.to_vec()))).with_table_partition_cols(partitions.to_vec()).build()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

#[async_trait]
impl TableProvider for PinnedTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> QueryResult<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => self.schema.clone(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let partitions = &self.schema.fields()[self.schema.fields().len() - self.partition_columns..];
        let files: Vec<PartitionedFile> = self
            .files
            .iter()
            .map(|file| {
                let values = file.partition_values.iter().zip(partitions).map(|(value, field)| match value {
                    Some(value) => ScalarValue::try_from_string(value.clone(), field.data_type()),
                    None => ScalarValue::try_from(field.data_type()),
                });
                Ok::<_, DataFusionError>(
                    PartitionedFile::new(file.path.clone(), file.size).with_partition_values(values.collect::<QueryResult<Vec<_>>>()?),
                )
            })
            .collect::<QueryResult<_>>()?;
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let mut source = ParquetSource::new(self.table_schema());
        if let Some(filter) = datafusion::logical_expr::utils::conjunction(filters.to_vec()) {
            let names = datafusion::common::DFSchema::try_from(self.schema.clone())?;
            source = source.with_predicate(state.create_physical_expr(filter, &names)?);
        }
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(&self.store)?, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> QueryResult<Vec<TableProviderFilterPushDown>> {
        // row groups are pruned by statistics; the filter itself stays above the scan
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
