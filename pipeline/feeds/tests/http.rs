//! A price board read over HTTP: a small server here answers as the Xinfadi market's board does, and everything that can go
//! wrong on the way does. Pages land in a lake of memory; the binary's own landing is tested with the binary.

mod board;

use board::{Answer, Asked, Board, page, prices};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{FutureExt, StreamExt};
use nongshi_domain::Seed;
use nongshi_feeds::{Contract, Fault, FeedError, Landed, Outside, SecretAt, fetch, parse};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const CONTRACT: &str = r#"
version = 1
table = "market_prices"
[source]
kind = "http"
url = "http://AT/getPriceData.html"
method = "POST"
idempotent = true
form = { limit = "20", current = "{page}", prodName = "", pubDateStartTime = "{day:%Y/%m/%d}", pubDateEndTime = "{day:%Y/%m/%d}" }
headers = { X-Token = "{secret:token}" }
secrets = { token = { env = "BOARD_TOKEN" } }
days = { from = "2026-07-01", again_days = 0 }
page = { total = "/count" }
requests_per_second = 1000
[format]
kind = "json"
records = "list"
[columns]
day = { from = "pubDate", extract = '^\S+' }
market = { value = "新发地" }
commodity = { from = "prodName", clean = true }
grade = { from = "specInfo" }
category = { from = "prodCat", values = { "蔬菜" = "vegetables", "水果" = "fruit" } }
low_cny_per_kg = { from = "lowPrice", unit = "元/斤", above = 0 }
price_cny_per_kg = { from = "avgPrice", unit = "元/斤", above = 0 }
[available_on]
column = "day"
lag_days = 1
"#;

/// A board that is asked for no day.
const NO_DAY: &[(&str, &str)] = &[
    (", pubDateStartTime = \"{day:%Y/%m/%d}\", pubDateEndTime = \"{day:%Y/%m/%d}\"", ""),
    ("days = { from = \"2026-07-01\", again_days = 0 }\n", ""),
];
/// The rest between two requests.
const POLITE: Duration = Duration::from_millis(1);

thread_local! {
    static NOW: Cell<DateTime<Utc>> = const { Cell::new(DateTime::UNIX_EPOCH) };
    static RESTS: RefCell<Vec<Duration>> = const { RefCell::new(Vec::new()) };
}

/// It is noon in Shanghai on that day.
fn noon(day: &str) {
    NOW.set(format!("{day}T04:00:00Z").parse().expect("a day"));
}

/// The rests since the last time, but for those between two requests.
fn rests() -> Vec<Duration> {
    RESTS.take().into_iter().filter(|rest| *rest != POLITE).collect()
}

