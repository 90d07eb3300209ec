//! Series of ten days (旬). In: synthetic panels. Out: claims. Never: real data.

use super::synthetic::{ahead, day, panel_of};
use super::*;
use chrono::Datelike;
use nongshi_domain::days_to_spring_festival;

/// Steps of four years.
const STEPS: u32 = 4 * 36;

/// Prices with a wave a year, a fifth more in the ten days before the Spring Festival, and a little noise; one gap.
fn prices() -> Panel {
    let mut seed = Seed(7).derive("ten days");
    let built: Vec<(String, Vec<Option<f64>>)> = (0..6)
        .map(|index| {
            let height = 0.2 + 0.05 * f64::from(index);
            let value = |step: u32| {
                let on = Cadence::TenDays.advance(day("2020-01-01"), step);
                let wave = (std::f64::consts::TAU * f64::from(step % 36) / 36.0).sin();
                let festival = if (1..=10).contains(&days_to_spring_festival(on)) { 0.2 } else { 0.0 };
                Some((1.0 + height * wave + festival + 0.02 * seed.normal()).exp())
            };
            let mut values: Vec<Option<f64>> = (0..STEPS).map(value).collect();
            values[100] = None;
            (format!("t{index}"), values)
        })
        .collect();
    let named: Vec<(&str, Vec<Option<f64>>)> = built.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
    panel_of(Target::Price, Cadence::TenDays, &named)
}

fn last() -> Cutoff {
    Cutoff(Cadence::TenDays.last_day(Cadence::TenDays.advance(day("2020-01-01"), STEPS - 1)))
}

fn settings(threads: usize) -> ForecastSettings {
    ForecastSettings { origins: 24, threads, ..ahead(Cadence::TenDays, 9) }
}

#[test]
fn ten_days_are_forecast_by_their_own_year_on_any_number_of_threads() {
    let said = forecast_panel(&prices(), last(), &settings(1));
    assert_eq!((said.forecasts.len(), said.refused.len(), said.origins), (6, 0, 24));
    for forecast in &said.forecasts {
        let days: Vec<(u32, u32)> = forecast.steps.iter().map(|step| (step.day.month(), step.day.day())).collect();
        assert_eq!(days, [(1, 1), (1, 11), (1, 21), (2, 1), (2, 11), (2, 21), (3, 1), (3, 11), (3, 21)]);
    }
    let mase = |model: &str| said.scores.iter().find(|row| row.model == model && row.bucket == "all").expect("judged").mase;
    // A wave of 36 steps is known to last year, not to the last price.
    assert!(mase("combination") < 0.6 * mase("naive"), "{} {}", mase("combination"), mase("naive"));
    assert_eq!(format!("{said:?}"), format!("{:?}", forecast_panel(&prices(), last(), &settings(2))));
}

#[test]
fn rows_of_ten_days_keep_their_gaps() {
    let panel = prices();
    let rows: Vec<AskedRow> = panel
        .series
        .iter()
        .flat_map(|series| {
            let at = |step: usize| panel.cadence.advance(series.start, step as u32);
            series.values.iter().enumerate().filter_map(move |(step, value)| Some((series.key.clone(), at(step), (*value)?)))
        })
        .collect();
    let asked = Asked { horizon: 3, ..Asked::default() };
    assert_eq!(asked.panel(panel.category.clone(), rows), panel);
    assert_eq!(panel.series[0].values.iter().position(Option::is_none), Some(100));
}
