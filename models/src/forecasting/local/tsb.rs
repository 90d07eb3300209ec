//! Demand with many zeros that may die out (Teunter, Syntetos and Babai, Intermittent demand: linking forecasting to
//! inventory obsolescence, European Journal of Operational Research 214, 2011).
//! In: values, none below zero. Out: `FittedTsb`, a demand per step. Never: a forecast that stays while nothing sells.

use super::{Local, Unfit, check_demand};
use serde::{Deserialize, Serialize};

/// Weights tried for the size of a demand and for its chance (Teunter, Syntetos and Babai 2011, section 4); the pair
/// with the least squared errors is kept, the first of equals.
const SMOOTHINGS: [f64; 5] = [0.02, 0.05, 0.1, 0.2, 0.3];
/// Values at the start whose errors do not count.
const UNCOUNTED: usize = 3;

/// The method of Teunter, Syntetos and Babai, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedTsb {
    size_weight: f64,
    chance_weight: f64,
    /// Size of a demand, 0 before the first.
    size: f64,
    /// Chance of a demand at a step.
    chance: f64,
    squares: f64,
    steps: usize,
}

/// Tries the weights; the first value tells the first chance, the first demand the first size.
pub fn fit(values: &[f64]) -> Result<FittedTsb, Unfit> {
    check_demand(values)?;
    let mut best = fit_with(values, SMOOTHINGS[0], SMOOTHINGS[0]);
    for size_weight in SMOOTHINGS {
        for chance_weight in SMOOTHINGS {
            let fitted = fit_with(values, size_weight, chance_weight);
            if fitted.squares < best.squares {
                best = fitted;
            }
        }
    }
    Ok(best)
}

/// Runs over the values with given weights.
fn fit_with(values: &[f64], size_weight: f64, chance_weight: f64) -> FittedTsb {
    let mut fitted = FittedTsb { size_weight, chance_weight, size: 0.0, chance: 0.0, squares: 0.0, steps: 0 };
    values.iter().for_each(|value| fitted.update(*value));
    fitted
}

impl Local for FittedTsb {
    fn forecast(&self, horizon: usize) -> Vec<f64> {
        vec![self.size * self.chance; horizon]
    }

    /// No closed form is known: the root mean square of the errors one step ahead.
    fn spread(&self, horizon: usize) -> Vec<f64> {
        vec![(self.squares / self.steps.saturating_sub(UNCOUNTED).max(1) as f64).sqrt(); horizon]
    }

    fn update(&mut self, value: f64) {
        if self.steps >= UNCOUNTED {
            self.squares += (value - self.size * self.chance).powi(2);
        }
        let sold = f64::from(u8::from(value > 0.0));
        let chance_weight = if self.steps == 0 { 1.0 } else { self.chance_weight };
        self.chance += chance_weight * (sold - self.chance);
        if value > 0.0 {
            let size_weight = if self.size == 0.0 { 1.0 } else { self.size_weight };
            self.size += size_weight * (value - self.size);
        }
        self.steps += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::local::textbook::lumpy;

    #[test]
    fn the_chance_falls_while_nothing_sells() {
        let mut fitted = fit_with(&[2.0, 0.0, 6.0], 0.5, 0.2);
        // chance 1, .8, .84; size 2, 2, 4
        assert!((fitted.forecast(1)[0] - 0.84 * 4.0).abs() < 1e-12);
        fitted.update(0.0);
        assert!((fitted.forecast(2)[1] - 0.672 * 4.0).abs() < 1e-12);
        assert_eq!(fit(&[0.0; 20]).expect("fitted").forecast(3), vec![0.0; 3]);
        assert_eq!(fit(&[-1.0; 8]).expect_err("below").to_string(), "value 0 is `-1`, the model needs values not below zero");
    }

    #[test]
    fn a_demand_that_died_out_is_learnt_faster_than_one_that_lives() {
        let mut dead = lumpy();
        dead.resize(140, 0.0);
        assert!(fit(&dead).expect("fitted").forecast(1)[0] < 0.05);
        assert!(fit(&lumpy()).expect("fitted").forecast(1)[0] > 0.5);
    }

    /// statsforecast 2.1.1: `TSB(alpha_d=0.2, alpha_p=0.1).forecast(y, h=1)["mean"]`.
    #[test]
    fn the_reference_is_met() {
        let found = fit_with(&lumpy(), 0.2, 0.1).forecast(1)[0];
        // sums in another order
        assert!((found - REFERENCE).abs() < 1e-9, "{found}");
    }

    const REFERENCE: f64 = 1.706_726_820_697;

    #[test]
    fn an_update_is_a_longer_fit() {
        let mut fitted = fit_with(&lumpy()[..40], 0.2, 0.1);
        lumpy()[40..].iter().for_each(|value| fitted.update(*value));
        assert_eq!(fitted, fit_with(&lumpy(), 0.2, 0.1));
    }
}
