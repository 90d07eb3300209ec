//! What a booster promises. In: small synthetic rows. Out: claims. Never: real data.

use super::*;
use nongshi_domain::Seed;
use proptest::prelude::*;

fn binned(columns: &[Vec<f32>]) -> Binned {
    let borrowed: Vec<&[f32]> = columns.iter().map(Vec::as_slice).collect();
    Binned::new(&borrowed, MOST_BINS).expect("rows")
}

fn lesson<'a>(binned: &'a Binned, targets: &'a [f64]) -> Lesson<'a> {
    Lesson { binned, targets, weights: None, held_out: &[] }
}

fn predicted(booster: &Booster, columns: &[Vec<f32>]) -> Vec<f64> {
    let borrowed: Vec<&[f32]> = columns.iter().map(Vec::as_slice).collect();
    booster.predict(&borrowed).expect("as wide")
}

/// Demand: what is below zero is zero.
fn floored(targets: &[f64]) -> Vec<f64> {
    targets.iter().map(|target| target.max(0.0)).collect()
}

/// One whole step: a single tree says what its leaves hold.
fn one_tree(loss: Loss, leaves: u32, leaf_rows: u32) -> BoostSettings {
    BoostSettings { rounds: 1, rate: 1.0, leaves, leaf_rows, ..BoostSettings::for_loss(loss) }
}

/// Rows of `columns` noisy columns; the target bends with the first and steps with the second.
fn noisy(rows: usize, columns: usize, seed: u64) -> (Vec<Vec<f32>>, Vec<f64>) {
    let mut seed = Seed(seed).derive("noisy");
    let cells: Vec<Vec<f32>> = (0..columns).map(|_| (0..rows).map(|_| seed.normal() as f32).collect()).collect();
    let target = |row: usize, noise: f64| {
        let (bend, step) = (f64::from(cells[0][row]), if cells[1][row] > 0.3 { 2.0 } else { 0.0 });
        bend * bend + step + 0.5 * noise
    };
    let targets = (0..rows).map(|row| target(row, seed.normal())).collect();
    (cells, targets)
}

#[test]
fn a_stump_says_the_mean_of_its_sides() {
    let (cells, targets) = (vec![vec![1.0, 2.0, 3.0, 4.0]], [1.0, 2.0, 9.0, 10.0]);
    let booster = fit(&lesson(&binned(&cells), &targets), &one_tree(Loss::Squared, 2, 1), Seed(1)).expect("rows");
    // Around the mean 5.5: 4² + 4² over two rows a side, (8² + 8²)/2 = 64 gained of 65.
    assert_eq!(predicted(&booster, &cells), [1.5, 1.5, 9.5, 9.5]);
    assert_eq!(booster.gains, [64.0]);
    assert_eq!(booster.predict_row(&[2.5]), Ok(1.5), "half-way belongs to the low side");
    let ridged = BoostSettings { ridge: 2.0, ..one_tree(Loss::Squared, 2, 1) };
    let booster = fit(&lesson(&binned(&cells), &targets), &ridged, Seed(1)).expect("rows");
    assert_eq!(predicted(&booster, &cells), [3.5, 3.5, 7.5, 7.5], "8 / (2 + 2) from the mean");
}

#[test]
fn leaves_of_absolute_and_quantile_loss_hold_weighted_quantiles() {
    let cells = vec![vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0]];
    let (targets, weights) = ([1.0, 2.0, 30.0, 50.0, 60.0, 90.0], [1.0, 1.0, 5.0, 1.0, 1.0, 1.0]);
    let said = |loss, weights| {
        let binned = binned(&cells);
        let booster = fit(&Lesson { weights, ..lesson(&binned, &targets) }, &one_tree(loss, 2, 1), Seed(1)).expect("rows");
        [booster.predict_row(&[0.0]).expect("a cell"), booster.predict_row(&[1.0]).expect("a cell")]
    };
    assert_eq!(said(Loss::Absolute, None), [2.0, 60.0]);
    assert_eq!(said(Loss::Absolute, Some(&weights[..])), [30.0, 60.0]);
    assert_eq!(said(Loss::Quantile(0.75), None), [30.0, 90.0]);
    assert_eq!(said(Loss::Quantile(0.1), Some(&weights[..])), [1.0, 50.0]);
}

