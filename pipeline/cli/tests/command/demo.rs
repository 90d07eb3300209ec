//! A stranger's first minutes: one command, a living chain, two issues of its plan; and every piece of dirt that was put
//! in is found again.

use crate::{files, issues, nongshi, paths, record, same_words, text};
use chrono::NaiveDate;
use nongshi_domain::Seed;
use nongshi_samples::{Dirt, Kind, SampleSettings, sample};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// As `nongshi demo` takes it.
const SEED: Seed = Seed(20_260_101);

/// Rows of an answer, without its header.
fn rows(at: &str, as_of: Option<NaiveDate>, query: &str) -> Vec<String> {
    let day = as_of.map(|day| day.to_string());
    let mut words = vec!["-C", at, "sql", "--format", "csv", "-c", query];
    words.extend(day.as_deref().map(|day| ["--as-of", day]).into_iter().flatten());
    let answer = nongshi(&[], &words);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout).lines().skip(1).map(String::from).collect()
}

#[test]
fn the_demo_ends_with_two_issues_and_finds_every_piece_of_dirt() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("chain");
    let at = path.to_str().expect("a plain path");
    let first = nongshi(&[], &["demo", at]);
    let said = text(&first.stderr);
    assert_eq!(first.status.code(), Some(0), "{said}");
    assert!(said.contains("open first") && said.contains("rejected"), "{said}");
    let days = days_of_issue(&path);
    let [earlier, last] = days[..] else { panic!("two issues: {days:?}") };
    assert_eq!((last - earlier).num_days(), 28);
    every_byte_was_written(&path, last);
    everything_is_there(at);
    issues::the_second_is_held_against_the_first(at, earlier, last);
    every_piece_of_dirt_is_found(at, last);
    same_words::sql_says_what_the_stage_said(at, last);
    paths::paths_belong_to_their_forecasts(at);
    record::past_issues_are_scored_when_the_truth_comes(at, earlier, last);

    let before = files(&path);
    let again = nongshi(&[], &["-C", at, "run", "--as-of", &last.to_string()]);
    assert!(again.status.success() && text(&again.stderr).contains("nothing changed"), "{}", text(&again.stderr));
    // the lock's own papers are no part of the lake
    let lake = |files: &[(String, Vec<u8>)]| files.iter().filter(|(name, _)| !name.contains("lock/")).cloned().collect::<Vec<_>>();
    assert!(lake(&before) == lake(&files(&path)), "no byte of the folder changes");

    let refused = nongshi(&[], &["demo", at]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("holds a project already"), "{}", text(&refused.stderr));
}

/// What the simulator says is what stands on the disk, and every row of it came in.
fn every_byte_was_written(path: &Path, last: NaiveDate) {
    let (simulated, record) = sample(&SampleSettings::demo(SEED, last, 2));
    assert!(simulated.len() > 100, "{} files", simulated.len());
    for file in &simulated {
        let written = std::fs::read(path.join(&file.path)).unwrap_or_else(|error| panic!("{}: {error}", file.path));
        assert!(written == file.bytes, "{}: {} bytes, not {}", file.path, written.len(), file.bytes.len());
    }
    // four tables of the project are the same for every seed: no simulated rows
    let query = "select sum(received) from batches where feed not in ('bases', 'crops', 'lanes', 'plots')";
    let received = rows(path.to_str().expect("a plain path"), None, query);
    assert_eq!(received, [record.rows.to_string()], "every row that was written came in");
}

fn days_of_issue(path: &Path) -> Vec<NaiveDate> {
    let folders = std::fs::read_dir(path.join("reports")).expect("reports");
    let mut paths: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in &paths {
        assert_eq!(files(path).len(), 10, "two bases as page and paper, the chain as page, in two languages");
    }
    paths.iter().map(|path| path.file_name().expect("a day").to_string_lossy().parse().expect("a day")).collect()
}

/// All five categories in tables, forecasts, plan and reports, and rows of every feed.
fn everything_is_there(at: &str) {
    let every = ["eggs", "fruit", "grain_oil", "meat", "vegetables"];
    for query in [
        "select distinct category from price_weekly order by 1",
        "select distinct category from sales_daily order by 1",
        "select distinct category from price_forecast order by 1",
        "select distinct category from forecast_status where status = 'alive' order by 1",
        "select distinct c.category from harvest_plan h join crops c on c.crop = h.crop order by 1",
    ] {
        assert_eq!(rows(at, None, query), every, "{query}");
    }
    let empty = rows(at, None, "select feed from batches group by feed having sum(accepted) = 0");
    assert!(empty.is_empty(), "feeds without a row: {empty:?}");
    let feeds = std::fs::read_dir(Path::new(at).join("feeds")).expect("feeds").count();
    assert_eq!(rows(at, None, "select distinct feed from batches").len(), feeds, "every feed lands");
    assert_eq!(rows(at, None, "select count(*) from batches where received <> accepted + rejected"), ["0"]);
}

