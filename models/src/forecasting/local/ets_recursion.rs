//! The recursion of exponential smoothing in its error-correction form (Hyndman, Koehler, Ord and Snyder, Forecasting
//! with Exponential Smoothing, 2008, table 2.2 and 2.3).
//! In: values, smoothing weights, the state before the first. Out: the likelihood's sums; the state after the last.
//! Never: an allocation.
//!
//! One loop serves all shapes; the compiler makes one of each, without a branch inside. Logarithms are taken of
//! products of many levels at a time.

use serde::{Deserialize, Serialize};

/// A product of levels is turned into its logarithm when it leaves this range.
const PRODUCT_RANGE: std::ops::Range<f64> = 1e-150..1e150;

/// The season's part in the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Season {
    /// No season.
    None,
    /// Added.
    Additive,
    /// A factor.
    Multiplicative,
}

/// Which of the family: `MAdN` has multiplicative errors, a damped trend and no season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Errors are a share of the mean.
    pub multiplicative_error: bool,
    /// A trend that dies out; else none.
    pub damped_trend: bool,
    /// The season.
    pub season: Season,
}

impl Shape {
    /// Its name in the literature.
    pub fn name(self) -> &'static str {
        match (self.multiplicative_error, self.damped_trend, self.season) {
            (false, false, Season::None) => "ANN",
            (false, false, Season::Additive) => "ANA",
            (false, false, Season::Multiplicative) => "ANM",
            (false, true, Season::None) => "AAdN",
            (false, true, Season::Additive) => "AAdA",
            (false, true, Season::Multiplicative) => "AAdM",
            (true, false, Season::None) => "MNN",
            (true, false, Season::Additive) => "MNA",
            (true, false, Season::Multiplicative) => "MNM",
            (true, true, Season::None) => "MAdN",
            (true, true, Season::Additive) => "MAdA",
            (true, true, Season::Multiplicative) => "MAdM",
        }
    }
}

/// How fast each part of the state follows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Smoothing {
    pub alpha: f64,
    pub beta: f64,
    pub gamma: f64,
    /// What is left of the trend after a step.
    pub phi: f64,
}

/// Level and trend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub level: f64,
    pub trend: f64,
}

/// What the likelihood is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    /// Squared errors, relative ones where the error is multiplicative.
    pub squares: f64,
    /// Logarithms of the means, where the error is multiplicative.
    pub logarithms: f64,
    /// The lowest mean, and level where the season is a factor.
    pub lowest: f64,
}

/// Runs over the values. `seasons` holds one part a phase, the first being the first value's.
pub(super) fn run(shape: Shape, values: &[f64], smoothing: Smoothing, state: &mut State, seasons: &mut [f64]) -> Sums {
    const NONE: u8 = 0;
    const ADDITIVE: u8 = 1;
    const MULTIPLICATIVE: u8 = 2;
    let run = match (shape.multiplicative_error, shape.damped_trend, shape.season) {
        (false, false, Season::None) => sweep::<false, false, NONE>,
        (false, false, Season::Additive) => sweep::<false, false, ADDITIVE>,
        (false, false, Season::Multiplicative) => sweep::<false, false, MULTIPLICATIVE>,
        (false, true, Season::None) => sweep::<false, true, NONE>,
        (false, true, Season::Additive) => sweep::<false, true, ADDITIVE>,
        (false, true, Season::Multiplicative) => sweep::<false, true, MULTIPLICATIVE>,
        (true, false, Season::None) => sweep::<true, false, NONE>,
        (true, false, Season::Additive) => sweep::<true, false, ADDITIVE>,
        (true, false, Season::Multiplicative) => sweep::<true, false, MULTIPLICATIVE>,
        (true, true, Season::None) => sweep::<true, true, NONE>,
        (true, true, Season::Additive) => sweep::<true, true, ADDITIVE>,
        (true, true, Season::Multiplicative) => sweep::<true, true, MULTIPLICATIVE>,
    };
    run(values, smoothing, state, seasons)
}

fn sweep<const SHARE: bool, const DAMPED: bool, const SEASON: u8>(
    values: &[f64],
    smoothing: Smoothing,
    state: &mut State,
    seasons: &mut [f64],
) -> Sums {
    let mut sums = Sums { squares: 0.0, logarithms: 0.0, lowest: f64::INFINITY };
    let mut product = 1.0;
    let mut now = *state;
    if SEASON == 0 {
        let mut unused = 0.0;
        for &value in values {
            step::<SHARE, DAMPED, SEASON>(value, smoothing, &mut now, &mut unused, &mut sums, &mut product);
        }
    } else {
        for round in values.chunks(seasons.len()) {
            for (&value, part) in round.iter().zip(seasons.iter_mut()) {
                step::<SHARE, DAMPED, SEASON>(value, smoothing, &mut now, part, &mut sums, &mut product);
            }
        }
    }
    *state = now;
    sums.logarithms += product.ln();
    sums
}