#[test]
fn the_leaf_that_gains_most_is_cut_first() {
    // The root parts low from high; then the wide half is worth a cut, the narrow one is not.
    let (cells, targets) = (vec![(0..8).map(|i| i as f32).collect::<Vec<_>>()], [0.0, 0.0, 1.0, 1.0, 100.0, 100.0, 140.0, 140.0]);
    let booster = fit(&lesson(&binned(&cells), &targets), &one_tree(Loss::Squared, 3, 1), Seed(1)).expect("rows");
    assert_eq!(predicted(&booster, &cells), [0.5, 0.5, 0.5, 0.5, 100.0, 100.0, 140.0, 140.0]);
}

#[test]
fn a_missing_cell_follows_what_it_meant_when_learnt() {
    let missing = f32::NAN;
    let cells = vec![vec![1.0, 1.0, missing, missing, 2.0, 2.0]];
    let booster = |targets: &[f64]| fit(&lesson(&binned(&cells), targets), &one_tree(Loss::Squared, 2, 1), Seed(1)).expect("rows");
    let said = |targets: &[f64]| booster(targets).predict_row(&[missing]).expect("a cell");
    assert_eq!(said(&[0.0, 0.0, 0.0, 0.0, 6.0, 6.0]), 0.0);
    assert_eq!(said(&[0.0, 0.0, 6.0, 6.0, 6.0, 6.0]), 6.0);
    assert_eq!(said(&[3.0, 3.0, 6.0, 6.0, 3.0, 3.0]), 6.0);
    // Never missing when learnt: with the larger side.
    let full = vec![vec![1.0, 1.0, 1.0, 2.0]];
    let booster = fit(&lesson(&binned(&full), &[5.0, 5.0, 5.0, 9.0]), &one_tree(Loss::Squared, 2, 1), Seed(1)).expect("rows");
    assert_eq!(booster.predict_row(&[missing]), Ok(5.0));
}

#[test]
fn weights_are_repeated_rows() {
    let (cells, targets) = (vec![(0..40).map(|i| (i * 7 % 40) as f32).collect::<Vec<_>>()], (0..40).map(|i| f64::from(i * i % 23)));
    let targets: Vec<f64> = targets.collect();
    let times: Vec<usize> = (0..40).map(|i| i % 4).collect();
    let weights: Vec<f64> = times.iter().map(|times| *times as f64).collect();
    let repeat = |row: usize| std::iter::repeat_n(row, times[row]);
    let rows: Vec<usize> = (0..40).flat_map(repeat).collect();
    let repeated = [rows.iter().map(|row| cells[0][*row]).collect::<Vec<_>>()];
    let repeated_targets: Vec<f64> = rows.iter().map(|row| targets[*row]).collect();
    for loss in [Loss::Absolute, Loss::Quantile(0.25), Loss::Squared, Loss::Tweedie(1.4)] {
        let settings = BoostSettings { rounds: 5, rate: 0.3, leaves: 6, leaf_rows: 1, ..BoostSettings::for_loss(loss) };
        // The same bins on both sides: those of all forty values.
        let weighed = binned(&cells);
        let mut copied = weighed.clone();
        copied.append(&[&repeated[0]]).expect("as wide");
        let all_targets: Vec<f64> = targets.iter().chain(&repeated_targets).copied().collect();
        let only_copies: Vec<f64> = (0..all_targets.len()).map(|row| if row < 40 { 0.0 } else { 1.0 }).collect();
        let first = fit(&Lesson { weights: Some(&weights), ..lesson(&weighed, &targets) }, &settings, Seed(1)).expect("rows");
        let second = fit(&Lesson { weights: Some(&only_copies), ..lesson(&copied, &all_targets) }, &settings, Seed(1)).expect("rows");
        for (a, b) in predicted(&first, &cells).into_iter().zip(predicted(&second, &cells)) {
            // the same sums in other units, leaves kept in single precision
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{loss:?}: {a} for {b}");
        }
    }
}