fn every_piece_of_dirt_is_found(at: &str, last: NaiveDate) {
    let (_, record) = sample(&SampleSettings::demo(SEED, last, 2));
    assert!(record.dirt.len() > 60, "{} pieces", record.dirt.len());
    let query = "select b.address, r.source_row, r.rule from rejected r join batches b on b.batch_id = r.batch_id order by 1, 2";
    let found: BTreeSet<String> = rows(at, None, query).into_iter().collect();
    let put_in: BTreeSet<String> = record
        .dirt
        .iter()
        .filter_map(|dirt| if let Kind::Rejected { row, rule } = dirt.kind { Some(format!("{},{row},{rule}", dirt.path)) } else { None })
        .collect();
    let missed: Vec<_> = put_in.difference(&found).collect();
    let invented: Vec<_> = found.difference(&put_in).collect();
    assert!(missed.is_empty() && invented.is_empty(), "put in and not found: {missed:#?}\nfound and not put in: {invented:#?}");
    for dirt in &record.dirt {
        what_is_no_rejection(at, dirt);
    }
    days_that_are_missing(at, &record.dirt);
    units_that_are_not_kg(at, &record.dirt);
}

fn what_is_no_rejection(at: &str, dirt: &Dirt) {
    match &dirt.kind {
        Kind::Renamed { product, from, to, on } => {
            let query = format!(
                "select product_name, first_day >= date '{on}' from (select product_name, min(day) as first_day from sales \
                 where product = '{product}' group by product_name) order by first_day"
            );
            assert_eq!(rows(at, None, &query), [format!("{from},false"), format!("{to},true")]);
            let query = format!("select count(distinct commodity) from sales_daily where product = '{product}'");
            assert_eq!(rows(at, None, &query), ["1"], "one commodity under both names");
        }
        Kind::Corrected { shop, product, day, before, after, known_on } => {
            let query = format!(
                "select quantity_kg = cast({{}} as decimal(18, 4)) from sales where shop = '{shop}' and product = '{product}' \
                 and day = date '{day}' and channel = 'shop'"
            );
            let told = |as_of: NaiveDate, kg: &str| rows(at, Some(as_of), &query.replace("{}", kg));
            assert_eq!(told(*known_on - chrono::Days::new(1), before), ["true"], "{dirt:?}");
            assert_eq!(told(*known_on, after), ["true"], "{dirt:?}");
        }
        Kind::Late { shop, day, known_on, rows: count } => {
            let query = format!("select count(*) from sales where shop = '{shop}' and day = date '{day}'");
            assert_eq!(rows(at, Some(*known_on - chrono::Days::new(1)), &query), ["0"], "{dirt:?}");
            assert_eq!(rows(at, Some(*known_on), &query), [count.to_string()], "{dirt:?}");
        }
        Kind::Encoding(_) => {
            // every row of the file is read, whatever its bytes are
            let file = std::fs::read(Path::new(at).join(&dirt.path)).expect("the simulator wrote it");
            let records = file.iter().filter(|byte| **byte == b'\n').count() - 1;
            let query = format!("select received, rejected < 10 from batches where address = '{}'", dirt.path);
            assert_eq!(rows(at, None, &query), [format!("{records},true")], "{dirt:?}");
        }
        _ => {}
    }
}

/// Each feed's missing days, asked for at once.
fn days_that_are_missing(at: &str, dirt: &[Dirt]) {
    let tables: BTreeMap<&str, &str> =
        [("dongjiang", "market_prices"), ("lingnan", "market_prices"), ("pos", "sales"), ("weather", "weather")].into();
    let missing: Vec<(&str, NaiveDate)> =
        dirt.iter().filter_map(|dirt| if let Kind::MissingDay(day) = dirt.kind { Some((dirt.feed, day)) } else { None }).collect();
    assert!(missing.len() > 8, "{missing:?}");
    let parts: Vec<String> = missing
        .iter()
        .map(|(feed, day)| format!("select '{feed}' as feed from {} where feed = '{feed}' and day = date '{day}'", tables[feed]))
        .collect();
    assert_eq!(rows(at, None, &parts.join(" union all ")), Vec::<String>::new());
    // and the days around them are there
    let parts: Vec<String> = missing
        .iter()
        .map(|(feed, day)| {
            let next = *day - chrono::Days::new(1);
            format!("select count(*) > 0 as there from {} where feed = '{feed}' and day = date '{next}'", tables[feed])
        })
        .collect();
    let there = rows(at, None, &format!("select count(*) from ({}) where there", parts.join(" union all ")));
    assert!(there[0].parse::<usize>().expect("a count") + 2 >= missing.len(), "{there:?} of {}", missing.len());
}

/// Rows in another unit stand in the table in kg.
fn units_that_are_not_kg(at: &str, dirt: &[Dirt]) {
    let mut checked = BTreeSet::new();
    for dirt in dirt {
        let Kind::OtherUnit { row, unit, grams } = dirt.kind else { continue };
        let column = match dirt.feed {
            "canteens" => "sales.quantity_kg",
            "harvests" => "harvests.harvested_kg",
            other => panic!("a unit in {other}"),
        };
        // one of each is enough
        if !checked.insert((dirt.feed, unit)) {
            continue;
        }
        let (table, column) = column.split_once('.').expect("table and column");
        let query = format!(
            "select cast(t.{column} * 1000 as bigint) from {table} t join batches b on b.batch_id = t.batch_id \
             where b.address = '{}' and t.source_row = {row}",
            dirt.path
        );
        assert_eq!(rows(at, None, &query), [grams.to_string()], "{dirt:?}");
    }
    assert!(checked.len() >= 3, "{checked:?}");
}
