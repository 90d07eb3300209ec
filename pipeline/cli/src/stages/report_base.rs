//! The data of each base's report. In: the day's plan, forecasts and field, from tables. Out: `BaseReport`s.
//! Never: a figure that no table holds.

use super::forecast::{SPOKEN, quoted};
use super::report_chain::{gaps, head, outlooks, scores};
use super::{Step, outlook};
use crate::exit::Failure;
use crate::gap::Status;
use crate::rows::Rows;
use chrono::{Datelike, Days, NaiveDate};
use datafusion::prelude::SessionContext;
use nongshi_domain::{Target, week_start};
use nongshi_reports::{
    AreaChange, BaseReport, Basis, FactRange, Gap, GapStatus, GapTarget, HeatRow, HeatStrip, KeyCrop, PlanStatus, PlanSummary, PlotUse,
    Quantiles, Reason, Scenario, SowingOrder, Standing, Verdict, WeakCrop, Words,
};
use std::collections::BTreeMap;

/// Sowings of one crop are one verdict; so many are told.
const VERDICTS: usize = 4;
/// Price charts on a base's page.
const CHARTS: usize = 3;

/// One report for each base that has plots.
pub async fn gather(step: &Step<'_>, ctx: &SessionContext) -> Result<Vec<BaseReport>, Failure> {
    let english = english_names(ctx).await?;
    let mut reports = Vec::new();
    for base in outlook::bases(ctx).await? {
        reports.push(gather_base(step, ctx, &base, &english).await?);
    }
    Ok(reports)
}

type English = BTreeMap<String, String>;

async fn english_names(ctx: &SessionContext) -> Result<English, Failure> {
    let rows = Rows::of(ctx, "select crop, min(crop_en) as crop_en from crops where crop_en is not null group by crop").await?;
    Ok((0..rows.len()).filter_map(|row| Some((rows.text(row, "crop")?, rows.text(row, "crop_en")?))).collect())
}

fn words(crop: &str, english: &English) -> Words {
    Words::new(crop, english.get(crop).cloned().unwrap_or_default())
}

async fn gather_base(step: &Step<'_>, ctx: &SessionContext, base: &str, english: &English) -> Result<BaseReport, Failure> {
    let of_base = format!("as_of = '{}' and base = '{}'", step.as_of, quoted(base));
    let first_week = week_start(step.as_of.0) + Days::new(7);
    let planting = Rows::of(ctx, &format!("select * from planting_plan where {of_base} order by sow_week, plot, crop")).await?;
    let orders: Vec<SowingOrder> =
        (0..planting.len()).filter(|row| planting.is(*row, "is_order")).map(|row| order(&planting, row, step.as_of.0, english)).collect();
    let standing = standing(step, ctx, base, english).await?;
    let (heat, crops) = (heat(ctx, &of_base, first_week, english).await?, key_crops(ctx, &of_base, &planting, english).await?);
    let (summary, scenarios) = summary(ctx, &of_base).await?;
    let mut gaps = gaps(step, ctx).await?;
    gaps.extend(plan_gaps(ctx, &of_base, english).await?);
    let subjects: Vec<String> = crops.iter().map(|crop| crop.crop.zh.clone()).collect();
    let priced: Vec<(String, String)> = crops.iter().map(|crop| (crop.market.clone(), crop.crop.zh.clone())).take(CHARTS).collect();
    let mut prices = Vec::new();
    for (market, commodity) in &priced {
        prices.extend(
            outlooks(step, ctx, Target::Price, &format!("market = '{}' and commodity = '{}'", quoted(market), quoted(commodity)), 1)
                .await?,
        );
    }
    for outlook in &mut prices {
        outlook.subject = words(&outlook.subject.zh, english);
    }
    Ok(BaseReport {
        head: head(step, ctx, Words::same(base)).await?,
        verdicts: verdicts(&planting, &orders, summary.is_some(), english),
        gaps,
        orders,
        crops,
        heat,
        plots: plots(&planting, &standing, english),
        standing,
        summary,
        scenarios,
        prices,
        scores: scores(step, ctx).await?,
        weak: weak(ctx, &planting, &subjects, english).await?,
    })
}

