//! The lake's promises: exactly once, pinned snapshots that travel, what was known when, one writer, S3 for real.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::util::pretty::pretty_format_batches;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_proto::bytes::{logical_plan_from_bytes_with_extension_codec, logical_plan_to_bytes_with_extension_codec};
use datafusion_proto::logical_plan::DefaultLogicalExtensionCodec;
use nongshi_domain::{AsOf, LandedTable, Rejected};
use nongshi_lake::{Batch, Catalog, Holder, Lake, LakeCodec, LakeError, Landed, Layer, Lease, Scope, TableId};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

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
    let text = pretty_format_batches(&ctx.sql(query).await.unwrap().collect().await.unwrap()).unwrap().to_string();
    // the cells only, a line a row
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(1);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(",")).collect::<Vec<_>>().join("\n")
}

const TODAY: &str = "2026-01-01";

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_lands_once_however_often_it_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let rows = batch("1", &[("西红柿", "番茄", "2025-01-01"), ("土豆", "马铃薯", "2025-01-01")], 3);
    // killed between `rejected` and the data: the fence lets the first commit through and stops the second
    let calls = Cell::new(0);
    let stopped = lake
        .land(&rows, async || {
            calls.set(calls.get() + 1);
            if calls.get() == 2 { Err(LakeError::NotAtomic("stopped".into())) } else { Ok(()) }
        })
        .await;
    assert!(matches!(stopped, Err(LakeError::NotAtomic(_))) && calls.get() == 2);
    assert_eq!(lake.batches().await.unwrap().len(), 0);

    assert!(matches!(lake.land(&rows, free).await.unwrap(), Landed::Now(_)));
    assert_eq!(lake.land(&rows, free).await.unwrap(), Landed::Before);
    let ctx = session(&lake, TODAY).await;
    assert_eq!(ask(&ctx, "select count(*) from landed.aliases").await, "2");
    assert_eq!(ask(&ctx, "select count(*) from rejected").await, "3");
    assert_eq!(ask(&ctx, "select feed, batch_seq, received, accepted, rejected from batches").await, "names,1,5,2,3");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_batch_leaves_its_counts_and_a_wrong_count_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    lake.land(&batch("1", &[], 2), free).await.unwrap();
    lake.land(&batch("2", &[], 0), free).await.unwrap();
    let ctx = session(&lake, TODAY).await;
    assert_eq!(ask(&ctx, "select batch_seq, received, accepted, rejected from batches order by 1").await, "1,2,0,2\n2,0,0,0");
    let wrong = Batch { received: 7, ..batch("3", &[("a", "b", TODAY)], 0) };
    assert!(matches!(lake.land(&wrong, free).await, Err(LakeError::Miscounted { received: 7, accepted: 1, rejected: 0, .. })));
}

/// Why `land` checks first: Delta itself takes the same application transaction a second time.
#[tokio::test(flavor = "multi_thread")]
async fn delta_alone_would_land_a_batch_twice() {
    use deltalake::kernel::Transaction;
    use deltalake::kernel::transaction::CommitProperties;
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let rows = batch("1", &[("西红柿", "番茄", "2025-01-01")], 0);
    lake.land(&rows, free).await.unwrap();
    let table = lake.table(&TableId::new(Layer::Landed, "aliases")).await.unwrap().unwrap();
    let stored = nongshi_lake::stored_schema(rows.table);
    let again = RecordBatch::new_empty(Arc::new(stored));
    let version = table.version().unwrap();
    let once = CommitProperties::default().with_application_transaction(Transaction::new(rows.id(), 1));
    let table = table.write(vec![again]).with_commit_properties(once).await.unwrap();
    assert_eq!(table.version(), Some(version + 1), "accepted a second time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_when() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    lake.land(&batch("1", &[("a", "first", "2025-02-01"), ("b", "only", "2025-02-01")], 0), free).await.unwrap();
    lake.land(&batch("2", &[("a", "corrected", "2025-03-01")], 0), free).await.unwrap();
    // history that is loaded last but was known first
    lake.land(&batch("3", &[("a", "old", "2024-01-01"), ("c", "backfilled", "2024-01-01")], 0), free).await.unwrap();
    // the same day, a later batch: the later one stands
    lake.land(&batch("4", &[("b", "again", "2025-02-01")], 0), free).await.unwrap();
    for (as_of, expected) in [
        ("2023-12-31", ""),
        ("2024-06-01", "a,old\nc,backfilled"),
        ("2025-02-01", "a,first\nb,again\nc,backfilled"),
        ("2025-03-01", "a,corrected\nb,again\nc,backfilled"),
    ] {
        let ctx = session(&lake, as_of).await;
        assert_eq!(ask(&ctx, "select alias, name from aliases order by alias").await, expected, "{as_of}");
        assert_eq!(ask(&ctx, "select count(*) from landed.aliases").await, "6", "every version is kept");
    }
}

fn said(as_of: &str, values: &[i64]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] =
        [("value", Arc::new(Int64Array::from(values.to_vec()))), ("as_of", Arc::new(StringArray::from(vec![as_of; values.len()])))];
    let fields = ["value", "as_of"]
        .iter()
        .zip(&columns)
        .map(|(name, (_, column))| arrow::datatypes::Field::new(*name, column.data_type().clone(), true));
    RecordBatch::try_new(
        Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>())),
        columns.iter().map(|(_, column)| column.clone()).collect(),
    )
    .unwrap()
}

