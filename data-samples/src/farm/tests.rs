//! What the bases promise. In: a simulated farm. Out: a verdict. Never: how the papers are spoiled (see `papers`).

use super::growth::{Planting, SPRAYING};
use super::*;
use crate::InMemory;
use chrono::Datelike;
use nongshi_domain::Seed;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const SEEDS: u64 = 5;
const LAST_DAY: &str = "2026-11-22";

fn settings(seed: u64) -> SampleSettings {
    SampleSettings::demo(Seed(seed), LAST_DAY.parse().expect("a day"), 1)
}

fn world(settings: &SampleSettings) -> (Calendar, Weather) {
    let calendar = Calendar::of(settings.first_day(), settings.last_day);
    let weather = Weather::of(settings.seed.derive("weather"), &calendar);
    (calendar, weather)
}

/// Grown once for all tests.
static FARMS: LazyLock<Vec<Farm>> = LazyLock::new(|| {
    let (calendar, _) = world(&settings(0));
    let grow = |seed| {
        let settings = settings(seed);
        Farm::of(&settings, &calendar, &Weather::of(settings.seed.derive("weather"), &calendar))
    };
    (1..=SEEDS).map(grow).collect()
});

/// The farm of a seed from 1 to `SEEDS`.
fn farm(seed: u64) -> &'static Farm {
    &FARMS[seed as usize - 1]
}

/// From the sowing to the last picking, or to the last day.
fn holds(planting: &Planting, day: NaiveDate) -> bool {
    let last = planting.pickings.last().filter(|_| planting.is_cleared);
    planting.sown_on <= day && last.is_none_or(|picking| day <= picking.on)
}

#[test]
fn land_is_never_used_twice_and_a_quarter_of_it_lies_bare() {
    let (settings, farm) = (settings(1), farm(1));
    let (mut land_mu, mut bare_mu) = (0.0, 0.0);
    for day in settings.first_sale().iter_days().take_while(|day| *day <= settings.last_day) {
        let mut bare_today_mu = 0.0;
        for plot in land().plots.iter().filter(|plot| plot.system != "livestock") {
            let standing = farm.plantings.iter().filter(|planting| std::ptr::eq(planting.plot, plot) && holds(planting, day));
            let used_mu: f64 = standing.map(|planting| planting.area_mu).sum();
            assert!(used_mu <= plot.area_mu + 1e-9, "{} {} on {day}: {used_mu} of {} mu", plot.base, plot.plot, plot.area_mu);
            bare_today_mu += plot.area_mu - used_mu;
            land_mu += plot.area_mu;
        }
        bare_mu += bare_today_mu;
    }
    assert!((0.15..0.40).contains(&(bare_mu / land_mu)), "{} of the land is bare", bare_mu / land_mu);
}

#[test]
fn every_crop_stands_on_its_land_in_its_months_and_its_family_keeps_off() {
    for seed in 1..=SEEDS {
        let farm = farm(seed);
        for planting in &farm.plantings {
            assert_eq!(planting.crop.system, planting.plot.system);
            assert!(planting.crop.sow_months.holds(planting.sown_on.month()), "{planting:?}");
            assert!((planting.area_mu * 10.0).fract().abs() < 1e-9 && planting.area_mu > 0.0, "tenths of mu: {}", planting.area_mu);
            let first =
                planting.pickings.first().map_or(i64::from(planting.crop.days_min), |picking| (picking.on - planting.sown_on).num_days());
            assert!(first >= i64::from(planting.crop.days_min), "{planting:?} is picked after {first} days");
            assert!(first <= i64::from(planting.crop.days_max) * 3 / 2 + 14, "{planting:?} is picked after {first} days");
        }
        let mut keys = BTreeSet::new();
        for planting in &farm.plantings {
            assert!(keys.insert((&planting.plot.base, &planting.plot.plot, &planting.crop.crop, planting.sown_on)), "{planting:?}");
        }
    }
}

/// What a planting keeps from its family on a day: its area while it stands, and as long after it as the calendar says.
fn kept_off_mu(planting: &Planting, day: NaiveDate) -> f64 {
    let bare_on = planting.pickings.last().filter(|_| planting.is_cleared).map(|picking| picking.on);
    let is_kept = planting.sown_on <= day && bare_on.is_none_or(|bare_on| day < bare_on + Days::new(planting.crop.gap_days()));
    if is_kept { planting.area_mu } else { 0.0 }
}

