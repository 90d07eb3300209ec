//! The rows of one sheet of a workbook, by its XML. In: the archive. Out: how many rows below the header hold a value.
//! Never: a cell's value.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// No part of a workbook is read beyond this, whatever the archive says of its size.
const MOST_BYTES: u64 = 2 << 30;

pub(super) fn count(bytes: &[u8], sheet: Option<&str>, header_row: u32) -> Result<u64, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("it is not a workbook, or cut off: {error}"))?;
    let workbook = part(&mut archive, "xl/workbook.xml")?;
    let relations = part(&mut archive, "xl/_rels/workbook.xml.rels")?;
    let id = find(&workbook, "sheet", |tag| match sheet {
        Some(name) if attribute(tag, "name").as_deref() != Some(name) => None,
        None if attribute(tag, "state").is_some_and(|state| state != "visible") => None,
        _ => attribute(tag, "id"),
    })?
    .ok_or("it has no such sheet")?;
    let target = find(&relations, "Relationship", |tag| (attribute(tag, "Id")? == id).then(|| attribute(tag, "Target")).flatten())?
        .ok_or("its sheet lies nowhere")?;
    let path = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), String::from);
    rows(&part(&mut archive, &path)?, header_row)
}

fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, path: &str) -> Result<String, String> {
    let mut text = String::new();
    let file = archive.by_name(path).map_err(|error| format!("its part `{path}` cannot be read: {error}"))?;
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| format!("its part `{path}` cannot be unpacked: {error}"))?;
    Ok(text)
}

/// What the first tag of that name for which it is something gives.
fn find(xml: &str, name: &str, pick: impl Fn(&BytesStart) -> Option<String>) -> Result<Option<String>, String> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().map_err(|error| format!("its XML is broken: {error}"))? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == name => {
                if let Some(found) = pick(&tag) {
                    return Ok(Some(found));
                }
            }
            Event::Eof => return Ok(None),
            _ => {}
        }
    }
}

/// An attribute by its local name, so that `r:id` is `id`.
fn attribute(tag: &BytesStart, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(|text| text.into_owned())
}

/// Rows below the header in which some `v`, formula or inline text holds something.
fn rows(xml: &str, header_row: u32) -> Result<u64, String> {
    let mut reader = Reader::from_str(xml);
    let (mut counted, mut row, mut in_row, mut in_value, mut holds) = (0, 0, false, false, false);
    loop {
        match reader.read_event().map_err(|error| format!("its sheet's XML is broken: {error}"))? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "row" => {
                    row = attribute(&tag, "r").and_then(|number| number.parse().ok()).unwrap_or(row + 1);
                    (in_row, holds) = (true, false);
                }
                "v" | "t" | "f" => in_value = in_row,
                _ => {}
            },
            Event::Empty(tag) if tag.local_name().as_ref() == "row" => {
                row = attribute(&tag, "r").and_then(|number| number.parse().ok()).unwrap_or(row + 1);
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if in_value => holds = true,
            Event::End(tag) => match tag.local_name().as_ref() {
                "row" => {
                    counted += u64::from(holds && row > header_row);
                    in_row = false;
                }
                "v" | "t" | "f" => in_value = false,
                _ => {}
            },
            Event::Eof if in_row => return Err("its sheet ends inside a row: it may be cut off".into()),
            Event::Eof => return Ok(counted),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_a_value_below_the_header_count() {
        let sheet = "<sheetData><row r=\"1\"><c><v>0</v></c></row><row r=\"2\"><c><v>5</v></c></row><row r=\"3\"><c s=\"1\"/></row>\
            <row r=\"4\"/><row><c t=\"inlineStr\"><is><t>x</t></is></c></row><row><c><f>A1</f></c></row></sheetData>";
        assert_eq!(rows(sheet, 1), Ok(3));
        assert_eq!(rows(sheet, 2), Ok(2));
        assert!(rows("<sheetData><row r=\"2\"><c><v>5</v></c>", 1).is_err());
    }
}
