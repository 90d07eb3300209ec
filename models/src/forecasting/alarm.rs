//! Whether forecasts still err as they promised to, and whether another model would have served better.
//!
//! In: by the day the truth came, the errors promised by the backtest and the errors made. Out: drift, a challenger.
//! Never: an alarm from a single bad day; a challenger chosen among many by luck.

use chrono::NaiveDate;
use std::collections::BTreeMap;

/// A day's errors may be greater than promised by this much, in logs, before they count: half of what errors half as large
/// again come to.
const ALLOWED: f64 = 0.2;
/// Where the sum of what counts is an alarm: ten steps in a row half as bad again as promised.
const ALARM: f64 = 2.0;
/// One day counts for no more than this, in logs.
const MOST_OF_A_DAY: f64 = 1.0;
/// Days needed to challenge.
const LEAST_DAYS: usize = 20;
/// A challenger must lose at least this much less.
const LEAST_GAIN: f64 = 0.02;
/// The chance that luck alone makes a challenger.
const LUCK: f64 = 0.05;

/// What was promised for a day, and what came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Came {
    /// The day that was forecast.
    pub day: NaiveDate,
    /// The sum of absolute errors that the backtest led to expect.
    pub promised: f64,
    /// The sum of absolute errors made.
    pub missed: f64,
}

/// How far errors have left what was promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The cumulative sum now, in logs; an alarm at 2.
    pub sum: f64,
    /// Since when errors have been greater, where it is an alarm.
    pub since: Option<NaiveDate>,
}

/// The one-sided cumulative sum of log ratios of errors made to errors promised (Page, Continuous inspection schemes,
/// Biometrika 41, 1954, 100-115). Days in rising order; a day without a promise says nothing.
pub fn drift(days: &[Came]) -> Drift {
    let (mut sum, mut since) = (0.0_f64, None);
    for came in days.iter().filter(|came| came.promised > 0.0) {
        let worse = (came.missed / came.promised).ln().min(MOST_OF_A_DAY);
        sum = (sum + worse - ALLOWED).max(0.0);
        since = if sum > 0.0 { since.or(Some(came.day)) } else { None };
    }
    Drift { sum, since: since.filter(|_| sum >= ALARM) }
}

/// A model that would have served better than the one that spoke.
#[derive(Debug, Clone, PartialEq)]
pub struct Challenger {
    /// Its name.
    pub model: String,
    /// The share of the champion's loss that it would have saved.
    pub gain: f64,
    /// Days on which it lost less, and all days.
    pub days: [usize; 2],
}

/// The best challenger of `champion`, if one beats it by more than luck: the sign test over days, one-sided, held against
/// the number of models that try. Losses by model and day.
pub fn challenger(champion: &str, losses: &BTreeMap<String, BTreeMap<NaiveDate, f64>>) -> Option<Challenger> {
    let spoken = losses.get(champion)?;
    let trying = losses.len() - 1;
    let of = |(model, own): (&String, &BTreeMap<NaiveDate, f64>)| {
        let both: Vec<(f64, f64)> = own.iter().filter_map(|(day, loss)| Some((*loss, *spoken.get(day)?))).filter(|(a, b)| a != b).collect();
        let (saved, all) = both.iter().fold((0.0, 0.0), |(saved, all), (own, theirs)| (saved + theirs - own, all + theirs));
        let wins = both.iter().filter(|(own, theirs)| own < theirs).count();
        let gain = if all > 0.0 { saved / all } else { 0.0 };
        let sound = both.len() >= LEAST_DAYS && gain >= LEAST_GAIN && by_luck(wins, both.len()) * trying as f64 <= LUCK;
        sound.then(|| Challenger { model: model.clone(), gain, days: [wins, both.len()] })
    };
    losses.iter().filter(|(model, _)| *model != champion).filter_map(of).max_by(|a, b| a.gain.total_cmp(&b.gain))
}

