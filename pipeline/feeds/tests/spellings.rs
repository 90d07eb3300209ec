//! Numbers, prices and days as others spell them: any script's digits, grouped thousands, other currencies, years of
//! the Republic of China; rows that come late.

use arrow::util::display::array_value_to_string;
use nongshi_feeds::{Contract, Late, Source, late, parse};

const PRICES: &str = r#"version = 1
table = "market_prices"
[source]
kind = "files"
root = "."
files = ["inbox/*"]
[format]
kind = "csv"
delimiter = ";"
[columns]
day = { from = "day", dates = ["%Y-%m-%d", "%Ey/%m/%d", "民國%Ey年%m月%d日", "%d.%m.%Y"] }
market = { value = "m" }
commodity = { from = "name" }
grade = { value = "" }
category = { value = "vegetables" }
price_cny_per_kg = { from = "price", unit = "元/千克" }
[available_on]
file_name = '(\d{4}-\d{2}-\d{2})'
"#;

fn contract(text: &str) -> Contract {
    Contract::read("prices", text).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()))
}

fn source(text: &str) -> Source {
    Source { address: "inbox/prices_2024-06-15.csv".into(), bytes: format!("day;name;price;unit\n{text}").into_bytes().into() }
}

/// Day and price of the accepted rows, then `row rule: reason` of the rejected.
#[track_caller]
fn check(contract_text: &str, rows: &str, expect: &[&str]) {
    let parsed = parse(&contract(contract_text), &source(rows)).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()));
    let cell = |row, name| array_value_to_string(parsed.accepted.column_by_name(name).expect(name), row).expect(name);
    let row = |row| format!("{} {}", cell(row, "day"), cell(row, "price_cny_per_kg"));
    let faults = parsed.rejected.iter().map(|fault| format!("{} {}: {}", fault.source_row, fault.rule, fault.reason));
    assert_eq!((0..parsed.accepted.num_rows()).map(row).chain(faults).collect::<Vec<_>>(), expect);
}

/// The whole message and its hint.
#[track_caller]
fn refused(from: &str, to: &str, expect: &str) {
    assert!(PRICES.contains(from), "{from}");
    let error = Contract::read("prices", &PRICES.replace(from, to)).expect_err(to);
    let told = format!("{error} / {}", error.hint().map(|hint| hint.0).unwrap_or_default());
    assert!(told.contains(expect), "{told}\n{expect}");
}

#[test]
fn one_column_holds_days_in_several_spellings_and_scripts() {
    check(
        PRICES,
        "2024-05-20;a;1;\n113/05/20;b;1;\n民國113年5月20日;c;1;\n20.05.2024;d;1;\n२०२४-०५-२०;e;१.५;\n٢٠٢٤-٠٥-٢٠;f;٢;\n2024/05/20;g;1;\n\
         民國113年2月30日;h;1;\n民國前3年5月20日;i;1;\n",
        &[
            "2024-05-20 1.0000",
            "2024-05-20 1.0000",
            "2024-05-20 1.0000",
            "2024-05-20 1.0000",
            "2024-05-20 1.5000",
            "2024-05-20 2.0000",
            "7 date: day (day): `2024/05/20` is not a day of the form `%Y-%m-%d`, `%Ey/%m/%d`, `民國%Ey年%m月%d日`, `%d.%m.%Y`",
            "8 date: day (day): `民國113年2月30日` is not a day of the form `%Y-%m-%d`, `%Ey/%m/%d`, `民國%Ey年%m月%d日`, `%d.%m.%Y`",
            "9 date: day (day): `民國前3年5月20日` is not a day of the form `%Y-%m-%d`, `%Ey/%m/%d`, `民國%Ey年%m月%d日`, `%d.%m.%Y`",
        ],
    );
    refused("%Ey/%m/%d", "%m/%d/%Ey", "`%m/%d/%Ey` is not the form of a day / forms are written like");
}

