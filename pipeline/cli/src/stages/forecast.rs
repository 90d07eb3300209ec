//! Forecast: gather → choose → fit → forecast, category by category. In: curated tables as of the day.
//! Out: price_forecast, demand_forecast, forecast_paths, forecast_scores, forecast_status, forecast_refused.
//! Never: a value after the last whole step before the day; a category left out without its name.

use super::forecast_paths::{self, Futures};
use super::{Done, Step, record, transform};
use crate::columns::Columns;
use crate::exit::{Exit, Failure};
use crate::gap::{Gap, Status};
use crate::rows::Rows;
use crate::settings::CategorySettings;
use arrow::record_batch::RecordBatch;
use chrono::{Days, NaiveDate, TimeDelta};
use datafusion::prelude::SessionContext;
use nongshi_domain::{Cadence, Category, Cutoff, Forecast, Target};
use nongshi_lake::{Layer, Scope, TableId, digest};
use nongshi_models::forecasting::{Asked as Question, AskedRow, ForecastSettings, Growing, PanelForecast, Refused, Score};
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::{JoinHandle, spawn_blocking};

/// The tables this stage makes, one part a day each.
const TABLES: [&str; 6] = ["demand_forecast", "forecast_paths", "forecast_refused", "forecast_scores", "forecast_status", "price_forecast"];
/// The model a plan and a report speak with.
pub const SPOKEN: &str = "combination";

/// Forecasts what is alive.
pub async fn forecast(step: &Step<'_>) -> Result<Done, Failure> {
    let (ctx, catalog, views) = transform::gated(step).await?;
    let fingerprint = fingerprint(step, &catalog.versions(), &views);
    let waits = waiting(step, &views);
    let before = step.lake().made_from(&TableId::new(Layer::Model, "price_forecast"), Scope::AsOf(step.as_of.0)).await?;
    if !waits.is_empty() && before.is_some() {
        // what was forecast for this day before the refusal stands
        let done = told(step, false).await?;
        return Ok(Done { gaps: done.gaps.into_iter().chain(waits).collect(), ..done });
    }
    if !step.made_already(&TABLES, &fingerprint).await? {
        let mut asked = Vec::new();
        for category in &step.project.settings.categories {
            for target in &category.targets {
                asked.push(Asked::of(step, &ctx, category, *target, asked.len(), &views).await?);
            }
        }
        let mut said = Said::default();
        for one in asked {
            said.add(one).await;
        }
        let changed = publish(step, &said, &fingerprint).await?;
        return told(step, changed).await;
    }
    told(step, false).await
}

/// What the tables of the day say: the sentence, and a gap for each category and target that is not alive.
async fn told(step: &Step<'_>, changed: bool) -> Result<Done, Failure> {
    let (ctx, _) = transform::session(step.project, step.as_of).await?;
    let rows = Rows::of(&ctx, &format!("select * from forecast_status where as_of = '{}' order by place, target", step.as_of)).await?;
    let mut done = Done { changed, ..Done::default() };
    let (mut alive, mut series) = (Vec::new(), 0);
    for row in 0..rows.len() {
        let text = |column: &str| rows.text(row, column).unwrap_or_default();
        series += rows.count(row, "series").unwrap_or_default();
        match Status::named(&text("status")) {
            Some(Status::Alive) => alive.push(format!("{} {}", text("category"), text("target"))),
            status => done.gaps.push(Gap {
                code: if status == Some(Status::Waits) { Exit::Refused } else { Exit::Gaps },
                last_day: rows.day(row, "last_day"),
                ..Gap::new(text("category"), text("target"), format!("{}: {}", text("status"), text("reason")))
            }),
        }
    }
    let alive_text = if alive.is_empty() { "nothing is alive".into() } else { alive.join(", ") };
    done.said = format!("{series} series: {alive_text}{}", if changed { "" } else { "; unchanged" });
    record::record(step, &ctx).await?.iter().for_each(|remark| step.talk.note(remark));
    Ok(done)
}

#[derive(Default)]
struct Said {
    forecasts: Vec<(Forecast, Place)>,
    futures: Vec<Futures>,
    scores: Vec<(Category, Target, Score)>,
    refused: Vec<(Category, Target, Refused)>,
    statuses: Vec<StatusRow>,
}

/// The parts of a series' key.
#[derive(Debug, Clone, Default)]
struct Place {
    market: String,
    commodity: String,
    grade: String,
}

struct StatusRow {
    place: i64,
    category: Category,
    target: Target,
    status: Status,
    last_day: Option<NaiveDate>,
    series: usize,
    origins: u32,
    replaced: u32,
    reason: String,
}

/// One category's target: what is known of it, and its forecast under way on another core.
struct Asked {
    row: StatusRow,
    places: BTreeMap<String, Place>,
    panel: Option<JoinHandle<PanelForecast>>,
}

