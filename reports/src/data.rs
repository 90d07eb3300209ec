//! What a report is made of. In: plain numbers, names and days, converted by the cli. Out: the same, serialisable.
//! Never: a type of the models, a formatted number, a word of the catalogue.
//!
//! Prices are CNY/kg, masses kg, areas mu or thousand places, money CNY, shares 0 to 1. `None` is "not known", never zero.

mod base;
mod chain;

pub use base::{
    AreaChange, AreaUnit, BaseReport, Basis, Cushion, FactRange, HeatRow, HeatStrip, KeyCrop, PlanStatus, PlanSummary, PlotUse, Reason,
    Scenario, SowingOrder, Standing, Verdict, WeakCrop,
};
pub use chain::{CategoryOutlook, ChainReport, FeedCount, RejectedRule, UnmappedName};

use chrono::NaiveDate;
use nongshi_domain::{Cadence, Target};
use serde::{Deserialize, Serialize};

/// A name or a sentence of the user's, in both languages. An empty `en` is spoken as `zh`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English; empty when there is none.
    #[serde(default)]
    pub en: String,
}

impl Words {
    /// A name with its translation.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Words {
        Words { zh: zh.into(), en: en.into() }
    }

    /// A name that is the same in both languages, such as a plot's.
    pub fn same(text: impl Into<String>) -> Words {
        Words { zh: text.into(), en: String::new() }
    }
}

/// 10 %, 50 % and 90 % quantiles (`nongshi_domain::LEVELS`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// 10 %.
    pub low: f64,
    /// 50 %.
    pub median: f64,
    /// 90 %.
    pub high: f64,
}

/// What stands above every report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The farm's or the chain's name.
    pub name: Words,
    /// The day the report speaks from.
    pub as_of: NaiveDate,
    /// Monday of the first week of the plan or forecast.
    pub first_week: NaiveDate,
    /// Weeks the report looks ahead.
    pub horizon_weeks: u32,
    /// Which model spoke for what.
    pub models: Vec<ModelUse>,
    /// Markets whose prices were used.
    pub markets: Vec<String>,
    /// How fresh each feed was.
    pub freshness: Vec<Freshness>,
}

/// The model chosen for one category and target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelUse {
    /// Price or demand.
    pub target: Target,
    /// Category, as in settings.
    pub category: String,
    /// The model's name, such as `combination` or `naive`.
    pub model: String,
}

/// The last day a feed has told of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Freshness {
    /// The feed's name.
    pub feed: String,
    /// Its last day; none when nothing ever came.
    pub last_day: Option<NaiveDate>,
    /// Whether it is later than its contract allows.
    pub late: bool,
}

/// Something this issue cannot say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Category, as in settings; empty when the gap is the whole farm's.
    pub category: String,
    /// What is missing.
    pub target: GapTarget,
    /// In what state its data are.
    pub status: GapStatus,
    /// The last day with data.
    pub last_day: Option<NaiveDate>,
    /// Why, in the words of who found out.
    pub reason: Words,
}

/// What a gap is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GapTarget {
    /// The price forecast.
    Price,
    /// The demand forecast.
    Demand,
    /// The plan.
    Plan,
}

/// The state of the data behind a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GapStatus {
    /// Data come in; the trouble lies elsewhere.
    Alive,
    /// Data came, and stopped.
    Stale,
    /// There never were any.
    Missing,
    /// Too few to learn from.
    Short,
    /// They did not pass their gate.
    Waits,
}

/// One series with its past and its forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesOutlook {
    /// The crop, or the category when the series is its sum.
    pub subject: Words,
    /// The market or the shops; empty when it is the whole chain.
    pub place: String,
    /// Price (CNY/kg) or demand (kg a step).
    pub target: Target,
    /// The step.
    pub cadence: Cadence,
    /// The past, rising by day, as long as there is one: the year-on-year change is taken from here.
    pub history: Vec<Observed>,
    /// The forecast, rising by day.
    pub forecast: Vec<QuantileStep>,
    /// The model's name.
    pub model: String,
    /// Where the figures come from, for the source line.
    pub source: Words,
}

/// A value of the past.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// First day of the step.
    pub day: NaiveDate,
    /// The value; none where nothing was observed.
    pub value: Option<f64>,
}

/// A step ahead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantileStep {
    /// First day of the step.
    pub day: NaiveDate,
    /// The forecast.
    pub quantiles: Quantiles,
}

/// How one model did in the backtest of one category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// Category, as in settings.
    pub category: String,
    /// Price or demand.
    pub target: Target,
    /// The model's name; `naive` must be among the rows of each category and target.
    pub model: String,
    /// Whether this is the one the report uses.
    pub chosen: bool,
    /// Cutoffs walked.
    pub cutoffs: u32,
    /// Mean absolute scaled error.
    pub mase: Option<f64>,
    /// Scaled pinball loss over the levels.
    pub spl: Option<f64>,
    /// Share of values inside the 80 % interval.
    pub cov80: Option<f64>,
    /// Weighted absolute percentage error, as a share.
    pub wape: Option<f64>,
}

/// The last issue's forecasts held against what came since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The day of the last issue.
    pub issued: NaiveDate,
    /// One a category and target.
    pub rows: Vec<ReviewRow>,
}

/// One category's forecasts of the last issue against what came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewRow {
    /// Category, as in settings.
    pub category: String,
    /// Price or demand.
    pub target: Target,
    /// Steps of all its series that have passed since and were observed.
    pub steps: u32,
    /// Of these, how many lay inside the 80 % band.
    pub inside: u32,
    /// Mean of |median - came| / came.
    pub error_share: f64,
    /// Mean of (median - came) / came: above zero, too high was forecast.
    pub bias_share: f64,
}