#[inline(always)]
fn step<const SHARE: bool, const DAMPED: bool, const SEASON: u8>(
    value: f64,
    smoothing: Smoothing,
    state: &mut State,
    part: &mut f64,
    sums: &mut Sums,
    product: &mut f64,
) {
    let drift = if DAMPED { smoothing.phi * state.trend } else { 0.0 };
    let base = state.level + drift;
    let mean = match SEASON {
        0 => base,
        1 => base + *part,
        _ => base * *part,
    };
    let error = value - mean;
    let surprise = if SEASON == 2 { value / *part - base } else { error };
    state.level = base + smoothing.alpha * surprise;
    if DAMPED {
        state.trend = drift + smoothing.beta * surprise;
    }
    match SEASON {
        0 => {}
        1 => *part += smoothing.gamma * error,
        _ => *part += smoothing.gamma * (value / base - *part),
    }
    if SHARE {
        let share = error / mean;
        sums.squares += share * share;
        sums.lowest = sums.lowest.min(if SEASON == 2 { base.min(mean) } else { mean });
        *product *= mean;
        if !PRODUCT_RANGE.contains(product) {
            sums.logarithms += product.ln();
            *product = 1.0;
        }
    } else {
        sums.squares += error * error;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMOOTHING: Smoothing = Smoothing { alpha: 0.3, beta: 0.1, gamma: 0.2, phi: 0.9 };

    /// Three steps by hand, from table 2.2.
    #[test]
    fn each_shape_follows_its_table() {
        let shape = Shape { multiplicative_error: false, damped_trend: true, season: Season::Additive };
        let (mut state, mut seasons) = (State { level: 10.0, trend: 1.0 }, vec![2.0, -2.0]);
        let sums = run(shape, &[13.9], SMOOTHING, &mut state, &mut seasons);
        // mean 10 + 0.9 + 2 = 12.9, error 1
        assert!((state.level - 11.2).abs() < 1e-12 && (state.trend - 1.0).abs() < 1e-12, "{state:?}");
        assert!((seasons[0] - 2.2).abs() < 1e-12 && seasons[1] == -2.0, "{seasons:?}");
        assert!((sums.squares - 1.0).abs() < 1e-12);

        let shape = Shape { multiplicative_error: true, damped_trend: false, season: Season::Multiplicative };
        let (mut state, mut seasons) = (State { level: 10.0, trend: 0.0 }, vec![1.2, 0.8]);
        let sums = run(shape, &[15.0, 8.0], SMOOTHING, &mut state, &mut seasons);
        // mean 12, error 3 = a quarter; level 10 + .3 (15/1.2 - 10) = 10.75; factor 1.2 + .2 (15/10 - 1.2) = 1.26
        // mean 8.6, error -.6; level 10.75 + .3 (8/.8 - 10.75) = 10.525; factor .8 + .2 (8/10.75 - .8)
        assert!((state.level - 10.525).abs() < 1e-12, "{state:?}");
        assert!((seasons[0] - 1.26).abs() < 1e-12 && (seasons[1] - (0.8 + 0.2 * (8.0 / 10.75 - 0.8))).abs() < 1e-12, "{seasons:?}");
        assert!((sums.squares - (0.25_f64.powi(2) + (0.6_f64 / 8.6).powi(2))).abs() < 1e-12);
        assert!((sums.logarithms - (12.0_f64.ln() + 8.6_f64.ln())).abs() < 1e-12);
        assert!((sums.lowest - 8.6).abs() < 1e-12);
    }

    #[test]
    fn logarithms_of_products_are_sums_of_logarithms() {
        let shape = Shape { multiplicative_error: true, damped_trend: false, season: Season::None };
        for size in [1e-9, 1.0, 1e9] {
            let values: Vec<f64> = (0..300).map(|step| size * (1.0 + f64::from(step % 7))).collect();
            let mut state = State { level: size, trend: 0.0 };
            let whole = run(shape, &values, SMOOTHING, &mut state, &mut []).logarithms;
            let mut state = State { level: size, trend: 0.0 };
            let parts: f64 = values.iter().map(|value| run(shape, &[*value], SMOOTHING, &mut state, &mut []).logarithms).sum();
            assert!((whole - parts).abs() < 1e-9 * parts.abs(), "{whole} {parts}");
        }
    }
}
