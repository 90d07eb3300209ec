//! What the door promises. In: synthetic panels. Out: claims. Never: real data.

use super::synthetic::{ahead, day, panel_of, random_walks, seasonal_panel};
use super::*;
use nongshi_domain::{Cadence, Cutoff, Panel, Seed, Target, Told};
use proptest::prelude::*;
use std::sync::Arc;

fn settings(horizon: u32, origins: u32, origin_step: u32) -> ForecastSettings {
    ForecastSettings { origins, origin_step, ..ahead(Cadence::Week, horizon) }
}

fn week(steps: u32) -> Cutoff {
    Cutoff(Cadence::Week.last_day(Cadence::Week.advance(day("2020-01-06"), steps - 1)))
}

fn score<'a>(said: &'a PanelForecast, model: &str, bucket: &str) -> &'a Score {
    said.scores.iter().find(|score| score.model == model && score.bucket == bucket).expect("every model has its row")
}

/// Steps follow the cutoff without holes; quantiles are apart and not negative.
fn check_shape(forecast: &Forecast, horizon: u32) {
    assert_eq!(forecast.steps.len() as u32, horizon);
    for (step, ahead) in forecast.steps.iter().zip(1..) {
        assert_eq!((step.horizon, step.day), (ahead, forecast.cadence.advance(forecast.cutoff.0, ahead)));
        let [low, middle, high] = step.quantiles;
        assert!(0.0 <= low && low <= middle && middle < high && high.is_finite(), "{}: {:?}", forecast.key, step);
        assert!(step.mean.is_finite() && step.mean >= 0.0);
        if forecast.target == Target::Price {
            assert!(0.0 < low && low < middle, "{}: {:?}", forecast.key, step);
        }
    }
}

#[test]
fn no_value_after_the_cutoff_changes_a_byte() {
    let whole = seasonal_panel(8, 170);
    let mut other = whole.clone();
    for series in &mut other.series {
        for value in &mut series.values[150..] {
            *value = value.map(|value| 50.0 / value);
        }
        series.values[160] = None;
    }
    // The series that begins after the cutoff is refused in both.
    let cutoff = week(150);
    let settings = settings(13, 20, 2);
    let first = forecast_panel(&whole, cutoff, &settings);
    assert_eq!(format!("{first:?}"), format!("{:?}", forecast_panel(&other, cutoff, &settings)));
    assert_eq!(first.forecasts.len(), 8);
    // two of the twelve are made for demand
    assert_eq!(first.members.len(), 8 * 10);
    first.forecasts.iter().chain(&first.members).for_each(|forecast| check_shape(forecast, 13));
}

