//! The simulated days and what the year does to them. In: first and last day. Out: facts by day, smooth swings.
//! Never: a random number.

use chrono::{Datelike, NaiveDate, Weekday};
use nongshi_domain::days_to_spring_festival;
use std::f64::consts::TAU;

/// Days of a mean year.
const YEAR: f64 = 365.25;
/// How a week of shopping goes, Monday first; its mean is 1.
const WEEKDAYS: [f64; 7] = [0.93, 0.92, 0.94, 0.96, 1.02, 1.13, 1.10];

/// One simulated day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Day {
    pub date: NaiveDate,
    /// Days until the nearest Spring Festival; negative when it has passed.
    pub to_spring_festival: i64,
}

/// The simulated days, in order.
#[derive(Debug)]
pub(crate) struct Calendar {
    pub days: Vec<Day>,
}

impl Calendar {
    /// From `first` to `last`, both within.
    pub fn of(first: NaiveDate, last: NaiveDate) -> Calendar {
        let days = first.iter_days().take_while(|date| *date <= last);
        Calendar { days: days.map(|date| Day { date, to_spring_festival: days_to_spring_festival(date) }).collect() }
    }
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

    /// The part of 1 by which prices are up before the feast and come back after it.
    pub fn festival_price(self) -> f64 {
        match self.to_spring_festival {
            days @ 0..=20 => 1.0 - days as f64 / 21.0,
            days @ -14..=-1 => 1.0 + days as f64 / 15.0,
            _ => 0.0,
        }
    }

    /// What the feast does to sales: larders are filled before it, kitchens are cold on the first days.
    pub fn festival_demand(self) -> f64 {
        match self.to_spring_festival {
            days @ 1..=12 => 1.0 + 0.6 * (1.0 - days as f64 / 13.0),
            0 | -1 => 0.35,
            days @ -9..=-2 => 0.5 - 0.05 * (days + 2) as f64,
            _ => 1.0,
        }
    }

    /// What the weekday does to sales.
    pub fn weekday_demand(self) -> f64 {
        WEEKDAYS[self.date.weekday().days_since(Weekday::Mon) as usize]
    }

    /// Whether the day lies in months `from` to `to`, both within.
    pub fn is_within(self, (from, to): (u32, u32)) -> bool {
        (from..=to).contains(&self.date.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_sums_to_seven_and_the_feast_is_seen() {
        assert!((WEEKDAYS.iter().sum::<f64>() - 7.0).abs() < 1e-9);
        let day = |text: &str| {
            let date: NaiveDate = text.parse().expect("a test writes its dates as YYYY-MM-DD");
            Day { date, to_spring_festival: days_to_spring_festival(date) }
        };
        // Spring Festival was on 2026-02-17
        assert!(day("2026-02-16").festival_demand() > 1.5 && day("2026-02-17").festival_demand() < 0.5);
        assert!(day("2026-02-17").festival_price() > 0.99 && day("2026-03-10").festival_price() == 0.0);
        assert!(day("2026-01-15").season(1.5) > 0.99 && day("2026-07-15").season(1.5) < -0.99);
    }
}
