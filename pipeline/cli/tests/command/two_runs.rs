//! Two runs at once: one waits or leaves with exit 6; a holder that was stopped past its lease commits nothing more.

use crate::errors::{prices, project_with};
use crate::{nongshi, text};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A run that stops itself at a place, as a machine does that is paused.
fn stopped_at(at: &Path, place: &str, lease_seconds: u32) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_nongshi"))
        .args(["-C", at.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"])
        .env("NONGSHI_TEST_FAILPOINT", format!("{place}=stop"))
        .env("NONGSHI_STORE_LEASE_SECONDS", lease_seconds.to_string())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    while !is_stopped(child.id()) {
        std::thread::yield_now();
    }
    child
}

fn is_stopped(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a child of ours");
    let state = stat.rsplit_once(')').map_or("", |(_, rest)| rest.trim_start());
    assert!(!state.starts_with('Z'), "the run ended before it was stopped");
    state.starts_with('T')
}

fn go_on(child: Child) -> (Option<i32>, String) {
    let sent = Command::new("kill").args(["-CONT", &child.id().to_string()]).status().expect("kill is there");
    assert!(sent.success());
    let ended = child.wait_with_output().expect("a child of ours");
    (ended.status.code(), text(&ended.stderr))
}

fn run(at: &Path, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let ended = nongshi(environment, &["-C", at.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"]);
    (ended.status.code(), text(&ended.stderr))
}

/// Every commit of every table.
fn history(at: &Path) -> String {
    text(&nongshi(&[], &["-C", at.to_str().expect("a plain path"), "lake", "history"]).stdout)
}

#[test]
fn the_second_leaves_or_waits() {
    let (_folder, at) = project_with(&prices("date,market,product,category,price", "5.20"));
    let first = stopped_at(&at, "batch.before_commit", 900);
    let (code, said) = run(&at, &[]);
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("another run holds the lock: process ") && said.contains("hint: "), "{said}");
    // one that waits goes on when the first has ended
    let waiting = Command::new(env!("CARGO_BIN_EXE_nongshi"))
        .args(["-C", at.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"])
        .env("NONGSHI_STORE_WAIT_SECONDS", "300")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let (code, said) = go_on(first);
    assert_eq!(code, Some(1), "{said}");
    let ended = waiting.wait_with_output().expect("a child of ours");
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended.stderr));
    assert!(text(&ended.stderr).contains("nothing changed"), "{}", text(&ended.stderr));
}

/// The database of the tests; none, said aloud, when there is none.
pub fn database() -> Option<String> {
    let address = std::env::var("NONGSHI_TEST_POSTGRES").ok();
    if address.is_none() {
        assert!(std::env::var_os("CI").is_none(), "NONGSHI_TEST_POSTGRES must name a PostgreSQL server under CI");
        println!("skipped: NONGSHI_TEST_POSTGRES names no PostgreSQL server (`tests/run` starts one)");
    }
    address
}

/// The same by an advisory lock in PostgreSQL, which is free as soon as its holder is gone.
#[test]
fn a_lock_in_a_database_keeps_the_second_out() {
    let Some(address) = database() else { return };
    let (_folder, at) = project_with(&prices("date,market,product,category,price", "5.20"));
    std::fs::write(at.join("nongshi.toml"), "[store]\nlock = \"postgres\"\nlock_url_env = \"LOCK_ADDRESS\"\n").expect("ours");
    let (code, said) = run(&at, &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("`LOCK_ADDRESS` holds no address"), "{said}");
    let locked = [("LOCK_ADDRESS", address.as_str())];
    let mut first = Command::new(env!("CARGO_BIN_EXE_nongshi"))
        .args(["-C", at.to_str().expect("a plain path"), "run", "--as-of", "2026-01-04"])
        .envs(locked)
        .env("NONGSHI_TEST_FAILPOINT", "batch.before_commit=stop")
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    while !is_stopped(first.id()) {
        std::thread::yield_now();
    }
    let (code, said) = run(&at, &locked);
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("another run holds the lock: nongshi process ") && !said.contains("canary"), "{said}");
    first.kill().expect("a child of ours");
    first.wait().expect("a child of ours");
    let (code, said) = run(&at, &[locked[0], ("NONGSHI_STORE_WAIT_SECONDS", "60")]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1461 received"), "{said}");
}

/// Reliability test 12. Each time the holder is stopped past its lease, another run does its work, and the old holder,
/// going on, is fenced off; the tables are those of one undisturbed run. `NONGSHI_TEST_ROUNDS=50` for all of it.
#[test]
fn a_holder_that_slept_past_its_lease_is_fenced_off() {
    let rounds: usize = std::env::var("NONGSHI_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let places = ["rejected.before_write", "batch.before_write", "raw.after_put", "made.before_write", "stage.ended"];
    for round in 0..rounds {
        let (_folder, at) = project_with(&prices("date,market,product,category,price", "cheap"));
        // the lease lasts as long as the first steps need, and no longer than the test waits
        let place = places[round % places.len()];
        let old = stopped_at(&at, place, 5);
        let (code, said) = run(&at, &[("NONGSHI_STORE_WAIT_SECONDS", "60")]);
        assert_eq!(code, Some(1), "{said}");
        let stood = history(&at);
        let (code, said) = go_on(old);
        // it is told, unless nothing was left for it to commit
        assert!(matches!(code, Some(1 | 6)), "{place}: {code:?} {said}");
        assert_eq!(history(&at), stood, "{place}: it committed nothing more: {said}");
        let checked = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "lake", "check"]);
        assert_eq!(checked.status.code(), Some(0), "{place}: {}", text(&checked.stdout));
        assert!(text(&checked.stdout).contains("1461 received = 1460 accepted + 1 rejected"), "{}", text(&checked.stdout));
        let (code, said) = run(&at, &[]);
        assert!(code == Some(1) && said.contains("nothing changed"), "{said}");
    }
}
