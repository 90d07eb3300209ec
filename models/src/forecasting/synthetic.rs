//! Seeded panels for tests in place. In: sizes. Out: panels. Never: built outside tests.

use super::ForecastSettings;
use chrono::NaiveDate;
use nongshi_domain::{Cadence, Category, Panel, Seed, Series, Target, Told};

/// A day in a test.
pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a test writes its dates as YYYY-MM-DD")
}

/// A cadence's settings with another horizon.
pub(super) fn ahead(cadence: Cadence, horizon: u32) -> ForecastSettings {
    ForecastSettings { horizon, ..ForecastSettings::for_cadence(cadence) }
}

/// Where every synthetic series begins: a Monday.
const START: &str = "2020-01-06";

/// A panel of given values, all from `START` on.
pub(super) fn panel_of(target: Target, cadence: Cadence, series: &[(&str, Vec<Option<f64>>)]) -> Panel {
    let series = series.iter().map(|(key, values)| Series {
        key: key.to_string(),
        start: cadence.floor(day(START)),
        values: values.clone(),
        told: Told::default(),
    });
    Panel { category: Category("vegetables".into()), target, cadence, series: series.collect(), known: Vec::new() }
}

/// Weekly prices with a yearly wave of their own height and phase, and an error that fades.
pub(super) fn seasonal_panel(series: usize, steps: usize) -> Panel {
    let mut seed = Seed(3).derive("seasonal");
    let built: Vec<(String, Vec<Option<f64>>)> = (0..series)
        .map(|index| {
            let (height, phase, level) = (0.3 + 0.4 * seed.uniform(), seed.uniform(), 1.0 + seed.uniform());
            let mut error = 0.0;
            let values = (0..steps).map(|step| {
                error = 0.6 * error + 0.06 * seed.normal();
                let wave = (std::f64::consts::TAU * (step as f64 * 7.0 / 365.2422 + phase)).sin();
                Some((level + height * wave + error).exp())
            });
            (format!("s{index:02}"), values.collect())
        })
        .collect();
    named(Cadence::Week, &built)
}

/// Log prices that wander: nothing beats the last value.
pub(super) fn random_walks(cadence: Cadence, series: usize, steps: usize, seed: u64) -> Panel {
    let mut seed = Seed(seed).derive("walks");
    let built: Vec<(String, Vec<Option<f64>>)> = (0..series)
        .map(|index| {
            let roughness = 0.02 + 0.06 * seed.uniform();
            let mut level = 1.0;
            let values = (0..steps).map(|_| {
                level += roughness * seed.normal();
                Some(level.exp())
            });
            (format!("w{index:02}"), values.collect())
        })
        .collect();
    named(cadence, &built)
}

fn named(cadence: Cadence, built: &[(String, Vec<Option<f64>>)]) -> Panel {
    let borrowed: Vec<(&str, Vec<Option<f64>>)> = built.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
    panel_of(Target::Price, cadence, &borrowed)
}
