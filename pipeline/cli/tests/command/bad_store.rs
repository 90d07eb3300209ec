//! An S3 store on a bad day: refusals, cut connections, lost and broken answers; several processes at once. Nothing is lost,
//! nothing doubled, and what cannot be done is said with exit 5.

use crate::on_s3::server;
use crate::proxy::{Faults, before};
use crate::{nongshi, text};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// What of a lake must be the same after trouble: a digest a table.
pub const DIGESTS: &str = "
    select 'batches' as name, count(*) as n, md5(string_agg(concat_ws('|', table_name, batch_id, received, accepted, rejected), ';' order by batch_id)) as d from batches
    union all select 'rejected', count(*), md5(string_agg(concat_ws('|', feed, source_row, raw, rule), ';' order by source_row)) from rejected
    union all select 'prices', count(*), md5(string_agg(concat_ws('|', commodity, day, price_cny_per_kg, batch_id, source_row), ';' order by commodity, day)) from landed.market_prices
    union all select 'weekly', count(*), md5(string_agg(concat_ws('|', commodity, week, price_cny_per_kg, days), ';' order by commodity, week)) from price_weekly
    order by name";

pub fn environment<'a>(endpoint: &'a str, lake: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("NONGSHI_STORE_URL", lake),
        ("AWS_ENDPOINT", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "testkey"),
        ("AWS_SECRET_ACCESS_KEY", "testsecret"),
        ("AWS_REGION", "us-east-1"),
    ]
}

pub fn run(at: &Path, endpoint: &str, lake: &str) -> Output {
    let only = ["-C", at.to_str().expect("a plain path"), "run", "--only", "ingest,transform", "--as-of", "2026-01-04"];
    nongshi(&environment(endpoint, lake), &only)
}

pub fn digests(at: &Path, endpoint: &str, lake: &str) -> String {
    let ask = ["-C", at.to_str().expect("a plain path"), "sql", "--as-of", "2026-01-04", "--format", "csv", "-c", DIGESTS];
    let answer = nongshi(&environment(endpoint, lake), &ask);
    assert!(answer.status.success(), "{}", text(&answer.stderr));
    text(&answer.stdout)
}

pub fn lake(name: &str) -> String {
    format!("s3://bad-days/{name}-{}", std::process::id())
}

pub fn rounds(usual: u64) -> u64 {
    std::env::var("NONGSHI_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

/// Reliability test 5; `NONGSHI_TEST_ROUNDS=50` for all of it.
#[test]
fn through_faults_the_tables_are_those_of_a_good_day() {
    let Some(server) = server() else { return };
    let (_folder, at) = crate::errors::project_with(&crate::errors::prices("date,market,product,category,price", "cheap"));
    let good = lake("good");
    assert_eq!(run(&at, &server, &good).status.code(), Some(0));
    let expected = digests(&at, &server, &good);
    let faults = Faults { refused: 100, reset: 50, lost: 20, cut: 10 };
    let (mut runs, mut seen) = (0, 0);
    for seed in 0..rounds(2) {
        let (proxy, lake) = (before(&server, faults, seed), lake(&format!("seed-{seed}")));
        // a run may give up (exit 5, or 6 where its own lease still stands), never end wrong
        for attempt in 0.. {
            runs += 1;
            let ended = run(&at, &proxy.address, &lake);
            match ended.status.code() {
                Some(0) => break,
                Some(5 | 6) if attempt < 10 => {}
                other => panic!("seed {seed}: {other:?} {}", text(&ended.stderr)),
            }
        }
        assert_eq!(digests(&at, &server, &lake), expected, "seed {seed}");
        seen += proxy.count.faults.load(Ordering::SeqCst);
    }
    assert!(seen > 0, "the proxy did fail");
    println!("{} seeds, {runs} runs, {seen} faults, 0 wrong", rounds(2));
}

/// Four processes land into one lake at once, each waiting for its turn, one row each, so many times.
pub struct Four {
    /// One of their projects, to ask with.
    pub project: (TempDir, PathBuf),
    /// How each ended, and what it said.
    pub ended: Vec<(Option<i32>, String)>,
}

impl Four {
    /// Lets them run.
    pub fn land(endpoint: &str, lake: &str, rounds: u64, more: &[(&str, &str)]) -> Four {
        let mut projects: Vec<_> = (0..4).map(|_| crate::errors::project_with("date,market,product,category,price\n")).collect();
        let mut ended = Vec::new();
        for round in 0..rounds {
            let start = |(place, (_, at)): (usize, &(TempDir, PathBuf))| {
                let row = format!("2025-06-{:02},market {place},菜心,vegetables,4.{round:02}\n", round % 30 + 1);
                std::fs::write(at.join("inbox/prices.csv"), format!("date,market,product,category,price\n{row}")).expect("a folder");
                Command::new(env!("CARGO_BIN_EXE_nongshi"))
                    .args(["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-01-04"])
                    .envs(environment(endpoint, lake))
                    .env("NONGSHI_STORE_WAIT_SECONDS", "300")
                    .envs(more.iter().copied())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("the binary starts")
            };
            let running: Vec<Child> = projects.iter().enumerate().map(start).collect();
            for child in running {
                let one = child.wait_with_output().expect("a child of ours");
                ended.push((one.status.code(), text(&one.stderr)));
            }
        }
        Four { project: projects.remove(0), ended }
    }

    /// How many ended well.
    pub fn acknowledged(&self) -> usize {
        self.ended.iter().filter(|(code, _)| *code == Some(0)).count()
    }
}

/// The one cell of an answer; nothing where the query fails.
pub fn ask(at: &Path, endpoint: &str, lake: &str, query: &str) -> Option<String> {
    let answer = nongshi(&environment(endpoint, lake), &["-C", at.to_str()?, "sql", "--format", "csv", "-c", query]);
    answer.status.success().then(|| text(&answer.stdout).lines().nth(1).map(str::to_string))?
}

/// That every row that was acknowledged is there, once, and that the lake proves it.
pub fn has_all(four: &Four, endpoint: &str, lake: &str, rows: u64) {
    for (code, said) in &four.ended {
        assert_eq!(*code, Some(0), "{said}");
    }
    let at = &four.project.1;
    let ask = |query: &str| ask(at, endpoint, lake, query);
    assert_eq!(four.acknowledged() as u64, rows);
    assert_eq!(ask("select count(*) from landed.market_prices"), Some(rows.to_string()));
    let distinct = "select count(*) from (select distinct market, day, price_cny_per_kg from landed.market_prices)";
    assert_eq!(ask(distinct), Some(rows.to_string()));
    let checked = nongshi(&environment(endpoint, lake), &["-C", at.to_str().expect("a plain path"), "lake", "check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
}

/// Reliability test 2; `NONGSHI_TEST_ROUNDS=25` for all of it.
#[test]
fn four_processes_lose_nothing_and_double_nothing() {
    let Some(server) = server() else { return };
    let (lake, rounds) = (lake("four"), rounds(2));
    has_all(&Four::land(&server, &lake, rounds, &[]), &server, &lake, 4 * rounds);
}
