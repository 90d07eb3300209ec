//! Series and panels. In: values on a calendar. Out: the same, gaps explicit. Never: fills a gap.

use crate::{Cadence, Cutoff, Target};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What kind of food: `grain_oil`, `vegetables`, `fruit`, `meat`, `eggs` by default; settings, not code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Category(pub String);

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One measured thing over time, on an even calendar. `None` is a step without a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What tells this series from its kin, such as `北京新发地/番茄/普通`.
    pub key: String,
    /// First day of the first step.
    pub start: NaiveDate,
    /// One value a step, from `start` on; the first and the last are present.
    pub values: Vec<Option<f64>>,
    /// What is told beside the values.
    pub told: Told,
}

/// What is told about a series beside its values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// By column of `Panel::known`: one cell a step from `Series::start` on, also for the steps to be said.
    pub known: Arc<Vec<Vec<f64>>>,
    /// The share of each step, from 0 to 1, during which it could be bought; one a value. Empty: always.
    pub in_stock: Vec<f64>,
}

impl Series {
    /// The values up to and with the cutoff's step; what comes later is cut away.
    pub fn until(&self, cadence: Cadence, cutoff: Cutoff) -> Series {
        let kept = (cadence.steps_between(self.start, cutoff.0) + 1).clamp(0, self.values.len() as i64);
        let mut values = self.values[..kept as usize].to_vec();
        while values.last().is_some_and(Option::is_none) {
            values.pop();
        }
        let mut told = self.told.clone();
        told.in_stock.truncate(values.len());
        Series { key: self.key.clone(), start: self.start, values, told }
    }

    /// How many steps hold a value.
    pub fn observed(&self) -> usize {
        self.values.iter().flatten().count()
    }
}

/// The series of one category and one target, with one cadence: what is fitted together.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The category the series belong to.
    pub category: Category,
    /// Price or demand.
    pub target: Target,
    /// The common step.
    pub cadence: Cadence,
    /// Ordered by key.
    pub series: Vec<Series>,
    /// Names of what is known beforehand (`Told::known`): prices, promotions, weather as forecast.
    pub known: Vec<String>,
}

impl Panel {
    /// Puts observations on the calendar. Of two values for one key and step the later one in order stands.
    pub fn gather(category: Category, target: Target, cadence: Cadence, rows: impl IntoIterator<Item = (String, NaiveDate, f64)>) -> Panel {
        let mut by_key: std::collections::BTreeMap<String, std::collections::BTreeMap<NaiveDate, f64>> = Default::default();
        for (key, day, value) in rows {
            if value.is_finite() {
                by_key.entry(key).or_default().insert(cadence.floor(day), value);
            }
        }
        let series = by_key.into_iter().filter_map(|(key, values)| {
            let (&start, &end) = (values.keys().next()?, values.keys().next_back()?);
            let steps = cadence.steps_between(start, end) as u32 + 1;
            let values = (0..steps).map(|step| values.get(&cadence.advance(start, step)).copied()).collect();
            Some(Series { key, start, values, told: Told::default() })
        });
        Panel { category, target, cadence, series: series.collect(), known: Vec::new() }
    }

    /// The panel as it stood at the cutoff; series without a value by then are gone.
    pub fn until(&self, cutoff: Cutoff) -> Panel {
        let series = self.series.iter().map(|series| series.until(self.cadence, cutoff)).filter(|series| series.observed() > 0);
        Panel {
            series: series.collect(),
            category: self.category.clone(),
            target: self.target,
            cadence: self.cadence,
            known: self.known.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gather_keeps_gaps_and_until_hides_the_future() {
        let day = |d: u32| NaiveDate::from_ymd_opt(2024, 1, d).expect("a day of January");
        let rows = [("b", day(3), 3.0), ("a", day(1), 1.0), ("a", day(4), 4.0), ("a", day(2), f64::NAN)];
        let panel = Panel::gather(Category("eggs".into()), Target::Price, Cadence::Day, rows.map(|(k, d, v)| (k.to_string(), d, v)));
        assert_eq!(panel.series[0].values, [Some(1.0), None, None, Some(4.0)]);
        let then = panel.until(Cutoff(day(3)));
        assert_eq!(then.series[0].values, [Some(1.0)]);
        assert_eq!(then.series[1].values, [Some(3.0)]);
        assert_eq!(panel.until(Cutoff(day(2))).series.len(), 1);
    }
}
