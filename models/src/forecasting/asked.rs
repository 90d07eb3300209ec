//! The one way in for whoever asks with rows of (key, day, value): the stage, SQL and the command line. In: rows in any
//! order, what is asked. Out: a panel, and what is said of it. Never: a row after the cutoff; an answer that depends on
//! the order of the rows or on who asks.

use super::{ForecastSettings, Growing, Measures, PanelForecast, SaidAtEnd, forecast_from_ends, forecast_panel, score_forecasts};
use chrono::NaiveDate;
use nongshi_domain::{Cadence, Category, Cutoff, Forecast, Panel, Series, Target};
use std::collections::BTreeMap;

/// Days from which steps are taken for weeks.
const LEAST_WEEK_DAYS: i64 = 7;
/// Days from which steps are taken for months.
const LEAST_MONTH_DAYS: i64 = 28;

/// A value of a series.
pub type AskedRow = (String, NaiveDate, f64);

/// What is asked of rows. What is None follows from them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// Steps ahead.
    pub horizon: u32,
    /// The step; None: the smallest between two days of a series; ten days where all are a 1st, an 11th or a 21st.
    pub cadence: Option<Cadence>,
    /// Price or quantity; None: a price when every value is above zero.
    pub target: Option<Target>,
    /// The last day seen; None: the last there is.
    pub cutoff: Option<Cutoff>,
    /// Series whose last step was over before this day are left out.
    pub alive_since: Option<NaiveDate>,
    /// See `ForecastSettings::seasons`.
    pub seasons: Vec<u32>,
    /// See `ForecastSettings::origins`; None: the cadence's.
    pub origins: Option<u32>,
    /// See `ForecastSettings::explosion_factor`; None: the usual.
    pub explosion_factor: Option<f64>,
    /// See `ForecastSettings::growing`; None: the usual.
    pub growing: Option<Growing>,
    /// See `ForecastSettings::paths`.
    pub paths: u32,
    /// See `ForecastSettings::threads`; 0 is one.
    pub threads: usize,
}

/// What would have been said at rolling cutoffs, and its scores by model.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtested {
    /// What was said at each cutoff.
    pub said: Vec<SaidAtEnd>,
    /// By model, `combination` and the members.
    pub scores: BTreeMap<String, Measures>,
}

/// The rows by key, then day: so no answer depends on the order in which they came.
pub fn in_order(mut rows: Vec<AskedRow>) -> Vec<AskedRow> {
    rows.retain(|(_, _, value)| value.is_finite());
    rows.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)).then(a.2.total_cmp(&b.2)));
    rows
}

/// The first key and step that two of the ordered rows stand for, if any do.
pub fn doubled(rows: &[AskedRow], cadence: Cadence) -> Option<(&str, NaiveDate)> {
    let same = |pair: &&[AskedRow]| pair[0].0 == pair[1].0 && cadence.floor(pair[0].1) == cadence.floor(pair[1].1);
    rows.windows(2).find(same).map(|pair| (pair[1].0.as_str(), cadence.floor(pair[1].1)))
}

impl Asked {
    /// The step asked for, or that of the ordered rows.
    pub fn cadence(&self, rows: &[AskedRow]) -> Cadence {
        let apart = |pair: &[AskedRow]| (pair[0].0 == pair[1].0).then(|| (pair[1].1 - pair[0].1).num_days()).filter(|days| *days > 0);
        let tens = || rows.iter().all(|(_, day, _)| Cadence::TenDays.check(*day).is_ok());
        self.cadence.unwrap_or_else(|| match rows.windows(2).filter_map(apart).min() {
            Some(LEAST_MONTH_DAYS..) => Cadence::Month,
            Some(LEAST_WEEK_DAYS..) if tens() => Cadence::TenDays,
            Some(LEAST_WEEK_DAYS..) => Cadence::Week,
            _ => Cadence::Day,
        })
    }

    /// The rows until the cutoff on the calendar, without the series that had ended before. Of two values for a step the
    /// later day's stands, then the larger.
    pub fn panel(&self, category: Category, rows: Vec<AskedRow>) -> Panel {
        let mut rows = in_order(rows);
        if let Some(cutoff) = self.cutoff {
            rows.retain(|(_, day, _)| *day <= cutoff.0);
        }
        let cadence = self.cadence(&rows);
        let prices = rows.iter().all(|(_, _, value)| *value > 0.0);
        let target = self.target.unwrap_or(if prices { Target::Price } else { Target::Demand });
        let mut panel = Panel::gather(category, target, cadence, rows);
        if let Some(since) = self.alive_since {
            panel.series.retain(|series| cadence.last_day(last_step(series, cadence)) >= since);
        }
        panel
    }

    /// The settings for such a panel.
    pub fn settings(&self, cadence: Cadence) -> ForecastSettings {
        let usual = ForecastSettings::for_cadence(cadence);
        ForecastSettings {
            horizon: self.horizon,
            origins: self.origins.unwrap_or(usual.origins),
            explosion_factor: self.explosion_factor.unwrap_or(usual.explosion_factor),
            growing: self.growing.unwrap_or(usual.growing),
            seasons: self.seasons.clone(),
            paths: self.paths,
            threads: self.threads.max(1),
            ..usual
        }
    }

    /// Forecasts every series of a panel made by `panel` from the cutoff, or from the last step that any of them has.
    pub fn forecast(&self, panel: &Panel) -> PanelForecast {
        let last = panel.series.iter().map(|series| last_step(series, panel.cadence)).max();
        let cutoff = self.cutoff.or(last.map(Cutoff)).unwrap_or(Cutoff(NaiveDate::default()));
        forecast_panel(panel, cutoff, &self.settings(panel.cadence))
    }
}

