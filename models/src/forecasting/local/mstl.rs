//! Several seasons taken out one after the other (Bandara, Hyndman and Bergmeir, MSTL, International Journal of
//! Operational Research, 2021), and exponential smoothing without a season of what is left.
//! In: values, any list of seasons. Out: `FittedMstl`. Never: a season that was not seen twice.

use super::ets::{self, FittedEts, POOL, Season, Shape};
use super::{Local, Unfit, check, stl};
use serde::{Deserialize, Serialize};

/// Rounds over the seasons, where there is more than one (Bandara et al. 2021, algorithm 1).
const ROUNDS: usize = 2;
/// Seasons that a phase of the shortest season is smoothed over, and how many more for each longer one (ditto, 2.3).
const WINDOW: (usize, usize) = (11, 4);

/// Seasons that repeat, and exponential smoothing of the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedMstl {
    /// By season: one part a phase, the first being the next value's.
    seasons: Vec<Vec<f64>>,
    rest: FittedEts,
}

/// Takes the seasons out that were seen twice, shortest first, and fits the rest.
pub fn fit(values: &[f64], seasons: &[usize]) -> Result<FittedMstl, Unfit> {
    check(values)?;
    let Parts { seasons: parts, rest, .. } = decompose(values, seasons);
    let pool: Vec<Shape> = POOL.into_iter().filter(|shape| shape.season == Season::None).collect();
    let rest = ets::fit_among(&rest, 1, &pool)?;
    let last_of = |(season, part): (usize, Vec<f64>)| part[part.len() - season..].to_vec();
    Ok(FittedMstl { seasons: parts.into_iter().map(last_of).collect(), rest })
}

/// What values are made of.
pub(in crate::forecasting) struct Parts {
    /// Each usable season's length and part, shortest first.
    pub seasons: Vec<(usize, Vec<f64>)>,
    /// The values without the seasons.
    pub rest: Vec<f64>,
    /// The trend of the last round; none without a season.
    pub trend: Option<Vec<f64>>,
}

/// Takes out the seasons that were seen twice, shortest first.
pub(in crate::forecasting) fn decompose(values: &[f64], seasons: &[usize]) -> Parts {
    let mut usable: Vec<usize> = seasons.iter().copied().filter(|season| *season >= 2 && values.len() >= 2 * season).collect();
    usable.sort_unstable();
    usable.dedup();
    let mut parts: Vec<(usize, Vec<f64>)> = usable.into_iter().map(|season| (season, vec![0.0; values.len()])).collect();
    let (mut rest, mut trend) = (values.to_vec(), None);
    let rounds = if parts.len() > 1 { ROUNDS } else { 1 };
    for _ in 0..rounds {
        for (place, (season, part)) in parts.iter_mut().enumerate() {
            rest.iter_mut().zip(part.iter()).for_each(|(rest, part)| *rest += part);
            let found = stl::parts(&rest, *season, WINDOW.0 + WINDOW.1 * place);
            (*part, trend) = (found.0, Some(found.1));
            rest.iter_mut().zip(part.iter()).for_each(|(rest, part)| *rest -= part);
        }
    }
    Parts { seasons: parts, rest, trend }
}

impl FittedMstl {
    /// What the seasons add, `ahead` steps on, from 0.
    fn part(&self, ahead: usize) -> f64 {
        self.seasons.iter().map(|season| season[ahead % season.len()]).sum()
    }
}

impl Local for FittedMstl {
    fn forecast(&self, horizon: usize) -> Vec<f64> {
        self.rest.forecast(horizon).into_iter().enumerate().map(|(ahead, mean)| mean + self.part(ahead)).collect()
    }

    /// That of the rest: the seasons are taken as known.
    fn spread(&self, horizon: usize) -> Vec<f64> {
        self.rest.spread(horizon)
    }

    /// The seasons stay as they were learnt.
    fn update(&mut self, value: f64) {
        self.rest.update(value - self.part(0));
        self.seasons.iter_mut().for_each(|season| season.rotate_left(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::local::textbook::{AIR_PASSENGERS, weekly};

    #[test]
    fn two_seasons_on_a_level_are_told_apart() {
        let short = |step: usize| [5.0, -5.0, 0.0, 2.0, -2.0][step % 5];
        let long = |step: usize| 10.0 * (step as f64 * std::f64::consts::TAU / 24.0).sin();
        let value = |step: usize| 100.0 + short(step) + long(step);
        let values: Vec<f64> = (0..240).map(value).collect();
        for seasons in [vec![5, 24], vec![24, 5, 24, 1, 0, 900]] {
            let said = fit(&values, &seasons).expect("fitted").forecast(48);
            for (ahead, said) in said.into_iter().enumerate() {
                // two rounds leave a trace of each season in the other
                assert!((said - value(240 + ahead)).abs() < 0.5, "{ahead}: {said} for {}", value(240 + ahead));
            }
        }
    }

    #[test]
    fn without_a_usable_season_it_is_exponential_smoothing() {
        let plain: Vec<Shape> = POOL.into_iter().filter(|shape| shape.season == Season::None).collect();
        let ets = ets::fit_among(&AIR_PASSENGERS[..20], 1, &plain).expect("fitted");
        let mstl = fit(&AIR_PASSENGERS[..20], &[12]).expect("fitted");
        assert_eq!((mstl.forecast(9), mstl.spread(9)), (ets.forecast(9), ets.spread(9)));
    }

    /// statsforecast 2.1.1: `mstl(y, period=[7, 14])` of `statsforecast.mstl`, trend and remainder of steps 0, 50, 97.
    #[test]
    fn the_rest_is_that_of_the_reference() {
        let rest = decompose(&weekly(), &[7, 14]).rest;
        let found = [rest[0], rest[50], rest[97]];
        // sums in another order
        assert!(found.iter().zip(REFERENCE).all(|(found, expect)| (found - expect).abs() < 1e-8), "{found:?}");
    }

    const REFERENCE: [f64; 3] = [12.426984634032, 21.665186157038, 23.551512558266];

    #[test]
    fn an_update_moves_the_seasons_on() {
        let mut fitted = fit(&AIR_PASSENGERS, &[12]).expect("fitted");
        let said = fitted.forecast(13);
        let expect = fitted.part(12);
        fitted.update(said[0]);
        let moved = fitted.forecast(12);
        assert!((fitted.part(11) - expect).abs() < 1e-12);
        // a value that was foreseen changes nothing that was said of later ones
        assert!(moved.iter().zip(&said[1..]).all(|(one, other)| (one - other).abs() < 1e-9), "{moved:?} {said:?}");
    }
}
