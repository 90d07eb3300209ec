//! A till's database through the binary: killed and run again, outside its window, and everything that can be wrong with
//! it. The servers are those that the environment names; `tests/run` starts them.

use crate::{files, nongshi, text};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const ROWS: usize = 3_000;
/// Pages in which they come.
const PAGES: usize = 15;
/// Files in the lake at which a run is killed.
const KILLED_AT: &[usize] = &[1, 2, 4, 7, 11, 16, 22, 29];

const CONTRACT: &str = r#"
version = 1
table = "sales"
[source]
kind = "KIND"
url_env = "TILL_URL"
relation = "receipts"
watermark = "updated_at"
key = ["id"]
overlap = "2h"
page_rows = 200
[columns]
shop = { from = "shop" }
product = { value = "A1" }
day = { from = "updated_at", extract = '^\S+' }
line = { from = "id" }
product_name = { value = "菜心" }
category = { value = "vegetables" }
channel = { value = "shop" }
quantity_kg = { from = "kg", unit = "kg", above = 0 }
[available_on]
column = "day"
lag_days = 1
"#;

const QUERIES: &[&str] = &[
    "select table_name, feed, batch_seq, batch_id, address, content, received, accepted, rejected from batches order by 1, 3",
    "select feed, source_row, raw, rule, reason from rejected order by 1, 2, 3",
    "select * from landed.sales order by line, batch_seq",
];

/// The kind, and the address with which nongshi reads, of a database with 3,000 receipts; one in 500 has no weight.
fn tills() -> Vec<(&'static str, String)> {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut tills = Vec::new();
    for (kind, variable) in [("mysql", "NONGSHI_TEST_MYSQL"), ("postgres", "NONGSHI_TEST_POSTGRES")] {
        match std::env::var(variable) {
            Ok(keeper) => tills.push((kind, runtime.block_on(fill(kind, &keeper)))),
            Err(_) => {
                assert!(std::env::var_os("CI").is_none(), "{variable} must name a server under CI");
                println!("skipped: {variable} names no server (`tests/run` starts one)");
            }
        }
    }
    tills
}

async fn fill(kind: &str, keeper: &str) -> String {
    let name = format!("command_{}_{:?}", std::process::id(), std::thread::current().id()).replace(['(', ')'], "").to_lowercase();
    let (front, _) = keeper.rsplit_once('/').expect("an address");
    let place = front.rsplit_once('@').expect("an address").1;
    let rows: Vec<String> = (1..=ROWS)
        .map(|id| {
            let kg = if id % 500 == 0 { -1.0 } else { id as f64 / 8.0 };
            format!("({id}, '店{}', {kg}, '2026-01-0{} 0{}:00:00')", id % 7, id % 9 + 1, id % 10)
        })
        .collect();
    let rows = format!("insert into receipts values {}", rows.join(", "));
    if kind == "mysql" {
        let mut server = MySqlConnection::connect(keeper).await.expect("a server");
        for sql in [
            &format!("create database {name} character set utf8mb4"),
            &format!(
                "create table {name}.receipts (id bigint primary key, shop varchar(40), kg decimal(12,4), updated_at datetime(6), key (updated_at, id))"
            ),
            &format!("create user {name} identified by 'canary-reader'"),
            &format!("grant select on {name}.* to {name}"),
            &rows.replace("into receipts", &format!("into {name}.receipts")),
        ] {
            server.execute(sqlx::raw_sql(AssertSqlSafe(sql.as_str()))).await.expect("a server");
        }
    } else {
        let mut server = PgConnection::connect(keeper).await.expect("a server");
        server
            .execute(AssertSqlSafe(format!("create database {name} encoding 'UTF8' locale 'C' template template0")))
            .await
            .expect("a server");
        let mut database = PgConnection::connect(&format!("{front}/{name}")).await.expect("a server");
        for sql in [
            "create table receipts (id bigint primary key, shop text, kg numeric(12,4), updated_at timestamp)",
            "create index on receipts (updated_at, id)",
            &format!("create role {name} login password 'canary-reader'"),
            &format!("grant select on receipts to {name}"),
            &rows,
        ] {
            database.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.expect("a server");
        }
    }
    format!("{kind}://{name}:canary-reader@{place}/{name}")
}

/// A project with one feed, the receipts.
fn project(kind: &str, changes: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().join("chain");
    assert!(nongshi(&[], &["init", at.to_str().expect("a plain path")]).status.success());
    for entry in std::fs::read_dir(at.join("feeds")).expect("init wrote it").flatten() {
        std::fs::remove_file(entry.path()).expect("init wrote it");
    }
    let mut text = CONTRACT.replace("KIND", kind);
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    std::fs::write(at.join("feeds/receipts.toml"), text).expect("a temporary folder");
    (folder, at)
}

fn ingest(at: &Path, url: &str) -> (Option<i32>, String) {
    let ended = nongshi(&[("TILL_URL", url)], &["-C", at.to_str().expect("a plain path"), "ingest", "--as-of", "2026-02-01"]);
    (ended.status.code(), text(&ended.stdout) + &text(&ended.stderr))
}

fn sql(at: &Path, query: &str) -> String {
    let answer = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "sql", "--as-of", "2026-02-01", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout)
}