#[test]
fn a_backtest_says_what_a_run_on_the_cut_panel_would_have_said() {
    let mut panel = seasonal_panel(8, 170);
    // one series begins late, one ends early, one has a gap
    panel.series[2].values.drain(..120);
    panel.series[2].start = Cadence::Week.advance(panel.series[2].start, 120);
    panel.series[3].values.truncate(155);
    panel.series[4].values[131..134].fill(None);
    let settings = settings(6, 20, 3);
    let cutoffs = [week(110), week(150), week(137), week(164)];
    for (cutoff, then) in cutoffs.into_iter().zip(backtest(&panel, &cutoffs, &settings)) {
        let now = forecast_panel(&panel.until(cutoff), cutoff, &settings);
        assert!(!now.forecasts.is_empty());
        assert_eq!(format!("{:?}", now.forecasts), format!("{:?}", then.forecasts), "{}", cutoff.0);
        assert_eq!(format!("{:?}", now.members), format!("{:?}", then.members), "{}", cutoff.0);
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    let panel = seasonal_panel(8, 140);
    let said = |threads| format!("{:?}", forecast_panel(&panel, week(140), &ForecastSettings { threads, ..settings(6, 20, 3) }));
    assert_eq!(said(1), said(2));
}

#[test]
fn shuffled_rows_give_the_same_bytes() {
    let panel = seasonal_panel(6, 130);
    let mut rows: Vec<(String, chrono::NaiveDate, f64)> = Vec::new();
    for series in &panel.series {
        for (step, value) in series.values.iter().enumerate() {
            rows.extend(value.map(|value| (series.key.clone(), Cadence::Week.advance(series.start, step as u32), value)));
        }
    }
    let said = |rows: Vec<_>| {
        let gathered = Panel::gather(panel.category.clone(), Target::Price, Cadence::Week, rows);
        format!("{:?}", forecast_panel(&gathered, week(130), &settings(8, 10, 2)))
    };
    let in_order = said(rows.clone());
    let mut seed = Seed(5);
    for i in (1..rows.len()).rev() {
        rows.swap(i, (seed.next_u64() % (i as u64 + 1)) as usize);
    }
    assert_eq!(in_order, said(rows));
}

#[test]
fn the_elastic_net_finds_the_season_and_the_combination_gains_from_it() {
    let said = forecast_panel(&seasonal_panel(20, 170), week(170), &settings(13, 20, 2));
    let mase = |model: &str| score(&said, model, "all").mase;
    assert!(mase("elastic_net") < 0.8 * mase("naive"), "{} for {}", mase("elastic_net"), mase("naive"));
    assert!(mase("combination") < 0.85 * mase("naive"), "{} for {}", mase("combination"), mase("naive"));
    assert_eq!(said.origins, 20);
    assert_eq!(score(&said, "naive", "all").origins, 14, "a third of 20 origins only teaches");
    assert_eq!(score(&said, "naive", "5-13").series, 20);
}

#[test]
fn on_random_walks_the_combination_stays_with_naive() {
    let said = forecast_panel(&random_walks(Cadence::Week, 20, 170, 1), week(170), &settings(13, 20, 2));
    let (combined, naive) = (score(&said, "combination", "all"), score(&said, "naive", "all"));
    // 5 %: what learning the weights may cost where there is nothing to learn.
    assert!(combined.mase < 1.05 * naive.mase, "{} for {}", combined.mase, naive.mase);
}

#[test]
fn nominal_80_percent_covers_70_to_90() {
    // Random walks of unlike roughness: the spread must come from each series' own unit. The range allows for the
    // common origins of only 40 series.
    let panel = random_walks(Cadence::Week, 40, 190, 2);
    let said = forecast_panel(&panel, week(170), &settings(13, 24, 2));
    for bucket in ["all", "1-4", "5-13"] {
        let cover = score(&said, "combination", bucket).cov80;
        assert!((0.70..=0.90).contains(&cover), "{bucket}: {cover}");
    }
    // And of the forecast itself, against what came.
    let measured = &score_forecasts(&panel, None, &said.forecasts)["combination"];
    assert!((0.65..=0.95).contains(&measured.cov80), "{}", measured.cov80);
}

#[test]
fn gaps_stay_gaps_and_the_forecast_starts_after_the_cutoff() {
    let mut panel = seasonal_panel(8, 150);
    panel.series[0].values.truncate(148);
    panel.series[1].values.truncate(140);
    panel.series[2].values.truncate(130);
    for step in (0..150).step_by(5) {
        panel.series[3].values[step + 1] = None;
    }
    panel.series[4].values.drain(..143);
    panel.series[4].start = Cadence::Week.advance(day("2020-01-06"), 143);
    panel.series[5].values.drain(..135);
    panel.series[5].start = Cadence::Week.advance(day("2020-01-06"), 135);
    let said = forecast_panel(&panel, week(150), &settings(13, 20, 2));
    let refused: Vec<(&str, &str)> = said.refused.iter().map(|refused| (refused.key.as_str(), refused.reason.as_str())).collect();
    assert_eq!(
        refused,
        [("s02", "no value for 20 steps, 13 are allowed; the last is of 2022-06-27"), ("s04", "7 observed steps, 8 are needed")]
    );
    assert_eq!(said.forecasts.len(), 6);
    said.forecasts.iter().for_each(|forecast| check_shape(forecast, 13));
    // Nine steps cannot be bridged, two can; fifteen weeks are too short for a year.
    let spoke = |key: &str| said.members.iter().filter(|member| member.key == key).map(|member| member.model.as_str()).collect::<Vec<_>>();
    let all = ["boosted", "ces", "drift", "elastic_net", "ets", "lunar_naive", "mstl", "naive", "seasonal_naive", "theta"];
    assert_eq!(spoke("s00"), all);
    assert_eq!(spoke("s01"), ["drift", "lunar_naive", "naive", "seasonal_naive"]);
    assert_eq!(spoke("s03"), all);
    assert_eq!(spoke("s05"), ["boosted", "ces", "drift", "elastic_net", "ets", "mstl", "naive", "theta"]);
}

#[test]
fn an_exploding_member_is_replaced_and_counted() {
    struct Exploding;
    struct Exploded;
    impl model::Model for Exploding {
        fn name(&self) -> &'static str {
            "exploding"
        }
        fn prior(&self, _ground: &super::ground::Ground) -> f64 {
            1.0
        }

        fn fit(&self, _: &ground::Ground, origins: &[usize], _: usize, _: usize) -> Vec<Box<dyn model::Fitted>> {
            origins.iter().map(|_| Box::new(Exploded) as Box<dyn model::Fitted>).collect()
        }
    }
    impl model::Fitted for Exploded {
        fn forecast(&self, _: ground::Past<'_>, _: usize, horizon: usize) -> Result<Vec<f64>, String> {
            Ok(vec![1.97e9; horizon])
        }
    }
    let panel = random_walks(Cadence::Week, 3, 80, 4);
    let said = speak::speak(&panel, &[week(80)], &settings(4, 10, 1), &[&Exploding, &naive::Naive], true).remove(0);
    assert_eq!(said.replaced, 12, "three series, four steps");
    for (forecast, series) in said.forecasts.iter().zip(&panel.series) {
        let last = series.values[79].expect("walks have no gaps");
        assert!(forecast.steps.iter().all(|step| (step.quantiles[1] - last).abs() < 1e-9 * last), "{forecast:?}");
    }
}

