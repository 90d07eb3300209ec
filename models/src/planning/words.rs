//! The plain data of planning: what goes in, what comes out. In: nothing. Out: types.
//! Never: arithmetic; the planner and its checker share these words and nothing else.

use chrono::NaiveDate;
use nongshi_domain::{Category, Kilograms, MonthSet, Mu, PricePerKg};
use serde::{Deserialize, Serialize};

/// The outlet of what is ripe and not worth picking, or finds no outlet.
pub const NOT_HARVESTED: &str = "not harvested";

/// A farm: its land, what may grow on it, what grows now.
#[derive(Debug, Clone, PartialEq)]
pub struct Base {
    /// The farm's name.
    pub name: String,
    /// Its plots.
    pub plots: Vec<Plot>,
    /// What may be sown; outlooks count crops in this order. A name at most once for each system: all entries of a
    /// name sell as one, at the outlets, the picking cost and the yield factor of its first.
    pub crops: Vec<Crop>,
    /// What stands, and what stood so lately that its family is still kept off.
    pub standing: Vec<Standing>,
}

/// One plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// Its name.
    pub plot: String,
    /// `paddy`, `upland`, `perennial`, `livestock`: the land it is. A plot that serves several systems in turn
    /// joins them by `;`, such as `paddy;upland`. A house built for one animal is `livestock` and its name.
    pub system: String,
    /// Its size; for livestock the places in thousands.
    pub area: Mu,
}

/// One crop as the crop calendar knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Crop {
    /// Its name.
    pub crop: String,
    /// The kind of food.
    pub category: Category,
    /// The land it needs; where several will do they are joined by `;`. What grows otherwise there is an entry of its own.
    pub system: String,
    /// Days from sowing to the first harvest, at the earliest.
    pub days_to_harvest_min: u32,
    /// The same, at the latest.
    pub days_to_harvest_max: u32,
    /// Days the harvest lasts.
    pub harvest_window_days: u32,
    /// Months in which it may be sown; none for what is never sown by plan.
    pub sow_months: MonthSet,
    /// kg per mu over the whole harvest, in a bad year. Outlooks draw between; the plan itself does not read it.
    pub yield_low_kg_per_mu: f64,
    /// kg per mu over the whole harvest: what a scenario's yield factor multiplies.
    pub yield_kg_per_mu: f64,
    /// kg per mu in a good year, see `yield_low_kg_per_mu`.
    pub yield_high_kg_per_mu: f64,
    /// Rotation family.
    pub family: String,
    /// Weeks the land is kept free of the family after this crop is cleared.
    pub min_gap_same_family_weeks: u32,
    /// CNY per mu from sowing to the last picking, picking itself not counted.
    pub cost_cny_per_mu: f64,
    /// CNY per kg picked and packed: spent only on what is sold.
    pub picking_cost_cny_per_kg: f64,
}

/// A crop in the field, or committed to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The plot.
    pub plot: String,
    /// The crop.
    pub crop: String,
    /// Day of sowing, transplanting or placing; for perennials the day the season's fruit was set.
    pub sown_on: NaiveDate,
    /// How much of the plot.
    pub area: Mu,
}

/// What may come: joint scenarios of yield, price and demand, week by week.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The Monday of week 0.
    pub first_week: NaiveDate,
    /// Weeks looked ahead; selling stops there.
    pub weeks: usize,
    /// At least one; all with the same outlets in the same order.
    pub scenarios: Vec<Scenario>,
}

/// One way the season may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Its probability; all sum to 1.
    pub weight: f64,
    /// Per crop: yield as a share of `yield_kg_per_mu`.
    pub yield_factor: Vec<f64>,
    /// Per crop: who would buy it.
    pub outlets: Vec<Vec<Outlet>>,
}

/// Who would buy a crop.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlet {
    /// Shop group or market.
    pub name: String,
    /// Net-back price by week, CNY/kg: freight, loss and fees already taken off, picking not.
    pub price: Vec<f64>,
    /// The most it takes by week, kg; infinity where it takes all.
    pub limit_kg: Vec<f64>,
}

/// How to plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanSettings {
    /// 0 plans for the mean, 1 for the worst `tail` of the scenarios.
    pub risk_aversion: f64,
    /// The share of the scenarios that counts as the bad ones, such as 0.10.
    pub tail: f64,
    /// Sowing is decided in weeks `0 .. sow_weeks`.
    pub sow_weeks: usize,
    /// Sowings in weeks `0 .. order_weeks` become orders; later ones are a preview.
    pub order_weeks: usize,
    /// The smallest batch.
    pub min_area: Mu,
    /// The most crops on a plot in one week.
    pub max_crops_per_plot: usize,
    /// Whether a sowing whose harvest goes on beyond the outlook bears only that part of its cost whose harvest is seen.
    pub cost_in_sight_only: bool,
}

impl Default for PlanSettings {
    fn default() -> Self {
        PlanSettings {
            risk_aversion: 0.5,
            tail: 0.10,
            sow_weeks: 26,
            order_weeks: 2,
            min_area: Mu(0.5),
            max_crops_per_plot: 3,
            cost_in_sight_only: true,
        }
    }
}

