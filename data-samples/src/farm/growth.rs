//! One crop from sowing to the last picking, day by day. In: the day's sky. Out: works, tests, pickings. Never: a picking
//! before a safe-from date or without a passed test.

use super::exposure::Sky;
use super::land::{CropRow, Nature, PlotRow};
use chrono::{Days, NaiveDate};
use nongshi_domain::Seed;
use std::collections::BTreeSet;
use std::f64::consts::PI;

/// The works as papers call them.
pub(crate) const SPRAYING: &str = "喷药";
pub(crate) const FERTILISING: &str = "施肥";
pub(crate) const IRRIGATION: &str = "灌溉";
pub(crate) const WEEDING: &str = "除草";
/// What is sprayed, and days from spraying to a safe harvest (round figures of our own).
const SPRAYS: &[(&str, u64)] = &[("苏云金杆菌", 3), ("嘧菌酯", 5), ("氯虫苯甲酰胺", 5), ("阿维菌素", 7), ("吡虫啉", 7), ("代森锰锌", 10)];
const FERTILISERS: &[&str] = &["复合肥", "有机肥", "尿素"];
/// What is looked for in a sample, and the limit, mg/kg (round figures of our own).
const TESTS: &[(&str, f64)] = &[("有机磷", 0.05), ("吡虫啉", 1.0), ("拟除虫菊酯", 0.5)];
/// Days from one work to the next of its kind: the least, and how much more it may be.
const SPRAYING_DAYS: (u64, f64) = (10, 10.0);
const FERTILISING_DAYS: (u64, f64) = (14, 12.0);
const WEEDING_AT_DAYS: i64 = 14;
const IRRIGATION_EVERY_DAYS: u32 = 4;
/// Days before ripeness at which a sample is taken, from sample to result, and from a failed sample to the next one.
const SAMPLE_BEFORE_DAYS: f64 = 4.0;
const RESULT_DAYS: u64 = 2;
const RETEST_DAYS: u64 = 5;
/// Days from a passed sample to the next one of a long harvest.
const AGAIN_DAYS: u64 = 21;
/// Share of samples above the limit.
const FAILS: f64 = 0.02;
/// By how much a crop may stand longer than the calendar's latest day.
const LATEST: f64 = 1.1;
/// Log standard deviation of a planting's yield around what land and weather give.
const NOISE: f64 = 0.08;
/// Days between two pickings of a long harvest.
const WEEK: u64 = 7;
/// Shares of the pickings of a short harvest, and of grain.
const SHORT: &[f64] = &[0.4, 0.35, 0.25];
const GRAIN: &[f64] = &[0.6, 0.4];
/// The bases weigh in steps of half a kg, which is a 斤.
pub(crate) const STEP_GRAMS: i64 = 500;

/// What was sown on a part of a plot, and what became of it.
#[derive(Debug)]
pub(crate) struct Planting {
    pub plot: &'static PlotRow,
    pub crop: &'static CropRow,
    pub sown_on: NaiveDate,
    pub area_mu: f64,
    pub works: Vec<Work>,
    pub tests: Vec<Test>,
    pub pickings: Vec<Picking>,
    /// Whether the last picking is done.
    pub is_cleared: bool,
    /// Share of the yield that the weather left, over the pickings so far.
    pub weather_factor: f64,
}

#[derive(Debug)]
pub(crate) struct Work {
    pub on: NaiveDate,
    pub work: &'static str,
    pub substance: &'static str,
    pub safe_from: Option<NaiveDate>,
}

#[derive(Debug)]
pub(crate) struct Test {
    pub on: NaiveDate,
    pub test: &'static str,
    pub found_mg_per_kg: f64,
    pub limit_mg_per_kg: f64,
}

#[derive(Debug)]
pub(crate) struct Picking {
    pub on: NaiveDate,
    pub grams: i64,
    pub first_grade_share: f64,
}

impl Test {
    pub fn is_passed(&self) -> bool {
        self.found_mg_per_kg <= self.limit_mg_per_kg
    }
}

