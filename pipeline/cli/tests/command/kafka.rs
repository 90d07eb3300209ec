//! A topic of POS events through the binary: killed over and over, cut off, with rubbish in it. The broker is Tansu, as
//! `tests/run` starts it.

use crate::{files, nongshi, text};
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PARTITIONS: usize = 2;
const A_WRITE: usize = 500;
/// 2026-01-05 in Shanghai.
const OPENING_MILLIS: i64 = 1_767_571_200_000;

const CONTRACT: &str = r#"
version = 1
table = "sales"
[source]
kind = "kafka"
brokers = ["BROKER"]
security = "plaintext"
topic = "TOPIC"
page_messages = 250
[columns]
shop = { from = "shop" }
product = { value = "A1" }
day = { from = "@timestamp", extract = '^\S+' }
line = { from = "id" }
product_name = { value = "菜心" }
category = { value = "vegetables" }
channel = { value = "shop" }
quantity_kg = { from = "kg", unit = "kg", above = 0 }
[available_on]
source = "@timestamp"
lag_days = 1
"#;

const QUERIES: &[&str] = &[
    "select table_name, feed, batch_seq, batch_id, address, content, received, accepted, rejected from batches order by 1, 3",
    "select feed, source_row, raw, rule, reason from rejected order by 1, 2, 3",
    "select * from landed.sales order by line, batch_seq",
];

static UNIQUE: AtomicU64 = AtomicU64::new(0);

/// A topic that nobody else uses.
struct Topic {
    broker: String,
    name: String,
    client: Client,
    runtime: Runtime,
}

impl Topic {
    /// None when there is no broker.
    fn make() -> Option<Topic> {
        let Ok(broker) = std::env::var("NONGSHI_TEST_KAFKA") else {
            assert!(std::env::var_os("CI").is_none(), "NONGSHI_TEST_KAFKA must name a broker under CI");
            println!("skipped: NONGSHI_TEST_KAFKA names no broker (`tests/run` starts one)");
            return None;
        };
        let runtime = Runtime::new().expect("threads");
        let name = format!("command.{}.{}", std::process::id(), UNIQUE.fetch_add(1, Ordering::Relaxed));
        let client = runtime.block_on(ClientBuilder::new(vec![broker.clone()]).build()).expect("a broker");
        let keeper = client.controller_client().expect("a client");
        runtime.block_on(keeper.create_topic(&name, PARTITIONS as i32, 1, 5_000)).expect("a new topic");
        Some(Topic { broker, name, client, runtime })
    }

    fn send(&self, partition: usize, values: Vec<Option<Vec<u8>>>) {
        let open = self.client.partition_client(&self.name, partition as i32, UnknownTopicHandling::Error);
        let to = self.runtime.block_on(open).expect("a partition");
        let record = |(place, value): (i64, Option<Vec<u8>>)| Record {
            key: Some(b"till".to_vec()),
            value,
            headers: BTreeMap::new(),
            timestamp: chrono::DateTime::from_timestamp_millis(OPENING_MILLIS + place).expect("a time"),
        };
        let records = (0..).zip(values).map(record).collect();
        self.runtime.block_on(to.produce(records, Compression::Lz4)).expect("a broker");
    }

    /// Sales of these ids, written in turns to the partitions.
    fn sell(&self, ids: std::ops::Range<usize>) {
        for (place, first) in ids.clone().step_by(A_WRITE).enumerate() {
            self.send(place % PARTITIONS, (first..(first + A_WRITE).min(ids.end)).map(sale).collect());
        }
    }
}

fn sale(id: usize) -> Option<Vec<u8>> {
    Some(format!("{{\"id\":{id},\"shop\":\"店{}\",\"kg\":{}.25}}", id % 7, id % 90).into_bytes())
}

/// A project with one feed, the tills' events.
fn project(broker: &str, topic: &str, changes: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().join("chain");
    assert!(nongshi(&[], &["init", at.to_str().expect("a plain path")]).status.success());
    for entry in std::fs::read_dir(at.join("feeds")).expect("init wrote it").flatten() {
        std::fs::remove_file(entry.path()).expect("init wrote it");
    }
    let mut text = CONTRACT.replace("BROKER", broker).replace("TOPIC", topic);
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    std::fs::write(at.join("feeds/pos.toml"), text).expect("a temporary folder");
    (folder, at)
}

fn ingest(at: &Path) -> (Option<i32>, String) {
    let ended =
        nongshi(&[("TILL_LOGIN", "till:canary-password")], &["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-02-01"]);
    (ended.status.code(), text(&ended.stdout) + &text(&ended.stderr))
}

fn sql(at: &Path, query: &str) -> String {
    let answer = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "sql", "--as-of", "2026-02-01", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout)
}

/// Kills the run as soon as the lake holds so many files; false when it ended before.
fn killed_at(at: &Path, files_in_lake: usize) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nongshi"))
        .args(["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-02-01"])
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    while child.try_wait().expect("a child of ours").is_none() {
        if count_files(&at.join("lake")) >= files_in_lake {
            child.kill().expect("a child of ours");
            child.wait().expect("a child of ours");
            return true;
        }
        std::thread::yield_now();
    }
    false
}

