//! What stands on the bases on the last day. In: the crop calendar and the plots of the project folder, a seed.
//! Out: `reference/plantings.csv`. Never: a crop outside its months, on other land, or more land than there is.

use crate::{SampleFile, files};
use chrono::{Datelike, Days, NaiveDate};
use nongshi_domain::{MonthSet, Seed};
use serde::Deserialize;

/// Days between the last picking of one crop and the sowing of the next.
const CLEARING_DAYS: u32 = 10;
/// Rounds of crops that are told of each half of a plot.
const ROUNDS: usize = 3;
/// Chance that a half of a plot lies bare on the last day.
const BARE: f64 = 0.25;
/// What is grown where, by the first word of the plot's name; the land must suit it as well, and what is
/// named twice is grown twice as often.
const HABITS: &[(&str, &[&str])] = &[
    ("旱地", &["番茄", "甜玉米", "豇豆", "冬瓜", "花生", "西瓜"]),
    ("水田", &["早稻", "晚稻", "马铃薯"]),
    ("菜地", &["菜心", "小白菜", "生菜", "菜心", "小白菜", "菠菜", "空心菜"]),
    ("蛋鸡舍", &["鸡蛋"]),
    ("香蕉园", &["香蕉"]),
];
/// Leafy plots are sown in halves, from this many days of growth on a plot is sown whole.
const SLOW_DAYS: u32 = 70;

#[derive(Debug, Clone, Deserialize)]
struct CropRow {
    crop: String,
    system: String,
    days_min: u32,
    days_max: u32,
    window_days: u32,
    sow_months: String,
    #[serde(default)]
    family: String,
}

#[derive(Debug, Clone, Deserialize)]
struct PlotRow {
    base: String,
    plot: String,
    system: String,
    area_mu: f64,
}

/// What was sown on one plot.
struct Sown<'a> {
    crop: &'a CropRow,
    on: NaiveDate,
    area_mu: f64,
}

impl CropRow {
    /// Days from sowing until the land is bare at the latest.
    fn days(&self) -> u32 {
        self.days_max + self.window_days
    }

    fn is_sown_in(&self, day: NaiveDate) -> bool {
        MonthSet::parse(&self.sow_months).is_some_and(|months| months.holds(day.month()))
    }
}

/// The plantings of both bases.
pub(crate) fn plantings(seed: Seed, last_day: NaiveDate) -> SampleFile {
    let crops: Vec<CropRow> = rows(files::CROPS);
    let mut written = Vec::new();
    for plot in rows::<PlotRow>(files::PLOTS) {
        let mut seed = seed.derive(&plot.base).derive(&plot.plot);
        for sown in on_plot(&mut seed, &plot, &crops, last_day) {
            let area = format!("{:.1}", sown.area_mu);
            written.push(vec![plot.base.clone(), plot.plot.clone(), sown.crop.crop.clone(), sown.on.to_string(), area]);
        }
    }
    let header = ["base", "plot", "crop", "sown_on", "area_mu"];
    SampleFile { path: "reference/plantings.csv".into(), bytes: files::utf8(&header, &written) }
}

fn rows<Row: for<'de> Deserialize<'de>>(text: &str) -> Vec<Row> {
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize().collect::<Result<_, _>>();
    rows.expect("the file is compiled in, and a test reads it")
}

