//! The data of the chain's report, and what both reports share. In: the day's tables. Out: a `ChainReport`.

use super::Step;
use super::forecast::{SPOKEN, price_table, quoted};
use super::last_issue::review;
use super::names::Names;
use super::report_base::{gap_status, spoken_model};
use crate::exit::Failure;
use crate::gap::Status;
use crate::rows::Rows;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use nongshi_domain::{Cadence, Target, week_start};
use nongshi_reports::{
    CategoryOutlook, ChainReport, FeedCount, Freshness, Gap, GapTarget, Head, ModelUse, Observed, QuantileStep, Quantiles, RejectedRule,
    ScoreRow, SeriesOutlook, UnmappedName, Words,
};
use std::collections::BTreeMap;

/// Unmapped names that are listed; the rest is in the table.
const NAMES: usize = 40;

/// Days before the day in which sales, and after it in which harvests, give a series its weight: eight weeks.
const WEIGHED_DAYS: u64 = 56;
/// Days back in which a harvest of stored goods still counts: a category told by the month is one of those.
const STORED_DAYS: u64 = 365;

/// Gathers the chain's report.
pub async fn gather(step: &Step<'_>, ctx: &SessionContext) -> Result<ChainReport, Failure> {
    let names = Names::of(ctx).await?;
    let mut categories = Vec::new();
    for category in &step.project.settings.categories {
        let of_category = format!("category = '{}'", quoted(&category.category.0));
        categories.push(CategoryOutlook {
            category: category.category.0.clone(),
            price: outlooks(step, ctx, &names, Target::Price, &of_category, 1).await?.pop(),
            demand: outlooks(step, ctx, &names, Target::Demand, &of_category, 1).await?.pop(),
        });
    }
    Ok(ChainReport {
        head: head(step, ctx, Words::same(&step.project.settings.name)).await?,
        gaps: gaps(step, ctx).await?,
        categories,
        review: review(step, ctx).await?,
        scores: scores(step, ctx).await?,
        feeds: feeds(step, ctx).await?,
        rejected: rejected(ctx).await?,
        unmapped: unmapped(ctx).await?,
    })
}

/// What stands above a report.
pub async fn head(step: &Step<'_>, ctx: &SessionContext, name: Words) -> Result<Head, Failure> {
    let alive = Rows::of(
        ctx,
        &format!("select category, target from forecast_status where as_of = '{}' and status = 'alive' order by place, target", step.as_of),
    )
    .await?;
    let model = |row: usize| {
        Some(ModelUse { target: target(&alive.text(row, "target")?), category: alive.text(row, "category")?, model: spoken_model() })
    };
    let markets =
        Rows::of(ctx, &format!("select distinct market from price_forecast where as_of = '{}' order by market", step.as_of)).await?;
    let mut freshness: BTreeMap<String, Freshness> = BTreeMap::new();
    let rows = Rows::of(ctx, "select feed, max(last_day) as last_day from freshness group by feed order by feed").await?;
    for contract in step.project.contracts()?.into_iter().filter(|contract| ["market_prices", "sales"].contains(&contract.table.name)) {
        let last_day = (0..rows.len())
            .find(|row| rows.text(*row, "feed").as_deref() == Some(&contract.feed))
            .and_then(|row| rows.day(row, "last_day"));
        let late = match (last_day, contract.gate.freshness_days) {
            (Some(day), Some(days)) => day + Days::new(u64::from(days)) < step.as_of.0,
            (None, _) => true,
            (Some(_), None) => false,
        };
        freshness.insert(contract.feed.clone(), Freshness { feed: contract.feed, last_day, late });
    }
    Ok(Head {
        name,
        as_of: step.as_of.0,
        first_week: week_start(step.as_of.0) + Days::new(7),
        horizon_weeks: step.project.settings.plan_weeks as u32,
        models: (0..alive.len()).filter_map(model).collect(),
        markets: (0..markets.len()).filter_map(|row| markets.text(row, "market")).collect(),
        freshness: freshness.into_values().collect(),
    })
}

fn target(name: &str) -> Target {
    if name == Target::Demand.name() { Target::Demand } else { Target::Price }
}

