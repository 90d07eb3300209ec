//! `forecast_panel(key, day, y, horizon [, options])`: an aggregate over the series of a category.
//!
//! Members that learn from all series, weights and conformal quantiles that stand on the errors of all of them.
//! Out: a list of (key, day, horizon, y_hat, mean, q10, q50, q90) in order of key and day; a series that cannot be
//! forecast has no row. Never: says anything else than the stage of these rows.

use crate::aggregate::{Function, Given};
use crate::columns::{counts, days, field, fields, said, said_fields, steps, texts};
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use nongshi_domain::Category;
use nongshi_models::forecasting::Asked;

pub(crate) static FORECAST_PANEL: Function = Function {
    name: "forecast_panel",
    keyed: true,
    numbers: &["horizon"],
    options: &["cutoff", "explosion", "freq", "growing", "origins", "season", "since", "target"],
    null_for_nothing: false,
    fields: || {
        let named = [field("key", DataType::Utf8), field("day", DataType::Date32), field("horizon", DataType::Int64)];
        fields(named.into_iter().chain(said_fields()))
    },
    answer,
};

fn answer(given: Given) -> Result<Option<Vec<ArrayRef>>> {
    let asked = Asked { horizon: given.numbers[0], ..given.asked };
    let panel = asked.panel(Category(String::new()), given.rows);
    let forecasts = asked.forecast(&panel).forecasts;
    let steps = steps(&forecasts);
    let named = [
        texts(steps.iter().map(|(forecast, _)| forecast.key.as_str())),
        days(steps.iter().map(|(_, step)| step.day)),
        counts(steps.iter().map(|(_, step)| step.horizon)),
    ];
    Ok(Some(named.into_iter().chain(said(&steps)).collect()))
}
