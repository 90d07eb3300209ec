//! Plans that can be counted by hand, properties of any plan, and plans broken on purpose.

use super::{
    Base, Clarabel, Crop, Microlp, NOT_HARVESTED, Outlet, Outlook, Plan, PlanError, PlanSettings, Plot, Rule, Scenario, Solver, Standing,
    check, plan,
};
use chrono::NaiveDate;
use nongshi_domain::{Category, Kilograms, MonthSet, Mu, PricePerKg, Seed};
use proptest::prelude::*;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a test writes its dates as YYYY-MM-DD")
}

/// Four weeks to the harvest, `window` weeks of it, 1000 kg per mu, 1000 CNY per mu.
fn crop(name: &str, window: u32, family: &str) -> Crop {
    Crop {
        crop: name.into(),
        category: Category("vegetables".into()),
        system: "upland".into(),
        days_to_harvest_min: 24,
        days_to_harvest_max: 32,
        harvest_window_days: 7 * window,
        sow_months: MonthSet::parse("all").expect("every month"),
        yield_low_kg_per_mu: 600.0,
        yield_kg_per_mu: 1_000.0,
        yield_high_kg_per_mu: 1_300.0,
        family: family.into(),
        min_gap_same_family_weeks: 2,
        cost_cny_per_mu: 1_000.0,
        picking_cost_cny_per_kg: 0.5,
    }
}

fn plot(name: &str, system: &str, area: f64) -> Plot {
    Plot { plot: name.into(), system: system.into(), area: Mu(area) }
}

fn flat(name: &str, price: f64, limit_kg: f64, weeks: usize) -> Outlet {
    Outlet { name: name.into(), price: vec![price; weeks], limit_kg: vec![limit_kg; weeks] }
}

fn certain(weeks: usize, outlets: Vec<Vec<Outlet>>) -> Outlook {
    let scenario = Scenario { name: "sure".into(), weight: 1.0, yield_factor: vec![1.0; outlets.len()], outlets };
    Outlook { first_week: day("2026-11-23"), weeks, scenarios: vec![scenario] }
}

fn settings(sow_weeks: usize) -> PlanSettings {
    PlanSettings { sow_weeks, ..PlanSettings::default() }
}

/// One plot of 2 mu, one crop of one harvest week, one sowing week: shops take 1,200 kg at 3.5, the market all at 1.9.
fn tiny() -> (Base, Outlook, PlanSettings) {
    let base = Base {
        name: "tiny".into(),
        plots: vec![plot("A1", "upland", 2.0)],
        crops: vec![crop("菜心", 1, "Brassicaceae")],
        standing: Vec::new(),
    };
    let outlets = vec![flat("shops", 3.5, 1_200.0, 6), flat("market", 1.9, f64::INFINITY, 6)];
    (base, certain(6, vec![outlets]), settings(1))
}

/// Three crops of two families on three plots, something standing, five scenarios of yield, price and demand.
fn mixed(mut seed: Seed) -> (Base, Outlook, PlanSettings) {
    let mut crops = vec![crop("菜心", 1, "Brassicaceae"), crop("芥蓝", 2, "Brassicaceae"), crop("水稻", 2, "Poaceae")];
    crops[2].system = "paddy".into();
    crops[2].sow_months = MonthSet::parse("11").expect("November");
    crops[1].yield_kg_per_mu = 1_500.0;
    let standing = vec![Standing { plot: "A1".into(), crop: "芥蓝".into(), sown_on: day("2026-11-05"), area: Mu(1.5) }];
    let plots = vec![plot("A1", "upland", 4.0), plot("A2", "paddy;upland", 3.3), plot("B1", "paddy", 2.0)];
    let base = Base { name: "mixed".into(), plots, crops, standing };
    let weeks = 14;
    let mut scenario = |place: usize| {
        let yield_factor = (0..3).map(|_| 0.6 + 0.8 * seed.uniform()).collect();
        let mut outlets = |price: f64| {
            let price = price * (0.6 + 0.8 * seed.uniform());
            vec![flat("shops", price, 1_500.0 * (0.5 + seed.uniform()), weeks), flat("market", 0.4 * price, f64::INFINITY, weeks)]
        };
        let outlets = vec![outlets(3.5), outlets(4.0), outlets(3.2)];
        Scenario { name: format!("s{place}"), weight: [0.3, 0.25, 0.2, 0.15, 0.1][place], yield_factor, outlets }
    };
    let scenarios = (0..5).map(&mut scenario).collect();
    (base, Outlook { first_week: day("2026-11-23"), weeks, scenarios }, PlanSettings { tail: 0.2, ..settings(8) })
}

