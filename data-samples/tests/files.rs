//! What the simulator promises about its files. In: settings. Out: a verdict. Never: what a feed makes of them (the
//! whole way is tested with the binary).

use chrono::{Datelike, NaiveDate};
use nongshi_domain::Seed;
use nongshi_samples::{InMemory, Kind, Record, SampleFile, SampleSettings, excerpts, sample, simulate};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

/// Rows of the checked-in excerpts, besides the dirty ones.
const EXCERPT_ROWS: usize = 12;

/// Files by path.
type Files = BTreeMap<String, SampleFile>;

/// Inbox and truth, simulated once for all tests.
static SIMULATED: LazyLock<(Files, Files, Record)> = LazyLock::new(|| {
    let (mut inbox, mut truth) = (InMemory::default(), InMemory::default());
    let record = simulate(&small(1), &mut inbox, Some(&mut truth)).expect("memory takes every byte");
    let by_path = |files: InMemory| files.into_files().into_iter().map(|file| (file.path.clone(), file)).collect();
    (by_path(inbox), by_path(truth), record)
});

fn small(seed: u64) -> SampleSettings {
    let demo = SampleSettings::demo(Seed(seed), day("2026-11-22"), 2);
    SampleSettings { products: 70, price_years: 3, sales_years: 1, ..demo }
}

fn day(text: &str) -> NaiveDate {
    text.replace('/', "-").parse().expect("days are written as YYYY-MM-DD or YYYY/MM/DD")
}

/// The records of a CSV file, header first.
fn records(file: &SampleFile) -> Vec<Vec<String>> {
    let encoding = if ["lingnan", "cohorts"].iter().any(|feed| file.path.contains(feed)) { encoding_rs::GBK } else { encoding_rs::UTF_8 };
    let (text, _, had_errors) = encoding.decode(&file.bytes);
    assert!(!had_errors, "{} is in its encoding", file.path);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let record = |record: csv::StringRecord| record.iter().map(String::from).collect();
    reader.records().map(|found| record(found.expect("a record"))).collect()
}

fn of<'a>(files: &'a BTreeMap<String, SampleFile>, prefix: &'a str) -> impl Iterator<Item = &'a SampleFile> {
    files.values().filter(move |file| file.path.starts_with(prefix))
}

/// Rows below the header of every file whose path begins so.
fn rows(files: &BTreeMap<String, SampleFile>, prefix: &str) -> Vec<Vec<String>> {
    of(files, prefix).flat_map(|file| records(file).into_iter().skip(1)).collect()
}

fn grams(kg: &str) -> i64 {
    (kg.parse::<f64>().expect("a number") * 1000.0).round() as i64
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_one_thread_and_many_and_another_the_same_shape() {
    let tiny = |seed, threads| SampleSettings { shops: 5, products: 40, price_years: 1, threads, ..small(seed) };
    let ((one, record), (three, again)) = (sample(&tiny(1, 1)), sample(&tiny(1, 3)));
    assert!(one == three && record == again, "threads change nothing");
    let (other, _) = sample(&tiny(2, 2));
    let paths = |files: &[SampleFile]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&one), paths(&other));
    assert!(paths(&one).is_sorted(), "in order of path");
    for (one, two) in one.iter().zip(&other).filter(|(one, _)| one.path.starts_with("inbox/")) {
        assert_ne!(one.bytes, two.bytes, "{}", one.path);
        let header = |file: &SampleFile| file.bytes.split(|byte| *byte == b'\n').next().map(<[u8]>::to_vec);
        assert_eq!(header(one), header(two), "{}: one header", one.path);
    }
}

#[test]
fn all_files_end_with_the_last_day_and_shops_and_products_are_counted() {
    for (shops, products, last_day) in [(1, 20, "2026-11-22"), (8, 50, "2024-02-29")] {
        let settings = SampleSettings { shops, products, price_years: 1, last_day: day(last_day), ..small(3) };
        let (files, record) = sample(&settings);
        let files: BTreeMap<String, SampleFile> = files.into_iter().map(|file| (file.path.clone(), file)).collect();
        let sales = rows(&files, "inbox/sales/");
        let shops_seen: BTreeSet<&str> = sales.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(shops_seen.len(), shops as usize);
        let days: Vec<&str> = rows_of_days(&sales);
        assert_eq!(days.iter().min(), Some(&settings.first_sale().to_string().as_str()));
        let till: BTreeSet<String> =
            rows(&files, "inbox/pos/").iter().filter_map(|row| Some(row.get(3)?.chars().take(10).collect())).collect();
        assert_eq!(till.last().map(String::as_str), Some(last_day));
        assert_eq!(rows(&files, "reference/products").len(), products as usize);
        assert!(record.shop_product_days > 200 * u64::from(shops * products), "{}", record.shop_product_days);
    }
}

