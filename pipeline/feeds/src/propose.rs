//! A contract for a file that nobody has described yet. In: the file's name and bytes. Out: the text of a contract, and
//! what a person must still say. Never: a unit or a meaning that neither the header nor the cells tell.

use crate::contract::{Contract, measure_of};
use crate::format::{Records, read};
use crate::header::{Header, dates_of, header};
use crate::{Encoding, FeedError, Format, Source, members};
use bytes::Bytes;
use nongshi_domain::{Column, Kind, LANDED, LandedTable, Measure};
use std::fmt::Write;

/// A contract to begin with.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The contract.
    pub text: String,
    /// What is still to be said, a line each; none when the contract reads the file.
    pub open: Vec<String>,
}

/// Any contract: only its format counts while a file is looked at.
const LOOK: &str = "version = 1\ntable = \"aliases\"\n[source]\nkind = \"files\"\nroot = \".\"\nfiles = [\"*\"]\n[format]\nkind = \"csv\"\n\
    [columns]\nalias = { value = \"\" }\nname = { value = \"\" }\n[available_on]\nday = \"2000-01-01\"\n";
/// What may stand between the fields of a CSV, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// Cells looked at in each column.
const LOOKED_AT: usize = 1_000;

/// Looks at the file and proposes a contract.
pub fn propose(name: &str, bytes: Bytes) -> Result<Proposal, FeedError> {
    let mut look = Contract::read(name, LOOK)?;
    let mut file = Source { address: name.into(), bytes };
    // a workbook is a zip archive, too: as one it is not unpacked
    if file.bytes.starts_with(b"PK") {
        look.format = Format::Xlsx { sheet: None, header_row: 1 };
    }
    if let Some(member) = members(&look, &file)?.into_iter().next() {
        file = member.unpack(&look, &file)?;
    }
    look.format = format_of(&file.bytes);
    let records = read(&look, &file)?;
    let headers: Vec<Header> = records.columns.iter().map(|(name, _)| header(name)).collect();
    let table = table_of(&headers);
    let (mut text, mut open) = (head(name, table, &look.format), Vec::new());
    let mut has_day = false;
    for column in table.columns {
        let found = headers.iter().position(|header| header.meaning_in(table) == Some(column.name));
        has_day |= column.name == "day" && found.is_some();
        match found {
            Some(place) => line(&mut text, &mut open, column, &headers[place], &records, place),
            None if column.required => {
                let _ = writeln!(text, "{} = {{ value = \"\" }} # to be filled in: {}", column.name, column.comment);
                open.push(format!("`{}` has no column in the file ({})", column.name, column.comment));
            }
            None => {}
        }
    }
    for header in headers.iter().filter(|header| header.meaning_in(table).is_none()) {
        let _ = writeln!(text, "# not read: {}", header.name.escape_debug());
    }
    text += "\n[available_on]\n";
    if has_day {
        text += "# a row is known on the day after it happened; say so if it is later\ncolumn = \"day\"\nlag_days = 1\n";
    } else {
        text += "# to be filled in: the day the file could have been known\nday = \"2000-01-01\"\n";
        open.push("`available_on`: the file has no day".into());
    }
    if open.is_empty() {
        open.extend(Contract::read(name, &text).err().map(|error| error.to_string()));
    }
    Ok(Proposal { text, open })
}