/// Works on one plot by day: a paper holds one of a kind a day.
pub(crate) type Taken = BTreeSet<(NaiveDate, &'static str)>;

/// A crop in the field.
pub(crate) struct Growth {
    pub planting: Planting,
    seed: Seed,
    /// What the land would give in good weather.
    kg_per_mu: f64,
    /// Part of the way to ripeness.
    progress: f64,
    left: f64,
    dry_days: u32,
    is_ripe: bool,
    shares: Vec<f64>,
    next_picking: NaiveDate,
    safe_from: NaiveDate,
    /// When a sample may be taken, and from when a passed one allows a harvest.
    sample_from: NaiveDate,
    allowed_from: Option<NaiveDate>,
    next_spraying: NaiveDate,
    next_fertilising: NaiveDate,
    is_weeded: bool,
}

impl Growth {
    /// `quality` is what this land gives of the calendar's yield.
    pub fn sow(plot: &'static PlotRow, crop: &'static CropRow, sown_on: NaiveDate, area_mu: f64, quality: f64, mut seed: Seed) -> Growth {
        let kg_per_mu = crop.yield_kg_per_mu * quality * (NOISE * seed.normal()).exp();
        let (works, tests, pickings) = (Vec::new(), Vec::new(), Vec::new());
        let planting = Planting { plot, crop, sown_on, area_mu, works, tests, pickings, is_cleared: false, weather_factor: 0.0 };
        let is_tested = crop.nature() != Nature::Grain;
        Growth {
            planting,
            kg_per_mu,
            progress: 0.0,
            left: 1.0,
            dry_days: 0,
            is_ripe: false,
            shares: shares(crop),
            next_picking: sown_on,
            safe_from: sown_on,
            sample_from: sown_on,
            allowed_from: (!is_tested).then_some(sown_on),
            next_spraying: sown_on + Days::new(SPRAYING_DAYS.0),
            next_fertilising: sown_on + Days::new(FERTILISING_DAYS.0 / 2),
            is_weeded: false,
            seed,
        }
    }

    /// One day goes by.
    pub fn day(&mut self, date: NaiveDate, sky: Sky, taken: &mut Taken) {
        let crop = self.planting.crop;
        let age_days = (date - self.planting.sown_on).num_days();
        self.dry_days = if sky.is_wet() { 0 } else { self.dry_days + 1 };
        self.left = sky.left(self.left, crop, self.dry_days);
        self.progress += sky.speed() / crop.middling_days();
        let is_latest = age_days as f64 >= f64::from(crop.days_max) * LATEST;
        if !self.is_ripe && age_days >= i64::from(crop.days_min) && (self.progress >= 1.0 || is_latest) {
            (self.is_ripe, self.next_picking) = (true, date);
        }
        let ripe_in_days = ((1.0 - self.progress) * crop.middling_days() / sky.speed()).max((i64::from(crop.days_min) - age_days) as f64);
        if self.is_sampled(date, ripe_in_days) {
            self.sample(date);
        }
        if self.is_ripe && date >= self.next_picking.max(self.safe_from) && self.allowed_from.is_some_and(|from| date >= from) {
            self.pick(date);
        } else if age_days > 0 {
            let slack_days = if self.is_ripe { (self.next_picking - date).num_days() as f64 } else { ripe_in_days - 2.0 };
            self.work(date, slack_days, taken);
        }
    }

    /// Before the first picking, after a failed sample, and now and then between the pickings of a long harvest.
    fn is_sampled(&self, date: NaiveDate, ripe_in_days: f64) -> bool {
        let is_first = self.allowed_from.is_none() && (self.is_ripe || ripe_in_days <= SAMPLE_BEFORE_DAYS);
        let is_again =
            self.allowed_from.is_some() && !self.planting.pickings.is_empty() && date + Days::new(RESULT_DAYS) < self.next_picking;
        date >= self.sample_from && self.planting.crop.nature() != Nature::Grain && (is_first || is_again)
    }

    fn sample(&mut self, date: NaiveDate) {
        let (test, limit_mg_per_kg) = TESTS[self.below(TESTS.len())];
        let (fails, amount) = (self.seed.uniform() < FAILS, self.seed.uniform());
        let found_mg_per_kg = limit_mg_per_kg * if fails { 1.1 + amount } else { 0.6 * amount * amount };
        self.planting.tests.push(Test { on: date, test, found_mg_per_kg, limit_mg_per_kg });
        self.allowed_from = (!fails).then_some(date + Days::new(RESULT_DAYS));
        self.sample_from = date + Days::new(if fails { RETEST_DAYS } else { AGAIN_DAYS });
    }

    fn pick(&mut self, date: NaiveDate) {
        let place = self.planting.pickings.len();
        let part = self.shares[place] * self.left;
        let grams = part * self.kg_per_mu * self.planting.area_mu * 1000.0;
        let first_grade_share = (0.62 + 0.22 * self.left + 0.06 * self.seed.normal()).clamp(0.3, 0.97);
        let grams = ((grams / STEP_GRAMS as f64).round() as i64).max(1) * STEP_GRAMS;
        self.planting.weather_factor += part;
        self.planting.pickings.push(Picking { on: date, grams, first_grade_share });
        self.planting.is_cleared = place + 1 == self.shares.len();
        self.next_picking = date + Days::new(interval_days(self.planting.crop, self.shares.len()));
    }

    /// `slack_days` are left until the next picking.
    fn work(&mut self, date: NaiveDate, slack_days: f64, taken: &mut Taken) {
        if !self.is_weeded && (date - self.planting.sown_on).num_days() >= WEEDING_AT_DAYS && taken.insert((date, WEEDING)) {
            self.is_weeded = true;
            self.note(date, WEEDING, "", None);
        }
        if self.dry_days > 0 && self.dry_days.is_multiple_of(IRRIGATION_EVERY_DAYS) && taken.insert((date, IRRIGATION)) {
            self.note(date, IRRIGATION, "", None);
        }
        if date >= self.next_fertilising && taken.insert((date, FERTILISING)) {
            let substance = FERTILISERS[self.below(FERTILISERS.len())];
            self.next_fertilising = self.after(date, FERTILISING_DAYS);
            self.note(date, FERTILISING, substance, None);
        }
        if date >= self.next_spraying {
            let (substance, wait_days) = SPRAYS[self.below(SPRAYS.len())];
            if wait_days as f64 <= slack_days && taken.insert((date, SPRAYING)) {
                self.safe_from = date + Days::new(wait_days);
                self.next_spraying = self.after(date, SPRAYING_DAYS);
                self.note(date, SPRAYING, substance, Some(self.safe_from));
            }
        }
    }

    fn note(&mut self, on: NaiveDate, work: &'static str, substance: &'static str, safe_from: Option<NaiveDate>) {
        self.planting.works.push(Work { on, work, substance, safe_from });
    }

    fn after(&mut self, date: NaiveDate, (least, more): (u64, f64)) -> NaiveDate {
        date + Days::new(least + (more * self.seed.uniform()) as u64)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.seed.uniform() * count as f64) as usize
    }
}

