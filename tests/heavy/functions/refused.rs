//! What every aggregate takes, and what it refuses in words.

use super::{ask, guarded};
use datafusion::prelude::SessionContext;

/// Text, decimals, timestamps and dictionaries are the same rows; so is a null beside them.
#[tokio::test(flavor = "multi_thread")]
async fn kinds_do_not_matter_and_nulls_are_no_rows() {
    let ctx = guarded(7, 4);
    ctx.sql("create view exact as select g, ds, cast(y as decimal(12, 4)) as y from series").await.unwrap();
    let query = |key: &str, day: &str, value: &str, from: &str| {
        format!("select forecast_panel({key}, {day}, {value}, 2, 'origins=3') from {from} where g in ('番茄', '辣椒') or g is null")
    };
    let right = answer(&ctx, &query("g", "ds", "cast(y as double)", "exact")).await;
    assert!(right.contains("番茄") && right.contains("2025-04-28"), "{right}");
    let nulls = "(select g, ds, y from exact union all select null, date '2024-01-01', 1 union all select '番茄', null, 1 \
        union all select '番茄', date '2024-01-03', null)";
    for (key, day, value, from) in [
        ("g", "ds", "y", "exact"),
        ("arrow_cast(g, 'Utf8View')", "cast(ds as varchar)", "arrow_cast(y, 'Decimal256(30, 4)')", "exact"),
        ("arrow_cast(g, 'Dictionary(Int32, Utf8)')", "arrow_cast(ds, 'Timestamp(Nanosecond, None)')", "y", "exact"),
        ("arrow_cast(g, 'LargeUtf8')", "arrow_cast(ds, 'Date64')", "y", "exact"),
        ("g", "ds", "y", nulls),
    ] {
        assert_eq!(answer(&ctx, &query(key, day, value, from)).await, right, "{key}, {day}, {value} from {from}");
    }
}

/// The cells, without the column's name.
async fn answer(ctx: &SessionContext, query: &str) -> String {
    ask(ctx, query).await.lines().filter(|line| line.starts_with('|')).skip(1).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_without_a_row_give_empty_lists() {
    let ctx = guarded(1, 4);
    for call in ["forecast_panel(g, ds, y, 2)", "backtest(g, ds, y, 2, 2, 2)", "decompose(ds, y)", "anomalies(ds, y)"] {
        let empty = answer(&ctx, &format!("select {call} from series where false")).await;
        assert!(empty.contains("| [] "), "{call}: {empty}");
        let filtered = answer(&ctx, &format!("select g, {call} filter (where y < 0) from series where g = '番茄' group by g")).await;
        assert!(filtered.contains("| [] "), "{call}: {filtered}");
        let rows = answer(&ctx, &format!("select unnest({call}) from series where false")).await;
        assert!(rows.is_empty(), "{call}: {rows}");
        // too short for anything
        let short = answer(&ctx, &format!("select {call} from series where g = '番茄' and ds < date '2023-01-20'")).await;
        assert!(short.contains("| [] "), "{call}: {short}");
    }
    let silent = answer(&ctx, "select forecast(ds, y, 2) is null from series where false").await;
    assert!(silent.contains("true"), "{silent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_in_words() {
    let ctx = guarded(1, 2);
    for (call, words) in [
        ("forecast_panel(g, ds, y)", "forecast_panel takes forecast_panel(key, day, y, horizon [, options]); 3 arguments were given"),
        ("forecast_panel(y, ds, y, 3)", "the key is Float64; a text or a whole number is needed"),
        ("forecast_panel(g, y, y, 3)", "the day is Float64; a date is needed"),
        ("forecast_panel(g, ds, g, 3)", "a number is needed (cast a text first)"),
        ("decompose(ds, ds)", "the y is Date32; a number is needed"),
        ("forecast_panel(g, ds, y, 2.5)", "the horizon is Float64; a whole number is needed"),
        ("backtest(g, ds, y, 3, 2, true)", "the step is Boolean; a whole number is needed"),
        ("anomalies(ds, y, 52)", "the last argument is Int64; options are a text such as 'freq=W, season=52'"),
        ("forecast_panel(g, ds, y, 0)", "the horizon is 0; it must lie between 1 and 3660"),
        ("backtest(g, ds, y, 3, 0, 2)", "the windows is 0; it must lie between 1 and 3660"),
        ("forecast_panel(g, ds, y, null)", "the horizon is null"),
        ("forecast_panel(g, ds, y, case when g = '番茄' then 3 else 4 end)", "the horizon must be the same for all rows of a group"),
        ("anomalies(ds, y, g)", "anomalies: `freq` is `"),
        (
            "decompose(ds, y, 'level=10')",
            "option `level` is not known; its options are `cutoff` (a date, the last day that is seen), `freq`",
        ),
        ("decompose(ds, y, 'target=price')", "option `target` is not known"),
        ("forecast_panel(g, ds, y, 3, 'season=0')", "`season` is `0`; it must be steps, such as 7 or 7/364"),
        ("forecast_panel(g, ds, y, 3, 'freq=W, freq=D')", "option `freq` is given twice"),
        ("forecast_panel(g, ds, y, 3, 'since=yesterday')", "`since` is `yesterday`; it must be a date"),
        ("forecast_panel(distinct g, ds, y, 3)", "`distinct` has no meaning here"),
        ("decompose(ds, y)", "one series has two rows for the week of 2023-01-02"),
        ("forecast_panel('all', ds, y, 3)", "key `all` has two rows for the week of 2023-01-02; group by whatever tells series apart"),
        ("forecast_panel(g, ds, y, 3, 'freq=M')", "has two rows for the month of 2023-01-01"),
        ("anomalies('soon', y)", "Cannot cast string 'soon'"),
    ] {
        let said = match ctx.sql(&format!("select {call} from series")).await {
            Ok(frame) => frame.collect().await.map(|_| String::new()).unwrap_or_else(|error| error.to_string()),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(words), "{call}: `{said}` for `{words}`");
    }
}
