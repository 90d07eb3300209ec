//! Logs as brokers keep them, without a broker: gaps, deletions, topics made anew, ends that are listed in other ways.

use super::*;
use crate::source::Landed;
use crate::source::kafka::login::Security;
use crate::source::window::Window;
use chrono::DateTime;
use futures::FutureExt;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How a broker lists the end.
#[derive(Clone, Copy, PartialEq)]
enum Lists {
    /// As Kafka does.
    End,
    /// As Tansu 0.6 does: where the last batch begins, and one.
    LastBatch,
}

#[derive(Clone)]
struct Partition {
    /// Each of one write.
    batches: Vec<Vec<Message>>,
    earliest: i64,
    /// Behind everything, marks too.
    end: i64,
}

/// A topic that the test writes to while it is read.
#[derive(Clone)]
struct Fake {
    partitions: Arc<Mutex<BTreeMap<i32, Partition>>>,
    lists: Lists,
    /// Messages written before every fetch.
    grows: i64,
    /// From this fetch on everything that is there is deleted.
    deletes_at: Arc<Mutex<Option<usize>>>,
}

fn message(offset: i64, word: &str) -> Message {
    let value = format!("{{\"word\":\"{word}\",\"id\":{offset}}}").into_bytes();
    Message { offset, time: DateTime::UNIX_EPOCH, key: None, headers: BTreeMap::new(), value: Some(value) }
}

/// Batches of three.
fn partition(offsets: impl IntoIterator<Item = i64>, word: &str) -> Partition {
    let messages: Vec<Message> = offsets.into_iter().map(|offset| message(offset, word)).collect();
    let end = messages.last().map_or(0, |last| last.offset + 1);
    Partition { batches: messages.chunks(3).map(<[Message]>::to_vec).collect(), earliest: 0, end }
}

fn fake(partitions: impl IntoIterator<Item = Partition>) -> Fake {
    let partitions = Arc::new(Mutex::new((0..).zip(partitions).collect()));
    Fake { partitions, lists: Lists::End, grows: 0, deletes_at: Arc::new(Mutex::new(None)) }
}

impl Fake {
    fn change(&self, partition: i32, change: impl FnOnce(&mut Partition)) {
        change(self.partitions.lock().expect("no test panics here").get_mut(&partition).expect("a partition"));
    }

    fn read<T>(&self, partition: i32, read: impl FnOnce(&Partition) -> T) -> T {
        read(&self.partitions.lock().expect("no test panics here")[&partition])
    }
}

#[async_trait]
impl Log for Fake {
    async fn partitions(&mut self) -> Result<BTreeSet<i32>, Trouble> {
        Ok(self.partitions.lock().expect("no test panics here").keys().copied().collect())
    }

    async fn earliest(&mut self, partition: i32) -> Result<i64, Trouble> {
        Ok(self.read(partition, |one| one.earliest))
    }

    async fn latest(&mut self, partition: i32) -> Result<i64, Trouble> {
        let last = self.read(partition, |one| one.batches.last().map_or(0, |batch| batch[0].offset + 1));
        Ok(if self.lists == Lists::End { self.read(partition, |one| one.end) } else { last })
    }

    async fn fetch(&mut self, partition: i32, offset: i64, _: usize) -> Result<Option<Fetched>, Trouble> {
        if let Some(left) = self.deletes_at.lock().expect("no test panics here").as_mut() {
            if *left == 0 {
                self.change(partition, |one| one.earliest = one.end);
            }
            *left = left.saturating_sub(1);
        }
        for _ in 0..self.grows {
            self.change(partition, |one| {
                one.batches.push(vec![message(one.end, "more")]);
                one.end += 1;
            });
        }
        Ok(self.read(partition, |one| {
            let inside = (one.earliest..=one.end).contains(&offset) || self.lists == Lists::LastBatch;
            // two batches an answer, whole but for what lies before the offset
            let there = one.batches.iter().filter(|batch| batch.last().is_some_and(|last| last.offset >= offset.max(one.earliest)));
            let messages = there.take(2).flatten().filter(|message| message.offset >= offset).cloned().collect();
            inside.then_some(Fetched { messages, high_watermark: one.end })
        }))
    }
}

fn topic() -> Topic {
    Topic {
        brokers: Vec::new(),
        name: "till".into(),
        security: Security::Plaintext,
        login: None,
        first: First::Earliest,
        page_messages: 4,
        page_bytes: 1_000,
        messages_per_second: None,
        window: None,
        lost_offsets: 0,
    }
}

