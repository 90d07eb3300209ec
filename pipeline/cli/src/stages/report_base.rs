//! The data of each base's report. In: the day's plan, forecasts and field, from tables. Out: `BaseReport`s.
//! Never: a figure that no table holds.

use super::forecast::{SPOKEN, quoted};
use super::last_issue::{last_plan, review, verdicts};
use super::names::Names;
use super::report_chain::{gaps, head, outlooks, scores};
use super::report_crops::key_crops;
use super::{Step, outlook};
use crate::exit::Failure;
use crate::gap::Status;
use crate::rows::Rows;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use nongshi_domain::{Target, week_start};
use nongshi_reports::{
    BaseReport, FactRange, Gap, GapStatus, GapTarget, HeatRow, HeatStrip, PlanStatus, PlanSummary, PlotUse, Quantiles, Scenario,
    SowingOrder, Standing, WeakCrop, Words,
};
use std::collections::BTreeMap;

/// Price charts on a base's page.
const CHARTS: usize = 3;

/// One report for each base that has plots.
pub async fn gather(step: &Step<'_>, ctx: &SessionContext) -> Result<Vec<BaseReport>, Failure> {
    let names = Names::of(ctx).await?;
    let mut reports = Vec::new();
    for base in outlook::bases(ctx).await? {
        reports.push(gather_base(step, ctx, &base, &names).await?);
    }
    Ok(reports)
}

async fn gather_base(step: &Step<'_>, ctx: &SessionContext, base: &str, names: &Names) -> Result<BaseReport, Failure> {
    let of_base = format!("as_of = '{}' and base = '{}'", step.as_of, quoted(base));
    let planting = Rows::of(ctx, &format!("select * from planting_plan where {of_base} order by sow_week, plot, crop")).await?;
    let orders: Vec<SowingOrder> =
        (0..planting.len()).filter(|row| planting.is(*row, "is_order")).map(|row| order(&planting, row, step.as_of.0, names)).collect();
    let standing = standing(step, ctx, base, names).await?;
    let last_issue = last_plan(step, ctx, base).await?;
    let heat = heat(step, ctx, &of_base, names).await?;
    let crops = key_crops(step, ctx, (base, last_issue), names).await?;
    let from_sowings: f64 = (0..planting.len()).filter_map(|row| planting.number(row, "margin_cny")).sum();
    let (summary, scenarios) = summary(ctx, &of_base, from_sowings).await?;
    let mut gaps = gaps(step, ctx).await?;
    gaps.extend(plan_gaps(ctx, &of_base, names).await?);
    let subjects: Vec<String> = crops.iter().map(|crop| crop.crop.zh.clone()).collect();
    let priced: Vec<(String, String)> = crops.iter().map(|crop| (crop.market.clone(), crop.crop.zh.clone())).take(CHARTS).collect();
    let mut prices = Vec::new();
    for (market, commodity) in &priced {
        prices.extend(
            outlooks(step, ctx, names, Target::Price, &format!("market = '{}' and commodity = '{}'", quoted(market), quoted(commodity)), 1)
                .await?,
        );
    }
    Ok(BaseReport {
        head: head(step, ctx, Words::same(base)).await?,
        last_issue,
        verdicts: verdicts(step, ctx, (base, names), &orders, last_issue).await?,
        gaps,
        orders,
        crops,
        heat,
        plots: plots(&planting, &standing, names),
        standing,
        summary,
        scenarios,
        prices,
        review: review(step, ctx).await?,
        scores: scores(step, ctx).await?,
        weak: weak(ctx, &planting, &subjects, names).await?,
    })
}

fn order(rows: &Rows, row: usize, as_of: NaiveDate, names: &Names) -> SowingOrder {
    let sow_week = rows.day(row, "sow_week").unwrap_or_default();
    SowingOrder {
        // seed and land must be ready on the Monday: the Friday before is the last day to decide, or tomorrow
        decide_by: (sow_week - Days::new(3)).max(as_of + Days::new(1)),
        sow_week,
        plot: rows.text(row, "plot").unwrap_or_default(),
        crop: names.words(&rows.text(row, "crop").unwrap_or_default()),
        area: rows.number(row, "area_mu").unwrap_or_default(),
        unit: names.unit(&rows.text(row, "crop").unwrap_or_default()),
        harvest_from: rows.day(row, "harvest_from").unwrap_or_default(),
        harvest_to: last_day(rows, row),
        harvest_kg: rows.number(row, "expected_kg").unwrap_or_default(),
        margin_cny: rows.number(row, "margin_cny").unwrap_or_default(),
        margin_low_cny: rows.number(row, "margin_p10_cny").unwrap_or_default(),
        margin_high_cny: rows.number(row, "margin_p90_cny").unwrap_or_default(),
        waiting_cost_cny: None,
    }
}

/// Tables keep the day after the harvest; reports print its last day.
fn last_day(rows: &Rows, row: usize) -> NaiveDate {
    rows.day(row, "harvest_to").unwrap_or_default() - Days::new(1)
}

async fn standing(step: &Step<'_>, ctx: &SessionContext, base: &str, names: &Names) -> Result<Vec<Standing>, Failure> {
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
            crop: names.words(&rows.text(row, "crop")?),
            area: rows.number(row, "area_mu")?,
            unit: names.unit(&rows.text(row, "crop")?),
            sown_on: rows.day(row, "sown_on")?,
            harvest_from: from,
            harvest_to: to - Days::new(1),
            expected_kg: (rows.number(row, "expected_kg")? * left.min(1.0)).round(),
        })
    };
    Ok((0..rows.len()).filter_map(stands).collect())
}

