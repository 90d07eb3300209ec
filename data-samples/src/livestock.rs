//! Animals: cohort after cohort in each house, all in and all out. In: the houses, a seed. Out: cohorts with their weekly
//! counts, `inbox/farm/cohorts_*`. Never: an animal more than was placed, a house refilled before its empty days.

use crate::SampleSettings;
use crate::days::Calendar;
use crate::dirt::Spoil;
use crate::farm::land::{CropRow, PlotRow, land};
use crate::farm::papers::{Paper, Script, kg};
use crate::files::Out;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use nongshi_domain::Seed;
use std::io;

/// Most days a house waits for its next animals beyond the empty days.
const WAITING_DAYS: f64 = 5.0;
/// Least share of the places that are filled.
const FILLED: f64 = 0.95;
/// Animals are ordered in lots of so many.
const LOT: f64 = 10.0;
/// Days from the first egg of a house to full laying; share of hens that lay on a day then; what a week takes off it.
const RISE_DAYS: f64 = 42.0;
const LAYING: f64 = 0.91;
const FALLS_PER_WEEK: f64 = 0.0055;
/// kg of an egg, and of feed a laying hen eats on a day.
const EGG_KG: f64 = 0.061;
const HEN_FEED_KG: f64 = 0.112;

/// How a kind of animal lives.
struct Life {
    animal: &'static str,
    /// kg when placed, and when grown after the calendar's middling days
    weight_kg: (f64, f64),
    /// kg of feed for a kg of growth, at the beginning and at the end
    feed_per_growth: (f64, f64),
    /// share of the animals that die in a week
    deaths_per_week: f64,
    /// days a house stays empty
    empty_days: u64,
    /// whether it is kept for eggs; else it leaves by its weight
    lays: bool,
}

const LIVES: &[Life] = &[
    Life { animal: "鸡蛋", weight_kg: (0.04, 1.7), feed_per_growth: (3.0, 5.5), deaths_per_week: 0.0009, empty_days: 14, lays: true },
    Life { animal: "黄羽鸡", weight_kg: (0.04, 1.78), feed_per_growth: (1.9, 3.3), deaths_per_week: 0.004, empty_days: 14, lays: false },
    Life { animal: "生猪", weight_kg: (20.0, 120.0), feed_per_growth: (2.2, 3.1), deaths_per_week: 0.0018, empty_days: 7, lays: false },
];

const COHORTS: Paper = Paper {
    feed: "cohorts",
    path: "inbox/farm/cohorts",
    header: &["基地", "栋舍", "种类", "进场日期", "日期", "存栏", "死亡", "均重(公斤)", "耗料(公斤)", "产出(公斤)"],
    script: Script::Gbk,
    spoils: &[
        Spoil { column: 5, into: |_| "未清点".into(), rule: "number", what: "a word instead of heads" },
        Spoil { column: 8, into: |cell| format!("-{cell}"), rule: "range", what: "feed below nothing" },
        Spoil { column: 4, into: |_| String::new(), rule: "required", what: "a count without its day" },
    ],
    weight: None,
};

/// The animals of a house from placing to clearing.
#[derive(Debug)]
pub(crate) struct Cohort {
    pub house: &'static PlotRow,
    pub kind: &'static CropRow,
    pub placed_on: NaiveDate,
    pub placed_heads: u32,
    /// Day on which all leave; it may lie behind the last day.
    pub leaves_on: NaiveDate,
    /// Up to the last day.
    pub counts: Vec<Count>,
}

/// One count: every Monday, and on the day all leave.
#[derive(Debug)]
pub(crate) struct Count {
    pub day: NaiveDate,
    pub heads: u32,
    pub deaths: u32,
    pub mean_weight_grams: i64,
    pub feed_grams: i64,
    /// Eggs, or live weight that left.
    pub output_grams: i64,
}

/// All cohorts that stood on a day since the first paper, house by house in order of placing.
pub(crate) fn cohorts(settings: &SampleSettings) -> Vec<Cohort> {
    let houses = land().plots.iter().filter(|plot| plot.system == "livestock");
    houses.flat_map(|house| in_house(settings, house)).collect()
}