fn planned((base, outlook, settings): &(Base, Outlook, PlanSettings), solver: &dyn Solver) -> Plan {
    plan(base, outlook, settings, solver).unwrap_or_else(|error| panic!("{error}"))
}

fn near(found: f64, expect: f64) -> bool {
    (found - expect).abs() <= 1e-6 * expect.abs().max(1.0)
}

#[test]
fn a_plan_counted_by_hand() {
    for solver in [&Clarabel as &dyn Solver, &Microlp] {
        // a kg for the shops brings 3.0 after picking, one for the market 1.4; a mu costs 1,000 CNY = 1 CNY/kg:
        // both pay, so all 2 mu are sown: 1,200 x 3.0 + 800 x 1.4 - 2,000 = 2,720
        let plan = planned(&tiny(), solver);
        let [line] = plan.sowings.as_slice() else { panic!("{:?}", plan.sowings) };
        assert_eq!((line.plot.as_str(), line.crop.as_str(), line.area), ("A1", "菜心", Mu(2.0)));
        assert_eq!((line.sow_week, line.harvest_from, line.harvest_to), (day("2026-11-23"), day("2026-12-21"), day("2026-12-28")));
        assert!(line.is_order && near(line.expected_kg.0, 2_000.0));
        // all of it is this line's, so the line is worth what the plan is, and no loss because the last kg goes cheap
        assert!(near(line.margin_cny, 2_720.0) && near(line.margin_p10_cny, 2_720.0), "{line:?}");
        let sold: Vec<_> = plan.harvests.iter().map(|line| (line.outlet.as_str(), line.sold.0, line.price.0)).collect();
        assert_eq!(sold, [("shops", 1_200.0, 3.5), ("market", 800.0, 1.9)]);
        let summary = &plan.summary;
        for worth in [summary.expected_cny, summary.p10_cny, summary.cvar_cny, summary.objective_cny, summary.bound_cny] {
            assert!(near(worth, 2_720.0), "{worth}");
        }
        assert!(summary.gap_share >= 0.0 && summary.gap_share < 1e-6 && summary.rounding_cost_cny.abs() < 0.01);
    }
}

#[test]
fn what_does_not_pay_is_not_sown_and_what_does_not_sell_stays_on_the_field() {
    let (mut base, mut outlook, settings) = tiny();
    // the market now pays less than the picking: only what the shops take is sown, 1.2 mu
    outlook.scenarios[0].outlets[0][1].price = vec![0.4; 6];
    let plan = planned(&(base.clone(), outlook.clone(), settings.clone()), &Clarabel);
    assert_eq!(plan.sowings.iter().map(|line| line.area).collect::<Vec<_>>(), [Mu(1.2)]);
    // 1.5 mu stand and ripen in week 2: the shops take 1,200 kg, 300 stay; and half a mu is free beside them
    base.standing.push(Standing { plot: "A1".into(), crop: "菜心".into(), sown_on: day("2026-11-11"), area: Mu(1.5) });
    let plan = planned(&(base, outlook, settings), &Clarabel);
    let of_week: Vec<_> = plan.harvests.iter().filter(|line| line.week == day("2026-12-07")).collect();
    let sold: Vec<_> = of_week.iter().map(|line| (line.outlet.as_str(), line.sold.0, line.price.0)).collect();
    assert_eq!(sold, [("shops", 1_200.0, 3.5), (NOT_HARVESTED, 300.0, 0.0)]);
    assert_eq!(plan.sowings.iter().map(|line| line.area).collect::<Vec<_>>(), [Mu(0.5)]);
}

#[test]
fn no_price_at_all_means_no_sowing() {
    let (mut base, mut outlook, settings) = tiny();
    base.standing.push(Standing { plot: "A1".into(), crop: "菜心".into(), sown_on: day("2026-11-11"), area: Mu(1.5) });
    outlook.scenarios[0].outlets = vec![Vec::new()];
    let plan = planned(&(base, outlook, settings), &Clarabel);
    assert!(plan.sowings.is_empty() && plan.summary.status.starts_with("nothing is sown"), "{}", plan.summary.status);
    assert_eq!((plan.summary.expected_cny, plan.summary.bound_cny, plan.summary.gap_share), (0.0, 0.0, 0.0));
    assert!(plan.harvests.iter().all(|line| line.outlet == NOT_HARVESTED) && plan.harvests[0].sold == Kilograms(1_500.0));
}

