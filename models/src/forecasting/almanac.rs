//! What the calendar says about each step, as numbers a linear model can use.
//! In: the first day, the cadence, a count of steps. Out: one row a step: waves of the solar year, the Spring
//! Festival's ramps, the weekday. Never: a value of a series.

use chrono::{Datelike, Days, NaiveDate};
use nongshi_domain::{Cadence, spring_festival};
use std::collections::BTreeMap;

/// Mean length of the solar year in days.
const SOLAR_YEAR_DAYS: f64 = 365.2422;
/// Pairs of sine and cosine over the solar year.
const WAVES: usize = 3;
/// Ramps of the Spring Festival: before, during, after.
/// Source: Lin and Liu, Modelling and seasonal adjustment of Chinese lunar holidays, Journal of Official Statistics 2002.
const RAMPS: usize = 3;
/// The ramp before the festival rises over this many days.
const BEFORE_DAYS: i64 = 28;
/// The festival itself: from the eve to the seventh day.
const DURING_DAYS: std::ops::RangeInclusive<i64> = -6..=1;
/// The ramp after it falls until this day of the lunar year.
const AFTER_DAYS: i64 = 30;

/// Calendar columns of consecutive steps, from step 0 on.
pub(super) struct Almanac {
    width: usize,
    /// Row by row.
    values: Vec<f64>,
    /// Running sums of the rows: row `i` is the sum of the rows before step `i`.
    sums: Vec<f64>,
}

impl Almanac {
    /// The almanac of `steps` steps. The astronomy is asked once a year, not once a day.
    pub fn new(cadence: Cadence, calendar: bool, first: NaiveDate, steps: usize) -> Almanac {
        if !calendar {
            return Almanac { width: 0, values: Vec::new(), sums: Vec::new() };
        }
        let weekdays = if cadence == Cadence::Day { 6 } else { 0 };
        let width = 2 * WAVES + RAMPS + weekdays;
        let mut festivals = Festivals::default();
        let mut almanac = Almanac { width, values: Vec::with_capacity(width * steps), sums: vec![0.0; width] };
        for step in 0..steps {
            let from = cadence.advance(first, step as u32);
            let to = cadence.advance(first, step as u32 + 1);
            almanac.push(&mut festivals, from, to, weekdays);
        }
        almanac
    }

    /// Adds the row of the step `from..to` (half-open): each column is its mean over the days of the step.
    fn push(&mut self, festivals: &mut Festivals, from: NaiveDate, to: NaiveDate, weekdays: usize) {
        let days = (to - from).num_days().max(1);
        let mut row = vec![0.0; self.width];
        for offset in 0..days {
            let day = from + Days::new(offset as u64);
            let angle = std::f64::consts::TAU * f64::from(day.ordinal0()) / SOLAR_YEAR_DAYS;
            for wave in 0..WAVES {
                let (sine, cosine) = (angle * (wave + 1) as f64).sin_cos();
                row[2 * wave] += sine;
                row[2 * wave + 1] += cosine;
            }
            for (cell, ramp) in row[2 * WAVES..].iter_mut().zip(ramps(festivals.days_to(day))) {
                *cell += ramp;
            }
        }
        for cell in &mut row {
            *cell /= days as f64;
        }
        let weekday = from.weekday().num_days_from_monday() as usize;
        if weekday < weekdays {
            row[2 * WAVES + RAMPS + weekday] = 1.0;
        }
        let before = self.sums.len() - self.width;
        for (column, cell) in row.iter().enumerate() {
            self.sums.push(self.sums[before + column] + cell);
        }
        self.values.extend(row);
    }

    /// How many columns a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Appends the row of `step` less the mean row of the `window` steps that end with `at`.
    pub fn differences(&self, step: usize, at: usize, window: usize, out: &mut Vec<f64>) {
        let from = (at + 1).saturating_sub(window);
        let count = (at + 1 - from) as f64;
        for column in 0..self.width {
            let mean = (self.sums[(at + 1) * self.width + column] - self.sums[from * self.width + column]) / count;
            out.push(self.values[step * self.width + column] - mean);
        }
    }
}

