//! What is wrong on purpose. In: clean rows of a file. Out: dirty rows and a record of each thing.
//! Never: more than four in a file.

use nongshi_domain::Seed;

/// One thing that is wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dirt {
    /// The feed it is in.
    pub feed: &'static str,
    /// The file it is in.
    pub path: String,
    /// The record's number in the file, from 1; none for what is not there.
    pub row: Option<usize>,
    /// The rule that rejects it; none for what is not there.
    pub rule: Option<&'static str>,
    /// What was done, in words.
    pub what: &'static str,
}

/// A way to spoil one cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoil {
    /// The cell's column.
    pub column: usize,
    /// What becomes of the text.
    pub into: fn(&str) -> String,
    /// As in `Dirt`.
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
        self.note(None, None, "a day is missing");
    }

    /// Spoils one cell of one row, each time in another part of the file so that two never meet.
    pub fn spoil(&mut self, rows: &mut [Vec<String>], ways: &[Spoil]) {
        let part = rows.len() / ways.len().max(1);
        for (place, way) in ways.iter().enumerate() {
            let row = place * part + self.somewhere(part);
            let Some(cells) = rows.get_mut(row) else { continue };
            cells[way.column] = (way.into)(&cells[way.column]);
            self.note(Some(row + 1), Some(way.rule), way.what);
        }
    }

    /// Writes the first row again at the end. Where a row was spoiled it would be rejected for that: never the first.
    pub fn repeat_a_row(&mut self, rows: &mut Vec<Vec<String>>) {
        let Some(first) = rows.first().cloned() else { return };
        rows.push(first);
        self.note(Some(rows.len()), Some("duplicate"), "a row stands twice");
    }

    /// A place in the middle half.
    fn somewhere(&mut self, rows: usize) -> usize {
        rows / 4 + (self.seed.uniform() * (rows / 2) as f64) as usize
    }

    fn note(&mut self, row: Option<usize>, rule: Option<&'static str>, what: &'static str) {
        self.dirt.push(Dirt { feed: self.feed, path: self.path.into(), row, rule, what });
    }
}
