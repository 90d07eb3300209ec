//! What a user meets who does something wrong: one clear message, a hint, the right exit code, no row lost.

use crate::{nongshi, text};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A project with prices of two commodities over two years, written by `init` and filled here.
fn project() -> (TempDir, PathBuf) {
    project_with(&prices("date,market,product,category,price", "5.20"))
}

/// The same with other prices.
pub fn project_with(prices: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().join("chain");
    let made = nongshi(&[], &["init", at.to_str().expect("a plain path")]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    std::fs::write(at.join("inbox/prices.csv"), prices).expect("a temporary folder");
    (folder, at)
}

/// A price file; the last row is a commodity of its own with the price given.
pub fn prices(header: &str, last: &str) -> String {
    let first: chrono::NaiveDate = "2024-01-01".parse().expect("a date");
    let mut lines = vec![header.to_string()];
    for day in 0..730_u64 {
        let date = first + chrono::Days::new(day);
        for (product, level) in [("菜心", 4.0), ("番茄", 6.0)] {
            let season = (day as f64 / 365.0 * std::f64::consts::TAU).sin();
            lines.push(format!("{date},江南市场,{product},vegetables,{:.2}", level + season + (day % 7) as f64 * 0.05));
        }
    }
    lines.push(format!("2025-12-31,江南市场,白菜,vegetables,{last}"));
    lines.join("\n") + "\n"
}

/// Runs `run` as of the end of 2025 and checks code and words; nothing may panic.
fn check(at: &Path, environment: &[(&str, &str)], code: i32, words: &[&str]) -> String {
    let ended = nongshi(environment, &["-C", at.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"]);
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not said:\n{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn no_project_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    check(folder.path(), &[], 3, &["error: no project folder", "holds no nongshi.toml", "hint: `nongshi init DIR` writes one"]);
}

#[test]
fn an_unknown_setting_names_the_nearest_one() {
    let (_folder, at) = project();
    std::fs::write(at.join("nongshi.toml"), "[planning]\nsow_week = 3\n").expect("a temporary folder");
    check(&at, &[], 3, &["error: nongshi.toml:2: the key `planning.sow_week` is not known", "hint: did you mean `planning.sow_weeks`?"]);
}

#[test]
fn a_missing_feed_file_is_named_and_the_rest_goes_on() {
    let (_folder, at) = project();
    std::fs::remove_file(at.join("reference/plots.csv")).expect("init wrote it");
    check(&at, &[], 1, &["gap: plots feed: feed plots found no file; looked for `./reference/plots.csv`", "vegetables price"]);
}

#[test]
fn a_wrong_column_refuses_the_feed_and_keeps_its_bytes() {
    let (_folder, at) = project();
    std::fs::write(at.join("inbox/prices.csv"), prices("date,market,product,category,prize", "5.20")).expect("a temporary folder");
    check(&at, &[], 4, &["has no column `price`, which the contract reads", "did you mean `prize`?"]);
    assert_eq!(std::fs::read_dir(at.join("lake/raw/market_prices")).expect("raw bytes are kept first").count(), 1);
}

#[test]
fn bad_rows_beyond_the_gate_refuse_the_feed_and_fewer_are_rejected() {
    let (_folder, at) = project();
    std::fs::write(at.join("inbox/prices.csv"), prices("date,market,product,category,price", "cheap")).expect("a temporary folder");
    check(&at, &[], 1, &["1461 received = 1460 accepted + 1 rejected"]);
    let reason = nongshi(
        &[],
        &["-C", at.to_str().expect("a plain path"), "sql", "--format", "csv", "-c", "select feed, source_row, rule from rejected"],
    );
    assert_eq!(text(&reason.stdout), "feed,source_row,rule\nmarket_prices,1461,number\n");

    let (_folder, at) = project();
    std::fs::write(
        at.join("inbox/prices.csv"),
        prices("date,market,product,category,price", "5.20").replace("菜心,vegetables", "菜心,greens"),
    )
    .expect("a temporary folder");
    check(&at, &[], 4, &["has 730 bad rows of 1461, more than its gate allows", "refuse_share"]);
}

#[test]
fn an_unreachable_store_is_worth_a_retry() {
    let (_folder, at) = project();
    std::fs::write(at.join("nongshi.toml"), "[store]\nurl = \"s3://bucket/lake\"\n[store.options]\nretry_timeout_secs = \"1\"\n")
        .expect("a temporary folder");
    // port 1 of this machine: nobody listens there; over https the client needs the rustls provider that main installs
    for endpoint in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
        let environment = [
            ("AWS_ENDPOINT", endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "k"),
            ("AWS_SECRET_ACCESS_KEY", "canary-secret"),
            ("AWS_REGION", "us-east-1"),
        ];
        let said = check(&at, &environment, 5, &["error: store `s3://bucket/lake/` cannot be reached", "hint: `nongshi doctor`"]);
        assert!(!said.contains("canary-secret"), "{said}");
    }
}

#[test]
fn a_category_without_data_is_named() {
    let (_folder, at) = project();
    check(&at, &[], 1, &["gap: eggs price: missing: no row is known by this day", "gap: meat price: missing"]);
}

#[test]
fn a_second_run_at_the_same_time_is_refused() {
    let (_folder, at) = project();
    std::fs::create_dir_all(at.join("lake/lock")).expect("a temporary folder");
    let holder = r#"{"holder":{"host":"elsewhere","process":7,"command":"run"},"until":"2999-01-01T00:00:00Z"}"#;
    std::fs::write(at.join("lake/lock/00000000000000000007.json"), holder).expect("a temporary folder");
    check(&at, &[], 6, &["error: another run holds the lock: process 7 on elsewhere"]);
}

#[test]
fn sql_only_reads_and_names_the_nearest_table() {
    let (_folder, at) = project();
    let at = at.to_str().expect("a plain path");
    for (query, words) in [
        ("select * from market_price", "did you mean `market_prices`?"),
        ("create table t as select 1", "DDL not supported"),
        ("drop table sales", "DDL not supported"),
    ] {
        let ended = nongshi(&[], &["-C", at, "sql", "-c", query]);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{query}: {said}");
    }
}

#[test]
fn init_overwrites_nothing() {
    let (_folder, at) = project();
    let ended = nongshi(&[], &["init", at.to_str().expect("a plain path")]);
    assert_eq!(ended.status.code(), Some(3));
    assert!(text(&ended.stderr).contains("holds a project already"));
}

/// A gate refuses a table: what depends on it waits, the rest goes on, the exit code says so; mended, all is made.
#[test]
fn a_refused_table_stops_only_what_depends_on_it() {
    let (_folder, at) = project();
    let table = |limit: &str| {
        format!(
            "-- A row is a week.\n-- key: commodity, week\n-- check: price < {limit}\n\
             select commodity, week, max(price_cny_per_kg) as price from price_weekly group by commodity, week"
        )
    };
    std::fs::create_dir_all(at.join("transforms")).expect("a temporary folder");
    std::fs::write(at.join("transforms/dear_weeks.sql"), table("1")).expect("a temporary folder");
    std::fs::write(at.join("transforms/of_it.sql"), "-- A row is a week.\n-- key: week\nselect distinct week from dear_weeks")
        .expect("a temporary folder");
    let said = check(
        &at,
        &[],
        4,
        &["gap: dear_weeks table: ", "rows break `price < 1`; nothing was published", "gap: of_it table: waits for dear_weeks"],
    );
    assert!(said.contains("forecast   2 series: vegetables price"), "{said}");
    std::fs::write(at.join("transforms/dear_weeks.sql"), table("100")).expect("a temporary folder");
    check(&at, &[], 1, &["12 tables: 2 new, 0 same, 10 untouched"]);
}

/// What the built-in tables promise, too: a stage never speaks from a table that no gate has passed.
#[test]
fn a_stage_waits_for_a_table_that_is_not_made() {
    let (_folder, at) = project();
    check(&at, &[], 1, &["forecast   2 series"]);
    let directory = at.to_str().expect("a plain path");
    let alone = nongshi(&[], &["-C", directory, "forecast", "--as-of", "2026-01-11"]);
    assert!(alone.status.success() || alone.status.code() == Some(1), "nothing new is known a week later: {}", text(&alone.stderr));
    let mut file = std::fs::read_to_string(at.join("inbox/prices.csv")).expect("ours");
    file += "2026-01-05,江南市场,菜心,vegetables,4.10\n";
    std::fs::write(at.join("inbox/prices.csv"), file).expect("a temporary folder");
    assert!(nongshi(&[], &["-C", directory, "ingest", "--as-of", "2026-01-12"]).status.success());
    let waits = nongshi(&[], &["-C", directory, "forecast", "--as-of", "2026-01-12"]);
    let said = text(&waits.stderr);
    assert_eq!(waits.status.code(), Some(4), "{said}");
    assert!(said.contains("table freshness is not made as of 2026-01-12"), "{said}");
}
