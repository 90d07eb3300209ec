//! Days in words. In: Gregorian days. Out: `2026年12月7日（周一）`, `7 Dec 2026`, lunar date, solar term. Never: a table of feasts.

use crate::Lang;
use crate::voice::Voice;
use chrono::{Datelike, Days, NaiveDate};
use nongshi_domain::{Cadence, lunar_date, solar_term, ten_of};

/// Days a solar term lasts, at the longest.
const LONGEST_TERM_DAYS: u64 = 16;

/// Lunar months and days as the calendar names them, for their numbers.
const LUNAR_MONTHS: [&str; 12] = ["正月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"];
const LUNAR_DAYS: [&str; 30] = [
    "初一", "初二", "初三", "初四", "初五", "初六", "初七", "初八", "初九", "初十", "十一", "十二", "十三", "十四", "十五", "十六", "十七",
    "十八", "十九", "二十", "廿一", "廿二", "廿三", "廿四", "廿五", "廿六", "廿七", "廿八", "廿九", "三十",
];

impl Voice {
    /// `2026年12月7日`, `7 Dec 2026`.
    pub(crate) fn day(&self, day: NaiveDate) -> String {
        self.say("date.day", &[("year", &day.year().to_string()), ("month", &self.month_name(day)), ("day", &day.day().to_string())])
    }

    /// The same with the day of the week.
    pub(crate) fn weekday(&self, day: NaiveDate) -> String {
        let weekday = self.word(&format!("weekday.{}", day.weekday().number_from_monday()));
        self.say("date.weekday", &[("day", &self.day(day)), ("weekday", &weekday)])
    }

    /// `12月7日`, `7 Dec`; a day of another year than the report's carries its year.
    pub(crate) fn short_day(&self, day: NaiveDate) -> String {
        if self.year == Some(day.year()) { self.bare_day(day) } else { self.day(day) }
    }

    /// `12月7日`, `7 Dec`, for places where the year is plain.
    pub(crate) fn bare_day(&self, day: NaiveDate) -> String {
        self.say("date.short", &[("month", &self.month_name(day)), ("day", &day.day().to_string())])
    }

    /// Both days belong to the range. A year is said once.
    pub(crate) fn days(&self, from: NaiveDate, to: NaiveDate) -> String {
        if from == to {
            return self.short_day(from);
        }
        let (from, to) = match (from.year() == to.year(), self.lang) {
            (true, Lang::Zh) => (self.short_day(from), self.bare_day(to)),
            (true, Lang::En) => (self.bare_day(from), self.short_day(to)),
            (false, _) => (self.short_day(from), self.short_day(to)),
        };
        self.say("date.range", &[("from", &from), ("to", &to)])
    }

    /// The month for an axis; January carries its year.
    pub(crate) fn month_tick(&self, day: NaiveDate) -> String {
        if day.month() == 1 {
            return self.say("date.year", &[("year", &day.year().to_string())]);
        }
        self.say("date.month", &[("month", &self.month_name(day))])
    }

    /// A step of a series: `11月16日当周`.
    pub(crate) fn step(&self, day: NaiveDate, cadence: Cadence) -> String {
        match cadence {
            Cadence::Day => self.short_day(day),
            Cadence::Week => self.say("date.week_of", &[("day", &self.short_day(day))]),
            Cadence::TenDays => {
                let ten = ["date.first_ten", "date.second_ten", "date.third_ten"][ten_of(day) as usize];
                self.say(ten, &[("year", &day.year().to_string()), ("month", &self.month_name(day))])
            }
            Cadence::Month => self.say("date.month_of", &[("year", &day.year().to_string()), ("month", &self.month_name(day))]),
        }
    }

    /// `农历十月十六 · 小雪第3天`.
    pub(crate) fn lunar(&self, day: NaiveDate) -> String {
        let lunar = self.lunar_words(&lunar_date(day));
        match term_in_force(day) {
            Some((term, days)) => {
                let term = self.word(&format!("term.{term}"));
                let nth = (days + 1).to_string();
                let key = if days == 0 { "date.term_begins" } else { "date.term_day" };
                let term = self.say(key, &[("term", &term), ("nth", &nth)]);
                self.say("date.lunar", &[("lunar", &lunar), ("term", &term)])
            }
            None => lunar,
        }
    }