#[test]
fn every_loss_learns_and_tweedie_keeps_the_mean() {
    let (cells, targets) = noisy(4000, 4, 1);
    let (fresh, truth) = noisy(2000, 4, 2);
    let error = |loss: Loss, said: &[f64]| -> f64 {
        let score = |said: f64| if matches!(loss, Loss::Tweedie(_)) { said.ln() } else { said };
        said.iter().zip(&truth).map(|(said, truth)| loss.of(score(*said), *truth)).sum::<f64>() / truth.len() as f64
    };
    for (loss, most) in [(Loss::Absolute, 0.5), (Loss::Quantile(0.9), 0.6), (Loss::Squared, 0.25)] {
        let booster = fit(&lesson(&binned(&cells), &targets), &BoostSettings::for_loss(loss), Seed(1)).expect("rows");
        let said = error(loss, &predicted(&booster, &fresh));
        let unlearnt = Booster { trees: Vec::new(), ..booster.clone() };
        let flat = error(loss, &predicted(&unlearnt, &fresh));
        assert!(said < most * flat, "{loss:?}: {said} for {flat}");
        let importance = booster.importance();
        assert!(importance[0] > 0.3 && importance[0] + importance[1] > 0.7, "{importance:?}");
        assert!((importance.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    }
    let targets = floored(&targets);
    let booster = fit(&lesson(&binned(&cells), &targets), &BoostSettings::for_loss(Loss::Tweedie(1.3)), Seed(1)).expect("rows");
    let said = predicted(&booster, &cells);
    let (said_mean, mean) = (said.iter().sum::<f64>() / 4000.0, targets.iter().sum::<f64>() / 4000.0);
    // by the deviance's slope a weighted mean is met, not quite the plain one
    assert!((said_mean / mean - 1.0).abs() < 0.02, "{said_mean} for {mean}");
    assert!(said.iter().all(|value| *value > 0.0));
}

#[test]
fn quantiles_cover_their_share() {
    let (cells, targets) = noisy(4000, 3, 5);
    let (fresh, truth) = noisy(4000, 3, 6);
    for level in [0.1, 0.9] {
        let settings = BoostSettings { rounds: 150, leaf_rows: 40, ..BoostSettings::for_loss(Loss::Quantile(level)) };
        let booster = fit(&lesson(&binned(&cells), &targets), &settings, Seed(1)).expect("rows");
        let below = predicted(&booster, &fresh).iter().zip(&truth).filter(|(said, truth)| *truth <= *said).count();
        // trees learn some noise, which draws both levels inward
        assert!((below as f64 / 4000.0 - level).abs() < 0.06, "{level}: {below} of 4000");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_directed_column_never_turns(seed in 0_u64..1000, which in 0_usize..4, rising in any::<bool>()) {
        let (mut cells, targets) = noisy(400, 3, seed);
        let targets = floored(&targets);
        (0..400).step_by(17).for_each(|row| cells[0][row] = f32::NAN);
        let loss = [Loss::Absolute, Loss::Quantile(0.8), Loss::Squared, Loss::Tweedie(1.5)][which];
        let way = if rising { Direction::Rising } else { Direction::Falling };
        let directions = vec![way, Direction::Free, Direction::Falling];
        let settings = BoostSettings { rounds: 25, rate: 0.3, leaf_rows: 3, directions, ..BoostSettings::for_loss(loss) };
        let booster = fit(&lesson(&binned(&cells), &targets), &settings, Seed(1)).expect("rows");
        prop_assert!(booster.rounds() > 0 && booster.gains[1] > 0.0);
        for row in 0..40 {
            let said = |step: i32| {
                let cells = [step as f32 * 0.1, cells[1][row], cells[2][row]];
                booster.predict_row(&cells).expect("three cells")
            };
            for step in -25..25 {
                let (here, there) = (said(step), said(step + 1));
                prop_assert!(if rising { here <= there } else { here >= there }, "{loss:?} {way:?}: {here}, {there}");
            }
        }
    }
}

#[test]
fn the_bytes_are_the_same_on_any_number_of_threads() {
    let (cells, targets) = noisy(12_000, 30, 3);
    let targets = floored(&targets);
    let binned = binned(&cells);
    let weights: Vec<f64> = (0..12_000).map(|row| 0.3 + (row % 7) as f64 / 10.0).collect();
    for (loss, weights) in [(Loss::Absolute, None), (Loss::Tweedie(1.3), None), (Loss::Squared, Some(&weights[..]))] {
        let grown = |threads| {
            let settings = BoostSettings { rounds: 6, row_share: 0.8, column_share: 0.7, threads, ..BoostSettings::for_loss(loss) };
            fit(&Lesson { weights, ..lesson(&binned, &targets) }, &settings, Seed(9)).expect("rows")
        };
        assert_eq!(grown(1), grown(2));
        assert_eq!(grown(1), grown(5));
    }
}

#[test]
fn the_seed_moves_samples_and_nothing_else() {
    let (cells, targets) = noisy(600, 6, 4);
    let binned = binned(&cells);
    let grown = |row_share, column_share, seed| {
        let settings = BoostSettings { rounds: 8, row_share, column_share, ..BoostSettings::for_loss(Loss::Squared) };
        fit(&lesson(&binned, &targets), &settings, Seed(seed)).expect("rows")
    };
    assert_eq!(grown(1.0, 1.0, 1), grown(1.0, 1.0, 2));
    assert_eq!(grown(0.6, 0.5, 1), grown(0.6, 0.5, 1));
    assert_ne!(grown(0.6, 1.0, 1), grown(0.6, 1.0, 2));
    assert_ne!(grown(1.0, 0.5, 1), grown(1.0, 0.5, 2));
}

#[test]
fn growing_stops_when_held_out_rows_gain_no_more() {
    let (cells, targets) = noisy(900, 3, 7);
    let binned = binned(&cells);
    let held_out: Vec<u32> = (600..900).collect();
    let settings = BoostSettings { rounds: 2000, rate: 0.3, patience: 10, ..BoostSettings::for_loss(Loss::Squared) };
    let lesson = Lesson { held_out: &held_out, ..lesson(&binned, &targets) };
    let stopped = fit(&lesson, &settings, Seed(1)).expect("rows");
    assert!((2..300).contains(&stopped.rounds()), "{} trees", stopped.rounds());
    // What was held out was not learnt from: other targets there, the same trees.
    let mut other = targets.clone();
    other[600..].iter_mut().for_each(|target| *target = 77.0);
    let unjudged = BoostSettings { patience: 0, rounds: 5, ..settings.clone() };
    let first = fit(&lesson, &unjudged, Seed(1)).expect("rows");
    assert_eq!(first, fit(&Lesson { targets: &other, ..lesson }, &unjudged, Seed(1)).expect("rows"));
    // The trees kept are the first of those that all rounds would have grown.
    let all = fit(&lesson, &BoostSettings { patience: 0, rounds: stopped.rounds() as u32, ..settings }, Seed(1)).expect("rows");
    assert_eq!(stopped, all);
}

#[test]
fn appended_rows_refit_by_the_same_bins() {
    let (cells, targets) = noisy(500, 3, 8);
    let part = |from: usize, to: usize| cells.iter().map(|column| column[from..to].to_vec()).collect::<Vec<_>>();
    let mut grown = binned(&part(0, 300));
    let early = grown.clone();
    let more = part(300, 500);
    grown.append(&more.iter().map(Vec::as_slice).collect::<Vec<_>>()).expect("as wide");
    let settings = BoostSettings { rounds: 10, ..BoostSettings::for_loss(Loss::Squared) };
    let weights: Vec<f64> = (0..500).map(|row| if row < 300 { 1.0 } else { 0.0 }).collect();
    let first = fit(&Lesson { weights: Some(&weights[..300]), ..lesson(&early, &targets[..300]) }, &settings, Seed(1)).expect("rows");
    let same = fit(&Lesson { weights: Some(&weights), ..lesson(&grown, &targets) }, &settings, Seed(1)).expect("rows");
    assert_eq!(first.trees[0].nodes, same.trees[0].nodes);
    let refitted = fit(&lesson(&grown, &targets), &settings, Seed(1)).expect("rows");
    assert_ne!(first, refitted, "the new rows are learnt from");
}

#[test]
fn a_booster_survives_being_written_down() {
    let (mut cells, targets) = noisy(500, 4, 10);
    let targets = floored(&targets);
    (0..500).step_by(9).for_each(|row| cells[2][row] = f32::NAN);
    for loss in [Loss::Quantile(0.9), Loss::Tweedie(1.3)] {
        let booster = fit(&lesson(&binned(&cells), &targets), &BoostSettings::for_loss(loss), Seed(1)).expect("rows");
        let text = serde_json::to_string(&booster).expect("written");
        let read: Booster = serde_json::from_str(&text).expect("read");
        assert_eq!(read, booster);
        assert_eq!(predicted(&read, &cells), predicted(&booster, &cells));
    }
}

#[test]
fn rows_are_predicted_as_the_scores_they_were_learnt_with() {
    // The codes that trees were grown on and the thresholds they are asked by must part the rows alike.
    let (mut cells, targets) = noisy(3000, 5, 12);
    (0..3000).step_by(5).for_each(|row| cells[0][row] = f32::NAN);
    let binned = binned(&cells);
    let booster = fit(&lesson(&binned, &targets), &BoostSettings::for_loss(Loss::Squared), Seed(1)).expect("rows");
    for (row, said) in predicted(&booster, &cells).into_iter().enumerate() {
        let coded = booster.trees.iter().fold(f64::from(booster.start), |score, tree| score + tree.at_codes(&binned, row));
        assert_eq!(said, coded);
        let own: Vec<f32> = cells.iter().map(|column| column[row]).collect();
        assert_eq!(booster.predict_row(&own), Ok(said));
    }
}

#[test]
fn what_cannot_be_learnt_is_refused_in_words() {
    let told = |result: Result<Booster, BoostError>| result.expect_err("refused").to_string();
    let squared = BoostSettings::for_loss(Loss::Squared);
    let bins = |columns: &[&[f32]], most| Binned::new(columns, most).expect_err("refused").to_string();
    assert_eq!(bins(&[], 255), "no rows to learn from");
    assert_eq!(bins(&[&[], &[]], 255), "no rows to learn from");
    assert_eq!(bins(&[&[1.0, 2.0], &[1.0]], 255), "a column has 1 entries, 2 belong there");
    assert_eq!(bins(&[&[1.0, f32::INFINITY]], 255), "row 1 of column 0 is infinite; leave it missing (NaN)");
    assert_eq!(bins(&[&[1.0]], 256), "most_bins is 256, it must be 2 to 255");
    let four = binned(&[vec![1.0, 2.0, 3.0, 4.0]]);
    let targets = [1.0, 2.0, 3.0, 4.0];
    let whole = lesson(&four, &targets);
    let fitted = |lesson: Lesson<'_>| told(fit(&lesson, &squared, Seed(1)));
    assert_eq!(fitted(Lesson { targets: &targets[..3], ..whole }), "targets has 3 entries, 4 belong there");
    let holed = [1.0, f64::NAN, 3.0, 4.0];
    assert_eq!(fitted(Lesson { targets: &holed, ..whole }), "the target of row 1 is NaN, a number between -1e30 and 1e30 belongs there");
    assert_eq!(fitted(Lesson { weights: Some(&[1.0, 1.0, -1.0, 1.0]), ..whole }), "the weight of row 2 is -1, it must be 0 or more");
    assert_eq!(fitted(Lesson { weights: Some(&[0.0; 4]), ..whole }), "no rows to learn from");
    assert_eq!(fitted(Lesson { held_out: &[2, 1], ..whole }), "held-out row 1 is not one of the rows, or stands out of order");
    assert_eq!(fitted(Lesson { held_out: &[0, 1, 2, 3], ..whole }), "no rows to learn from");
    let negative = [1.0, -2.0, 3.0, 4.0];
    let tweedie = fit(&Lesson { targets: &negative, ..whole }, &BoostSettings::for_loss(Loss::Tweedie(1.3)), Seed(1));
    assert_eq!(told(tweedie), "the target of row 1 is -2, Tweedie loss takes 0 to 1e30");
    let set = |settings: BoostSettings| told(fit(&whole, &settings, Seed(1)));
    assert_eq!(set(BoostSettings::for_loss(Loss::Quantile(1.0))), "quantile level is 1, it must be between 0 and 1");
    assert_eq!(set(BoostSettings { rate: 0.0, ..squared.clone() }), "rate is 0, it must be above 0, at most 1");
    assert_eq!(set(BoostSettings { leaves: 1, ..squared.clone() }), "leaves is 1, it must be 2 to 1024");
    assert_eq!(set(BoostSettings { directions: vec![Direction::Free; 2], ..squared.clone() }), "directions has 2 entries, 1 belong there");
    let booster = fit(&whole, &squared, Seed(1)).expect("rows");
    assert_eq!(booster.predict_row(&[1.0, 2.0]).expect_err("refused").to_string(), "the row has 2 entries, 1 belong there");
}

#[test]
fn rows_that_all_wish_the_same_grow_no_tree() {
    let (cells, targets) = (vec![(0..100).map(|i| i as f32).collect::<Vec<_>>()], [3.5; 100]);
    for loss in [Loss::Absolute, Loss::Quantile(0.9), Loss::Squared, Loss::Tweedie(1.3)] {
        let booster = fit(&lesson(&binned(&cells), &targets), &BoostSettings::for_loss(loss), Seed(1)).expect("rows");
        assert_eq!(booster.rounds(), 0, "{loss:?}");
        // the start is kept in single precision
        assert!((booster.predict_row(&[7.0]).expect("a cell") - 3.5).abs() < 1e-6);
        assert_eq!(booster.importance(), [0.0]);
    }
}
