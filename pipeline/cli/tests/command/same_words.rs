//! The stage and SQL say the same: `forecast_panel` over a curated table gives the rows of the stage, to the byte.

use crate::{nongshi, text};
use chrono::{NaiveDate, TimeDelta};

/// Category, target, its curated table, that table's step and value, `freq`, and the days after which a series is stale:
/// as the defaults have them. One of each cadence and target: asking all again would take as long as the run.
const ASKED: [(&str, &str, &str, &str, &str, &str, i64); 3] = [
    ("eggs", "price", "price_weekly", "week", "price_cny_per_kg", "W", 45),
    ("grain_oil", "price", "price_monthly", "month", "price_cny_per_kg", "M", 75),
    ("vegetables", "demand", "sales_weekly", "week", "sold_kg", "W", 45),
];
/// The words of the defaults' `[forecasting]`, and the stage's own.
const SETTINGS: &str = "origins=24, explosion=5, growing=seldom";

/// The rows of an answer as CSV lines, as of a day.
pub fn rows(at: &str, as_of: NaiveDate, query: &str) -> Vec<String> {
    let answer = nongshi(&[], &["-C", at, "sql", "--as-of", &as_of.to_string(), "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout).lines().skip(1).map(String::from).collect()
}

/// Compares what the stage published as of a day with what SQL says of the same tables.
pub fn sql_says_what_the_stage_said(at: &str, as_of: NaiveDate) {
    for (category, target, table, step, value, freq, stale) in ASKED {
        let of = format!("from {target}_forecast where as_of = '{as_of}' and model = 'combination' and category = '{category}'");
        let staged = rows(at, as_of, &format!("select key, day, horizon, mean, q10, q50, q90 {of} order by key, day"));
        assert!(staged.len() >= 6, "{category} {target}: {} rows", staged.len());
        let once = rows(at, as_of, &format!("select distinct max(horizon) over (), cutoff {of}"));
        let [(horizon, cutoff)] = once.iter().filter_map(|line| line.split_once(',')).collect::<Vec<_>>()[..] else { panic!("{once:?}") };
        let key = match target {
            "price" => "concat_ws('/', nullif(market, ''), nullif(commodity, ''), nullif(grade, ''))",
            _ => "commodity",
        };
        let asked = |cutoff: &str| {
            let since = as_of - TimeDelta::days(stale);
            let options = format!("freq={freq}, target={target}, cutoff={cutoff}, since={since}, {SETTINGS}");
            format!(
                "select f['key'], f['day'], f['horizon'], f['mean'], f['q10'], f['q50'], f['q90'] \
                 from (select unnest(forecast_panel({key}, {step}, {value}, {horizon}, '{options}')) f \
                 from {table} where category = '{category}') order by f['key'], f['day']"
            )
        };
        assert_eq!(rows(at, as_of, &asked(cutoff)), staged, "{category} {target}");
        if category == "eggs" {
            // another question has another answer: the comparison can fail
            let earlier = cutoff.parse::<NaiveDate>().expect("a day") - TimeDelta::days(14);
            assert_ne!(rows(at, as_of, &asked(&earlier.to_string())), staged);
        }
    }
}
