//! Options as one text: `'freq=W, season=52'`. In: a function, the text. Out: what is asked.
//! Never: an option passed over; a word that could mean two things.

use crate::aggregate::Function;
use chrono::NaiveDate;
use datafusion::common::{Result, exec_err};
use nongshi_domain::{Cadence, Cutoff, Target};
use nongshi_models::forecasting::{Asked, Growing};

pub(crate) use nongshi_models::forecasting::Asked as Options;

/// The longest season, in steps: ten years of days.
const MOST_SEASON: u32 = 3_660;
/// The most origins to learn from.
const MOST_ORIGINS: u32 = 1_000;

/// Sets an option; None when the value cannot be used.
type Set = fn(&mut Asked, &str) -> Option<()>;

/// Every option of any function, in alphabetic order: its name, its values in words, how it is set.
const OPTIONS: [(&str, &str, Set); 8] = [
    ("cutoff", "a date, the last day that is seen", |asked, value| {
        asked.cutoff = Some(Cutoff(date(value)?));
        Some(())
    }),
    ("explosion", "a number above 1, how far beyond what was ever shown a forecast may lie", |asked, value| {
        asked.explosion_factor = Some(value.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor > 1.0)?);
        Some(())
    }),
    ("freq", "D, W, X (ten days) or M", |asked, value| {
        asked.cadence = Some(cadence(value)?);
        Some(())
    }),
    ("growing", "often or seldom, how much work goes into trees", |asked, value| {
        asked.growing = Some(match value {
            "often" => Growing::Often,
            "seldom" => Growing::Seldom,
            _ => return None,
        });
        Some(())
    }),
    ("origins", "a whole number up to 1000, the past forecasts to learn from", |asked, value| {
        asked.origins = Some(value.parse().ok().filter(|origins| *origins <= MOST_ORIGINS)?);
        Some(())
    }),
    ("season", "steps, such as 7 or 7/364", |asked, value| {
        let steps = |season: &str| season.trim().parse().ok().filter(|season| (1..=MOST_SEASON).contains(season));
        asked.seasons = value.split('/').map(steps).collect::<Option<_>>()?;
        Some(())
    }),
    ("since", "a date; series that had ended before it are left out", |asked, value| {
        asked.alive_since = Some(date(value)?);
        Some(())
    }),
    ("target", "price or demand", |asked, value| {
        asked.target = Some([Target::Price, Target::Demand].into_iter().find(|target| target.name() == value)?);
        Some(())
    }),
];

/// What the text asks for. A step alone (`'week'`) is taken for `freq`.
pub(crate) fn read(function: &Function, text: &str) -> Result<Asked> {
    let mut asked = Asked::default();
    let mut seen = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').map_or(("freq", part), |(name, value)| (name.trim(), value.trim()));
        let known = OPTIONS.iter().find(|(known, _, _)| *known == name && function.options.contains(known));
        let Some((name, words, set)) = known else {
            return exec_err!("{}: option `{name}` is not known; its options are {}", function.name, list(function));
        };
        if seen.contains(name) {
            return exec_err!("{}: option `{name}` is given twice", function.name);
        }
        seen.push(*name);
        if set(&mut asked, value).is_none() {
            return exec_err!("{}: `{name}` is `{value}`; it must be {words}", function.name);
        }
    }
    Ok(asked)
}

fn list(function: &Function) -> String {
    let known = OPTIONS.iter().filter(|(name, _, _)| function.options.contains(name));
    known.map(|(name, words, _)| format!("`{name}` ({words})")).collect::<Vec<_>>().join(", ")
}

fn date(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

fn cadence(text: &str) -> Option<Cadence> {
    match text {
        "D" | "day" => Some(Cadence::Day),
        "W" | "week" => Some(Cadence::Week),
        "X" | "ten_days" => Some(Cadence::TenDays),
        "M" | "month" => Some(Cadence::Month),
        _ => None,
    }
}

/// A step in a message.
pub(crate) fn word(cadence: Cadence) -> &'static str {
    match cadence {
        Cadence::Day => "day",
        Cadence::Week => "week",
        Cadence::TenDays => "ten days",
        Cadence::Month => "month",
    }
}
