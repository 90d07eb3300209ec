//! A report in words: every sentence, number and date is final. In: strings. Out: the same, ordered for the eye.
//! Never: a number, a date, a markup of its own.

use serde::Serialize;

/// A whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    /// What kind of report, above the name.
    pub kicker: String,
    /// The farm or the chain.
    pub name: String,
    /// The day it speaks from, and the moon's.
    pub issued: Vec<String>,
    /// Models, units, markets, freshness.
    pub facts: Facts,
    /// The verdicts.
    pub lead: Section,
    /// What this issue cannot say.
    pub gaps: Option<GapPanel>,
    pub sections: Vec<Section>,
    pub footer: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Facts {
    pub title: String,
    pub items: Vec<Fact>,
}

/// A label with its value.
#[derive(Debug, Serialize)]
pub(crate) struct Fact {
    pub label: String,
    pub value: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct GapPanel {
    pub title: String,
    pub lead: String,
    pub items: Vec<GapLine>,
}

#[derive(Debug, Serialize)]
pub(crate) struct GapLine {
    pub what: String,
    pub status: String,
    pub why: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Section {
    pub id: &'static str,
    pub title: String,
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "of")]
pub(crate) enum Block {
    Verdicts(Vec<VerdictLine>),
    /// A sentence to read.
    Say(String),
    /// A sentence in small print.
    Note(String),
    Numbers(Vec<Fact>),
    Table(Table),
    Figure(Box<Figure>),
    Strip(Strip),
}

/// A verdict: one word, then the sentence.
#[derive(Debug, Serialize)]
pub(crate) struct VerdictLine {
    pub head: String,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub caption: String,
    pub columns: Vec<Column>,
    /// The first cell of a row is its header.
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Column {
    pub label: String,
    pub numeric: bool,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Cell {
    pub text: String,
    /// Small print under it.
    pub below: String,
    /// Set in bold.
    pub strong: bool,
}

/// A chart with its finding, its source and the table behind it.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub finding: String,
    pub unit: String,
    pub source: String,
    /// What letters and fillings mean, where a chart cannot say it in place.
    pub key: String,
    pub wide_svg: String,
    pub narrow_svg: String,
    /// What is drawn: the past, then what is to come.
    pub tables: Vec<Table>,
}

/// Weeks by crops as cells.
#[derive(Debug, Serialize)]
pub(crate) struct Strip {
    pub caption: String,
    pub key: String,
    pub corner: String,
    pub weeks: Vec<String>,
    pub rows: Vec<StripRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StripRow {
    pub name: String,
    pub cells: Vec<StripCell>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StripCell {
    pub ripe: String,
    pub saleable: String,
    /// `▲`, `▼` or nothing.
    pub mark: &'static str,
    /// The mark in a word, for those who hear the page.
    pub heard: String,
    /// The class that tints it.
    pub tint: &'static str,
}

impl Table {
    /// Columns as (label, numeric).
    pub(crate) fn new(caption: String, columns: Vec<(String, bool)>, rows: Vec<Vec<Cell>>) -> Table {
        let columns: Vec<Column> = columns.into_iter().map(|(label, numeric)| Column { label, numeric }).collect();
        debug_assert!(rows.iter().all(|row| row.len() == columns.len()), "a row has one cell a column");
        Table { caption, columns, rows }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell { text, ..Cell::default() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::from(text.to_string())
    }
}
