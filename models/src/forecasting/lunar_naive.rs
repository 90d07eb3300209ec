//! The same distance from the Spring Festival a year before: the lunar twin of `seasonal_naive`.
//! In: the past. Out: what was seen as far from last year's festival as the step ahead is from its own.
//! Never: a value after the origin, a value carried over a long gap, a word on steps that are only numbered.
//!
//! The festival moves by up to 29 days from year to year, and what is dear before it moves along. A step stands for its
//! middle day, which counts to the nearest festival.

use super::ground::{Ground, Past};
use super::model::{Fitted, Model};
use chrono::{Datelike, Days, NaiveDate};
use nongshi_domain::spring_festival;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Years looked back at most for one that is known.
const YEARS: usize = 3;

/// Last year's values by the lunar calendar.
pub(super) struct LunarNaive;

struct FittedLunarNaive {
    /// By step, those to come too: the step of the year before, and of the years before that.
    sources: Arc<Vec<[Option<usize>; YEARS]>>,
}

impl Model for LunarNaive {
    fn name(&self) -> &'static str {
        "lunar_naive"
    }

    fn prior(&self, _ground: &Ground) -> f64 {
        0.0
    }

    fn fit(&self, ground: &Ground, origins: &[usize], horizon: usize, _threads: usize) -> Vec<Box<dyn Fitted>> {
        let sources = Arc::new(sources(ground, ground.last + 1 + horizon));
        origins.iter().map(|_| Box::new(FittedLunarNaive { sources: sources.clone() }) as Box<dyn Fitted>).collect()
    }
}

/// Where each of the first `steps` steps is looked up; nowhere when there is no calendar.
fn sources(ground: &Ground, steps: usize) -> Vec<[Option<usize>; YEARS]> {
    if !ground.rhythm.calendar {
        return Vec::new();
    }
    let mut festivals: BTreeMap<i32, NaiveDate> = BTreeMap::new();
    let mut one = |step: usize| {
        let (from, to) = (ground.day(step), ground.day(step + 1));
        let middle = from + Days::new(((to - from).num_days() / 2) as u64);
        let years = middle.year() - 1..=middle.year() + 1;
        let mut festival = |year: i32| *festivals.entry(year).or_insert_with(|| spring_festival(year));
        let nearest = years.map(&mut festival).min_by_key(|festival| (*festival - middle).num_days().abs());
        let nearest = nearest.unwrap_or(middle);
        let back = |years: usize| {
            let then = festival(nearest.year() - years as i32) - (nearest - middle);
            usize::try_from(ground.cadence.steps_between(ground.first, then)).ok()
        };
        std::array::from_fn(|years| years + 1).map(back)
    };
    (0..steps).map(&mut one).collect()
}

impl Fitted for FittedLunarNaive {
    fn forecast(&self, past: Past<'_>, series: usize, horizon: usize) -> Result<Vec<f64>, String> {
        let ground = past.ground();
        if !ground.rhythm.calendar {
            return Err("the steps are only numbered".to_string());
        }
        let one = |ahead: usize| {
            let known = self.sources[past.step + ahead].iter().flatten().find(|step| **step <= past.step);
            let step = *known.ok_or_else(|| format!("no year of history before step {ahead} ahead"))?;
            let value = past.bridged(series, step).ok_or_else(|| format!("no value at {}, as far from the festival", ground.day(step)))?;
            Ok(ground.tracks[series].transform.restore(value))
        };
        (1..=horizon).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::ForecastSettings;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::{Cadence, Cutoff, Target};

    /// From 6 January 2020 on; the values are counted from 1.
    fn ground_of(cadence: Cadence, steps: usize, numbered: bool) -> Ground {
        let values = (1..=steps).map(|step| Some(step as f64)).collect();
        let panel = panel_of(Target::Price, cadence, &[("a", values)]);
        let settings = ForecastSettings { numbered, ..ahead(cadence, 60) };
        Ground::new(&panel, Cutoff(cadence.advance(cadence.floor(day("2020-01-06")), steps as u32 - 1)), &settings).expect("values")
    }

    fn said(ground: &Ground, step: usize, horizon: usize) -> Result<Vec<f64>, String> {
        LunarNaive.fit(ground, &[step], horizon, 1)[0].forecast(ground.past(step), 0, horizon)
    }

    fn close(found: Result<Vec<f64>, String>, expect: &[f64]) {
        let found = found.expect("a forecast");
        assert!(found.len() == expect.len() && found.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} for {expect:?}");
    }

    #[test]
    fn the_festival_meets_the_festival() {
        // New year fell on 25 January 2020 and on 12 February 2021: days 20 and 404 counted from 6 January 2020 as 1.
        let ground = ground_of(Cadence::Day, 400, false);
        close(said(&ground, 399, 6), &[17.0, 18.0, 19.0, 20.0, 21.0, 22.0]);
        // The week of 8 February 2021 counts from its Thursday, the eve; last year's fell in the third week.
        let ground = ground_of(Cadence::Week, 57, false);
        assert_eq!(ground.day(57), day("2021-02-08"));
        close(said(&ground, 56, 2), &[3.0, 4.0]);
    }

    #[test]
    fn a_year_that_is_not_known_yet_is_passed_over() {
        // Fourteen months ahead last year is still to come: the year before it speaks.
        let ground = ground_of(Cadence::Month, 40, false);
        let far = said(&ground, 25, 14).expect("two years are known");
        // March 2022 stands 43 days after its festival, as 27 March 2021 did; April 2023 84 days, as 7 May 2021 did.
        close(Ok(vec![far[0], far[13]]), &[15.0, 17.0]);
    }

    #[test]
    fn it_says_why_it_cannot() {
        let numbered = said(&ground_of(Cadence::Day, 400, true), 399, 1).expect_err("no calendar");
        assert_eq!(numbered, "the steps are only numbered");
        let short = said(&ground_of(Cadence::Week, 40, false), 39, 1).expect_err("short");
        assert_eq!(short, "no year of history before step 1 ahead");
    }
}
