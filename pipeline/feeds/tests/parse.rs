//! One small source after another through a contract: what lands, what is rejected and why, what is refused.

use arrow::util::display::array_value_to_string;
use nongshi_feeds::{Contract, FeedError, Parsed, Source, arrow_schema, count_received, parse};
use proptest::prelude::*;
use std::io::{Cursor, Write};

const PRICES: &str = r#"
version = 1
table = "market_prices"
[source]
kind = "files"
root = "."
files = ["inbox/*.csv"]
[format]
kind = "csv"
[columns]
day = { from = "日期", dates = ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"] }
market = { value = "江南市场" }
commodity = { from = "品名", clean = true }
grade = { from = "等级", default = "" }
category = { value = "vegetables" }
low_cny_per_kg = { from = "最低价", unit = "元/斤", above = 0 }
price_cny_per_kg = { from = "均价", unit = "元/斤", above = 0, max = 200 }
[rules]
ordered = [["low_cny_per_kg", "price_cny_per_kg"]]
[available_on]
column = "day"
lag_days = 1
"#;

const HEADER: &str = "日期,品名,等级,最低价,均价\n";

fn contract(text: &str) -> Contract {
    Contract::read("prices", text).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()))
}

fn source(bytes: impl Into<Vec<u8>>) -> Source {
    Source { address: "./inbox/prices_2024-02.csv".into(), bytes: bytes.into().into() }
}

/// Accepted rows without what is the same in all, then `row rule: reason` of the rejected.
fn shown(parsed: &Parsed) -> Vec<String> {
    let (accepted, schema) = (&parsed.accepted, parsed.accepted.schema());
    let hidden = ["market", "category", "feed"];
    let row = |row: usize| {
        let cells = schema.fields().iter().zip(accepted.columns()).filter(|(field, _)| !hidden.contains(&field.name().as_str()));
        let cells = cells.map(|(_, column)| array_value_to_string(column, row).expect("a value that can be shown"));
        cells.collect::<Vec<_>>().join("|")
    };
    let faults = parsed.rejected.iter().map(|fault| format!("{} {}: {}", fault.source_row, fault.rule, fault.reason));
    (0..accepted.num_rows()).map(row).chain(faults).collect()
}

#[track_caller]
fn check(contract_text: &str, bytes: impl Into<Vec<u8>>, expect: &[&str]) {
    let contract = contract(contract_text);
    let source = source(bytes);
    let parsed = parse(&contract, &source).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()));
    assert_eq!(shown(&parsed), expect);
    assert_eq!(*parsed.accepted.schema(), arrow_schema(contract.table));
    assert_eq!(count_received(&contract, &source).expect("countable"), parsed.received);
}

#[test]
fn rows_are_converted_exactly_and_bad_ones_keep_their_reason() {
    let text = format!(
        "{HEADER}2024-02-01,大白菜,,0.6,0.85\n2024/2/2, 菜心（早） ,特级,,1.23456\n2024年2月3日,番茄,,1,1\n\
         2024-02-01,大白菜,,0.6,0.85\n2024-02-30,番茄,,1,1\n,番茄,,1,1\n2024-02-04,番茄,,1,面议\n2024-02-04,番茄,,3,2\n\
         2024-02-04,番茄,,0,2\n2024-02-04,\u{feff},,1,2\n2024-02-04,番茄,1,2\n2024-02-04,番茄,,1,101\n\n\"2024-02-05\",\"番,茄\",,1,\"2\"\n"
    );
    check(
        PRICES,
        text,
        &[
            "2024-02-01|大白菜||1.2000|1.7000||2024-02-02|1",
            "2024-02-02|菜心(早)|特级||2.4691||2024-02-03|2",
            "2024-02-03|番茄||2.0000|2.0000||2024-02-04|3",
            "2024-02-05|番,茄||2.0000|4.0000||2024-02-06|13",
            "4 duplicate: every column is as in record 1",
            "5 date: day (日期): `2024-02-30` is not a day of the form `%Y-%m-%d`, `%Y/%m/%d`, `%Y年%m月%d日`",
            "6 required: day (日期) is empty",
            "7 number: price_cny_per_kg (均价): `面议` is not a number",
            "8 ordered: low_cny_per_kg 6.0000 is above price_cny_per_kg 4.0000",
            "9 range: low_cny_per_kg (最低价): `0` is 0.0000 in our unit, not above 0",
            "10 required: commodity (品名) is empty",
            "11 fields: the record has 4 fields, the header 5",
            "12 range: price_cny_per_kg (均价): `101` is 202.0000 in our unit, above 200",
        ],
    );
}

