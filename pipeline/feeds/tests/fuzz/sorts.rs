//! What is fuzzed: for each sort a contract, good inputs and the words its inputs are made of. What is packed is made
//! worse within as often as without: a mutated archive seldom opens.

use super::mutate::{below, mutate};
use super::workbook::{row, workbook};
use arrow::array::{ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, ListArray, RecordBatch, StringArray};
use arrow::array::{BooleanArray, TimestampMillisecondArray};
use arrow::datatypes::{Int32Type, Int64Type};
use nongshi_domain::Seed;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::io::{Cursor, Write};
use std::sync::Arc;

/// A format, and how its inputs are made.
pub struct Sort {
    /// As the test that runs it is called.
    pub name: &'static str,
    /// Of the contract: what stands below `[format]`.
    pub format: &'static str,
    /// From a seed one input.
    pub input: fn(&mut Seed) -> Vec<u8>,
}

/// In alphabetic order.
pub const SORTS: [Sort; 10] = [
    Sort { name: "contract", format: "kind = \"csv\"", input: |seed| text(&[super::CONTRACT], &CONTRACT_WORDS, seed) },
    Sort { name: "csv", format: "kind = \"csv\"", input: |seed| text(&CSV, &CSV_WORDS, seed) },
    Sort { name: "csv_gbk", format: "kind = \"csv\"\nencoding = \"gbk\"\ndelimiter = \";\"\nquote = \"'\"", input: csv_gbk },
    Sort { name: "gzip", format: "kind = \"csv\"", input: |seed| packed(gzip, seed) },
    Sort { name: "json", format: "kind = \"json\"\nrecords = \"data.list\"", input: |seed| text(&JSON, &JSON_WORDS, seed) },
    Sort { name: "ndjson", format: "kind = \"ndjson\"", input: |seed| text(&NDJSON, &JSON_WORDS, seed) },
    Sort { name: "parquet", format: "kind = \"parquet\"", input: parquet },
    Sort { name: "xlsx", format: "kind = \"xlsx\"", input: xlsx },
    Sort { name: "zip", format: "kind = \"csv\"", input: |seed| packed(zip, seed) },
    Sort { name: "zstd", format: "kind = \"csv\"", input: |seed| packed(zstd, seed) },
];

const CSV: [&str; 3] = [
    "day,name,grade,low,price,unit\n2024-02-01,大白菜,,0.6,0.85,斤\n2024/2/2, 菜心（早） ,特级,,1.23456,公斤\n2024年2月3日,番茄,,1,1,斤\n",
    "\u{feff}day,name,grade,low,price,unit\r\n\"2024-02-05\",\"番,\"\"茄\",,1,\"2\",斤\r\n2024-02-05,\"a\nb\",,3,2,箱\r\n,,,,,\r\nx\r\n",
    "unit,price,low,grade,name,day,more\n斤,-1,,,\"=1+1\",2024-02-01,\n\n斤,1e2,१.५,,菜,2024-02-01,,,\n",
];
const CSV_WORDS: [&str; 12] = ["\"", "\"\"", ",", "\n", "\r", "\r\n", "day", "'", ";", "\0", "2024-02-01,菜,,1,2,斤\n", "（"];
const JSON: [&str; 2] = [
    r#"{"data": {"list": [{"day": "2024-02-01", "name": "菜", "grade": "特级", "price": 1.5, "low": 1, "unit": "斤"}, 7, {"day": null, "name": "\u83dc\ud83e\udd66", "price": "2", "more": {"a": [1, {}]}}]}}"#,
    r#"{"list": [], "data": {"list": [{"price": 1e3, "grade": null, "low": null, "unit": "公斤", "name": "a\"b\\", "day": "2024/2/2"}, {}, [], true], "list2": [{}]}}"#,
];
const NDJSON: [&str; 2] = [
    "{\"day\": \"2024-02-01\", \"name\": \"菜\", \"price\": 1.5, \"low\": null, \"grade\": \"\", \"unit\": \"斤\"}\r\n\n[1]\n{\"price\": 2, \"name\": \"b\", \"day\": \"2024-02-04\"}",
    "\u{feff}{\"day\": \"2024/2/1\", \"low\": 1e-1, \"unit\": \"箱\", \"grade\": {\"a\": [null, true]}, \"name\": \"\\u83dc\", \"price\": \"1\"}\n{\"cut\": \"off\n{}\n",
];
const JSON_WORDS: [&str; 16] =
    ["{", "}", "[", "]", "\"", ":", ",", "\\", "\\u", "\\ud800", "null", "true", "{\"a\":", "[[[[[[[[", "\n", "\"data\": {\"list\": ["];
const XML_WORDS: [&str; 18] = [
    "<row r=\"3\">",
    "</row>",
    "<c r=\"A2\" t=\"s\"><v>0</v></c>",
    "<c r=\"B2\" t=\"b\"><v>1</v></c>",
    "<c t=\"d\"><v>2024-02-01</v></c>",
    "<c r=\"XFD1048576\"><v>1</v></c>",
    "<f>A1</f>",
    "<f t=\"shared\" ref=\"A1:B9\" si=\"0\">A1</f>",
    "<v>",
    "</v>",
    "<is><t>",
    "&amp;",
    "&#x1F600;",
    "<![CDATA[",
    "<!--",
    "s=\"1\"",
    "<mergeCell ref=\"A1:B2\"/>",
    "r=\"\"",
];
const CONTRACT_WORDS: [&str; 16] = [
    "lag_days = 4294967295\n",
    "[gate]\nwarn_share = nan\n",
    "above = -9223372036854775808",
    "max = 1e300",
    "content_kg = 0",
    "dates = [\"%\"]",
    "= ",
    "[",
    "\"",
    "unit = \"箱\"",
    "extract = '(a'",
    "[[",
    "clean = true",
    "default = \"\"",
    "freshness_days = 0\n",
    "file_name = '(\\d+)'\n",
];