#[test]
fn one_series_alone_speaks_or_says_why_not() {
    let series = seasonal_panel(1, 170).series.remove(0);
    let category = nongshi_domain::Category("fruit".into());
    let alone = |cutoff| forecast_series(&series, &category, Target::Price, Cadence::Week, cutoff, &settings(13, 20, 2));
    check_shape(&alone(week(170)).expect("long enough"), 13);
    let short = alone(week(5)).expect_err("five weeks");
    assert_eq!(short.to_string(), "series `s00` cannot be forecast: 5 observed steps, 8 are needed");
    let none = alone(Cutoff(day("2019-12-31"))).expect_err("nothing yet");
    assert_eq!(none.to_string(), "series `s00` cannot be forecast: no value by 2019-12-31");
    assert!(alone(week(9)).is_ok(), "nine weeks are served by naive");
}

#[test]
fn daily_demand_with_days_of_nothing_is_served() {
    let mut seed = Seed(9);
    let built: Vec<(String, Vec<Option<f64>>)> = (0..6)
        .map(|index| {
            let values = (0..400).map(|step| {
                let weekend = if step % 7 >= 5 { 2.0 } else { 1.0 };
                let sold = 10.0 * f64::from(index) * weekend * (0.2 * seed.normal()).exp();
                Some(if seed.uniform() < 0.1 { 0.0 } else { sold })
            });
            (format!("d{index}"), values.collect())
        })
        .collect();
    let borrowed: Vec<(&str, Vec<Option<f64>>)> = built.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
    let panel = panel_of(Target::Demand, Cadence::Day, &borrowed);
    let said = forecast_panel(&panel, Cutoff(Cadence::Day.advance(day("2020-01-06"), 399)), &settings(14, 20, 7));
    assert_eq!(said.forecasts.len(), 6, "a product that never sold is forecast too");
    said.forecasts.iter().for_each(|forecast| check_shape(forecast, 14));
    let (combined, naive) = (score(&said, "combination", "all"), score(&said, "naive", "all"));
    assert!(combined.mase < 0.8 * naive.mase, "{} for {}", combined.mase, naive.mase);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_panel_every_series_is_served_or_refused(
        values in proptest::collection::vec(proptest::collection::vec(proptest::option::weighted(0.8, 0.0..1e6_f64), 1..60), 1..5),
        demand in any::<bool>(),
        horizon in 1_u32..20,
    ) {
        let named: Vec<(String, Vec<Option<f64>>)> = values.into_iter().enumerate().map(|(i, values)| (format!("p{i}"), values)).collect();
        let borrowed: Vec<(&str, Vec<Option<f64>>)> = named.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
        let panel = panel_of(if demand { Target::Demand } else { Target::Price }, Cadence::Week, &borrowed);
        let said = forecast_panel(&panel, week(60), &ForecastSettings { paths: 9, ..settings(horizon, 20, 2) });
        prop_assert_eq!(said.paths.series.len(), said.forecasts.len());
        for (paths, forecast) in said.paths.series.iter().zip(&said.forecasts) {
            prop_assert_eq!((&paths.key, paths.steps.len()), (&forecast.key, horizon as usize));
            prop_assert!(paths.steps.iter().all(|values| values.len() == 9), "{}", paths.key);
            prop_assert!(paths.steps.iter().flatten().all(|value| value.is_finite() && *value >= 0.0), "{:?}", paths);
        }
        prop_assert_eq!(said.forecasts.len() + said.refused.len(), panel.series.len());
        said.forecasts.iter().for_each(|forecast| check_shape(forecast, horizon));
    }
}

