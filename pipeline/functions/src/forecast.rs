//! `forecast(day, y, horizon [, cadence])`: an aggregate over one series.
//!
//! In: days (DATE), values (DOUBLE), steps ahead (BIGINT), and `'day'`, `'week'` or `'month'` (else the smallest
//! step between two days tells). Out: a list of (day, y_hat, mean, q10, q50, q90); null when the series is too
//! short to say anything. Never: depends on the order in which rows arrive.

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Float64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Fields, Float64Type, Int64Type};
use chrono::{Datelike, NaiveDate};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, TypeSignature, Volatility};
use nongshi_domain::{Cadence, Category, Cutoff, Panel, Target};
use nongshi_models::forecasting::{ForecastSettings, forecast_series};
use std::sync::Arc;

/// The names of the quantile columns, in the order of `nongshi_domain::LEVELS`.
pub const FORECAST_LEVELS: [&str; 3] = ["q10", "q50", "q90"];
/// Days from the common era to 1970-01-01, where Arrow's days begin.
const UNIX_EPOCH_FROM_CE: i32 = 719_163;
/// The most steps ahead that are answered: ten years of days.
const MAX_HORIZON: i64 = 3_660;

/// The function, to be registered.
pub fn forecast_udaf() -> AggregateUDF {
    let base = vec![DataType::Date32, DataType::Float64, DataType::Int64];
    let with_cadence = base.iter().cloned().chain([DataType::Utf8]).collect();
    let signature = Signature::one_of(vec![TypeSignature::Exact(base), TypeSignature::Exact(with_cadence)], Volatility::Immutable);
    AggregateUDF::new_from_impl(Forecast { signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Forecast {
    signature: Signature,
}

impl AggregateUDFImpl for Forecast {
    fn name(&self) -> &str {
        "forecast"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(item_field()))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = |name: &str, kind| {
            Arc::new(Field::new(format!("{}[{name}]", args.name), DataType::List(Arc::new(Field::new("item", kind, true))), true))
        };
        Ok(vec![
            list("days", DataType::Date32),
            list("values", DataType::Float64),
            Arc::new(Field::new(format!("{}[horizon]", args.name), DataType::Int64, true)),
            Arc::new(Field::new(format!("{}[cadence]", args.name), DataType::Utf8, true)),
        ])
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Gathered::default()))
    }
}

/// What has been seen of one series.
#[derive(Debug, Default)]
struct Gathered {
    days: Vec<i32>,
    values: Vec<f64>,
    horizon: Option<i64>,
    cadence: Option<String>,
}

impl Gathered {
    fn set_horizon(&mut self, horizon: i64) -> Result<()> {
        if !(1..=MAX_HORIZON).contains(&horizon) {
            return exec_err!("forecast: the horizon is {horizon} steps; it must lie between 1 and {MAX_HORIZON}");
        }
        if self.horizon.is_some_and(|known| known != horizon) {
            return exec_err!("forecast: the horizon must be the same for all rows of a group");
        }
        self.horizon = Some(horizon);
        Ok(())
    }

    fn set_cadence(&mut self, cadence: &str) -> Result<()> {
        if self.cadence.as_deref().is_some_and(|known| known != cadence) {
            return exec_err!("forecast: the cadence must be the same for all rows of a group");
        }
        self.cadence = Some(cadence.to_string());
        Ok(())
    }

    fn settled_cadence(&self, days: &[i32]) -> Result<Cadence> {
        match self.cadence.as_deref() {
            Some("day") => return Ok(Cadence::Day),
            Some("week") => return Ok(Cadence::Week),
            Some("month") => return Ok(Cadence::Month),
            Some(other) => return exec_err!("forecast: cadence '{other}' is not known; it is 'day', 'week' or 'month'"),
            None => {}
        }
        let smallest = days.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0).min();
        Ok(match smallest {
            Some(28..) => Cadence::Month,
            Some(7..28) => Cadence::Week,
            _ => Cadence::Day,
        })
    }
}