/// Mostly kept a text: one that is not UTF-8 is refused at the door.
fn text(good: &[&str], words: &[&str], seed: &mut Seed) -> Vec<u8> {
    let (one, other) = (good[below(seed, good.len())], good[below(seed, good.len())]);
    let bytes = mutate(one.as_bytes(), other.as_bytes(), words, seed);
    if below(seed, 8) == 0 { bytes } else { String::from_utf8_lossy(&bytes).into_owned().into_bytes() }
}

fn csv_gbk(seed: &mut Seed) -> Vec<u8> {
    let gbk = |place: usize| encoding_rs::GBK.encode(&CSV[place].replace(',', ";").replace('"', "'")).0.into_owned();
    let (one, other) = (below(seed, CSV.len()), below(seed, CSV.len()));
    mutate(&gbk(one), &gbk(other), &CSV_WORDS, seed)
}

/// A CSV file packed: mutated before, or after, or both.
fn packed(pack: fn(&[u8]) -> Vec<u8>, seed: &mut Seed) -> Vec<u8> {
    let within = below(seed, 3);
    let csv = if within == 0 { CSV[below(seed, CSV.len())].as_bytes().to_vec() } else { text(&CSV, &CSV_WORDS, seed) };
    let bytes = pack(&csv);
    if within == 1 { bytes } else { mutate(&bytes, &pack(CSV[0].as_bytes()), &["PK\u{3}\u{4}", "PK\u{5}\u{6}"], seed) }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("memory");
    packed.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory")
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, method) in [("a.csv", zip::CompressionMethod::Deflated), ("菜/b.csv", zip::CompressionMethod::Stored)] {
        archive.start_file(name, zip::write::SimpleFileOptions::default().compression_method(method)).expect("a name");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

fn xlsx(seed: &mut Seed) -> Vec<u8> {
    let header = ["day", "name", "grade", "low", "price", "unit"];
    let rows = [
        row(1, &header),
        row(2, &["2024-02-01", "菜", "", "<v>1.1</v>", "<v>1.35</v>", "斤"]),
        row(3, &["<v>45324.5</v>", "=1+1", "", "<f>A1</f><v>2</v>", "<f>B1</f>", "公斤"]),
        "<row r=\"5\"><c r=\"A5\" t=\"e\"><v>#N/A</v></c><c r=\"E5\" t=\"b\"><v>1</v></c></row>".to_string(),
    ];
    let within = below(seed, 4);
    let good = rows.concat();
    let sheet = match within {
        0 => good.clone(),
        // a part of a workbook that is no text is refused by the first look at it, so the text is kept one
        _ => String::from_utf8_lossy(&mutate(good.as_bytes(), good.as_bytes(), &XML_WORDS, seed)).into_owned(),
    };
    let bytes = workbook(&[("hidden", "hidden", &row(1, &header)), ("prices", "visible", &sheet)]);
    if within > 1 { bytes } else { mutate(&bytes, &bytes, &["PK\u{3}\u{4}", "PK\u{1}\u{2}"], seed) }
}

/// A file of every type that is read, packed in one of the ways that are read.
fn parquet(seed: &mut Seed) -> Vec<u8> {
    let good = |seed: &mut Seed| {
        let names = ["菜", "b", "菜", "=1+1", ""];
        let prices = Decimal128Array::from(vec![Some(15_000), None, Some(-1), Some(20_000), Some(i128::from(i64::MAX))]);
        let moments = TimestampMillisecondArray::from(vec![Some(0), None, Some(1), Some(-1), Some(1_700_000_000_000)]);
        let lists =
            ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![]), None, Some(vec![Some(3)])]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("day", Arc::new(Date32Array::from(vec![Some(19_754), Some(19_755), None, Some(19_754), Some(0)]))),
            ("name", Arc::new(names.into_iter().collect::<DictionaryArray<Int32Type>>())),
            ("grade", Arc::new(StringArray::from(vec![None, Some("特级"), Some(""), None, None]))),
            ("low", Arc::new(Float64Array::from(vec![Some(0.5), None, Some(f64::NAN), Some(1e300), Some(-0.0)]))),
            ("price", Arc::new(prices.with_precision_and_scale(18, 4).expect("18 digits"))),
            ("unit", Arc::new(StringArray::from(vec!["斤", "公斤", "斤", "斤", "箱"]))),
            ("moment", Arc::new(moments.with_timezone("+08:00"))),
            ("list", Arc::new(lists)),
            ("yes", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), None, None]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let packing = [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())][below(seed, 3)];
        let properties = WriterProperties::builder().set_compression(packing).set_max_row_group_row_count(Some(1 + below(seed, 5)));
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).expect("a schema of Parquet's");
        writer.write(&batch).expect("memory");
        writer.into_inner().expect("memory")
    };
    let (one, other) = (good(seed), good(seed));
    let mut bytes = mutate(&one, &other, &["PAR1"], seed);
    // without its end nothing of it is read: mostly it is set right again
    if below(seed, 4) > 0 && one.len() > 8 && bytes.len() > 8 {
        let end = bytes.len() - 8;
        bytes[end..].copy_from_slice(&one[one.len() - 8..]);
    }
    bytes
}
