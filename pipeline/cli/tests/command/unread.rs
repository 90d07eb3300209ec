//! Files that landed whole are not read again while they lie there unchanged; whatever is changed is.

use crate::errors::{prices, project_with};
use crate::{nongshi, text};
use std::fs::{File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Longer ago than the stamps of files need to settle.
const SETTLED: Duration = Duration::from_secs(60);

/// Ingests; so many batches land, and those of all other files are known.
fn lands(at: &Path, new: usize) {
    let ended = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-01-04"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let said = text(&ended.stderr);
    assert!(said.contains(&format!("batches: {new} new")), "{said}");
}

/// Rewrites the file where it lies and gives it that time, so that nothing but its bytes may tell.
fn rewrite(path: &Path, content: &str, time: SystemTime) {
    std::fs::write(path, content).expect("ours");
    File::options().write(true).open(path).expect("ours").set_times(FileTimes::new().set_modified(time)).expect("ours");
}

#[test]
fn what_lies_there_unchanged_is_not_read_and_what_changed_is() {
    let (first, second) = (prices("date,market,product,category,price", "5.20"), prices("date,market,product,category,price", "6.30"));
    assert_eq!(first.len(), second.len());
    let (_folder, at) = project_with(&first);
    let file = at.join("inbox/prices.csv");
    let then = SystemTime::now() - SETTLED;
    rewrite(&file, &first, then);
    lands(&at, 2);
    let remembered = at.join("lake/marks/feeds/market_prices.json");
    assert!(remembered.exists());

    // other bytes under the same stamp: had they been read, they would have landed
    rewrite(&file, &second, then);
    lands(&at, 0);

    // the same bytes under another stamp are read and land
    rewrite(&file, &second, then + Duration::from_secs(1));
    lands(&at, 1);

    // half a memory is none: everything is read, nothing lands twice
    let whole = std::fs::read(&remembered).expect("remembered");
    std::fs::write(&remembered, &whole[..whole.len() / 2]).expect("ours");
    lands(&at, 0);
    assert_eq!(std::fs::read(&remembered).expect("written again"), whole);

    // what is taken back lands again, although its file has not moved
    let back = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "lake", "restore", "market_prices", "--version", "0"]);
    assert!(back.status.success(), "{}", text(&back.stderr));
    lands(&at, 1);
}

#[test]
fn a_file_that_may_still_be_written_to_is_read_every_time() {
    let (first, second) = (prices("date,market,product,category,price", "5.20"), prices("date,market,product,category,price", "6.30"));
    let (_folder, at) = project_with(&first);
    let file = at.join("inbox/prices.csv");
    // a clock ahead of ours stands for a file that was written a moment ago, however slow this machine is
    let soon = SystemTime::now() + SETTLED;
    rewrite(&file, &first, soon);
    lands(&at, 2);
    // the same stamp, but too young to be trusted
    rewrite(&file, &second, soon);
    lands(&at, 1);
}
