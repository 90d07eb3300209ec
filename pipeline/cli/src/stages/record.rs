//! What past issues said, held against what came: kept by issue, with drift flagged and the champion challenged.
//!
//! In: forecasts of earlier days whose steps are over, and the values known by this day. Out: `forecast_record` (a row an
//! issue, category, target and model) and `forecast_watch` (a row a category and target), and what is to be said of them.
//! Never: a forecast of this day judged by itself; a sum that depends on the order of its rows.

use super::Step;
use super::forecast::{SPOKEN, bug, cadence_name, cutoff, price_table};
use crate::columns::Columns;
use crate::exit::Failure;
use crate::rows::Rows;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use nongshi_domain::{Cadence, Target};
use nongshi_models::forecasting::{Came, Challenger, Drift, challenger, drift};
use std::collections::BTreeMap;

/// Issues older than this are not looked at again.
const KEPT_DAYS: u64 = 400;
/// Sums are made of exact numbers: they are the same in any order.
const EXACT: &str = "decimal(38, 9)";

/// Errors of one model at one horizon of one issue.
struct Errors {
    category: String,
    target: Target,
    model: String,
    issued: String,
    day: NaiveDate,
    horizon: u32,
    tally: Tally,
}

/// Sums over series.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    steps: f64,
    came: f64,
    missed: f64,
    over: f64,
    pinball: f64,
    inside: f64,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.steps += other.steps;
        self.came += other.came;
        self.missed += other.missed;
        self.over += other.over;
        self.pinball += other.pinball;
        self.inside += other.inside;
    }

    fn share(self, of: f64) -> f64 {
        if self.came > 0.0 { of / self.came } else { 0.0 }
    }
}

/// What stands in `forecast_watch`.
struct Watch {
    category: String,
    target: Target,
    days: i64,
    drift: Drift,
    covered: f64,
    challenger: Option<Challenger>,
}

/// Makes both tables of the day; tells whether one changed, and what a planner should know.
pub async fn record(step: &Step<'_>, ctx: &SessionContext) -> Result<(bool, Vec<String>), Failure> {
    let mut errors = Vec::new();
    for cadence in [Cadence::Day, Cadence::Week, Cadence::TenDays, Cadence::Month] {
        let (table, day) = price_table(cadence);
        let came = format!("select market, commodity, grade, {day} as day, price_cny_per_kg as came from {table}");
        errors.extend(judged(step, ctx, (Target::Price, cadence), &came).await?);
    }
    let came = "select '' as market, commodity, '' as grade, week as day, sold_kg as came from sales_weekly";
    errors.extend(judged(step, ctx, (Target::Demand, Cadence::Week), came).await?);
    let promises = promises(step, ctx).await?;
    let watched = watch(&errors, &promises);
    let mut changed = step.publish("forecast_record", issues(&errors, step.as_of.0)?, "").await?;
    changed |= step.publish("forecast_watch", watches(&watched, step.as_of.0)?, "").await?;
    Ok((changed, watched.iter().flat_map(words).collect()))
}

/// The errors of all earlier issues of one target and cadence.
async fn judged(step: &Step<'_>, ctx: &SessionContext, (target, cadence): (Target, Cadence), came: &str) -> Result<Vec<Errors>, Failure> {
    let table = if target == Target::Price { "price_forecast" } else { "demand_forecast" };
    let since = step.as_of.0.checked_sub_days(Days::new(KEPT_DAYS)).unwrap_or(NaiveDate::MIN);
    let exact = |sum: &str| format!("sum(cast({sum} as {EXACT}))");
    let loss = |level: f64, at: &str| {
        format!(
            "case when a.came >= f.{at} then cast({level} as double) * (a.came - f.{at}) else cast({} as double) * (f.{at} - a.came) end",
            1.0 - level
        )
    };
    let pinball = [(0.1, "q10"), (0.5, "q50"), (0.9, "q90")].map(|(level, at)| exact(&loss(level, at))).join(" + ");
    let query = format!(
        "with a as (select market, commodity, grade, day, cast(came as double) as came from ({came}) where came > 0) \
         select f.category, f.model, f.as_of as issued, f.day, f.horizon, count(*) as steps, {} as came, {} as missed, {} as over, {pinball} as pinball, \
         count(*) filter (where a.came between f.q10 and f.q90) as inside from {table} f \
         join a on a.market = f.market and a.commodity = f.commodity and a.grade = f.grade and a.day = f.day \
         where f.as_of < '{}' and f.as_of >= '{since}' and f.cadence = '{}' and f.day <= date '{}' \
         group by f.category, f.model, f.as_of, f.day, f.horizon order by f.category, f.model, f.as_of, f.day, f.horizon",
        exact("a.came"),
        exact("abs(f.q50 - a.came)"),
        exact("f.q50 - a.came"),
        step.as_of,
        cadence_name(cadence),
        cutoff(step.as_of.0, cadence).0
    );
    let rows = Rows::of(ctx, &query).await?;
    let one = |row: usize| {
        let number = |column: &str| rows.number(row, column);
        Some(Errors {
            category: rows.text(row, "category")?,
            target,
            model: rows.text(row, "model")?,
            issued: rows.text(row, "issued")?,
            day: rows.day(row, "day")?,
            horizon: rows.count(row, "horizon")? as u32,
            tally: Tally {
                steps: number("steps")?,
                came: number("came")?,
                missed: number("missed")?,
                over: number("over")?,
                pinball: number("pinball")?,
                inside: number("inside")?,
            },
        })
    };
    Ok((0..rows.len()).filter_map(one).collect())
}