fn order(rows: &Rows, row: usize, as_of: NaiveDate, english: &English) -> SowingOrder {
    let sow_week = rows.day(row, "sow_week").unwrap_or_default();
    SowingOrder {
        // seed and land must be ready on the Monday: the Friday before is the last day to decide, or tomorrow
        decide_by: (sow_week - Days::new(3)).max(as_of + Days::new(1)),
        sow_week,
        plot: rows.text(row, "plot").unwrap_or_default(),
        crop: words(&rows.text(row, "crop").unwrap_or_default(), english),
        area_mu: rows.number(row, "area_mu").unwrap_or_default(),
        harvest_from: rows.day(row, "harvest_from").unwrap_or_default(),
        harvest_to: last_day(rows, row),
        harvest_kg: rows.number(row, "expected_kg").unwrap_or_default(),
        margin_cny: rows.number(row, "margin_cny").unwrap_or_default(),
        worst_cny_per_mu: rows.number(row, "worst_cny_per_mu").unwrap_or_default(),
        best_cny_per_mu: rows.number(row, "best_cny_per_mu").unwrap_or_default(),
        waiting_cost_cny: None,
    }
}

/// Tables keep the day after the harvest; reports print its last day.
fn last_day(rows: &Rows, row: usize) -> NaiveDate {
    rows.day(row, "harvest_to").unwrap_or_default() - Days::new(1)
}

/// The crops to sow now, those with the most money first; else that there is nothing to sow, and why.
fn verdicts(planting: &Rows, orders: &[SowingOrder], planned: bool, english: &English) -> Vec<Verdict> {
    let mut by_crop: BTreeMap<String, (f64, f64, f64)> = BTreeMap::new();
    for order in orders {
        let sum = by_crop.entry(order.crop.zh.clone()).or_insert((0.0, 0.0, f64::INFINITY));
        // the odds are those of the crop's worst order
        *sum = (sum.0 + order.area_mu, sum.1 + order.margin_cny, sum.2.min(order.worst_cny_per_mu));
    }
    if by_crop.is_empty() {
        let later = (0..planting.len()).filter_map(|row| planting.day(row, "sow_week")).min();
        let reason = match (planned, later) {
            (false, _) => Reason::NoForecast,
            (true, None) => Reason::BelowCost,
            (true, Some(week)) => Reason::Other(Words::new(
                format!("地里有茬，或晚几周播更划算；计划最早的一次播种在{}月{}日那一周", week.month(), week.day()),
                format!("land is taken or a later sowing earns more; the first one planned is in the week of {}", week.format("%-d %B")),
            )),
        };
        return vec![Verdict::NothingToSow { reason }];
    }
    let mut crops: Vec<_> = by_crop.into_iter().collect();
    crops.sort_by(|a, b| b.1.1.total_cmp(&a.1.1).then(a.0.cmp(&b.0)));
    let verdict = |(crop, (area_mu, gain_cny, worst)): (String, (f64, f64, f64))| {
        Verdict::SowMore(AreaChange {
            crop: words(&crop, english),
            area_mu,
            gain_cny,
            // the worst tenth still earns: nine cases in ten lose nothing
            share_without_loss: (worst >= 0.0).then_some(0.9),
            reason: Some(Reason::PriceCarries),
        })
    };
    crops.into_iter().take(VERDICTS).map(verdict).collect()
}

