//! `forecast(day, y, horizon [, options])`: an aggregate over one series.
//!
//! Out: a list of (day, y_hat, mean, q10, q50, q90); null when the series is too short to say anything.
//! Never: says anything else than the stage would of this series alone.

use crate::aggregate::{Function, Given};
use crate::columns::{days, field, fields, said, said_fields, steps};
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use nongshi_domain::Category;
use nongshi_models::forecasting::Asked;

pub(crate) static FORECAST: Function = Function {
    name: "forecast",
    keyed: false,
    numbers: &["horizon"],
    options: &["cutoff", "explosion", "freq", "growing", "origins", "season", "target"],
    null_for_nothing: true,
    fields: || fields([field("day", DataType::Date32)].into_iter().chain(said_fields())),
    answer,
};

fn answer(given: Given) -> Result<Option<Vec<ArrayRef>>> {
    let asked = Asked { horizon: given.numbers[0], ..given.asked };
    let panel = asked.panel(Category(String::new()), given.rows);
    let forecasts = asked.forecast(&panel).forecasts;
    let steps = steps(&forecasts);
    let columns = || [days(steps.iter().map(|(_, step)| step.day))].into_iter().chain(said(&steps)).collect();
    Ok((!steps.is_empty()).then(columns))
}