/// From the last day backwards: what stands, what stood before it.
fn on_plot<'a>(seed: &mut Seed, plot: &PlotRow, crops: &'a [CropRow], last_day: NaiveDate) -> Vec<Sown<'a>> {
    let habit = HABITS.iter().find(|(word, _)| plot.plot.starts_with(word)).map_or(&[][..], |(_, crops)| crops);
    let fitting: Vec<&CropRow> =
        habit.iter().filter_map(|name| crops.iter().find(|crop| crop.crop == **name && crop.system == plot.system)).collect();
    let mut found = Vec::new();
    let Some(first) = standing(seed, &fitting, last_day) else { return found };
    let is_whole = first.0.days_min >= SLOW_DAYS;
    let parts: Vec<Option<(&CropRow, NaiveDate)>> = if is_whole {
        vec![Some(first)]
    } else {
        vec![Some(first), standing(seed, &fitting, last_day).filter(|part| part.0.days_min < SLOW_DAYS)]
    };
    let area_mu = plot.area_mu / parts.len() as f64;
    for (crop, on) in parts.into_iter().flatten() {
        // on a plot of one crop (an orchard, a layer house) nothing of the past is told
        let rounds = if fitting.len() > 1 { ROUNDS } else { 1 };
        let mut next = (crop, on);
        for _ in 0..rounds {
            found.push(Sown { crop: next.0, on: next.1, area_mu });
            match before(seed, &fitting, next.0, next.1) {
                Some(earlier) => next = earlier,
                None => break,
            }
        }
    }
    // the same crop on the same day in both halves is one planting
    found.sort_by(|a, b| (a.on, &a.crop.crop).cmp(&(b.on, &b.crop.crop)));
    found.dedup_by(|later, earlier| {
        let is_same = later.on == earlier.on && later.crop.crop == earlier.crop.crop;
        if is_same {
            earlier.area_mu += later.area_mu;
        }
        is_same
    });
    found
}

/// Something that stands on the last day; none where the land lies bare.
fn standing<'a>(seed: &mut Seed, crops: &[&'a CropRow], last_day: NaiveDate) -> Option<(&'a CropRow, NaiveDate)> {
    if crops.len() > 1 && seed.uniform() < BARE {
        return None;
    }
    let first = (seed.uniform() * crops.len() as f64) as usize;
    for place in 0..crops.len() {
        let crop = crops[(first + place) % crops.len()];
        let days = crop.days_min + crop.window_days;
        // an animal house is told of when it already yields
        let least = if crop.system == "livestock" { crop.days_min } else { 1 };
        let ages = least..days * 9 / 10;
        let sown: Vec<NaiveDate> = ages.map(|age| last_day - Days::new(u64::from(age))).filter(|day| crop.is_sown_in(*day)).collect();
        if let Some(day) = sown.get((seed.uniform() * sown.len() as f64) as usize) {
            return Some((crop, *day));
        }
    }
    None
}

/// What stood before a sowing, of another family.
fn before<'a>(seed: &mut Seed, crops: &[&'a CropRow], next: &CropRow, sown_on: NaiveDate) -> Option<(&'a CropRow, NaiveDate)> {
    let first = (seed.uniform() * crops.len() as f64) as usize;
    (0..crops.len()).map(|place| crops[(first + place) % crops.len()]).filter(|crop| crop.family != next.family).find_map(|crop| {
        let idle = (seed.uniform() * 15.0) as u32;
        let day = sown_on - Days::new(u64::from(crop.days() + CLEARING_DAYS + idle));
        crop.is_sown_in(day).then_some((crop, day))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_stands_fits_the_land_in_every_month() {
        let plots: Vec<PlotRow> = rows(files::PLOTS);
        let crops: Vec<CropRow> = rows(files::CROPS);
        for month in 1..=12 {
            let last_day = NaiveDate::from_ymd_opt(2026, month, 20).expect("the 20th is in every month");
            let file = plantings(Seed(7), last_day);
            let mut reader = csv::Reader::from_reader(file.bytes.as_slice());
            let mut held: BTreeMap<(String, String), f64> = BTreeMap::new();
            for row in reader.deserialize::<(String, String, String, NaiveDate, f64)>() {
                let (base, plot, crop, sown_on, area_mu) = row.expect("a planting");
                let crop = crops.iter().find(|known| known.crop == crop).expect("a crop of the calendar");
                let plot = plots.iter().find(|known| (&known.base, &known.plot) == (&base, &plot)).expect("a plot");
                assert!(sown_on < last_day && crop.is_sown_in(sown_on), "{} on {sown_on}", crop.crop);
                assert_eq!(crop.system, plot.system);
                if (last_day - sown_on).num_days() <= i64::from(crop.days_min + crop.window_days) {
                    *held.entry((base, plot.plot.clone())).or_default() += area_mu;
                }
            }
            assert!(held.len() >= 6, "month {month}: something stands on {} plots", held.len());
            for ((base, plot), area_mu) in held {
                let whole = plots.iter().find(|known| known.base == base && known.plot == plot).expect("a plot").area_mu;
                assert!(area_mu <= whole + 0.11, "{base} {plot}: {area_mu} of {whole} mu on {last_day}");
            }
        }
    }
}
