//! One sheet of a workbook, by calamine. A number is taken by its shortest text, a date by its day (and its time of
//! day, where it has one), an error such as `#N/A` by its name, so that it is rejected with it. A formula counts by the
//! value that was saved with it; one without a value rejects its row.

use super::{Raw, Records, header_name};
use crate::archive::check_archive;
use crate::{Contract, FeedError, Source};
use bytes::Bytes;
use calamine::{Data, Reader, SheetVisible, Xlsx, open_workbook_from_rs};
use nongshi_domain::Hint;
use polars::prelude::{DataFrame, IntoColumn, NewChunkedArray, StringChunked};
use std::borrow::Cow;
use std::io::Cursor;

/// More columns than any feed has: a file that is not what it seems.
const MOST_COLUMNS: u32 = 2_000;

pub(super) fn read<'a>(contract: &Contract, source: &'a Source, sheet: Option<&str>, header_row: u32) -> Result<Records<'a>, FeedError> {
    check_archive(contract, source)?;
    let unreadable = |what: String, hint: Option<Hint>| FeedError::unreadable(contract, source, what, hint);
    let failed = |error: calamine::XlsxError| unreadable(format!("it is not a workbook that can be read: {error}"), None);
    let mut workbook: Xlsx<_> = open_workbook_from_rs(Cursor::new(source.bytes.clone())).map_err(failed)?;
    let sheet = sheet_name(&workbook, sheet).map_err(|(what, hint)| unreadable(what, hint))?;
    let rows = rows(&mut workbook, &sheet, header_row).map_err(|what| unreadable(what, None))?;
    let header = rows.header.iter().map(|(place, name)| Some((*place, header_name(&cell(name)?)))).collect::<Option<Vec<_>>>();
    let header: Vec<(u32, String)> = header.unwrap_or_default().into_iter().filter(|(_, name)| !name.is_empty()).collect();
    if header.is_empty() {
        let hint = Hint("set `header_row` under [format]".into());
        return Err(unreadable(format!("row {header_row} of sheet `{sheet}` is empty: no header"), Some(hint)));
    }
    let columns = header.iter().map(|(place, name)| {
        let cells = rows.records.iter().map(|row| row.iter().find(|(at, _)| at == place).and_then(|(_, data)| cell(data)));
        StringChunked::from_iter_options(name.as_str().into(), cells).into_column()
    });
    let frame = DataFrame::new(rows.records.len(), columns.collect()).map_err(|error| unreadable(error.to_string(), None))?;
    Records::of(frame, Raw::Cells, rows.broken).map_err(|error| unreadable(error.to_string(), None))
}

/// The sheet that is meant: by its name, or the first that is not hidden.
fn sheet_name(workbook: &Xlsx<Cursor<Bytes>>, sheet: Option<&str>) -> Result<String, (String, Option<Hint>)> {
    let sheets = workbook.sheets_metadata();
    match sheet {
        Some(name) if sheets.iter().any(|known| known.name == name) => Ok(name.to_string()),
        Some(name) => {
            let hint = Hint::for_name(name, sheets.iter().map(|sheet| sheet.name.as_str()));
            Err((format!("it has no sheet `{name}`"), Some(hint)))
        }
        None => {
            let seen = sheets.iter().find(|sheet| sheet.visible == SheetVisible::Visible);
            seen.map(|sheet| sheet.name.clone()).ok_or_else(|| ("it has no sheet that can be seen".into(), None))
        }
    }
}

/// A cell and its column.
type Cells = Vec<(u32, Data)>;

/// The rows of a sheet that hold something, cell by cell: a sheet with two cells in opposite corners is small.
#[derive(Default)]
struct Rows {
    header: Cells,
    records: Vec<Cells>,
    /// Records with a formula that has no value.
    broken: Vec<(usize, String)>,
}

fn rows(workbook: &mut Xlsx<Cursor<Bytes>>, sheet: &str, header_row: u32) -> Result<Rows, String> {
    let failed = |error: calamine::XlsxError| format!("sheet `{sheet}` cannot be read: {error}");
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(failed)?;
    let mut rows = Rows::default();
    let mut last = None;
    while let Some(found) = reader.next_cell_with_formula().map_err(failed)? {
        let ((row, column), value) = (found.pos, Data::from(found.value));
        if value == Data::Empty && found.formula.is_none() || row + 1 < header_row {
            continue;
        }
        if column >= MOST_COLUMNS {
            return Err(format!("sheet `{sheet}` has {} columns; {MOST_COLUMNS} is the most", column + 1));
        }
        if row + 1 == header_row {
            rows.header.push((column, value));
            continue;
        }
        if last.is_some_and(|last| row < last) {
            return Err(format!("row {} of sheet `{sheet}` stands below row {}", row + 1, last.unwrap_or_default() + 1));
        }
        if last != Some(row) {
            rows.records.push(Cells::new());
            last = Some(row);
        }
        let record = rows.records.len() - 1;
        if value == Data::Empty && rows.broken.last().is_none_or(|(known, _)| *known != record) {
            rows.broken.push((record, format!("row {} holds a formula without a value: open and save the workbook", row + 1)));
        }
        rows.records[record].push((column, value));
    }
    Ok(rows)
}

fn cell(data: &Data) -> Option<Cow<'_, str>> {
    match data {
        Data::Empty => None,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Some(Cow::Borrowed(text)),
        Data::Int(number) => Some(Cow::Owned(number.to_string())),
        Data::Float(number) => Some(Cow::Owned(number.to_string())),
        Data::Bool(yes) => Some(Cow::Owned(yes.to_string())),
        Data::Error(error) => Some(Cow::Owned(error.to_string())),
        Data::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            let time = if (hour, minute, second) == (0, 0, 0) { String::new() } else { format!(" {hour:02}:{minute:02}:{second:02}") };
            Some(Cow::Owned(format!("{year:04}-{month:02}-{day:02}{time}")))
        }
        Data::DateTime(duration) => Some(Cow::Owned(duration.as_f64().to_string())),
    }
}
