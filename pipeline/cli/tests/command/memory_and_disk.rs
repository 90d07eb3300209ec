//! More data than memory, and disks that are full: an answer by way of the disk or a clear refusal, and nothing lost.
//! Reliability test 13.

use crate::errors::{prices, project_with};
use crate::{nongshi, text};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// The data is so many times the pool.
const TIMES: u64 = 10;
/// What the process may take beside the pool.
const BESIDE_MIB: u64 = 400;
/// Bytes of a row of the data, about: a text of 900 and a number.
const ROW_BYTES: u64 = 912;
/// Rows of the table it is made of.
const ROWS: u64 = 1461;
/// Letters of each text.
const LETTERS: u64 = 300;
/// So often memory is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// The short form's pool.
const POOL_MIB: u64 = 64;

/// The pool; `NONGSHI_TEST_POOL_MIB=512` for all of it.
fn pool_mib() -> u64 {
    std::env::var("NONGSHI_TEST_POOL_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(POOL_MIB)
}

/// How often each row of the table stands in the data.
fn copies() -> u64 {
    (TIMES * (pool_mib() << 20)).div_ceil(ROW_BYTES * ROWS)
}

/// The data: wide rows with a number that has nothing to do with their order.
fn data(table: &str) -> String {
    format!(
        "select p.commodity, (p.source_row * 1000003 + g.n * 7919) % 4294967291 as h, repeat(p.commodity, 150) as wide \
         from {table} p cross join (select value as n from generate_series(1, {})) g",
        copies()
    )
}

/// Sorts all of it, counts the rows that are out of order, and reads every letter.
fn sorted(table: &str) -> String {
    format!("select commodity, wide, case when h < lag(h) over (order by h) then 1 else 0 end as wrong from ({})", data(table))
}

/// Runs a command and watches its memory: how it ended, and the most it held in MiB.
fn watched(environment: &[(&str, &str)], arguments: &[&str]) -> (Output, u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nongshi"));
    command.args(arguments).envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut peak = 0;
    while child.try_wait().expect("a child of ours").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let told = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        peak = peak.max(told.unwrap_or_default() >> 10);
        std::thread::sleep(LOOK);
    }
    (child.wait_with_output().expect("a child of ours"), peak)
}

/// A project whose prices have landed.
fn landed() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, at) = project_with(&prices("date,market,product,category,price", "5.20"));
    let ended = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-01-04"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    (folder, at)
}

fn ask<'a>(at: &'a Path, query: &'a str) -> [&'a str; 9] {
    ["-C", at.to_str().expect("a plain path"), "sql", "--as-of", "2026-01-04", "--format", "csv", "-c", query]
}

#[test]
fn ten_times_the_pool_is_sorted_by_way_of_the_disk() {
    let (_folder, at) = landed();
    let (pool, bound) = (pool_mib().to_string(), pool_mib() + BESIDE_MIB);
    let all = ROWS * copies();
    let query =
        format!("select count(*) as n, sum(wrong) as wrong, sum(length(wide)) as letters from ({})", sorted("landed.market_prices"));
    let expected = format!("n,wrong,letters\n{all},0,{}\n", all * LETTERS);
    let (ended, peak) = watched(&[("NONGSHI_SQL_MEMORY_MIB", &pool)], &ask(&at, &query));
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert_eq!(text(&ended.stdout), expected);
    println!("sql: {all} rows, {} MiB, pool {pool} MiB: at most {peak} MiB resident", (all * ROW_BYTES) >> 20);
    assert!(peak <= bound, "{peak} MiB of {bound}");

    // the control: without a bound the same query takes more than that
    if pool_mib() == POOL_MIB {
        let (ended, unbounded) = watched(&[("NONGSHI_SQL_MEMORY_MIB", "8192")], &ask(&at, &query));
        assert_eq!(text(&ended.stdout), expected, "{}", text(&ended.stderr));
        println!("sql: the same, pool 8192 MiB: at most {unbounded} MiB resident");
        assert!(unbounded > bound, "{unbounded} MiB is no more than {bound}");
    }
}

