//! What a model says: quantiles with dates, key, cutoff and unit. A point is the median of it.

use crate::{Cadence, Category, Cutoff};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The quantile levels every forecast carries, in rising order; the middle one is the median.
pub const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];

/// What is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// CNY per kg.
    Price,
    /// kg per step.
    Demand,
}

impl Target {
    /// The word used in tables and settings.
    pub fn name(self) -> &'static str {
        match self {
            Target::Price => "price",
            Target::Demand => "demand",
        }
    }

    /// The unit of the values.
    pub fn unit(self) -> &'static str {
        match self {
            Target::Price => "CNY/kg",
            Target::Demand => "kg",
        }
    }
}

/// One step ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForecastStep {
    /// First day of the step.
    pub day: NaiveDate,
    /// 1 for the step after the cutoff's.
    pub horizon: u32,
    /// The expected value.
    pub mean: f64,
    /// 10 %, 50 % and 90 % quantiles (`LEVELS`): never negative, never crossed.
    pub quantiles: [f64; 3],
    /// Quantiles at further levels that were asked for, in their order; none unless asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<f64>,
}

/// A forecast of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The series' key.
    pub key: String,
    /// The series' category.
    pub category: Category,
    /// Price or demand.
    pub target: Target,
    /// The step of the series.
    pub cadence: Cadence,
    /// The last day seen.
    pub cutoff: Cutoff,
    /// What made it, such as `combination` or `naive`.
    pub model: String,
    /// In order of horizon, without holes.
    pub steps: Vec<ForecastStep>,
}
