//! Killed anywhere and run again, the tables are those of an undisturbed run.

use crate::errors::{prices, project_with};
use crate::{files, nongshi, text};
use std::path::Path;
use std::process::{Command, Stdio};

/// What both projects must answer alike; no answer holds a time or a file's name.
const QUERIES: &[&str] = &[
    "select table_name, feed, batch_seq, batch_id, address, content, received, accepted, rejected from batches order by 1, 2, 3",
    "select feed, source_row, raw, rule, reason from rejected order by 1, 2",
    "select * from landed.market_prices order by commodity, day",
    "select * from price_weekly order by market, commodity, week",
    "select * from price_forecast order by key, model, day",
    "select * from forecast_status order by place",
];
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

fn run(at: &Path) {
    let ended = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"]);
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended.stderr));
}

fn sql(at: &Path, query: &str) -> String {
    let answer = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "sql", "--as-of", "2026-01-04", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout)
}