#[test]
fn the_raw_record_is_kept_as_it_stands() {
    let parsed = parse(&contract(PRICES), &source(format!("{HEADER}x,\"a\nb\",,1,2\r\n"))).expect("readable");
    assert_eq!(parsed.rejected[0].raw, "x,\"a\nb\",,1,2");
}

#[test]
fn gbk_semicolons_and_a_cut_off_last_line() {
    let gbk = PRICES.replace("kind = \"csv\"", "kind = \"csv\"\nencoding = \"gbk\"\ndelimiter = \";\"");
    let text = format!("{}2024-02-01;菜心;;1;2\n2024-02-02;菜", HEADER.replace(',', ";"));
    let (bytes, _, lossy) = encoding_rs::GBK.encode(&text);
    assert!(!lossy);
    check(&gbk, bytes.into_owned(), &["2024-02-01|菜心||2.0000|4.0000||2024-02-02|1", "2 fields: the record has 2 fields, the header 5"]);
}

#[test]
fn a_header_alone_is_a_day_without_records() {
    check(PRICES, HEADER, &[]);
}

#[test]
fn another_value_under_the_same_key_lands_too() {
    check(
        PRICES,
        format!("{HEADER}2024-02-01,菜心,,1,2\n2024-02-01,菜心,,1,3\n"),
        &["2024-02-01|菜心||2.0000|4.0000||2024-02-02|1", "2024-02-01|菜心||2.0000|6.0000||2024-02-02|2"],
    );
}

#[test]
fn a_file_that_is_not_what_the_contract_says_is_refused_with_a_hint() {
    for (bytes, message, hint) in [
        (b"".to_vec(), "it is empty", Some("an empty file is a drop that was not finished; a day without records still has its header")),
        (
            b"\xef\xbb\xbf\n".to_vec(),
            "it is empty",
            Some("an empty file is a drop that was not finished; a day without records still has its header"),
        ),
        (
            encoding_rs::GBK.encode(HEADER).0.into_owned(),
            "byte 0 is not UTF-8",
            Some("it reads as GBK: set `encoding = \"gbk\"` under [format]"),
        ),
        (HEADER.replace("均价", "平均价").into_bytes(), "has no column `均价`", Some("did you mean `平均价`?")),
        (HEADER.replace("等级", "均价").into_bytes(), "has no column `等级`", None),
        (HEADER.replace("最低价", "均价").replace("等级", "最低价").into_bytes(), "has no column `等级`", None),
        (format!("{HEADER}2024-02-01,\"菜心,,1,2\n").into_bytes(), "a quotation mark that opens in record 2 is never closed", None),
    ] {
        let error = parse(&contract(PRICES), &source(bytes)).expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
        if let Some(hint) = hint {
            assert_eq!(error.hint().map(|hint| hint.0).as_deref(), Some(hint), "{error}");
        }
    }
    let twice = parse(&contract(PRICES), &source("日期,品名,等级,最低价,均价,均价\n")).expect_err("which one is meant?");
    assert!(twice.hint().expect("a hint").0.contains("stands there twice"), "{twice}");
}

#[test]
fn a_wide_file_becomes_long_and_each_column_has_its_unit() {
    let wide = PRICES
        .replace("[columns]", "[unpivot]\nvalue = \"cell\"\n[unpivot.columns]\nhog = { name = \"生猪\", unit = \"元/千克\" }\ncorn = { name = \"玉米\", unit = \"元/吨\" }\nfish = { name = \"鱼\", unit = \"元/条\" }\n[columns]")
        .replace("from = \"品名\", clean = true", "from = \"name\"")
        .replace("grade = { from = \"等级\", default = \"\" }", "grade = { value = \"\" }")
        .replace("low_cny_per_kg = { from = \"最低价\", unit = \"元/斤\", above = 0 }\n", "")
        .replace("from = \"均价\", unit = \"元/斤\"", "from = \"cell\", unit_from = \"unit\"")
        .replace("[[\"low_cny_per_kg\", \"price_cny_per_kg\"]]", "[]");
    let contract = contract(&wide);
    let parsed = parse(&contract, &source("日期,hog,fish,corn\n2024-02-04,14.5,9,2350\n2024-02-11,,9,2351.23\n")).expect("readable");
    assert_eq!(parsed.received, 6);
    let shown = shown(&parsed);
    assert_eq!(
        shown[..3],
        ["2024-02-04|玉米|||2.3500||2024-02-05|1", "2024-02-04|生猪|||14.5000||2024-02-05|1", "2024-02-11|玉米|||2.3512||2024-02-12|2"]
    );
    assert!(shown[3].starts_with("1 unit: price_cny_per_kg: `元/条` in unit is none of the units"), "{}", shown[3]);
    assert!(shown[4].starts_with("2 unit:"), "{}", shown[4]);
    assert_eq!(shown[5], "2 required: price_cny_per_kg (cell) is empty");
}

