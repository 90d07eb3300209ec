//! Made series with known faults. In: series. Out: what is told of them.

use super::*;
use crate::forecasting::synthetic::{day, panel_of};
use nongshi_domain::Seed;

/// Log prices that stay near 4 CNY/kg, moved by 3 %.
fn calm(steps: usize, seed: u64) -> Vec<Option<f64>> {
    let mut seed = Seed(seed).derive("calm");
    (0..steps).map(|_| Some(4.0 * (0.03 * seed.normal()).exp())).collect()
}

fn told(target: Target, cadence: Cadence, values: &[Option<f64>]) -> Vec<(usize, &'static str)> {
    let panel = panel_of(target, cadence, &[("a", values.to_vec())]);
    let series = &panel.series[0];
    let found = anomalies(series, target, cadence, Cutoff(day("2099-01-01")), None);
    found.iter().map(|found| (cadence.steps_between(series.start, found.day) as usize, found.kind.name())).collect()
}

fn daily(values: &[Option<f64>]) -> Vec<(usize, &'static str)> {
    told(Target::Price, Cadence::Day, values)
}

#[test]
fn a_calm_series_and_a_wandering_one_are_left_alone() {
    for seed in 0..20 {
        assert_eq!(daily(&calm(300, seed)), [], "{seed}");
        let mut seed = Seed(seed).derive("walk");
        let mut level: f64 = 1.0;
        let walk: Vec<Option<f64>> = (0..400)
            .map(|_| {
                level += 0.08 * seed.normal();
                Some(level.exp())
            })
            .collect();
        assert_eq!(daily(&walk), []);
    }
    assert_eq!(daily(&[]), []);
    assert_eq!(daily(&[Some(2.0); 9]), []);
}

#[test]
fn a_slipped_decimal_is_a_spike_up_and_down() {
    let mut values = calm(200, 1);
    values[100] = values[100].map(|value| value * 10.0);
    values[150] = values[150].map(|value| value / 10.0);
    // three in a row, as a market's book has them
    for value in &mut values[170..173] {
        *value = value.map(|value| value * 10.0);
    }
    assert_eq!(daily(&values), [(100, "spike"), (150, "spike"), (170, "spike"), (171, "spike"), (172, "spike")]);
    let panel = panel_of(Target::Price, Cadence::Day, &[("a", values.clone())]);
    let found = anomalies(&panel.series[0], Target::Price, Cadence::Day, Cutoff(day("2099-01-01")), None);
    assert_eq!(Some(found[0].value), values[100]);
    assert!(found[0].expected.is_some_and(|expected| (expected / 4.0).ln().abs() < 0.1), "{found:?}");
}

#[test]
fn a_level_that_stays_is_a_shift_and_told_once() {
    let mut values = calm(200, 2);
    for value in values[120..].iter_mut().flatten() {
        *value *= 2.0;
    }
    assert_eq!(daily(&values), [(120, "level shift")]);
    // five values do not tell it from a long way out and back
    assert_eq!(daily(&values[..125]), []);
    assert_eq!(daily(&values[..126]), [(120, "level shift")]);
    // an excursion of five values that comes back is neither
    let mut back = calm(200, 2);
    for value in back[120..125].iter_mut().flatten() {
        *value *= 2.0;
    }
    assert_eq!(daily(&back), []);
}

#[test]
fn a_price_that_climbs_is_no_shift_and_no_spike() {
    // a tenth a day, up and down again, as before the Spring Festival
    let mut values = calm(200, 3);
    for (step, value) in values[100..124].iter_mut().enumerate() {
        let days = if step < 12 { step } else { 24 - step } as f64;
        *value = value.map(|value| value * (0.1 * days).exp());
    }
    assert!(daily(&values).iter().all(|(_, kind)| *kind != "spike"), "{:?}", daily(&values));
}

#[test]
fn a_value_that_repeats_for_too_long_is_stuck_from_there_on() {
    let mut values = calm(200, 4);
    for value in &mut values[100..130] {
        *value = Some(4.0);
    }
    let stuck: Vec<(usize, &str)> = (114..130).map(|step| (step, "stuck")).collect();
    assert_eq!(daily(&values), stuck);
    // a series that keeps its price for a fortnight at a time is not
    let slow: Vec<Option<f64>> = (0..600).map(|step| Some(if step / 14 % 2 == 0 { 4.0 } else { 4.2 })).collect();
    assert_eq!(daily(&slow), []);
    // shops that sell nothing are no sensor that died; other quantities may be
    let sold = |quiet: f64| -> Vec<Option<f64>> {
        let mut values: Vec<Option<f64>> = calm(200, 5);
        values[120..160].fill(Some(quiet));
        values
    };
    assert!(told(Target::Demand, Cadence::Day, &sold(0.0)).iter().all(|(_, kind)| *kind != "stuck"));
    assert!(told(Target::Demand, Cadence::Day, &sold(4.0)).iter().any(|(_, kind)| *kind == "stuck"));
}

