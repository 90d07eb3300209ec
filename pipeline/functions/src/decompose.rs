//! `decompose(day, y [, options])`: an aggregate over one series.
//!
//! Out: a list of (day, y, trend, season, seasons, remainder), a row a step: y and remainder are null in a gap, `season`
//! is the sum of `seasons` (shortest first, only those seen twice); empty for fewer than eight values.
//! Never: a step left out.

use crate::aggregate::{Function, Given};
use crate::columns::{days, field, fields, number, numbers};
use arrow::array::{ArrayRef, Float64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use nongshi_domain::Category;
use nongshi_models::forecasting::decompose;
use std::sync::Arc;

pub(crate) static DECOMPOSE: Function = Function {
    name: "decompose",
    keyed: false,
    numbers: &[],
    options: &["cutoff", "freq", "season"],
    null_for_nothing: false,
    fields: || {
        let seasons = field("seasons", DataType::List(season_item()));
        fields([field("day", DataType::Date32), number("y"), number("trend"), number("season"), seasons, number("remainder")])
    },
    answer,
};

fn season_item() -> FieldRef {
    Arc::new(Field::new("item", DataType::Float64, true))
}

fn answer(given: Given) -> Result<Option<Vec<ArrayRef>>> {
    let panel = given.asked.panel(Category(String::new()), given.rows);
    let apart = panel.series.first().and_then(|series| decompose(series, panel.cadence, &given.asked.seasons).ok());
    let Some(parts) = apart.map(|apart| apart.parts) else { return Ok(None) };
    let values = Float64Array::from_iter_values(parts.iter().flat_map(|part| part.seasons.iter().copied()));
    let lengths = OffsetBuffer::from_lengths(parts.iter().map(|part| part.seasons.len()));
    Ok(Some(vec![
        days(parts.iter().map(|part| part.day)),
        numbers(parts.iter().map(|part| part.value)),
        numbers(parts.iter().map(|part| Some(part.trend))),
        // an empty sum is below zero by its sign
        numbers(parts.iter().map(|part| Some(part.seasons.iter().fold(0.0, |sum, season| sum + season)))),
        Arc::new(ListArray::try_new(season_item(), lengths, Arc::new(values), None)?),
        numbers(parts.iter().map(|part| part.remainder)),
    ]))
}
