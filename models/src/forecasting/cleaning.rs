//! What looks wrong in a series, in words: spikes, level shifts, values that are stuck; and a panel without its spikes.
//! In: a series or a panel, the cutoff. Out: anomalies in order of day; a cleaned panel, with what was taken out of it.
//! Never: a value after the cutoff; a change that is not told; a number put where another stood (a spike becomes a gap).
//!
//! Values are walked in order. Each is held against the median of the last ones that were believed, and called far off
//! by its distance in units of the median absolute distance of those before it (Hampel, The influence curve and its role
//! in robust estimation, Journal of the American Statistical Association 69, 1974), on the logarithm. What is far off is
//! not judged before it is known how it goes on: few such values followed by a return are spikes, many that agree are a
//! level shift, others are the series' own way. Only a price that is off by a slipped decimal's size is called a spike
//! when it is the last one known. Distances are those of wholesale markets' own books: what moves less than by half is
//! left alone.

mod stuck;
mod watch;

use super::rhythm::rhythm;
use super::track::Transform;
use chrono::NaiveDate;
use nongshi_domain::{Cadence, Cutoff, Panel, Series, Target};
use stuck::stuck;
use watch::Watch;

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnomalyKind {
    /// Far off for a few values only.
    Spike,
    /// The first value of a level that stayed.
    LevelShift,
    /// The same value again, for far longer than the series is used to.
    Stuck,
}

impl AnomalyKind {
    /// The words used in tables.
    pub fn name(self) -> &'static str {
        match self {
            AnomalyKind::Spike => "spike",
            AnomalyKind::LevelShift => "level shift",
            AnomalyKind::Stuck => "stuck",
        }
    }
}

/// A value that looks wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    /// First day of its step.
    pub day: NaiveDate,
    /// What was observed.
    pub value: f64,
    /// What the values before it made likely; none where nothing else was likely (stuck).
    pub expected: Option<f64>,
    /// What is wrong.
    pub kind: AnomalyKind,
}

/// How a panel is cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleaningSettings {
    /// Off: the panel stays as it is.
    pub spikes: bool,
    /// Steps after which values are alike; none: a week of daily quantities, else no season.
    pub season: Option<u32>,
}

impl Default for CleaningSettings {
    fn default() -> CleaningSettings {
        CleaningSettings { spikes: true, season: None }
    }
}

/// A value that was taken out.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleaned {
    /// The series' key.
    pub key: String,
    /// First day of the step.
    pub day: NaiveDate,
    /// What stood there.
    pub value: f64,
    /// What the values before it made likely.
    pub expected: f64,
}

/// What looks wrong by the cutoff, in order of day. Prices that are not above zero and quantities below it are gaps.
pub fn anomalies(series: &Series, target: Target, cadence: Cadence, cutoff: Cutoff, season: Option<u32>) -> Vec<Anomaly> {
    let series = series.until(cadence, cutoff);
    let values = believable(&series, target);
    let usual = if target == Target::Demand && cadence == Cadence::Day { rhythm(cadence).season } else { 1 };
    let season = season.map_or(usual, |season| season.max(1) as usize);
    let bridge = rhythm(cadence).bridge;
    let mut watch = Watch::new(Transform::of(target, &values), target, season, bridge);
    for (step, value) in values.iter().enumerate() {
        if let Some(value) = *value {
            watch.see(step, value);
        }
    }
    let mut found = watch.end();
    let repeats = stuck(&values, target, cadence, bridge).into_iter().map(|step| (step, None, AnomalyKind::Stuck));
    found.extend(repeats);
    found.sort_by_key(|(step, _, kind)| (*step, *kind));
    let told = |(step, expected, kind): (usize, Option<f64>, AnomalyKind)| {
        Some(Anomaly { day: cadence.advance(series.start, step as u32), value: values[step]?, expected, kind })
    };
    found.into_iter().filter_map(told).collect()
}

/// The panel as it stood at the cutoff with gaps for its spikes, and what stood there, in order of key and day. What is
/// a spike is decided by the values until the cutoff; so at another cutoff the panel is to be cleaned anew.
pub fn clean(panel: &Panel, cutoff: Cutoff, settings: &CleaningSettings) -> (Panel, Vec<Cleaned>) {
    let mut panel = panel.until(cutoff);
    let mut cleaned = Vec::new();
    if !settings.spikes {
        return (panel, cleaned);
    }
    for series in &mut panel.series {
        let found = anomalies(series, panel.target, panel.cadence, cutoff, settings.season);
        for (anomaly, expected) in found.into_iter().filter_map(|found| found.expected.map(|expected| (found, expected))) {
            if anomaly.kind == AnomalyKind::Spike {
                series.values[panel.cadence.steps_between(series.start, anomaly.day) as usize] = None;
                cleaned.push(Cleaned { key: series.key.clone(), day: anomaly.day, value: anomaly.value, expected });
            }
        }
        // a series ends with a value
        while series.values.last().is_some_and(Option::is_none) {
            series.values.pop();
        }
    }
    (panel, cleaned)
}

fn believable(series: &Series, target: Target) -> Vec<Option<f64>> {
    let possible = |value: &f64| value.is_finite() && if target == Target::Price { *value > 0.0 } else { *value >= 0.0 };
    series.values.iter().map(|value| value.filter(possible)).collect()
}

#[cfg(test)]
mod tests;
