//! A topic of POS events, read while the tills write: Tansu as `tests/run` starts it. Pages land in a lake of memory here;
//! the binary's own landing is tested with the binary. What no broker does at will stands in `source/kafka/read/tests.rs`.

mod topic;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use nongshi_feeds::{Contract, Fault, Outside, fetch};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use topic::{CONTRACT, Lake, Topic, sale, there, wrong};

const EVENTS: usize = 4_000;
const A_WRITE: usize = 10;

#[tokio::test]
async fn every_event_lands_once_while_the_tills_write() {
    let Some(topic) = Topic::make(3).await else { return };
    let contract = topic.contract(&[("page_messages = 100", "page_messages = 37")]);
    let (name, topic) = (topic.name.clone(), Arc::new(topic));
    let writing = tokio::spawn({
        let topic = topic.clone();
        async move {
            for first in (0..EVENTS).step_by(A_WRITE) {
                topic.send((first / A_WRITE % 3) as i32, (first..first + A_WRITE).map(sale).collect()).await;
            }
        }
    });
    let (mut lake, mut runs) = (Lake::default(), 0);
    while !writing.is_finished() {
        lake.run(&contract, usize::MAX).await.expect("the broker is there");
        runs += 1;
    }
    writing.await.expect("the tills write to their end");
    lake.run(&contract, usize::MAX).await.expect("the broker is there");
    assert!(runs > 1, "the tills were done before the topic was read twice");
    assert_eq!(lake.ids(), (0..EVENTS).collect::<Vec<_>>(), "each event once");
    assert!(lake.pages.iter().all(|(address, page)| address.starts_with(&format!("kafka://pos/{name}/")) && page.rejected.is_empty()));
    assert_eq!(lake.run(&contract, usize::MAX).await.expect("the broker is there"), 0, "nothing is new");
    topic.send(1, (EVENTS..EVENTS + 5).map(sale).collect()).await;
    assert_eq!(lake.run(&contract, usize::MAX).await.expect("the broker is there"), 1);
    assert_eq!(lake.ids(), (0..EVENTS + 5).collect::<Vec<_>>());
}