/// What would have been said `windows` times, `step` steps apart, the last time a horizon before each series' own end;
/// scored by what came. The lag that scales the scores is the season named first, or the cadence's.
pub fn backtest_from_ends(panel: &Panel, windows: u32, step: u32, settings: &ForecastSettings) -> Backtested {
    let backs: Vec<u32> = (0..windows).map(|back| settings.horizon.saturating_add(back.saturating_mul(step))).collect();
    let said = forecast_from_ends(panel, &backs, settings);
    let season = settings.seasons.first().map(|season| *season as usize).or(settings.numbered.then_some(1));
    let forecasts: Vec<Forecast> = said.iter().flat_map(|said| said.said.forecasts.iter().chain(&said.said.members)).cloned().collect();
    Backtested { scores: score_forecasts(panel, season, &forecasts), said }
}

/// First day of a series' last step.
fn last_step(series: &Series, cadence: Cadence) -> NaiveDate {
    cadence.advance(series.start, series.values.len().saturating_sub(1) as u32)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{day, seasonal_panel};
    use super::*;

    fn rows(panel: &Panel) -> Vec<AskedRow> {
        let of = |series: &Series| {
            let values = series.values.iter().enumerate();
            let row = |(step, value): (usize, &Option<f64>)| {
                Some((series.key.clone(), panel.cadence.advance(series.start, step as u32), (*value)?))
            };
            values.filter_map(row).collect::<Vec<_>>()
        };
        panel.series.iter().flat_map(of).collect()
    }

    fn asked(horizon: u32) -> Asked {
        Asked { horizon, origins: Some(6), ..Asked::default() }
    }

    #[test]
    fn rows_in_any_order_make_the_panel_and_its_forecast() {
        let panel = seasonal_panel(3, 120);
        let asked = asked(4);
        let mut shuffled = rows(&panel);
        shuffled.reverse();
        shuffled.rotate_left(101);
        let found = asked.panel(panel.category.clone(), shuffled);
        assert_eq!(found, panel);
        let last = Cutoff(day("2022-04-18"));
        assert_eq!(asked.forecast(&found), forecast_panel(&panel, last, &asked.settings(Cadence::Week)));
        assert_eq!(asked.settings(Cadence::Week).origins, 6);
    }

    #[test]
    fn what_lies_after_the_cutoff_decides_nothing() {
        let day = |number: u32| NaiveDate::from_ymd_opt(2024, 1, number).expect("a day of January");
        let row = |key: &str, number, value| (key.to_string(), day(number), value);
        // a zero and a smaller step, both later
        let all = vec![row("a", 1, 1.0), row("a", 8, 2.0), row("b", 1, 1.0), row("a", 15, 0.0), row("a", 16, 3.0)];
        let asked = Asked { cutoff: Some(Cutoff(day(14))), ..asked(2) };
        let found = asked.panel(Category(String::new()), all.clone());
        assert_eq!((found.cadence, found.target, found.series.len()), (Cadence::Week, Target::Price, 2));
        let found = Asked { cutoff: None, ..asked.clone() }.panel(Category(String::new()), all.clone());
        assert_eq!((found.cadence, found.target), (Cadence::Day, Target::Demand));
        // the week of 1 January ends on the 7th
        let alive = |since| Asked { alive_since: Some(since), ..asked.clone() }.panel(Category(String::new()), all.clone()).series.len();
        assert_eq!((alive(day(7)), alive(day(8)), alive(day(15))), (2, 1, 0));
    }

    #[test]
    fn steps_of_ten_days_are_known_by_their_dates() {
        let row = |on: &str| ("a".to_string(), day(on), 1.0);
        let found = |days: &[&str]| asked(2).cadence(&days.iter().map(|on| row(on)).collect::<Vec<_>>());
        assert_eq!(found(&["2024-01-11", "2024-02-21", "2024-03-01"]), Cadence::TenDays);
        assert_eq!(found(&["2024-01-11", "2024-02-21", "2024-03-02"]), Cadence::Week, "the 2nd of March begins no ten days");
        assert_eq!(found(&["2024-01-01", "2024-02-01"]), Cadence::Month);
    }

    #[test]
    fn a_second_row_for_a_step_is_named() {
        let day = |number: u32| NaiveDate::from_ymd_opt(2024, 1, number).expect("a day of January");
        let rows =
            in_order(vec![("b".into(), day(2), 1.0), ("a".into(), day(9), 1.0), ("b".into(), day(7), f64::NAN), ("b".into(), day(4), 2.0)]);
        assert_eq!(rows.len(), 3);
        assert_eq!(doubled(&rows, Cadence::Day), None);
        assert_eq!(doubled(&rows, Cadence::Week), Some(("b", day(1))));
    }

    #[test]
    fn a_backtest_is_scored_by_what_came() {
        let panel = seasonal_panel(2, 120);
        let settings = asked(4).settings(Cadence::Week);
        let found = backtest_from_ends(&panel, 2, 3, &settings);
        let cutoffs: Vec<NaiveDate> = found.said.iter().map(|said| said.cutoff.0).collect();
        assert_eq!(cutoffs, [day("2022-02-28"), day("2022-03-21")]);
        assert_eq!(found.scores["combination"].windows, 4);
        assert_eq!(found.said, forecast_from_ends(&panel, &[4, 7], &settings));
        assert!(found.scores.contains_key("naive"));
    }
}
