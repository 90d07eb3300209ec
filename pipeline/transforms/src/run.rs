//! Makes the curated tables, each once, and only when what it reads or says has changed.
//!
//! In: ordered transforms, a session that holds what they read. Out: what was made; the session then holds them
//! too. Never: publishes rows that break the header's promises.

use crate::error::TransformError;
use crate::transform::Transform;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::MemTable;
use datafusion::prelude::SessionContext;
use nongshi_domain::AsOf;
use nongshi_lake::{Lake, LakeError, Layer, Runs, Scope, TableId, digest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What became of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What it reads has not changed: nothing was computed.
    Untouched,
    /// It was computed and says the same as before.
    Same,
    /// A new version was committed.
    New,
}

/// One table made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Its rows; unknown when untouched.
    pub rows: Option<u64>,
    /// Its version now.
    pub version: u64,
}

/// Runs the transforms in order. `versions` tells the version of each table they read (`LAYER/NAME`) and is kept
/// up to date.
pub async fn run(
    lake: &Lake,
    ctx: &SessionContext,
    transforms: &[Transform],
    as_of: AsOf,
    versions: &mut BTreeMap<String, u64>,
    fence: &impl AsyncFn() -> Result<(), LakeError>,
) -> Result<Vec<Made>, TransformError> {
    let mut made = Vec::new();
    for transform in transforms {
        let id = TableId::new(Layer::Curated, &transform.name);
        if is_made(lake, transform, as_of, versions).await? {
            let version = versions.get(&id.to_string()).copied().unwrap_or_default();
            made.push(Made { name: transform.name.clone(), outcome: Outcome::Untouched, rows: None, version });
            continue;
        }
        let (schema, rows) = compute(ctx, transform).await?;
        check_key(transform, &rows)?;
        check(ctx, transform, &schema, &rows).await?;
        let count = rows.iter().map(|batch| batch.num_rows() as u64).sum();
        let published = lake.publish(&id, Scope::Whole, schema, rows, &fingerprint(transform, as_of, versions), fence).await?;
        if let Some(pin) = lake.pin(&id).await? {
            ctx.deregister_table(&transform.name).map_err(|error| query_fault(transform, error))?;
            ctx.register_table(transform.name.as_str(), Arc::new(pin)).map_err(|error| query_fault(transform, error))?;
        }
        versions.insert(id.to_string(), published.version);
        let outcome = if published.changed { Outcome::New } else { Outcome::Same };
        made.push(Made { name: transform.name.clone(), outcome, rows: Some(count), version: published.version });
    }
    Ok(made)
}

/// Lets the session hold every curated table as it would be made on the day: the stored one where it was made from
/// just these inputs, else a view of its SQL. Returns the tables whose SQL does not hold.
pub async fn register_as_known(
    lake: &Lake,
    ctx: &SessionContext,
    transforms: &[Transform],
    as_of: AsOf,
    versions: &BTreeMap<String, u64>,
) -> Vec<TransformError> {
    let (mut views, mut faults) = (BTreeSet::new(), Vec::new());
    for transform in transforms {
        let reads_views = transform.reads.iter().any(|table| views.contains(table));
        match is_made(lake, transform, as_of, versions).await {
            Ok(true) if !reads_views => continue,
            Ok(_) => {}
            Err(error) => faults.push(error.into()),
        }
        views.insert(transform.name.clone());
        if let Err(error) = register_view(ctx, transform).await {
            faults.push(error);
        }
    }
    faults
}

async fn is_made(lake: &Lake, transform: &Transform, as_of: AsOf, versions: &BTreeMap<String, u64>) -> Result<bool, LakeError> {
    let id = TableId::new(Layer::Curated, &transform.name);
    Ok(versions.contains_key(&id.to_string()) && lake.made_from(&id, Scope::Whole).await? == Some(fingerprint(transform, as_of, versions)))
}

async fn register_view(ctx: &SessionContext, transform: &Transform) -> Result<(), TransformError> {
    let fault = |error| query_fault(transform, error);
    ctx.deregister_table(&transform.name).map_err(fault)?;
    let view = ctx.sql(&transform.sql).await.map_err(fault)?.into_view();
    ctx.register_table(transform.name.as_str(), view).map_err(fault)?;
    Ok(())
}

