//! The whole way on the real files beside the repository, on three days, each run twice.
//!
//! In: `tests/real` and `../shared/data`; without the latter the test says that it was skipped, and under CI fails.

use crate::{files, nongshi, text};
use std::path::{Path, PathBuf};

/// Category, target and status of a forecast.
type Status = (&'static str, &'static str, &'static str);

/// What each day must say: day, then category, target and status of every forecast.
const EXPECTED: &[(&str, &[Status])] = &[
    (
        "2016-04-30",
        &[
            ("grain_oil", "price", "alive"),
            ("vegetables", "price", "alive"),
            ("vegetables", "demand", "missing"),
            ("fruit", "price", "alive"),
            ("meat", "price", "alive"),
            // the vegetable crawl holds eggs on one single day of 2014
            ("eggs", "price", "stale"),
        ],
    ),
    (
        "2023-06-30",
        &[
            ("grain_oil", "price", "alive"),
            ("vegetables", "price", "alive"),
            ("vegetables", "demand", "alive"),
            ("fruit", "price", "stale"),
            ("meat", "price", "alive"),
            ("eggs", "price", "stale"),
        ],
    ),
    (
        "2026-07-31",
        &[
            ("grain_oil", "price", "stale"),
            ("vegetables", "price", "stale"),
            ("vegetables", "demand", "stale"),
            ("fruit", "price", "stale"),
            ("meat", "price", "stale"),
            ("eggs", "price", "alive"),
        ],
    ),
];

fn real_project() -> Option<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/real");
    let data = project.join("../../../shared/data");
    if data.is_dir() {
        return Some(project);
    }
    assert!(std::env::var_os("CI").is_none(), "the real files must be there under CI: {}", data.display());
    println!("skipped: the real files are not beside the repository ({})", data.display());
    None
}

/// A copy of the project that reads the same data, so that the checkout stays clean.
fn copy(project: &Path, to: &Path) {
    let data = project.join("../../../shared/data").canonicalize().expect("the data are there");
    for folder in ["feeds", "reference"] {
        std::fs::create_dir_all(to.join(folder)).expect("a temporary folder");
        for (name, bytes) in files(&project.join(folder)) {
            let bytes = String::from_utf8(bytes)
                .expect("contracts and references are text")
                .replace("../../../shared/data", &data.to_string_lossy());
            std::fs::write(to.join(folder).join(name), bytes).expect("a temporary folder");
        }
    }
    std::fs::copy(project.join("nongshi.toml"), to.join("nongshi.toml")).expect("the project has settings");
}

#[test]
fn three_days_run_and_the_second_time_nothing_changes() {
    let Some(project) = real_project() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&project, folder.path());
    let at = folder.path().to_str().expect("a plain path");
    for (day, expected) in EXPECTED {
        let first = nongshi(&[], &["-C", at, "run", "--as-of", day, "--json"]);
        let said = text(&first.stderr);
        assert_eq!(first.status.code(), Some(1), "{day}: every day has gaps\n{said}");
        let summary: serde_json::Value = serde_json::from_slice(&first.stdout).expect("a summary");
        assert_eq!(summary["changed"], true, "{day}\n{said}");

        let before = (files(&folder.path().join("lake")), files(&folder.path().join("reports")));
        let second = nongshi(&[], &["-C", at, "run", "--as-of", day, "--json"]);
        let summary: serde_json::Value = serde_json::from_slice(&second.stdout).expect("a summary");
        assert_eq!((second.status.code(), &summary["changed"]), (Some(1), &serde_json::Value::Bool(false)), "{day}");
        assert!(text(&second.stderr).contains("nothing changed"), "{day}: it says so");
        // which files need no reading is remembered once they have lain a while; it is the word of no table
        let is_said = |name: &str| !name.starts_with("lock/") && !name.starts_with("marks/feeds/");
        let said = |files: &[(String, Vec<u8>)]| files.iter().filter(|(name, _)| is_said(name)).cloned().collect::<Vec<_>>();
        let after = (files(&folder.path().join("lake")), files(&folder.path().join("reports")));
        assert!(said(&before.0) == said(&after.0), "{day}: the second run wrote into the lake");
        assert!(before.1 == after.1, "{day}: the second run changed a report");

        let query = format!("select category, target, status from forecast_status where as_of = '{day}' order by place, target");
        let lines = sql(at, day, &query);
        let found: Vec<Vec<&str>> = lines.iter().map(|line| line.split(',').collect()).collect();
        let mut wanted: Vec<Vec<&str>> = expected.iter().map(|(category, target, status)| vec![*category, *target, *status]).collect();
        wanted.sort_by_key(|row| expected.iter().position(|known| vec![known.0, known.1, known.2] == *row));
        assert_eq!(found, wanted, "{day}");

        let reports: Vec<String> = files(&folder.path().join("reports").join(day)).into_iter().map(|(name, _)| name).collect();
        assert_eq!(reports.len(), 6, "{day}: a base as page and paper, the chain as page, in two languages: {reports:?}");
        // nothing known later than the day may be seen
        for table in ["market_prices", "sales", "plantings", "products"] {
            let later = sql(at, day, &format!("select count(*) from {table} where available_on > date '{day}'"));
            assert_eq!(later, ["0"], "{day}: {table}");
        }
        for (table, late) in [("price_forecast", "cutoff"), ("forecast_paths", "cutoff"), ("forecast_paths", "follows")] {
            let later = sql(at, day, &format!("select count(*) from {table} where as_of = '{day}' and {late} > date '{day}'"));
            assert_eq!(later, ["0"], "{day}: {table}.{late}");
        }
        let paths = sql(at, day, &format!("select count(*) > 0 from forecast_paths where as_of = '{day}'"));
        assert_eq!(paths, ["true"], "{day}");
    }
    batches_add_up(at);
    // the curated tables now stored are those of the last day: an earlier day must not see them
    assert_eq!(sql(at, "2016-04-30", "select max(week) from price_weekly"), ["2016-04-25"]);
    assert_eq!(sql(at, "2016-04-30", "select count(*) from sales_weekly"), ["0"]);
}

/// received = accepted + rejected for every batch, and the rejected rows are in their table.
fn batches_add_up(at: &str) {
    let day = EXPECTED[2].0;
    assert_eq!(sql(at, day, "select count(*) from batches where received <> accepted + rejected"), ["0"]);
    // 36 + 36 files of the supermarket, two of eggs, and twelve feeds of one file
    assert_eq!(sql(at, day, "select count(*), sum(received), sum(accepted), sum(rejected) from batches"), ["86,299969,295820,4149"]);
    assert_eq!(sql(at, day, "select count(*) from rejected"), ["4149"]);
    let lost = "select count(*) from (select b.batch_id from batches b join (select batch_id, count(*) as n from rejected group by batch_id) r \
                on r.batch_id = b.batch_id where r.n <> b.rejected)";
    assert_eq!(sql(at, day, lost), ["0"]);
    assert_eq!(sql(at, day, "select count(*) from landed.sales"), ["46595"]);
}

/// The rows of a query as csv lines, without the header.
fn sql(at: &str, day: &str, query: &str) -> Vec<String> {
    let answer = nongshi(&[], &["-C", at, "sql", "--as-of", day, "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout).lines().skip(1).map(String::from).collect()
}
