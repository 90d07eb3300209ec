//! A batch lands once, with its counts, and is read as it was known on a day.

use super::{TODAY, ask, batch, free, local, session};
use deltalake::kernel::Transaction;
use deltalake::kernel::transaction::CommitProperties;
use nongshi_lake::{Batch, BatchRecord, Lake, LakeError, Landed, Layer, TableId};
use std::cell::Cell;

async fn version(lake: &Lake) -> u64 {
    lake.table(&TableId::new(Layer::Landed, "aliases")).await.unwrap().unwrap().version().unwrap()
}

/// Lands as a run that is killed right before its commit of that number.
async fn killed_before(lake: &Lake, rows: &Batch, commit: u32) {
    let calls = Cell::new(0);
    let stopped = lake
        .land(rows, async || {
            calls.set(calls.get() + 1);
            if calls.get() == commit { Err(LakeError::NotAtomic("stopped".into())) } else { Ok(()) }
        })
        .await;
    assert!(matches!(stopped, Err(LakeError::NotAtomic(_))) && calls.get() == commit, "{stopped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_lands_once_however_often_it_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let rows = batch("1", &[("西红柿", "番茄", "2025-01-01"), ("土豆", "马铃薯", "2025-01-01")], 3);
    let counts =
        "select (select count(*) from landed.aliases) as l, (select count(*) from rejected) as r, (select count(*) from batches) as b";
    killed_before(&lake, &rows, 1).await;
    assert_eq!(lake.batches().await.unwrap(), []);
    // between the two commits: the rejected rows come first, and a second time they need no commit
    for commit in [2, 1] {
        killed_before(&lake, &rows, commit).await;
        assert_eq!(ask(&session(&lake, TODAY).await, counts).await, "0,3,0");
    }
    assert_eq!(lake.land(&rows, free).await.unwrap(), Landed::Now(version(&lake).await));
    let committed = version(&lake).await;
    for _ in 0..2 {
        assert_eq!(lake.land(&rows, free).await.unwrap(), Landed::Before);
    }
    assert_eq!(version(&lake).await, committed, "trying again makes no commit");
    assert_eq!(ask(&session(&lake, TODAY).await, counts).await, "2,3,1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_batches_are_what_landed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let landed = [
        batch("1", &[("a", "x", TODAY), ("b", "y", TODAY)], 1),
        batch("2", &[], 2),
        // nothing at all came: it is a batch nevertheless
        batch("3", &[], 0),
        batch("4", &[("c", "z", TODAY)], 0),
    ];
    for (before, rows) in landed.iter().enumerate() {
        let first = lake.land(rows, free).await.unwrap();
        assert_eq!(first, Landed::Now(before as u64 + 1), "version 0 made the table, then one commit a batch");
        assert_eq!(lake.land(rows, free).await.unwrap(), Landed::Before);
    }
    let told = lake.batches().await.unwrap();
    let expected = landed.iter().zip(1..).map(|(rows, batch_seq)| {
        let record = BatchRecord {
            batch_id: rows.id(),
            batch_seq,
            feed: "names".into(),
            address: "names.csv".into(),
            content: batch_seq.to_string(),
            received: rows.received,
            accepted: rows.accepted.num_rows() as u64,
            rejected: rows.rejected.len() as u64,
        };
        ("aliases".to_string(), record)
    });
    assert_eq!(told, expected.collect::<Vec<_>>());
    // and the tables hold what the commits tell
    let counted = "select b.batch_seq, b.received, b.accepted, coalesce(l.n, 0), b.rejected, coalesce(r.n, 0) from batches b \
                   left join (select batch_id, count(*) n from landed.aliases group by batch_id) l on l.batch_id = b.batch_id \
                   left join (select batch_id, count(*) n from rejected group by batch_id) r on r.batch_id = b.batch_id order by 1";
    assert_eq!(ask(&session(&lake, TODAY).await, counted).await, "1,3,2,2,1,1\n2,2,0,0,2,2\n3,0,0,0,0,0\n4,1,1,1,0,0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_count_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    for received in [0, 2, 7] {
        let wrong = Batch { received, ..batch("1", &[("a", "b", TODAY), ("c", "d", TODAY)], 1) };
        let refused = lake.land(&wrong, free).await;
        assert!(
            matches!(refused, Err(LakeError::Miscounted { received: told, accepted: 2, rejected: 1, .. }) if told == received),
            "{refused:?}"
        );
    }
    assert_eq!(lake.tables().await.unwrap(), []);
}

/// Why `land` checks first: Delta itself takes the same application transaction a second time.
#[tokio::test(flavor = "multi_thread")]
async fn delta_alone_would_land_a_batch_twice() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let rows = batch("1", &[("西红柿", "番茄", "2025-01-01")], 0);
    lake.land(&rows, free).await.unwrap();
    let count = "select count(*) from landed.aliases";
    let ctx = session(&lake, TODAY).await;
    assert_eq!(ask(&ctx, count).await, "1");
    let again = ctx.table("landed.aliases").await.unwrap().collect().await.unwrap();
    let table = lake.table(&TableId::new(Layer::Landed, "aliases")).await.unwrap().unwrap();
    let seen = table.snapshot().unwrap().transaction_version(table.log_store().as_ref(), rows.id()).await.unwrap();
    assert_eq!(seen, Some(1), "the first landing left this transaction");
    let once = CommitProperties::default().with_application_transaction(Transaction::new(rows.id(), 1));
    table.write(again).with_commit_properties(once).await.unwrap();
    assert_eq!(ask(&session(&lake, TODAY).await, count).await, "2", "the row stands twice");
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
