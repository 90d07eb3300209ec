//! Stores that do not keep two writers apart: found out at the start and refused, or written to under a lock. Reliability
//! tests 1 and 3.

use crate::bad_store::{Four, ask, environment, has_all, lake, rounds};
use crate::errors::{prices, project_with};
use crate::on_s3::server;
use crate::proxy::holding_before;
use crate::signed::make_bucket;
use crate::two_runs::database;
use crate::{nongshi, text};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What a refusal may take, from the start of the process to its end.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
/// The commit that two writers try at one moment: 0 makes the table, 1 lands the first batch.
const CONTESTED: &str = "landed/market_prices/_delta_log/00000000000000000002.json";

/// A server that an environment variable names; none, said aloud, when there is none.
fn named(variable: &str, is_needed: bool) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        assert!(!is_needed || std::env::var_os("CI").is_none(), "{variable} must name an S3 server under CI");
        println!("skipped: {variable} names no S3 server");
    }
    found
}

/// The lake lands its rows there, and again.
fn is_accepted(server: &str, lake: &str) {
    let (_folder, at) = project_with(&prices("date,market,product,category,price", "5.20"));
    for words in ["1461 received = 1461 accepted + 0 rejected", "0 new, 2 known"] {
        let ended = nongshi(&environment(server, lake), &["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-01-04"]);
        assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
        assert!(text(&ended.stderr).contains(words), "{}", text(&ended.stderr));
    }
}

/// Every run is refused before it writes a table, for the reason, and soon (the median: other tests run beside it).
fn is_refused(name: &str, server: &str, rounds: u64) {
    let (_folder, at) = project_with(&prices("date,market,product,category,price", "5.20"));
    let mut took = Vec::new();
    for round in 0..rounds {
        let (since, lake) = (Instant::now(), lake(&format!("{name}-{round}")));
        let ended = nongshi(&environment(server, &lake), &["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-01-04"]);
        took.push(since.elapsed());
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(3), "{name}, round {round}: {said}");
        assert!(said.contains("lets a second writer overwrite a commit") && said.contains("`[store] lock = \"postgres\"`"), "{said}");
        assert_eq!(ask(&at, server, &lake, "select count(*) from batches"), Some("0".into()));
    }
    took.sort();
    let median = took[took.len() / 2];
    println!("{name}: {rounds} of {rounds} refused, median {median:?}, longest {:?}", took[took.len() - 1]);
    assert!(median <= REFUSED_WITHIN, "{name} was refused after {median:?}");
}

#[test]
fn stores_that_keep_two_writers_apart_are_accepted() {
    if let Some(server) = server() {
        is_accepted(&server, &lake("apart"));
    }
    if let Some(server) = named("NONGSHI_TEST_MOTO", true) {
        make_bucket(&server, "bad-days");
        is_accepted(&server, &lake("apart"));
    }
}

/// `NONGSHI_TEST_ROUNDS=50` for more of it.
#[test]
fn stores_that_do_not_are_refused() {
    if let Some(server) = server() {
        let proxy = holding_before(&server, true, None);
        is_refused("forgets conditions", &proxy.address, rounds(5));
        assert!(proxy.count.forgotten.load(Ordering::SeqCst) > 0, "the proxy did forget");
    }
    // s3s-fs looks first and writes afterwards: put one after another, everything is well
    if let Some(server) = named("NONGSHI_TEST_S3S_FS", false) {
        make_bucket(&server, "bad-days");
        is_refused("looks first", &server, rounds(5));
    }
}

