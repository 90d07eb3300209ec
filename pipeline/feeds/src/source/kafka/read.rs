//! Reads a topic page by page. In: a checked contract, a log, what has landed. Out: a stream of pages, partition by
//! partition, each to where it ended when the run began. Never: an offset left out that was there to read.
//!
//! Where a partition ends is what the broker lists as its latest offset. Some brokers (Tansu 0.6) list the first offset of
//! the last batch; batches come whole, so whatever a fetch brings is taken, also behind the end.

use super::history::{History, PageAddress};
use super::line::Message;
use super::{Fault, First, Topic, Trouble};
use crate::FeedError;
use crate::source::window::{refuse_closed, rest};
use crate::source::{Outside, Source, Sources};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

/// Asked for at once; a batch that is larger comes all the same.
const FETCH_BYTES: usize = 4 << 20;
/// The same where the contract sets a rate: what is read at once is small.
const FETCH_BYTES_AT_A_RATE: usize = 64 << 10;
/// So often an answer may be empty before it is believed: a broker may take a while to find old messages.
const EMPTY_ANSWERS: usize = 3;
/// So many offsets at a partition's end may hold no message: the marks of transactions. Each takes about 80 bytes, so this
/// many fit into one answer, and an empty answer means that there is nothing else.
const MOST_MARKS: i64 = 10_000;
/// Lost stretches that are told one by one.
const TOLD_LOSSES: usize = 5;

/// A topic's partitions.
#[async_trait]
pub(super) trait Log: Send {
    /// Their numbers.
    async fn partitions(&mut self) -> Result<BTreeSet<i32>, Trouble>;

    /// The first offset that is still there.
    async fn earliest(&mut self, partition: i32) -> Result<i64, Trouble>;

    /// The offset behind the last message, or the first of the last batch.
    async fn latest(&mut self, partition: i32) -> Result<i64, Trouble>;

    /// Messages at or behind the offset; nothing when the offset lies outside the partition.
    async fn fetch(&mut self, partition: i32, offset: i64, most_bytes: usize) -> Result<Option<Fetched>, Trouble>;
}

/// What a fetch brings.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub messages: Vec<Message>,
    pub high_watermark: i64,
}

/// Finds where every partition begins and ends, and reads when the stream is asked.
pub(super) async fn pages<'a>(topic: &'a Topic, feed: &'a str, outside: &'a Outside, log: Box<dyn Log>) -> Result<Sources<'a>, Trouble> {
    let reader = Reader::open(topic, feed, outside, log).await?;
    let pages = futures::stream::try_unfold(reader, |mut reader| async {
        let page = reader.next().await.map_err(|trouble| trouble.told(reader.feed))?;
        Ok::<_, FeedError>(page.map(|page| (page, reader)))
    });
    Ok(pages.boxed())
}

struct Reader<'a> {
    topic: &'a Topic,
    feed: &'a str,
    outside: &'a Outside,
    place: String,
    history: History,
    log: Box<dyn Log>,
    /// Pages without a message, that mark where a first run begins.
    marks: VecDeque<PageAddress>,
    ahead: VecDeque<Reading>,
    reading: Option<Reading>,
    /// Gone before this run could read them.
    lost: Vec<(i32, Range<i64>)>,
    /// Told when everything else has been read.
    last_word: Option<Trouble>,
}

/// A partition that is being read.
struct Reading {
    partition: i32,
    earliest: i64,
    end: i64,
    /// Behind the last page.
    next: i64,
    /// What is fetched next.
    ask: i64,
    begun: bool,
    ended: bool,
    /// Fetched, and in no page yet.
    waiting: VecDeque<Message>,
}

