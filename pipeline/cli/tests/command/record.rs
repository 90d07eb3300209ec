//! Past issues against what came, as the tables tell it and as a query by hand does. In: the demo's folder. Never: a run of its own.

use crate::same_words::rows;
use chrono::NaiveDate;

/// The second issue of the demo holds the first one against four weeks of truth.
pub fn past_issues_are_scored_when_the_truth_comes(at: &str, first: NaiveDate, second: NaiveDate) {
    assert_eq!(rows(at, second, "select distinct issued from forecast_record"), [first.to_string()]);
    assert_eq!(rows(at, first, "select count(*) from forecast_record"), ["0"], "a first issue has nothing to be held against");
    let models =
        rows(at, second, "select distinct model from forecast_record where category = 'vegetables' and target = 'price' order by 1");
    assert!(models.len() > 3 && models.contains(&"combination".to_string()) && models.contains(&"naive".to_string()), "{models:?}");
    for (target, came) in [
        ("price", "select market, commodity, grade, week as day, cast(price_cny_per_kg as double) as came from price_weekly"),
        ("demand", "select '' as market, commodity, '' as grade, week as day, cast(sold_kg as double) as came from sales_weekly"),
    ] {
        let query = format!(
            "select count(*), round(sum(abs(q50 - came)) / sum(came), 5), round(sum(q50 - came) / sum(came), 5), \
             count(*) filter (where came between q10 and q90) from {target}_forecast f join ({came}) a \
             using (market, commodity, grade, day) where f.as_of = '{first}' and f.model = 'combination' and f.category = 'vegetables' \
             and f.cadence = 'week' and f.day + interval '6 days' <= date '{second}'"
        );
        let told = format!(
            "select sum(steps), round(cast(sum(missed) as double) / cast(sum(came) as double), 5), \
             round(cast(sum(over) as double) / cast(sum(came) as double), 5), sum(inside) from forecast_record \
             where category = 'vegetables' and target = '{target}' and model = 'combination'"
        );
        let (by_hand, told) = (rows(at, second, &query), rows(at, second, &told));
        assert_eq!(told, by_hand, "{target}");
        assert!(!told[0].starts_with("0,"), "{told:?}");
    }
}
