//! The farmer's calendar: lunar dates, solar terms, feasts. In: Gregorian days. Out: what they are called.
//! Never: a hand-made table (the astronomy is tyme4rs').

use chrono::{Datelike, Days, NaiveDate};
use tyme4rs::tyme::Culture;
use tyme4rs::tyme::lunar::LunarDay;
use tyme4rs::tyme::solar::SolarDay;

/// A feast that moves prices and kitchens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Festival {
    /// 春节, the first day of the lunar year.
    SpringFestival,
    /// 元宵, the 15th of the first month.
    Lantern,
    /// 清明, a solar term.
    Qingming,
    /// 端午, the 5th of the fifth month.
    DragonBoat,
    /// 中秋, the 15th of the eighth month.
    MidAutumn,
    /// 国庆, 1 October.
    NationalDay,
    /// 冬至, a solar term.
    WinterSolstice,
}

impl Festival {
    /// Every feast, in the order of the year.
    pub const ALL: [Festival; 7] = [
        Festival::SpringFestival,
        Festival::Lantern,
        Festival::Qingming,
        Festival::DragonBoat,
        Festival::MidAutumn,
        Festival::NationalDay,
        Festival::WinterSolstice,
    ];

    /// The word for catalogues and tables.
    pub fn name(self) -> &'static str {
        match self {
            Festival::SpringFestival => "spring_festival",
            Festival::Lantern => "lantern",
            Festival::Qingming => "qingming",
            Festival::DragonBoat => "dragon_boat",
            Festival::MidAutumn => "mid_autumn",
            Festival::NationalDay => "national_day",
            Festival::WinterSolstice => "winter_solstice",
        }
    }

    /// The day of this feast that falls into (or belongs to the lunar year that begins in) `year`.
    pub fn day_in(self, year: i32) -> NaiveDate {
        match self {
            Festival::SpringFestival => lunar(year, 1, 1),
            Festival::Lantern => lunar(year, 1, 15),
            Festival::DragonBoat => lunar(year, 5, 5),
            Festival::MidAutumn => lunar(year, 8, 15),
            Festival::NationalDay => NaiveDate::from_ymd_opt(year, 10, 1).expect("1 October is in every year"),
            Festival::Qingming => term_day(year, 4, "清明"),
            Festival::WinterSolstice => term_day(year, 12, "冬至"),
        }
    }
}

/// The first day of the lunar year that begins in `year`.
pub fn spring_festival(year: i32) -> NaiveDate {
    Festival::SpringFestival.day_in(year)
}

/// Days from `day` to the nearest Spring Festival: negative when it has passed, between -177 and 206.
pub fn days_to_spring_festival(day: NaiveDate) -> i64 {
    (day.year() - 1..=day.year() + 1)
        .map(|year| (spring_festival(year) - day).num_days())
        .min_by_key(|days| days.abs())
        .expect("three candidates")
}

/// The feasts from `from` on and before `to`, in order of day.
pub fn festivals_between(from: NaiveDate, to: NaiveDate) -> Vec<(NaiveDate, Festival)> {
    let years = from.year() - 1..=to.year();
    let mut found: Vec<_> =
        years.flat_map(|year| Festival::ALL.map(|feast| (feast.day_in(year), feast))).filter(|(day, _)| (from..to).contains(day)).collect();
    found.sort_unstable();
    found
}

/// The lunar date in Chinese, such as `十月廿九`.
pub fn lunar_date(day: NaiveDate) -> String {
    let lunar = solar(day).get_lunar_day();
    format!("{}{}", lunar.get_lunar_month().get_name(), lunar.get_name())
}

/// The solar term that begins on this day, such as `大雪`, if one does.
pub fn solar_term(day: NaiveDate) -> Option<String> {
    let term = solar(day).get_term_day();
    (term.get_day_index() == 0).then(|| term.get_solar_term().get_name())
}

fn solar(day: NaiveDate) -> SolarDay {
    SolarDay::from_ymd(day.year() as isize, day.month() as usize, day.day() as usize)
}

fn lunar(year: i32, month: isize, day: usize) -> NaiveDate {
    let solar = LunarDay::from_ymd(year as isize, month, day).get_solar_day();
    NaiveDate::from_ymd_opt(solar.get_year() as i32, solar.get_month() as u32, solar.get_day() as u32).expect("a solar day is a day")
}

fn term_day(year: i32, month: u32, name: &str) -> NaiveDate {
    let first = NaiveDate::from_ymd_opt(year, month, 1).expect("the first of a month");
    (0..31)
        .map(|days| first + Days::new(days))
        .find(|day| solar_term(*day).as_deref() == Some(name))
        .expect("each term begins in its month")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a test writes its dates as YYYY-MM-DD")
    }

    #[test]
    fn known_days_carry_their_names() {
        // Source: the Purple Mountain Observatory calendar for 2026 and 2027.
        assert_eq!((lunar_date(day("2026-12-07")).as_str(), solar_term(day("2026-12-07")).as_deref()), ("十月廿九", Some("大雪")));
        assert_eq!((lunar_date(day("2027-02-06")).as_str(), solar_term(day("2027-02-06"))), ("正月初一", None));
        for (year, expect) in [(2014, "2014-01-31"), (2015, "2015-02-19"), (2016, "2016-02-08"), (2023, "2023-01-22"), (2026, "2026-02-17")]
        {
            assert_eq!(spring_festival(year), day(expect));
        }
        assert_eq!(Festival::Qingming.day_in(2024), day("2024-04-04"));
        assert_eq!(Festival::MidAutumn.day_in(2023), day("2023-09-29"));
        assert_eq!(Festival::WinterSolstice.day_in(2026), day("2026-12-22"));
    }

    #[test]
    fn distance_to_spring_festival_turns_in_summer() {
        for (on, days) in [("2026-02-17", 0), ("2026-02-10", 7), ("2026-03-01", -12), ("2026-11-24", 74)] {
            assert_eq!(days_to_spring_festival(day(on)), days, "{on}");
        }
    }

    #[test]
    fn feasts_come_in_order_and_half_open() {
        let names: Vec<_> = festivals_between(day("2026-02-17"), day("2026-10-01")).into_iter().map(|(_, feast)| feast.name()).collect();
        assert_eq!(names, ["spring_festival", "lantern", "qingming", "dragon_boat", "mid_autumn"]);
    }
}
