//! The Theta model against its reference, plain runs and itself.
//! In: the air passengers, whole numbers. Out: claims. Never: real data.

use super::*;
use crate::forecasting::local::textbook::{AIR_PASSENGERS, weekly};

/// Squared errors by running, not by sums.
fn squares(values: &[f64], alpha: f64, level: f64, weight: f64) -> f64 {
    let mut state = State::first(values[0], alpha, level);
    let mut errors = vec![0.0];
    for value in &values[1..] {
        errors.push(value - state.mean(alpha, weight));
        state = state.next(alpha, *value);
    }
    errors[UNCOUNTED..].iter().map(|error| error * error).sum()
}

#[test]
fn what_is_solved_for_is_what_a_run_finds_best() {
    let values: Vec<f64> = AIR_PASSENGERS.iter().map(|value| value / 280.0).collect();
    let problem = Problem::new(&values);
    for alpha in [0.1, 0.35, 0.6, 0.99] {
        let found = problem.solve(alpha);
        let at = |level: f64, weight: f64| squares(&values, alpha, level, weight);
        let expect = at(found.level, found.weight);
        assert!((found.squares - expect).abs() < 1e-9 * expect, "{alpha}: {} {expect}", found.squares);
        for (level, weight) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)] {
            let nearby = (found.weight + weight).clamp(0.0, 1.0);
            // differences of sums that agree in fourteen digits
            assert!(at(found.level + level, nearby) >= expect * (1.0 - 1e-12), "{alpha} {level} {weight}");
        }
    }
}

#[test]
fn a_line_is_followed_at_half_its_slope_or_more() {
    let values: Vec<f64> = (0..60).map(|step| 50.0 + 2.0 * f64::from(step) + f64::from(step * step % 5)).collect();
    let said = fit(&values, 1).expect("fitted").forecast(10);
    assert!(said[9] - said[0] > 8.0, "{said:?}");
}

#[test]
fn an_update_is_a_longer_run_with_the_same_numbers() {
    let values = weekly();
    let mut fitted = fit(&values[..80], 7).expect("fitted");
    assert_eq!((fitted.kind, fitted.seasons.len()), (Kind::Additive, 7));
    let mut whole = fitted.clone();
    // The state is a running one: each value enters with the factor of its own phase.
    let factors = factors(&values[..80].iter().map(|value| value / fitted.scale).collect::<Vec<_>>(), 7, Kind::Additive);
    for (step, value) in values.iter().enumerate().skip(80) {
        whole.state = whole.state.next(whole.alpha, value / whole.scale - factors[step % 7]);
        fitted.update(*value);
    }
    assert_eq!(fitted.state, whole.state);
    assert_eq!(fitted.seasons[0], factors[98 % 7]);
}

/// statsforecast 2.1.1 on the air passengers: `f = auto_theta(y, m=12, model="DOTM")`, then `f["par"]`, `f["mse"]`
/// and `forecast_theta(f, h=14)["mean"]`, first and last.
#[test]
fn the_reference_is_met_with_its_parameters_and_not_missed_without() {
    let (level, alpha, theta, squares_there) =
        (-363.301_662_621_783_75, 0.724_759_416_874_159_8, 90.891_999_919_734_08, 53.680_387_852_516_475);
    let found = factors(&AIR_PASSENGERS, 12, Kind::Multiplicative);
    let rest: Vec<f64> = AIR_PASSENGERS.iter().enumerate().map(|(step, value)| value / found[step % 12]).collect();
    let size = rest.iter().sum::<f64>() / 144.0;
    let there = squares(&rest, alpha, level, 1.0 - 1.0 / theta) / size;
    // sums in another order
    assert!((there - squares_there).abs() < 1e-8, "{there}");
    let mut state = State::first(rest[0], alpha, level);
    rest[1..].iter().for_each(|value| state = state.next(alpha, *value));
    let said = means(state, alpha, 1.0 - 1.0 / theta, 14);
    assert!((said[0] * found[0] - 442.927_194_870_733_05).abs() < 1e-8 && (said[13] * found[1] - 460.338_445_470_043_1).abs() < 1e-8);
    let (alpha, level, weight) = search(&rest);
    assert!(squares(&rest, alpha, level, weight) / size <= squares_there + 1e-6);
}
