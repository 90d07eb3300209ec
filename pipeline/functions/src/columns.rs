//! Columns of the lists that functions say. In: values. Out: arrays and their fields. Never: a column without its field.

use crate::gathered::arrow_day;
use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Fields};
use chrono::NaiveDate;
use nongshi_domain::{Forecast, ForecastStep};
use std::sync::Arc;

/// The names of the quantile columns, in the order of `nongshi_domain::LEVELS`.
pub const FORECAST_LEVELS: [&str; 3] = ["q10", "q50", "q90"];

pub(crate) fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

pub(crate) fn number(name: &str) -> Field {
    field(name, DataType::Float64)
}

pub(crate) fn days(days: impl Iterator<Item = NaiveDate>) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(days.map(arrow_day)))
}

pub(crate) fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

pub(crate) fn counts(values: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values.map(i64::from)))
}

pub(crate) fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// The columns of what a forecast says of a step.
pub(crate) fn said_fields() -> [Field; 5] {
    let [q10, q50, q90] = FORECAST_LEVELS.map(number);
    [number("y_hat"), number("mean"), q10, q50, q90]
}

/// Their values.
pub(crate) fn said(steps: &[(&Forecast, &ForecastStep)]) -> [ArrayRef; 5] {
    let quantile = |place: usize| numbers(steps.iter().map(|(_, step)| Some(step.quantiles[place])));
    [quantile(1), numbers(steps.iter().map(|(_, step)| Some(step.mean))), quantile(0), quantile(1), quantile(2)]
}

/// Every step of every forecast.
pub(crate) fn steps(forecasts: &[Forecast]) -> Vec<(&Forecast, &ForecastStep)> {
    forecasts.iter().flat_map(|forecast| forecast.steps.iter().map(move |step| (forecast, step))).collect()
}

/// Fields in one list.
pub(crate) fn fields(parts: impl IntoIterator<Item = Field>) -> Fields {
    parts.into_iter().collect::<Vec<_>>().into()
}
