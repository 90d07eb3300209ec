//! From rows to bytes, and the way out. In: rows. Out: files in the sinks, counts. Never: a file system.

use crate::text::Rows;
use crate::{Dirt, Record, Sink};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// UTF-8's byte-order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The way out: the inbox, the hidden truth beside it, and what is remembered of both.
pub(crate) struct Out<'a> {
    inbox: &'a mut dyn Sink,
    truth: Option<&'a mut dyn Sink>,
    pub dirt: Vec<Dirt>,
    pub shop_product_days: u64,
    rows: u64,
    begun: BTreeSet<String>,
}

impl<'a> Out<'a> {
    pub fn new(inbox: &'a mut dyn Sink, truth: Option<&'a mut dyn Sink>) -> Out<'a> {
        Out { inbox, truth, dirt: Vec::new(), shop_product_days: 0, rows: 0, begun: BTreeSet::new() }
    }

    /// A whole file that is no table.
    pub fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.inbox.append(path, bytes)
    }

    /// A table, or a piece of one that goes on with the next call for the same path.
    pub fn table(&mut self, path: &str, bytes: &[u8], rows: usize) -> io::Result<()> {
        self.rows += rows as u64;
        self.inbox.append(path, bytes)
    }

    /// A piece of a long table; the first one of each path brings the header.
    pub fn rows_of(&mut self, path: &str, header: &str, rows: &Rows) -> io::Result<()> {
        if self.begun.insert(path.into()) {
            self.inbox.append(path, header.as_bytes())?;
        }
        self.table(path, &rows.bytes, rows.count)
    }

    /// Whether the truth is asked for.
    pub fn wants_truth(&self) -> bool {
        self.truth.is_some()
    }

    /// A piece of a long table of the truth; the first one of each path brings the header.
    pub fn truth_rows(&mut self, path: &str, header: &str, rows: &Rows) -> io::Result<()> {
        if self.begun.insert(path.into()) {
            self.truth(path, header.as_bytes())?;
        }
        self.truth(path, &rows.bytes)
    }

    /// A whole table of the truth.
    pub fn truth(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.truth.as_mut().map_or(Ok(()), |truth| truth.append(path, bytes))
    }

    pub fn record(mut self) -> Record {
        self.dirt.sort();
        Record { dirt: self.dirt, shop_product_days: self.shop_product_days, rows: self.rows }
    }
}

/// CSV in UTF-8.
pub(crate) fn utf8(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).expect("memory takes every record of one length");
    for row in rows {
        writer.write_record(row).expect("memory takes every record of one length");
    }
    writer.into_inner().expect("memory takes every byte")
}

/// CSV in UTF-8 with a byte-order mark in front, as spreadsheets save it.
pub(crate) fn utf8_with_mark(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    [MARK, utf8(header, rows).as_slice()].concat()
}

/// CSV in GBK, as older systems save it.
pub(crate) fn gbk(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let text = String::from_utf8(utf8(header, rows)).expect("texts were written");
    // the encoder looks every sign up by walking its table; a chain's papers hold few signs, many times
    let mut known: BTreeMap<char, Vec<u8>> = BTreeMap::new();
    let mut bytes = Vec::with_capacity(text.len());
    for sign in text.chars() {
        match u8::try_from(sign) {
            Ok(plain) if plain.is_ascii() => bytes.push(plain),
            _ => bytes.extend_from_slice(
                known.entry(sign).or_insert_with(|| encoding_rs::GBK.encode(sign.encode_utf8(&mut [0; 4])).0.into_owned()),
            ),
        }
    }
    bytes
}
