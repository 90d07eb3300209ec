//! Joint sample paths: futures of all series of a panel at once. In: what was said at earlier origins and what came.
//! Out: for each series and step as many values as there are paths. Never: a path that moves a step's own odds.
//!
//! The Schaake shuffle (Clark, Gangopadhyay, Hay, Rajagopalan and Wilby, Journal of Hydrometeorology 5, 2004, p. 243) over
//! the dates of past errors: the values of a step are an even sample of its conformal law, so every path is as likely as
//! another and the odds of each step are the printed ones; which path gets which of them follows the ranks of the errors
//! that were made from the past day the path follows. So products that were missed together in the past move together,
//! and so do the steps of one product.
//!
//! The day a path follows depends on the seed, the path's number and the panel's own origins alone (`draw`), so panels
//! that have the same origins follow the same days, and others as many as they can: prices and demand move together.
//!
//! Where a series has no error from that day at a step, the nearest step's stands in; where it has none at all, that of
//! one of its kin, drawn anew for each path, so that it moves with its kin as they do with each other; where nobody has
//! one, ranks are independent of other series: a random walk's for a price, a step's by itself for demand. Paths of the
//! same rank (they follow the same day) are told apart by a seeded draw a path and series.

use super::backtest::Window;
use super::conformal::{Spread, relative_error};
use super::ground::Ground;
use super::threads::each;
use super::{PathsOfSeries, SamplePaths};
use chrono::{Datelike, NaiveDate};
use nongshi_domain::{Seed, Target};
use std::collections::BTreeMap;

/// Days to follow that are wanted: with fewer origins whose whole horizon is known, the older ones of the others serve too.
const DAYS_WANTED: usize = 10;

/// What paths are drawn from.
pub(super) struct Past<'a> {
    /// The panel.
    pub ground: &'a Ground,
    /// Rising; the last is the one spoken from.
    pub origins: &'a [usize],
    /// One list an origin.
    pub windows: &'a [Vec<Window<'a>>],
    /// How the errors known at the last origin spread, with laws of as many ranks as there are paths.
    pub spread: &'a Spread,
    /// Steps ahead.
    pub horizon: usize,
}

/// Draws `count` paths of every series spoken of at the last origin, in order of key.
pub(super) fn sample_paths(past: &Past<'_>, count: usize, seed: Seed, threads: usize) -> SamplePaths {
    let (Some((&now, earlier)), Some(windows)) = (past.origins.split_last(), past.windows.last()) else { return SamplePaths::default() };
    let whole = earlier.iter().filter(|origin| **origin + past.horizon <= now).count();
    let served = whole.max(DAYS_WANTED).min(earlier.len());
    let days: Vec<NaiveDate> = earlier[..served].iter().map(|origin| past.ground.cadence.last_day(past.ground.day(*origin))).collect();
    let drawn = draw(seed, count, &days);
    let made: Vec<Errors> = past.windows[..served].iter().map(|windows| Errors::made(past.ground, windows, now)).collect();
    let followed: Vec<&Errors> = drawn.iter().map(|day| &made[*day]).collect();
    let of_series = |index: usize| {
        let window = &windows[index];
        let key = &past.ground.tracks[window.said.series].key;
        let seed = seed.derive(past.ground.target.name()).derive(key);
        let scores: Vec<Vec<f64>> = (0..count)
            .map(|path| {
                let seed = seed.derive(&path.to_string());
                let error = followed.get(path).and_then(|errors| errors.of(window.said.series, seed.derive("kin")));
                error.map_or_else(|| alone(past.ground.target, past.horizon, seed.derive("alone")), <[f64]>::to_vec)
            })
            .collect();
        let mut ties = seed.derive("ties");
        let ties: Vec<f64> = (0..count).map(|_| ties.uniform()).collect();
        let step = |(step, point): (usize, &f64)| {
            let mut paths: Vec<usize> = (0..count).collect();
            paths.sort_by(|a, b| scores[*a][step].total_cmp(&scores[*b][step]).then(ties[*a].total_cmp(&ties[*b])));
            let mut values = vec![0.0; count];
            let rising = past.spread.law(*point, window.reach(step), step + 1);
            paths.into_iter().zip(rising).for_each(|(path, value)| values[path] = value);
            values
        };
        PathsOfSeries { key: key.clone(), steps: window.combined.iter().enumerate().map(step).collect() }
    };
    SamplePaths { follow: drawn.into_iter().map(|day| days[day]).collect(), series: each(windows.len(), threads, of_series) }
}

/// Which of the rising days each path follows; none when there is none. Every day is as likely as another: the month is
/// the first to arrive in a race of exponential times, the rate being its number of days; the day is the one at a drawn
/// share of the month's. So two lists draw alike from the months they share, without knowing of each other.
/// Source: Moulton and Jiang, Maximally consistent sampling and the Jaccard index of probability distributions, ICDM 2018.
fn draw(seed: Seed, count: usize, days: &[NaiveDate]) -> Vec<usize> {
    let mut months: BTreeMap<(i32, u32), Vec<usize>> = BTreeMap::new();
    for (index, day) in days.iter().enumerate() {
        months.entry((day.year(), day.month())).or_default().push(index);
    }
    let one = |path: usize| {
        let seed = seed.derive("path").derive(&path.to_string());
        let arrival = |(month, of_month): (&(i32, u32), &Vec<usize>)| {
            let late = seed.derive(&format!("{}-{}", month.0, month.1)).uniform();
            -(1.0 - late).ln() / of_month.len() as f64
        };
        let first = months.iter().min_by(|a, b| arrival(*a).total_cmp(&arrival(*b)));
        first.map(|(_, of_month)| of_month[(seed.derive("place").uniform() * of_month.len() as f64) as usize])
    };
    (0..count).filter_map(one).collect()
}

