//! The whole way on an S3 store, and feeds that lie in one.

use crate::{nongshi, text};
use object_store::ObjectStoreExt;
use object_store::aws::AmazonS3Builder;

/// The S3 server of the tests; none, said aloud, when there is none.
pub fn server() -> Option<String> {
    let endpoint = std::env::var("NONGSHI_TEST_S3").ok();
    if endpoint.is_none() {
        assert!(std::env::var_os("CI").is_none(), "NONGSHI_TEST_S3 must name an S3 server under CI");
        println!("skipped: NONGSHI_TEST_S3 names no S3 server (`tests/run` starts one)");
    }
    endpoint
}

/// A feed's folder may lie in a store, read with the settings of the lake's; the lake itself lies in the folder.
#[test]
fn a_feed_is_read_from_s3() {
    let Some(endpoint) = server() else { return };
    let (_folder, at) = crate::errors::project_with("");
    let prefix = format!("feeds-{}", std::process::id());
    let store = AmazonS3Builder::new()
        .with_endpoint(&endpoint)
        .with_allow_http(true)
        .with_bucket_name("whole-way")
        .with_region("us-east-1")
        .with_access_key_id("testkey")
        .with_secret_access_key("testsecret");
    let store = store.build().expect("a store");
    let put = async |path: &str, text: String| store.put(&format!("{prefix}/{path}").into(), text.into()).await.map(|_| ());
    let prices = crate::errors::prices("date,market,product,category,price", "5.20");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(put("inbox/prices.csv", prices)).expect("the server keeps it");
    runtime.block_on(put("other/prices.csv", "elsewhere".into())).expect("the server keeps it");
    let contract = at.join("feeds/market_prices.toml");
    let root = format!("s3://whole-way/{prefix}/");
    let written = std::fs::read_to_string(&contract).expect("init wrote it").replace("root = \".\"", &format!("root = \"{root}\""));
    std::fs::write(&contract, written).expect("a temporary folder");
    let at = at.to_str().expect("a plain path");
    let environment = |endpoint| {
        [
            ("AWS_ENDPOINT", endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "testkey"),
            ("AWS_SECRET_ACCESS_KEY", "testsecret"),
            ("AWS_REGION", "us-east-1"),
        ]
    };
    let first = nongshi(&environment(&endpoint), &["-C", at, "ingest", "--as-of", "2026-01-04"]);
    assert!(text(&first.stderr).contains("1461 accepted + 0 rejected"), "{}", text(&first.stderr));
    let query = "select address from batches where feed = 'market_prices'";
    let shown = nongshi(&environment(&endpoint), &["-C", at, "sql", "--format", "csv", "-c", query]);
    assert_eq!(text(&shown.stdout), format!("address\n{root}inbox/prices.csv\n"));
    let checked = nongshi(&environment(&endpoint), &["-C", at, "feed", "check", "market_prices"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    runtime.block_on(store.delete(&format!("{prefix}/inbox/prices.csv").into())).expect("the server drops it");
    let gone = nongshi(&environment(&endpoint), &["-C", at, "ingest", "--as-of", "2026-01-04"]);
    assert!(text(&gone.stderr).contains(&format!("found no file; looked for `{root}inbox/prices*.csv`")), "{}", text(&gone.stderr));
}

#[test]
fn the_same_way_on_s3() {
    let Some(endpoint) = server() else { return };
    let (_folder, at) = crate::errors::project_with(&crate::errors::prices("date,market,product,category,price", "5.20"));
    let at = at.to_str().expect("a plain path");
    let lake = format!("s3://whole-way/lake-{}", std::process::id());
    let environment = [
        ("NONGSHI_STORE_URL", lake.as_str()),
        ("AWS_ENDPOINT", &endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "testkey"),
        ("AWS_SECRET_ACCESS_KEY", "testsecret"),
        ("AWS_REGION", "us-east-1"),
    ];
    let first = nongshi(&environment, &["-C", at, "run", "--as-of", "2026-01-04"]);
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stderr));
    assert!(text(&first.stderr).contains("1461 received = 1461 accepted + 0 rejected"), "{}", text(&first.stderr));
    let second = nongshi(&environment, &["-C", at, "run", "--as-of", "2026-01-04"]);
    assert!(text(&second.stderr).contains("nothing changed"), "{}", text(&second.stderr));
}