#[test]
fn rotation_keeps_the_family_off_for_its_gap() {
    let (base, _, _) = tiny();
    let outlook = certain(20, vec![vec![flat("market", 3.0, f64::INFINITY, 20)]]);
    let plan = planned(&(base, outlook, settings(14)), &Clarabel);
    // lead 4, window 1, clearing 1, gap 2: the same land every 8 weeks, so 2 mu twice in 14 weeks of sowing
    let total: f64 = plan.sowings.iter().map(|line| line.area.0).sum();
    assert!(near(total, 4.0) && near(plan.summary.objective_cny, 4_000.0 * 1.5), "{:?}", plan.sowings);
}

#[test]
fn a_plot_that_is_overfull_takes_nothing_more() {
    let (mut base, outlook, settings) = tiny();
    base.standing.push(Standing { plot: "A1".into(), crop: "菜心".into(), sown_on: day("2026-11-23"), area: Mu(2.5) });
    assert!(planned(&(base, outlook, settings), &Clarabel).sowings.is_empty());
}

#[test]
fn scenarios_are_worth_what_they_say() {
    let case = mixed(Seed(3));
    let plan = planned(&case, &Clarabel);
    let summary = &plan.summary;
    assert!(!plan.sowings.is_empty());
    assert!(summary.value_of_stochastic_solution_cny >= -0.01 && summary.value_of_perfect_information_cny >= -0.01, "{summary:?}");
    assert!(summary.cvar_cny <= summary.expected_cny && summary.p10_cny <= summary.p50_cny && summary.p50_cny <= summary.p90_cny);
    let checked = check(&case.0, &case.1, &case.2, &plan).expect("plan() lets nothing else out");
    assert!(near(checked.objective_cny, summary.objective_cny));
    // the mean plan, valued by hand from its deterministic worth, never beats the bound either
    assert!(summary.deterministic_cny <= summary.bound_cny);
}

#[test]
fn what_cannot_be_planned_is_said_with_a_hint() {
    let (base, outlook, settings) = tiny();
    let refused = |base: &Base, outlook: &Outlook, settings: &PlanSettings| {
        let error = plan(base, outlook, settings, &Clarabel).expect_err("it makes no sense");
        (error.to_string(), error.hint().map(|hint| hint.0))
    };
    let bare = Base { plots: Vec::new(), ..base.clone() };
    let (said, hint) = refused(&bare, &outlook, &settings);
    assert_eq!(said, "base `tiny` has no plots");
    assert!(hint.is_some_and(|hint| hint.contains("reference/plots.csv")));
    let mut slip = base.clone();
    slip.standing.push(Standing { plot: "A1".into(), crop: "菜芯".into(), sown_on: day("2026-11-01"), area: Mu(1.0) });
    assert_eq!(refused(&slip, &outlook, &settings).1.as_deref(), Some("did you mean `菜心`?"));
    let tuesday = Outlook { first_week: day("2026-11-24"), ..outlook.clone() };
    assert_eq!(refused(&base, &tuesday, &settings), ("the outlook begins on 2026-11-24, a Tue".into(), Some("begin on 2026-11-23".into())));
    let mut light = outlook.clone();
    light.scenarios[0].weight = 0.9;
    assert_eq!(refused(&base, &light, &settings).0, "the sum of the scenarios' weights is 0.9, to be 1");
    let mut short = outlook.clone();
    short.scenarios[0].outlets[0][0].price.pop();
    assert!(refused(&base, &short, &settings).0.contains("weeks with a price of `菜心` at outlet `shops`: 5, expected 6"));
    let nowhere = PlanSettings { tail: 0.0, ..settings };
    assert!(matches!(plan(&base, &outlook, &nowhere, &Clarabel), Err(PlanError::Number { .. })));
}

