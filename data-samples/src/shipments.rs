//! Lorries from the bases to the shops and to the market. In: what was picked, what left the houses, weather. Out:
//! `inbox/logistics` for the days the warehouse system still holds. Never: a kg more than the base had, an arrival after
//! the last day.

use crate::commodities::COMMODITIES;
use crate::days::Calendar;
use crate::dirt::Spoil;
use crate::farm::Farm;
use crate::farm::land::land;
use crate::farm::papers::{Paper, Script, kg};
use crate::files::Out;
use crate::weather::Weather;
use crate::{SampleSettings, forms, livestock, master};
use chrono::{Datelike, Days, NaiveDate, Weekday};
use nongshi_domain::Seed;
use std::collections::BTreeMap;
use std::io;

/// Where goes what the shops do not take, and what lanes call the shops.
const MARKET: &str = "东江农批市场";
const SHOPS: &str = "自营门店";
/// Days of the week on which lorries leave.
const LEAVING: &[Weekday] = &[Weekday::Mon, Weekday::Wed, Weekday::Fri];
/// Share of a shop's day that it takes from the bases, over the days until the next lorry.
const FROM_BASES: f64 = 0.8;
const DAYS_A_TRIP: f64 = 7.0 / 3.0;
/// Below these a load is not worth the way, grams.
const LEAST_SHOP_GRAMS: i64 = 3_000;
const LEAST_MARKET_GRAMS: i64 = 20_000;
/// Days before the first paper from which the sheds fill.
const EARLIER_DAYS: u64 = 7;
/// km from a base to the shops and to the market; how much further one shop is than another.
const WAYS: &[(&str, f64, f64)] = &[("增城基地", 62.0, 96.0), ("惠东基地", 118.0, 74.0)];
const SPREAD_KM: f64 = 24.0;
/// CNY a kg and km, and for each load's part of the trip.
const RATE_CNY_PER_KG_KM: f64 = 0.0036;
const TRIP_CNY: f64 = 9.0;
/// Days on the road, and when a storm stood over the base today or yesterday.
const ROAD_DAYS: u64 = 1;
const STORM_ROAD_DAYS: u64 = 2;
/// Heat above this, degrees Celsius, adds this part to the loss for each degree.
const WARM_C: f64 = 22.0;
const HEAT: f64 = 0.04;
/// Loss is the lane's on a middling day: scaled to the mean of heat and luck.
const MIDDLING: f64 = 0.9;
/// Scales on the ramp, grams.
const STEP_GRAMS: f64 = 500.0;

const SHIPMENTS: Paper = Paper {
    feed: "shipments",
    path: "inbox/logistics/shipments",
    header: &["发货地", "收货地", "品种", "发货日期", "到货日期", "发货量(公斤)", "到货量(公斤)", "运费(元)"],
    script: Script::Utf8,
    spoils: &[
        Spoil { column: 6, into: |cell| format!("9{cell}"), rule: "ordered", what: "more arrives than was sent" },
        Spoil { column: 4, into: |_| String::new(), rule: "required", what: "a load without the day it arrived" },
        Spoil { column: 7, into: |_| "到付".into(), rule: "number", what: "a word instead of the freight" },
    ],
    weight: None,
};

/// One load on its way.
#[derive(Debug)]
struct Load {
    base: &'static str,
    destination: String,
    crop: &'static str,
    sent_on: NaiveDate,
    arrived_on: NaiveDate,
    sent_grams: i64,
    arrived_grams: i64,
    freight_cny: f64,
}

/// A file a year.
pub(crate) fn write(settings: &SampleSettings, calendar: &Calendar, weather: &Weather, farm: &Farm, out: &mut Out<'_>) -> io::Result<()> {
    let arrived = loads(settings, calendar, weather, farm).into_iter().filter(|load| load.arrived_on <= settings.last_day);
    let row = |load: Load| {
        let words = [load.base.to_string(), load.destination, load.crop.to_string()];
        let days = [load.sent_on, load.arrived_on].map(|day| day.to_string());
        let numbers = [kg(load.sent_grams), kg(load.arrived_grams), format!("{:.2}", load.freight_cny)];
        (load.sent_on, words.into_iter().chain(days).chain(numbers).collect())
    };
    SHIPMENTS.by_year(settings.seed, arrived.map(row).collect(), out)
}

