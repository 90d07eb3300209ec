//! A panel's file. In: CSV or Parquet with `unique_id, ds, y` and what else is told. Out: a panel, and how its steps are written.
//! Never: two values for one step; a value that is no number taken for a gap.

use super::told::{Cells, tell};
use crate::args::{PanelArgs, PanelFreq};
use crate::columns::Columns;
use crate::exit::{Exit, Failure};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use chrono::{Datelike, Days, NaiveDate};
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionConfig, SessionContext};
use nongshi_domain::{Cadence, Category, Panel, Target};
use nongshi_models::forecasting::align_ends;
use std::collections::{BTreeMap, BTreeSet};

/// How the file writes its steps.
pub enum Steps {
    /// As days, this many after the first day of the step.
    Days(u64),
    /// As the last days of months, or of ten days.
    LastDays(Cadence),
    /// As numbers: how many steps each series was moved by.
    Numbers(BTreeMap<String, u64>),
}

impl Steps {
    /// A column of steps as the file writes them.
    pub fn column<'a>(&self, columns: Columns, name: &str, steps: impl Iterator<Item = (&'a str, NaiveDate)>) -> Columns {
        match self {
            Steps::Days(after) => columns.day(name, steps.map(|(_, day)| Some(day + Days::new(*after)))),
            Steps::LastDays(cadence) => columns.day(name, steps.map(|(_, day)| Some(cadence.last_day(day)))),
            Steps::Numbers(moved) => columns
                .count(name, steps.map(|(key, day)| (day - NaiveDate::default()).num_days() - moved.get(key).map_or(0, |by| *by as i64))),
        }
    }
}

/// Reads the panel a command names; what is known beforehand must reach `ahead` steps beyond it.
pub async fn read(args: &PanelArgs, ahead: u32) -> Result<(Panel, Steps), Failure> {
    let path = args.panel.to_str().ok_or_else(|| Failure::new(Exit::Usage, "the panel's path is not UTF-8"))?;
    if !args.panel.is_file() {
        return Err(Failure::new(Exit::Usage, format!("`{path}` is no file")));
    }
    let unreadable = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, format!("`{path}` cannot be read as a panel: {error}"));
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let frame = match args.panel.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => ctx.read_parquet(path, ParquetReadOptions::default()).await,
        Some("csv") => ctx.read_csv(path, CsvReadOptions::new().schema_infer_max_records(100_000)).await,
        _ => return Err(unreadable(&"it ends neither in `.csv` nor in `.parquet`")),
    };
    let frame = frame.map_err(|error| unreadable(&error.strip_backtrace()))?;
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let told = args.told.known.iter().chain(&args.told.in_stock).map(String::as_str);
    let wanted: Vec<&str> = ["unique_id", "ds", "y"].into_iter().chain(told).collect();
    if let Some(doubled) = wanted.iter().enumerate().find(|(at, name)| wanted[..*at].contains(name)) {
        return Err(Failure::new(Exit::Usage, format!("the column `{}` is named twice; it can tell one thing only", doubled.1)));
    }
    if let Some(missing) = wanted.iter().find(|wanted| !names.iter().any(|name| name == *wanted)) {
        let failure = unreadable(&format!("there is no column `{missing}`; its columns are {}", names.join(", ")));
        return Err(failure.hint("a panel has `unique_id` (the series), `ds` (the step) and `y` (the value); rename its columns"));
    }
    let frame = frame.select_columns(&wanted).map_err(|error| unreadable(&error.strip_backtrace()))?;
    let batches = frame.collect().await.map_err(|error| unreadable(&error.strip_backtrace()))?;
    let mut rows = Vec::new();
    let mut cells = Cells { names: args.told.known.clone(), known: vec![], shares: args.told.in_stock.is_some().then(Vec::new) };
    for batch in &batches {
        gather(batch, args.freq, &mut rows).map_err(|reason| unreadable(&reason))?;
        gather_told(batch, args.told.in_stock.as_deref(), &mut cells).map_err(|reason| unreadable(&reason))?;
    }
    let steps = match args.freq {
        PanelFreq::Numbered => None,
        freq => Some(written(&rows, freq.cadence()).map_err(|reason| unreadable(&reason))?),
    };
    check(&rows, args.freq).map_err(|reason| unreadable(&reason))?;
    let values = rows.iter().filter_map(|row| Some((row.key.clone(), row.day, row.value?)));
    // whether it is a price or a quantity is decided by its values, at each cutoff
    let mut panel = Panel::gather(Category("panel".into()), Target::Price, args.freq.cadence(), values);
    if panel.series.is_empty() {
        return Err(unreadable(&"it holds no value"));
    }
    if !cells.names.is_empty() || cells.shares.is_some() {
        let rows: Vec<(&str, NaiveDate, bool)> = rows.iter().map(|row| (row.key.as_str(), row.day, row.value.is_some())).collect();
        tell(&mut panel, &rows, &cells, ahead).map_err(|reason| unreadable(&reason))?;
    }
    let steps = steps.unwrap_or_else(|| {
        let moved = align_ends(&mut panel);
        Steps::Numbers(panel.series.iter().map(|series| series.key.clone()).zip(moved).collect())
    });
    Ok((panel, steps))
}

struct Row {
    key: String,
    day: NaiveDate,
    value: Option<f64>,
}

