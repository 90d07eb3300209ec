//! Houses, margins, and a crop of two systems, counted by hand. In: bases of a few plots. Out: what the planner makes of them.

use super::{Base, Clarabel, Crop, Outlet, Outlook, PlanSettings, PlantingLine, Plot, Rule, Scenario, Standing, check, plan};
use chrono::{Days, NaiveDate};
use nongshi_domain::{Category, MonthSet, Mu};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a test writes its dates as YYYY-MM-DD")
}

/// Twelve weeks to the market, one week of selling, 1,650 kg per thousand birds at 20,000 CNY, two weeks empty.
fn broilers() -> Crop {
    Crop {
        crop: "黄羽鸡".into(),
        category: Category("meat".into()),
        system: "livestock".into(),
        days_to_harvest_min: 84,
        days_to_harvest_max: 84,
        harvest_window_days: 7,
        sow_months: MonthSet::parse("all").expect("every month"),
        yield_low_kg_per_mu: 1_500.0,
        yield_kg_per_mu: 1_650.0,
        yield_high_kg_per_mu: 1_750.0,
        family: "Phasianidae".into(),
        min_gap_same_family_weeks: 1,
        cost_cny_per_mu: 20_000.0,
        picking_cost_cny_per_kg: 0.0,
    }
}

/// Twenty-one weeks to the first egg, sixty weeks of laying, 18,000 kg per thousand hens at 120,000 CNY.
fn layers() -> Crop {
    Crop {
        crop: "鸡蛋".into(),
        category: Category("eggs".into()),
        days_to_harvest_min: 140,
        days_to_harvest_max: 147,
        harvest_window_days: 420,
        yield_kg_per_mu: 18_000.0,
        cost_cny_per_mu: 120_000.0,
        ..broilers()
    }
}

fn house(crop: Crop, standing: Vec<Standing>, price: f64, weeks: usize) -> (Base, Outlook) {
    let outlet = Outlet { name: "market".into(), price: vec![price; weeks], limit_kg: vec![f64::INFINITY; weeks] };
    let scenario = Scenario { name: "sure".into(), weight: 1.0, yield_factor: vec![1.0], outlets: vec![vec![outlet]] };
    let plots = vec![Plot { plot: "肉鸡舍1".into(), system: "livestock".into(), area: Mu(5.0) }];
    let base = Base { name: "farm".into(), plots, crops: vec![crop], standing };
    (base, Outlook { first_week: day("2026-11-23"), weeks, scenarios: vec![scenario] })
}

fn sown(base: &Base, outlook: &Outlook, sow_weeks: usize) -> Vec<PlantingLine> {
    let settings = PlanSettings { sow_weeks, ..PlanSettings::default() };
    plan(base, outlook, &settings, &Clarabel).unwrap_or_else(|error| panic!("{error}")).sowings
}

#[test]
fn an_empty_house_is_filled_once_and_then_rests() {
    let (base, outlook) = house(broilers(), Vec::new(), 20.0, 40);
    let lines = sown(&base, &outlook, 20);
    // 12 weeks, 1 of selling, 1 of clearing and 1 empty: the second batch may come in the 15th week after the first
    let weeks: Vec<i64> = lines.iter().map(|line| (line.sow_week - outlook.first_week).num_weeks()).collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.area == Mu(5.0)) && weeks[1] - weeks[0] >= 15, "{lines:?}");
}

#[test]
fn the_places_beside_a_batch_are_not_free() {
    // three thousand of five stand until late January: nothing joins them, and the house rests for two weeks more
    let stands = Standing { plot: "肉鸡舍1".into(), crop: "黄羽鸡".into(), sown_on: day("2026-11-02"), area: Mu(3.0) };
    let (base, outlook) = house(broilers(), vec![stands], 20.0, 40);
    assert!(sown(&base, &outlook, 12).is_empty());
    let lines = sown(&base, &outlook, 16);
    assert_eq!(lines.first().map(|line| line.sow_week), Some(day("2026-11-02") + Days::new(7 * 15)));
}

#[test]
fn a_house_built_for_hens_takes_no_other_bird() {
    let (mut base, outlook) = house(broilers(), Vec::new(), 20.0, 40);
    base.crops[0].system = "livestock 黄羽鸡".into();
    for (system, batches) in [("livestock;livestock 黄羽鸡", 1), ("livestock 黄羽鸡;livestock 鸡蛋", 1), ("livestock 鸡蛋", 0)] {
        base.plots[0].system = system.into();
        let lines = sown(&base, &outlook, 4);
        assert_eq!(lines.len(), batches, "{system}: {lines:?}");
    }
}

#[test]
fn two_batches_in_one_house_are_found_out() {
    let (base, outlook) = house(broilers(), Vec::new(), 20.0, 40);
    let settings = PlanSettings { sow_weeks: 20, ..PlanSettings::default() };
    let mut bad = plan(&base, &outlook, &settings, &Clarabel).expect("a plan");
    let mut second = bad.sowings[0].clone();
    second.sow_week = second.sow_week + Days::new(7);
    (second.harvest_from, second.harvest_to) = (second.harvest_from + Days::new(7), second.harvest_to + Days::new(7));
    (bad.sowings[0].area, second.area) = (Mu(2.0), Mu(2.0));
    bad.sowings.push(second);
    let broken = check(&base, &outlook, &settings, &bad).expect_err("two batches at once");
    assert!(broken.iter().any(|violation| violation.rule == Rule::Crowding && violation.text.contains("2 batches")), "{broken:?}");
}

