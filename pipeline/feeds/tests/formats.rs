//! NDJSON, Parquet, workbooks with hidden sheets and formulas, text that is meant to do harm: what lands, what is
//! rejected, what is refused, in bounded memory.

mod workbook;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::util::display::array_value_to_string;
use nongshi_feeds::{Contract, FeedError, Parsed, Source, count_received, parse};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;
use workbook::{row, workbook};

const STOCK: &str = r#"
version = 1
table = "market_prices"
[source]
kind = "files"
root = "."
files = ["inbox/*"]
[format]
kind = "FORMAT"
[columns]
day = { from = "day" }
market = { value = "m" }
commodity = { from = "name" }
grade = { value = "" }
category = { value = "vegetables" }
price_cny_per_kg = { from = "price", unit = "元/千克" }
[available_on]
column = "day"
"#;

fn contract(format: &str) -> Contract {
    Contract::read("prices", &STOCK.replace("FORMAT", format)).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()))
}

fn source(bytes: impl Into<Vec<u8>>) -> Source {
    Source { address: "inbox/prices".into(), bytes: bytes.into().into() }
}

/// Day, name and price of the accepted, then `row rule: reason` of the rejected.
fn shown(parsed: &Parsed) -> Vec<String> {
    let cell = |row, name| array_value_to_string(parsed.accepted.column_by_name(name).expect(name), row).expect(name);
    let row = |row| format!("{} {} {}", cell(row, "day"), cell(row, "commodity"), cell(row, "price_cny_per_kg"));
    let faults = parsed.rejected.iter().map(|fault| format!("{} {}: {}", fault.source_row, fault.rule, fault.reason));
    (0..parsed.accepted.num_rows()).map(row).chain(faults).collect()
}

#[track_caller]
fn check(format: &str, bytes: impl Into<Vec<u8>>, expect: &[&str]) -> Parsed {
    let (contract, source) = (contract(format), source(bytes));
    let parsed = parse(&contract, &source).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()));
    assert_eq!(shown(&parsed), expect);
    assert_eq!(count_received(&contract, &source).expect("countable"), parsed.received);
    assert_eq!(parsed.received, (parsed.accepted.num_rows() + parsed.rejected.len()) as u64);
    parsed
}

#[track_caller]
fn refused(format: &str, bytes: impl Into<Vec<u8>>, words: &str) {
    let error = parse(&contract(format), &source(bytes)).expect_err(words);
    assert!(matches!(error, FeedError::Unreadable { .. } | FeedError::NoColumn { .. }), "{error}");
    assert!(error.to_string().contains(words), "`{words}` is not said: {error}");
}

#[test]
fn a_broken_line_of_ndjson_is_rejected_and_the_others_go_on() {
    let text = [
        &b"\xef\xbb\xbf{\"day\": \"2024-02-01\", \"name\": \"\xe8\x8f\x9c\", \"price\": 1.5}\r\n\n"[..],
        b"{\"day\": \"2024-02-02\", \"name\": \"cut off\n[1]\n",
        b"{\"day\": \"2024-02-03\", \"name\": \"\xff\", \"price\": 1}\n",
        b"{\"price\": 2, \"name\": \"b\", \"day\": \"2024-02-04\"}",
    ];
    let parsed = check(
        "ndjson",
        text.concat(),
        &[
            "2024-02-01 菜 1.5000",
            "2024-02-04 b 2.0000",
            "2 fields: the line is not JSON: EOF while parsing a string at line 1 column 38",
            "3 fields: the record is not an object",
            "4 fields: byte 31 of the line is not UTF-8",
        ],
    );
    assert_eq!(parsed.rejected[0].raw, "{\"day\": \"2024-02-02\", \"name\": \"cut off");
    assert_eq!(parsed.rejected[1].raw, "[1]");
    assert_eq!(parsed.rejected[2].raw, "{\"day\": \"2024-02-03\", \"name\": \"\u{fffd}\", \"price\": 1}");
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("memory");
    writer.write(&batch).expect("memory");
    writer.into_inner().expect("memory")
}

#[test]
fn parquet_is_taken_by_its_types() {
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]));
    let decimals: ArrayRef =
        Arc::new(Decimal128Array::from(vec![12_345, 100, 70_000]).with_precision_and_scale(10, 4).expect("ten digits"));
    let days: ArrayRef = Arc::new(Date32Array::from(vec![19_754, 19_755, 19_756]));
    check(
        "parquet",
        parquet(vec![("day", days), ("name", names.clone()), ("price", decimals)]),
        &["2024-02-01 a 1.2345", "2024-02-03 c 7.0000", "2 required: commodity (name) is empty"],
    );
    // 2024-01-31T16:00Z is the first of February in Asia/Shanghai; half past one is no day
    let instants = [1_706_716_800_000, 1_706_803_200_000, 1_706_894_999_000];
    let instants: ArrayRef = Arc::new(TimestampMillisecondArray::from(instants.to_vec()).with_timezone("UTC"));
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![0.1, f64::NAN, 3.0]));
    let bytes = parquet(vec![("day", instants), ("name", Arc::new(StringArray::from(vec!["a", "b", "c"]))), ("price", numbers)]);
    check(
        "parquet",
        bytes.clone(),
        &[
            "2024-02-01 a 0.1000",
            "2 number: price_cny_per_kg (price): `NaN` is not a number",
            "3 date: day (day): `2024-02-03 01:29:59` is not a day of the form `%Y-%m-%d`",
        ],
    );
    for cut in [0, 4, bytes.len() / 2, bytes.len() - 1] {
        refused("parquet", &bytes[..cut], "it is not Parquet that can be read");
    }
    let nulls: ArrayRef = Arc::new(StringArray::new_null(60_000_000));
    refused("parquet", parquet(vec![("day", nulls.clone()), ("name", nulls)]), "100000000 cells are the most");
}