/// The counts, a file a year.
pub(crate) fn write(settings: &SampleSettings, _calendar: &Calendar, out: &mut Out<'_>) -> io::Result<()> {
    let mut rows = Vec::new();
    for cohort in cohorts(settings) {
        let words = [&cohort.house.base, &cohort.house.plot, &cohort.kind.crop, &cohort.placed_on.to_string()].map(String::from);
        for count in cohort.counts.iter().filter(|count| count.day >= settings.first_sale()) {
            let numbers = [count.heads, count.deaths].map(|number| number.to_string());
            let weights = [count.mean_weight_grams, count.feed_grams, count.output_grams].map(kg);
            let cells = words.iter().cloned().chain([count.day.to_string()]).chain(numbers).chain(weights);
            rows.push((count.day, cells.collect()));
        }
    }
    COHORTS.by_year(settings.seed, rows, out)
}

fn in_house(settings: &SampleSettings, house: &'static PlotRow) -> Vec<Cohort> {
    let mut seed = settings.seed.derive("livestock").derive(&house.base).derive(&house.plot);
    let habit = land().habit(house);
    let kept = habit.first().and_then(|kind| LIVES.iter().find(|life| life.animal == kind.crop).map(|life| (*kind, life)));
    let Some((kind, life)) = kept else { return Vec::new() };
    let longest_days = u64::from(kind.days_max + if life.lays { kind.window_days } else { 0 });
    let mut placed_on = settings.first_sale() - Days::new((longest_days as f64 * seed.uniform()) as u64);
    let mut found = Vec::new();
    while placed_on <= settings.last_day {
        let cohort = live(seed.derive(&placed_on.to_string()), house, (kind, life), placed_on, settings.last_day);
        placed_on = cohort.leaves_on + Days::new(life.empty_days + (WAITING_DAYS * seed.uniform()) as u64);
        found.push(cohort);
    }
    found
}

/// One cohort, week by week.
fn live(mut seed: Seed, house: &'static PlotRow, (kind, life): (&'static CropRow, &Life), placed_on: NaiveDate, last: NaiveDate) -> Cohort {
    let grown_days = f64::from(kind.days_min) + f64::from(kind.days_max - kind.days_min) * seed.uniform();
    let stay_days = grown_days.round() as u64 + if life.lays { u64::from(kind.window_days) } else { 0 };
    let leaves_on = placed_on + Days::new(stay_days);
    let filled = FILLED + (1.0 - FILLED) * seed.uniform();
    let placed_heads = ((house.area_mu * 1000.0 * filled / LOT).floor() * LOT) as u32;
    let luck = (0.05 * seed.normal()).exp();
    let mut cohort = Cohort { house, kind, placed_on, placed_heads, leaves_on, counts: Vec::new() };
    let (mut heads, mut counted_on) = (placed_heads, placed_on);
    let mut weight_kg = life.weight_kg.0;
    for day in placed_on.iter_days().skip(1).take_while(|day| *day <= leaves_on.min(last)) {
        if day.weekday() != Weekday::Mon && day != leaves_on {
            continue;
        }
        let (days, age_days) = ((day - counted_on).num_days() as f64, (day - placed_on).num_days() as f64);
        let dying = f64::from(heads) * life.deaths_per_week * days / 7.0 * (0.4 + 1.2 * seed.uniform()) / luck;
        let deaths = (dying + seed.uniform()).floor() as u32;
        heads -= deaths.min(heads);
        let weight_now_kg = weight_at(life, kind, age_days) * luck.sqrt();
        let growth_kg = (weight_now_kg - weight_kg).max(0.0);
        weight_kg += growth_kg;
        let (eggs_kg, feed_kg) = eaten_and_laid(life, kind, age_days, days, growth_kg, &mut seed);
        let leaving_kg = if day == leaves_on && !life.lays { weight_kg } else { 0.0 };
        let whole = |kg_each: f64, step: f64| ((f64::from(heads) * kg_each / step).round() * step * 1000.0).round() as i64;
        cohort.counts.push(Count {
            day,
            heads: if day == leaves_on { 0 } else { heads },
            deaths,
            mean_weight_grams: (weight_kg * 1000.0).round() as i64,
            feed_grams: whole(feed_kg, 1.0),
            output_grams: whole(eggs_kg + leaving_kg, 0.5),
        });
        counted_on = day;
    }
    cohort
}

