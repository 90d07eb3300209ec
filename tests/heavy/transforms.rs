//! Curated tables: made in the order their SQL tells, once, and never when they break their promises.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod gates;
mod late;

use arrow::array::{ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_domain::{AsOf, LandedTable};
use nongshi_lake::{Batch, Catalog, Lake, LakeError, Layer, TableId};
use nongshi_transforms::{GROUP_BYTES, Made, Outcome, Transform, TransformError, built_in, in_order, register_as_known, run};
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

/// 2025-01-06, a Monday, in days since 1970.
const MONDAY: i32 = 20_094;

async fn free() -> Result<(), LakeError> {
    Ok(())
}

/// Prices of one market: (commodity, days after the Monday, fen per kg), known the day after.
fn prices(content: &str, rows: &[(&str, i32, i128)]) -> Batch {
    let same = |text: &str| Arc::new(StringArray::from(vec![text; rows.len()])) as ArrayRef;
    let fen = |values: Vec<i128>| {
        Arc::new(Decimal128Array::from(values.iter().map(|fen| fen * 100).collect::<Vec<_>>()).with_precision_and_scale(18, 4).unwrap())
            as ArrayRef
    };
    let days = |later: i32| Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| MONDAY + row.1 + later))) as ArrayRef;
    let columns = [
        ("day", days(0)),
        ("market", same("江南")),
        ("commodity", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))) as ArrayRef),
        ("grade", same("")),
        ("category", same("vegetables")),
        ("low_cny_per_kg", fen(rows.iter().map(|row| row.2).collect())),
        ("price_cny_per_kg", fen(rows.iter().map(|row| row.2).collect())),
        ("high_cny_per_kg", fen(rows.iter().map(|row| row.2).collect())),
        ("available_on", days(1)),
        ("feed", same("prices")),
        ("source_row", Arc::new(Int64Array::from_iter_values(1..=rows.len() as i64)) as ArrayRef),
    ];
    Batch {
        feed: "prices".into(),
        address: "prices.csv".into(),
        content: content.into(),
        table: LandedTable::named("market_prices").unwrap(),
        received: rows.len() as u64,
        accepted: RecordBatch::try_from_iter(columns).unwrap(),
        rejected: vec![],
    }
}

fn local(folder: &tempfile::TempDir) -> Lake {
    Lake::open(&Url::from_directory_path(folder.path()).unwrap(), HashMap::new()).unwrap()
}

async fn session(lake: &Lake, as_of: AsOf) -> (SessionContext, Catalog) {
    let ctx = nongshi_functions::session(SessionConfig::new().with_target_partitions(2)).unwrap();
    let catalog = Catalog::pin(lake).await.unwrap();
    catalog.register(&ctx, lake, as_of).await.unwrap();
    (ctx, catalog)
}

async fn make(lake: &Lake, as_of: AsOf, transforms: &[Transform]) -> Result<Vec<Made>, TransformError> {
    let (ctx, mut catalog) = session(lake, as_of).await;
    run(lake, &ctx, transforms, as_of, &mut catalog, GROUP_BYTES, &free).await
}

/// The one number a query answers.
async fn count(ctx: &SessionContext, query: &str) -> i64 {
    let answer = ctx.sql(query).await.unwrap().collect().await.unwrap();
    answer[0].column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0)
}

fn outcome(made: &[Made], name: &str) -> Outcome {
    made.iter().find(|made| made.name == name).unwrap().outcome
}

