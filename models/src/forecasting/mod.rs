//! Forecasting: quantile forecasts of a category's series with their scores.
//! In: a panel, the cutoff, settings. Out: `PanelForecast`. Never: a value after the cutoff, a silent drop, a look at
//! the cutoff's own future when weights and quantiles are learnt.
//!
//! The way: `ground` lays the panel out · `model` lists the members (`elastic_net` and `boosted` learn from all series,
//! `single` from one, `naive`, `drift`, `seasonal_naive` and `lunar_naive` from nothing) · `backtest` lets each speak at
//! rolling origins, the last being the cutoff · `explosion` replaces what was never seen · `combine` weighs them by their
//! past errors · `factor` and `conformal` turn past errors into quantiles · `scores` judges · `paths` joins the quantiles
//! of all series and steps into futures. `alarm` holds what was said against what came; `any_panel` serves panels that are
//! no category's; `reconcile` makes forecasts of many levels add up.
//! What is said at the cutoff is made by the same steps as what was said at every earlier origin, from what was known
//! there; so the scores of `combination` are those of the forecast itself.

mod alarm;
mod almanac;
mod any_panel;
mod asked;
mod backtest;
pub mod boost;
mod boosted;
mod cleaning;
mod combine;
mod conformal;
mod decompose;
mod design;
mod drift;
mod elastic_net;
mod explosion;
mod factor;
mod ground;
mod latent;
mod law;
pub mod local;
mod lunar_naive;
mod model;
mod moments;
mod naive;
mod normal;
mod paths;
#[cfg(test)]
mod paths_tests;
pub mod reconcile;
mod rhythm;
mod scores;
mod seasonal_naive;
mod single;
mod speak;
#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod ten_days_tests;
#[cfg(test)]
mod tests;
mod threads;
mod track;

pub use alarm::{Came, Challenger, Drift, challenger, drift};
pub use any_panel::{SaidAtEnd, align_ends, forecast_from_ends};
pub use asked::{Asked, AskedRow, Backtested, backtest_from_ends, doubled, in_order};
pub use cleaning::{Anomaly, AnomalyKind, Cleaned, CleaningSettings, anomalies, clean};
pub use decompose::{Decomposition, Part, decompose};
pub use latent::latent_demand;
pub use scores::{Measures, score_forecasts};

use chrono::NaiveDate;
use nongshi_domain::{Cadence, Category, Cutoff, Forecast, Panel, Seed, Series, Target};

/// How far to look ahead, and how much of the past to be judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastSettings {
    /// Steps ahead.
    pub horizon: u32,
    /// Backtest origins wanted, 20 or more for sound quantiles; fewer are used when history is short.
    pub origins: u32,
    /// Steps between origins.
    pub origin_step: u32,
    /// A forecast beyond what was ever shown, by this factor, is an explosion.
    pub explosion_factor: f64,
    /// Seasons in steps, the shortest first; none named: the cadence's own.
    pub seasons: Vec<u32>,
    /// The steps are only numbered, as days from 1 January 1970 on: no weekday, no festival, no year.
    pub numbered: bool,
    /// How often trees are grown anew.
    pub growing: Growing,
    /// Joint sample paths of the combination; 0 for none.
    pub paths: u32,
    /// What paths are drawn by: panels of one run share it, so that their paths follow the same days.
    pub seed: Seed,
    /// Further quantile levels to say, each between 0 and 1.
    pub levels: Vec<f64>,
    /// Threads at most; the forecasts are the same for any number.
    pub threads: usize,
}

/// How much work goes into boosted trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growing {
    /// Anew at every few steps of the axis; three growths speak together, and tails are learnt: for a panel by itself.
    Often,
    /// Twice a year, one growth, the median alone: for many panels, run after run.
    Seldom,
}

impl ForecastSettings {
    /// The settings a category starts from.
    pub fn for_cadence(cadence: Cadence) -> ForecastSettings {
        let (horizon, origins, origin_step) = match cadence {
            Cadence::Day => (28, 60, 7),
            Cadence::Week => (13, 60, 2),
            Cadence::TenDays => (9, 60, 1),
            Cadence::Month => (6, 40, 1),
        };
        ForecastSettings {
            horizon,
            origins,
            origin_step,
            explosion_factor: 5.0,
            seasons: Vec::new(),
            numbered: false,
            growing: Growing::Often,
            paths: 0,
            seed: Seed(0),
            levels: Vec::new(),
            threads: 1,
        }
    }
}

