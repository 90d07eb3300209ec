//! Days in the forms that a contract tells. In: texts, forms. Out: days since 1970-01-01. Never: a form guessed.
//!
//! A form is one of strftime's; `%Ey` at its begin (behind words such as 民國) is a year of the Republic of China: 113
//! is 2024, 元 is 1912.

use crate::known_on::to_days;
use chrono::NaiveDate;
use polars::prelude::{PolarsResult, Series, StringMethods};

/// Days outside these are slips of the pen.
pub(crate) const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a day of the calendar");
pub(crate) const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2199, 12, 31).expect("a day of the calendar");

/// A year of the Republic of China, as strftime writes years of an era.
const REPUBLIC_YEAR: &str = "%Ey";
/// The year before its first one.
const BEFORE_THE_REPUBLIC: i32 = 1911;
/// Its first year has a name.
const FIRST_YEAR: char = '元';
const MOST_YEAR_DIGITS: usize = 3;

/// Whether a day stands in a text of that form.
pub(crate) fn is_form(form: &str) -> bool {
    let gregorian = match form.split_once(REPUBLIC_YEAR) {
        Some((before, _)) if before.contains('%') => return false,
        Some((_, after)) => format!("%Y{after}"),
        None => form.to_string(),
    };
    chrono::format::StrftimeItems::new(&gregorian).all(|item| !matches!(item, chrono::format::Item::Error))
}

/// One day a text, by the first form that gives one within the calendar, else by the first that gives any.
pub(crate) fn days(texts: &Series, forms: &[String]) -> PolarsResult<Vec<Option<i32>>> {
    let mut found: Vec<Option<i32>> = vec![None; texts.len()];
    for form in forms {
        let read: Vec<Option<i32>> = match form.split_once(REPUBLIC_YEAR) {
            Some((before, after)) => {
                texts.str()?.iter().map(|text| Some(to_days(republican(text?.strip_prefix(before)?, after)?))).collect()
            }
            None => texts.str()?.as_date(Some(form), true)?.physical().iter().collect(),
        };
        for (day, read) in found.iter_mut().zip(read) {
            if !day.is_some_and(is_within) {
                *day = read.filter(|read| is_within(*read)).or(*day).or(read);
            }
        }
    }
    Ok(found)
}

/// Whether the day lies within the calendar of the house.
pub(crate) fn is_within(day: i32) -> bool {
    (to_days(FIRST_DAY)..=to_days(LAST_DAY)).contains(&day)
}

/// The day whose year of the Republic the text begins with; `after` is the form of the rest.
fn republican(text: &str, after: &str) -> Option<NaiveDate> {
    if let Some(rest) = text.strip_prefix(FIRST_YEAR) {
        return gregorian(1, rest, after);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count().min(MOST_YEAR_DIGITS);
    (1..=digits).rev().find_map(|digits| gregorian(text[..digits].parse().ok()?, &text[digits..], after))
}

fn gregorian(year: i32, rest: &str, after: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(&format!("{:04}{rest}", year + BEFORE_THE_REPUBLIC), &format!("%Y{after}")).ok()?;
    // where nothing stands between the year and the month, both digits of each must be there: else 1100112 is two days
    let clear = !after.starts_with('%') || day.format(after).to_string() == rest;
    (clear && is_within(to_days(day))).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_on::to_date;
    use polars::prelude::{IntoSeries, NamedFrom, StringChunked};

    #[track_caller]
    fn check(forms: &[&str], text: &str, expect: Option<&str>) {
        let forms: Vec<String> = forms.iter().map(|form| form.to_string()).collect();
        assert!(forms.iter().all(|form| is_form(form)), "{forms:?}");
        let found = days(&StringChunked::new("".into(), &[text]).into_series(), &forms).expect("texts");
        assert_eq!(found[0].map(|day| to_date(day).to_string()).as_deref(), expect, "{text} by {forms:?}");
    }

    #[test]
    fn years_of_the_republic_and_of_the_world_stand_in_one_column() {
        let both = ["%Y/%m/%d", "%Ey/%m/%d", "民國%Ey年%m月%d日", "%Ey%m%d", "%Y%m%d"];
        for (text, expect) in [
            ("2024/05/20", Some("2024-05-20")),
            ("113/05/20", Some("2024-05-20")),
            ("113/5/2", Some("2024-05-02")),
            ("99/12/31", Some("2010-12-31")),
            ("民國113年5月20日", Some("2024-05-20")),
            ("民國元年1月1日", Some("1912-01-01")),
            ("1130520", Some("2024-05-20")),
            ("990112", Some("2010-01-12")),
            ("20240520", Some("2024-05-20")),
            ("113/02/30", None),
            ("民國年5月20日", None),
            ("113520", None),
            ("", None),
        ] {
            check(&both, text, expect);
        }
        check(&["%Y-%m-%d"], "0113-05-20", Some("0113-05-20"));
        check(&["%Ey/%m/%d"], "2024/05/20", None);
        check(&["%Ey/%m/%d"], "999/05/20", None);
    }

    #[test]
    fn a_form_is_one_that_can_be_read() {
        for (form, expect) in [("%Y-%m-%d", true), ("%Ey.%m.%d", true), ("%m/%d/%Ey", false), ("%Ey%Q", false), ("%Q", false)] {
            assert_eq!(is_form(form), expect, "{form}");
        }
    }
}
