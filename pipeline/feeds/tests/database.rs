//! A till's database, read while the till writes: PostgreSQL and MariaDB as `tests/run` starts them. Pages land in a
//! lake of memory here; the binary's own landing is tested with the binary.

mod till;

use chrono::{DateTime, Utc};
use nongshi_feeds::{Contract, Fault, FeedError, Outside, fetch};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use till::{CONTRACT, Lake, contract, tills, wrong};

#[tokio::test]
async fn every_row_lands_at_its_latest_version_while_the_till_writes() {
    for till in tills("busy").await {
        let contract = contract(&till, &[("page_rows = 100", "page_rows = 7")]);
        let writing = tokio::spawn(till.clone().sell(400));
        let mut lake = Lake::default();
        let mut runs = 0;
        while !writing.is_finished() {
            lake.run(&contract, &till.reader, usize::MAX).await.expect("the till is there");
            runs += 1;
        }
        writing.await.expect("the till writes to its end");
        lake.run(&contract, &till.reader, usize::MAX).await.expect("the till is there");
        assert!(runs > 1, "the till was done before it was read twice");
        assert_eq!(lake.newest(), till.rows().await, "{}", till.kind);
        // an update between two runs leaves two versions; no version comes twice
        let mut lines = lake.lines();
        let all = lines.len();
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), all, "{}: a version landed twice", till.kind);
        assert_eq!(lake.run(&contract, &till.reader, usize::MAX).await.expect("the till is there"), 0, "nothing is new");
    }
}

#[tokio::test]
async fn a_late_commit_is_found_inside_the_overlap_and_only_there() {
    // (overlap, rows found later)
    for (overlap, found) in [("\"2h\"", 1), ("\"1m\"", 0)] {
        for till in tills("late").await {
            till.insert(1..=10, 30).await;
            let mut slow = till.open().await;
            slow.run(&till.begin()).await;
            slow.run(&till.line(11, 40)).await;
            till.insert(12..=20, 20).await;
            let contract = contract(&till, &[("overlap = \"2h\"", &format!("overlap = {overlap}"))]);
            let mut lake = Lake::default();
            lake.run(&contract, &till.reader, usize::MAX).await.expect("the till is there");
            assert_eq!(lake.lines().len(), 19);
            slow.run("commit").await;
            assert_eq!(lake.run(&contract, &till.reader, usize::MAX).await.expect("the till is there"), found, "{} {overlap}", till.kind);
            assert_eq!(lake.lines().len(), 19 + found);
            // another late one in the same round is told from the first
            if found > 0 {
                till.insert(21..=21, 50).await;
                lake.run(&contract, &till.reader, usize::MAX).await.expect("the till is there");
                assert_eq!((lake.lines().len(), lake.newest()), (21, till.rows().await), "{}", till.kind);
            }
        }
    }
}

#[tokio::test]
async fn stopped_after_any_page_and_run_again_the_pages_are_the_same() {
    for till in tills("stopped").await {
        till.insert(1..=23, 60).await;
        // keys that only together tell rows apart, one of them a text
        let contract = contract(&till, &[("page_rows = 100", "page_rows = 5"), ("key = [\"id\"]", "key = [\"shop\", \"id\"]")]);
        let mut undisturbed = Lake::default();
        undisturbed.run(&contract, &till.reader, usize::MAX).await.expect("the till is there");
        assert_eq!((undisturbed.pages().len(), undisturbed.newest()), (5, till.rows().await));
        for stopped_after in 0..5 {
            let mut lake = Lake::default();
            lake.run(&contract, &till.reader, stopped_after).await.expect("the till is there");
            lake.run(&contract, &till.reader, 1).await.expect("the till is there");
            lake.run(&contract, &till.reader, usize::MAX).await.expect("the till is there");
            assert_eq!(lake.pages(), undisturbed.pages(), "{} stopped after {stopped_after}", till.kind);
        }
    }
}