/// A column cast to another kind, null only where it was null or empty.
fn strictly(batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, String> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("there is no column `{name}`"))?;
    let cast = cast(column, kind).map_err(|error| format!("`{name}`: {error}"))?;
    let words = |row: usize| arrow::util::display::array_value_to_string(column, row).unwrap_or_default();
    match (0..column.len()).find(|row| column.is_valid(*row) && cast.is_null(*row) && !words(*row).trim().is_empty()) {
        None => Ok(cast),
        Some(row) => {
            let words = words(row);
            Err(format!("`{words}` in `{name}` is no {}", if *kind == DataType::Date32 { "date" } else { "number" }))
        }
    }
}

fn gather(batch: &RecordBatch, freq: PanelFreq, rows: &mut Vec<Row>) -> Result<(), String> {
    let keys = strictly(batch, "unique_id", &DataType::Utf8)?;
    let keys: &StringArray = keys.as_string();
    let values = strictly(batch, "y", &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>();
    let days: Vec<Option<NaiveDate>> = if freq == PanelFreq::Numbered {
        if batch.column_by_name("ds").is_some_and(|numbers| !numbers.data_type().is_integer()) {
            return Err("`ds` holds no whole numbers, and `--freq 1` takes nothing else; dates are read with D, W, X or M".to_string());
        }
        let numbers = strictly(batch, "ds", &DataType::Int64)?;
        let day = |number: i64| {
            u64::try_from(number).ok().filter(|number| *number < 1_000_000).map(|number| NaiveDate::default() + Days::new(number))
        };
        numbers.as_primitive::<Int64Type>().iter().map(|number| number.and_then(day)).collect()
    } else {
        if batch.column_by_name("ds").is_some_and(|days| days.data_type().is_integer()) {
            return Err("`ds` holds numbers, not dates; numbered steps are read with `--freq 1`".to_string());
        }
        let days = strictly(batch, "ds", &DataType::Date32)?;
        days.as_primitive::<Date32Type>().iter().map(|day| day.and_then(Date32Type::to_naive_date_opt)).collect()
    };
    for (row, day) in days.into_iter().enumerate() {
        if keys.is_null(row) {
            return Err("a row has no `unique_id`".to_string());
        }
        let key = keys.value(row).to_string();
        let day =
            day.ok_or_else(|| format!("a row of `{key}` has no `ds` that can be used (steps are dates, or numbers from 0 to 999999)"))?;
        let value = values.is_valid(row).then(|| values.value(row)).filter(|value| !value.is_nan());
        if let Some(value) = value.filter(|value| *value < 0.0 || value.is_infinite()) {
            return Err(format!("`{key}` is {value} on {day}; prices and quantities are not below zero"));
        }
        rows.push(Row { key, day, value });
    }
    Ok(())
}

/// The cells of the columns that tell more than values.
fn gather_told(batch: &RecordBatch, in_stock: Option<&str>, cells: &mut Cells) -> Result<(), String> {
    let columns: Vec<ArrayRef> = cells.names.iter().map(|name| strictly(batch, name, &DataType::Float64)).collect::<Result<_, _>>()?;
    let numbers = |column: &ArrayRef| column.as_primitive::<Float64Type>().iter().map(|cell| cell.unwrap_or(f64::NAN)).collect();
    let columns: Vec<Vec<f64>> = columns.iter().map(numbers).collect();
    for row in 0..batch.num_rows() {
        cells.known.extend(columns.iter().map(|column| column[row]));
    }
    if let (Some(name), Some(shares)) = (in_stock, &mut cells.shares) {
        shares.extend(numbers(&strictly(batch, name, &DataType::Float64)?));
    }
    Ok(())
}

/// By which of its days the file writes each step.
fn written(rows: &[Row], cadence: Cadence) -> Result<Steps, String> {
    let by_last_days = matches!(cadence, Cadence::Month | Cadence::TenDays);
    if by_last_days && rows.iter().all(|row| row.day == cadence.last_day(row.day)) {
        return Ok(Steps::LastDays(cadence));
    }
    if cadence == Cadence::TenDays {
        rows.iter().try_for_each(|row| cadence.check(row.day)).map_err(|refused| refused.to_string())?;
    }
    let offsets: BTreeSet<u64> = rows.iter().map(|row| (row.day - cadence.floor(row.day)).num_days() as u64).collect();
    if offsets.len() <= 1 {
        return Ok(Steps::Days(offsets.first().copied().unwrap_or(0)));
    }
    let (first, other) = (&rows[0], rows.iter().find(|row| row.day.weekday() != rows[0].day.weekday()).unwrap_or(&rows[0]));
    Err(match cadence {
        Cadence::Month => "its months are not all written by the same day; write their first days".to_string(),
        _ => format!(
            "its weeks are not all written by the same weekday: {} is a {}, {} a {}",
            first.day,
            first.day.weekday(),
            other.day,
            other.day.weekday()
        ),
    })
}

/// Refuses a second value for a step.
fn check(rows: &[Row], freq: PanelFreq) -> Result<(), String> {
    let cadence = freq.cadence();
    let mut seen: BTreeSet<(&str, NaiveDate)> = BTreeSet::new();
    match rows.iter().find(|row| !seen.insert((&row.key, cadence.floor(row.day)))) {
        None => Ok(()),
        Some(row) => {
            let step = match freq {
                PanelFreq::Numbered => (row.day - NaiveDate::default()).num_days().to_string(),
                _ => row.day.to_string(),
            };
            Err(format!("`{}` has two rows for the step of {step}; sum or average them first", row.key))
        }
    }
}

/// Writes a Parquet file.
pub fn write_parquet(out: std::fs::File, batches: &[RecordBatch]) -> Result<(), datafusion::parquet::errors::ParquetError> {
    let Some(first) = batches.first() else { return Ok(()) };
    let mut writer = datafusion::parquet::arrow::ArrowWriter::try_new(out, first.schema(), None)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.close().map(|_| ())
}
