//! A store that goes away in the middle of a run: back in time the run ends well, else it leaves with exit 5 and the next one
//! does; who reads meanwhile sees whole versions only. Reliability test 6.

use crate::bad_store::{digests, environment, lake, run};
use crate::errors::{prices, project_with};
use crate::on_s3::server;
use crate::proxy::{Faults, Proxy, before};
use crate::{nongshi, text};
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;
use nongshi_lake::{Lake, Layer, PinnedTable, TableId};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Requests of a run before the store goes away: the first batches have landed, others have not.
const REQUESTS_BEFORE: u64 = 60;
/// So often a reader looks.
const LOOK: Duration = Duration::from_millis(100);
/// A run whose store stays away has ended by then.
const ENDED_WITHIN: Duration = Duration::from_secs(300);
/// What a reader reads: every landed row, and a curated table that is kept in parts.
const READ: [(Layer, &str); 2] = [(Layer::Landed, "market_prices"), (Layer::Curated, "price_daily")];

/// Seconds that the store is away; `NONGSHI_TEST_AWAY_SECONDS=60` for all of it.
fn away_seconds() -> u64 {
    std::env::var("NONGSHI_TEST_AWAY_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(3)
}

fn start(at: &Path, endpoint: &str, lake: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_nongshi"))
        .args(["-C", at.to_str().expect("a plain path"), "run", "--only", "ingest,transform", "--as-of", "2026-01-04"])
        .envs(environment(endpoint, lake))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// Lets the run go on until the store has been asked so often, then takes the store away.
fn take_away(child: &mut Child, proxy: &Proxy, requests: u64) {
    let from = proxy.count.requests.load(Ordering::SeqCst);
    while proxy.count.requests.load(Ordering::SeqCst) < from + requests {
        assert!(child.try_wait().expect("a child of ours").is_none(), "the run ended before the store went away");
        std::thread::yield_now();
    }
    proxy.is_away.store(true, Ordering::SeqCst);
}

fn patience(at: &Path, seconds: u64) {
    let text = format!("[store.options]\nretry_timeout_secs = \"{seconds}\"\n");
    std::fs::write(at.join("nongshi.toml"), text).expect("a temporary folder");
}

/// A store that stays away: exit 5 and a hint, in time, and afterwards the tables of a good day.
#[test]
fn a_store_that_stays_away_is_worth_a_retry() {
    let Some(server) = server() else { return };
    let (_folder, at) = project_with(&prices("date,market,product,category,price", "cheap"));
    // the long form waits as long as the settings do by themselves
    if away_seconds() < 30 {
        patience(&at, 1);
    }
    let (proxy, lake) = (before(&server, Faults::default(), 0), lake("away"));
    let mut child = start(&at, &proxy.address, &lake);
    take_away(&mut child, &proxy, REQUESTS_BEFORE);
    let since = Instant::now();
    let ended = child.wait_with_output().expect("a child of ours");
    let took = since.elapsed();
    assert_eq!(ended.status.code(), Some(5), "{}", text(&ended.stderr));
    assert!(text(&ended.stderr).contains("hint: "), "{}", text(&ended.stderr));
    assert!(took < ENDED_WITHIN, "it took {took:?}");
    println!("a store that stays away: exit 5 after {took:?}");
    proxy.is_away.store(false, Ordering::SeqCst);
    let again = run(&at, &proxy.address, &lake);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let good = self::lake("not-away");
    run(&at, &server, &good);
    assert_eq!(digests(&at, &server, &lake), digests(&at, &server, &good));
}

/// What each table says.
type Said = [String; 2];

/// What stands in the store itself, read past the proxy.
async fn look(lake: &Lake) -> Said {
    let mut found = Said::default();
    for (found, (layer, name)) in found.iter_mut().zip(READ) {
        let pin = lake.pin(&TableId::new(layer, name)).await.expect("the store is there");
        *found = said(lake, pin.expect("the table is there")).await;
    }
    found
}

/// What a pinned version says, every file of it read.
async fn said(lake: &Lake, pin: PinnedTable) -> String {
    let ctx = SessionContext::new();
    ctx.register_object_store(&lake.store_url().parse().expect("an address"), lake.object_store().clone());
    ctx.register_table("pinned", Arc::new(pin)).expect("a name of its own");
    let query = "select count(*) as n, sum(price_cny_per_kg) as s, count(distinct day) as days from pinned";
    let rows = ctx.sql(query).await.expect("its columns are there").collect().await.expect("every file can be read");
    pretty_format_batches(&rows).expect("columns").to_string()
}

fn opened(server: &str, lake: &str) -> Lake {
    let options = environment(server, lake).into_iter().filter(|(name, _)| name.starts_with("AWS_"));
    let options = options.map(|(name, value)| (name.to_lowercase(), value.to_string())).collect();
    let _ = rustls::crypto::ring::default_provider().install_default();
    Lake::open(&lake.parse().expect("an address"), options).expect("it opens")
}

/// Files of the feed, a month each: each is a batch, and each batch a version.
fn months(at: &Path, which: std::ops::Range<usize>) {
    for month in which {
        let (year, month) = (2024 + month / 12, month % 12 + 1);
        let rows = (1..=28).map(|day| format!("{year}-{month:02}-{day:02},江南市场,菜心,vegetables,{day}.{month:02}\n"));
        let text = format!("date,market,product,category,price\n{}", rows.collect::<String>());
        std::fs::write(at.join(format!("inbox/prices-{year}-{month:02}.csv")), text).expect("a temporary folder");
    }
}

/// A project whose feed has a year of months, and the lake that holds them.
fn a_year(at: &Path, endpoint: &str, lake: &str) {
    std::fs::remove_file(at.join("inbox/prices.csv")).expect("ours");
    months(at, 0..12);
    is_done(&run(at, endpoint, lake));
}

fn is_done(ended: &Output) {
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
}

#[test]
fn a_store_that_comes_back_is_waited_for_and_a_reader_sees_whole_versions() {
    let Some(server) = server() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (_folder, at) = project_with("");
    let away = Duration::from_secs(away_seconds());
    patience(&at, 30.max(away_seconds() + 30));

    // every version that there is, in a lake of good days: landed month by month, made once at the end
    let good = lake("versions");
    a_year(&at, &server, &good);
    let good = opened(&server, &good);
    let mut versions = vec![runtime.block_on(look(&good))];
    for month in 12..18 {
        months(&at, month..month + 1);
        let ended = nongshi(
            &environment(&server, good.url().as_str()),
            &["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-01-04"],
        );
        is_done(&ended);
        versions.push(runtime.block_on(look(&good)));
    }
    is_done(&run(&at, &server, good.url().as_str()));
    versions.push(runtime.block_on(look(&good)));
    let distinct: BTreeSet<&Said> = versions.iter().collect();
    assert_eq!(distinct.len(), 1 + 6 + 1, "each version says something else: {versions:#?}");

    let (_folder, at) = project_with("");
    patience(&at, 30.max(away_seconds() + 30));
    let (proxy, name) = (before(&server, Faults::default(), 0), lake("comes-back"));
    a_year(&at, &server, &name);
    months(&at, 12..18);
    let (over, lake) = (Arc::new(AtomicBool::new(false)), opened(&server, &name));
    let reader = std::thread::spawn({
        let over = over.clone();
        move || {
            let mut seen = Vec::new();
            loop {
                // once more when all is over
                let last = over.load(Ordering::SeqCst);
                seen.push(runtime.block_on(look(&lake)));
                if last {
                    return seen;
                }
                std::thread::sleep(LOOK);
            }
        }
    });
    let mut child = start(&at, &proxy.address, &name);
    take_away(&mut child, &proxy, REQUESTS_BEFORE);
    let before_return = proxy.count.requests.load(Ordering::SeqCst);
    std::thread::sleep(away);
    assert!(child.try_wait().expect("a child of ours").is_none(), "it waits");
    proxy.is_away.store(false, Ordering::SeqCst);
    let back = Instant::now();
    let ended = child.wait_with_output().expect("a child of ours");
    let took = back.elapsed();
    over.store(true, Ordering::SeqCst);
    let seen = reader.join().expect("every look succeeds");
    is_done(&ended);
    assert!(proxy.count.requests.load(Ordering::SeqCst) > before_return, "it went on through the proxy");
    // the two tables are pinned one after the other: each has versions of its own
    for (table, (_, name)) in READ.iter().enumerate() {
        for look in &seen {
            assert!(versions.iter().any(|version| version[table] == look[table]), "no version of {name} says this:\n{}", look[table]);
        }
    }
    let states: BTreeSet<&Said> = seen.iter().collect();
    assert!(states.len() >= 3, "the reader saw the run at work: {states:?}");
    assert_eq!(seen.last(), versions.last(), "in the end it sees everything");
    println!("away {away:?}, done {took:?} after it came back; {} looks, {} versions seen, 0 partial", seen.len(), states.len());
}

/// The control: a version of which a file is missing says something else.
#[test]
fn a_version_that_is_not_whole_would_be_seen() {
    let Some(server) = server() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (_folder, at) = project_with("");
    let name = lake("half");
    a_year(&at, &server, &name);
    let lake = opened(&server, &name);
    let [whole, _] = runtime.block_on(look(&lake));
    let half = runtime.block_on(async {
        let mut pin = lake.pin(&TableId::new(READ[0].0, READ[0].1)).await.expect("the store is there").expect("the table is there");
        pin.files.pop();
        said(&lake, pin).await
    });
    assert_ne!(whole, half);
}