#[test]
fn no_family_follows_itself_within_the_gap_of_the_calendar() {
    let farm = farm(2);
    let mut checked = 0;
    for planting in farm.plantings.iter().filter(|planting| planting.crop.gap_years > 0.0) {
        let is_kin = |other: &&Planting| std::ptr::eq(other.plot, planting.plot) && other.crop.family == planting.crop.family;
        let kept: f64 = farm.plantings.iter().filter(is_kin).map(|kin| kept_off_mu(kin, planting.sown_on)).sum();
        assert!(kept <= planting.plot.area_mu + 1e-9, "{planting:?}: {kept} mu for its family");
        checked += 1;
    }
    assert!(checked > 100, "{checked} plantings of families with a gap");
}

#[test]
fn nothing_is_picked_before_its_safe_day_or_without_a_passed_test() {
    let (mut failed, mut tested, mut waiting) = (0, 0, 0);
    for seed in 1..=SEEDS {
        let last_day: NaiveDate = settings(seed).last_day;
        for planting in &farm(seed).plantings {
            for picking in &planting.pickings {
                assert!(picking.on <= last_day && picking.on > planting.sown_on && picking.grams > 0);
                let blocks = |work: &&growth::Work| work.on <= picking.on && work.safe_from.is_some_and(|safe| safe > picking.on);
                assert_eq!(planting.works.iter().find(blocks).map(|work| work.work), None, "{picking:?} of {planting:?}");
                let before = planting.tests.iter().rfind(|test| test.on < picking.on);
                let is_grain = planting.crop.category == "grain_oil";
                assert!(is_grain || before.is_some_and(|test| test.is_passed()), "{picking:?} of {planting:?}");
            }
            tested += planting.tests.len();
            failed += planting.tests.iter().filter(|test| !test.is_passed()).count();
            waiting += planting.works.iter().filter(|work| work.safe_from.is_some_and(|safe| safe > last_day)).count();
            assert!(planting.works.iter().all(|work| (work.work == SPRAYING) == work.safe_from.is_some()));
        }
    }
    let share = failed as f64 / tested as f64;
    assert!((0.008..0.04).contains(&share), "{failed} of {tested} tests failed");
    assert!(waiting >= 10, "{waiting} plantings of five farms are kept from harvest by a spraying today");
}

#[test]
fn papers_of_one_plot_and_day_hold_one_work_of_a_kind() {
    let mut keys = BTreeSet::new();
    for planting in &farm(3).plantings {
        for work in &planting.works {
            let key = (&planting.plot.base, &planting.plot.plot, work.on, work.work);
            assert!(keys.insert((key.0.clone(), key.1.clone(), key.2, key.3)), "{key:?} stands twice");
        }
    }
}

#[test]
fn yields_are_near_the_calendar_and_storms_are_seen() {
    let mut shares: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut factors = Vec::new();
    for seed in 1..=SEEDS {
        for planting in farm(seed).plantings.iter().filter(|planting| planting.is_cleared) {
            let grams: i64 = planting.pickings.iter().map(|picking| picking.grams).sum();
            let share = grams as f64 / 1000.0 / planting.area_mu / planting.crop.yield_kg_per_mu;
            shares.entry(&planting.crop.crop).or_default().push(share);
            factors.push(planting.weather_factor);
        }
    }
    for (crop, shares) in &shares {
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        assert!((0.7..1.08).contains(&mean), "{crop}: {mean} of the calendar over {} plantings", shares.len());
    }
    let grown = land().crops.iter().filter(|crop| crop.system != "livestock").count();
    assert_eq!(shares.len(), grown, "every crop of the calendar is grown somewhere: {:?}", shares.keys());
    let bad = factors.iter().filter(|factor| **factor < 0.75).count() as f64 / factors.len() as f64;
    assert!((0.02..0.35).contains(&bad), "{bad} of the plantings lost a quarter to the weather");
}

