//! What past issues said, held against what came: drift is told, the champion challenged.
//!
//! In: forecasts of earlier days whose steps are over, and the values known by this day. Out: the view `forecast_record`,
//! and what is to be said of it. Never: a forecast of this day judged by itself; a sum that depends on the order of its
//! rows; a table that would depend on the order in which days were walked, which is why it is a view.

use super::Step;
use super::forecast::{SPOKEN, cadence_name, cutoff, price_table};
use crate::exit::Failure;
use crate::rows::Rows;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use nongshi_domain::{AsOf, Cadence, Target};
use nongshi_models::forecasting::{Came, Challenger, Drift, challenger, drift};
use std::collections::BTreeMap;

/// Issues older than this are not looked at again.
const KEPT_DAYS: u64 = 400;
/// The view's name.
const VIEW: &str = "forecast_record";
/// What it reads.
const READ: [&str; 7] =
    ["demand_forecast", "forecast_scores", "price_daily", "price_forecast", "price_monthly", "price_weekly", "sales_weekly"];
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
    came: f64,
    missed: f64,
    pinball: f64,
}

/// What is found of a category and target.
struct Watch {
    category: String,
    target: Target,
    drift: Drift,
    challenger: Option<Challenger>,
}

/// What a planner should know of the issues before this one.
pub async fn record(step: &Step<'_>, ctx: &SessionContext) -> Result<Vec<String>, Failure> {
    if !ctx.table_exist(VIEW)? {
        return Ok(Vec::new());
    }
    let watched = watch(&judged(ctx).await?, &promises(step, ctx).await?);
    Ok(watched.iter().flat_map(words).collect())
}

/// Lets a session know the view, where everything it reads is there.
pub async fn register(ctx: &SessionContext, as_of: AsOf) -> Result<(), Failure> {
    for table in READ {
        if !ctx.table_exist(table)? {
            return Ok(());
        }
    }
    let view = ctx.sql(&view_sql(as_of)).await?.into_view();
    ctx.register_table(VIEW, view)?;
    Ok(())
}

/// Forecasts of one target, by one step, beside what came, as SQL: `f` is what was said, `a` what came.
pub struct Compared {
    /// Price or demand.
    pub target: Target,
    /// What stands behind `from`.
    pub from: String,
    /// Holds for the steps that are over.
    pub over: String,
}

/// Every target and cadence that is forecast.
pub fn compared(as_of: AsOf) -> Vec<Compared> {
    let prices = [Cadence::Day, Cadence::Week, Cadence::TenDays, Cadence::Month].map(|cadence| {
        let (table, day) = price_table(cadence);
        let came = format!("select market, commodity, grade, {day} as day, price_cny_per_kg as came from {table}");
        (Target::Price, cadence, "price_forecast", came)
    });
    let came = "select '' as market, commodity, '' as grade, week as day, sold_kg as came from sales_weekly".to_string();
    let one = |(target, cadence, said, came)| Compared {
        target,
        from: format!(
            "{said} f join (select market, commodity, grade, day, cast(came as double) as came from ({came}) where came > 0) a \
             on a.market = f.market and a.commodity = f.commodity and a.grade = f.grade and a.day = f.day"
        ),
        over: format!("f.cadence = '{}' and f.day <= date '{}'", cadence_name(cadence), cutoff(as_of.0, cadence).0),
    };
    prices.into_iter().chain([(Target::Demand, Cadence::Week, "demand_forecast", came)]).map(one).collect()
}

/// A row is the errors of one model at one step of one issue, summed over the series of a category.
fn view_sql(as_of: AsOf) -> String {
    compared(as_of).iter().map(|compared| errors_sql(as_of, compared)).collect::<Vec<_>>().join(" union all ")
}

