//! Plan: what to sow and to harvest on each base, with its risk and its bound. In: forecasts, plots, crops, plantings.
//! Out: planting_plan, harvest_plan, plan_outlook, plan_summary, plan_scenarios, plan_gaps.
//! Never: a plan its checker has not passed.

use super::forecast::bug;
use super::outlook::{Lane, Prospect, bases, prospect};
use super::{Done, Step, transform};
use crate::columns::Columns;
use crate::exit::Failure;
use crate::gap::Gap;
use crate::rows::Rows;
use chrono::{Days, NaiveDate};
use nongshi_lake::digest;
use nongshi_models::planning::{Clarabel, Outlook, Plan, plan as solve};
use std::collections::BTreeMap;
use tokio::task::spawn_blocking;

const TABLES: [&str; 6] = ["harvest_plan", "plan_gaps", "plan_outlook", "plan_scenarios", "plan_summary", "planting_plan"];

/// Plans every base.
pub async fn plan(step: &Step<'_>) -> Result<Done, Failure> {
    let (ctx, catalog) = transform::session(step.project, step.as_of).await?;
    let fingerprint = fingerprint(step, &catalog.versions());
    let mut changed = false;
    if !step.made_already(&TABLES, &fingerprint).await? {
        let mut solving = Vec::new();
        for base in bases(&ctx).await? {
            let prospect = prospect(&ctx, &step.project.settings, &base, step.as_of).await?;
            let settings = step.project.settings.planning.clone();
            // each base on a core of its own, in the bases' order
            solving.push(spawn_blocking(move || {
                let made = solve(&prospect.base, &prospect.outlook, &settings, &Clarabel);
                (
                    prospect,
                    made.map_err(|error| format!("{error}{}", error.hint().map_or(String::new(), |hint| format!(" (hint: {hint})")))),
                )
            }));
        }
        let mut plans = Vec::new();
        for one in solving {
            plans.push(one.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())));
        }
        changed = publish(step, &plans, &fingerprint).await?;
    }
    told(step, changed).await
}

async fn told(step: &Step<'_>, changed: bool) -> Result<Done, Failure> {
    let (ctx, _) = transform::session(step.project, step.as_of).await?;
    let mut done = Done { changed, ..Done::default() };
    let summaries = Rows::of(&ctx, &format!("select * from plan_summary where as_of = '{}' order by base", step.as_of)).await?;
    let mut said = Vec::new();
    for row in 0..summaries.len() {
        let (base, number) =
            (summaries.text(row, "base").unwrap_or_default(), |column: &str| summaries.number(row, column).unwrap_or_default());
        said.push(format!(
            "{base}: {} sowings, expected {:.0} CNY, bound gap {:.2} %",
            summaries.count(row, "sowings").unwrap_or_default(),
            number("expected_cny"),
            100.0 * number("gap_share")
        ));
        if summaries.count(row, "priced_crops") == Some(0) {
            done.gaps.push(Gap::new(&base, "plan", "no crop has a living price: only what stands is shown"));
        }
    }
    let gaps = Rows::of(&ctx, &format!("select * from plan_gaps where as_of = '{}' and crop = '' order by base", step.as_of)).await?;
    for row in 0..gaps.len() {
        done.gaps.push(Gap::new(gaps.text(row, "base").unwrap_or_default(), "plan", gaps.text(row, "reason").unwrap_or_default()));
    }
    if summaries.len() + gaps.len() == 0 {
        done.gaps.push(Gap::new("bases", "plan", "no base has plots"));
    }
    done.said = if said.is_empty() { "no plan".into() } else { said.join("; ") } + if changed { "" } else { "; unchanged" };
    Ok(done)
}

type Made = (Prospect, Result<Plan, String>);

