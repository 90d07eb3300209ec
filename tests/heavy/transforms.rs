//! Curated tables: made in the order their SQL tells, once, and never when they break their promises.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_domain::{AsOf, LandedTable};
use nongshi_lake::{Batch, Catalog, Lake, LakeError, Layer, TableId};
use nongshi_transforms::{Made, Outcome, Transform, TransformError, built_in, in_order, register_as_known, run};
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
    let (ctx, catalog) = session(lake, as_of).await;
    run(lake, &ctx, transforms, as_of, &mut catalog.versions(), &free).await
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
    // a row that is known only later: computed again, and the same
    lake.land(&prices("2", &[("菜心", 30, 999)]), free).await.unwrap();
    let made = make(&lake, as_of(7), &transforms).await.unwrap();
    assert_eq!((outcome(&made, "price_daily"), outcome(&made, "price_weekly")), (Outcome::Same, Outcome::Untouched));

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
        assert!(register_as_known(&lake, &ctx, &transforms, as_of(days), &catalog.versions()).await.is_empty());
        let rows = ctx.table("price_weekly").await.unwrap().count().await.unwrap();
        assert_eq!(rows, weeks, "{days} days after the Monday");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_promise_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    lake.land(&prices("1", &[("菜心", 0, 400), ("菜心", 1, 500)]), free).await.unwrap();
    for (text, words) in [
        ("-- A row is one.\n-- key: commodity\nselect commodity, day from market_prices", "2 rows break `key (commodity) is unique`"),
        (
            "-- A row is one.\n-- key: day\n-- check: price_cny_per_kg < 5\nselect day, price_cny_per_kg from market_prices",
            "1 rows break `price_cny_per_kg < 5`",
        ),
        (
            "-- A row is one.\n-- key: day\nselect nullif(day, date '2025-01-06') as day from market_prices",
            "1 rows break `key (day) is there`",
        ),
    ] {
        let transform = Transform::read("broken", text).unwrap();
        let error = make(&lake, as_of(7), &[transform]).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(lake.table(&TableId::new(Layer::Curated, "broken")).await.unwrap().is_none());
    }
}