/// Pages that have landed.
#[derive(Default, Clone, Debug, PartialEq)]
struct Lake(Vec<(String, Bytes)>);

impl Lake {
    fn outside(&self) -> Outside {
        let landed = self.0.iter().map(|(address, _)| Landed { address: address.clone(), content: address.clone() });
        let kept: BTreeMap<String, Bytes> = self.0.iter().cloned().collect();
        let kept = move |content: String| {
            let bytes = kept.get(&content).cloned().ok_or_else(|| format!("nothing is kept under {content}"));
            async move { bytes }.boxed()
        };
        Outside { landed: landed.collect(), kept: Arc::new(kept), ..Outside::nothing() }
    }

    /// Lands at most so many pages.
    async fn run(&mut self, topic: &Topic, log: &Fake, most: usize) -> Result<usize, FeedError> {
        self.run_with(topic, log, most, self.outside()).await
    }

    async fn run_with(&mut self, topic: &Topic, log: &Fake, most: usize, outside: Outside) -> Result<usize, FeedError> {
        let pages = pages(topic, "pos", &outside, Box::new(log.clone())).await.map_err(|trouble| trouble.told("pos"))?;
        let mut pages = pages.take(most);
        let before = self.0.len();
        while let Some(page) = pages.next().await {
            let page = page?;
            self.0.push((page.address, page.bytes));
        }
        Ok(self.0.len() - before)
    }

    async fn refused(&mut self, topic: &Topic, log: &Fake) -> (Fault, String) {
        match self.run(topic, log, usize::MAX).await {
            Err(FeedError::Place { fault, what, hint, .. }) => (fault, format!("{what} ({})", hint.expect("a hint").0)),
            other => panic!("{other:?}"),
        }
    }

    fn addresses(&self) -> Vec<&str> {
        self.0.iter().map(|(address, _)| address.strip_prefix("kafka://pos/till/").expect("a page of the topic")).collect()
    }

    /// The offsets of all lines, partition by partition, in the order in which they landed.
    fn offsets(&self, partition: i32) -> Vec<i64> {
        let pages = self.0.iter().filter(|(address, _)| PageAddress::read(address).is_some_and(|page| page.partition == partition));
        let lines = pages.flat_map(|(_, bytes)| bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()));
        lines.map(|line| serde_json::from_slice::<Value>(line).expect("JSON")["offset"].as_i64().expect("an offset")).collect()
    }
}

#[tokio::test]
async fn gaps_are_passed_over_and_marks_at_the_end_are_no_end_of_the_world() {
    let log = fake([partition([0, 1, 2, 5, 6, 9, 20], "a"), partition([], "b")]);
    log.change(0, |one| one.end = 23);
    let mut lake = Lake::default();
    lake.run(&topic(), &log, usize::MAX).await.expect("a log");
    assert_eq!(lake.addresses(), ["0?from=0&to=5&messages=4", "0?from=6&to=20&messages=3"]);
    assert_eq!(lake.offsets(0), [0, 1, 2, 5, 6, 9, 20]);
    assert_eq!(lake.run(&topic(), &log, usize::MAX).await.expect("a log"), 0, "nothing is new");
    log.change(0, |one| {
        one.batches.push(vec![message(23, "a")]);
        one.end = 24;
    });
    assert_eq!(lake.run(&topic(), &log, usize::MAX).await.expect("a log"), 1);
    assert_eq!(lake.addresses()[2], "0?from=21&to=23&messages=1");
}

#[tokio::test]
async fn a_run_ends_while_the_till_goes_on_and_the_next_takes_up_the_rest() {
    for lists in [Lists::End, Lists::LastBatch] {
        let log = Fake { lists, grows: 2, ..fake([partition(0..10, "a")]) };
        let mut lake = Lake::default();
        for run in 1..=4 {
            lake.run(&topic(), &log, usize::MAX).await.expect("a log");
            let read = lake.offsets(0);
            let there = log.read(0, |one| one.end);
            assert_eq!(read, (0..read.len() as i64).collect::<Vec<_>>(), "each once, none left out");
            assert!(read.len() >= 10 && there < 100, "run {run} went on with the till: {there}");
        }
        let quiet = Fake { grows: 0, ..log };
        lake.run(&topic(), &quiet, usize::MAX).await.expect("a log");
        assert_eq!(lake.offsets(0).len() as i64, quiet.read(0, |one| one.end));
    }
}