/// Daily demand of 10 kg that a promotion doubles, with an error of a tenth; on every third day the shelf is empty for half of
/// the day and a third of the demand is not sold. Known for `ahead` days more.
fn promoted_panel(days: usize, ahead: usize) -> Panel {
    let mut seed = Seed(8).derive("promoted");
    let mut panel = panel_of(Target::Demand, Cadence::Day, &[]);
    panel.known = vec!["promotion".to_string()];
    for index in 0..12_usize {
        let promotion: Vec<f64> = (0..days + ahead).map(|_| if seed.uniform() < 0.2 { 1.0 } else { 0.0 }).collect();
        let in_stock: Vec<f64> = (0..days).map(|day| if (day + index) % 3 == 0 { 0.5 } else { 1.0 }).collect();
        let sold = |(day, share): (usize, &f64)| {
            let demand = 10.0 * (1.0 + promotion[day]) * (0.1 * seed.normal()).exp();
            Some(if *share < 1.0 { demand * 0.5_f64.powf(0.75) } else { demand })
        };
        let values = in_stock.iter().enumerate().map(sold).collect();
        let mut made = panel_of(Target::Demand, Cadence::Day, &[(&format!("s{index:02}"), values)]);
        made.series[0].told = Told { known: Arc::new(vec![promotion]), in_stock };
        panel.series.append(&mut made.series);
    }
    panel
}

#[test]
fn what_is_known_beforehand_and_the_empty_shelf_are_believed() {
    let (days, ahead) = (150, 7);
    let panel = promoted_panel(days, ahead);
    let settings = ForecastSettings { origins: 20, origin_step: 3, ..super::synthetic::ahead(Cadence::Day, ahead as u32) };
    let cutoff = Cutoff(Cadence::Day.advance(day("2020-01-06"), days as u32 - 1));
    let said = forecast_panel(&panel, cutoff, &settings);
    let (mut promoted, mut plain) = (Vec::new(), Vec::new());
    for forecast in &said.forecasts {
        let series = panel.series.iter().find(|series| series.key == forecast.key).expect("its series");
        for (step, cell) in forecast.steps.iter().zip(&series.told.known[0][days..]) {
            if *cell > 0.0 { promoted.push(step.quantiles[1]) } else { plain.push(step.quantiles[1]) }
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (promoted, plain) = (mean(&promoted), mean(&plain));
    // sales on days sold out for half are 40 % less: taken as they are, they would draw a plain day to 8.6 kg
    assert!((9.5..10.7).contains(&plain), "{plain}");
    assert!((1.6..2.2).contains(&(promoted / plain)), "{promoted} for {plain}");
    // what was said earlier is what the cut panel says
    let earlier = Cutoff(Cadence::Day.advance(day("2020-01-06"), 119));
    let now = forecast_panel(&panel.until(earlier), earlier, &settings);
    let then = backtest(&panel, &[earlier, cutoff], &settings).remove(0);
    assert_eq!(format!("{:?}", now.forecasts), format!("{:?}", then.forecasts));
    // and the empty shelf of days to come is not known
    let mut sold_out = panel.clone();
    sold_out.series.iter_mut().for_each(|series| series.told.in_stock[120..].fill(0.5));
    assert_eq!(format!("{:?}", now.forecasts), format!("{:?}", forecast_panel(&sold_out, earlier, &settings).forecasts));
    // an error is taken where it was in stock all day: a day cut short is no error of the forecast
    let scores = score_forecasts(&panel, None, &then.forecasts);
    assert!(scores["combination"].bias.abs() < 0.1, "{:?}", scores["combination"]);
}

#[test]
fn further_quantiles_lie_among_the_usual_ones() {
    let levels = vec![0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98];
    let said = forecast_panel(&seasonal_panel(8, 170), week(170), &ForecastSettings { levels, ..settings(6, 20, 2) });
    for step in said.forecasts.iter().flat_map(|forecast| &forecast.steps) {
        assert!(step.further.is_sorted(), "{step:?}");
        assert_eq!([step.further[1], step.further[3], step.further[5]], step.quantiles, "{step:?}");
    }
}
