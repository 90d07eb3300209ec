//! The weather at the bases' stations: season, cold waves, rain, typhoons. In: days, a seed. Out: one day after the
//! other, and `inbox/weather`. Never: a forecast of it.

use crate::days::{Calendar, Day};
use crate::dirt::{Soiling, Spoil};
use crate::files::{self, Out};
use crate::{SampleSettings, dirt};
use chrono::Datelike;
use nongshi_domain::Seed;
use std::collections::BTreeMap;
use std::io;

/// The stations, and how much warmer than the first each is, degrees Celsius.
pub(crate) const STATIONS: &[(&str, f64)] = &[("增城", 0.0), ("惠东", 0.8)];
/// Mean of the year and its swing, degrees Celsius; the warmest month.
const MEAN_C: f64 = 22.4;
const SWING_C: f64 = 7.4;
const WARMEST: f64 = 7.6;
/// Share of yesterday's departure that is left today, and its standard deviation, degrees Celsius.
const MEMORY: f64 = 0.76;
const UNREST_C: f64 = 2.4;
/// How a station departs from the first one, degrees Celsius.
const LOCAL_C: f64 = 0.6;
/// Chance of rain in the dry and in the wet half of the year, mean mm of a wet day in both.
const RAIN_CHANCE: (f64, f64) = (0.16, 0.52);
const RAIN_MM: (f64, f64) = (5.0, 14.0);
/// Chance of a typhoon on a day of its season; months, both within.
const TYPHOON_CHANCE: f64 = 0.018;
const TYPHOON_MONTHS: (u32, u32) = (6, 10);
/// Chance of a cold wave on a winter day, days it lasts, and its depth, degrees Celsius.
const COLD_CHANCE: f64 = 0.035;
const COLD_DAYS: usize = 4;
const COLD_C: f64 = 8.0;
/// Rows of a year in which something is wrong.
const SPOILS: &[Spoil] = &[
    Spoil { column: 2, into: |_| "缺测".into(), rule: "number", what: "a word instead of a temperature" },
    Spoil { column: 5, into: |_| "-99.9".into(), rule: "range", what: "the instrument's code for no rain read" },
];

/// One day at one station.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeatherDay {
    pub temperature_c: f64,
    pub lowest_c: f64,
    pub highest_c: f64,
    pub rain_mm: f64,
    pub wind_m_per_s: f64,
}

/// All stations, all days.
#[derive(Debug)]
pub(crate) struct Weather {
    /// By station, then by day of the calendar.
    pub stations: Vec<Vec<WeatherDay>>,
    /// Strength of the typhoon that struck on each day; 0 without one, around 1 with one.
    pub typhoon: Vec<f64>,
    /// Whether a cold wave stood over each day.
    pub cold: Vec<bool>,
}

impl Weather {
    pub fn of(seed: Seed, calendar: &Calendar) -> Weather {
        let typhoon = typhoons(seed.derive("typhoons"), calendar);
        let cold = cold_waves(seed.derive("cold"), calendar);
        let mut common = seed.derive("common");
        let mut locals: Vec<Seed> = STATIONS.iter().map(|(name, _)| seed.derive(name)).collect();
        let mut stations: Vec<Vec<WeatherDay>> = vec![Vec::with_capacity(calendar.days.len()); STATIONS.len()];
        let mut departure = 0.0;
        for (place, day) in calendar.days.iter().enumerate() {
            departure = MEMORY * departure + UNREST_C * (1.0 - MEMORY * MEMORY).sqrt() * common.normal();
            let mean_c = MEAN_C + SWING_C * day.season(WARMEST) + departure - if cold[place] { COLD_C } else { 0.0 };
            let wet = 0.5 + 0.5 * day.season(7.0);
            let (rains, amount) = (common.uniform(), common.uniform());
            for (station, local) in locals.iter_mut().enumerate() {
                let is_wet = rains + 0.12 * (local.uniform() - 0.5) < RAIN_CHANCE.0 + (RAIN_CHANCE.1 - RAIN_CHANCE.0) * wet;
                let mm = (RAIN_MM.0 + (RAIN_MM.1 - RAIN_MM.0) * wet) * -(1.0 - 0.999 * amount).ln() * (0.7 + 0.6 * local.uniform());
                let storm = typhoon[place] * (0.6 + 0.8 * local.uniform());
                let temperature_c = mean_c + STATIONS[station].1 + LOCAL_C * local.normal() - if is_wet { 1.0 } else { 0.0 };
                let spread = 2.6 + 2.0 * local.uniform();
                stations[station].push(WeatherDay {
                    temperature_c,
                    lowest_c: temperature_c - spread,
                    highest_c: temperature_c + spread + 0.8,
                    rain_mm: if is_wet { mm } else { 0.0 } + 95.0 * storm,
                    wind_m_per_s: 1.5 + 1.6 * local.uniform() + 22.0 * storm,
                });
            }
        }
        Weather { stations, typhoon, cold }
    }

