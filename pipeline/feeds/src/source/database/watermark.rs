//! How far a relation was read: a time, a day or a number that only grows. In: the text as the database prints it.
//! Out: its order, and the text of what lies an overlap before. Never: a form the database would not read back.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta};

/// How far back rows may still come in late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// For times and days.
    Time(TimeDelta),
    /// For numbers.
    Count(i64),
}

/// A value of the watermark column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watermark {
    /// As the database prints it, or would.
    pub text: String,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(i128),
    Day(NaiveDate),
    Time(NaiveDateTime),
    Instant(DateTime<FixedOffset>),
}

impl Watermark {
    /// Reads what a database prints in ISO form.
    pub fn read(text: &str) -> Option<Watermark> {
        let value = if let Ok(number) = text.parse() {
            Value::Number(number)
        } else if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Value::Day(day)
        } else if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f") {
            Value::Time(time)
        } else {
            Value::Instant(DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok()?)
        };
        Some(Watermark { text: text.to_string(), value })
    }

    /// What lies an overlap before; nothing when the overlap is of another kind, or would leave the calendar.
    pub fn before(&self, overlap: Overlap) -> Option<Watermark> {
        let text = match (self.value, overlap) {
            (Value::Number(number), Overlap::Count(count)) => (number - i128::from(count)).to_string(),
            // a part of a day is the whole day
            (Value::Day(day), Overlap::Time(time)) => {
                let days = TimeDelta::try_days(time.num_seconds().div_euclid(86_400) + i64::from(time.num_seconds() % 86_400 > 0))?;
                day.checked_sub_signed(days)?.to_string()
            }
            (Value::Time(at), Overlap::Time(time)) => at.checked_sub_signed(time)?.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
            (Value::Instant(at), Overlap::Time(time)) => at.checked_sub_signed(time)?.format("%Y-%m-%d %H:%M:%S%.6f%:z").to_string(),
            _ => return None,
        };
        Watermark::read(&text)
    }

    /// Whether it lies before the other. Two of different kinds are in no order: the relation was changed.
    pub fn is_before(&self, other: &Watermark) -> bool {
        self.value < other.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_before_is_written_as_the_database_reads_it() {
        let hours = Overlap::Time(TimeDelta::hours(2));
        for (text, overlap, expect) in [
            ("2026-03-01 01:30:00+08", hours, Some("2026-02-28 23:30:00.000000+08:00")),
            ("2026-03-01 01:30:00.25", hours, Some("2026-02-28 23:30:00.250000")),
            ("2026-03-01", hours, Some("2026-02-28")),
            ("2026-03-01", Overlap::Time(TimeDelta::hours(24)), Some("2026-02-28")),
            ("2026-03-01", Overlap::Time(TimeDelta::hours(25)), Some("2026-02-27")),
            ("1000", Overlap::Count(50), Some("950")),
            ("1000", hours, None),
            ("2026-03-01", Overlap::Count(50), None),
        ] {
            let watermark = Watermark::read(text).expect(text);
            assert_eq!(watermark.before(overlap).map(|before| before.text).as_deref(), expect, "{text}");
        }
        assert_eq!(Watermark::read("infinity"), None);
    }

    #[test]
    fn order_is_that_of_time_not_of_text() {
        let read = |text| Watermark::read(text).expect(text);
        assert!(read("2026-03-01 00:00:00+08").is_before(&read("2026-03-01 00:00:00.5+08")));
        assert!(read("2026-03-01 00:30:00+08").is_before(&read("2026-02-28 17:00:00+00")));
        assert!(read("9").is_before(&read("10")));
    }
}