fn head(name: &str, table: &LandedTable, format: &Format) -> String {
    let mut text = format!(
        "# Proposed from {0}: look at every line.\nversion = 1\ntable = \"{1}\"\n\n[source]\nkind = \"files\"\nroot = \".\"\nfiles = [{2}]\n\n[format]\n",
        name.escape_debug(),
        table.name,
        quoted(&format!("inbox/{name}"))
    );
    let encoding = |encoding: &Encoding| if *encoding == Encoding::Gbk { "encoding = \"gbk\"\n" } else { "" };
    text += &match format {
        Format::Csv { encoding: told, delimiter, .. } => {
            let delimiter =
                if *delimiter == b',' { String::new() } else { format!("delimiter = {}\n", quoted(&char::from(*delimiter).to_string())) };
            format!("kind = \"csv\"\n{}{delimiter}", encoding(told))
        }
        Format::Json { encoding: told, records } => {
            let records = if records.is_empty() { String::new() } else { format!("records = {}\n", quoted(&records.join("."))) };
            format!("kind = \"json\"\n{}{records}", encoding(told))
        }
        // a topic's own, which no file has
        Format::Messages => String::new(),
        Format::Ndjson { encoding: told } => format!("kind = \"ndjson\"\n{}", encoding(told)),
        Format::Parquet => "kind = \"parquet\"\n".into(),
        Format::Xlsx { .. } => "kind = \"xlsx\"\n".into(),
    };
    text + "\n[columns]\n"
}

/// One column's line.
fn line(text: &mut String, open: &mut Vec<String>, column: &Column, header: &Header, records: &Records, place: usize) {
    let mut keys = format!("from = {}", quoted(&header.name));
    let mut remark = String::new();
    let cells = &records.columns[place].1;
    let cells: Vec<&str> = cells.iter().flatten().map(str::trim).filter(|cell| !cell.is_empty()).take(LOOKED_AT).collect();
    match column.kind {
        Kind::Text => keys += ", clean = true",
        Kind::Day => match dates_of(&cells) {
            Some(forms) if forms == ["%Y-%m-%d"] => {}
            Some(forms) => {
                let forms: Vec<String> = forms.into_iter().map(quoted).collect();
                let _ = write!(keys, ", dates = [{}]", forms.join(", "));
            }
            None => {
                remark = format!(" # to be filled in: `dates`, the form of `{}`", cells.first().unwrap_or(&"").escape_debug());
                open.push(format!("`{}`: the form of its days", column.name));
            }
        },
        Kind::Exact(_) if measure_of(column) != Measure::Plain => match header.unit_of(measure_of(column)) {
            Some(unit) => keys += &format!(", unit = {}", quoted(unit)),
            None => {
                remark = format!(" # to be filled in: `unit` ({})", column.comment);
                open.push(format!("`{}`: the unit of {}", column.name, header.name));
            }
        },
        _ => {}
    }
    let _ = writeln!(text, "{} = {{ {keys} }}{remark}", column.name);
}

/// The table that most of the headers fit, by the share of what it requires; the first of equals.
fn table_of(headers: &[Header]) -> &'static LandedTable {
    let fit = |table: &LandedTable| {
        let required = table.columns.iter().filter(|column| column.required).count().max(1);
        let found = |required_only: bool| {
            let meanings = table.columns.iter().filter(|column| column.required || !required_only);
            meanings.filter(|column| headers.iter().any(|header| header.meaning_in(table) == Some(column.name))).count()
        };
        (found(true) * 1_000 / required, found(false))
    };
    LANDED.iter().rev().max_by_key(|table| fit(table)).unwrap_or(&LANDED[0])
}

fn format_of(bytes: &[u8]) -> Format {
    if bytes.starts_with(b"PAR1") {
        return Format::Parquet;
    }
    if bytes.starts_with(b"PK") {
        return Format::Xlsx { sheet: None, header_row: 1 };
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let encoding = if std::str::from_utf8(bytes).is_ok() { Encoding::Utf8 } else { Encoding::Gbk };
    let first = bytes.trim_ascii_start();
    let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match first.first() {
        Some(b'[') => Format::Json { encoding, records: Vec::new() },
        Some(b'{')
            if serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|value| !value.as_object().is_some_and(holds_records)) =>
        {
            Format::Ndjson { encoding }
        }
        Some(b'{') => Format::Json { encoding, records: path_to_records(first) },
        _ => {
            let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
            let delimiter = DELIMITERS.into_iter().rev().max_by_key(count).unwrap_or(b',');
            Format::Csv { encoding, delimiter, quote: Some(b'"') }
        }
    }
}