    /// The station of that name; the first one for a name that is not there.
    pub fn station(&self, name: &str) -> &[WeatherDay] {
        &self.stations[STATIONS.iter().position(|(known, _)| *known == name).unwrap_or(0)]
    }

    /// mm of rain where most shops are.
    pub fn rain_mm(&self, place: usize) -> f64 {
        self.stations[0][place].rain_mm
    }
}

fn typhoons(mut seed: Seed, calendar: &Calendar) -> Vec<f64> {
    let strength = |day: &Day| {
        let (struck, strength) = (seed.uniform() < TYPHOON_CHANCE, 0.5 + seed.uniform());
        if struck && day.is_within(TYPHOON_MONTHS) { strength } else { 0.0 }
    };
    calendar.days.iter().map(strength).collect()
}

fn cold_waves(mut seed: Seed, calendar: &Calendar) -> Vec<bool> {
    let mut left = 0;
    let is_cold = |day: &Day| {
        let begins = seed.uniform() < COLD_CHANCE && matches!(day.date.month(), 12 | 1 | 2);
        left = if begins { COLD_DAYS } else { left.saturating_sub(1) };
        left > 0
    };
    calendar.days.iter().map(is_cold).collect()
}

/// A file a year.
pub(crate) fn write(settings: &SampleSettings, calendar: &Calendar, weather: &Weather, out: &mut Out<'_>) -> io::Result<()> {
    let header = ["站点", "日期", "平均气温(℃)", "最低气温(℃)", "最高气温(℃)", "降水量(毫米)", "最大风速(米/秒)", "天气事件"];
    let mut years: BTreeMap<i32, Vec<Vec<String>>> = BTreeMap::new();
    for (place, day) in calendar.days.iter().enumerate() {
        let event = match (weather.typhoon[place] > 0.0, weather.cold[place]) {
            (true, _) => "台风",
            (_, true) => "寒潮",
            _ => "",
        };
        for ((name, _), days) in STATIONS.iter().zip(&weather.stations) {
            let at = days[place];
            let numbers = [at.temperature_c, at.lowest_c, at.highest_c, at.rain_mm, at.wind_m_per_s].map(|number| format!("{number:.1}"));
            let words = [name.to_string(), day.date.to_string()];
            let row = words.into_iter().chain(numbers).chain([event.into()]).collect();
            years.entry(day.date.year()).or_default().push(row);
        }
    }
    for (year, mut rows) in years {
        let path = format!("inbox/weather/weather_{year}.csv");
        if rows.len() >= dirt::FEWEST_ROWS {
            let mut soiling = Soiling { feed: "weather", path: &path, seed: settings.seed.derive(&path), dirt: &mut out.dirt };
            soiling.lose_a_day(&mut rows, 1);
            soiling.spoil(&mut rows, SPOILS);
            soiling.repeat_a_row(&mut rows);
        }
        out.table(&path, &files::utf8(&header, &rows), rows.len())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summers_are_hot_and_wet_and_storms_have_their_season() {
        let day = |text: &str| text.parse().expect("a test writes its dates as YYYY-MM-DD");
        let calendar = Calendar::of(day("2020-01-01"), day("2025-12-31"));
        let weather = Weather::of(Seed(5), &calendar);
        let mean = |months: [u32; 3], of: fn(&WeatherDay) -> f64| {
            let days = calendar.days.iter().zip(&weather.stations[0]).filter(|(day, _)| months.contains(&day.date.month()));
            let values: Vec<f64> = days.map(|(_, weather)| of(weather)).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        assert!(mean([6, 7, 8], |at| at.temperature_c) > mean([12, 1, 2], |at| at.temperature_c) + 10.0);
        assert!(mean([6, 7, 8], |at| at.rain_mm) > 2.0 * mean([12, 1, 2], |at| at.rain_mm));
        let storms = calendar.days.iter().zip(&weather.typhoon).filter(|(_, strength)| **strength > 0.0);
        let months: Vec<u32> = storms.map(|(day, _)| day.date.month()).collect();
        assert!((5..40).contains(&months.len()) && months.iter().all(|month| (6..=10).contains(month)), "{months:?}");
    }
}
