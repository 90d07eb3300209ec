//! The checker's own count of kilograms and yuan. In: sowings that keep the rules of land. Out: what they are worth.
//! Never: a number of the plan believed; each is compared with one counted here.

use super::super::words::{CheckedPlan, HarvestLine, NOT_HARVESTED, Outlet, Plan, PlanSettings, PlanSummary, Rule, Scenario};
use super::ground::Ground;
use super::{Broken, Sown, ripe_kg};
use nongshi_domain::Mu;
use std::collections::BTreeMap;

/// CNY by which a sum may differ for rounding alone, beside a billionth of it.
const CENT: f64 = 0.01;
const BILLIONTH: f64 = 1e-9;
/// kg below which nothing need be written, beside a billionth of the amount.
const GRAM: f64 = 1e-3;

type Ripe = BTreeMap<(usize, usize), f64>;

/// Kilograms, sales, prices and every yuan of the summary.
pub(super) fn check_money(
    ground: &Ground<'_>,
    settings: &PlanSettings,
    plan: &Plan,
    sown: &[Sown<'_>],
    broken: &mut Broken,
) -> CheckedPlan {
    let ripe = ripe_kg(ground, sown);
    let cost: f64 = sown.iter().map(|sown| sown.line.area.0 * ground.cost_cny_per_mu(sown.crop, &sown.stay)).sum();
    let scenarios = &ground.outlook.scenarios;
    let profits: Vec<f64> = scenarios.iter().map(|scenario| revenue(ground, scenario, &ripe) - cost).collect();
    for sown in sown {
        check_line(ground, sown, &ripe, broken);
    }
    check_harvests(ground, plan, &ripe, cost, broken);
    let weighted: Vec<(f64, f64)> = scenarios.iter().map(|scenario| scenario.weight).zip(profits.iter().copied()).collect();
    let expected_cny = weighted.iter().map(|(weight, profit)| weight * profit).sum();
    let cvar_cny = worst_mean(&weighted, settings.tail);
    let objective_cny = (1.0 - settings.risk_aversion) * expected_cny + settings.risk_aversion * cvar_cny;
    let checked = CheckedPlan { sowings: sown.len(), area: Mu(0.0), expected_cny, cvar_cny, objective_cny, profits_cny: profits };
    check_summary(ground, &plan.summary, &checked, &weighted, broken);
    checked
}

fn same_cny(a: f64, b: f64) -> bool {
    (a - b).abs() <= CENT + BILLIONTH * a.abs().max(b.abs())
}

fn same_kg(a: f64, b: f64) -> bool {
    (a - b).abs() <= GRAM + BILLIONTH * a.abs().max(b.abs())
}

/// The outlets of one week that pay more than the picking, the best first: (CNY/kg after picking, kg).
fn paying(outlets: &[Outlet], week: usize, picking: f64) -> Vec<(f64, f64)> {
    let mut paying: Vec<(f64, f64)> =
        outlets.iter().map(|outlet| (outlet.price[week] - picking, outlet.limit_kg[week])).filter(|(net, _)| *net > 0.0).collect();
    paying.sort_by(|a, b| b.0.total_cmp(&a.0));
    paying
}

/// CNY after picking that one scenario brings.
fn revenue(ground: &Ground<'_>, scenario: &Scenario, ripe: &Ripe) -> f64 {
    let mut cny = 0.0;
    for (&(crop, week), kg) in ripe {
        let picking = ground.base.crops[crop].picking_cost_cny_per_kg;
        cny += sales_of(&scenario.outlets[crop], week, picking, kg * scenario.yield_factor[crop]);
    }
    cny
}

/// CNY after picking that `kg` ripe in a week bring.
fn sales_of(outlets: &[Outlet], week: usize, picking: f64, kg: f64) -> f64 {
    let (mut left, mut cny) = (kg, 0.0);
    for (net, limit) in paying(outlets, week, picking) {
        let sold = left.min(limit);
        cny += net * sold;
        left -= sold;
    }
    cny
}

/// Expected kilograms and margin of one sowing.
fn check_line(ground: &Ground<'_>, sown: &Sown<'_>, ripe: &Ripe, broken: &mut Broken) {
    let sold = ground.sold_as(sown.crop);
    let crop = &ground.base.crops[sold];
    let kg_a_week = sown.line.area.0 * ground.kg_per_mu_week(sown.crop, &sown.stay);
    let mut expected = 0.0;
    let cost = sown.line.area.0 * ground.cost_cny_per_mu(sown.crop, &sown.stay);
    let mut margins: Vec<(f64, f64)> = ground.outlook.scenarios.iter().map(|scenario| (scenario.weight, -cost)).collect();
    for week in sown.stay.harvest.clone().filter(|week| *week < ground.outlook.weeks as i64) {
        let week = week as usize;
        let all = ripe.get(&(sold, week)).copied().unwrap_or(0.0);
        for (scenario, (weight, margin)) in ground.outlook.scenarios.iter().zip(&mut margins) {
            let factor = scenario.yield_factor[sold];
            expected += *weight * kg_a_week * factor;
            // the line's part of the week, by the kilogram
            let cny = sales_of(&scenario.outlets[sold], week, crop.picking_cost_cny_per_kg, all * factor);
            *margin += if all > 0.0 { cny * kg_a_week / all } else { 0.0 };
        }
    }
    let label = format!("{} on {} in the week of {}", sown.line.crop, sown.line.plot, sown.line.sow_week);
    if !same_kg(expected, sown.line.expected_kg.0) {
        broken.say(Rule::Ripe, format!("{label}: {} kg expected, counted {expected}", sown.line.expected_kg.0));
    }
    let mean = margins.iter().map(|(weight, margin)| weight * margin).sum();
    for (what, said, counted) in [
        ("margin", sown.line.margin_cny, mean),
        ("margin at 10 %", sown.line.margin_p10_cny, quantile(&margins, 0.1)),
        ("margin at 90 %", sown.line.margin_p90_cny, quantile(&margins, 0.9)),
    ] {
        if !same_cny(said, counted) {
            broken.say(Rule::Value, format!("{label}: {what} {said} CNY, counted {counted}"));
        }
    }
}

/// The harvest lines against what is ripe, what outlets take and what they pay.
fn check_harvests(ground: &Ground<'_>, plan: &Plan, ripe: &Ripe, cost: f64, broken: &mut Broken) {
    let mut by_week: BTreeMap<(usize, usize), Vec<&HarvestLine>> = BTreeMap::new();
    for line in &plan.harvests {
        let crop = ground.base.crops.iter().position(|crop| crop.crop == line.crop);
        let week = ground.week_of(line.week);
        match crop {
            Some(crop) if (0..ground.outlook.weeks as i64).contains(&week) && ground.monday(week) == line.week => {
                by_week.entry((crop, week as usize)).or_default().push(line);
            }
            _ => broken.say(Rule::Names, format!("harvest of {} in the week of {}: no such crop or week", line.crop, line.week)),
        }
    }
    let mut expected_cny = -cost;
    for (&(crop, week), lines) in &by_week {
        for line in lines {
            check_outlet(ground, (crop, week), line, ripe, broken);
            let picking = if line.outlet == NOT_HARVESTED { 0.0 } else { ground.base.crops[crop].picking_cost_cny_per_kg };
            expected_cny += line.sold.0 * (line.price.0 - picking);
        }
    }
    let weeks: std::collections::BTreeSet<_> = by_week.keys().chain(ripe.keys()).copied().collect();
    for key @ (crop, week) in weeks {
        let counted: f64 = expected_ripe(ground, key, ripe);
        let lines = by_week.get(&key).map_or(&[][..], Vec::as_slice);
        let label = format!("harvest of {} in the week of {}", ground.base.crops[crop].crop, ground.monday(week as i64));
        if let Some(line) = lines.iter().find(|line| !same_kg(line.ripe.0, counted)) {
            broken.say(Rule::Ripe, format!("{label}: {} kg ripe, counted {counted}", line.ripe.0));
        }
        let sold: f64 = lines.iter().map(|line| line.sold.0).sum();
        // lines of less than a gram are left out
        if !same_kg(sold, counted) {
            broken.say(Rule::Sales, format!("{label}: {sold} kg sold or left, {counted} ripe"));
        }
    }
    if !same_cny(expected_cny, plan.summary.expected_cny) {
        let said = plan.summary.expected_cny;
        broken.say(Rule::Value, format!("the harvest lines are worth {expected_cny} CNY, the summary says {said}"));
    }
}

fn expected_ripe(ground: &Ground<'_>, (crop, week): (usize, usize), ripe: &Ripe) -> f64 {
    let kg = ripe.get(&(crop, week)).copied().unwrap_or(0.0);
    ground.outlook.scenarios.iter().map(|scenario| scenario.weight * scenario.yield_factor[crop] * kg).sum()
}

fn check_outlet(ground: &Ground<'_>, (crop, week): (usize, usize), line: &HarvestLine, ripe: &Ripe, broken: &mut Broken) {
    let label = format!("harvest of {} in the week of {} for {}", line.crop, line.week, line.outlet);
    if line.outlet == NOT_HARVESTED {
        if line.price.0 != 0.0 {
            broken.say(Rule::Value, format!("{label}: {} CNY/kg", line.price.0));
        }
        return;
    }
    let kg = ripe.get(&(crop, week)).copied().unwrap_or(0.0);
    let (mut most, mut low, mut high) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
    for scenario in &ground.outlook.scenarios {
        if let Some(outlet) = scenario.outlets[crop].iter().find(|outlet| outlet.name == line.outlet) {
            most += scenario.weight * outlet.limit_kg[week].min(kg * scenario.yield_factor[crop]);
            low = f64::min(low, outlet.price[week]);
            high = f64::max(high, outlet.price[week]);
        }
    }
    if !(line.sold.0 >= 0.0 && line.sold.0 <= most + GRAM + BILLIONTH * most) {
        broken.say(Rule::Sales, format!("{label}: {} kg, it takes {most} of what is ripe", line.sold.0));
    }
    if !(low - CENT..=high + CENT).contains(&line.price.0) {
        broken.say(Rule::Value, format!("{label}: {} CNY/kg, it pays {low} to {high}", line.price.0));
    }
}

/// Mean profit of the worst `tail` share, the scenario on its border in part.
fn worst_mean(weighted: &[(f64, f64)], tail: f64) -> f64 {
    let mut order = weighted.to_vec();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (mut left, mut sum) = (tail, 0.0);
    for (weight, profit) in order {
        let taken = weight.min(left);
        sum += taken * profit;
        left -= taken;
    }
    sum / tail
}

/// The least profit with at least `level` of the weight at or below it.
fn quantile(weighted: &[(f64, f64)], level: f64) -> f64 {
    let at_or_below = |profit: f64| weighted.iter().filter(|(_, other)| *other <= profit).map(|(weight, _)| weight).sum::<f64>();
    let reached = weighted.iter().map(|(_, profit)| *profit).filter(|profit| at_or_below(*profit) >= level - BILLIONTH);
    reached.fold(f64::INFINITY, f64::min)
}

fn check_summary(ground: &Ground<'_>, said: &PlanSummary, counted: &CheckedPlan, weighted: &[(f64, f64)], broken: &mut Broken) {
    let optimum = said.objective_cny + said.rounding_cost_cny;
    for (what, said, counted) in [
        ("expected_cny", said.expected_cny, counted.expected_cny),
        ("p10_cny", said.p10_cny, quantile(weighted, 0.1)),
        ("p50_cny", said.p50_cny, quantile(weighted, 0.5)),
        ("p90_cny", said.p90_cny, quantile(weighted, 0.9)),
        ("cvar_cny", said.cvar_cny, counted.cvar_cny),
        ("objective_cny", said.objective_cny, counted.objective_cny),
        ("value_of_stochastic_solution_cny", said.value_of_stochastic_solution_cny, optimum - said.deterministic_cny),
    ] {
        if !same_cny(said, counted) {
            broken.say(Rule::Value, format!("{what} is {said}, counted {counted}"));
        }
    }
    let names: Vec<(&str, f64)> = ground.outlook.scenarios.iter().map(|scenario| (scenario.name.as_str(), scenario.weight)).collect();
    let said_names: Vec<(&str, f64)> = said.scenario_profits.iter().map(|(name, weight, _)| (name.as_str(), *weight)).collect();
    if names != said_names {
        broken.say(Rule::Names, "scenario_profits are not those of the outlook's scenarios".into());
    }
    for ((name, _, said), counted) in said.scenario_profits.iter().zip(&counted.profits_cny) {
        if !same_cny(*said, *counted) {
            broken.say(Rule::Value, format!("profit of scenario {name} is {said}, counted {counted}"));
        }
    }
    let gap = if said.bound_cny == said.objective_cny { 0.0 } else { (said.bound_cny - said.objective_cny) / said.bound_cny.abs() };
    if !(said.bound_cny >= said.objective_cny - CENT && said.bound_cny >= optimum - CENT && (gap - said.gap_share).abs() <= BILLIONTH) {
        broken.say(Rule::Bound, format!("bound {}, objective {}, gap {}", said.bound_cny, said.objective_cny, said.gap_share));
    }
}