/// The errors of all earlier issues of one target and cadence.
fn errors_sql(as_of: AsOf, Compared { target, from, over, .. }: &Compared) -> String {
    let since = as_of.0.checked_sub_days(Days::new(KEPT_DAYS)).unwrap_or(as_of.0);
    let exact = |sum: &str| format!("sum(cast({sum} as {EXACT}))");
    let loss = |level: f64, at: &str| {
        let (above, below) = (format!("cast({level} as double)"), format!("cast({} as double)", 1.0 - level));
        format!("case when a.came >= f.{at} then {above} * (a.came - f.{at}) else {below} * (f.{at} - a.came) end")
    };
    let pinball = [(0.1, "q10"), (0.5, "q50"), (0.9, "q90")].map(|(level, at)| exact(&loss(level, at))).join(" + ");
    format!(
        "select f.category, '{}' as target, f.model, f.as_of as issued, f.cadence, f.day, f.horizon, count(*) as steps, {} as came, {} as missed, \
         {} as over, {pinball} as pinball, count(*) filter (where a.came between f.q10 and f.q90) as inside from {from} \
         where f.as_of < '{as_of}' and f.as_of >= '{since}' and {over} \
         group by f.category, f.model, f.as_of, f.cadence, f.day, f.horizon",
        target.name(),
        exact("a.came"),
        exact("abs(f.q50 - a.came)"),
        exact("f.q50 - a.came"),
    )
}

async fn judged(ctx: &SessionContext) -> Result<Vec<Errors>, Failure> {
    let rows = Rows::of(ctx, &format!("select * from {VIEW} order by category, target, model, issued, day, horizon")).await?;
    let one = |row: usize| {
        let number = |column: &str| rows.number(row, column);
        Some(Errors {
            category: rows.text(row, "category")?,
            target: target(&rows.text(row, "target")?),
            model: rows.text(row, "model")?,
            issued: rows.text(row, "issued")?,
            day: rows.day(row, "day")?,
            horizon: rows.count(row, "horizon")? as u32,
            came: number("came")?,
            missed: number("missed")?,
            pinball: number("pinball")?,
        })
    };
    Ok((0..rows.len()).filter_map(one).collect())
}

fn target(name: &str) -> Target {
    if name == Target::Price.name() { Target::Price } else { Target::Demand }
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
        let target = target(&text("target"));
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
        for error in errors {
            *losses.entry(error.model.clone()).or_default().entry(error.day).or_default() += error.pinball;
            if error.model != SPOKEN {
                continue;
            }
            let promised = promises.get(&(category.to_string(), target, error.issued.clone()));
            let of_horizon = |ranges: &Vec<([u32; 2], f64)>| {
                ranges.iter().find(|([from, to], _)| (*from..=*to).contains(&error.horizon)).map(|(_, wape)| *wape)
            };
            if let Some(wape) = promised.and_then(of_horizon) {
                let day = came.entry(error.day).or_default();
                *day = [day[0] + wape * error.came, day[1] + error.missed];
            }
        }
        let days: Vec<Came> = came.into_iter().map(|(day, [promised, missed])| Came { day, promised, missed }).collect();
        Watch { category: category.to_string(), target, drift: drift(&days), challenger: challenger(SPOKEN, &losses) }
    };
    by_kind.into_iter().map(one).collect()
}

/// What a planner should know of it.
fn words(watch: &Watch) -> Vec<String> {
    let of = format!("{} {}", watch.category, watch.target.name());
    let drifted = watch.drift.since.map(|since| {
        format!("drift: {of} forecasts have erred more than their backtest promised since {since}; trust their bands less (view forecast_record)")
    });
    let challenged = watch.challenger.as_ref().map(|challenger| {
        let [wins, days] = challenger.days;
        format!(
            "challenger: {of}: `{}` would have lost {:.0} % less than `{SPOKEN}`, on {wins} of {days} days (view forecast_record)",
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
            came: 100.0,
            missed: missed(step),
            pinball: missed(step),
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
        assert_eq!((watched.len(), watched[0].drift.since), (1, None));
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
            ["challenger: vegetables price: `ets` would have lost 10 % less than `combination`, on 28 of 28 days (view forecast_record)"]
        );
    }
}