async fn publish(step: &Step<'_>, plans: &[Made], fingerprint: &str) -> Result<bool, Failure> {
    let day = step.as_of.0;
    let good: Vec<(&Prospect, &Plan)> = plans.iter().filter_map(|(prospect, plan)| Some((prospect, plan.as_ref().ok()?))).collect();
    let sowings: Vec<_> = good.iter().flat_map(|(prospect, plan)| plan.sowings.iter().map(move |line| (*prospect, line))).collect();
    let planting = Columns::default()
        .text("base", sowings.iter().map(|(prospect, _)| &prospect.base.name))
        .text("plot", sowings.iter().map(|(_, line)| &line.plot))
        .text("crop", sowings.iter().map(|(_, line)| &line.crop))
        .day("sow_week", sowings.iter().map(|(_, line)| Some(line.sow_week)))
        .number("area_mu", sowings.iter().map(|(_, line)| line.area.0))
        .day("harvest_from", sowings.iter().map(|(_, line)| Some(line.harvest_from)))
        .day("harvest_to", sowings.iter().map(|(_, line)| Some(line.harvest_to)))
        .number("expected_kg", sowings.iter().map(|(_, line)| line.expected_kg.0))
        .yes("is_order", sowings.iter().map(|(_, line)| line.is_order))
        .number("margin_cny", sowings.iter().map(|(_, line)| line.margin_cny))
        .number("margin_p10_cny", sowings.iter().map(|(_, line)| line.margin_p10_cny))
        .number("margin_p90_cny", sowings.iter().map(|(_, line)| line.margin_p90_cny));
    let mut changed = step.publish("planting_plan", planting.batch_as_of(day).map_err(bug)?, fingerprint).await?;

    let harvests: Vec<_> =
        good.iter().flat_map(|(prospect, plan)| plan.harvests.iter().map(move |line| (&prospect.base.name, line))).collect();
    let harvest = Columns::default()
        .text("base", harvests.iter().map(|(base, _)| base))
        .text("crop", harvests.iter().map(|(_, line)| &line.crop))
        .day("week", harvests.iter().map(|(_, line)| Some(line.week)))
        .text("outlet", harvests.iter().map(|(_, line)| &line.outlet))
        .number("ripe_kg", harvests.iter().map(|(_, line)| line.ripe.0))
        .number("sold_kg", harvests.iter().map(|(_, line)| line.sold.0))
        .number("net_back_cny_per_kg", harvests.iter().map(|(_, line)| line.price.0));
    changed |= step.publish("harvest_plan", harvest.batch_as_of(day).map_err(bug)?, fingerprint).await?;
    changed |= step.publish("plan_outlook", outlook_rows(plans).batch_as_of(day).map_err(bug)?, fingerprint).await?;

    let number = |value: fn(&Plan) -> f64| good.iter().map(move |(_, plan)| value(plan));
    let summary = Columns::default()
        .text("base", good.iter().map(|(prospect, _)| &prospect.base.name))
        .count("sowings", good.iter().map(|(_, plan)| plan.sowings.len() as i64))
        .count("priced_crops", good.iter().map(|(prospect, _)| prospect.lanes.len() as i64))
        .number("expected_cny", number(|plan| plan.summary.expected_cny))
        .number("p10_cny", number(|plan| plan.summary.p10_cny))
        .number("p50_cny", number(|plan| plan.summary.p50_cny))
        .number("p90_cny", number(|plan| plan.summary.p90_cny))
        .number("cvar_cny", number(|plan| plan.summary.cvar_cny))
        .number("objective_cny", number(|plan| plan.summary.objective_cny))
        .number("bound_cny", number(|plan| plan.summary.bound_cny))
        .number("gap_share", number(|plan| plan.summary.gap_share))
        .number("vss_cny", number(|plan| plan.summary.value_of_stochastic_solution_cny))
        .number("evpi_cny", number(|plan| plan.summary.value_of_perfect_information_cny))
        .number("rounding_cost_cny", number(|plan| plan.summary.rounding_cost_cny))
        .text("status", good.iter().map(|(_, plan)| &plan.summary.status))
        .text("solver", good.iter().map(|(_, plan)| &plan.summary.solver));
    changed |= step.publish("plan_summary", summary.batch_as_of(day).map_err(bug)?, fingerprint).await?;

    let scenarios: Vec<_> = good
        .iter()
        .flat_map(|(prospect, plan)| plan.summary.scenario_profits.iter().map(move |scenario| (&prospect.base.name, scenario)))
        .collect();
    let scenarios = Columns::default()
        .text("base", scenarios.iter().map(|(base, _)| base))
        .text("scenario", scenarios.iter().map(|(_, (name, _, _))| name))
        .number("weight", scenarios.iter().map(|(_, (_, weight, _))| *weight))
        .number("profit_cny", scenarios.iter().map(|(_, (_, _, profit))| *profit));
    changed |= step.publish("plan_scenarios", scenarios.batch_as_of(day).map_err(bug)?, fingerprint).await?;

    let mut gaps: Vec<(&str, &str, &str)> = Vec::new();
    for (prospect, plan) in plans {
        gaps.extend(plan.as_ref().err().map(|reason| (prospect.base.name.as_str(), "", reason.as_str())));
        gaps.extend(prospect.unplanned.iter().map(|(crop, reason)| (prospect.base.name.as_str(), crop.as_str(), reason.as_str())));
    }
    let gaps = Columns::default()
        .text("base", gaps.iter().map(|gap| gap.0))
        .text("crop", gaps.iter().map(|gap| gap.1))
        .text("reason", gaps.iter().map(|gap| gap.2));
    changed |= step.publish("plan_gaps", gaps.batch_as_of(day).map_err(bug)?, fingerprint).await?;
    Ok(changed)
}

