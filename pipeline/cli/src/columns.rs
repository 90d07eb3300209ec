//! Columns of the tables that models and planners fill. In: plain values. Out: one Arrow batch.

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use chrono::NaiveDate;
use std::sync::Arc;

/// Named columns being gathered; every one may be null, as Delta keeps them.
#[derive(Default)]
pub struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    /// A column of text.
    pub fn text<T: AsRef<str>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Columns {
        self.push(name, DataType::Utf8, Arc::new(StringArray::from_iter_values(values)))
    }

    /// A column of numbers.
    pub fn number(self, name: &str, values: impl IntoIterator<Item = f64>) -> Columns {
        self.push(name, DataType::Float64, Arc::new(Float64Array::from_iter_values(values)))
    }

    /// A column of whole numbers.
    pub fn count(self, name: &str, values: impl IntoIterator<Item = i64>) -> Columns {
        self.push(name, DataType::Int64, Arc::new(Int64Array::from_iter_values(values)))
    }

    /// A column of days, some unknown.
    pub fn day(self, name: &str, values: impl IntoIterator<Item = Option<NaiveDate>>) -> Columns {
        let days = values.into_iter().map(|day| day.map(|day| (day - NaiveDate::default()).num_days() as i32));
        self.push(name, DataType::Date32, Arc::new(days.collect::<Date32Array>()))
    }

    /// A column of yes and no.
    pub fn yes(self, name: &str, values: impl IntoIterator<Item = bool>) -> Columns {
        self.push(name, DataType::Boolean, Arc::new(BooleanArray::from(values.into_iter().collect::<Vec<_>>())))
    }

    /// The batch, with the day the rows speak from as its last column.
    pub fn batch_as_of(self, day: NaiveDate) -> Result<RecordBatch, ArrowError> {
        let rows = self.arrays.first().map_or(0, |array| array.len());
        self.text("as_of", vec![day.to_string(); rows]).batch()
    }

    /// The batch.
    pub fn batch(self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)
    }

    fn push(mut self, name: &str, kind: DataType, array: ArrayRef) -> Columns {
        self.fields.push(Field::new(name, kind, true));
        self.arrays.push(array);
        self
    }
}
