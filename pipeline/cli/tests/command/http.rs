//! A price board through the binary: it lands, goes away and comes back, and what it says is landed once.

use crate::board::{Answer, Board, page, prices};
use crate::{files, nongshi, text};
use chrono::{Days, NaiveDate, TimeDelta, Utc};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const CONTRACT: &str = r#"
version = 1
table = "market_prices"
[source]
kind = "http"
url = "http://AT/getPriceData.html"
method = "POST"
idempotent = true
form = { limit = "20", current = "{page}", pubDateStartTime = "{day:%Y/%m/%d}", key = "{secret:key}" }
secrets = { key = { file = "secrets/board" } }
days = { from = "FROM" }
page = { total = "/count" }
requests_per_second = 1000
[format]
kind = "json"
records = "list"
[columns]
day = { from = "pubDate", extract = '^\S+' }
market = { value = "新发地" }
commodity = { from = "prodName" }
grade = { from = "specInfo" }
category = { from = "prodCat", values = { "蔬菜" = "vegetables", "水果" = "fruit" } }
price_cny_per_kg = { from = "avgPrice", unit = "元/斤", above = 0 }
[available_on]
column = "day"
lag_days = 1
"#;

/// Yesterday in Shanghai.
fn yesterday() -> NaiveDate {
    (Utc::now() + TimeDelta::hours(8)).date_naive() - Days::new(1)
}

/// A project with the board, asked from the day before yesterday, and the plots.
fn project(board: &Board) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().join("chain");
    assert!(nongshi(&[], &["init", at.to_str().expect("a plain path")]).status.success());
    std::fs::remove_file(at.join("feeds/market_prices.toml")).expect("init wrote it");
    let contract = CONTRACT.replace("AT", &board.at).replace("FROM", &(yesterday() - Days::new(1)).to_string());
    std::fs::write(at.join("feeds/board.toml"), contract).expect("a temporary folder");
    std::fs::create_dir(at.join("secrets")).expect("a temporary folder");
    std::fs::write(at.join("secrets/board"), "canary-key\n").expect("a temporary folder");
    (folder, at)
}

fn ingest(at: &Path) -> (Option<i32>, String) {
    let ended = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "ingest"]);
    (ended.status.code(), text(&ended.stdout) + &text(&ended.stderr))
}

fn sql(at: &Path, query: &str) -> String {
    let answer = nongshi(&[], &["-C", at.to_str().expect("a plain path"), "sql", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout)
}

#[test]
fn a_board_lands_once_and_holds_up_nobody_while_it_is_away() {
    let away = Arc::new(AtomicBool::new(false));
    let board = Board::open({
        let away = away.clone();
        move |asked, _| {
            if away.load(Ordering::SeqCst) {
                return Answer::Hangs;
            }
            let day = asked.value("pubDateStartTime").expect("the form asks for a day");
            assert_eq!(asked.value("key").as_deref(), Some("canary-key"));
            page(asked, &prices(&day, 1..31))
        }
    });
    let (_folder, at) = project(&board);
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("5 new, 0 known; of the new 60 received = 60 accepted + 0 rejected"), "{said}");
    let count = "select count(*) n, count(distinct commodity || cast(day as varchar)) d, min(price_cny_per_kg) p from landed.market_prices";
    assert_eq!(sql(&at, count), "n,d,p\n60,60,3.0200\n");
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("nothing changed"), "{said}");
    assert_eq!(board.asked().len(), 6, "only the last day is asked again");
    // the board goes away: the plots land all the same
    away.store(true, Ordering::SeqCst);
    std::fs::write(at.join("reference/plots.csv"), "base,plot,system,area_mu\n从化,A1,upland,12\n").expect("init wrote it");
    let before = sql(&at, "select count(*) n from batches");
    let (code, said) = ingest(&at);
    assert_eq!(code, Some(5), "{said}");
    let address = format!("`http:board/?day={}&page=1`: the answer broke off; 5 tries", yesterday());
    assert!(said.contains("gap: board feed:") && said.contains(&address) && said.contains("(hint: "), "{said}");
    assert_ne!(sql(&at, "select count(*) n from batches"), before, "the plots wait for nobody");
    away.store(false, Ordering::SeqCst);
    let (code, said) = ingest(&at);
    assert!(code == Some(0) && said.contains("nothing changed"), "{said}");
    assert_eq!(sql(&at, count), "n,d,p\n60,60,3.0200\n");
    for (name, bytes) in files(&at).into_iter().filter(|(name, _)| name != "secrets/board") {
        assert!(!text(&bytes).contains("canary"), "{name} holds the secret");
    }
}
