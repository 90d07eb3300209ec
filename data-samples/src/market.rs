//! Prices of two markets: season, feasts, typhoons, a hog cycle, unrest that dies away. In: days, a seed.
//! Out: the true wholesale price by commodity and day, and the markets' files. Never: a price of 0 but as dirt.

use crate::chain::{COMMODITIES, Commodity};
use crate::days::{Calendar, Day};
use crate::dirt::{Dirt, Soiling, Spoil};
use crate::{SampleFile, files};
use chrono::Datelike;
use nongshi_domain::Seed;
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// Share of yesterday's unrest that is left today.
const MEMORY: f64 = 0.985;
/// Years of a cycle of the hog herd.
const CYCLE_YEARS: f64 = 3.8;
/// Log growth of prices a year.
const TREND: f64 = 0.015;
/// Chance of a typhoon on a day of its season, its log rise, and days until a third of it is left.
const STORM_CHANCE: f64 = 0.018;
const STORM_RISE: f64 = 0.40;
const STORM_DAYS: f64 = 10.0;
/// Typhoon months, both within.
const STORM_MONTHS: (u32, u32) = (6, 10);
/// 斤 in a kg.
const JIN_PER_KG: f64 = 2.0;
/// A file of fewer rows stays clean: one bad row would be a large share of it.
const FEWEST_ROWS_FOR_DIRT: usize = 3000;

/// True wholesale prices, CNY/kg, by commodity and day.
pub(crate) type Prices = Vec<Vec<f64>>;

/// One market's habits.
struct Market {
    feed: &'static str,
    header: &'static [&'static str],
    /// Its price over the true one.
    basis: f64,
    /// Standard deviation of its own log noise.
    noise: f64,
    /// Days around the feast without a quote: before (positive) to after, both within.
    closed: std::ops::RangeInclusive<i64>,
    /// The cells of a row.
    row: fn(&Commodity, Day, [f64; 3]) -> Vec<String>,
    day_column: usize,
    spoils: &'static [Spoil],
    encode: fn(&[&str], &[Vec<String>]) -> Vec<u8>,
}

const MARKETS: [Market; 2] = [
    Market {
        feed: "dongjiang",
        header: &["发布日期", "产品", "规格", "最低价(元/公斤)", "平均价(元/公斤)", "最高价(元/公斤)"],
        basis: 0.93,
        noise: 0.035,
        closed: -5..=1,
        row: |commodity, day, quote| {
            let name = [commodity.dongjiang.into(), "普通".into()];
            [day.date.to_string()].into_iter().chain(name).chain(quote.map(|price| format!("{price:.2}"))).collect()
        },
        day_column: 0,
        spoils: &[
            Spoil { column: 4, into: |_| "面议".into(), rule: "number", what: "words instead of a price" },
            Spoil { column: 4, into: |_| "0.00".into(), rule: "range", what: "an average of 0" },
        ],
        encode: files::utf8_with_mark,
    },
    Market {
        feed: "lingnan",
        header: &["日期", "类别", "品名", "最低", "均价", "最高", "单位"],
        basis: 1.0,
        noise: 0.025,
        closed: -2..=0,
        row: |commodity, day, quote| {
            let name = [commodity.group.into(), commodity.lingnan.into()];
            let quote = quote.map(|price| format!("{:.2}", price / JIN_PER_KG));
            [day.date.format("%Y/%m/%d").to_string()].into_iter().chain(name).chain(quote).chain(["斤".into()]).collect()
        },
        day_column: 0,
        spoils: &[
            Spoil { column: 3, into: slipped, rule: "ordered", what: "a slipped decimal: low above high" },
            Spoil { column: 6, into: |_| "份".into(), rule: "unit", what: "a price by the portion" },
        ],
        encode: files::gbk,
    },
];