#[test]
fn killed_in_the_middle_and_run_again_the_tables_are_the_same() {
    for (kind, url) in tills() {
        let (_quiet, undisturbed) = project(kind, &[]);
        let (code, said) = ingest(&undisturbed, &url);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("15 new, 0 known; of the new 3000 received = 2994 accepted + 6 rejected"), "{said}");
        let (_loud, disturbed) = project(kind, &[]);
        let mut killed = 0;
        for count in KILLED_AT {
            let mut child = Command::new(env!("CARGO_BIN_EXE_nongshi"))
                .args(["-C", disturbed.to_str().expect("a plain path"), "ingest", "--as-of", "2026-02-01"])
                .env("TILL_URL", &url)
                .stderr(Stdio::null())
                .spawn()
                .expect("the binary starts");
            while child.try_wait().expect("a child of ours").is_none() {
                if files(&disturbed.join("lake")).len() >= *count {
                    child.kill().expect("a child of ours");
                    child.wait().expect("a child of ours");
                    killed += 1;
                    break;
                }
                std::thread::yield_now();
            }
        }
        assert!(killed >= KILLED_AT.len() / 2, "only {killed} runs were caught alive");
        ingest(&disturbed, &url);
        for query in QUERIES {
            assert_eq!(sql(&undisturbed, query), sql(&disturbed, query), "{kind}: {query}");
        }
        assert_eq!(
            sql(&disturbed, "select count(*), count(distinct line) from landed.sales"),
            "count(*),count(DISTINCT landed.sales.line)\n2994,2994\n"
        );
        let (code, said) = ingest(&disturbed, &url);
        assert!(code == Some(0) && said.contains("nothing changed"), "{said}");
        assert_eq!(sql(&disturbed, "select count(*) n from batches"), format!("n\n{PAGES}\n"));
        // the secret is in no file of the lake, no report, no word
        for (name, bytes) in files(&disturbed) {
            assert!(!text(&bytes).contains("canary"), "{kind}: {name} holds the secret");
        }
        assert!(!said.contains("canary"), "{said}");
    }
}

#[test]
fn a_refused_page_holds_back_those_behind_it() {
    for (kind, url) in tills() {
        // receipt 500 is the first without a weight; a page has 200 rows, and one bad row is beyond this gate
        let (_folder, at) = project(
            kind,
            &[
                ("[available_on]", "[gate]\nrefuse_share = 0.001\n[available_on]"),
                ("relation = \"receipts\"", "query = \"select id, shop, kg, id as updated_at from receipts\""),
                ("overlap = \"2h\"", "overlap = 100"),
                ("day = { from = \"updated_at\", extract = '^\\S+' }", "day = { value = \"2026-01-01\" }"),
            ],
        );
        for _ in 0..2 {
            let (code, said) = ingest(&at, &url);
            assert_eq!(code, Some(4), "{said}");
            assert!(said.contains("has 1 bad rows of 200, more than its gate allows"), "{said}");
            assert_eq!(sql(&at, "select max(cast(line as int)) m from landed.sales"), "m\n400\n", "{kind}");
        }
        let contract = std::fs::read_to_string(at.join("feeds/receipts.toml")).expect("written here");
        std::fs::write(at.join("feeds/receipts.toml"), contract.replace("0.001", "0.01")).expect("written here");
        let (code, said) = ingest(&at, &url);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(sql(&at, "select count(*) n, count(distinct line) d from landed.sales"), "n,d\n2994,2994\n", "{kind}");
    }
}

/// Changes of the contract, the address, the exit code, what is said.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, i32, &'a str);

#[test]
fn what_is_wrong_ends_with_its_code_and_a_hint() {
    for (kind, url) in tills() {
        let unreachable = format!("{kind}://reader:canary-reader@127.0.0.1:1/till");
        let other = url.replace("canary-reader", "canary-other");
        // three hours from now, for an hour, in Shanghai
        let now = chrono::Utc::now() + chrono::TimeDelta::hours(8 + 3);
        let window =
            format!("page_rows = 200\nwindow = \"{}-{}\"", now.format("%H:%M"), (now + chrono::TimeDelta::hours(1)).format("%H:%M"));
        let next = format!("the next begins at {}", now.format("%Y-%m-%d %H:%M"));
        let cases: &[Case] = &[
            (&[], &other, 3, "feed receipts: the server refuses the login"),
            (&[], &unreachable, 5, "feed receipts: the server cannot be reached: connection refused"),
            (&[("\"receipts\"", "\"receipt\"")], &url, 3, "receipt"),
            (&[("TILL_URL", "TILL_ADDRESS")], &url, 3, "the environment variable `TILL_ADDRESS` holds no address"),
            (&[("page_rows = 200", &window)], &unreachable, 1, &next),
        ];
        for (changes, url, code, words) in cases {
            let (_folder, at) = project(kind, changes);
            let (found, said) = ingest(&at, url);
            assert_eq!(found, Some(*code), "{kind} {words}: {said}");
            assert!(said.contains("gap: receipts feed:") && said.contains(words) && said.contains("(hint: "), "{kind} {words}: {said}");
            assert!(!said.contains("canary") && !said.contains("panicked"), "{said}");
        }
    }
}