/// What this issue cannot say of prices and demand.
pub async fn gaps(step: &Step<'_>, ctx: &SessionContext) -> Result<Vec<Gap>, Failure> {
    let rows = Rows::of(
        ctx,
        &format!("select * from forecast_status where as_of = '{}' and status <> 'alive' order by place, target", step.as_of),
    )
    .await?;
    let gap = |row: usize| {
        let status = Status::named(&rows.text(row, "status")?)?;
        let last_day = rows.day(row, "last_day");
        let category = rows.text(row, "category")?;
        let days =
            step.project.settings.categories.iter().find(|known| known.category.0 == category).map_or(0, |known| known.freshness_days);
        let chinese = match (status, last_day) {
            (Status::Missing, _) => "到这一天还没有任何数据".to_string(),
            (Status::Stale, Some(day)) => format!("最新数据停在{day}，已超过{days}天"),
            (Status::Short, _) => "历史太短，还不能预测".to_string(),
            (Status::Waits, _) => "数据未通过检查，暂不预测".to_string(),
            _ => String::new(),
        };
        let gap_target = if target(&rows.text(row, "target")?) == Target::Price { GapTarget::Price } else { GapTarget::Demand };
        Some(Gap {
            category,
            target: gap_target,
            status: gap_status(status),
            last_day,
            reason: Words::new(chinese, rows.text(row, "reason")?),
        })
    };
    Ok((0..rows.len()).filter_map(gap).collect())
}

/// Backtest scores over all horizons, naive always among them.
pub async fn scores(step: &Step<'_>, ctx: &SessionContext) -> Result<Vec<ScoreRow>, Failure> {
    let rows = Rows::of(
        ctx,
        &format!("select * from forecast_scores where as_of = '{}' and bucket = 'all' order by category, target, model", step.as_of),
    )
    .await?;
    let score = |row: usize| {
        let finite = |column: &str| rows.number(row, column).filter(|value| value.is_finite());
        let model = rows.text(row, "model")?;
        Some(ScoreRow {
            category: rows.text(row, "category")?,
            target: target(&rows.text(row, "target")?),
            chosen: model == SPOKEN,
            model,
            cutoffs: rows.count(row, "origins")? as u32,
            mase: finite("mase"),
            spl: finite("spl"),
            cov80: finite("cov80"),
            wape: finite("wape"),
        })
    };
    Ok((0..rows.len()).filter_map(score).collect())
}

/// The main series that match, at most so many: what the shops sold in the last weeks and the bases harvest about
/// now, both in kg (of stored goods the harvests of a year); then what was quoted last, then what has the longest history. A fruit out of season sells
/// nothing and is passed over.
pub async fn outlooks(
    step: &Step<'_>,
    ctx: &SessionContext,
    names: &Names,
    target: Target,
    which: &str,
    most: usize,
) -> Result<Vec<SeriesOutlook>, Failure> {
    let table = if target == Target::Price { "price_forecast" } else { "demand_forecast" };
    let forecast = format!("as_of = '{}' and model = '{SPOKEN}' and {which}", step.as_of);
    let day = step.as_of.0;
    let (recent, soon, stored) = (day - Days::new(WEIGHED_DAYS), day + Days::new(WEIGHED_DAYS), day - Days::new(STORED_DAYS));
    let keys = Rows::of(
        ctx,
        &format!(
            "with k as (select market, commodity, grade, cadence, min(day) as first_day from {table} where {forecast} group by market, commodity, grade, cadence), \
             s as (select commodity, sum(sold_kg) as kg from sales_weekly where week > date '{recent}' group by commodity), \
             r as (select crop, sum(expected_kg) as stored_kg, \
             sum(case when harvest_to > date '{recent}' then expected_kg else 0 end) as kg \
             from field_supply where harvest_to > date '{stored}' and harvest_from < date '{soon}' group by crop), \
             h as (select market, commodity, grade, count(*) as days, max(day) as last_day from price_daily group by market, commodity, grade) \
             select k.market, k.commodity, k.grade, k.cadence, k.first_day from k left join s on s.commodity = k.commodity left join r on r.crop = k.commodity \
             left join h on h.market = k.market and h.commodity = k.commodity and h.grade = k.grade \
             order by coalesce(s.kg, 0) + coalesce(case when k.cadence = 'month' then r.stored_kg else r.kg end, 0) desc, h.last_day desc nulls last, coalesce(h.days, 0) desc, k.market, k.commodity, k.grade limit {most}"
        ),
    )
    .await?;
    let mut outlooks = Vec::new();
    for row in 0..keys.len() {
        let part = |column: &str| keys.text(row, column).unwrap_or_default();
        let (market, commodity, grade, cadence) = (part("market"), part("commodity"), part("grade"), cadence(&part("cadence")));
        let Some(first_day) = keys.day(row, "first_day") else { continue };
        let key = format!("market = '{}' and commodity = '{}' and grade = '{}'", quoted(&market), quoted(&commodity), quoted(&grade));
        let rows = Rows::of(ctx, &format!("select day, q10, q50, q90 from {table} where {forecast} and {key} order by day")).await?;
        let ahead = |row: usize| {
            let quantiles = Quantiles { low: rows.number(row, "q10")?, median: rows.number(row, "q50")?, high: rows.number(row, "q90")? };
            Some(QuantileStep { day: rows.day(row, "day")?, quantiles })
        };
        outlooks.push(SeriesOutlook {
            subject: names.words(&commodity),
            place: market.clone(),
            target,
            cadence,
            history: history(ctx, target, cadence, (&market, &commodity, &grade), first_day).await?,
            forecast: (0..rows.len()).filter_map(ahead).collect(),
            model: spoken_model(),
            source: if target == Target::Price { Words::same(market) } else { Words::new("门店销售", "shop sales") },
        });
    }
    Ok(outlooks)
}

