//! What is wrong on purpose. In: clean rows of a file. Out: dirty rows and a record of each thing.
//! Never: more than five in a file.

use chrono::NaiveDate;
use nongshi_domain::Seed;

/// A file of fewer rows stays clean: one bad row would be too large a share of it.
pub(crate) const FEWEST_ROWS: usize = 500;

/// One thing that is wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dirt {
    /// The feed it is in.
    pub feed: &'static str,
    /// The file it is in.
    pub path: String,
    /// How it can be found again.
    pub kind: Kind,
    /// What was done, in words.
    pub what: &'static str,
}

/// How a piece of dirt can be found again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The record of that number (from 1) is rejected by the rule of that name.
    Rejected {
        /// From 1.
        row: usize,
        /// The rule's name.
        rule: &'static str,
    },
    /// The day is in no row of the file.
    MissingDay(NaiveDate),
    /// The bytes are not plain UTF-8, and every row must be read all the same: `GBK`, or `BOM` for a mark in front.
    Encoding(&'static str),
    /// The amount stands in another unit than kg: record, text of the unit, kg it means.
    OtherUnit {
        /// From 1.
        row: usize,
        /// As it stands in the file.
        unit: &'static str,
        /// What it means, in grams.
        grams: u64,
    },
    /// A product has another name from that day on.
    Renamed {
        /// Its code, which stays.
        product: String,
        /// What it was called before.
        from: String,
        /// What it is called since.
        to: String,
        /// Since when.
        on: NaiveDate,
    },
    /// A row corrects an earlier one: what was known until the file came, and since.
    Corrected {
        /// The shop.
        shop: String,
        /// The product's code.
        product: String,
        /// The day of the sale.
        day: NaiveDate,
        /// The amount as first told.
        before: String,
        /// The amount that holds.
        after: String,
        /// The day the correction came.
        known_on: NaiveDate,
    },
    /// A shop's day came later than the others'.
    Late {
        /// The shop.
        shop: String,
        /// The day of the sales.
        day: NaiveDate,
        /// The day they came.
        known_on: NaiveDate,
        /// How many rows came late.
        rows: usize,
    },
}

/// A way to spoil one cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoil {
    /// The cell's column.
    pub column: usize,
    /// What becomes of the text.
    pub into: fn(&str) -> String,
    /// The rule that rejects it.
    pub rule: &'static str,
    pub what: &'static str,
}

/// The rows of one file on their way to becoming dirty.
pub(crate) struct Soiling<'a> {
    pub feed: &'static str,
    pub path: &'a str,
    pub seed: Seed,
    pub dirt: &'a mut Vec<Dirt>,
}

impl Soiling<'_> {
    /// Takes out all rows of one day, somewhere in the middle half: the day is the text in that column.
    pub fn lose_a_day(&mut self, rows: &mut Vec<Vec<String>>, column: usize) {
        let Some(day) = rows.get(self.somewhere(rows.len())).map(|row| row[column].clone()) else { return };
        rows.retain(|row| row[column] != day);
        let day = day.replace('/', "-").parse().expect("the simulator writes its days as YYYY-MM-DD or YYYY/MM/DD");
        self.note(Kind::MissingDay(day), "a day is missing");
    }

    /// Spoils one cell of one row, each time in another part of the file so that two never meet.
    pub fn spoil(&mut self, rows: &mut [Vec<String>], ways: &[Spoil]) {
        let part = rows.len() / ways.len().max(1);
        for (place, way) in ways.iter().enumerate() {
            let row = place * part + self.somewhere(part);
            let Some(cells) = rows.get_mut(row) else { continue };
            cells[way.column] = (way.into)(&cells[way.column]);
            self.note(Kind::Rejected { row: row + 1, rule: way.rule }, way.what);
        }
    }

    /// Writes the first row again at the end. Where a row was spoiled it would be rejected for that: never the first.
    pub fn repeat_a_row(&mut self, rows: &mut Vec<Vec<String>>) {
        let Some(first) = rows.first().cloned() else { return };
        rows.push(first);
        self.note(Kind::Rejected { row: rows.len(), rule: "duplicate" }, "a row stands twice");
    }

    /// Remembers one thing.
    pub fn note(&mut self, kind: Kind, what: &'static str) {
        self.dirt.push(Dirt { feed: self.feed, path: self.path.into(), kind, what });
    }

    /// A place in the middle half.
    fn somewhere(&mut self, rows: usize) -> usize {
        rows / 4 + (self.seed.uniform() * (rows / 2) as f64) as usize
    }
}
