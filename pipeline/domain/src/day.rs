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
    /// 旬: the first ten days of a month, the second ten, and what is left of it; named by its 1st, 11th or 21st.
    #[serde(rename = "ten_days")]
    TenDays,
    /// One calendar month, named by its first day.
    Month,
}

/// 旬 of a month.
const TENS_A_MONTH: i64 = 3;
/// Days of the first and of the second 旬.
const DAYS_OF_A_TEN: u32 = 10;

/// A date that stands for no step of a cadence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{day} begins no step of {}; {}", cadence.in_words(), cadence.begins_in_words())]
pub struct NoStep {
    /// The cadence asked for.
    pub cadence: Cadence,
    /// The date.
    pub day: NaiveDate,
}

impl Cadence {
    /// The first day of the step that holds `day`.
    pub fn floor(self, day: NaiveDate) -> NaiveDate {
        match self {
            Cadence::Day => day,
            Cadence::Week => week_start(day),
            Cadence::TenDays => day - Days::new(u64::from(day.day0() - ten_of(day) * DAYS_OF_A_TEN)),
            Cadence::Month => day - Days::new(u64::from(day.day0())),
        }
    }

    /// The first day of the step `steps` after the one that holds `day`.
    pub fn advance(self, day: NaiveDate, steps: u32) -> NaiveDate {
        let day = self.floor(day);
        match self {
            Cadence::Day => day + Days::new(u64::from(steps)),
            Cadence::Week => day + Days::new(7 * u64::from(steps)),
            Cadence::TenDays => {
                let tens = i64::from(ten_of(day)) + i64::from(steps);
                let first = day - Days::new(u64::from(day.day0())) + Months::new((tens / TENS_A_MONTH) as u32);
                first + Days::new((tens % TENS_A_MONTH) as u64 * u64::from(DAYS_OF_A_TEN))
            }
            Cadence::Month => day + Months::new(steps),
        }
    }

    /// Whole steps from the step of `from` to the step of `to`; negative when `to` lies before.
    pub fn steps_between(self, from: NaiveDate, to: NaiveDate) -> i64 {
        let (from, to) = (self.floor(from), self.floor(to));
        match self {
            Cadence::Day => (to - from).num_days(),
            Cadence::Week => (to - from).num_days() / 7,
            Cadence::TenDays => months_between(from, to) * TENS_A_MONTH + i64::from(ten_of(to)) - i64::from(ten_of(from)),
            Cadence::Month => months_between(from, to),
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
            Cadence::TenDays => 36,
            Cadence::Month => 12,
        }
    }

    /// Refuses a date that is not the first day of a step.
    pub fn check(self, day: NaiveDate) -> Result<(), NoStep> {
        if self.floor(day) == day { Ok(()) } else { Err(NoStep { cadence: self, day }) }
    }

    fn in_words(self) -> &'static str {
        match self {
            Cadence::Day => "a day",
            Cadence::Week => "a week",
            Cadence::TenDays => "ten days (旬)",
            Cadence::Month => "a month",
        }
    }

    fn begins_in_words(self) -> &'static str {
        match self {
            Cadence::Day => "every day does",
            Cadence::Week => "a Monday does",
            Cadence::TenDays => "a month's 1st, 11th and 21st do",
            Cadence::Month => "a month's 1st does",
        }
    }
}

/// Which 旬 of its month holds `day`, from 0; the 31st belongs to the third.
pub fn ten_of(day: NaiveDate) -> u32 {
    (day.day0() / DAYS_OF_A_TEN).min(TENS_A_MONTH as u32 - 1)
}

fn months_between(from: NaiveDate, to: NaiveDate) -> i64 {
    i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month())
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
            (Cadence::TenDays, "2024-02-29", "2024-02-21", "2024-03-21"),
            (Cadence::TenDays, "2023-12-31", "2023-12-21", "2024-01-21"),
            (Cadence::TenDays, "2023-12-10", "2023-12-01", "2024-01-01"),
            (Cadence::Month, "2023-11-30", "2023-11-01", "2024-02-01"),
        ] {
            assert_eq!(cadence.floor(day(from)), day(floor));
            assert_eq!(cadence.advance(day(from), 3), day(on));
            assert_eq!(cadence.steps_between(day(from), day(on)), 3);
            assert_eq!(cadence.steps_between(day(on), day(from)), -3);
        }
        assert_eq!(Cadence::Month.last_day(day("2024-02-10")), day("2024-02-29"));
    }

    #[test]
    fn three_tens_make_a_month_and_thirty_six_a_year() {
        let mut on = day("2023-01-01");
        let mut steps = 0;
        while on < day("2025-01-01") {
            assert!([1, 11, 21].contains(&on.day()), "{on}");
            // every day of a step is the step's, and the next day is not
            let last = Cadence::TenDays.last_day(on);
            assert!((Cadence::TenDays.floor(last), Cadence::TenDays.floor(last + Days::new(1))) == (on, last + Days::new(1)), "{on}");
            assert_eq!(Cadence::TenDays.advance(day("2023-01-05"), steps), on);
            assert_eq!(Cadence::TenDays.steps_between(day("2023-01-05"), last), i64::from(steps));
            (on, steps) = (last + Days::new(1), steps + 1);
        }
        assert_eq!(steps as usize, 2 * Cadence::TenDays.steps_per_year());
        let lasts = ["2024-02-01", "2024-02-11", "2024-02-21", "2024-05-21"].map(|first| Cadence::TenDays.last_day(day(first)).to_string());
        assert_eq!(lasts, ["2024-02-10", "2024-02-20", "2024-02-29", "2024-05-31"]);
    }

    #[test]
    fn dates_within_a_step_are_refused_in_words() {
        let refused = |cadence: Cadence, on: &str| cadence.check(day(on)).err().map(|refused| refused.to_string());
        for (cadence, begins) in [(Cadence::Day, "2024-01-02"), (Cadence::Week, "2024-01-01"), (Cadence::Month, "2024-02-01")] {
            assert_eq!(refused(cadence, begins), None);
        }
        for begins in ["2024-01-01", "2024-01-11", "2024-01-21"] {
            assert_eq!(refused(Cadence::TenDays, begins), None);
        }
        for within in ["2024-01-10", "2024-01-20", "2024-01-30", "2024-01-31"] {
            let words = format!("{within} begins no step of ten days (旬); a month's 1st, 11th and 21st do");
            assert_eq!(refused(Cadence::TenDays, within), Some(words));
        }
        assert!(refused(Cadence::Week, "2024-01-02").is_some_and(|words| words.ends_with("a Monday does")));
    }

    #[test]
    fn cadences_are_read_by_their_words() {
        use serde::de::value::{Error, StrDeserializer};
        let read = |word: &'static str| {
            Cadence::deserialize(serde::de::IntoDeserializer::<Error>::into_deserializer(word) as StrDeserializer<'_, Error>)
        };
        for (word, cadence) in [("day", Cadence::Day), ("week", Cadence::Week), ("ten_days", Cadence::TenDays), ("month", Cadence::Month)] {
            assert_eq!(read(word), Ok(cadence));
        }
        assert!(read("tendays").is_err());
    }
}