impl<'a> Reader<'a> {
    async fn open(topic: &'a Topic, feed: &'a str, outside: &'a Outside, mut log: Box<dyn Log>) -> Result<Reader<'a>, Trouble> {
        let place = crate::source::database::place("kafka", feed, &topic.name);
        let history = History::of(&place, outside);
        let partitions = log.partitions().await?;
        if let Some(gone) = history.partitions().find(|partition| !partitions.contains(partition)) {
            return Err(made_anew(topic, format!("has no partition {gone} any more")));
        }
        // the mark of the lowest partition lands last: as long as it is not there, the first run is not over
        let first_run = history.holds_only_marks() && partitions.first().is_some_and(|lowest| history.last(*lowest).is_none());
        let (mut marks, mut ahead) = (VecDeque::new(), VecDeque::new());
        for partition in partitions {
            let (earliest, end) = (log.earliest(partition).await?, log.latest(partition).await?);
            let next = match history.last(partition) {
                Some((page, _)) => page.next(),
                None if first_run && topic.first == First::Latest => {
                    marks.push_front(PageAddress { partition, from: end, to: end - 1, messages: 0 });
                    end
                }
                // also one that was added to the topic later
                None => earliest,
            };
            ahead.push_back(Reading { partition, earliest, end, next, ask: next, begun: false, ended: false, waiting: VecDeque::new() });
        }
        let (lost, last_word) = (Vec::new(), None);
        Ok(Reader { topic, feed, outside, place, history, log, marks, ahead, reading: None, lost, last_word })
    }

    /// The next page; at the end nothing, or what was lost.
    async fn next(&mut self) -> Result<Option<Source>, Trouble> {
        if let Some(mark) = self.marks.pop_front() {
            return Ok(Some(Source { address: mark.write(&self.place), bytes: Bytes::new() }));
        }
        loop {
            refuse_closed(self.topic.window, self.outside)?;
            let Some(mut reading) = self.reading.take().or_else(|| self.ahead.pop_front()) else { return self.end() };
            if !reading.begun {
                reading.begun = true;
                self.begin(&mut reading).await?;
            }
            if let Some(page) = self.fill(&mut reading).await? {
                self.reading = Some(reading);
                return Ok(Some(page));
            }
        }
    }

    /// Sees whether the partition is still the one that was read before, and what of it is gone.
    async fn begin(&mut self, reading: &mut Reading) -> Result<(), Trouble> {
        let Some((last, content)) = self.history.last(reading.partition).cloned() else { return Ok(()) };
        if reading.earliest > last.next() {
            self.lost.push((reading.partition, last.next()..reading.earliest));
            (reading.next, reading.ask) = (reading.earliest, reading.earliest);
            return Ok(());
        }
        // the last message that landed is fetched again: a topic made anew holds another one there
        let looked_at = if last.messages > 0 && reading.earliest <= last.to { last.to } else { last.next() };
        let remade = |what: String| made_anew(self.topic, format!("{what} in partition {}", last.partition));
        let fetched = self.log.fetch(reading.partition, looked_at, self.fetch_bytes()).await?;
        let Some(fetched) = fetched.filter(|fetched| fetched.high_watermark.max(reading.end) >= last.next()) else {
            return Err(remade(format!("ends before offset {}, which has landed", last.to)));
        };
        check_order(&fetched.messages, looked_at)?;
        if let Some(there) = fetched.messages.first().filter(|there| there.offset == last.to)
            && !same_message(&last_line(self.outside, &content).await?, &there.line())
        {
            return Err(remade(format!("holds another message at offset {} than the one that landed", last.to)));
        }
        reading.take(fetched.messages.into_iter().filter(|message| message.offset > last.to).collect());
        Ok(())
    }

    /// One page of the partition; nothing when it is read to its end.
    async fn fill(&mut self, reading: &mut Reading) -> Result<Option<Source>, Trouble> {
        let mut page = Page::default();
        while !reading.fill(&mut page, self.topic) && !reading.is_read() {
            if page.messages > 0 && refuse_closed(self.topic.window, self.outside).is_err() {
                // what is read is kept; the next run goes on behind it
                break;
            }
            self.fetch(reading).await?;
        }
        let Some(to) = page.last else { return Ok(None) };
        let address = PageAddress { partition: reading.partition, from: reading.next, to, messages: page.messages };
        reading.next = address.next();
        Ok(Some(Source { address: address.write(&self.place), bytes: page.bytes.into() }))
    }

    /// Fetches once more, or finds that nothing is left.
    async fn fetch(&mut self, reading: &mut Reading) -> Result<(), Trouble> {
        for _ in 0..EMPTY_ANSWERS {
            let Some(fetched) = self.log.fetch(reading.partition, reading.ask, self.fetch_bytes()).await? else {
                reading.ended = true;
                let what = format!("partition {} lost offset {} while it was read", reading.partition, reading.ask);
                self.last_word = Some(Trouble::new(Fault::Unreachable, what, "run again; the broker deletes faster than it is read"));
                return Ok(());
            };
            if !fetched.messages.is_empty() {
                check_order(&fetched.messages, reading.ask)?;
                if let Some(rate) = self.topic.messages_per_second {
                    (self.outside.pause)(rest(fetched.messages.len(), rate)).await;
                }
                reading.take(fetched.messages);
                return Ok(());
            }
        }
        reading.ended = true;
        if reading.end - reading.ask > MOST_MARKS {
            let Reading { partition, ask, end, .. } = reading;
            let what = format!("the broker gives no message of partition {partition} from offset {ask} on, but lists {end} as its end");
            self.last_word = Some(Trouble::new(Fault::Unreachable, what, "run again later: what has landed is not read twice"));
        }
        Ok(())
    }

    fn fetch_bytes(&self) -> usize {
        let most = if self.topic.messages_per_second.is_some() { FETCH_BYTES_AT_A_RATE } else { FETCH_BYTES };
        most.min(self.topic.page_bytes)
    }

    /// What is to be said when everything there is has been handed on.
    fn end(&mut self) -> Result<Option<Source>, Trouble> {
        let mut lost = self.history.lost();
        lost.append(&mut self.lost);
        let offsets: u64 = lost.iter().map(|(_, lost)| lost.end.abs_diff(lost.start)).sum();
        if offsets <= self.topic.lost_offsets {
            return self.last_word.take().map_or(Ok(None), Err);
        }
        let mut told: Vec<String> = lost
            .iter()
            .take(TOLD_LOSSES)
            .map(|(partition, lost)| format!("{} to {} of partition {partition}", lost.start, lost.end - 1))
            .collect();
        if lost.len() > TOLD_LOSSES {
            told.push(format!("and {} more stretches", lost.len() - TOLD_LOSSES));
        }
        let name = &self.topic.name;
        let what = format!("{offsets} offsets of topic `{name}` were deleted by the broker before they were read: {}", told.join(", "));
        let hint = format!(
            "everything that is still there has landed; let the broker keep messages longer than the longest pause between two runs, \
             bring what is missing from the tills themselves, then write `lost_offsets = {offsets}`"
        );
        Err(Trouble::new(Fault::Refused, what, hint))
    }
}

impl Reading {
    fn take(&mut self, messages: Vec<Message>) {
        if let Some(last) = messages.last() {
            self.ask = last.offset.saturating_add(1);
        }
        self.waiting.extend(messages);
    }