#[test]
fn thousands_are_taken_apart_only_where_the_contract_says_so() {
    let rows = "2024-05-20;a;1,234.5;\n2024-05-20;b;1,23;\n2024-05-20;c;१,२३,४५६;\n";
    let not = |row: u32, text: &str| format!("{row} number: price_cny_per_kg (price): `{text}` is not a number");
    check(PRICES, rows, &[&not(1, "1,234.5"), &not(2, "1,23"), &not(3, "1,23,456")]);
    let grouped = PRICES.replace("unit = \"元/千克\"", "unit = \"元/千克\", thousands = \",\"");
    check(&grouped, rows, &["2024-05-20 1234.5000", "2024-05-20 123456.0000", &not(2, "1,23")]);
    for not_one in ["", "..", "1", "."] {
        let given = format!("unit = \"元/千克\", thousands = \"{not_one}\"");
        refused("unit = \"元/千克\"", &given, "is not one character that can group digits");
    }
    refused("from = \"name\"", "from = \"name\", thousands = \",\"", "`thousands` means nothing for column `commodity`");
}

#[test]
fn a_price_in_another_currency_lands_at_its_rate_or_not_at_all() {
    let rupees = PRICES.replace("unit = \"元/千克\"", "unit = \"NPR/jin\", currency = { code = \"NPR\", cny = 0.0541 }");
    check(&rupees, "2024-05-20;a;100;\n", &["2024-05-20 10.8200"]);
    let told = PRICES.replace("unit = \"元/千克\"", "unit_from = \"unit\", currency = { code = \"NPR\", cny = 0.0541 }");
    check(
        &told,
        "2024-05-20;a;100;NPR/kg\n2024-05-20;b;100;CNY/kg\n2024-05-20;c;100;元/千克\n",
        &[
            "2024-05-20 5.4100",
            "2 unit: price_cny_per_kg: `CNY/kg` in unit is none of the units `NPR/jin`, `NPR/kg`, `NPR/quintal`, `NPR/t`",
            "3 unit: price_cny_per_kg: `元/千克` in unit is none of the units `NPR/jin`, `NPR/kg`, `NPR/quintal`, `NPR/t`",
        ],
    );
    let by_crate = PRICES.replace("unit = \"元/千克\"", "unit = \"NPR/crate\", content_kg = 20, currency = { code = \"NPR\", cny = 0.05 }");
    check(&by_crate, "2024-05-20;a;1000;\n", &["2024-05-20 2.5000"]);
    for (to, expect) in [
        ("unit = \"NPR/kg\"", "unit `NPR/kg` is not known / a price in another currency needs `currency = { code = .., cny = .. }`"),
        (
            "unit = \"元/千克\", currency = { code = \"NPR\", cny = 0.0541 }",
            "unit `元/千克` is not known / the column's currency is NPR: write `NPR/kg`",
        ),
        ("unit = \"NPR/kg\", currency = { code = \"NPR\", cny = 0 }", "what one NPR is worth lies above 0"),
        ("unit = \"NPR/kg\", currency = { code = \"CNY\", cny = 1 }", "`CNY` is not another currency's code"),
        ("unit = \"NPR/kg\", currency = { code = \"NPR\" }", "missing field `cny`"),
    ] {
        refused("unit = \"元/千克\"", to, expect);
    }
    refused(
        "from = \"name\"",
        "from = \"name\", currency = { code = \"NPR\", cny = 1 }",
        "`currency` means nothing for column `commodity`",
    );
}

#[test]
fn a_late_row_lands_and_is_counted() {
    let rows = "2024-06-15;a;1;\n2024-06-12;b;1;\n2024-06-11;c;1;\n2024-05-01;d;1;\n2024-05-01;e;1;\nx;f;1;\n";
    let late_by = |days: Option<u32>| {
        let gate = days.map_or(String::new(), |days| format!("[gate]\nlateness_days = {days}\n"));
        let contract = contract(&format!("{PRICES}{gate}"));
        let parsed = parse(&contract, &source(rows)).expect("readable");
        assert_eq!((parsed.accepted.num_rows(), parsed.rejected.len()), (5, 1), "late or not, they land");
        late(&contract, &parsed)
    };
    let day = |text: &str| text.parse().expect("a day");
    let worst = |rows| Some(Late { rows, source_row: 4, day: day("2024-05-01"), known_on: day("2024-06-15") });
    assert_eq!((late_by(None), late_by(Some(45)), late_by(Some(44)), late_by(Some(3))), (None, None, worst(2), worst(3)));
}

#[test]
fn a_lag_that_leads_out_of_the_calendar_is_refused() {
    refused("file_name =", "lag_days = 4294967295\nfile_name =", "`lag_days` is 4294967295; 3660 is the most");
}
