//! A stranger's first minutes: a simulated chain, one run, a plan; and the same on S3.

use crate::{files, nongshi, text};

#[test]
fn the_sample_runs_without_a_gap_and_twice_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().join("chain");
    let at = at.to_str().expect("a plain path");
    assert!(nongshi(&[], &["init", at, "--sample"]).status.success());
    let first = nongshi(&[], &["-C", at, "run"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let reports = files(&folder.path().join("chain/reports"));
    assert_eq!(reports.len(), 10, "two bases as page and paper, the chain as page, in two languages");
    let answer = nongshi(
        &[],
        &[
            "-C",
            at,
            "sql",
            "--format",
            "csv",
            "-c",
            "select category from forecast_status where status = 'alive' and target = 'price' order by place",
        ],
    );
    assert_eq!(text(&answer.stdout), "category\ngrain_oil\nvegetables\nfruit\nmeat\neggs\n");
    let answer = nongshi(
        &[],
        &[
            "-C",
            at,
            "sql",
            "--format",
            "csv",
            "-c",
            "select base, sowings > 0 and bound_cny >= objective_cny as sound from plan_summary order by base",
        ],
    );
    let lines = text(&answer.stdout);
    assert!(lines.lines().count() == 3 && lines.lines().skip(1).all(|line| line.ends_with(",true")), "{lines}");
    // dirt was put in, and is found
    let answer = nongshi(&[], &["-C", at, "sql", "--format", "csv", "-c", "select count(*) > 0 from rejected"]);
    assert!(text(&answer.stdout).ends_with("true\n"));

    // the day is told by the folder: midnight may have passed meanwhile
    let day = reports[0].0.split('/').next().expect("reports lie in the folder of their day");
    let second = nongshi(&[], &["-C", at, "run", "--as-of", day]);
    assert!(second.status.success() && text(&second.stderr).contains("nothing changed"), "{}", text(&second.stderr));
    assert!(reports == files(&folder.path().join("chain/reports")));
}

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
