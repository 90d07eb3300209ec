//! What was read of a topic before, by the batches that landed. In: their addresses. Out: where each partition goes on, and
//! which offsets were never read. Never: a word that did not land with the messages themselves.

use crate::source::{Landed, Outside};
use std::ops::Range;

/// A page's address: `kafka://FEED/TOPIC/PARTITION?from=0&to=41&messages=42`, the same on every machine. Every offset from
/// `from` to `to`, both included, has been read; so many of them held a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageAddress {
    pub partition: i32,
    pub from: i64,
    /// One less than `from` when nothing was there to read, and the page only marks the place.
    pub to: i64,
    /// As they were counted when they came.
    pub messages: u64,
}

impl PageAddress {
    /// Writes it behind the topic's place.
    pub fn write(&self, place: &str) -> String {
        format!("{place}/{}?from={}&to={}&messages={}", self.partition, self.from, self.to, self.messages)
    }

    /// Reads what was written.
    pub fn read(address: &str) -> Option<PageAddress> {
        let (front, asked) = address.strip_prefix("kafka://")?.split_once('?')?;
        let value = |key: &str| asked.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        Some(PageAddress {
            partition: front.rsplit('/').next()?.parse().ok()?,
            from: value("from")?.parse().ok()?,
            to: value("to")?.parse().ok()?,
            messages: value("messages")?.parse().ok()?,
        })
    }

    /// The offset behind the page.
    pub fn next(&self) -> i64 {
        self.to.saturating_add(1)
    }
}

/// The landed pages of one topic.
#[derive(Debug)]
pub(super) struct History(Vec<(PageAddress, String)>);

impl History {
    /// Of the topic at this place.
    pub fn of(place: &str, outside: &Outside) -> History {
        let read = |landed: &Landed| {
            let behind = landed.address.strip_prefix(place)?.strip_prefix('/')?;
            (!behind.contains('/')).then_some(())?;
            Some((PageAddress::read(&landed.address)?, landed.content.clone()))
        };
        let mut pages: Vec<(PageAddress, String)> = outside.landed.iter().filter_map(read).collect();
        pages.sort_by_key(|(page, _)| (page.partition, page.from, page.to));
        History(pages)
    }

    /// Whether no message has landed: nothing, or the marks of a first run.
    pub fn holds_only_marks(&self) -> bool {
        self.0.iter().all(|(page, _)| page.messages == 0)
    }

    /// The partitions that were read.
    pub fn partitions(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.iter().map(|(page, _)| page.partition)
    }

    /// A partition's last page and the name of its kept bytes.
    pub fn last(&self, partition: i32) -> Option<&(PageAddress, String)> {
        self.0.iter().rfind(|(page, _)| page.partition == partition)
    }

    /// Offsets between two pages: they were gone before they could be read.
    pub fn lost(&self) -> Vec<(i32, Range<i64>)> {
        let pairs = self.0.windows(2).filter(|pair| pair[0].0.partition == pair[1].0.partition);
        let between = pairs.map(|pair| (pair[0].0.partition, pair[0].0.next()..pair[1].0.from));
        between.filter(|(_, lost)| !lost.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(partition: i32, from: i64, to: i64, messages: u64) -> PageAddress {
        PageAddress { partition, from, to, messages }
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let page = page(3, 12, 11, 0);
        let address = page.write("kafka://pos/till.sales");
        assert_eq!(address, "kafka://pos/till.sales/3?from=12&to=11&messages=0");
        assert_eq!(PageAddress::read(&address), Some(page));
        for other in ["kafka://pos/t/x?from=1&to=2&messages=2", "kafka://pos/t/1?from=1&to=2", "postgres://pos/t/1?from=1&to=2&messages=1"]
        {
            assert_eq!(PageAddress::read(other), None, "{other}");
        }
    }

    #[test]
    fn each_partition_goes_on_behind_its_own_last_page_and_its_losses_are_seen() {
        let place = "kafka://pos/till";
        let pages = [page(0, 0, 9, 10), page(1, 5, 4, 0), page(0, 10, 19, 7), page(0, 25, 25, 1), page(1, 5, 5, 1), page(10, 0, 0, 1)];
        let mut landed: Vec<Landed> = pages.iter().map(|page| Landed { address: page.write(place), content: "c".into() }).collect();
        landed.push(Landed { address: page(0, 90, 99, 10).write("kafka://pos/till.other"), content: "c".into() });
        landed.push(Landed { address: "kafka://pos/till/0/0?from=90&to=99&messages=10".into(), content: "c".into() });
        let history = History::of(place, &Outside { landed, ..Outside::nothing() });
        let next = |partition| history.last(partition).map(|(page, _)| page.next());
        assert_eq!((next(0), next(1), next(10), next(2)), (Some(26), Some(6), Some(1), None));
        assert_eq!(history.lost(), [(0, 20..25)]);
    }
}