/// The chance of so many heads or more in so many throws of a fair coin.
fn by_luck(heads: usize, throws: usize) -> f64 {
    let mut log_chance = -(throws as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for count in 0..=throws {
        if count >= heads {
            sum += log_chance.exp();
        }
        log_chance += ((throws - count) as f64 / (count + 1) as f64).ln();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::day;
    use chrono::Days;
    use nongshi_domain::Seed;

    fn at(step: u64) -> NaiveDate {
        day("2024-01-01") + Days::new(step)
    }

    /// Days whose errors are `times` the promise, times a random factor.
    fn days(seed: u64, count: u64, times: impl Fn(u64) -> f64) -> Vec<Came> {
        let mut seed = Seed(seed);
        (0..count)
            .map(|step| {
                let chance = seed.normal();
                Came { day: at(step), promised: 10.0, missed: 10.0 * times(step) * (0.3 * chance).exp() }
            })
            .collect()
    }

    #[test]
    fn errors_as_promised_raise_no_alarm_and_greater_ones_do_soon() {
        let alarms = (0..200).filter(|seed| drift(&days(*seed, 60, |_| 1.0)).since.is_some()).count();
        assert!(alarms <= 4, "{alarms} of 200");
        let found = |seed: u64| (20..60).find(|count| drift(&days(seed, *count, |step| if step < 20 { 1.0 } else { 1.8 })).since.is_some());
        let taken: Vec<u64> = (0..200).map(|seed| found(seed).expect("found") - 20).collect();
        assert!(taken.iter().sum::<u64>() / 200 <= 8, "{taken:?}");
        let told = drift(&days(3, 60, |step| if step < 20 { 1.0 } else { 1.8 }));
        let since = told.since.expect("an alarm");
        assert!(since >= at(10) && since <= at(24), "{since}");
    }

    #[test]
    fn one_bad_day_is_no_drift() {
        let mut days = days(1, 40, |_| 1.0);
        days[39].missed = 1e6;
        assert_eq!(drift(&days).since, None);
        assert_eq!(drift(&[]), Drift { sum: 0.0, since: None });
        assert_eq!(drift(&[Came { day: at(0), promised: 0.0, missed: 5.0 }]).sum, 0.0);
    }

    fn losses(models: &[(&str, &dyn Fn(u64) -> f64)], days: u64) -> BTreeMap<String, BTreeMap<NaiveDate, f64>> {
        models.iter().map(|(name, loss)| (name.to_string(), (0..days).map(|step| (at(step), loss(step))).collect())).collect()
    }

    #[test]
    fn a_challenger_must_be_better_on_most_days_and_by_enough() {
        let better = |step: u64| if step.is_multiple_of(5) { 1.2 } else { 0.8 };
        let all = losses(&[("combination", &|_| 1.0), ("ets", &better), ("naive", &|_| 1.1)], 40);
        let found = challenger("combination", &all).expect("ets");
        assert_eq!((found.model.as_str(), found.days), ("ets", [32, 40]));
        assert!((found.gain - 0.12).abs() < 1e-9, "{}", found.gain);
        // too few days; too small a gain; a few days that make up for the others
        let short = losses(&[("combination", &|_| 1.0), ("ets", &better)], 19);
        let little = losses(&[("combination", &|_| 1.0), ("ets", &|_| 0.99)], 40);
        let lucky = losses(&[("combination", &|_| 1.0), ("ets", &|step| if step < 6 { 0.1 } else { 1.01 })], 40);
        for few in [short, little, lucky] {
            assert_eq!(challenger("combination", &few), None);
        }
    }

    #[test]
    fn luck_is_the_tail_of_the_binomial() {
        // Python 3.11: `sum(math.comb(20, k) for k in range(15, 21)) / 2**20`
        assert!((by_luck(15, 20) - 0.020_694_732_666_015_625).abs() < 1e-15);
        assert!((by_luck(1, 3) - 0.875).abs() < 1e-15);
        assert!((by_luck(0, 7) - 1.0).abs() < 1e-12);
    }
}
