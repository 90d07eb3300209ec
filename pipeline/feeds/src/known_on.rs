//! The day a row could have been known. In: the rule and the row's days or the source's name. Out: a day for each row.
//! Never: the load time.

use crate::distinct::Distinct;
use crate::source::corrected_on;
use crate::unpivot::Rows;
use crate::{Contract, FeedError, KnownOn, Source};
use chrono::{Days, NaiveDate};
use nongshi_domain::{Cadence, Hint};
use regex::Regex;

/// A day like 2013-01-01.
const DAY_LETTERS: usize = 10;

/// Days since 1970-01-01, as Arrow and Polars count them.
pub(crate) fn to_days(day: NaiveDate) -> i32 {
    (day - NaiveDate::default()).num_days() as i32
}

/// The day of that number.
pub(crate) fn to_date(days: i32) -> NaiveDate {
    NaiveDate::default() + chrono::TimeDelta::days(i64::from(days))
}

/// The day each row could have been known.
pub(crate) enum Known {
    /// One day for all.
    Same(i32),
    /// One a row; none where the row has no day of its own, or no day that can be read.
    Each(Vec<Option<i32>>),
}

impl Known {
    /// The row's day.
    pub fn of(&self, row: usize) -> Option<i32> {
        match self {
            Known::Same(day) => Some(*day),
            Known::Each(days) => days[row],
        }
    }

    fn not_before(self, day: i32) -> Known {
        match self {
            Known::Same(known) => Known::Same(known.max(day)),
            Known::Each(known) => Known::Each(known.into_iter().map(|known| known.map(|known| known.max(day))).collect()),
        }
    }
}

/// The days of the rows. `days_of` gives the days of a column.
/// What a page says when it is asked again was not known before that day.
pub(crate) fn known_on<'c>(
    contract: &Contract,
    source: &Source,
    rows: &Rows,
    days_of: impl Fn(usize) -> &'c [Option<i32>],
) -> Result<Known, FeedError> {
    let known = by_rule(contract, source, rows, days_of)?;
    Ok(match corrected_on(&source.address) {
        Some(corrected) => known.not_before(to_days(corrected)),
        None => known,
    })
}

fn by_rule<'c>(
    contract: &Contract,
    source: &Source,
    rows: &Rows,
    days_of: impl Fn(usize) -> &'c [Option<i32>],
) -> Result<Known, FeedError> {
    match &contract.known_on {
        KnownOn::Day(day) => Ok(Known::Same(to_days(*day))),
        KnownOn::Source { column, month_end, lag_days } => {
            let Distinct { texts, codes } = rows.cells(column)?;
            let day = |text: Option<&str>| text?.trim().get(..DAY_LETTERS)?.parse::<NaiveDate>().ok();
            let known: Vec<Option<i32>> =
                texts.iter().map(|text| Some(to_days(later(day(text.as_deref())?, *month_end, *lag_days)))).collect();
            Ok(Known::Each(codes.into_iter().map(|code| known[code as usize]).collect()))
        }
        KnownOn::Column { column, month_end, lag_days } => {
            let known = |days: i32| if *month_end { to_days(later(to_date(days), true, *lag_days)) } else { days + *lag_days as i32 };
            Ok(Known::Each(days_of(*column).iter().map(|days| days.map(known)).collect()))
        }
        KnownOn::FileName { like, month_end, lag_days } => {
            let (day, whole_month) = day_in_name(like, source.name()).ok_or_else(|| {
                let hint = Hint("`file_name` under [available_on] must find a month or a day in it".into());
                FeedError::unreadable(contract, source, format!("its name tells no day by `{like}`"), Some(hint))
            })?;
            Ok(Known::Same(to_days(later(day, whole_month || *month_end, *lag_days))))
        }
    }
}

fn later(day: NaiveDate, month_end: bool, lag_days: u32) -> NaiveDate {
    let day = if month_end { Cadence::Month.last_day(day) } else { day };
    day + Days::new(u64::from(lag_days))
}

/// The day that the name at the end of an address tells, and whether it means its whole month.
pub(crate) fn day_in_name(like: &Regex, address: &str) -> Option<(NaiveDate, bool)> {
    let name = address.rsplit('/').next().unwrap_or_default();
    told_day(like.captures(name)?.get(1)?.as_str())
}

/// The day in a part of a file's name, and whether it means its whole month.
fn told_day(text: &str) -> Option<(NaiveDate, bool)> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        6 => Some((NaiveDate::parse_from_str(&format!("{digits}01"), "%Y%m%d").ok()?, true)),
        8 => Some((NaiveDate::parse_from_str(&digits, "%Y%m%d").ok()?, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_in_a_name_is_known_when_it_is_over() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a test writes its days plainly");
        for (text, lag, expect) in
            [("2024-02", 1, "2024-03-01"), ("202012", 0, "2020-12-31"), ("2024-02-07", 1, "2024-02-08"), ("2016_05_05", 0, "2016-05-05")]
        {
            let (told, month) = told_day(text).expect(text);
            assert_eq!(later(told, month, lag), day(expect), "{text}");
        }
        assert_eq!(told_day("2024"), None);
        assert_eq!(to_date(to_days(day("1969-12-31"))), day("1969-12-31"));
    }
}
