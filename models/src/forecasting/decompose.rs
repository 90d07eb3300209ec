//! A series taken apart for people to look at: trend, seasons, remainder. In: a series, seasons. Out: a part a step.
//! Never: a forecast; a gap that looks observed (its value and its remainder stay empty).
//!
//! `local::stl` by one season, `local::mstl` by several; without a season a local line is the trend. They need every step:
//! a gap is laid on a straight line between the seasons beside it, then on the trend and seasons that this gave, again and again.

use super::local::{LEAST_VALUES, Unfit, mstl, stl};
use super::rhythm::rhythm;
use chrono::NaiveDate;
use nongshi_domain::{Cadence, Series};

/// Rounds in which gaps take the parts they gave.
const FILL_ROUNDS: usize = 6;
/// Values, by the shortest season, over which a trend without seasons is smoothed; at least `LEAST_TREND_WINDOW`.
const TREND_SEASONS: usize = 4;
/// See `TREND_SEASONS`.
const LEAST_TREND_WINDOW: usize = 5;
/// No trend without seasons is smoothed over more values than this.
const MOST_TREND_WINDOW: usize = 29;

/// A step taken apart. What was observed is the sum of trend, seasons and remainder.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// First day of the step.
    pub day: NaiveDate,
    /// What was observed; none for a gap.
    pub value: Option<f64>,
    /// The level without seasons.
    pub trend: f64,
    /// What each season adds, in the order of `Decomposition::seasons`.
    pub seasons: Vec<f64>,
    /// What is left; none for a gap.
    pub remainder: Option<f64>,
}

/// A series taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// The lengths of the seasons that were seen twice, shortest first, in steps.
    pub seasons: Vec<u32>,
    /// One a step.
    pub parts: Vec<Part>,
}

/// Takes a series apart by these seasons; by its cadence's when none is named (a week and a year of days, else a year).
/// A season that was not seen twice is left in the trend. Fewer than `LEAST_VALUES` values are refused.
pub fn decompose(series: &Series, cadence: Cadence, seasons: &[u32]) -> Result<Decomposition, Unfit> {
    let rhythm = rhythm(cadence);
    let seasons: Vec<usize> =
        if seasons.is_empty() { vec![rhythm.season, rhythm.year] } else { seasons.iter().map(|season| *season as usize).collect() };
    let observed: Vec<Option<f64>> = series.values.iter().map(|value| value.filter(|value| value.is_finite())).collect();
    let count = observed.iter().flatten().count();
    if count < LEAST_VALUES {
        return Err(Unfit::TooShort { values: count, needed: LEAST_VALUES });
    }
    let shortest = seasons.iter().copied().filter(|season| *season >= 2).min().unwrap_or(1);
    let window = (TREND_SEASONS * shortest).clamp(LEAST_TREND_WINDOW, MOST_TREND_WINDOW);
    let mut filled = straight(&observed, shortest);
    let mut apart = Apart::of(&filled, &seasons, window);
    for _ in 0..FILL_ROUNDS.min(observed.len() - count) {
        for (step, value) in filled.iter_mut().enumerate().filter(|(step, _)| observed[*step].is_none()) {
            *value = apart.sum(step);
        }
        apart = Apart::of(&filled, &seasons, window);
    }
    let part = |(step, value): (usize, &Option<f64>)| Part {
        day: cadence.advance(series.start, step as u32),
        value: *value,
        trend: apart.trend[step],
        seasons: apart.seasons.iter().map(|(_, part)| part[step]).collect(),
        remainder: value.map(|value| value - apart.sum(step)),
    };
    let parts = observed.iter().enumerate().map(part).collect();
    Ok(Decomposition { seasons: apart.seasons.iter().map(|(season, _)| *season as u32).collect(), parts })
}

struct Apart {
    seasons: Vec<(usize, Vec<f64>)>,
    trend: Vec<f64>,
}

impl Apart {
    fn of(values: &[f64], seasons: &[usize], window: usize) -> Apart {
        let parts = mstl::decompose(values, seasons);
        Apart { trend: parts.trend.unwrap_or_else(|| stl::smooth(&parts.rest, window)), seasons: parts.seasons }
    }

    fn sum(&self, step: usize) -> f64 {
        self.trend[step] + self.seasons.iter().map(|(_, part)| part[step]).sum::<f64>()
    }
}