fn holds_records(object: &serde_json::Map<String, serde_json::Value>) -> bool {
    object.values().any(|value| {
        value.as_array().is_some_and(|array| array.iter().any(serde_json::Value::is_object)) || value.as_object().is_some_and(holds_records)
    })
}

/// The keys that lead to the first array of objects.
fn path_to_records(bytes: &[u8]) -> Vec<String> {
    fn search(value: &serde_json::Value, path: &mut Vec<String>) -> bool {
        match value {
            serde_json::Value::Array(array) => array.iter().any(serde_json::Value::is_object),
            serde_json::Value::Object(object) => object.iter().any(|(key, value)| {
                path.push(key.clone());
                search(value, path) || path.pop().is_none()
            }),
            _ => false,
        }
    }
    let mut path = Vec::new();
    if let Ok(value) = serde_json::from_slice(bytes) {
        search(&value, &mut path);
    }
    path
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    /// Proposes, and reads the file by what was proposed; the answer is the text and how many rows it accepts.
    fn check(name: &str, bytes: impl Into<Vec<u8>>, lines: &[&str], rows: usize) {
        let bytes = Bytes::from(bytes.into());
        let proposal = propose(name, bytes.clone()).unwrap_or_else(|error| panic!("{error}"));
        assert!(proposal.open.is_empty(), "{}", proposal.text);
        for line in lines {
            assert!(proposal.text.lines().any(|known| known == *line), "`{line}` is not in\n{}", proposal.text);
        }
        let contract = Contract::read("it", &proposal.text).unwrap_or_else(|error| panic!("{error}\n{}", proposal.text));
        let parsed = parse(&contract, &Source { address: name.into(), bytes }).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((parsed.accepted.num_rows(), parsed.rejected.len()), (rows, 0), "{:?}", parsed.rejected);
    }

    #[test]
    fn a_price_file_in_gbk_with_semicolons_is_read_as_proposed() {
        let text = "日期;市场;品名;等级;类别;最低价（元/斤）;均价（元/斤）;备注\n2024/2/1;江南;菜心;一级;vegetables;1;2;好\n2024年2月2日;江南;菜心;一级;vegetables;1;2.5;\n";
        let lines = [
            "table = \"market_prices\"",
            "encoding = \"gbk\"",
            "delimiter = \";\"",
            "day = { from = \"日期\", dates = [\"%Y/%m/%d\", \"%Y年%m月%d日\"] }",
            "low_cny_per_kg = { from = \"最低价（元/斤）\", unit = \"元/斤\" }",
            "# not read: 备注",
        ];
        check("价格.csv", encoding_rs::GBK.encode(text).0.into_owned(), &lines, 2);
    }

    #[test]
    fn json_lines_and_a_nested_array_are_told_apart() {
        let record = r#"{"date": "20240201", "market": "m", "name": "菜", "grade": "a", "category": "fruit", "price_cny_per_kg": 2}"#;
        let lines = ["kind = \"ndjson\"", "day = { from = \"date\", dates = [\"%Y%m%d\"] }"];
        check("a.ndjson", format!("{record}\n{}", record.replace("\"m\"", "\"n\"")), &lines, 2);
        check("a.json", format!("{{\"n\": 1, \"data\": {{\"list\": [{record}]}}}}"), &["records = \"data.list\""], 1);
    }

    #[test]
    fn what_the_file_does_not_say_is_left_open() {
        let proposal = propose("p.csv", "date,market,product,price\n01/02/2024,m,a,1\n".into()).expect("readable");
        for open in ["the form of its days", "`grade` has no column", "`category` has no column", "the unit of price"] {
            assert!(proposal.open.iter().any(|known| known.contains(open)), "`{open}` is not among {:?}", proposal.open);
        }
    }
}
