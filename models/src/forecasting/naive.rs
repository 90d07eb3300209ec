//! The value stays where it is: the rival of every price forecast.
//! In: the past. Out: its last value, repeated. Never: a bridged value.

use super::ground::{Ground, Past};
use super::model::{Fitted, Model};

/// The last value, carried forward over a gap at the end too.
pub(super) struct Naive;

struct FittedNaive;

impl Model for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn prior(&self, _ground: &Ground) -> f64 {
        0.0
    }

    fn fit(&self, _ground: &Ground, origins: &[usize], _horizon: usize, _threads: usize) -> Vec<Box<dyn Fitted>> {
        origins.iter().map(|_| Box::new(FittedNaive) as Box<dyn Fitted>).collect()
    }
}

impl Fitted for FittedNaive {
    fn forecast(&self, past: Past<'_>, series: usize, horizon: usize) -> Result<Vec<f64>, String> {
        let last = past.last_seen(series).and_then(|step| past.value(series, step));
        let last = last.ok_or_else(|| format!("no value by {}", past.ground().day(past.step)))?;
        Ok(vec![last; horizon])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::{Cadence, Cutoff, Target};

    #[test]
    fn the_last_value_is_repeated_over_a_gap_at_the_end() {
        let panel = panel_of(Target::Price, Cadence::Day, &[("a", vec![Some(1.0), None, Some(3.0)]), ("b", vec![Some(9.0); 9])]);
        let ground = Ground::new(&panel, Cutoff(day("2020-01-14")), &ahead(panel.cadence, 2)).expect("values");
        let fitted = Naive.fit(&ground, &[1, 8], 2, 1);
        assert_eq!(fitted[0].forecast(ground.past(1), 0, 2), Ok(vec![1.0, 1.0]));
        assert_eq!(fitted[1].forecast(ground.past(8), 0, 2), Ok(vec![3.0, 3.0]));
    }
}
