//! Aggregates over the series of a group: what they say is what the models say, for any order and any partitioning.

use super::{CROPS, FIRST_WEEK, WEEKS, ask, count, guarded, lines, unguarded, value};
use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, ListArray, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use chrono::NaiveDate;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Accumulator;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::prelude::SessionContext;
use nongshi_domain::{Category, Cutoff};
use nongshi_models::forecasting::{Asked, AskedRow, backtest_from_ends};
use std::sync::Arc;

/// Few origins keep a test short.
const FEW: &str = "origins=4";
/// The rows of two groups, with two slipped decimals and a missing week in each series.
const GROUPED: &str = "(select case when g in ('丝瓜', '小白菜') then 'green' else 'red' end as cat, g, ds, \
    case when ds in (date '2024-06-03', date '2024-09-02') then y * 10 else y end as y from series where ds <> date '2024-01-01')";

/// Every function with its list's key column, over the two groups and over the five series.
fn unnested() -> [(String, &'static str); 4] {
    let panel = |call: &str| format!("select cat k, unnest({call}) f from {GROUPED} group by cat");
    let single = |call: &str| format!("select g k, unnest({call}) f from {GROUPED} group by g");
    [
        (panel(&format!("forecast_panel(g, ds, y, 3, '{FEW}')")), "horizon"),
        (panel(&format!("backtest(g, ds, y, 3, 2, 4, '{FEW}, season=26')")), "model"),
        (single("decompose(ds, y, 'season=26')"), "day"),
        (single("anomalies(ds, y)"), "day"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_function_depends_on_the_order_or_the_partitions() {
    let (once, shuffled, spread) = (guarded(1, 1), guarded(7, 4), guarded(11, 2));
    for (unnested, key) in unnested() {
        let query = format!("select k, f from ({unnested}) order by k, f['{key}'], f");
        let told = ask(&once, &query).await;
        assert!(told.lines().count() > 4 + 2, "{told}");
        assert_eq!(told, ask(&shuffled, &query).await, "{query}");
        assert_eq!(told, ask(&spread, &query).await, "{query}");
    }
}

/// How many rows a query above each `unnest` has, and how many it loses without the guard; a second sort key is lost too.
#[tokio::test(flavor = "multi_thread")]
async fn queries_above_each_unnest_are_right_and_without_the_guard_they_are_not() {
    let (right, bare) = (guarded(1, 4), unguarded());
    for (unnested, key) in unnested() {
        let plain = unnested.replace("unnest(", "cardinality(");
        let answer = right.sql(&format!("select cast(sum(f) as double) from ({plain})")).await.unwrap().collect().await.unwrap();
        let all = answer[0].column(0).as_primitive::<Float64Type>().value(0) as i64;
        let groups = count(&right, &plain).await;
        assert!(all > groups, "{unnested}: {all} rows of {groups} groups");
        let rows = count(&right, &format!("select * from ({unnested})")).await;
        assert_eq!(rows, all, "{unnested}");
        // what tells rows apart in one group: some columns repeat in others
        let grouped = format!("select k, f, count(*) from ({unnested}) group by k, f");
        let joined = format!("select u.k from ({unnested}) u join ({plain}) c on c.k = u.k");
        for query in [&grouped, &joined] {
            assert_eq!(count(&right, query).await, all, "{query}");
        }
        assert_eq!(count(&bare, &grouped).await, groups, "when this is right, upstream has mended it: {grouped}");
        let falling = format!("select k, f['{key}'] as part from ({unnested}) order by k, part desc");
        let told = cells(lines(&right, &falling).await);
        let mut sorted = told.clone();
        sorted.sort_by(|a, b| a[0].cmp(&b[0]).then(b[1].cmp(&a[1])));
        assert_eq!(told, sorted, "{falling}");
        let limited = cells(lines(&right, &format!("{falling} limit 4")).await);
        assert_eq!(limited, sorted[..limited.len()], "{falling}");
        assert_eq!(limited.len() as i64, all.min(4));
    }
}

fn cells(lines: Vec<String>) -> Vec<Vec<String>> {
    lines.iter().map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect()).collect()
}

fn day(week: i32) -> NaiveDate {
    NaiveDate::default() + chrono::Days::new((FIRST_WEEK + 7 * week) as u64)
}

fn rows() -> Vec<AskedRow> {
    let of = |crop: usize| (0..WEEKS).map(move |week| (CROPS[crop].to_string(), day(week), value(crop, week)));
    (0..CROPS.len()).flat_map(of).collect()
}

/// The cells of each row of the only list, as text.
async fn list(ctx: &SessionContext, call: &str) -> StructArray {
    let answer = ctx.sql(&format!("select {call} from series")).await.unwrap().collect().await.unwrap();
    answer[0].column(0).as_list::<i32>().value(0).as_struct().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_in_sql_is_the_models_own() {
    let ctx = guarded(7, 4);
    let found = list(&ctx, "forecast_panel(g, ds, y, 3, 'origins=4, growing=seldom, cutoff=2025-03-01')").await;
    let growing = Some(nongshi_models::forecasting::Growing::Seldom);
    let cutoff = Some(Cutoff("2025-03-01".parse().unwrap()));
    let asked = Asked { horizon: 3, origins: Some(4), growing, cutoff, ..Asked::default() };
    let said = asked.forecast(&asked.panel(Category("any".into()), rows())).forecasts;
    let steps: Vec<_> = said.iter().flat_map(|said| said.steps.iter().map(move |step| (said.key.clone(), step))).collect();
    assert_eq!(steps.len(), 15);
    let keys: Vec<String> = found.column_by_name("key").unwrap().as_string::<i32>().iter().flatten().map(String::from).collect();
    assert_eq!(keys, steps.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
    for (name, place) in [("q10", 0), ("q50", 1), ("q90", 2), ("y_hat", 1)] {
        let column: Vec<f64> = found.column_by_name(name).unwrap().as_primitive::<Float64Type>().values().to_vec();
        assert_eq!(column, steps.iter().map(|(_, step)| step.quantiles[place]).collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backtest_in_sql_is_the_models_own() {
    let found = list(&guarded(11, 2), "backtest(g, ds, y, 3, 2, 4, 'origins=4, season=26')").await;
    // a year apart these series do not move, and what does not move is not scored
    let asked = Asked { horizon: 3, origins: Some(4), seasons: vec![26], ..Asked::default() };
    let panel = asked.panel(Category("any".into()), rows());
    let scores = backtest_from_ends(&panel, 2, 4, &asked.settings(panel.cadence)).scores;
    let models: Vec<&str> = found.column_by_name("model").unwrap().as_string::<i32>().iter().flatten().collect();
    assert_eq!(models, scores.keys().map(String::as_str).collect::<Vec<_>>());
    let column = |name: &str| found.column_by_name(name).unwrap().as_primitive::<Float64Type>().values().to_vec();
    assert_eq!(column("mase"), scores.values().map(|row| row.mase).collect::<Vec<_>>());
    assert_eq!(column("bias"), scores.values().map(|row| row.bias).collect::<Vec<_>>());
    assert!(scores["combination"].windows == 10 && column("cov80").iter().all(|share| (0.0..=1.0).contains(share)));
}

fn accumulator() -> Box<dyn Accumulator> {
    let kinds = [("g", DataType::Utf8), ("ds", DataType::Date32), ("y", DataType::Float64), ("horizon", DataType::Int64)];
    let fields: Vec<_> = kinds.map(|(name, kind)| Arc::new(Field::new(name, kind, true))).into();
    let function = nongshi_functions::aggregates().find(|aggregate| aggregate.name() == "forecast_panel").unwrap();
    let kinds: Vec<DataType> = fields.iter().map(|field| field.data_type().clone()).collect();
    let args = AccumulatorArgs {
        return_field: Arc::new(Field::new("f", function.return_type(&kinds).unwrap(), true)),
        schema: &Schema::new(fields.clone()),
        ignore_nulls: false,
        order_bys: &[],
        is_reversed: false,
        name: "f",
        is_distinct: false,
        exprs: &[],
        expr_fields: &fields,
    };
    function.accumulator(args).unwrap()
}

fn batch(crops: std::ops::Range<usize>, weeks: std::ops::Range<i32>) -> Vec<ArrayRef> {
    let places: Vec<(usize, i32)> = crops.flat_map(|crop| weeks.clone().map(move |week| (crop, week))).collect();
    vec![
        Arc::new(StringArray::from_iter_values(places.iter().map(|(crop, _)| CROPS[*crop]))),
        Arc::new(Date32Array::from_iter_values(places.iter().map(|(_, week)| FIRST_WEEK + 7 * week))),
        Arc::new(Float64Array::from_iter_values(places.iter().map(|(crop, week)| value(*crop, *week)))),
        Arc::new(Int64Array::from(vec![2; places.len()])),
    ]
}

/// The parts of partitions, merged in any order and through one another, say the same and tell their memory.
#[test]
fn parts_of_a_panel_merge_in_any_order() {
    /// A key's place, a day and a value.
    const ROW: usize = 2 * size_of::<i32>() + size_of::<f64>();
    let parts = [(0..3, 0..50), (2..5, 50..WEEKS), (3..5, 0..50), (0..2, 50..WEEKS)];
    let state = |part: usize| -> Vec<ArrayRef> {
        let mut accumulator = accumulator();
        let empty = accumulator.size();
        accumulator.update_batch(&batch(parts[part].0.clone(), parts[part].1.clone())).unwrap();
        let state = accumulator.state().unwrap().iter().map(|state| state.to_array().unwrap()).collect();
        assert_eq!(accumulator.size(), empty, "what was handed over is no longer held");
        state
    };
    let merged = |order: [usize; 4]| -> ScalarValue {
        let mut whole = accumulator();
        order.iter().for_each(|part| whole.merge_batch(&state(*part)).unwrap());
        assert!(whole.size() >= ROW * CROPS.len() * WEEKS as usize, "{}", whole.size());
        whole.evaluate().unwrap()
    };
    let once = merged([0, 1, 2, 3]);
    let ScalarValue::List(list) = &once else { panic!("{once:?}") };
    let list: &ListArray = list;
    assert_eq!(list.value(0).len(), 2 * CROPS.len());
    assert_eq!(once, merged([3, 1, 0, 2]));
    assert_eq!(once, merged([2, 0, 3, 1]));
    // a state on its way to a third partition
    let mut through = accumulator();
    through.merge_batch(&state(1)).unwrap();
    through.merge_batch(&state(3)).unwrap();
    let mut whole = accumulator();
    let moved: Vec<ArrayRef> = through.state().unwrap().iter().map(|state| state.to_array().unwrap()).collect();
    for state in [state(2), moved, state(0)] {
        whole.merge_batch(&state).unwrap();
    }
    assert_eq!(once, whole.evaluate().unwrap());
}