#[test]
fn pieces_leave_the_columns_of_weight_and_a_month_is_known_when_it_is_over() {
    let sales = r#"
version = 1
table = "sales"
[source]
kind = "files"
root = "."
files = ["inbox/**/*.csv"]
[format]
kind = "csv"
[columns]
shop = { value = "一店" }
product = { from = "code" }
day = { from = "day" }
line = { value = "" }
product_name = { from = "name", clean = true }
category = { from = "group", values = { "花叶类" = "vegetables" } }
channel = { value = "shop" }
quantity_kg = { from = "qty", unit = "kg" }
price_cny_per_kg = { from = "price", unit = "元/千克" }
till_lines = { from = "lines" }
[pieces]
column = "product_name"
like = '\((份|袋)\)$'
move = { quantity_kg = "quantity_pieces", price_cny_per_kg = "price_cny_per_piece" }
[available_on]
file_name = 'prices_(\d{4}-\d{2})\.csv'
lag_days = 1
"#;
    check(
        sales,
        "code,day,name,group,qty,price,lines\n1,2024-02-28,生菜（份）,花叶类,3,4.5,3\n2,2024-02-29,生菜,花叶类,1.25,8,1.5\n2,2024-02-29,生菜,花叶类,1.25,8,2\n3,2024-02-29,苹果,水果,1,8,2\n3,2024-03-09,生菜,花叶类,1,8,2\n",
        &[
            "一店|1|2024-02-28||生菜(份)|shop||3.0000||4.5000|3|||||2024-03-01|1",
            "一店|2|2024-02-29||生菜|shop|1.2500||8.0000||2|||||2024-03-01|3",
            "2 number: till_lines (lines): `1.5` is not a whole number",
            "4 values: category (group): `水果` is not among the values",
            "5 available_on: day 2024-03-09 lies after 2024-03-01, the day it could have been known",
        ],
    );
}

#[test]
fn json_records_lie_at_their_path() {
    let json = PRICES
        .replace("kind = \"csv\"", "kind = \"json\"\nrecords = \"data.list\"")
        .replace("元/斤", "元/箱")
        .replace("above = 0", "above = 0, content_kg = 20");
    let text = r#"{"list": [1, 2, 3], "data": {"list": [
        {"日期": "2024-02-01", "品名": "鸡蛋", "最低价": 203, "均价": 208.5},
        {"日期": "2024-02-02", "品名": "鸡蛋", "等级": null, "均价": "210", "more": {"a": [1]}},
        7,
        {"日期": "2024-02-03", "品名": "鸡蛋", "等级": "大", "最低价": true, "均价": 210}]}}"#;
    check(
        &json,
        text,
        &[
            "2024-02-01|鸡蛋||10.1500|10.4250||2024-02-02|1",
            "2024-02-02|鸡蛋|||10.5000||2024-02-03|2",
            "3 fields: the record is not an object",
            "4 number: low_cny_per_kg (最低价): `true` is not a number",
        ],
    );
    for (bytes, message) in [("{\"data\": {\"lst\": []}}", "`data.list` leads nowhere"), ("{\"data\": {\"list\": [", "it is not JSON")] {
        let error = parse(&contract(&json), &source(bytes)).expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
    }
}

