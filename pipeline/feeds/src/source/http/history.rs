//! Which days of a board have landed, by the addresses of their pages. In: what landed, in its order. Out: the newest
//! version of each page, the days still to be asked. Never: a word that did not land with the rows themselves.

use super::Days;
use crate::source::Landed;
use chrono::NaiveDate;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What would be read as something else in an address.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'&').add(b'+').add(b'/').add(b'=').add(b'?').add(b'!');

/// `http:FEED/`.
pub(super) fn place(feed: &str) -> String {
    format!("http:{}/", utf8_percent_encode(feed, ESCAPED))
}

/// A page's address without the host: the same on every machine. A board that is asked for a day carries that day, any
/// other the day on which it was asked.
pub(super) fn address(place: &str, day: Option<NaiveDate>, page: Option<u64>, today: NaiveDate) -> String {
    let day = day.map_or_else(|| format!("asked={today}"), |day| format!("day={day}"));
    format!("{place}?{day}{}", page.map_or(String::new(), |page| format!("&page={page}")))
}

/// The address of a day's last page: the day is read to its end.
pub(super) fn last(address: &str) -> String {
    format!("{address}&last")
}

/// The address of a page that says something else than before.
pub(super) fn corrected(address: &str, today: NaiveDate) -> String {
    format!("{address}&corrected={today}")
}

/// The day on which a page was found to say something else than before: nothing in it was known earlier for sure.
pub(crate) fn corrected_on(address: &str) -> Option<NaiveDate> {
    let asked = address.strip_prefix("http:")?.split_once("/?")?.1;
    value(page_of(asked), "corrected")?.parse().ok()
}

/// Of an archive each member is a batch: the page is what they have in common.
fn page_of(address: &str) -> &str {
    address.split_once('!').map_or(address, |(page, _)| page)
}

fn value<'a>(asked: &'a str, key: &str) -> Option<&'a str> {
    asked.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

/// The pages of one board that landed under their day.
#[derive(Debug, Default)]
pub(super) struct History {
    newest: BTreeMap<(NaiveDate, u64), Landed>,
    finished: BTreeSet<NaiveDate>,
}

impl History {
    pub fn of(place: &str, landed: &[Landed]) -> History {
        let mut history = History::default();
        for landed in landed {
            let page_address = page_of(&landed.address);
            let Some(asked) = page_address.strip_prefix(place).and_then(|rest| rest.strip_prefix('?')) else { continue };
            let Some(day) = value(asked, "day").and_then(|day| day.parse().ok()) else { continue };
            let Some(page) = value(asked, "page").map_or(Some(1), |page| page.parse().ok()) else { continue };
            history.newest.insert((day, page), Landed { address: page_address.to_string(), content: landed.content.clone() });
            if asked.split('&').any(|pair| pair == "last") {
                history.finished.insert(day);
            }
        }
        history
    }

    /// The version of the page that landed last.
    pub fn newest(&self, day: NaiveDate, page: u64) -> Option<&Landed> {
        self.newest.get(&(day, page))
    }

    /// Whether the day's last page has landed, and so all before it.
    pub fn is_finished(&self, day: NaiveDate) -> bool {
        self.finished.contains(&day)
    }

    /// The days to be asked, in their order: those that are not read to their end, and the last ones again.
    pub fn ahead(&self, days: &Days, today: NaiveDate) -> VecDeque<NaiveDate> {
        let until = today.checked_sub_days(days.lag);
        let again_after = self.finished.last().and_then(|newest| newest.checked_sub_days(days.again)).unwrap_or(NaiveDate::MAX);
        let all = days.from.iter_days().take_while(|day| until.is_some_and(|until| *day <= until));
        all.filter(|day| *day > again_after || !self.is_finished(*day)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Days as Count;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn landed(addresses: &[&str]) -> Vec<Landed> {
        let landed = addresses.iter().enumerate();
        landed.map(|(place, address)| Landed { address: address.to_string(), content: place.to_string() }).collect()
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let (place, today) = (place("新发地/菜"), day("2026-07-09"));
        let page = last(&address(&place, Some(day("2026-07-01")), Some(3), today));
        assert_eq!(page, "http:%E6%96%B0%E5%8F%91%E5%9C%B0%2F%E8%8F%9C/?day=2026-07-01&page=3&last");
        assert_eq!(address("http:b/", None, None, today), "http:b/?asked=2026-07-09");
        let later = corrected(&page, today);
        assert_eq!((corrected_on(&page), corrected_on(&later)), (None, Some(today)));
        assert_eq!(corrected_on(&format!("{later}!corrected=2020-01-01.csv")), Some(today));
        assert_eq!(corrected_on("inbox/?corrected=2020-01-01"), None);
        let history = History::of(&place, &landed(&[&page, &later, "http:other/?day=2026-07-01&page=3"]));
        assert_eq!(history.newest(day("2026-07-01"), 3).map(|page| page.content.as_str()), Some("1"));
        assert!(history.is_finished(day("2026-07-01")));
    }

    #[test]
    fn missing_days_and_the_last_ones_are_asked() {
        let history = History::of(
            "http:b/",
            &landed(&[
                "http:b/?day=2026-07-01&page=1",
                "http:b/?day=2026-07-01&page=2&last",
                "http:b/?day=2026-07-03&last",
                "http:b/?day=2026-07-05&page=1&last",
                "http:b/?day=2026-07-06&page=1",
            ]),
        );
        let ahead = |again: u64, today: &str| {
            let days = Days { from: day("2026-07-01"), lag: Count::new(1), again: Count::new(again) };
            history.ahead(&days, day(today)).iter().map(|day| day.format("%-d").to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ahead(0, "2026-07-08"), "2 4 6 7");
        assert_eq!(ahead(1, "2026-07-08"), "2 4 5 6 7");
        assert_eq!(ahead(3, "2026-07-06"), "2 3 4 5");
        assert_eq!(ahead(0, "2026-07-01"), "");
    }
}
