//! Exponential smoothing against its reference, drawn paths and itself.
//! In: the air passengers, whole numbers, a small generator. Out: claims. Never: real data.

use super::*;
use crate::forecasting::local::textbook::{AIR_PASSENGERS, weekly};
use proptest::prelude::*;

fn pool(names: &[&str]) -> Vec<Shape> {
    POOL.into_iter().filter(|shape| names.contains(&shape.name())).collect()
}

#[test]
fn the_shapes_have_their_names() {
    assert_eq!(POOL.map(Shape::name), ["ANN", "MNN", "AAdN", "MAdN", "ANA", "MNM", "AAdA", "MAdM"]);
}

/// statsforecast 2.1.1 on the air passengers: `f = ets_f(y, m=12, model="MNM", damped=False)` and so on, then
/// `f["par"]`, its seasonal parts turned round, `-2 * f["loglik"]` and `forecast_ets(f, h=9)["mean"]`, first and last.
#[test]
fn the_reference_is_met_with_its_numbers_and_not_missed_without() {
    let reference = [
        ("ANN", [0.9999, 0.0, 0.0, 1.0], [111.904_731_785_655_56, 0.0], vec![], 863.893_369_288_079_8, [431.995_800_710_047; 2]),
        ("MNN", [0.9999, 0.0, 0.0, 1.0], [110.690_223_050_119_33, 0.0], vec![], 833.950_101_128_440_5, [431.995_800_710_047; 2]),
        (
            "AAdN",
            [0.9999, 0.0001, 0.0, 0.979_992_970_092_126_2],
            [107.263_127_545_458_16, 4.265_391_903_394_824],
            vec![],
            863.708_621_206_698_5,
            [432.228_289_644_639_4, 433.962_870_801_764_15],
        ),
        (
            "MAdN",
            [0.999_897_691_506_161, 0.0001, 0.0, 0.98],
            [105.562_598_618_000_52, 5.255_049_305_986_183],
            vec![],
            832.597_586_545_551_6,
            [432.280_566_916_415_64, 434.405_945_357_627_4],
        ),
        (
            "MNM",
            [0.365_124_252_428_505_5, 0.0, 0.002_381_143_426_915_685_6, 1.0],
            [128.371_280_562_918_3, 0.0],
            vec![
                0.909_302_141_147_344_8,
                0.880_015_997_483_790_7,
                1.013_401_137_953_132_5,
                0.981_242_929_967_033_8,
                0.981_758_495_761_136_4,
                1.101_222_651_909_233_2,
                1.235_198_838_363_578_6,
                1.222_625_432_087_486,
                1.055_882_261_197_972,
                0.921_333_550_015_545_8,
                0.802_406_726_725_668_5,
                0.895_609_837_388_080_2,
            ],
            712.175_903_602_220_8,
            [442.357_168_754_019_7, 513.703_202_717_608_6],
        ),
    ];
    for (name, [alpha, beta, gamma, phi], [level, trend], mut seasons, half, [first, last]) in reference {
        let shape = pool(&[name])[0];
        let (smoothing, mut state) = (Smoothing { alpha, beta, gamma, phi }, State { level, trend });
        let found = likelihood(shape, &AIR_PASSENGERS, smoothing, &mut state, &mut seasons) / 2.0;
        // sums in another order
        assert!((found - half).abs() < 1e-6, "{name}: {found} for {half}");
        let trend_at_end = state.trend;
        let fitted = FittedEts { shape, smoothing, state, seasons, variance: 1.0, scale: 1.0, criterion: 0.0 };
        let said = fitted.forecast(9);
        assert!((said[0] - first).abs() < 1e-6, "{name}: {said:?}");
        // The reference damps a trend by phi + phi + phi^2 ... at the third step; the paper's sum is phi + phi^2 + phi^3.
        let quirk = if shape.damped_trend { trend_at_end * (phi - phi.powi(9)) } else { 0.0 };
        assert!((said[8] + quirk - last).abs() < 1e-6, "{name}: {said:?}");
        let reached = search(shape, &AIR_PASSENGERS, 12, None).likelihood / 2.0;
        // one: the first seasonal parts are not searched, and a simplex comes to rest near the lowest place
        assert!(reached < half + 1.0, "{name}: {reached} for {half}");
    }
}

