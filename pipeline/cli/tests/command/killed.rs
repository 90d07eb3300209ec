//! Killed anywhere and run again, the tables are those of an undisturbed run.

use crate::errors::{prices, project_with};
use crate::{files, nongshi, text};
use nongshi_domain::failpoint::FAILPOINTS;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What both projects must answer alike; no answer holds a time or a file's name.
const QUERIES: &[&str] = &[
    "select table_name, feed, batch_seq, batch_id, address, content, received, accepted, rejected from batches order by 1, 2, 3",
    "select feed, source_row, raw, rule, reason from rejected order by 1, 2",
    "select * from landed.market_prices order by commodity, day",
    "select * from price_weekly order by market, commodity, week",
    "select * from price_forecast order by key, model, day",
    "select * from forecast_paths order by key, day, path",
    "select * from forecast_status order by place",
];
/// The same in one answer: a digest a table.
const DIGESTS: &str = "
    select 'batches' as name, count(*) as n, md5(string_agg(concat_ws('|', table_name, batch_seq, batch_id, received, accepted, rejected), ';' order by batch_id)) as d from batches
    union all select 'rejected', count(*), md5(string_agg(concat_ws('|', feed, source_row, raw, rule, reason), ';' order by source_row)) from rejected
    union all select 'prices', count(*), md5(string_agg(concat_ws('|', commodity, day, price_cny_per_kg, batch_id, source_row), ';' order by commodity, day)) from landed.market_prices
    union all select 'weekly', count(*), md5(string_agg(concat_ws('|', market, commodity, week, price_cny_per_kg, days), ';' order by commodity, week)) from price_weekly
    union all select 'forecast', count(*), md5(string_agg(concat_ws('|', key, model, day, q10, q50, q90), ';' order by key, model, day)) from price_forecast
    union all select 'paths', count(*), md5(string_agg(concat_ws('|', key, day, path, follows, value), ';' order by key, day, path)) from forecast_paths
    union all select 'status', count(*), md5(string_agg(concat_ws('|', category, target, status, series, reason), ';' order by place, target)) from forecast_status
    order by name";
/// Files in the lake at which a run is killed: from the first raw bytes to the last forecast.
const KILLED_AT: &[usize] = &[1, 3, 5, 8, 12, 18, 25, 33, 42, 52];

#[test]
fn killed_anywhere_and_run_again_the_tables_are_the_same() {
    let dirty = prices("date,market,product,category,price", "cheap");
    let (_quiet, undisturbed) = project_with(&dirty);
    run(&undisturbed);
    let (_loud, disturbed) = project_with(&dirty);
    let mut killed = 0;
    for count in KILLED_AT {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nongshi"))
            .args(["-C", disturbed.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"])
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        loop {
            if child.try_wait().expect("a child of ours").is_some() {
                break;
            }
            if files(&disturbed.join("lake")).len() >= *count {
                child.kill().expect("a child of ours");
                child.wait().expect("a child of ours");
                killed += 1;
                break;
            }
            std::thread::yield_now();
        }
    }
    assert!(killed >= KILLED_AT.len() / 2, "only {killed} runs were caught alive");
    run(&disturbed);
    for query in QUERIES {
        assert_eq!(sql(&undisturbed, query), sql(&disturbed, query), "{query}");
    }
}

/// Ended at each named place, at its first passing and at a later one, and run again: nothing is lost, nothing doubled.
/// (That every run really is ended there is asserted; a place that is no longer passed fails the test.)
#[test]
fn ended_at_every_named_place_and_run_again_the_tables_are_the_same() {
    let dirty = prices("date,market,product,category,price", "cheap");
    let (_quiet, undisturbed) = project_with(&dirty);
    run(&undisturbed);
    let expected = sql(&undisturbed, DIGESTS);
    assert_eq!(expected.lines().count(), 1 + 7, "{expected}");
    let reports = files(&undisturbed.join("reports"));
    for place in FAILPOINTS {
        let (_loud, disturbed) = project_with(&dirty);
        end_at(&disturbed, place);
        // a second time, further on: where the place is passed only once in the rest of the way, the run goes through
        nongshi(&[("NONGSHI_TEST_FAILPOINT", &format!("{place}:1"))], &arguments(&disturbed));
        run(&disturbed);
        assert_eq!(sql(&disturbed, DIGESTS), expected, "ended at {place}");
        assert!(files(&disturbed.join("reports")) == reports, "ended at {place}: reports");
        let checked = nongshi(&[], &["-C", disturbed.to_str().expect("a plain path"), "lake", "check"]);
        assert_eq!(checked.status.code(), Some(0), "ended at {place}: {}", text(&checked.stdout));
    }
}

/// Runs until the place is reached for the first time, and sees that it was ended there.
fn end_at(at: &Path, place: &str) {
    let ended = nongshi(&[("NONGSHI_TEST_FAILPOINT", place)], &arguments(at));
    assert_eq!(ended.status.signal(), Some(9), "{place} is passed: {}", text(&ended.stderr));
}

fn arguments(at: &Path) -> [&str; 5] {
    ["-C", at.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"]
}

fn run(at: &Path) {
    let ended = nongshi(&[], &arguments(at));
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended.stderr));
}

fn sql(at: &Path, query: &str) -> String {
    let answer = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "sql", "--as-of", "2026-01-04", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout)
}