fn as_of(days: i32) -> AsOf {
    AsOf(chrono::NaiveDate::default() + chrono::Days::new((MONDAY + days) as u64))
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_made_once_and_again_only_when_they_say_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let transforms = in_order(built_in().unwrap()).unwrap();
    let place = |name: &str| transforms.iter().position(|transform| transform.name == name).unwrap();
    assert!(place("price_daily") < place("price_weekly"), "the order comes from the SQL");

    lake.land(&prices("1", &[("菜心", 0, 401), ("菜心", 1, 403), ("番茄", 0, 600)]), free).await.unwrap();
    assert_eq!(outcome(&make(&lake, as_of(7), &transforms).await.unwrap(), "price_weekly"), Outcome::New);
    assert!(make(&lake, as_of(7), &transforms).await.unwrap().iter().all(|made| made.outcome == Outcome::Untouched));
    // a row that is known only later is no reason to compute
    lake.land(&prices("2", &[("菜心", 30, 999)]), free).await.unwrap();
    let made = make(&lake, as_of(7), &transforms).await.unwrap();
    assert_eq!((outcome(&made, "price_daily"), outcome(&made, "price_weekly")), (Outcome::Untouched, Outcome::Untouched));

    let weekly = cells(&lake, as_of(7), "select commodity, week, price_cny_per_kg, days from price_weekly order by 3").await;
    let told = ["菜心      | 2025-01-06 | 4.0200           | 2", "番茄      | 2025-01-06 | 6.0000           | 1"];
    for (line, row) in weekly.lines().skip(3).zip(told) {
        assert!(line.contains(row), "{weekly}");
    }
    let pin = lake.pin(&TableId::new(Layer::Curated, "price_weekly")).await.unwrap().unwrap();
    assert_eq!(pin.schema.field_with_name("price_cny_per_kg").unwrap().data_type(), &DataType::Decimal128(18, 4));
    for (id, pin) in Catalog::pin(&lake).await.unwrap().pins.iter().filter(|(id, _)| id.layer == Layer::Curated) {
        let float = pin.schema.fields().iter().find(|field| field.data_type().is_floating());
        assert!(float.is_none(), "{id}: {float:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_day_never_sees_the_stored_tables() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let transforms = in_order(built_in().unwrap()).unwrap();
    lake.land(&prices("1", &[("菜心", 0, 400), ("菜心", 20, 500)]), free).await.unwrap();
    make(&lake, as_of(40), &transforms).await.unwrap();
    for (days, weeks) in [(40, 2), (7, 1), (0, 0)] {
        let (ctx, catalog) = session(&lake, as_of(days)).await;
        assert!(register_as_known(&lake, &ctx, &transforms, as_of(days), &catalog).await.faults.is_empty());
        let rows = ctx.table("price_weekly").await.unwrap().count().await.unwrap();
        assert_eq!(rows, weeks, "{days} days after the Monday");
    }
}

/// Sales of one shop: (product, day after the Monday, line, tenths of a gram, fen per kg).
type Sale = (usize, i32, usize, i128, i128);

fn sales(content: &str, rows: &[Sale]) -> Batch {
    let text = |value: &dyn Fn(&Sale) -> String| Arc::new(StringArray::from_iter_values(rows.iter().map(value))) as ArrayRef;
    let exact = |value: &dyn Fn(&Sale) -> Option<i128>| {
        Arc::new(rows.iter().map(value).collect::<Decimal128Array>().with_precision_and_scale(18, 4).unwrap()) as ArrayRef
    };
    let days = |later: i32| Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| MONDAY + row.1 + later))) as ArrayRef;
    let none = || Arc::new(Int64Array::new_null(rows.len())) as ArrayRef;
    let no_text = || Arc::new(StringArray::new_null(rows.len())) as ArrayRef;
    let columns = [
        ("shop", text(&|_| "一店".into())),
        ("product", text(&|row| row.0.to_string())),
        ("day", days(0)),
        ("line", text(&|row| row.2.to_string())),
        ("product_name", text(&|row| format!("菜{}", row.0))),
        ("category", text(&|_| "vegetables".into())),
        ("channel", text(&|_| "shop".into())),
        ("quantity_kg", exact(&|row| Some(row.3))),
        ("quantity_pieces", exact(&|_| None)),
        ("price_cny_per_kg", exact(&|row| Some(row.4 * 100))),
        ("price_cny_per_piece", exact(&|_| None)),
        ("till_lines", none()),
        ("discounted_lines", none()),
        ("member_tier", no_text()),
        ("payment", no_text()),
        ("promotion", no_text()),
        ("available_on", days(1)),
        ("feed", text(&|_| "sales".into())),
        ("source_row", Arc::new(Int64Array::from_iter_values(1..=rows.len() as i64)) as ArrayRef),
    ];
    Batch {
        feed: "sales".into(),
        address: "sales.csv".into(),
        content: content.into(),
        table: LandedTable::named("sales").unwrap(),
        received: rows.len() as u64,
        accepted: RecordBatch::try_from_iter(columns).unwrap(),
        rejected: vec![],
    }
}

const PRODUCTS: usize = 3;
const LINES: usize = 400;

/// 1,200 sales in two weeks whose quantities span seven orders of magnitude: as floats their sum would depend on the order.
fn sold() -> Vec<Sale> {
    let sale = |product: usize, line: usize| {
        let kg = 1 + (line * line * 7_919 + product * 31) as i128 % 10_i128.pow(1 + (line % 7) as u32);
        (product, (line % 14) as i32, line, kg, 100 + (line % 37) as i128)
    };
    (0..PRODUCTS).flat_map(|product| (0..LINES).map(move |line| sale(product, line))).collect()
}