fn text(board: &Board, changes: &[(&str, &str)]) -> String {
    let mut text = CONTRACT.replace("AT", &board.at);
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

fn contract(board: &Board, changes: &[(&str, &str)]) -> Contract {
    Contract::read("xinfadi", &text(board, changes)).unwrap_or_else(|error| panic!("{error} {:?}", error.hint()))
}

/// What landed, in memory.
#[derive(Default)]
struct Lake {
    landed: Vec<Landed>,
    kept: BTreeMap<String, Bytes>,
    /// Day, name, price and when it was known, row by row.
    rows: Vec<String>,
}

impl Lake {
    /// Lands at most so many new pages, and tells how many there were.
    async fn run(&mut self, contract: &Contract, most: usize) -> Result<usize, FeedError> {
        let kept = self.kept.clone();
        let outside = Outside {
            secret: Arc::new(|at| (*at == SecretAt::Environment("BOARD_TOKEN".into())).then(|| "canary-token".into())),
            now: || NOW.get(),
            pause: |rest| {
                RESTS.with_borrow_mut(|rests| rests.push(rest));
                async {}.boxed()
            },
            landed: self.landed.clone(),
            kept: Arc::new(move |content| {
                let found = kept.get(&content).cloned();
                async move { found.ok_or(format!("{content} is not kept")) }.boxed()
            }),
            ..Outside::nothing()
        };
        let mut pages = 0;
        let mut sources = fetch(contract, &outside).await?;
        while pages < most
            && let Some(source) = sources.next().await
        {
            let source = source?;
            assert!(!source.address.contains("canary"), "{}", source.address);
            if self.landed.iter().any(|page| page.address == source.address && self.kept[&page.content] == source.bytes) {
                continue;
            }
            let parsed = parse(contract, &source)?;
            assert_eq!((parsed.received, parsed.rejected.len()), (parsed.accepted.num_rows() as u64, 0), "{:?}", parsed.rejected.first());
            let column = |name: &str| {
                let column = parsed.accepted.column_by_name(name).expect("a column of the table");
                let show = arrow::util::display::ArrayFormatter::try_new(column, &Default::default()).expect("a type with a text");
                (0..column.len()).map(|row| show.value(row).to_string()).collect::<Vec<_>>()
            };
            let columns = ["day", "commodity", "price_cny_per_kg", "available_on"].map(column);
            self.rows.extend((0..parsed.accepted.num_rows()).map(|row| columns.each_ref().map(|cells| cells[row].as_str()).join(" ")));
            let content = format!("content-{}", self.landed.len());
            self.kept.insert(content.clone(), source.bytes);
            self.landed.push(Landed { address: source.address, content });
            pages += 1;
        }
        Ok(pages)
    }

    async fn all(&mut self, contract: &Contract) -> usize {
        self.run(contract, usize::MAX).await.unwrap_or_else(|error| panic!("{error}"))
    }

    fn addresses(&self) -> Vec<&str> {
        self.landed.iter().map(|page| page.address.strip_prefix("http:xinfadi/?").expect("an address of ours")).collect()
    }

    /// How many rows there are, and how many different ones.
    fn count(&self) -> (usize, usize) {
        (self.rows.len(), self.rows.iter().collect::<std::collections::BTreeSet<_>>().len())
    }
}

/// What an error says, hint and all, whether in fetching or in parsing; it never holds the secret or the host.
async fn wrong(board: &Board, changes: &[(&str, &str)]) -> (Option<Fault>, String) {
    let contract = contract(board, changes);
    let error = Lake::default().run(&contract, usize::MAX).await.expect_err("something is wrong");
    let hint = error.hint().map_or(String::new(), |hint| hint.0);
    let fault = if let FeedError::Place { fault, .. } = &error { Some(*fault) } else { None };
    let said = format!("{error} ({hint}) {error:?}");
    assert!(!said.contains("canary") && !said.contains(&board.at), "{said}");
    assert!(fault.is_none() || !hint.is_empty(), "{said}");
    (fault, said)
}

/// Two days of 47 prices; the others have none.
fn two_days(asked: &Asked) -> Answer {
    let day = asked.value("pubDateStartTime").expect("the form asks for a day");
    page(asked, &prices(&day, if day.as_str() <= "2026/07/02" { 1..48 } else { 1..1 }))
}

#[tokio::test]
async fn every_row_lands_once_whatever_happens_on_the_way() {
    noon("2026-07-03");
    let board = Board::open(|asked, before| match before {
        0 | 4 => Answer::error(503, None),
        1 => Answer::Hangs,
        3 => Answer::error(429, Some("7")),
        5 => Answer::Half("{\"count\": 47, \"list\": []}".into()),
        6 => Answer::error(503, Some("Fri, 03 Jul 2026 04:00:30 GMT")),
        _ => two_days(asked),
    });
    let mut lake = Lake::default();
    lake.all(&contract(&board, &[])).await;
    assert_eq!(lake.count(), (94, 94));
    let pages: Vec<String> =
        ["01", "02"].iter().flat_map(|day| ["1", "2", "3&last"].map(|page| format!("day=2026-07-{day}&page={page}"))).collect();
    assert_eq!(lake.addresses(), pages);
    assert_eq!(lake.rows[0], "2026-07-01 番茄1 3.0200 2026-07-02");
    let rests = rests();
    assert_eq!((rests.len(), rests[2], rests[5]), (6, Duration::from_secs(7), Duration::from_secs(30)), "{rests:?}");
    let drawn: Vec<&Duration> = [0, 1, 3, 4].iter().map(|place| &rests[*place]).collect();
    assert!(drawn.iter().all(|rest| **rest < Duration::from_millis(1_600)), "{rests:?}");
    // the board got what it wants: the secret, the day, a form
    let asked = board.asked();
    assert_eq!((asked.len(), asked[0].method.as_str(), asked[0].target.as_str()), (12, "POST", "/getPriceData.html"));
    assert_eq!(asked[0].headers["x-token"], "canary-token");
    assert_eq!(asked[0].body, "current=1&limit=20&prodName=&pubDateEndTime=2026%2F07%2F01&pubDateStartTime=2026%2F07%2F01");
    assert!(asked.iter().all(|asked| !asked.headers.contains_key("accept-encoding") && !asked.headers.contains_key("referer")));
}

#[tokio::test]
async fn on_a_bad_line_the_tables_are_those_of_a_good_one() {
    noon("2026-07-03");
    let mut undisturbed = Lake::default();
    undisturbed.all(&contract(&Board::open(|asked, _| two_days(asked)), &[])).await;
    let (mut failed, mut asked_in_all) = (0, 0);
    for seed in 0..50 {
        let board = Board::open(move |asked, before| match Seed(seed).derive(&before.to_string()).uniform() {
            0.0..0.1 => Answer::error(503, None),
            0.1..0.2 => Answer::Hangs,
            0.2..0.3 => match two_days(asked) {
                Answer::Says(_, _, body) => Answer::Half(body),
                other => other,
            },
            0.3..0.35 => Answer::error(429, Some("1")),
            _ => two_days(asked),
        });
        let contract = contract(&board, &[]);
        let mut lake = Lake::default();
        // some runs end because five tries in a row failed, others because they are cut off after a page
        for most in [1, 2, usize::MAX, usize::MAX, usize::MAX] {
            failed += usize::from(lake.run(&contract, most).await.is_err());
        }
        asked_in_all += board.asked().len();
        assert_eq!((lake.addresses(), &lake.rows), (undisturbed.addresses(), &undisturbed.rows), "seed {seed}");
    }
    println!("{asked_in_all} requests, {failed} of 250 runs ended early");
    assert!(asked_in_all > 50 * 6 * 4 / 3, "the line was not bad: {asked_in_all} requests");
}

#[tokio::test]
async fn a_second_run_asks_only_what_is_not_known() {
    noon("2026-07-03");
    let board = Board::open(|asked, _| two_days(asked));
    let (once, again) = (contract(&board, &[]), contract(&board, &[("again_days = 0", "again_days = 2")]));
    let mut lake = Lake::default();
    assert_eq!((lake.all(&once).await, board.asked().len()), (6, 6));
    assert_eq!((lake.all(&once).await, board.asked().len()), (0, 6), "nothing is asked");
    assert_eq!((lake.all(&again).await, board.asked().len()), (0, 12), "two days are asked again and say the same");
    noon("2026-07-04");
    // a day without prices is a batch without rows, and is not asked again either
    assert_eq!((lake.all(&once).await, board.asked().len()), (1, 13));
    assert_eq!((lake.addresses()[6], lake.count()), ("day=2026-07-03&page=1&last", (94, 94)));
    assert_eq!((lake.all(&once).await, board.asked().len()), (0, 13));
    // yesterday's day less the lag: the lag is the contract's
    assert_eq!(lake.all(&contract(&board, &[("again_days = 0", "lag_days = 0, again_days = 0")])).await, 1);
    assert_eq!(board.asked()[13].value("pubDateStartTime").as_deref(), Some("2026/07/04"));
}

#[tokio::test]
async fn a_correction_was_not_known_before_it_was_asked() {
    noon("2026-07-02");
    let edition = Arc::new(AtomicUsize::new(0));
    let board = Board::open({
        let edition = edition.clone();
        // first 40 prices, then others on the second page, then a third page
        move |asked, _| {
            let (edition, mut rows) = (edition.load(Ordering::SeqCst), prices("2026-07-01", 1..21));
            rows.extend(prices("2026-07-01", if edition == 0 { 21..41 } else { 121..141 }));
            rows.extend(prices("2026-07-01", if edition == 2 { 41..42 } else { 1..1 }));
            page(asked, if asked.value("pubDateStartTime").as_deref() == Some("2026/07/01") { &rows } else { &[] })
        }
    });
    let contract = contract(&board, &[("again_days = 0", "again_days = 9"), ("total = \"/count\"", "end = \"empty\"")]);
    let mut lake = Lake::default();
    assert_eq!(lake.all(&contract).await, 2, "an empty page behind others lands nowhere");
    edition.store(1, Ordering::SeqCst);
    // the body tells how many there are, so only the other prices make a page another one
    assert_eq!(lake.all(&contract).await, 1);
    noon("2026-07-03");
    edition.store(2, Ordering::SeqCst);
    lake.all(&contract).await;
    let pages = [
        "day=2026-07-01&page=1",
        "day=2026-07-01&page=2&last",
        "day=2026-07-01&page=2&last&corrected=2026-07-02",
        // `count` is in the body: all three say something else
        "day=2026-07-01&page=1&corrected=2026-07-03",
        "day=2026-07-01&page=2&corrected=2026-07-03",
        "day=2026-07-01&page=3&last&corrected=2026-07-03",
        "day=2026-07-02&page=1&last",
    ];
    assert_eq!(lake.addresses(), pages);
    let known: Vec<&str> = lake.rows.iter().filter_map(|row| row.rsplit(' ').next()).collect();
    assert!(known[..60].iter().all(|day| *day == "2026-07-02") && known[60..].iter().all(|day| *day == "2026-07-03"), "{known:?}");
    assert_eq!(lake.count().0, 101);
    assert_eq!(lake.all(&contract).await, 0);
}

#[tokio::test]
async fn stopped_after_any_page_and_run_again_the_pages_are_the_same() {
    noon("2026-07-03");
    for changes in [("total = \"/count\"", "total = \"/count\""), ("total = \"/count\"", "end = \"empty\"")] {
        let board = Board::open(|asked, _| two_days(asked));
        let contract = contract(&board, &[changes]);
        let mut undisturbed = Lake::default();
        assert_eq!(undisturbed.all(&contract).await, 6);
        for stopped_after in 0..6 {
            let mut lake = Lake::default();
            lake.run(&contract, stopped_after).await.expect("the board is there");
            lake.run(&contract, 1).await.expect("the board is there");
            lake.all(&contract).await;
            assert_eq!((lake.addresses(), &lake.rows), (undisturbed.addresses(), &undisturbed.rows), "{stopped_after}");
            assert_eq!(lake.all(&contract).await, 0);
        }
    }
}

#[tokio::test]
async fn a_board_without_a_day_is_known_on_the_day_it_was_asked() {
    let board = Board::open(|asked, _| page(asked, &prices("2026-07-01", 1..31)));
    let mut changes = NO_DAY.to_vec();
    changes
        .push(("day = { from = \"pubDate\", extract = '^\\S+' }", "day = { from_name = true, extract = 'asked=(\\d{4}-\\d\\d-\\d\\d)' }"));
    changes.push(("column = \"day\"\nlag_days = 1", "file_name = 'asked=(\\d{4}-\\d\\d-\\d\\d)'"));
    let contract = contract(&board, &changes);
    let mut lake = Lake::default();
    for (day, pages) in [("2026-07-02", 2), ("2026-07-02", 0), ("2026-07-03", 2)] {
        noon(day);
        assert_eq!(lake.all(&contract).await, pages, "{day}");
    }
    let pages = ["2026-07-02", "2026-07-03"].map(|day| [1, 2].map(|page| format!("asked={day}&page={page}"))).concat();
    assert_eq!(lake.addresses(), pages);
    assert_eq!(lake.rows[29..31], ["2026-07-02 菜心30 3.6000 2026-07-02", "2026-07-03 番茄1 3.0200 2026-07-03"]);
}

#[tokio::test]
async fn pages_follow_a_cursor_an_address_or_a_link() {
    noon("2026-07-03");
    let get = [("method = \"POST\"\nidempotent = true\n", ""), ("form = { limit = \"20\", current = \"{page}\", prodName = \"\" }\n", "")];
    let rows = |number: usize| prices("2026-07-01", number * 10 + 1..number * 10 + 11).join(",");
    let board = Board::open(move |asked, _| {
        let at: usize = asked.value("after").or(asked.value("p")).map_or(0, |text| text.trim_start_matches("c/").parse().expect("ours"));
        let next = if at < 2 { format!("\"c/{}\"", at + 1) } else { "null".into() };
        let address = if at < 2 { format!("\"/other?p={}\"", at + 1) } else { "\"\"".into() };
        let body = format!("{{\"count\": 30, \"page\": {{\"next\": {next}, \"address\": {address}}}, \"list\": [{}]}}", rows(at));
        let link =
            if at < 2 { format!("</x?p=9>; rel=\"last\", </getPriceData.html?p={}>; rel=next", at + 1) } else { "</>; rel=prev".into() };
        Answer::Says(200, vec![("link", link)], body)
    });
    for (page, second) in [
        ("cursor = \"/page/next\", total = \"/count\" }\nquery = { after = \"{cursor}\" }", "/getPriceData.html?after=c%2F1"),
        ("next = \"/page/address\", total = \"/count\" }", "/other?p=1"),
        ("next = \"link\" }", "/getPriceData.html?p=1"),
    ] {
        let mut changes = [NO_DAY, &get].concat();
        changes.push(("total = \"/count\" }", page));
        let before = board.asked().len();
        let mut lake = Lake::default();
        assert_eq!((lake.all(&contract(&board, &changes)).await, lake.count()), (3, (30, 30)), "{page}");
        assert_eq!((board.asked()[before + 1].target.as_str(), board.asked()[before + 1].method.as_str()), (second, "GET"));
        assert_eq!(lake.addresses()[2], "asked=2026-07-03&page=3");
    }
}

#[tokio::test]
async fn what_does_not_add_up_is_refused() {
    noon("2026-07-02");
    // (what the board answers, changes, the fault, what is said)
    type Case = (fn(&Asked, usize) -> Answer, &'static [(&'static str, &'static str)], &'static str);
    let cases: &[Case] = &[
        (|asked, before| page(asked, &prices("2026-07-01", 1..48 + before)), &[], "`/count` was 47 on the first page and is 48 now"),
        // the second page has gone
        (
            |asked, before| match before {
                0 => page(asked, &prices("2026-07-01", 1..31)),
                _ => Answer::ok("{\"count\": 30, \"list\": []}"),
            },
            &[],
            "its 2 pages have 20 rows, where it tells of 30",
        ),
        (
            |asked, _| Answer::ok(format!("{{\"count\": {}, \"list\": []}}", asked.body.len())),
            &[],
            "its 1 pages have 0 rows, where it tells of",
        ),
        // a board that does not look at the number of the page
        (
            |asked, _| page(&Asked { body: asked.body.replace("current=2", "current=1"), ..asked.clone() }, &prices("2026-07-01", 1..48)),
            &[("total = \"/count\"", "end = \"empty\"")],
            "it has the rows of a page before",
        ),
        (
            |asked, _| page(asked, &prices("2026-07-01", 1..48)),
            &[("requests_per_second", "most_pages = 2\nrequests_per_second")],
            "it has more than 2 pages",
        ),
        (
            |_, _| Answer::ok("{\"code\": 401, \"list\": []}"),
            &[("requests_per_second", "expect = { \"/code\" = \"0\" }\nrequests_per_second")],
            "`/code` is `401`, where `expect` wants `0`",
        ),
        (|_, _| Answer::ok("{\"list\": []}"), &[], "`/count` leads to no whole number"),
        (
            |_, _| Answer::ok("{\"list\": []}"),
            &[("total = \"/count\"", "next = \"/links/next\""), ("current = \"{page}\", ", "")],
            "`/links/next` leads to nothing",
        ),
        (
            |_, _| Answer::ok("{\"list\": [], \"next\": \"http://127.0.0.2:1/canary\"}"),
            &[("total = \"/count\"", "next = \"/next\""), ("current = \"{page}\", ", "")],
            "its next page lies at another host, `http://127.0.0.2:1`",
        ),
        (|_, _| Answer::ok("<!DOCTYPE html><p>maintenance"), &[], "it is an HTML page"),
        (|_, _| Answer::ok("{\"list\": [{\"prodName\""), &[], "it is not JSON"),
        (|_, _| Answer::ok(""), &[], "it is empty"),
        (|_, _| Answer::ok("{\"code\": 500, \"list\": null}"), &[], "`list` is not an array of records"),
        (|_, _| Answer::Endless, &[("requests_per_second", "page_mib = 1\nrequests_per_second")], "its answer is longer than 1 MiB"),
        (
            |_, _| Answer::Says(200, Vec::new(), "x".repeat(1 << 21)),
            &[("requests_per_second", "page_mib = 1\nrequests_per_second")],
            "its answer is longer than 1 MiB",
        ),
    ];
    for (answer, changes, words) in cases {
        let board = Board::open(*answer);
        let (fault, said) = wrong(&board, changes).await;
        assert!(said.contains(words), "{words}: {said}");
        assert!(fault.is_none_or(|fault| fault == Fault::Refused), "{words}: {fault:?}");
        // what is refused is not asked again in the same run
        assert!(board.asked().len() <= 3 && rests().is_empty(), "{words}: {} requests", board.asked().len());
    }
    // where the last page comes again and again, that can be said
    let board = Board::open(|asked, _| {
        let last = Asked { body: asked.body.replace("current=4", "current=3"), ..asked.clone() };
        page(&last, &prices("2026-07-01", 1..48))
    });
    let mut lake = Lake::default();
    assert_eq!(lake.all(&contract(&board, &[("total = \"/count\"", "end = \"repeated\"")])).await, 3);
    assert_eq!((lake.count(), board.asked().len()), ((47, 47), 4));
}

#[tokio::test]
async fn an_endless_body_takes_no_more_memory_than_is_allowed() {
    noon("2026-07-02");
    // what the network took and we did not lies in the sockets of this machine: never more than this
    const SOCKETS: u64 = 16 << 20;
    for mib in [1_u64, 64] {
        let board = Board::open(|_, _| Answer::Endless);
        let limit = format!("page_mib = {mib}\nrequests_per_second");
        wrong(&board, &[("requests_per_second", &limit)]).await;
        assert!(board.sent() > mib << 20 && board.sent() < (mib << 20) + SOCKETS, "{mib}: {}", board.sent());
    }
}

#[tokio::test]
async fn a_board_that_does_not_answer_is_left_with_its_reason() {
    noon("2026-07-02");
    // (what the board answers, requests, the fault, what is said)
    type Case = (fn(&Asked, usize) -> Answer, usize, Fault, &'static str);
    let cases: &[Case] = &[
        (|_, _| Answer::error(503, None), 5, Fault::Unreachable, "the server answers 503 Service Unavailable; 5 tries"),
        (|_, _| Answer::Hangs, 5, Fault::Unreachable, "the answer broke off; 5 tries"),
        (|_, _| Answer::Half("{\"list\": []}".into()), 5, Fault::Unreachable, "the answer broke off; 5 tries"),
        (|_, _| Answer::error(429, None), 8, Fault::Unreachable, "the server answers 429 Too Many Requests; 8 tries"),
        (|_, _| Answer::error(503, Some("100")), 4, Fault::Unreachable, "it wants another 100 s of patience"),
        (|_, _| Answer::error(401, None), 1, Fault::Settings, "the server answers 401 Unauthorized"),
        (|_, _| Answer::error(404, None), 1, Fault::Settings, "look at `url`"),
        (|_, _| Answer::error(204, None), 1, Fault::Settings, "the server answers 204 No Content"),
    ];
    for (answer, requests, expect, words) in cases {
        let board = Board::open(*answer);
        let (fault, said) = wrong(&board, &[]).await;
        assert!(
            fault == Some(*expect) && said.contains(words) && said.contains("`http:xinfadi/?day=2026-07-01&page=1`"),
            "{words}: {said}"
        );
        assert_eq!(board.asked().len(), *requests, "{words}");
        // a POST that may not be asked twice is not, and it costs an answer that a second try would have brought
        let board = Board::open(move |asked, before| if before == 0 { answer(asked, 0) } else { two_days(asked) });
        wrong(&board, &[("idempotent = true\n", "")]).await;
        assert_eq!(board.asked().len(), 1, "{words}");
    }
    let mut nobody = Board::open(|_, _| Answer::Hangs);
    nobody.at = "127.0.0.1:1".into();
    let (fault, said) = wrong(&nobody, &[]).await;
    assert!(fault == Some(Fault::Unreachable) && said.contains("the server cannot be reached: connection refused; 5 tries"), "{said}");
    let silent = Board::open(|_, _| Answer::Silence);
    let (fault, said) = wrong(&silent, &[("idempotent = true", "timeout = \"1s\"")]).await;
    assert!(fault == Some(Fault::Unreachable) && said.contains("the server does not answer in time"), "{said}");
    // a server that does not speak TLS is no server whose certificate holds
    let (fault, said) = wrong(&Board::open(|_, _| Answer::Hangs), &[("http://", "https://")]).await;
    assert!(fault == Some(Fault::Settings) && said.contains("no safe way to the server"), "{said}");
}

#[tokio::test]
async fn no_redirect_leads_to_another_host() {
    noon("2026-07-02");
    let other = Board::open(|asked, _| two_days(asked));
    let query = "query = { limit = \"20\", current = \"{page}\", pubDateStartTime = \"{day:%Y/%m/%d}\" }";
    let form = "form = { limit = \"20\", current = \"{page}\", prodName = \"\", pubDateStartTime = \"{day:%Y/%m/%d}\", pubDateEndTime = \"{day:%Y/%m/%d}\" }";
    let get = [("method = \"POST\"\nidempotent = true\n", ""), (form, query)];
    let to_other = format!("http://{}/canary", other.at);
    let redirect = |to: String| {
        move |asked: &Asked, _: usize| match asked.target.split('?').next() {
            Some("/moved") => two_days(asked),
            _ => Answer::Says(
                302,
                vec![("location", format!("{to}?{}", asked.target.split_once('?').map_or("", |(_, query)| query)))],
                String::new(),
            ),
        }
    };
    let board = Board::open(redirect(to_other.clone()));
    for changes in [&get[..], &[]] {
        let (fault, said) = wrong(&board, changes).await;
        assert!(fault == Some(Fault::Settings) && said.contains("it redirects to another host"), "{said}");
    }
    assert!(other.asked().is_empty(), "the other host was asked");
    // on the same host a GET follows, a POST does not, and nobody goes round in a circle
    let board = Board::open(redirect("/moved".into()));
    let mut lake = Lake::default();
    lake.all(&contract(&board, &get)).await;
    assert_eq!(lake.count(), (47, 47));
    let (_, said) = wrong(&board, &[]).await;
    assert!(said.contains("or a POST (302 Found)"), "{said}");
    let board = Board::open(redirect("/again".into()));
    let (_, said) = wrong(&board, &get).await;
    assert!(said.contains("it redirects too often") && board.asked().len() == 6, "{said}");
}

#[tokio::test]
async fn outside_the_window_nothing_is_asked() {
    noon("2026-07-02");
    let board = Board::open(|asked, _| two_days(asked));
    let (fault, said) = wrong(&board, &[("requests_per_second", "window = \"22:00-06:00\"\nrequests_per_second")]).await;
    assert!(fault == Some(Fault::Later) && said.contains("the next begins at 2026-07-02 22:00 (Asia/Shanghai)"), "{said}");
    assert!(board.asked().is_empty());
}

#[test]
fn what_a_contract_may_not_say_is_said_with_its_line() {
    let board = Board::open(|asked, _| two_days(asked));
    for (from, to, words) in [
        ("http://AT/", "http://board.example/", "`url` goes over the network unprotected"),
        ("http://AT/", "https://user:canary@board.example/", "`url` has more than a host"),
        ("http://AT/", "https://{day}.example/", "`url` has more than a host"),
        ("http://AT/", "ftp://board.example/", "neither `https://` nor `http://`"),
        ("getPriceData.html", "list?token={secret:token}", "an address is no place for a secret"),
        ("headers =", "query = { token = \"{secret:token}\" }\nheaders =", "an address is no place for a secret"),
        ("X-Token = \"{secret:token}\"", "Authorization = \"Bearer canary\"", "a contract is no place for a secret"),
        ("X-Token = ", "Host = ", "is set by the client"),
        ("{secret:token}", "{secret:tokens}", "where the secret `tokens` lies is not said"),
        ("{ env = \"BOARD_TOKEN\" }", "{ env = \"A\", file = \"b\" }", "exactly one of `env`, `file`"),
        ("\"POST\"", "\"PUT\"", "method `PUT` is not known"),
        ("method = \"POST\"\nidempotent = true\n", "", "a GET has no `form`"),
        ("method = \"POST\"", "method = \"GET\"", "`idempotent` is for POST"),
        ("{page}", "{pages}", "`{pages}` is no place to be filled in"),
        ("{page}", "1", "nobody asks with `{page}`"),
        ("days = { from = \"2026-07-01\", again_days = 0 }\n", "", "nothing fills `{day}`"),
        ("\"2026-07-01\"", "\"July\"", "`July` is no day"),
        ("total = \"/count\"", "total = \"count\"", "`count` is no pointer"),
        ("total = \"/count\"", "end = \"never\"", "`end = \"never\"` is not known"),
        ("total = \"/count\"", "cursor = \"/next\", end = \"empty\"", "are for numbered pages"),
        ("requests_per_second = 1000", "requests_per_second = 0", "`requests_per_second` is 0"),
        ("requests_per_second", "page_mib = 4096\nrequests_per_second", "`page_mib` is 4096"),
        ("requests_per_second", "time_out = \"1s\"\nrequests_per_second", "the key `time_out` is not known here"),
    ] {
        let text = CONTRACT.replacen(from, to, 1).replace("AT", &board.at);
        let error = Contract::read("xinfadi", &text).expect_err(words);
        assert!(matches!(error, FeedError::Contract { line: 5.., .. }) && error.to_string().contains(words), "{words}: {error}");
    }
    // plain HTTP goes where it is wanted, and to this machine itself in any spelling
    for (to, and) in [("http://board.example/", "plain_http = true\n"), ("http://localhost/", ""), ("http://[::1]:80/", "")] {
        let text = CONTRACT.replacen("http://AT/", to, 1).replacen("method", &format!("{and}method"), 1);
        Contract::read("xinfadi", &text).unwrap_or_else(|error| panic!("{to}: {error}"));
    }
}