/// What came into a base's shed, by day, base and crop.
type Supply = BTreeMap<(NaiveDate, &'static str, &'static str), i64>;

fn loads(settings: &SampleSettings, calendar: &Calendar, weather: &Weather, farm: &Farm) -> Vec<Load> {
    let first = settings.last_day - Days::new(u64::from(settings.stock_days.saturating_sub(1)));
    let supply = supply(settings, farm);
    let mut seed = settings.seed.derive("shipments");
    let mut sheds: BTreeMap<(&str, &'static str), i64> = BTreeMap::new();
    let mut loads = Vec::new();
    let begin = (first - Days::new(EARLIER_DAYS)).max(settings.first_sale());
    for day in begin.iter_days().take_while(|day| *day <= settings.last_day) {
        for ((_, base, crop), grams) in supply.range((day, "", "")..).take_while(|((on, _, _), _)| *on == day) {
            *sheds.entry((base, crop)).or_default() += grams;
        }
        if !LEAVING.contains(&day.weekday()) {
            continue;
        }
        for road in roads(calendar, weather, day) {
            for ((_, crop), held) in sheds.iter_mut().filter(|((base, _), held)| *base == road.base && **held > 0) {
                let sent = road.trip(settings, &mut seed, crop, held);
                loads.extend(sent.into_iter().filter(|load| load.sent_on >= first));
            }
        }
    }
    loads
}

/// Pickings and what left the houses; grain goes to the granaries.
fn supply(settings: &SampleSettings, farm: &Farm) -> Supply {
    let is_grain = |crop: &str| land().crops.iter().any(|known| known.crop == crop && known.category == "grain_oil");
    let mut supply = Supply::new();
    for harvest in farm.harvests().filter(|harvest| !is_grain(harvest.crop)) {
        *supply.entry((harvest.day, harvest.base, harvest.crop)).or_default() += harvest.grams;
    }
    for cohort in livestock::cohorts(settings) {
        for count in &cohort.counts {
            // a week's eggs leave with the week's lorries, a house of animals with the first
            let parts = if count.day == cohort.leaves_on { 1 } else { LEAVING.len() as i64 };
            for part in 0..parts {
                let day = count.day + Days::new(2 * part as u64);
                let grams = count.output_grams / parts + if part == 0 { count.output_grams % parts } else { 0 };
                *supply.entry((day, &cohort.house.base, &cohort.kind.crop)).or_default() += grams;
            }
        }
    }
    supply
}

/// The roads from one base on one day.
struct Road {
    base: &'static str,
    day: NaiveDate,
    days: u64,
    temperature_c: f64,
    shops_km: f64,
    market_km: f64,
}

fn roads(calendar: &Calendar, weather: &Weather, day: NaiveDate) -> Vec<Road> {
    let place = calendar.place(day);
    let is_stormy = weather.typhoon[place.saturating_sub(1)..=place].iter().any(|strength| *strength > 0.0);
    let days = if is_stormy { STORM_ROAD_DAYS } else { ROAD_DAYS };
    let road = |(base, shops_km, market_km): &(&'static str, f64, f64)| {
        let temperature_c = weather.station(land().station(base))[place].temperature_c;
        Road { base, day, days, temperature_c, shops_km: *shops_km, market_km: *market_km }
    };
    WAYS.iter().map(road).collect()
}

impl Road {
    /// One crop to all shops and what is left to the market; `held` is what stays in the shed.
    fn trip(&self, settings: &SampleSettings, seed: &mut Seed, crop: &'static str, held: &mut i64) -> Vec<Load> {
        let middling = COMMODITIES.iter().find(|commodity| commodity.name == crop).map_or(0.0, forms::kg_per_day);
        let take = |shop: usize| middling * 1000.0 * DAYS_A_TRIP * FROM_BASES * master::shop_size(shop) * (0.8 + 0.4 * seed.uniform());
        let wanted: Vec<f64> = (0..settings.shops as usize).map(take).collect();
        let part = (*held as f64 / wanted.iter().sum::<f64>().max(1.0)).min(1.0);
        let mut loads = Vec::new();
        for (shop, wanted) in wanted.iter().enumerate() {
            let grams = ((wanted * part / STEP_GRAMS).floor() * STEP_GRAMS) as i64;
            if grams >= LEAST_SHOP_GRAMS {
                // the same shop is as far away on every day
                let km = self.shops_km + SPREAD_KM * settings.seed.derive("roads").derive(&master::shop_name(shop)).uniform();
                loads.push(self.load(seed, crop, (SHOPS, master::shop_name(shop)), km, grams));
                *held -= grams;
            }
        }
        if *held >= LEAST_MARKET_GRAMS {
            loads.push(self.load(seed, crop, (MARKET, MARKET.into()), self.market_km, *held));
            *held = 0;
        }
        loads
    }

    fn load(&self, seed: &mut Seed, crop: &'static str, (outlet, destination): (&str, String), km: f64, sent_grams: i64) -> Load {
        let lane_loss = land().lane_loss(self.base, outlet, crop).unwrap_or(0.0);
        let heat = 1.0 + HEAT * (self.temperature_c - WARM_C).max(0.0);
        let loss = lane_loss * MIDDLING * (0.6 + 0.8 * seed.uniform()) * heat * self.days as f64;
        Load {
            base: self.base,
            destination,
            crop,
            sent_on: self.day,
            arrived_on: self.day + Days::new(self.days),
            sent_grams,
            arrived_grams: (sent_grams as f64 * (1.0 - loss.min(0.9)) / 100.0).floor() as i64 * 100,
            freight_cny: TRIP_CNY + sent_grams as f64 / 1000.0 * km * RATE_CNY_PER_KG_KM,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn simulated() -> (SampleSettings, Calendar, Weather, Farm) {
        let settings = SampleSettings::demo(Seed(6), "2026-11-22".parse().expect("a day"), 1);
        let calendar = Calendar::of(settings.first_day(), settings.last_day);
        let weather = Weather::of(settings.seed.derive("weather"), &calendar);
        let farm = Farm::of(&settings, &calendar, &weather);
        (settings, calendar, weather, farm)
    }

    #[test]
    fn no_base_sends_more_than_it_has_and_nothing_gains_on_the_road() {
        let (settings, calendar, weather, farm) = simulated();
        let loads = loads(&settings, &calendar, &weather, &farm);
        let supply = supply(&settings, &farm);
        let mut sent: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for load in &loads {
            assert!(load.arrived_grams <= load.sent_grams && load.arrived_grams > 0 && load.freight_cny > 0.0, "{load:?}");
            assert!(keys.insert((load.base, &load.destination, load.crop, load.sent_on)), "{load:?} stands twice");
            *sent.entry((load.base, load.crop)).or_default() += load.sent_grams;
        }
        let first = settings.last_day - Days::new(u64::from(settings.stock_days) + EARLIER_DAYS);
        for ((base, crop), grams) in sent {
            let had: i64 =
                supply.iter().filter(|((day, at, of), _)| *day >= first && *at == base && *of == crop).map(|(_, grams)| grams).sum();
            assert!(grams <= had, "{base} sends {grams} of {had} g of {crop}");
        }
    }

    #[test]
    fn shops_and_market_are_reached_and_freight_and_loss_are_near_the_lanes() {
        let (settings, calendar, weather, farm) = simulated();
        let loads = loads(&settings, &calendar, &weather, &farm);
        for (base, _, _) in WAYS {
            for destination in [master::shop_name(0), master::shop_name(2), MARKET.to_string()] {
                let of: Vec<&Load> = loads.iter().filter(|load| load.base == *base && load.destination == destination).collect();
                let kg: f64 = of.iter().map(|load| load.sent_grams as f64 / 1000.0).sum();
                let freight = of.iter().map(|load| load.freight_cny).sum::<f64>() / kg;
                let loss = 1.0 - of.iter().map(|load| load.arrived_grams as f64 / 1000.0).sum::<f64>() / kg;
                assert!(of.len() > 20 && (0.15..0.75).contains(&freight), "{base} to {destination}: {} loads, {freight} CNY/kg", of.len());
                assert!((0.002..0.15).contains(&loss), "{base} to {destination}: {loss} is lost");
            }
        }
        assert!(loads.iter().all(|load| load.sent_on >= settings.last_day - Days::new(u64::from(settings.stock_days))));
    }
}