impl Accumulator for Gathered {
    fn update_batch(&mut self, args: &[ArrayRef]) -> Result<()> {
        let (days, values, horizons) =
            (args[0].as_primitive::<Date32Type>(), args[1].as_primitive::<Float64Type>(), args[2].as_primitive::<Int64Type>());
        for row in 0..days.len() {
            if horizons.is_valid(row) {
                self.set_horizon(horizons.value(row))?;
            }
            if days.is_valid(row) && values.is_valid(row) {
                self.days.push(days.value(row));
                self.values.push(values.value(row));
            }
        }
        if let Some(cadences) = args.get(3) {
            for cadence in cadences.as_string::<i32>().iter().flatten() {
                self.set_cadence(cadence)?;
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (days, values) = (states[0].as_list::<i32>(), states[1].as_list::<i32>());
        for row in 0..days.len() {
            self.days.extend(days.value(row).as_primitive::<Date32Type>().values());
            self.values.extend(values.value(row).as_primitive::<Float64Type>().values());
        }
        for horizon in states[2].as_primitive::<Int64Type>().iter().flatten() {
            self.set_horizon(horizon)?;
        }
        for cadence in states[3].as_string::<i32>().iter().flatten() {
            self.set_cadence(cadence)?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let days: ArrayRef = Arc::new(Date32Array::from(std::mem::take(&mut self.days)));
        let values: ArrayRef = Arc::new(Float64Array::from(std::mem::take(&mut self.values)));
        Ok(vec![one_list(days), one_list(values), ScalarValue::Int64(self.horizon), ScalarValue::Utf8(self.cadence.clone())])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let nothing = || ScalarValue::List(Arc::new(ListArray::new_null(item_field(), 1)));
        let Some(horizon) = self.horizon else { return Ok(nothing()) };
        let mut rows: Vec<(i32, f64)> = self.days.iter().copied().zip(self.values.iter().copied()).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let days: Vec<i32> = rows.iter().map(|(day, _)| *day).collect();
        let cadence = self.settled_cadence(&days)?;
        // a series that never touches zero is taken on the log scale, as prices are
        let target = if rows.iter().all(|(_, value)| *value > 0.0) { Target::Price } else { Target::Demand };
        let named = rows.iter().filter_map(|(day, value)| Some((String::new(), to_date(*day)?, *value)));
        let panel = Panel::gather(Category(String::new()), target, cadence, named);
        let Some((series, last)) = panel.series.first().zip(days.last().and_then(|day| to_date(*day))) else { return Ok(nothing()) };
        let settings = ForecastSettings { horizon: horizon as u32, ..ForecastSettings::for_cadence(cadence) };
        match forecast_series(series, &panel.category, target, cadence, Cutoff(last), &settings) {
            Ok(forecast) => Ok(to_list(&forecast)?),
            Err(_) => Ok(nothing()),
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.days.capacity() * size_of::<i32>() + self.values.capacity() * size_of::<f64>()
    }
}

fn to_date(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.checked_add(UNIX_EPOCH_FROM_CE)?)
}

fn item_field() -> FieldRef {
    Arc::new(Field::new("item", DataType::Struct(step_fields()), true))
}

fn step_fields() -> Fields {
    let number = |name| Field::new(name, DataType::Float64, true);
    let [q10, q50, q90] = FORECAST_LEVELS.map(number);
    Fields::from(vec![Field::new("day", DataType::Date32, true), number("y_hat"), number("mean"), q10, q50, q90])
}

fn one_list(values: ArrayRef) -> ScalarValue {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    ScalarValue::List(Arc::new(ListArray::new(field, OffsetBuffer::from_lengths([values.len()]), values, None)))
}

fn to_list(forecast: &nongshi_domain::Forecast) -> Result<ScalarValue> {
    let steps = &forecast.steps;
    let quantile = |index: usize| Arc::new(Float64Array::from_iter_values(steps.iter().map(|step| step.quantiles[index]))) as ArrayRef;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from_iter_values(steps.iter().map(|step| step.day.num_days_from_ce() - UNIX_EPOCH_FROM_CE))),
        quantile(1),
        Arc::new(Float64Array::from_iter_values(steps.iter().map(|step| step.mean))),
        quantile(0),
        quantile(1),
        quantile(2),
    ];
    Ok(one_list(Arc::new(StructArray::try_new(step_fields(), columns, None)?)))
}
