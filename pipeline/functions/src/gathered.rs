//! The rows of one group while they come. In: batches, states of other partitions. Out: the list that a function says.
//! Never: depends on the order in which rows or states arrive; holds memory that `size` does not tell.

use crate::aggregate::{Function, Given};
use crate::options;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Float64Array, Int32Array, ListArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Float64Type, Int32Type, Int64Type};
use chrono::{Datelike, NaiveDate};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::Accumulator;
use nongshi_models::forecasting::{AskedRow, doubled, in_order};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Days from the common era to 1970-01-01, where Arrow's days begin.
const UNIX_EPOCH_FROM_CE: i32 = 719_163;
/// The most steps, windows or steps between them that are answered: ten years of days.
const MOST: i64 = 3_660;
/// The years in which days are believed.
const YEARS: std::ops::RangeInclusive<i32> = 1_000..=9_999;
/// The longest time between the first and the last row, in steps: 270 years of days.
const MOST_STEPS: i64 = 100_000;

/// What has been seen of one group.
#[derive(Debug)]
pub(crate) struct Gathered {
    function: &'static Function,
    /// The keys seen; their places are in `keys`.
    names: Vec<String>,
    places: BTreeMap<String, i32>,
    /// One a row, where the function has a key.
    keys: Vec<i32>,
    days: Vec<i32>,
    values: Vec<f64>,
    numbers: Vec<Option<i64>>,
    options: Option<String>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a partition hands to another.
pub(crate) fn state_fields(function: &Function, name: &str) -> Vec<FieldRef> {
    let field = |part: &str, kind| Arc::new(Field::new(format!("{name}[{part}]"), kind, true));
    let list = |part: &str, kind| field(part, DataType::List(Arc::new(Field::new("item", kind, true))));
    let mut fields = Vec::new();
    if function.keyed {
        fields.extend([list("names", DataType::Utf8), list("keys", DataType::Int32)]);
    }
    fields.extend([list("days", DataType::Date32), list("values", DataType::Float64)]);
    fields.extend(function.numbers.iter().map(|number| field(number, DataType::Int64)));
    fields.push(field("options", DataType::Utf8));
    fields
}

/// What a function says when it has nothing to say.
pub(crate) fn nothing(function: &Function) -> ScalarValue {
    if function.null_for_nothing {
        return ScalarValue::List(Arc::new(ListArray::new_null(function.item(), 1)));
    }
    let rows = StructArray::new_null((function.fields)(), 0);
    ScalarValue::List(Arc::new(ListArray::new(function.item(), OffsetBuffer::from_lengths([0]), Arc::new(rows), None)))
}

impl Gathered {
    pub fn new(function: &'static Function) -> Gathered {
        Gathered {
            function,
            names: Vec::new(),
            places: BTreeMap::new(),
            keys: Vec::new(),
            days: Vec::new(),
            values: Vec::new(),
            numbers: vec![None; function.numbers.len()],
            options: None,
        }
    }

    fn set_number(&mut self, place: usize, number: i64) -> Result<()> {
        let (function, name) = (self.function.name, self.function.numbers[place]);
        if !(1..=MOST).contains(&number) {
            return exec_err!("{function}: the {name} is {number}; it must lie between 1 and {MOST}");
        }
        match self.numbers[place] {
            Some(known) if known != number => exec_err!("{function}: the {name} must be the same for all rows of a group"),
            _ => {
                self.numbers[place] = Some(number);
                Ok(())
            }
        }
    }

    fn set_options(&mut self, given: &str) -> Result<()> {
        match self.options.as_deref() {
            Some(known) if known == given => Ok(()),
            Some(_) => exec_err!("{}: the options must be the same for all rows of a group", self.function.name),
            None => {
                options::read(self.function, given)?;
                self.options = Some(given.to_string());
                Ok(())
            }
        }
    }

    fn set_constants(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let (numbers, options) = columns.split_at(self.function.numbers.len());
        for (place, column) in numbers.iter().enumerate() {
            for number in column.as_primitive::<Int64Type>().iter().flatten() {
                self.set_number(place, number)?;
            }
        }
        for given in options.iter().flat_map(|column| column.as_string::<i32>().iter().flatten()) {
            self.set_options(given)?;
        }
        Ok(())
    }

    fn place_of(&mut self, name: &str) -> i32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len() as i32;
        self.names.push(name.to_string());
        self.places.insert(name.to_string(), place);
        place
    }