/// One rule broken, everything else left alone; the checker names that rule.
#[test]
fn broken_plans_are_found_out() {
    type Break = fn(&mut Plan);
    let breaks: [(Rule, &str, Break); 21] = [
        (Rule::Land, "too much land", |plan| plan.sowings[0].area = Mu(9.0)),
        (Rule::Rotation, "the same family again at once", |plan| {
            let mut again = plan.sowings[0].clone();
            let weeks = chrono::Days::new(7 * 7);
            (again.sow_week, again.is_order) = (again.sow_week + weeks, false);
            (again.harvest_from, again.harvest_to) = (again.harvest_from + weeks, again.harvest_to + weeks);
            plan.sowings.push(again);
        }),
        (Rule::Months, "rice in January", |plan| {
            let rice = plan.sowings.iter_mut().find(|line| line.crop == "水稻").expect("rice pays here");
            let weeks = chrono::Days::new(7 * 6);
            (rice.sow_week, rice.is_order) = (rice.sow_week + weeks, false);
            (rice.harvest_from, rice.harvest_to) = (rice.harvest_from + weeks, rice.harvest_to + weeks);
        }),
        (Rule::System, "greens in the paddy", |plan| {
            let greens = plan.sowings.iter_mut().find(|line| line.crop != "水稻").expect("greens pay here");
            greens.plot = "B1".into();
        }),
        (Rule::Names, "a plot that is not there", |plan| plan.sowings[0].plot = "Z9".into()),
        (Rule::Weeks, "sown on a Tuesday", |plan| plan.sowings[0].sow_week = plan.sowings[0].sow_week + chrono::Days::new(1)),
        (Rule::Weeks, "harvested too early", |plan| plan.sowings[0].harvest_from = plan.sowings[0].sow_week),
        (Rule::Weeks, "an order that is none", |plan| plan.sowings[0].is_order = !plan.sowings[0].is_order),
        (Rule::Batch, "a batch too small", |plan| plan.sowings[0].area = Mu(0.4)),
        (Rule::Batch, "not whole tenths", |plan| plan.sowings[0].area = Mu(plan.sowings[0].area.0 - 0.05)),
        (Rule::Ripe, "more expected than grows", |plan| plan.sowings[0].expected_kg.0 *= 1.5),
        (Rule::Ripe, "more ripe than grows", |plan| plan.harvests[0].ripe.0 += 50.0),
        (Rule::Sales, "more sold than ripe", |plan| plan.harvests[0].sold.0 += 50.0),
        (Rule::Sales, "harvests left out", |plan| plan.harvests.clear()),
        (Rule::Value, "a price nobody pays", |plan| plan.harvests[0].price = PricePerKg(99.0)),
        (Rule::Value, "profit misreported", |plan| plan.summary.expected_cny += 5.0),
        (Rule::Value, "risk misreported", |plan| plan.summary.cvar_cny += 5.0),
        (Rule::Value, "a line's margin misreported", |plan| plan.sowings[0].margin_cny += 5_000.0),
        (Rule::Value, "a line's odds misreported", |plan| plan.sowings[0].margin_p10_cny += 5.0),
        (Rule::Value, "one scenario misreported", |plan| plan.summary.scenario_profits[2].2 -= 5.0),
        (Rule::Bound, "a bound below the plan", |plan| plan.summary.bound_cny = plan.summary.objective_cny - 1.0),
    ];
    let (base, outlook, settings) = mixed(Seed(3));
    let good = planned(&(base.clone(), outlook.clone(), settings.clone()), &Clarabel);
    for (rule, what, break_it) in breaks {
        let mut bad = good.clone();
        break_it(&mut bad);
        let violations = check(&base, &outlook, &settings, &bad).expect_err(what);
        assert!(violations.iter().any(|violation| violation.rule == rule), "{what}: {violations:?}");
    }
    let strict = PlanSettings { max_crops_per_plot: 1, ..settings.clone() };
    let crowded = check(&base, &outlook, &strict, &good);
    let alone = planned(&(base, outlook, strict), &Clarabel);
    assert!(alone.summary.objective_cny <= good.summary.bound_cny);
    assert!(crowded.is_err_and(|broken| broken.iter().all(|violation| violation.rule == Rule::Crowding)), "the good plan mixes crops");
}

proptest! {
    // each case solves seven programs
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Counted here a third time, day by day, from the lines alone.
    #[test]
    fn a_plan_never_uses_more_land_than_there_is(seed in 0..u64::MAX) {
        let case = mixed(Seed(seed));
        let plan = planned(&case, &Clarabel);
        for land in &case.0.plots {
            for day in case.1.first_week.iter_days().take(7 * 30) {
                let held = |line: &&super::PlantingLine| {
                    line.plot == land.plot && line.sow_week <= day && day < line.harvest_to + chrono::Days::new(7)
                };
                let used: f64 = plan.sowings.iter().filter(held).map(|line| line.area.0).sum();
                // 芥蓝 stands on 1.5 mu of A1 from its Monday, for 4 weeks, 2 of harvest and 1 of clearing
                let stands = land.plot == "A1" && day < self::day("2026-11-02") + chrono::Days::new(49);
                prop_assert!(used <= land.area.0 - if stands { 1.5 } else { 0.0 } + 1e-9, "{} on {day}: {used}", land.plot);
            }
        }
        prop_assert!(plan.summary.objective_cny <= plan.summary.bound_cny);
    }

    #[test]
    fn the_same_question_has_the_same_answer(seed in 0..u64::MAX) {
        let case = mixed(Seed(seed));
        let (once, again) = (planned(&case, &Clarabel), planned(&case, &Clarabel));
        let bytes = |plan: &Plan| serde_json::to_string(plan).expect("plain data");
        prop_assert_eq!(bytes(&once), bytes(&again));
    }
}