async fn standing(step: &Step<'_>, ctx: &SessionContext, base: &str, english: &English) -> Result<Vec<Standing>, Failure> {
    let query = format!(
        "select * from field_supply where base = '{}' and harvest_to > date '{}' order by plot, crop, sown_on",
        quoted(base),
        step.as_of
    );
    let rows = Rows::of(ctx, &query).await?;
    let stands = |row: usize| {
        let (from, to) = (rows.day(row, "harvest_from")?, rows.day(row, "harvest_to")?);
        // ripening evenly, what lies before the day is gone
        let left = (to - step.as_of.0.max(from)).num_days() as f64 / (to - from).num_days().max(1) as f64;
        Some(Standing {
            plot: rows.text(row, "plot")?,
            crop: words(&rows.text(row, "crop")?, english),
            area_mu: rows.number(row, "area_mu")?,
            sown_on: rows.day(row, "sown_on")?,
            harvest_from: from,
            harvest_to: to - Days::new(1),
            expected_kg: (rows.number(row, "expected_kg")? * left.min(1.0)).round(),
        })
    };
    Ok((0..rows.len()).filter_map(stands).collect())
}

fn plots(planting: &Rows, standing: &[Standing], english: &English) -> Vec<PlotUse> {
    let stands = standing.iter().map(|line| PlotUse {
        plot: line.plot.clone(),
        crop: line.crop.clone(),
        area_mu: line.area_mu,
        sow_on: line.sown_on,
        harvest_from: line.harvest_from,
        harvest_to: line.harvest_to,
        standing: true,
    });
    let planned = (0..planting.len()).map(|row| PlotUse {
        plot: planting.text(row, "plot").unwrap_or_default(),
        crop: words(&planting.text(row, "crop").unwrap_or_default(), english),
        area_mu: planting.number(row, "area_mu").unwrap_or_default(),
        sow_on: planting.day(row, "sow_week").unwrap_or_default(),
        harvest_from: planting.day(row, "harvest_from").unwrap_or_default(),
        harvest_to: last_day(planting, row),
        standing: false,
    });
    stands.chain(planned).collect()
}

/// The next twelve weeks: what ripens against what the outlets take.
async fn heat(ctx: &SessionContext, of_base: &str, first_week: NaiveDate, english: &English) -> Result<HeatStrip, Failure> {
    let weeks: Vec<NaiveDate> = (0..12).map(|week| first_week + Days::new(7 * week)).collect();
    let ripe =
        by_crop_and_week(ctx, &format!("select crop, week, max(ripe_kg) as kg from harvest_plan where {of_base} group by crop, week"))
            .await?;
    let limit = by_crop_and_week(
        ctx,
        &format!("select crop, week, sum(least(limit_kg, 1e9)) as kg from plan_outlook where {of_base} group by crop, week"),
    )
    .await?;
    let mut rows = Vec::new();
    for (crop, of_week) in &ripe {
        let kg = |found: Option<&BTreeMap<NaiveDate, f64>>| {
            weeks.iter().map(|week| found.and_then(|found| found.get(week)).copied().unwrap_or_default().round()).collect::<Vec<_>>()
        };
        let ripe_kg = kg(Some(of_week));
        if ripe_kg.iter().any(|kg| *kg > 0.0) {
            rows.push(HeatRow { crop: words(crop, english), ripe_kg, saleable_kg: kg(limit.get(crop)) });
        }
    }
    Ok(HeatStrip { weeks, rows })
}

async fn by_crop_and_week(ctx: &SessionContext, query: &str) -> Result<BTreeMap<String, BTreeMap<NaiveDate, f64>>, Failure> {
    let rows = Rows::of(ctx, query).await?;
    let mut found: BTreeMap<String, BTreeMap<NaiveDate, f64>> = BTreeMap::new();
    for row in 0..rows.len() {
        if let (Some(crop), Some(week), Some(kg)) = (rows.text(row, "crop"), rows.day(row, "week"), rows.number(row, "kg")) {
            found.entry(crop).or_default().insert(week, kg);
        }
    }
    Ok(found)
}