fn rows_of_days(rows: &[Vec<String>]) -> Vec<&str> {
    rows.iter().map(|row| row[1].as_str()).filter(|day| !day.is_empty()).collect()
}

#[test]
fn every_piece_of_dirt_is_where_the_record_says() {
    let (inbox, _, record) = &*SIMULATED;
    for dirt in &record.dirt {
        let file = || inbox.get(&dirt.path).unwrap_or_else(|| panic!("{}: {}", dirt.path, dirt.what));
        match &dirt.kind {
            Kind::Rejected { row, rule } if dirt.path.ends_with(".csv") => {
                let records = records(file());
                let cells = &records[*row];
                match *rule {
                    "duplicate" => assert_eq!(records.iter().filter(|known| *known == cells).count(), 2, "{}", dirt.path),
                    "fields" => assert!(cells.len() < records[0].len() && *row + 1 == records.len(), "{}", dirt.path),
                    _ => assert_eq!(cells.len(), records[0].len(), "{}", dirt.path),
                }
            }
            Kind::MissingDay(missing) if dirt.feed == "pos" => assert!(!inbox.contains_key(&dirt.path), "{missing}"),
            Kind::MissingDay(missing) => {
                assert!(
                    records(file()).iter().skip(1).flatten().all(|cell| cell.replace('/', "-") != missing.to_string()),
                    "{}",
                    dirt.path
                );
            }
            Kind::Encoding("BOM") => assert!(file().bytes.starts_with(b"\xef\xbb\xbf")),
            Kind::Encoding(_) => assert!(std::str::from_utf8(&file().bytes).is_err(), "{} is not UTF-8", dirt.path),
            Kind::OtherUnit { row, unit, .. } => assert!(records(file())[*row].iter().any(|cell| cell == unit), "{}", dirt.path),
            Kind::Corrected { known_on, after, before, .. } => {
                let correction = records(&inbox[&format!("inbox/sales/sales_{known_on}.csv")]);
                assert_eq!(grams(before), 10 * grams(after), "{before} {after}");
                assert_eq!(&correction[1][6], after);
            }
            Kind::Late { shop, day, rows, .. } => {
                let late = records(file());
                assert_eq!(late.len(), rows + 1);
                assert!(late.iter().skip(1).all(|row| row[0] == *shop && row[1] == day.to_string()));
            }
            _ => {}
        }
    }
    let rules: BTreeSet<&str> =
        record.dirt.iter().filter_map(|dirt| if let Kind::Rejected { rule, .. } = dirt.kind { Some(rule) } else { None }).collect();
    for rule in ["duplicate", "fields", "number", "ordered", "range", "required", "unit"] {
        assert!(rules.contains(rule), "some {rule}");
    }
}

#[test]
fn stock_follows_from_what_came_went_and_was_sold() {
    let (inbox, truth, record) = &*SIMULATED;
    let spoiled: BTreeSet<(&str, usize)> = record
        .dirt
        .iter()
        .filter_map(|dirt| if let Kind::Rejected { row, .. } = dirt.kind { Some((dirt.path.as_str(), row)) } else { None })
        .collect();
    let sold: BTreeMap<(String, String, String), i64> =
        rows(truth, "truth/demand").into_iter().map(|row| ((row[0].clone(), row[1].clone(), row[2].clone()), grams(&row[5]))).collect();
    let mut closing: BTreeMap<(String, String), (NaiveDate, i64)> = BTreeMap::new();
    let mut checked = 0;
    for file in of(inbox, "inbox/stock/") {
        for (at, row) in records(file).iter().enumerate().skip(1) {
            if spoiled.contains(&(file.path.as_str(), at)) {
                continue;
            }
            let (key, date) = ((row[0].clone(), row[2].clone()), day(&row[1]));
            let [received, transferred, wasted, left] = [3, 4, 5, 6].map(|column| grams(&row[column]));
            let went = sold.get(&(row[0].clone(), row[2].clone(), row[1].clone())).copied().unwrap_or_default();
            if let Some((before_on, before)) = closing.get(&key)
                && (date - *before_on).num_days() == 1
            {
                assert_eq!(before + received + transferred - wasted - went, left, "{} {row:?}", file.path);
                checked += 1;
            }
            closing.insert(key, (date, left));
        }
    }
    assert!(checked > 20_000, "{checked} shelf days");
}

