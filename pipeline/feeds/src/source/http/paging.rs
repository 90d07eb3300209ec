//! From one page of a reading to the next. In: how the board pages, and what a page holds. Out: whether the page is handed
//! on and whether another follows. Never: a reading cut short in silence: what does not add up is refused.

use crate::decode::decode;
use crate::source::trouble::{Fault, Trouble};
use crate::unpack::members;
use crate::{Contract, FeedError, Format, Source, count_received};
use chrono::NaiveDate;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

const CHANGED: &str = "run again when the board is quiet: the day is asked anew, and what has landed stays";

/// How a board pages, and what every page must say.
#[derive(Debug)]
pub(super) struct Paging {
    pub step: Step,
    /// Pointer to the number of rows in all pages.
    pub total: Option<String>,
    /// Pointers and what stands there.
    pub expect: BTreeMap<String, String>,
    pub most_pages: u64,
}

impl Paging {
    /// Whether it has a pointer.
    pub fn points(&self) -> bool {
        let leads = matches!(self.step, Step::Cursor(_) | Step::Next(_) | Step::Number { end: End::LastPage(_), .. });
        leads || self.total.is_some() || !self.expect.is_empty()
    }
}

/// What asks for the next page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is one page.
    Single,
    Number {
        from: u64,
        step: u64,
        end: End,
    },
    /// A pointer to what stands for `{cursor}` in the next request.
    Cursor(String),
    /// A pointer to the address of the next page.
    Next(String),
    /// The answer's `Link` header. Source: RFC 8288.
    Link,
}

/// Which numbered page is the last.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The one before an empty one.
    Empty,
    /// The one that comes again in place of the next.
    Repeated,
    /// A pointer to its number.
    LastPage(String),
    /// The one with which all rows are there.
    Total,
}

/// What a page holds, as far as paging asks for it.
pub(super) struct Seen {
    /// Records in it.
    pub rows: u64,
    /// Of the records, not of what stands beside them.
    digest: [u8; 32],
    /// Of a JSON page.
    tree: Option<Value>,
    /// The next page by the `Link` header.
    link: Option<String>,
}

/// Looks at a page.
pub(super) fn look(contract: &Contract, source: &Source, link: Option<String>) -> Result<Seen, FeedError> {
    let (mut rows, mut digest, mut tree) = (0, Sha256::new(), None);
    // some boards say nothing at all behind their last page
    if source.bytes.iter().all(u8::is_ascii_whitespace) && !matches!(contract.format, Format::Json { .. }) {
        return Ok(Seen { rows, digest: digest.finalize().into(), tree, link });
    }
    for member in members(contract, source)? {
        let page = member.unpack(contract, source)?;
        rows += count_received(contract, &page)?;
        match &contract.format {
            Format::Json { encoding, records } => {
                let whole = crate::format::json_tree(contract, &page, *encoding)?;
                let list = records.iter().try_fold(&whole, |at, key| at.get(key));
                digest.update(list.map(Value::to_string).unwrap_or_default());
                tree = Some(whole);
            }
            Format::Csv { encoding, .. } | Format::Ndjson { encoding } => digest.update(decode(contract, &page, *encoding)?.as_bytes()),
            Format::Messages | Format::Parquet | Format::Xlsx { .. } => digest.update(&page.bytes),
        }
    }
    let width = contract.unpivot.as_ref().map_or(1, |unpivot| unpivot.columns.len() as u64);
    Ok(Seen { rows: rows / width, digest: digest.finalize().into(), tree, link })
}

/// A reading: all pages of a day, or of a board that is asked for none.
pub(super) struct Walk {
    pub day: Option<NaiveDate>,
    /// The page's number, or its place in the order of the cursors, from 1.
    pub page: u64,
    pub cursor: Option<String>,
    /// The next page's own address.
    pub next: Option<String>,
    pages: u64,
    rows: u64,
    /// What the first page said of all of them.
    total: Option<u64>,
    last_page: Option<u64>,
    before: HashSet<[u8; 32]>,
    last: [u8; 32],
}

/// What becomes of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub hand_on: bool,
    pub more: bool,
}

impl Walk {
    pub fn begin(day: Option<NaiveDate>, paging: &Paging) -> Walk {
        let page = if let Step::Number { from, .. } = paging.step { from } else { 1 };
        let before = HashSet::new();
        Walk { day, page, cursor: None, next: None, pages: 0, rows: 0, last_page: None, total: None, before, last: [0; 32] }
    }

