//! The whole way on an S3 store.

use crate::{nongshi, text};

#[test]
fn the_same_way_on_s3() {
    let Ok(endpoint) = std::env::var("NONGSHI_TEST_S3") else {
        assert!(std::env::var_os("CI").is_none(), "NONGSHI_TEST_S3 must name an S3 server under CI");
        println!("skipped: NONGSHI_TEST_S3 names no S3 server (`tests/run` starts one)");
        return;
    };
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