#[test]
fn a_transform_of_ten_times_the_pool_is_made_by_way_of_the_disk() {
    let (_folder, at) = landed();
    let (pool, bound) = (pool_mib().to_string(), pool_mib() + BESIDE_MIB);
    let query = format!(
        "-- A row is a commodity.\n-- key: commodity\n-- check: wrong = 0\n\
         select commodity, count(*) as n, sum(wrong) as wrong, sum(length(wide)) as letters from ({}) group by commodity",
        sorted("market_prices")
    );
    std::fs::write(at.join("transforms/wide.sql"), query).expect("a temporary folder");
    let arguments = ["-C", at.to_str().expect("a plain path"), "transform", "--as-of", "2026-01-04"];
    let (ended, peak) = watched(&[("NONGSHI_SQL_MEMORY_MIB", &pool)], &arguments);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    println!("transform: pool {pool} MiB: at most {peak} MiB resident");
    assert!(peak <= bound, "{peak} MiB of {bound}");
    let made = nongshi(&[], &ask(&at, "select sum(n) as n, sum(wrong) as wrong, sum(letters) as letters from wide"));
    let all = ROWS * copies();
    assert_eq!(text(&made.stdout), format!("n,wrong,letters\n{all},0,{}\n", all * LETTERS), "{}", text(&made.stderr));
}

/// What cannot be written to disk meanwhile is refused in words, by an analyst's query and by a run.
#[test]
fn what_must_stay_in_memory_is_refused_with_a_cure() {
    let (_folder, at) = landed();
    let pool = pool_mib().to_string();
    let query = |table: &str| format!("select 1 as one, length(string_agg(wide, '')) as letters from ({})", data(table));
    std::fs::write(at.join("transforms/heap.sql"), format!("-- A row is all.\n-- key: one\n{}", query("market_prices"))).expect("ours");
    let asked = query("landed.market_prices");
    let transform = ["-C", at.to_str().expect("a plain path"), "transform", "--as-of", "2026-01-04"];
    let arguments: [&[&str]; 2] = [&ask(&at, &asked), &transform];
    for arguments in arguments {
        let (ended, peak) = watched(&[("NONGSHI_SQL_MEMORY_MIB", &pool)], arguments);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(3), "{said}");
        for words in ["Resources exhausted", "hint: raise `[sql] memory_mib`"] {
            assert!(said.contains(words), "`{words}` is not said:\n{said}");
        }
        assert!(!said.contains("panicked") && peak <= pool_mib() + BESIDE_MIB, "{peak} MiB: {said}");
    }
    // a pool that no query could work in is refused at once
    let tiny = nongshi(&[("NONGSHI_SQL_MEMORY_MIB", "8")], &ask(&at, "select 1"));
    assert_eq!(tiny.status.code(), Some(3), "{}", text(&tiny.stderr));
    assert!(text(&tiny.stderr).contains("`sql.memory_mib` is 8; it lies between 64 and"), "{}", text(&tiny.stderr));
}

/// How a small disk can be had here: a mount that only one process sees.
fn own_mounts() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["-m"], &["-Urm"]];
    let works = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).args(["mount", "-t", "tmpfs", "tmpfs", "/tmp"]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let found = ways.iter().find(works).copied();
    if found.is_none() {
        println!("skipped: this machine lets the tests have no small disk (`unshare -m`, `unshare -Urm`)");
    }
    found
}

/// Runs a script in which small disks may be mounted.
fn with_mounts(ways: &[&str], script: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NONGSHI_") || name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.args(ways).args(["sh", "-c", script, env!("CARGO_BIN_EXE_nongshi")]).args(arguments).output().expect("unshare starts")
}