    fn lunar_words(&self, lunar: &str) -> String {
        if self.lang == Lang::Zh {
            return lunar.to_string();
        }
        let (leap, plain) = match lunar.strip_prefix('闰') {
            Some(rest) => (true, rest),
            None => (false, lunar),
        };
        let Some((month, day)) = plain.find('月').map(|at| plain.split_at(at + '月'.len_utf8())) else { return lunar.to_string() };
        let number = |names: &[&str], name: &str| names.iter().position(|known| *known == name).map(|at| (at + 1).to_string());
        match (number(&LUNAR_MONTHS, month), number(&LUNAR_DAYS, day)) {
            (Some(month), Some(day)) => {
                let key = if leap { "date.leap_lunar_day" } else { "date.lunar_day" };
                self.say(key, &[("month", &month), ("day", &day)])
            }
            _ => lunar.to_string(),
        }
    }

    fn month_name(&self, day: NaiveDate) -> String {
        self.word(&format!("month.{}", day.month()))
    }
}

/// The solar term that holds on this day, and the days since it began.
fn term_in_force(day: NaiveDate) -> Option<(String, u64)> {
    (0..=LONGEST_TERM_DAYS).find_map(|days| solar_term(day - Days::new(days)).map(|term| (term, days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a test writes its dates as YYYY-MM-DD")
    }

    #[test]
    fn days_are_said_in_both_languages() {
        let on = day("2026-12-07");
        let (zh, en) = (Voice::speaking(Lang::Zh, on).expect("zh"), Voice::speaking(Lang::En, on).expect("en"));
        assert_eq!((zh.weekday(on).as_str(), en.weekday(on).as_str()), ("2026年12月7日（周一）", "Mon 7 Dec 2026"));
        assert_eq!(
            (zh.lunar(on).as_str(), en.lunar(on).as_str()),
            ("农历十月廿九 · 今日大雪", "lunar month 10, day 29 · Major Snow begins")
        );
        let later = day("2026-11-24");
        assert_eq!(
            (zh.lunar(later).as_str(), en.lunar(later).as_str()),
            ("农历十月十六 · 小雪第3天", "lunar month 10, day 16 · Minor Snow, day 3")
        );
        assert!(zh.finish().is_ok() && en.finish().is_ok());
    }

    #[test]
    fn ten_days_are_said_by_their_place_in_the_month() {
        let on = day("2026-12-07");
        let (zh, en) = (Voice::speaking(Lang::Zh, on).expect("zh"), Voice::speaking(Lang::En, on).expect("en"));
        for (first, chinese, english) in [
            ("2026-11-01", "2026年11月上旬", "early Nov 2026"),
            ("2026-11-11", "2026年11月中旬", "mid Nov 2026"),
            ("2027-01-21", "2027年1月下旬", "late Jan 2027"),
        ] {
            let step = |voice: &Voice| voice.step(day(first), Cadence::TenDays).replace('\u{a0}', " ");
            assert_eq!((step(&zh).as_str(), step(&en).as_str()), (chinese, english));
        }
    }

    #[test]
    fn a_window_that_reaches_into_another_year_says_so() {
        let on = day("2026-11-24");
        let (zh, en) = (Voice::speaking(Lang::Zh, on).expect("zh"), Voice::speaking(Lang::En, on).expect("en"));
        for (from, to, chinese, english) in [
            ("2026-12-02", "2026-12-14", "12月2日–12月14日", "2 Dec–14 Dec"),
            ("2026-12-16", "2027-03-10", "12月16日–2027年3月10日", "16 Dec–10 Mar 2027"),
            ("2027-01-08", "2027-01-20", "2027年1月8日–1月20日", "8 Jan–20 Jan 2027"),
            ("2025-12-30", "2026-01-02", "2025年12月30日–1月2日", "30 Dec 2025–2 Jan"),
            ("2027-01-08", "2027-01-08", "2027年1月8日", "8 Jan 2027"),
        ] {
            assert_eq!((zh.days(day(from), day(to)), en.days(day(from), day(to)).replace('\u{a0}', " ")), (chinese.into(), english.into()));
        }
    }

    #[test]
    fn every_day_of_three_years_has_english_words() {
        let en = Voice::speaking(Lang::En, day("2026-12-07")).expect("en");
        // 2025 has a leap sixth month.
        for days in 0..1100 {
            let said = en.lunar(day("2025-01-01") + Days::new(days));
            assert!(said.is_ascii() || said.replace('·', "").is_ascii(), "{said}");
        }
        assert!(en.finish().is_ok());
        assert_eq!(en.lunar_words("闰六月初一"), "leap lunar month 6, day 1");
    }
}
