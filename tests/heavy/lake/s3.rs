//! A real S3 server, reached without the AWS SDK (`tests/tidy` holds that none is in the lock file).

use super::{TODAY, ask, batch, free, publish, session};
use nongshi_lake::{Lake, Landed};
use url::Url;

/// A lake on the S3 server that `tests/run` starts; none: said so, and under CI a failure.
async fn s3(bucket: &str) -> Option<Lake> {
    let Ok(endpoint) = std::env::var("NONGSHI_TEST_S3") else {
        assert!(std::env::var_os("CI").is_none(), "NONGSHI_TEST_S3 must name an S3 server under CI");
        println!("skipped: NONGSHI_TEST_S3 names no S3 server (`tests/run` starts one)");
        return None;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = [("aws_endpoint", endpoint.as_str()), ("aws_access_key_id", "testkey"), ("aws_secret_access_key", "testsecret")];
    let options = options.iter().chain(&[("aws_region", "us-east-1"), ("aws_allow_http", "true")]);
    let url = Url::parse(&format!("s3://{bucket}/lake-{}", std::process::id())).unwrap();
    Some(Lake::open(&url, options.map(|(key, value)| (key.to_string(), value.to_string())).collect()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_s3_nothing_is_lost_and_the_tables_are_read() {
    let Some(lake) = s3("landing").await else { return };
    lake.probe("test").await.unwrap();
    let rows = batch("1", &[("西红柿", "番茄", "2025-01-01")], 1);
    assert!(matches!(lake.land(&rows, free).await.unwrap(), Landed::Now(_)));
    assert_eq!(lake.land(&rows, free).await.unwrap(), Landed::Before);
    assert!(publish(&lake, "2025-01-01", &[1, 2]).await);
    let ctx = session(&lake, TODAY).await;
    assert_eq!(ask(&ctx, "select name from aliases").await, "番茄");
    assert_eq!(ask(&ctx, "select sum(value) from said where as_of = '2025-01-01'").await, "3");
    let bytes = bytes::Bytes::from_static(b"raw");
    let digest = lake.keep("names", &bytes).await.unwrap();
    assert_eq!(lake.keep("names", &bytes).await.unwrap(), digest);
    assert_eq!(lake.kept("names", &digest).await.unwrap(), bytes);
    // the session was pinned: a later commit is seen by the next one
    assert!(!publish(&lake, "2025-01-01", &[1, 2]).await);
    assert!(publish(&lake, "2025-01-02", &[30]).await);
    let all = "select as_of, sum(value) from said group by as_of order by 1";
    assert_eq!(ask(&ctx, all).await, "2025-01-01,3");
    assert_eq!(ask(&session(&lake, TODAY).await, all).await, "2025-01-01,3\n2025-01-02,30");
}

/// Four writers at once, without a lease: the rows are those that were acknowledged, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_s3_the_rows_are_the_acknowledged_ones() {
    let Some(lake) = s3("racing").await else { return };
    lake.probe("race").await.unwrap();
    lake.land(&batch("0", &[], 0), free).await.unwrap();
    let writers = (0..4).map(|writer| {
        let lake = lake.clone();
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for turn in 0..5 {
                let (content, alias) = (format!("{writer}-{turn}"), format!("alias {writer} {turn}"));
                answers.push((lake.land(&batch(&content, &[(&alias, "x", "2025-01-01")], 0), free).await, alias));
            }
            answers
        })
    });
    let (mut acknowledged, mut refused) = (Vec::new(), Vec::new());
    for writer in writers.collect::<Vec<_>>() {
        for (answer, alias) in writer.await.unwrap() {
            match answer {
                Ok(_) => acknowledged.push(alias),
                Err(error) => refused.push(format!("{alias}: {error}")),
            }
        }
    }
    acknowledged.sort();
    assert!(!acknowledged.is_empty(), "{refused:#?}");
    let stored = ask(&session(&lake, TODAY).await, "select alias from landed.aliases order by alias").await;
    assert_eq!(stored.lines().collect::<Vec<_>>(), acknowledged, "refused: {refused:#?}");
}
