//! One number for what a table says. In: batches in order. Out: a digest that no chunking changes.

use crate::error::LakeError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use sha2::{Digest, Sha256};

/// SHA-256 over parts, each with its length before it, in hex.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of the rows in their order, with the columns' names and types.
pub fn content_of(batches: &[RecordBatch]) -> Result<String, LakeError> {
    let Some(first) = batches.first() else { return Ok(digest([])) };
    let schema = first.schema();
    let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    let converter = RowConverter::new(fields)?;
    let mut hasher = Sha256::new();
    for field in schema.fields() {
        hasher.update(format!("{}:{};", field.name(), field.data_type()));
    }
    for batch in batches {
        for row in &converter.convert_columns(batch.columns())? {
            hasher.update(row.as_ref());
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