    /// The rows by key and day, until the cutoff, each step once.
    fn rows(&self, given: &options::Options) -> Result<Vec<AskedRow>> {
        let name = self.function.name;
        let mut rows = Vec::with_capacity(self.days.len());
        for (row, (day, value)) in self.days.iter().zip(&self.values).enumerate() {
            let date = day.checked_add(UNIX_EPOCH_FROM_CE).and_then(NaiveDate::from_num_days_from_ce_opt);
            let Some(date) = date.filter(|date| YEARS.contains(&date.year())) else {
                return exec_err!(
                    "{name}: a day lies {day} days after 1970-01-01; years from {} to {} are taken",
                    YEARS.start(),
                    YEARS.end()
                );
            };
            let key = self.keys.get(row).map(|place| self.names[*place as usize].clone()).unwrap_or_default();
            if given.cutoff.is_none_or(|cutoff| date <= cutoff.0) {
                rows.push((key, date, *value));
            }
        }
        let rows = in_order(rows);
        let cadence = given.cadence(&rows);
        if let Some((key, day)) = doubled(&rows, cadence) {
            let of = if self.function.keyed { format!("key `{key}`") } else { "one series".to_string() };
            return exec_err!(
                "{name}: {of} has two rows for the {} of {day}; group by whatever tells series apart, or sum or average them first",
                options::word(cadence)
            );
        }
        let days = || rows.iter().map(|(_, day, _)| *day);
        if let Some((first, last)) = days().min().zip(days().max())
            && cadence.steps_between(first, last) >= MOST_STEPS
        {
            return exec_err!(
                "{name}: from {first} to {last} there are more than {MOST_STEPS} steps; name a longer step, such as 'freq=M'"
            );
        }
        Ok(rows)
    }
}

impl Accumulator for Gathered {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let (keys, columns) = columns.split_at(usize::from(self.function.keyed));
        let keys: Option<&StringArray> = keys.first().map(|keys| keys.as_string::<i32>());
        let (days, values) = (columns[0].as_primitive::<Date32Type>(), columns[1].as_primitive::<Float64Type>());
        for row in 0..days.len() {
            if days.is_null(row) || values.is_null(row) || keys.is_some_and(|keys| keys.is_null(row)) {
                continue;
            }
            if let Some(keys) = keys {
                let place = self.place_of(keys.value(row));
                self.keys.push(place);
            }
            self.days.push(days.value(row));
            self.values.push(values.value(row));
        }
        self.set_constants(&columns[2..])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (keyed, states) = states.split_at(if self.function.keyed { 2 } else { 0 });
        let (days, values) = (states[0].as_list::<i32>(), states[1].as_list::<i32>());
        for row in 0..days.len() {
            if let [names, keys] = keyed {
                let names = names.as_list::<i32>().value(row);
                let places: Vec<i32> = names.as_string::<i32>().iter().flatten().map(|name| self.place_of(name)).collect();
                let keys = keys.as_list::<i32>().value(row);
                self.keys.extend(keys.as_primitive::<Int32Type>().values().iter().map(|key| places[*key as usize]));
            }
            self.days.extend(days.value(row).as_primitive::<Date32Type>().values());
            self.values.extend(values.value(row).as_primitive::<Float64Type>().values());
        }
        self.set_constants(&states[2..])
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut states = Vec::new();
        if self.function.keyed {
            self.places.clear();
            states.push(one_list(Arc::new(StringArray::from(std::mem::take(&mut self.names)))));
            states.push(one_list(Arc::new(Int32Array::from(std::mem::take(&mut self.keys)))));
        }
        states.push(one_list(Arc::new(Date32Array::from(std::mem::take(&mut self.days)))));
        states.push(one_list(Arc::new(Float64Array::from(std::mem::take(&mut self.values)))));
        states.extend(self.numbers.iter().map(|number| ScalarValue::Int64(*number)));
        states.push(ScalarValue::Utf8(self.options.clone()));
        Ok(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let function = self.function;
        let asked = options::read(function, self.options.as_deref().unwrap_or_default())?;
        let rows = self.rows(&asked)?;
        if rows.is_empty() {
            return Ok(nothing(function));
        }
        let mut numbers = Vec::new();
        for (number, name) in self.numbers.iter().zip(function.numbers) {
            let Some(number) = number else { return exec_err!("{}: the {name} is null", function.name) };
            numbers.push(*number as u32);
        }
        match (function.answer)(Given { rows, numbers, asked })? {
            Some(columns) => Ok(one_list(Arc::new(StructArray::try_new((function.fields)(), columns, None)?))),
            None => Ok(nothing(function)),
        }
    }

    fn size(&self) -> usize {
        // a name is held twice, each with the words of its owner
        let name = |name: &String| 2 * (size_of::<String>() + name.capacity()) + size_of::<i32>();
        size_of::<Self>()
            + self.names.iter().map(name).sum::<usize>()
            + (self.keys.capacity() + self.days.capacity()) * size_of::<i32>()
            + self.values.capacity() * size_of::<f64>()
            + self.numbers.capacity() * size_of::<Option<i64>>()
            + self.options.as_ref().map_or(0, String::capacity)
    }
}

/// A day as Arrow counts it.
pub(crate) fn arrow_day(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - UNIX_EPOCH_FROM_CE
}

fn one_list(values: ArrayRef) -> ScalarValue {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    ScalarValue::List(Arc::new(ListArray::new(field, OffsetBuffer::from_lengths([values.len()]), values, None)))
}