#[tokio::test]
async fn stopped_after_any_page_and_run_again_the_pages_are_the_same() {
    for lists in [Lists::End, Lists::LastBatch] {
        let log = Fake { lists, ..fake([partition(0..23, "a"), partition([3, 4, 9, 10, 11], "b")]) };
        let mut undisturbed = Lake::default();
        undisturbed.run(&topic(), &log, usize::MAX).await.expect("a log");
        assert_eq!((undisturbed.0.len(), undisturbed.offsets(0).len(), undisturbed.offsets(1)), (8, 23, vec![3, 4, 9, 10, 11]));
        for stopped_after in 0..8 {
            let mut lake = Lake::default();
            for most in [stopped_after, 1, usize::MAX] {
                lake.run(&topic(), &log, most).await.expect("a log");
            }
            assert_eq!(lake, undisturbed, "stopped after {stopped_after}");
        }
    }
}

#[tokio::test]
async fn a_page_is_full_by_messages_or_by_bytes_and_a_long_message_has_its_own() {
    let log = fake([partition(0..6, "a")]);
    log.change(0, |one| one.batches[0][1] = message(1, &"long".repeat(200)));
    let mut lake = Lake::default();
    let narrow = Topic { page_bytes: 250, ..topic() };
    lake.run(&narrow, &log, usize::MAX).await.expect("a log");
    assert_eq!(
        lake.addresses(),
        ["0?from=0&to=0&messages=1", "0?from=1&to=1&messages=1", "0?from=2&to=3&messages=2", "0?from=4&to=5&messages=2"]
    );
    assert!(lake.0.iter().enumerate().all(|(place, (_, bytes))| (bytes.len() <= 250) == (place != 1)));
}

#[tokio::test]
async fn what_the_broker_deleted_unread_is_told_until_it_is_known_of() {
    let log = fake([partition(0..20, "a")]);
    let mut lake = Lake::default();
    lake.run(&topic(), &log, 2).await.expect("a log");
    log.change(0, |one| one.earliest = 13);
    for _ in 0..2 {
        let (fault, what) = lake.refused(&topic(), &log).await;
        assert_eq!(fault, Fault::Refused);
        assert!(
            what.contains("5 offsets of topic `till` were deleted by the broker before they were read: 8 to 12 of partition 0"),
            "{what}"
        );
        assert!(what.contains("`lost_offsets = 5`"), "{what}");
        // what was there has landed all the same
        assert_eq!(lake.offsets(0), (0..8).chain(13..20).collect::<Vec<_>>());
    }
    let known = Topic { lost_offsets: 5, ..topic() };
    assert_eq!(lake.run(&known, &log, usize::MAX).await.expect("a known loss"), 0);
    // everything gone, and nothing new
    log.change(0, |one| (one.earliest, one.end, one.batches) = (30, 30, Vec::new()));
    let (_, what) = lake.refused(&known, &log).await;
    assert!(what.contains("15 offsets") && what.contains("20 to 29 of partition 0"), "{what}");
}

#[tokio::test]
async fn what_is_deleted_while_it_is_read_does_not_take_the_page_along() {
    let log = fake([partition(0..20, "a")]);
    *log.deletes_at.lock().expect("no test panics here") = Some(1);
    let (mut lake, wide) = (Lake::default(), Topic { page_messages: 100, ..topic() });
    let (fault, what) = lake.refused(&wide, &log).await;
    assert!(fault == Fault::Unreachable && what.contains("partition 0 lost offset 6 while it was read"), "{what}");
    assert_eq!(lake.offsets(0), (0..6).collect::<Vec<_>>());
    let (_, what) = lake.refused(&wide, &log).await;
    assert!(what.contains("14 offsets"), "{what}");
}

