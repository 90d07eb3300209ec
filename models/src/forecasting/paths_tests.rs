//! What sample paths promise, through the door. In: synthetic panels. Out: claims. Never: real data.

use super::synthetic::{ahead, day, panel_of, random_walks, seasonal_panel};
use super::{ForecastSettings, PanelForecast, SamplePaths, backtest, forecast_panel};
use nongshi_domain::{Cadence, Cutoff, Panel, Seed, Target};

const PATHS: u32 = 200;

fn settings(horizon: u32, origins: u32, origin_step: u32) -> ForecastSettings {
    ForecastSettings { origins, origin_step, paths: PATHS, seed: Seed(20), ..ahead(Cadence::Week, horizon) }
}

fn week(steps: u32) -> Cutoff {
    Cutoff(Cadence::Week.last_day(Cadence::Week.advance(day("2020-01-06"), steps - 1)))
}

/// Walks of a log price or of a quantity: those of one group share most of each move, `sign` times.
fn groups(target: Target, sizes: &[(&str, usize)], steps: usize, sign: f64) -> Panel {
    let mut built = Vec::new();
    for (group, size) in sizes {
        for index in 0..*size {
            let mut own = Seed(11).derive(target.name()).derive(&format!("{group}{index}"));
            let mut common = Seed(11).derive(group);
            let mut level = 4.0;
            let values = (0..steps).map(|_| {
                level += sign * 0.05 * common.normal() + 0.01 * own.normal();
                Some(level.exp())
            });
            built.push((format!("{group}{index}"), values.collect::<Vec<_>>()));
        }
    }
    let borrowed: Vec<(&str, Vec<Option<f64>>)> = built.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
    panel_of(target, Cadence::Week, &borrowed)
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |a: &[f64], mean_a: f64, b: &[f64], mean_b: f64| a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>();
    product(a, mean_a, b, mean_b) / (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt()
}

fn of<'a>(paths: &'a SamplePaths, key: &str, step: usize) -> &'a [f64] {
    &paths.series.iter().find(|series| series.key == key).expect("every series that is forecast has paths").steps[step]
}

/// Of each step as many paths lie outside each printed quantile as its level says.
fn check_odds(said: &PanelForecast) {
    assert_eq!(said.paths.series.len(), said.forecasts.len());
    for (paths, forecast) in said.paths.series.iter().zip(&said.forecasts) {
        assert_eq!((&paths.key, paths.steps.len()), (&forecast.key, forecast.steps.len()));
        for (values, step) in paths.steps.iter().zip(&forecast.steps) {
            assert_eq!(values.len(), PATHS as usize);
            assert!(values.iter().all(|value| value.is_finite() && *value >= 0.0));
            for (level, quantile) in [(0.1, step.quantiles[0]), (0.5, step.quantiles[1]), (0.9, step.quantiles[2])] {
                let expect = (level * f64::from(PATHS)).round() as usize;
                // rounding of a product may part what is equal
                let near = 1e-9 * quantile;
                let below = values.iter().filter(|value| **value < quantile - near).count();
                let not_above = values.iter().filter(|value| **value <= quantile + near).count();
                assert!(below <= expect && expect <= not_above, "{} step {}: {below}..{not_above} at {level}", paths.key, step.horizon);
            }
        }
    }
}

#[test]
fn the_odds_of_each_step_are_the_printed_ones() {
    check_odds(&forecast_panel(&seasonal_panel(8, 170), week(170), &settings(13, 20, 2)));
    // so few errors that a normal law stands in
    check_odds(&forecast_panel(&random_walks(Cadence::Week, 2, 14, 3), week(14), &settings(4, 20, 1)));
    // quantities that are nothing on most days
    let mut seed = Seed(4);
    let rare: Vec<(String, Vec<Option<f64>>)> = (0..5)
        .map(|index| (format!("d{index}"), (0..200).map(|_| Some(if seed.uniform() < 0.7 { 0.0 } else { 5.0 * seed.uniform() })).collect()))
        .collect();
    let rare: Vec<(&str, Vec<Option<f64>>)> = rare.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
    let said = forecast_panel(&panel_of(Target::Demand, Cadence::Week, &rare), week(200), &settings(6, 24, 2));
    check_odds(&said);
    assert!(said.paths.series.iter().flat_map(|series| series.steps.iter().flatten()).any(|value| *value == 0.0));
}

#[test]
fn kin_that_moved_together_move_together_and_strangers_do_not() {
    let mut panel = groups(Target::Price, &[("a", 4), ("b", 4)], 220, 1.0);
    // one of the first group is new: its past is too short for most origins
    panel.series[3].values.drain(..205);
    panel.series[3].start = Cadence::Week.advance(panel.series[3].start, 205);
    let said = forecast_panel(&panel, week(220), &settings(4, 40, 4));
    for step in [0, 3] {
        let with = |a: &str, b: &str| correlation(of(&said.paths, a, step), of(&said.paths, b, step));
        for (a, b) in [("a0", "a1"), ("a1", "a2"), ("b0", "b3")] {
            assert!(with(a, b) > 0.8, "{a} {b}: {}", with(a, b));
        }
        // a correlation of 40 days has a standard deviation of 0.16
        let strangers = [("a0", "b0"), ("a1", "b1"), ("a2", "b2")].map(|(a, b)| with(a, b)).iter().sum::<f64>() / 3.0;
        assert!(strangers.abs() < 0.4, "{strangers}");
        // what is new follows now one of all its kin, now another: half of them are strangers
        assert!(with("a3", "a0") + with("a3", "b0") > 0.5, "{} {}", with("a3", "a0"), with("a3", "b0"));
    }
}

