//! Past issues against what came, as the tables tell it and as a query by hand does. In: the demo's folder. Never: a run of its own.

use crate::{nongshi, text};

fn asked(at: &str, query: &str) -> Vec<String> {
    let answer = nongshi(&[], &["-C", at, "sql", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout).lines().skip(1).map(String::from).collect()
}

/// The second issue of the demo holds the first one against four weeks of truth.
pub fn past_issues_are_scored_when_the_truth_comes(at: &str) {
    let days = asked(at, "select distinct as_of from forecast_status order by as_of");
    let [first, second] = &days[..] else { panic!("{days:?}") };
    let issued = asked(at, "select distinct issued, as_of from forecast_record");
    assert_eq!(issued, [format!("{first},{second}")], "a first issue has nothing to be held against");
    let models = asked(at, "select distinct model from forecast_record where category = 'vegetables' and target = 'price' order by 1");
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
            "select steps, round(wape, 5), round(bias, 5), cast(round(cov80 * steps) as bigint) from forecast_record \
             where category = 'vegetables' and target = '{target}' and model = 'combination' and as_of = '{second}'"
        );
        let (by_hand, told) = (asked(at, &query), asked(at, &told));
        assert_eq!(told, by_hand, "{target}");
        assert!(!told[0].starts_with("0,"), "{told:?}");
    }
    let watched =
        asked(at, &format!("select category, target, days > 0, cov80 > 0.3, champion from forecast_watch where as_of = '{second}'"));
    assert!(watched.contains(&"vegetables,price,true,true,combination".to_string()), "{watched:?}");
    assert_eq!(asked(at, &format!("select count(*) from forecast_watch where as_of = '{first}'")), ["0"]);
}
