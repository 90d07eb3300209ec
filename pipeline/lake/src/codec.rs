//! Carries pinned tables to other processes. In: a table provider. Out: bytes, and back.
//! Never: its own idea of anything else (that goes to the engine's codec below it).

use crate::pinned::{PinnedFile, PinnedTable};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, Extension, LogicalPlan, ScalarUDF, WindowUDF};
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;

/// Says that what follows is ours.
const MAGIC: &[u8] = b"nongshi.pinned/1\0";

#[derive(Serialize, Deserialize)]
struct Wire {
    store: String,
    version: u64,
    partition_columns: usize,
    files: Vec<PinnedFile>,
}

/// Pinned tables by our form, everything else by the codec below.
#[derive(Debug)]
pub struct LakeCodec {
    below: Arc<dyn LogicalExtensionCodec>,
}

impl LakeCodec {
    /// On top of the engine's own codec.
    pub fn above(below: Arc<dyn LogicalExtensionCodec>) -> LakeCodec {
        LakeCodec { below }
    }
}

fn outside(error: serde_json::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl LogicalExtensionCodec for LakeCodec {
    fn try_decode_table_provider(
        &self,
        buf: &[u8],
        table: &TableReference,
        schema: SchemaRef,
        ctx: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        let Some(body) = buf.strip_prefix(MAGIC) else { return self.below.try_decode_table_provider(buf, table, schema, ctx) };
        let Wire { store, version, partition_columns, files } = serde_json::from_slice(body).map_err(outside)?;
        Ok(Arc::new(PinnedTable { store, version, schema, partition_columns, files }))
    }

    fn try_encode_table_provider(&self, table: &TableReference, node: Arc<dyn TableProvider>, buf: &mut Vec<u8>) -> Result<()> {
        let any: &dyn Any = node.as_ref();
        let Some(pinned) = any.downcast_ref::<PinnedTable>() else { return self.below.try_encode_table_provider(table, node, buf) };
        buf.extend_from_slice(MAGIC);
        let wire = Wire {
            store: pinned.store.clone(),
            version: pinned.version,
            partition_columns: pinned.partition_columns,
            files: pinned.files.clone(),
        };
        serde_json::to_writer(buf, &wire).map_err(outside)
    }

    fn try_decode(&self, buf: &[u8], inputs: &[LogicalPlan], ctx: &TaskContext) -> Result<Extension> {
        self.below.try_decode(buf, inputs, ctx)
    }

    fn try_encode(&self, node: &Extension, buf: &mut Vec<u8>) -> Result<()> {
        self.below.try_encode(node, buf)
    }

    fn try_decode_file_format(&self, buf: &[u8], ctx: &TaskContext) -> Result<Arc<dyn FileFormatFactory>> {
        self.below.try_decode_file_format(buf, ctx)
    }

    fn try_encode_file_format(&self, buf: &mut Vec<u8>, node: Arc<dyn FileFormatFactory>) -> Result<()> {
        self.below.try_encode_file_format(buf, node)
    }

    fn try_decode_udf(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
        self.below.try_decode_udf(name, buf)
    }

    fn try_encode_udf(&self, node: &ScalarUDF, buf: &mut Vec<u8>) -> Result<()> {
        self.below.try_encode_udf(node, buf)
    }

    fn try_decode_udaf(&self, name: &str, buf: &[u8]) -> Result<Arc<AggregateUDF>> {
        self.below.try_decode_udaf(name, buf)
    }

    fn try_encode_udaf(&self, node: &AggregateUDF, buf: &mut Vec<u8>) -> Result<()> {
        self.below.try_encode_udaf(node, buf)
    }

    fn try_decode_udwf(&self, name: &str, buf: &[u8]) -> Result<Arc<WindowUDF>> {
        self.below.try_decode_udwf(name, buf)
    }

    fn try_encode_udwf(&self, node: &WindowUDF, buf: &mut Vec<u8>) -> Result<()> {
        self.below.try_encode_udwf(node, buf)
    }
}