/// A workbook with one sheet of these rows.
fn workbook(rows: &str) -> Vec<u8> {
    let parts = [
        ("[Content_Types].xml", r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#.to_string()),
        ("_rels/.rels", r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#.to_string()),
        ("xl/workbook.xml", r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="价格" sheetId="1" r:id="rId1"/></sheets></workbook>"#.to_string()),
        ("xl/_rels/workbook.xml.rels", r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#.to_string()),
        ("xl/styles.xml", r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#.to_string()),
        ("xl/worksheets/sheet1.xml", format!(r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#)),
    ];
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a name of our own");
        archive.write_all(text.as_bytes()).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

fn cells(row: u32, cells: &[&str]) -> String {
    let cell = |(place, cell): (usize, &&str)| {
        let at = format!("{}{row}", char::from(b'A' + place as u8));
        match (cell.is_empty(), cell.parse::<f64>().is_ok()) {
            (true, _) => String::new(),
            (_, true) if place == 0 => format!("<c r=\"{at}\" s=\"1\"><v>{cell}</v></c>"),
            (_, true) => format!("<c r=\"{at}\"><v>{cell}</v></c>"),
            _ => format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"),
        }
    };
    format!("<row r=\"{row}\">{}</row>", cells.iter().enumerate().map(cell).collect::<String>())
}

#[test]
fn a_sheet_has_a_title_date_cells_and_empty_rows() {
    let xlsx = PRICES.replace("kind = \"csv\"", "kind = \"xlsx\"\nsheet = \"价格\"\nheader_row = 2");
    let rows = [
        cells(1, &["每日行情"]),
        cells(2, &["日期", "品名", "等级", "最低价", "均价"]),
        cells(3, &["45323", "菜心", "", "1.1", "1.35"]),
        cells(4, &[]),
        cells(5, &["45324.5", "菜心", "", "1.1", "1.35"]),
        cells(6, &["2024-02-03", "菜心", "", "", "0.1"]),
        "<row r=\"7\"><c r=\"A7\" s=\"1\"><v>45326</v></c><c r=\"B7\" t=\"str\"><v>菜心</v></c><c r=\"E7\" t=\"e\"><v>#N/A</v></c></row>"
            .into(),
    ];
    let bytes = workbook(&rows.concat());
    check(
        &xlsx,
        bytes.clone(),
        &[
            "2024-02-01|菜心||2.2000|2.7000||2024-02-02|1",
            "2024-02-03|菜心|||0.2000||2024-02-04|3",
            "2 date: day (日期): `2024-02-02 12:00:00` is not a day of the form `%Y-%m-%d`, `%Y/%m/%d`, `%Y年%m月%d日`",
            "4 number: price_cny_per_kg (均价): `#N/A` is not a number",
        ],
    );
    let other = contract(&xlsx.replace("价格", "价格表"));
    let error = parse(&other, &source(bytes.clone())).expect_err("no such sheet");
    assert_eq!(error.hint().map(|hint| hint.0).as_deref(), Some("did you mean `价格`?"));
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 30] {
        assert!(matches!(parse(&contract(&xlsx), &source(&bytes[..cut])), Err(FeedError::Unreadable { .. })), "cut at {cut}");
    }
    let bomb = workbook(&format!("{}<!--{}-->", rows.concat(), " ".repeat(4 << 20)));
    let error = parse(&contract(&xlsx), &source(bomb)).expect_err("4 MiB of blanks");
    assert!(error.to_string().contains("it unpacks to"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any text below a good header is accounted for or refused; nothing panics.
    #[test]
    fn every_row_is_accounted_for(lines in proptest::collection::vec("[0-9a菜\"\\-, .\r]{0,14}", 0..8), end in "\n?") {
        let text = format!("{HEADER}{}{end}", lines.join("\n"));
        match parse(&contract(PRICES), &source(text.clone())) {
            Ok(parsed) => prop_assert_eq!(parsed.received, (parsed.accepted.num_rows() + parsed.rejected.len()) as u64),
            Err(FeedError::Unreadable { .. } | FeedError::Miscounted { .. }) => {}
            Err(other) => prop_assert!(false, "{:?} for {:?}", other, text),
        }
    }

    /// Text without a quotation mark is never refused.
    #[test]
    fn plain_lines_are_never_refused(blank in "(\r?\n)?", lines in proptest::collection::vec("[0-9a菜\\-, .]{0,14}\r?", 0..8)) {
        let text = format!("{blank}{HEADER}{}", lines.join("\n"));
        let parsed = parse(&contract(PRICES), &source(text.clone()));
        prop_assert!(parsed.is_ok(), "{:?} for {:?}", parsed.err(), text);
    }

    /// Any bytes at all, in any format.
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..3_usize) {
        let format = ["kind = \"csv\"", "kind = \"json\"", "kind = \"xlsx\""][kind];
        let parsed = parse(&contract(&PRICES.replace("kind = \"csv\"", format)), &source(bytes));
        prop_assert!(parsed.is_err() || parsed.is_ok_and(|parsed| parsed.accepted.num_rows() == 0));
    }
}
