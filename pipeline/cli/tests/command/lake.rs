//! `nongshi lake`: proof, history, fewer files, an earlier version.

use crate::errors::{prices, project_with};
use crate::{nongshi, text};
use std::path::Path;

fn lake(at: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let all: Vec<&str> = ["-C", at.to_str().expect("a plain path"), "lake"].into_iter().chain(arguments.iter().copied()).collect();
    let ended = nongshi(&[], &all);
    (ended.status.code(), text(&ended.stdout) + &text(&ended.stderr))
}

fn run(at: &Path) -> String {
    let ended = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"]);
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended.stderr));
    text(&ended.stderr)
}

fn has(said: &(Option<i32>, String), code: i32, words: &[&str]) {
    assert_eq!(said.0, Some(code), "{}", said.1);
    for word in words {
        assert!(said.1.contains(word), "`{word}` is not said:\n{}", said.1);
    }
}

#[test]
fn the_store_proves_itself_and_goes_back() {
    let (_folder, at) = project_with(&prices("date,market,product,category,price", "cheap"));
    run(&at);
    has(&lake(&at, &["check"]), 0, &["2 batches: 1461 received = 1460 accepted + 1 rejected; 2 of them counted anew", "nothing is lost"]);
    has(
        &lake(&at, &["history", "market_prices"]),
        0,
        &["landed/market_prices,1,", "batch 1 of feed market_prices: inbox/prices.csv, 1 rejected"],
    );
    has(&lake(&at, &["history", "market_price"]), 2, &["the store has no table `market_price`", "hint: "]);
    has(&lake(&at, &["compact"]), 0, &["landed/market_prices: 1 files, now 1; 1460 rows as before"]);
    has(&lake(&at, &["compact", "--forget-after", "1"]), 2, &["7 days are kept at least"]);

    // a contract that was wrong is mended: what it landed is taken back and lands anew
    has(&lake(&at, &["restore", "market_prices", "--version", "0", "--dry-run"]), 0, &["would be undone: inbox/prices.csv"]);
    has(&lake(&at, &["restore", "market_prices", "--version", "0"]), 0, &["undone: inbox/prices.csv", "1 batches can land again"]);
    let taken_back = lake(&at, &["check"]);
    has(&taken_back, 0, &["1 batches: 0 received", "left over: raw/market_prices: 1 kept sources have not landed"]);
    assert!(run(&at).contains("1 new, 1 known; of the new 1461 received = 1460 accepted + 1 rejected"));
    has(&lake(&at, &["check"]), 0, &["2 batches: 1461 received = 1460 accepted + 1 rejected", "nothing is lost"]);
    has(&lake(&at, &["restore", "rejected", "--version", "0"]), 2, &["a ledger is never taken back"]);

    // damage ends in exit 4 and is named
    let raw = at.join("lake/raw/market_prices");
    let kept = std::fs::read_dir(&raw).expect("kept").next().expect("one source").expect("readable").path();
    std::fs::remove_file(kept).expect("ours");
    has(&lake(&at, &["check"]), 4, &["fault: raw/market_prices/", "is gone; it was `inbox/prices.csv`", "1 faults"]);
    has(&lake(&at, &["check", "--json"]), 4, &["\"schema\":\"nongshi.lake_check/1\""]);
}