#[test]
fn neighbouring_steps_of_a_walk_move_together() {
    let said = forecast_panel(&random_walks(Cadence::Week, 6, 200, 5), week(200), &settings(8, 40, 2));
    for series in &said.paths.series {
        let near = correlation(&series.steps[6], &series.steps[7]);
        let far = correlation(&series.steps[0], &series.steps[7]);
        // of a walk: the roots of 7/8 and of 1/8
        assert!(near > 0.8 && far < near - 0.1, "{}: {near} {far}", series.key);
    }
    // a walk without errors to follow is one all the same
    let said = forecast_panel(&random_walks(Cadence::Week, 2, 8, 3), week(8), &settings(8, 20, 2));
    assert!(said.paths.follow.is_empty());
    for series in &said.paths.series {
        assert!(correlation(&series.steps[6], &series.steps[7]) > 0.8);
    }
    let between = correlation(of(&said.paths, "w00", 7), of(&said.paths, "w01", 7));
    assert!(between.abs() < 0.3, "{between}");
}

#[test]
fn prices_and_demand_follow_the_same_days_and_move_against_each_other() {
    let price = groups(Target::Price, &[("a", 3)], 220, 1.0);
    let demand = groups(Target::Demand, &[("a", 3)], 220, -1.0);
    let settings = settings(4, 40, 4);
    let (price, bought) = (forecast_panel(&price, week(220), &settings), forecast_panel(&demand, week(220), &settings));
    assert_eq!(price.paths.follow, bought.paths.follow);
    let between = |bought: &PanelForecast| correlation(of(&price.paths, "a0", 3), of(&bought.paths, "a0", 3));
    assert!(between(&bought) < -0.6, "{}", between(&bought));
    // other days, no tie
    let other = forecast_panel(&demand, week(220), &ForecastSettings { seed: Seed(21), ..settings });
    assert!(between(&other).abs() < 0.3, "{}", between(&other));
}

#[test]
fn a_seed_tells_all_and_threads_tell_nothing() {
    let panel = seasonal_panel(6, 140);
    let paths =
        |seed, threads| forecast_panel(&panel, week(140), &ForecastSettings { seed: Seed(seed), threads, ..settings(6, 20, 3) }).paths;
    let (one, other) = (paths(1, 1), paths(2, 1));
    assert_eq!(format!("{one:?}"), format!("{:?}", paths(1, 2)));
    assert!(one.follow != other.follow && one.series != other.series);
    // another seed joins the same values otherwise
    let sorted = |paths: &SamplePaths| {
        let mut values = of(paths, "s02", 4).to_vec();
        values.sort_by(f64::total_cmp);
        values
    };
    assert_eq!(sorted(&one), sorted(&other));
    let none = forecast_panel(&panel, week(140), &ForecastSettings { paths: 0, ..settings(6, 20, 3) });
    assert_eq!(none.paths, SamplePaths::default());
    assert_eq!(none.forecasts, forecast_panel(&panel, week(140), &settings(6, 20, 3)).forecasts);
}

#[test]
fn paths_of_a_cutoff_are_those_of_the_panel_cut_there() {
    let mut panel = seasonal_panel(8, 170);
    // one series begins after some cutoffs, one ends early, one has a gap
    panel.series[2].values.drain(..125);
    panel.series[2].start = Cadence::Week.advance(panel.series[2].start, 125);
    panel.series[3].values.truncate(155);
    panel.series[4].values[131..134].fill(None);
    let settings = settings(6, 20, 3);
    let cutoffs = [week(110), week(150), week(137), week(164)];
    for (cutoff, then) in cutoffs.into_iter().zip(backtest(&panel, &cutoffs, &settings)) {
        let now = forecast_panel(&panel.until(cutoff), cutoff, &settings);
        assert!(!now.paths.series.is_empty());
        assert_eq!(format!("{:?}", now.paths), format!("{:?}", then.paths), "{}", cutoff.0);
    }
}

#[test]
fn forty_weeks_ahead_are_drawn() {
    let said = forecast_panel(&seasonal_panel(4, 200), week(200), &settings(40, 24, 2));
    check_odds(&said);
    let origins: std::collections::BTreeSet<_> = said.paths.follow.iter().collect();
    assert_eq!(origins.len(), 24, "every whole origin is followed by some path");
    assert!(origins.iter().all(|day| (week(200).0 - **day).num_days() >= 280));
    // a year is too short to have seen forty weeks from anywhere but its first weeks
    let short = forecast_panel(&seasonal_panel(4, 52), week(52), &settings(40, 24, 2));
    check_odds(&short);
    assert_eq!(short.origins, 3);
    let followed: std::collections::BTreeSet<_> = short.paths.follow.iter().collect();
    assert_eq!(followed.len(), 10, "origins of less than a whole horizon serve too");
}
