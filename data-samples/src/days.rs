//! The simulated days and what the year does to them. In: first and last day. Out: facts by day, feasts, terms.
//! Never: a random number.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use nongshi_domain::{Festival, spring_festival};
use std::f64::consts::TAU;

/// Days of a mean year.
const YEAR: f64 = 365.25;
/// How a week of shopping goes, Monday first; its mean is 1.
const WEEKDAYS: [f64; 7] = [0.93, 0.92, 0.94, 0.96, 1.02, 1.13, 1.10];
/// Days before a feast on which larders are filled for it.
const FEAST_DAYS: i64 = 3;
/// Free days of each feast: days before it, days after it.
const FREE: &[(Festival, &str, u64, u64)] = &[
    (Festival::SpringFestival, "春节", 1, 6),
    (Festival::Qingming, "清明", 1, 1),
    (Festival::DragonBoat, "端午", 1, 1),
    (Festival::MidAutumn, "中秋", 1, 1),
    (Festival::NationalDay, "国庆", 0, 6),
];

/// One simulated day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Day {
    pub date: NaiveDate,
    /// Days until the nearest Spring Festival; negative when it has passed.
    pub to_spring_festival: i64,
    /// Whether schools teach.
    pub in_term: bool,
    /// Whether offices are closed for a feast.
    pub is_free: bool,
    /// Days until the next feast other than the Spring Festival; none when it is further than `FEAST_DAYS`.
    pub to_feast: Option<i64>,
}

/// A stretch of days with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// holiday or school_term
    pub kind: &'static str,
    pub name: String,
    pub from: NaiveDate,
    /// Within.
    pub to: NaiveDate,
}

/// The simulated days, in order.
#[derive(Debug)]
pub(crate) struct Calendar {
    pub days: Vec<Day>,
}

impl Calendar {
    /// From `first` to `last`, both within.
    pub fn of(first: NaiveDate, last: NaiveDate) -> Calendar {
        let stretches: Vec<Stretch> = (first.year() - 1..=last.year() + 1).flat_map(stretches).collect();
        let holds = |kind: &str, date: NaiveDate| stretches.iter().any(|s| s.kind == kind && s.from <= date && date <= s.to);
        let feasts: Vec<NaiveDate> = (first.year()..=last.year() + 1)
            .flat_map(|year| Festival::ALL.iter().filter(|feast| **feast != Festival::SpringFestival).map(move |feast| feast.day_in(year)))
            .collect();
        // once a year, not once a day: the astronomy is slow
        let new_years: Vec<NaiveDate> = (first.year() - 1..=last.year() + 1).map(spring_festival).collect();
        let to_spring_festival = |date: NaiveDate| {
            new_years.iter().map(|day| (*day - date).num_days()).min_by_key(|days| days.abs()).expect("some year is near")
        };
        let day = |date: NaiveDate| Day {
            date,
            to_spring_festival: to_spring_festival(date),
            in_term: holds("school_term", date),
            is_free: holds("holiday", date),
            to_feast: feasts.iter().map(|feast| (*feast - date).num_days()).filter(|days| (0..=FEAST_DAYS).contains(days)).min(),
        };
        Calendar { days: first.iter_days().take_while(|date| *date <= last).map(day).collect() }
    }

    /// Place of a date; the first day for an earlier one.
    pub fn place(&self, date: NaiveDate) -> usize {
        (date - self.days[0].date).num_days().max(0) as usize
    }
}

/// Holidays and school terms that begin in a year.
pub(crate) fn stretches(year: i32) -> Vec<Stretch> {
    let new_year = NaiveDate::from_ymd_opt(year, 1, 1).expect("a year begins");
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a day of every year");
    let stretch = |kind, name: &str, from, to| Stretch { kind, name: format!("{year}{name}"), from, to };
    let mut found = vec![stretch("holiday", "元旦", new_year, new_year), stretch("holiday", "劳动节", day(5, 1), day(5, 5))];
    for (feast, name, before, after) in FREE {
        let on = feast.day_in(year);
        found.push(stretch("holiday", name, on - Days::new(*before), on + Days::new(*after)));
    }
    found.push(stretch("school_term", "春季学期", spring_festival(year) + Days::new(16), day(7, 10)));
    found.push(stretch("school_term", "秋季学期", day(9, 1), spring_festival(year + 1) - Days::new(19)));
    found.sort_by_key(|stretch| stretch.from);
    found
}

impl Day {
    /// Years since 2000, for trends and cycles.
    pub fn years(self) -> f64 {
        f64::from(self.date.num_days_from_ce()) / YEAR - 2000.0
    }

    /// Between -1 and 1 with its top in `month` (1 to 12, the middle of the month is .5 further).
    pub fn season(self, month: f64) -> f64 {
        (TAU * (f64::from(self.date.ordinal0()) / YEAR - (month - 1.0) / 12.0)).cos()
    }

    /// The part of 1 by which prices are up before the Spring Festival and come back after it.
    pub fn festival_price(self) -> f64 {
        match self.to_spring_festival {
            days @ 0..=20 => 1.0 - days as f64 / 21.0,
            days @ -14..=-1 => 1.0 + days as f64 / 15.0,
            _ => 0.0,
        }
    }

    /// What feasts do to sales: larders are filled before them; on the first days of the year kitchens are cold.
    pub fn festival_demand(self) -> f64 {
        let feast = self.to_feast.map_or(1.0, |days| 1.0 + 0.22 * (1.0 - days as f64 / (FEAST_DAYS + 1) as f64));
        match self.to_spring_festival {
            days @ 1..=12 => 1.0 + 0.6 * (1.0 - days as f64 / 13.0),
            0 | -1 => 0.35,
            days @ -9..=-2 => 0.5 - 0.05 * (days + 2) as f64,
            _ => feast,
        }
    }

    /// What the weekday does to sales.
    pub fn weekday_demand(self) -> f64 {
        WEEKDAYS[self.weekday()]
    }

    /// Monday is 0.
    pub fn weekday(self) -> usize {
        self.date.weekday().days_since(Weekday::Mon) as usize
    }

    /// Whether it is the last day of its month.
    pub fn ends_month(self) -> bool {
        (self.date + Days::new(1)).day() == 1
    }

    /// Whether the day lies in months `from` to `to`, both within.
    pub fn is_within(self, (from, to): (u32, u32)) -> bool {
        (from..=to).contains(&self.date.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        let date: NaiveDate = text.parse().expect("a test writes its dates as YYYY-MM-DD");
        Calendar::of(date, date).days[0]
    }

    #[test]
    fn a_week_sums_to_seven_and_the_feast_is_seen() {
        assert!((WEEKDAYS.iter().sum::<f64>() - 7.0).abs() < 1e-9);
        // Spring Festival was on 2026-02-17
        assert!(day("2026-02-16").festival_demand() > 1.5 && day("2026-02-17").festival_demand() < 0.5);
        assert!(day("2026-02-17").festival_price() > 0.99 && day("2026-03-10").festival_price() == 0.0);
        assert!(day("2026-01-15").season(1.5) > 0.99 && day("2026-07-15").season(1.5) < -0.99);
        // Dragon Boat was on 2026-06-19
        assert!(day("2026-06-18").festival_demand() > 1.1 && day("2026-06-22").festival_demand() == 1.0);
    }

    #[test]
    fn schools_and_offices_close() {
        assert!(day("2026-10-20").in_term && !day("2026-07-20").in_term && !day("2026-02-17").in_term);
        assert!(day("2026-10-03").is_free && day("2026-02-20").is_free && !day("2026-10-20").is_free);
    }
}