fn count_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.file_type().is_ok_and(|kind| kind.is_dir()) { count_files(&entry.path()) } else { 1 }).sum()
}

/// Reliability test 10: a consumer killed `kills` times over `events` events.
fn killed_over_and_over(events: usize, kills: usize, page_messages: usize) {
    let Some(topic) = Topic::make() else { return };
    topic.send(0, vec![Some(b"rubbish".to_vec())]);
    topic.send(1, vec![None]);
    topic.sell(0..events);
    let page = format!("page_messages = {page_messages}");
    let (_quiet, undisturbed) = project(&topic.broker, &topic.name, &[("page_messages = 250", &page)]);
    let begun = Instant::now();
    let (code, said) = ingest(&undisturbed);
    let quiet = begun.elapsed();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("of the new {} received = {events} accepted + 2 rejected", events + 2)), "{said}");
    let (_loud, disturbed) = project(&topic.broker, &topic.name, &[("page_messages = 250", &page)]);
    let all_files = count_files(&undisturbed.join("lake"));
    let begun = Instant::now();
    let killed = (1..=kills).filter(|kill| killed_at(&disturbed, all_files * kill / (kills + 1))).count();
    assert_eq!(killed, kills, "not every run was caught alive");
    let landed = sql(&disturbed, "select count(*) n from batches");
    let (code, said) = ingest(&disturbed);
    let loud = begun.elapsed();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" new, ") && !said.contains("nothing changed"), "the last kill left nothing to do: {said}");
    println!(
        "{events} events in {} pages of {page_messages}: undisturbed {quiet:.1?}; killed {killed} times {loud:.1?}, pages before the last run {}",
        sql(&undisturbed, "select count(*) n from batches").lines().nth(1).unwrap_or_default(),
        landed.lines().nth(1).unwrap_or_default()
    );
    for query in QUERIES {
        assert!(sql(&undisturbed, query) == sql(&disturbed, query), "{query}");
    }
    assert_eq!(
        sql(&disturbed, "select count(*) events, count(distinct line) each from landed.sales"),
        format!("events,each\n{events},{events}\n")
    );
    let (code, said) = ingest(&disturbed);
    assert!(code == Some(0) && said.contains("nothing changed"), "{said}");
}

#[test]
fn killed_four_times_every_event_is_there_once() {
    killed_over_and_over(5_000, 4, 250);
}

#[test]
#[ignore = "half a minute; its figures stand in BENCHMARKS.md"]
fn killed_twenty_times_every_one_of_100_000_events_is_there_once() {
    killed_over_and_over(100_000, 20, 1_000);
}

#[test]
fn new_events_land_and_rubbish_is_rejected_with_its_reason() {
    let Some(topic) = Topic::make() else { return };
    topic.sell(0..1_000);
    let (_folder, at) = project(&topic.broker, &topic.name, &[("[available_on]", "[gate]\nrefuse_share = 0.8\n[available_on]")]);
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("4 new, 0 known; of the new 1000 received = 1000 accepted + 0 rejected"), "{said}");
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("nothing changed"), "{said}");
    let long = format!("{{\"id\":1,\"shop\":\"{}\",\"kg\":1}}", "long".repeat(1 << 18)).into_bytes();
    topic.send(1, vec![sale(1_000), Some(b"{\"id\":".to_vec()), None, Some(b"{\"shop\":\"\xff\"}".to_vec()), Some(long), sale(1_001)]);
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("1 new, 0 known; of the new 6 received = 2 accepted + 4 rejected"), "{said}");
    assert_eq!(
        sql(&at, "select source_row, rule, left(reason, 26) why from rejected order by source_row"),
        "source_row,rule,why\n2,fields,the value is not JSON: EOF\n3,tombstone,the message has no value: \n\
         4,fields,the value is not UTF-8\n5,fields,the value has 1048601 byte\n"
    );
    assert_eq!(sql(&at, "select count(*) n, count(distinct line) d from landed.sales"), "n,d\n1002,1002\n");
    // a quiet hour with nothing but a tombstone is no fault of the feed
    topic.send(0, vec![None]);
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("1 new, 0 known; of the new 1 received = 0 accepted + 1 rejected"), "{said}");
    let counts = sql(&at, "select sum(received) r, sum(accepted) a, sum(rejected) x, count(*) n from batches");
    assert_eq!(counts, "r,a,x,n\n1007,1002,5,6\n");
    // the topic lies in the addresses, partition by partition, without a gap
    let addresses = sql(&at, "select address from batches order by batch_seq");
    let place = format!("kafka://pos/{}", topic.name);
    let asked = ["0?from=0&to=249&messages=250", "0?from=250&to=499&messages=250", "1?from=0&to=249&messages=250"].into_iter().chain([
        "1?from=250&to=499&messages=250",
        "1?from=500&to=505&messages=6",
        "0?from=500&to=500&messages=1",
    ]);
    let expected: String = asked.map(|page| format!("{place}/{page}\n")).collect();
    assert_eq!(addresses, format!("address\n{expected}"));
}

