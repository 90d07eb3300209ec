//! What was read of a relation before, by the batches that landed. In: their addresses and their kept bytes. Out: where
//! reading goes on, and which rows of the overlap are known. Never: a word that did not land with the rows themselves.
//!
//! A round is all rows from one watermark up to another, in pages. It is finished when nothing is left behind its last
//! landed page; the next round begins an overlap before its end.

use super::watermark::Watermark;
use crate::source::{Landed, Outside};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// What would be read as something else in an address.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'&').add(b'+').add(b'/').add(b'=').add(b'?');

/// From one watermark to another; both are part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Round {
    /// Nothing when it begins at the first row.
    pub from: Option<Watermark>,
    pub to: Watermark,
}

/// A page that has landed.
#[derive(Debug, Clone)]
struct LandedPage {
    round: Round,
    page: u64,
    content: String,
}

/// The landed pages of one relation, in the order in which they landed.
#[derive(Debug)]
pub(super) struct History(Vec<LandedPage>);

/// Rows that are kept already, by the digest of their line.
#[derive(Debug, Default)]
pub(super) struct Known(HashSet<[u8; 32]>);

impl Known {
    /// Whether the line is kept already.
    pub fn holds(&self, line: &[u8]) -> bool {
        !self.0.is_empty() && self.0.contains(&digest(line))
    }

    /// Adds every line of a page.
    pub fn add(&mut self, page: &[u8]) {
        self.0.extend(lines(page).map(digest));
    }

    /// Adds what others know.
    pub fn join(&mut self, other: Known) {
        self.0.extend(other.0);
    }
}

fn digest(line: &[u8]) -> [u8; 32] {
    Sha256::digest(line).into()
}

/// The address of a page: the same on every machine, without host and user.
pub(super) fn address(place: &str, round: &Round, page: u64) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let from = round.from.as_ref().map_or(String::new(), |from| escaped(&from.text));
    format!("{place}?from={from}&to={}&page={page}", escaped(&round.to.text))
}

/// `postgres://FEED/RELATION`.
pub(in crate::source) fn place(scheme: &str, feed: &str, relation: &str) -> String {
    format!("{scheme}://{}/{}", utf8_percent_encode(feed, ESCAPED), utf8_percent_encode(relation, ESCAPED))
}

fn read_address(place: &str, landed: &Landed) -> Option<LandedPage> {
    let asked = landed.address.strip_prefix(place)?.strip_prefix('?')?;
    let value = |key: &str| {
        let found = asked.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?;
        percent_decode_str(found).decode_utf8().ok()
    };
    let from = value("from")?;
    let from = if from.is_empty() { None } else { Some(Watermark::read(&from)?) };
    let round = Round { from, to: Watermark::read(&value("to")?)? };
    Some(LandedPage { round, page: value("page")?.parse().ok()?, content: landed.content.clone() })
}

impl History {
    /// Of the relation at this place.
    pub fn of(place: &str, outside: &Outside) -> History {
        History(outside.landed.iter().filter_map(|landed| read_address(place, landed)).collect())
    }

    /// The last round and the number of its last landed page.
    pub fn last(&self) -> Option<(Round, u64)> {
        self.0.last().map(|page| (page.round.clone(), page.page))
    }

    /// The columns of order of the last row that landed, as they stand in the kept page.
    pub async fn last_row(&self, outside: &Outside, order: &[String]) -> Result<Vec<String>, String> {
        let page = self.0.last().ok_or("nothing has landed")?;
        let bytes = (outside.kept)(page.content.clone()).await?;
        let line = lines(&bytes).last().ok_or_else(|| format!("the kept page {} is empty", page.content))?;
        values(line, order)
            .ok_or_else(|| format!("the last row of the kept page {} has not the columns `{}`", page.content, order.join("`, `")))
    }

