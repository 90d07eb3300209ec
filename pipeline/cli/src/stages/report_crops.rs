//! What each crop of a base would bring. In: the day's plan and outlook, what stands in houses, the last issue's outlook.
//! Out: one row a crop that is planned, or kept in a house. Never: a price no lane gives.

use super::Step;
use super::forecast::quoted;
use super::names::Names;
use crate::exit::Failure;
use crate::rows::Rows;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use nongshi_domain::week_start;
use nongshi_reports::{AreaUnit, Basis, KeyCrop, Quantiles};
use std::collections::BTreeMap;

/// The weeks in which a crop is harvested, and how much.
struct Harvest {
    from: NaiveDate,
    to: NaiveDate,
    kilograms: f64,
}

/// One row a crop that is planned or stands in a house: its price in the harvest weeks, where the most of it goes.
pub async fn key_crops(
    step: &Step<'_>,
    ctx: &SessionContext,
    (base, last_issue): (&str, Option<NaiveDate>),
    names: &Names,
) -> Result<Vec<KeyCrop>, Failure> {
    let of_base = format!("as_of = '{}' and base = '{}'", step.as_of, quoted(base));
    let mut harvests = planned(ctx, &of_base).await?;
    for (crop, harvest) in ripening(ctx, &of_base).await? {
        if names.unit(&crop) != AreaUnit::Mu {
            harvests.insert(crop, harvest);
        }
    }
    let mut crops = Vec::new();
    for (crop, harvest) in harvests {
        if let Some(mut row) = key_crop(ctx, &of_base, &crop, &harvest, names).await? {
            if let Some(last) = last_issue {
                row.on_last_issue = on_last_issue(ctx, &of_base, (base, last), &row).await?;
            }
            crops.push(row);
        }
    }
    crops.sort_by(|a, b| b.planned_kg.unwrap_or_default().total_cmp(&a.planned_kg.unwrap_or_default()).then(a.crop.cmp(&b.crop)));
    Ok(crops)
}

/// The harvests of what is to be sown.
async fn planned(ctx: &SessionContext, of_base: &str) -> Result<BTreeMap<String, Harvest>, Failure> {
    let query = format!(
        "select crop, min(harvest_from) as first, max(harvest_to) as past, sum(expected_kg) as kg from planting_plan where {of_base} group by crop"
    );
    harvests(ctx, &query).await
}

/// The weeks of the outlook in which something ripens, of what stands and what is to be sown.
async fn ripening(ctx: &SessionContext, of_base: &str) -> Result<BTreeMap<String, Harvest>, Failure> {
    let query = format!(
        "with w as (select crop, week, max(ripe_kg) as kg from harvest_plan where {of_base} group by crop, week) \
         select crop, min(week) as first, cast(cast(max(week) as int) + 7 as date) as past, sum(kg) as kg from w group by crop"
    );
    harvests(ctx, &query).await
}

async fn harvests(ctx: &SessionContext, query: &str) -> Result<BTreeMap<String, Harvest>, Failure> {
    let rows = Rows::of(ctx, query).await?;
    let row = |row: usize| {
        let (from, past) = (rows.day(row, "first")?, rows.day(row, "past")?);
        Some((rows.text(row, "crop")?, Harvest { from, to: past - Days::new(1), kilograms: rows.number(row, "kg")? }))
    };
    Ok((0..rows.len()).filter_map(row).collect())
}

async fn key_crop(ctx: &SessionContext, of_base: &str, crop: &str, harvest: &Harvest, names: &Names) -> Result<Option<KeyCrop>, Failure> {
    let query = format!(
        "select outlet, market, own, avg(net_back_q10) as low, avg(net_back_q50) as median, avg(net_back_q90) as high, avg(market_price) as market_price, \
         avg(freight_cny_per_kg) as freight, avg(loss_share) as loss, avg(fee_share) as fee, avg(limit_kg) as limit_kg \
         from plan_outlook where {of_base} and crop = '{}' and {} group by outlet, market, own order by own, median desc, outlet",
        quoted(crop),
        weeks(harvest.from, harvest.to, "week")
    );
    let rows = Rows::of(ctx, &query).await?;
    if rows.len() == 0 {
        return Ok(None);
    }
    // the wholesale lane tells the price; the own shops' lane tells the demand
    let own = (0..rows.len()).find(|row| rows.is(*row, "own"));
    let number = |row: usize, column: &str| rows.number(row, column).unwrap_or_default();
    let (price, fee, loss) = (number(0, "market_price"), number(0, "fee"), number(0, "loss"));
    Ok(Some(KeyCrop {
        crop: names.words(crop),
        harvest_from: harvest.from,
        harvest_to: harvest.to,
        net_back: Some(Quantiles { low: number(0, "low"), median: number(0, "median"), high: number(0, "high") }),
        market: rows.text(0, "market").unwrap_or_default(),
        market_price: Some(price),
        on_last_issue: None,
        basis: Some(Basis { freight: number(0, "freight"), loss: price * (1.0 - fee) * loss, fees: price * fee }),
        own_demand_kg_per_week: own.map(|row| number(row, "limit_kg")),
        planned_kg: Some(harvest.kilograms),
    }))
}

/// The market price of the harvest weeks against the last issue's, over the weeks both issues speak of.
async fn on_last_issue(
    ctx: &SessionContext,
    of_base: &str,
    (base, last): (&str, NaiveDate),
    crop: &KeyCrop,
) -> Result<Option<f64>, Failure> {
    let (name, market) = (quoted(&crop.crop.zh), quoted(&crop.market));
    let of_crop = format!("crop = '{name}' and market = '{market}' and {}", weeks(crop.harvest_from, crop.harvest_to, "week"));
    let prices =
        |of_issue: &str| format!("select week, avg(market_price) as price from plan_outlook where {of_issue} and {of_crop} group by week");
    let query = format!(
        "select n.price as now, o.price as before from ({}) n join ({}) o on o.week = n.week order by n.week",
        prices(of_base),
        prices(&format!("as_of = '{last}' and base = '{}'", quoted(base)))
    );
    let rows = Rows::of(ctx, &query).await?;
    let sum = |column: &str| (0..rows.len()).filter_map(|row| rows.number(row, column)).sum::<f64>();
    let (now, before) = (sum("now"), sum("before"));
    Ok((before > 0.0).then(|| now / before - 1.0))
}

/// The weeks that hold the days from one to the other.
fn weeks(from: NaiveDate, to: NaiveDate, column: &str) -> String {
    format!("{column} >= date '{}' and {column} <= date '{to}'", week_start(from))
}