/// The shares of a day in the three ramps; `days` counts to the nearest festival, negative when it has passed.
fn ramps(days: i64) -> [f64; RAMPS] {
    let before = if (2..=BEFORE_DAYS).contains(&days) { 1.0 - (days - 2) as f64 / (BEFORE_DAYS - 1) as f64 } else { 0.0 };
    let during = if DURING_DAYS.contains(&days) { 1.0 } else { 0.0 };
    let passed = -days;
    let after = if (1 - DURING_DAYS.start()..=AFTER_DAYS).contains(&passed) {
        1.0 - (passed - 1 + DURING_DAYS.start()) as f64 / (AFTER_DAYS + DURING_DAYS.start()) as f64
    } else {
        0.0
    };
    [before, during, after]
}

/// Spring Festivals met so far, by Gregorian year.
#[derive(Default)]
struct Festivals(BTreeMap<i32, NaiveDate>);

impl Festivals {
    /// The same as `nongshi_domain::days_to_spring_festival`, with one look at the sky a year.
    fn days_to(&mut self, day: NaiveDate) -> i64 {
        let distance = |year: i32, known: &mut BTreeMap<i32, NaiveDate>| {
            (*known.entry(year).or_insert_with(|| spring_festival(year)) - day).num_days()
        };
        let [before, this, next] = [-1, 0, 1].map(|years| distance(day.year() + years, &mut self.0));
        [before, this, next].into_iter().min_by_key(|days| days.abs()).unwrap_or(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nongshi_domain::days_to_spring_festival;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a test writes its dates as YYYY-MM-DD")
    }

    #[test]
    fn remembered_festivals_are_the_domains() {
        let mut festivals = Festivals::default();
        for offset in (0..1500).step_by(7) {
            let on = day("2013-06-10") + Days::new(offset);
            assert_eq!(festivals.days_to(on), days_to_spring_festival(on), "{on}");
        }
    }

    #[test]
    fn ramps_rise_hold_and_fall() {
        // (days to the festival, before, during, after)
        for (days, expect) in [
            (29, [0.0, 0.0, 0.0]),
            (28, [1.0 / 27.0, 0.0, 0.0]),
            (2, [1.0, 0.0, 0.0]),
            (1, [0.0, 1.0, 0.0]),
            (-6, [0.0, 1.0, 0.0]),
            (-7, [0.0, 0.0, 1.0]),
            (-30, [0.0, 0.0, 1.0 / 24.0]),
            (-31, [0.0, 0.0, 0.0]),
        ] {
            for (found, wanted) in ramps(days).into_iter().zip(expect) {
                assert!((found - wanted).abs() < 1e-12, "{days}: {found} for {wanted}");
            }
        }
    }

    #[test]
    fn a_week_shares_its_days_among_the_ramps() {
        // The week of 2026-02-16 holds the eve (Monday) and the first six days of the year: all of it is festival.
        let almanac = Almanac::new(Cadence::Week, true, day("2026-02-09"), 3);
        let ramps_of = |step: usize| almanac.values[step * almanac.width + 2 * WAVES..][..RAMPS].to_vec();
        assert_eq!(ramps_of(1), [0.0, 1.0, 0.0]);
        assert!(ramps_of(0)[0] > 0.8 && ramps_of(2)[1] > 0.1 && ramps_of(2)[2] > 0.7);
        assert_eq!(almanac.width(), 9);
        assert_eq!(Almanac::new(Cadence::Day, true, day("2026-02-09"), 1).width(), 15);
    }

    #[test]
    fn differences_are_from_the_windows_mean() {
        let almanac = Almanac::new(Cadence::Day, true, day("2026-03-02"), 15);
        let mut row = Vec::new();
        almanac.differences(14, 13, 7, &mut row);
        // 2 March 2026 is a Monday; a week's window holds one Monday in seven.
        assert!((row[9] - (1.0 - 1.0 / 7.0)).abs() < 1e-12);
        assert!((row[10] + 1.0 / 7.0).abs() < 1e-12);
    }
}