    /// The rows at or behind `from` that have landed.
    pub async fn known(&self, outside: &Outside, from: &Watermark, watermark: &str) -> Result<Known, String> {
        let mut known = Known::default();
        let mut before_from = false;
        for page in self.0.iter().rev() {
            if page.round.to.is_before(from) {
                // rounds end ever later
                break;
            }
            if before_from {
                before_from = page.page > 1;
                continue;
            }
            let bytes = (outside.kept)(page.content.clone()).await?;
            known.add(&bytes);
            let first = lines(&bytes).next().and_then(|line| Watermark::read(values(line, &[watermark.to_string()])?.first()?));
            // pages go forward from page 1, so the earlier ones of this reading hold nothing behind `from`
            before_from = page.page > 1 && first.is_some_and(|first| first.is_before(from));
        }
        Ok(known)
    }
}

fn lines(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn values(line: &[u8], columns: &[String]) -> Option<Vec<String>> {
    let row: Value = serde_json::from_slice(line).ok()?;
    columns.iter().map(|column| Some(row.get(column)?.as_str()?.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::FutureExt;

    fn read(text: &str) -> Watermark {
        Watermark::read(text).expect("a watermark")
    }

    fn outside(pages: &[(&str, &str, &str, u64)]) -> Outside {
        let place = place("postgres", "sales", "lines");
        let landed = pages.iter().map(|(content, from, to, page)| {
            let round = Round { from: (!from.is_empty()).then(|| read(from)), to: read(to) };
            Landed { address: address(&place, &round, *page), content: content.to_string() }
        });
        // the content's name is its rows: `3 5` holds the rows 3 and 5
        let kept = |content: String| {
            let rows = content.split(' ').map(|row| format!("{{\"at\":\"{row}\"}}\n")).collect::<String>();
            async move { Ok(Bytes::from(rows)) }.boxed()
        };
        Outside { landed: landed.collect(), kept: std::sync::Arc::new(kept), ..Outside::nothing() }
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let round = Round { from: Some(read("2026-03-01 00:00:00.5+08")), to: read("2026-03-02 00:00:00+08") };
        let place = place("mysql", "sales", "pos.销售");
        let address = address(&place, &round, 12);
        assert_eq!(address, "mysql://sales/pos.%E9%94%80%E5%94%AE?from=2026-03-01%2000:00:00.5%2B08&to=2026-03-02%2000:00:00%2B08&page=12");
        let read = read_address(&place, &Landed { address, content: "c".into() }).expect("our own address");
        assert_eq!((read.round, read.page), (round, 12));
        let other = Landed { address: "mysql://sales/pos.x?from=&to=1&page=1".into(), content: "c".into() };
        assert!(read_address(&place, &other).is_none());
    }

    #[tokio::test]
    async fn the_rows_of_the_overlap_are_known_and_no_others() {
        // the last round is read twice from its page 1: a row came late after the first time
        let pages = [
            ("10 20", "", "60", 1),
            ("30 40", "", "60", 2),
            ("50 60", "", "60", 3),
            ("45 70", "30", "70", 1),
            ("75 80", "60", "80", 1),
            ("65", "60", "80", 1),
        ];
        let outside = outside(&pages);
        let history = History::of("postgres://sales/lines", &outside);
        let (round, page) = history.last().expect("pages");
        assert_eq!((round.to.text.as_str(), page), ("80", 1));
        assert_eq!(history.last_row(&outside, &["at".into()]).await, Ok(vec!["65".into()]));
        let known = history.known(&outside, &read("50"), "at").await.expect("kept pages");
        let held = (1..20).map(|row| row * 5).filter(|row| known.holds(format!("{{\"at\":\"{row}\"}}").as_bytes()));
        // of the first round the page of 30 begins before 50: what lies before it is not read
        assert_eq!(held.collect::<Vec<_>>(), [30, 40, 45, 50, 60, 65, 70, 75, 80]);
        let known = history.known(&outside, &read("55"), "at").await.expect("kept pages");
        assert!(known.holds(b"{\"at\":\"60\"}") && !known.holds(b"{\"at\":\"40\"}"));
    }
}