/// One row a crop that is planned: its price in the harvest weeks, where the most of it goes.
async fn key_crops(ctx: &SessionContext, of_base: &str, planting: &Rows, english: &English) -> Result<Vec<KeyCrop>, Failure> {
    let mut planned: BTreeMap<String, (NaiveDate, NaiveDate, f64)> = BTreeMap::new();
    for row in 0..planting.len() {
        let (from, to, kg) = (
            planting.day(row, "harvest_from").unwrap_or_default(),
            last_day(planting, row),
            planting.number(row, "expected_kg").unwrap_or_default(),
        );
        let sum = planned.entry(planting.text(row, "crop").unwrap_or_default()).or_insert((from, to, 0.0));
        *sum = (sum.0.min(from), sum.1.max(to), sum.2 + kg);
    }
    let mut crops = Vec::new();
    for (crop, (from, to, kg)) in planned {
        let query = format!(
            "select outlet, market, own, avg(net_back_q10) as low, avg(net_back_q50) as median, avg(net_back_q90) as high, avg(market_price) as market_price, \
             avg(freight_cny_per_kg) as freight, avg(loss_share) as loss, avg(fee_share) as fee, avg(limit_kg) as limit_kg \
             from plan_outlook where {of_base} and crop = '{}' and week >= date '{}' and week <= date '{}' group by outlet, market, own order by own, median desc, outlet",
            quoted(&crop),
            week_start(from),
            to
        );
        let rows = Rows::of(ctx, &query).await?;
        let number = |row: usize, column: &str| rows.number(row, column).unwrap_or_default();
        // the wholesale lane tells the price; the own shops' lane tells the demand
        let own = (0..rows.len()).find(|row| rows.is(*row, "own"));
        let Some(row) = (0..rows.len()).next() else { continue };
        let (price, fee, loss) = (number(row, "market_price"), number(row, "fee"), number(row, "loss"));
        crops.push(KeyCrop {
            crop: words(&crop, english),
            harvest_from: from,
            harvest_to: to,
            net_back: Some(Quantiles { low: number(row, "low"), median: number(row, "median"), high: number(row, "high") }),
            market: rows.text(row, "market").unwrap_or_default(),
            market_price: Some(price),
            basis: Some(Basis { freight: number(row, "freight"), loss: price * (1.0 - fee) * loss, fees: price * fee }),
            own_demand_kg_per_week: own.map(|row| number(row, "limit_kg")),
            planned_kg: Some(kg),
        });
    }
    crops.sort_by(|a, b| b.planned_kg.unwrap_or_default().total_cmp(&a.planned_kg.unwrap_or_default()).then(a.crop.cmp(&b.crop)));
    Ok(crops)
}

async fn summary(ctx: &SessionContext, of_base: &str) -> Result<(Option<PlanSummary>, Vec<Scenario>), Failure> {
    let rows = Rows::of(ctx, &format!("select * from plan_summary where {of_base}")).await?;
    let profits = Rows::of(ctx, &format!("select * from plan_scenarios where {of_base} order by scenario")).await?;
    if rows.len() == 0 || rows.count(0, "priced_crops") == Some(0) {
        return Ok((None, Vec::new()));
    }
    let number = |column: &str| rows.number(0, column).unwrap_or_default();
    let summary = PlanSummary {
        expected_cny: number("expected_cny"),
        profit: Quantiles { low: number("p10_cny"), median: number("p50_cny"), high: number("p90_cny") },
        cvar_cny: number("cvar_cny"),
        bound_cny: rows.number(0, "bound_cny"),
        gap_share: rows.number(0, "gap_share"),
        vss_cny: rows.number(0, "vss_cny"),
        evpi_cny: rows.number(0, "evpi_cny"),
        solver: rows.text(0, "solver").unwrap_or_default(),
        status: if number("gap_share") <= 1e-6 { PlanStatus::Proved } else { PlanStatus::WithinGap },
        rounding_cost_cny: rows.number(0, "rounding_cost_cny"),
        scenarios: profits.len() as u32,
    };
    let scenario = |row: usize| {
        let name = profits.text(row, "scenario").unwrap_or_default();
        Scenario {
            name: scenario_words(&name),
            price_change: None,
            yield_change: None,
            demand_change: None,
            profit_cny: profits.number(row, "profit_cny").unwrap_or_default(),
            cushion: None,
        }
    };
    Ok((Some(summary), (0..profits.len()).map(scenario).collect()))
}

