//! `forecast` as an aggregate, and the guard against DataFusion's wrong `unnest`: the five queries stay.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::util::pretty::pretty_format_batches;
use chrono::NaiveDate;
use datafusion::catalog::MemTable;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_domain::{Cadence, Category, Cutoff, Panel, Target};
use nongshi_models::forecasting::{ForecastSettings, forecast_series};
use std::sync::Arc;

/// Monday 2023-01-02 in days since 1970.
const FIRST_WEEK: i32 = 19_359;
const WEEKS: i32 = 120;
const CROPS: [&str; 5] = ["丝瓜", "小白菜", "番茄", "菜心", "辣椒"];

fn value(crop: usize, week: i32) -> f64 {
    4.0 + crop as f64 + (f64::from(week) / 52.0 * std::f64::consts::TAU).sin() + f64::from((week * 37 + crop as i32 * 11) % 13) / 20.0
}

/// The rows of all crops in an order that the seed shuffles.
fn rows(step: usize) -> RecordBatch {
    let mut order: Vec<(usize, i32)> = (0..CROPS.len()).flat_map(|crop| (0..WEEKS).map(move |week| (crop, week))).collect();
    // a step that shares no factor with the count visits every row once
    let count = order.len();
    order = (0..count).map(|place| order[place * step % count]).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("g", Arc::new(StringArray::from_iter_values(order.iter().map(|(crop, _)| CROPS[*crop])))),
        ("ds", Arc::new(Date32Array::from_iter_values(order.iter().map(|(_, week)| FIRST_WEEK + 7 * week)))),
        ("y", Arc::new(Float64Array::from_iter_values(order.iter().map(|(crop, week)| value(*crop, *week))))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn fill(ctx: SessionContext, step: usize) -> SessionContext {
    let batch = rows(step);
    let chunks = (0..batch.num_rows()).step_by(97).map(|from| batch.slice(from, 97.min(batch.num_rows() - from))).collect();
    ctx.register_table("series", Arc::new(MemTable::try_new(batch.schema(), vec![chunks]).unwrap())).unwrap();
    let names: ArrayRef = Arc::new(StringArray::from(CROPS.to_vec()));
    let places: ArrayRef = Arc::new(Int64Array::from_iter_values(0..CROPS.len() as i64));
    let crops = RecordBatch::try_from_iter([("name", names), ("place", places)]).unwrap();
    ctx.register_batch("crops", crops).unwrap();
    ctx
}

fn guarded(step: usize, partitions: usize) -> SessionContext {
    fill(nongshi_functions::session(SessionConfig::new().with_target_partitions(partitions)).unwrap(), step)
}

/// The same session without the rule: DataFusion as it is.
fn unguarded() -> SessionContext {
    let mut state = SessionStateBuilder::new().with_config(SessionConfig::new().with_target_partitions(2)).with_default_features().build();
    nongshi_functions::register_all(&mut state).unwrap();
    fill(SessionContext::new_with_state(state), 1)
}

async fn ask(ctx: &SessionContext, query: &str) -> String {
    pretty_format_batches(&ctx.sql(query).await.unwrap().collect().await.unwrap()).unwrap().to_string()
}

async fn count(ctx: &SessionContext, query: &str) -> i64 {
    let answer = ctx.sql(&format!("select cast(count(*) as bigint) from ({query})")).await.unwrap().collect().await.unwrap();
    answer[0].column(0).as_primitive::<Int64Type>().value(0)
}

const UNNESTED: &str = "select g k, unnest(forecast(ds, y, 3)) f from series group by g";

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_does_not_depend_on_the_order_or_the_partitions() {
    let query = format!("select k, f['day'] ds, f['q10'], f['y_hat'], f['q90'], f['mean'] from ({UNNESTED}) order by k, ds");
    let once = ask(&guarded(1, 1), &query).await;
    assert_eq!(once.lines().count(), 15 + 4, "{once}");
    // 7 and 11 share no factor with 600 rows
    assert_eq!(once, ask(&guarded(7, 4), &query).await);
    assert_eq!(once, ask(&guarded(11, 2), &query).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_in_sql_is_the_models_own() {
    let answer = guarded(1, 2)
        .sql("select f['y_hat'] y, f['q10'] low from (select unnest(forecast(ds, y, 3)) f from series where g = '番茄')")
        .await
        .unwrap();
    let answer = answer.collect().await.unwrap();
    let epoch = NaiveDate::default();
    let day = |week: i32| epoch + chrono::Days::new((FIRST_WEEK + 7 * week) as u64);
    let values = (0..WEEKS).map(|week| (String::new(), day(week), value(2, week)));
    let panel = Panel::gather(Category(String::new()), Target::Price, Cadence::Week, values);
    let settings = ForecastSettings { horizon: 3, ..ForecastSettings::for_cadence(Cadence::Week) };
    let said = forecast_series(&panel.series[0], &panel.category, Target::Price, Cadence::Week, Cutoff(day(WEEKS - 1)), &settings).unwrap();
    let column = |place: usize| -> Vec<f64> {
        answer.iter().flat_map(|batch| batch.column(place).as_primitive::<Float64Type>().values().to_vec()).collect()
    };
    assert_eq!(column(0), said.steps.iter().map(|step| step.quantiles[1]).collect::<Vec<_>>());
    assert_eq!(column(1), said.steps.iter().map(|step| step.quantiles[0]).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_forecast_is_null_and_nonsense_is_an_error() {
    let ctx = guarded(1, 2);
    let short = ask(&ctx, "select forecast(ds, y, 3) is null as silent from series where g = '番茄' and ds < date '2023-01-20'").await;
    assert!(short.contains("true"), "{short}");
    for (horizon, words) in [("0", "the horizon is 0 steps"), ("1000000000", "it must lie between 1 and")] {
        let error = ctx.sql(&format!("select forecast(ds, y, {horizon}) from series")).await.unwrap().collect().await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = ctx.sql("select forecast(ds, y, 3, 'fortnight') from series").await.unwrap().collect().await.unwrap_err();
    assert!(error.to_string().contains("cadence 'fortnight' is not known"), "{error}");
}

/// Above `select g k, unnest(forecast(..)) f .. group by g`, right: 15 rows of five crops.
#[tokio::test(flavor = "multi_thread")]
async fn five_queries_above_unnest_are_right() {
    let ctx = guarded(1, 2);
    assert_eq!(count(&ctx, &format!("select k, f['day'], count(*) from ({UNNESTED}) group by k, f['day']")).await, 15);
    assert_eq!(count(&ctx, &format!("select u.k, c.place from ({UNNESTED}) u join crops c on c.name = u.k")).await, 15);
    let days = |order: &str| format!("select k, f['day'] as ds from ({UNNESTED}) {order}");
    let down = ask(&ctx, &days("order by k, ds desc")).await;
    let expected: Vec<String> = down.lines().skip(3).take(3).map(String::from).collect();
    let mut sorted = expected.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(expected, sorted, "days fall within a crop\n{down}");
    let first = ask(&ctx, &days("order by k, ds limit 4")).await;
    let first: Vec<&str> = first.lines().skip(3).take(4).collect();
    assert!(first[0] < first[1] && first[1] < first[2] && first[0].contains("丝瓜") && first[3].contains("小白菜"), "{first:?}");
    ctx.sql(&format!("create view said as select k, f['day'] as ds, f['y_hat'] as y_hat from ({UNNESTED})")).await.unwrap();
    assert_eq!(count(&ctx, "select k, ds, count(*) from said group by k, ds").await, 15);
}

/// The negative control: without the rule two of the answers are wrong. When this fails, upstream has mended it.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_guard_the_answers_are_wrong() {
    let ctx = unguarded();
    assert_eq!(count(&ctx, &format!("select k, f['day'], count(*) from ({UNNESTED}) group by k, f['day']")).await, 5);
    assert_eq!(count(&ctx, &format!("select u.k, c.place from ({UNNESTED}) u join crops c on c.name = u.k")).await, 5);
}
