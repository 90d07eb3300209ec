//! Answers on paper: aligned columns (Chinese counts two), csv, json, ndjson. In: batches. Out: text.

use crate::args::Format;
use crate::exit::{Exit, Failure};
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::io::{IsTerminal, Write};
use unicode_width::UnicodeWidthStr;

/// The form on stdout when none is asked for: a table for people, csv for programs.
pub fn usual() -> Format {
    if std::io::stdout().is_terminal() { Format::Table } else { Format::Csv }
}

/// Writes the rows in a form.
pub fn write(out: &mut dyn Write, batches: &[RecordBatch], format: Format) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Unreachable, format!("the answer cannot be written: {error}"));
    match format {
        Format::Table => table(out, batches).map_err(failed),
        Format::Csv => csv(out, batches),
        Format::Json | Format::Ndjson => json(out, batches, format).map_err(failed),
    }
}

fn names(batches: &[RecordBatch]) -> Vec<String> {
    batches.first().map_or(Vec::new(), |batch| batch.schema().fields().iter().map(|field| field.name().clone()).collect())
}

/// Every cell as text; none is null.
fn cells(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, arrow::error::ArrowError> {
    let options = FormatOptions::default();
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options)).collect::<Result<Vec<_>, _>>()?;
    let cell = |row: usize, place: usize| (!batch.column(place).is_null(row)).then(|| columns[place].value(row).to_string());
    Ok((0..batch.num_rows()).map(|row| (0..columns.len()).map(|place| cell(row, place)).collect()).collect())
}

fn all_cells(batches: &[RecordBatch]) -> Vec<Vec<Option<String>>> {
    batches.iter().flat_map(|batch| cells(batch).unwrap_or_default()).collect()
}

fn table(out: &mut dyn Write, batches: &[RecordBatch]) -> std::io::Result<()> {
    let (names, rows) = (names(batches), all_cells(batches));
    let mut widths: Vec<usize> = names.iter().map(|name| name.width()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.as_deref().unwrap_or_default().width());
        }
    }
    let right: Vec<bool> =
        batches.first().map_or(Vec::new(), |batch| batch.schema().fields().iter().map(|field| field.data_type().is_numeric()).collect());
    let line = |out: &mut dyn Write, cells: &[&str]| {
        let padded = cells.iter().enumerate().map(|(place, cell)| {
            let pad = " ".repeat(widths[place] - cell.width());
            if right[place] { format!("{pad}{cell}") } else { format!("{cell}{pad}") }
        });
        writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    line(out, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    line(out, &widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>())?;
    for row in &rows {
        line(out, &row.iter().map(|cell| cell.as_deref().unwrap_or_default()).collect::<Vec<_>>())?;
    }
    Ok(())
}

fn csv(out: &mut dyn Write, batches: &[RecordBatch]) -> Result<(), Failure> {
    let failed = |error: csv::Error| Failure::new(Exit::Unreachable, format!("the answer cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(names(batches)).map_err(failed)?;
    for row in all_cells(batches) {
        writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default())).map_err(failed)?;
    }
    writer.flush().map_err(|error| failed(error.into()))
}

/// Numbers stand as the engine spells them, so that decimals stay exact.
fn json(out: &mut dyn Write, batches: &[RecordBatch], format: Format) -> std::io::Result<()> {
    let names: Vec<String> = names(batches).iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
    let kinds: Vec<DataType> =
        batches.first().map_or(Vec::new(), |batch| batch.schema().fields().iter().map(|field| field.data_type().clone()).collect());
    let plain = |kind: &DataType, cell: &str| (kind.is_numeric() && !cell.contains(['N', 'i', 'n'])) || *kind == DataType::Boolean;
    let object = |row: &Vec<Option<String>>| {
        let members = row.iter().enumerate().map(|(place, cell)| match cell {
            None => format!("{}:null", names[place]),
            Some(cell) if plain(&kinds[place], cell) => format!("{}:{cell}", names[place]),
            Some(cell) => format!("{}:{}", names[place], serde_json::Value::from(cell.as_str())),
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let objects: Vec<String> = all_cells(batches).iter().map(object).collect();
    match format {
        Format::Json => writeln!(out, "[{}]", objects.join(",\n")),
        _ => objects.iter().try_for_each(|object| writeln!(out, "{object}")),
    }
}