#[test]
fn a_hidden_first_sheet_is_passed_over_unless_it_is_named() {
    let rows = |name: &str| [row(1, &["day", "name", "price"]), row(2, &["2024-02-01", name, "1"])].concat();
    let bytes = workbook(&[("draft", "hidden", &rows("old")), ("deep", "veryHidden", &rows("older")), ("价格", "visible", &rows("new"))]);
    check("xlsx", bytes.clone(), &["2024-02-01 new 1.0000"]);
    for (sheet, expect) in [("价格", "2024-02-01 new 1.0000"), ("draft", "2024-02-01 old 1.0000")] {
        check(&format!("xlsx\"\nsheet = \"{sheet}"), bytes.clone(), &[expect]);
    }
    refused("xlsx", workbook(&[("draft", "hidden", &rows("old"))]), "no sheet that can be seen");
}

#[test]
fn a_formula_counts_by_its_saved_value_and_is_never_lost() {
    let rows = [
        row(1, &["day", "name", "price"]),
        row(2, &["2024-02-01", "a", "<f>1+1</f><v>2</v>"]),
        row(3, &["2024-02-02", "b", "<f>1+2</f>"]),
        row(4, &["<f>TODAY()</f>"]),
    ];
    let no_value = |row: u32| format!("{} fields: row {row} holds a formula without a value: open and save the workbook", row - 1);
    check("xlsx", workbook(&[("s", "visible", &rows.concat())]), &["2024-02-01 a 2.0000", &no_value(3), &no_value(4)]);
}

#[test]
fn a_sheet_with_a_cell_in_its_last_corner_is_small() {
    let corner = |at: &str, row: u32| format!("<row r=\"{row}\"><c r=\"{at}\"><v>1</v></c></row>");
    let head = row(1, &["day", "name", "price"]);
    refused("xlsx", workbook(&[("s", "visible", &(head.clone() + &corner("XFD1048576", 1_048_576)))]), "2000 is the most");
    check("xlsx", workbook(&[("s", "visible", &(head + &corner("C1048576", 1_048_576)))]), &["1 required: day (day) is empty"]);
}

#[test]
fn any_delimiter() {
    for delimiter in ["\\t", "|", ";", "^", " "] {
        let text = "day,name,price\n2024-02-01,a,1\n2024-02-02,a\n2024-02-03,a,1,\n".replace(',', &delimiter.replace("\\t", "\t"));
        let ragged = ["2 fields: the record has 2 fields, the header 3", "3 fields: the record has 4 fields, the header 3"];
        check(&format!("csv\"\ndelimiter = \"{delimiter}"), text, &["2024-02-01 a 1.0000", ragged[0], ragged[1]]);
    }
}

#[test]
fn formulas_and_nul_bytes_in_text_are_rejected() {
    let text = "day,name,price\n2024-02-01,=cmd|' /C calc'!A0,1\n2024-02-01,\u{ff1d}1+1,1\n2024-02-01,@SUM(A1),1\n2024-02-01,a\0b,1\n\
        2024-02-01,-18℃ 冻虾,1\n2024-02-01,a=b,1\n";
    check(
        "csv",
        text,
        &[
            "2024-02-01 -18℃ 冻虾 1.0000",
            "2024-02-01 a=b 1.0000",
            "1 formula: commodity (name): `=cmd|' /C calc'!A0` is a formula, not a name",
            "2 formula: commodity (name): `＝1+1` is a formula, not a name",
            "3 formula: commodity (name): `@SUM(A1)` is a formula, not a name",
            "4 characters: commodity (name): `a\\0b` holds a NUL",
        ],
    );
    check("json", r#"[{"day": "2024-02-01", "name": "a\u0000", "price": 1}]"#, &["1 characters: commodity (name): `a\\0` holds a NUL"]);
}

#[test]
fn bad_bytes_refuse_the_file() {
    refused("csv", b"day,name,price\n2024-02-01,\xff\xfe,1\n".to_vec(), "byte 26 is not UTF-8");
    refused("csv\"\nencoding = \"gbk", b"day,name,price\n2024-02-01,\xff\xff,1\n".to_vec(), "it is not GBK");
    let utf_16: Vec<u8> = "\u{feff}day,name,price\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused("csv", utf_16, "it is UTF-16");
    refused("csv", vec![0; 1 << 20], "the name of column 1 holds a NUL");
    refused("csv", vec![0; 2 << 20], "a name in its header has 2097152 bytes");
    refused("json", r#"[{"d\u0000ay": 1}]"#, "the name of column 1 holds a NUL");
}

#[test]
fn a_record_too_wide_or_too_deep_is_rejected_and_the_others_go_on() {
    check("csv", [&b"day,name,price\n"[..], &vec![b','; 2 << 20]].concat(), &["1 fields: the record has 2097153 fields, the header 3"]);
    let nested = format!("{}\n{{\"day\": \"2024-02-01\", \"name\": \"a\", \"price\": 1}}\n", "[".repeat(100_000));
    check("ndjson", nested, &["2024-02-01 a 1.0000", "1 fields: the line is not JSON: recursion limit exceeded at line 1 column 128"]);
}

#[test]
fn a_line_with_a_million_keys_is_rejected_alone() {
    let keys: String = (0..1_000_000).map(|key| format!("\"{key},\\\"\":1,")).collect();
    let text = format!("{{{keys}\"a\":1}}\n{{\"day\": \"2024-02-01\", \"name\": \"a\", \"price\": 1}}\n");
    check("ndjson", text, &["2024-02-01 a 1.0000", "1 fields: an object in it has more than 2000 keys"]);
}