#[test]
fn hens_are_placed_though_most_of_their_eggs_lie_beyond_the_outlook() {
    // five of sixty weeks of laying are in sight: 1,500 kg a thousand at 9 CNY against 10,000 CNY of the cost
    let (base, outlook) = house(layers(), Vec::new(), 9.0, 26);
    let lines = sown(&base, &outlook, 1);
    assert_eq!(lines.iter().map(|line| (line.area, line.margin_cny.round())).collect::<Vec<_>>(), [(Mu(5.0), 17_500.0)]);
    // at 6 CNY they do not earn their feed, and none are placed
    let (base, outlook) = house(layers(), Vec::new(), 6.0, 26);
    assert!(sown(&base, &outlook, 1).is_empty());
    // with nothing of the harvest in sight there is nothing to plan on
    let (base, outlook) = house(layers(), Vec::new(), 9.0, 21);
    assert!(sown(&base, &outlook, 1).is_empty());
}

#[test]
fn margins_of_lines_and_of_what_stands_add_up_to_the_plan() {
    let (mut base, mut outlook) = house(broilers(), Vec::new(), 20.0, 20);
    base.plots.push(Plot { plot: "肉鸡舍2".into(), system: "livestock".into(), area: Mu(4.0) });
    base.plots.push(Plot { plot: "肉鸡舍3".into(), system: "livestock".into(), area: Mu(1.0) });
    // the shops take 8 t, so that a tonne stands for every place; the rest of the week goes cheap
    base.standing.push(Standing { plot: "肉鸡舍3".into(), crop: "黄羽鸡".into(), sown_on: day("2026-11-23"), area: Mu(1.0) });
    let outlets = &mut outlook.scenarios[0].outlets[0];
    outlets[0].limit_kg = vec![8_000.0; 20];
    outlets.push(Outlet { name: "cheap".into(), price: vec![14.0; 20], limit_kg: vec![f64::INFINITY; 20] });
    let settings = PlanSettings { sow_weeks: 1, ..PlanSettings::default() };
    let made = plan(&base, &outlook, &settings, &Clarabel).expect("a plan");
    let (lines, ripe) = (&made.sowings, 1_650.0 * 10.0);
    assert_eq!(lines.len(), 2, "{lines:?}");
    let all = 8_000.0 * 20.0 + (ripe - 8_000.0) * 14.0;
    for line in lines {
        // each line has its kilograms' part of the dear and of the cheap sales
        let expect = all * line.area.0 * 1_650.0 / ripe - line.area.0 * 20_000.0;
        assert!((line.margin_cny - expect).abs() < 0.01 && line.margin_cny > 0.0, "{line:?}, expected {expect}");
    }
    let stands = all * 1_650.0 / ripe;
    let sum: f64 = lines.iter().map(|line| line.margin_cny).sum();
    assert!((sum + stands - made.summary.expected_cny).abs() < 0.01, "{sum} + {stands} is not {}", made.summary.expected_cny);
}

#[test]
fn a_crop_of_two_systems_grows_on_both_and_sells_as_one() {
    // upland: 1,000 kg a mu for 1,000 CNY; after rice: 500 kg for 600 CNY; the shops take 2,500 kg at 3 CNY
    let upland = Crop {
        crop: "马铃薯".into(),
        category: Category("vegetables".into()),
        system: "upland".into(),
        days_to_harvest_min: 28,
        days_to_harvest_max: 28,
        yield_kg_per_mu: 1_000.0,
        cost_cny_per_mu: 1_000.0,
        ..broilers()
    };
    let paddy = Crop { system: "paddy".into(), yield_kg_per_mu: 500.0, cost_cny_per_mu: 600.0, ..upland.clone() };
    let (mut base, mut outlook) = house(upland, Vec::new(), 3.0, 6);
    base.crops.push(paddy);
    base.plots = [("旱地", "upland"), ("水田", "paddy"), ("两用", "paddy;upland")]
        .map(|(plot, system)| Plot { plot: plot.into(), system: system.into(), area: Mu(1.0) })
        .into();
    let scenario = &mut outlook.scenarios[0];
    scenario.yield_factor.push(1.0);
    scenario.outlets[0][0].limit_kg = vec![2_500.0; 6];
    scenario.outlets.push(scenario.outlets[0].clone());
    let settings = PlanSettings { sow_weeks: 1, ..PlanSettings::default() };
    let made = plan(&base, &outlook, &settings, &Clarabel).expect("a plan");
    let lines: Vec<(&str, f64, f64)> =
        made.sowings.iter().map(|line| (line.plot.as_str(), line.expected_kg.0.round(), line.margin_cny.round())).collect();
    assert_eq!(lines, [("旱地", 1_000.0, 2_000.0), ("水田", 500.0, 900.0), ("两用", 1_000.0, 2_000.0)]);
    assert_eq!(made.harvests.iter().map(|line| line.sold.0.round()).collect::<Vec<_>>(), [2_500.0]);
    // one heap, one limit: what the first entry sells the second cannot sell again
    for scenario in &mut outlook.scenarios {
        scenario.outlets.iter_mut().for_each(|outlets| outlets[0].limit_kg = vec![1_000.0; 6]);
    }
    let made = plan(&base, &outlook, &settings, &Clarabel).expect("a plan");
    assert!((made.summary.expected_cny - 2_000.0).abs() < 0.01, "{:?}", made.sowings);
}