#[test]
fn a_disk_that_is_full_of_what_did_not_fit_in_memory_is_named() {
    let Some(ways) = own_mounts() else { return };
    let (folder, at) = landed();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).expect("a temporary folder");
    let all = ROWS * copies();
    let query = format!("select sum(wrong) as wrong, sum(length(wide)) as letters from ({})", sorted("landed.market_prices"));
    let script = r#"mount -t tmpfs -o size=16m tmpfs "$1" && TMPDIR="$1" NONGSHI_SQL_MEMORY_MIB=64 exec "$0" -C "$2" sql --as-of 2026-01-04 -c "$3""#;
    let places = [small.to_str().expect("a plain path"), at.to_str().expect("a plain path"), &query];
    let full = with_mounts(ways, script, &places);
    let said = text(&full.stderr);
    assert_eq!(full.status.code(), Some(5), "{said}");
    assert!(said.contains("No space left on device") && said.contains("hint: make room"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    // with room it ends, and nothing of it is left behind
    let spill = small.to_str().expect("a plain path");
    let roomy = nongshi(&[("TMPDIR", spill), ("NONGSHI_SQL_MEMORY_MIB", "64")], &ask(&at, &query));
    assert_eq!(text(&roomy.stdout), format!("wrong,letters\n0,{}\n", all * LETTERS), "{}", text(&roomy.stderr));
    assert_eq!(std::fs::read_dir(&small).expect("ours").count(), 0);
}

/// At many an amount of room the run stops somewhere else; each time it says why, and goes on when there is room.
#[test]
fn a_disk_that_is_full_at_a_commit_loses_nothing() {
    let Some(ways) = own_mounts() else { return };
    let script = r#"
        mount -t tmpfs -o size=64m tmpfs "$1/lake" && "$0" -C "$1" doctor >/dev/null || exit 99
        left=$(df --output=avail "$1/lake" | tail -n 1)
        head -c $(( (left - $2) * 1024 )) /dev/zero >"$1/lake/filler" || exit 98
        "$0" -C "$1" run --only ingest,transform --as-of 2026-01-04 >&2
        echo "full $?"
        rm "$1/lake/filler"
        "$0" -C "$1" run --only ingest,transform --as-of 2026-01-04 >&2
        echo "roomy $?"
        "$0" -C "$1" lake check >&2
        echo "check $?"
        exec "$0" -C "$1" sql --as-of 2026-01-04 --format csv -c "$3""#;
    let room = |left_kib: u64| {
        let (_folder, at) = project_with(&prices("date,market,product,category,price", "cheap"));
        std::fs::create_dir_all(at.join("lake")).expect("a temporary folder");
        let arguments = [at.to_str().expect("a plain path"), &left_kib.to_string(), crate::bad_store::DIGESTS];
        let ended = with_mounts(ways, script, &arguments);
        (text(&ended.stdout), text(&ended.stderr))
    };
    let (undisturbed, said) = room(32 << 10);
    let told: Vec<&str> = undisturbed.lines().take(3).collect();
    assert_eq!(told, ["full 0", "roomy 0", "check 0"], "{said}");
    let mut stopped = 0;
    for left_kib in [4, 32, 72, 100, 140, 200, 280] {
        let (answers, said) = room(left_kib);
        let (first, rest) = answers.split_once('\n').expect("lines");
        assert_eq!(Some(rest), undisturbed.split_once('\n').map(|(_, rest)| rest), "{left_kib} KiB: {said}");
        if first == "full 0" {
            continue;
        }
        stopped += 1;
        assert_eq!(first, "full 5", "{left_kib} KiB: {said}");
        assert!(said.contains("No space left on device") && said.contains("make room"), "{left_kib} KiB: {said}");
    }
    println!("{stopped} runs stopped by a full disk, each ended as the undisturbed one when there was room");
    assert!(stopped >= 4, "the disk was full in {stopped} runs only");
}
