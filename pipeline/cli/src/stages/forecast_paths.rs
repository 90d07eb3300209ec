//! The table of joint sample paths. In: what each category's panel said, with its paths. Out: one row a series, step and path.
//!
//! Key: target, category, key, day, path, as_of. `path` joins: rows of one path belong to one future, across products, steps,
//! price and demand. `follows` is the past day whose errors the path repeats (empty where nothing was said before);
//! `value` is in `unit`: CNY/kg, or kg in the step that begins with `day`.
//! Never: a path of a model that no plan speaks with.

use super::forecast::cadence_name;
use crate::columns::Columns;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use nongshi_domain::{Forecast, ForecastStep};
use nongshi_models::forecasting::SamplePaths;

/// What one panel said, and its paths in the same order.
pub struct Futures {
    /// By series.
    pub forecasts: Vec<Forecast>,
    /// Of the same series.
    pub paths: SamplePaths,
}

/// One value of one path.
struct Row<'a> {
    forecast: &'a Forecast,
    step: &'a ForecastStep,
    path: usize,
    follows: Option<NaiveDate>,
    value: f64,
}

/// The rows of the day, in order of panel, series, step and path.
pub fn rows(futures: &[Futures], as_of: NaiveDate) -> Result<RecordBatch, ArrowError> {
    let mut rows = Vec::new();
    for Futures { forecasts, paths } in futures {
        for (forecast, series) in forecasts.iter().zip(&paths.series) {
            for (step, values) in forecast.steps.iter().zip(&series.steps) {
                let row =
                    |(path, value): (usize, &f64)| Row { forecast, step, path, follows: paths.follow.get(path).copied(), value: *value };
                rows.extend(values.iter().enumerate().map(row));
            }
        }
    }
    Columns::default()
        .text("key", rows.iter().map(|row| &row.forecast.key))
        .text("category", rows.iter().map(|row| &row.forecast.category.0))
        .text("target", rows.iter().map(|row| row.forecast.target.name()))
        .text("cadence", rows.iter().map(|row| cadence_name(row.forecast.cadence)))
        .day("cutoff", rows.iter().map(|row| Some(row.forecast.cutoff.0)))
        .day("day", rows.iter().map(|row| Some(row.step.day)))
        .count("horizon", rows.iter().map(|row| i64::from(row.step.horizon)))
        .count("path", rows.iter().map(|row| row.path as i64))
        .day("follows", rows.iter().map(|row| row.follows))
        .number("value", rows.iter().map(|row| row.value))
        .text("unit", rows.iter().map(|row| row.forecast.target.unit()))
        .batch_as_of(as_of)
}
