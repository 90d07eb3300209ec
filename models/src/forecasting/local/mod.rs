//! Models of one series from its own past.
//! In: values without gaps, oldest first, and the season's length. Out: a fitted model that forecasts, says its spread
//! by horizon, and moves on by a value. Never: a gap bridged, a transform chosen, a clock, randomness.
//!
//! `ets`, `theta` and `ces` are exponential smoothing in three forms; `sba` and `tsb` are for demand with many zeros;
//! `mstl` takes several seasons out and leaves the rest to `ets`. `simplex` searches, `decomposition` finds seasons,
//! `stl` smooths. A season below 2 is none; a season that was not seen twice is not used.

pub mod ces;
mod decomposition;
pub mod ets;
mod ets_recursion;
pub mod mstl;
pub mod sba;
mod simplex;
pub(in crate::forecasting) mod stl;
#[cfg(test)]
mod textbook;
pub mod theta;
pub mod tsb;

/// Values a series needs to be fitted at all; see `track`, which lets nobody speak before.
pub const LEAST_VALUES: usize = super::track::MIN_OBSERVED;

/// A model of one series, fitted.
pub trait Local {
    /// The mean of each of the next `horizon` steps.
    fn forecast(&self, horizon: usize) -> Vec<f64>;

    /// The standard deviation of each of the next `horizon` steps, by the model's own in-sample errors.
    fn spread(&self, horizon: usize) -> Vec<f64>;

    /// Takes the next value in. What was learnt stays, the state moves on.
    fn update(&mut self, value: f64);
}

/// Why a series cannot be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// The series has not been seen for long enough.
    #[error("{values} values are too few, {needed} are needed")]
    TooShort {
        /// Values given.
        values: usize,
        /// Values the model needs.
        needed: usize,
    },
    /// A value is a gap, or infinite.
    #[error("value {step} is `{value}`, a number is needed")]
    NotFinite {
        /// Position, from 0.
        step: usize,
        /// What stood there.
        value: f64,
    },
    /// A value is outside what the model is made for.
    #[error("value {step} is `{value}`, the model needs values {needed}")]
    OutOfRange {
        /// Position, from 0.
        step: usize,
        /// What stood there.
        value: f64,
        /// What is needed, in words.
        needed: &'static str,
    },
}

