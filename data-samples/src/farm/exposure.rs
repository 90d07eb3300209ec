//! What the weather does to what stands in the field. In: a day at a station, a crop. Out: speed of growth, share of the
//! yield that is left. Never: a random number.

use super::land::{CropRow, Nature};
use crate::days::Calendar;
use crate::weather::Weather;
use chrono::NaiveDate;

/// Daily mean at which a crop grows as the calendar says, degrees Celsius.
const MIDDLING_C: f64 = 21.0;
/// Change of the speed of growth by a degree, and its bounds.
const SPEED_PER_C: f64 = 0.025;
const SPEED: (f64, f64) = (0.72, 1.25);
/// Share of the yield that a typhoon of strength 1 takes, and the strengths that count.
const STORM_LEAFY: f64 = 0.38;
const STORM_FRUITING: f64 = 0.2;
const STORM_GRAIN: f64 = 0.1;
const STRENGTH: (f64, f64) = (0.7, 1.3);
/// A day of heavy rain, mm, and the share it takes.
const HEAVY_MM: f64 = 60.0;
const HEAVY_LEAFY: f64 = 0.1;
const HEAVY_OTHER: f64 = 0.02;
/// Share that a day of a cold wave takes of tender crops and of others.
const COLD_TENDER: f64 = 0.03;
const COLD_OTHER: f64 = 0.005;
/// A hot day for leaves, degrees Celsius as mean of the day, and the share it takes.
const HOT_C: f64 = 31.0;
const HOT: f64 = 0.01;
/// Days without rain after which watering no longer makes up for it, and the share a further day takes.
const DROUGHT_DAYS: u32 = 20;
const DROUGHT: f64 = 0.004;
/// Part of what the weather took that comes back in a day, where plants live long, and elsewhere; what is left at worst.
const REGROWTH_LONG: f64 = 0.03;
const REGROWTH: f64 = 0.01;
const WORST: f64 = 0.4;
/// Rain that ends a dry spell, mm.
const WET_MM: f64 = 3.0;

/// One day over one base.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sky {
    pub temperature_c: f64,
    rain_mm: f64,
    typhoon: f64,
    is_cold: bool,
}

/// A day before the weather is told.
const MIDDLING: Sky = Sky { temperature_c: MIDDLING_C, rain_mm: 4.0, typhoon: 0.0, is_cold: false };

/// The days over one base.
#[derive(Clone, Copy)]
pub(crate) struct Skies<'a> {
    calendar: &'a Calendar,
    weather: &'a Weather,
    station: &'a str,
}

impl<'a> Skies<'a> {
    pub fn of(calendar: &'a Calendar, weather: &'a Weather, station: &'a str) -> Skies<'a> {
        Skies { calendar, weather, station }
    }

    pub fn on(&self, date: NaiveDate) -> Sky {
        if date < self.calendar.days[0].date {
            return MIDDLING;
        }
        let place = self.calendar.place(date);
        let day = self.weather.station(self.station)[place];
        let (typhoon, is_cold) = (self.weather.typhoon[place], self.weather.cold[place]);
        Sky { temperature_c: day.temperature_c, rain_mm: day.rain_mm, typhoon, is_cold }
    }
}

impl Sky {
    /// Speed of growth; 1 is the calendar's.
    pub fn speed(self) -> f64 {
        (1.0 + SPEED_PER_C * (self.temperature_c - MIDDLING_C)).clamp(SPEED.0, SPEED.1)
    }

    /// Whether the ground is wetted.
    pub fn is_wet(self) -> bool {
        self.rain_mm > WET_MM
    }

    /// Share of the yield that is left after the day.
    pub fn left(self, before: f64, crop: &CropRow, dry_days: u32) -> f64 {
        let regrowth = if crop.is_long() { REGROWTH_LONG } else { REGROWTH };
        ((before + regrowth * (1.0 - before)) * self.spared(crop, dry_days)).max(WORST)
    }

    /// Share of what stands that the day spares.
    fn spared(self, crop: &CropRow, dry_days: u32) -> f64 {
        let nature = crop.nature();
        let storm = match (self.typhoon > 0.0, nature) {
            (false, _) => 0.0,
            (_, Nature::Leafy) => STORM_LEAFY * self.typhoon.clamp(STRENGTH.0, STRENGTH.1),
            (_, Nature::Fruiting) => STORM_FRUITING * self.typhoon.clamp(STRENGTH.0, STRENGTH.1),
            (_, Nature::Grain) => STORM_GRAIN * self.typhoon.clamp(STRENGTH.0, STRENGTH.1),
        };
        let is_heavy = self.rain_mm > HEAVY_MM && self.typhoon == 0.0;
        let losses = [
            storm,
            if is_heavy { if nature == Nature::Leafy { HEAVY_LEAFY } else { HEAVY_OTHER } } else { 0.0 },
            if self.is_cold { if crop.is_tender() { COLD_TENDER } else { COLD_OTHER } } else { 0.0 },
            if nature == Nature::Leafy && self.temperature_c > HOT_C { HOT } else { 0.0 },
            if dry_days > DROUGHT_DAYS { DROUGHT } else { 0.0 },
        ];
        losses.iter().map(|loss| 1.0 - loss).product()
    }
}

#[cfg(test)]
mod tests {
    use super::super::land::land;
    use super::*;

    fn crop(name: &str) -> &'static CropRow {
        land().crops.iter().find(|crop| crop.crop == name).expect("a crop of the calendar")
    }

    #[test]
    fn storms_take_leaves_and_the_cold_takes_gourds() {
        let storm = Sky { typhoon: 1.0, rain_mm: 120.0, ..MIDDLING };
        assert!((0.5..0.7).contains(&storm.left(1.0, crop("菜心"), 0)) && storm.left(1.0, crop("早稻"), 0) > 0.85);
        assert!(storm.left(1.0, crop("番茄"), 0) > storm.left(1.0, crop("菜心"), 0));
        let cold = Sky { is_cold: true, temperature_c: 7.0, ..MIDDLING };
        assert!(cold.left(1.0, crop("黄瓜"), 0) < cold.left(1.0, crop("菜心"), 0) && cold.speed() < 0.75);
        assert_eq!(MIDDLING.left(1.0, crop("菜心"), 0), 1.0);
        assert_eq!(MIDDLING.speed(), 1.0);
        assert!(MIDDLING.left(1.0, crop("菜心"), 30) < 1.0);
        assert!(MIDDLING.left(0.6, crop("空心菜"), 0) > MIDDLING.left(0.6, crop("早稻"), 0) && storm.left(WORST, crop("菜心"), 0) >= WORST);
    }
}