async fn publish(lake: &Lake, as_of: &str, values: &[i64]) -> bool {
    let rows = said(as_of, values);
    let scope = Scope::AsOf(as_of.parse().unwrap());
    lake.publish(&TableId::new(Layer::Model, "said"), scope, rows.schema(), vec![rows], "made from", free).await.unwrap().changed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_table_holds_its_version_and_travels_as_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    assert!(publish(&lake, "2025-01-01", &[1, 2]).await);
    assert!(publish(&lake, "2025-01-02", &[3]).await);
    assert!(!publish(&lake, "2025-01-02", &[3]).await, "the same rows make no version");
    let ctx = session(&lake, TODAY).await;
    assert!(publish(&lake, "2025-01-02", &[30, 31]).await);

    let all = "select as_of, value from said order by 1, 2";
    assert_eq!(ask(&ctx, all).await, "2025-01-01,1\n2025-01-01,2\n2025-01-02,3", "a pin does not see a later commit");
    assert_eq!(
        ask(&session(&lake, TODAY).await, all).await,
        "2025-01-01,1\n2025-01-01,2\n2025-01-02,30\n2025-01-02,31",
        "other days are kept"
    );
    assert_eq!(ask(&ctx, "select distinct as_of from said order by 1").await, "2025-01-01\n2025-01-02", "the partition column alone");
    assert_eq!(ask(&ctx, "select value from said where as_of = '2025-01-02' and value > 1").await, "3");
    assert_eq!(ask(&ctx, "select count(*) from (select * from said limit 2)").await, "2");

    let codec = LakeCodec::above(Arc::new(DefaultLogicalExtensionCodec {}));
    let plan = ctx.sql(all).await.unwrap().into_optimized_plan().unwrap();
    let bytes = logical_plan_to_bytes_with_extension_codec(&plan, &codec).unwrap();
    // a session that knows no table: everything comes from the bytes
    let far = SessionContext::new();
    let plan = logical_plan_from_bytes_with_extension_codec(&bytes, &far.task_ctx(), &codec).unwrap();
    let rows = far.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
}