/// Everything said about a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelForecast {
    /// The combination, in order of key.
    pub forecasts: Vec<Forecast>,
    /// What each member said, in order of key, then model.
    pub members: Vec<Forecast>,
    /// What each member weighs at the cutoff, by model, then bucket; a bucket's sum is one.
    pub weights: Vec<Weight>,
    /// By model (`combination` and the members), then bucket, `all` first.
    pub scores: Vec<Score>,
    /// Series that cannot be forecast, and why.
    pub refused: Vec<Refused>,
    /// Members' steps at the cutoff that exploded and were replaced by the median of the others.
    pub replaced: u32,
    /// Backtest origins with a whole horizon known. Below 20, quantiles stand on little; with none, on a random walk.
    pub origins: u32,
    /// As many futures as the settings ask for.
    pub paths: SamplePaths,
}

/// Futures of a panel, each as likely as another: path `i` of one series and step belongs with path `i` of every other,
/// and with path `i` of other panels that were drawn by the same seed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SamplePaths {
    /// By path: the last day seen at the origin whose errors it follows; empty when nothing was said before.
    pub follow: Vec<NaiveDate>,
    /// In order of key.
    pub series: Vec<PathsOfSeries>,
}

/// The paths of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct PathsOfSeries {
    /// The series' key.
    pub key: String,
    /// By step, in order of horizon; then by path.
    pub steps: Vec<Vec<f64>>,
}

/// What a member weighs in the combination: the mean over the series, each of which has weights of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// The member.
    pub model: String,
    /// Horizons, such as `1-4`.
    pub bucket: String,
    /// From 0 to 1. Naive's is the share by which all the others together are drawn toward it.
    pub weight: f64,
}

/// A series without a forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The series' key.
    pub key: String,
    /// Why, in words.
    pub reason: String,
}

/// How well a model did at the backtest's origins; see `score_forecasts` for the definitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The model's name.
    pub model: String,
    /// Horizons, such as `1-4`, or `all`.
    pub bucket: String,
    /// Mean absolute scaled error.
    pub mase: f64,
    /// Root mean squared scaled error.
    pub rmsse: f64,
    /// Symmetric mean absolute percentage error, in percent.
    pub smape: f64,
    /// Mean scaled pinball loss over the three levels.
    pub spl: f64,
    /// Share of values between the 10 % and 90 % quantiles.
    pub cov80: f64,
    /// Sum of absolute errors by sum of values.
    pub wape: f64,
    /// Sum of said less came by sum of values.
    pub bias: f64,
    /// Origins scored.
    pub origins: u32,
    /// Series scored.
    pub series: u32,
}

/// Why one series cannot be forecast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForecastError {
    /// The series does not carry a forecast.
    #[error("series `{key}` cannot be forecast: {reason}")]
    Refused {
        /// The series' key.
        key: String,
        /// Why, in words.
        reason: String,
    },
}

/// Forecasts every series of a panel from what was known at the cutoff.
pub fn forecast_panel(panel: &Panel, cutoff: Cutoff, settings: &ForecastSettings) -> PanelForecast {
    let mut said = speak::speak(panel, &[cutoff], settings, &model::MEMBERS, true);
    said.remove(0)
}

/// What `forecast_panel` would have said at each cutoff, in the cutoffs' order: the same bytes at less than the sum of
/// the costs, but for the scores, which are left to whoever sees the values that came.
pub fn backtest(panel: &Panel, cutoffs: &[Cutoff], settings: &ForecastSettings) -> Vec<PanelForecast> {
    speak::speak(panel, cutoffs, settings, &model::MEMBERS, false)
}

/// Forecasts one series by itself: the members that need only it, and those over all series where it is long enough.
pub fn forecast_series(
    series: &Series,
    category: &Category,
    target: Target,
    cadence: Cadence,
    cutoff: Cutoff,
    settings: &ForecastSettings,
) -> Result<Forecast, ForecastError> {
    let panel = Panel { category: category.clone(), target, cadence, series: vec![series.clone()], known: Vec::new() };
    let said = forecast_panel(&panel, cutoff, settings);
    let refused = said.refused.into_iter().next().map(|refused| refused.reason);
    let reason = || refused.unwrap_or_else(|| "nobody spoke".to_string());
    said.forecasts.into_iter().next().ok_or_else(|| ForecastError::Refused { key: series.key.clone(), reason: reason() })
}
