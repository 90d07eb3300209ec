//! Days to speak from, and the steps of a series. In: dates. Out: dates. Never: reads the clock.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// The day a run speaks from: nothing that became known later may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AsOf(pub NaiveDate);

impl std::fmt::Display for AsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The last day whose value a model may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cutoff(pub NaiveDate);

/// The Monday of the week that holds `day`.
pub fn week_start(day: NaiveDate) -> NaiveDate {
    day - Days::new(u64::from(day.weekday().num_days_from_monday()))
}

/// The step of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cadence {
    /// One calendar day.
    Day,
    /// Seven days, named by their Monday.
    Week,
    /// One calendar month, named by its first day.
    Month,
}

impl Cadence {
    /// The first day of the step that holds `day`.
    pub fn floor(self, day: NaiveDate) -> NaiveDate {
        match self {
            Cadence::Day => day,
            Cadence::Week => week_start(day),
            Cadence::Month => day - Days::new(u64::from(day.day0())),
        }
    }

    /// The first day of the step `steps` after the one that holds `day`.
    pub fn advance(self, day: NaiveDate, steps: u32) -> NaiveDate {
        let day = self.floor(day);
        match self {
            Cadence::Day => day + Days::new(u64::from(steps)),
            Cadence::Week => day + Days::new(7 * u64::from(steps)),
            Cadence::Month => day + Months::new(steps),
        }
    }

    /// Whole steps from the step of `from` to the step of `to`; negative when `to` lies before.
    pub fn steps_between(self, from: NaiveDate, to: NaiveDate) -> i64 {
        let (from, to) = (self.floor(from), self.floor(to));
        match self {
            Cadence::Day => (to - from).num_days(),
            Cadence::Week => (to - from).num_days() / 7,
            Cadence::Month => i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month()),
        }
    }

    /// The last day of the step that holds `day`: once it is past, the step is complete.
    pub fn last_day(self, day: NaiveDate) -> NaiveDate {
        self.advance(day, 1) - Days::new(1)
    }

    /// Steps in a year: the season of a yearly pattern.
    pub fn steps_per_year(self) -> usize {
        match self {
            Cadence::Day => 364,
            Cadence::Week => 52,
            Cadence::Month => 12,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a test writes its dates as YYYY-MM-DD")
    }

    #[test]
    fn steps_follow_the_calendar() {
        // (cadence, day, floor, three steps on)
        for (cadence, from, floor, on) in [
            (Cadence::Day, "2024-02-27", "2024-02-27", "2024-03-01"),
            (Cadence::Week, "2026-11-24", "2026-11-23", "2026-12-14"),
            (Cadence::Month, "2023-11-30", "2023-11-01", "2024-02-01"),
        ] {
            assert_eq!(cadence.floor(day(from)), day(floor));
            assert_eq!(cadence.advance(day(from), 3), day(on));
            assert_eq!(cadence.steps_between(day(from), day(on)), 3);
            assert_eq!(cadence.steps_between(day(on), day(from)), -3);
        }
        assert_eq!(Cadence::Month.last_day(day("2024-02-10")), day("2024-02-29"));
    }
}