/// A consumer that notes its offset beside the data is killed between the two.
#[tokio::test]
async fn offsets_kept_beside_the_data_lose_or_repeat() {
    let Some(topic) = Topic::make(1).await else { return };
    topic.send(0, (0..1_000).map(sale).collect()).await;
    let contract = topic.contract(&[]);
    // (the offset is noted first, events, distinct events)
    for (offset_first, all, distinct) in [(false, 1_200, 1_000), (true, 800, 800)] {
        let mut lake = Lake::default();
        for run in 0.. {
            let before = (lake.landed.clone(), lake.pages.len());
            if lake.run(&contract, 1).await.expect("the broker is there") == 0 {
                break;
            }
            // two of the runs are killed when one of the two is written
            if run == 3 || run == 7 {
                if offset_first {
                    lake.pages.truncate(before.1);
                } else {
                    lake.landed = before.0;
                }
            }
        }
        let mut ids = lake.ids();
        let found = ids.len();
        ids.dedup();
        assert_eq!((found, ids.len()), (all, distinct), "offset first: {offset_first}");
    }
    // with the data: whatever is cut off, both are there or none
    let mut lake = Lake::default();
    for run in 0.. {
        let before = lake.landed.len();
        if lake.run(&contract, 1).await.expect("the broker is there") == 0 {
            break;
        }
        if run == 3 || run == 7 {
            lake.landed.truncate(before);
            lake.pages.truncate(before);
        }
    }
    assert_eq!(lake.ids(), (0..1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_read_is_rejected_with_its_reason_and_every_byte_is_kept() {
    let Some(topic) = Topic::make(1).await else { return };
    let long = format!("{{\"shop\":\"{}\",\"kg\":1}}", "long".repeat(1 << 18));
    // (value, rule, words of the reason)
    let cases: [(Option<&[u8]>, &str, &str); 11] = [
        (Some(b"{\"shop\":\"A\",\"kg\":1.25}"), "", ""),
        (Some(b"{\"shop\":\"A\",\"kg\":"), "fields", "the value is not JSON"),
        (None, "tombstone", "the message has no value"),
        (Some(b"{\"shop\":\"\xff\xfe\",\"kg\":1}"), "fields", "the value is not UTF-8"),
        (Some(long.as_bytes()), "fields", "the value has 1048594 bytes; 1048576 is the most"),
        (Some(b"[{\"shop\":\"A\",\"kg\":1}]"), "fields", "the value is not an object"),
        (Some(b""), "fields", "the value is not JSON"),
        (Some(b"{\"shop\":\"A\",\"kg\":1,\"@offset\":7}"), "fields", "a field `@offset`"),
        (Some(b"{\"shop\":\"A\",\"kg\":-1}"), "range", "-1"),
        (Some(b"{\"kg\":1}"), "required", "shop"),
        (Some(b"{\"shop\":\"\\ud842\\udfb7\\n\xe5\xba\x97\",\"kg\":\"2\"}"), "", ""),
    ];
    topic.send(0, cases.iter().map(|(value, ..)| value.map(<[u8]>::to_vec)).collect()).await;
    let mut lake = Lake::default();
    assert_eq!(lake.run(&topic.contract(&[]), usize::MAX).await.expect("the broker is there"), 1);
    let (address, parsed) = &lake.pages[0];
    assert!(address.ends_with("/0?from=0&to=10&messages=11"), "{address}");
    assert_eq!((parsed.received, parsed.accepted.num_rows(), parsed.rejected.len()), (11, 2, 9));
    let expected = (1..).zip(&cases).filter(|(_, (_, rule, _))| !rule.is_empty());
    for ((row, (_, rule, words)), rejected) in expected.zip(&parsed.rejected) {
        assert_eq!((rejected.source_row, rejected.rule.as_str()), (row, *rule), "{}", rejected.reason);
        assert!(rejected.reason.contains(words), "{}", rejected.reason);
        assert!(rejected.raw.contains(&format!("\"offset\":{}", row - 1)) && rejected.raw.len() <= 65_536, "{}", rejected.raw);
    }
    let bytes = |told: &serde_json::Value| match told {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone().into_bytes()),
        other => Some(STANDARD.decode(other["base64"].as_str().expect("base64")).expect("base64")),
    };
    for (line, (value, ..)) in lake.lines().iter().zip(&cases) {
        assert_eq!(bytes(&line["value"]).as_deref(), *value);
        assert_eq!((bytes(&line["key"]), bytes(&line["headers"]["from"])), (Some(b"till-0".to_vec()), Some(b"till \xff".to_vec())));
        assert!(line["timestamp"].as_str().is_some_and(|time| time.starts_with("2026-03-01 08:00:00.0") && time.ends_with("+08:00")));
    }
    // a page of nothing but tombstones and rubbish is a page
    topic.send(0, vec![None, Some(b"rubbish".to_vec())]).await;
    assert_eq!(lake.run(&topic.contract(&[]), usize::MAX).await.expect("the broker is there"), 1);
    assert_eq!(lake.pages[1].1.rejected.len(), 2);
    // a word of the message that is misspelled is no field that happens to be missing
    let misspelled = topic.contract(&[("\"@offset\"", "\"@ofset\"")]);
    let error = Lake::default().run(&misspelled, usize::MAX).await.expect_err("no such word");
    assert!(error.to_string().contains("has no column `@ofset`"), "{error}");
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_not_made_and_one_made_anew_is_refused() {
    let Some(topic) = Topic::make(1).await else { return };
    topic.send(0, (0..30).map(sale).collect()).await;
    let other = format!("{}x", topic.name);
    let contract = topic.contract(&[(topic.name.as_str(), &other)]);
    let (fault, what) = wrong(fetch(&contract, &Outside::nothing()).await);
    assert!(fault == Fault::Settings && what.contains(&format!("there is no topic `{other}`")) && what.contains(&topic.name), "{what}");
    assert!(!topic.all().await.contains(&other), "it was made by asking for it");
    let contract = topic.contract(&[]);
    let mut lake = Lake::default();
    lake.run(&contract, usize::MAX).await.expect("the broker is there");
    topic.make_anew(1).await;
    topic.send(0, (100..110).map(sale).collect()).await;
    let (fault, what) = wrong(lake.run(&contract, usize::MAX).await);
    assert!(fault == Fault::Refused && what.contains("ends before offset 29, which has landed"), "{what}");
    topic.send(0, (110..190).map(sale).collect()).await;
    let (fault, what) = wrong(lake.run(&contract, usize::MAX).await);
    assert!(fault == Fault::Refused && what.contains("holds another message at offset 29"), "{what}");
    assert_eq!(lake.ids(), (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_latest_start_lands_a_mark_and_then_what_comes() {
    let Some(topic) = Topic::make(2).await else { return };
    topic.send(0, vec![sale(1)]).await;
    topic.send(0, vec![sale(2)]).await;
    let contract = topic.contract(&[("page_messages", "start = \"latest\"\npage_messages")]);
    let mut lake = Lake::default();
    assert_eq!(lake.run(&contract, usize::MAX).await.expect("the broker is there"), 2);
    assert!(lake.pages.iter().all(|(_, page)| page.received == 0));
    topic.send(0, vec![sale(3)]).await;
    topic.send(1, vec![sale(4)]).await;
    lake.run(&contract, usize::MAX).await.expect("the broker is there");
    assert_eq!(lake.ids(), [3, 4]);
}

#[tokio::test]
async fn outside_the_window_nothing_is_opened() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    server.set_nonblocking(true).expect("a socket");
    let broker = server.local_addr().expect("bound").to_string();
    let text = CONTRACT.replace("BROKER", &broker).replace("page_messages = 100", "window = \"22:00-06:00\"");
    let contract = Contract::read("pos", &text).expect("a good contract");
    let at = |now: fn() -> DateTime<Utc>| Outside { now, ..Outside::nothing() };
    // noon in Shanghai
    let noon = at(|| "2026-03-01T04:00:00Z".parse().expect("a time"));
    let (fault, what) = wrong(fetch(&contract, &noon).await);
    assert!(fault == Fault::Later && what.contains("its window 22:00-06:00 is closed; the next begins at 2026-03-01 22:00"), "{what}");
    assert!(server.accept().is_err(), "somebody came outside the window");
    let night = at(|| "2026-03-01T15:00:00Z".parse().expect("a time"));
    let opening = tokio::time::timeout(Duration::from_millis(300), fetch(&contract, &night)).await;
    assert!(opening.is_err(), "this server never answers");
    assert!(server.accept().is_ok(), "nobody came inside the window");
}

/// How long a broker may leave us waiting.
const BOUND: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_broker_that_is_not_there_is_given_up() {
    let contract = Contract::read("pos", &CONTRACT.replace("BROKER", "127.0.0.1:1")).expect("a good contract");
    let begun = Instant::now();
    let (fault, what) = wrong(fetch(&contract, &Outside::nothing()).await);
    assert!(fault == Fault::Unreachable && what.contains("no broker can be reached") && what.contains("127.0.0.1:1"), "{what}");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
}

#[tokio::test]
#[ignore = "takes the half minute that a silent broker is given"]
async fn a_broker_that_accepts_and_says_nothing_is_given_up() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let broker = server.local_addr().expect("bound").to_string();
    let contract = Contract::read("pos", &CONTRACT.replace("BROKER", &broker)).expect("a good contract");
    let begun = Instant::now();
    let (fault, what) = wrong(fetch(&contract, &Outside::nothing()).await);
    assert!(fault == Fault::Unreachable && what.contains("no broker answers within 30 s"), "{what}");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_broker_behind_tls_is_read_only_when_its_certificate_is_signed_by_whom_we_trust() {
    let (Some(broker), Some(signer)) = (there("NONGSHI_TEST_KAFKA_TLS"), there("NONGSHI_TEST_KAFKA_SIGNER")) else { return };
    let signer = std::fs::read_to_string(signer).expect("the signer's certificate");
    let topic = Topic::at(broker.clone(), Some(trusting(&signer)), 1).await;
    topic.send(0, (0..10).map(sale).collect()).await;
    let trusting = |file: Option<&str>| {
        let file = file.map(String::from);
        Outside { secret: Arc::new(move |_| file.clone()), ..Outside::nothing() }
    };
    let tls = |lines: &str, host: &str| {
        let text = CONTRACT.replace("BROKER", &broker.replace("localhost", host)).replace("TOPIC", &topic.name);
        Contract::read("pos", &text.replace("security = \"plaintext\"", lines)).unwrap_or_else(|error| panic!("{error}"))
    };
    let contract = tls("trusted_file = \"signer.pem\"", "localhost");
    let outside = trusting(Some(&signer));
    let pages: Vec<_> = fetch(&contract, &outside).await.unwrap_or_else(|error| panic!("{error}")).collect().await;
    assert_eq!(pages.len(), 1);
    assert!(pages[0].as_ref().is_ok_and(|page| page.address.ends_with("/0?from=0&to=9&messages=10")));
    // (keys, host, trusted file, fault, words)
    for (keys, host, trusted, fault, words) in [
        // the machine's own list does not hold the tests' signer
        ("security = \"tls\"", "localhost", None, Fault::Settings, "no safe way to the broker"),
        ("trusted_file = \"signer.pem\"", "localhost", Some(OTHER_SIGNER), Fault::Settings, "no safe way to the broker"),
        // the certificate is for `localhost`
        ("trusted_file = \"signer.pem\"", "127.0.0.1", Some(signer.as_str()), Fault::Settings, "no safe way to the broker"),
        ("security = \"plaintext\"", "localhost", None, Fault::Unreachable, "no broker can be reached"),
    ] {
        let (found, what) = wrong(fetch(&tls(keys, host), &trusting(trusted)).await);
        assert!(found == fault && what.contains(words), "{keys} {host}: {found:?} {what}");
    }
}

/// Trusts that signer and nobody else.
fn trusting(signer: &str) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(signer.as_bytes()).expect("a certificate")).expect("a certificate that signs");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=other`; its key was thrown away.
const OTHER_SIGNER: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBdjCCAR2gAwIBAgIUIG0zhgzXZoaulJNJyODc8HYfVWYwCgYIKoZIzj0EAwIw\n\
EDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMTI0MTYyNjI2WhgPMjEyNjEwMzExNjI2\n\
MjZaMBAxDjAMBgNVBAMMBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n\
CyW5xrsPHag5mDjodg6VStHgFohrsHmf7y/qKBAUYUIf0rYKcCnDGaCRz6wW/oUn\n\
b46WMsTZmBwGiwiSwTCyNaNTMFEwHQYDVR0OBBYEFBBJeRlBRNdnkeVa/pOqQnH/\n\
wCU1MB8GA1UdIwQYMBaAFBBJeRlBRNdnkeVa/pOqQnH/wCU1MA8GA1UdEwEB/wQF\n\
MAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgETBS0244bbkCCOps/I9Qi5JjpYwW/mFM\n\
ET5ov+71kIUCID3R7jYLA+GJED3YPriBPfDRGLoeDYeSCbG0H/076IdD\n\
-----END CERTIFICATE-----\n\
";

#[test]
fn what_is_wrong_in_a_contract_is_told_with_its_place_and_without_a_secret() {
    let good = CONTRACT.replace("BROKER", "127.0.0.1:9092").replace("TOPIC", "pos.sales");
    assert!(Contract::read("pos", &good).is_ok());
    // (from, to, words)
    for (from, to, words) in [
        ("127.0.0.1:9092", "kafka.example:9092", "`plaintext` goes to another machine"),
        ("127.0.0.1:9092", "till:canary@kafka.example:9092", "a broker is no `HOST:PORT`"),
        ("127.0.0.1:9092", "kafka.example", "a broker is no `HOST:PORT`"),
        ("[\"127.0.0.1:9092\"]", "[]", "`brokers` is empty"),
        ("pos.sales", "pos sales", "`pos sales` is not the name of a topic"),
        ("\"plaintext\"", "\"plain\"", "`security` is `plain`, which is not known"),
        ("\"plaintext\"", "\"plaintext\"\nsasl = \"plain\"\nlogin_env = \"TILL\"", "would send the password for everybody to read"),
        ("\"plaintext\"", "\"plaintext\"\nsasl = \"scram-sha-512\"", "`sasl` needs one of `login_env`, `login_file`"),
        ("\"plaintext\"", "\"plaintext\"\nlogin_env = \"TILL\"", "`sasl` does not say how"),
        ("\"plaintext\"", "\"plaintext\"\nsasl = \"scram-sha-256\"\nlogin_env = \"till:canary\"", "a contract is no place for a secret"),
        ("\"plaintext\"", "\"plaintext\"\nsasl = \"gssapi\"\nlogin_env = \"TILL\"", "`sasl` is `gssapi`, which is not known"),
        ("\"plaintext\"", "\"plaintext\"\ntrusted_file = \"ca.pem\"", "`trusted_file` means nothing for `plaintext`"),
        ("page_messages = 100", "page_messages = 0", "`page_messages` is 0; it lies between 1 and"),
        ("page_messages = 100", "page_bytes = 70000000", "`page_bytes` is 70000000; it lies between 1 and 67108864"),
        ("page_messages = 100", "start = \"newest\"", "`start` is `newest`"),
        ("page_messages = 100", "page_mesages = 100", "the key `page_mesages` is not known here"),
        ("[columns]", "[format]\nkind = \"json\"\n[columns]", "`[format]` means nothing for the source kind `kafka`"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Contract::read("pos", &good.replacen(from, to, 1)).expect_err(words).to_string();
        assert!(error.contains(words) && error.starts_with("feeds/pos.toml:") && !error.contains("canary"), "{error}");
    }
    let plain = good.replace("127.0.0.1:9092", "kafka.example:9092").replace("\"plaintext\"", "\"plaintext\"\nplain = true");
    assert!(Contract::read("pos", &plain).is_ok());
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_told_before_anybody_is_asked() {
    let with = |lines: &str| {
        let text = CONTRACT.replace("BROKER", "127.0.0.1:1").replace("security = \"plaintext\"", lines);
        Contract::read("pos", &text).unwrap_or_else(|error| panic!("{error}"))
    };
    let outside = |secret: Option<&'static str>| Outside { secret: Arc::new(move |_| secret.map(String::from)), ..Outside::nothing() };
    for (lines, secret, words) in [
        (
            "security = \"plaintext\"\nsasl = \"scram-sha-512\"\nlogin_env = \"TILL\"",
            None,
            "the environment variable `TILL` holds no login",
        ),
        ("sasl = \"plain\"\nlogin_file = \"till\"", Some("canary"), "the file `till` holds no user and password"),
        ("sasl = \"plain\"\nlogin_file = \"till\"", Some("canary:"), "the file `till` holds no user and password"),
        ("trusted_file = \"ca.pem\"", None, "the file `ca.pem` cannot be read"),
        ("trusted_file = \"ca.pem\"", Some("canary"), "the file `ca.pem` holds no certificate"),
        (
            "trusted_file = \"ca.pem\"",
            Some("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"),
            "the file `ca.pem` is no PEM file",
        ),
    ] {
        let (fault, what) = wrong(fetch(&with(lines), &outside(secret)).await);
        assert!(fault == Fault::Settings && what.contains(words) && !what.contains("canary"), "{what}");
    }
}
