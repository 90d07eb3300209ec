//! Workbooks for tests, written part by part. In: sheets. Out: the bytes of an .xlsx file.

use std::io::{Cursor, Write};

/// A workbook of sheets: name, state, rows of XML.
pub fn workbook(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut part = |name: &str, text: String| {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a name of our own");
        archive.write_all(text.as_bytes()).expect("memory");
    };
    part("[Content_Types].xml", "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>".into());
    let top = format!("<Relationship Id=\"rId1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/>");
    part("_rels/.rels", format!("<Relationships xmlns=\"{package}\">{top}</Relationships>"));
    let (mut list, mut relations) = (String::new(), String::new());
    for (place, (name, state, rows)) in (1..).zip(sheets) {
        list += &format!("<sheet name=\"{name}\" sheetId=\"{place}\" state=\"{state}\" r:id=\"rId{place}\"/>");
        relations += &format!("<Relationship Id=\"rId{place}\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet{place}.xml\"/>");
        part(&format!("xl/worksheets/sheet{place}.xml"), format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"));
    }
    part("xl/workbook.xml", format!("<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{list}</sheets></workbook>"));
    part("xl/_rels/workbook.xml.rels", format!("<Relationships xmlns=\"{package}\">{relations}</Relationships>"));
    archive.finish().expect("memory").into_inner()
}

/// One row of cells: text, or XML as it stands.
pub fn row(number: u32, cells: &[&str]) -> String {
    let text = |(place, cell): (usize, &&str)| {
        let at = format!("{}{number}", char::from(b'A' + place as u8));
        if cell.starts_with('<') {
            format!("<c r=\"{at}\">{cell}</c>")
        } else {
            format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>")
        }
    };
    format!("<row r=\"{number}\">{}</row>", cells.iter().enumerate().map(text).collect::<String>())
}