#[test]
fn growth_with_a_growing_season_is_seen_for_what_it_is() {
    let fitted = fit(&AIR_PASSENGERS, 12).expect("fitted");
    assert_eq!(fitted.shape().name(), "MAdM");
    let said = fitted.forecast(12);
    assert!(said[7] > 600.0 && said[10] < 450.0, "{said:?}");
    assert_eq!(fit(&AIR_PASSENGERS, 1).expect("fitted").shape().season, Season::None);
    // 23 months hold no two years.
    assert_eq!(fit(&AIR_PASSENGERS[..23], 12).expect("fitted").shape().season, Season::None);
}

#[test]
fn values_not_above_zero_refuse_the_multiplicative() {
    let mut values = AIR_PASSENGERS;
    values[20] = 0.0;
    let multiplicative = pool(&["MNN", "MAdN", "MNM", "MAdM"]);
    assert_eq!(
        fit_among(&values, 12, &multiplicative).expect_err("zero").to_string(),
        "value 20 is `0`, the model needs values above zero"
    );
    values[20] = -5.0;
    assert_eq!(
        fit_among(&values, 12, &multiplicative).expect_err("below").to_string(),
        "value 20 is `-5`, the model needs values above zero"
    );
    assert!(!fit(&values, 12).expect("the others will do").shape().multiplicative_error);
}

#[test]
fn an_update_is_a_longer_run_with_the_same_numbers() {
    for shape in POOL {
        let values: Vec<f64> = weekly().iter().map(|value| value + 40.0).collect();
        let candidate = search(shape, &values[..80], 7, None);
        let again = Candidate { first_seasons: candidate.first_seasons.clone(), ..candidate };
        let mut moved = filtered(candidate, 0.0, &values[..80], 1.0);
        values[80..].iter().for_each(|value| moved.update(*value));
        let whole = filtered(again, 0.0, &values, 1.0);
        assert_eq!((moved.state, moved.seasons), (whole.state, whole.seasons), "{}", shape.name());
    }
}

/// The variance of a multiplicative season, and of multiplicative errors, against many paths drawn one after the
/// other from a small generator of ours.
#[test]
fn spreads_of_multiplicative_shapes_are_those_of_drawn_paths() {
    let mut seed = 1_u64;
    let mut uniform = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    for name in ["MNN", "MAdN", "MNM", "MAdM"] {
        let fitted = fit_among(&AIR_PASSENGERS, 12, &pool(&[name])).expect("fitted");
        let expect = fitted.spread(15);
        let mut squares = [0.0; 15];
        let means = fitted.forecast(15);
        for _ in 0..4000 {
            let mut path = fitted.clone();
            for ahead in 0..15 {
                let error: f64 = ((0..12).map(|_| uniform()).sum::<f64>() - 6.0) * fitted.variance.sqrt();
                let value = path.forecast(1)[0] * (1.0 + error);
                squares[ahead] += (value - means[ahead]).powi(2) / 4000.0;
                path.update(value);
            }
        }
        for ahead in 0..15 {
            let ratio = squares[ahead].sqrt() / expect[ahead];
            // 5 %: four standard errors of a deviation drawn 4,000 times
            assert!((ratio - 1.0).abs() < 0.05, "{name} {ahead}: {ratio}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn additive_shapes_move_with_a_shift(shift in -60.0..60.0_f64, knocks in prop::collection::vec(-9.0..9.0_f64, 60)) {
        let mut level = 0.0;
        let values: Vec<f64> = knocks.iter().map(|knock| { level += 0.3 * knock; 100.0 + level + 0.7 * knock }).collect();
        let shifted: Vec<f64> = values.iter().map(|value| value + shift).collect();
        for name in ["ANN", "ANA"] {
            let said = |values: &[f64]| fit_among(values, 7, &pool(&[name])).map(|fitted| fitted.forecast(7)).expect("fitted");
            for (one, other) in said(&values).into_iter().zip(said(&shifted)) {
                // where the search ends moves a little with the size of the numbers
                prop_assert!((one + shift - other).abs() < 0.5, "{}: {} {}", name, one, other);
            }
        }
    }
}