/// `NONGSHI_TEST_ROUNDS=25` for all of reliability test 3.
#[test]
fn under_a_lock_in_a_database_four_processes_lose_nothing_on_a_careless_store() {
    let (Some(server), Some(address)) = (server(), database()) else { return };
    make_bucket(&server, "bad-days");
    let (proxy, lake, rounds) = (holding_before(&server, true, None), lake("locked"), rounds(2));
    let locked = [("NONGSHI_STORE_LOCK", "postgres"), ("NONGSHI_STORE_LOCK_URL_ENV", "LOCK_ADDRESS"), ("LOCK_ADDRESS", &address)];
    let four = Four::land(&proxy.address, &lake, rounds, &locked);
    has_all(&four, &server, &lake, 4 * rounds);
    println!(
        "{} acknowledged, {} rows, {} conditions forgotten",
        four.acknowledged(),
        4 * rounds,
        proxy.count.forgotten.load(Ordering::SeqCst)
    );
    assert!(proxy.count.forgotten.load(Ordering::SeqCst) >= 4 * rounds, "every commit was a put without its condition");
}

#[test]
fn without_a_lock_four_processes_are_refused_on_a_careless_store() {
    let Some(server) = server() else { return };
    let (proxy, lake) = (holding_before(&server, true, None), lake("unlocked"));
    let four = Four::land(&proxy.address, &lake, 1, &[]);
    assert!(four.ended.iter().all(|(code, _)| *code == Some(3)), "{:#?}", four.ended);
    assert_eq!((four.acknowledged(), ask(&four.project.1, &server, &lake, "select count(*) from batches")), (0, Some("0".into())));
}

/// One that lands a row of a market of that name.
fn landing(at: &Path, market: &str, endpoint: &str, lake: &str, more: &[(&str, &str)]) -> Child {
    let rows = format!("date,market,product,category,price\n2025-06-01,{market},菜心,vegetables,4.00\n");
    std::fs::write(at.join("inbox/prices.csv"), rows).expect("a temporary folder");
    Command::new(env!("CARGO_BIN_EXE_nongshi"))
        .args(["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-01-04"])
        .envs(environment(endpoint, lake))
        .env("NONGSHI_TEST_UNPROBED", "yes")
        .envs(more.iter().copied())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// Two writers of one version, the first one's commit under way while the second lands: how often its row is there.
fn second_of_two(server: &str, is_careless: bool) -> Option<String> {
    let lake = lake(if is_careless { "believed" } else { "not-believed" });
    // nobody puts a probe there first, which makes the bucket on some servers
    make_bucket(server, "bad-days");
    let proxy = holding_before(server, is_careless, Some(CONTESTED));
    let [(_a, zeroth), (_b, first), (_c, second)] = [(); 3].map(|()| project_with(""));
    let made = landing(&zeroth, "zeroth", &proxy.address, &lake, &[]).wait_with_output().expect("a child of ours");
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let mut old = landing(&first, "first", &proxy.address, &lake, &[("NONGSHI_STORE_LEASE_SECONDS", "1"), ("AWS_TIMEOUT", "300s")]);
    while !proxy.held.waits.load(Ordering::SeqCst) {
        assert!(old.try_wait().expect("a child of ours").is_none(), "it ended before its commit");
        std::thread::yield_now();
    }
    let acknowledged = landing(&second, "second", &proxy.address, &lake, &[("NONGSHI_STORE_WAIT_SECONDS", "20")]);
    let acknowledged = acknowledged.wait_with_output().expect("a child of ours");
    assert_eq!(acknowledged.status.code(), Some(0), "{}", text(&acknowledged.stderr));
    let count = "select count(*) from landed.market_prices where market = 'second'";
    assert_eq!(ask(&second, server, &lake, count), Some("1".into()), "it is there when it is acknowledged");
    proxy.held.let_go.store(true, Ordering::SeqCst);
    let ended = old.wait_with_output().expect("a child of ours");
    assert!(matches!(ended.status.code(), Some(0 | 6)), "{:?} {}", ended.status.code(), text(&ended.stderr));
    ask(&second, server, &lake, count)
}

/// The control: a careless store that nobody asked loses what it has acknowledged, and these tests see it; a careful one keeps
/// it through the same.
#[test]
fn a_careless_store_that_is_believed_loses_what_was_acknowledged() {
    let Some(server) = server() else { return };
    assert_eq!(second_of_two(&server, true), Some("0".into()), "lost");
    assert_eq!(second_of_two(&server, false), Some("1".into()), "kept");
}