fn scenario_words(english: &str) -> Words {
    let chinese = english.replace("market low", "行情差").replace("market middle", "行情中").replace("market high", "行情好");
    let chinese =
        chinese.replace("yield low", "单产低").replace("yield middle", "单产中").replace("yield high", "单产高").replace(", ", "，");
    Words::new(chinese, english)
}

async fn plan_gaps(ctx: &SessionContext, of_base: &str, english: &English) -> Result<Vec<Gap>, Failure> {
    let rows = Rows::of(
        ctx,
        &format!(
            "select reason, string_agg(crop, '、' order by crop) as crops from plan_gaps where {of_base} group by reason order by reason"
        ),
    )
    .await?;
    let gap = |row: usize| {
        let (reason, crops) = (rows.text(row, "reason").unwrap_or_default(), rows.text(row, "crops").unwrap_or_default());
        let english_crops = crops.split('、').map(|crop| english.get(crop).map_or(crop, String::as_str)).collect::<Vec<_>>().join(", ");
        let reason = Words::new(format!("{}：{crops}", chinese_reason(&reason)), format!("{reason}: {english_crops}"));
        Gap { category: String::new(), target: GapTarget::Plan, status: GapStatus::Missing, last_day: None, reason }
    };
    Ok((0..rows.len()).map(gap).collect())
}

/// The planner's reasons in Chinese; one that is not listed is told as it is.
fn chinese_reason(reason: &str) -> String {
    let known = [
        ("no living price on any of its lanes", "没有可用的市场价格"),
        ("the crop calendar lacks its days or its yield", "农时表缺生长天数或单产"),
        ("the crop calendar lacks its cost", "农时表缺成本"),
        ("it stands, but is not planned: livestock, or a crop without days to harvest", "在地但还不排计划：畜禽，或农时表缺成熟期的作物"),
    ];
    match known.iter().find(|(english, _)| *english == reason) {
        Some((_, chinese)) => chinese.to_string(),
        None if reason.starts_with("also grown as") => "另有一种种植制度，只按第一种排".into(),
        None => reason.to_string(),
    }
}

/// Crops of the plan whose figures the calendar itself calls weak.
async fn weak(ctx: &SessionContext, planting: &Rows, subjects: &[String], english: &English) -> Result<Vec<WeakCrop>, Failure> {
    let mut area: BTreeMap<String, f64> = BTreeMap::new();
    for row in 0..planting.len() {
        *area.entry(planting.text(row, "crop").unwrap_or_default()).or_default() += planting.number(row, "area_mu").unwrap_or_default();
    }
    let rows = Rows::of(ctx, "select * from crops where confidence like '%low%' order by crop, system").await?;
    let mut weak: BTreeMap<String, WeakCrop> = BTreeMap::new();
    for row in 0..rows.len() {
        let crop = rows.text(row, "crop").unwrap_or_default();
        if !subjects.contains(&crop) {
            continue;
        }
        let range = |from: &str, to: &str| Some(FactRange { from: rows.number(row, from)?, to: rows.number(row, to)? });
        weak.entry(crop.clone()).or_insert(WeakCrop {
            crop: words(&crop, english),
            planned_mu: area.get(&crop).copied().unwrap_or_default(),
            yield_kg_per_mu: range("yield_low_kg_per_mu", "yield_high_kg_per_mu"),
            cost_cny_per_mu: range("cost_low_cny_per_mu", "cost_high_cny_per_mu"),
            days_to_harvest: range("days_to_harvest_min", "days_to_harvest_max"),
        });
    }
    Ok(weak.into_values().collect())
}

/// A category's status as the report tells it.
pub fn gap_status(status: Status) -> GapStatus {
    match status {
        Status::Alive => GapStatus::Alive,
        Status::Stale => GapStatus::Stale,
        Status::Missing => GapStatus::Missing,
        Status::Short => GapStatus::Short,
    }
}

/// The model every report speaks with.
pub fn spoken_model() -> String {
    SPOKEN.to_string()
}
