//! The lake's promises: exactly once, pinned snapshots that travel, what was known when, one writer, S3 for real.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod advisory;
mod careless;
mod keeping;
mod landing;
mod lease;
mod newest;
mod pinned;
mod reading;
mod s3;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use chrono::NaiveDate;
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_domain::{AsOf, LandedTable, Rejected};
use nongshi_lake::{Batch, Catalog, Lake, LakeError, Layer, Published, Scope, TableId};
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

const TODAY: &str = "2026-01-01";

fn local(folder: &tempfile::TempDir) -> Lake {
    Lake::open(&Url::from_directory_path(folder.path()).unwrap(), HashMap::new()).unwrap()
}

async fn free() -> Result<(), LakeError> {
    Ok(())
}

fn day(text: &str) -> i32 {
    let day: NaiveDate = text.parse().unwrap();
    (day - NaiveDate::default()).num_days() as i32
}

/// A batch of aliases: (alias, name, available on), and as many rejected rows.
fn batch(content: &str, rows: &[(&str, &str, &str)], rejected: usize) -> Batch {
    let text = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
    let columns = [
        ("alias", text(rows.iter().map(|row| row.0).collect())),
        ("name", text(rows.iter().map(|row| row.1).collect())),
        ("available_on", Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| day(row.2)))) as ArrayRef),
        ("feed", text(vec!["names"; rows.len()])),
        ("source_row", Arc::new(Int64Array::from_iter_values(1..=rows.len() as i64)) as ArrayRef),
    ];
    let reject = |row: usize| Rejected { source_row: row as i64, raw: "?".into(), rule: "required".into(), reason: "no name".into() };
    Batch {
        feed: "names".into(),
        address: "names.csv".into(),
        content: content.into(),
        table: LandedTable::named("aliases").unwrap(),
        received: (rows.len() + rejected) as u64,
        accepted: RecordBatch::try_from_iter(columns).unwrap(),
        rejected: (0..rejected).map(reject).collect(),
    }
}

async fn session(lake: &Lake, as_of: &str) -> SessionContext {
    let ctx = nongshi_functions::session(SessionConfig::new().with_target_partitions(2)).unwrap();
    Catalog::pin(lake).await.unwrap().register(&ctx, lake, AsOf(as_of.parse().unwrap())).await.unwrap();
    ctx
}

async fn ask(ctx: &SessionContext, query: &str) -> String {
    cells(&ctx.sql(query).await.unwrap().collect().await.unwrap())
}

/// The cells only, a line a row.
fn cells(batches: &[RecordBatch]) -> String {
    let text = pretty_format_batches(batches).unwrap().to_string();
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(1);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(",")).collect::<Vec<_>>().join("\n")
}

/// Rows of the model table `said`, which is partitioned by its day.
fn said(as_of: &str, values: &[i64]) -> RecordBatch {
    let fields = vec![Field::new("value", DataType::Int64, true), Field::new("as_of", DataType::Utf8, true)];
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(values.to_vec())), Arc::new(StringArray::from(vec![as_of; values.len()]))];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

async fn publish_in(lake: &Lake, as_of: &str, chunks: Vec<RecordBatch>) -> Published {
    let (id, scope) = (TableId::new(Layer::Model, "said"), Scope::AsOf(as_of.parse().unwrap()));
    lake.publish(&id, scope, said(as_of, &[]).schema(), chunks, "made from", free).await.unwrap()
}

/// Whether publishing these rows of a day made a version.
async fn publish(lake: &Lake, as_of: &str, values: &[i64]) -> bool {
    publish_in(lake, as_of, vec![said(as_of, values)]).await.changed
}