/// The errors made from one day, by reach: a series and its error at each step.
struct Errors(Vec<(usize, Vec<f64>)>);

impl Errors {
    /// As far as they are known at `now`; the nearest known step stands in for an unknown one.
    fn made(ground: &Ground, windows: &[Window<'_>], now: usize) -> Errors {
        let one = |window: &Window<'_>| {
            let known: Vec<(usize, f64)> = (0..window.combined.len())
                .filter_map(|step| Some((step, relative_error(ground, window, &window.combined, step, now)?)))
                .collect();
            let nearest = |step: usize| known.iter().min_by_key(|(at, _)| at.abs_diff(step)).map(|(_, error)| *error);
            let errors: Vec<f64> = (0..window.combined.len()).filter_map(nearest).collect();
            (!known.is_empty()).then_some((window.said.series, errors))
        };
        Errors(windows.iter().filter_map(one).collect())
    }

    /// Those of a series, or of one of its kin; none when nobody made any.
    fn of(&self, series: usize, mut kin: Seed) -> Option<&[f64]> {
        let own = self.0.binary_search_by_key(&series, |(series, _)| *series).ok();
        let any = || Some((kin.next_u64() % (self.0.len() as u64).max(1)) as usize);
        self.0.get(own.or_else(any)?).map(|(_, errors)| errors.as_slice())
    }
}

/// Scores of a path that follows no day: a random walk by its deviation for a price, a draw a step for demand.
fn alone(target: Target, horizon: usize, mut seed: Seed) -> Vec<f64> {
    let mut walk = 0.0;
    let step = |step: usize| {
        let draw = seed.normal();
        walk += draw;
        if target == Target::Price { walk / ((step + 1) as f64).sqrt() } else { draw }
    };
    (0..horizon).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::day;
    use chrono::Days;

    fn every(days: u64, count: u64) -> Vec<NaiveDate> {
        (0..count).map(|at| day("2024-01-07") + Days::new(days * at)).collect()
    }

    fn drawn(seed: u64, count: usize, days: &[NaiveDate]) -> Vec<NaiveDate> {
        draw(Seed(seed), count, days).into_iter().map(|index| days[index]).collect()
    }

    #[test]
    fn every_day_is_as_likely_as_another() {
        let days = every(14, 24);
        let drawn = drawn(1, 24_000, &days);
        for day in &days {
            let count = drawn.iter().filter(|drawn| *drawn == day).count();
            // a thousand each, within five standard deviations of a binomial count
            assert!((845..=1155).contains(&count), "{day}: {count}");
        }
        assert!(draw(Seed(1), 5, &[]).is_empty());
    }

    #[test]
    fn lists_draw_the_same_from_the_months_they_share() {
        let (whole, late) = (every(14, 24), every(14, 24)[8..].to_vec());
        let same = |a: &[NaiveDate], b: &[NaiveDate], within: i64| {
            let (a, b) = (drawn(7, 4_000, a), drawn(7, 4_000, b));
            a.iter().zip(&b).filter(|(a, b)| (**a - **b).num_days().abs() <= within).count() as f64 / 4_000.0
        };
        assert_eq!(same(&whole, &whole, 0), 1.0);
        // 16 of 24 days are common
        assert!(same(&whole, &late, 0) > 0.6, "{}", same(&whole, &late, 0));
        // every day of nearly a year beside every second Sunday of it
        assert!(same(&whole, &every(1, 336), 14) > 0.85, "{}", same(&whole, &every(1, 336), 14));
        let (a, b) = (drawn(7, 4_000, &whole), drawn(8, 4_000, &whole));
        let met = a.iter().zip(&b).filter(|(a, b)| a == b).count();
        assert!(met < 300, "another seed meets the same day by chance alone: {met}");
    }

    #[test]
    fn the_nearest_step_stands_in_and_kin_stand_in_for_the_new() {
        let errors = Errors(vec![(1, vec![0.5, 0.5]), (3, vec![-1.0, 2.0]), (4, vec![9.0, 9.0])]);
        assert_eq!(errors.of(3, Seed(1)), Some(&[-1.0, 2.0][..]));
        let of_kin: Vec<f64> = (0..300).filter_map(|path| Some(errors.of(2, Seed(path))?[0])).collect();
        for error in [0.5, -1.0, 9.0] {
            let count = of_kin.iter().filter(|found| **found == error).count();
            assert!((70..=130).contains(&count), "{error}: {count}");
        }
        assert_eq!(Errors(vec![]).of(2, Seed(1)), None);
    }
}