#[test]
fn receipts_add_up_to_what_was_sold_and_nothing_is_sold_that_nobody_asked_for() {
    let (inbox, truth, record) = &*SIMULATED;
    let piece_grams: BTreeMap<String, i64> = rows(inbox, "reference/products")
        .into_iter()
        .map(|row| (row[0].clone(), if row[6].is_empty() { 1 } else { grams(&row[6]) }))
        .collect();
    let mut printed: BTreeMap<(String, String), i64> = BTreeMap::new();
    let dirty: BTreeSet<&str> = record.dirt.iter().map(|dirt| dirt.path.as_str()).collect();
    for file in of(inbox, "inbox/pos/").filter(|file| !dirty.contains(file.path.as_str())) {
        for row in records(file).iter().skip(1) {
            let piece = piece_grams[&row[4]];
            let amount = if piece == 1 { grams(&row[11]) } else { piece * row[11].parse::<i64>().expect("pieces") };
            *printed.entry((row[3].chars().take(10).collect(), row[4].clone())).or_default() += amount;
        }
    }
    let (mut asked, mut sold_all, mut compared) = (0, 0, 0);
    for row in rows(truth, "truth/demand") {
        let (wanted, sold) = (grams(&row[3]) + grams(&row[4]), grams(&row[5]));
        assert!(sold <= wanted, "{row:?}");
        (asked, sold_all) = (asked + wanted, sold_all + sold);
        if let (true, Some(lines)) = (row[0] == "天河店", printed.get(&(row[2].clone(), row[1].clone()))) {
            assert_eq!(*lines, sold, "{row:?}");
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared} days of products");
    assert!(sold_all * 100 < asked * 97, "shelves ran empty: {sold_all} of {asked}");
}

#[test]
fn the_year_the_feast_and_the_shelf_are_seen() {
    let (inbox, _, _) = &*SIMULATED;
    let mut greens: BTreeMap<NaiveDate, f64> = BTreeMap::new();
    let mut weekdays: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    let sales = rows(inbox, "inbox/sales/");
    for row in sales.iter().filter(|row| row[3] == "菜心" && !row[1].is_empty() && row[0] == "海珠店") {
        *greens.entry(day(&row[1])).or_default() += row[6].parse::<f64>().expect("kg");
    }
    for (on, kg) in &greens {
        let sum = weekdays.entry(on.weekday().num_days_from_monday()).or_default();
        *sum = (sum.0 + kg, sum.1 + 1.0);
    }
    let mean = |weekday: u32| weekdays[&weekday].0 / weekdays[&weekday].1;
    assert!(mean(5) > 1.05 * mean(1), "Saturdays {} sell more than Tuesdays {}", mean(5), mean(1));
    // Spring Festival was on 2026-02-17
    let week = |from: &str| day(from).iter_days().take(5).map(|on| greens.get(&on).copied().unwrap_or_default()).sum::<f64>();
    assert!(week("2026-02-12") > 1.2 * week("2026-01-22") && week("2026-02-17") < 0.8 * week("2026-01-22"));
    // 小白菜 was renamed within the year, and keeps its code
    let codes: BTreeSet<&str> = sales.iter().filter(|row| row[3] == "小白菜" || row[3] == "上海青").map(|row| row[2].as_str()).collect();
    let names: BTreeSet<&str> = sales.iter().map(|row| row[3].as_str()).collect();
    assert!(codes.len() == 1 && names.contains("小白菜") && names.contains("上海青"), "{codes:?}");
    // schools do not cook in summer
    let cooked = rows(inbox, "inbox/canteens/");
    let july = |customer: &str| cooked.iter().filter(|row| row[0].contains(customer) && row[1].starts_with("2026-08")).count();
    assert!(july("学校") == 0 && july("机关") > 100);
}

#[test]
fn the_checked_in_excerpts_are_what_the_simulator_writes() {
    let settings = SampleSettings::demo(Seed(1), day("2026-11-22"), 2);
    let found = excerpts(&settings, EXCERPT_ROWS);
    assert!(found.len() >= 16, "{} feeds", found.len());
    for file in found {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file.path);
        let held = std::fs::read(&path).unwrap_or_default();
        assert!(
            held == file.bytes,
            "{}: write it anew with `cargo run -p nongshi-samples --example write -- data-samples --excerpts`",
            file.path
        );
        assert!(path.with_file_name("README.md").exists(), "{} has a README beside it", file.path);
    }
}
