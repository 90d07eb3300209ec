//! Query results as plain values. In: a query. Out: rows read by column name. Never: a column guessed.

use crate::exit::{Exit, Failure};
use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Date32Type, Field, Float64Type, Int64Type, Schema};
use arrow::error::ArrowError;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// The rows of one answer: texts as Utf8, numbers as Float64 or Int64, days as Date32.
#[derive(Debug, Clone)]
pub struct Rows {
    batch: RecordBatch,
}

impl Rows {
    /// Runs the query and holds its answer.
    pub async fn of(ctx: &SessionContext, query: &str) -> Result<Rows, Failure> {
        let frame = ctx.sql(query).await?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let batches = frame.collect().await?;
        let schema = batches.first().map_or(schema, RecordBatch::schema);
        let plain = concat_batches(&schema, &batches).and_then(|batch| plain(&batch));
        Ok(Rows { batch: plain.map_err(|error| Failure::new(Exit::Bug, error.to_string()))? })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// A text.
    pub fn text(&self, row: usize, column: &str) -> Option<String> {
        let values = self.batch.column_by_name(column)?.as_string_opt::<i32>()?;
        values.is_valid(row).then(|| values.value(row).to_string())
    }

    /// A number of any kind.
    pub fn number(&self, row: usize, column: &str) -> Option<f64> {
        let values = self.batch.column_by_name(column)?;
        match values.as_primitive_opt::<Float64Type>() {
            Some(values) => values.is_valid(row).then(|| values.value(row)),
            None => self.count(row, column).map(|count| count as f64),
        }
    }

    /// A whole number.
    pub fn count(&self, row: usize, column: &str) -> Option<i64> {
        let values = self.batch.column_by_name(column)?;
        match values.as_primitive_opt::<Int64Type>() {
            Some(values) => values.is_valid(row).then(|| values.value(row)),
            // a sum of whole numbers may come as a decimal
            None => values.as_primitive_opt::<Float64Type>().filter(|values| values.is_valid(row)).map(|values| values.value(row) as i64),
        }
    }

    /// A day; of an instant, its day.
    pub fn day(&self, row: usize, column: &str) -> Option<NaiveDate> {
        let values = self.batch.column_by_name(column)?.as_primitive_opt::<Date32Type>()?;
        values.is_valid(row).then(|| day_of(values.value(row)))?
    }

    /// Whether the column says yes.
    pub fn is(&self, row: usize, column: &str) -> bool {
        let values = self.batch.column_by_name(column).and_then(|values| values.as_boolean_opt());
        values.is_some_and(|values| values.is_valid(row) && values.value(row))
    }
}

/// Each column in the one kind that is read here.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, values)| {
        let kind = match values.data_type() {
            DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
            DataType::Timestamp(..) => DataType::Date32,
            kind if kind.is_integer() => DataType::Int64,
            kind if kind.is_numeric() => DataType::Float64,
            kind => kind.clone(),
        };
        Ok((Field::new(field.name(), kind.clone(), true), cast(values, &kind)?))
    });
    let (fields, columns): (Vec<_>, Vec<_>) = columns.collect::<Result<Vec<_>, ArrowError>>()?.into_iter().unzip();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &rows)
}

/// Arrow's day as a date.
fn day_of(days: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::default();
    if days >= 0 {
        epoch.checked_add_days(Days::new(days as u64))
    } else {
        epoch.checked_sub_days(Days::new(u64::from(days.unsigned_abs())))
    }
}