fn cadence(name: &str) -> Cadence {
    match name {
        "day" => Cadence::Day,
        "ten_days" => Cadence::TenDays,
        "month" => Cadence::Month,
        _ => Cadence::Week,
    }
}

/// The whole steps before the first one that is forecast.
async fn history(
    ctx: &SessionContext,
    target: Target,
    cadence: Cadence,
    key: (&str, &str, &str),
    before: NaiveDate,
) -> Result<Vec<Observed>, Failure> {
    let (market, commodity, grade) = (quoted(key.0), quoted(key.1), quoted(key.2));
    let query = match (target, cadence) {
        (Target::Demand, _) => format!("select week as day, sold_kg as value from sales_weekly where commodity = '{commodity}'"),
        (Target::Price, cadence) => {
            let (table, step) = price_table(cadence);
            format!(
                "select {step} as day, price_cny_per_kg as value from {table} where market = '{market}' and commodity = '{commodity}' and grade = '{grade}'"
            )
        }
    };
    let rows = Rows::of(ctx, &format!("select day, value from ({query}) where day < date '{before}' order by day")).await?;
    Ok((0..rows.len()).filter_map(|row| Some(Observed { day: rows.day(row, "day")?, value: rows.number(row, "value") })).collect())
}

async fn feeds(step: &Step<'_>, ctx: &SessionContext) -> Result<Vec<FeedCount>, Failure> {
    let rows = Rows::of(ctx, "select feed, count(*) as batches, sum(received) as received, sum(accepted) as accepted, sum(rejected) as rejected from batches group by feed order by feed").await?;
    let fresh = head(step, ctx, Words::default()).await?.freshness;
    let count = |row: usize| {
        let feed = rows.text(row, "feed")?;
        let number = |column: &str| rows.count(row, column).map(|count| count as u64);
        let last_day = fresh.iter().find(|known| known.feed == feed).and_then(|known| known.last_day);
        Some(FeedCount {
            batches: number("batches")?,
            received: number("received")?,
            accepted: number("accepted")?,
            rejected: number("rejected")?,
            last_day,
            feed,
        })
    };
    Ok((0..rows.len()).filter_map(count).collect())
}

async fn rejected(ctx: &SessionContext) -> Result<Vec<RejectedRule>, Failure> {
    let exists = ctx.table_exist("rejected")?;
    if !exists {
        return Ok(Vec::new());
    }
    let rows = Rows::of(ctx, "select feed, rule, count(*) as n from rejected group by feed, rule order by feed, rule").await?;
    Ok((0..rows.len())
        .filter_map(|row| {
            Some(RejectedRule { feed: rows.text(row, "feed")?, rule: rows.text(row, "rule")?, rows: rows.count(row, "n")? as u64 })
        })
        .collect())
}

async fn unmapped(ctx: &SessionContext) -> Result<Vec<UnmappedName>, Failure> {
    let rows =
        Rows::of(ctx, &format!("select kind, name, why, facts from unmapped_names order by facts desc, kind, name limit {NAMES}")).await?;
    Ok((0..rows.len())
        .filter_map(|row| {
            Some(UnmappedName {
                kind: rows.text(row, "kind")?,
                name: rows.text(row, "name")?,
                why: rows.text(row, "why")?,
                rows: rows.count(row, "facts")? as u64,
            })
        })
        .collect())
}
