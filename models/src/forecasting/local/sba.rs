//! Croston's method without its bias, for demand with many zeros (Syntetos and Boylan, The accuracy of intermittent
//! demand estimates, International Journal of Forecasting 21, 2005).
//! In: values, none below zero. Out: `FittedSba`, a demand per step. Never: a forecast that falls while nothing sells.

use super::{Local, Unfit, check_demand};
use serde::{Deserialize, Serialize};

/// Weight of the newest demand and interval (Syntetos and Boylan 2005, section 4; statsforecast 2.1.1, `CrostonSBA`).
pub const SMOOTHING: f64 = 0.1;

/// Croston's method after Syntetos and Boylan, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedSba {
    /// Size of a demand, and steps from one to the next; both zero before the first.
    size: f64,
    interval: f64,
    /// Steps since the last demand.
    since: f64,
    squares: f64,
    steps: usize,
}

/// Runs over the values; the first demand and its distance from the start are the first size and interval.
pub fn fit(values: &[f64]) -> Result<FittedSba, Unfit> {
    check_demand(values)?;
    let mut fitted = FittedSba { size: 0.0, interval: 0.0, since: 0.0, squares: 0.0, steps: 0 };
    values.iter().for_each(|value| fitted.update(*value));
    Ok(fitted)
}

impl FittedSba {
    fn mean(&self) -> f64 {
        if self.interval > 0.0 { (1.0 - SMOOTHING / 2.0) * self.size / self.interval } else { 0.0 }
    }
}

impl Local for FittedSba {
    fn forecast(&self, horizon: usize) -> Vec<f64> {
        vec![self.mean(); horizon]
    }

    /// No closed form is known: the root mean square of the errors one step ahead, from the second demand on.
    fn spread(&self, horizon: usize) -> Vec<f64> {
        vec![(self.squares / self.steps.max(1) as f64).sqrt(); horizon]
    }

    fn update(&mut self, value: f64) {
        if self.interval > 0.0 {
            self.squares += (value - self.mean()).powi(2);
            self.steps += 1;
        }
        self.since += 1.0;
        if value > 0.0 {
            let weight = if self.interval > 0.0 { SMOOTHING } else { 1.0 };
            self.size += weight * (value - self.size);
            self.interval += weight * (self.since - self.interval);
            self.since = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::local::textbook::lumpy;

    #[test]
    fn sizes_and_intervals_are_smoothed_apart() {
        let fitted = fit(&[0.0, 0.0, 4.0, 0.0, 9.0, 0.0, 0.0, 0.0]).expect("fitted");
        // size 4 + .1 (9 - 4), interval 3 + .1 (2 - 3)
        let expect = 0.95 * 4.5 / 2.9;
        assert!((fitted.forecast(1)[0] - expect).abs() < 1e-12);
        assert_eq!(fit(&[0.0; 20]).expect("fitted").forecast(3), vec![0.0; 3]);
        assert_eq!(
            fit(&[1.0, 2.0, -1.0, 3.0, 4.0, 5.0, 6.0, 7.0]).expect_err("below").to_string(),
            "value 2 is `-1`, the model needs values not below zero"
        );
    }

    /// statsforecast 2.1.1: `CrostonSBA().forecast(y, h=1)["mean"]`.
    #[test]
    fn the_reference_is_met() {
        let found = fit(&lumpy()).expect("fitted").forecast(1)[0];
        // sums in another order
        assert!((found - REFERENCE).abs() < 1e-9, "{found}");
    }

    const REFERENCE: f64 = 1.742_462_341_249;

    #[test]
    fn an_update_is_a_longer_fit() {
        let mut fitted = fit(&lumpy()[..40]).expect("fitted");
        lumpy()[40..].iter().for_each(|value| fitted.update(*value));
        assert_eq!(fitted, fit(&lumpy()).expect("fitted"));
    }
}