/// The decimal point one place to the right: `2.35` is written `23.5`.
fn slipped(price: &str) -> String {
    price.parse::<f64>().map_or(price.into(), |price| format!("{:.1}", price * 10.0))
}

/// The true prices.
pub(crate) fn prices(seed: Seed, calendar: &Calendar) -> Prices {
    let storms = storms(seed.derive("storms"), calendar);
    let of = |commodity: &Commodity| {
        let mut seed = seed.derive(commodity.name);
        let phase = seed.uniform();
        let step = commodity.unrest * (1.0 - MEMORY * MEMORY).sqrt();
        let mut unrest = commodity.unrest * seed.normal();
        let price = |(place, day): (usize, &Day)| {
            unrest = MEMORY * unrest + step * seed.normal();
            let log = commodity.swing * day.season(commodity.dearest)
                + commodity.festival * day.festival_price()
                + commodity.cycle * (TAU * (day.years() / CYCLE_YEARS + phase)).sin()
                + commodity.storm * storms[place]
                + TREND * (day.years() - calendar.days[0].years())
                + unrest;
            commodity.price_cny_per_kg * log.exp()
        };
        calendar.days.iter().enumerate().map(price).collect()
    };
    COMMODITIES.iter().map(of).collect()
}

/// The log rise that typhoons leave on each day.
fn storms(mut seed: Seed, calendar: &Calendar) -> Vec<f64> {
    let mut rise = 0.0;
    let mut storms = Vec::with_capacity(calendar.days.len());
    for day in &calendar.days {
        rise *= (-1.0 / STORM_DAYS).exp();
        let struck = seed.uniform() < STORM_CHANCE;
        let strength = 0.5 + seed.uniform();
        if struck && day.is_within(STORM_MONTHS) {
            rise += STORM_RISE * strength;
        }
        storms.push(rise);
    }
    storms
}

/// A file a year of each market.
pub(crate) fn files(seed: Seed, calendar: &Calendar, prices: &Prices, dirt: &mut Vec<Dirt>) -> Vec<SampleFile> {
    let mut written = Vec::new();
    for market in &MARKETS {
        let seed = seed.derive(market.feed);
        for (year, mut rows) in quotes(market, seed, calendar, prices) {
            let path = format!("inbox/prices/{}_{year}.csv", market.feed);
            if rows.len() >= FEWEST_ROWS_FOR_DIRT {
                let mut soiling = Soiling { feed: market.feed, path: &path, seed: seed.derive(&path), dirt };
                soiling.lose_a_day(&mut rows, market.day_column);
                soiling.spoil(&mut rows, market.spoils);
                soiling.repeat_a_row(&mut rows);
            }
            written.push(SampleFile { bytes: (market.encode)(market.header, &rows), path });
        }
    }
    written
}

/// Rows by year; within a year by day, then by commodity.
fn quotes(market: &Market, seed: Seed, calendar: &Calendar, prices: &Prices) -> BTreeMap<i32, Vec<Vec<String>>> {
    let mut seeds: Vec<Seed> = COMMODITIES.iter().map(|commodity| seed.derive(commodity.name)).collect();
    let mut years: BTreeMap<i32, Vec<Vec<String>>> = BTreeMap::new();
    for (place, day) in calendar.days.iter().enumerate() {
        let is_closed = market.closed.contains(&day.to_spring_festival);
        let rows = years.entry(day.date.year()).or_default();
        for ((commodity, prices), seed) in COMMODITIES.iter().zip(prices).zip(&mut seeds) {
            let price = prices[place] * market.basis * (market.noise * seed.normal()).exp();
            let (below, above) = (0.04 + 0.08 * seed.uniform(), 0.04 + 0.08 * seed.uniform());
            if !is_closed && day.is_within(commodity.months) {
                rows.push((market.row)(commodity, *day, [price * (1.0 - below), price, price * (1.0 + above)]));
            }
        }
    }
    years.retain(|_, rows| !rows.is_empty());
    years
}
