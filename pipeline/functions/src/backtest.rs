//! `backtest(key, day, y, horizon, windows, step [, options])`: an aggregate over the series of a panel.
//!
//! What would have been said `windows` times, `step` steps apart, the last time a horizon before each series' end, scored
//! by what came. Out: a list of (model, mase, rmsse, smape, spl, cov80, wape, bias, n_windows) in order of model;
//! `combination` is what is said. Never: a score that `nongshi backtest` would not give for these rows.

use crate::aggregate::{Function, Given};
use crate::columns::{counts, field, fields, number, numbers, texts};
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use nongshi_domain::Category;
use nongshi_models::forecasting::{Asked, Measures, backtest_from_ends};

type Measure = fn(&Measures) -> f64;

/// The columns of scores.
const MEASURES: [(&str, Measure); 7] = [
    ("mase", |row| row.mase),
    ("rmsse", |row| row.rmsse),
    ("smape", |row| row.smape),
    ("spl", |row| row.spl),
    ("cov80", |row| row.cov80),
    ("wape", |row| row.wape),
    ("bias", |row| row.bias),
];

pub(crate) static BACKTEST: Function = Function {
    name: "backtest",
    keyed: true,
    numbers: &["horizon", "windows", "step"],
    options: &["cutoff", "explosion", "freq", "growing", "origins", "season"],
    null_for_nothing: false,
    fields: || {
        let scores = MEASURES.iter().map(|(name, _)| number(name));
        fields([field("model", DataType::Utf8)].into_iter().chain(scores).chain([field("n_windows", DataType::Int64)]))
    },
    answer,
};

fn answer(given: Given) -> Result<Option<Vec<ArrayRef>>> {
    let asked = Asked { horizon: given.numbers[0], ..given.asked };
    let panel = asked.panel(Category(String::new()), given.rows);
    let scores = backtest_from_ends(&panel, given.numbers[1], given.numbers[2], &asked.settings(panel.cadence)).scores;
    let mut columns = vec![texts(scores.keys().map(String::as_str))];
    columns.extend(MEASURES.iter().map(|(_, measure)| numbers(scores.values().map(|row| Some(measure(row))))));
    columns.push(counts(scores.values().map(|row| row.windows)));
    Ok(Some(columns))
}
