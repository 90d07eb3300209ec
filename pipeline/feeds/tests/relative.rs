//! Values far from what their product showed lately: what is refused, from which history, and what is not.

use chrono::{Days, NaiveDate};
use nongshi_feeds::{Contract, History, Parsed, Source, parse, parse_after};
use proptest::prelude::*;

const PRICES: &str = r#"
version = 1
table = "market_prices"
[source]
kind = "files"
root = "."
files = ["inbox/*.csv"]
[format]
kind = "csv"
[columns]
day = { from = "day" }
market = { value = "江南市场" }
commodity = { from = "name" }
grade = { value = "" }
category = { value = "vegetables" }
price_cny_per_kg = { from = "price", unit = "元/公斤", times = 10 }
[available_on]
source = "known"
"#;

fn contract() -> Contract {
    Contract::read("prices", PRICES).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()))
}

fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day") + Days::new(number)
}

/// Day, name, price, days until it was known.
type Row<'a> = (u64, &'a str, &'a str, u64);

fn source(rows: &[Row<'_>]) -> Source {
    let lines = rows.iter().map(|(at, name, price, later)| format!("{},{name},{price},{}\n", day(*at), day(at + later)));
    let text = std::iter::once("day,name,price,known\n".to_string()).chain(lines).collect::<String>();
    Source { address: "./inbox/prices.csv".into(), bytes: text.into_bytes().into() }
}

fn after(history: &History, rows: &[Row<'_>]) -> Parsed {
    parse_after(&contract(), &source(rows), history).expect("a source that can be read")
}

/// What was accepted of these rows.
fn learnt(rows: &[Row<'_>]) -> History {
    let mut history = History::default();
    history.learn(&contract(), &parse(&contract(), &source(rows)).expect("readable").accepted).expect("the landed shape");
    history
}

fn ten_days(price: &'static str) -> Vec<Row<'static>> {
    (0..10).map(|at| (at, "菜心", price, 0)).collect()
}

fn refused(parsed: &Parsed) -> Vec<(i64, &str)> {
    parsed.rejected.iter().map(|row| (row.source_row, row.rule.as_str())).collect()
}

#[test]
fn a_slipped_point_is_refused_with_the_usual_value_and_nothing_else_is() {
    let history = learnt(&ten_days("3.4"));
    let rows = [(10, "菜心", "34.0", 0), (10, "菜心", "34.1", 0), (11, "菜心", ".34", 0), (11, "菜心", "0.33", 0), (11, "番茄", "340", 0)];
    let parsed = after(&history, &rows);
    assert_eq!(refused(&parsed), [(2, "relative"), (4, "relative")], "ten times is allowed, more is not; a new product has no usual price");
    let reason = &parsed.rejected[0].reason;
    for said in ["34.1", "10 times above 3.4", "median of the product's 10 values from 2024-01-01 to 2024-01-10"] {
        assert!(reason.contains(said), "{reason}");
    }
    assert!(parsed.rejected[1].reason.contains("times below"), "{}", parsed.rejected[1].reason);
    assert_eq!(parsed.received, parsed.accepted.num_rows() as u64 + parsed.rejected.len() as u64);
}

#[test]
fn without_the_key_or_with_too_few_values_nothing_is_judged() {
    let slip = [(10, "菜心", "3400", 0)];
    assert_eq!(refused(&after(&learnt(&ten_days("3.4")[..9]), &slip)), []);
    let plain = PRICES.replace(", times = 10", "");
    let contract = Contract::read("prices", &plain).expect("a contract");
    assert!(!contract.is_relative());
    let parsed = parse_after(&contract, &source(&slip), &learnt(&ten_days("3.4"))).expect("readable");
    assert_eq!(parsed.accepted.num_rows(), 1);
}

#[test]
fn a_file_is_its_own_history_from_day_to_day() {
    let mut rows = ten_days("3.4");
    rows.extend([(10, "菜心", "34.5", 0), (11, "菜心", "3.5", 0), (12, "菜心", "34.5", 0)]);
    rows.reverse();
    assert_eq!(refused(&after(&History::default(), &rows)), [(1, "relative"), (3, "relative")], "whatever the order of the rows");
}

#[test]
fn what_was_not_known_yet_judges_nobody() {
    let late: Vec<Row<'_>> = ten_days("3.4").into_iter().map(|(at, name, price, _)| (at, name, price, 30)).collect();
    let history = learnt(&late);
    assert_eq!(refused(&after(&history, &[(11, "菜心", "340", 0)])), []);
    assert_eq!(refused(&after(&history, &[(11, "菜心", "340", 40)])), [(1, "relative")]);
}

#[test]
fn a_corrected_day_counts_once_as_it_was_last_known() {
    // ten days at 340, put right by the next day
    let wrong: Vec<Row<'_>> = ten_days("340");
    let right: Vec<Row<'_>> = ten_days("3.4").into_iter().map(|(at, name, price, _)| (at, name, price, 1)).collect();
    let history = learnt(&[wrong, right].concat());
    assert_eq!(refused(&after(&history, &[(12, "菜心", "3.4", 0)])), []);
    assert_eq!(refused(&after(&history, &[(12, "菜心", "340", 0)])), [(1, "relative")]);
}

#[test]
fn a_level_that_has_really_moved_is_taken_after_a_while() {
    let mut history = learnt(&ten_days("3.4"));
    let taken = (10..80).find(|at| {
        let parsed = after(&history, &[(*at, "菜心", "68", 0)]);
        history.learn(&contract(), &parsed.accepted).expect("the landed shape");
        parsed.rejected.is_empty()
    });
    // day 45 still sees the ten values of days 0 to 9, day 46 sees nine of them
    assert_eq!(taken, Some(46));
}

#[test]
fn the_key_is_refused_where_it_means_nothing() {
    for (key, said) in [("times = 1", "refuse every change"), ("times = 0.5", "refuse every change")] {
        let text = PRICES.replace("times = 10", key);
        let error = Contract::read("prices", &text).expect_err("no bound").to_string();
        assert!(error.contains(said) && error.contains("feeds/prices.toml:16:"), "{error}");
    }
    let text = PRICES.replace("from = \"name\"", "from = \"name\", times = 10");
    let error = Contract::read("prices", &text).expect_err("a text").to_string();
    assert!(error.contains("`times` means nothing for column `commodity`"), "{error}");
}

proptest! {
    /// Killed and run again, in one file or in many: history follows from what landed alone.
    #[test]
    fn history_does_not_depend_on_how_the_rows_came(prices in proptest::collection::vec((0_u64..150, 1_u32..2_000, 0_u64..3), 1..60), cut in 0_usize..60) {
        let prices: Vec<(u64, String, u64)> = prices.into_iter().map(|(at, price, later)| (at, format!("{}.{}", price / 10, price % 10), later)).collect();
        let rows: Vec<Row<'_>> = prices.iter().map(|(at, price, later)| (*at, "菜心", price.as_str(), *later)).collect();
        // what stands after the whole is what is learnt, in any pieces
        let accepted = parse(&contract(), &source(&rows)).expect("readable").accepted;
        let cut = cut.min(accepted.num_rows());
        let (mut whole, mut pieces) = (History::default(), History::default());
        whole.learn(&contract(), &accepted).expect("the landed shape");
        pieces.learn(&contract(), &accepted.slice(cut, accepted.num_rows() - cut)).expect("the landed shape");
        pieces.learn(&contract(), &accepted.slice(0, cut)).expect("the landed shape");
        let asked: Vec<Row<'_>> = (60..160).step_by(7).map(|at| (at, "菜心", if at % 2 == 0 { "0.5" } else { "900" }, 2)).collect();
        for row in asked {
            let (one, other) = (after(&whole, &[row]), after(&pieces, &[row]));
            prop_assert_eq!(refused(&one), refused(&other));
        }
    }
}