/// What the backtest of an issue led to expect: absolute error by value, for a category, target, issue and range of horizons.
type Promises = BTreeMap<(String, Target, String), Vec<([u32; 2], f64)>>;

async fn promises(step: &Step<'_>, ctx: &SessionContext) -> Result<Promises, Failure> {
    let query = format!(
        "select category, target, as_of as issued, bucket, wape from forecast_scores where model = '{SPOKEN}' and as_of < '{}' \
         order by category, target, as_of, bucket",
        step.as_of
    );
    let rows = Rows::of(ctx, &query).await?;
    let mut found = Promises::new();
    for row in 0..rows.len() {
        let text = |column: &str| rows.text(row, column).unwrap_or_default();
        let target = if text("target") == Target::Price.name() { Target::Price } else { Target::Demand };
        let bucket = text("bucket");
        // `all` is the range of no horizon
        let range = bucket.split_once('-').and_then(|(from, to)| Some([from.parse().ok()?, to.parse().ok()?]));
        if let (Some(range), Some(wape)) = (range, rows.number(row, "wape")) {
            found.entry((text("category"), target, text("issued"))).or_default().push((range, wape));
        }
    }
    Ok(found)
}

/// Drift and challenger of each category and target, by the days the truth came.
fn watch(errors: &[Errors], promises: &Promises) -> Vec<Watch> {
    let mut by_kind: BTreeMap<(&str, Target), Vec<&Errors>> = BTreeMap::new();
    for one in errors {
        by_kind.entry((&one.category, one.target)).or_default().push(one);
    }
    let one = |((category, target), errors): ((&str, Target), Vec<&Errors>)| {
        let mut came: BTreeMap<NaiveDate, [f64; 2]> = BTreeMap::new();
        let mut losses: BTreeMap<String, BTreeMap<NaiveDate, f64>> = BTreeMap::new();
        let mut all = Tally::default();
        for error in errors {
            *losses.entry(error.model.clone()).or_default().entry(error.day).or_default() += error.tally.pinball;
            if error.model != SPOKEN {
                continue;
            }
            all.add(error.tally);
            let promised = promises.get(&(category.to_string(), target, error.issued.clone()));
            let of_horizon = |ranges: &Vec<([u32; 2], f64)>| {
                ranges.iter().find(|([from, to], _)| (*from..=*to).contains(&error.horizon)).map(|(_, wape)| *wape)
            };
            if let Some(wape) = promised.and_then(of_horizon) {
                let day = came.entry(error.day).or_default();
                *day = [day[0] + wape * error.tally.came, day[1] + error.tally.missed];
            }
        }
        let days: Vec<Came> = came.into_iter().map(|(day, [promised, missed])| Came { day, promised, missed }).collect();
        Watch {
            category: category.to_string(),
            target,
            days: days.len() as i64,
            drift: drift(&days),
            covered: if all.steps > 0.0 { all.inside / all.steps } else { 0.0 },
            challenger: challenger(SPOKEN, &losses),
        }
    };
    by_kind.into_iter().map(one).collect()
}