/// What to sow, what will be ripe, what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// By week, plot, crop.
    pub sowings: Vec<PlantingLine>,
    /// By crop (in the base's order), week, outlet in the outlook's order, `not harvested` last.
    pub harvests: Vec<HarvestLine>,
    /// What it is worth, and how sure that is.
    pub summary: PlanSummary,
}

/// One sowing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlantingLine {
    /// The plot.
    pub plot: String,
    /// The crop.
    pub crop: String,
    /// The Monday of the sowing week.
    pub sow_week: NaiveDate,
    /// How much of the plot.
    pub area: Mu,
    /// First day of the harvest.
    pub harvest_from: NaiveDate,
    /// The day after the last day of the harvest.
    pub harvest_to: NaiveDate,
    /// Expected kg inside the outlook's weeks.
    pub expected_kg: Kilograms,
    /// Whether it is to be done now.
    pub is_order: bool,
    /// Expected CNY of this line: in each week and scenario what the crop brings after picking is shared out over all
    /// that is ripe of it, by the kg; less the cost of sowing. The lines and what stands add up to the plan.
    pub margin_cny: f64,
    /// The same, as one scenario in ten does not reach it.
    pub margin_p10_cny: f64,
    /// The same, as nine in ten do not pass it.
    pub margin_p90_cny: f64,
}

/// One crop, one week, one outlet; expectations over the scenarios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HarvestLine {
    /// The crop.
    pub crop: String,
    /// The Monday of the week.
    pub week: NaiveDate,
    /// Expected kg ripe of the crop in the week: the same on all its lines.
    pub ripe: Kilograms,
    /// Who buys, or `not harvested`.
    pub outlet: String,
    /// Expected kg for this outlet.
    pub sold: Kilograms,
    /// Net-back CNY/kg, weighted by the kg sold; 0 for what is not harvested.
    pub price: PricePerKg,
}

/// What a plan is worth. All CNY; profit is sales less picking less the cost of sowing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// Mean profit over the scenarios.
    pub expected_cny: f64,
    /// Profit that one scenario in ten does not reach: the least profit with at least 10 % of the weight at or below it.
    pub p10_cny: f64,
    /// The middle one, by the same rule.
    pub p50_cny: f64,
    /// The same at 90 %.
    pub p90_cny: f64,
    /// Mean profit of the worst `tail` share.
    pub cvar_cny: f64,
    /// What was maximised, of this plan: `(1 - risk_aversion) x mean + risk_aversion x CVaR`.
    pub objective_cny: f64,
    /// No plan can have a higher objective: a dual-feasible point of the program before rounding, recomputed.
    pub bound_cny: f64,
    /// (bound - objective) / |bound|.
    pub gap_share: f64,
    /// How it ended, in words.
    pub status: String,
    /// The solver's name.
    pub solver: String,
    /// Objective of the program's optimum less that of `deterministic_cny`: what planning with scenarios is worth.
    pub value_of_stochastic_solution_cny: f64,
    /// What knowing the scenario before sowing would add to the program's optimum.
    pub value_of_perfect_information_cny: f64,
    /// Objective, in these scenarios, of the plan made for the mean scenario alone (not rounded).
    pub deterministic_cny: f64,
    /// Objective lost between the program's optimum and this plan, by whole tenths of a mu, least batches and
    /// crops per plot.
    pub rounding_cost_cny: f64,
    /// Columns of the program.
    pub variables: usize,
    /// Rows of the program.
    pub rows: usize,
    /// Per scenario: name, weight, profit.
    pub scenario_profits: Vec<(String, f64, f64)>,
}

/// What the checker counted of a plan that keeps every rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckedPlan {
    /// Sowings looked at.
    pub sowings: usize,
    /// Mu sown.
    pub area: Mu,
    /// Mean profit.
    pub expected_cny: f64,
    /// Mean profit of the worst `tail` share.
    pub cvar_cny: f64,
    /// The objective.
    pub objective_cny: f64,
    /// Profit per scenario, in the outlook's order.
    pub profits_cny: Vec<f64>,
}

/// A rule a plan can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Plots, crops and outlets are those of the base and the outlook.
    Names,
    /// Sowing weeks are Mondays inside the weeks of sowing; harvest days and orders follow from them.
    Weeks,
    /// Sown only in its months.
    Months,
    /// Sown only on land of its system.
    System,
    /// Never more mu in use than there are.
    Land,
    /// A family stays off its land for its gap.
    Rotation,
    /// Whole tenths of a mu, never less than the least batch.
    Batch,
    /// Not too many crops on one plot.
    Crowding,
    /// What is ripe follows from what was sown.
    Ripe,
    /// Never more sold than is ripe, or than the outlet takes.
    Sales,
    /// Prices, profits and every yuan of the summary are what they are said to be.
    Value,
    /// The bound lies above the objective, and the gap follows from both.
    Bound,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// Where and by how much.
    pub text: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.text)
    }
}