fn holder(process: u32) -> Holder {
    Holder { host: "here".into(), process, command: "run".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_writer_at_a_time_and_the_old_one_is_fenced() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let (length, stays) = (TimeDelta::minutes(15), |_: &Holder| false);
    let first = Lease::take(&lake, holder(1), now, length, stays).await.unwrap();
    assert!(matches!(Lease::take(&lake, holder(2), now, length, stays).await, Err(LakeError::Held { .. })));
    first.check(&lake).await.unwrap();
    // it ran out: the next one has a higher number, and the first may commit nothing any more
    let second = Lease::take(&lake, holder(2), now + length, length, stays).await.unwrap();
    assert!(second.fence() > first.fence());
    assert!(matches!(first.check(&lake).await, Err(LakeError::Fenced { .. })));
    assert!(matches!(first.renew(&lake, now, length).await, Err(LakeError::Fenced { .. })));
    // the holder's process is gone: nobody waits for its lease to run out
    let third = Lease::take(&lake, holder(3), now + length, length, |gone| gone.process == 2).await.unwrap();
    third.release(&lake).await.unwrap();
    Lease::take(&lake, holder(4), now + length, length, stays).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_takers_at_one_moment_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let takers = (0..16).map(|process| {
        let lake = lake.clone();
        tokio::spawn(async move { Lease::take(&lake, holder(process), now, TimeDelta::minutes(1), |_| false).await.is_ok() })
    });
    let mut winners = 0;
    for taker in takers.collect::<Vec<_>>() {
        winners += usize::from(taker.await.unwrap());
    }
    assert_eq!(winners, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_folder_keeps_two_writers_apart() {
    let folder = tempfile::tempdir().unwrap();
    local(&folder).probe("test").await.unwrap();
}

/// A lake on the S3 server that `tests/run` starts; none: said so, and under CI a failure.
async fn s3(bucket: &str) -> Option<Lake> {
    let Ok(endpoint) = std::env::var("NONGSHI_TEST_S3") else {
        assert!(std::env::var_os("CI").is_none(), "NONGSHI_TEST_S3 must name an S3 server under CI");
        println!("skipped: NONGSHI_TEST_S3 names no S3 server (`tests/run` starts one)");
        return None;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = [("aws_endpoint", endpoint.as_str()), ("aws_access_key_id", "testkey"), ("aws_secret_access_key", "testsecret")];
    let options = options.iter().chain(&[("aws_region", "us-east-1"), ("aws_allow_http", "true")]);
    let url = Url::parse(&format!("s3://{bucket}/lake-{}", std::process::id())).unwrap();
    Some(Lake::open(&url, options.map(|(key, value)| (key.to_string(), value.to_string())).collect()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_s3_nothing_is_lost_and_the_tables_are_read() {
    let Some(lake) = s3("landing").await else { return };
    lake.probe("test").await.unwrap();
    let rows = batch("1", &[("西红柿", "番茄", "2025-01-01")], 1);
    assert!(matches!(lake.land(&rows, free).await.unwrap(), Landed::Now(_)));
    assert_eq!(lake.land(&rows, free).await.unwrap(), Landed::Before);
    assert!(publish(&lake, "2025-01-01", &[1, 2]).await);
    let ctx = session(&lake, TODAY).await;
    assert_eq!(ask(&ctx, "select name from aliases").await, "番茄");
    assert_eq!(ask(&ctx, "select sum(value) from said where as_of = '2025-01-01'").await, "3");
    let bytes = bytes::Bytes::from_static(b"raw");
    let digest = lake.keep("names", &bytes).await.unwrap();
    assert_eq!(lake.keep("names", &bytes).await.unwrap(), digest);
    assert_eq!(lake.kept("names", &digest).await.unwrap(), bytes);
}

/// Four writers at once, without a lease: whatever was acknowledged is there, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_s3_acknowledged_rows_are_there() {
    let Some(lake) = s3("racing").await else { return };
    lake.probe("test").await.unwrap();
    lake.land(&batch("0", &[], 0), free).await.unwrap();
    let writers = (0..4).map(|writer| {
        let lake = lake.clone();
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for turn in 0..5 {
                let (content, alias) = (format!("{writer}-{turn}"), format!("alias {writer} {turn}"));
                if lake.land(&batch(&content, &[(&alias, "x", "2025-01-01")], 0), free).await.is_ok() {
                    acknowledged.push(alias);
                }
            }
            acknowledged
        })
    });
    let mut acknowledged = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        acknowledged.extend(writer.await.unwrap());
    }
    acknowledged.sort();
    assert!(!acknowledged.is_empty());
    let stored = ask(&session(&lake, TODAY).await, "select alias from landed.aliases order by alias").await;
    let stored: Vec<&str> = stored.lines().collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|alias| !stored.contains(&alias.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let mut once = stored.clone();
    once.dedup();
    assert_eq!(once.len(), stored.len(), "a row stands twice");
}