#[tokio::test]
async fn a_query_that_writes_is_refused_and_writes_nothing() {
    for till in tills("writes").await {
        till.insert(1..=3, 10).await;
        till.make_note_taker().await;
        let lines = if till.kind == "mysql" { "`lines`" } else { "lines" };
        let query = format!("query = \"select id, shop, kg, updated_at, take_note() as note from {lines}\"");
        let contract = contract(&till, &[("relation = \"lines\"", &query)]);
        let (fault, what) = wrong(Lake::default().run(&contract, &till.reader, usize::MAX).await);
        assert!(fault == Fault::Settings && what.contains("its query writes"), "{}: {what}", till.kind);
        assert_eq!(till.notes().await, 0, "{}", till.kind);
        for query in ["delete from lines", "select 1; delete from lines", "update lines set kg = 0"] {
            let text = CONTRACT.replace("KIND", till.kind).replace("relation = \"lines\"", &format!("query = \"{query}\""));
            let error = Contract::read("till", &text).expect_err(query);
            assert!(error.to_string().contains("sources are only read"), "{error}");
        }
        assert_eq!(till.rows().await.len(), 3);
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_is_tried_five_times() {
    for kind in ["mysql", "postgres"] {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = server.local_addr().expect("bound").port();
        let calls = std::thread::spawn(move || server.incoming().take(5).filter(Result::is_ok).count());
        let contract = Contract::read("till", &CONTRACT.replace("KIND", kind)).expect("a good contract");
        let url = format!("{kind}://reader:canary@127.0.0.1:{port}/till");
        let (fault, what) = wrong(fetch(&contract, &Outside { secret: Arc::new(move |_| Some(url.clone())), ..Outside::nothing() }).await);
        assert!(fault == Fault::Unreachable && what.contains("; 5 tries") && !what.contains("canary"), "{kind}: {what}");
        assert_eq!(calls.join().expect("it counts"), 5, "{kind}");
    }
}

#[tokio::test]
async fn outside_the_window_nothing_is_opened() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    server.set_nonblocking(true).expect("a socket");
    let port = server.local_addr().expect("bound").port();
    for kind in ["mysql", "postgres"] {
        let text = CONTRACT.replace("KIND", kind).replace("page_rows = 100", "window = \"22:00-06:00\"");
        let contract = Contract::read("till", &text).expect("a good contract");
        let url = format!("{kind}://reader:canary@127.0.0.1:{port}/till");
        let at = |now: fn() -> DateTime<Utc>| {
            let url = url.clone();
            Outside { secret: Arc::new(move |_| Some(url.clone())), now, ..Outside::nothing() }
        };
        // noon in Shanghai
        let noon = at(|| "2026-03-01T04:00:00Z".parse().expect("a time"));
        let (fault, what) = wrong(fetch(&contract, &noon).await);
        assert_eq!(fault, Fault::Later);
        assert!(what.contains("its window 22:00-06:00 is closed; the next begins at 2026-03-01 22:00"), "{what}");
        assert!(server.accept().is_err(), "{kind}: somebody came outside the window");
        let night = at(|| "2026-03-01T15:00:00Z".parse().expect("a time"));
        let opening = tokio::time::timeout(Duration::from_millis(300), fetch(&contract, &night)).await;
        assert!(opening.is_err(), "this server never answers");
        assert!(server.accept().is_ok(), "{kind}: nobody came inside the window");
    }
}

static RESTED_MICROS: AtomicU64 = AtomicU64::new(0);
static RESTS: AtomicU64 = AtomicU64::new(0);

#[tokio::test]
async fn after_so_many_rows_comes_so_long_a_rest() {
    for till in tills("rate").await {
        till.insert(1..=230, 60).await;
        let contract = contract(&till, &[("page_rows = 100", "page_rows = 100\nrows_per_second = 50")]);
        RESTED_MICROS.store(0, Ordering::SeqCst);
        RESTS.store(0, Ordering::SeqCst);
        let mut lake = Lake::resting(|time| {
            RESTED_MICROS.fetch_add(time.as_micros() as u64, Ordering::SeqCst);
            RESTS.fetch_add(1, Ordering::SeqCst);
            Box::pin(async {})
        });
        lake.run(&contract, &till.reader, usize::MAX).await.expect("the till is there");
        assert_eq!(lake.lines().len(), 230);
        // 230 rows at 50 a second are 4.6 s, in rests of at most one second each
        assert_eq!(RESTED_MICROS.load(Ordering::SeqCst), 4_600_000, "{}", till.kind);
        assert!(RESTS.load(Ordering::SeqCst) >= 5);
    }
}

/// Changes of the contract, the address, the fault, what is said.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, Fault, &'a str);

#[tokio::test]
async fn what_is_wrong_is_told_with_its_value_and_without_the_secret() {
    for till in tills("wrong").await {
        till.insert(1..=20, 60).await;
        till.at_one_moment().await;
        let wrong_password = till.reader.replace("canary-reader", "canary-other");
        let unreachable = format!("{}://reader:canary-reader@127.0.0.1:1/till", till.kind);
        let no_database = format!("{}canary-database", till.reader);
        let cases: &[Case] = &[
            (&[], &wrong_password, Fault::Settings, "the server refuses the login"),
            (&[], &unreachable, Fault::Unreachable, "the server cannot be reached: connection refused"),
            (&[], &no_database, Fault::Settings, "no such database"),
            (&[], "canary", Fault::Settings, "the address that is kept secret cannot be read"),
            (&[("relation = \"lines\"", "relation = \"receipts\"")], &till.reader, Fault::Settings, "receipts"),
            (&[("\"updated_at\"\n", "\"update_at\"\n")], &till.reader, Fault::Settings, "`lines` has no column `update_at`"),
            (&[("key = [\"id\"]", "key = [\"price\"]")], &till.reader, Fault::Settings, "by which rows cannot be ordered surely"),
            (
                &[("key = [\"id\"]", "key = [\"day\"]"), ("page_rows = 100", "page_rows = 5")],
                &till.reader,
                Fault::Refused,
                "the database counts",
            ),
            (&[("overlap = \"2h\"", "overlap = 5")], &till.reader, Fault::Settings, "`overlap` does not fit `updated_at`"),
        ];
        for (changes, url, fault, words) in cases {
            let contract = contract(&till, changes);
            let mut lake = Lake::default();
            let mut ended = lake.run(&contract, url, usize::MAX).await;
            if ended.is_ok() {
                ended = lake.run(&contract, url, usize::MAX).await;
            }
            let (found, what) = wrong(ended);
            assert!(found == *fault && what.contains(words), "{} {words}: {found:?} {what}", till.kind);
            assert!(!what.contains("canary"), "{what}");
        }
        let empty = Outside { ..Outside::nothing() };
        let (fault, what) = wrong(fetch(&contract(&till, &[]), &empty).await);
        assert!(fault == Fault::Settings && what.contains("the environment variable `TILL_URL` holds no address"), "{what}");
    }
}

#[tokio::test]
async fn rows_without_a_watermark_refuse_and_rows_of_the_future_wait() {
    for till in tills("odd").await {
        till.insert(1..=5, 60).await;
        till.insert(6..=6, -24 * 60).await;
        let contract = contract(&till, &[]);
        let mut lake = Lake::default();
        for _ in 0..2 {
            let (fault, what) = wrong(lake.run(&contract, &till.reader, usize::MAX).await);
            assert!(fault == Fault::Later && what.contains("`updated_at` in the future"), "{}: {what}", till.kind);
            assert_eq!(lake.lines().len(), 5, "{}", till.kind);
        }
        till.insert(7..=7, 1).await;
        wrong(lake.run(&contract, &till.reader, usize::MAX).await);
        assert_eq!(lake.lines().len(), 6, "{}: the future did not carry the watermark away", till.kind);
        till.forget_time_of(3).await;
        let (fault, what) = wrong(lake.run(&contract, &till.reader, usize::MAX).await);
        assert!(fault == Fault::Refused && what.contains("some rows have no `updated_at`"), "{}: {what}", till.kind);
    }
}

/// Rows that lie in the till's table while it is measured.
const BENCH_ROWS: u64 = 200_000;
/// Blocks of sales, with and without us by turns, so that both meet the same noise.
const BENCH_BLOCKS: u64 = 20;
const BENCH_BLOCK: u64 = 250;

/// `cargo test --workspace -- --ignored till_hardly`: the till's INSERT while it is read at the contract's own rate.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: it takes a minute and wants a quiet machine"]
async fn the_till_hardly_notices() {
    for till in tills("bench").await {
        till.fill(BENCH_ROWS).await;
        // the default rate, from the first row on, over and over
        let contract = contract(&till, &[("page_rows = 100", "page_rows = 10000")]);
        let mut talk = till.open().await;
        let (mut micros, mut read) = ([Vec::new(), Vec::new()], 0);
        for block in 0..BENCH_BLOCKS {
            let with = (block % 2) as usize;
            let (reader, url) = (contract.clone(), till.reader.clone());
            let reading = tokio::spawn(async move {
                let mut lake = Lake::resting(|time| Box::pin(tokio::time::sleep(time)));
                if with == 1 {
                    lake.run(&reader, &url, usize::MAX).await.expect("the till is there");
                }
            });
            for sale in 0..BENCH_BLOCK {
                let line = till.line(BENCH_ROWS + block * BENCH_BLOCK + sale + 1, 0);
                let since = std::time::Instant::now();
                talk.run(&line).await;
                micros[with].push(since.elapsed().as_micros());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            read += u32::from(with == 1 && !reading.is_finished());
            reading.abort();
        }
        let p95 = |micros: &mut Vec<u128>| {
            micros.sort_unstable();
            micros[micros.len() * 95 / 100]
        };
        let [without, with] = &mut micros;
        let (without, with) = (p95(without), p95(with));
        assert_eq!(u64::from(read), BENCH_BLOCKS / 2, "{}: the till was not being read all the time", till.kind);
        println!("{}: INSERT p95 {without} us alone, {with} us while read: {:.2} x", till.kind, with as f64 / without as f64);
    }
}

#[test]
fn a_slip_in_the_contract_is_told_with_its_place() {
    // (from, to, words)
    for (from, to, words) in [
        ("url_env = \"TILL_URL\"", "url_env = \"postgres://a:b@c/d\"", "a contract is no place for a secret"),
        ("url_env = \"TILL_URL\"\n", "", "exactly one of `url_env`, `url_file`"),
        ("relation = \"lines\"", "relation = \"lines; drop\"", "is not the name of a relation"),
        ("relation = \"lines\"\n", "", "exactly one of `relation`, `query`"),
        ("key = [\"id\"]", "key = []", "`key` is empty"),
        ("overlap = \"2h\"", "overlap = \"2 weeks\"", "`overlap` is no length of time"),
        ("page_rows = 100", "page_rows = 0", "it lies between 1 and"),
        ("page_rows = 100", "window = \"22-06\"", "is no part of a day"),
        ("page_rows = 100", "page_row = 100", "the key `page_row` is not known here"),
        ("[columns]", "[format]\nkind = \"csv\"\n[columns]", "`[format]` means nothing for the source kind `postgres`"),
    ] {
        let text = CONTRACT.replace("KIND", "postgres").replacen(from, to, 1);
        let error = Contract::read("till", &text).expect_err(to);
        assert!(matches!(error, FeedError::Contract { .. }) && error.to_string().contains(words), "{error}");
    }
}