/// Prices and limits by crop, week and outlet, as the plan saw them.
fn outlook_rows(plans: &[Made]) -> Columns {
    let mut rows: Vec<(&str, &Lane, usize, NaiveDate)> = Vec::new();
    for (prospect, _) in plans {
        for lane in &prospect.lanes {
            rows.extend(
                (0..prospect.outlook.weeks).map(|week| (prospect.base.name.as_str(), lane, week, week_of(&prospect.outlook, week))),
            );
        }
    }
    let price = |level: usize| rows.iter().map(move |(_, lane, week, _)| lane.net_back(lane.price[*week][level]));
    Columns::default()
        .text("base", rows.iter().map(|row| row.0))
        .text("crop", rows.iter().map(|row| &row.1.crop))
        .day("week", rows.iter().map(|row| Some(row.3)))
        .text("outlet", rows.iter().map(|row| &row.1.outlet))
        .text("market", rows.iter().map(|row| &row.1.market))
        .yes("own", rows.iter().map(|row| row.1.own))
        .number("net_back_q10", price(0))
        .number("net_back_q50", price(1))
        .number("net_back_q90", price(2))
        .number("market_price", rows.iter().map(|(_, lane, week, _)| lane.price[*week][1]))
        .number("freight_cny_per_kg", rows.iter().map(|row| row.1.freight))
        .number("shop_share", rows.iter().map(|row| row.1.share))
        .number("loss_share", rows.iter().map(|row| row.1.loss))
        .number("fee_share", rows.iter().map(|row| row.1.fee))
        .number("limit_kg", rows.iter().map(|(_, lane, week, _)| lane.limit[*week][1]))
}

fn week_of(outlook: &Outlook, week: usize) -> NaiveDate {
    outlook.first_week + Days::new(7 * week as u64)
}

fn fingerprint(step: &Step<'_>, versions: &BTreeMap<String, u64>) -> String {
    let settings = &step.project.settings;
    let said = format!(
        "{}|{:?}|{}|{}|{}",
        env!("CARGO_PKG_VERSION"),
        settings.planning,
        settings.plan_weeks,
        settings.own_price_market,
        settings.picking_cost_cny_per_kg
    );
    let tables = ["landed/crops", "landed/lanes", "landed/plantings", "landed/plots", "model/price_forecast", "model/demand_forecast"];
    let inputs = tables.map(|table| format!("{table}@{:?}", versions.get(table)));
    digest([said, step.as_of.to_string()].iter().chain(&inputs).map(|part| part.as_bytes()))
}