#[test]
fn the_latest_start_is_a_batch_without_a_row_for_each_partition() {
    let Some(topic) = Topic::make() else { return };
    // one by one: some brokers list the first offset of the last write
    topic.send(0, vec![sale(0)]);
    topic.send(0, vec![sale(1)]);
    let (_folder, at) = project(&topic.broker, &topic.name, &[("page_messages = 250", "start = \"latest\"")]);
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("2 new, 0 known; of the new 0 received = 0 accepted + 0 rejected"), "{said}");
    topic.send(0, vec![sale(2)]);
    topic.send(1, vec![sale(3)]);
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("2 new, 0 known; of the new 2 received = 2 accepted + 0 rejected"), "{said}");
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("nothing changed"), "{said}");
    assert_eq!(sql(&at, "select line from landed.sales order by line"), "line\n2\n3\n");
}

#[test]
fn a_refused_page_holds_back_those_behind_it() {
    let Some(topic) = Topic::make() else { return };
    topic.send(0, (0..300).map(sale).chain([Some(b"rubbish".to_vec())]).chain((301..800).map(sale)).collect());
    let (_folder, at) = project(&topic.broker, &topic.name, &[("[available_on]", "[gate]\nrefuse_share = 0.001\n[available_on]")]);
    for _ in 0..2 {
        let (code, said) = ingest(&at);
        assert!(code == Some(4) && said.contains("has 1 bad rows of 250, more than its gate allows"), "{said}");
        assert_eq!(sql(&at, "select count(*) n from landed.sales"), "n\n250\n");
    }
    let contract = std::fs::read_to_string(at.join("feeds/pos.toml")).expect("written here");
    std::fs::write(at.join("feeds/pos.toml"), contract.replace("0.001", "0.01")).expect("written here");
    let (code, said) = ingest(&at);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(sql(&at, "select count(*) n, count(distinct line) d from landed.sales"), "n,d\n799,799\n");
}

/// Broker, topic, changes in the contract, exit code, words.
type Case<'a> = (String, &'a str, Vec<(&'a str, &'a str)>, i32, &'a str);

#[test]
fn what_is_wrong_ends_with_its_code_and_a_hint_and_the_others_go_on() {
    let broker = Topic::make();
    let login = ("security = \"plaintext\"", "security = \"plaintext\"\nsasl = \"scram-sha-512\"\nlogin_env = \"TILL_LOGIN\"");
    let nobody = ("TILL_LOGIN", "TILL_NOBODY");
    let mut cases: Vec<Case> = vec![
        ("127.0.0.1:1".into(), "pos", vec![login], 5, "feed pos: no broker can be reached"),
        ("127.0.0.1:1".into(), "pos", vec![login, nobody], 3, "the environment variable `TILL_NOBODY` holds no login"),
    ];
    if let Some(topic) = &broker {
        cases.push((topic.broker.clone(), "nobody.writes.here", vec![], 3, "there is no topic `nobody.writes.here`"));
    }
    if let Ok(strict) = std::env::var("NONGSHI_TEST_KAFKA_STRICT") {
        cases.push((strict.clone(), "pos", vec![login], 3, "the broker refuses the login"));
        cases.push((strict, "pos", vec![], 5, "no broker can be reached"));
    }
    for (broker, topic, changes, code, words) in cases {
        let (_folder, at) = project(&broker, topic, &changes);
        std::fs::write(at.join("feeds/other.toml"), OTHER).expect("a temporary folder");
        std::fs::write(at.join("other.csv"), "shop,kg\nA,1\n").expect("a temporary folder");
        let begun = Instant::now();
        let (found, said) = ingest(&at);
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        assert_eq!(found, Some(code), "{words}: {said}");
        assert!(said.contains("gap: pos feed:") && said.contains(words) && said.contains("(hint: "), "{words}: {said}");
        assert!(!said.contains("canary") && !said.contains("panicked"), "{said}");
        assert_eq!(sql(&at, "select feed, count(*) n from landed.sales group by feed"), "feed,n\nother,1\n");
        for (name, bytes) in files(&at) {
            assert!(!text(&bytes).contains("canary"), "{name} holds the secret");
        }
    }
}

const OTHER: &str = r#"
version = 1
table = "sales"
[source]
kind = "files"
root = "."
files = ["other.csv"]
[format]
kind = "csv"
[columns]
shop = { from = "shop" }
product = { value = "A1" }
day = { value = "2026-01-01" }
line = { value = "1" }
product_name = { value = "菜心" }
category = { value = "vegetables" }
channel = { value = "shop" }
quantity_kg = { from = "kg", unit = "kg", above = 0 }
[available_on]
day = "2026-01-01"
"#;