#[tokio::test]
async fn a_topic_made_anew_is_refused() {
    for lists in [Lists::End, Lists::LastBatch] {
        let log = Fake { lists, ..fake([partition(0..10, "a"), partition(0..3, "b")]) };
        let mut lake = Lake::default();
        lake.run(&topic(), &log, usize::MAX).await.expect("a log");
        let before = lake.clone();
        let cases = [
            (vec![partition(0..4, "a"), partition(0..3, "b")], "ends before offset 9, which has landed in partition 0"),
            (vec![partition(0..40, "other"), partition(0..3, "b")], "holds another message at offset 9"),
            (vec![partition(0..10, "a")], "has no partition 1 any more"),
        ];
        for (partitions, words) in cases {
            let remade = Fake { lists, ..fake(partitions) };
            let (fault, what) = lake.refused(&topic(), &remade).await;
            assert!(fault == Fault::Refused && what.contains(words) && what.contains("give its feed another name"), "{what}");
            assert_eq!(lake, before, "nothing landed");
        }
        // the same topic, grown, is not
        let grown = Fake { lists, ..fake([partition(0..40, "a"), partition(0..3, "b")]) };
        lake.run(&topic(), &grown, usize::MAX).await.expect("the same topic");
        assert_eq!(lake.offsets(0), (0..40).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_latest_start_leaves_out_what_was_there_and_nothing_after() {
    let latest = Topic { first: First::Latest, ..topic() };
    // killed after any of the marks
    for killed_after in 0..3 {
        let log = fake([partition(0..5, "a"), partition(0..7, "b")]);
        let mut lake = Lake::default();
        lake.run(&latest, &log, killed_after).await.expect("a log");
        lake.run(&latest, &log, usize::MAX).await.expect("a log");
        assert_eq!(lake.addresses(), ["1?from=7&to=6&messages=0", "0?from=5&to=4&messages=0"], "killed after {killed_after}");
        log.change(0, |one| (one.batches, one.end) = (partition(0..8, "a").batches, 8));
        // a partition that is added later is read from its beginning
        log.partitions.lock().expect("no test panics here").insert(2, partition(0..2, "c"));
        lake.run(&latest, &log, usize::MAX).await.expect("a log");
        assert_eq!((lake.offsets(0), lake.offsets(1), lake.offsets(2)), (vec![5, 6, 7], Vec::new(), vec![0, 1]));
        assert_eq!(lake.run(&latest, &log, usize::MAX).await.expect("a log"), 0);
    }
}

#[tokio::test]
async fn a_broker_that_gives_nothing_of_a_long_rest_is_not_believed() {
    let log = fake([partition(0..3, "a")]);
    log.change(0, |one| one.end = 3 + MOST_MARKS + 1);
    let (fault, what) = Lake::default().refused(&topic(), &log).await;
    assert!(fault == Fault::Unreachable && what.contains("gives no message of partition 0 from offset 3 on, but lists 10004"), "{what}");
}

#[tokio::test]
async fn a_broker_whose_offsets_fall_is_refused() {
    let log = fake([partition(0..3, "a")]);
    log.change(0, |one| one.batches[0].swap(1, 2));
    let (fault, what) = Lake::default().refused(&topic(), &log).await;
    assert!(fault == Fault::Refused && what.contains("the broker gives offset 1 where 3 or more must come"), "{what}");
}

static RESTED_MICROS: AtomicU64 = AtomicU64::new(0);

#[tokio::test]
async fn after_so_many_messages_comes_so_long_a_rest() {
    let log = fake([partition(0..20, "a")]);
    let slow = Topic { messages_per_second: Some(50), ..topic() };
    let pause = |time: std::time::Duration| {
        RESTED_MICROS.fetch_add(time.as_micros() as u64, Ordering::SeqCst);
        async {}.boxed()
    };
    let mut lake = Lake::default();
    lake.run_with(&slow, &log, usize::MAX, Outside { pause, ..lake.outside() }).await.expect("a log");
    assert_eq!(lake.offsets(0).len(), 20);
    // 20 messages at 50 a second
    assert_eq!(RESTED_MICROS.load(Ordering::SeqCst), 400_000);
}

static LOOKS_AT_THE_CLOCK: AtomicU64 = AtomicU64::new(0);

#[tokio::test]
async fn a_window_that_closes_lets_what_is_read_land_and_no_more_be_read() {
    let log = fake([partition(0..20, "a")]);
    let night = Topic { page_messages: 100, window: Window::read("22:00-06:00"), ..topic() };
    // 05:59 in Shanghai at the first look, then 06:00
    let now = || {
        let minutes = LOOKS_AT_THE_CLOCK.fetch_add(1, Ordering::SeqCst).min(1) as i64;
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(21 * 60 + 59 + minutes)
    };
    let mut lake = Lake::default();
    let ended = lake.run_with(&night, &log, usize::MAX, Outside { now, ..lake.outside() }).await;
    assert!(matches!(ended, Err(FeedError::Place { fault: Fault::Later, .. })), "{ended:?}");
    assert_eq!(lake.offsets(0), (0..6).collect::<Vec<_>>(), "one answer of the broker");
    lake.run(&Topic { window: None, ..night }, &log, usize::MAX).await.expect("a log");
    assert_eq!(lake.offsets(0), (0..20).collect::<Vec<_>>());
}
