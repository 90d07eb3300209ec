//! How far a series' errors reach beside its kin's.
//! In: the windows of earlier origins, as far as their targets are known by now. Out: a factor a series, one for a series
//! like the pool. Never: an error of a later step.
//!
//! Reach is a walk's law in the series' own unit (`backtest`); but of two series that move alike from step to step one
//! may turn back and the other go on (Lo and MacKinlay, Stock market prices do not follow random walks, Review of
//! Financial Studies 1, 1988). So the size of the combination's errors, by reach, is compared with the pool's at the same
//! horizon and drawn toward it (Papadopoulos, Gammerman and Vovk, Normalized nonconformity measures for regression
//! conformal prediction, Artificial Intelligence and Applications 2008). A window keeps the factor known at its origin.

use super::backtest::{Window, residual};
use super::ground::Ground;

/// A series' own errors are joined by the pool's, as many as so many windows that do not overlap have.
const KIN_WINDOWS: f64 = 10.0;
/// One error counts as this many reaches at most: a typing error must not widen a series for good.
const ERROR_LIMIT: f64 = 10.0;

/// The factor of every series, from the errors of the combination that are known at `now`.
pub(super) fn factors(ground: &Ground, history: &[Vec<Window<'_>>], now: usize, horizon: usize, origin_step: usize) -> Vec<f64> {
    // By series, then horizon: the sum of the errors' sizes by reach, and how many.
    let mut own = vec![vec![(0.0, 0.0); horizon]; ground.tracks.len()];
    for window in history.iter().flatten() {
        for (step, said) in window.combined.iter().enumerate() {
            let at = window.said.origin + step + 1;
            let Some(actual) = ground.came(window.said.series, at).filter(|_| at <= now) else { continue };
            let error = residual(ground.target, actual, *said, 1.0);
            let size = error.abs() / window.said.reach[step][usize::from(error > 0.0)];
            if size.is_finite() {
                let sum = &mut own[window.said.series][step];
                *sum = (sum.0 + size.min(ERROR_LIMIT), sum.1 + 1.0);
            }
        }
    }
    let pool = |step: usize| own.iter().fold((0.0, 0.0), |sum, own: &Vec<(f64, f64)>| (sum.0 + own[step].0, sum.1 + own[step].1));
    let means: Vec<f64> = (0..horizon).map(pool).map(|(sum, count): (f64, f64)| if count > 0.0 { sum / count } else { 0.0 }).collect();
    let overlap = (horizon as f64 / origin_step.max(1) as f64).max(1.0);
    let kin = KIN_WINDOWS * overlap * horizon as f64;
    let factor = |own: &Vec<(f64, f64)>| {
        let moved = own.iter().zip(&means).filter(|(_, mean)| **mean > 0.0);
        let (sum, count) = moved.fold((0.0, 0.0), |sum, (own, mean)| (sum.0 + own.0 / mean, sum.1 + own.1));
        (sum + kin) / (count + kin)
    };
    own.iter().map(factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::backtest::Said;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::{Cadence, Cutoff, Target};

    /// Two series that stay at 10 kg; the first is missed by three kilograms, the second by one.
    fn found(origins: usize, now: usize) -> Vec<f64> {
        let panel = panel_of(Target::Demand, Cadence::Day, &[("a", vec![Some(10.0); 200]), ("b", vec![Some(10.0); 200])]);
        let ground = Ground::new(&panel, Cutoff(day("2020-07-23")), &ahead(panel.cadence, 1)).expect("values");
        let said =
            |origin: usize, series: usize| Said { origin, series, unit: 1.0, reach: vec![[1.0; 2]], members: Vec::new(), replaced: 0 };
        let all: Vec<Said> = (20..20 + origins).flat_map(|origin| (0..2).map(move |series| said(origin, series))).collect();
        let window = |said| Window { said, combined: vec![if said.series == 0 { 13.0 } else { 9.0 }], factor: 1.0 };
        let history: Vec<Vec<Window<'_>>> = all.iter().map(|said| vec![window(said)]).collect();
        factors(&ground, &history, now, 1, 1)
    }

    #[test]
    fn a_series_is_as_wide_as_its_errors_have_shown_so_far() {
        // By the pool's mean error, two, the first's are 1.5 and the second's 0.5; of ten windows half is the pool's.
        for (origins, now, expect) in [(0, 199, [1.0, 1.0]), (10, 199, [1.25, 0.75]), (90, 199, [1.45, 0.55]), (90, 30, [1.25, 0.75])] {
            for (found, expect) in found(origins, now).into_iter().zip(expect) {
                assert!((found - expect).abs() < 1e-12, "{origins} {now}: {found} for {expect}");
            }
        }
    }
}
