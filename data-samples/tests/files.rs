//! What the simulator promises about its files. In: settings. Out: a verdict. Never: what a feed makes of them (the
//! whole way is tested under `tests/`).

use chrono::NaiveDate;
use nongshi_domain::Seed;
use nongshi_samples::{Dirt, SampleFile, SampleSettings, dirt, excerpts, sample};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

/// Rows of the checked-in excerpts, besides the dirty ones.
const EXCERPT_ROWS: usize = 12;

/// Simulated once for all tests.
static FILES: LazyLock<Vec<SampleFile>> = LazyLock::new(|| sample(&settings(1)));

fn settings(seed: u64) -> SampleSettings {
    SampleSettings { seed: Seed(seed), shops: 3, years: 3, last_day: day("2026-11-22") }
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a test writes its dates as YYYY-MM-DD")
}

/// The records of a file, header first.
fn records(file: &SampleFile) -> Vec<Vec<String>> {
    let is_gbk = file.path.contains("lingnan");
    let encoding = if is_gbk { encoding_rs::GBK } else { encoding_rs::UTF_8 };
    let (text, _, had_errors) = encoding.decode(&file.bytes);
    assert!(!had_errors, "{} is in its encoding", file.path);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let record = |record: csv::StringRecord| record.iter().map(String::from).collect();
    reader.records().map(|found| record(found.expect("records of one length"))).collect()
}

/// Days between the first and the last one of a price file without a row.
fn missing_days(rows: &[Vec<String>]) -> i64 {
    let days: BTreeSet<NaiveDate> = rows.iter().map(|row| day(&row[0].replace('/', "-"))).collect();
    let (first, last) = (days.first().expect("rows"), days.last().expect("rows"));
    (*last - *first).num_days() + 1 - days.len() as i64
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_the_same_shape() {
    let (first, again, other) = (&*FILES, sample(&settings(1)), sample(&settings(2)));
    assert!(*first == again, "the same settings give the same bytes");
    let paths = |files: &[SampleFile]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(first), paths(&other));
    assert!(paths(first).is_sorted(), "in order of path");
    for (one, two) in first.iter().zip(&other).filter(|(one, _)| one.path.starts_with("inbox/")) {
        assert_ne!(one.bytes, two.bytes, "{}", one.path);
        let (one_records, two_records) = (records(one), records(two));
        assert_eq!(one_records[0], two_records[0], "{}: one header", one.path);
        // dirt takes a day out, and at most a handful of rows are too small to be sold
        let difference = one_records.len().abs_diff(two_records.len());
        assert!(difference <= 25, "{}: {} and {} records", one.path, one_records.len(), two_records.len());
    }
    let bytes: usize = first.iter().map(|file| file.bytes.len()).sum();
    assert!((3_000_000..15_000_000).contains(&bytes), "{bytes} bytes");
}

#[test]
fn all_files_end_with_the_last_day_and_shops_and_years_are_counted() {
    for (shops, years, last_day) in [(1, 1, "2026-11-22"), (8, 1, "2024-02-29"), (2, 2, "2026-10-31")] {
        let settings = SampleSettings { seed: Seed(3), shops, years, last_day: day(last_day) };
        let mut days: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for file in sample(&settings).iter().filter(|file| file.path.starts_with("inbox/sales/")) {
            let records = records(file);
            days.extend(records.iter().skip(1).map(|row| row[1].clone()).filter(|day| !day.is_empty()));
            names.extend(records.iter().skip(1).map(|row| row[0].clone()));
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), shops as usize);
        assert_eq!(days.iter().max().map(String::as_str), Some(last_day));
        assert_eq!(days.iter().min().map(String::as_str), Some(settings.first_day().to_string().as_str()));
    }
}