/// What each picking brings of the whole.
fn shares(crop: &CropRow) -> Vec<f64> {
    if crop.nature() == Nature::Grain {
        return GRAIN.to_vec();
    }
    if !crop.is_long() {
        return SHORT.to_vec();
    }
    // little at first, most in the middle
    let count = u64::from(crop.window_days) / WEEK;
    let humps: Vec<f64> = (0..count).map(|place| (PI * (place as f64 + 1.0) / (count as f64 + 1.0)).sin().sqrt()).collect();
    let whole: f64 = humps.iter().sum();
    humps.iter().map(|hump| hump / whole).collect()
}

fn interval_days(crop: &CropRow, pickings: usize) -> u64 {
    if crop.is_long() { WEEK } else { u64::from(crop.window_days) / (pickings as u64 + 1) + 1 }
}

#[cfg(test)]
mod tests {
    use super::super::land::land;
    use super::*;

    #[test]
    fn pickings_sum_to_the_whole_and_end_within_the_window() {
        for crop in land().crops.iter().filter(|crop| crop.system != "livestock") {
            let shares = shares(crop);
            let days = (shares.len() as u64 - 1) * interval_days(crop, shares.len());
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{}", crop.crop);
            assert!(days < u64::from(crop.window_days), "{}: {days} days of {}", crop.crop, crop.window_days);
        }
    }
}
