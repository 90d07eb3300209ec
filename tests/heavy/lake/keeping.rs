//! The store proves what it holds, says the same in fewer files, goes back and comes again.

use super::{TODAY, ask, batch, free, local, publish, session};
use bytes::Bytes;
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;
use nongshi_lake::{Batch, Checked, Lake, LakeError, Landed, Layer, TableId};
use std::cell::Cell;
use std::path::{Path, PathBuf};

const ROWS: &str = "select alias, name, batch_seq, source_row from landed.aliases order by batch_seq, source_row";
const REJECTED: &str = "select batch_id, source_row, rule from rejected order by batch_id, source_row";

fn aliases() -> TableId {
    TableId::new(Layer::Landed, "aliases")
}

/// A batch whose raw bytes are kept: so many lines as it has records.
async fn kept(lake: &Lake, name: &str, rows: &[(&str, &str, &str)], rejected: usize) -> Batch {
    let bytes = Bytes::from(format!("{name}\n").repeat(rows.len() + rejected));
    let content = lake.keep("names", &bytes).await.unwrap();
    Batch { address: format!("{name}.csv"), ..batch(&content, rows, rejected) }
}

/// Three batches; the second and the third have rejected rows.
async fn filled(lake: &Lake) -> Vec<Batch> {
    let batches = vec![
        kept(lake, "one", &[("a", "x", TODAY), ("b", "y", TODAY)], 0).await,
        kept(lake, "two", &[("c", "z", TODAY)], 2).await,
        kept(lake, "three", &[("a", "w", TODAY)], 1).await,
    ];
    for rows in &batches {
        lake.land(rows, free).await.unwrap();
    }
    publish(lake, "2025-01-01", &[1, 2]).await;
    batches
}

async fn check(lake: &Lake) -> Checked {
    let lines = |bytes: Bytes| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    lake.check(|_, bytes| Ok(Some(lines(bytes)))).await.unwrap()
}

/// The files below, by path.
fn below(folder: &Path, ends: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(below(&path, ends)),
            false if path.to_string_lossy().ends_with(ends) => found.push(path),
            false => {}
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_is_found_whole() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    filled(&lake).await;
    let checked = check(&lake).await;
    assert_eq!(checked.faults, []);
    assert_eq!(checked.leftovers, []);
    assert_eq!((checked.tables, checked.batches, checked.raw, checked.recounted), (3, 3, 3, 3));
    assert_eq!((checked.received, checked.accepted, checked.rejected), (7, 4, 3));
    assert_eq!(checked.rows, 4 + 3 + 2, "rows of aliases, rejected, said");
    // what was kept and refused is no loss, and is named
    lake.keep("names", &Bytes::from_static(b"a file that is refused")).await.unwrap();
    std::fs::write(folder.path().join("landed/aliases/part-left-over.parquet"), "half a file").unwrap();
    let checked = check(&lake).await;
    assert_eq!(checked.faults, []);
    assert_eq!(checked.leftovers.len(), 2, "{:?}", checked.leftovers);
}

/// Every kind of damage is found, and named by its place. (The undamaged lake is the negative control.)
#[tokio::test(flavor = "multi_thread")]
async fn every_damage_is_found() {
    type Damage = fn(&Path);
    let landed = |at: &Path| below(&at.join("landed/aliases"), ".parquet").remove(0);
    let cases: &[(&str, Damage, &str)] = &[
        (
            "a data file is gone",
            |at| std::fs::remove_file(below(&at.join("landed/aliases"), ".parquet").remove(0)).unwrap(),
            "landed/aliases",
        ),
        ("a data file is cut off", |at| cut(&below(&at.join("landed/aliases"), ".parquet").remove(0)), "landed/aliases"),
        (
            "a rejected file is gone",
            |at| std::fs::remove_file(below(&at.join("ledger/rejected"), ".parquet").remove(0)).unwrap(),
            "ledger/rejected",
        ),
        ("all rejected rows are gone", |at| std::fs::remove_dir_all(at.join("ledger/rejected")).unwrap(), "ledger/rejected"),
        ("a curated file is cut off", |at| cut(&below(&at.join("model/said"), ".parquet").remove(0)), "model/said"),
        ("a raw source is gone", |at| std::fs::remove_file(below(&at.join("raw"), "").remove(0)).unwrap(), "raw/names/"),
        ("a raw source has changed", |at| flip(&below(&at.join("raw"), "").remove(0)), "raw/names/"),
    ];
    for (what, damage, place) in cases {
        let folder = tempfile::tempdir().unwrap();
        let lake = local(&folder);
        filled(&lake).await;
        assert!(landed(folder.path()).exists() && check(&lake).await.faults.is_empty(), "{what}: whole before");
        damage(folder.path());
        let faults = check(&lake).await.faults;
        assert!(faults.iter().any(|(found, _)| found.starts_with(place)), "{what}: {faults:?}");
    }
}