/// Refuses what no model here can be fitted to.
fn check(values: &[f64]) -> Result<(), Unfit> {
    if let Some((step, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(Unfit::NotFinite { step, value });
    }
    if values.len() < LEAST_VALUES {
        return Err(Unfit::TooShort { values: values.len(), needed: LEAST_VALUES });
    }
    Ok(())
}

/// Refuses what no model of demand can be fitted to.
fn check_demand(values: &[f64]) -> Result<(), Unfit> {
    check(values)?;
    match values.iter().enumerate().find(|(_, value)| **value < 0.0) {
        Some((step, &value)) => Err(Unfit::OutOfRange { step, value, needed: "not below zero" }),
        None => Ok(()),
    }
}

/// The season to be used: 1 where there is none, or where two whole ones were not seen.
fn usable_season(values: &[f64], season: usize) -> usize {
    if season >= 2 && values.len() >= 2 * season { season } else { 1 }
}

/// The size of the values, so that searches run on numbers about one; 1 where all are zero.
fn scale(values: &[f64]) -> f64 {
    let mean = values.iter().map(|value| value.abs()).sum::<f64>() / values.len() as f64;
    if mean > 0.0 { mean } else { 1.0 }
}

fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fit = fn(&[f64], usize) -> Result<Box<dyn Local>, Unfit>;

    /// Every model behind the same door, in alphabetic order.
    const MODELS: [(&str, Fit); 6] = [
        ("ces", |values, season| ces::fit(values, season).map(|fitted| Box::new(fitted) as Box<dyn Local>)),
        ("ets", |values, season| ets::fit(values, season).map(|fitted| Box::new(fitted) as Box<dyn Local>)),
        ("mstl", |values, season| mstl::fit(values, &[season]).map(|fitted| Box::new(fitted) as Box<dyn Local>)),
        ("sba", |values, _| sba::fit(values).map(|fitted| Box::new(fitted) as Box<dyn Local>)),
        ("theta", |values, season| theta::fit(values, season).map(|fitted| Box::new(fitted) as Box<dyn Local>)),
        ("tsb", |values, _| tsb::fit(values).map(|fitted| Box::new(fitted) as Box<dyn Local>)),
    ];

    fn check_each(values: &[f64], season: usize, claim: impl Fn(&str, Box<dyn Local>)) {
        for (name, fit) in MODELS {
            claim(name, fit(values, season).unwrap_or_else(|unfit| panic!("{name}: {unfit}")));
        }
    }

    #[test]
    fn too_short_and_gaps_are_refused_in_words() {
        for (name, fit) in MODELS {
            let refused = |values: &[f64]| fit(values, 1).err().map(|unfit| unfit.to_string());
            assert_eq!(refused(&[]), Some("0 values are too few, 8 are needed".to_string()), "{name}");
            assert_eq!(refused(&[1.0; 7]), Some("7 values are too few, 8 are needed".to_string()), "{name}");
            let mut gap = [1.0; 9];
            gap[3] = f64::NAN;
            assert_eq!(refused(&gap), Some("value 3 is `NaN`, a number is needed".to_string()), "{name}");
        }
    }

    #[test]
    fn a_constant_stays_and_is_certain() {
        for level in [0.0, 4.0] {
            for (season, steps) in [(1, 8), (1, 50), (7, 50), (52, 50)] {
                check_each(&vec![level; steps], season, |name, fitted| {
                    // SBA takes half its smoothing weight off by definition (Syntetos and Boylan 2005)
                    let expect = if name == "sba" { level * (1.0 - sba::SMOOTHING / 2.0) } else { level };
                    for (mean, spread) in fitted.forecast(20).into_iter().zip(fitted.spread(20)) {
                        assert!((mean - expect).abs() < 1e-6, "{name} of {level}, season {season}: {mean}");
                        assert!((0.0..=level * 0.06).contains(&spread), "{name} of {level}, season {season}: {spread}");
                    }
                });
            }
        }
    }

    #[test]
    fn one_spike_long_ago_is_forgotten() {
        let mut values = vec![10.0; 90];
        values[30] = 400.0;
        check_each(&values, 7, |name, fitted| {
            for mean in fitted.forecast(14) {
                // an additive season learnt by averages keeps a thirteenth of the spike of 390
                assert!((mean - 10.0).abs() < 31.0, "{name}: {mean}");
            }
        });
    }

    #[test]
    fn the_same_is_said_twice_and_means_are_finite() {
        let wild: Vec<f64> =
            (0..120).map(|step| ((step * step * 37 + step * 11) % 101) as f64 * if step % 9 == 0 { 40.0 } else { 1.0 }).collect();
        for (name, fit) in MODELS {
            let said = || fit(&wild, 7).map(|fitted| (fitted.forecast(40), fitted.spread(40)));
            let first = said();
            assert_eq!(first, said(), "{name}");
            let (means, spreads) = first.unwrap_or_else(|unfit| panic!("{name}: {unfit}"));
            assert!(means.iter().chain(&spreads).all(|value| value.is_finite()), "{name}: {means:?} {spreads:?}");
            assert!(spreads.iter().all(|spread| *spread > 0.0), "{name}: {spreads:?}");
        }
    }

    #[test]
    fn scale_does_not_matter() {
        let values: Vec<f64> = textbook::AIR_PASSENGERS.to_vec();
        let larger: Vec<f64> = values.iter().map(|value| value * 1024.0).collect();
        for (name, fit) in MODELS {
            let said = |values: &[f64]| fit(values, 12).map(|fitted| fitted.forecast(24)).expect("fitted");
            for (one, other) in said(&values).into_iter().zip(said(&larger)) {
                // a power of two changes no mantissa, so only logarithms can differ
                assert!((one * 1024.0 - other).abs() < 1e-6 * other.abs(), "{name}: {one} {other}");
            }
        }
    }

    #[test]
    fn a_longer_horizon_changes_no_earlier_step() {
        check_each(&textbook::AIR_PASSENGERS, 12, |name, fitted| {
            assert_eq!(fitted.forecast(30)[..7], fitted.forecast(7)[..], "{name}");
            assert_eq!(fitted.spread(30)[..7], fitted.spread(7)[..], "{name}");
            assert!(fitted.forecast(0).is_empty() && fitted.spread(0).is_empty(), "{name}");
        });
    }

    #[test]
    fn spreads_grow_by_what_an_error_leaves_behind() {
        // Values below zero leave only shapes that are linear in their errors.
        let values = textbook::weekly();
        for (name, fit) in MODELS.into_iter().filter(|(name, _)| ["ces", "ets", "mstl", "theta"].contains(name)) {
            for season in [1, 7] {
                let after = |surprise: f64| {
                    let mut fitted = fit(&values, season).expect("fitted");
                    let said = fitted.forecast(1)[0];
                    fitted.update(said + surprise);
                    fitted.forecast(20)
                };
                let fitted = fit(&values, season).expect("fitted");
                let (said, spreads) = (fitted.forecast(21), fitted.spread(21));
                for (ahead, (with, without)) in after(1.0).into_iter().zip(after(0.0)).enumerate() {
                    let echo = with - without;
                    let grown = (spreads[ahead + 1].powi(2) - spreads[ahead].powi(2)) / spreads[0].powi(2);
                    assert!((without - said[ahead + 1]).abs() < 1e-9, "{name}: no surprise, {without} for {}", said[ahead + 1]);
                    // Theta's echoes move with the step they start at, so only the first is the same for all
                    assert!(
                        name == "theta" && ahead > 0 || (grown - echo * echo).abs() < 1e-9,
                        "{name} {season} {ahead}: {grown} for {echo} squared"
                    );
                }
            }
        }
    }
}
