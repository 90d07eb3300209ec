//! A topic of its own on the broker that the environment names, and a lake of memory. In: messages as a till writes them.
//! Out: what landed. Never: a broker that is not there taken for one that passed.

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use nongshi_feeds::{Contract, Fault, FeedError, Landed, Outside, Parsed, fetch, parse};
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub const CONTRACT: &str = r#"
version = 1
table = "sales"
[source]
kind = "kafka"
brokers = ["BROKER"]
security = "plaintext"
topic = "TOPIC"
page_messages = 100
[columns]
shop = { from = "shop" }
product = { value = "A1" }
day = { from = "@timestamp", extract = '^\S+' }
line = { from = ["@partition", "@offset"] }
product_name = { value = "菜心" }
category = { value = "vegetables" }
channel = { value = "shop" }
quantity_kg = { from = "kg", unit = "kg", above = 0 }
[available_on]
source = "@timestamp"
lag_days = 1
"#;

/// 2026-03-01 08:00 in Shanghai.
const OPENING_MILLIS: i64 = 1_772_323_200_000;

static UNIQUE: AtomicU64 = AtomicU64::new(0);

/// What the environment says under that name.
pub fn there(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "{variable} must be set under CI");
    if found.is_none() {
        println!("skipped: {variable} is not set (`tests/run` starts the brokers)");
    }
    found
}

/// A topic that nobody else uses.
pub struct Topic {
    pub broker: String,
    pub name: String,
    client: Client,
}

impl Topic {
    /// With so many partitions; none when there is no broker.
    pub async fn make(partitions: i32) -> Option<Topic> {
        Some(Topic::at(there("NONGSHI_TEST_KAFKA")?, None, partitions).await)
    }

    /// At that broker, reached by TLS if told how.
    pub async fn at(broker: String, tls: Option<Arc<rustls::ClientConfig>>, partitions: i32) -> Topic {
        let name = format!("feeds.{}.{}", std::process::id(), UNIQUE.fetch_add(1, Ordering::Relaxed));
        let mut builder = ClientBuilder::new(vec![broker.clone()]);
        if let Some(tls) = tls {
            builder = builder.tls_config(tls);
        }
        let client = builder.build().await.expect("a broker");
        client.controller_client().expect("a client").create_topic(&name, partitions, 1, 5_000).await.expect("a new topic");
        Topic { broker, name, client }
    }

    /// Writes values in one batch; nothing is a tombstone.
    pub async fn send(&self, partition: i32, values: Vec<Option<Vec<u8>>>) {
        let to = self.client.partition_client(&self.name, partition, UnknownTopicHandling::Error).await.expect("a partition");
        let record = |(place, value): (i64, Option<Vec<u8>>)| Record {
            key: Some(format!("till-{partition}").into_bytes()),
            value,
            headers: BTreeMap::from([("from".to_string(), b"till \xff".to_vec())]),
            timestamp: chrono::DateTime::from_timestamp_millis(OPENING_MILLIS + place).expect("a time"),
        };
        to.produce((0..).zip(values).map(record).collect(), Compression::Zstd).await.expect("a broker");
    }

    /// Deletes the topic and makes it anew.
    pub async fn make_anew(&self, partitions: i32) {
        let keeper = self.client.controller_client().expect("a client");
        keeper.delete_topic(&self.name, 5_000).await.expect("a topic");
        keeper.create_topic(&self.name, partitions, 1, 5_000).await.expect("a new topic");
    }

    /// All topics of the broker.
    pub async fn all(&self) -> Vec<String> {
        self.client.list_topics().await.expect("a broker").into_iter().map(|topic| topic.name).collect()
    }

    pub fn contract(&self, changes: &[(&str, &str)]) -> Contract {
        let mut text = CONTRACT.replace("BROKER", &self.broker).replace("TOPIC", &self.name);
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        Contract::read("pos", &text).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A receipt's line as the till writes it.
pub fn sale(id: usize) -> Option<Vec<u8>> {
    Some(format!("{{\"id\":{id},\"shop\":\"店{}\",\"kg\":{}.5}}", id % 7, id % 90).into_bytes())
}

/// What a feed's error says, hint and all.
pub fn wrong<T>(ended: Result<T, FeedError>) -> (Fault, String) {
    match ended {
        Err(FeedError::Place { fault, what, hint, .. }) => (fault, format!("{what} ({})", hint.expect("a hint").0)),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("nothing went wrong"),
    }
}

type Kept = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// What landed, in memory.
#[derive(Default)]
pub struct Lake {
    /// What a run is told of those before it; beside the data only in a test of what goes wrong then.
    pub landed: Vec<Landed>,
    pub pages: Vec<(String, Parsed)>,
    kept: Kept,
}

impl Lake {
    pub fn outside(&self) -> Outside {
        let kept = self.kept.clone();
        Outside {
            secret: Arc::new(|_| Some("till:canary-password".to_string())),
            landed: self.landed.clone(),
            kept: Arc::new(move |content| {
                let found = kept.lock().expect("one at a time").get(&content).cloned();
                async move { found.ok_or(format!("{content} is not kept")) }.boxed()
            }),
            ..Outside::nothing()
        }
    }

    /// Reads on, lands at most so many pages, and tells how many.
    pub async fn run(&mut self, contract: &Contract, most_pages: usize) -> Result<usize, FeedError> {
        let outside = self.outside();
        let mut sources = fetch(contract, &outside).await?.take(most_pages);
        let mut pages = 0;
        while let Some(source) = sources.next().await {
            let source = source?;
            let parsed = parse(contract, &source)?;
            assert_eq!(parsed.received as usize, parsed.accepted.num_rows() + parsed.rejected.len());
            self.kept.lock().expect("one at a time").insert(source.address.clone(), source.bytes);
            self.landed.push(Landed { address: source.address.clone(), content: source.address.clone() });
            self.pages.push((source.address, parsed));
            pages += 1;
        }
        Ok(pages)
    }

    /// The kept lines, read.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let kept = self.kept.lock().expect("one at a time");
        let pages = self.pages.iter().map(|(address, _)| kept[address].clone());
        let lines = pages.flat_map(|page| page.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>());
        lines.filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(&line).expect("JSON")).collect()
    }

    /// The ids of all sales that landed, in order.
    pub fn ids(&self) -> Vec<usize> {
        let value = |line: &serde_json::Value| serde_json::from_str::<serde_json::Value>(line["value"].as_str()?).ok();
        let ids = self.lines().iter().map(|line| value(line).expect("a sale")["id"].as_u64().expect("an id") as usize).collect::<Vec<_>>();
        let mut ids = ids;
        ids.sort_unstable();
        ids
    }
}
