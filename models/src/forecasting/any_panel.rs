//! Any panel: series that end where they end, steps that may only be numbered, price or quantity by its own values.
//! In: a panel, settings. Out: what is said from each series' own end, or from some steps before it.
//! Never: a value after the step spoken from; a kind decided by a later value.

use super::{Forecast, ForecastSettings, PanelForecast, backtest};
use chrono::Days;
use nongshi_domain::{Cutoff, Panel, Series, Target};
use std::collections::{BTreeMap, BTreeSet};

/// What was said of the series that end at the same step.
#[derive(Debug, Clone, PartialEq)]
pub struct SaidAtEnd {
    /// The step spoken from.
    pub cutoff: Cutoff,
    /// Forecasts and refusals of those series only; no scores.
    pub said: PanelForecast,
}

/// Forecasts every series from each of `backs` steps before its own end, pooling what all series had shown by then.
/// Series that stand at zero at times are quantities (`Target::Demand`), others are taken as prices: so it is decided
/// anew at every cutoff, from the values until then.
pub fn forecast_from_ends(panel: &Panel, backs: &[u32], settings: &ForecastSettings) -> Vec<SaidAtEnd> {
    let mut keys: BTreeMap<Cutoff, BTreeSet<&str>> = BTreeMap::new();
    for series in &panel.series {
        for back in backs.iter().filter_map(|back| (series.values.len() as u32).checked_sub(1 + back)) {
            keys.entry(Cutoff(panel.cadence.advance(series.start, back))).or_default().insert(&series.key);
        }
    }
    let mut by_target: BTreeMap<Target, Vec<Cutoff>> = BTreeMap::new();
    for cutoff in keys.keys() {
        by_target.entry(kind_by(panel, *cutoff)).or_default().push(*cutoff);
    }
    let mut found = Vec::new();
    for (target, cutoffs) in by_target {
        let panel = Panel { target, ..panel.clone() };
        for (cutoff, mut said) in cutoffs.iter().zip(backtest(&panel, &cutoffs, settings)) {
            let own = |key: &str| keys.get(cutoff).is_some_and(|keys| keys.contains(key));
            let keep = |said: &mut Vec<Forecast>| said.retain(|said| own(&said.key));
            keep(&mut said.forecasts);
            keep(&mut said.members);
            said.paths.series.retain(|paths| own(&paths.key));
            said.refused.retain(|refused| own(&refused.key));
            found.push(SaidAtEnd { cutoff: *cutoff, said });
        }
    }
    found.sort_by_key(|said| said.cutoff);
    found
}

fn kind_by(panel: &Panel, cutoff: Cutoff) -> Target {
    let stands_at_zero = |series: &Series| {
        let known = panel.cadence.steps_between(series.start, cutoff.0) + 1;
        series.values[..known.clamp(0, series.values.len() as i64) as usize].iter().flatten().any(|value| *value == 0.0)
    };
    // what can be out of stock is a quantity
    let told = |series: &Series| !series.told.in_stock.is_empty();
    if panel.series.iter().any(|series| told(series) || stands_at_zero(series)) { Target::Demand } else { Target::Price }
}

/// Numbered steps tell no common time: puts all series' ends on one step. Returns by how many steps each was moved, in
/// the panel's order.
pub fn align_ends(panel: &mut Panel) -> Vec<u64> {
    let end = |series: &Series| series.start + Days::new(series.values.len() as u64);
    let last = panel.series.iter().map(end).max().unwrap_or_default();
    let move_one = |series: &mut Series| {
        let by = (last - end(series)).num_days() as u64;
        series.start = series.start + Days::new(by);
        by
    };
    panel.series.iter_mut().map(move_one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{ahead, day, panel_of, seasonal_panel};
    use super::*;
    use nongshi_domain::Cadence;

    #[test]
    fn every_series_speaks_from_its_own_end() {
        let mut panel = seasonal_panel(6, 140);
        panel.series[1].values.truncate(133);
        let settings = ForecastSettings { origins: 10, ..ahead(Cadence::Week, 4) };
        let said = forecast_from_ends(&panel, &[0], &settings);
        let ends: Vec<(String, usize)> = said.iter().map(|said| (said.cutoff.0.to_string(), said.said.forecasts.len())).collect();
        assert_eq!(ends, [("2022-07-18".to_string(), 1), ("2022-09-05".to_string(), 5)]);
        assert_eq!(said[0].said.forecasts[0].key, "s01");
        // what was said some steps before the end is what would have been said then
        let before = forecast_from_ends(&panel, &[6], &settings);
        let then = panel.until(before[1].cutoff);
        let now = forecast_from_ends(&then, &[0], &settings);
        assert_eq!(before[1].said.forecasts, now[1].said.forecasts);
    }

    #[test]
    fn a_series_that_stands_at_zero_makes_a_panel_of_quantities() {
        let mut values: Vec<Option<f64>> = (0..40).map(|step| Some(3.0 + f64::from(step % 5))).collect();
        values[30] = Some(0.0);
        let panel = panel_of(Target::Price, Cadence::Day, &[("a", values)]);
        assert_eq!(kind_by(&panel, Cutoff(day("2020-02-04"))), Target::Price);
        assert_eq!(kind_by(&panel, Cutoff(day("2020-02-05"))), Target::Demand);
    }

    #[test]
    fn numbered_series_end_together() {
        let mut panel = panel_of(Target::Price, Cadence::Day, &[("a", vec![Some(1.0); 9]), ("b", vec![Some(1.0); 5])]);
        assert_eq!(align_ends(&mut panel), [0, 4]);
        assert_eq!(panel.series[1].start, day("2020-01-10"));
    }
}
