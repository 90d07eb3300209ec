//! The same step last year, weekday on weekday.
//! In: the past. Out: the values 364 days, 52 weeks, 36 times ten days or 12 months before. Never: a value carried over a long gap.
//!
//! Daily demand of less than a year falls back to the same weekday of the last week seen.

use super::ground::{Ground, Past};
use super::model::{Fitted, Model};
use nongshi_domain::{Cadence, Target};

/// Days of the weekly season.
const WEEK_DAYS: usize = 7;

/// Last year's values; a gap there is bridged as `Rhythm::bridge` allows.
pub(super) struct SeasonalNaive;

struct FittedSeasonalNaive;

impl Model for SeasonalNaive {
    fn name(&self) -> &'static str {
        "seasonal_naive"
    }

    fn prior(&self, _ground: &Ground) -> f64 {
        0.0
    }

    fn fit(&self, _ground: &Ground, origins: &[usize], _horizon: usize, _threads: usize) -> Vec<Box<dyn Fitted>> {
        origins.iter().map(|_| Box::new(FittedSeasonalNaive) as Box<dyn Fitted>).collect()
    }
}

/// The values one or more whole `season`s before the steps ahead, from the newest season that is known.
fn repeat(past: Past<'_>, series: usize, horizon: usize, season: usize) -> Result<Vec<f64>, String> {
    let ground = past.ground();
    let one = |ahead: usize| {
        let back = season * ahead.div_ceil(season);
        let step = (past.step + ahead).checked_sub(back);
        let value = step.and_then(|step| past.bridged(series, step));
        value.map(|value| ground.tracks[series].transform.restore(value)).ok_or_else(|| match step {
            Some(step) => format!("no value at {}, {back} steps before step {ahead} ahead", ground.day(step)),
            None => format!("{} steps of history, {back} are needed for step {ahead} ahead", past.step + 1),
        })
    };
    (1..=horizon).map(one).collect()
}

impl Fitted for FittedSeasonalNaive {
    fn forecast(&self, past: Past<'_>, series: usize, horizon: usize) -> Result<Vec<f64>, String> {
        let ground = past.ground();
        let yearly = repeat(past, series, horizon, ground.rhythm.year);
        if yearly.is_err() && ground.cadence == Cadence::Day && ground.target == Target::Demand {
            // A gap at the end is stepped over: the last week that was seen is repeated, weekday on weekday.
            let seen = past.last_seen(series).unwrap_or(past.step);
            let gap = past.step - seen;
            return Ok(repeat(past.at(seen), series, gap + horizon, WEEK_DAYS)?.split_off(gap));
        }
        yearly
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::Cutoff;

    fn said(target: Target, cadence: Cadence, values: Vec<Option<f64>>, horizon: usize) -> Result<Vec<f64>, String> {
        let steps = values.len();
        let panel = panel_of(target, cadence, &[("a", values)]);
        let ground =
            Ground::new(&panel, Cutoff(cadence.advance(day("2020-01-06"), steps as u32 - 1)), &ahead(panel.cadence, horizon as u32))
                .expect("values");
        SeasonalNaive.fit(&ground, &[ground.last], horizon, 1)[0].forecast(ground.past(ground.last), 0, horizon)
    }

    fn close(found: Result<Vec<f64>, String>, expect: &[f64]) {
        let found = found.expect("a forecast");
        assert!(found.len() == expect.len() && found.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} for {expect:?}");
    }

    #[test]
    fn last_year_comes_back_on_the_same_weekday() {
        let count = |steps: usize| (1..=steps).map(|i| Some(i as f64)).collect::<Vec<_>>();
        close(said(Target::Price, Cadence::Day, count(400), 2), &[37.0, 38.0]);
        close(said(Target::Price, Cadence::Week, count(60), 2), &[9.0, 10.0]);
        close(said(Target::Price, Cadence::TenDays, count(40), 2), &[5.0, 6.0]);
        close(said(Target::Price, Cadence::Month, count(12), 13), &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 1.0]);
    }

    #[test]
    fn demand_under_a_year_repeats_the_week() {
        let count = |steps: usize| (1..=steps).map(|i| Some(i as f64)).collect::<Vec<_>>();
        close(said(Target::Demand, Cadence::Day, count(10), 8), &[4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 4.0]);
    }

    #[test]
    fn it_says_why_it_cannot() {
        let short = said(Target::Price, Cadence::Week, vec![Some(1.0); 40], 1).expect_err("short");
        assert_eq!(short, "40 steps of history, 52 are needed for step 1 ahead");
        let mut holed = vec![Some(1.0); 60];
        holed[2..15].fill(None);
        let gap = said(Target::Price, Cadence::Week, holed, 2).expect_err("a gap");
        assert_eq!(gap, "no value at 2020-03-02, 52 steps before step 1 ahead");
    }
}