#[test]
fn every_piece_of_dirt_is_where_the_record_says() {
    let files: BTreeMap<String, Vec<Vec<String>>> =
        FILES.iter().filter(|file| file.path.starts_with("inbox/")).map(|file| (file.path.clone(), records(file))).collect();
    let dirt = dirt(&settings(1));
    let price = |cell: &str| cell.parse::<f64>().expect("a price");
    for Dirt { feed, path, row, rule, what } in &dirt {
        let rows = &files[path][1..];
        let cells = row.map(|row| rows[row - 1].clone()).unwrap_or_default();
        let holds = match (*feed, *rule) {
            // the market's own holidays are missing too, at most 7 days of them
            (_, None) => (1..=8).contains(&missing_days(rows)),
            (_, Some("duplicate")) => rows.iter().filter(|known| **known == cells).count() == 2,
            ("dongjiang", Some("number")) => cells[4] == "面议",
            ("dongjiang", Some("range")) => price(&cells[4]) == 0.0,
            ("lingnan", Some("ordered")) => price(&cells[3]) > price(&cells[4]),
            ("lingnan", Some("unit")) => cells[6] == "份",
            ("sales", Some("required")) => cells[1].is_empty(),
            ("sales", Some("range")) => price(&cells[5]) < 0.0,
            _ => false,
        };
        assert!(holds, "{path} row {row:?}: {what}: {cells:?}");
    }
    // and nothing else is wrong: these rules, and no row beyond the record, in all files
    let is_wrong = |path: &str, row: &[String]| match path.contains("sales") {
        true => row[1].is_empty() || price(&row[5]) <= 0.0,
        false if path.contains("lingnan") => row[6] != "斤" || price(&row[3]) > price(&row[4]) || price(&row[4]) > price(&row[5]),
        false => row[4].parse::<f64>().map_or(true, |average| average < price(&row[3]) || average > price(&row[5])),
    };
    for (path, rows) in &files {
        let wrong: Vec<usize> = (1..rows.len()).filter(|row| is_wrong(path, &rows[*row])).collect();
        let mut told: Vec<usize> =
            dirt.iter().filter(|dirt| dirt.path == *path && dirt.rule != Some("duplicate")).filter_map(|dirt| dirt.row).collect();
        told.sort_unstable();
        assert_eq!(wrong, told, "{path}");
    }
    for rule in ["duplicate", "number", "ordered", "range", "required", "unit"] {
        assert!(dirt.iter().any(|dirt| dirt.rule == Some(rule)), "some {rule}");
    }
}

#[test]
fn the_year_the_feast_and_the_shelf_are_seen() {
    let files = &*FILES;
    let mut greens: BTreeMap<NaiveDate, f64> = BTreeMap::new();
    let mut weekdays: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.starts_with("inbox/sales/")) {
        for row in records(file).iter().skip(1).filter(|row| row[3] == "菜心" && !row[1].is_empty()) {
            let (on, kg) = (day(&row[1]), row[5].parse::<f64>().expect("kg"));
            *greens.entry(on).or_default() += kg;
        }
    }
    for (on, kg) in &greens {
        let sum = weekdays.entry(chrono::Datelike::weekday(on).num_days_from_monday()).or_default();
        *sum = (sum.0 + kg, sum.1 + 1.0);
    }
    let mean = |weekday: u32| weekdays[&weekday].0 / weekdays[&weekday].1;
    assert!(mean(5) > 1.1 * mean(1), "Saturdays {} sell more than Tuesdays {}", mean(5), mean(1));
    // Spring Festival was on 2026-02-17
    let week = |from: &str| day(from).iter_days().take(5).map(|on| greens[&on]).sum::<f64>();
    assert!(week("2026-02-12") > 1.3 * week("2026-01-22") && week("2026-02-17") < 0.8 * week("2026-01-22"));
    // 小白菜 was renamed within the three years
    let names: Vec<String> =
        files.iter().filter(|file| file.path.starts_with("inbox/sales/")).flat_map(records).map(|row| row[3].clone()).collect();
    assert!(names.iter().any(|name| name == "小白菜") && names.iter().any(|name| name == "上海青"));
}

#[test]
fn the_checked_in_excerpts_are_what_the_simulator_writes() {
    for file in excerpts(&settings(1), EXCERPT_ROWS) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file.path);
        let held = std::fs::read(&path).unwrap_or_default();
        assert!(
            held == file.bytes,
            "{}: write it anew with `cargo run -p nongshi-samples --example write -- data-samples excerpts`",
            file.path
        );
        assert!(path.with_file_name("README.md").exists(), "{} has a README beside it", file.path);
    }
}