/// The rows in the order of the key, all in one schema (nullable throughout, as Delta keeps them).
async fn compute(ctx: &SessionContext, transform: &Transform) -> Result<(SchemaRef, Vec<RecordBatch>), TransformError> {
    let ordered = format!("select * from (\n{}\n) order by {}", transform.sql.trim().trim_end_matches(';'), transform.key.join(", "));
    let frame = ctx.sql(&ordered).await.map_err(|error| query_fault(transform, error))?;
    let schema = frame.schema().as_arrow().clone();
    let fields = schema.fields().iter().map(|field| stored_field(field)).collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let batches = frame.collect().await.map_err(|error| query_fault(transform, error))?;
    let mut rows = Vec::with_capacity(batches.len());
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| arrow::compute::cast(column, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(LakeError::from)?;
        rows.push(RecordBatch::try_new(schema.clone(), columns).map_err(LakeError::from)?);
    }
    Ok((schema, rows))
}

/// Delta has one kind of text; everything may be null.
fn stored_field(field: &Field) -> Field {
    let kind = match field.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        other => other.clone(),
    };
    Field::new(field.name(), kind, true)
}

async fn check(ctx: &SessionContext, transform: &Transform, schema: &SchemaRef, rows: &[RecordBatch]) -> Result<(), TransformError> {
    let fault = |error| query_fault(transform, error);
    let name = "rows_to_check";
    ctx.deregister_table(name).map_err(fault)?;
    ctx.register_table(name, Arc::new(MemTable::try_new(schema.clone(), vec![rows.to_vec()]).map_err(fault)?)).map_err(fault)?;
    for check in &transform.checks {
        let query = format!("select cast(count(*) as bigint) from {name} where not coalesce(({check}), false)");
        let answer = ctx.sql(&query).await.map_err(fault)?.collect().await.map_err(fault)?;
        let broken = answer.first().map_or(0, |batch| batch.column(0).as_primitive::<Int64Type>().value(0));
        if broken > 0 {
            return Err(TransformError::Check { name: transform.name.clone(), rows: broken as u64, check: check.clone() });
        }
    }
    ctx.deregister_table(name).map_err(fault)?;
    Ok(())
}

/// A column's name as SQL takes it: small letters, unless it is quoted.
fn stored_name(written: &str) -> String {
    written.strip_prefix('"').and_then(|name| name.strip_suffix('"')).map_or_else(|| written.to_lowercase(), String::from)
}

/// The key is there and tells every row from the others. The rows are in its order.
fn check_key(transform: &Transform, rows: &[RecordBatch]) -> Result<(), TransformError> {
    let (mut runs, mut run, mut repeated, mut empty) = (Runs::default(), 0, 0, 0);
    for batch in rows {
        let key = transform.key.iter().map(|column| batch.column_by_name(&stored_name(column)).cloned());
        let missing = || LakeError::Schema { table: transform.name.clone(), why: "a column of the key is missing".into() };
        let key: Vec<ArrayRef> = key.collect::<Option<_>>().ok_or_else(missing)?;
        empty += (0..batch.num_rows()).filter(|row| key.iter().any(|column| column.is_null(*row))).count() as u64;
        let mut before = 0;
        for start in runs.starts(&key).map_err(LakeError::from)? {
            run += start - before;
            repeated += if run > 1 { run as u64 } else { 0 };
            (run, before) = (0, start);
        }
        run += batch.num_rows() - before;
    }
    repeated += if run > 1 { run as u64 } else { 0 };
    for (broken, promise) in [(repeated, "is unique"), (empty, "is there")] {
        if broken > 0 {
            let check = format!("key ({}) {promise}", transform.key.join(", "));
            return Err(TransformError::Check { name: transform.name.clone(), rows: broken, check });
        }
    }
    Ok(())
}

fn fingerprint(transform: &Transform, as_of: AsOf, versions: &BTreeMap<String, u64>) -> String {
    let mut parts = vec![transform.sql.clone(), as_of.to_string()];
    for table in &transform.reads {
        let bare = table.rsplit('.').next().unwrap_or(table);
        let found = Layer::ALL.iter().map(|layer| TableId::new(*layer, bare).to_string()).find(|id| versions.contains_key(id));
        parts.push(format!("{table}@{}", found.and_then(|id| versions.get(&id)).map_or("none".into(), u64::to_string)));
    }
    digest(parts.iter().map(|part| part.as_bytes()))
}

fn query_fault(transform: &Transform, source: datafusion::error::DataFusionError) -> TransformError {
    TransformError::Query { name: transform.name.clone(), source: Box::new(source) }
}
