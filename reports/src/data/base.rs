//! The data of one farm base's report. In: a plan, what stands in the field, net-back prices. Out: the same, plain.

use super::{Gap, Head, Quantiles, Review, ScoreRow, SeriesOutlook, Words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Planting and harvest plan of one farm base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaseReport {
    /// Farm, day, models, markets, freshness.
    pub head: Head,
    /// What this issue cannot say.
    pub gaps: Vec<Gap>,
    /// The day of the issue this one is held against; none for a first issue.
    pub last_issue: Option<NaiveDate>,
    /// The verdicts, most important first.
    pub verdicts: Vec<Verdict>,
    /// Sowing orders; the report shows those due within 14 days and counts the others.
    pub orders: Vec<SowingOrder>,
    /// One row a crop that matters now.
    pub crops: Vec<KeyCrop>,
    /// What ripens against what can be sold.
    pub heat: HeatStrip,
    /// What stands in the field.
    pub standing: Vec<Standing>,
    /// Which plot carries what, standing and planned.
    pub plots: Vec<PlotUse>,
    /// The plan in numbers; none when there is no plan.
    pub summary: Option<PlanSummary>,
    /// The plan in other worlds.
    pub scenarios: Vec<Scenario>,
    /// Price outlooks behind the plan.
    pub prices: Vec<SeriesOutlook>,
    /// The last issue's forecasts against what came; none for a first issue.
    pub review: Option<Review>,
    /// How good the forecasts were in the backtest.
    pub scores: Vec<ScoreRow>,
    /// Crops whose agronomy figures are weak.
    pub weak: Vec<WeakCrop>,
}

/// What an area counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaUnit {
    /// Land, mu.
    #[default]
    Mu,
    /// Places for poultry, in thousands.
    ThousandBirds,
    /// Places for pigs and other four-footed stock, in thousands.
    ThousandHeads,
}

/// One verdict of page one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Sow: a first issue, there is nothing to compare with.
    Sow(AreaChange),
    /// Sow more than the last issue planned for the same weeks.
    SowMore(AreaChange),
    /// Sow less than the last issue planned for the same weeks.
    SowLess(AreaChange),
    /// Sow as the last issue planned.
    Hold(AreaChange),
    /// Nothing to sow in these two weeks.
    NothingToSow {
        /// Why.
        reason: Reason,
    },
}

/// A change of area with its money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AreaChange {
    /// The crop.
    pub crop: Words,
    /// Area of the change, positive; of `Sow` and `Hold` the whole area.
    pub area: f64,
    /// What the area counts.
    pub unit: AreaUnit,
    /// What the last issue planned for the same weeks; none where there is none.
    pub before: Option<f64>,
    /// What this issue plans.
    pub now: f64,
    /// Expected margin of `area`, CNY.
    pub gain_cny: f64,
    /// Share of scenarios in which it loses nothing.
    pub share_without_loss: Option<f64>,
    /// Why, when there is more to say than the money.
    pub reason: Option<Reason>,
}

/// Why a verdict is what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// What the shops take is already covered by what stands and is planned.
    DemandCovered,
    /// The net-back price does not cover the cost.
    BelowCost,
    /// No plot is free in time.
    NoFreeLand,
    /// No crop can be sown in these weeks.
    OutOfSeason,
    /// The rotation rules forbid it.
    Rotation,
    /// There is no forecast to plan on.
    NoForecast,
    /// The price is expected above the cost with room to spare.
    PriceCarries,
    /// The shops are short of it.
    ShopsShort,
    /// Something else, in the words of who found out.
    Other(Words),
}

/// A sowing to order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SowingOrder {
    /// Last day to decide.
    pub decide_by: NaiveDate,
    /// Monday of the sowing week.
    pub sow_week: NaiveDate,
    /// The plot.
    pub plot: String,
    /// The crop.
    pub crop: Words,
    /// Area.
    pub area: f64,
    /// What the area counts.
    pub unit: AreaUnit,
    /// First day of harvest.
    pub harvest_from: NaiveDate,
    /// Last day of harvest.
    pub harvest_to: NaiveDate,
    /// Expected harvest, kg.
    pub harvest_kg: f64,
    /// Expected margin of the order, CNY.
    pub margin_cny: f64,
    /// The margin that one case in ten does not reach, CNY.
    pub margin_low_cny: f64,
    /// The margin that nine cases in ten do not pass, CNY.
    pub margin_high_cny: f64,
    /// What a week's waiting costs, CNY.
    pub waiting_cost_cny: Option<f64>,
}

/// A crop's price, basis, demand and plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyCrop {
    /// The crop.
    pub crop: Words,
    /// First day of the harvest weeks the prices speak of.
    pub harvest_from: NaiveDate,
    /// Their last day.
    pub harvest_to: NaiveDate,
    /// Net-back price in the harvest weeks, CNY/kg.
    pub net_back: Option<Quantiles>,
    /// The market that is meant.
    pub market: String,
    /// Median market price in the same weeks, CNY/kg.
    pub market_price: Option<f64>,
    /// Market price of the same weeks against the last issue's forecast of it, as a share; none where there is none.
    pub on_last_issue: Option<f64>,
    /// What lies between market and farm gate.
    pub basis: Option<Basis>,
    /// The part of the own shops' demand that is this base's, kg a week.
    pub own_demand_kg_per_week: Option<f64>,
    /// Harvest planned in these weeks, kg.
    pub planned_kg: Option<f64>,
}

