//! True wholesale prices: season, feasts, typhoons, cold waves, a hog cycle, unrest that dies away. In: days, weather,
//! a seed. Out: the true price by commodity and day. Never: what a market writes of it (that is `quotes`).

use crate::commodities::{COMMODITIES, Commodity};
use crate::days::{Calendar, Day};
use crate::weather::Weather;
use nongshi_domain::Seed;
use std::f64::consts::TAU;

/// Years of a cycle of the hog herd, and how far its phase wanders in a day, radians.
const CYCLE_YEARS: f64 = 3.8;
const CYCLE_WANDERS: f64 = 0.012;
/// Days of a mean year.
const YEAR_DAYS: f64 = 365.25;
/// Log growth of prices a year.
const TREND: f64 = 0.015;
/// Log rise after a typhoon of strength 1 and on each day of a cold wave, days until a third of it is left, and days
/// until it is felt.
const STORM_RISE: f64 = 0.36;
const COLD_RISE: f64 = 0.07;
const STORM_DAYS: f64 = 11.0;
const STORM_LAG: usize = 1;
/// How the season departs from a cosine: the share of the second harmonic.
const SECOND: f64 = 0.28;

/// True wholesale prices, CNY/kg, by commodity and day.
pub(crate) type Prices = Vec<Vec<f64>>;

/// The true prices.
pub(crate) fn prices(seed: Seed, calendar: &Calendar, weather: &Weather) -> Prices {
    let storms = storms(weather);
    COMMODITIES.iter().map(|commodity| of_commodity(seed.derive(commodity.name), commodity, calendar, &storms)).collect()
}

fn of_commodity(mut seed: Seed, commodity: &Commodity, calendar: &Calendar, storms: &[f64]) -> Vec<f64> {
    let memory = commodity.group.memory();
    let step = commodity.unrest * (1.0 - memory * memory).sqrt();
    let mut unrest = commodity.unrest * seed.normal();
    let mut phase = TAU * seed.uniform();
    let (mut this_year, mut year) = (0.0, i32::MIN);
    let price = |(place, day): (usize, &Day)| {
        let harvest_year = day.years().floor() as i32;
        if harvest_year != year {
            // no year is as dear as another
            (this_year, year) = (0.35 * commodity.unrest * seed.normal(), harvest_year);
        }
        unrest = memory * unrest + step * seed.normal();
        phase += TAU / (CYCLE_YEARS * YEAR_DAYS) + CYCLE_WANDERS * seed.normal();
        let season = day.season(commodity.dearest);
        let log = commodity.swing * (season + SECOND * (2.0 * season * season - 1.0))
            + commodity.festival * day.festival_price()
            + commodity.cycle * phase.sin()
            + commodity.storm * storms[place]
            + TREND * (day.years() - calendar.days[0].years())
            + this_year
            + unrest;
        commodity.price_cny_per_kg * log.exp()
    };
    calendar.days.iter().enumerate().map(price).collect()
}

/// The log rise that typhoons and cold waves leave on each day.
fn storms(weather: &Weather) -> Vec<f64> {
    let mut rise = 0.0;
    let of_day = |place: usize| {
        rise *= (-1.0 / STORM_DAYS).exp();
        if let Some(before) = place.checked_sub(STORM_LAG) {
            rise += STORM_RISE * weather.typhoon[before] + if weather.cold[before] { COLD_RISE } else { 0.0 };
        }
        rise
    };
    (0..weather.typhoon.len()).map(of_day).collect()
}