    fn is_read(&self) -> bool {
        self.ended || self.ask >= self.end
    }

    /// Moves what waits into the page, and tells whether it is full.
    fn fill(&mut self, page: &mut Page, topic: &Topic) -> bool {
        while let Some(message) = self.waiting.front() {
            let line = message.line();
            if page.messages > 0 && page.bytes.len() + line.len() > topic.page_bytes {
                return true;
            }
            page.bytes.extend_from_slice(&line);
            page.messages += 1;
            page.last = Some(message.offset);
            self.waiting.pop_front();
            if page.messages == topic.page_messages as u64 {
                return true;
            }
        }
        false
    }
}

/// A page while it is filled.
#[derive(Default)]
struct Page {
    bytes: Vec<u8>,
    messages: u64,
    last: Option<i64>,
}

/// Offsets rise; between two of them there may be gaps, left by compaction and by transactions.
fn check_order(messages: &[Message], from: i64) -> Result<(), Trouble> {
    let mut least = from;
    for message in messages {
        if message.offset < least {
            let what = format!("the broker gives offset {} where {least} or more must come", message.offset);
            return Err(Trouble::new(Fault::Refused, what, "nothing of this page has landed; look at the broker's log"));
        }
        least = message.offset.saturating_add(1);
    }
    Ok(())
}

/// The last message of a kept page.
async fn last_line(outside: &Outside, content: &str) -> Result<Vec<u8>, Trouble> {
    let bytes = (outside.kept)(content.to_string()).await;
    let line = bytes.map(|bytes| bytes.rsplit(|byte| *byte == b'\n').find(|line| !line.is_empty()).map(<[u8]>::to_vec));
    let unkept = |what: String| {
        let what = format!("whether the topic is still the one that was read cannot be told: {what}");
        Trouble::new(Fault::Refused, what, "restore the raw bytes in the store")
    };
    line.map_err(unkept)?.ok_or_else(|| unkept(format!("the kept page {content} is empty")))
}

fn same_message(kept: &[u8], there: &[u8]) -> bool {
    let read = |line: &[u8]| serde_json::from_slice::<Value>(line).ok();
    let (Some(kept), Some(there)) = (read(kept), read(there)) else { return false };
    ["offset", "timestamp", "key", "value"].iter().all(|name| kept.get(name) == there.get(name))
}

fn made_anew(topic: &Topic, what: String) -> Trouble {
    let what = format!("topic `{}` {what}: it was made anew, or the brokers are others", topic.name);
    Trouble::new(Fault::Refused, what, "a topic made anew is another source: give its feed another name; what has landed stays")
}

#[cfg(test)]
mod tests;
