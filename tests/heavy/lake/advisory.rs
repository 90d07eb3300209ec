//! One writer at a time by PostgreSQL, for stores that do not keep two writers apart.

use super::{TODAY, ask, batch, local, session};
use nongshi_lake::{AdvisoryLock, Guard, Holder, LakeError};
use sqlx::{Connection, Executor, PgConnection};
use std::sync::Arc;

/// The PostgreSQL server that `tests/run` starts; none: said so, and under CI a failure.
fn server() -> Option<String> {
    let found = std::env::var("NONGSHI_TEST_POSTGRES").ok();
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "NONGSHI_TEST_POSTGRES must name a PostgreSQL server under CI");
        println!("skipped: NONGSHI_TEST_POSTGRES names no PostgreSQL server (`tests/run` starts one)");
    }
    found
}

fn holder(process: u32) -> Holder {
    Holder { host: "here".into(), process, command: "run".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_writer_at_a_time_and_a_lost_session_commits_nothing() {
    let Some(address) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let first = AdvisoryLock::take(&lake, &address, &holder(1)).await.unwrap();
    first.check().await.unwrap();
    let refused = AdvisoryLock::take(&lake, &address, &holder(2)).await.unwrap_err();
    assert_eq!(refused.to_string(), "another run holds the lock: nongshi process 1 on here (run), until it ends");
    // another lake has a lock of its own
    let elsewhere = tempfile::tempdir().unwrap();
    let other = AdvisoryLock::take(&local(&elsewhere), &address, &holder(3)).await.unwrap();
    other.release().await.unwrap();

    // the session ends without its process: the next one takes the lock, the old one commits nothing more
    let mut keeper = PgConnection::connect(&address).await.unwrap();
    keeper
        .execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'nongshi process 1 on here (run)'")
        .await
        .unwrap();
    let second = loop {
        // the server ends a session in its own time
        match AdvisoryLock::take(&lake, &address, &holder(2)).await {
            Ok(lock) => break lock,
            Err(LakeError::Held { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(matches!(first.check().await, Err(LakeError::LockLost)));
    let late = batch("1", &[("a", "x", TODAY)], 0);
    assert!(matches!(lake.land(&late, async || first.check().await).await, Err(LakeError::LockLost)));
    lake.land(&late, async || second.check().await).await.unwrap();
    assert_eq!(lake.batches().await.unwrap().len(), 1);
    second.release().await.unwrap();
    AdvisoryLock::take(&lake, &address, &holder(4)).await.unwrap();
}

/// Reliability test 3: on a store that overwrites commits, four writers under the lock lose nothing. (That such a store
/// loses commits without it, `careless.rs` shows.)
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_the_lock_a_careless_store_loses_nothing() {
    let Some(address) = server() else { return };
    let lake = super::careless::overwriting();
    assert!(matches!(lake.probe("a").await, Err(LakeError::NotAtomic(_))), "the store is careless indeed");
    let address = Arc::new(address);
    let writers = (0..4).map(|writer| {
        let (lake, address) = (lake.clone(), address.clone());
        async move {
            for turn in 0..10 {
                let guard = loop {
                    match AdvisoryLock::take(&lake, &address, &holder(10 + writer)).await {
                        Ok(lock) => break Guard::Advisory(lock),
                        Err(LakeError::Held { .. }) => tokio::task::yield_now().await,
                        Err(other) => panic!("{other}"),
                    }
                };
                let (content, alias) = (format!("{writer}-{turn}"), format!("alias {writer} {turn}"));
                let now = chrono::DateTime::UNIX_EPOCH;
                lake.land(&batch(&content, &[(&alias, "x", "2025-01-01")], 0), async || guard.hold(&lake, now).await).await.unwrap();
                guard.release(&lake).await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
    let stored = ask(&session(&lake, TODAY).await, "select count(distinct alias) from landed.aliases").await;
    assert_eq!((stored.as_str(), lake.batches().await.unwrap().len()), ("40", 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_database_is_said_without_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    for address in ["canary", "postgres://canary:canary@127.0.0.1:1/canary"] {
        let error = AdvisoryLock::take(&lake, address, &holder(1)).await.unwrap_err();
        assert!(!error.to_string().contains("canary") && matches!(error, LakeError::Lock { .. }), "{error}");
    }
}
