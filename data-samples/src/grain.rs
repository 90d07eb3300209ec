//! The granaries: what the bases' grain becomes. In: harvests, what shops ask for. Out: `inbox/grain`, a count a week.
//! Never: a kg from nowhere: a count is the one before, and received, less issued, less lost.

use crate::commodities::COMMODITIES;
use crate::days::Calendar;
use crate::dirt::Spoil;
use crate::farm::Farm;
use crate::farm::land::land;
use crate::farm::papers::{Paper, Script, kg};
use crate::files::Out;
use crate::{SampleSettings, forms, master};
use chrono::{Datelike, NaiveDate, Weekday};
use nongshi_domain::Seed;
use std::io;

/// Base and granary.
const GRANARIES: &[(&str, &str)] = &[("增城基地", "增城粮库"), ("惠东基地", "惠东粮库")];
/// mu whose middling yield lies in store when the papers begin.
const OPENING_MU: f64 = 14.0;
/// Mills get this part of the stock in a week, where shops ask for less; the most that leaves in a week.
const MILLS: f64 = 0.02;
const MOST: f64 = 0.05;
/// Part of what is received that is lost in drying and cleaning, and of the stock in a week.
const LOST_RECEIVING: f64 = 0.006;
const LOST_STORING: f64 = 0.0004;
/// Granaries weigh in steps of half a kg, which is a 斤.
const STEP_GRAMS: f64 = 500.0;

const STOCKS: Paper = Paper {
    feed: "grain_stocks",
    path: "inbox/grain/grain_stocks",
    header: &["粮库", "品种", "日期", "入库(公斤)", "出库(公斤)", "损耗(公斤)", "库存(公斤)"],
    script: Script::Utf8,
    spoils: &[
        Spoil { column: 6, into: |_| "未盘点".into(), rule: "number", what: "a word instead of a stock" },
        Spoil { column: 4, into: |_| "-1".into(), rule: "range", what: "less than nothing given out" },
        Spoil { column: 2, into: |_| String::new(), rule: "required", what: "a count without its day" },
    ],
    weight: None,
};

/// One count of one grain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    day: NaiveDate,
    received_grams: i64,
    issued_grams: i64,
    lost_grams: i64,
    stock_grams: i64,
}

/// A file a year.
pub(crate) fn write(settings: &SampleSettings, calendar: &Calendar, farm: &Farm, out: &mut Out<'_>) -> io::Result<()> {
    let grains = land().crops.iter().filter(|crop| crop.category == "grain_oil");
    let mut rows = Vec::new();
    for grain in grains {
        for (base, granary) in GRANARIES {
            for count in counts(settings, calendar, farm, base, &grain.crop) {
                let grams = [count.received_grams, count.issued_grams, count.lost_grams, count.stock_grams];
                let words = [granary.to_string(), grain.crop.clone(), count.day.to_string()];
                rows.push((count.day, words.into_iter().chain(grams.map(kg)).collect()));
            }
        }
    }
    STOCKS.by_year(settings.seed, rows, out)
}

/// Every Monday from the first paper on; the first count only tells what is there.
fn counts(settings: &SampleSettings, calendar: &Calendar, farm: &Farm, base: &str, grain: &str) -> Vec<Count> {
    let mut seed = settings.seed.derive("grain").derive(base).derive(grain);
    let days = calendar.days[calendar.place(settings.first_sale())..].iter().map(|day| day.date);
    let asked_grams = asked_grams(settings, grain);
    let mut counts: Vec<Count> = Vec::new();
    for day in days.filter(|day| day.weekday() == Weekday::Mon) {
        let count = match counts.last() {
            None => Count { day, received_grams: 0, issued_grams: 0, lost_grams: 0, stock_grams: opening_grams(grain) },
            Some(before) => {
                let brought = farm.harvests().filter(|harvest| harvest.base == base && harvest.crop == grain);
                let received_grams = brought.filter(|harvest| before.day < harvest.day && harvest.day <= day).map(|harvest| harvest.grams);
                next(&mut seed, *before, day, received_grams.sum(), asked_grams)
            }
        };
        counts.push(count);
    }
    counts
}

fn next(seed: &mut Seed, before: Count, day: NaiveDate, received_grams: i64, asked_grams: f64) -> Count {
    let held = (before.stock_grams + received_grams) as f64;
    let wanted = (asked_grams * (0.85 + 0.3 * seed.uniform())).max(held * MILLS);
    let whole = |grams: f64| ((grams / STEP_GRAMS).floor() * STEP_GRAMS) as i64;
    let issued_grams = whole(wanted.min(held * MOST));
    let lost_grams = whole(received_grams as f64 * LOST_RECEIVING + held * LOST_STORING * (0.5 + seed.uniform()));
    let stock_grams = before.stock_grams + received_grams - issued_grams - lost_grams;
    Count { day, received_grams, issued_grams, lost_grams, stock_grams }
}

/// What all shops together ask of one granary in a week.
fn asked_grams(settings: &SampleSettings, grain: &str) -> f64 {
    let middling = COMMODITIES.iter().find(|commodity| commodity.name == grain).map_or(0.0, forms::kg_per_day);
    let sizes: f64 = (0..settings.shops as usize).map(master::shop_size).sum();
    middling * sizes * 7.0 * 1000.0 / GRANARIES.len() as f64
}

fn opening_grams(grain: &str) -> i64 {
    let yield_kg_per_mu = land().crops.iter().find(|crop| crop.crop == grain).map_or(0.0, |crop| crop.yield_kg_per_mu);
    (yield_kg_per_mu * OPENING_MU) as i64 * 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weather::Weather;

    #[test]
    fn grain_comes_from_harvests_and_every_kg_is_told() {
        let settings = SampleSettings::demo(Seed(2), "2026-11-22".parse().expect("a day"), 1);
        let calendar = Calendar::of(settings.first_day(), settings.last_day);
        let farm = Farm::of(&settings, &calendar, &Weather::of(settings.seed.derive("weather"), &calendar));
        let mut received_in_all = 0;
        for (base, granary) in GRANARIES {
            for grain in ["早稻", "晚稻", "花生"] {
                let counts = counts(&settings, &calendar, &farm, base, grain);
                assert!(counts.len() > 100, "{granary} {grain}: {} counts", counts.len());
                for pair in counts.windows(2) {
                    let (before, now) = (pair[0], pair[1]);
                    let told = before.stock_grams + now.received_grams - now.issued_grams - now.lost_grams;
                    assert_eq!(now.stock_grams, told, "{granary} {grain} on {}", now.day);
                    assert!(now.stock_grams > 0 && now.issued_grams >= 0 && now.lost_grams >= 0);
                }
                let span = counts[0].day..counts[counts.len() - 1].day;
                let brought = farm.harvests().filter(|harvest| harvest.base == *base && harvest.crop == grain);
                let brought = brought.filter(|harvest| span.start < harvest.day && harvest.day <= span.end).map(|harvest| harvest.grams);
                let received: i64 = counts.iter().map(|count| count.received_grams).sum();
                assert_eq!(received, brought.sum::<i64>(), "{granary} {grain}");
                received_in_all += received;
            }
        }
        assert!(received_in_all > 40_000_000, "{received_in_all} grams in two years");
    }
}
