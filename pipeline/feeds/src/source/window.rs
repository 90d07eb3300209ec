//! When a place may be read, and how fast. In: the contract's `window`, durations, a rate. Out: whether it is open,
//! when it opens next, how long to rest. Never: the clock itself.

use super::Outside;
use super::trouble::{Fault, Trouble};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use std::time::Duration;

/// Asia/Shanghai is eight hours ahead all year.
const SHANGHAI: TimeDelta = TimeDelta::hours(8);

/// A part of the day in Asia/Shanghai, half-open; it may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    start: NaiveTime,
    end: NaiveTime,
}

impl Window {
    /// Reads `22:00-06:00`.
    pub fn read(text: &str) -> Option<Window> {
        let (start, end) = text.split_once('-')?;
        let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        let window = Window { start: time(start)?, end: time(end)? };
        (window.start != window.end).then_some(window)
    }

    /// Whether it is open.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        let time = (now + SHANGHAI).time();
        if self.start < self.end { self.start <= time && time < self.end } else { self.start <= time || time < self.end }
    }

    /// When it opens next, in the words of Asia/Shanghai.
    pub fn next(&self, now: DateTime<Utc>) -> String {
        let local = (now + SHANGHAI).naive_utc();
        let day = if local.time() < self.start { local.date() } else { local.date() + Days::new(1) };
        format!("{}", day.and_time(self.start).format("%Y-%m-%d %H:%M"))
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.start.format("%H:%M"), self.end.format("%H:%M"))
    }
}

/// Nothing, unless there is a window and it is closed.
pub(super) fn refuse_closed(window: Option<Window>, outside: &Outside) -> Result<(), Trouble> {
    let Some(window) = window else { return Ok(()) };
    let now = (outside.now)();
    if window.is_open(now) {
        return Ok(());
    }
    let what = format!("its window {window} is closed; the next begins at {} (Asia/Shanghai)", window.next(now));
    Err(Trouble::new(Fault::Later, what, "run inside the window; what has landed stays"))
}

/// The day in Asia/Shanghai.
pub(super) fn day(now: DateTime<Utc>) -> NaiveDate {
    (now + SHANGHAI).date_naive()
}

/// Reads a length of time: `45s`, `30m`, `2h`, `3d`.
pub(super) fn duration(text: &str) -> Option<TimeDelta> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    match unit {
        "s" => TimeDelta::try_seconds(number),
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        _ => None,
    }
}

/// How long to rest after so many rows, so that the rate is never passed, however quickly they came.
pub(super) fn rest(rows: usize, rows_per_second: u32) -> Duration {
    Duration::from_secs_f64(rows as f64 / f64::from(rows_per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_in_shanghai_and_may_go_over_midnight() {
        // (window, time in Shanghai, open, next)
        for (window, time, open, next) in [
            ("22:00-06:00", "2026-03-01T21:59:59+08:00", false, "2026-03-01 22:00"),
            ("22:00-06:00", "2026-03-01T22:00:00+08:00", true, "2026-03-02 22:00"),
            ("22:00-06:00", "2026-03-02T05:59:59+08:00", true, "2026-03-02 22:00"),
            ("22:00-06:00", "2026-03-02T06:00:00+08:00", false, "2026-03-02 22:00"),
            ("01:30-05:00", "2026-03-02T01:29:00+08:00", false, "2026-03-02 01:30"),
            ("01:30-05:00", "2026-02-28T05:00:00+08:00", false, "2026-03-01 01:30"),
        ] {
            let now: DateTime<Utc> = DateTime::parse_from_rfc3339(time).expect("a time").into();
            let window = Window::read(window).expect("a window");
            assert_eq!((window.is_open(now), window.next(now).as_str()), (open, next), "{window} at {time}");
        }
        for text in ["22:00", "22-06", "24:00-06:00", "06:00-06:00", ""] {
            assert_eq!(Window::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_length_of_time_has_its_unit() {
        assert_eq!(duration("2h"), Some(TimeDelta::hours(2)));
        assert_eq!(duration("90s"), Some(TimeDelta::seconds(90)));
        for text in ["", "h", "2", "-1h", "2 h", "2w", "二h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
