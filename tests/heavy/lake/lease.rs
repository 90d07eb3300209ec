//! One writer at a time, and the old one commits nothing more.

use super::{TODAY, ask, batch, local, session};
use chrono::{DateTime, TimeDelta, Utc};
use nongshi_lake::{Holder, Lake, LakeError, Landed, Lease};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

const LENGTH: TimeDelta = TimeDelta::minutes(15);

fn now() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn holder(process: u32) -> Holder {
    Holder { host: "here".into(), process, command: "run".into() }
}

fn stays(_: &Holder) -> bool {
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn one_writer_at_a_time_and_the_old_one_is_fenced() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let first = Lease::take(&lake, holder(1), now(), LENGTH, stays).await.unwrap();
    let refused = Lease::take(&lake, holder(2), now() + LENGTH - TimeDelta::seconds(1), LENGTH, stays).await.unwrap_err();
    assert_eq!(refused.to_string(), "another run holds the lock: process 1 on here (run), until 00:15:00Z");
    lake.land(&batch("1", &[("a", "x", TODAY)], 0), async || first.check(&lake).await).await.unwrap();

    // it ran out: the next one has a higher number, and the first commits nothing more
    let second = Lease::take(&lake, holder(2), now() + LENGTH, LENGTH, stays).await.unwrap();
    assert!(second.fence() > first.fence());
    assert!(matches!(first.check(&lake).await, Err(LakeError::Fenced { ours: 1, theirs: 2 })));
    assert!(matches!(first.renew(&lake, now(), LENGTH).await, Err(LakeError::Fenced { .. })));
    let late = batch("2", &[("b", "y", TODAY)], 1);
    assert!(matches!(lake.land(&late, async || first.check(&lake).await).await, Err(LakeError::Fenced { .. })));
    assert_eq!(ask(&session(&lake, TODAY).await, "select alias from landed.aliases").await, "a");
    assert_eq!(lake.batches().await.unwrap().len(), 1);
    assert!(matches!(lake.land(&late, async || second.check(&lake).await).await.unwrap(), Landed::Now(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_given_back_and_inherited() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let first = Lease::take(&lake, holder(1), now(), LENGTH, stays).await.unwrap();
    first.renew(&lake, now() + LENGTH, LENGTH).await.unwrap();
    let later = now() + LENGTH + TimeDelta::seconds(1);
    assert!(matches!(Lease::take(&lake, holder(2), later, LENGTH, stays).await, Err(LakeError::Held { .. })), "renewed");
    // the holder's process is gone: nobody waits for its lease to run out
    let second = Lease::take(&lake, holder(2), later, LENGTH, |gone| gone.process == 1).await.unwrap();
    assert!(matches!(first.check(&lake).await, Err(LakeError::Fenced { .. })));
    let fence = second.fence();
    second.release(&lake).await.unwrap();
    let third = Lease::take(&lake, holder(3), later, LENGTH, stays).await.unwrap();
    assert!(third.fence() > fence, "numbers never go back");
}

/// Sixteen take at one moment; each loser is told that the lease is held.
async fn race(lake: &Lake, at: DateTime<Utc>) -> Vec<Lease> {
    let takers = (0..16).map(|process| {
        let lake = lake.clone();
        tokio::spawn(async move { Lease::take(&lake, holder(process), at, LENGTH, stays).await })
    });
    let mut winners = Vec::new();
    for taker in takers.collect::<Vec<_>>() {
        match taker.await.unwrap() {
            Ok(lease) => winners.push(lease),
            Err(LakeError::Held { .. }) => {}
            Err(other) => panic!("a loser is told: {other}"),
        }
    }
    winners
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_many_takers_at_one_moment_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    // the first round finds no lease, the others one that has just run out
    for round in 0..20 {
        let winners = race(&lake, now() + LENGTH * round).await;
        assert_eq!(winners.len(), 1, "round {round}");
        winners[0].check(&lake).await.unwrap();
    }
}

/// A taker looks, sleeps, and wakes when two others have come and the number it wants is free again.
#[tokio::test(flavor = "multi_thread")]
async fn a_taker_that_slept_does_not_win() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    Lease::take(&lake, holder(1), now(), LENGTH, stays).await.unwrap();
    let sleeps = |_: &Holder| {
        block_in_place(|| {
            Handle::current().block_on(async {
                for process in [2, 3] {
                    Lease::take(&lake, holder(process), now(), LENGTH, |_| true).await.unwrap();
                }
            });
        });
        true
    };
    let slept = Lease::take(&lake, holder(4), now(), LENGTH, sleeps).await;
    assert!(matches!(slept, Err(LakeError::Held { .. })), "{slept:?}");
    // the one in between left nothing behind that a later taker would stumble over
    let next = Lease::take(&lake, holder(5), now() + LENGTH, LENGTH, stays).await.unwrap();
    assert_eq!(next.fence(), 4);
    next.check(&lake).await.unwrap();
}
