//! Query results as plain values. In: a query. Out: rows read by column name. Never: a column guessed.

use crate::exit::{Exit, Failure};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;

/// The rows of one answer.
#[derive(Debug, Clone)]
pub struct Rows {
    batch: RecordBatch,
}

impl Rows {
    /// Runs the query and holds its answer.
    pub async fn of(ctx: &SessionContext, query: &str) -> Result<Rows, Failure> {
        let frame = ctx.sql(query).await?;
        let schema = std::sync::Arc::new(frame.schema().as_arrow().clone());
        let batches = frame.collect().await?;
        let schema = batches.first().map_or(schema, RecordBatch::schema);
        let batch = concat_batches(&schema, &batches).map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
        Ok(Rows { batch })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// A text.
    pub fn text(&self, row: usize, column: &str) -> Option<String> {
        let values = self.as_kind(column, &DataType::Utf8)?;
        let values = values.as_string::<i32>();
        values.is_valid(row).then(|| values.value(row).to_string())
    }

    /// A number of any kind.
    pub fn number(&self, row: usize, column: &str) -> Option<f64> {
        let values = self.as_kind(column, &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>();
        values.is_valid(row).then(|| values.value(row))
    }

    /// A whole number.
    pub fn count(&self, row: usize, column: &str) -> Option<i64> {
        let values = self.as_kind(column, &DataType::Int64)?;
        let values = values.as_primitive::<Int64Type>();
        values.is_valid(row).then(|| values.value(row))
    }

    /// A day; of an instant, its day.
    pub fn day(&self, row: usize, column: &str) -> Option<NaiveDate> {
        let values = self.as_kind(column, &DataType::Date32)?;
        let values = values.as_primitive::<Date32Type>();
        values.is_valid(row).then(|| day_of(values.value(row)))?
    }

    /// Whether the column says yes.
    pub fn is(&self, row: usize, column: &str) -> bool {
        self.as_kind(column, &DataType::Boolean).is_some_and(|values| values.as_boolean().is_valid(row) && values.as_boolean().value(row))
    }

    fn as_kind(&self, column: &str, kind: &DataType) -> Option<arrow::array::ArrayRef> {
        let values = self.batch.column_by_name(column)?;
        if values.data_type() == kind { Some(values.clone()) } else { cast(values, kind).ok() }
    }
}

/// Arrow's day as a date.
fn day_of(days: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::default();
    if days >= 0 { epoch.checked_add_days(Days::new(days as u64)) } else { epoch.checked_sub_days(Days::new(u64::from(days.unsigned_abs()))) }
}