fn plots(planting: &Rows, standing: &[Standing], names: &Names) -> Vec<PlotUse> {
    let stands = standing.iter().map(|line| PlotUse {
        plot: line.plot.clone(),
        crop: line.crop.clone(),
        area: line.area,
        unit: line.unit,
        sow_on: line.sown_on,
        harvest_from: line.harvest_from,
        harvest_to: line.harvest_to,
        standing: true,
        expected_kg: None,
        margin_cny: None,
    });
    let planned = (0..planting.len()).map(|row| PlotUse {
        plot: planting.text(row, "plot").unwrap_or_default(),
        crop: names.words(&planting.text(row, "crop").unwrap_or_default()),
        area: planting.number(row, "area_mu").unwrap_or_default(),
        unit: names.unit(&planting.text(row, "crop").unwrap_or_default()),
        sow_on: planting.day(row, "sow_week").unwrap_or_default(),
        harvest_from: planting.day(row, "harvest_from").unwrap_or_default(),
        harvest_to: last_day(planting, row),
        standing: false,
        expected_kg: planting.number(row, "expected_kg"),
        margin_cny: planting.number(row, "margin_cny"),
    });
    stands.chain(planned).collect()
}

/// The next twelve weeks: what ripens against what the own shops would buy of this base.
async fn heat(step: &Step<'_>, ctx: &SessionContext, of_base: &str, names: &Names) -> Result<HeatStrip, Failure> {
    let first_week = week_start(step.as_of.0) + Days::new(7);
    let weeks: Vec<NaiveDate> = (0..12).map(|week| first_week + Days::new(7 * week)).collect();
    let ripe =
        by_crop_and_week(ctx, &format!("select crop, week, max(ripe_kg) as kg from harvest_plan where {of_base} group by crop, week"))
            .await?;
    let shops = by_crop_and_week(
        ctx,
        &format!("select crop, week, sum(limit_kg) as kg from plan_outlook where {of_base} and own group by crop, week"),
    )
    .await?;
    let of_weeks = |found: &BTreeMap<NaiveDate, f64>| {
        weeks.iter().map(|week| found.get(week).copied().unwrap_or_default().round()).collect::<Vec<f64>>()
    };
    let row = |(crop, ripe): (&String, &BTreeMap<NaiveDate, f64>)| HeatRow {
        crop: names.words(crop),
        category: names.category(crop),
        ripe_kg: of_weeks(ripe),
        shops_kg: shops.get(crop).map(&of_weeks),
    };
    let rows = ripe.iter().map(row).filter(|row| row.ripe_kg.iter().any(|kg| *kg > 0.0)).collect();
    let categories = step.project.settings.categories.iter().map(|known| known.category.0.clone()).collect();
    Ok(HeatStrip { weeks, categories, rows })
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

async fn summary(ctx: &SessionContext, of_base: &str, from_sowings: f64) -> Result<(Option<PlanSummary>, Vec<Scenario>), Failure> {
    let rows = Rows::of(ctx, &format!("select * from plan_summary where {of_base}")).await?;
    let profits = Rows::of(ctx, &format!("select * from plan_scenarios where {of_base} order by profit_cny desc, scenario")).await?;
    if rows.len() == 0 || rows.count(0, "priced_crops") == Some(0) {
        return Ok((None, Vec::new()));
    }
    let number = |column: &str| rows.number(0, column).unwrap_or_default();
    let summary = PlanSummary {
        expected_cny: number("expected_cny"),
        from_sowings_cny: Some(from_sowings),
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
            weight: profits.number(row, "weight"),
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

async fn plan_gaps(ctx: &SessionContext, of_base: &str, names: &Names) -> Result<Vec<Gap>, Failure> {
    let rows = Rows::of(
        ctx,
        &format!(
            "select reason, string_agg(crop, '、' order by crop) as crops from plan_gaps where {of_base} group by reason order by reason"
        ),
    )
    .await?;
    let gap = |row: usize| {
        let (reason, crops) = (rows.text(row, "reason").unwrap_or_default(), rows.text(row, "crops").unwrap_or_default());
        let english_crops = crops.split('、').map(|crop| in_english(crop, names)).collect::<Vec<_>>().join(", ");
        let reason = Words::new(format!("{}：{crops}", chinese_reason(&reason)), format!("{reason}: {english_crops}"));
        Gap { category: String::new(), target: GapTarget::Plan, status: GapStatus::Missing, last_day: None, reason }
    };
    Ok((0..rows.len()).map(gap).collect())
}

fn in_english(crop: &str, names: &Names) -> String {
    let words = names.words(crop);
    if words.en.is_empty() { words.zh } else { words.en }
}

/// The planner's reasons in Chinese; one that is not listed is told as it is.
fn chinese_reason(reason: &str) -> String {
    let known = [
        ("no living price on any of its lanes", "没有可用的市场价格"),
        ("the crop calendar lacks its days or its yield", "农时表缺生长天数或单产"),
        ("the crop calendar lacks its cost", "农时表缺成本，不再新排，在地的照收"),
        ("it stands, but the crop calendar lacks its days or its yield", "在地，但农时表缺生长天数或单产"),
    ];
    match known.iter().find(|(english, _)| *english == reason) {
        Some((_, chinese)) => chinese.to_string(),
        None => reason.to_string(),
    }
}

/// Crops of the plan whose figures the calendar itself calls weak.
async fn weak(ctx: &SessionContext, planting: &Rows, subjects: &[String], names: &Names) -> Result<Vec<WeakCrop>, Failure> {
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
            crop: names.words(&crop),
            planned: area.get(&crop).copied().unwrap_or_default(),
            unit: names.unit(&crop),
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
        Status::Waits => GapStatus::Waits,
    }
}

/// The model every report speaks with.
pub fn spoken_model() -> String {
    SPOKEN.to_string()
}