async fn cells(lake: &Lake, as_of: AsOf, query: &str) -> String {
    let (ctx, _) = session(lake, as_of).await;
    pretty_format_batches(&ctx.sql(query).await.unwrap().collect().await.unwrap()).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_exact_and_do_not_depend_on_the_order() {
    let transforms = in_order(built_in().unwrap()).unwrap();
    let in_turn = sold();
    // as floats the order would show: the data can tell a float sum from an exact one
    let float = |rows: &mut dyn Iterator<Item = &Sale>| rows.map(|row| row.3 as f64 / 1e4 * (row.4 as f64 / 1e2)).sum::<f64>();
    assert_ne!(float(&mut in_turn.iter()), float(&mut in_turn.iter().rev()));
    let mut told: Vec<[String; 3]> = Vec::new();
    // (a step that shares no factor with 1,200 rows, rows in a batch)
    for (step, chunk) in [(1, 1_200), (1_199, 1_200), (491, 401), (7, 97)] {
        let folder = tempfile::tempdir().unwrap();
        let lake = local(&folder);
        let rows: Vec<Sale> = (0..in_turn.len()).map(|place| in_turn[place * step % in_turn.len()]).collect();
        for (place, rows) in rows.chunks(chunk).enumerate() {
            lake.land(&sales(&place.to_string(), rows), free).await.unwrap();
        }
        make(&lake, as_of(40), &transforms).await.unwrap();
        let daily = cells(&lake, as_of(40), "select * from sales_daily order by product, day").await;
        let weekly = cells(&lake, as_of(40), "select * from sales_weekly order by commodity, week").await;
        let sums = cells(&lake, as_of(40), "select commodity, week, sold_kg, days from sales_weekly order by 1, 2").await;
        told.push([daily, weekly, sums]);
    }
    for other in &told[1..] {
        assert_eq!(other, &told[0]);
    }
    // and they are what whole numbers say
    for product in 0..PRODUCTS {
        for week in 0..2 {
            let tenths: i128 = in_turn.iter().filter(|row| row.0 == product && row.1 / 7 == week).map(|row| row.3).sum();
            let monday = as_of(7 * week).0;
            let kg = format!("{}.{:04}", tenths / 10_000, tenths % 10_000);
            let line =
                told[0][2].lines().find(|line| line.contains(&format!("菜{product}")) && line.contains(&monday.to_string())).unwrap();
            assert_eq!(line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>()[2..], [kg.as_str(), "7"], "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_is_read_from_the_sql() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    lake.land(&prices("1", &[("菜心", 0, 400), ("番茄", 0, 600)]), free).await.unwrap();
    // by name `a` would come first: it reads `b` in a CTE and `c` in a subquery, and `b` reads `c`
    let text = |query: &str| format!("-- A row is a commodity.\n-- key: commodity\n{query}");
    let transforms = [
        ("a", "with seen as (select * from b) select commodity, n from seen where commodity in (select commodity from c where n > 1)"),
        ("b", "select c.commodity, c.n + 1 as n from c join c as again on c.commodity = again.commodity"),
        ("c", "select commodity, count(*) as n from market_prices group by commodity"),
    ];
    let read = transforms.map(|(name, query)| Transform::read(name, &text(query)).unwrap());
    let ordered = in_order(read.to_vec()).unwrap();
    let made = make(&lake, as_of(7), &ordered).await.unwrap();
    let told: Vec<_> = made.iter().map(|made| (made.name.as_str(), made.outcome, made.rows)).collect();
    assert_eq!(told, [("c", Outcome::New, Some(2)), ("b", Outcome::New, Some(2)), ("a", Outcome::New, Some(0))]);
    // a row more below goes up through all of them
    lake.land(&prices("2", &[("菜心", 1, 410)]), free).await.unwrap();
    assert!(make(&lake, as_of(7), &ordered).await.unwrap().iter().all(|made| made.outcome == Outcome::New));
    assert!(cells(&lake, as_of(7), "select commodity, n from a").await.contains("| 菜心      | 3 |"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_promise_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    lake.land(&prices("1", &[("菜心", 0, 400), ("菜心", 1, 500)]), free).await.unwrap();
    let good = Transform::read("kept", "-- A row is a day.\n-- key: day\nselect day from market_prices").unwrap();
    let made = make(&lake, as_of(7), &[good]).await.unwrap();
    for (text, words) in [
        ("-- A row is one.\n-- key: commodity\nselect commodity, day from market_prices", "2 rows break `key (commodity) is unique`"),
        (
            "-- A row is one.\n-- key: day\n-- check: price_cny_per_kg < 5\nselect day, price_cny_per_kg from market_prices",
            "1 rows break `price_cny_per_kg < 5`",
        ),
        // what cannot be told is not held
        (
            "-- A row is one.\n-- key: day\n-- check: price < 5\nselect day, nullif(price_cny_per_kg, 4) as price from market_prices",
            "2 rows break `price < 5`",
        ),
        (
            "-- A row is one.\n-- key: day\nselect nullif(day, date '2025-01-06') as day from market_prices",
            "1 rows break `key (day) is there`",
        ),
    ] {
        for name in ["broken", "kept"] {
            let transform = Transform::read(name, text).unwrap();
            let made = make(&lake, as_of(7), &[transform]).await.unwrap().remove(0);
            assert_eq!(made.outcome, Outcome::Refused);
            assert!(made.broken[0].what.contains(words) && !made.broken[0].warns, "{:?}", made.broken);
        }
        assert!(lake.table(&TableId::new(Layer::Curated, "broken")).await.unwrap().is_none());
        // what stood before the broken query stands
        let kept = lake.table(&TableId::new(Layer::Curated, "kept")).await.unwrap().unwrap();
        assert_eq!(kept.version(), Some(made[0].version));
    }
}