/// Gaps on a straight line between the means of a season's values on both sides; the mean of one side at the ends.
fn straight(observed: &[Option<f64>], season: usize) -> Vec<f64> {
    let seen: Vec<(usize, f64)> = observed.iter().enumerate().filter_map(|(step, value)| Some((step, (*value)?))).collect();
    let mean = |side: &[(usize, f64)]| (!side.is_empty()).then(|| side.iter().map(|(_, value)| value).sum::<f64>() / side.len() as f64);
    let at = |step: usize| {
        let (before, after) = seen.split_at(seen.partition_point(|(seen, _)| *seen < step));
        let ends = before.last().zip(after.first());
        let share = ends.map_or(0.5, |(before, after)| (step - before.0) as f64 / (after.0 - before.0) as f64);
        match (mean(&before[before.len().saturating_sub(season)..]), mean(&after[..season.min(after.len())])) {
            (Some(before), Some(after)) => before + (after - before) * share,
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => 0.0,
        }
    };
    (0..observed.len()).map(|step| observed[step].unwrap_or_else(|| at(step))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::day;
    use super::*;

    fn series(values: Vec<Option<f64>>) -> Series {
        Series { key: "a".into(), start: day("2020-01-06"), values, told: Default::default() }
    }

    fn week(step: usize) -> f64 {
        [3.0, -1.0, -2.0, 0.0, 1.5, -2.5, 1.0][step % 7]
    }

    #[test]
    fn parts_add_up_and_a_known_season_and_trend_come_out() {
        let value = |step: usize| 20.0 + 0.1 * step as f64 + week(step);
        let found = decompose(&series((0..140).map(|step| Some(value(step))).collect()), Cadence::Day, &[]).expect("taken apart");
        // a year was not seen twice
        assert_eq!((found.seasons.as_slice(), found.parts.len()), ([7].as_slice(), 140));
        for (step, part) in found.parts.iter().enumerate() {
            assert!((part.seasons[0] - week(step)).abs() < 1e-6, "{step}: {part:?}");
            assert!((part.trend - 20.0 - 0.1 * step as f64).abs() < 1e-6, "{step}: {part:?}");
            let sum = part.trend + part.seasons[0] + part.remainder.expect("observed");
            assert!((sum - value(step)).abs() < 1e-12, "{step}: {part:?}");
        }
        assert_eq!(found.parts[139].day, day("2020-05-24"));
    }

    #[test]
    fn a_gap_stays_a_gap_and_takes_the_season_of_its_kin() {
        let mut values: Vec<Option<f64>> = (0..140).map(|step| Some(20.0 + week(step))).collect();
        // more than a week, so that a straight line would have no season
        values[60..70].fill(None);
        let found = decompose(&series(values), Cadence::Day, &[7]).expect("taken apart");
        for step in 60..70 {
            let part = &found.parts[step];
            assert_eq!((part.value, part.remainder), (None, None));
            // a trace of the line is left
            assert!((part.seasons[0] - week(step)).abs() < 0.25 && (part.trend - 20.0).abs() < 0.5, "{step}: {part:?}");
        }
        assert!(found.parts[59].remainder.expect("observed").abs() < 0.5);
    }

    #[test]
    fn several_seasons_none_and_too_few_values() {
        let wave = |step: usize| 4.0 * (step as f64 * std::f64::consts::TAU / 30.0).sin();
        let both: Vec<Option<f64>> = (0..180).map(|step| Some(50.0 + week(step) + wave(step))).collect();
        let found = decompose(&series(both), Cadence::Day, &[30, 7]).expect("taken apart");
        assert_eq!(found.seasons, [7, 30]);
        let worst = found.parts.iter().enumerate().map(|(step, part)| (part.seasons[1] - wave(step)).abs()).fold(0.0, f64::max);
        // two rounds leave a trace of each season in the other
        assert!(worst < 0.5, "{worst}");
        let line: Vec<Option<f64>> = (0..20).map(|step| Some(2.0 * f64::from(step))).collect();
        let found = decompose(&series(line), Cadence::Week, &[]).expect("taken apart");
        assert!(found.seasons.is_empty() && found.parts.iter().all(|part| part.remainder.is_some_and(|rest| rest.abs() < 1e-9)));
        let short = decompose(&series(vec![Some(1.0), None, Some(2.0)]), Cadence::Day, &[]);
        assert_eq!(short, Err(Unfit::TooShort { values: 2, needed: 8 }));
    }
}
