//! The value goes on as it went: a random walk with drift (Hyndman and Athanasopoulos, Forecasting: principles and
//! practice, 3rd edition, 2021, section 5.2), on the logarithm of a price and of one and demand.
//! In: the past. Out: the line from the first value through the last. Never: a value after the origin, a bridged value.

use super::ground::{Ground, Past};
use super::model::{Fitted, Model};

/// The line through both ends.
pub(super) struct Drift;

struct FittedDrift;

impl Model for Drift {
    fn name(&self) -> &'static str {
        "drift"
    }

    fn prior(&self, _ground: &Ground) -> f64 {
        0.0
    }

    fn fit(&self, _ground: &Ground, origins: &[usize], _horizon: usize, _threads: usize) -> Vec<Box<dyn Fitted>> {
        origins.iter().map(|_| Box::new(FittedDrift) as Box<dyn Fitted>).collect()
    }
}

impl Fitted for FittedDrift {
    fn forecast(&self, past: Past<'_>, series: usize, horizon: usize) -> Result<Vec<f64>, String> {
        let track = &past.ground().tracks[series];
        let nothing = || format!("no value by {}", past.ground().day(past.step));
        let last = past.last_seen(series).ok_or_else(nothing)?;
        let first = (0..=last).find(|step| track.observed[*step].is_some()).ok_or_else(nothing)?;
        if first == last {
            return Err("one value has no drift".to_string());
        }
        let at = |step: usize| past.value(series, step).map(|value| track.transform.apply(value)).ok_or_else(nothing);
        let (from, to) = (at(first)?, at(last)?);
        let slope = (to - from) / (last - first) as f64;
        Ok((1..=horizon).map(|ahead| track.transform.restore(to + slope * (past.step - last + ahead) as f64)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::{Cadence, Cutoff, Target};

    #[test]
    fn the_line_goes_through_both_ends_and_on_over_a_gap() {
        let values = vec![None, Some(1.0), Some(9.0), Some(4.0), None];
        let panel = panel_of(Target::Price, Cadence::Day, &[("a", values), ("b", vec![Some(9.0); 5]), ("c", vec![None, Some(1.0)])]);
        let ground = Ground::new(&panel, Cutoff(day("2020-01-10")), &ahead(panel.cadence, 2)).expect("values");
        let said = |series| Drift.fit(&ground, &[4], 2, 1)[0].forecast(ground.past(4), series, 2);
        // doubled a step: 4 at step 3, 16 at step 5
        for (found, expect) in said(0).expect("a line").into_iter().zip([16.0, 32.0]) {
            assert!((found - expect).abs() < 1e-9, "{found} for {expect}");
        }
        assert!(said(1).expect("level").iter().all(|value| (value - 9.0).abs() < 1e-9));
        assert_eq!(said(2).expect_err("one value"), "one value has no drift");
    }
}