    /// Takes the page in and moves on to the next.
    pub fn take(&mut self, paging: &Paging, seen: &Seen) -> Result<Turn, Trouble> {
        for (pointer, wanted) in &paging.expect {
            let found = seen.text(pointer).unwrap_or_default();
            if found != *wanted {
                let what = format!("`{pointer}` is `{}`, where `expect` wants `{wanted}`", found.chars().take(80).collect::<String>());
                return Err(Trouble::new(Fault::Refused, what, "the answer tells that something is wrong; ask the board by hand"));
            }
        }
        let first = self.pages == 0;
        self.pages += 1;
        let is_new = seen.rows == 0 || self.before.insert(seen.digest);
        if !is_new {
            let at_end = matches!(paging.step, Step::Number { end: End::Repeated, .. }) && self.last == seen.digest;
            return if at_end { self.end(false) } else { Err(repeated()) };
        }
        self.last = seen.digest;
        self.rows += seen.rows;
        if let Some(total) = &paging.total {
            agree(&mut self.total, total, seen.number(total)?)?;
        }
        if !self.has_more(paging, seen)? {
            return self.end(seen.rows > 0 || first);
        }
        if self.pages == paging.most_pages {
            let what = format!("it has more than {} pages", paging.most_pages);
            return Err(Trouble::new(Fault::Refused, what, "ask for more rows in a page, or raise `most_pages`"));
        }
        self.page += if let Step::Number { step, .. } = paging.step { step } else { 1 };
        Ok(Turn { hand_on: seen.rows > 0 || first, more: true })
    }

    fn has_more(&mut self, paging: &Paging, seen: &Seen) -> Result<bool, Trouble> {
        Ok(match &paging.step {
            Step::Single => false,
            Step::Number { end: End::Empty | End::Repeated, .. } => seen.rows > 0,
            Step::Number { end: End::LastPage(last), .. } => {
                let number = seen.number(last)?;
                agree(&mut self.last_page, last, number)?;
                self.page < number
            }
            Step::Number { end: End::Total, .. } => seen.rows > 0 && self.total.is_some_and(|total| self.rows < total),
            Step::Cursor(pointer) => {
                self.cursor = seen.onward(pointer)?;
                self.cursor.is_some()
            }
            Step::Next(pointer) => {
                self.next = seen.onward(pointer)?;
                self.next.is_some()
            }
            Step::Link => {
                self.next = seen.link.clone();
                self.next.is_some()
            }
        })
    }

    /// The last page is taken in: all must be there.
    fn end(&self, hand_on: bool) -> Result<Turn, Trouble> {
        match self.total {
            Some(total) if total != self.rows => {
                let what = format!("its {} pages have {} rows, where it tells of {total}", self.pages, self.rows);
                Err(Trouble::new(Fault::Refused, what, CHANGED))
            }
            _ => Ok(Turn { hand_on, more: false }),
        }
    }
}

/// What all pages must say alike.
fn agree(said: &mut Option<u64>, pointer: &str, number: u64) -> Result<(), Trouble> {
    let first = *said.get_or_insert(number);
    if first == number {
        return Ok(());
    }
    let what = format!("it changed while it was read: `{pointer}` was {first} on the first page and is {number} now");
    Err(Trouble::new(Fault::Refused, what, CHANGED))
}

fn repeated() -> Trouble {
    let what = "it has the rows of a page before: paging shifted while it was read, or the board does not look at the page's number";
    let hint = "run again; where a board repeats its last page for ever, say `end = \"repeated\"` under `page`";
    Trouble::new(Fault::Refused, what, hint)
}

impl Seen {
    fn at(&self, pointer: &str) -> Option<&Value> {
        self.tree.as_ref()?.pointer(pointer)
    }

    /// What stands there, as text.
    fn text(&self, pointer: &str) -> Option<String> {
        match self.at(pointer)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    fn number(&self, pointer: &str) -> Result<u64, Trouble> {
        self.text(pointer).and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
            let what = format!("`{pointer}` leads to no whole number");
            Trouble::new(Fault::Refused, what, "a pointer is written like `/data/total`, from the top of the answer")
        })
    }

    /// What leads to the next page: nothing where there is none. Whatever it should stand in must be there.
    fn onward(&self, pointer: &str) -> Result<Option<String>, Trouble> {
        match self.at(pointer) {
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Null | Value::Bool(false)) => Ok(None),
            None if self.at(pointer.rsplit_once('/').map_or("", |(parent, _)| parent)).is_some_and(Value::is_object) => Ok(None),
            _ => {
                let what = format!("`{pointer}` leads to nothing that leads on");
                Err(Trouble::new(Fault::Refused, what, "a pointer is written like `/data/next`, from the top of the answer"))
            }
        }
    }
}

/// The next page in a `Link` header: `<https://board.example/?page=2>; rel="next"`.
pub(super) fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some(open) = rest.find('<') {
        let (target, behind) = rest[open + 1..].split_once('>')?;
        // the parameters go up to the next target
        let parameters = behind.split('<').next().unwrap_or_default();
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.to_string());
        }
        rest = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_a_link_header() {
        for (header, expect) in [
            ("<https://b.example/?page=2>; rel=\"next\"", Some("https://b.example/?page=2")),
            ("</?p=1,2>; rel=prev, </?p=4>; title=\"a; rel=next\"; rel=\"last NEXT\"", Some("/?p=4")),
            ("</?p=1>; rel=\"nextish\", </?p=2>; rel=prev", None),
            ("</?p=1>", None),
            ("</?p=1; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next_link(header).as_deref(), expect, "{header}");
        }
    }
}