/// The rows of `forecast_record`.
fn issues(errors: &[Errors], as_of: NaiveDate) -> Result<arrow::record_batch::RecordBatch, Failure> {
    let mut found: BTreeMap<(&str, Target, &str, &str), Tally> = BTreeMap::new();
    for one in errors {
        found.entry((&one.category, one.target, &one.issued, &one.model)).or_default().add(one.tally);
    }
    let tallies = || found.values().copied();
    let columns = Columns::default()
        .text("category", found.keys().map(|(category, ..)| category))
        .text("target", found.keys().map(|(_, target, ..)| target.name()))
        .text("issued", found.keys().map(|(_, _, issued, _)| issued))
        .text("model", found.keys().map(|(.., model)| model))
        .count("steps", tallies().map(|tally| tally.steps as i64))
        .number("wape", tallies().map(|tally| tally.share(tally.missed)))
        .number("bias", tallies().map(|tally| tally.share(tally.over)))
        .number("wql", tallies().map(|tally| tally.share(tally.pinball * 2.0 / 3.0)))
        .number("cov80", tallies().map(|tally| tally.inside / tally.steps));
    columns.batch_as_of(as_of).map_err(bug)
}

/// The rows of `forecast_watch`.
fn watches(watched: &[Watch], as_of: NaiveDate) -> Result<arrow::record_batch::RecordBatch, Failure> {
    let challenger = |of: fn(&Challenger) -> f64| watched.iter().map(move |watch| watch.challenger.as_ref().map_or(0.0, of));
    let columns = Columns::default()
        .text("category", watched.iter().map(|watch| &watch.category))
        .text("target", watched.iter().map(|watch| watch.target.name()))
        .count("days", watched.iter().map(|watch| watch.days))
        .number("drift", watched.iter().map(|watch| watch.drift.sum))
        .day("drift_since", watched.iter().map(|watch| watch.drift.since))
        .number("cov80", watched.iter().map(|watch| watch.covered))
        .text("champion", watched.iter().map(|_| SPOKEN))
        .text("challenger", watched.iter().map(|watch| watch.challenger.as_ref().map_or("", |challenger| &challenger.model)))
        .number("challenger_gain", challenger(|challenger| challenger.gain));
    columns.batch_as_of(as_of).map_err(bug)
}

/// What a planner should know of it.
fn words(watch: &Watch) -> Vec<String> {
    let of = format!("{} {}", watch.category, watch.target.name());
    let drifted = watch.drift.since.map(|since| {
        format!("drift: {of} forecasts have erred more than their backtest promised since {since}; trust their bands less (table forecast_watch)")
    });
    let challenged = watch.challenger.as_ref().map(|challenger| {
        let [wins, days] = challenger.days;
        format!(
            "challenger: {of}: `{}` would have lost {:.0} % less than `{SPOKEN}`, on {wins} of {days} days (table forecast_watch)",
            challenger.model,
            100.0 * challenger.gain
        )
    });
    drifted.into_iter().chain(challenged).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(model: &str, missed: impl Fn(u64) -> f64) -> Vec<Errors> {
        let first = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day");
        let one = |step: u64| Errors {
            category: "vegetables".into(),
            target: Target::Price,
            model: model.into(),
            issued: "2023-12-31".into(),
            day: first + Days::new(step),
            horizon: step as u32 + 1,
            tally: Tally { steps: 10.0, came: 100.0, missed: missed(step), over: -missed(step), pinball: missed(step), inside: 8.0 },
        };
        (0..28).map(one).collect()
    }

    fn promises() -> Promises {
        let ranges = vec![([1, 7], 0.1), ([8, 28], 0.2)];
        Promises::from([(("vegetables".into(), Target::Price, "2023-12-31".into()), ranges)])
    }

    #[test]
    fn each_horizon_is_held_to_its_own_promise() {
        let as_promised = |step: u64| if step < 7 { 10.0 } else { 20.0 };
        let watched = watch(&errors(SPOKEN, as_promised), &promises());
        assert_eq!((watched.len(), watched[0].days, watched[0].drift.since, watched[0].covered), (1, 28, None, 0.8));
        assert!(words(&watched[0]).is_empty());
        let watched = watch(&errors(SPOKEN, |step| as_promised(step) * 2.0), &promises());
        let said = words(&watched[0]);
        assert!(said.len() == 1 && said[0].contains("drift: vegetables price") && said[0].contains("since 2024-01-01"), "{said:?}");
    }

    #[test]
    fn a_member_that_served_better_challenges() {
        let mut all = errors(SPOKEN, |step| if step < 7 { 10.0 } else { 20.0 });
        all.extend(errors("ets", |step| if step < 7 { 9.0 } else { 18.0 }));
        let watched = watch(&all, &promises());
        let said = words(&watched[0]);
        assert_eq!(
            said,
            ["challenger: vegetables price: `ets` would have lost 10 % less than `combination`, on 28 of 28 days (table forecast_watch)"]
        );
        let kept = issues(&all, NaiveDate::MIN).expect("columns of one length");
        assert_eq!(kept.num_rows(), 2);
    }
}