impl Asked {
    async fn of(
        step: &Step<'_>,
        ctx: &SessionContext,
        category: &CategorySettings,
        target: Target,
        place: usize,
        views: &BTreeSet<String>,
    ) -> Result<Asked, Failure> {
        if let Some(table) = tables_of(category, target).into_iter().find(|table| views.contains(*table)) {
            return Ok(Asked::waiting(step, category, target, place, table));
        }
        let freshest = format!(
            "select max(last_day) as last_day from freshness where category = '{}' and target = '{}'",
            quoted(&category.category.0),
            target.name()
        );
        let last_day = Rows::of(ctx, &freshest).await?.day(0, "last_day");
        let (cadence, rows, places) = gather(ctx, category, target, step.as_of.0).await?;
        let mut row = StatusRow {
            place: place as i64,
            category: category.category.clone(),
            target,
            status: Status::Missing,
            last_day,
            series: 0,
            origins: 0,
            replaced: 0,
            reason: "no row is known by this day".into(),
        };
        if let Some(day) = last_day {
            row.status = Status::Stale;
            row.reason = format!("the newest value is of {day}, older than {} days", category.freshness_days);
        }
        // the question that `forecast_panel` asks in SQL
        let question = Question {
            horizon: if cadence == category.cadence { category.horizon } else { ForecastSettings::for_cadence(cadence).horizon },
            cadence: Some(cadence),
            target: Some(target),
            cutoff: Some(cutoff(step.as_of.0, cadence)),
            alive_since: Some(step.as_of.0 - TimeDelta::days(category.freshness_days)),
            origins: Some(step.project.settings.origins),
            explosion_factor: Some(step.project.settings.explosion_factor),
            growing: Some(Growing::Seldom),
            // one seed for all: their paths follow the same days
            paths: step.project.settings.paths,
            threads: crate::machine::threads() as usize,
            ..Question::default()
        };
        let fresh = question.panel(category.category.clone(), rows);
        let panel = (!fresh.series.is_empty()).then(|| spawn_blocking(move || question.forecast(&fresh)));
        Ok(Asked { row, places, panel })
    }
}

impl Asked {
    /// A category whose table no gate has passed.
    fn waiting(step: &Step<'_>, category: &CategorySettings, target: Target, place: usize, table: &str) -> Asked {
        let row = StatusRow {
            place: place as i64,
            category: category.category.clone(),
            target,
            status: Status::Waits,
            last_day: None,
            series: 0,
            origins: 0,
            replaced: 0,
            reason: transform::waits_for(table, step.as_of),
        };
        Asked { row, places: BTreeMap::new(), panel: None }
    }
}

/// A gap for each category and target whose table no gate has passed.
fn waiting(step: &Step<'_>, views: &BTreeSet<String>) -> Vec<Gap> {
    let asked = step.project.settings.categories.iter().flat_map(|category| category.targets.iter().map(move |target| (category, *target)));
    let waits = |(category, target): (&CategorySettings, Target)| {
        let table = tables_of(category, target).into_iter().find(|table| views.contains(*table))?;
        Some(Gap { code: Exit::Refused, ..Gap::new(&category.category.0, target.name(), transform::waits_for(table, step.as_of)) })
    };
    asked.filter_map(waits).collect()
}

/// The curated tables a category's target is read from.
fn tables_of(category: &CategorySettings, target: Target) -> [&'static str; 2] {
    match (target, category.cadence) {
        (Target::Demand, _) => ["freshness", "sales_weekly"],
        (Target::Price, Cadence::Day | Cadence::TenDays) => ["freshness", "price_daily"],
        (Target::Price, Cadence::Week) => ["freshness", "price_weekly"],
        (Target::Price, Cadence::Month) => ["freshness", "price_monthly"],
    }
}

impl Said {
    async fn add(&mut self, Asked { mut row, places, panel }: Asked) {
        if let Some(panel) = panel {
            let panel = panel.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
            let PanelForecast { forecasts, members, weights: _, scores, refused, replaced, origins, paths } = panel;
            row.status = if forecasts.is_empty() { Status::Short } else { Status::Alive };
            row.reason = match refused.first() {
                Some(first) if forecasts.is_empty() => {
                    format!("{} series are too short; the first, {}: {}", refused.len(), first.key, first.reason)
                }
                _ => String::new(),
            };
            (row.series, row.origins, row.replaced) = (forecasts.len(), origins, replaced);
            self.futures.push(Futures { forecasts: forecasts.clone(), paths });
            let placed = |forecast: Forecast| (places.get(&forecast.key).cloned().unwrap_or_default(), forecast);
            self.forecasts.extend(forecasts.into_iter().chain(members).map(placed).map(|(place, forecast)| (forecast, place)));
            self.scores.extend(scores.into_iter().map(|score| (row.category.clone(), row.target, score)));
            self.refused.extend(refused.into_iter().map(|refused| (row.category.clone(), row.target, refused)));
        }
        self.statuses.push(row);
    }
}

