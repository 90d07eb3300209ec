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

/// One answer as CSV.
fn asked(at: &str, query: &str) -> String {
    let answer = nongshi(&[], &["-C", at, "sql", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{}", text(&answer.stderr));
    text(&answer.stdout)
}

#[test]
fn the_second_issue_is_held_against_the_first() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().join("chain");
    let at = at.to_str().expect("a plain path");
    let made = text(&nongshi(&[], &["init", at, "--sample"]).stderr);
    let said = made.split_once("last day is ").expect("init tells its last day").1;
    let latest: chrono::NaiveDate = said.split_whitespace().next().expect("a day").parse().expect("a day");
    let first = latest - chrono::Days::new(28);
    for day in [first, latest] {
        let run = nongshi(&[], &["-C", at, "run", "--as-of", &day.to_string()]);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    }
    let page = |day: chrono::NaiveDate, name: &str| {
        std::fs::read_to_string(folder.path().join(format!("chain/reports/{day}/{name}.zh.html"))).expect("a report of that day")
    };
    let bases = asked(at, "select distinct base from plan_summary order by base");
    for base in bases.lines().skip(1) {
        let (old, new) = (page(first, base), page(latest, base));
        assert!(old.contains("这是第一期") && !old.contains("比上期多"), "{base}: a first issue compares with nothing");
        assert!(!new.contains("这是第一期") && new.contains("落在八成区间"), "{base}: the second tells how good the first was");
        assert!(new.contains("那一期相比") || new.contains("这两周不下种"), "{base}: its verdicts name the first");
    }
    // what the review counts: whole weeks that were forecast on the first day and are over on the second
    let last_whole = nongshi_domain::week_start(latest + chrono::Days::new(1)) - chrono::Days::new(7);
    let weeks = asked(
        at,
        &format!(
            "select count(*) from demand_forecast f join sales_weekly s on s.commodity = f.commodity and s.week = f.day \
             where f.as_of = '{first}' and f.model = 'combination' and s.week <= date '{last_whole}'"
        ),
    );
    let counted = weeks.lines().nth(1).expect("a count");
    let sum: u32 = page(latest, "chain")
        .split("需求</th>")
        .skip(1)
        .filter_map(|row| row.split_once("次中")?.0.rsplit('>').next()?.parse::<u32>().ok())
        .sum();
    assert_eq!(sum.to_string(), counted);
    // a kilogram of the shops' demand is promised to one base only, and what stands in a house is harvested
    let parts = asked(
        at,
        "with s as (select distinct as_of, base, crop, shop_share from plan_outlook where own) \
         select count(*) from (select as_of, crop, sum(shop_share) as parts from s group by as_of, crop) t where parts > 1.000001",
    );
    assert_eq!(parts, "count(*)\n0\n");
    let eggs = asked(at, &format!("select sum(ripe_kg) > 0 from harvest_plan where as_of = '{latest}' and crop = '鸡蛋'"));
    assert!(eggs.ends_with("true\n"), "{eggs}");
    assert!(bases.lines().skip(1).any(|base| page(latest, base).contains("千羽")), "hens are counted in thousands");
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
