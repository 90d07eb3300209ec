//! Members that learn from one series alone: exponential smoothing in its forms, and two for demand with many zeros (`local`).
//! In: the ground. Out: their forecasts at each origin. Never: a fit that depends on which origins are asked for.
//!
//! A model is fitted at every `Rhythm::refit`-th value of the series and its state moves on in between, so what it says
//! at an origin is the same whether that origin is the cutoff or one of many in a backtest.

use super::ground::{Ground, Past};
use super::local::{Local, Unfit, ces, ets, mstl, sba, theta, tsb};
use super::model::{Fitted, Model};
use super::rhythm::Rhythm;
use super::threads::each;
use super::track::Track;
use nongshi_domain::Target;

type Said = Result<Vec<f64>, String>;

type Fit = fn(&[f64], &Rhythm) -> Result<Box<dyn Local>, Unfit>;

/// A model of one series.
pub(super) struct Single {
    name: &'static str,
    prior: f64,
    reads: Reads,
    fit: Fit,
}

/// What a model is made for.
#[derive(Clone, Copy, PartialEq)]
enum Reads {
    /// Demand in its own unit; of prices it does not speak.
    Demand,
    /// Transformed values of any kind.
    Transformed,
}

/// Complex exponential smoothing.
pub(super) static CES: Single =
    Single { name: "ces", prior: 1.0, reads: Reads::Transformed, fit: |values, rhythm| Ok(Box::new(ces::fit(values, rhythm.own_season)?)) };
/// Exponential smoothing chosen by criterion.
pub(super) static ETS: Single =
    Single { name: "ets", prior: 1.0, reads: Reads::Transformed, fit: |values, rhythm| Ok(Box::new(ets::fit(values, rhythm.own_season)?)) };
/// Its own season and the year taken out, the rest smoothed.
pub(super) static MSTL: Single = Single {
    name: "mstl",
    prior: 1.0,
    reads: Reads::Transformed,
    fit: |values, rhythm| Ok(Box::new(mstl::fit(values, &[rhythm.own_season, rhythm.year])?)),
};
/// Croston's method without its bias.
pub(super) static SBA: Single = Single { name: "sba", prior: 0.0, reads: Reads::Demand, fit: |values, _| Ok(Box::new(sba::fit(values)?)) };
/// Dynamic optimised Theta.
pub(super) static THETA: Single = Single {
    name: "theta",
    prior: 0.0,
    reads: Reads::Transformed,
    fit: |values, rhythm| Ok(Box::new(theta::fit(values, rhythm.own_season)?)),
};
/// Demand that may die out.
pub(super) static TSB: Single = Single { name: "tsb", prior: 0.0, reads: Reads::Demand, fit: |values, _| Ok(Box::new(tsb::fit(values)?)) };

impl Reads {
    /// What the model sees of a transformed value.
    fn read(self, track: &Track, value: f64) -> f64 {
        if self == Reads::Demand { track.transform.restore(value) } else { value }
    }

    /// What the model says, in the series' unit.
    fn restore(self, track: &Track, value: f64) -> f64 {
        if self == Reads::Demand { value.max(0.0) } else { track.transform.restore(value) }
    }
}

struct FittedSingle {
    /// By series.
    said: Vec<Said>,
}

impl Model for Single {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prior(&self, _ground: &Ground) -> f64 {
        self.prior
    }

    fn fit(&self, ground: &Ground, origins: &[usize], horizon: usize, threads: usize) -> Vec<Box<dyn Fitted>> {
        let mut by_series = each(ground.tracks.len(), threads, |series| self.walk(ground, series, origins, horizon));
        let at = |index: usize| {
            let said = by_series.iter_mut().map(|said| std::mem::replace(&mut said[index], Err(String::new()))).collect();
            Box::new(FittedSingle { said }) as Box<dyn Fitted>
        };
        (0..origins.len()).map(at).collect()
    }
}

/// A model on its way along a series.
struct Moving {
    start: usize,
    anchor: usize,
    /// The last step taken in.
    at: usize,
    model: Box<dyn Local>,
}

impl Single {
    /// What it says about a series at each origin.
    fn walk(&self, ground: &Ground, series: usize, origins: &[usize], horizon: usize) -> Vec<Said> {
        if self.reads == Reads::Demand && ground.target == Target::Price {
            return vec![Err("it is made for demand, not for prices".to_string()); origins.len()];
        }
        let track = &ground.tracks[series];
        let mut moving: Option<Moving> = None;
        let mut say = |origin: usize| -> Said {
            if track.bridged[origin].is_none() {
                return Err(format!("no value for more than {} steps", ground.rhythm.bridge));
            }
            let start = (0..origin).rev().find(|step| track.bridged[*step].is_none()).map_or(0, |gap| gap + 1);
            let count = origin + 1 - start;
            let refit = ground.rhythm.refit;
            // Short runs are fitted at the origin itself.
            let anchor = if count < 2 * refit { origin } else { start + count / refit * refit - 1 };
            let fresh = !moving.as_ref().is_some_and(|moving| moving.start == start && moving.anchor == anchor);
            if fresh {
                let values: Vec<f64> = (start..=anchor).filter_map(|step| Some(self.reads.read(track, track.bridged[step]?))).collect();
                let model = (self.fit)(&values, &ground.rhythm).map_err(|unfit| unfit.to_string())?;
                moving = Some(Moving { start, anchor, at: anchor, model });
            }
            let Some(moving) = &mut moving else { return Err("nothing was fitted".to_string()) };
            while moving.at < origin {
                moving.at += 1;
                if let Some(value) = track.bridged[moving.at] {
                    moving.model.update(self.reads.read(track, value));
                }
            }
            Ok(moving.model.forecast(horizon).into_iter().map(|value| self.reads.restore(track, value)).collect())
        };
        origins.iter().map(|origin| say(*origin)).collect()
    }
}

impl Fitted for FittedSingle {
    fn forecast(&self, _past: Past<'_>, series: usize, _horizon: usize) -> Said {
        self.said[series].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::{Cadence, Cutoff};

    #[test]
    fn models_of_demand_read_kilograms_and_do_not_speak_of_prices() {
        let sold: Vec<f64> = (0..40).map(|step| if step % 4 == 0 { 6.0 + f64::from(step % 3) } else { 0.0 }).collect();
        for (model, alone) in [(&SBA, sba::fit(&sold).map(|fit| fit.forecast(3))), (&TSB, tsb::fit(&sold).map(|fit| fit.forecast(3)))] {
            let said = |target| {
                let panel = panel_of(target, Cadence::Day, &[("a", sold.iter().copied().map(Some).collect())]);
                let ground = Ground::new(&panel, Cutoff(day("2020-02-14")), &ahead(panel.cadence, 3)).expect("values");
                model.fit(&ground, &[39], 3, 1)[0].forecast(ground.past(39), 0, 3)
            };
            for (found, expect) in said(Target::Demand).expect("demand").into_iter().zip(alone.expect("fitted")) {
                // there and back through the logarithm
                assert!((found - expect).abs() < 1e-9, "{}: {found} for {expect}", model.name);
            }
            assert!(said(Target::Price).is_err(), "{}", model.name);
        }
    }
}
