//! `anomalies(day, y [, options])`: an aggregate over one series.
//!
//! Out: a list of (day, y, expected, kind) in order of day, kind being `spike`, `level shift` or `stuck`; `expected` is
//! null for what is stuck. Empty when nothing looks wrong. Never: judges a day by what came after the cutoff.

use crate::aggregate::{Function, Given};
use crate::columns::{days, field, fields, number, numbers, texts};
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use nongshi_domain::{Category, Cutoff};
use nongshi_models::forecasting::anomalies;

pub(crate) static ANOMALIES: Function = Function {
    name: "anomalies",
    keyed: false,
    numbers: &[],
    options: &["cutoff", "freq", "season", "target"],
    null_for_nothing: false,
    fields: || fields([field("day", DataType::Date32), number("y"), number("expected"), field("kind", DataType::Utf8)]),
    answer,
};

fn answer(given: Given) -> Result<Option<Vec<ArrayRef>>> {
    let Some(last) = given.rows.last().map(|(_, day, _)| *day) else { return Ok(None) };
    let panel = given.asked.panel(Category(String::new()), given.rows);
    let season = given.asked.seasons.first().copied();
    let found: Vec<_> =
        panel.series.iter().flat_map(|series| anomalies(series, panel.target, panel.cadence, Cutoff(last), season)).collect();
    Ok(Some(vec![
        days(found.iter().map(|anomaly| anomaly.day)),
        numbers(found.iter().map(|anomaly| Some(anomaly.value))),
        numbers(found.iter().map(|anomaly| anomaly.expected)),
        texts(found.iter().map(|anomaly| anomaly.kind.name())),
    ]))
}
