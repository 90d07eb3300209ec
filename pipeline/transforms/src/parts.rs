//! Days, and the parts they fall into. In: days. Out: names and ranges of parts. Never: a day in no part, or in two.

use crate::header::{PartBy, Span};
use chrono::{Datelike, Days, Months, NaiveDate};
use std::collections::BTreeSet;
use std::ops::Range;

impl Span {
    /// The first day of the span that holds the day.
    fn start(self, day: NaiveDate) -> NaiveDate {
        let back = match self {
            Span::Day => 0,
            Span::Week => day.weekday().num_days_from_monday(),
            Span::Month => day.day0(),
            Span::Year => day.ordinal0(),
        };
        day.checked_sub_days(Days::new(u64::from(back))).unwrap_or(day)
    }

    /// The first day after the span that begins on the day.
    fn end(self, start: NaiveDate) -> NaiveDate {
        let after = match self {
            Span::Day => start.checked_add_days(Days::new(1)),
            Span::Week => start.checked_add_days(Days::new(7)),
            Span::Month => start.checked_add_months(Months::new(1)),
            Span::Year => start.checked_add_months(Months::new(12)),
        };
        after.unwrap_or(NaiveDate::MAX)
    }
}

impl PartBy {
    /// The part that a row of the day falls into, by the first day of the part.
    pub fn of(&self, day: NaiveDate) -> NaiveDate {
        self.unit.start(self.grain.start(day))
    }

    /// A part's name.
    pub fn name(&self, part: NaiveDate) -> String {
        match self.unit {
            Span::Year => part.format("%Y").to_string(),
            _ => part.format("%Y-%m").to_string(),
        }
    }

    /// The part of that name, by its first day.
    pub fn named(&self, name: &str) -> Option<NaiveDate> {
        let full = if self.unit == Span::Year { format!("{name}-01-01") } else { format!("{name}-01") };
        full.parse().ok()
    }

    /// The values of the column in a part.
    pub fn column_range(&self, part: NaiveDate) -> Range<NaiveDate> {
        part..self.unit.end(part)
    }

    /// The days of the source that rows of these values of the column come from.
    pub fn source_range(&self, column: &Range<NaiveDate>) -> Range<NaiveDate> {
        let last = column.end.pred_opt().unwrap_or(column.end);
        column.start..self.grain.end(self.grain.start(last)).max(column.end)
    }

    /// The parts that rows of these days of the source fall into.
    pub fn parts_of(&self, days: &Range<NaiveDate>) -> BTreeSet<NaiveDate> {
        let mut parts = BTreeSet::new();
        let (mut part, last) = match days.end.pred_opt() {
            Some(last) if days.start <= last => (self.of(days.start), self.of(last)),
            _ => return parts,
        };
        while part <= last {
            parts.insert(part);
            part = self.unit.end(part);
        }
        parts
    }
}

/// Parts that follow one another, as ranges of their column.
pub fn ranges(by: &PartBy, parts: &BTreeSet<NaiveDate>) -> Vec<Range<NaiveDate>> {
    let mut ranges: Vec<Range<NaiveDate>> = Vec::new();
    for part in parts {
        let next = by.column_range(*part);
        match ranges.last_mut() {
            Some(last) if last.end == next.start => last.end = next.end,
            _ => ranges.push(next),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn by(unit: Span, grain: Span) -> PartBy {
        PartBy { unit, column: String::new(), grain }
    }

    #[test]
    fn every_day_of_ten_years_falls_into_the_part_that_needs_it() {
        for (unit, grain) in [(Span::Month, Span::Day), (Span::Month, Span::Week), (Span::Year, Span::Week), (Span::Year, Span::Month)] {
            let by = by(unit, grain);
            for count in 0..3_653 {
                let today = day("2020-01-01") + Days::new(count);
                let part = by.of(today);
                let values = by.column_range(part);
                assert!(values.contains(&grain.start(today)), "{unit:?} {grain:?} {today}");
                assert!(by.source_range(&values).contains(&today), "{unit:?} {grain:?} {today}");
                assert_eq!(by.parts_of(&(today..today + Days::new(1))), [part].into());
                assert_eq!(by.named(&by.name(part)), Some(part));
            }
        }
    }

    #[test]
    fn a_week_belongs_to_the_month_of_its_monday() {
        let weekly = by(Span::Month, Span::Week);
        assert_eq!(weekly.of(day("2026-10-01")), day("2026-09-01"));
        assert_eq!(weekly.source_range(&weekly.column_range(day("2026-09-01"))), day("2026-09-01")..day("2026-10-05"));
        let months = weekly.parts_of(&(day("2026-10-01")..day("2026-11-10")));
        assert_eq!(months, [day("2026-09-01"), day("2026-10-01"), day("2026-11-01")].into());
        assert_eq!(ranges(&weekly, &months), [day("2026-09-01")..day("2026-12-01")]);
        let apart = [day("2026-01-01"), day("2026-03-01")].into();
        assert_eq!(ranges(&weekly, &apart).len(), 2);
    }
}