/// The last day of the last step before the day is over: nothing later reaches a model.
pub fn cutoff(as_of: NaiveDate, cadence: Cadence) -> Cutoff {
    Cutoff(cadence.floor(as_of + Days::new(1)) - Days::new(1))
}

/// The values of every series of a category with their step, and what each key stands for.
async fn gather(
    ctx: &SessionContext,
    category: &CategorySettings,
    target: Target,
    as_of: NaiveDate,
) -> Result<(Cadence, Vec<AskedRow>, BTreeMap<String, Place>), Failure> {
    let (cadence, query) = match (target, category.cadence) {
        (Target::Price, cadence) => (cadence, price_query(category, cadence)),
        // demand is summed by the week: a day of one commodity in few shops says little
        (Target::Demand, _) => (
            Cadence::Week,
            format!(
                "select '' as market, commodity, '' as grade, week as day, sold_kg as value from sales_weekly where category = '{}'",
                quoted(&category.category.0)
            ),
        ),
    };
    let rows = Rows::of(ctx, &format!("{query} order by market, commodity, grade, day")).await?;
    let last_whole = cutoff(as_of, cadence).0;
    let mut places = BTreeMap::new();
    let mut values = Vec::new();
    for row in 0..rows.len() {
        let part = |column: &str| rows.text(row, column).unwrap_or_default();
        let place = Place { market: part("market"), commodity: part("commodity"), grade: part("grade") };
        let key = [&place.market, &place.commodity, &place.grade]
            .into_iter()
            .filter(|part| !part.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join("/");
        if let (Some(day), Some(value)) = (rows.day(row, "day"), rows.number(row, "value"))
            && day <= last_whole
        {
            values.push((key.clone(), day, value));
            places.insert(key, place);
        }
    }
    Ok((cadence, values, places))
}

fn price_query(category: &CategorySettings, cadence: Cadence) -> String {
    let (table, step) = price_table(cadence);
    format!(
        "select market, commodity, grade, {step} as day, price_cny_per_kg as value from {table} where category = '{}'",
        quoted(&category.category.0)
    )
}

/// Mean prices by ten days (旬), made of the daily ones where they are asked for.
const PRICE_TEN_DAYS: &str = "(select market, commodity, grade, \
     cast(date_trunc('month', day) + case when date_part('day', day) <= 10 then interval '0 days' \
     when date_part('day', day) <= 20 then interval '10 days' else interval '20 days' end as date) as ten_days, \
     min(category) as category, cast(avg(price_cny_per_kg) as decimal(18, 4)) as price_cny_per_kg from price_daily group by 1, 2, 3, 4)";

/// The curated table of prices with that step (or the query that stands for one), and the name of its step column.
pub fn price_table(cadence: Cadence) -> (&'static str, &'static str) {
    match cadence {
        Cadence::Day => ("price_daily", "day"),
        Cadence::Week => ("price_weekly", "week"),
        Cadence::TenDays => (PRICE_TEN_DAYS, "ten_days"),
        Cadence::Month => ("price_monthly", "month"),
    }
}

/// A text inside single quotes of SQL.
pub fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

async fn publish(step: &Step<'_>, said: &Said, fingerprint: &str) -> Result<bool, Failure> {
    let of = |target: Target| said.forecasts.iter().filter(move |(forecast, _)| forecast.target == target).collect::<Vec<_>>();
    let mut changed = step.publish("price_forecast", forecast_rows(&of(Target::Price), step.as_of.0)?, fingerprint).await?;
    changed |= step.publish("demand_forecast", forecast_rows(&of(Target::Demand), step.as_of.0)?, fingerprint).await?;
    changed |= step.publish("forecast_paths", forecast_paths::rows(&said.futures, step.as_of.0).map_err(bug)?, fingerprint).await?;
    changed |= step.publish("forecast_scores", score_rows(&said.scores, step.as_of.0)?, fingerprint).await?;
    let refused = Columns::default()
        .text("category", said.refused.iter().map(|(category, _, _)| &category.0))
        .text("target", said.refused.iter().map(|(_, target, _)| target.name()))
        .text("key", said.refused.iter().map(|(_, _, refused)| &refused.key))
        .text("reason", said.refused.iter().map(|(_, _, refused)| &refused.reason));
    changed |= step.publish("forecast_refused", refused.batch_as_of(step.as_of.0).map_err(bug)?, fingerprint).await?;
    let rows = &said.statuses;
    let statuses = Columns::default()
        .count("place", rows.iter().map(|row| row.place))
        .text("category", rows.iter().map(|row| &row.category.0))
        .text("target", rows.iter().map(|row| row.target.name()))
        .text("status", rows.iter().map(|row| row.status.name()))
        .day("last_day", rows.iter().map(|row| row.last_day))
        .count("series", rows.iter().map(|row| row.series as i64))
        .count("origins", rows.iter().map(|row| i64::from(row.origins)))
        .count("replaced", rows.iter().map(|row| i64::from(row.replaced)))
        .text("reason", rows.iter().map(|row| &row.reason));
    changed |= step.publish("forecast_status", statuses.batch_as_of(step.as_of.0).map_err(bug)?, fingerprint).await?;
    Ok(changed)
}

fn forecast_rows(forecasts: &[&(Forecast, Place)], as_of: NaiveDate) -> Result<RecordBatch, Failure> {
    let rows: Vec<_> =
        forecasts.iter().flat_map(|(forecast, place)| forecast.steps.iter().map(move |step| (forecast, place, step))).collect();
    let columns = Columns::default()
        .text("key", rows.iter().map(|(forecast, _, _)| &forecast.key))
        .text("market", rows.iter().map(|(_, place, _)| &place.market))
        .text("commodity", rows.iter().map(|(_, place, _)| &place.commodity))
        .text("grade", rows.iter().map(|(_, place, _)| &place.grade))
        .text("category", rows.iter().map(|(forecast, _, _)| &forecast.category.0))
        .text("model", rows.iter().map(|(forecast, _, _)| &forecast.model))
        .text("cadence", rows.iter().map(|(forecast, _, _)| cadence_name(forecast.cadence)))
        .day("cutoff", rows.iter().map(|(forecast, _, _)| Some(forecast.cutoff.0)))
        .day("day", rows.iter().map(|(_, _, step)| Some(step.day)))
        .count("horizon", rows.iter().map(|(_, _, step)| i64::from(step.horizon)))
        .number("mean", rows.iter().map(|(_, _, step)| step.mean))
        .number("q10", rows.iter().map(|(_, _, step)| step.quantiles[0]))
        .number("q50", rows.iter().map(|(_, _, step)| step.quantiles[1]))
        .number("q90", rows.iter().map(|(_, _, step)| step.quantiles[2]));
    columns.batch_as_of(as_of).map_err(bug)
}

fn score_rows(scores: &[(Category, Target, Score)], as_of: NaiveDate) -> Result<RecordBatch, Failure> {
    let number = |value: fn(&Score) -> f64| scores.iter().map(move |(_, _, score)| value(score));
    let columns = Columns::default()
        .text("category", scores.iter().map(|(category, _, _)| &category.0))
        .text("target", scores.iter().map(|(_, target, _)| target.name()))
        .text("model", scores.iter().map(|(_, _, score)| &score.model))
        .text("bucket", scores.iter().map(|(_, _, score)| &score.bucket))
        .number("mase", number(|score| score.mase))
        .number("rmsse", number(|score| score.rmsse))
        .number("smape", number(|score| score.smape))
        .number("spl", number(|score| score.spl))
        .number("cov80", number(|score| score.cov80))
        .number("wape", number(|score| score.wape))
        .number("bias", number(|score| score.bias))
        .count("origins", scores.iter().map(|(_, _, score)| i64::from(score.origins)))
        .count("series", scores.iter().map(|(_, _, score)| i64::from(score.series)));
    columns.batch_as_of(as_of).map_err(bug)
}

/// A cadence as the forecast tables write it.
pub fn cadence_name(cadence: Cadence) -> &'static str {
    match cadence {
        Cadence::Day => "day",
        Cadence::Week => "week",
        Cadence::TenDays => "ten_days",
        Cadence::Month => "month",
    }
}

/// Columns of unequal length: only a bug makes them.
pub fn bug(error: arrow::error::ArrowError) -> Failure {
    Failure::new(Exit::Bug, error.to_string())
}

fn fingerprint(step: &Step<'_>, versions: &BTreeMap<String, u64>, views: &BTreeSet<String>) -> String {
    let settings = &step.project.settings;
    let numbers = (settings.origins, settings.explosion_factor, settings.paths);
    let said = format!("{}|{:?}|{numbers:?}", env!("CARGO_PKG_VERSION"), settings.categories);
    let inputs = ["freshness", "price_daily", "price_weekly", "price_monthly", "sales_weekly"].map(|table| {
        format!("{table}@{:?}{}", versions.get(&format!("curated/{table}")), if views.contains(table) { ", waits" } else { "" })
    });
    digest([said, step.as_of.to_string()].iter().chain(&inputs).map(|part| part.as_bytes()))
}
