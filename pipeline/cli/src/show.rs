//! Answers on paper: aligned columns (Chinese counts two), csv, json, ndjson. In: batches. Out: text.

use crate::args::Format;
use crate::exit::{Exit, Failure};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::io::{BufWriter, IsTerminal, Write};
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

/// The form on stdout when none is asked for: a table for people, csv for programs.
pub fn usual() -> Format {
    if std::io::stdout().is_terminal() { Format::Table } else { Format::Csv }
}

/// Writes the rows in a form.
pub fn write(out: &mut dyn Write, batches: &[RecordBatch], format: Format) -> Result<(), Failure> {
    if format == Format::Table {
        return table(out, batches).map_err(|error| unwritten(&error));
    }
    let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let mut lines = Lines::begin(out, &schema, format)?;
    batches.iter().try_for_each(|batch| lines.write(batch))?;
    lines.end()
}

fn unwritten(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unreachable, format!("the answer cannot be written: {error}"))
}

/// Rows that are written as they come, in any form but a table, whose columns wait for the widest cell.
pub struct Lines<'a> {
    out: BufWriter<&'a mut dyn Write>,
    format: Format,
    names: Vec<String>,
    kinds: Vec<DataType>,
    is_first: bool,
}

impl<'a> Lines<'a> {
    /// Begins with what stands before the first row.
    pub fn begin(out: &'a mut dyn Write, schema: &Schema, format: Format) -> Result<Lines<'a>, Failure> {
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let kinds = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        let mut lines = Lines { out: BufWriter::new(out), format, names, kinds, is_first: true };
        match format {
            Format::Json => write!(lines.out, "[").map_err(|error| unwritten(&error))?,
            Format::Ndjson => {}
            _ => lines.csv(std::iter::once(lines.names.clone()))?,
        }
        Ok(lines)
    }

    /// Writes some rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let rows = cells(batch).map_err(|error| unwritten(&error))?;
        match self.format {
            Format::Json | Format::Ndjson => self.json(&rows).map_err(|error| unwritten(&error)),
            _ => self.csv(rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect())),
        }
    }

    /// Writes what stands behind the last row.
    pub fn end(mut self) -> Result<(), Failure> {
        if self.format == Format::Json {
            writeln!(self.out, "]").map_err(|error| unwritten(&error))?;
        }
        self.out.flush().map_err(|error| unwritten(&error))
    }

    fn csv(&mut self, rows: impl Iterator<Item = Vec<String>>) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(&mut self.out);
        for row in rows {
            writer.write_record(&row).map_err(|error| unwritten(&error))?;
        }
        writer.flush().map_err(|error| unwritten(&error))
    }

    /// Numbers stand as the engine spells them, so that decimals stay exact.
    fn json(&mut self, rows: &[Vec<Option<String>>]) -> std::io::Result<()> {
        let names: Vec<String> = self.names.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
        let plain = |kind: &DataType, cell: &str| (kind.is_numeric() && !cell.contains(['N', 'i', 'n'])) || *kind == DataType::Boolean;
        for row in rows {
            let members = row.iter().enumerate().map(|(place, cell)| match cell {
                None => format!("{}:null", names[place]),
                Some(cell) if plain(&self.kinds[place], cell) => format!("{}:{cell}", names[place]),
                Some(cell) => format!("{}:{}", names[place], serde_json::Value::from(cell.as_str())),
            });
            let object = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
            match self.format {
                Format::Json if self.is_first => write!(self.out, "{object}")?,
                Format::Json => write!(self.out, ",\n{object}")?,
                _ => writeln!(self.out, "{object}")?,
            }
            self.is_first = false;
        }
        Ok(())
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