fn cut(file: &Path) {
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

fn flip(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[0] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

/// Another program appends rows a second time, past our commits: the count tells.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_landed_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    filled(&lake).await;
    let table = lake.table(&aliases()).await.unwrap().unwrap();
    let ctx = session(&lake, TODAY).await;
    let again = ctx.sql("select * from landed.aliases where batch_seq = 2").await.unwrap().collect().await.unwrap();
    let again = again.into_iter().filter(|rows| rows.num_rows() > 0);
    table.write(again.collect::<Vec<_>>()).with_save_mode(SaveMode::Append).await.unwrap();
    let faults = check(&lake).await.faults;
    assert_eq!(faults, [("landed/aliases".to_string(), "`two.csv`: 2 rows are there, 1 were accepted".to_string())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landed_table_goes_back_and_its_batches_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let batches = filled(&lake).await;
    let undisturbed = session(&lake, TODAY).await;
    let (rows, rejected) = (ask(&undisturbed, ROWS).await, ask(&undisturbed, REJECTED).await);

    // version 0 makes the table, 1 to 3 are the batches
    assert_eq!(lake.restorable(&aliases(), 1).await.unwrap().len(), 2);
    // ended between its two commits, it goes on when it is asked again
    let calls = Cell::new(0);
    let stops = async || {
        calls.set(calls.get() + 1);
        if calls.get() == 2 { Err(LakeError::NotAtomic("stopped".into())) } else { Ok(()) }
    };
    let ended = lake.restore(&aliases(), 1, stops).await;
    assert!(ended.is_err() && !check(&lake).await.faults.is_empty(), "half a restore is seen");
    let restored = lake.restore(&aliases(), 1, free).await.unwrap();
    assert_eq!(restored.undone.iter().map(|record| record.address.as_str()).collect::<Vec<_>>(), ["two.csv", "three.csv"]);
    let checked = check(&lake).await;
    assert_eq!((checked.faults.len(), checked.batches, checked.rejected), (0, 1, 0), "{:?}", checked.faults);
    assert_eq!(checked.leftovers.len(), 1, "their raw bytes are still kept: {:?}", checked.leftovers);
    assert_eq!(ask(&session(&lake, TODAY).await, "select count(*) from landed.aliases").await, "2");

    // a version that was gone back behind is not gone forward to
    assert!(matches!(lake.restore(&aliases(), 2, free).await, Err(LakeError::NotRestorable { .. })));
    for rows in &batches {
        let again = lake.land(rows, free).await.unwrap();
        assert_eq!(again == Landed::Before, rows.address == "one.csv");
    }
    let again = session(&lake, TODAY).await;
    assert_eq!((ask(&again, ROWS).await, ask(&again, REJECTED).await), (rows, rejected));
    assert_eq!(check(&lake).await.faults, []);
    let told = lake.history(&aliases()).await.unwrap().unwrap();
    assert_eq!(told.iter().filter(|version| version.gone_back_behind).map(|version| version.version).collect::<Vec<_>>(), [2, 3]);
    assert!(told[4].what == "restored to version 1" && told[1].what == "batch 1 of feed names: one.csv", "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_table_goes_back_and_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let said = TableId::new(Layer::Model, "said");
    publish(&lake, "2025-01-01", &[1]).await;
    publish(&lake, "2025-01-01", &[2]).await;
    let restored = lake.restore(&said, 1, free).await.unwrap();
    assert_eq!((restored.version, restored.undone.len()), (3, 0));
    let all = "select value from said";
    assert_eq!(ask(&session(&lake, TODAY).await, all).await, "1");
    assert!(!publish(&lake, "2025-01-01", &[1]).await, "it says so already");
    assert!(publish(&lake, "2025-01-01", &[2]).await, "what was made later is forgotten");
    assert_eq!(ask(&session(&lake, TODAY).await, all).await, "2");
    for (table, version, why) in [("said", 9, "newest"), ("none", 0, "no such table")] {
        let refused = lake.restore(&TableId::new(Layer::Model, table), version, free).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let ledger = lake.restorable(&TableId::new(Layer::Ledger, "rejected"), 0).await.unwrap_err().to_string();
    assert!(ledger.contains("never taken back"), "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_files_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let batches = filled(&lake).await;
    let before = session(&lake, TODAY).await;
    let rows = ask(&before, ROWS).await;
    let done = lake.compact(&aliases(), free).await.unwrap().unwrap();
    assert_eq!((done.files_before, done.files_now, done.rows), (3, 1, 4));
    assert_eq!(ask(&session(&lake, TODAY).await, ROWS).await, rows);
    assert_eq!(ask(&before, ROWS).await, rows, "a reader that had begun goes on: no file is deleted");
    assert_eq!(check(&lake).await.faults, []);
    assert_eq!(lake.land(&batches[1], free).await.unwrap(), Landed::Before);
    let version = lake.table(&aliases()).await.unwrap().unwrap().version();
    lake.compact(&aliases(), free).await.unwrap();
    assert_eq!(lake.table(&aliases()).await.unwrap().unwrap().version(), version, "one file is few enough: no new version");
    assert!(matches!(lake.forget(&aliases(), 6, free).await, Err(LakeError::TooYoung { .. })));
    assert_eq!(lake.forget(&aliases(), 7, free).await.unwrap(), 0, "what was young stays");
    assert_eq!(ask(&before, ROWS).await, rows);
    // no deletion vector anywhere
    let table = lake.table(&aliases()).await.unwrap().unwrap();
    let files: Vec<_> = table.get_active_add_actions_by_partitions(&[]).try_collect().await.unwrap();
    assert!(files.iter().all(|file| file.deletion_vector_descriptor().is_none()));
}
