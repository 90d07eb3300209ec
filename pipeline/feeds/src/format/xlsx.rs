//! One sheet of a workbook, by calamine. A number is taken by its shortest text, a date by its day (and its time of
//! day, where it has one), an error such as `#N/A` by its name, so that it is rejected with it.

use super::{Raw, Records, header_name};
use crate::archive::check_archive;
use crate::{Contract, FeedError, Source};
use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use nongshi_domain::Hint;
use polars::prelude::{DataFrame, IntoColumn, NewChunkedArray, StringChunked};
use std::borrow::Cow;
use std::io::Cursor;

pub(super) fn read<'a>(contract: &Contract, source: &'a Source, sheet: Option<&str>, header_row: u32) -> Result<Records<'a>, FeedError> {
    check_archive(contract, source)?;
    let failed = |error: calamine::XlsxError| {
        FeedError::unreadable(contract, source, format!("it is not a workbook that can be read: {error}"), None)
    };
    let mut workbook: Xlsx<_> = open_workbook_from_rs(Cursor::new(source.bytes.clone())).map_err(failed)?;
    let names = workbook.sheet_names();
    let sheet = match sheet {
        Some(name) if names.iter().any(|known| known == name) => name.to_string(),
        Some(name) => {
            let hint = Hint::for_name(name, names.iter().map(String::as_str));
            return Err(FeedError::unreadable(contract, source, format!("it has no sheet `{name}`"), Some(hint)));
        }
        None => names.first().cloned().ok_or_else(|| FeedError::unreadable(contract, source, "it has no sheet".into(), None))?,
    };
    let range = workbook.worksheet_range(&sheet).map_err(failed)?;
    let first_row = range.start().map_or(0, |(row, _)| row);
    // Rows above the range are empty, so a header there has no names.
    let header_at = (header_row - 1).checked_sub(first_row).map(|at| at as usize);
    let header = header_at.and_then(|at| range.rows().nth(at)).unwrap_or_default();
    let names: Vec<String> = header.iter().map(|name| cell(name).map(|text| header_name(&text)).unwrap_or_default()).collect();
    if names.iter().all(String::is_empty) {
        let hint = Hint("set `header_row` under [format]".into());
        return Err(FeedError::unreadable(
            contract,
            source,
            format!("row {header_row} of sheet `{sheet}` is empty: no header"),
            Some(hint),
        ));
    }
    let body = range.rows().skip(header_at.map_or(0, |at| at + 1));
    let records: Vec<&[Data]> = body.filter(|row| row.iter().any(|cell| *cell != Data::Empty)).collect();
    let columns = names.iter().enumerate().filter(|(_, name)| !name.is_empty()).map(|(place, name)| {
        let cells = records.iter().map(|row| row.get(place).and_then(cell));
        StringChunked::from_iter_options(name.as_str().into(), cells).into_column()
    });
    let frame = DataFrame::new(records.len(), columns.collect())
        .map_err(|error| FeedError::unreadable(contract, source, error.to_string(), None))?;
    Records::of(frame, Raw::Cells, Vec::new()).map_err(|error| FeedError::unreadable(contract, source, error.to_string(), None))
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
