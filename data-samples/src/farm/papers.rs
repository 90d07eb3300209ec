//! The bases' papers: rows on their way into files. In: rows with their day. Out: a file, or a file a year, dirty where it
//! is long enough. Never: more than one bad row in `ROWS_FOR_ONE`.

use crate::dirt::{Kind, Soiling, Spoil};
use crate::files::{self, Out};
use chrono::{Datelike, NaiveDate};
use nongshi_domain::Seed;
use std::collections::BTreeMap;
use std::io;

/// Rows a file must have for each bad one: a feed with more than one in a hundred is refused.
const ROWS_FOR_ONE: usize = 120;

/// How the bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Utf8,
    /// With a byte-order mark.
    Marked,
    Gbk,
}

/// A kind of paper.
pub(crate) struct Paper {
    pub feed: &'static str,
    /// Path of its files, without year and ending.
    pub path: &'static str,
    pub header: &'static [&'static str],
    pub script: Script,
    pub spoils: &'static [Spoil],
    /// Columns of the weight and its unit, where some rows are weighed in 斤.
    pub weight: Option<(usize, usize)>,
}

impl Paper {
    /// A file for each year of the rows' days.
    pub fn by_year(&self, seed: Seed, mut rows: Vec<(NaiveDate, Vec<String>)>, out: &mut Out<'_>) -> io::Result<()> {
        rows.sort();
        let mut years: BTreeMap<i32, Vec<Vec<String>>> = BTreeMap::new();
        for (day, row) in rows {
            years.entry(day.year()).or_default().push(row);
        }
        for (year, rows) in years {
            self.write(&format!("{}_{year}.csv", self.path), seed, rows, out)?;
        }
        Ok(())
    }

    /// One file.
    pub fn whole(&self, seed: Seed, mut rows: Vec<(NaiveDate, Vec<String>)>, out: &mut Out<'_>) -> io::Result<()> {
        rows.sort();
        self.write(&format!("{}.csv", self.path), seed, rows.into_iter().map(|(_, row)| row).collect(), out)
    }

    fn write(&self, path: &str, seed: Seed, mut rows: Vec<Vec<String>>, out: &mut Out<'_>) -> io::Result<()> {
        let mut soiling = Soiling { feed: self.feed, path, seed: seed.derive(path), dirt: &mut out.dirt };
        let bad_rows = (rows.len() / ROWS_FOR_ONE).min(self.spoils.len());
        soiling.spoil(&mut rows, &self.spoils[..bad_rows]);
        if let Some((row, grams)) = self.weighed_in_jin(&rows) {
            soiling.note(Kind::OtherUnit { row, unit: "斤", grams }, "a weight in 斤");
        }
        if bad_rows > 0 {
            soiling.repeat_a_row(&mut rows);
        }
        let bytes = match self.script {
            Script::Utf8 => files::utf8(self.header, &rows),
            Script::Marked => {
                soiling.note(Kind::Encoding("BOM"), "a byte-order mark in front");
                files::utf8_with_mark(self.header, &rows)
            }
            Script::Gbk => {
                soiling.note(Kind::Encoding("GBK"), "an older system's encoding");
                files::gbk(self.header, &rows)
            }
        };
        out.table(path, &bytes, rows.len())
    }

    /// Number and grams of the first sound row in 斤.
    fn weighed_in_jin(&self, rows: &[Vec<String>]) -> Option<(usize, u64)> {
        let (weight, unit) = self.weight?;
        let jin = |row: &Vec<String>| {
            let is_whole = row.iter().all(|cell| !cell.is_empty());
            let jin: u64 = row[weight].parse().ok().filter(|_| is_whole && row[unit] == "斤")?;
            Some(jin * super::growth::STEP_GRAMS as u64)
        };
        rows.iter().enumerate().find_map(|(place, row)| Some((place + 1, jin(row)?)))
    }
}

/// kg with as many decimals as a gram needs, and no more.
pub(crate) fn kg(grams: i64) -> String {
    let text = format!("{:.3}", grams as f64 / 1000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
