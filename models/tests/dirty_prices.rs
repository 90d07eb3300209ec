//! What a market's own book has wrong, found again: slipped decimals are spikes, and little else is.
//!
//! In: the raw daily fruit prices of one market, beside the repository. Never: a figure without the panel it came from.
//! Without ../shared the test says that it was skipped; under CI that is a failure.

use chrono::NaiveDate;
use nongshi_domain::{Cadence, Category, Cutoff, Panel, Target};
use nongshi_models::forecasting::{AnomalyKind, CleaningSettings, anomalies, clean};
use std::path::Path;

/// Values a product needs to be looked at.
const LEAST_VALUES: usize = 60;

/// One column of the book, prices not above zero left out, the last row of a day standing.
fn book(column: usize) -> Option<Panel> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/prices/xinfadi/xinfadi_fruit_2016_05_05.csv");
    let Ok(text) = std::fs::read_to_string(path) else {
        assert!(std::env::var_os("CI").is_none(), "the real prices must lie beside the repository under CI");
        println!("skipped: no ../shared/data beside the repository");
        return None;
    };
    let row = |line: &str| -> Option<(String, NaiveDate, f64)> {
        let cells: Vec<&str> = line.split(',').collect();
        Some((format!("{}/{}", cells[0], cells[4]), cells.get(6)?.trim().parse().ok()?, cells[column].parse().ok()?))
    };
    let rows = text.lines().skip(1).filter_map(row).filter(|(_, _, price)| *price > 0.0);
    let mut panel = Panel::gather(Category("fruit".into()), Target::Price, Cadence::Day, rows);
    panel.series.retain(|series| series.observed() >= LEAST_VALUES);
    Some(panel)
}

/// Column of the highest price of a day.
const HIGHEST: usize = 3;
/// Slips that a reader of that column finds by eye: ten times too much, for a day or three.
const SLIPS: [(&str, &str); 5] = [
    ("巨峰葡萄/普通", "2016-04-14"),
    ("酥梨/普通", "2015-12-04"),
    ("长香玉/普通", "2015-11-28"),
    ("长香玉/普通", "2015-11-29"),
    ("长香玉/普通", "2015-11-30"),
];
/// Spikes may be this share of a market's values: more would be its own moves.
const MOST_SPIKES: f64 = 0.002;

#[test]
fn slipped_decimals_of_a_real_book_are_spikes_and_little_else_is() {
    let Some(panel) = book(HIGHEST) else { return };
    let cutoff = Cutoff("2016-05-05".parse().expect("a day"));
    let (cleaned, changed) = clean(&panel, cutoff, &CleaningSettings::default());
    for (key, day) in SLIPS {
        let day: NaiveDate = day.parse().expect("a day");
        let found = changed.iter().find(|changed| changed.key == key && changed.day == day);
        assert!(found.is_some_and(|found| found.value / found.expected > 4.0), "{key} {day}: {found:?}");
    }
    let count = |panel: &Panel| panel.series.iter().map(|series| series.observed()).sum::<usize>();
    let (before, after) = (count(&panel), count(&cleaned));
    println!("{} series, {before} values, {} spikes", panel.series.len(), changed.len());
    assert_eq!(before - after, changed.len(), "each change is told");
    assert!((changed.len() as f64) < MOST_SPIKES * before as f64, "{} of {before}", changed.len());
    // one day of the book has its rows swapped: products at each other's prices
    let swapped = changed.iter().filter(|changed| changed.day.to_string() == "2016-03-27").count();
    assert!(swapped >= 10, "{swapped}");
}

/// At each slip's own day it is known, and without the days after it.
#[test]
fn a_real_slip_is_seen_on_its_day() {
    let Some(panel) = book(HIGHEST) else { return };
    for (key, day) in SLIPS {
        let day: NaiveDate = day.parse().expect("a day");
        let series = panel.series.iter().find(|series| series.key == key).expect("in the book");
        let at = |cutoff: NaiveDate| anomalies(series, panel.target, panel.cadence, Cutoff(cutoff), None);
        let told = |cutoff| at(cutoff).iter().any(|found| found.day == day && found.kind == AnomalyKind::Spike);
        assert!(told(day) && !told(day.pred_opt().expect("a day before")), "{key} {day}");
    }
}
