//! A table that breaks a promise of its header is not published; what depends on it waits, everything else goes on.

use super::{as_of, free, local, make, outcome, prices};
use nongshi_lake::{Lake, Layer, TableId};
use nongshi_transforms::{Made, Outcome, Transform, in_order};

fn read(name: &str, lines: &str, query: &str) -> Transform {
    Transform::read(name, &format!("-- A row is a day of a commodity.\n-- key: commodity, day\n{lines}\n{query}")).unwrap()
}

fn said(made: &[Made], name: &str) -> String {
    made.iter().find(|made| made.name == name).unwrap().broken.iter().map(|broken| broken.what.clone()).collect::<Vec<_>>().join("; ")
}

async fn lake_with_prices(folder: &tempfile::TempDir) -> Lake {
    let lake = local(folder);
    lake.land(&prices("1", &[("菜心", 0, 400), ("菜心", 1, 410), ("番茄", 1, 600)]), free).await.unwrap();
    lake
}

const PRICES: &str = "select commodity, day, category, price_cny_per_kg as price from market_prices";

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_table_stops_what_reads_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_with_prices(&folder).await;
    let all = |limit: &str| {
        in_order(vec![
            read("first", &format!("-- check: price < {limit}"), PRICES),
            read("second", "", "select commodity, day from first"),
            read("third", "", "select commodity, day from second"),
            read("other", "", PRICES),
        ])
        .unwrap()
    };
    let made = make(&lake, as_of(7), &all("5")).await.unwrap();
    let outcomes = ["first", "second", "third", "other"].map(|name| outcome(&made, name));
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Waits, Outcome::Waits, Outcome::New]);
    assert_eq!(said(&made, "first"), "1 rows break `price < 5`");
    assert_eq!(made.iter().find(|made| made.name == "third").unwrap().waits_for.as_deref(), Some("second"));
    assert!(lake.table(&TableId::new(Layer::Curated, "first")).await.unwrap().is_none());
    // mended, all of them are made; refused again, what stood before stands
    assert!(make(&lake, as_of(7), &all("7")).await.unwrap().iter().all(|made| made.outcome != Outcome::Refused));
    let version = lake.table(&TableId::new(Layer::Curated, "first")).await.unwrap().unwrap().version();
    assert_eq!(outcome(&make(&lake, as_of(7), &all("5")).await.unwrap(), "first"), Outcome::Refused);
    assert_eq!(lake.table(&TableId::new(Layer::Curated, "first")).await.unwrap().unwrap().version(), version);
}

/// Every kind of test, held (first) and broken (second).
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_test_holds_and_breaks() {
    let cases = [
        ("not null: price", "not null: nothing", "3 rows break `nothing is not null`"),
        ("accepted: commodity in 菜心, 番茄", "accepted: commodity in 番茄", "2 rows break `commodity is null or commodity in ('番茄')`"),
        (
            "relation: commodity in market_prices.commodity",
            "relation: commodity in products.product",
            "3 rows break `relation: commodity in products.product`",
        ),
        ("fresh: day within 6 days", "fresh: day within 5 days", "the newest is 2025-01-07: `fresh: day within 5 days`"),
        ("volume: at least 3 rows", "volume: at least 4 rows", "3 rows: `volume: at least 4 rows`"),
    ];
    for part in ["", "-- part: year of day\n"] {
        for (holds, breaks, words) in cases {
            let folder = tempfile::tempdir().unwrap();
            let lake = lake_with_prices(&folder).await;
            let query = "select commodity, day, price_cny_per_kg as price, nullif(1, 1) as nothing from market_prices";
            let made = |line: &str| make_one(&lake, read("t", &format!("{part}-- {line}"), query));
            assert_eq!(made(holds).await.outcome, Outcome::New, "{holds}");
            let broken = made(breaks).await;
            assert_eq!((broken.outcome, said(std::slice::from_ref(&broken), "t").as_str()), (Outcome::Refused, words));
            let warned = made(&format!("warn {breaks}")).await;
            assert_ne!(warned.outcome, Outcome::Refused);
            assert!(warned.broken[0].warns && warned.broken[0].what == words, "{:?}", warned.broken);
        }
    }
}

async fn make_one(lake: &Lake, transform: Transform) -> Made {
    make(lake, as_of(7), &[transform]).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sudden_loss_of_rows_is_seen_and_an_earlier_day_is_none() {
    for part in ["", "-- part: year of day\n"] {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_with_prices(&folder).await;
        let with = |only: &str| read("t", &format!("{part}-- volume: at least 0.5 of before"), &format!("{PRICES}{only}"));
        let at = |days: i32, transform: Transform| {
            let lake = &lake;
            async move { make(lake, as_of(days), &[transform]).await.unwrap().remove(0) }
        };
        assert_eq!(at(7, with("")).await.outcome, Outcome::New);
        let lost = at(7, with(" where commodity = '番茄'")).await;
        assert_eq!(
            (lost.outcome, said(std::slice::from_ref(&lost), "t").as_str()),
            (Outcome::Refused, "1 rows, 3 before: `volume: at least 0.5 of before`")
        );
        // on the first day only one row was known: that is no loss
        assert_eq!(at(1, with("")).await.outcome, Outcome::New, "{part}");
    }
}

/// Nothing new comes, the table is not computed again, and yet it ages.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_made_anew_still_ages() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_with_prices(&folder).await;
    let transform = || read("t", "-- part: year of day\n-- fresh: day within 10 days", PRICES);
    assert_eq!(make(&lake, as_of(7), &[transform()]).await.unwrap()[0].outcome, Outcome::New);
    let aged = make(&lake, as_of(20), &[transform()]).await.unwrap().remove(0);
    assert_eq!((aged.outcome, aged.computed), (Outcome::Refused, 0));
}