/// kg of an animal at an age: slow, fast, slow.
fn weight_at(life: &Life, kind: &CropRow, age_days: f64) -> f64 {
    let (placed_kg, grown_kg) = life.weight_kg;
    let part = (age_days / kind.middling_days()).min(1.15);
    // a piglet has its slowest days behind it
    let slope = if placed_kg / grown_kg > 0.1 { 1.15 } else { 1.5 };
    placed_kg + (grown_kg - placed_kg) * part.powf(slope).min(1.0 + 0.4 * (part - 1.0).max(0.0))
}

/// kg of eggs and of feed, each for one animal over the days since the count before.
fn eaten_and_laid(life: &Life, kind: &CropRow, age_days: f64, days: f64, growth_kg: f64, seed: &mut Seed) -> (f64, f64) {
    let part = (age_days / kind.middling_days()).min(1.0);
    let (early, late) = life.feed_per_growth;
    let growing_kg = growth_kg * (early + (late - early) * part) * (1.0 + 0.03 * seed.normal());
    let laid_days = (age_days - f64::from(kind.days_min)).min(days);
    if !life.lays || laid_days <= 0.0 {
        return (0.0, growing_kg);
    }
    let since_days = age_days - f64::from(kind.days_min);
    let laying = LAYING * (since_days / RISE_DAYS).min(1.0) - FALLS_PER_WEEK * (since_days - RISE_DAYS).max(0.0) / 7.0;
    (laying * EGG_KG * laid_days * (1.0 + 0.02 * seed.normal()), growing_kg + HEN_FEED_KG * days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Cohort> {
        let last_day = "2026-11-22".parse().expect("a day");
        cohorts(&SampleSettings::demo(Seed(4), last_day, 1))
    }

    #[test]
    fn heads_only_fall_and_every_animal_is_accounted_for() {
        for cohort in all() {
            let mut before = cohort.placed_heads;
            for count in &cohort.counts {
                let left = if count.day == cohort.leaves_on { before - count.deaths } else { 0 };
                assert_eq!(count.heads + count.deaths + left, before, "{} on {}", cohort.house.plot, count.day);
                assert!(count.feed_grams > 0 && count.output_grams >= 0 && count.mean_weight_grams > 0);
                before = count.heads;
            }
        }
    }

    #[test]
    fn houses_stand_empty_between_two_cohorts() {
        let all = all();
        for pair in all.windows(2).filter(|pair| std::ptr::eq(pair[0].house, pair[1].house)) {
            let least = if pair[0].kind.crop == "生猪" { 7 } else { 14 };
            let days = (pair[1].placed_on - pair[0].leaves_on).num_days();
            assert!((least..least + 5).contains(&days), "{} is empty for {days} days", pair[0].house.plot);
        }
        let last_day: NaiveDate = "2026-11-22".parse().expect("a day");
        for animal in ["鸡蛋", "黄羽鸡", "生猪"] {
            assert!(all.iter().any(|cohort| cohort.kind.crop == animal && cohort.leaves_on > last_day), "{animal} stand on the last day");
        }
    }

    #[test]
    fn what_a_cohort_gives_and_eats_is_near_the_calendar() {
        for cohort in all().iter().filter(|cohort| cohort.counts.last().is_some_and(|count| count.day == cohort.leaves_on)) {
            let sum = |of: fn(&Count) -> i64| cohort.counts.iter().map(of).sum::<i64>() as f64 / 1000.0;
            let (output_kg, feed_kg) = (sum(|count| count.output_grams), sum(|count| count.feed_grams));
            let share = output_kg / f64::from(cohort.placed_heads) * 1000.0 / cohort.kind.yield_kg_per_mu;
            assert!((0.85..1.15).contains(&share), "{} placed {}: {share} of the calendar", cohort.kind.crop, cohort.placed_on);
            let bounds = if cohort.kind.crop == "鸡蛋" { 2.2..3.6 } else { 2.0..3.2 };
            assert!(bounds.contains(&(feed_kg / output_kg)), "{}: {} kg of feed a kg", cohort.kind.crop, feed_kg / output_kg);
        }
    }
}
