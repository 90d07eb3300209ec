//! A topic at its brokers. In: addresses, a login. Out: a log that can only be read, or what is wrong in the reader's words.
//! Never: a topic made by asking for it, an endless wait, a password in an error.

use super::line::Message;
use super::login::Login;
use super::read::{Fetched, Log};
use super::{Fault, Topic, Trouble};
use async_trait::async_trait;
use nongshi_domain::Hint;
use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::RecordAndOffset;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const CLIENT: &str = "nongshi";
/// Tries end after this; a new leader is found in less.
const RETRY: BackoffConfig = BackoffConfig {
    init_backoff: Duration::from_millis(200),
    max_backoff: Duration::from_secs(5),
    base: 3.0,
    deadline: Some(Duration::from_secs(10)),
};
/// A broker that accepts and does not answer is given up after this.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a broker may look for messages before its answer is empty.
const WAIT_MILLIS: i32 = 500;
/// An answer may hold one batch that is larger than what was asked for, but no more than this.
const MOST_ANSWER_BYTES: usize = 128 << 20;

/// Connects, and finds the topic among those that are there.
pub(super) async fn connect(topic: &Topic, login: Login) -> Result<Broker, Trouble> {
    let Login { sasl, tls } = login;
    let mut builder = ClientBuilder::new(topic.brokers.clone()).client_id(CLIENT).backoff_config(RETRY).max_message_size(MOST_ANSWER_BYTES);
    if let Some(sasl) = sasl {
        builder = builder.sasl_config(sasl);
    }
    if let Some(tls) = tls {
        builder = builder.tls_config(tls);
    }
    let client = in_time(builder.build()).await?;
    // a broker may make a topic that is asked for by its name: it is looked up among all
    let mut topics = in_time(client.list_topics()).await?;
    let Some(found) = topics.iter().position(|known| known.name == topic.name) else {
        let what = format!("there is no topic `{}`, or this login may not see it", topic.name);
        let hint = Hint::for_name(&topic.name, topics.iter().map(|known| known.name.as_str()));
        return Err(Trouble { fault: Fault::Settings, what, hint: Some(hint.0) });
    };
    let partitions = topics.swap_remove(found).partitions;
    Ok(Broker { client, topic: topic.name.clone(), partitions, open: BTreeMap::new() })
}

/// The topic at its brokers.
pub(super) struct Broker {
    client: Client,
    topic: String,
    partitions: BTreeSet<i32>,
    open: BTreeMap<i32, PartitionClient>,
}

impl Broker {
    async fn partition(&mut self, partition: i32) -> Result<&PartitionClient, Trouble> {
        if !self.open.contains_key(&partition) {
            let opened = self.client.partition_client(self.topic.clone(), partition, UnknownTopicHandling::Error);
            self.open.insert(partition, in_time(opened).await?);
        }
        self.open.get(&partition).ok_or_else(|| Trouble::new(Fault::Unreachable, "the session broke off", AGAIN))
    }
}

#[async_trait]
impl Log for Broker {
    async fn partitions(&mut self) -> Result<BTreeSet<i32>, Trouble> {
        Ok(self.partitions.clone())
    }

    async fn earliest(&mut self, partition: i32) -> Result<i64, Trouble> {
        in_time(self.partition(partition).await?.get_offset(OffsetAt::Earliest)).await
    }

    async fn latest(&mut self, partition: i32) -> Result<i64, Trouble> {
        in_time(self.partition(partition).await?.get_offset(OffsetAt::Latest)).await
    }

    async fn fetch(&mut self, partition: i32, offset: i64, most_bytes: usize) -> Result<Option<Fetched>, Trouble> {
        let most = i32::try_from(most_bytes).unwrap_or(i32::MAX);
        let asked = self.partition(partition).await?.fetch_records(offset, 1..most, WAIT_MILLIS);
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, asked).await.map_err(|_| silent())?;
        match answered {
            Ok((records, high_watermark)) => Ok(Some(Fetched { messages: records.into_iter().map(message).collect(), high_watermark })),
            Err(Error::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. }) => Ok(None),
            Err(error) => Err(told(&error)),
        }
    }
}

fn message(found: RecordAndOffset) -> Message {
    let record = found.record;
    Message { offset: found.offset, time: record.timestamp, key: record.key, headers: record.headers, value: record.value }
}

const AGAIN: &str = "run again: what has landed is not read twice";

async fn in_time<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
    match tokio::time::timeout(ANSWER_TIMEOUT, asked).await {
        Ok(answer) => answer.map_err(|error| told(&error)),
        Err(_) => Err(silent()),
    }
}

fn silent() -> Trouble {
    let what = format!("no broker answers within {} s", ANSWER_TIMEOUT.as_secs());
    Trouble::new(Fault::Unreachable, what, "look whether it runs and whether host and port are right; then run again")
}

/// The client's word in ours. What went wrong on the way it tells by its text only.
fn told(error: &Error) -> Trouble {
    if let Error::ServerError { protocol_error, .. } = error {
        return refused(*protocol_error);
    }
    let text = error.to_string();
    let cause = text.rsplit_once("Source: ").map_or(text.as_str(), |(_, cause)| cause);
    if text.contains("Sasl handshake failed") {
        return Trouble::new(
            Fault::Settings,
            "the broker refuses the login",
            "look at `sasl`, at user and password, and at what the broker allows that user",
        );
    }
    if text.contains("certificate") || text.contains("Invalid Hostname") {
        let hint = "`trusted_file` names who signs the brokers' certificates; their names must be those in `brokers` and in what the brokers advertise";
        return Trouble::new(Fault::Settings, format!("no safe way to the broker: {cause}"), hint);
    }
    match error {
        Error::InvalidResponse(what) => {
            Trouble::new(Fault::Refused, format!("the broker's answer cannot be read: {what}"), "look at the broker's log")
        }
        _ => Trouble::new(
            Fault::Unreachable,
            format!("no broker can be reached: {cause}"),
            "look whether it runs, whether host and port are right and whether it speaks what `security` says; then run again",
        ),
    }
}

fn refused(error: ProtocolError) -> Trouble {
    match error {
        ProtocolError::TopicAuthorizationFailed | ProtocolError::ClusterAuthorizationFailed => {
            Trouble::new(Fault::Settings, "the login may not read the topic", "it needs the rights `describe` and `read`, and nothing more")
        }
        ProtocolError::UnknownTopicOrPartition => {
            Trouble::new(Fault::Unreachable, "the topic is gone, or not there yet", "look at the broker; then run again")
        }
        other => Trouble::new(Fault::Unreachable, format!("the broker refuses: {other}"), AGAIN),
    }
}