#[test]
fn the_days_of_a_week_are_held_against_their_like() {
    // four times as much on each seventh day, as a shop sells
    let mut seed = Seed(6).derive("week");
    let mut values: Vec<Option<f64>> =
        (0..210).map(|step| Some(if step % 7 == 5 { 40.0 } else { 10.0 } * (0.1 * seed.normal()).exp())).collect();
    assert_eq!(told(Target::Demand, Cadence::Day, &values), []);
    // what is usual on that day is a spike on another
    values[150] = Some(55.0);
    assert_eq!(told(Target::Demand, Cadence::Day, &values), [(150, "spike")]);
    // sold on few days: any of them may be large
    let rare: Vec<Option<f64>> = (0..200).map(|step| Some(if step % 11 == 0 { 5.0 } else { 0.0 })).collect();
    assert_eq!(told(Target::Demand, Cadence::Day, &rare), []);
}

#[test]
fn after_a_long_silence_no_level_is_known() {
    let mut values = calm(100, 7);
    values.extend(vec![None; 40]);
    values.extend(calm(100, 8).into_iter().map(|value| value.map(|value| value * 6.0)));
    assert_eq!(daily(&values), []);
    // over a short one it is
    let mut short = calm(100, 7);
    short.extend(vec![None; 3]);
    short.extend(calm(100, 8).into_iter().map(|value| value.map(|value| value * 6.0)));
    assert_eq!(daily(&short), [(103, "level shift")]);
}

/// Whether a value is a spike is decided by what was known, so at every cutoff the same is told whatever came later.
#[test]
fn nothing_after_the_cutoff_is_seen() {
    let mut values = calm(160, 9);
    values[80] = values[80].map(|value| value * 10.0);
    values[120] = values[120].map(|value| value * 2.0);
    for value in values[140..].iter_mut().flatten() {
        *value *= 10.0;
    }
    let panel = panel_of(Target::Price, Cadence::Day, &[("a", values.clone())]);
    let at = |step: usize| Cutoff(panel.series[0].start + chrono::Days::new(step as u64));
    for step in 0..160 {
        let short = panel_of(Target::Price, Cadence::Day, &[("a", values[..=step].to_vec())]);
        let settings = CleaningSettings::default();
        assert_eq!(clean(&panel, at(step), &settings), clean(&short, at(step), &settings), "{step}");
    }
    let told =
        |step: usize| clean(&panel, at(step), &CleaningSettings::default()).1.into_iter().map(|cleaned| cleaned.day).collect::<Vec<_>>();
    let days = |steps: &[usize]| steps.iter().map(|step| at(*step).0).collect::<Vec<_>>();
    // a slip is seen at once, twice as much only when the next value is back, and ten times as much is a level once it stayed
    assert_eq!(told(79), []);
    assert_eq!(told(80), days(&[80]));
    assert_eq!((told(120), told(121)), (days(&[80]), days(&[80, 120])));
    assert_eq!((told(141), told(145)), (days(&[80, 120, 140, 141]), days(&[80, 120])));
}

#[test]
fn cleaning_makes_gaps_tells_each_and_can_be_switched_off() {
    let mut dirty = calm(100, 10);
    dirty[60] = dirty[60].map(|value| value * 10.0);
    dirty[99] = dirty[99].map(|value| value / 10.0);
    for value in dirty[70..90].iter_mut().flatten() {
        *value *= 2.0;
    }
    let panel = panel_of(Target::Price, Cadence::Day, &[("a", calm(100, 11)), ("b", dirty.clone())]);
    let cutoff = Cutoff(day("2099-01-01"));
    let (cleaned, changed) = clean(&panel, cutoff, &CleaningSettings::default());
    let changes: Vec<(&str, NaiveDate, Option<f64>)> =
        changed.iter().map(|changed| (changed.key.as_str(), changed.day, Some(changed.value))).collect();
    assert_eq!(changes, [("b", day("2020-03-06"), dirty[60]), ("b", day("2020-04-14"), dirty[99])]);
    // levels stay as they are, the other series too; the last value gone, the series ends a step earlier
    assert_eq!(cleaned.series[0], panel.series[0]);
    let mut expected = dirty[..99].to_vec();
    expected[60] = None;
    assert_eq!(cleaned.series[1].values, expected);
    assert_eq!(clean(&panel, cutoff, &CleaningSettings { spikes: false, ..CleaningSettings::default() }), (panel, vec![]));
}