#[test]
fn papers_may_begin_with_the_weather_and_end_on_any_day() {
    for last_day in ["2024-02-29", "2026-12-31"] {
        let last_day = last_day.parse().expect("a day");
        let settings = SampleSettings { price_years: 1, sales_years: 1, last_day, ..settings(8) };
        let (calendar, weather) = world(&settings);
        let farm = Farm::of(&settings, &calendar, &weather);
        let standing = farm.plantings.iter().filter(|planting| holds(planting, settings.first_sale())).count();
        assert!(standing >= 10, "{standing} plantings stand on the first day");
        assert!(farm.plantings.iter().any(|planting| planting.sown_on > last_day - Days::new(30)));
    }
}

/// The files of the fields, by path.
fn files(seed: u64) -> (Vec<crate::SampleFile>, crate::Record, Vec<crate::SampleFile>) {
    let (mut inbox, mut truth) = (InMemory::default(), InMemory::default());
    let settings = settings(seed);
    let (calendar, weather) = world(&settings);
    let mut out = Out::new(&mut inbox, Some(&mut truth));
    let farm = write(&settings, &calendar, &weather, &mut out).expect("memory takes every byte");
    crate::livestock::write(&settings, &calendar, &mut out).expect("memory takes every byte");
    crate::grain::write(&settings, &calendar, &farm, &mut out).expect("memory takes every byte");
    crate::shipments::write(&settings, &calendar, &weather, &farm, &mut out).expect("memory takes every byte");
    let record = out.record();
    (inbox.into_files(), record, truth.into_files())
}

#[test]
fn one_seed_one_farm_another_seed_another_of_the_same_shape() {
    let (first, again, other) = (files(1), files(1), files(2));
    assert!(first == again);
    let paths = |files: &[crate::SampleFile]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&first.0), paths(&other.0));
    assert!(first.0.iter().zip(&other.0).all(|(one, two)| one.bytes != two.bytes));
    assert_eq!(paths(&first.2), ["truth/yields.csv"]);
}

#[test]
fn every_feed_has_dirt_where_the_record_says_and_less_than_a_hundredth_of_it() {
    let (files, record, _) = files(1);
    let feeds: BTreeSet<&str> = record.dirt.iter().map(|dirt| dirt.feed).collect();
    let all = ["cohorts", "field_log", "grain_stocks", "harvests", "inspections", "plantings", "shipments"];
    assert_eq!(feeds.into_iter().collect::<Vec<_>>(), all);
    for file in &files {
        let encoding = if file.path.contains("cohorts") { encoding_rs::GBK } else { encoding_rs::UTF_8 };
        let (text, _, had_errors) = encoding.decode(&file.bytes);
        assert!(!had_errors, "{} is in its encoding", file.path);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("records of one length")).collect();
        let mut bad_rows = 0;
        for dirt in record.dirt.iter().filter(|dirt| dirt.path == file.path) {
            match &dirt.kind {
                crate::Kind::Rejected { row, rule: "duplicate" } => {
                    assert_eq!((rows[0].clone(), rows.len()), (rows[row - 1].clone(), *row))
                }
                crate::Kind::Rejected { row, rule } => {
                    bad_rows += 1;
                    let cells = &rows[row - 1];
                    let is_odd = match *rule {
                        "required" => cells.iter().any(str::is_empty),
                        "range" => cells.iter().any(|cell| cell == "0" || cell.starts_with('-')),
                        "ordered" => cells[6].parse::<f64>().expect("kg") > cells[5].parse::<f64>().expect("kg"),
                        _ => cells
                            .iter()
                            .any(|cell| ["词", "未", "待", "约", "到付", "筐", "巡田", "年"].iter().any(|word| cell.contains(word))),
                    };
                    assert!(is_odd, "{} row {row}: {}: {cells:?}", dirt.path, dirt.what);
                }
                crate::Kind::OtherUnit { row, grams, .. } => {
                    let cells = &rows[row - 1];
                    assert_eq!((&cells[6], cells[5].parse::<u64>().expect("斤") * 500), ("斤", *grams));
                }
                crate::Kind::Encoding(_) => assert!(file.bytes.starts_with(b"\xef\xbb\xbf") || std::str::from_utf8(&file.bytes).is_err()),
                other => panic!("no such dirt here: {other:?}"),
            }
        }
        assert!(bad_rows * 100 < rows.len().max(1), "{}: {bad_rows} bad rows of {}", file.path, rows.len());
    }
}