/// From market to farm gate, CNY/kg, each positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// Freight.
    pub freight: f64,
    /// The share lost on the way, in money.
    pub loss: f64,
    /// What the outlet keeps.
    pub fees: f64,
}

/// Weeks by crops: ripe against what the own shops would buy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HeatStrip {
    /// Mondays, rising.
    pub weeks: Vec<NaiveDate>,
    /// All categories, in the order of the settings.
    pub categories: Vec<String>,
    /// One row a crop.
    pub rows: Vec<HeatRow>,
}

/// One crop of the heat strip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeatRow {
    /// The crop.
    pub crop: Words,
    /// Its category, as in settings.
    pub category: String,
    /// Ripe, kg, one a week.
    pub ripe_kg: Vec<f64>,
    /// What the own shops would buy here, kg, one a week; none where they buy none of it.
    pub shops_kg: Option<Vec<f64>>,
}

/// A crop that stands in the field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The plot.
    pub plot: String,
    /// The crop.
    pub crop: Words,
    /// Area.
    pub area: f64,
    /// What the area counts.
    pub unit: AreaUnit,
    /// Day of sowing, transplanting or placing.
    pub sown_on: NaiveDate,
    /// First day of harvest.
    pub harvest_from: NaiveDate,
    /// Last day of harvest.
    pub harvest_to: NaiveDate,
    /// Expected harvest still to come, kg.
    pub expected_kg: f64,
}

/// One bar of the plot calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlotUse {
    /// The plot.
    pub plot: String,
    /// The crop.
    pub crop: Words,
    /// Area.
    pub area: f64,
    /// What the area counts.
    pub unit: AreaUnit,
    /// Day of sowing.
    pub sow_on: NaiveDate,
    /// First day of harvest.
    pub harvest_from: NaiveDate,
    /// Last day of harvest.
    pub harvest_to: NaiveDate,
    /// True when it stands already, false when it is planned.
    pub standing: bool,
    /// Expected harvest of a planned one, kg.
    pub expected_kg: Option<f64>,
    /// Expected margin of a planned one, CNY.
    pub margin_cny: Option<f64>,
}

/// The plan in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// Expected profit, CNY.
    pub expected_cny: f64,
    /// The part of it that the planned sowings earn; the rest comes from what stands.
    pub from_sowings_cny: Option<f64>,
    /// Profit quantiles, CNY.
    pub profit: Quantiles,
    /// Mean profit of the worst tenth, CNY.
    pub cvar_cny: f64,
    /// Recomputed upper bound of the objective, CNY; none when there is none.
    pub bound_cny: Option<f64>,
    /// (bound - value) / |bound|.
    pub gap_share: Option<f64>,
    /// Value of the stochastic solution, CNY.
    pub vss_cny: Option<f64>,
    /// Expected value of perfect information, CNY.
    pub evpi_cny: Option<f64>,
    /// The solver's name.
    pub solver: String,
    /// How it ended.
    pub status: PlanStatus,
    /// What rounding to beds cost, CNY.
    pub rounding_cost_cny: Option<f64>,
    /// Scenarios planned on.
    pub scenarios: u32,
}

/// How a plan's solver ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// The bound is met.
    Proved,
    /// Within the gap that was asked for.
    WithinGap,
    /// Stopped at its limit of work.
    LimitReached,
    /// Feasible, without a bound.
    NoBound,
}

/// The plan in another world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name.
    pub name: Words,
    /// Its probability.
    pub weight: Option<f64>,
    /// Price against the expected one, as a share: 0.1 is 10 % dearer.
    pub price_change: Option<f64>,
    /// Yield, likewise.
    pub yield_change: Option<f64>,
    /// Demand, likewise.
    pub demand_change: Option<f64>,
    /// Profit there, CNY.
    pub profit_cny: f64,
    /// How the plan protects itself there, if it does.
    pub cushion: Option<Cushion>,
}

/// What a plan does with what it cannot sell or does not have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cushion {
    /// Surplus sent to wholesale, kg.
    pub to_wholesale_kg: f64,
    /// Left unharvested, kg.
    pub unharvested_kg: f64,
    /// Own demand not met, kg.
    pub short_kg: f64,
}

/// A range of an agronomy figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FactRange {
    /// From.
    pub from: f64,
    /// To.
    pub to: f64,
}

/// A crop whose figures have low confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeakCrop {
    /// The crop.
    pub crop: Words,
    /// Area of the plan that rests on them.
    pub planned: f64,
    /// What the area counts.
    pub unit: AreaUnit,
    /// Yield, kg/mu, if it is weak.
    pub yield_kg_per_mu: Option<FactRange>,
    /// Cost, CNY/mu, if it is weak.
    pub cost_cny_per_mu: Option<FactRange>,
    /// Days from sowing to harvest, if they are weak.
    pub days_to_harvest: Option<FactRange>,
}
